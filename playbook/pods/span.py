"""Span of control: how many people's output agents would make, and for how many operators."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from playbook import tables
from playbook.pods.rules import PodRules, Span, Spans


def span_of_control(tasks: pd.DataFrame, placements: pd.DataFrame, rules: PodRules) -> pd.DataFrame:
    """Two rows a team, `ready now` and `by its nature`: how many people's output agents would make, and for how many
    operators.

    Columns: team, basis, hours (a month at a level agents lead), people (hours / hours a person), people_low and
    people_high (the same with each task's level at the ends of its range; empty for `ready now`), operators_least and
    operators_most (people / the operator's span, rounded up), manager_low, manager_high (people a manager oversees
    today), tasks (n counted), unknown (tasks without hours or level), said. No row proposes fewer people.
    """
    work = tables.inventory(tasks, placements)
    rows = [
        {"team": team, "basis": basis} | _span(part, columns, rules.spans)
        for team, part in work.groupby("team", sort=True)
        for basis, columns in BASES.items()
    ]
    return pd.DataFrame(rows, columns=list(SPAN_TYPES)).astype(SPAN_TYPES)


def _span(part: pd.DataFrame, columns: tuple[str, ...], spans: Spans) -> dict[str, Any]:
    level, per_person = spans.from_level.value, spans.hours_a_person.value
    led = [part[column].ge(level).fillna(value=False) & part["hours"].notna() for column in columns]
    people = [float(part.loc[rows, "hours"].sum()) / per_person for rows in led]
    least, most = (math.ceil(people[0] / size - 1e-9) for size in (spans.operator.high, spans.operator.low))
    unknown = int((part[columns[0]].isna() | part["hours"].isna()).sum())
    return {
        "hours": people[0] * per_person,
        "people": people[0],
        "people_low": people[1] if len(people) > 1 else None,
        "people_high": people[2] if len(people) > 1 else None,
        "operators_least": least,
        "operators_most": most,
        "manager_low": spans.manager.low,
        "manager_high": spans.manager.high,
        "tasks": int(led[0].sum()),
        "unknown": unknown,
        "said": _span_said(people[0], int(led[0].sum()), len(part) - unknown, spans.operator),
    }


def _span_said(people: float, tasks: int, known: int, span: Span) -> str:
    if not known:
        return "not yet known: no task has both hours and a level"
    if not tasks:
        return "no work at a level agents lead"
    if people < span.low:
        return f"less than one operator's span of {span.low:g} to {span.high:g}: a seat to share between pods"
    if people <= span.high:
        return f"within one operator's span of {span.low:g} to {span.high:g}, if it is one kind of work"
    return f"more than one operator's span of {span.low:g} to {span.high:g}"


BY_NATURE = "by its nature"


BASES: dict[str, tuple[str, ...]] = {
    "ready now": ("ready_level",),
    BY_NATURE: ("target_level", "level_low", "level_high"),
}


SPAN_TYPES = {
    "team": "str",
    "basis": "str",
    "hours": "float64",
    "people": "float64",
    "people_low": "float64",
    "people_high": "float64",
    "operators_least": "Int64",
    "operators_most": "Int64",
    "manager_low": "float64",
    "manager_high": "float64",
    "tasks": "Int64",
    "unknown": "Int64",
    "said": "str",
}
