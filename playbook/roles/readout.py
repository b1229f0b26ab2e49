"""What the tables say about roles: sentences, and the measures a gate asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from playbook import tables
from playbook.roles.hours import LEVELS, NO_ROLE, read_proposals
from playbook.roles.proposals import answered_for
from playbook.roles.role_map import RoleMap


def measures(
    shifts: pd.DataFrame,
    role_map: RoleMap,
    proposals: pd.DataFrame | None = None,
    teams: Iterable[str] = (),
) -> pd.DataFrame:
    """Three shares a team (tables.MEASURES): roles with a proposal, proposals decided, proposals somebody answers for.

    A proposal is decided when its status is a decision, `not yet` included; it is accountable when a role answers for
    it and another hears appeals. Teams in `teams` without a role get empty values that say what is needed.
    """
    decided = read_proposals(proposals)
    rows: list[dict[str, Any]] = []
    for team in sorted({*shifts["team"], *teams}):
        named = shifts[shifts["team"].eq(team) & shifts["role"].ne(NO_ROLE)]
        proposed = named[named["new_role"].notna()]
        found = [decided.get((team, tables.plain_name(role)), {}) for role in proposed["role"]]
        settled = proposed["status"].isin(role_map.proposals.decided).tolist()
        sure = [answered_for(item) for item in found]
        no_roles, no_change = "tasks that name the role doing them", "a role in the inventory with a proposed change"
        mapped = named["new_role"].notna().tolist()
        rows += [
            _share(team, "roles_mapped_share", mapped, "roles in the inventory have a proposal", no_roles),
            _share(team, "role_proposals_decided_share", settled, "proposals were decided", no_change),
            _share(team, "role_proposals_accountable_share", sure, "have an accountable role and an appeal", no_change),
        ]
    return tables.check(tables.MEASURES, pd.DataFrame(rows, columns=list(tables.MEASURES.columns)))


def _share(team: str, measure: str, held: list[bool], said: str, needs: str) -> dict[str, Any]:
    row: dict[str, Any] = {"team": team, "measure": measure, "unit": "share", "n": len(held)}
    if not held:
        return row | {"needs": needs}
    return row | {"value": sum(held) / len(held), "evidence": f"{sum(held)} of {len(held)} {said}"}


def findings(shifts: pd.DataFrame, role_map: RoleMap, suggested: pd.DataFrame | None = None) -> list[str]:
    """What the tables say, team by team, in sentences with their numbers; `suggested` is the frame of `emerging`."""
    if shifts.empty:
        return ["No roles yet: the inventory holds no task, so nothing can be said about any role."]
    sentences: list[str] = []
    many = len(set(shifts["team"])) > 1
    for team, part in shifts.groupby("team", sort=True):
        named, unnamed = part[part["role"].ne(NO_ROLE)], part[part["role"].eq(NO_ROLE)]
        told = [
            *_hours_said(part),
            *_unnamed_said(unnamed),
            *_directions_said(named),
            *_proposals_said(named, role_map),
        ]
        if suggested is not None:
            told += _suggested_said(suggested[suggested["team"].eq(team)])
        sentences += [f"{team}: {sentence}" if many else sentence for sentence in told]
    return sentences


def _hours_said(part: pd.DataFrame) -> Iterator[str]:
    total, tasks = part["hours"].sum(), int(part["tasks"].sum())
    known = total - part["hours_unknown"].sum()
    if not known:
        yield f"Not yet: {tables.count(tasks, 'task')} in the inventory, and none has both hours and a target level."
        return
    led = part["hours_level_4"].sum() + part["hours_level_5"].sum()
    kept = part["hours_level_1"].sum() + part["hours_level_2"].sum()
    yield (
        f"Of {known:,.0f} hours a month with a target level ({tables.count(part['tasks_placed'].sum(), 'task')}), "
        f"{tables.percent(led / known)} could be led by agents by their nature (levels 4 and 5) and {tables.percent(kept / known)} stay led by people (levels 1 and 2)."
    )
    if part["hours_unknown"].sum():
        yield f"Left out of these shares for want of a target level: {tables.count(part['hours_unknown'].sum(), 'hour')}."


def _unnamed_said(part: pd.DataFrame) -> Iterator[str]:
    if len(part):
        yield f"{tables.count(part['tasks'].sum(), 'task')} with {tables.count(part['hours'].sum(), 'hour')} a month name no role yet."


def _directions_said(part: pd.DataFrame) -> Iterator[str]:
    for direction, words in DIRECTION_WORDS.items():
        roles = part.loc[part["direction"].eq(direction) & part["new_role"].notna(), "role"]
        if len(roles):
            yield f"{words}: {', '.join(roles)} ({len(roles)} of {len(part)})."
    known = part["hours"] - part["hours_unknown"]
    mean = sum(part[f"hours_level_{level}"] * level for level in LEVELS) / known.where(known > 0)
    told = part.assign(mean=mean, gap=(mean - part["leverage_level"].astype("float64")).abs())
    for row in told[told["gap"].gt(1)].to_dict(orient="records"):
        yield (
            f"{row['role']}: the map proposes level {row['leverage_level']}, the role's hours average {row['mean']:.1f} "
            f"({tables.count(row['tasks'], 'task')}); talk about this difference before anything is agreed."
        )


def _proposals_said(part: pd.DataFrame, role_map: RoleMap) -> Iterator[str]:
    proposed = part[part["new_role"].notna()]
    without = part.loc[part["new_role"].isna(), "role"]
    settled = int(proposed["status"].isin(role_map.proposals.decided).sum())
    yield f"{settled} of {tables.count(len(proposed), 'proposal')} were decided by people; the others change nothing until they are."
    if len(without):
        yield f"The map proposes nothing for {', '.join(without)} ({len(without)}); they stay as they are until people propose a change."


def _suggested_said(part: pd.DataFrame) -> Iterator[str]:
    for row in part[part["status"].eq("suggested")].itertuples():
        yield f"The work suggests the role {row.role}: {row.reasons}."
    waiting = part.loc[part["status"].eq("not yet known"), "role"]
    if len(waiting):
        yield f"Not yet known whether these new roles are needed: {', '.join(waiting)}."


DIRECTION_WORDS: dict[str, str] = {
    "compresses": "Most hours are in work agents could lead, so the role would move to new work",
    "changes": "Hours spread over people's and agents' work, so the role would change",
    "stays human-led": "Most hours are in work people lead, so the role stays human-led",
    "not yet known": "Too little is known about the hours to say",
}
