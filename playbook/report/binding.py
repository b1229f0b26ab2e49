"""From executed notebooks to what people open: a report for each phase and team, and the index over all of them."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pandas as pd

import playbook
from playbook.errors import PlaybookError
from playbook.report import page, show
from playbook.report.desk import Desk
from playbook.report.engine.preload import read_content
from playbook.report.execute import stored
from playbook.report.jobs import PORTFOLIO, START, Job, Phase, known

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence
    from pathlib import Path

    from playbook.io.workspace import Workspace
    from playbook.report.execute import Outcome

INDEX = "index.html"


def prepare() -> None:
    """Load what the first report and the index need, while there is something to wait for anyway."""
    page.prepare()
    read_content()


def pages(jobs: Sequence[Job]) -> dict[Path, list[Job]]:
    """The jobs of each report, in the order their pages stand in it."""
    groups: dict[Path, list[Job]] = {}
    for job in jobs:
        groups.setdefault(job.report, []).append(job)
    return groups


def needed(jobs: Sequence[Job], outcomes: Mapping[Path, Outcome]) -> bool:
    """Whether a report has to be bound again: a page is new, one is gone, or an earlier batch did not get so far."""
    report = jobs[0].report
    gone = _forget_removed(jobs)
    if gone or not report.is_file() or any(outcomes[job.output].status != "unchanged" for job in jobs):
        return True
    return any(job.output.stat().st_mtime > report.stat().st_mtime for job in jobs)


def bind(workspace: Workspace, jobs: Sequence[Job]) -> Path:
    """Bind the executed notebooks of one report. Raises RunError when it cannot be written; the one before stays."""
    report, team = jobs[0].report, jobs[0].team
    phase = Phase(report.stem, ())
    desk = Desk(workspace, team, _today())
    html = page.bind(
        [json.loads(job.output.read_bytes()) for job in jobs],
        title=title(phase),
        facts=_facts(desk) | {"team": desk.name, "phase": title(phase), "dates": _dates(desk, phase)},
        names=[job.output.name for job in jobs],
        overrides=workspace.folder,
    )
    return page.write(report, html)


def index(workspace: Workspace, reports: Path) -> Path:
    """Write the index: every team with every phase, those that were never run too."""
    desk = Desk(workspace, "", _today())
    phases = [phase for phase in known(workspace.folder) if phase.folder not in (START, PORTFOLIO)]
    gates = _gates(desk, phases)
    rows = [
        {**_named(team), **gates.get((team["team"], phase.name), {}), **_row(reports, team["team"], phase, phases[0])}
        for team in desk.teams.to_dict(orient="records")
        for phase in phases
    ]
    portfolio = reports / f"{PORTFOLIO}.html"
    html = page.index(
        rows,
        title=workspace.organisation,
        subtitle="Reports of every team and phase",
        facts=_facts(desk),
        headlines=_headlines(desk),
        portfolio=portfolio.name if portfolio.is_file() else "",
        overrides=workspace.folder,
    )
    return page.write(reports / INDEX, html)


def title(phase: Phase) -> str:
    """A phase as a reader's heading: `Phase 1: Audit and experiment`, or its folder's name in plain words."""
    if phase.name.isdecimal() and 1 <= int(phase.name) <= len(show.PHASES):
        return f"Phase {phase.name}: {show.PHASES[int(phase.name) - 1]}"
    return phase.folder.replace("_", " ").capitalize()


def _facts(desk: Desk) -> dict[str, Any]:
    return {
        "organisation": desk.workspace.organisation,
        "made_on": desk.today,
        "kit": playbook.__version__,
        "made_up": desk.workspace.made_up,
    }


def _dates(desk: Desk, phase: Phase) -> str:
    """The calendar days of the phase for this team; nothing for a folder that is no phase of the plan."""
    span = next((item for item in desk.load("plan").phases if str(item.number) == phase.name), None)
    if span is None:
        return ""
    first, last = (desk.start + dt.timedelta(days=day - 1) for day in (span.start_day, span.end_day))
    return f"{first:%d %B %Y} to {last:%d %B %Y}"


def _named(team: Mapping[Hashable, Any]) -> dict[str, Any]:
    return {name: team[name] for name in ("name", "note") if not pd.isna(team[name])}


def _row(reports: Path, team: str, phase: Phase, first: Phase) -> dict[str, Any]:
    report = reports / team / f"{phase.folder}.html"
    row = {"team": team, "phase": phase.name if phase.name.isdecimal() else title(phase)}
    if not report.is_file():
        return row | {"status": "not run"}
    folders = [*([report.parent / START] if phase == first else []), report.with_suffix("")]
    said = [stored(path) or {} for folder in folders for path in sorted(folder.glob("[!.]*.ipynb"))]
    failures = [_failure(facts) for facts in said if facts.get("status") == "failed"]
    link = {"link": quote(report.relative_to(reports).as_posix())}
    return row | link | ({"status": "failed", "error": failures[0]} if failures else {"status": "report ready"})


def _failure(facts: Mapping[str, Any]) -> str:
    where = f", cell {facts['cell']}" if facts.get("cell") is not None else ""
    return f"{facts['notebook'].rpartition('/')[2]}{where}: {facts['error']}"


def _gates(desk: Desk, phases: Sequence[Phase]) -> dict[tuple[str, str], dict[str, Any]]:
    """How many conditions of each team's gates are met, or why that cannot be said."""
    counts: dict[tuple[str, str], dict[str, Any]] = {}
    try:
        numbers = {str(item.number) for item in desk.load("plan").phases} & {phase.name for phase in phases}
        for number in sorted(numbers) if len(desk.teams) else ():
            for team, part in desk.gate(int(number)).groupby("team", sort=False):
                met = int((part["status"] == "met").sum())
                counts[str(team), number] = {"gates_met": met, "gates_total": len(part)}
    except PlaybookError as error:
        # The reports stand already; an index without gates that says why is worth more than none.
        every = ((team, phase.name) for team in desk.teams["team"] for phase in phases)
        return {key: {"error": f"gate not judged: {error}"} for key in every}
    return counts


def _headlines(desk: Desk) -> dict[str, list[tuple[str, str]]]:
    """A team's inventory in two figures; how many tasks the hours rest on is said beside them."""
    lines = {}
    for team, tasks in desk.tasks.groupby("team"):
        hours = tasks["runs_per_month"] * tasks["minutes_per_run"] / 60
        timed = int(hours.notna().sum())
        said = f"{hours.sum():,.0f} a month, from {timed} of {len(tasks)} tasks" if timed else "not yet known"
        lines[str(team)] = [("Tasks", str(len(tasks))), ("Hours at stake", said)]
    return lines


def _forget_removed(jobs: Sequence[Job]) -> bool:
    """Remove executed notebooks whose notebook is no longer in the phase; files people put there are left alone."""
    planned = {job.output for job in jobs}
    folders = {job.output.parent for job in jobs}
    gone = [path for folder in folders for path in folder.glob("[!.]*.ipynb") if path not in planned and stored(path)]
    for path in gone:
        path.unlink()
    return bool(gone)


def _today() -> dt.date:
    return dt.datetime.now(tz=dt.UTC).date()
