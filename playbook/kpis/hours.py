"""Where people's hours go: work AI cannot do against the rest, beside the 80/20 mark."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.kpis.comparing import frame_of
from playbook.kpis.model import Arrival, Catalogue
from playbook.tables import count, inventory, percent

if TYPE_CHECKING:
    from collections.abc import Mapping

SPLIT_COLUMNS: Mapping[str, str] = {
    "team": "str",
    "hours": "float64",
    "hours_human": "float64",
    "hours_agents": "float64",
    "hours_unknown": "float64",
    "share_human": "float64",
    "low": "float64",
    "high": "float64",
    "mark": "float64",
    "tasks": "Int64",
    "counted": "Int64",
    "coverage": "float64",
    "status": "str",
}


def time_split(tasks: pd.DataFrame, placements: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    """Each team's hours on work AI cannot do (target level 1-2) against the rest (3 and above), one row a team.

    `share_human` = human hours / (human + agents' hours), read against `mark`, the source's 0.8: today's hours by the
    nature of the work, before anything is handed over. `low` and `high` are bounds, not a sampling interval: hours
    whose whole level range is human / all hours, and hours whose range touches it or is unknown / all hours. Hours
    are runs_per_month x minutes_per_run / 60; a task without both is not in them and lowers `coverage` (tasks with
    hours and a level / tasks). Columns: team, hours, hours_human, hours_agents, hours_unknown (all hours a month),
    share_human, low, high, mark, tasks, counted, coverage, status.
    """
    work = inventory(tasks, placements)
    rows = [{"team": team, **_split(part, catalogue.arrival)} for team, part in work.groupby("team", sort=False)]
    return frame_of(rows, SPLIT_COLUMNS)


def _split(part: pd.DataFrame, arrival: Arrival) -> dict[str, Any]:
    limit, hours, level = arrival.highest_human_level, part["hours"], part["target_level"]
    timed, placed = hours.notna(), level.notna()
    human = (level <= limit).fillna(value=False).astype(bool)
    lowest, highest = part["level_low"].fillna(level), part["level_high"].fillna(level)
    surely = placed & (highest <= limit).fillna(value=False).astype(bool)
    perhaps = ~placed | (lowest <= limit).fillna(value=True).astype(bool)
    total, on_human = float(hours.sum()), float(hours[human].sum())
    on_agents, counted = float(hours[placed & ~human].sum()), int((timed & placed).sum())
    found: dict[str, Any] = {
        "hours": total,
        "hours_human": on_human,
        "hours_agents": on_agents,
        "hours_unknown": float(hours[~placed].sum()),
        "mark": arrival.human_share,
        "tasks": len(part),
        "counted": counted,
        "coverage": counted / len(part),
    }
    if on_human + on_agents > 0:
        found["share_human"] = on_human / (on_human + on_agents)
        found["low"] = float(hours[surely].sum()) / total
        found["high"] = float(hours[perhaps].sum()) / total
    return {**found, "status": _said(found, limit)}


def _said(found: Mapping[str, Any], limit: int) -> str:
    share = found.get("share_human", math.nan)
    if math.isnan(share):
        return (
            f"not yet: both hours and a level are known for {found['counted']} of {count(found['tasks'], 'task')}; "
            "needs runs a month, minutes a run and a level"
        )
    low, high = percent(found["low"]), percent(found["high"])
    doubt = f" (between {low} and {high} as levels are in doubt)" if low != high else ""
    side = "at or above" if share >= found["mark"] else "below"
    return (
        f"{percent(share)} of {found['hours_human'] + found['hours_agents']:.0f} hours a month are on work of target level "
        f"1 to {limit}, which AI cannot do{doubt}; {side} the mark of {percent(found['mark'])}, "
        f"from {found['counted']} of {count(found['tasks'], 'task')}"
    )
