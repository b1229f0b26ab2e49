"""The gate that closes a phase: conditions judged from measures, each team by its own."""

from __future__ import annotations

import operator
import textwrap
from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.plan.model import Condition, Plan, said
from playbook.tables import GATE_RESULTS, MEASURES, check

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "at least": operator.ge,
    "at most": operator.le,
    "is known": lambda _value, _wanted: True,
}
VERDICT_COLUMNS: Mapping[str, str] = {
    "team": "str",
    "phase": "Int64",
    "open": "boolean",
    "met": "Int64",
    "not_met": "Int64",
    "not_yet": "Int64",
}


def gate(plan: Plan, phase: int, measures: pd.DataFrame, teams: Sequence[str] | None = None) -> pd.DataFrame:
    """Judge a phase's gate for each team from its own measures (MEASURES): one row a team and condition, GATE_RESULTS.

    `met` and `not met` need a value; a missing row or an empty value is `not yet measurable`, with what it needs.
    `teams` lists the teams to judge, also those without a measure; without it all teams of `measures` are judged.
    Raises ParameterError for a phase the plan does not have, TableError for measures that do not fit.
    """
    conditions = plan.phase(phase).gate
    known = check(MEASURES, measures)
    found = {(row["team"], row["measure"]): row for row in known.to_dict(orient="records")}
    names = {name for condition in conditions for name in (condition.measure, condition.of) if name}
    judged = list(dict.fromkeys(teams if teams is not None else known["team"]))
    rows = [
        {"team": team, "phase": phase, **_judged(condition, {name: found.get((team, name)) for name in names})}
        for team in judged
        for condition in conditions
    ]
    return check(GATE_RESULTS, pd.DataFrame(rows, columns=list(GATE_RESULTS.columns)))


def verdicts(results: pd.DataFrame) -> pd.DataFrame:
    """Whether each team's gate is open, one row a team and phase: team, phase, open, met, not_met, not_yet (counts)."""
    rows = []
    for (team, phase), part in results.groupby(["team", "phase"], sort=False):
        met, failed, unknown = (
            int((part["status"] == word).sum()) for word in ("met", "not met", "not yet measurable")
        )
        rows.append((team, phase, met == len(part), met, failed, unknown))
    return pd.DataFrame(rows, columns=list(VERDICT_COLUMNS)).astype(VERDICT_COLUMNS)


def is_open(results: pd.DataFrame) -> bool:
    """Whether the gate is open: every condition in `results` (GATE_RESULTS) is met, and there is at least one.

    Given several teams it is true only when the gate is open for each; `verdicts` answers team by team.
    """
    return bool(len(results) and (results["status"] == "met").all())


def _judged(condition: Condition, measures: Mapping[str, Mapping[Any, Any] | None]) -> dict[str, Any]:
    wanted = condition.value if condition.of is None else _value(measures[condition.of])
    value = _value(measures[condition.measure])
    base = {"condition": condition.id, "text": condition.text, "wanted": condition.wanted(wanted)}
    unknown = [name for name in (condition.measure, condition.of) if name and _value(measures[name]) is None]
    if value is None or unknown:
        needs = (measures[unknown[0]] or {}).get("needs") or ""
        missing = f"needs {needs}" if needs else condition.do
        return {**base, "status": "not yet measurable", "value": None, "evidence": f"No figure yet: {missing}"}
    met = OPERATORS[condition.operator](value, value if wanted is None else wanted)
    said_of_it = (measures[condition.measure] or {}).get("evidence") or "no further evidence given"
    evidence = f"{said(value, condition.unit)}: {said_of_it}"
    if not met:
        evidence = f"{evidence.rstrip('.')}. To do: {condition.do}"
    status = "met" if met else "not met"
    return {**base, "status": status, "value": value, "evidence": textwrap.shorten(evidence, 1000, placeholder=" …")}


def _value(measure: Mapping[Any, Any] | None) -> float | None:
    return None if measure is None or pd.isna(measure["value"]) else float(measure["value"])
