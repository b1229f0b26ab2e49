"""A batch: phases for many teams planned, executed, bound into reports and listed in an index.

What is done and unchanged is not run again, a failing notebook is kept and does not stop the others, and every file is
written beside its place and renamed: a batch that is killed leaves whole reports, and the next one does the rest.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from playbook.errors import ParameterError, RunError
from playbook.report import binding
from playbook.report.execute import Outcome, clear_partials, stored, writable
from playbook.report.jobs import Job, plan, reports_folder
from playbook.report.workers import outcomes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from playbook.io.workspace import Workspace

__all__ = ["Job", "Outcome", "RunResult", "plan", "run"]


@dataclass(frozen=True)
class RunResult:
    """What a batch did: `executed`, `unchanged` and `failed` outcomes, its `reports`, and the `index` over all."""

    executed: tuple[Outcome, ...]
    unchanged: tuple[Outcome, ...]
    failed: tuple[Outcome, ...]
    reports: tuple[Path, ...]
    index: Path


def run(  # noqa: PLR0913 - the first three say what, the rest how
    workspace: Workspace,
    phases: Sequence[str] | None = None,
    teams: Sequence[str] | None = None,
    *,
    parameters: Mapping[str, Any] | None = None,
    workers: int | None = None,
    engine: str | None = None,
    fresh: bool = False,
    reports: Path | None = None,
    progress: Callable[[Outcome, int, int], None] | None = None,
) -> RunResult:
    """Execute every notebook of the phases for the teams, bind the reports and write the index.

    `phases`, `teams` and `parameters` as in `plan`; `workers` processes (default: one a core); `engine` a papermill
    engine (default: the kit's warm one); `fresh` runs also what is done and unchanged; `reports` the folder they go to
    (default: `reports` in the engagement folder); `progress` is called with each outcome, how many there are so far
    and how many there will be.

    A failing notebook is among `failed` and marked in its report. Raises ParameterError, ContentError or
    WorkspaceError before anything runs, RunError when reports cannot be written; what is finished by then stays.
    """
    folder = reports or reports_folder(workspace)
    _check(engine)
    jobs = plan(workspace, phases, teams, parameters=parameters, reports=folder)
    _prepare(folder)

    unchanged = [] if fresh else [Outcome(job, "unchanged") for job in jobs if _is_done(job)]
    same = {outcome.job.output for outcome in unchanged}
    waiting = [job for job in jobs if job.output not in same]

    found: dict[Path, Outcome] = {}
    groups = binding.pages(jobs)
    with contextlib.closing(outcomes(waiting, engine, workers)) as running:
        for outcome in chain(unchanged, running):
            if outcome.status == "unwritable":
                raise _unwritable(folder, outcome.error)
            found[outcome.job.output] = outcome
            if progress:
                progress(outcome, len(found), len(jobs))
            group = groups[outcome.job.report]
            if all(job.output in found for job in group) and binding.needed(group, found):
                binding.bind(workspace, group)

    index = binding.index(workspace, folder)
    ordered = [found[job.output] for job in jobs]
    return RunResult(
        executed=tuple(outcome for outcome in ordered if outcome.status == "done"),
        unchanged=tuple(outcome for outcome in ordered if outcome.status == "unchanged"),
        failed=tuple(outcome for outcome in ordered if outcome.status == "failed"),
        reports=tuple(groups),
        index=index,
    )


def _is_done(job: Job) -> bool:
    facts = stored(job.output)
    return facts is not None and facts.get("status") == "done" and facts.get("key") == job.key


def _check(engine: str | None) -> None:
    if engine is None:
        return
    from papermill.engines import papermill_engines  # noqa: PLC0415 - heavy, and only asked for by name
    from papermill.exceptions import PapermillException  # noqa: PLC0415

    try:
        papermill_engines.get_engine(engine)
    except PapermillException as error:
        raise ParameterError(f"--engine: papermill knows no engine {engine!r}; leave it out for its own") from error


def _prepare(folder: Path) -> None:
    """Find out before the first kernel starts whether reports can be written at all."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        clear_partials(folder)
        writable(folder)
    except OSError as error:
        raise _unwritable(folder, f"{folder}: {error.strerror or error}") from error


def _unwritable(folder: Path, reason: str) -> RunError:
    return RunError(
        f"{reason}; reports are not complete. What was finished is kept: free the disk or the folder {folder}, "
        "then run again, and only the rest is done"
    )
