"""One job from notebook to executed notebook: papermill runs it, and it is stored whole or not at all.

Everything a batch knows about how a notebook is executed is in `execute`; the rest of the batch sees outcomes.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import tempfile
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import playbook
from playbook.report.engine import run
from playbook.report.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playbook.report.jobs import Job

PARTIAL = ".partial"
MESSAGE = 500
A_DAY = 86_400
TWICE = "its process died the first time"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    `status`: `done`, `failed` (kept and marked), `unchanged` (not run again) or `unwritable` (its file could not be
    stored; the one before stays). `seconds` it took, `cell` the number in brackets of the cell that failed
    (None: no cell did), `error` the kind of error and its sentence, `runs` how often it was run: twice when its process
    died the first time.
    """

    job: Job
    status: Literal["done", "failed", "unchanged", "unwritable"]
    seconds: float = 0.0
    cell: int | None = None
    error: str = ""
    runs: int = 1

    @property
    def sentence(self) -> str:
        """The outcome in words: `content/…/10_inventory failed in cell [3]: ValueError: no tasks`."""
        where = f" in cell [{self.cell}]" if self.cell is not None else ""
        again = f" (run twice: {TWICE})" if self.runs > 1 else ""
        return f"{self.job.title} {self.status}{where}{again}" + (f": {self.error}" if self.error else "")


def execute(job: Job, engine: str | None = None, limits: Limits | None = None, runs: int = 1) -> Outcome:
    """Execute one job and store the executed notebook, marked with what became of it.

    `engine` names a papermill engine (None: the kit's warm one, which falls back to papermill's own where it must),
    `limits` what the notebook may use (None: the kit's own limits). A notebook whose kernel dies is run once more in a
    fresh one, unless this is already its second run (`runs`); one that raises is not. The notebook is written beside its
    place and renamed, so its place holds the previous or the new one, never half of one.
    """
    begun = time.monotonic()
    aside = beside(job.output)
    try:
        aside.parent.mkdir(parents=True, exist_ok=True)
        outcome = _run_again_if_it_died(job, aside, engine, limits or Limits(), runs)
        outcome = replace(outcome, seconds=time.monotonic() - begun)
        if outcome.status != "unwritable":
            _seal(job, aside, outcome)
            aside.replace(job.output)
    except OSError as error:
        return Outcome(job, "unwritable", time.monotonic() - begun, error=_unwritable(job, error))
    finally:
        _discard(aside)
    return outcome


def give_up(job: Job, reason: str, runs: int = 1) -> Outcome:
    """Keep a job whose process is gone, `runs` times, as a failed notebook that says why."""
    outcome = Outcome(job, "failed", error=reason, runs=runs)
    aside = beside(job.output)
    try:
        _seal(job, aside, outcome)
        aside.replace(job.output)
    except OSError as error:
        return Outcome(job, "unwritable", error=_unwritable(job, error))
    finally:
        _discard(aside)
    return outcome


def stored(path: Path) -> dict[str, Any] | None:
    """What an executed notebook says of itself (`metadata.playbook`); None for a file no batch has written."""
    try:
        return dict(json.loads(path.read_bytes())["metadata"]["playbook"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def beside(path: Path) -> Path:
    """A hidden name in the same folder that says which process on which machine writes there."""
    return path.with_name(f".{path.stem}.{socket.gethostname()}-{os.getpid()}{PARTIAL}{path.suffix}")


def clear_partials(reports: Path) -> None:
    """Remove what writers left when they were killed: this machine's dead processes, and files a day old."""
    for path in reports.glob(f"**/.*{PARTIAL}*"):
        name = path.name.rpartition(PARTIAL)[0]
        here, pid = name.rpartition("-")[0].endswith(f".{socket.gethostname()}"), name.rpartition("-")[2]
        dead = here and pid.isdecimal() and not _alive(int(pid))
        if dead or time.time() - path.stat().st_mtime > A_DAY:
            path.unlink(missing_ok=True)


def writable(folder: Path) -> None:
    """Try whether a file can be written in the folder. Raises OSError when not."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".", suffix=PARTIAL) as file:
        file.write(b"reports go here")
        file.flush()


def _run_again_if_it_died(job: Job, aside: Path, engine: str | None, limits: Limits, runs: int) -> Outcome:
    from nbclient.exceptions import DeadKernelError  # noqa: PLC0415 - paid in the worker, when one runs

    try:
        return replace(_run(job, aside, engine, limits), runs=runs)
    except DeadKernelError:
        if runs > 1:
            return Outcome(job, "failed", error=_died(limits), runs=runs)
        _discard(aside)
        return _run_again_if_it_died(job, aside, engine, limits, runs + 1)


def _run(job: Job, aside: Path, engine: str | None, limits: Limits) -> Outcome:
    """Run it once. Raises DeadKernelError when its process died; whatever else goes wrong is in the outcome."""
    from nbclient.exceptions import CellTimeoutError, DeadKernelError  # noqa: PLC0415 - as above
    from papermill.exceptions import PapermillExecutionError  # noqa: PLC0415

    try:
        with _surroundings(job) as cwd:
            run(
                job.source,
                aside,
                dict(job.parameters),
                cwd=cwd,
                engine=engine,
                seconds=limits.seconds,
                memory=limits.bytes,
            )
    except PapermillExecutionError as error:
        said = _sentence(error.ename, error.evalue)
        if limits.memory is not None and error.ename.endswith("MemoryError"):
            said = limits.out_of_memory(said)
        return Outcome(job, "failed", cell=error.exec_count, error=said)
    except CellTimeoutError:
        return Outcome(job, "failed", error=limits.out_of_time())
    except DeadKernelError:
        raise
    except OSError as error:
        if error.errno in FULL or str(aside) in (error.filename, error.filename2):
            return Outcome(job, "unwritable", error=_unwritable(job, error))
        return Outcome(job, "failed", error=_sentence(type(error).__name__, str(error)))
    except Exception as error:  # noqa: BLE001 - a broken file, a broken library: told in the report, the others go on
        return Outcome(job, "failed", error=_sentence(type(error).__name__, str(error)))
    return Outcome(job, "done")


def _died(limits: Limits) -> str:
    held = f", and a notebook may take {limits.memory} MB here (--memory)" if limits.memory is not None else ""
    return f"DeadKernelError: its process ended before the notebook did: a crash in a library, os._exit or too little memory{held}"


def _seal(job: Job, aside: Path, outcome: Outcome) -> None:
    """Write into the executed notebook what it is and what became of it; the machine's paths leave it."""
    from playbook.report.engine import saving  # noqa: PLC0415 - papermill and nbformat, paid in the worker

    notebook = _kept(aside if aside.is_file() else job.source)
    papermill = notebook["metadata"].setdefault("papermill", {})
    papermill["input_path"], papermill["output_path"] = job.notebook, job.output.name
    notebook["metadata"]["playbook"] = {
        "key": job.key,
        "status": outcome.status,
        "kit": playbook.__version__,
        "phase": job.phase,
        "team": job.team,
        "notebook": job.notebook,
        "seconds": round(outcome.seconds, 2),
        "cell": outcome.cell,
        "error": outcome.error,
        "runs": outcome.runs,
    }
    if outcome.status == "failed" and not _told(notebook["cells"], outcome):
        notebook["cells"].insert(_reached(notebook["cells"]), _stopped(outcome))
    aside.write_text(saving.text(notebook) + "\n", encoding="utf-8")


def _kept(path: Path) -> dict[str, Any]:
    """The notebook as far as it got; an empty one when there is nothing like a notebook in the file."""
    notebook = json.loads(path.read_bytes())
    if isinstance(notebook, dict) and isinstance(notebook.get("cells"), list):
        return {"metadata": {}, "nbformat": 4, "nbformat_minor": 5, **notebook}
    return {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def _told(cells: list[dict[str, Any]], outcome: Outcome) -> bool:
    """Whether a cell shows the very error; one that was interrupted or refused memory shows only what it felt of it."""
    kind = outcome.error.partition(":")[0]
    return any(output.get("ename") == kind for cell in cells for output in cell.get("outputs", ()))


def _reached(cells: list[dict[str, Any]]) -> int:
    """The place behind the last cell that papermill began with; behind the title when it began with none."""
    begun = [i for i, cell in enumerate(cells) if cell.get("metadata", {}).get("papermill", {}).get("start_time")]
    return max([1, *(i + 1 for i in begun)])


def _stopped(outcome: Outcome) -> dict[str, Any]:
    """An error where readers and tools look for one, for failures that left none on a cell."""
    kind, _, message = outcome.error.partition(": ") if ": " in outcome.error else ("Stopped", "", outcome.error)
    error = {"output_type": "error", "ename": kind, "evalue": message, "traceback": []}
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": "playbook-stopped",
        "metadata": {"tags": ["hide-input"]},
        "outputs": [error],
        "source": "# the notebook stopped without an error of its own",
    }


@contextlib.contextmanager
def _surroundings(job: Job) -> Iterator[str]:
    """The folder the kernel starts in: the engagement folder, or a scratch folder for a workspace without one."""
    if job.cwd:
        yield job.cwd
        return
    with tempfile.TemporaryDirectory(prefix="playbook-") as scratch:
        yield scratch


def _sentence(kind: str, message: str) -> str:
    return f"{kind}: {' '.join(message.split())[:MESSAGE]}" if message.strip() else kind


def _unwritable(job: Job, error: OSError) -> str:
    return f"{job.output}: {error.strerror or error}"


def _discard(aside: Path) -> None:
    with contextlib.suppress(OSError):
        aside.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
