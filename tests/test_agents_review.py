"""The review queue: what waits, what a person sees of it, and what a decision does, once."""

import datetime as dt
import json
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest
import yaml
from engagement import copy_of, make_workspace

from playbook import runs
from playbook.agents import approvals, registry, review, runtime
from playbook.agents.legible import plain
from playbook.agents.playbook import load_policy
from playbook.agents.registry import Agent
from playbook.agents.runtime import Step
from playbook.agents.tools import Arguments, Output, Tool
from playbook.errors import ParameterError
from playbook.io import content
from playbook.tables import Authored

NOW = dt.datetime.now(dt.UTC)
TODAY = NOW.date()
RULE = content.read(content.root() / "assessments" / "runs" / "default.yaml", runs.RunRule)
OWNER, DEPUTY, OPERATOR, AUDITOR = "Head of content", "Editor in chief", "AI operator", "Quality lead"
FIRST = "Three posts this week.\nAll on time.\nNothing to add.\n"


class Nothing(Authored):
    """No settings."""


class Keep(Arguments):
    text: str


class Publish(Arguments):
    artifact: str
    sha256: str
    to: str


class Send(Arguments):
    text: str
    to: str


def keep(bench, asked):
    kept = bench.keep(
        "weekly note", ".md", asked.text.encode(), [{"check": "every number has its source", "passed": True}]
    )
    return Output({"id": kept})


def publish(bench, asked):
    path = bench.path_in(asked.to)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(bench.artifact(asked.artifact))
    return Output(None)


def send(bench, asked):
    path = bench.path_in(asked.to)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(asked.text)
    return Output(None)


TOOLS = (
    Tool("keep", "draft", Keep, keep),
    Tool("publish", "effect", Publish, publish),
    Tool("send", "effect", Send, send, outward=True),
)


class Desk:
    """An engagement with one agent playbook at level 3, whose work is to keep a note and publish or send it."""

    def __init__(self, workspace, patch, text=FIRST, tool="publish", **changed):
        self.workspace, self.text, self.tool = workspace, text, tool
        self.folder, self.metrics = workspace.folder, {"failed_runs": 0}
        self.agent = Agent("stand-in", Nothing, TOOLS, self.work)
        patch.setattr(registry, "find", lambda _name: self.agent)
        self.policy = self.written(**changed)

    def written(self, **changed):
        said = {
            "playbook": "weekly-note", "agent": "stand-in", "workflow": "Weekly note", "level": 3,
            "owner_role": OWNER, "deputy_role": DEPUTY, "operator_role": OPERATOR, "auditor_role": AUDITOR,
            "tools": [{"tool": "keep"}, {"tool": "publish", "limits": {"to": {"under": "published"}}},
                      {"tool": "send", "limits": {"to": {"under": "sent"}}}],
            "triggers": [{"when": "failed_runs > 3 runs", "reason": "something is broken"}],
            "caps": {"calls": 40, "seconds": 600, "spend_a_run": 0, "spend_a_day": 0, "currency": "EUR"},
            "approvals": {"good_for_hours": 72}, "rollback": "Delete the file.",
            "source": "test", "date": "2026-11-22",
        } | changed  # fmt: skip
        place = self.folder / "playbooks" / "weekly-note"
        place.mkdir(parents=True, exist_ok=True)
        (place / "policy.yaml").write_text(yaml.safe_dump(said), encoding="utf-8")
        return load_policy(place, agents={"stand-in": self.agent})

    def work(self, job):
        kept = yield Step("keep", "keep", {"text": self.text})
        if self.tool == "send":
            said = {"text": self.text, "to": f"sent/{job.run_id}.md"}
        else:
            import hashlib

            said = {
                "artifact": kept["id"],
                "sha256": hashlib.sha256(self.text.encode()).hexdigest(),
                "to": "published/note.md",
            }
        yield Step(self.tool, self.tool, said, metrics=self.metrics, artifact_id=kept["id"])
        return "The note is out."

    def run(self, resume=True):
        return runtime.run(self.workspace, self.policy, team="content", today=TODAY, agent=self.agent, resume=resume)

    def decide(self, approval_id, decision, role=AUDITOR, why="", **more):
        return review.decide(self.workspace, approval_id, decision, role, why, **more)

    def queue(self, **more):
        return review.queue(self.workspace, "content", **more)

    def published(self):
        path = self.folder / "published" / "note.md"
        return path.read_text() if path.exists() else None


class Made(NamedTuple):
    """Desks of the default note that only their copies change: before, while and after a person is asked."""

    new: Path
    asks: Path
    waiting: str
    published: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    place = tmp_path_factory.mktemp("made")
    new = make_workspace(place / "new", "content").folder
    with pytest.MonkeyPatch.context() as patch:
        asks = Desk(copy_of(new, place / "asks"), patch)
        (waiting,) = asks.run().waiting
        published = Desk(copy_of(asks.folder, place / "published"), patch)
        published.decide(waiting, "approved")
        assert published.run().status == "ok"
    return Made(new, asks.folder, waiting, published.folder)


@pytest.fixture
def desk(made, tmp_path, monkeypatch):
    """Makes an engagement whose registry knows the stand-in."""
    return lambda **said: Desk(copy_of(made.new, tmp_path / "engagement"), monkeypatch, **said)


@pytest.fixture
def asks(made, tmp_path, monkeypatch):
    """An engagement whose agent kept its first note and waits for a person before publishing it."""
    return Desk(copy_of(made.asks, tmp_path / "engagement"), monkeypatch)


@pytest.fixture
def waiting(made):
    """The id of what that agent asks."""
    return made.waiting


@pytest.fixture
def after(made, tmp_path, monkeypatch):
    """The same engagement after the note was approved and published."""
    return Desk(copy_of(made.published, tmp_path / "engagement"), monkeypatch)


def later(hours):
    return lambda: dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours)


# --- what waits ------------------------------------------------------------------------------------------------------


def test_the_queue_says_what_waits_why_since_when_and_until_when(desk):
    one = desk()
    assert one.queue().empty
    assert list(one.queue().columns) == list(review.QUEUE_COLUMNS)
    assert one.run().status == "waiting"
    row = one.queue(now=later(24)).iloc[0]
    assert (row["playbook_id"], row["workflow"], row["tool"]) == ("weekly-note", "Weekly note", "publish")
    assert (row["artifact"], row["checks"]) == ("weekly note, version 1", "1 of 1 check passed")
    assert row["reason"] == "at level 3 a person passes every effect"
    assert (row["trigger"], row["state"]) == ("", "waiting")
    assert row["waited_hours"] == pytest.approx(24, abs=0.1)
    assert row["left_hours"] == pytest.approx(48, abs=0.1)
    assert row["expires"] - row["since"] == pd.Timedelta(hours=72)


def test_a_trigger_that_fired_stands_apart_from_the_other_reasons(desk):
    one = desk()
    one.metrics = {"failed_runs": 5}
    one.run()
    row = one.queue().iloc[0]
    assert "failed_runs" in row["trigger"]
    assert "failed_runs" not in row["reason"]
    assert review.show(one.workspace, row["approval_id"]).triggers == (row["trigger"],)


def test_what_expired_or_was_asked_under_another_version_does_not_wait_and_is_shown_on_request(asks):
    assert asks.queue(now=later(73)).empty
    assert asks.queue(now=later(73), every=True)["state"].tolist() == ["expired"]
    asks.written(rollback="Another way.")
    assert asks.queue().empty
    assert asks.queue(every=True)["state"].tolist() == ["asked under another version of the playbook"]
    (asks.folder / "playbooks" / "weekly-note" / "policy.yaml").unlink()
    assert "policy.yaml cannot be read" in asks.queue(every=True)["state"].iloc[0]


def test_what_was_decided_no_longer_waits(asks, waiting):
    asks.decide(waiting, "approved")
    assert asks.queue(every=True).empty
    assert review.show(asks.workspace, waiting).state == "approved"


# --- what a person sees ----------------------------------------------------------------------------------------------


def test_a_question_is_shown_with_its_arguments_its_text_and_its_checks(asks, waiting):
    shown = review.show(asks.workspace, waiting)
    assert shown.arguments["to"] == "published/note.md"
    assert shown.text == FIRST
    assert shown.diff == "the first of its name: there is no version before it to compare with"
    assert shown.checks == ("every number has its source: passed",)
    assert shown.may_decide == (OWNER, DEPUTY, AUDITOR)
    said = str(shown)
    assert said.startswith("weekly-note asks (waiting): may it use publish?")
    assert "about: weekly note, version 1 (agents/weekly-note/artifacts/weekly-note-v1.md)" in said
    assert f"{OWNER} or {DEPUTY} or {AUDITOR} may decide" in said


def test_the_diff_is_against_the_version_of_the_same_name_before(after):
    after.text = FIRST.replace("Three", "Four")
    shown = review.show(after.workspace, after.run(resume=False).waiting[0])
    assert shown.artifact == "weekly note, version 2"
    assert shown.diff.splitlines() == [
        "--- version 1", "+++ version 2", "@@ -1,3 +1,3 @@", "-Three posts this week.", "+Four posts this week.",
        " All on time.", " Nothing to add.",
    ]  # fmt: skip


def test_an_unchanged_version_says_so(after):
    shown = review.show(after.workspace, after.run(resume=False).waiting[0])
    assert shown.diff == "nothing differs from version 1"


@pytest.mark.parametrize("data", [b"\xff\xfe\x00\x01", b"a\x00b", b"x" * 200_001])
def test_what_is_no_readable_text_is_to_be_opened_as_a_file(desk, data, monkeypatch):
    one = desk()
    monkeypatch.setattr(
        one, "agent", Agent("stand-in", Nothing, (Tool("keep", "draft", Keep, lambda bench, _asked: Output(
            {"id": bench.keep("weekly note", ".bin", data)})), *TOOLS[1:]), one.work),
    )  # fmt: skip
    shown = review.show(one.workspace, one.run().waiting[0])
    assert shown.text is None
    assert shown.diff.endswith("is no text of at most 200,000 characters; open the file to look at it")


def test_marks_that_steer_a_terminal_or_turn_the_reading_are_written_out(desk):
    assert plain("a\x1b[2Jb\u202ec\r\nd\te\u00e9") == "a\\u001b[2Jb\\u202ec\nd\te\u00e9"
    one = desk(text="Approved by all.\x1b[1A\x1b[2K\u202e\n")
    said = str(review.show(one.workspace, one.run().waiting[0]))
    assert "\x1b" not in said
    assert "\u202e" not in said


def test_an_artifact_that_was_changed_after_it_was_made_is_not_shown(asks, waiting):
    (asks.folder / "agents/weekly-note/artifacts/weekly-note-v1.md").write_text("something else")
    with pytest.raises(ParameterError, match="was changed after it was made"):
        review.show(asks.workspace, waiting)


def test_an_id_nobody_asked_under_is_refused(asks):
    with pytest.raises(ParameterError, match="nobody asks under 'abc'"):
        review.show(asks.workspace, "abc")
    with pytest.raises(ParameterError, match="nobody asks under 'abc'"):
        asks.decide("abc", "approved")


# --- deciding --------------------------------------------------------------------------------------------------------


def test_an_approval_is_used_once_and_a_second_run_asks_again(asks, waiting):
    row = asks.decide(waiting, "approved", OWNER)
    assert (row["status"], row["reviewer_role"], row["edit_ratio"]) == ("approved", OWNER, 0.0)
    assert asks.published() is None
    assert asks.run().status == "ok"
    assert asks.published() == FIRST
    again = asks.run(resume=False)
    assert again.status == "waiting"
    assert asks.published() == FIRST
    with pytest.raises(ParameterError, match="was decided already: used"):
        asks.decide(row["approval_id"], "approved")


def test_a_rejection_keeps_the_effect_from_happening_and_needs_its_reason(asks, waiting):
    with pytest.raises(ParameterError, match="needs its reason"):
        asks.decide(waiting, "rejected")
    asks.decide(waiting, "rejected", why="the week is wrong")
    assert asks.run().status != "ok"
    assert asks.published() is None
    assert review.show(asks.workspace, waiting).state == "rejected"


def test_only_owner_deputy_and_auditor_decide_and_nothing_is_kept_of_another(asks, waiting):
    for role in (OPERATOR, "ai  Operator", "Intern", "", "  "):
        for decision, more in (("approved", {}), ("edited", {"text": "mine"}), ("rejected", {})):
            with pytest.raises(ParameterError, match=f"{OWNER}, {DEPUTY}, {AUDITOR} can"):
                asks.decide(waiting, decision, role, "because", **more)
    assert len(asks.workspace.read("artifacts")) == 1
    assert asks.workspace.read("approvals")["status"].tolist() == ["waiting"]


def test_an_owner_who_operates_the_agent_does_not_decide(desk):
    one = desk(operator_role=OWNER)
    waiting = one.run().waiting[0]
    assert review.show(one.workspace, waiting).may_decide == (DEPUTY, AUDITOR)
    with pytest.raises(ParameterError, match="operates the agent"):
        one.decide(waiting, "approved", OWNER)
    one.decide(waiting, "approved", "quality  LEAD")


def test_an_expired_question_cannot_be_decided_and_nothing_is_kept(asks, waiting):
    for decision, more in (("approved", {}), ("edited", {"text": "late words"})):
        with pytest.raises(ParameterError, match="expired"):
            asks.decide(waiting, decision, now=later(73), **more)
    assert len(asks.workspace.read("artifacts")) == 1


def test_a_question_asked_under_another_version_cannot_be_decided(asks, waiting):
    asks.written(rollback="Another way.")
    with pytest.raises(ParameterError, match="another version"):
        asks.decide(waiting, "approved")
    with pytest.raises(ParameterError, match="another version"):
        asks.decide(waiting, "edited", text="new words")


# --- editing ---------------------------------------------------------------------------------------------------------


def test_an_edited_text_becomes_the_next_version_of_the_artifact_and_is_what_goes_out(asks, waiting):
    mine = FIRST.replace("Nothing to add.", "Two came late.")
    row = asks.decide(waiting, "edited", text=mine)
    # FIRST has 10 words and 3 full stops, 13 marks, of which 10 stay in order in a text of 13: 1 - 2 x 10 / 26
    assert row["edit_ratio"] == pytest.approx(1 - 20 / 26, abs=1e-6)
    made = asks.workspace.read("artifacts").set_index("version")
    assert json.loads(row["arguments"]) == {
        "artifact": made.loc[2, "artifact_id"], "sha256": made.loc[2, "sha256"], "to": "published/note.md",
    }  # fmt: skip
    assert json.loads(made.loc[2, "checks"])[0]["passed"] is None
    assert made.loc[1, "labels"] is made.loc[2, "labels"] or made["labels"].isna().all()
    assert asks.run().status == "ok"
    assert asks.published() == mine


def test_an_edited_text_argument_is_replaced_and_the_change_is_measured_in_words(desk):
    one = desk(tool="send")
    waiting = one.run().waiting[0]
    row = one.decide(waiting, "edited", text=FIRST.replace("Three", "Four"))
    # 13 marks in both, 12 the same: 1 - 2 x 12 / 26
    assert row["edit_ratio"] == pytest.approx(1 - 24 / 26, abs=1e-6)
    one.run()
    assert [path.read_text() for path in (one.folder / "sent").iterdir()] == [FIRST.replace("Three", "Four")]
    assert len(one.workspace.read("artifacts")) == 1


def test_edited_arguments_are_checked_and_bound(asks, waiting):
    said = json.loads(asks.workspace.read("approvals")["arguments"].iloc[0])
    with pytest.raises(ParameterError, match="inside published"):
        asks.decide(waiting, "edited", arguments=said | {"to": "elsewhere/note.md"})
    with pytest.raises(ParameterError, match="publish: "):
        asks.decide(waiting, "edited", arguments=said | {"loud": True})
    before = asks.workspace.read("approvals")["binding"].iloc[0]
    row = asks.decide(waiting, "edited", arguments=said | {"to": "published/other.md"})
    assert row["binding"] != before
    assert row["binding"] == approvals.binding(asks.policy, "publish", said | {"to": "published/other.md"})
    asks.run()
    assert (asks.folder / "published" / "other.md").read_text() == FIRST
    assert asks.published() is None


def test_an_edit_is_a_text_or_arguments_and_only_then(asks, waiting):
    for decision, more, words in (
        ("approved", {"text": "x"}, "with the decision 'edited'"),
        ("edited", {"text": "x", "arguments": {}}, "not both"),
        ("edited", {}, "arguments are given with"),
        ("approved", {"arguments": {}}, "only then"),
        ("perhaps", {}, "wanted approved, edited or rejected"),
    ):
        with pytest.raises(ParameterError, match=words):
            asks.decide(waiting, decision, **more)
    assert asks.workspace.read("approvals")["status"].tolist() == ["waiting"]


def test_a_tool_that_is_told_no_text_is_edited_by_its_arguments(asks, waiting):
    with asks.workspace.change() as change:
        rows = change.read("approvals", "content")
        change.put("approvals", rows.assign(artifact_id=None))
    with pytest.raises(ParameterError, match="edit its arguments instead"):
        asks.decide(waiting, "edited", text="new")


# --- what is measured of it ------------------------------------------------------------------------------------------


def test_decisions_are_counted_as_planned_approvals_corrections_and_waits(desk):
    one = desk()
    for decision, more in (
        ("approved", {}),
        ("edited", {"text": "Other words altogether."}),
        ("rejected", {"why": "no"}),
    ):
        one.decide(one.run(resume=False).waiting[0], decision, now=later(2), **more)
        one.run()
    found = runs.runs(one.workspace.read("run_spans"), one.workspace.read("approvals"), RULE)
    assert found["planned"].tolist() == [1, 1, 1]
    assert found["exceptions"].tolist() == [0, 0, 0]
    assert found["intervened"].tolist() == [False, True, True]
    assert found["accepted"].tolist() == [True, False, False]
    looked = runs.reviews(one.workspace.read("run_spans"), one.workspace.read("approvals"))
    assert sorted(looked["decision"]) == ["approved", "edited", "rejected"]
    assert looked["wait_s"].tolist() == pytest.approx([7200] * 3, abs=60)
