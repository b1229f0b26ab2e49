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
from playbook.report import binding, cluster
from playbook.report.cluster.store import Mirror
from playbook.report.execute import Outcome, clear_partials, stored, writable
from playbook.report.jobs import Job, plan, reports_folder
from playbook.report.limits import SECONDS, Limits, check
from playbook.report.pdf import beside, browser
from playbook.report.workers import begin, outcomes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from playbook.io.workspace import Workspace

__all__ = ["Job", "Outcome", "RunResult", "plan", "run"]


@dataclass(frozen=True)
class RunResult:
    """What a batch did: `executed`, `unchanged` and `failed` outcomes, its `reports`, the `index` over all, PDFs `printed`."""

    executed: tuple[Outcome, ...]
    unchanged: tuple[Outcome, ...]
    failed: tuple[Outcome, ...]
    reports: tuple[Path, ...]
    index: Path
    printed: tuple[Path, ...] = ()


def run(  # noqa: PLR0913 - the first three say what, the rest how
    workspace: Workspace,
    phases: Sequence[str] | None = None,
    teams: Sequence[str] | None = None,
    *,
    parameters: Mapping[str, Any] | None = None,
    workers: int | None = None,
    engine: str | None = None,
    fresh: bool = False,
    seconds: float | None = SECONDS,
    memory: int | None = None,
    pdf: bool = False,
    reports: Path | None = None,
    dask: str | None = None,
    reports_to: str = "",
    progress: Callable[[Outcome, int, int], None] | None = None,
) -> RunResult:
    """Execute every notebook of the phases for the teams, bind the reports and write the index.

    `phases`, `teams` and `parameters` as in `plan`; `workers` processes (default: one a core); `engine` a papermill
    engine (default: the kit's warm one); `fresh` runs also what is done and unchanged; `seconds` and `memory` (MB) are
    what each notebook may use (see `limits`); `pdf` prints each report beside itself; `reports` is the folder they go
    to (default: `reports` in the engagement folder); `dask` is the address of a cluster's scheduler that runs it instead
    of this machine, `reports_to` a folder or fsspec URL that holds the same reports for other machines, the cluster's
    among them (default: `reports` itself); `progress` is called with each outcome, how many there are so far and how
    many there will be.

    A failing notebook is among `failed` and marked in its report. Raises ParameterError, ContentError or
    WorkspaceError before anything runs, RunError when reports cannot be written; what is finished by then stays.
    """
    folder = reports or reports_folder(workspace)
    _check(engine)
    limits = Limits(seconds, memory)
    check(limits, engine)
    if pdf:
        browser()
    if dask:
        cluster.check(workspace, workers)
    mirror = Mirror(folder, reports_to)
    jobs = plan(workspace, phases, teams, parameters=parameters, reports=folder)
    _prepare(folder)
    mirror.prepare()
    mirror.match(jobs)

    unchanged = [] if fresh else [Outcome(job, "unchanged") for job in jobs if _is_done(job)]
    same = {outcome.job.output for outcome in unchanged}
    waiting = [job for job in jobs if job.output not in same]
    if dask:
        running = cluster.outcomes(waiting, dask, workspace, mirror, engine, limits)
    else:
        if waiting:
            begin(engine)
            binding.prepare()
        running = mirror.kept(outcomes(waiting, engine, workers, limits))
    with contextlib.closing(running):
        found = _gathered(workspace, jobs, chain(unchanged, running), mirror, progress)

    groups = binding.pages(jobs)
    index = binding.index(workspace, folder)
    printed = beside(groups, workers) if pdf else []
    for path in (index, *printed):
        mirror.put(path)
    mirror.complete(groups)
    ordered = [found[job.output] for job in jobs]
    return RunResult(
        executed=tuple(outcome for outcome in ordered if outcome.status == "done"),
        unchanged=tuple(outcome for outcome in ordered if outcome.status == "unchanged"),
        failed=tuple(outcome for outcome in ordered if outcome.status == "failed"),
        reports=tuple(groups),
        index=index,
        printed=tuple(printed),
    )


def _gathered(
    workspace: Workspace,
    jobs: Sequence[Job],
    running: Iterable[Outcome],
    mirror: Mirror,
    progress: Callable[[Outcome, int, int], None] | None,
) -> dict[Path, Outcome]:
    """Every job's outcome by its file; a report is bound as soon as the last of its pages is there."""
    found: dict[Path, Outcome] = {}
    groups = binding.pages(jobs)
    for outcome in running:
        if outcome.status == "unwritable":
            raise _unwritable(mirror.store.url, outcome.error)
        found[outcome.job.output] = outcome
        if progress:
            progress(outcome, len(found), len(jobs))
        group = groups[outcome.job.report]
        if all(job.output in found for job in group) and binding.needed(group, found):
            mirror.put(binding.bind(workspace, group))
    return found


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


def _unwritable(folder: Path | str, reason: str) -> RunError:
    return RunError(
        f"{reason}; reports are not complete. What was finished is kept: free the disk or the folder {folder}, "
        "then run again, and only the rest is done"
    )
