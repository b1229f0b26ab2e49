"""What each form of rows says and asks beyond the data dictionary: one row of a registry a form.

A column needs no entry here to appear. An entry gives titles, the columns of the list, keys the form makes by itself,
and columns another form asks better.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook import pilots
from playbook.io.intake.tasks import task_id
from playbook.tables import FACTORS

if TYPE_CHECKING:
    from playbook.io.workspace import Workspace
    from playbook.spectrum import Model

TODAY = "today"  # stands for the day a form is used on, where a row's default is that day
MakeKey = Callable[[pd.DataFrame, dict[str, Any]], str]


@dataclass(frozen=True)
class Preset:
    """A button that begins a row with some of its cells filled."""

    label: str
    cells: Mapping[str, str]


@dataclass(frozen=True)
class Setting:
    """One form of rows.

    `title` and `one` name the form and a row of it, `promise` says what it is for, `named_by` the columns a row is
    called by, `listed` those of the list. `made` keys are not asked for; `elsewhere` are columns another form asks;
    `picks` are columns whose values are keys of another table (table, column, column that explains it). `defaults`
    begin a new row, `labels` replace a column's own name.
    """

    table: str
    title: str
    one: str
    promise: str
    named_by: tuple[str, ...]
    listed: tuple[str, ...]
    made: Mapping[str, MakeKey] = field(default_factory=dict)
    elsewhere: tuple[str, ...] = ()
    picks: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    presets: tuple[Preset, ...] = ()


def numbered(column: str, prefix: str) -> MakeKey:
    """Makes the next id nobody has used: `d8` after `d7`."""

    def make(rows: pd.DataFrame, _cells: dict[str, Any]) -> str:
        taken = [re.fullmatch(rf"{prefix}(\d+)", str(name)) for name in rows[column]]
        return f"{prefix}{max([int(found[1]) for found in taken if found], default=0) + 1}"

    return make


def _of_task(_rows: pd.DataFrame, cells: dict[str, Any]) -> str:
    return task_id(str(cells["workflow"]), str(cells["task"]))


SETTINGS: Mapping[str, Setting] = {
    setting.table: setting
    for setting in (
        Setting(
            "tasks", "Task inventory", "task",
            "The tasks of the team's workflows: what is done, how often and how long. Roles, never persons.",
            named_by=("task",),
            listed=("task", "workflow", "role", "runs_per_month", "minutes_per_run"),
            made={"task_id": _of_task},
            elsewhere=(*FACTORS, "not_applicable"),
            labels={
                "runs_per_month": "Times a month", "minutes_per_run": "Minutes each time", "current_level": "Level today",
                "basis": "Estimated or measured",
            },
        ),
        Setting(
            "role_proposals", "Role map", "proposal",
            "Proposals only: a role changes when people decide so, with someone accountable, consultation and a way to appeal.",
            named_by=("role", "new_role"),
            listed=("role", "new_role", "status", "accountable_role", "consulted_on"),
            labels={
                "role": "Role today", "new_role": "Proposed role", "accountable_role": "Accountable for the decision",
                "appeal_to": "Appeal goes to", "note": "Reasons",
            },
        ),
        Setting(
            "pod_seats", "Pod seats", "seat",
            "Which role fills which seat of a pod. An empty role is an open seat, and that is an answer.",
            named_by=("pod", "seat", "workflow"),
            listed=("pod", "workflow", "seat", "role"),
        ),
        Setting(
            "breakages", "Pilot log: what broke", "entry",
            "What broke in a pilot, how bad it was, what it cost and what was done. That nothing broke is worth an entry too.",
            named_by=("day", "what"),
            listed=("day", "pilot_id", "severity", "category", "what", "minutes_lost", "fix"),
            made={"breakage_id": numbered("breakage_id", "b")},
            picks={"pilot_id": ("pilots", "pilot_id", "workflow")},
            defaults={"day": TODAY},
            labels={"pilot_id": "Pilot", "what": "What happened", "fix": "What was done about it"},
            presets=(
                Preset(
                    "Nothing broke",
                    {"category": "other", "severity": "minor", "what": pilots.NOTHING_BROKE, "minutes_lost": "0"},
                ),
            ),
        ),
        Setting(
            "decisions", "Decision log", "decision",
            "What was decided, why, and which role carries it out.",
            named_by=("day", "decision"),
            listed=("day", "decision", "reason", "owner_role"),
            made={"decision_id": numbered("decision_id", "d")},
            defaults={"day": TODAY},
            labels={"owner_role": "Carried out by"},
        ),
    )
}  # fmt: skip


def suggestions(workspace: Workspace, team: str, model: Model) -> dict[str, list[str]]:
    """Words the team already uses, by what a column is about: roles, workflows, functions, pods."""
    tasks, seats = workspace.read("tasks", team), workspace.read("pod_seats", team)
    proposals = workspace.read("role_proposals", team)
    found = {
        "role": [*tasks["role"], *proposals["role"], *proposals["new_role"], *seats["role"]],
        "workflow": [*tasks["workflow"], *seats["workflow"]],
        "function": [*tasks["function"], *(row.name for row in model.functions)],
        "pod": [*seats["pod"]],
    }
    return {name: sorted({str(word) for word in words if not pd.isna(word)}) for name, words in found.items()}


def about(column: str) -> str:
    """What a column's words are about: any `..._role` and whoever an appeal goes to is a role."""
    return "role" if column.endswith("_role") or column == "appeal_to" else column
