"""The plan of a batch: which notebook runs for which team, with which parameters, into which file.

The folder is the phase and the number is the order, so the plan is read from the notebooks that exist: the kit's own
and those an engagement folder adds or replaces at the same relative path. Notebooks beside the phase folders open the
first phase's report.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import playbook
from playbook import tables
from playbook.errors import ContentError, ParameterError
from playbook.io import content
from playbook.report.parameters import checked, declared

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from playbook.io.workspace import Workspace
    from playbook.report.parameters import Parameter

START = "start"
PORTFOLIO = "portfolio"
WORKSHOP = "workshop"
NUMBERED = re.compile(r"^\d+_.*\.ipynb$")
TODAY = b"today"
OURS = ("workspace", "team")


@dataclass(frozen=True)
class Phase:
    """A folder of notebooks: `folder` its name, `notebooks` their relative paths in order, number first."""

    folder: str
    notebooks: tuple[str, ...]

    @property
    def name(self) -> str:
        """What people type: `1` for `phase1_audit_and_experiment`, the folder's own name for another folder."""
        numbered = re.match(r"^phase(\d+)(_|$)", self.folder)
        return numbered[1] if numbered else self.folder


@dataclass(frozen=True)
class Job:
    """One notebook to execute for one team.

    `phase` is the notebook's folder (`start` for those beside the folders), `team` the team's id (empty: the whole
    workspace), `notebook` the path relative to the content root, `parameters` what is injected, `output` where the
    executed notebook goes, `report` the page it is bound into, `source` the file itself, `cwd` the folder it runs in
    (empty: a scratch folder), `key` the hash of all its result depends on.
    """

    phase: str
    team: str
    notebook: str
    parameters: Mapping[str, Any] = field(hash=False)
    output: Path
    report: Path
    source: Path
    cwd: str
    key: str

    @property
    def title(self) -> str:
        """The job as progress and messages name it: `content/phase1_audit_and_experiment/10_inventory`."""
        return "/".join(part for part in (self.team, self.phase, Path(self.notebook).stem) if part)


def known(overrides: Path | None = None, *, by_hand: bool = False) -> list[Phase]:
    """Every folder of notebooks a batch runs, in order; first `start`, the notebooks beside the folders.

    `by_hand` adds the folder of notebooks that a facilitator runs in a workshop.
    """
    found: dict[str, set[str]] = {}
    for root in [content.root(), *([overrides] if overrides else [])]:
        shelf = root / "notebooks"
        for path in [*shelf.glob("*.ipynb"), *shelf.glob("*/*.ipynb")]:
            folder = START if path.parent == shelf else path.parent.name
            if NUMBERED.match(path.name) and (by_hand or folder != WORKSHOP) and not folder.startswith("."):
                found.setdefault(folder, set()).add(path.relative_to(root).as_posix())
    order = sorted(found, key=lambda folder: (folder != START, folder == PORTFOLIO, folder))
    return [Phase(folder, tuple(sorted(found[folder], key=_number))) for folder in order]


def chosen(asked: Sequence[str] | None, available: Sequence[Phase]) -> list[Phase]:
    """The phases asked for by number, `portfolio` or folder name; all when nothing is asked.

    Raises ParameterError for a phase that is not there, naming those that are.
    """
    folders = [phase for phase in available if phase.folder != START]
    by_name = {name: phase for phase in folders for name in (f"phase{phase.name}", phase.folder, phase.name)}
    unknown = [name for name in asked or [] if name not in by_name]
    if unknown:
        names = ", ".join(phase.name for phase in folders)
        raise ParameterError(f"{', '.join(map(repr, unknown))}: not a phase; there are {names or 'none'}")
    picked = {by_name[name].folder for name in asked} if asked else {phase.folder for phase in folders}
    return [phase for phase in folders if phase.folder in picked]


def plan(
    workspace: Workspace,
    phases: Sequence[str] | None = None,
    teams: Sequence[str] | None = None,
    *,
    parameters: Mapping[str, Any] | None = None,
    reports: Path | None = None,
) -> list[Job]:
    """Every notebook to execute, phase by phase and team by team, in the order its page has in the report.

    `phases` are numbers, `portfolio` or folder names (all when empty), `teams` ids or names (all when empty),
    `parameters` go to each notebook that declares them. A phase runs once a team, `portfolio` once for the workspace.
    Nothing runs here. Raises ParameterError for an unknown phase or team, an unknown or wrongly typed parameter, or a
    workspace without teams.
    """
    available = known(workspace.folder)
    wanted = chosen(phases, available)
    members = list(dict.fromkeys(map(workspace.team, teams)) if teams else workspace.teams()["team"])
    if not members and any(phase.folder != PORTFOLIO for phase in wanted):
        raise ParameterError("this workspace has no team yet; `playbook team NAME` adds one")
    opening = _opening(available)
    desk = _Desk(workspace, dict(parameters or {}), reports or reports_folder(workspace))
    jobs = [
        desk.job(phase, page, team)
        for phase in wanted
        for team in ([""] if phase.folder == PORTFOLIO else members)
        for page in (*opening.get(phase.folder, ()), *phase.notebooks)
    ]
    desk.refuse_unused()
    return jobs


def reports_folder(workspace: Workspace) -> Path:
    """Where a workspace's reports go: `reports` in its engagement folder, else in the folder this runs in."""
    return (workspace.folder or Path.cwd()).resolve() / "reports"


class _Desk:
    """Fills in jobs; reads each notebook and each team's tables once, however many jobs share them."""

    def __init__(self, workspace: Workspace, given: dict[str, Any], reports: Path) -> None:
        self.workspace, self.given, self.reports = workspace, given, reports
        self.kit = kit_digest(workspace.folder)
        self.unused = set(given)
        self.read: dict[str, tuple[Path, bytes, tuple[Parameter, ...]]] = {}
        self.prints: dict[str, str] = {}
        if reserved := self.unused & set(OURS):
            raise ParameterError(f"{', '.join(sorted(reserved))}: given by --workspace and --team, not as a parameter")

    def job(self, phase: Phase, notebook: str, team: str) -> Job:
        if notebook not in self.read:
            self.read[notebook] = _notebook(notebook, self.workspace.folder)
        source, text, accepted = self.read[notebook]
        names = {item.name for item in accepted}
        extra = {name: value for name, value in self.given.items() if name in names}
        self.unused -= set(extra)
        # An executed notebook is passed around: it finds its workspace by looking upwards, not by a machine's path.
        folder = str(self.workspace.folder.resolve()) if self.workspace.folder else ""
        own = {"workspace": "" if folder else self.workspace.url} | ({"team": team} if team else {})
        values = checked({**own, **extra}, accepted, notebook)
        place = Path(notebook)
        home = START if place.parent.name == "notebooks" else place.parent.name
        return Job(
            phase=home,
            team=team,
            notebook=notebook,
            parameters=values,
            output=self.reports / team / home / place.name,
            report=self.reports / team / f"{phase.folder}.html",
            source=source,
            cwd=folder,
            key=self._key(text, values, team),
        )

    def refuse_unused(self) -> None:
        if self.unused:
            accepted = {f"{item.name}: {item.type}" for _, _, items in self.read.values() for item in items}
            names = ", ".join(sorted(item for item in accepted if item.partition(":")[0] not in OURS))
            raise ParameterError(
                f"{', '.join(sorted(self.unused))}: no notebook to run has this parameter; they have {names or 'none'}"
            )

    def _key(self, text: bytes, values: Mapping[str, Any], team: str) -> str:
        if team not in self.prints:
            self.prints[team] = self.workspace.fingerprint(list(tables.STORED), team or None)
        counts_days = TODAY in text and not values.get("today")
        day = dt.datetime.now(tz=dt.UTC).date().isoformat() if counts_days else ""
        facts = [hashlib.sha256(text).hexdigest(), dict(values), self.kit, self.prints[team], day]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def kit_digest(overrides: Path | None = None) -> str:
    """The kit as a hash: version, code, authored content and the engagement's own copies of it.

    A corrected weight or a changed formula makes every report that might use it run again.
    """
    digest = hashlib.sha256(playbook.__version__.encode())
    roots = [(Path(playbook.__file__).parent, "**/*.py")]
    roots += [
        (root / shelf, "**/*")
        for root in [content.root(), *([overrides] if overrides else [])]
        for shelf in ("assessments", "templates")
    ]
    for root, pattern in roots:
        for path in sorted(path for path in root.glob(pattern) if path.is_file()):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _opening(available: Sequence[Phase]) -> dict[str, tuple[str, ...]]:
    """The notebooks beside the folders, under the first phase's folder: its report is where a reader begins."""
    first = next((phase.folder for phase in available if phase.folder not in (START, PORTFOLIO)), "")
    beside = next((phase.notebooks for phase in available if phase.folder == START), ())
    return {first: beside}


def _notebook(notebook: str, overrides: Path | None) -> tuple[Path, bytes, tuple[Parameter, ...]]:
    path = content.find(notebook, overrides)
    text = path.read_bytes()
    try:
        cells = json.loads(text)
    except ValueError as error:
        raise ContentError(str(path), [f"is not a notebook: {error}"]) from error
    if not isinstance(cells, dict) or not isinstance(cells.get("cells"), list):
        raise ContentError(str(path), ["is not a notebook: it has no cells"])
    if (language := _language(cells)) not in ("", "python"):
        raise ContentError(str(path), [f"is written in {language}; wanted a notebook in Python"])
    return path, text, declared(cells, notebook)


def _language(notebook: Mapping[str, Any]) -> str:
    """The language a notebook says it is in, in small letters; empty when it says none."""
    said = notebook.get("metadata") or {}
    found = [
        (said.get(place) or {}).get(name) for place, name in (("kernelspec", "language"), ("language_info", "name"))
    ]
    return next((str(language).lower() for language in found if language), "")


def _number(notebook: str) -> tuple[int, str]:
    name = Path(notebook).name
    return int(name.partition("_")[0]), name
