"""What happened: each run of an agent and each look a person took at one, from spans and approvals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.tables import APPROVALS, RUN_SPANS, check

if TYPE_CHECKING:
    from playbook.runs.rule import RunRule

NOT_NAMED = "(not named)"
OWN = "playbook"
OPEN = "open"
RUN = ["team", "source", "trace"]
EVERY_EFFECT_IS_ASKED = 3
TRIGGER_LINE = r"(?m)^trigger "

REVIEW_COLUMNS = {
    "team": "str", "source": "str", "run": "str", "decision": "str", "wait_s": "float64", "edit_ratio": "float64",
    "planned": "bool", "fired": "bool", "waiting": "bool",
}  # fmt: skip
RUN_COLUMNS = {
    "team": "str", "source": "str", "run": "str", "agent": "str", "level": "Int64",
    "start": "datetime64[us, UTC]", "end": "datetime64[us, UTC]", "week": "datetime64[us]", "status": "str",
    "intervened": "bool", "fired": "bool", "accepted": "boolean", "exceptions": "Int64", "planned": "Int64",
    "model_calls": "Int64", "calls_with_tokens": "Int64", "calls_with_cost": "Int64",
    "input_tokens": "Int64", "output_tokens": "Int64", "cost_usd": "float64",
}  # fmt: skip


def reviews(spans: pd.DataFrame, approvals: pd.DataFrame) -> pd.DataFrame:
    """Every question to a person and its answer, one row each; never who answered.

    Columns: team, source, run, decision (approved, edited, rejected; empty while it waits), wait_s (seconds from question
    to answer), edit_ratio (0 nothing changed, 1 all), planned (asked because at level 3 a person passes every effect,
    without a trigger that fired), fired (a trigger did), waiting. Approvals count before the spans that repeat them.
    Raises TableError for bad rows.
    """
    spans, approvals = check(RUN_SPANS, spans), check(APPROVALS, approvals)
    both = pd.concat([_asked(spans, approvals), _told(spans, approvals)], ignore_index=True)
    return both.rename(columns={"trace": "run"})[list(REVIEW_COLUMNS)].astype(REVIEW_COLUMNS)


def runs(spans: pd.DataFrame, approvals: pd.DataFrame, rule: RunRule) -> pd.DataFrame:
    """Every run, one row each, oldest first.

    Columns: team, source, run, agent (playbook id, else the agent's name, else `(not named)`), level, start, end, week
    (its Monday, UTC), status (ok, escalated, stopped, error; open while it waits for a person), intervened, fired (a
    trigger did), accepted (as it is or with a minor edit; empty where nobody decided), exceptions and planned (questions
    to people), model_calls, calls_with_tokens, calls_with_cost, input_tokens, output_tokens, cost_usd. The last three sum
    model spans only, as the spans above them repeat their children's.

    A person intervened where the run was escalated or stopped, was asked about as an exception, or where its output was
    rejected or edited. Planned approvals are no intervention. Raises TableError for bad rows.
    """
    return runs_and_reviews(spans, approvals, rule)[0]


def runs_and_reviews(spans: pd.DataFrame, approvals: pd.DataFrame, rule: RunRule) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`runs` and `reviews` of the same tables at once. Raises TableError for bad rows."""
    looked = reviews(spans, approvals)
    spans = check(RUN_SPANS, spans)
    if spans.empty:
        return pd.DataFrame(columns=list(RUN_COLUMNS)).astype(RUN_COLUMNS), looked
    spans = spans.sort_values(["start", "span"], kind="stable")
    found = spans.groupby(RUN, sort=False).agg(start=("start", "min"), end=("end", "max"), level=("level", "max"))
    found = found.join(_named(spans)).join(_ended(spans)).join(_spent(spans))
    seen = _seen(looked.rename(columns={"run": "trace"}), rule)
    found = found.join(seen).join(spans.assign(told=spans["trigger"].notna()).groupby(RUN)["told"].any())
    for name in ("exceptions", "planned", "model_calls", "calls_with_tokens", "calls_with_cost"):
        found[name] = found[name].fillna(0)
    changed = found["changed"].astype("boolean").fillna(value=False)
    escalated = found["status"].isin(["escalated", "stopped"]) | found["ever_escalated"]
    found["intervened"] = escalated | (found["exceptions"] > 0) | changed
    found["fired"] = found["told"] | found["asked_by_trigger"].astype("boolean").fillna(value=False)
    days = found["start"].dt.tz_localize(None).dt.normalize()
    found["week"] = days - pd.to_timedelta(days.dt.day_of_week, unit="D")
    ordered = found.reset_index().rename(columns={"trace": "run"}).sort_values(["team", "start", "run"], kind="stable")
    return ordered[list(RUN_COLUMNS)].astype(RUN_COLUMNS).reset_index(drop=True), looked


def _asked(spans: pd.DataFrame, approvals: pd.DataFrame) -> pd.DataFrame:
    """The questions the kit's own agents asked."""
    levels = spans.groupby(RUN)["level"].max().rename("level").reset_index()
    asked = approvals.assign(source=OWN, trace=approvals["run_id"]).merge(levels, on=RUN, how="left")
    fired = asked["reason"].str.contains(TRIGGER_LINE).astype(bool)
    edited = asked["edit_ratio"].fillna(0) > 0
    decision = asked["status"].mask(asked["status"] == "used", edited.map({True: "edited", False: "approved"}))
    rows: pd.DataFrame = asked[[*RUN, "edit_ratio"]].assign(
        decision=decision.mask(decision == "waiting"),
        wait_s=(asked["decided"] - asked["asked"]).dt.total_seconds(),
        planned=_planned(asked["level"], fired),
        fired=fired,
        waiting=decision == "waiting",
    )
    return rows


def _told(spans: pd.DataFrame, approvals: pd.DataFrame) -> pd.DataFrame:
    """The reviews that only spans tell of, each once."""
    told = spans[spans["review"].notna()]
    known = pd.MultiIndex.from_frame(approvals[["team", "approval_id"]])
    named = pd.MultiIndex.from_frame(told[["team", "approval"]]).isin(known)
    again = told["approval"].notna() & told.duplicated([*RUN, "approval"])
    told = told[~named & ~again.to_numpy()]
    fired = told["trigger"].notna()
    kept: pd.DataFrame = told[[*RUN, "edit_ratio"]]
    return kept.assign(
        decision=told["review"],
        wait_s=told["review_wait_s"],
        planned=_planned(told["level"], fired),
        fired=fired,
        waiting=False,
    )


def _planned(levels: pd.Series[Any], fired: pd.Series[Any]) -> pd.Series[Any]:
    """Whether a question was to be expected; at an unknown level it was not, so that the agent never looks better."""
    return (levels.fillna(EVERY_EFFECT_IS_ASKED + 1) <= EVERY_EFFECT_IS_ASKED) & ~fired


def _named(spans: pd.DataFrame) -> pd.Series[Any]:
    """Each run's agent: its playbook, else the name its first run span has, else the first name in it."""
    by_run = spans[spans["kind"] == "run"].groupby(RUN)["agent"].first()
    first = spans.groupby(RUN)[["playbook_id", "agent"]].first()
    return first["playbook_id"].fillna(by_run).fillna(first["agent"]).fillna(NOT_NAMED).rename("agent")


def _ended(spans: pd.DataFrame) -> pd.DataFrame:
    """How each run ended: as its last outermost run span says, or, in a log without one, as its outermost spans do.

    A run of the kit's own has its run span when it is over. `ever_escalated` is true where an earlier one was.
    """
    ids = pd.MultiIndex.from_frame(spans[[*RUN, "span"]])
    above = pd.MultiIndex.from_arrays([spans[name] for name in (*RUN, "parent")])
    outer = spans[spans["parent"].isna() | ~above.isin(ids)]
    own = outer[outer["kind"] == "run"].sort_values(["end", "start"], kind="stable", na_position="first")
    said = own.groupby(RUN)["status"].last()
    failed = (outer["status"] == "error").groupby([outer[name] for name in RUN]).any()
    otherwise = failed.map({True: "error", False: "ok"}).astype("str")
    otherwise = otherwise.mask(otherwise.index.get_level_values("source") == OWN, OPEN)
    ever = (own["status"] == "escalated").groupby([own[name] for name in RUN]).any()
    status = said.reindex(otherwise.index).fillna(otherwise)
    return pd.DataFrame(
        {"status": status, "ever_escalated": ever.reindex(status.index).fillna(value=False).astype(bool)}
    )


def _spent(spans: pd.DataFrame) -> pd.DataFrame:
    calls = spans[spans["kind"] == "model"]
    grouped = calls.assign(
        told=calls["input_tokens"].notna() & calls["output_tokens"].notna(), priced=calls["cost_usd"].notna()
    ).groupby(RUN)
    return grouped.agg(
        model_calls=("span", "size"),
        calls_with_tokens=("told", "sum"),
        calls_with_cost=("priced", "sum"),
        input_tokens=("input_tokens", lambda cells: cells.sum(min_count=1)),
        output_tokens=("output_tokens", lambda cells: cells.sum(min_count=1)),
        cost_usd=("cost_usd", lambda cells: cells.sum(min_count=1)),
    )


def _seen(found: pd.DataFrame, rule: RunRule) -> pd.DataFrame:
    """What people made of each run: accepted only when every decision on it was, unknown while one has no ratio."""
    decided = found["decision"].notna()
    small = (found["edit_ratio"] <= rule.minor_edit.value).astype("boolean").mask(found["edit_ratio"].isna())
    accepted = (found["decision"] == "approved").astype("boolean").mask(found["decision"] == "edited", small)
    told = found.assign(
        refused=decided & ~accepted.fillna(value=True).astype(bool),
        unknown=decided & accepted.isna(),
        decided=decided,
        changed=found["decision"].isin(["edited", "rejected"]),
        exceptions=~found["planned"],
    )
    runs_ = told.groupby(RUN).agg(
        refused=("refused", "any"),
        unknown=("unknown", "any"),
        decided=("decided", "any"),
        changed=("changed", "any"),
        exceptions=("exceptions", "sum"),
        planned=("planned", "sum"),
        asked_by_trigger=("fired", "any"),
    )
    verdict = (~runs_["refused"]).astype("boolean")
    runs_["accepted"] = verdict.mask(~runs_["decided"] | (runs_["unknown"] & ~runs_["refused"]))
    return runs_[["accepted", "changed", "exceptions", "planned", "asked_by_trigger"]]
