"""Makes a step ready and puts everything the guard's decision depends on together, inside the change that begins the step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from playbook.agents import approvals, guard, ledger
from playbook.agents.artifacts import named_in
from playbook.agents.playbook import check_arguments
from playbook.agents.records import switched_off
from playbook.agents.tools import digest
from playbook.errors import ParameterError, WorkspaceError

if TYPE_CHECKING:
    import datetime as dt

    from playbook.agents.playbook import Policy
    from playbook.agents.records import Cells, Writer
    from playbook.agents.registry import Agent
    from playbook.agents.runtime import Step
    from playbook.agents.tools import Kind, Tool
    from playbook.agents.triggers import Condition

MOST_FIRED, LONGEST_FIRED = 6, 200  # triggers told in one question, and characters of each: what its cell holds


@dataclass(frozen=True)
class Call:
    """A step made ready.

    `asked` is the hash of tool and arguments as the agent asks for them, `arguments` and `cells` (the same as plain JSON)
    what would be used: a reviewer's where a person edited them. `kept` is its row in the ledger, `question` the latest
    one people were asked about it, `faults` what forbids it in any case.
    """

    step: Step
    tool: Tool | None
    asked: str
    arguments: Any
    cells: dict[str, Any]
    kept: Cells | None
    question: Cells | None
    faults: tuple[str, ...]

    @property
    def kind(self) -> Kind:
        """What the tool does; one that is not known is treated as an effect."""
        return self.tool.kind if self.tool else "effect"

    @property
    def amount(self) -> float:
        """What the call would spend."""
        return float(self.tool.amount(self.arguments)) if self.tool and not self.faults else 0.0

    @property
    def unfinished(self) -> bool:
        """Whether it was begun before and may have happened; asking again under the same key would not be one effect."""
        return bool(self.kept and ledger.is_unfinished(self.kept) and not (self.tool and self.tool.idempotent))

    @property
    def carried(self) -> float:
        """What it may have spent already: a person who lets it happen again cannot make that undone."""
        return float(self.kept["amount"]) if self.kept and self.unfinished else 0.0


@dataclass(frozen=True)
class Decided:
    """A decision with the row the ledger now holds for the step (None: untouched) and the question that waits."""

    decision: guard.Decision
    labels: frozenset[str]
    row: Cells | None = None
    question: Cells | None = None


@dataclass(frozen=True)
class Decider:
    """Decides on the steps of one run of a policy."""

    policy: Policy
    agent: Agent
    run_id: str
    conditions: Sequence[tuple[Condition, str]]

    def ready(self, step: Step, kept: Cells | None, asked_before: Sequence[Cells]) -> Call:
        """Check a step's arguments, and put in their place what people were asked about it or made of it."""
        tool = self.agent.tool(step.tool)
        question = approvals.newest(asked_before, self.run_id, step.name)
        asked = digest([step.tool, repr(step.arguments)])
        if tool is None:
            fault = f"{step.tool} is not a tool of {self.agent.name}"
            return Call(step, None, asked, None, {}, kept, question, (fault,))
        try:
            arguments = check_arguments(self.policy, tool, step.arguments)
            asked = digest([step.tool, arguments.model_dump(mode="json")])
            if question and kept and kept["arguments_hash"] == asked and question["playbook_hash"] == self.policy.hash:
                arguments = check_arguments(self.policy, tool, approvals.arguments_of(question))
        except ParameterError as error:
            return Call(step, tool, asked, None, {}, kept, question, (str(error),))
        return Call(step, tool, asked, arguments, arguments.model_dump(mode="json"), kept, question, ())

    def decide(  # noqa: PLR0913, PLR0917 - each is one thing the decision depends on
        self,
        call: Call,
        steps: dict[str, Cells],
        labels: frozenset[str],
        worked: float,
        now: dt.datetime,
        change: Writer,
    ) -> Decided:
        """Decide in the open change, and write there what follows: the step begun, waiting or blocked, the approval used.

        `steps` is the run's ledger, `labels` the run's, `worked` its seconds of work.
        """
        if call.kind == "effect":
            own = call.tool.labels if call.tool else frozenset()
            labels |= own | named_in(change.rows("artifacts"), [call.cells, call.step.artifact_id])
        rows = self._unmoved(call, steps, change)
        decision = guard.decide(
            guard.Situation(
                kind=call.kind,
                outward=bool(call.tool and call.tool.outward),
                brake=bool(call.tool and call.tool.brake),
                level=self.policy.level,
                labels=labels,
                caps=self.policy.caps,
                usage=self._usage(call, steps, rows, worked, now),
                fired=self.fired(call),
                faults=call.faults + (() if call.amount >= 0 else (f"{call.step.tool} would spend {call.amount}",)),
                stopped=switched_off(change.rows("agent_switches"), self.policy.playbook),
                unfinished=bool(
                    call.kept and ledger.is_unfinished(call.kept) and not (call.tool and call.tool.idempotent)
                ),
                approval=self._approval(call, now),
                asked_about=tuple(call.question["reason"].split("\n")) if call.question else (),
            )
        )
        if decision.verdict == "stopped":
            return Decided(decision, labels)
        question = self._question(call, decision.reasons, now, change) if decision.verdict == "queued" else None
        if decision.verdict == "approved" and call.question and call.question["status"] != "used":
            change.put(approvals.APPROVALS, [call.question | {"status": "used", "used": now}])
        row = self._row(call, decision, len(steps), now)
        change.put(ledger.STEPS, [row])
        return Decided(decision, labels, row, question)

    def _unmoved(self, call: Call, steps: dict[str, Cells], change: Writer) -> list[Cells]:
        """The ledger as the change sees it; what was read before the change began must still be so."""
        if call.kind != "effect" and not call.amount:
            return list(steps.values())
        rows = change.rows(ledger.STEPS)
        me = (self.run_id, call.step.name)
        kept = next((row for row in rows if (row["run_id"], row["step"]) == me), None)
        question = approvals.newest(change.rows(approvals.APPROVALS), *me) if call.kind == "effect" else call.question
        if kept != call.kept or question != call.question:
            raise WorkspaceError(f"the step {call.step.name} was taken up or decided at this very moment; run it again")
        return rows

    def _usage(
        self, call: Call, steps: dict[str, Cells], rows: list[Cells], worked: float, now: dt.datetime
    ) -> guard.Usage:
        me = (self.run_id, call.step.name)
        others = [row for name, row in steps.items() if name not in (ledger.RUN, call.step.name)]
        mine = [row for row in rows if row["playbook_id"] == self.policy.playbook]
        more = call.amount + call.carried
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return guard.Usage(
            calls=1 + sum(row["status"] in ledger.CALLED for row in others),
            seconds=worked,
            spent_in_run=more + ledger.spent(mine, but=me, run_id=self.run_id),
            spent_in_day=more + ledger.spent(mine, but=me, since=midnight),
        )

    def fired(self, call: Call) -> tuple[str, ...]:
        """The triggers that fire on an effect's metrics, in words; none for anything else."""
        if call.kind != "effect":
            return ()
        metrics = call.step.metrics
        found = [f"{why} ({reason})" for condition, reason in self.conditions if (why := condition.fired(metrics))]
        lines = [" ".join(line.split())[:LONGEST_FIRED] for line in found[:MOST_FIRED]]
        return (*lines, f"and {len(found) - MOST_FIRED} more") if len(found) > MOST_FIRED else tuple(lines)

    def _approval(self, call: Call, now: dt.datetime) -> Literal["none", "granted", "rejected"]:
        """What people said to exactly this call: this version, this tool, these arguments, in time, not used before.

        An idempotent effect that crashed after its approval was used is still that one effect, under the same key.
        """
        row = call.question
        if row is None or call.faults or row["binding"] != approvals.binding(self.policy, call.step.tool, call.cells):
            return "none"
        if row["status"] == "rejected":
            return "rejected"
        in_time = row["status"] in ("approved", "edited") and now < row["expires"]
        crashed = row["status"] == "used" and bool(call.kept) and ledger.is_unfinished(call.kept or {})
        return "granted" if in_time or (crashed and call.tool is not None and call.tool.idempotent) else "none"

    def _question(self, call: Call, reasons: tuple[str, ...], now: dt.datetime, change: Writer) -> Cells:
        """The question that stands for this call already, or a new one."""
        row = call.question
        bound = approvals.binding(self.policy, call.step.tool, call.cells)
        stands = row and row["status"] == "waiting" and row["binding"] == bound and now < row["expires"]
        if row and stands and set(reasons) <= set(row["reason"].split("\n")):
            return row
        step = call.step
        asked = approvals.Question(self.run_id, step.name, step.tool, call.cells, reasons, step.artifact_id)
        return approvals.request(change, self.policy, asked, now)

    def _row(self, call: Call, decision: guard.Decision, count: int, now: dt.datetime) -> Cells:
        acts, waits = decision.verdict in ("allowed", "approved"), decision.verdict == "queued"
        still = waits and call.kept is not None and call.kept["status"] == "waiting"
        unfinished = guard.UNFINISHED if waits and guard.UNFINISHED in decision.reasons else None
        return {
            "run_id": self.run_id,
            "step": call.step.name,
            "number": call.kept["number"] if call.kept else count + 1,
            "playbook_id": self.policy.playbook,
            "playbook_hash": self.policy.hash,
            "tool": call.step.tool[:120],
            "kind": call.kind,
            "status": "begun" if acts else "waiting" if waits else "blocked",
            "arguments_hash": call.asked,
            "key": digest([self.policy.playbook, self.run_id, call.step.name]),
            "amount": call.carried + (call.amount if acts else 0.0),
            "labels": None,
            "result": None,
            "began": call.kept["began"] if still and call.kept else now,
            "ended": None,
            "error": unfinished if acts or waits else "; ".join(decision.reasons)[:1000] or decision.verdict,
        }
