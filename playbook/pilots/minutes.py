"""Time: the ratio of new minutes to old with its verdict, and where the minutes went."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from playbook.intervals import Interval
from playbook.pilots.contrast import Compared, Floats, by_person, compare, group_means
from playbook.pilots.looks import Look
from playbook.pilots.rule import EvidenceRule
from playbook.pilots.sides import BASELINE, GROUP_BASELINE, GROUP_TRIAL, TRIAL, Sides
from playbook.tables import count

SIDES = ("baseline", "trial", "comparison baseline", "comparison trial")
ORDER = (BASELINE, TRIAL, GROUP_BASELINE, GROUP_TRIAL)
MANY = 1000
FARTHEST = 20.0


@dataclass(frozen=True)
class Finding:
    """A verdict, its words, and its interval; `more` is how many items the old way and the new are still missing."""

    verdict: str
    reason: str
    interval: Interval | None = None
    more: tuple[float, float] = (0, 0)
    compared: Compared | None = None
    slack: float = math.nan


def log_minutes(sides: Sides, rule: EvidenceRule) -> Floats:
    """The logarithm of each item's minutes, the shortest raised to the rule's floor."""
    logs: Floats = np.log(np.maximum(sides.totals, rule.floor_minutes.value))
    return logs


def time(sides: Sides, rule: EvidenceRule, look: Look) -> Finding:
    """Whether time was saved: the ratio of geometric means, "saved" when its whole interval lies below 1.

    With a comparison group the ratio is that of the pilot's own change over the group's (difference-in-differences on
    log minutes).
    """
    found = compare(log_minutes(sides, rule), sides.cells, sides.people, sides.weights)
    logs = found.interval(look.level(found.size, found.freedom)) if found else None
    ratio = as_ratio(logs) if logs else None
    lacks = lacking(sides.counts, rule)
    if found is None or ratio is None or lacks:
        return Finding("not yet", f"Time: not yet, needs {lacks}.", ratio, short(sides.counts, rule), found)
    if not found.measured:
        return Finding(
            "not yet", "Time: not yet, the items hardly differ; were they timed one by one?", ratio, (0, 0), found
        )
    if not ratio.measured:
        return Finding(
            "not yet", "Time: not yet, too few for an interval that holds whenever one looks.", ratio, (1, 1), found
        )
    verdict = "saved" if ratio.high < 1 else "slower" if ratio.low > 1 else "not shown"
    more = missing(sides, found.error, found.estimate, rule) if verdict == "not shown" else (0, 0)
    said = f"Time: {verdict}, {ratio.estimate:.2f} of the old minutes{_beyond(sides, rule)} ({_basis(ratio, sides, found)}; {look.why})"
    if (sides.totals < rule.floor_minutes.value).any():
        said += f"; times under {count(rule.floor_minutes.value, 'minute')} count as that"
    slack = abs(found.estimate) / (logs.high - logs.estimate) if logs else math.nan
    return Finding(verdict, f"{said}.", ratio, more, found, slack)


def as_ratio(logs: Interval) -> Interval:
    """An interval of logarithms turned back into ratios; beyond FARTHEST it says nothing and is cut there."""
    low, high = (min(FARTHEST, max(-FARTHEST, end)) for end in (logs.low, logs.high))
    if not logs.measured:
        low = high = math.nan
    return Interval(math.exp(logs.estimate), math.exp(low), math.exp(high), logs.n)


def ledger(sides: Sides, look: Look) -> dict[str, float]:
    """Where the minutes of an item went, arithmetic means: old and new total, and the saving in its three parts.

    `minutes_saved` = `hands_on_saved` - `review_added` - `rework_added`. With a comparison group the old minutes are
    first multiplied by that group's own change, f = mean after / mean before: what the old way would take by now.
    Returns `old_minutes` (so adjusted), `new_minutes`, these four and the ends `saved_low` and `saved_high`; nothing
    without items on every side, or with a comparison group that took no time before.
    """
    if min(sides.counts) == 0:
        return {}
    means = np.array([sides.parts[sides.cells == cell].mean(axis=0) for cell in range(len(sides.weights))])
    totals, scale = means.sum(axis=1), np.ones(len(sides.weights))
    if len(totals) > 2:
        before, after = totals[GROUP_BASELINE], totals[GROUP_TRIAL]
        if before <= 0:
            return {}
        # With these factors the four means' difference is the saving to first order, so its error is theirs.
        scale = np.array([1.0, after / before, totals[BASELINE] / before, totals[BASELINE] * after / before**2])
    old, new = means[BASELINE] * scale[BASELINE], means[TRIAL]
    hands, review, rework = (float(value) for value in old - new)
    values, weights = -sides.totals * scale[sides.cells], np.array(sides.weights)
    people = sides.people
    error = None if people is None else by_person(values, sides.cells, people, weights)
    error = error or group_means(values, sides.cells, weights)
    reach = error.radius(look.level(error.size, error.freedom))
    saved = hands + review + rework
    return {
        "old_minutes": float(old.sum()),
        "new_minutes": float(new.sum()),
        "hands_on_saved": hands,
        "review_added": -review,
        "rework_added": -rework,
        "minutes_saved": saved,
        "saved_low": saved - reach,
        "saved_high": saved + reach,
    }


def lacking(counts: list[int], rule: EvidenceRule, kind: str = "") -> str:
    """Which sides have fewer items than the rule wants, in words; empty when none."""
    sides = [(counts[cell], f"{kind}{SIDES[at]}") for at, cell in enumerate(ORDER[: len(counts)])]
    lacks = [f"{count(rule.least - n, f'more {side} item')} ({n} so far)" for n, side in sides if n < rule.least]
    return ", ".join(lacks[:-1]) + (" and " if len(lacks) > 1 else "") + lacks[-1] if lacks else ""


def short(counts: list[int], rule: EvidenceRule) -> tuple[float, float]:
    """How many items the old way and the new lack of the rule's least."""
    return max(0, rule.least - counts[BASELINE]), max(0, rule.least - counts[TRIAL])


def missing(sides: Sides, error: float, effect: float, rule: EvidenceRule) -> tuple[float, float]:
    """More items the old way and the new until an effect of this size would show at the rule's chance.

    The variance shrinks as items grow: with F = error² strength / effect² a side needs F times its items. Infinite
    where there is no effect to show.
    """
    if effect == 0:
        return math.inf, math.inf
    times = error**2 * rule.strength / effect**2
    old, new = (
        max(1.0, float(math.ceil(sides.counts[cell] * times) - sides.counts[cell])) for cell in (BASELINE, TRIAL)
    )
    return old, new


def _beyond(sides: Sides, rule: EvidenceRule) -> str:
    if len(sides.weights) == 2:
        return ""
    logs = log_minutes(sides, rule)
    change = math.exp(logs[sides.cells == GROUP_TRIAL].mean() - logs[sides.cells == GROUP_BASELINE].mean())
    return f" beyond what the comparison group's own minutes did ({change:.2f} of theirs)"


def _basis(ratio: Interval, sides: Sides, found: Compared) -> str:
    counts = sides.counts
    who = (
        f", counted by {found.people} people{', each against their own' if found.unit == 'people, paired' else ''}"
        if found.people
        else ""
    )
    group = f", {counts[GROUP_BASELINE]} and {counts[GROUP_TRIAL]} of the comparison group" if len(counts) > 2 else ""
    return (
        f"95 % interval {ratio.low:.2f} to {ratio.high:.2f}; {count(counts[BASELINE], 'item')} before, "
        f"{counts[TRIAL]} in the trial{group}{who}"
    )
