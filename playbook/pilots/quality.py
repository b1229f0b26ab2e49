"""Quality: is what the agent makes no worse, within a margin set before, on blinded scores or on the share accepted."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from playbook import intervals
from playbook.intervals import Interval
from playbook.pilots.contrast import OWN, Compared, compare
from playbook.pilots.looks import Look
from playbook.pilots.minutes import Finding, lacking, missing, short
from playbook.pilots.rule import EvidenceRule, Measure
from playbook.pilots.sides import BASELINE, TRIAL, Sides
from playbook.tables import percent

OTHER: dict[Measure, Measure] = {"blinded scores": "share accepted", "share accepted": "blinded scores"}
KINDS: dict[Measure, str] = {"blinded scores": "scored ", "share accepted": "judged "}
VERDICTS = ("kept", "not shown", "worse")


@dataclass(frozen=True)
class Quality:
    """The measure that decides, its finding, how many items it rests on, and both differences where they were taken."""

    measure: Measure
    finding: Finding
    counts: tuple[int, int]
    accepted: Interval | None
    scores: Interval | None


def quality(sides: Sides, rule: EvidenceRule, look: Look) -> Quality:
    """Whether quality was kept: "kept" when the whole interval lies above minus the margin, "worse" when below 0.

    The rule's own measure decides where enough items of both sides have it; else the other one where that has enough.
    Which one it is depends on counts alone, never on what they show. A comparison group's quality is not looked at.
    """
    taken: dict[Measure, Sides] = {
        "blinded scores": _taken(sides, sides.scores),
        "share accepted": _taken(sides, sides.accepted),
    }
    first: Measure = rule.quality_by
    second = OTHER[first]
    least = {name: min(found.counts[:2]) for name, found in taken.items()}
    measure = second if least[first] < min(rule.least, least[second]) else first
    scores, accepted = _scores(taken["blinded scores"], look), _accepted(taken["share accepted"], look)
    chosen = taken[measure]
    if lacks := lacking(chosen.counts, rule, KINDS[measure]):
        finding = Finding("not yet", f"Quality: not yet, needs {lacks}.", None, short(chosen.counts, rule))
    elif measure == "blinded scores":
        finding = _by_scores(chosen, scores, rule)
    else:
        finding = _by_share(chosen, accepted, rule)
    if measure != first and finding.verdict != "not yet":
        finding = replace(finding, reason=f"{finding.reason[:-1]}; by the {measure}, as too few have {first}.")
    return Quality(
        measure, finding, (chosen.counts[BASELINE], chosen.counts[TRIAL]), accepted, scores[1] if scores else None
    )


def _taken(sides: Sides, values: NDArray[np.float64]) -> Sides:
    """The pilot's own items that have such a value."""
    kept = sides.where(~np.isnan(values) & (sides.cells <= BASELINE))
    return Sides(kept.parts, kept.scores, kept.accepted, kept.cells, kept.days, kept.people, OWN)


def _scores(sides: Sides, look: Look) -> tuple[Compared, Interval] | None:
    found = compare(sides.scores, sides.cells, sides.people, sides.weights)
    return (found, found.interval(look.level(found.size, found.freedom))) if found else None


def _accepted(sides: Sides, look: Look) -> Interval | None:
    old, new = sides.counts[BASELINE], sides.counts[TRIAL]
    if not (old and new):
        return None
    level = look.level(old * new / (old + new), old + new - 2)
    yes = [int(sides.accepted[sides.cells == cell].sum()) for cell in (TRIAL, BASELINE)]
    found = intervals.newcombe(yes[0], new, yes[1], old, 0.95 if math.isnan(level) else 1 - level)
    assert found is not None
    return Interval(found.estimate, math.nan, math.nan, found.n) if math.isnan(level) else found


def _by_scores(sides: Sides, found: tuple[Compared, Interval] | None, rule: EvidenceRule) -> Finding:
    if found is None or not found[0].measured:
        return Finding("not yet", "Quality: not yet, the blinded scores are all equal and tell nothing apart.")
    compared, difference = found
    if not difference.measured:
        return Finding(
            "not yet",
            "Quality: not yet, too few scores for an interval that holds whenever one looks.",
            None,
            (1, 1),
        )
    margin = rule.rubric_margin.value
    verdict = _verdict(difference, margin)
    more = missing(sides, compared.error, margin, rule) if verdict == "not shown" else (0.0, 0.0)
    old, new = sides.counts[BASELINE], sides.counts[TRIAL]
    said = (
        f"Quality: {verdict}, blinded score {difference.estimate:+.2f} points (95 % interval {difference.low:+.2f} to "
        f"{difference.high:+.2f}; {old} and {new} scored) at a margin of {margin:g} points"
    )
    return Finding(verdict, f"{said}.", difference, more)


def _by_share(sides: Sides, difference: Interval | None, rule: EvidenceRule) -> Finding:
    if difference is None or not difference.measured:
        return Finding(
            "not yet",
            "Quality: not yet, too few judged for an interval that holds whenever one looks.",
            None,
            (1, 1),
        )
    margin, counts = rule.acceptance_margin.value, sides.counts
    verdict = _verdict(difference, margin)
    old, new = (sides.accepted[sides.cells == cell] for cell in (BASELINE, TRIAL))
    # One success and one failure are added: at 100 % accepted the plain formula would ask for no item at all.
    share = (new.sum() + old.sum() + 1) / (sum(counts) + 2)
    error = math.sqrt(share * (1 - share) * (1 / len(old) + 1 / len(new)))
    more = missing(sides, error, margin, rule) if verdict == "not shown" else (0.0, 0.0)
    said = (
        f"Quality: {verdict}, accepted as is or with a minor edit {percent(new.mean())} in the trial, {percent(old.mean())} "
        f"before ({_points(difference.estimate)}, 95 % interval {_points(difference.low)} to {_points(difference.high)}; "
        f"{len(old)} and {len(new)} judged) at a margin of {margin * 100:.0f} points"
    )
    return Finding(verdict, f"{said}.", difference, more)


def _verdict(difference: Interval, margin: float) -> str:
    kept, unclear, worse = VERDICTS
    if difference.low > -margin:
        return kept
    return worse if difference.high < 0 else unclear


def _points(share: float) -> str:
    return f"{100 * share:+.0f} points"
