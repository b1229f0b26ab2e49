"""The new roles the hours suggest, each with its reasons."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from playbook.roles.hours import inventory
from playbook.roles.role_map import RoleMap, Trigger, Where


def emerging(role_map: RoleMap, tasks: pd.DataFrame, placements: pd.DataFrame) -> pd.DataFrame:
    """One row a team and new role: do the hours suggest it, and why.

    Columns: team, role, status (`suggested`, `not yet`, `not yet known`), reasons, duty, skills (names), tasks (n behind
    it). A trigger is `not yet known` while tasks lacking a rating, level or volume could still carry it over its bound.
    """
    work = inventory(tasks, placements)
    rows = []
    for team, part in work.groupby("team", sort=True):
        for role in role_map.emerging:
            found = [_trigger(trigger, part) for trigger in role.triggers]
            status = next(word for word in STATUS_ORDER if any(word == item[0] for item in found))
            reasons = "; ".join(text for word, text in found if word == status)
            skills = ", ".join(role_map.skill[skill].name for skill in role.skills)
            rows.append((team, role.role, status, reasons, role.duty, skills, len(part)))
    columns = ["team", "role", "status", "reasons", "duty", "skills", "tasks"]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[:-1], "str") | {"tasks": "Int64"})


def _trigger(trigger: Trigger, part: pd.DataFrame) -> tuple[str, str]:
    """The status of one trigger and its reason; counted once for what is sure and once for what is possible."""
    sure = pd.Series(data=True, index=part.index)
    possible = sure.copy()
    for where in trigger.where:
        holds = _holds(where, part[where.column])
        sure &= holds & part[where.column].notna()
        possible &= holds | part[where.column].isna()
    count = COUNTS[trigger.count]
    least, most = count(part[sure], trigger, open_end=False), count(part[possible], trigger, open_end=True)
    said = f"{least:,.0f} {trigger.unit}, the bound is {trigger.at_least:,.0f}"
    if least >= trigger.at_least:
        return "suggested", f"{said}: {trigger.why}"
    if most >= trigger.at_least:
        return "not yet known", f"{said}, and tasks without ratings or volume could still reach it"
    return "not yet", said


def _holds(where: Where, cells: pd.Series) -> pd.Series:
    if where.any_of is not None:
        return cells.isin(where.any_of)
    held = cells.ge(where.at_least) if where.at_least is not None else cells.le(where.at_most)
    return held.fillna(value=False).astype(bool)


def _sum(column: str) -> Callable[..., float]:
    def count(part: pd.DataFrame, _: Trigger, *, open_end: bool) -> float:
        # A task whose volume nobody knows has no upper end.
        return float("inf") if open_end and part[column].isna().any() else float(part[column].sum())

    return count


def _workflows(part: pd.DataFrame, trigger: Trigger, *, open_end: bool) -> float:
    layers = part.groupby("workflow")["layer"].agg(lambda cells: cells.nunique() + (cells.isna().sum() * open_end))
    seen = part.groupby("workflow").size().gt(0) if trigger.layers_at_least == 1 else layers.ge(trigger.layers_at_least)
    return float(seen.sum())


STATUS_ORDER = ("suggested", "not yet known", "not yet")


COUNTS: dict[str, Callable[..., float]] = {
    "hours": _sum("hours"),
    "runs": _sum("runs_per_month"),
    "workflows": _workflows,
}
