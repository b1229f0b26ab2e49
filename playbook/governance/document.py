"""What the templates in `templates/governance/` are filled with: the agent playbook document and the audit sheet."""

from __future__ import annotations

import unicodedata
from typing import Any

import pandas as pd

from playbook import tables
from playbook.errors import ParameterError

NAME_LENGTH = 64


def playbook_document(outlines: pd.DataFrame, team: str, workflow: str) -> dict[str, Any]:
    """What `agent_playbook.md` is filled with for one workflow of the frame of `playbook_outlines`.

    `name` follows the rule of Agent Skills: small letters, digits and hyphens, 64 at most. Raises ParameterError when the
    workflow has no outline.
    """
    mine = outlines[outlines["team"].eq(team)]
    rows = mine[mine["workflow"].map(tables.plain_name).eq(tables.plain_name(workflow))]
    if rows.empty:
        known = ", ".join(mine["workflow"].unique()) or "none yet"
        raise ParameterError(f"team {team} has no playbook outline for {workflow!r}; there are: {known}")
    sections, triggers = (rows[rows["part"].eq(part)] for part in ("section", "trigger"))
    title = str(rows["workflow"].iloc[0])
    letters = unicodedata.normalize("NFKD", tables.plain_name(title)).encode("ascii", "ignore").decode()
    return {
        "team": team,
        "workflow": title,
        "name": "-".join(letters.replace("_", " ").split())[:NAME_LENGTH].strip("-") or "agent-playbook",
        "level": int(rows["level"].iloc[0]) if rows["level"].notna().all() else None,
        "sections": sections[["item", "title", "known", "asks"]].to_dict(orient="records"),
        "triggers": triggers[["title", "reason"]].to_dict(orient="records"),
    }


def audit_sheet(audits: pd.DataFrame, team: str, playbook_id: str) -> dict[str, Any]:
    """What `audit_sheet.md` is filled with for one row of the frame of `audit_plan`; `lines` are the pieces to check.

    Raises ParameterError when the team has no such playbook.
    """
    mine = audits[audits["team"].eq(team)]
    rows = mine[mine["playbook_id"].eq(playbook_id)]
    if rows.empty:
        known = ", ".join(mine["playbook_id"]) or "none yet"
        raise ParameterError(f"team {team} has no agent playbook {playbook_id!r}; there are: {known}")
    row = rows.astype(object).where(rows.notna(), None).to_dict(orient="records")[0]
    return {str(name): value for name, value in row.items()} | {"lines": list(range(1, int(row["sample"]) + 1))}
