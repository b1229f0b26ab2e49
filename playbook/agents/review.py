"""The review queue: what waits for a person, what it is about in readable words, and the decision written down.

Owner, deputy and auditor of an agent's playbook decide, never who operates it; nothing that a text says changes that.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.agents import artifacts
from playbook.agents.approvals import APPROVALS, Answer, Reviews, arguments_of, edit_ratio, folder_of, reviews_of
from playbook.agents.guard import TRIGGER
from playbook.agents.legible import checks, difference, named, plain, readable, summed, text_of, versions
from playbook.agents.playbook import POLICY_FILE, Policy, load_policy
from playbook.agents.records import Cells, WorkspaceRecords, utc_now
from playbook.agents.tools import label_set
from playbook.errors import ContentError, ParameterError
from playbook.io.pseudonyms import Pseudonyms
from playbook.tables import plain_name

if TYPE_CHECKING:
    from playbook.io.workspace import Workspace

QUEUE_COLUMNS = {
    "approval_id": "str", "playbook_id": "str", "workflow": "str", "tool": "str", "artifact": "str",
    "since": "datetime64[us, UTC]", "expires": "datetime64[us, UTC]", "waited_hours": "float64", "left_hours": "float64",
    "reason": "str", "trigger": "str", "checks": "str", "state": "str",
}  # fmt: skip
WAITING, EXPIRED, OTHER_VERSION = "waiting", "expired", "asked under another version of the playbook"
TEXT_ARGUMENT = "text"
SECONDS_AN_HOUR = 3600


@dataclass(frozen=True)
class Shown:
    """One question as a person reads it before deciding.

    `arguments` are the tool's by name, as text; `artifact` is the name and version of what it is about and `path` its
    file in the engagement folder (both empty: nothing); `text` its text (None: it is none, or too long), `diff` the
    unified difference to the version before, `checks` what was looked at with its result, `may_decide` the roles.
    """

    approval_id: str
    playbook_id: str
    tool: str
    since: dt.datetime
    expires: dt.datetime
    state: str
    reasons: tuple[str, ...]
    triggers: tuple[str, ...]
    arguments: dict[str, str]
    artifact: str
    path: str
    text: str | None
    diff: str
    checks: tuple[str, ...]
    may_decide: tuple[str, ...]

    def __str__(self) -> str:
        """The whole question as plain text."""
        return "\n".join(_lines(self))


def queue(
    workspace: Workspace, team: str, *, every: bool = False, now: Callable[[], dt.datetime] = utc_now
) -> pd.DataFrame:
    """What waits for a person in a team, the oldest first; `every` adds questions that can no longer be decided.

    Columns: approval_id, playbook_id, workflow, tool, artifact (its name and version), since, expires, waited_hours,
    left_hours (until it expires), reason, trigger (those that fired), checks (how many passed, and which did not), state
    (waiting, expired, or why it cannot be decided). Raises ParameterError for a workspace without a folder.
    """
    folder = Path(folder_of(workspace))
    records = WorkspaceRecords(workspace, team)
    made = {row["artifact_id"]: row for row in records.rows("artifacts")}
    policies = _Policies(folder)
    rows = []
    for row in sorted(records.rows(APPROVALS), key=lambda row: row["asked"]):
        if row["status"] != WAITING:
            continue
        policy, state = policies.state_of(row, now())
        if state == WAITING or every:
            rows.append(_queued(row, made.get(row["artifact_id"]), policy, state, now()))
    return pd.DataFrame(rows, columns=list(QUEUE_COLUMNS)).astype(QUEUE_COLUMNS)


def show(
    workspace: Workspace, approval_id: str, *, team: str | None = None, now: Callable[[], dt.datetime] = utc_now
) -> Shown:
    """One question with everything to decide it by.

    `team` is needed only where two teams have the id. Raises ParameterError for an id nobody asked under, or an artifact
    whose file was changed after it was made.
    """
    folder = Path(folder_of(workspace))
    records, row = _question(workspace, approval_id, team)
    policy, state = _Policies(folder).state_of(row, now())
    made, before = versions(records, row["artifact_id"])
    text, diff = None, ""
    if made is not None:
        text = text_of(records, folder, made)
        diff = difference(records, folder, made, before, text)
    return Shown(
        row["approval_id"],
        row["playbook_id"],
        plain(row["tool"]),
        row["asked"],
        row["expires"],
        state if row["status"] == WAITING else row["status"],
        tuple(plain(line) for line in row["reason"].split("\n")),
        tuple(_triggers(row)),
        {plain(name): readable(value) for name, value in arguments_of(row).items()},
        named(made),
        made["path"] if made else "",
        None if text is None else plain(text),
        plain(diff),
        tuple(checks(made)),
        may_decide(policy) if policy else (),
    )


def decide(  # noqa: PLR0913 - each names one fact of the decision
    workspace: Workspace,
    approval_id: str,
    decision: Answer,
    reviewer_role: str,
    why: str = "",
    *,
    text: str | None = None,
    arguments: dict[str, Any] | None = None,
    team: str | None = None,
    now: Callable[[], dt.datetime] = utc_now,
) -> Cells:
    """Write a decision down and return the approval's row; the agent's next run acts on it, once.

    `edited` takes the reviewer's `text` or `arguments`. A text replaces the argument `text`, or, where the arguments name
    the artifact, becomes its next version and is named instead; the share of words changed is recorded. An approval is
    then bound to the edited arguments and to nothing else. Only the owner, the deputy and the auditor of the playbook
    decide, and none of them who operates the agent. Addresses and known names in `why` are kept as pseudonyms.

    Raises ParameterError for another role, a rejection without a reason, a question that was decided, has expired or
    was asked under another version of the playbook, and arguments the tool or the playbook does not allow.
    """
    folder = Path(folder_of(workspace))
    records, row = _question(workspace, approval_id, team)
    policies = _Policies(folder)
    policy = policies.read(row["playbook_id"])
    _refuse_others(policy, reviewer_role)
    reviews = replace(reviews_of(workspace, records.team, policy), now=now)
    ratio = None
    if text is not None:
        state = policies.state_of(row, now())[1] if row["status"] == WAITING else row["status"]
        _refuse_text(decision, arguments, state)
        arguments, ratio = _with_text(reviews, folder, row, text)
    said = Pseudonyms(workspace.pseudonym_key).scrub(why)
    return reviews.decide(approval_id, decision, reviewer_role, said, arguments, edit_ratio=ratio)


def may_decide(policy: Policy) -> tuple[str, ...]:
    """The roles that may decide on an agent's questions: owner, deputy and auditor, but not who operates it."""
    roles = (policy.owner_role, policy.deputy_role, policy.auditor_role)
    return tuple(dict.fromkeys(role for role in roles if not policy.is_operator(role)))


class _Policies:
    """The playbooks of an engagement, each read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, Policy | ContentError | ParameterError] = {}

    def read(self, playbook_id: str) -> Policy:
        """The policy; ContentError or ParameterError when it cannot be read."""
        if playbook_id not in self._read:
            try:
                self._read[playbook_id] = load_policy(self._folder / "playbooks" / playbook_id)
            except (ContentError, ParameterError) as error:
                self._read[playbook_id] = error
        found = self._read[playbook_id]
        if isinstance(found, Policy):
            return found
        raise found

    def state_of(self, row: Cells, now: dt.datetime) -> tuple[Policy | None, str]:
        """The policy a question was asked under, and whether it can be decided now."""
        try:
            policy = self.read(row["playbook_id"])
        except (ContentError, ParameterError) as error:
            return None, f"playbooks/{row['playbook_id']}/{POLICY_FILE} cannot be read: {str(error).splitlines()[0]}"
        if row["playbook_hash"] != policy.hash:
            return policy, OTHER_VERSION
        return policy, WAITING if now < row["expires"] else EXPIRED


def _question(workspace: Workspace, approval_id: str, team: str | None) -> tuple[WorkspaceRecords, Cells]:
    """The row of an approval and the records of the team that has it."""
    asked = workspace.read(APPROVALS, workspace.team(team) if team else None)
    teams = sorted(set(asked.loc[asked["approval_id"] == approval_id, "team"]))
    if not teams:
        raise ParameterError(f"nobody asks under {approval_id!r}; see what waits: playbook review")
    if len(teams) > 1:
        raise ParameterError(f"{approval_id!r} is asked in several teams ({', '.join(teams)}); say which team")
    records = WorkspaceRecords(workspace, teams[0])
    return records, next(row for row in records.rows(APPROVALS) if row["approval_id"] == approval_id)


def _queued(row: Cells, made: Cells | None, policy: Policy | None, state: str, now: dt.datetime) -> Cells:
    reasons = [plain(line) for line in row["reason"].split("\n") if not line.startswith(TRIGGER)]
    return {
        "approval_id": row["approval_id"],
        "playbook_id": row["playbook_id"],
        "workflow": policy.workflow if policy else "",
        "tool": plain(row["tool"]),
        "artifact": named(made),
        "since": row["asked"],
        "expires": row["expires"],
        "waited_hours": (now - row["asked"]).total_seconds() / SECONDS_AN_HOUR,
        "left_hours": max(0.0, (row["expires"] - now).total_seconds() / SECONDS_AN_HOUR),
        "reason": "; ".join(reasons),
        "trigger": "; ".join(_triggers(row)),
        "checks": summed(made),
        "state": state,
    }


def _triggers(row: Cells) -> Iterator[str]:
    for line in row["reason"].split("\n"):
        if line.startswith(TRIGGER):
            yield plain(line.removeprefix(TRIGGER))


def _refuse_others(policy: Policy, reviewer_role: str) -> None:
    allowed = may_decide(policy)
    if plain_name(reviewer_role) not in {plain_name(role) for role in allowed}:
        why = "operates the agent and cannot decide on" if policy.is_operator(reviewer_role) else "has no say in"
        raise ParameterError(
            f"{reviewer_role.strip() or 'a role nobody named'} {why} the approvals of {policy.playbook}; "
            f"{', '.join(allowed)} can"
        )


def _refuse_text(decision: str, arguments: Any, state: str) -> None:
    """Before anything of an edit is kept: an edited text is one thing, and only a question that waits can be answered."""
    if decision != "edited":
        raise ParameterError(f"a changed text is given with the decision 'edited', not with {decision!r}")
    if arguments is not None:
        raise ParameterError("an edit is a text or arguments, not both; put the text into the arguments")
    if state != WAITING:
        raise ParameterError(f"this question cannot be decided any more: {state}; run the agent again and it asks anew")


def _with_text(reviews: Reviews, folder: Path, row: Cells, text: str) -> tuple[dict[str, Any], float]:
    """The arguments with the reviewer's text in them, and the share of the words that was changed."""
    arguments = arguments_of(row)
    if isinstance(arguments.get(TEXT_ARGUMENT), str):
        return arguments | {TEXT_ARGUMENT: text}, edit_ratio(arguments[TEXT_ARGUMENT], text)
    rows = reviews.records.rows("artifacts")
    made = next((found for found in rows if found["artifact_id"] == row["artifact_id"]), None)
    if made is None or _exchanged(arguments, {made["artifact_id"]: "", made["path"]: ""}) == arguments:
        raise ParameterError(
            f"{row['tool']} is told no text and names no artifact with one; edit its arguments instead"
        )
    before = artifacts.Desk(reviews.records).read(folder, made["artifact_id"]).decode("utf-8", "replace")
    new = _next_version(reviews, folder, row, made, text)
    changes = {made[name]: new[name] for name in ("artifact_id", "path", "sha256")}
    return _exchanged(arguments, changes), edit_ratio(before, text)


def _next_version(reviews: Reviews, folder: Path, row: Cells, made: Cells, text: str) -> Cells:
    """The reviewer's text as the next version of the artifact; it carries the labels of what it was made from."""
    key = hashlib.sha256(f"review {row['approval_id']}".encode()).hexdigest()
    kept = artifacts.keep(
        reviews.records,
        folder,
        name=made["name"],
        suffix=PurePosixPath(made["path"]).suffix,
        data=text.encode(),
        made_by={"playbook_id": made["playbook_id"], "run_id": row["run_id"], "key": key},
        labels=label_set(made["labels"]),
        checks=[{"check": "edited by a reviewer; the agent's own checks were not run again", "passed": None}],
        now=reviews.now(),
    )
    return next(found for found in reviews.records.rows("artifacts") if found["artifact_id"] == kept)


def _exchanged(value: Any, changes: dict[str, str]) -> Any:
    """`value` with every text that is one of `changes`' keys replaced, however deep it lies."""
    if isinstance(value, dict):
        return {name: _exchanged(inner, changes) for name, inner in value.items()}
    if isinstance(value, list):
        return [_exchanged(inner, changes) for inner in value]
    return changes.get(value, value) if isinstance(value, str) else value


def _lines(shown: Shown) -> Iterator[str]:
    yield f"{shown.playbook_id} asks ({shown.state}): may it use {shown.tool}?"
    yield f"asked {shown.since:%Y-%m-%d %H:%M} UTC, good until {shown.expires:%Y-%m-%d %H:%M} UTC"
    yield from (f"why: {reason}" for reason in shown.reasons)
    for name, value in shown.arguments.items():
        yield f"{name}: {value}" if "\n" not in value else f"{name}:\n{value}"
    if shown.artifact:
        yield f"about: {shown.artifact} ({shown.path})"
        yield from (f"check: {check}" for check in shown.checks)
        yield shown.diff
    yield f"{' or '.join(shown.may_decide) or 'nobody'} may decide"
