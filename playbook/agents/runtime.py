"""Runs an agent under its playbook: each step is decided by the guard, written down, called, and written down again.

A run ends `ok`, `waiting` (a person decides, then run it again), `escalated` (handed to people), `stopped` (the switch,
a cap, a limit, a rejection, or a database that cannot be read) or `error` (a tool or the agent failed).
"""

from __future__ import annotations

import datetime as dt
import fcntl
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from playbook.agents import approvals, ledger, registry
from playbook.agents.artifacts import Desk
from playbook.agents.deciding import Call, Decided, Decider
from playbook.agents.ledger import RUN, STEPS
from playbook.agents.log import Log, LogError, open_log
from playbook.agents.playbook import conditions, faults_of, units
from playbook.agents.records import Cells, Records, WorkspaceRecords, Writer, utc_now
from playbook.agents.tools import LABELS, LARGEST_RESULT, UNTRUSTED, Bench, Output, Tool, digest, label_set, label_text
from playbook.errors import ContentError, ParameterError, PlaybookError, WorkspaceError

if TYPE_CHECKING:
    from playbook.agents.playbook import Policy
    from playbook.agents.registry import Agent
    from playbook.io.workspace import Workspace

Status = Literal["ok", "waiting", "escalated", "stopped", "error"]
SHORT = 300


@dataclass(frozen=True)
class Step:
    """One call an agent asks for.

    `name` is unique in the run and the same when the run is resumed. `metrics` are compared with the policy's triggers
    before an effect, in the catalogue's units (0.7 for 0.7 %). `artifact_id` is what a reviewer should look at.
    """

    name: str
    tool: str
    arguments: dict[str, Any]
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    artifact_id: str | None = None


@dataclass(frozen=True)
class Job:
    """What an agent is told: its policy and checked settings, for which team and day, and where the files are."""

    policy: Policy
    settings: Any
    workspace: Workspace
    team: str
    today: dt.date
    run_id: str
    folder: Path


class Escalate(Exception):  # noqa: N818 - it is a message to people, not a fault
    """Raised by an agent's work to hand it back to people, with the reason in a sentence."""


class Rejected(Exception):  # noqa: N818 - a person's answer, not a fault
    """Raised inside an agent's work where a person rejected a step; an agent that catches it may go on without it."""


@dataclass(frozen=True)
class RunResult:
    """How a run ended: `waiting` holds the ids of approvals it waits for, `artifacts` the ids of what it made."""

    run_id: str
    status: Status
    outcome: str
    waiting: tuple[str, ...] = ()
    artifacts: tuple[str, ...] = ()


def run(  # noqa: PLR0913 - the last three are for tests and simulations
    workspace: Workspace,
    policy: Policy,
    *,
    team: str,
    today: dt.date,
    resume: bool = True,
    agent: Agent | None = None,
    records: Records | None = None,
    now: Callable[[], dt.datetime] = utc_now,
    log: Log | None = None,
) -> RunResult:
    """Run the policy's agent for a team and day; a run that is not over goes on where it was.

    `agent`, `records`, `now` and `log` replace the kit's own. Raises ContentError when the policy does not fit its agent,
    ParameterError when the workspace has no folder or the agent is running already; everything else is a RunResult.
    """
    agent = agent or registry.find(policy.agent)
    folder = Path(approvals.folder_of(workspace))
    known = units(folder)
    if faults := faults_of(policy, agent, known):
        raise ContentError(f"policy of {policy.playbook}", faults)
    try:
        records = records or WorkspaceRecords(workspace, team)
        with _alone(folder, policy.playbook):
            log = log or open_log(records, folder, policy.playbook, now)
            log.insist()
            opened = ledger.opening(records.rows(STEPS), policy, today, resume=resume)
            settings = agent.settings.model_validate(policy.settings)
            job = Job(policy, settings, workspace, team, opened.today, opened.run_id, folder)
            return _Run(job, agent, records, log, now, opened, known).go()
    except (WorkspaceError, LogError) as error:
        return RunResult("", "stopped", f"Nothing was done: {error}")


@contextmanager
def _alone(folder: Path, playbook_id: str) -> Iterator[None]:
    """Hold the agent's lock; the system lets go of it when the process ends, however it ends."""
    path = folder / "agents" / playbook_id / "run.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ParameterError(f"{playbook_id} is running already; wait until it has ended, or stop it") from error
        yield


class _End(Exception):  # noqa: N818 - how a run leaves its loop
    """The run ends here; `again` when the same day's next run may take it up."""

    def __init__(self, status: Status, outcome: str, *, waiting: str = "", again: bool = False) -> None:
        self.status, self.outcome, self.waiting, self.again = status, outcome, waiting, again
        super().__init__(outcome)


class _Run:
    def __init__(  # noqa: PLR0913, PLR0917 - all of it is what a run is
        self,
        job: Job,
        agent: Agent,
        records: Records,
        log: Log,
        now: Callable[[], dt.datetime],
        opened: ledger.Opening,
        known: Mapping[str, str],
    ) -> None:
        self.job, self.policy, self.agent, self.records, self.log, self.now = job, job.policy, agent, records, log, now
        self.steps, self.unsettled = dict(opened.steps), opened.unsettled
        self.labels = frozenset[str]().union(*(label_set(row["labels"]) for row in self.steps.values()))
        self.decider = Decider(job.policy, agent, job.run_id, conditions(job.policy, known))
        self.ends = 0
        self.began = now()
        self.worked = sum(
            (row["ended"] - row["began"]).total_seconds()
            for name, row in self.steps.items()
            if row["ended"] and name != RUN
        )
        self.seen: set[str] = set()
        self.braked: dict[str, None] = {}  # triggers that fired on what was stopped: it happens, and its owner is told

    def go(self) -> RunResult:
        """Open the run, take the agent's steps one by one, and write down how it ended."""
        end = self._open()
        if end is None:
            try:
                end = self._told(self._work())
            except _End as reached:
                end = reached
            except Escalate as reason:
                end = _End("escalated", f"Handed to {self.policy.owner_role}: {reason}")
            except (WorkspaceError, LogError) as error:
                end = _End("stopped", f"Stopped, for the records could not be read or written: {error}", again=True)
            except PlaybookError as error:
                end = _End("error", f"The agent failed: {error}", again=True)
        return self._close(end)

    def _work(self) -> str:
        work = self.agent.work(self.job)
        try:
            step = next(work)
            while True:
                try:
                    value = self._take(step)
                except Rejected as rejected:
                    step = self._after_rejection(work, rejected)
                else:
                    step = work.send(value)
        except StopIteration as end:
            if not isinstance(end.value, str) or not end.value.strip():
                raise _End("error", "The agent ended without saying what came of it", again=True) from end
            return end.value
        finally:
            work.close()

    def _told(self, outcome: str) -> _End:
        """The end of a run that went through; what made it stop something is handed to the owner all the same."""
        if not self.braked:
            return _End("ok", outcome)
        return _End("escalated", f"Handed to {self.policy.owner_role}: {'; '.join(self.braked)}. {outcome}")

    def _after_rejection(self, work: registry.Work, rejected: Rejected) -> Step:
        try:
            return work.throw(rejected)
        except Rejected as uncaught:
            raise _End("stopped", str(uncaught)) from uncaught

    def _take(self, step: Step) -> Any:
        """One step: from the ledger when it is done, else decided and begun in one change, called, and finished."""
        if step.name in self.seen or step.name == RUN:
            raise _End(
                "error", f"The agent used the step name {step.name!r} twice; a name stands for one step", again=True
            )
        self.seen.add(step.name)
        tool, kept = self.agent.tool(step.tool), self.steps.get(step.name)
        asked_before = self.records.rows(approvals.APPROVALS) if tool and tool.kind == "effect" else []
        call = self.decider.ready(step, kept, asked_before)
        if tool and tool.brake:
            self.braked |= dict.fromkeys(self.decider.fired(call))
        if kept and kept["status"] == "done":
            return self._again(call, kept)
        now = self.now()
        worked = self.worked + (now - self.began).total_seconds()
        with self.records.change(f"{self.job.run_id}: {step.name}"[:1000]) as change:
            decided = self.decider.decide(call, self.steps, self.labels, worked, now, change)
            said = {"tool": step.tool, "arguments": call.asked, "reasons": list(decided.decision.reasons)}
            self._log(change, decided.decision.verdict, step=step.name, **said)
        self.labels = decided.labels
        if decided.row:
            self.steps[step.name] = decided.row
        if tool is None or decided.row is None or decided.decision.verdict not in ("allowed", "approved"):
            raise self._refused(call, decided)
        return self._call(call, tool, decided.row)

    def _again(self, call: Call, kept: Cells) -> Any:
        if kept["arguments_hash"] != call.asked:
            raise _End(
                "error",
                f"The step {call.step.name!r} was done with other arguments before: the agent, its settings or its inputs "
                "have changed since; begin a new run",
                again=True,
            )
        return json.loads(kept["result"] or "null")

    def _refused(self, call: Call, decided: Decided) -> Exception:
        decision, question = decided.decision, decided.question
        said = "; ".join(decision.reasons)
        if decision.verdict == "queued" and question is not None:
            status: Status = "escalated" if self.policy.level >= 5 else "waiting"
            whom = f"Handed to {self.policy.owner_role}" if status == "escalated" else "Waits for a person"
            return _End(status, f"{whom} before {call.step.tool}: {said}", waiting=question["approval_id"])
        if decision.verdict == "rejected" and call.question is not None:
            row = call.question
            return Rejected(f"{row['reviewer_role']} rejected {call.step.tool}: {row['why']}")
        if decision.verdict == "stopped":
            return _End("stopped", said[:1].upper() + said[1:], again=True)
        return _End("stopped", f"{call.step.tool} was not allowed: {said}")

    def _call(self, call: Call, tool: Tool, row: Cells) -> Any:
        """Call the tool and write down what it returned; a PlaybookError says that it did not happen."""
        desk = Desk(self.records, self.labels | tool.labels, fixed=tool.kind == "effect", now=self.now)
        job = self.job
        bench = Bench(
            job.workspace, job.folder, job.team, job.today, self.policy.playbook, job.run_id, row["key"], desk
        )
        try:
            output = tool.run(bench, call.arguments)
            text, labels = _checked(tool, output)
        except PlaybookError as error:
            self._finish(row | {"status": "failed", "amount": call.carried, "error": str(error)[:1000]})
            raise _End("error", f"{tool.name} failed: {error}", again=True) from error
        except Escalate as reason:
            self._finish(row | {"status": "failed", "amount": call.carried, "error": str(reason)[:1000]})
            raise
        labels |= desk.labels
        self.labels |= labels
        self._finish(row | {"status": "done", "labels": label_text(labels), "result": text})
        return json.loads(text)

    def _finish(self, row: Cells) -> None:
        row = row | {"ended": self.now()}
        self.steps[row["step"]] = row
        with self.records.change(f"{row['run_id']}: {row['step']} {row['status']}"[:1000]) as change:
            change.put(STEPS, [row])
            self._log(change, row["status"], step=row["step"], error=row["error"])

    def _log(self, change: Writer, event: str, **said: Any) -> None:
        self.log.append(change, event=event, run=self.job.run_id, **said)

    def _open(self) -> _End | None:
        """Write the run's own row; an effect of another run that nobody knows the end of keeps this one from acting."""
        row: Cells = {
            "run_id": self.job.run_id,
            "step": RUN,
            "number": 1,
            "playbook_id": self.policy.playbook,
            "tool": RUN,
            "kind": "read",
            "arguments_hash": digest(str(self.job.today)),
            "key": digest([self.policy.playbook, self.job.run_id, RUN]),
            "amount": 0.0,
            "labels": None,
            "began": self.began,
        } | self.steps.get(RUN, {})
        self.ends = json.loads(row.get("result") or "{}").get("ends", 0)
        row |= {"status": "begun", "playbook_hash": self.policy.hash, "ended": None, "result": None, "error": None}
        with self.records.change(f"{self.job.run_id} begins") as change:
            change.put(STEPS, [row])
            self._log(change, "run", playbook_hash=self.policy.hash, level=self.policy.level)
        self.steps[RUN] = row
        if not self.unsettled:
            return None
        first = self.unsettled[0]
        return _End(
            "escalated",
            f"Handed to {self.policy.owner_role}: {first['tool']} was begun in the run {first['run_id']} on "
            f"{first['began']:%Y-%m-%d %H:%M} UTC and did not finish; see whether it happened, then: playbook pilot settle",
            again=True,
        )

    def _close(self, end: _End) -> RunResult:
        """Write down how the run ended, with its spans; a run that waits is not over and has no span of its own yet."""
        self.ends += not end.waiting
        result = json.dumps({"status": end.status, "outcome": end.outcome[:SHORT], "ends": self.ends})
        over = {"ok": "done", "escalated": "done", "stopped": "blocked", "error": "failed"}
        status = "waiting" if end.waiting else "failed" if end.again else over[end.status]
        row = self.steps[RUN] | {"status": status, "ended": self.now(), "result": result}
        waiting = (end.waiting,) if end.waiting else ()
        try:
            with self.records.change(f"{self.job.run_id}: {end.status}") as change:
                change.put(STEPS, [row])
                mine = [found for found in change.rows(approvals.APPROVALS) if found["run_id"] == self.job.run_id]
                spans = ledger.spans(self.policy, list(self.steps.values()), mine)
                change.put("run_spans", spans + ([] if end.waiting else [self._span(row, end)]))
                self._log(change, "end", status=end.status, outcome=end.outcome[:SHORT])
            return RunResult(self.job.run_id, end.status, end.outcome, waiting, self._made())
        except (WorkspaceError, LogError) as error:
            if end.status == "stopped":
                return RunResult(self.job.run_id, "stopped", end.outcome, waiting)
            said = f"{end.outcome} This could not be written down, so the run goes on next time: {error}"
            return RunResult(self.job.run_id, "stopped", said, waiting)

    def _made(self) -> tuple[str, ...]:
        rows = self.records.rows("artifacts")
        return tuple(row["artifact_id"] for row in rows if row["run_id"] == self.job.run_id)

    def _span(self, row: Cells, end: _End) -> Cells:
        return ledger.base_span(self.policy, self.job.run_id) | {
            "span": self.job.run_id if self.ends == 1 else f"{self.job.run_id}#{self.ends}",
            "kind": "run",
            "start": row["began"],
            "end": row["ended"],
            "status": end.status,
            "error": end.outcome[:1000] if end.status == "error" else None,
            "tainted": UNTRUSTED in self.labels,
            "outcome": end.outcome[:SHORT],
        }


def _checked(tool: Tool, output: Output) -> tuple[str, frozenset[str]]:
    """A tool's value as JSON, and all it carries. Raises ParameterError for what the ledger cannot keep."""
    if not output.labels <= LABELS:
        raise ParameterError(
            f"{tool.name} returned labels {sorted(output.labels - LABELS)}; there are {sorted(LABELS)}"
        )
    try:
        text = json.dumps(output.value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{tool.name} returned what is no plain JSON: {error}; NaN is written as None") from error
    if len(text) > LARGEST_RESULT:
        raise ParameterError(
            f"{tool.name} returned {len(text):,} characters; keep more than {LARGEST_RESULT:,} as an artifact"
        )
    return text, output.labels | tool.labels
