"""Structural breaks: a name that goes silent, moves to a new level, or appears just when another goes.

A tag that was renamed or rolled out empties one channel and fills another. That is a change of the measuring and not of
the business, so a report must not call it a fall.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from playbook.agents.reporting import series as kept
from playbook.agents.reporting.anomalies import HOLIDAY, JUDGED, MISSING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playbook.agents.reporting.series import Series, Week
    from playbook.agents.reporting.settings import Cause

DAYS = 2  # in a row; one day alone is an unusual day
SILENT = 0.02  # of what was expected, and less, is silence
OFFSET = 0.5  # two opposite moves belong together when the smaller is at least this share of the larger
APART = 1  # days between the two at most
LARGE = 0.05  # of the measure's total a new name must hold to count as a break of its own
STOPPED, MISSES, LEVEL, APPEARED = "went to zero", "stopped reporting", "moved to a new level", "appeared"
COLUMNS = {
    "measure": "str",
    "name": "str",
    "kind": "str",
    "since": "datetime64[us]",
    "days": "Int64",
    "before": "float64",
    "after": "float64",
    "partner": "str",
    "partner_change": "float64",
    "cause": "str",
}


def structural(  # noqa: PLR0913 - one argument a fact about the week; the last two have a default
    series: Series,
    judged: pd.DataFrame,
    measure: str,
    week: Week,
    *,
    causes: Sequence[Cause] = (),
    regular: Sequence[str] = (),
) -> pd.DataFrame:
    """Breaks of a measure that reach into the week, one row a name.

    `judged` is `anomalies.judge` for each name with a column `name`. A break is a regular name that is silent (no row,
    or at most 2 % of the expected) for two days or more, one outside its limits on the same side for two days or more,
    or a new name with 5 % of the total; `partner` is the name whose opposite change, begun within a day of it, is half to
    double of it. Columns: measure, name, kind, since (first day), days, before and after (a day, expected and
    found), partner, partner_change (a day), cause (a known cause that covers it; empty where none is written down).
    """
    days = DAYS if series.step == 1 else 1
    rows = []
    for name, part in judged.groupby("name", sort=True):
        run = _run(part.set_index("day"), week, days, reports=str(name) in regular)
        if run is not None:
            rows.append({"measure": measure, "name": str(name), **run})
    rows += _appeared(series, measure, week)
    frame = pd.DataFrame(rows, columns=[name for name in COLUMNS if name not in ("partner", "partner_change", "cause")])
    frame = _with_partners(frame)
    frame["cause"] = [
        next((cause.what for cause in causes if cause.covers(since.date(), week.last.date(), str(name))), "")
        for since, name in zip(pd.to_datetime(frame["since"]), frame["name"], strict=True)
    ]
    return frame[list(COLUMNS)].astype(COLUMNS).reset_index(drop=True)


def _run(part: pd.DataFrame, week: Week, days: int, *, reports: bool) -> dict[str, Any] | None:
    """The last run of odd days of one kind that reaches into the week, at least `days` long."""
    part = part.loc[: week.last]
    silent = _silent(part, reports=reports)
    for kind, odd in (("", silent), (LEVEL, part["flag"] == "high"), (LEVEL, part["flag"] == "low")):
        run = _last_run(odd)
        if len(run) < days or run[-1] < week.first:
            continue
        there = part.loc[run]
        gone = kind == "" and bool((there["state"] == MISSING).all())
        expected = there["expected"].dropna()
        if expected.empty:
            return None
        return {
            "kind": kind or (MISSES if gone else STOPPED),
            "since": run[0],
            "days": len(run),
            "before": float(expected.iloc[0]),
            "after": float("nan") if gone else float(there["value"].mean()),
        }
    return None


def _silent(part: pd.DataFrame, *, reports: bool) -> pd.Series:
    judged = part["state"].isin([JUDGED, HOLIDAY]) & (part["expected"] > 0)
    empty = judged & (part["value"] <= SILENT * part["expected"])
    # a count that is often nothing is not silent on a day without any
    empty &= part["low"].fillna(0.0) > 0
    missing = (part["state"] == MISSING) & part["expected"].notna()
    return empty | (missing if reports else False)


def _last_run(odd: pd.Series) -> pd.DatetimeIndex:
    found = np.flatnonzero(odd.to_numpy())
    if not len(found):
        return pd.DatetimeIndex([])
    starts = np.flatnonzero(np.diff(found) > 1)
    first = found[starts[-1] + 1] if len(starts) else found[0]
    return pd.DatetimeIndex(odd.index[first : found[-1] + 1])


def _appeared(series: Series, measure: str, week: Week) -> list[dict[str, Any]]:
    """Names whose first row is in the week or the one before, when the source itself is older."""
    known = series.frame.dropna(subset=[measure])
    if known.empty or known["day"].min() >= week.before.first - kept.LOOK_BACK * kept.DAY / 2:
        return []
    firsts = known.groupby("name")["day"].min()
    rows = []
    for name, since in firsts[firsts >= week.before.first].items():
        own = known[(known["name"] == name) & known["day"].between(since, week.last)]
        whole = known[known["day"].between(since, week.last)][measure].sum()
        if whole > 0 and own[measure].sum() >= LARGE * whole and since <= week.last:
            days = (int((week.last - since) / kept.DAY) + 1) // series.step
            rows.append(
                {
                    "measure": measure,
                    "name": str(name),
                    "kind": APPEARED,
                    "since": since,
                    "days": days,
                    "before": 0.0,
                    "after": float(own[measure].mean()),
                }
            )
    return rows


def _with_partners(frame: pd.DataFrame) -> pd.DataFrame:
    moved = frame["after"].fillna(0.0) - frame["before"]
    partners, changes = [], []
    for place in range(len(frame)):
        change = moved.iloc[place]
        near = (frame["since"] - frame["since"].iloc[place]).abs() <= APART * kept.DAY
        against = near & (moved * change < 0) & (moved.abs() >= OFFSET * abs(change))
        against &= moved.abs() <= abs(change) / OFFSET
        best = moved[against].abs().sort_values(ascending=False).index
        partners.append("" if best.empty else frame.loc[best[0], "name"])
        changes.append(float("nan") if best.empty else float(moved[best[0]]))
    return frame.assign(partner=partners, partner_change=changes)
