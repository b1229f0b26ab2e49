"""A team's pilots and the agents that run them: write an agent playbook, run it, say how it stands, stop it."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.agents import ledger, records, registry, runtime
from playbook.agents.approvals import APPROVALS, folder_of
from playbook.agents.log import Log, LogError, open_log
from playbook.agents.playbook import POLICY_FILE, Policy, load_policy, write_skill
from playbook.agents.records import Cells, WorkspaceRecords
from playbook.errors import ContentError, ParameterError
from playbook.io import content
from playbook.io.pseudonyms import Pseudonyms
from playbook.tables import EVERY_AGENT

if TYPE_CHECKING:
    from playbook.agents.runtime import RunResult
    from playbook.io.workspace import Workspace

FOLDER = "playbooks"
LEAST_LEVEL = 3
RECORDED = (
    "A pilot is recorded with its sheet: `playbook sheet pilots.xlsx --as pilots`, fill it in, `playbook import pilots.xlsx "
    "--team NAME`"
)
ROLES = ("owner_role", "deputy_role", "operator_role", "auditor_role")


@dataclass(frozen=True)
class Standing:
    """How an agent stands: its latest run and what came of it, what waits, what stops it, and whether its log is whole.

    `spent_today` is in the policy's currency over all runs of the UTC day; `fault` says why the playbook or its log
    cannot be relied on, empty when it can.
    """

    playbook_id: str
    workflow: str
    agent: str
    level: int | None
    run_id: str
    status: str
    outcome: str
    waiting: int
    stopped: str
    spent_today: float
    currency: str
    fault: str


def find(workspace: Workspace, name: str, team: str | None = None) -> tuple[str, str]:
    """The team and the agent playbook behind a pilot's or a playbook's id.

    Raises ParameterError for a name nobody knows (with those there are), or one that several teams have.
    """
    wanted = workspace.team(team) if team else None
    pilots, registered = workspace.read("pilots", wanted), workspace.read("agent_playbooks", wanted)
    ids = pilots["playbook_id"].fillna(pilots["pilot_id"])
    named = set(zip(pilots["team"], pilots["pilot_id"], ids, strict=True))
    named |= {(row.team, row.playbook_id, row.playbook_id) for row in registered.itertuples()}
    found = {(there, playbook_id) for there, known, playbook_id in named if name in (known, playbook_id)}
    if len(found) == 1:
        return found.pop()
    if found:
        raise ParameterError(f"{name!r} belongs to several teams ({_listed(t for t, _ in found)}); say --team")
    known = _listed({playbook_id for _, _, playbook_id in named})
    raise ParameterError(f"there is no pilot or agent playbook {name!r}; there are: {known or 'none yet'}. {RECORDED}")


def policy_of(workspace: Workspace, playbook_id: str) -> Policy:
    """The playbook's policy, from `playbooks/<id>/` of the engagement folder.

    Raises ParameterError when it is not written yet, ContentError when it does not hold together.
    """
    place = _place(workspace, playbook_id)
    if not (place / POLICY_FILE).is_file():
        agents = ", ".join(sorted(registry.every()))
        raise ParameterError(
            f"the playbook {playbook_id} is not written yet; `playbook pilot write {playbook_id} --agent AGENT` writes one "
            f"to complete (agents: {agents})"
        )
    policy = load_policy(place)
    if policy.playbook != playbook_id:
        raise ParameterError(
            f"{place / POLICY_FILE} is the playbook {policy.playbook!r}; its folder says {playbook_id!r}"
        )
    return policy


def write(workspace: Workspace, name: str, agent: str, team: str | None = None) -> Path:
    """Write an agent playbook for a pilot from the kit's template, with the pilot's workflow, level and roles put in.

    Returns its folder, where `policy.yaml` and `SKILL.md` wait to be read and completed; the register gets a draft.
    Raises ParameterError when it is written already or the pilot's level is below 3, which runs no agent.
    """
    registry.find(agent)
    there, playbook_id = find(workspace, name, team)
    place = _place(workspace, playbook_id)
    if (place / POLICY_FILE).exists():
        raise ParameterError(f"{place / POLICY_FILE} is there already; edit it, or delete it to begin anew")
    known = _known(workspace, there, playbook_id)
    if known.get("level", LEAST_LEVEL) < LEAST_LEVEL:
        raise ParameterError(f"{playbook_id} is at level {known['level']}; agents work from level {LEAST_LEVEL}")
    text = content.find(f"templates/pilots/{agent}/{POLICY_FILE}", folder_of(workspace)).read_text(encoding="utf-8")
    for key, value in {"playbook": playbook_id, **known}.items():
        said = value if isinstance(value, int) else json.dumps(value, ensure_ascii=False)
        line = f"{key}: {said}".replace("\\", r"\\")  # a backslash would be read as a group
        text = re.sub(rf"(?m)^{key}: .*$", line, text, count=1)
    place.mkdir(parents=True, exist_ok=True)
    (place / POLICY_FILE).write_text(text, encoding="utf-8")
    policy = load_policy(place)
    write_skill(place, policy)
    _register(workspace, there, policy)
    return place


def run(
    workspace: Workspace, name: str, *, team: str | None = None, today: dt.date, resume: bool = True
) -> RunResult:  # fmt: skip
    """Run a pilot's agent for a day, or let the run that waits or was cut off go on.

    Raises ParameterError and ContentError for what must be put right first; everything else is a RunResult.
    """
    there, playbook_id = find(workspace, name, team)
    return runtime.run(workspace, policy_of(workspace, playbook_id), team=there, today=today, resume=resume)


def made(workspace: Workspace, artifacts: Sequence[str]) -> dict[str, int]:
    """The folders these artifacts lie in, and how many in each."""
    known = workspace.read("artifacts").set_index("artifact_id")["path"]
    folders = [str((Path(folder_of(workspace)) / known[each]).parent) for each in artifacts if each in known.index]
    return {folder: folders.count(folder) for folder in sorted(set(folders))}


def standing(workspace: Workspace, team: str) -> list[Standing]:
    """How each agent of a team stands, by the playbooks in the engagement folder, in the order of their ids."""
    kept = WorkspaceRecords(workspace, team)
    mine = set(workspace.read("agent_playbooks", kept.team)["playbook_id"])
    pilots = workspace.read("pilots", kept.team)
    mine |= set(pilots["playbook_id"].fillna(pilots["pilot_id"]))
    folder = Path(folder_of(workspace)) / FOLDER
    written = sorted(path.parent.name for path in folder.glob(f"*/{POLICY_FILE}"))
    return [_standing(workspace, kept, playbook_id) for playbook_id in written if playbook_id in mine]


def stop(workspace: Workspace, name: str, *, team: str | None, reason: str, by_role: str) -> str:
    """Stop a pilot's agent, or every agent of a team (`*`), before its next tool call; returns what was stopped."""
    return _switch(workspace, name, team, reason, by_role, stopped=True)


def release(workspace: Workspace, name: str, *, team: str | None, reason: str, by_role: str) -> str:
    """Let a stopped agent, or every agent of a team (`*`), act again; returns what was released."""
    return _switch(workspace, name, team, reason, by_role, stopped=False)


def settle(  # noqa: PLR0913 - each names one fact
    workspace: Workspace, name: str, *, team: str | None, step: str, happened: bool, by_role: str
) -> str:
    """Write down whether an effect that was begun and cut off happened; returns the run it belongs to.

    Raises ParameterError when no such effect is open, or the operator of the agent settles it.
    """
    there, playbook_id = find(workspace, name, team)
    policy, kept = policy_of(workspace, playbook_id), WorkspaceRecords(workspace, there, by=by_role)
    open_ = [row for row in kept.rows(ledger.STEPS) if row["playbook_id"] == playbook_id and ledger.is_unfinished(row)]
    mine = [row for row in open_ if row["step"] == step]
    if not mine:
        known = _listed(row["step"] for row in open_)
        raise ParameterError(f"{playbook_id} has no unfinished effect {step!r}; open are: {known or 'none'}")
    log = open_log(kept, Path(folder_of(workspace)), playbook_id)
    ledger.settle(kept, log, policy, mine[0]["run_id"], step, happened=happened, by_role=by_role)
    return str(mine[0]["run_id"])


def log_of(workspace: Workspace, name: str, team: str | None = None) -> Log:
    """The run log of a pilot's agent, to verify, read or set aside."""
    there, playbook_id = find(workspace, name, team)
    return open_log(WorkspaceRecords(workspace, there), Path(folder_of(workspace)), playbook_id)


def _switch(  # noqa: PLR0913 - each names one fact of the switch
    workspace: Workspace, name: str, team: str | None, reason: str, by_role: str, *, stopped: bool
) -> str:
    if not reason.strip() or not by_role.strip():
        raise ParameterError("a switch needs its reason and the role that decides")
    if name == EVERY_AGENT:
        if not team:
            raise ParameterError("say which team's agents: --team")
        there, playbook_id = workspace.team(team), EVERY_AGENT
    else:
        there, playbook_id = find(workspace, name, team)
    clean = Pseudonyms(workspace.pseudonym_key)
    said, role = clean.scrub(reason.strip()), clean.scrub(by_role.strip())
    records.switch(WorkspaceRecords(workspace, there, by=role), playbook_id, stopped=stopped, reason=said, by_role=role)
    return f"every agent of {there}" if playbook_id == EVERY_AGENT else playbook_id


def _standing(workspace: Workspace, kept: WorkspaceRecords, playbook_id: str) -> Standing:
    steps = [row for row in kept.rows(ledger.STEPS) if row["playbook_id"] == playbook_id]
    heads = [row for row in steps if row["step"] == ledger.RUN]
    last: Cells = max(heads, key=lambda row: row["began"], default={})
    ended = json.loads(last.get("result") or "{}")
    asked = [row for row in kept.rows(APPROVALS) if row["playbook_id"] == playbook_id and row["status"] == "waiting"]
    policy, fault = _policy_or_fault(workspace, playbook_id)
    midnight = records.utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
    return Standing(
        playbook_id=playbook_id,
        workflow=policy.workflow if policy else "",
        agent=policy.agent if policy else "",
        level=policy.level if policy else None,
        run_id=last.get("run_id", ""),
        status=ended.get("status", "running or cut off" if last else "not run yet"),
        outcome=ended.get("outcome", ""),
        waiting=len(asked),
        stopped=records.switched_off(kept.rows("agent_switches"), playbook_id),
        spent_today=ledger.spent(steps, but=("", ""), since=midnight),
        currency=policy.caps.currency if policy else "",
        fault=fault or _log_fault(workspace, kept, playbook_id),
    )


def _policy_or_fault(workspace: Workspace, playbook_id: str) -> tuple[Policy | None, str]:
    try:
        return policy_of(workspace, playbook_id), ""
    except (ParameterError, ContentError) as error:
        return None, str(error)


def _log_fault(workspace: Workspace, kept: WorkspaceRecords, playbook_id: str) -> str:
    check = open_log(kept, Path(folder_of(workspace)), playbook_id).verify()
    return str(LogError(playbook_id, check.faults)) if check.faults else ""


def _known(workspace: Workspace, team: str, playbook_id: str) -> dict[str, Any]:
    """What the pilot and the register say of a playbook, under the policy's keys; the register wins."""
    pilots = workspace.read("pilots", team)
    pilots = pilots[pilots["playbook_id"].fillna(pilots["pilot_id"]) == playbook_id]
    registered = workspace.read("agent_playbooks", team)
    registered = registered[registered["playbook_id"] == playbook_id]
    known: dict[str, Any] = {}
    for frame in (pilots, registered):
        for row in frame.to_dict(orient="records"):
            known |= {key: row[key] for key in ("workflow", *ROLES) if isinstance(row.get(key), str)}
            known["level"] = int(row["level"])
    return known


def _register(workspace: Workspace, team: str, policy: Policy) -> None:
    """Put a written playbook into the register as a draft, unless it is there."""
    if policy.playbook in set(workspace.read("agent_playbooks", team)["playbook_id"]):
        return
    row = {
        "team": team,
        "playbook_id": policy.playbook,
        "triggers": len(policy.triggers),
        **{name: getattr(policy, name) for name in ("workflow", "level", "owner_role", "deputy_role", "auditor_role")},
    }
    with workspace.change(note=f"agent playbook {policy.playbook} written") as change:
        change.put("agent_playbooks", pd.DataFrame([row]))


def _place(workspace: Workspace, playbook_id: str) -> Path:
    return Path(folder_of(workspace)) / FOLDER / playbook_id


def _listed(names: Any) -> str:
    return ", ".join(sorted(set(names)))
