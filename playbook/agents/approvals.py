"""Questions to people: may the agent do exactly this, once, until then? Bound to playbook version, tool and arguments."""

from __future__ import annotations

import datetime as dt
import difflib
import json
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from playbook.agents import registry
from playbook.agents.log import Log, open_log
from playbook.agents.playbook import Policy, check_arguments
from playbook.agents.records import Cells, Records, WorkspaceRecords, Writer, utc_now
from playbook.agents.tools import canonical, digest
from playbook.errors import ParameterError

if TYPE_CHECKING:
    from playbook.agents.registry import Agent
    from playbook.io.workspace import Workspace

APPROVALS = "approvals"
Answer = Literal["approved", "edited", "rejected"]


@dataclass(frozen=True)
class Question:
    """What is asked: the step of a run, its tool and arguments (plain JSON), why, and the artifact to look at."""

    run_id: str
    step: str
    tool: str
    arguments: dict[str, Any]
    reasons: tuple[str, ...]
    artifact_id: str | None = None


def binding(policy: Policy, tool: str, arguments: dict[str, Any]) -> str:
    """The hash an approval is bound to: of the playbook's version, the tool and the arguments, and of nothing else."""
    return digest([policy.hash, tool, arguments])


def request(change: Writer, policy: Policy, question: Question, now: dt.datetime) -> Cells:
    """Ask a person in the open change, and return the approval's row; good for the policy's hours from now."""
    row: Cells = {
        "approval_id": uuid.uuid4().hex[:12],
        "playbook_id": policy.playbook,
        "playbook_hash": policy.hash,
        "run_id": question.run_id,
        "step": question.step,
        "tool": question.tool,
        "binding": binding(policy, question.tool, question.arguments),
        "arguments": canonical(question.arguments),
        "reason": "\n".join(question.reasons),
        "artifact_id": question.artifact_id,
        "asked": now,
        "expires": now + dt.timedelta(hours=policy.approvals.good_for_hours),
        "status": "waiting",
    }
    change.put(APPROVALS, [row])
    return row


@dataclass(frozen=True)
class Reviews:
    """The review of one agent playbook: what waits, and people's decisions; make it with `reviews_of`."""

    records: Records
    policy: Policy
    agent: Agent
    log: Log
    now: Callable[[], dt.datetime] = utc_now

    def waiting(self) -> list[Cells]:
        """The questions that can be decided now, oldest first: each step's latest, of this version, not expired."""
        now = self.now()
        rows = sorted(self.records.rows(APPROVALS), key=lambda row: row["asked"])
        latest = {(row["run_id"], row["step"]): row for row in rows if row["playbook_id"] == self.policy.playbook}
        open_ = [row for row in latest.values() if row["status"] == "waiting" and now < row["expires"]]
        return sorted((row for row in open_ if row["playbook_hash"] == self.policy.hash), key=lambda row: row["asked"])

    def decide(  # noqa: PLR0913 - each names one fact of the decision
        self,
        approval_id: str,
        decision: Answer,
        reviewer_role: str,
        why: str = "",
        arguments: dict[str, Any] | None = None,
        *,
        edit_ratio: float | None = None,
    ) -> Cells:
        """Write a person's decision down and return the approval's row; the agent's next run goes on from it.

        `arguments` are the reviewer's own for `edited`: they are checked like the agent's, and the approval is bound to
        them. `edit_ratio` is the share of the text that was changed (0 to 1); left out, it is that of the arguments.
        Raises ParameterError when the operator decides on their own agent, when a rejection has no reason, when the
        question was decided, has expired, or was asked under another version of the playbook.
        """
        _know_reviewer(self.policy, decision, reviewer_role, why)
        if (decision == "edited") != (arguments is not None):
            raise ParameterError("arguments are given with the decision 'edited', and only then")
        with self.records.change(f"approval {approval_id}: {decision}") as change:
            row = self._open_question(change, approval_id)
            cells = {
                "status": decision,
                "reviewer_role": reviewer_role,
                "decided": self.now(),
                "why": why.strip() or None,
            }
            if arguments is not None:
                cells |= self._bound(row, arguments, edit_ratio)
            elif decision == "approved":
                cells["edit_ratio"] = edit_ratio or 0.0
            change.put(APPROVALS, [row | cells])
            said = {"approval": approval_id, "decision": decision, "by_role": reviewer_role, "why": why.strip()}
            self.log.append(change, event="decided", run=row["run_id"], step=row["step"], **said)
        return row | cells

    def _open_question(self, change: Writer, approval_id: str) -> Cells:
        row = next((row for row in change.rows(APPROVALS) if row["approval_id"] == approval_id), None)
        if row is None or row["playbook_id"] != self.policy.playbook:
            raise ParameterError(f"{self.policy.playbook} asks nothing under {approval_id!r}; see: playbook review")
        if row["status"] != "waiting":
            raise ParameterError(
                f"approval {approval_id} was decided already: {row['status']} by {row['reviewer_role']}"
            )
        if row["playbook_hash"] != self.policy.hash:
            raise ParameterError(
                f"approval {approval_id} was asked under another version of the playbook; run it again"
            )
        if self.now() >= row["expires"]:
            raise ParameterError(f"approval {approval_id} has expired; run the agent again and it asks anew")
        return row

    def _bound(self, row: Cells, arguments: dict[str, Any], ratio: float | None) -> Cells:
        """The reviewer's arguments, checked, with the hash the approval is bound to from now on."""
        tool = self.agent.tool(row["tool"])
        if tool is None:
            raise ParameterError(f"{row['tool']} is not a tool of {self.agent.name} any more; run the agent again")
        edited = check_arguments(self.policy, tool, arguments).model_dump(mode="json")
        changed = edit_ratio(row["arguments"], canonical(edited)) if ratio is None else ratio
        bound = binding(self.policy, tool.name, edited)
        return {"arguments": canonical(edited), "binding": bound, "edit_ratio": changed}


def reviews_of(workspace: Workspace, team: str, policy: Policy) -> Reviews:
    """The review of an agent playbook of a team. Raises ParameterError when the workspace has no folder."""
    folder = folder_of(workspace)
    records = WorkspaceRecords(workspace, team, by="reviewer")
    return Reviews(records, policy, registry.find(policy.agent), open_log(records, folder, policy.playbook))


def folder_of(workspace: Workspace) -> Any:
    """The engagement folder, where agents read and write; ParameterError when the workspace was opened without one."""
    if workspace.folder is None:
        raise ParameterError("agents work in an engagement folder; open the workspace by its folder, not by its URL")
    return workspace.folder


def edit_ratio(before: str, after: str) -> float:
    """The share of a text's words that a person changed: 0 nothing, 1 all of it.

    One less difflib's ratio over words: twice the words kept in order, over the words of both texts. What both begin
    and end with counts as kept and only the rest is compared, as difflib's time grows with the square of a page.
    """
    old, new = (re.findall(r"\w+|[^\w\s]", text) for text in (before, after))
    words = len(old) + len(new)
    begun = _alike(old, new)
    old, new = old[begun:], new[begun:]
    ended = _alike(old[::-1], new[::-1])
    old, new = old[: len(old) - ended], new[: len(new) - ended]
    kept = sum(block.size for block in difflib.SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks())
    return round(1 - 2 * (begun + kept + ended) / words, 6) if words else 0.0


def _alike(old: Sequence[str], new: Sequence[str]) -> int:
    """How many words two texts have in common from the first on."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(old), len(new)))


def newest(rows: Sequence[Cells], run_id: str, step: str) -> Cells | None:
    """The latest question about a step of a run, or None."""
    mine = [row for row in rows if (row["run_id"], row["step"]) == (run_id, step)]
    return max(mine, key=lambda row: row["asked"], default=None)


def arguments_of(row: Cells) -> dict[str, Any]:
    """The arguments an approval is about, as edited."""
    arguments: dict[str, Any] = json.loads(row["arguments"])
    return arguments


def _know_reviewer(policy: Policy, decision: str, reviewer_role: str, why: str) -> None:
    if decision not in ("approved", "edited", "rejected"):
        raise ParameterError(f"the decision is {decision!r}; wanted approved, edited or rejected")
    if not reviewer_role.strip():
        raise ParameterError("the decision needs the role that decides")
    if policy.is_operator(reviewer_role):
        raise ParameterError(
            f"{reviewer_role} operates {policy.playbook} and cannot decide on its approvals; "
            f"{policy.owner_role}, {policy.deputy_role} or {policy.auditor_role} can"
        )
    if decision == "rejected" and not why.strip():
        raise ParameterError("a rejection needs its reason, so that the agent's owner can act on it")
