"""Each role's hours a month by target level, and the change proposed for it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from playbook import tables
from playbook.roles.role_map import Direction, Directions, Match, RoleMap

NO_ROLE = "no role named"
LEVELS = (1, 2, 3, 4, 5)


def shifts(
    tasks: pd.DataFrame, placements: pd.DataFrame, role_map: RoleMap, proposals: pd.DataFrame | None = None
) -> pd.DataFrame:
    """One row a team and role (tables.ROLE_SHIFTS): its hours a month by target level and the change proposed for it.

    Spellings of one title count together. A role the map does not know keeps an empty `new_role`; tasks without a
    role stand under `no role named`; a role that only the proposals know has no tasks. A proposal's own `new_role`
    and status win over the map. Hours = runs a month x minutes a run / 60. Raises TableError for a bad table.
    """
    work = inventory(tasks, placements)
    work["key"] = work["role"].map(tables.plain_name)
    decided = read_proposals(proposals)
    rows = []
    for place, part in work.groupby(["team", "key"], sort=True):
        team, key = map(str, place)
        rows.append(_shift(team, str(part["role"].iloc[0]), part, role_map, decided.pop((team, key), None)))
    without_tasks = work.iloc[:0]
    rows += [_shift(team, row["role"], without_tasks, role_map, row) for (team, _), row in sorted(decided.items())]
    return tables.check(tables.ROLE_SHIFTS, pd.DataFrame(rows, columns=list(tables.ROLE_SHIFTS.columns)))


def inventory(tasks: pd.DataFrame, placements: pd.DataFrame) -> pd.DataFrame:
    """Each task with its levels and hours a month; a task without a role stands under `no role named`."""
    work = tables.inventory(tasks, placements)
    return work.assign(role=work["role"].fillna(NO_ROLE))


def read_proposals(proposals: pd.DataFrame | None) -> dict[tuple[str, str], dict[str, Any]]:
    """People's decisions by team and plain role title; None stands for an empty cell."""
    if proposals is None:
        return {}
    rows = tables.check(tables.ROLE_PROPOSALS, proposals).astype(object)
    rows = rows.where(rows.notna(), None)
    records: list[dict[Any, Any]] = rows.to_dict(orient="records")
    return {(row["team"], tables.plain_name(row["role"])): row for row in records}


def _shift(
    team: str, role: str, part: pd.DataFrame, role_map: RoleMap, proposal: dict[str, Any] | None
) -> dict[str, Any]:
    match = role_map.match(role)
    hours = {level: float(part.loc[part["target_level"].eq(level), "hours"].sum()) for level in LEVELS}
    row: dict[str, Any] = {
        "team": team,
        "role": role,
        "new_role": match.new_role if match else None,
        "leverage_level": match.leverage_level if match else None,
        "tasks": len(part),
        "tasks_placed": int((part["hours"].notna() & part["target_level"].notna()).sum()),
        "hours": float(part["hours"].sum()),
        "hours_unknown": float(part.loc[part["target_level"].isna(), "hours"].sum()),
        "direction": _direction(part, hours, role_map.directions),
        "status": "proposed" if match else "no proposal yet",
        "old_focus": match.old_focus if match else "",
        "new_focus": match.new_focus if match else "",
    } | {f"hours_level_{level}": value for level, value in hours.items()}
    return row | _as_decided(role, match, role_map, proposal) if proposal else row


def _as_decided(role: str, match: Match | None, role_map: RoleMap, proposal: dict[str, Any]) -> dict[str, Any]:
    said = {"new_role": proposal["new_role"], "status": proposal["status"]}
    if match and tables.plain_name(match.new_role) == tables.plain_name(proposal["new_role"]):
        return said
    change = role_map.change_to(role, proposal["new_role"])
    said["leverage_level"] = change.leverage_level if change else None
    return said | {"new_focus": change.new_focus if change else ""}


def _direction(part: pd.DataFrame, hours: dict[int, float], directions: Directions) -> Direction:
    known = part["hours"].notna() & part["target_level"].notna()
    total = sum(hours.values())
    if not total or known.mean() < directions.known_share_at_least.value:
        return "not yet known"
    for rule in directions.rules:
        if sum(hours[level] for level in rule.levels) / total >= rule.share_at_least:
            return rule.direction
    return directions.otherwise
