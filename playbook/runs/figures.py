"""The figures of agents at work, a week or in all: each with its n, its interval and a word when it says too little."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from playbook.errors import ParameterError
from playbook.intervals import Interval, median, wilson
from playbook.runs.counting import OPEN, runs_and_reviews
from playbook.tables import count, percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playbook.runs.rule import RunRule

WEEK = 7
SECONDS_AN_HOUR = 3600
MEASURED, NOT_YET = "measured", "not yet"
FIGURE_COLUMNS = {
    "team": "str", "agent": "str", "start": "datetime64[us]", "days": "Int64", "figure": "str", "title": "str",
    "value": "float64", "low": "float64", "high": "float64", "n": "Int64", "unit": "str", "status": "str",
}  # fmt: skip
RUN_KEY = ["team", "source", "run"]
ELIGIBLE_COLUMNS = ("team", "agent", "week", "eligible")


@dataclass(frozen=True)
class Group:
    """The runs of one agent over one period, the reviews of these runs, and how many runs there could have been."""

    runs: pd.DataFrame
    reviews: pd.DataFrame
    eligible: int | None
    rule: RunRule


@dataclass(frozen=True)
class Found:
    """One figure: its value (NaN while it says too little), the ends of its 95 % interval, n, and what to say of it."""

    value: float
    low: float = math.nan
    high: float = math.nan
    n: int = 0
    status: str = MEASURED


@dataclass(frozen=True)
class Figure:
    """A figure's title, its unit, and how it is computed for a group."""

    title: str
    unit: str
    of: Callable[[Group], Found]


def figures(  # noqa: PLR0913 - two tables, a rule, and how to cut the runs up
    spans: pd.DataFrame,
    approvals: pd.DataFrame,
    rule: RunRule,
    *,
    by: Literal["week", "all"] = "week",
    eligible: pd.DataFrame | None = None,
    pooled: bool = False,
) -> pd.DataFrame:
    """Every figure of `FIGURES` for each team, agent and week (or all weeks together), one row a figure.

    Columns: team, agent, start (a Monday, UTC), days, figure, title, value, low, high, n, unit, status. `value` is empty
    where the status begins with `not yet`; low and high are the 95 % interval, empty where the figure is a plain count
    or sum. Shares are from 0 to 1 with Wilson's interval, waits and edit ratios are medians. A run counts in the week it
    began. `eligible` says how many runs there could have been: columns team, agent, week (its Monday), eligible (runs).
    `pooled` takes a team's agents together, called `*`.

    Runs of one agent are not independent of each other (the same input, the same fault), so the intervals are the
    least doubt there is. Raises TableError for bad rows, ParameterError for a bad `eligible`.
    """
    if by not in ("week", "all"):
        raise ParameterError(f"by: {by!r}; wanted 'week' or 'all'")
    return figures_of(log_of(spans, approvals, rule, eligible), by=by, pooled=pooled)


def figures_of(log: AgentLog, *, by: Literal["week", "all"], pooled: bool = False) -> pd.DataFrame:
    """`figures` of runs that are counted already."""
    rows: list[dict[str, Any]] = []
    for (team, agent), mine in log.runs.assign(counted="*" if pooled else log.runs["agent"]).groupby(
        ["team", "counted"]
    ):
        agents = None if pooled else [str(agent)]
        for start, days in _periods(mine, by):
            group = log.group(str(team), agents, start, days)
            place = {"team": team, "agent": agent, "start": start, "days": days}
            rows += [{**place, **row} for row in _figures_of(group)]
    return pd.DataFrame(rows, columns=list(FIGURE_COLUMNS)).astype(FIGURE_COLUMNS)


@dataclass(frozen=True)
class AgentLog:
    """Runs, reviews with their run's `agent` and `start`, and eligible runs, to be cut up by team, agent and period."""

    runs: pd.DataFrame
    reviews: pd.DataFrame
    eligible: pd.DataFrame
    rule: RunRule

    def group(self, team: str, agents: list[str] | None, first: pd.Timestamp, days: int) -> Group:
        """The runs of these agents (None: all of the team) that began in the `days` days from `first`."""
        within, looked = (_cut(table, team, agents, first, days) for table in (self.runs, self.reviews))
        return Group(within, looked, self._possible(team, agents, first, days), self.rule)

    def _possible(self, team: str, agents: list[str] | None, first: pd.Timestamp, days: int) -> int | None:
        """How many runs there could have been; unknown unless the table has each agent in each of whole weeks."""
        known = self.eligible[self.eligible["team"] == team]
        ran = self.runs.loc[self.runs["team"] == team, "agent"]
        asked = agents or sorted({*ran, *known["agent"]})
        weeks = pd.date_range(first, periods=days // WEEK, freq="7D")
        mine = known[known["agent"].isin(asked) & known["week"].isin(weeks)]
        is_whole = first.weekday() == 0 and days % WEEK == 0
        pairs = set(zip(mine["agent"], mine["week"], strict=True))
        return int(mine["eligible"].sum()) if is_whole and len(pairs) == len(asked) * len(weeks) else None


def log_of(
    spans: pd.DataFrame, approvals: pd.DataFrame, rule: RunRule, eligible: pd.DataFrame | None = None
) -> AgentLog:
    """The runs and reviews to be counted. Raises TableError for bad rows, ParameterError for a bad `eligible`."""
    found, looked = runs_and_reviews(spans, approvals, rule)
    looked = looked.merge(found[[*RUN_KEY, "agent", "start"]], on=RUN_KEY)
    return AgentLog(found, looked, _eligible(eligible), rule)


def _cut(table: pd.DataFrame, team: str, agents: list[str] | None, first: pd.Timestamp, days: int) -> pd.DataFrame:
    began = table["start"].dt.tz_localize(None)
    within = (table["team"] == team) & (began >= first) & (began < first + pd.Timedelta(days=days))
    cut: pd.DataFrame = table[within if agents is None else within & table["agent"].isin(agents)]
    return cut


def share(successes: int, n: int, rule: RunRule, needs: str) -> Found:
    """A share with Wilson's interval; not yet where there is nothing to count or the interval is wider than the rule's."""
    found = wilson(successes, n)
    if found is None:
        return Found(math.nan, status=f"{NOT_YET}: {needs}")
    if found.high - found.low > rule.widest_interval.value:
        says = f"{successes} of {n} leaves {percent(found.low)} to {percent(found.high)}; more runs are needed"
        return Found(math.nan, found.low, found.high, n, f"{NOT_YET}: {says}")
    return Found(found.estimate, found.low, found.high, n)


def _periods(mine: pd.DataFrame, by: str) -> Iterator[tuple[pd.Timestamp, int]]:
    weeks = sorted(set(mine["week"]))
    if by == "all":
        yield weeks[0], (weeks[-1] - weeks[0]).days + WEEK
    else:
        yield from ((week, WEEK) for week in weeks)


def _eligible(table: pd.DataFrame | None) -> pd.DataFrame:
    if table is None:
        return pd.DataFrame(columns=list(ELIGIBLE_COLUMNS)).astype({"eligible": "Int64", "week": "datetime64[us]"})
    if set(table.columns) != set(ELIGIBLE_COLUMNS):
        raise ParameterError(
            f"eligible has the columns {', '.join(map(str, table.columns))}; wanted {', '.join(ELIGIBLE_COLUMNS)}"
        )
    numbers = pd.to_numeric(table["eligible"], errors="coerce")
    days = pd.to_datetime(table["week"], errors="coerce")
    bad = numbers.isna() | (numbers < 0) | (numbers % 1 != 0) | days.isna()
    if bad.any():
        raise ParameterError(f"eligible: row {bad.idxmax()} wants a day and whole runs from 0 up")
    mondays = days.dt.normalize() - pd.to_timedelta(days.dt.day_of_week, unit="D")
    return table.assign(eligible=numbers.astype("Int64"), week=mondays)


def _figures_of(group: Group) -> Iterator[dict[str, Any]]:
    for name, figure in FIGURES.items():
        found = figure.of(group)
        yield {
            "figure": name, "title": figure.title, "value": found.value, "low": found.low, "high": found.high,
            "n": found.n, "unit": figure.unit, "status": found.status,
        }  # fmt: skip


def _number_of_runs(group: Group) -> Found:
    still = int((group.runs["status"] == OPEN).sum())
    return Found(len(group.runs), n=len(group.runs), status=f"{still} still open" if still else MEASURED)


def _intervention(group: Group) -> Found:
    return share(int(group.runs["intervened"].sum()), len(group.runs), group.rule, "runs")


def _planned(group: Group) -> Found:
    return Found(int(group.runs["planned"].sum()), n=len(group.runs))


def _success(group: Group) -> Found:
    known = group.runs["accepted"].dropna()
    return share(int(known.sum()), len(known), group.rule, "the review decision of runs")


def _reviewed(group: Group) -> Found:
    return share(int(group.runs["accepted"].notna().sum()), len(group.runs), group.rule, "runs")


def _failed(group: Group) -> Found:
    over = group.runs[group.runs["status"] != OPEN]
    return share(int((over["status"] == "error").sum()), len(over), group.rule, "runs that are over")


def _fired(group: Group) -> Found:
    return share(int(group.runs["fired"].sum()), len(group.runs), group.rule, "runs")


def _middle(found: Interval | None, needs: str, note: str = "") -> Found:
    if found is None:
        return Found(math.nan, status=f"{NOT_YET}: {needs}{note}")
    if not found.measured:
        return Found(math.nan, n=found.n, status=f"{NOT_YET}: six observations for an interval, {found.n} so far{note}")
    return Found(found.estimate, found.low, found.high, found.n, f"{MEASURED}{note}")


def _wait(group: Group) -> Found:
    hours = group.reviews["wait_s"].dropna() / SECONDS_AN_HOUR
    waiting = int(group.reviews["waiting"].sum())
    note = f"; {count(waiting, 'question')} still without an answer and not counted" if waiting else ""
    return _middle(median(hours), "answered questions with their times", note)


def _edits(group: Group) -> Found:
    return _middle(median(group.reviews["edit_ratio"].dropna()), "texts that a person passed or edited")


def _total(column: str, told: str, what: str) -> Callable[[Group], Found]:
    def total(group: Group) -> Found:
        calls, known = int(group.runs["model_calls"].sum()), int(group.runs[told].sum())
        if not calls:
            return Found(0.0, n=0, status="no model call in the log")
        if not known:
            return Found(math.nan, n=0, status=f"{NOT_YET}: the log has no {what} of its {count(calls, 'model call')}")
        least = "" if known == calls else f"at least: {known} of {count(calls, 'model call')} say their {what}"
        return Found(float(group.runs[column].sum()), n=known, status=least or MEASURED)

    return total


def _cost_a_run(group: Group) -> Found:
    total = FIGURES["cost_usd"].of(group)
    n = len(group.runs)
    return Found(total.value / n, n=n, status=total.status)


def _utilisation(group: Group) -> Found:
    done = int((group.runs["status"] == "ok").sum())
    if group.eligible is None:
        return Found(math.nan, status=f"{NOT_YET}: how many runs were eligible in each whole week")
    if done > group.eligible:
        return Found(
            math.nan,
            n=group.eligible,
            status=f"{NOT_YET}: {done} runs done where {group.eligible} were eligible; count again",
        )
    return share(done, group.eligible, group.rule, "a run that was eligible")


FIGURES: Mapping[str, Figure] = {
    "runs": Figure("Runs", "runs", _number_of_runs),
    "human_intervention": Figure("Runs a person stepped in on", "share of runs", _intervention),
    "planned_approvals": Figure("Approvals that were planned", "approvals", _planned),
    "prompt_success": Figure("Reviewed runs accepted as is or with a minor edit", "share of reviewed runs", _success),
    "reviewed": Figure("Runs a person decided on", "share of runs", _reviewed),
    "fail_rate": Figure("Runs that ended in an error", "share of runs that are over", _failed),
    "triggers_fired": Figure("Runs in which a trigger fired", "share of runs", _fired),
    "review_wait": Figure("Wait for a person's answer, median", "hours", _wait),
    "human_edit_ratio": Figure("Share of the text a person changed, median", "share of the words", _edits),
    "system_utilisation": Figure("Eligible runs the system did", "share of eligible runs", _utilisation),
    "input_tokens": Figure("Tokens sent to models", "tokens", _total("input_tokens", "calls_with_tokens", "tokens")),
    "output_tokens": Figure("Tokens models wrote", "tokens", _total("output_tokens", "calls_with_tokens", "tokens")),
    "cost_usd": Figure("Cost of model calls", "US dollars", _total("cost_usd", "calls_with_cost", "cost")),
    "cost_a_run": Figure("Cost of model calls a run", "US dollars a run", _cost_a_run),
}
"""Every figure by name, in the order they are read."""
