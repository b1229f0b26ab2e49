"""The agent's steps and tools: read the history and the queue, make the plan, publish it into a folder.

The plan is made from ids, channels, dates and weights. Titles are text from outside: they are read only where the
settings ask for them, by a tool of its own whose label says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from typing import Any, Literal

from pydantic import Field

from playbook.agents import publishing
from playbook.agents.registry import Agent
from playbook.agents.runtime import Escalate, Job, Step
from playbook.agents.scheduling import calendar, checking, history, knowledge, plan, posts
from playbook.agents.scheduling.settings import (
    HistoryColumns,
    HistoryInput,
    MentionsInput,
    QueueColumns,
    QueueInput,
    Rules,
    Settings,
)
from playbook.agents.tools import PRIVATE, UNTRUSTED, Arguments, Bench, Output, Tool
from playbook.errors import ParameterError, TableError
from playbook.tables import count

FAULTS_TOLD = 20
TABLE, CALENDAR, NOTES = "schedule.csv", "schedule.ics", "schedule.md"
ARTIFACTS = {TABLE: "schedule", CALENDAR: "schedule calendar", NOTES: "schedule notes"}


class ReadHistory(Arguments):
    """The history's file and how it is to be read."""

    file: str
    given: HistoryInput


class ReadQueue(Arguments):
    """The queue's file, how it is to be read, and the channels that have rules."""

    file: str
    given: QueueInput
    channels: tuple[str, ...]


class ReadMentions(Arguments):
    """The file of mentions and how it is to be read."""

    file: str
    given: MentionsInput


class MakePlan(Arguments):
    """What a plan is made of: the history and the queue as artifacts, and the rules."""

    history: str
    queue: str
    rules: Rules


class PlanFile(publishing.Published):
    """A file of the plan: its table, calendar or notes."""

    name: Literal["schedule.csv", "schedule.ics", "schedule.md"]


class PublishPlan(Arguments):
    """Where the plan goes, its files, and how many posts it places; all of it is what an approval is bound to."""

    folder: str
    posts: int = Field(ge=1)
    files: tuple[PlanFile, ...] = Field(min_length=1)


def work(job: Job) -> Generator[Step, Any, str]:
    """Read, plan, publish. An empty queue ends the run; a queue of which nothing fits goes back to people."""
    settings: Settings = job.settings
    inputs, rules = f"inputs/{job.policy.playbook}", settings.rules
    read = yield Step("read the history", "read_history", _asks(inputs, settings.history))
    tool = "read_queue_titles" if settings.queue.show_titles else "read_queue"
    names = [rule.channel for rule in rules.channels]
    queue = yield Step("read the queue", tool, _asks(inputs, settings.queue) | {"channels": names})
    metrics = {"input_age": read["age_hours"], "missing_inputs": read["bad_rows_percent"]}
    if settings.mentions is not None:
        mentions = yield Step("read the mentions", "read_mentions", _asks(inputs, settings.mentions))
        metrics["negative_mentions"] = mentions["most_in_an_hour"]
    if queue["waiting"] == 0:
        return "The queue holds no post without a time, so there was nothing to place and nothing was published."
    asked = {"history": read["artifact"], "queue": queue["artifact"], "rules": rules.model_dump(mode="json")}
    made = yield Step("make the plan", "make_plan", asked)
    if made["broken_rules"]:
        raise Escalate(f"the plan breaks its rules and was not published: {'; '.join(made['broken_rules'])}")
    if made["placed"] == 0:
        raise Escalate(f"none of {count(queue['waiting'], 'post')} has a time: {'; '.join(made['why_no_time'])}")
    metrics |= {"unplaced_posts": made["unplaced"], "slots_without_history": made["without_history_percent"]}
    told = {"folder": settings.publish_to, "posts": made["placed"], "files": made["files"]}
    table = next(file["artifact"] for file in made["files"] if file["name"] == TABLE)
    done = yield Step("publish the plan", "publish_plan", told, metrics, table)
    left = f"; {count(made['unplaced'], 'post')} without a time" if made["unplaced"] else ""
    return f"{count(made['placed'], 'post')} given a time and published in {done['folder']}{left}."


def read_history(bench: Bench, asked: ReadHistory) -> Output:
    """The account's posts, checked and kept as an artifact; bad rows are left out up to the share that is allowed."""
    given = asked.given
    bench.desk.take(frozenset({PRIVATE}), f"the figures in {asked.file}")
    good, faults = history.sift(bench.read_file(asked.file), given.columns, zone=given.zone, file=asked.file)
    bad = len({fault.row for fault in faults})
    share = 100 * bad / (bad + len(good)) if bad else 0.0
    if share > given.bad_rows_percent:
        raise TableError(asked.file, faults)
    kept = bench.keep("posting history", ".csv", history.to_csv(good))
    value = {"artifact": kept, "posts": len(good), "bad_rows": bad, "bad_rows_percent": share}
    said = [str(fault) for fault in faults[:FAULTS_TOLD]]
    return Output(value | {"faults": said, "age_hours": history.age_hours(good, bench.today)})


def read_queue(bench: Bench, asked: ReadQueue) -> Output:
    """The posts that wait, by id, channel and dates: no text of theirs is kept."""
    return _queue(bench, asked, titles=False)


def read_queue_titles(bench: Bench, asked: ReadQueue) -> Output:
    """The posts that wait with their titles, which are text from outside."""
    bench.desk.take(frozenset({UNTRUSTED}), f"the titles in {asked.file}")
    return _queue(bench, asked, titles=True)


def read_mentions(bench: Bench, asked: ReadMentions) -> Output:
    """The most negative mentions in one hour of the last hours."""
    most = history.negative_mentions(bench.read_file(asked.file), asked.given, bench.today)
    return Output({"most_in_an_hour": most})


def make_plan(bench: Bench, asked: MakePlan) -> Output:
    """The plan as table, calendar and notes, each an artifact, with what the checks of its rules found."""
    known = history.read(bench.artifact(asked.history), HistoryColumns(content_type="content_type"))
    names = list(asked.rules.zones())
    queue = posts.read(bench.artifact(asked.queue), QueueColumns(), names, titles=True)
    made = plan.make(queue, known, asked.rules, bench.today)
    broken = checking.violations(made.rows, queue, known, asked.rules, bench.today)
    checks = [{"check": "keeps every rule of its channels", "passed": not broken}]
    shown = {
        TABLE: calendar.table(made),
        CALENDAR: calendar.ics(made, playbook_id=bench.playbook_id, team=bench.team, today=bench.today),
        NOTES: calendar.notes(made),
    }
    files = [publishing.keep(bench, ARTIFACTS[name], name, data, checks) for name, data in shown.items()]
    reasons = [f"{row.post}: {row.reason}" for row in made.unplaced.head(FAULTS_TOLD).itertuples()]
    value: dict[str, Any] = {"files": files, "placed": len(made.placed), "unplaced": len(made.unplaced)}
    value |= {"without_history_percent": made.without_history, "broken_rules": broken[:FAULTS_TOLD]}
    return Output(value | {"why_no_time": reasons, "said": knowledge.findings(made)})


def publish_plan(bench: Bench, asked: PublishPlan) -> Output:
    """Put the plan's files into a folder of their own, all at once or not at all; the same plan twice is one folder.

    The folder's name is the plan's hash. Raises ParameterError when the bytes are not those that were asked for.
    """
    bytes_of = publishing.read(bench, asked.files, "make the plan again")
    mark = hashlib.sha256("".join(file.sha256 for file in asked.files).encode()).hexdigest()[:12]
    relative = f"{asked.folder.rstrip('/')}/{bench.today:%Y-%m-%d}-{mark}"
    if not bench.path_in(relative).exists():
        publishing.place(bench, relative, bytes_of)
    for name, data in bytes_of.items():
        if bench.path_in(f"{relative}/{name}").read_bytes() != data:
            raise ParameterError(f"{relative}/{name} was changed after it was published; remove the folder or keep it")
    return Output({"folder": relative, "files": sorted(bytes_of), "posts": asked.posts})


def _queue(bench: Bench, asked: ReadQueue, *, titles: bool) -> Output:
    given = asked.given
    data = bench.read_file(asked.file)
    read = posts.read(data, given.columns, asked.channels, zone=given.zone, titles=titles, file=asked.file)
    kept = bench.keep("queue of posts", ".csv", posts.to_csv(read))
    booked = int(read["booked"].notna().sum())
    return Output({"artifact": kept, "posts": len(read), "booked": booked, "waiting": len(read) - booked})


def _asks(inputs: str, given: HistoryInput | QueueInput | MentionsInput) -> dict[str, Any]:
    return {"file": f"{inputs}/{given.file}", "given": given.model_dump(mode="json")}


AGENT = Agent(
    name="scheduling",
    settings=Settings,
    tools=(
        Tool("read_history", "read", ReadHistory, read_history, labels=frozenset({PRIVATE})),
        Tool("read_queue", "read", ReadQueue, read_queue),
        Tool("read_queue_titles", "read", ReadQueue, read_queue_titles, labels=frozenset({UNTRUSTED})),
        Tool("read_mentions", "read", ReadMentions, read_mentions),
        Tool("make_plan", "draft", MakePlan, make_plan),
        Tool("publish_plan", "effect", PublishPlan, publish_plan, idempotent=True),
    ),
    work=work,
)
