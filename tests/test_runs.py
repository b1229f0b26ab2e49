"""The runs of agents: what is counted as an intervention, what as accepted, and when a figure says too little."""

import datetime as dt
import math
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from playbook import runs
from playbook.errors import ParameterError, TableError
from playbook.intervals import wilson
from playbook.io import content
from playbook.io.intake import bring_in
from playbook.tables import APPROVALS, MEASURES, READINGS, RUN_SPANS, check

RULE = content.read(content.root() / "assessments" / "runs" / "default.yaml", runs.RunRule)
MONDAY = pd.Timestamp("2026-11-02T09:00:00Z")
FIXTURES = Path(__file__).parent / "fixtures" / "exports"


def span(run, kind="run", day=0, **said):
    start = MONDAY + pd.Timedelta(days=day)
    row = {
        "team": "content", "source": "playbook", "span": f"{run}-{kind}", "trace": run, "kind": kind, "start": start,
        "end": start + pd.Timedelta(minutes=5), "agent": "reporting", "playbook_id": "weekly-report", "level": 4,
    }  # fmt: skip
    return row | said


def spans(*rows):
    return check(RUN_SPANS, pd.DataFrame(rows)) if rows else RUN_SPANS.empty()


def approval(run, number=1, **said):
    asked = MONDAY
    row = {
        "team": "content", "approval_id": f"a{run}{number}", "playbook_id": "weekly-report", "playbook_hash": "h", "run_id": run,
        "step": f"s{number}", "tool": "publish", "binding": "b", "arguments": "{}", "asked": asked,
        "reason": "the run has read text from outside, which may hold instructions of others",
        "expires": asked + pd.Timedelta(hours=72), "status": "used", "reviewer_role": "Head of marketing",
        "decided": asked + pd.Timedelta(hours=2), "edit_ratio": 0.0,
    }  # fmt: skip
    return row | said


def approvals(*rows):
    return check(APPROVALS, pd.DataFrame(rows)) if rows else APPROVALS.empty()


def counted(one, *questions):
    return runs.runs(one, approvals(*questions), RULE)


def figure(table, name, agent="weekly-report"):
    return table[(table["figure"] == name) & (table["agent"] == agent)].iloc[0]


# --- what a run is ---------------------------------------------------------------------------------------------------


def test_all_spans_of_a_trace_are_one_run_under_its_playbook():
    found = counted(spans(span("r1"), span("r1", "tool", parent="r1"), span("r2", day=8)))
    assert found["run"].tolist() == ["r1", "r2"]
    assert found["agent"].tolist() == ["weekly-report", "weekly-report"]
    # 2 November 2026 is a Monday, and eight days later is in the week of the 9th
    assert found["week"].tolist() == [pd.Timestamp("2026-11-02"), pd.Timestamp("2026-11-09")]


def test_a_run_of_another_system_is_counted_under_its_agents_name_or_as_not_named():
    other = {"source": "langfuse", "playbook_id": None, "level": None}
    found = counted(
        spans(
            span("t1", **other, agent="Social scheduler"),
            span("t1", "model", **other, agent=None, parent="t1-run"),
            span("t2", "model", **other, agent=None),
        )
    )
    assert found["agent"].tolist() == ["Social scheduler", runs.NOT_NAMED]


def test_the_last_outermost_run_span_says_how_the_run_ended():
    later = MONDAY + pd.Timedelta(hours=3)
    found = counted(
        spans(
            span("r1", status="error"),
            span("r1", span="again", start=later, end=later + pd.Timedelta(minutes=1)),
            span("r2", status="ok"),
            span("r2", "tool", parent="r2-run", status="error"),
        )
    )
    assert found["status"].tolist() == ["ok", "ok"]


def test_a_run_of_the_kit_without_its_run_span_waits_and_is_open():
    waiting = span("r1", "tool", parent="r1", status="escalated", guard="queued")
    found = counted(spans(waiting), approval("r1", status="waiting", decided=None, edit_ratio=None))
    assert found["status"].tolist() == ["open"]
    table = runs.figures(spans(waiting), approvals(), RULE)
    assert figure(table, "fail_rate")["status"].startswith("not yet")
    assert figure(table, "runs")["status"] == "1 still open"


def test_another_systems_trace_without_a_run_span_ends_as_its_outermost_spans_do():
    other = {"source": "langfuse", "playbook_id": None, "level": None}
    found = counted(
        spans(
            span("t1", "model", **other, status="error", parent="not in the log"),
            span("t2", "model", **other),
            span("t2", "tool", **other, parent="t2-model", status="error"),
        )
    )
    assert found["status"].tolist() == ["error", "ok"]


# --- stepping in -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("run", "question", "intervened"),
    [
        ({}, None, False),
        ({"status": "escalated"}, None, True),
        ({"status": "stopped"}, None, True),
        ({"status": "error"}, None, False),
        # at level 4 a question is an exception, whatever the answer
        ({"level": 4}, {}, True),
        # at level 3 every effect is asked for, so passing it is planned, unless a trigger fired or it was changed
        ({"level": 3}, {}, False),
        ({"level": 3}, {"reason": "at level 3 a person passes every effect\ntrigger missing_days is 2"}, True),
        ({"level": 3}, {"status": "rejected", "why": "wrong week"}, True),
        ({"level": 3}, {"edit_ratio": 0.05}, True),
        # at a level nobody knows the question counts against the agent
        ({"level": None}, {}, True),
    ],
)
def test_a_person_stepped_in_where_the_run_was_escalated_overridden_or_corrected(run, question, intervened):
    questions = [] if question is None else [approval("r1", **question)]
    found = counted(spans(span("r1", **run)), *questions)
    assert found["intervened"].tolist() == [intervened]


def test_planned_approvals_are_counted_apart():
    log, questions = (
        spans(span("r1", level=3), span("r2", level=3)),
        approvals(approval("r1"), approval("r1", 2), approval("r2")),
    )
    table = runs.figures(log, questions, RULE)
    assert figure(table, "planned_approvals")["value"] == 3
    # none of two: Wilson's upper end is 0.66, too wide to be shown
    rate = figure(table, "human_intervention")
    assert math.isnan(rate["value"])
    assert rate["status"] == "not yet: 0 of 2 leaves 0 % to 66 %; more runs are needed"


def test_triggers_are_told_by_spans_and_by_questions():
    log = spans(span("r1", trigger="missing_days > 0"), span("r2"), span("r3"))
    asked = approval("r2", reason="at level 3 a person passes every effect\ntrigger unsubscribe_rate is 0.7 %")
    assert counted(log, asked)["fired"].tolist() == [True, True, False]


# --- accepted --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "accepted"),
    [
        ([{}], True),
        ([{"edit_ratio": 0.1}], True),  # exactly the largest minor edit
        ([{"edit_ratio": 0.11}], False),
        ([{"status": "rejected", "why": "no"}], False),
        ([{}, {"status": "rejected", "why": "no"}], False),
        ([{"status": "edited", "edit_ratio": None}], None),
        ([{"status": "waiting", "decided": None, "edit_ratio": None}], None),
        ([], None),
    ],
)
def test_a_run_is_accepted_when_everything_a_person_decided_on_passed_with_at_most_a_minor_edit(answers, accepted):
    found = counted(
        spans(span("r1")), *(approval("r1", number, **said) for number, said in enumerate(answers, start=1))
    )
    value = found["accepted"].iloc[0]
    assert (None if pd.isna(value) else bool(value)) is accepted


def test_reviews_that_only_spans_tell_of_count_and_a_repeated_approval_counts_once():
    other = {"source": "opentelemetry", "playbook_id": None, "level": None}
    log = spans(
        span("t1", **other, span="1", review="edited", edit_ratio=0.5, review_wait_s=3600),
        span("r1", "tool", span="2", review="approved", approval="ar11", review_wait_s=60),
        span("t2", **other, span="3", review="approved", approval="x"),
        span("t2", "review", **other, span="4", review="approved", approval="x"),
    )
    found = runs.reviews(log, approvals(approval("r1")))
    assert sorted(found["run"]) == ["r1", "t1", "t2"]
    assert found.set_index("run")["wait_s"].dropna().to_dict() == {"r1": 7200, "t1": 3600}
    assert "reviewer_role" not in found.columns


def test_success_is_of_the_runs_a_person_decided_on_and_the_rest_is_said():
    # 12 of 30 runs were decided on, all accepted: 12 of 12 with Wilson's interval from 0.757 to 1
    log = spans(*(span(f"r{n}") for n in range(30)))
    asked = approvals(*(approval(f"r{n}") for n in range(12)))
    table = runs.figures(log, asked, RULE)
    row = figure(table, "prompt_success")
    assert (row["value"], row["n"]) == (1.0, 12)
    assert row["low"] == pytest.approx(0.7575, abs=1e-4)
    assert figure(table, "reviewed")["value"] == pytest.approx(0.4)
    said = " ".join(runs.findings(log, asked, RULE))
    assert (
        "100 % of the runs a person decided on were accepted as it is or with at most 10 % of the words changed" in said
    )
    assert "The other 18 runs were not decided on, and this says nothing of them." in said


# --- waits, edits, tokens, cost --------------------------------------------------------------------------------------


def test_the_wait_is_a_median_of_answered_questions_and_the_waiting_are_named():
    log = spans(*(span(f"r{n}") for n in range(8)))
    answered = [approval(f"r{n}", decided=MONDAY + pd.Timedelta(hours=n + 1)) for n in range(7)]
    row = figure(
        runs.figures(log, approvals(*answered, approval("r7", status="waiting", decided=None, edit_ratio=None)), RULE),
        "review_wait",
    )
    # hours 1 to 7: the median is 4; with seven values the interval runs from the smallest to the largest
    assert (row["value"], row["low"], row["high"], row["n"]) == (4, 1, 7, 7)
    assert row["status"] == "measured; 1 question still without an answer and not counted"
    few = figure(runs.figures(log, approvals(*answered[:5]), RULE), "review_wait")
    assert few["status"] == "not yet: six observations for an interval, 5 so far"


def test_the_edit_ratio_is_a_median_over_what_people_passed_or_edited():
    log = spans(*(span(f"r{n}") for n in range(6)))
    ratios = [0.0, 0.0, 0.1, 0.2, 0.3, 0.9]
    row = figure(
        runs.figures(log, approvals(*(approval(f"r{n}", edit_ratio=x) for n, x in enumerate(ratios))), RULE),
        "human_edit_ratio",
    )
    assert row["value"] == pytest.approx(0.15)  # between 0.1 and 0.2


def test_tokens_and_costs_are_those_of_model_calls_as_spans_above_repeat_them():
    log = spans(
        span("r1", input_tokens=3000, output_tokens=500, cost_usd=0.3, cost_source="reported"),
        span("r1", "model", span="m1", parent="r1-run", input_tokens=1000, output_tokens=200, cost_usd=0.1),
        span("r1", "model", span="m2", parent="r1-run", input_tokens=2000, output_tokens=300, cost_usd=0.2),
        span("r2"),
    )
    table = runs.figures(log, approvals(), RULE)
    assert figure(table, "input_tokens")["value"] == 3000
    assert figure(table, "output_tokens")["value"] == 500
    assert figure(table, "cost_usd")["value"] == pytest.approx(0.3)
    assert figure(table, "cost_a_run")["value"] == pytest.approx(0.15)


def test_a_cost_that_some_calls_do_not_say_is_at_least_and_one_that_none_says_is_not_yet():
    known = spans(span("r1", "model", span="m1", cost_usd=0.1), span("r1", "model", span="m2"), span("r1"))
    assert (
        figure(runs.figures(known, approvals(), RULE), "cost_usd")["status"]
        == "at least: 1 of 2 model calls say their cost"
    )
    none = runs.figures(spans(span("r1", "model")), approvals(), RULE)
    assert figure(none, "cost_usd")["status"] == "not yet: the log has no cost of its 1 model call"
    assert math.isnan(figure(none, "cost_usd")["value"])
    without = runs.figures(spans(span("r1")), approvals(), RULE)
    assert (figure(without, "cost_usd")["value"], figure(without, "cost_usd")["status"]) == (
        0,
        "no model call in the log",
    )


# --- figures ---------------------------------------------------------------------------------------------------------


def test_shares_are_shown_with_wilsons_interval_and_not_where_it_is_wider_than_the_rule():
    log = spans(*(span(f"r{n}", status="error" if n < 3 else "ok") for n in range(24)))
    row = figure(runs.figures(log, approvals(), RULE), "fail_rate")
    expected = wilson(3, 24)
    assert (row["value"], row["low"], row["high"], row["n"]) == (0.125, expected.low, expected.high, 24)
    # 5 of 5: 0.566 to 1 is 0.43 wide, shown; 2 of 4: 0.15 to 0.85, not shown
    five = spans(*(span(f"r{n}", status="error") for n in range(5)))
    assert figure(runs.figures(five, approvals(), RULE), "fail_rate")["value"] == 1
    four = spans(*(span(f"r{n}", status="error" if n < 2 else "ok") for n in range(4)))
    assert math.isnan(figure(runs.figures(four, approvals(), RULE), "fail_rate")["value"])


def test_weeks_agents_and_teams_are_kept_apart_and_pooled_only_on_request():
    log = spans(
        span("r1"), span("r2", day=7), span("r3", playbook_id="posts"), span("r4", team="growth", day=6),
    )  # fmt: skip
    by_week = runs.figures(log, approvals(), RULE)
    counts = by_week[by_week["figure"] == "runs"].set_index(["team", "agent", "start"])["value"].to_dict()
    first, second = pd.Timestamp("2026-11-02"), pd.Timestamp("2026-11-09")
    assert counts == {
        ("content", "weekly-report", first): 1, ("content", "weekly-report", second): 1, ("content", "posts", first): 1,
        ("growth", "weekly-report", first): 1,
    }  # fmt: skip
    whole = runs.figures(log, approvals(), RULE, by="all", pooled=True)
    table = whole[whole["figure"] == "runs"].set_index("team")
    assert table["value"].to_dict() == {"content": 3, "growth": 1}
    assert table["days"].to_dict() == {"content": 14, "growth": 7}


def eligible(*rows):
    return pd.DataFrame(rows, columns=["team", "agent", "week", "eligible"])


def test_utilisation_needs_to_know_how_many_runs_were_eligible():
    log = spans(*(span(f"r{n}") for n in range(10)), span("r10", status="error"), span("r11", day=7))
    week, next_week = dt.date(2026, 11, 2), dt.date(2026, 11, 9)
    row = figure(runs.figures(log, approvals(), RULE), "system_utilisation")
    assert row["status"] == "not yet: how many runs were eligible in each whole week"
    table = runs.figures(log, approvals(), RULE, eligible=eligible(("content", "weekly-report", week, 12)))
    # ten of twelve eligible runs were done; the one that failed was not
    assert figure(table, "system_utilisation")["value"] == pytest.approx(10 / 12)
    known = eligible(("content", "weekly-report", week, 12), ("content", "weekly-report", next_week, 8))
    whole = runs.figures(log, approvals(), RULE, by="all", eligible=known)
    assert figure(whole, "system_utilisation")["value"] == pytest.approx(11 / 20)
    too_few = runs.figures(log, approvals(), RULE, eligible=eligible(("content", "weekly-report", week, 3)))
    assert "10 runs done where 3 were eligible" in figure(too_few, "system_utilisation")["status"]


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"agent": ["x"], "eligible": [1]}),
        eligible(("content", "weekly-report", dt.date(2026, 11, 2), -1)),
        eligible(("content", "weekly-report", dt.date(2026, 11, 2), 1.5)),
        eligible(("content", "weekly-report", "soon", 1)),
    ],
)
def test_a_bad_table_of_eligible_runs_is_refused(table):
    with pytest.raises(ParameterError, match="eligible"):
        runs.figures(spans(span("r1")), approvals(), RULE, eligible=table)


def test_bad_rows_and_bad_words_are_refused():
    with pytest.raises(TableError):
        runs.runs(spans(span("r1")).assign(status="fine"), approvals(), RULE)
    with pytest.raises(ParameterError, match="'month'"):
        runs.figures(spans(), approvals(), RULE, by="month")


def test_no_runs_give_empty_typed_tables_and_a_sentence():
    nothing = spans(), approvals(), RULE
    assert runs.runs(*nothing).empty
    assert runs.reviews(*nothing[:2]).empty
    assert runs.figures(*nothing).empty
    assert runs.figures(*nothing).dtypes["start"] == "datetime64[us]"
    assert runs.findings(*nothing) == ["Not yet: no run of an agent is in the logs."]
    assert runs.measures(*nothing).empty
    rows = runs.measures(*nothing, teams=["content"]).set_index("measure")
    assert rows.loc["agent_runs", "value"] == 0
    assert rows.drop("agent_runs")["needs"].eq("runs of agents").all()
    assert runs.readings(*nothing, start=dt.date(2026, 11, 2), days=7).empty


# --- what it says ----------------------------------------------------------------------------------------------------


@pytest.fixture
def month():
    """Four weeks of one agent: 24 runs, three with an exception that was approved, two errors, one still open."""
    rows = [span(f"r{n:02}", day=n, status="error" if n in (4, 9) else "ok") for n in range(24)]
    questions = [approval(f"r{n:02}", decided=MONDAY + pd.Timedelta(hours=2)) for n in (1, 2, 3)]
    return spans(*rows, span("r99", "tool", day=24, parent="r99", status="escalated")), approvals(*questions)


def test_the_findings_carry_numbers_n_and_interval(month):
    said = runs.findings(*month, RULE)
    assert said[0] == "content, weekly-report: 25 runs from 2026-11-02 to 2026-11-26, 1 of them still open."
    # 3 of 25: Wilson from 0.042 to 0.300; 2 of the 24 that are over: 0.023 to 0.258
    assert (
        said[1] == "content, weekly-report: a person stepped in on 12 % of the runs (n 25, 95 % interval 4 % to 30 %)."
    )
    assert (
        "content, weekly-report: 8 % of the runs that are over ended in an error (n 24, 95 % interval 2 % to 26 %)."
        in said
    )
    assert any("not yet, which share of the runs a person decided on were accepted" in sentence for sentence in said)
    assert any("no model call is in the log" in sentence for sentence in said)
    assert not any("Head of marketing" in sentence for sentence in said)


def test_the_same_agent_in_two_logs_is_said():
    log = spans(span("r1"), span("t1", source="langfuse"))
    assert any(
        "a run that is in both logs is counted twice" in sentence for sentence in runs.findings(log, approvals(), RULE)
    )


def test_the_measures_fit_the_gates_table(month):
    table = runs.measures(*month, RULE)
    check(MEASURES, table)
    rows = table.set_index("measure")
    assert rows.loc["human_intervention_rate", "value"] == pytest.approx(0.12)
    assert rows.loc["human_intervention_rate", "evidence"].startswith(
        "runs a person stepped in on, n 25, 95 % interval 0.0417 to 0.3"
    )
    assert pd.isna(rows.loc["prompt_success_rate", "value"])
    assert rows.loc["prompt_success_rate", "needs"].startswith("3 of 3 leaves")


def test_readings_are_given_only_where_the_kpi_is_what_it_says(month):
    ids = {kpi.id for kpi in content.load("kpis").kpis}
    found = runs.readings(*month, RULE, start=dt.date(2026, 11, 2), days=28)
    check(READINGS, found)
    # success is defined over all runs, and only three were decided on; nobody said how many runs were eligible
    assert found["kpi"].tolist() == ["human_intervention"]
    assert (found.iloc[0]["value"], found.iloc[0]["n"]) == (pytest.approx(0.12), 25)
    log, _ = month
    every = approvals(*(approval(run, status="approved") for run in log["trace"].unique()))
    table = eligible(
        *(("content", "weekly-report", dt.date(2026, 11, 2) + dt.timedelta(days=7 * n), 10) for n in range(4))
    )
    full = runs.readings(log, every, RULE, start=dt.date(2026, 11, 2), days=28, eligible=table).set_index("kpi")
    assert set(full.index) == {"human_intervention", "prompt_success", "system_utilisation"} <= ids
    assert full.loc["prompt_success", "value"] == 1
    assert full.loc["system_utilisation", "value"] == pytest.approx(22 / 40)
    shifted = runs.readings(log, every, RULE, start=dt.date(2026, 11, 3), days=27, eligible=table)
    assert "system_utilisation" not in set(shifted["kpi"])


def test_readings_count_the_runs_that_began_in_the_period(month):
    fortnight = runs.readings(*month, RULE, start=dt.date(2026, 11, 2), days=14)
    # 3 of the 14 runs: Wilson from 0.076 to 0.476; of one week, 3 of 7 would leave 0.16 to 0.75 and is not given
    assert fortnight.set_index("kpi").loc["human_intervention", "n"] == 14
    assert runs.readings(*month, RULE, start=dt.date(2026, 11, 2), days=7).empty
    with pytest.raises(ParameterError, match="days: 0"):
        runs.readings(*month, RULE, start=dt.date(2026, 11, 2), days=0)


def test_imported_logs_are_measured_too(tmp_workspace):
    with tmp_workspace.change() as change:
        change.put("teams", pd.DataFrame({"team": ["content"], "name": ["Content"]}))
    for name in ("opentelemetry.json", "langfuse.json", "langfuse.csv", "langsmith.jsonl"):
        bring_in(tmp_workspace, FIXTURES / name, team="content")
    found = runs.runs(tmp_workspace.read("run_spans"), tmp_workspace.read("approvals"), RULE).set_index("agent")
    assert set(found.index) == {
        "Newsletter drafter",
        "ad-copy-service",
        "Social scheduler",
        "Ad copy agent",
        "Report writer",
    }
    drafter = found.loc["Newsletter drafter"]
    # the agent's own span repeats its model call's tokens, which count once
    assert (drafter["input_tokens"], drafter["output_tokens"], drafter["cost_usd"]) == (3100, 840, 0.0219)
    assert found["status"].value_counts().to_dict() == {"ok": 4, "error": 2}


# --- laws ------------------------------------------------------------------------------------------------------------

ROW = st.fixed_dictionaries(
    {
        "run": st.sampled_from(["r1", "r2", "r3"]),
        "kind": st.sampled_from(["run", "model", "tool", "review", "other"]),
        "team": st.sampled_from(["content", "growth"]),
        "source": st.sampled_from(["playbook", "langfuse"]),
        "status": st.sampled_from(["ok", "escalated", "stopped", "error"]),
        "level": st.sampled_from([None, 3, 4, 5]),
        "review": st.sampled_from([None, "approved", "edited", "rejected"]),
        "edit_ratio": st.sampled_from([None, 0.0, 0.05, 0.5]),
        "trigger": st.sampled_from([None, "x > 1"]),
        "parent": st.sampled_from([None, "s0", "r1"]),
        "end": st.sampled_from([None, MONDAY]),
        "day": st.integers(0, 20),
    }
)


@pytest.fixture
def counted_once(monkeypatch):
    """Runs, figures, findings and measures of one log begin with the same count, which takes longer than all the rest."""
    counting = import_module("playbook.runs.counting")
    count, known = counting.runs_and_reviews, {}

    def once(*asked):
        key = tuple(map(id, asked))
        if key not in known:
            known[key] = asked, count(*asked)  # what was asked stays alive, so that no id is used twice
        return tuple(frame.copy() for frame in known[key][1])

    for place in (counting, import_module("playbook.runs.figures")):
        monkeypatch.setattr(place, "runs_and_reviews", once)


@given(st.lists(ROW, max_size=8), st.lists(st.sampled_from(["used", "waiting", "rejected", "edited"]), max_size=3))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_span_belongs_to_one_run_and_every_figure_says_what_it_is(counted_once, rows, statuses):
    log = spans(*(span(**row, span=f"s{number}") for number, row in enumerate(rows)))
    questions = approvals(*(approval("r1", number, status=status) for number, status in enumerate(statuses)))
    found = runs.runs(log, questions, RULE)
    assert len(found) == len(log[["team", "source", "trace"]].drop_duplicates())
    table = runs.figures(log, questions, RULE)
    assert not table["status"].eq("").any()
    assert (table["value"].isna() == table["status"].str.startswith("not yet")).all()
    shares = table[table["unit"].str.startswith("share")].dropna(subset=["value"])
    assert (shares["low"] <= shares["value"]).all()
    assert (shares["value"] <= shares["high"]).all()
    assert table.loc[table["figure"] == "runs", "value"].sum() == len(found)
    said = runs.findings(log, questions, RULE)
    assert all(sentence.endswith(".") for sentence in said)
    assert "nan" not in " ".join(said)
    check(MEASURES, runs.measures(log, questions, RULE))


@given(st.lists(ROW, min_size=1, max_size=8), st.randoms())
@settings(max_examples=6, deadline=None)
def test_the_order_of_the_log_does_not_matter(rows, random):
    log = [span(**row, span=f"s{number}") for number, row in enumerate(rows)]
    first = runs.figures(spans(*log), approvals(), RULE)
    random.shuffle(log)
    pd.testing.assert_frame_equal(first, runs.figures(spans(*log), approvals(), RULE))
