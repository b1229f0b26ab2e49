"""The tables of agents at work: who answers for them, what they did, what waits for a person, what stops them."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from playbook.tables.base import Row, Table, column
from playbook.tables.stored import Level, team_id

EVERY_AGENT = "*"


class AgentPlaybook(Row):
    """The register of agent playbooks: which workflow, at which level, who answers for it."""

    team: str = team_id()
    playbook_id: str = column("short id, unique in the team", max_length=80)
    workflow: str = column("the workflow the agent runs", max_length=120)
    level: Level = column("Collaboration Spectrum level it may work at")
    owner_role: str | None = column("role accountable for the outcome", max_length=120, default=None)
    deputy_role: str | None = column("role that steps in, so that no one holds all keys", max_length=120, default=None)
    auditor_role: str | None = column("role that audits it; never its operator", max_length=120, default=None)
    triggers: int = column("escalation triggers written", unit="triggers", ge=0, le=1000, default=0)
    status: Literal["draft", "reviewed", "live", "retired"] = column("where it stands", default="draft")
    reviewed_on: dt.date | None = column("the day it was last reviewed", default=None)


class RunSpan(Row):
    """One stretch of an agent's run: the run itself, a model call, a tool call or a person's review of its output."""

    team: str = team_id()
    source: Literal["playbook", "opentelemetry", "langfuse", "langsmith"] = column("whose log tells it")
    span: str = column("id of the span, unique in its source", max_length=120)
    trace: str = column("id of the run as a whole", max_length=120)
    parent: str | None = column("span it is part of; empty for the run itself", max_length=120, default=None)
    kind: Literal["run", "model", "tool", "review", "other"] = column("what it is")
    agent: str | None = column("the agent's name in its own system", max_length=200, default=None)
    playbook_id: str | None = column("the agent playbook it ran under", max_length=80, default=None)
    playbook_hash: str | None = column("hash of the playbook's version", max_length=64, default=None)
    level: Level | None = column("Collaboration Spectrum level it worked at", default=None)
    start: dt.datetime = column("when it began, in UTC")
    end: dt.datetime | None = column("when it ended, in UTC", default=None)
    status: Literal["ok", "escalated", "stopped", "error"] = column("how it ended", default="ok")
    error: str | None = column("what went wrong", max_length=1000, default=None)
    tool: str | None = column("the tool that was called", max_length=200, default=None)
    model: str | None = column("the model that was called", max_length=200, default=None)
    provider: str | None = column("who runs the model", max_length=120, default=None)
    input_tokens: int | None = column("tokens sent", unit="tokens", ge=0, le=10**12, default=None)
    output_tokens: int | None = column("tokens received", unit="tokens", ge=0, le=10**12, default=None)
    cost_usd: float | None = column("what it cost", unit="US dollars", ge=0, le=10**9, default=None)
    cost_source: Literal["reported", "price list"] | None = column("where the cost is from", default=None)
    tainted: bool = column("whether it had read text from outside", default=False)
    guard: Literal["allowed", "approved", "queued", "blocked"] | None = column("what the guard decided", default=None)
    trigger: str | None = column("the escalation triggers that fired", max_length=1000, default=None)
    approval: str | None = column("the approval it waited for or used", max_length=80, default=None)
    reviewer_role: str | None = column("role (never the person) that reviewed it", max_length=120, default=None)
    review: Literal["approved", "edited", "rejected"] | None = column("what the reviewer decided", default=None)
    review_wait_s: float | None = column("how long it waited for the review", unit="seconds", ge=0, default=None)
    edit_ratio: float | None = column(
        "share of the text a person changed: 0 nothing, 1 all of it", unit="share", ge=0, le=1, default=None
    )
    outcome: str | None = column("what came of it, in the agent's own measure", max_length=300, default=None)


class AgentStep(Row):
    """The step ledger: what a run has begun and done, so that it goes on after a crash and repeats no effect."""

    team: str = team_id()
    run_id: str = column("the run", max_length=80)
    step: str = column("the step's name, unique in the run", max_length=120)
    number: int = column("its place in the run, 1 the first", unit="steps", ge=1, le=100_000)
    playbook_id: str = column("the agent playbook it runs under", max_length=80)
    playbook_hash: str = column("hash of the playbook's version", max_length=64)
    tool: str = column("the tool", max_length=120)
    kind: Literal["read", "draft", "effect"] = column("what the tool does to the world: nothing, a draft, an effect")
    status: Literal["begun", "done", "waiting", "blocked", "failed"] = column("how far it has come")
    arguments_hash: str = column("hash of its arguments", max_length=64)
    key: str = column("idempotency key: equal keys are one effect", max_length=64)
    amount: float = column(
        "what it spends, in the policy's currency", unit="currency units", ge=0, le=10**9, default=0.0
    )
    labels: str | None = column("labels of what it returned: private, untrusted", max_length=100, default=None)
    result: str | None = column("what it returned, as JSON", max_length=2_000_000, default=None)
    began: dt.datetime = column("when it began, in UTC")
    ended: dt.datetime | None = column("when it ended, in UTC", default=None)
    error: str | None = column("what went wrong", max_length=1000, default=None)


class Approval(Row):
    """A question to a person: may the agent do exactly this, once, until then? With what the person decided."""

    team: str = team_id()
    approval_id: str = column("short id", max_length=80)
    playbook_id: str = column("the agent playbook that asks", max_length=80)
    playbook_hash: str = column("hash of the playbook's version", max_length=64)
    run_id: str = column("the run that asks", max_length=80)
    step: str = column("the step that waits", max_length=120)
    tool: str = column("the tool it would use", max_length=120)
    binding: str = column("hash of playbook version, tool and arguments: nothing else is approved", max_length=64)
    arguments: str = column("the arguments as JSON, to be read before deciding", max_length=2_000_000)
    reason: str = column("why it asks: the level, the labels or the triggers that fired", max_length=2000)
    artifact_id: str | None = column("the artifact it is about", max_length=80, default=None)
    asked: dt.datetime = column("when it asked, in UTC")
    expires: dt.datetime = column("until when an approval is good, in UTC")
    status: Literal["waiting", "approved", "edited", "rejected", "used"] = column("where it stands", default="waiting")
    reviewer_role: str | None = column("role (never the person) that decided", max_length=120, default=None)
    decided: dt.datetime | None = column("when it was decided, in UTC", default=None)
    why: str | None = column("the reviewer's reason", max_length=1000, default=None)
    edit_ratio: float | None = column(
        "share of the text the reviewer changed: 0 nothing, 1 all of it", unit="share", ge=0, le=1, default=None
    )
    used: dt.datetime | None = column("when the approval was used up, in UTC", default=None)


class Artifact(Row):
    """Something an agent made: a file, its hash, and the labels of everything that went into it."""

    team: str = team_id()
    artifact_id: str = column("short id", max_length=80)
    playbook_id: str = column("the agent playbook it was made under", max_length=80)
    run_id: str = column("the run that made it", max_length=80)
    name: str = column("what it is; equal names are versions of one thing", max_length=200)
    version: int = column("1 the first of its name", unit="versions", ge=1, le=10**6)
    path: str = column("the file, relative to the engagement folder", max_length=500)
    sha256: str = column("hash of the file's bytes", max_length=64)
    labels: str | None = column("labels it carries on: private, untrusted", max_length=100, default=None)
    checks: str | None = column("checks it passed or failed, as JSON", max_length=100_000, default=None)
    made: dt.datetime = column("when it was made, in UTC")


class AgentSwitch(Row):
    """The kill switch of one agent, or of all of a team's agents: `playbook_id` is then `*`."""

    team: str = team_id()
    playbook_id: str = column("the agent playbook it stops, or * for every one", max_length=80)
    stopped: bool = column("whether the agent must not act")
    reason: str = column("why", max_length=1000)
    by_role: str = column("role (never the person) that decided", max_length=120)
    at: dt.datetime = column("when, in UTC")


class LogAnchor(Row):
    """How long an agent's run log is and the hash of its last entry, kept apart from the log itself."""

    team: str = team_id()
    playbook_id: str = column("the agent playbook whose log it is", max_length=80)
    entries: int = column("entries in the log", unit="entries", ge=0, le=10**12)
    head: str = column("hash of the last entry", max_length=64)
    at: dt.datetime = column("when it was noted, in UTC")


AGENT_PLAYBOOKS = Table("agent_playbooks", AgentPlaybook, ("team", "playbook_id"))
RUN_SPANS = Table("run_spans", RunSpan, ("team", "source", "span"), append_only=True)
AGENT_STEPS = Table("agent_steps", AgentStep, ("team", "run_id", "step"))
APPROVALS = Table("approvals", Approval, ("team", "approval_id"))
ARTIFACTS = Table("artifacts", Artifact, ("team", "artifact_id"), append_only=True)
AGENT_SWITCHES = Table("agent_switches", AgentSwitch, ("team", "playbook_id"))
LOG_ANCHORS = Table("log_anchors", LogAnchor, ("team", "playbook_id"))
WRITTEN_BY_AGENTS = frozenset(
    table.name for table in (RUN_SPANS, AGENT_STEPS, APPROVALS, ARTIFACTS, AGENT_SWITCHES, LOG_ANCHORS)
)
"""Tables that only the runtime and the readers of run logs write: no sheet is filled for them."""
