"""Pilots: what a trial shows of time saved and quality kept, what broke, and when it is too early to say.

An item's time is everything people spent on it: hands-on, review and rework, in the baseline as in the trial. While a
pilot runs its interval is one that may be looked at every week; once it has ended as planned it is the narrower one for
a single look. "not yet" means too few items, "not shown" means enough of them and still no clear answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from playbook import intervals, tables
from playbook.intervals import Interval
from playbook.tables import Authored, Sourced

NOTHING_BROKE = "nothing broke"
# 80 % power at 5 %, two-sided: (1.960 + 0.842)². Source: Chow, Shao and Wang, Sample Size Calculations in Clinical
# Research, 2nd ed. (2008), chapters 3 and 4.
_POWER = 7.849
_MANY = 1000


class Threshold(Sourced):
    """One number of the evidence rule with its unit and meaning."""

    value: float = Field(gt=0)
    unit: str = Field(min_length=1)
    meaning: str = Field(min_length=1)


class EvidenceRule(Authored):
    """How much evidence a verdict on a pilot needs; each number says its unit, meaning, source and date in the YAML.

    `least_items` counts items a side, whole and at least 2. `acceptance_margin` (a share below 1) and `rubric_margin`
    (points of a blinded 1-5 rubric, below 4) say how much worse the trial may be and still count as quality kept.
    `floor_minutes` is the shortest time told apart, as an item no person touched has no logarithm: raising both sides
    to it understates the saving, never overstates it.
    """

    least_items: Threshold
    acceptance_margin: Threshold
    rubric_margin: Threshold
    floor_minutes: Threshold

    @property
    def least(self) -> int:
        """`least_items` as a whole number."""
        return int(self.least_items.value)

    @model_validator(mode="after")
    def _in_range(self) -> EvidenceRule:
        items, share, points = self.least_items.value, self.acceptance_margin.value, self.rubric_margin.value
        faults = [
            said
            for wrong, said in (
                (items < 2 or items != int(items), f"least_items is {items:g}; wanted a whole number from 2"),
                (share >= 1, f"acceptance_margin is {share:g}; wanted a share below 1, 0.1 for ten percentage points"),
                (points >= 4, f"rubric_margin is {points:g}; wanted fewer than the 4 points from 1 to 5"),
            )
            if wrong
        ]
        if faults:
            raise ValueError("; ".join(faults))
        return self


@dataclass(frozen=True)
class _Finding:
    """A verdict, its words, and the interval for the readout's columns when it is in their unit."""

    verdict: str
    reason: str
    interval: Interval | None = None


def readout(pilots: pd.DataFrame, items: pd.DataFrame, breakages: pd.DataFrame, rule: EvidenceRule) -> pd.DataFrame:
    """Return tables.PILOT_READOUTS, one row a pilot, from tables.PILOTS, PILOT_ITEMS and BREAKAGES.

    `time_ratio` is the geometric mean of trial over baseline minutes; time is "saved" when its whole interval is below
    1 and "slower" when it is above. Quality is "kept" when the interval of the acceptance difference (Newcombe) stays
    above minus the margin, "worse" when it is all below 0; where acceptance was not judged on both sides the blinded
    rubric is used, in points, and said in `reason`. `reason` also says how many more items it takes and what the
    design cannot rule out. `minutes_saved` is an arithmetic mean and may be negative.
    """
    rows = [_row(pilot, _of(items, pilot), _of(breakages, pilot), rule) for pilot in pilots.to_dict(orient="records")]
    return tables.check(tables.PILOT_READOUTS, pd.DataFrame(rows, columns=list(tables.PILOT_READOUTS.columns)))


def findings(pilots: pd.DataFrame, items: pd.DataFrame, breakages: pd.DataFrame, rule: EvidenceRule) -> list[str]:
    """What the pilots show, in sentences: time, quality, what broke; "not yet" with what is missing."""
    rows = readout(pilots, items, breakages, rule)
    if rows.empty:
        return [
            "Not yet: no pilot is on record, so time saved, quality kept and what broke cannot be said.",
            *_strays(pilots, items, breakages),
        ]
    several = len(set(rows["team"])) > 1
    said = []
    for row in rows.to_dict(orient="records"):
        name = f"{row['team']}, {row['workflow']}" if several else str(row["workflow"])
        said += [f"{name} (level {row['level']}): {row['reason']}", f"{name}: {_broken(_of(breakages, row), row)}"]
    return [*said, *_strays(pilots, items, breakages)]


def measures(
    pilots: pd.DataFrame,
    items: pd.DataFrame,
    breakages: pd.DataFrame,
    rule: EvidenceRule,
    teams: Sequence[str] = (),
) -> pd.DataFrame:
    """Return tables.MEASURES for each team in `pilots`, and for each of `teams` even without a pilot.

    They count pilots at level 4 or 5 that run or have ended: `pilots_running`; `pilots_measured`, with a verdict on
    both time and quality; `pilots_time_saved` and `pilots_quality_kept`, empty until one pilot has such a verdict;
    `pilots_breakages_recorded`, the share (0 to 1) with a breakage or a "nothing broke" on record;
    `pilots_hours_saved`, on the timed items only and less review and rework, never extrapolated.
    """
    rows = readout(pilots, items, breakages, rule).assign(status=pilots["status"].to_numpy(dtype=object))
    rows["recorded"] = [not _of(breakages, row).empty for row in rows.to_dict(orient="records")]
    live = rows[rows["level"].isin([4, 5]) & rows["status"].isin(["running", "ended"])]
    names = dict.fromkeys([*teams, *rows["team"]])
    found = [measure for team in names for measure in _measures(team, live[live["team"] == team])]
    return tables.check(tables.MEASURES, pd.DataFrame(found, columns=list(tables.MEASURES.columns)))


def _row(pilot: dict[Any, Any], items: pd.DataFrame, breakages: pd.DataFrame, rule: EvidenceRule) -> dict[str, Any]:
    total = items[["minutes", "review_minutes", "rework_minutes"]].sum(axis=1)
    baseline, trial = (items["arm"] == arm for arm in ("baseline", "trial"))
    looked_at_once = pilot["status"] == "ended"
    time = _time(total[trial], total[baseline], rule, looked_at_once=looked_at_once)
    quality = _quality(items[trial], items[baseline], rule)
    saved = intervals.mean_difference(total[baseline], total[trial])
    reasons = [time.reason, quality.reason, _design(items, looked_at_once=looked_at_once)]
    return {
        **{name: pilot[name] for name in ("team", "pilot_id", "workflow", "level")},
        "n_baseline": int(baseline.sum()),
        "n_trial": int(trial.sum()),
        **_spread(("time_ratio", "ratio_low", "ratio_high"), time.interval),
        "minutes_saved": saved.estimate if saved else None,
        **_spread(("quality_difference", "quality_low", "quality_high"), quality.interval),
        "breakages": len(_real(breakages)),
        "time_verdict": time.verdict,
        "quality_verdict": quality.verdict,
        "reason": " ".join(reason for reason in reasons if reason),
    }


def _time(trial: pd.Series, baseline: pd.Series, rule: EvidenceRule, *, looked_at_once: bool) -> _Finding:
    ratio_of = intervals.geometric_ratio if looked_at_once else intervals.geometric_ratio_any_time
    ratio = ratio_of(trial.clip(lower=rule.floor_minutes.value), baseline.clip(lower=rule.floor_minutes.value))
    missing = _missing(len(baseline), len(trial), rule)
    if ratio is None or missing:
        return _Finding("not yet", f"Time: not yet, needs {missing}.", ratio)
    if not ratio.measured:
        return _Finding("not yet", "Time: not yet, the items hardly differ; were they timed one by one?", ratio)
    verdict = "saved" if ratio.high < 1 else "slower" if ratio.low > 1 else "not shown"
    said = (
        f"Time: {verdict}, {ratio.estimate:.2f} of the old minutes "
        f"(95 % interval {ratio.low:.2f} to {ratio.high:.2f}; {tables.count(len(baseline), 'item')} before, {len(trial)} in the trial)"
    )
    if verdict == "not shown":
        logs = [np.log(side.clip(lower=rule.floor_minutes.value)) for side in (trial, baseline)]
        variance = float(np.mean([side.var(ddof=1) for side in logs]))
        said += f"; {_more(2 * _POWER * variance, math.log(ratio.estimate), len(baseline), len(trial))}"
    if (trial < rule.floor_minutes.value).any() or (baseline < rule.floor_minutes.value).any():
        said += f"; times under {tables.count(rule.floor_minutes.value, 'minute')} count as that"
    return _Finding(verdict, f"{said}.", ratio)


def _quality(trial: pd.DataFrame, baseline: pd.DataFrame, rule: EvidenceRule) -> _Finding:
    new, old = trial["accepted"].dropna().astype(bool), baseline["accepted"].dropna().astype(bool)
    points = trial["quality"].dropna(), baseline["quality"].dropna()
    if min(len(new), len(old)) < rule.least <= min(len(side) for side in points):
        return _rubric(*points, rule)
    difference = intervals.newcombe(int(new.sum()), len(new), int(old.sum()), len(old))
    missing = _missing(len(old), len(new), rule, "judged ")
    if difference is None or missing:
        return _Finding("not yet", f"Quality: not yet, needs {missing}.", difference)
    margin = rule.acceptance_margin.value
    verdict = _not_inferior(difference, margin)
    said = (
        f"Accepted as is or with a minor edit: {tables.percent(new.mean())} in the trial, {tables.percent(old.mean())} before "
        f"({_points(difference.estimate)}, 95 % interval {_points(difference.low)} to {_points(difference.high)}; "
        f"{len(old)} and {len(new)} judged); quality {verdict} at a margin of {margin * 100:.0f} points"
    )
    if verdict == "not shown":
        # One success and one failure are added: at 100 % accepted the plain formula would ask for no item at all.
        share = (int(new.sum()) + int(old.sum()) + 1) / (len(new) + len(old) + 2)
        said += f"; {_more(2 * _POWER * share * (1 - share), margin, len(old), len(new))}"
    return _Finding(verdict, f"{said}.", difference)


def _rubric(trial: pd.Series, baseline: pd.Series, rule: EvidenceRule) -> _Finding:
    difference = intervals.mean_difference(trial, baseline)
    if difference is None or not difference.measured:
        return _Finding("not yet", "Rubric scores are all equal: not yet, they tell nothing apart.")
    verdict = _not_inferior(difference, rule.rubric_margin.value)
    said = (
        f"Rubric score {difference.estimate:+.2f} points (95 % interval {difference.low:+.2f} to "
        f"{difference.high:+.2f}; {len(baseline)} and {len(trial)} scored); quality {verdict} at a margin of "
        f"{rule.rubric_margin.value:g} points, acceptance being judged too seldom"
    )
    if verdict == "not shown":
        variance = float(trial.var(ddof=1) + baseline.var(ddof=1)) / 2
        said += f"; {_more(2 * _POWER * variance, rule.rubric_margin.value, len(baseline), len(trial))}"
    return _Finding(verdict, f"{said}.")


def _not_inferior(difference: Interval, margin: float) -> str:
    if difference.low > -margin:
        return "kept"
    return "worse" if difference.high < 0 else "not shown"


def _more(numerator: float, effect: float, old: int, new: int) -> str:
    """How many more items a side would settle it four times in five, if what was seen so far is so."""
    needed = math.inf if effect == 0 else numerator / effect**2
    if needed > _MANY:
        return f"more than {_MANY:,} items a side would be needed, so expect no answer from counting on"
    sides = [f"{max(1, math.ceil(needed) - n)} more {side}" for n, side in ((old, "before"), (new, "in the trial"))]
    return "about " + " and ".join(sides) + " would settle it four times in five"


def _missing(old: int, new: int, rule: EvidenceRule, kind: str = "") -> str:
    sides = ((old, f"{kind}baseline"), (new, f"{kind}trial"))
    lacks = [f"{tables.count(rule.least - n, f'more {side} item')} ({n} so far)" for n, side in sides if n < rule.least]
    return " and ".join(lacks)


def _design(items: pd.DataFrame, *, looked_at_once: bool) -> str:
    """What the comparison cannot rule out, by how the two sides lie in time."""
    old, new = (items.loc[items["arm"] == arm, "day"] for arm in ("baseline", "trial"))
    if old.empty or new.empty:
        return ""
    if new.min() > old.max():
        doubt = (
            "Before and after only: season, practice, easier items or a speed-up coming anyway are not ruled out; "
            "a team that kept the old way would tell."
        )
    else:
        doubt = (
            "Old and new way overlap in time, which evens out season; "
            "that easier items went to the agent is not ruled out."
        )
    shared = " Items by one person count as independent, so the intervals may be too narrow."
    looks = "" if looked_at_once else " The time interval may be looked at every week; the quality interval only once."
    return doubt + shared + looks


def _broken(breakages: pd.DataFrame, row: dict[Any, Any]) -> str:
    real = _real(breakages)
    if real.empty:
        if not breakages.empty:
            return "looked for, and on record that nothing broke."
        return (
            "no breakage is written down, nor that nothing broke; not yet known." if row["n_trial"] else "not yet run."
        )
    parts = ", ".join(f"{count} {name}" for name, count in real["category"].value_counts(sort=True).items())
    severe = int(real["severity"].isin(["major", "critical"]).sum())
    lost, open_ = real["minutes_lost"].sum(min_count=1), int(real["fix"].isna().sum())
    cost = "time lost not recorded" if pd.isna(lost) else f"{tables.count(float(lost), 'minute')} lost"
    return f"{len(real)} broke ({parts}; {severe} major or critical); {cost}, {open_} without a fix so far."


def _strays(pilots: pd.DataFrame, items: pd.DataFrame, breakages: pd.DataFrame) -> Iterator[str]:
    known = set(zip(pilots["team"], pilots["pilot_id"], strict=True))
    for noun, frame in (("timed item", items), ("breakage", breakages)):
        names = [key for key in zip(frame["team"], frame["pilot_id"], strict=True) if key not in known]
        if names:
            listed = ", ".join(f"{pilot} ({team})" for team, pilot in dict.fromkeys(names))
            belong = (
                "belongs to no pilot on record and was" if len(names) == 1 else "belong to no pilot on record and were"
            )
            yield f"{tables.count(len(names), noun)} {belong} left out: {listed}."


def _measures(team: str, live: pd.DataFrame) -> Iterator[dict[str, Any]]:
    running, recorded = len(live), int(live["recorded"].sum())
    timed, judged = (live[live[f"{kind}_verdict"] != "not yet"] for kind in ("time", "quality"))
    both = len(timed.index.intersection(judged.index))
    saved, kept = int((timed["time_verdict"] == "saved").sum()), int((judged["quality_verdict"] == "kept").sum())
    hours = float((timed["minutes_saved"] * timed["n_trial"]).sum()) / 60
    on_items = "on the trial items timed so far, review and rework subtracted"
    names = ", ".join(live["workflow"])[:500] or "none"
    pilot = "a pilot at level 4 or 5 that runs"
    items = "enough timed and judged items before and in the trial" if running else pilot
    known: list[tuple[str, float | None, str, int, str, str]] = [
        ("running", running, "pilots", running, f"at level 4 or 5, running or ended: {names}", ""),
        ("measured", both, "pilots", running, f"{both} of {running} have a verdict on time and on quality", ""),
        (
            "time_saved",
            saved if len(timed) else None,
            "pilots",
            len(timed),
            f"saved in {saved} of {len(timed)} with a verdict",
            items,
        ),
        (
            "quality_kept",
            kept if len(judged) else None,
            "pilots",
            len(judged),
            f"kept in {kept} of {len(judged)} with a verdict",
            items,
        ),
        (
            "breakages_recorded",
            recorded / running if running else None,
            "share",
            running,
            f"{recorded} of {running} have written down what broke, or that nothing did",
            pilot,
        ),
        ("hours_saved", hours if len(timed) else None, "hours", int(timed["n_trial"].sum()), on_items, items),
    ]
    for name, value, unit, n, evidence, needs in known:
        cells = (team, f"pilots_{name}", value, unit, n, evidence, needs if value is None else "")
        yield dict(zip(tables.MEASURES.columns, cells, strict=True))


def _of(frame: pd.DataFrame, row: dict[Any, Any]) -> pd.DataFrame:
    found: pd.DataFrame = frame[(frame["team"] == row["team"]) & (frame["pilot_id"] == row["pilot_id"])]
    return found


def _real(breakages: pd.DataFrame) -> pd.DataFrame:
    return breakages[~breakages["what"].str.casefold().str.startswith(NOTHING_BROKE)]


def _spread(names: tuple[str, str, str], found: Interval | None) -> dict[str, float | None]:
    ends = (found.estimate, found.low, found.high) if found else (None, None, None)
    return dict(zip(names, ends, strict=True))


def _points(share: float) -> str:
    return f"{100 * share:+.0f} points"
