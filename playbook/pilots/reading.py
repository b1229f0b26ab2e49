"""The readout of a pilot: one row that says of time and quality what may be said, and what is still missing for more."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from playbook import tables
from playbook.intervals import Interval
from playbook.pilots.breakages import real
from playbook.pilots.contrast import compare
from playbook.pilots.doubts import cannot_rule_out
from playbook.pilots.looks import DAYS_A_WEEK, Look, bounds, look, planned_days, planned_looks, spent, window
from playbook.pilots.minutes import MANY, Finding, as_ratio, ledger, log_minutes, time
from playbook.pilots.quality import quality
from playbook.pilots.rule import EvidenceRule
from playbook.pilots.sides import BASELINE, TRIAL, Sides
from playbook.pilots.together import shrink
from playbook.tables import count

LOOK_COLUMNS = {
    "team": "str",
    "pilot_id": "str",
    "workflow": "str",
    "look": "Int64",
    "day": "datetime64[us]",
    "n_baseline": "Int64",
    "n_trial": "Int64",
    "time_ratio": "float64",
    "ratio_low": "float64",
    "ratio_high": "float64",
    "bound": "float64",
    "share_spent": "float64",
    "says": "str",
}


def readout(pilots: pd.DataFrame, items: pd.DataFrame, breakages: pd.DataFrame, rule: EvidenceRule) -> pd.DataFrame:
    """Return tables.PILOT_READOUTS, one row a pilot, from tables.PILOTS, PILOT_ITEMS and BREAKAGES.

    `time_ratio` is the geometric mean of trial over baseline minutes, review and rework included; under a comparison
    group it is that over the group's own change. Time is "saved" when its whole interval is below 1 and "slower" when it
    is above. Quality is "kept" when the interval of the difference stays above minus the margin, "worse" when it is all
    below 0, on the measure the rule names before any data. A pilot that ended on its planned day gets the intervals of
    the last of its weekly looks; any other gets wider ones that may be looked at at any time. Items count by person
    where five people or more are known. `shrunk_ratio` reads the team's pilots together and decides nothing.
    """
    rows = [_row(pilot, of(items, pilot), of(breakages, pilot), rule) for pilot in pilots.to_dict(orient="records")]
    frame = pd.DataFrame(rows, columns=[*tables.PILOT_READOUTS.columns, "_log", "_error"])
    return tables.check(tables.PILOT_READOUTS, _together(frame, rule).drop(columns=["_log", "_error"]))


def weekly_looks(pilots: pd.DataFrame, items: pd.DataFrame, rule: EvidenceRule) -> pd.DataFrame:
    """What each planned weekly look showed, one row a look that has come; empty for pilots without dates or items.

    Columns: team, pilot_id, workflow, look (of those planned), day, n_baseline, n_trial, time_ratio with `ratio_low` and
    `ratio_high` at the bound of that look, `bound` on |z|, `share_spent` (of the 5 % of false verdicts allowed), `says`
    ("saved", "slower", "not shown", or "not yet" without an interval). The intervals of all looks together hold in 95 % of pilots.
    """
    rows = [line for pilot in pilots.to_dict(orient="records") for line in _looks(pilot, of(items, pilot), rule)]
    return pd.DataFrame(rows, columns=list(LOOK_COLUMNS)).astype(LOOK_COLUMNS)


def of(frame: pd.DataFrame, row: dict[Any, Any]) -> pd.DataFrame:
    """The rows of one team's pilot."""
    found: pd.DataFrame = frame[(frame["team"] == row["team"]) & (frame["pilot_id"] == row["pilot_id"])]
    return found


def _row(pilot: dict[Any, Any], items: pd.DataFrame, breakages: pd.DataFrame, rule: EvidenceRule) -> dict[str, Any]:
    sides = Sides.of(items, pilot["design"])
    seen = look(pilot, sides)
    timed, judged = time(sides, rule, seen), quality(sides, rule, seen)
    finding = judged.finding
    more, needed = _needed(pilot, sides, timed, finding)
    lost = real(breakages)["minutes_lost"].sum(min_count=1)
    return {
        **{name: pilot[name] for name in ("team", "pilot_id", "workflow", "level", "design")},
        "n_baseline": sides.counts[BASELINE],
        "n_trial": sides.counts[TRIAL],
        "n_comparison": sum(sides.counts[2:]),
        "looks": "any time" if seen.planned is None else "planned date",
        "counted_by": timed.compared.unit if timed.compared else "items",
        **_spread(("time_ratio", "ratio_low", "ratio_high"), timed.interval),
        **ledger(sides, seen),
        "quality_measure": judged.measure if max(judged.counts) else None,
        "judged_baseline": judged.counts[0],
        "judged_trial": judged.counts[1],
        **_spread(("quality_difference", "quality_low", "quality_high"), judged.accepted),
        **_spread(("score_difference", "score_low", "score_high"), judged.scores),
        "breakages": len(real(breakages)),
        "minutes_lost": None if pd.isna(lost) else float(lost),
        "time_verdict": timed.verdict,
        "quality_verdict": finding.verdict,
        **more,
        "still_needed": needed,
        "cannot_rule_out": cannot_rule_out(str(pilot["design"]), sides, timed, seen),
        "reason": f"{timed.reason} {finding.reason}",
        **_for_shrinkage(timed),
    }


def _needed(pilot: dict[Any, Any], sides: Sides, timed: Finding, judged: Finding) -> tuple[dict[str, Any], str]:
    """Items and weeks that both verdicts still want, and the same in words."""
    pace = _pace(pilot, sides)
    claims = [(name, found) for name, found in (("time", timed), ("quality", judged)) if max(found.more)]
    words = " ".join(_wants(name, found, pace) for name, found in claims)
    if not claims:
        settled = "not yet" not in (timed.verdict, judged.verdict)
        words = (
            "Nothing: both verdicts stand."
            if settled
            else "Items that differ: these were hardly timed or scored one by one."
        )
    old, new = (max(pair) for pair in zip(timed.more, judged.more, strict=True))
    if max(old, new) > MANY:
        return dict.fromkeys(("more_baseline", "more_trial", "more_weeks")), words
    return {"more_baseline": int(old), "more_trial": int(new), "more_weeks": new / pace if pace else None}, words


def _wants(name: str, found: Finding, pace: float | None) -> str:
    old, new = found.more
    if max(old, new) > MANY:
        return f"For {name} more than {MANY:,} items a side, so counting on will not answer it."
    parts = [f"{count(n, 'more item')} {side}" for n, side in ((old, "the old way"), (new, "with the agent")) if n]
    chance = ", to show it four times in five" if found.verdict == "not shown" else ""
    rate = f": about {count(math.ceil(new / pace), 'week')} at {pace:.1f} a week as so far" if new and pace else ""
    return f"For {name} {' and '.join(parts)}{chance}{rate}."


def _pace(pilot: dict[Any, Any], sides: Sides) -> float | None:
    """Items with the agent a week so far; the first week counts as a whole one."""
    days = sides.days[sides.cells == TRIAL]
    if not len(days):
        return None
    dates = window(pilot)
    first = min(np.datetime64(dates[0]), days.min()) if dates else days.min()
    length = int((days.max() - first) / np.timedelta64(1, "D")) + 1
    return len(days) / (max(length, DAYS_A_WEEK) / DAYS_A_WEEK)


def _for_shrinkage(timed: Finding) -> dict[str, float]:
    """The log ratio, and its radius at one look as a normal's standard error; nothing without a verdict."""
    found = timed.compared
    if timed.verdict == "not yet" or found is None:
        return {}
    return {"_log": found.estimate, "_error": found.radius(0.05) / 1.959964}


def _together(frame: pd.DataFrame, rule: EvidenceRule) -> pd.DataFrame:
    """The frame with each team's ratios shrunk together, where two or more of them have a verdict."""
    known = frame.dropna(subset=["_log", "_error"])
    for _, team in known.groupby("team"):
        if len(team) > 1:
            found = shrink(
                list(team["_log"].astype(float)), list(team["_error"].astype(float)), rule.widest_spread.value
            )
            for row, interval in zip(team.index, found, strict=True):
                cells = _spread(("shrunk_ratio", "shrunk_low", "shrunk_high"), as_ratio(interval))
                frame.loc[row, list(cells)] = list(cells.values())
    return frame


def _looks(pilot: dict[Any, Any], items: pd.DataFrame, rule: EvidenceRule) -> list[dict[str, Any]]:
    sides, dates = Sides.of(items, pilot["design"]), window(pilot)
    if dates is None or not len(sides.days):
        return []
    planned = planned_looks(*dates, sides)
    last = np.datetime64(dates[1]) if pilot["status"] == "ended" else sides.days.max()
    rows = []
    days = planned_days(*dates)
    for (day, share), bound in zip(planned.items(), bounds(list(planned.values())), strict=True):
        if np.datetime64(day) > last:
            break
        by_then = sides.until(day)
        found = compare(log_minutes(by_then, rule), by_then.cells, by_then.people, by_then.weights)
        if found is None:
            continue
        at = Look(math.erfc(bound / math.sqrt(2)), "")
        ratio = as_ratio(found.interval(at.level(found.size, found.freedom)))
        rows.append(
            {name: pilot[name] for name in ("team", "pilot_id", "workflow")}
            | {"look": days.index(day) + 1, "day": pd.Timestamp(day)}
            | {"n_baseline": by_then.counts[BASELINE], "n_trial": by_then.counts[TRIAL]}
            | _spread(("time_ratio", "ratio_low", "ratio_high"), ratio)
            | {"bound": bound, "share_spent": round(spent(share) / 0.05, 6), "says": _crossed(ratio)}
        )
    return rows


def _crossed(ratio: Interval) -> str:
    if not ratio.measured:
        return "not yet"
    return "saved" if ratio.high < 1 else "slower" if ratio.low > 1 else "not shown"


def _spread(names: tuple[str, str, str], found: Interval | None) -> dict[str, float | None]:
    ends = (found.estimate, found.low, found.high) if found else (None, None, None)
    return dict(zip(names, ends, strict=True))
