"""The step ledger of one run: what it has begun and done, so that it goes on after a crash and repeats no effect.

The run itself is the first row, called `run`: `begun` while it is open, `waiting` for a person, `failed` when it may be
tried again the same day, `blocked` when it may not, `done` when it ended. Its result says how it ended.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playbook.agents.guard import TRIGGER, UNFINISHED
from playbook.agents.tools import UNTRUSTED, digest, label_set
from playbook.errors import ParameterError

if TYPE_CHECKING:
    from playbook.agents.log import Log
    from playbook.agents.playbook import Policy
    from playbook.agents.records import Cells, Records

STEPS = "agent_steps"
RUN = "run"
CALLED = ("begun", "done", "failed")


@dataclass(frozen=True)
class Opening:
    """The run to work on: its id, its day, its ledger so far, and effects of other runs nobody knows the end of."""

    run_id: str
    today: dt.date
    steps: dict[str, Cells]
    unsettled: tuple[Cells, ...]


def opening(rows: list[Cells], policy: Policy, today: dt.date, *, resume: bool) -> Opening:
    """Go on with the newest run when it is not over, else begin the next one of the day.

    A run that crashed or waits goes on with its own day; one that failed or was switched off only on that day. After a
    change of the playbook a run goes on only when it has acted already. `resume=False` always begins anew.
    """
    mine = [row for row in rows if row["playbook_id"] == policy.playbook]
    heads = sorted((row for row in mine if row["step"] == RUN), key=lambda row: _place(row["run_id"]))
    if (
        resume
        and heads
        and _goes_on(heads[-1], [row for row in mine if row["run_id"] == heads[-1]["run_id"]], policy, today)
    ):
        run_id = heads[-1]["run_id"]
        day = _place(run_id)[0]
    else:
        day = today
        run_id = f"{policy.playbook}-{today}-{1 + sum(_place(row['run_id'])[0] == today for row in heads)}"
    steps = {row["step"]: row for row in mine if row["run_id"] == run_id}
    others = tuple(row for row in mine if row["run_id"] != run_id and is_unfinished(row))
    return Opening(run_id, day, steps, others)


def _goes_on(head: Cells, steps: list[Cells], policy: Policy, today: dt.date) -> bool:
    open_ = head["status"] in ("begun", "waiting")
    again = head["status"] == "failed" and _place(head["run_id"])[0] == today
    acted = any(row["kind"] == "effect" and row["status"] in ("begun", "done") for row in steps)
    return (open_ or again) and (head["playbook_hash"] == policy.hash or acted)


def _place(run_id: str) -> tuple[dt.date, int]:
    day, _, number = run_id.rpartition("-")
    return dt.date.fromisoformat(day[-10:]), int(number)


def is_unfinished(row: Cells) -> bool:
    """Whether a step is an effect that was begun and may have happened."""
    asked_again = row["status"] == "waiting" and row["error"] == UNFINISHED
    return bool(row["kind"] == "effect" and (row["status"] == "begun" or asked_again))


def spent(rows: list[Cells], *, but: tuple[str, str], run_id: str = "", since: dt.datetime | None = None) -> float:
    """What rows have spent in a run, or since a moment; `but` is the (run, step) that is counted by its caller.

    A row's amount holds every call that was begun and not known to have failed, whatever became of it.
    """
    return math.fsum(
        row["amount"]
        for row in rows
        if (row["run_id"], row["step"]) != but
        and (not run_id or row["run_id"] == run_id)
        and (since is None or row["began"] >= since)
    )


def settle(  # noqa: PLR0913 - each names one fact
    records: Records, log: Log, policy: Policy, run_id: str, step: str, *, happened: bool, by_role: str
) -> None:
    """Write down what a person found out about an effect that was begun and not finished: whether it happened.

    The agent goes on with None as the value of one that happened, and asks for one that did not happen again. Raises ParameterError when there is no such effect, or when the operator settles it.
    """
    if policy.is_operator(by_role):
        raise ParameterError(f"{by_role} operates {policy.playbook}; another role settles what happened")
    with records.change(f"{run_id} {step}: {'it happened' if happened else 'it did not happen'}") as change:
        rows = [row for row in change.rows(STEPS) if (row["run_id"], row["step"]) == (run_id, step)]
        if not rows or rows[0]["playbook_id"] != policy.playbook or not is_unfinished(rows[0]):
            raise ParameterError(f"{policy.playbook} has no unfinished effect {step!r} in the run {run_id!r}")
        end = {"status": "done", "result": "null"} if happened else {"status": "failed", "amount": 0.0}
        change.put(STEPS, [rows[0] | end | {"ended": log.now(), "error": f"settled by {by_role}"}])
        log.append(change, event="settled", run=run_id, step=step, happened=happened, by_role=by_role)


def spans(policy: Policy, steps: list[Cells], approvals: list[Cells]) -> list[Cells]:
    """The spans of RUN_SPANS that a run's ledger tells: one a step and state; a stored span stays as it is."""
    known = {(row["run_id"], row["step"]): row for row in sorted(approvals, key=lambda row: row["asked"])}
    return [_span(policy, row, known.get((row["run_id"], row["step"]))) for row in steps if row["step"] != RUN]


def _span(policy: Policy, row: Cells, approval: Cells | None) -> Cells:
    status = {"waiting": "escalated", "blocked": "stopped", "failed": "error"}.get(row["status"], "ok")
    guard = {"waiting": "queued", "blocked": "blocked"}.get(row["status"], "approved" if approval else "allowed")
    return (
        base_span(policy, row["run_id"])
        | {
            "span": digest([row["run_id"], row["step"], row["status"], str(row["began"])])[:32],
            "parent": row["run_id"],
            "kind": "tool",
            "start": row["began"],
            "end": row["ended"],
            "status": status,
            "error": row["error"],
            "tool": row["tool"],
            "tainted": UNTRUSTED in label_set(row["labels"]),
            "guard": guard,
        }
        | (_review(approval) if approval else {})
    )


def _review(approval: Cells) -> Cells:
    reasons = [line.removeprefix(TRIGGER) for line in approval["reason"].split("\n") if line.startswith(TRIGGER)]
    decided = approval["decided"]
    edited = bool(approval["edit_ratio"])
    review = {"used": "edited" if edited else "approved", "waiting": None}.get(approval["status"], approval["status"])
    return {
        "trigger": "; ".join(reasons)[:1000] or None,
        "approval": approval["approval_id"],
        "reviewer_role": approval["reviewer_role"],
        "review": review,
        "review_wait_s": (decided - approval["asked"]).total_seconds() if decided else None,
        "edit_ratio": approval["edit_ratio"],
    }


def base_span(policy: Policy, run_id: str) -> dict[str, Any]:
    """What every span of a run has in common."""
    return {
        "source": "playbook",
        "trace": run_id,
        "agent": policy.agent,
        "playbook_id": policy.playbook,
        "playbook_hash": policy.hash,
        "level": policy.level,
    }
