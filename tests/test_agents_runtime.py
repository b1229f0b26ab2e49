"""The runtime: steps are decided, written down, done once, and what waits goes on after a person has decided."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import replace

import pytest
from engagement import make_workspace
from stand_ins import TODAY, UNTRUSTED, Bay, World, policy

from playbook import ContentError, ParameterError, PlaybookError, WorkspaceBusyError
from playbook.agents import runtime
from playbook.agents.approvals import Reviews, edit_ratio
from playbook.agents.ledger import settle
from playbook.agents.log import open_log
from playbook.agents.records import MemoryRecords, WorkspaceRecords, switch
from playbook.agents.registry import Agent
from playbook.agents.runtime import Escalate, Rejected, Step
from playbook.agents.tools import Bench, Output

RULES = policy()


@pytest.fixture
def bay(tmp_path):
    return Bay(tmp_path)


def one_effect(job):
    text = yield Step("read", "fetch", {})
    yield Step("send", "send", {"to": "list", "text": text})
    return "Sent."


def steps(*planned):
    def work(job):
        for number, (tool, arguments, *metrics) in enumerate(planned):
            yield Step(f"{number} {tool}", tool, arguments, *metrics)
        return "All done."

    return work


def publish(text, **metrics):
    return ("publish", {"to": "page", "text": text}, metrics)


def reviews(bay, rules=RULES):
    return Reviews(bay.records, rules, bay.agent(one_effect), bay.log(rules.playbook), bay.clock)


def happened(bay):
    return [(tool, arguments.get("text")) for tool, _, arguments in bay.world.effects]


def test_an_agent_inside_its_bounds_works_alone_and_says_what_came_of_it(bay):
    end = bay.run(RULES, steps(("count", {"text": "abc"}), publish("three")))
    assert (end.status, end.outcome, end.run_id) == ("ok", "All done.", "weekly-report-2026-11-22-1")
    assert happened(bay) == [("publish", "three")]
    assert bay.run(RULES, steps(publish("again"))).run_id == "weekly-report-2026-11-22-2"


def test_a_waiting_run_goes_on_after_the_approval_and_the_approval_is_good_once(bay):
    first = bay.run(RULES, one_effect)
    assert (first.status, len(first.waiting), happened(bay)) == ("waiting", 1, [])
    assert bay.run(RULES, one_effect).waiting == first.waiting  # asking again is the same question
    reviews(bay).decide(first.waiting[0], "approved", "Editor")
    assert bay.run(RULES, one_effect).status == "ok"
    assert happened(bay) == [("send", "hello")]
    assert bay.run(RULES, one_effect).status == "waiting"  # the next run asks anew
    with pytest.raises(ParameterError, match="decided already: used"):
        reviews(bay).decide(first.waiting[0], "approved", "Editor")


def test_a_reviewers_edit_is_what_happens_and_its_size_is_kept(bay):
    first = bay.run(RULES, one_effect)
    decided = reviews(bay).decide(first.waiting[0], "edited", "Editor", "too short", {"to": "list", "text": "dear all"})
    assert 0 < decided["edit_ratio"] < 1
    assert bay.run(RULES, one_effect).status == "ok"
    assert happened(bay) == [("send", "dear all")]
    (span,) = [row for row in bay.records.rows("run_spans") if row["guard"] == "approved"]
    assert (span["review"], span["reviewer_role"], span["edit_ratio"]) == ("edited", "Editor", decided["edit_ratio"])


def test_a_rejection_ends_the_run_with_its_reason_and_the_next_run_begins_anew(bay):
    first = bay.run(RULES, one_effect)
    reviews(bay).decide(first.waiting[0], "rejected", "Editor", "wrong list")
    end = bay.run(RULES, one_effect)
    assert (end.status, end.outcome) == ("stopped", "Editor rejected send: wrong list")
    assert happened(bay) == []
    assert bay.run(RULES, one_effect).run_id != first.run_id


def test_an_agent_may_go_on_without_a_rejected_step(bay):
    def work(job):
        try:
            yield from one_effect(job)
        except Rejected as no:
            yield Step("note", "make", {"name": "note", "text": str(no)})
        return "Noted."

    reviews(bay).decide(bay.run(RULES, work).waiting[0], "rejected", "Editor", "wrong list")
    end = bay.run(RULES, work)
    assert (end.status, end.outcome, len(end.artifacts)) == ("ok", "Noted.", 1)


def test_the_operator_cannot_decide_on_their_own_agent_however_the_role_is_spelt(bay):
    waiting = bay.run(RULES, one_effect).waiting[0]
    for role in ("Analyst", " analyst", "ANALYST "):
        with pytest.raises(ParameterError, match="cannot decide on its approvals"):
            reviews(bay).decide(waiting, "approved", role)
    with pytest.raises(ParameterError, match="a rejection needs its reason"):
        reviews(bay).decide(waiting, "rejected", "Editor", "  ")
    assert reviews(bay).waiting()[0]["status"] == "waiting"


def test_an_approval_ends_with_its_time_before_and_after_the_decision(bay):
    first = bay.run(RULES, one_effect)
    reviews(bay).decide(first.waiting[0], "approved", "Editor")
    bay.clock.forward(hours=73)
    second = bay.run(RULES, one_effect)
    assert second.status == "waiting"
    assert second.waiting != first.waiting
    bay.clock.forward(hours=73)
    with pytest.raises(ParameterError, match="has expired"):
        reviews(bay).decide(second.waiting[0], "approved", "Editor")
    assert reviews(bay).waiting() == []


def test_an_approval_is_void_after_the_playbook_changed(bay):
    first = bay.run(RULES, one_effect)
    reviews(bay).decide(first.waiting[0], "approved", "Editor")
    changed = policy(rollback="Call the agency.")
    end = bay.run(changed, one_effect)
    assert (end.status, happened(bay)) == ("waiting", [])
    with pytest.raises(ParameterError, match="another version"):
        reviews(bay).decide(end.waiting[0], "approved", "Editor")


def test_an_edit_cannot_leave_the_policys_limits(bay):
    rules = policy(use=["fetch", {"tool": "send", "limits": {"to": {"one_of": ["list"]}}}])
    waiting = bay.run(rules, one_effect).waiting[0]
    with pytest.raises(ParameterError, match="allowed: list"):
        reviews(bay, rules).decide(waiting, "edited", "Editor", "", {"to": "everyone", "text": "x"})


def test_level_5_hands_exceptions_to_the_owner_by_name(bay):
    rules = policy(level=5, triggers=[{"when": "failed_runs > 3 runs", "reason": "something is broken"}])
    work = steps(publish("good", failed_runs=0), publish("bad", failed_runs=4))
    end = bay.run(rules, work)
    assert end.status == "escalated"
    assert "Head of marketing" in end.outcome
    assert "failed_runs is 4 runs (something is broken)" in end.outcome
    assert happened(bay) == [("publish", "good")]
    reviews(bay, rules).decide(end.waiting[0], "approved", "Head of marketing")
    assert bay.run(rules, work).status == "ok"


def test_a_metric_that_is_missing_or_not_a_number_hands_back(bay):
    rules = policy(triggers=[{"when": "unsubscribe_rate > 0.5%", "reason": "people leave"}])
    assert bay.run(rules, steps(publish("x", unsubscribe_rate=0.4))).status == "ok"
    for metrics in ({}, {"unsubscribe_rate": None}, {"unsubscribe_rate": float("nan")}):
        end = bay.run(rules, steps(publish("x", **metrics)), resume=False)
        assert end.status == "waiting"
        assert "unsubscribe_rate could not be measured" in end.outcome


def test_work_that_escalates_names_the_owner(bay):
    def work(job):
        yield Step("read", "fetch", {})
        raise Escalate("two days of data are missing")

    end = bay.run(RULES, work)
    assert (end.status, end.outcome) == ("escalated", "Handed to Head of marketing: two days of data are missing")


def test_labels_travel_through_artifacts_to_other_agents_and_later_runs(bay):
    def collects(job):
        text = yield Step("read", "fetch", {})
        yield Step("keep", "make", {"name": "notes", "text": text})
        return "Kept."

    made = bay.run(policy(playbook="collector"), collects).artifacts[0]
    publisher = policy(playbook="publisher", level=5)
    read = steps(("open", {"artifact_id": made}), publish("news"))
    unread = steps(("publish_artifact", {"artifact_id": made}))
    copy = steps(("open", {"artifact_id": made}), ("make", {"name": "copy", "text": "mine"}))
    assert bay.run(publisher, read).status == "escalated"
    assert bay.run(publisher, unread, resume=False).status == "escalated"
    (own,) = bay.run(publisher, copy, resume=False).artifacts
    assert bay.run(publisher, steps(("publish_artifact", {"artifact_id": own}))).status == "escalated"
    assert happened(bay) == []


def test_bytes_an_agent_made_bring_their_labels_wherever_a_copy_lies(bay):
    bay.run(RULES, steps(("fetch", {}), ("make", {"name": "notes", "text": "words of others"})))
    (bay.folder / "inputs").mkdir()
    (bay.folder / "inputs" / "notes.txt").write_text("words of others")
    bench = a_bench(bay)
    bench.read_file("inputs/notes.txt")
    assert bench.desk.labels == UNTRUSTED


def a_bench(bay, **changes):
    bench = Bench(None, bay.folder, "memory", TODAY, "weekly-report", "run", "key")
    return replace(bench, desk=replace(bench.desk, records=bay.records, **changes))


def test_an_effect_cannot_read_what_nobody_knew_of_when_it_was_decided(bay):
    bay.run(RULES, steps(("fetch", {}), ("make", {"name": "notes", "text": "words of others"})))
    made = bay.records.rows("artifacts")[0]
    with pytest.raises(ParameterError, match="which nobody knew when this effect was decided"):
        a_bench(bay, fixed=True).artifact(made["artifact_id"])
    (bay.folder / made["path"]).write_text("other words")
    with pytest.raises(ParameterError, match="was changed after it was made"):
        a_bench(bay).artifact(made["artifact_id"])


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../x", "inputs/../../x", "", "a\0b", "playbooks/weekly-report/policy.yaml", "agents/x/log.jsonl"],
)
def test_a_tool_reaches_no_file_outside_and_none_that_binds_it(bay, path):
    with pytest.raises(ParameterError):
        a_bench(bay).path_in(path)


def test_a_symbolic_link_leads_nowhere(bay):
    (bay.folder / "inputs").symlink_to("/etc")
    with pytest.raises(ParameterError, match="symbolic link"):
        a_bench(bay).read_file("inputs/passwd")


def test_equal_names_are_versions_and_the_same_bytes_of_one_step_are_one_artifact(bay):
    bench = a_bench(bay)
    first = bench.keep("report", ".html", b"one")
    assert bench.keep("report", ".html", b"one") == first
    assert bench.keep("report", ".html", b"two") != first
    assert [(row["version"], row["path"]) for row in bay.records.rows("artifacts")] == [
        (1, "agents/weekly-report/artifacts/report-v1.html"),
        (2, "agents/weekly-report/artifacts/report-v2.html"),
    ]
    assert bench.artifact(first) == b"one"
    with pytest.raises(ParameterError, match="cannot be called"):
        bench.keep("../report", ".html", b"")


@pytest.mark.parametrize(
    ("caps", "plan", "said"),
    [
        ({"calls": 2}, [("count", {"text": "a"})] * 3, "the cap on tool calls a run is 2"),
        ({"spend_a_run": 50}, [("pay", {"to": "a", "amount": 30.0})] * 2, "the cap on spend a run is 50 USD"),
        ({"spend_a_run": 50}, [("pay", {"to": "a", "amount": -1.0})], "would spend -1"),
    ],
)
def test_caps_hold_and_no_approval_raises_them(bay, caps, plan, said):
    every = {"calls": 40, "seconds": 600, "spend_a_run": 999, "spend_a_day": 999, "currency": "USD"} | caps
    end = bay.run(policy(level=5, use=["count", "pay"], caps=every), steps(*plan))
    assert (end.status, said in end.outcome) == ("stopped", True), end.outcome


def test_spend_a_day_is_counted_over_runs_until_midnight(bay):
    caps = {"calls": 40, "seconds": 600, "spend_a_run": 60, "spend_a_day": 100, "currency": "USD"}
    rules, work = policy(use=["pay"], caps=caps), steps(("pay", {"to": "a", "amount": 60.0}))
    assert bay.run(rules, work).status == "ok"
    assert "spend a day is 100 USD, and this call would make it 120 USD" in bay.run(rules, work).outcome
    bay.clock.forward(hours=12)
    assert bay.run(rules, work, today=TODAY + dt.timedelta(days=1)).status == "ok"


def test_seconds_of_work_are_capped_over_attempts(bay):
    bay.world.after = lambda tool, bench, arguments: bay.clock.forward(seconds=400)
    end = bay.run(RULES, steps(("fetch", {}), ("make", {"name": "a", "text": "b"}), ("count", {"text": "c"})))
    assert end.status == "stopped"
    assert "the cap on work a run is 600 seconds" in end.outcome


@pytest.mark.parametrize("which", ["weekly-report", "*"])
def test_the_switch_stops_an_agent_before_its_next_call_and_it_goes_on_when_released(bay, which):
    def off(stopped):
        switch(bay.records, which, stopped=stopped, reason="a complaint", by_role="Editor", now=bay.clock())

    bay.world.after = lambda tool, bench, arguments: off(stopped=True) if tool == "publish" else None
    work = steps(publish("one"), publish("two"))
    end = bay.run(RULES, work)
    assert (end.status, end.outcome, happened(bay)) == (
        "stopped",
        "Stopped by Editor: a complaint",
        [("publish", "one")],
    )
    assert bay.run(RULES, work).status == "stopped"
    bay.world.after = lambda tool, bench, arguments: None
    off(stopped=False)
    assert bay.run(RULES, work).run_id == end.run_id
    assert happened(bay) == [("publish", "one"), ("publish", "two")]


def test_another_agents_switch_stops_nobody_else(bay):
    switch(bay.records, "other", stopped=True, reason="a complaint", by_role="Editor")
    assert bay.run(RULES, steps(publish("one"))).status == "ok"


def test_records_that_cannot_be_read_stop_the_run(bay):
    class Gone(MemoryRecords):
        def rows(self, table):
            if table == "agent_switches":
                raise WorkspaceBusyError("the database does not answer")
            return super().rows(table)

    bay.records = Gone()
    end = bay.run(RULES, steps(publish("one")))
    assert (end.status, happened(bay)) == ("stopped", [])
    assert "could not be read" in end.outcome


def test_a_log_that_was_tampered_with_keeps_the_agent_from_running(bay):
    bay.run(RULES, steps(publish("one")))
    lines = bay.log("weekly-report").lines
    lines.kept = lines.kept.replace(b"publish", b"nothing")
    end = bay.run(RULES, steps(publish("two")))
    assert (end.status, len(happened(bay))) == ("stopped", 1)
    assert "is not what was written" in end.outcome


def test_a_tool_that_fails_ends_the_run_and_the_same_day_it_may_be_tried_again(bay):
    fails = [True]

    def before(tool, bench, arguments):
        if tool == "send" and fails:
            raise PlaybookError("the mail server refused")

    bay.world.before = before
    work = steps(publish("one"), ("send", {"to": "list", "text": "two"}))
    end = bay.run(RULES, work)
    assert (end.status, end.outcome) == ("error", "send failed: the mail server refused")
    fails.clear()
    assert bay.run(RULES, work).run_id == end.run_id
    assert happened(bay) == [("publish", "one"), ("send", "two")]
    runs = [row["status"] for row in bay.records.rows("run_spans") if row["kind"] == "run"]
    assert runs == ["error", "ok"]


def test_an_effect_that_was_begun_and_not_finished_asks_a_person_instead_of_repeating(bay):
    def dies(tool, bench, arguments):
        raise KeyboardInterrupt

    work = steps(("send", {"to": "list", "text": "two"}))
    bay.world.after = dies
    with pytest.raises(KeyboardInterrupt):
        bay.run(RULES, work)
    bay.world.after = lambda tool, bench, arguments: None
    assert "playbook pilot settle" in bay.run(RULES, work, resume=False).outcome
    (row,) = [row for row in bay.records.rows("agent_steps") if row["tool"] == "send"]
    with pytest.raises(ParameterError, match="another role settles"):
        settle(
            bay.records, bay.log("weekly-report"), RULES, row["run_id"], row["step"], happened=True, by_role="Analyst"
        )
    settle(bay.records, bay.log("weekly-report"), RULES, row["run_id"], row["step"], happened=True, by_role="Editor")
    assert len(happened(bay)) == 1


def test_the_unfinished_effect_is_done_once_more_only_when_a_person_says_it_did_not_happen(bay):
    def dies(tool, bench, arguments):
        raise KeyboardInterrupt

    work, bay.world.before = steps(("send", {"to": "list", "text": "two"})), dies
    with pytest.raises(KeyboardInterrupt):
        bay.run(RULES, work)
    bay.world.before = lambda tool, bench, arguments: None
    end = bay.run(RULES, work)
    assert end.status == "waiting"
    assert "nobody knows whether it happened" in end.outcome
    assert bay.run(RULES, work).waiting == end.waiting
    reviews(bay).decide(end.waiting[0], "approved", "Editor", "nothing was sent")
    assert bay.run(RULES, work).status == "ok"
    assert happened(bay) == [("send", "two")]


def test_an_agent_that_changes_its_mind_about_a_step_that_was_done_is_told_so(bay):
    switch(bay.records, "*", stopped=False, reason="x", by_role="Editor")
    bay.world.after = lambda tool, bench, arguments: switch(
        bay.records, "*", stopped=True, reason="x", by_role="Editor", now=bay.clock()
    )
    bay.run(RULES, steps(publish("one"), publish("two")))
    end = bay.run(RULES, steps(publish("ONE"), publish("two")))
    assert (end.status, "done with other arguments before" in end.outcome) == ("error", True)


@pytest.mark.parametrize(
    ("value", "said"),
    [(float("nan"), "no plain JSON"), ({1, 2}, "no plain JSON"), ("x" * 2_000_001, "as an artifact")],
)
def test_what_the_ledger_cannot_keep_is_refused(bay, value, said):
    tool = replace(bay.world.tools()[2], run=lambda bench, asked: Output(value))
    agent = Agent("stand-in", bay.agent(one_effect).settings, (tool,), steps(("count", {"text": "a"})))
    bay.agent = lambda work: agent
    end = bay.run(policy(use=["count"]), None)
    assert (end.status, said in end.outcome) == ("error", True)


def test_a_step_name_stands_for_one_step(bay):
    def work(job):
        for _ in range(2):
            yield Step("same", "count", {"text": "a"})
        return "Done."

    assert "the step name 'same' twice" in bay.run(RULES, work).outcome


def test_a_tool_off_the_allow_list_or_unknown_is_not_called(bay):
    for tool, arguments in (("pay", {"to": "a", "amount": 1}), ("format_disk", {})):
        assert bay.run(RULES, steps((tool, arguments))).status == "stopped"
    assert happened(bay) == []


def test_a_policy_that_does_not_fit_its_agent_does_not_run(bay):
    with pytest.raises(ContentError, match="joins private data"):
        bay.run(policy(use=["customers", "fetch", "send"]), one_effect)


def test_an_agent_runs_once_at_a_time(bay):
    def work(job):
        yield Step("count", "count", {"text": "a"})
        with pytest.raises(ParameterError, match="is running already"):
            bay.run(RULES, one_effect)
        return "Alone."

    assert bay.run(RULES, work).outcome == "Alone."


def test_everything_holds_in_a_workspace_and_its_log_file(tmp_path):
    workspace = make_workspace(tmp_path / "w", "content")
    world = World()
    agent = Agent("stand-in", Bay(tmp_path).agent(one_effect).settings, world.tools(), one_effect)
    known = {"team": "content", "today": TODAY, "agent": agent}
    first = runtime.run(workspace, RULES, **known)
    assert first.status == "waiting"
    records = WorkspaceRecords(workspace, "content")
    log = open_log(records, workspace.folder, "weekly-report")
    Reviews(records, RULES, agent, log).decide(first.waiting[0], "approved", "Editor")
    assert runtime.run(workspace, RULES, **known).status == "ok"
    assert [tool for tool, _, _ in world.effects] == ["send"]
    assert log.verify().faults == ()
    spans = workspace.read("run_spans", "content")
    assert spans["kind"].tolist().count("run") == 1
    assert set(spans["guard"].dropna()) == {"allowed", "queued", "approved"}
    assert spans.loc[spans["kind"].eq("run"), "tainted"].all()
    os.truncate(workspace.folder / "agents" / "weekly-report" / "log.jsonl", 100)
    assert runtime.run(workspace, RULES, **known).status == "stopped"


def test_the_share_of_words_a_person_changed():
    # 2 x 2 words kept in order of 3 + 3 words: 1 - 4/6
    assert edit_ratio("one two three", "one two four") == pytest.approx(1 / 3, abs=1e-6)
    assert (edit_ratio("a b", "a b"), edit_ratio("a", "b"), edit_ratio("", "")) == (0, 1, 0)
    # "same" begins and ends both, and is counted once: 1 word added of 3 words in all
    assert edit_ratio("same", "same same") == pytest.approx(1 / 3, abs=1e-6)
