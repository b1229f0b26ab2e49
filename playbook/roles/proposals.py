"""From a proposed change to something people can decide: skills, the consultation gate, the job description."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from playbook import tables
from playbook.errors import ParameterError
from playbook.roles.hours import LEVELS, read_proposals
from playbook.roles.role_map import RoleChange, RoleMap


def skills_gap(role_map: RoleMap, shifts: pd.DataFrame) -> pd.DataFrame:
    """One row a team, role and skill to learn: team, role, new_role, skill, why, learn, basis.

    The gap is what the proposed role asks for, not what people were found to lack: that is the skills questionnaire's
    to say. `basis` is `new role` or `works beside agents`. A role people decided to keep as it is asks for no new role's
    skills.
    """
    rows = []
    for row in shifts.itertuples():
        new_role = row.new_role if isinstance(row.new_role, str) else ""
        change = role_map.change_to(str(row.role), new_role)
        asked = change.skills if change and row.status not in role_map.proposals.no_change else []
        beside = sum(getattr(row, f"hours_level_{level}") for level in LEVELS[role_map.common_skills.from_level - 1 :])
        common = [skill for skill in role_map.common_skills.skills if beside > 0 and skill not in asked]
        for skill, basis in [(s, "new role") for s in asked] + [(s, "works beside agents") for s in common]:
            known = role_map.skill[skill]
            why = known.why if basis == "new role" else f"{role_map.common_skills.why}: {known.why}"
            rows.append((row.team, row.role, new_role, known.name, why, known.learn, basis))
    columns = ["team", "role", "new_role", "skill", "why", "learn", "basis"]
    return pd.DataFrame(rows, columns=columns).astype("str")


def consultation_gate(shifts: pd.DataFrame, role_map: RoleMap, proposals: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row a proposed change and gate condition: team, role, new_role, status, condition, met (boolean).

    Every condition stands before a change, whatever its status says: an agreed change without an appeal route shows
    as not met. Roles without a proposal, and those kept as they are, have no rows.
    """
    decided = read_proposals(proposals)
    rows = []
    for row in shifts[shifts["new_role"].notna()].itertuples():
        if row.status in role_map.proposals.no_change:
            continue
        proposal = decided.get((str(row.team), tables.plain_name(str(row.role))), {})
        for condition in role_map.proposals.gate:
            met = GATE[condition.check](proposal, role_map.change_to(str(row.role), str(row.new_role)), role_map)
            rows.append((row.team, row.role, row.new_role, row.status, condition.text, met))
    columns = ["team", "role", "new_role", "status", "condition", "met"]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[:-1], "str") | {"met": "boolean"})


def still_open(gate: pd.DataFrame) -> pd.DataFrame:
    """The frame of `consultation_gate` with a row a proposed change: what is met and what is still open before it.

    Columns: team, role, new_role, status, met ("2 of 4"), open (the conditions not met, in words).
    """
    rows = [
        (team, role, part["new_role"].iloc[0], part["status"].iloc[0], f"{int(part['met'].sum())} of {len(part)}",
         "; ".join(part.loc[~part["met"], "condition"]) or "nothing")
        for (team, role), part in gate.groupby(["team", "role"], sort=False)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["team", "role", "new_role", "status", "met", "open"]).astype("str")


def answered_for(proposal: dict[str, Any]) -> bool:
    """Whether a role answers for the proposal and a different one hears an appeal."""
    return all(check(proposal, None, None) for check in (_accountable, _appeal))


def _accountable(proposal: dict[str, Any], *_: Any) -> bool:
    return bool(proposal.get("accountable_role"))


def _appeal(proposal: dict[str, Any], *_: Any) -> bool:
    appeal = proposal.get("appeal_to") or ""
    return bool(appeal) and tables.plain_name(appeal) != tables.plain_name(proposal.get("accountable_role") or "")


def _reskilling(_: dict[str, Any], change: RoleChange | None, __: RoleMap) -> bool:
    return change is not None


def _consulted(proposal: dict[str, Any], _: RoleChange | None, __: RoleMap) -> bool:
    return proposal.get("consulted_on") is not None


def job_description(role_map: RoleMap, shifts: pd.DataFrame, team: str, role: str) -> dict[str, Any]:
    """What `templates/roles/job_description.md` is filled with for one role: the proposal, its hours, skills and gate.

    Raises ParameterError when the team has no such role or nothing is proposed for it.
    """
    rows = shifts[shifts["team"].eq(team) & shifts["role"].map(tables.plain_name).eq(tables.plain_name(role))]
    if rows["new_role"].notna().sum() == 0:
        known = ", ".join(shifts.loc[shifts["team"].eq(team) & shifts["new_role"].notna(), "role"]) or "none yet"
        raise ParameterError(f"team {team} has no proposal for the role {role!r}; roles with one: {known}")
    row = rows.iloc[0]
    change = role_map.change_to(role, str(row["new_role"]))
    gap = skills_gap(role_map, rows)
    return {
        "team": team,
        "role": row["role"],
        "new_role": row["new_role"],
        "status": row["status"],
        "leverage_level": int(row["leverage_level"]) if rows["leverage_level"].notna().all() else None,
        "old_focus": row["old_focus"],
        "new_focus": row["new_focus"],
        "stops": list(change.stops) if change else [],
        "starts": list(change.starts) if change else [],
        "keeps": list(change.keeps) if change else [],
        "skills": gap[["skill", "why", "learn"]].to_dict(orient="records"),
        "hours": float(row["hours"]),
        "hours_by_level": {level: float(row[f"hours_level_{level}"]) for level in LEVELS},
        "gate": [condition.text for condition in role_map.proposals.gate],
        "principles": list(role_map.principles),
    }


GATE: dict[str, Callable[..., bool]] = {
    "accountable": _accountable,
    "appeal": _appeal,
    "reskilling": _reskilling,
    "consultation": _consulted,
}
