"""The review queue at hand, without a browser: what is listed and read, decided once, refused in words, and kept."""

import datetime as dt
import json
from types import SimpleNamespace

import pandas as pd
import pytest
from engagement import copy_of
from test_pilot_commands import TODAY, changed, run

from playbook.agents import review as door
from playbook.agents.legible import plain
from playbook.errors import ParameterError, WorkspaceBusyError
from playbook.io import sample
from playbook.io.workspace import Workspace
from playbook.widgets.review import Original, difference_lines, review_queue

TEAM, PLAYBOOK = "content-and-search", "weekly-report"
OWNER, OPERATOR = "Senior Editor", "SEO Specialist"
REASON = "The holiday is not named"


@pytest.fixture(scope="module")
def waiting_once(tmp_path_factory):
    """The sample with the weekly report at level 3, run once: it waits for a person."""
    made = sample.create(tmp_path_factory.mktemp("review") / "acme", start=dt.date(2026, 10, 13))
    changed(made, PLAYBOOK, level=3)
    assert "waits for a person" in run_agent(made).stdout
    return made.folder


@pytest.fixture
def ws(waiting_once, tmp_path):
    return copy_of(waiting_once, tmp_path / "acme")


@pytest.fixture
def queue(ws):
    return review_queue(ws, TEAM, door=door)


def run_agent(ws):
    return run("pilot", "run", PLAYBOOK, "--today", TODAY, "-w", ws.folder)


def asked_by_browser(queue, **message):
    """Send what the browser sends and return the widget's answer."""
    said = []
    queue.send = lambda content, buffers=None: said.append(content)
    queue._hear(queue, {"ask": 1, **message}, None)
    assert len(said) == 1
    return said[0]


def decided(queue, decision, role=OWNER, why="", text=None, once="first"):
    asked = {"id": queue.rows[0]["id"] if queue.rows else "", "decision": decision, "role": role, "why": why}
    return asked_by_browser(queue, do="decide", text=text, once=once, **asked)


def row(ws):
    return ws.read("approvals", TEAM).iloc[0]


def test_what_waits_is_listed_with_workflow_tool_artifact_times_reason_and_checks(queue, ws):
    (listed,) = queue.rows
    assert listed["id"] == row(ws)["approval_id"]
    assert (listed["workflow"], listed["tool"]) == ("Weekly performance report", "publish_report")
    assert listed["artifact"] == "weekly report report, version 1"
    assert listed["reason"] == "at level 3 a person passes every effect"
    assert listed["checks"] == "1 of 1 check passed"
    good_for = pd.Timestamp(listed["expires"]) - pd.Timestamp(listed["since"])
    assert good_for == pd.Timedelta(hours=72)
    json.dumps(queue.rows)  # plain values, as a browser is sent
    assert queue.static()["approval_id"].tolist() == [listed["id"]]


def test_a_question_is_read_with_arguments_checks_text_and_the_roles_that_may_decide(queue):
    answer = asked_by_browser(queue, do="open", id=queue.rows[0]["id"])
    asked = json.loads(json.dumps(answer))["question"]
    assert {one["name"] for one in asked["arguments"]} == {"files", "folder", "week"}
    assert asked["checks"] == ["every number of the text is a table's cell: passed"]
    assert asked["text"].startswith("<")
    assert OWNER in asked["roles"]
    assert OPERATOR not in asked["roles"]
    # the first report of its name: said in words instead of a difference
    assert [line["kind"] for line in asked["difference"]] == ["note"]


def test_an_approval_is_written_down_says_what_happens_next_and_the_agent_goes_on(queue, ws):
    said = decided(queue, "approved")
    assert said["ok"]
    next_step = f"The next `playbook pilot run {PLAYBOOK}` acts on it, once. Nothing waits now."
    assert said["text"] == f"Approved by {OWNER}. {next_step}"
    assert queue.rows == []
    assert (row(ws)["status"], row(ws)["reviewer_role"]) == ("approved", OWNER)
    assert ": ok" in run_agent(ws).stdout


def test_an_edit_is_published_as_typed_and_the_share_of_words_changed_is_recorded(queue, ws):
    text = queue.question(queue.rows[0]["id"])["text"]
    mine = text.replace("</body>", "<p>The Wednesday was a holiday.</p></body>")
    assert mine != text
    said = decided(queue, "edited", text=mine)
    assert said["text"].startswith(f"Approved in your version by {OWNER}, ")
    assert row(ws)["status"] == "edited"
    assert 0 < row(ws)["edit_ratio"] < 0.2
    assert ": ok" in run_agent(ws).stdout
    (published,) = (ws.folder / "published").rglob("report.html")
    assert published.read_text(encoding="utf-8") == mine


def test_a_rejection_needs_its_reason_and_ends_the_run_with_it(queue, ws):
    refused = decided(queue, "rejected", why="  ")
    assert (refused["ok"], refused["kind"]) == (False, "refused")
    assert "reason" in refused["text"]
    assert len(queue.rows) == 1
    assert decided(queue, "rejected", why=REASON, once="second")["text"].startswith(f"Rejected by {OWNER}.")
    assert (row(ws)["status"], row(ws)["why"]) == ("rejected", REASON)
    assert REASON in run_agent(ws).stdout
    assert not (ws.folder / "published").exists()


@pytest.mark.parametrize(("role", "words"), [(OPERATOR, "operates the agent"), ("", "a role nobody named")])
def test_who_operates_the_agent_and_who_names_no_role_decide_nothing(queue, ws, role, words):
    refused = decided(queue, "approved", role=role)
    assert not refused["ok"]
    assert words in refused["text"]
    assert row(ws)["status"] == "waiting"
    assert len(queue.rows) == 1


def test_a_question_that_somebody_else_decided_meanwhile_is_said_and_leaves_the_list(queue, ws):
    asked = queue.rows[0]["id"]
    door.decide(Workspace.open(ws.folder), asked, "approved", "Content Writer", team=TEAM)
    refused = decided(queue, "rejected", why=REASON)
    assert "decided already: approved by Content Writer" in refused["text"]
    assert queue.rows == []
    assert row(ws)["status"] == "approved"


def test_a_decision_whose_answer_was_not_heard_is_not_made_a_second_time(queue):
    asked = {"do": "decide", "id": queue.rows[0]["id"], "decision": "approved", "role": OWNER, "why": "", "text": None}
    first = asked_by_browser(queue, **asked, once="same")
    assert asked_by_browser(queue, **asked, once="same") == first
    assert "decided already" in asked_by_browser(queue, **asked, once="another")["text"]


def test_a_database_that_is_gone_is_said_and_trying_again_decides(ws):
    def gone(*_asked, **_more):
        raise WorkspaceBusyError("the database does not answer; try again")

    breakable = SimpleNamespace(queue=door.queue, show=door.show, decide=door.decide)
    queue = review_queue(ws, TEAM, door=breakable)
    asked = {"do": "decide", "id": queue.rows[0]["id"], "decision": "rejected", "role": OWNER, "why": REASON}
    breakable.queue = breakable.decide = gone
    answer = asked_by_browser(queue, **asked, text=None, once="same")
    assert (answer["ok"], answer["kind"], queue.trouble) == (False, "trouble", answer["text"])
    assert asked_by_browser(queue, do="refresh")["kind"] == "trouble"
    breakable.queue, breakable.decide = door.queue, door.decide
    assert asked_by_browser(queue, **asked, text=None, once="same")["ok"]
    assert (queue.trouble, queue.rows, row(ws)["why"]) == ("", [], REASON)


def test_an_artifact_changed_after_it_was_made_is_not_shown(queue, ws):
    path = ws.folder / queue.question(queue.rows[0]["id"])["path"]
    path.write_text("Another report", encoding="utf-8")
    answer = asked_by_browser(queue, do="open", id=queue.rows[0]["id"])
    assert (answer["ok"], answer["kind"]) == (False, "refused")


def test_an_address_in_a_reason_is_kept_as_a_pseudonym(queue, ws):
    decided(queue, "rejected", why="Ask jane.doe@example.com first")
    assert "jane.doe@example.com" not in row(ws)["why"]


def test_a_team_nobody_knows_and_a_team_where_nothing_waits(ws):
    with pytest.raises(ParameterError):
        review_queue(ws, "no such team", door=door)
    empty = review_queue(ws, "demand-generation", door=door)
    assert empty.rows == []
    assert asked_by_browser(empty, do="refresh")["text"] == "Nothing waits now."


def test_a_difference_comes_line_by_line_with_its_signs_taken_off():
    diff = "--- version 1\n+++ version 2\n@@ -1,2 +1,2 @@\n same\n--- a line of dashes\n+<b>new</b>"
    assert [(line["kind"], line["text"]) for line in difference_lines(diff)] == [
        ("note", "version 2 against version 1"),
        ("place", "@@ -1,2 +1,2 @@"),
        ("same", "same"),
        ("removed", "-- a line of dashes"),
        ("added", "<b>new</b>"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "plain\nlines\n",
        "a family \U0001f468\u200d\U0001f469\u200d\U0001f467, a mark \u200d5ab\u202e and a \r alone",
        "windows\r\nlines\r\n",
        "a flag \U0001f3f4\U000e0067\U000e0062\U000e007f",
    ],
)
def test_marks_that_are_written_out_for_reading_are_stored_as_they_were(text):
    original = Original(text, plain(text))
    assert original.restored(original.shown) == text
    assert original.restored(original.shown + "more") == text + "more"


def test_a_number_that_stood_in_the_text_in_letters_stays_in_letters():
    text = "the mark \u200d is called \\u200d"
    original = Original(text, plain(text))
    assert original.unseen == {}
    assert original.restored(original.shown) == plain(text)
