"""What the runs of agents say, in sentences, as measures for gates and as readings of KPIs."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.errors import ParameterError
from playbook.runs.counting import OPEN
from playbook.runs.figures import FIGURES, NOT_YET, figures_of, log_of
from playbook.tables import MEASURES, READINGS, check, count, percent

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from playbook.runs.rule import RunRule

MEASURES_OF = {
    "agent_runs": "runs",
    "human_intervention_rate": "human_intervention",
    "prompt_success_rate": "prompt_success",
    "agent_fail_rate": "fail_rate",
    "triggers_fired_rate": "triggers_fired",
    "review_wait_hours": "review_wait",
    "human_edit_ratio": "human_edit_ratio",
    "agent_cost_usd": "cost_usd",
}
"""The measures by name, and the figure each is."""
KPIS = ("human_intervention", "prompt_success", "system_utilisation")
LONGEST_PERIOD = 366


def findings(
    spans: pd.DataFrame, approvals: pd.DataFrame, rule: RunRule, eligible: pd.DataFrame | None = None
) -> list[str]:
    """What the logs say of each agent in sentences, team by team, with n and interval; `not yet` below the evidence.

    `eligible` is as in `figures`. Raises TableError for bad rows.
    """
    log = log_of(spans, approvals, rule, eligible)
    found = figures_of(log, by="all")
    if found.empty:
        return ["Not yet: no run of an agent is in the logs."]
    said = []
    for (team, agent), rows in found.groupby(["team", "agent"], sort=True):
        mine = log.runs[(log.runs["team"] == team) & (log.runs["agent"] == agent)]
        told = {str(row["figure"]): row for row in rows.to_dict(orient="records")}
        said += [f"{team}, {agent}: {sentence}" for sentence in _sentences(told, mine, rule)]
    return said


def measures(
    spans: pd.DataFrame, approvals: pd.DataFrame, rule: RunRule, teams: Sequence[str] | None = None
) -> pd.DataFrame:
    """The figures of `MEASURES_OF` over all of a team's agents and weeks, as MEASURES.

    `teams` adds rows for teams without a run. Raises TableError for bad rows.
    """
    found = figures_of(log_of(spans, approvals, rule), by="all", pooled=True)
    table = {(row["team"], row["figure"]): row for row in found.to_dict(orient="records")}
    rows = []
    for team in dict.fromkeys([*found["team"], *(teams or ())]):
        for measure, name in MEASURES_OF.items():
            rows.append({"team": team, "measure": measure} | _measure(table.get((team, name)), name))
    return check(MEASURES, pd.DataFrame(rows, columns=list(MEASURES.columns)))


def readings(  # noqa: PLR0913 - two tables, a rule, and the period
    spans: pd.DataFrame,
    approvals: pd.DataFrame,
    rule: RunRule,
    *,
    start: dt.date,
    days: int,
    eligible: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Readings of the KPIs human_intervention, prompt_success and system_utilisation of each team over a period.

    A team's agents count together; runs count that began in the `days` days from `start` (UTC). There is a row only
    where the KPI can be read as it is defined: prompt_success when a person decided on every run that is over,
    system_utilisation when `eligible` (as in `figures`) knows every week and the period is whole weeks from a Monday.
    Raises TableError for bad rows, ParameterError for a bad period.
    """
    if not 1 <= days <= LONGEST_PERIOD:
        raise ParameterError(f"days: {days}; wanted from 1 to {LONGEST_PERIOD}")
    log = log_of(spans, approvals, rule, eligible)
    rows = []
    for team in sorted(set(log.runs["team"])):
        group = log.group(team, None, pd.Timestamp(start), days)
        over = group.runs[group.runs["status"] != OPEN]
        for kpi in KPIS:
            found = FIGURES[kpi].of(group)
            partly = kpi == "prompt_success" and bool(over["accepted"].isna().any())
            if not (math.isnan(found.value) or partly):
                told = {"value": found.value, "low": found.low, "high": found.high, "n": found.n}
                rows.append({"team": team, "kpi": kpi, "start": start, "days": days} | told)
    return check(READINGS, pd.DataFrame(rows, columns=list(READINGS.columns)))


def _measure(row: Mapping[Hashable, Any] | None, name: str) -> dict[str, Any]:
    unit = FIGURES[name].unit
    if row is None:
        empty = 0 if name == "runs" else None
        return {
            "value": empty,
            "unit": unit,
            "n": 0,
            "evidence": "no run of an agent is in the logs" if name == "runs" else "",
            "needs": "" if name == "runs" else "runs of agents",
        }
    if pd.isna(row["value"]):
        needs = str(row["status"]).removeprefix(f"{NOT_YET}: ")
        return {"value": None, "unit": unit, "n": row["n"], "evidence": "", "needs": needs}
    return {"value": row["value"], "unit": unit, "n": row["n"], "evidence": _evidence(row), "needs": ""}


def _evidence(row: Mapping[Hashable, Any]) -> str:
    ends = "" if pd.isna(row["low"]) else f", 95 % interval {row['low']:.3g} to {row['high']:.3g}"
    more = "" if row["status"] == "measured" else f"; {str(row['status']).removeprefix('measured; ')}"
    return f"{str(row['title']).lower()}, n {row['n']}{ends}{more}"


def _sentences(told: Mapping[str, Mapping[Hashable, Any]], mine: pd.DataFrame, rule: RunRule) -> Iterator[str]:
    first, last = (f"{day:%Y-%m-%d}" for day in (mine["start"].min(), mine["start"].max()))
    still = int((mine["status"] == OPEN).sum())
    waits = f", {still} of them still open" if still else ""
    yield f"{count(len(mine), 'run')} from {first} to {last}{waits}."
    planned = int(told["planned_approvals"]["value"])
    apart = f" {count(planned, 'planned approval')} are counted apart." if planned else ""
    yield _share(told["human_intervention"], "a person stepped in on {} of the runs") + apart
    yield _accepted(told, rule)
    yield _share(told["fail_rate"], "{} of the runs that are over ended in an error")
    yield _share(told["triggers_fired"], "a trigger fired in {} of the runs")
    if len(mine) and (told["review_wait"]["n"] or "still" in str(told["review_wait"]["status"])):
        yield _middle(told["review_wait"], "a question waits {} for a person's answer", "hours", 1.0)
    if told["human_edit_ratio"]["n"]:
        yield _middle(told["human_edit_ratio"], "a person changed {} of the words", "%", 100.0)
    if not pd.isna(told["system_utilisation"]["value"]):
        yield _share(told["system_utilisation"], "{} of the runs that were eligible were done by the agent")
    yield _cost(told)
    sources = sorted(set(mine["source"]))
    if len(sources) > 1:
        yield f"the runs come from {' and '.join(sources)}; a run that is in both logs is counted twice."


def _accepted(told: Mapping[str, Mapping[Hashable, Any]], rule: RunRule) -> str:
    decided, runs_ = int(told["prompt_success"]["n"]), int(told["runs"]["value"])
    edit = f"accepted as it is or with at most {percent(rule.minor_edit.value)} of the words changed"
    sentence = _share(told["prompt_success"], "{} of the runs a person decided on were " + edit)
    rest = runs_ - decided
    if decided and rest:
        sentence += f" The other {count(rest, 'run')} {'was' if rest == 1 else 'were'} not decided on, and this says nothing of them."
    return sentence


def _share(row: Mapping[Hashable, Any], words: str) -> str:
    if pd.isna(row["value"]):
        sentence = words.format("which share")
        return f"not yet, {sentence}: {str(row['status']).removeprefix(f'{NOT_YET}: ')}."
    ends = f"95 % interval {percent(row['low'])} to {percent(row['high'])}"
    return words.format(percent(row["value"])) + f" (n {row['n']}, {ends})."


def _middle(row: Mapping[Hashable, Any], words: str, unit: str, scale: float) -> str:
    status = str(row["status"])
    if pd.isna(row["value"]):
        return f"not yet, {words.format('how long' if unit == 'hours' else 'how much')}: {status.removeprefix(f'{NOT_YET}: ')}."
    value, low, high = (f"{scale * row[name]:.3g}" for name in ("value", "low", "high"))
    more = status.removeprefix("measured").removeprefix("; ")
    return (
        words.format(f"{value} {unit}")
        + f" at the median (n {row['n']}, 95 % interval {low} to {high}{'; ' + more if more else ''})."
    )


def _cost(told: Mapping[str, Mapping[Hashable, Any]]) -> str:
    cost, sent, got = told["cost_usd"], told["input_tokens"], told["output_tokens"]
    if cost["status"] == "no model call in the log":
        return "no model call is in the log, so it cost nothing for models."
    tokens = (
        "tokens not known"
        if pd.isna(sent["value"])
        else f"{sent['value']:,.0f} tokens sent and {got['value']:,.0f} received"
    )
    if pd.isna(cost["value"]):
        return f"cost not yet known: {str(cost['status']).removeprefix(f'{NOT_YET}: ')}; {tokens}."
    least = f" ({cost['status']})" if str(cost["status"]).startswith("at least") else ""
    return f"models cost {cost['value']:,.2f} US dollars{least}, {told['cost_a_run']['value']:,.3g} a run; {tokens}."
