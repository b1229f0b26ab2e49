"""What `templates/pods/charter.md` is filled with: the page on which a pod says what it owns and who sits where."""

from __future__ import annotations

from typing import Any

import pandas as pd

from playbook.errors import ParameterError
from playbook.pods.rules import PodRules


def charter(proposed: pd.DataFrame, rules: PodRules, team: str, pod: str) -> dict[str, Any]:
    """The outcome, workflows with their seats, duties, decision rights and separation of one pod of the frame of `propose`.

    Raises ParameterError when the team has no such pod.
    """
    mine = proposed[proposed["team"].eq(team)]
    rows = mine[mine["pod"].eq(pod)]
    if rows.empty:
        known = ", ".join(mine["pod"].unique()) or "none yet"
        raise ParameterError(f"team {team} has no pod {pod!r}; there are: {known}")
    flows = [
        {
            "workflow": workflow,
            "tasks": int(part["tasks"].iloc[0]),
            "hours": float(part["hours"].iloc[0]),
            "seats": part[["seat", "role", "status", "why"]]
            .astype(object)
            .where(part.notna(), None)
            .to_dict("records"),
        }
        for workflow, part in rows.groupby("workflow", sort=False)
    ]
    return {
        "team": team,
        "pod": pod,
        "outcome": str(rows["outcome"].iloc[0]),
        "why": rules.why,
        "workflows": flows,
        "duties": {seat.seat: list(seat.duties) for seat in rules.seats},
        "decision_rights": [right.model_dump() for right in rules.decision_rights],
        "separation": [f"{rule.seats[0]} and {rule.seats[1]}: {rule.why}" for rule in rules.separation],
    }
