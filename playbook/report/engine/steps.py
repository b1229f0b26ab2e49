"""Papermill's steps around the warm client: for papermill itself (`execute`), and for a batch (`run`).

`run` is `papermill.execute_notebook` put together again from papermill's own parts, less what it repeats: the input
is read and checked once a process, the output written once at the end.
"""

# mypy: allow-untyped-calls, disable-error-code="import-untyped"
from __future__ import annotations

import contextlib
import datetime as dt
import functools
import json
import os
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from papermill import parameterize
from papermill.engines import NBClientEngine
from papermill.execute import execute_notebook, prepare_notebook_metadata, raise_for_execution_errors
from papermill.execute import remove_error_markers as without_error_markers
from papermill.iorw import load_notebook_node, local_file_io_cwd
from papermill.log import logger
from papermill.utils import chdir

from playbook.report.engine import NAME, PLAIN, fitness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from os import PathLike

KERNEL = "python3"
LONG_AGO = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


def execute(nb: Any, kernel_name: str, **options: Any) -> Any:
    """What papermill asks of an engine: execute a prepared notebook, its record kept and stored at `output_path`."""
    own = {name: options.pop(name, default) for name, default in _MANAGING.items()}
    if objection := fitness.why_not(kernel_name, options):
        return _plainly(objection, nb, kernel_name, own, options)
    manager = _manager(nb, own)
    manager.last_save_time = LONG_AGO
    return _managed(manager, kernel_name, options)


def run(  # noqa: PLR0913 - see playbook.report.engine.run
    source: str | PathLike[str],
    output: str | PathLike[str],
    parameters: dict[str, Any],
    *,
    cwd: str | None,
    engine: str,
    seconds: float | None,
    memory: int | None,
) -> Any:
    """See `playbook.report.engine.run`."""
    limits: dict[str, Any] = {"timeout_func": _remaining(seconds)} if seconds is not None else {}
    if memory is not None:
        limits["memory"] = memory
    objection = fitness.why_not(KERNEL, limits) if engine == NAME else f"{engine} was asked for"
    if objection:
        return _by_papermill(objection, source, output, parameters, cwd=cwd, engine=engine, limits=limits)
    with local_file_io_cwd():
        notebook = _prepared(os.fspath(source), os.fspath(output), parameters)
        with chdir(cwd):
            manager = _manager(notebook, {"output_path": os.fspath(output), "progress_bar": False})
            notebook = _managed(manager, KERNEL, limits)
        with warnings.catch_warnings(action="ignore", category=UserWarning):
            # A file that is not finished is not named like a notebook.
            raise_for_execution_errors(notebook, os.fspath(output))
    return notebook


_MANAGING: dict[str, Any] = {
    "output_path": None,
    "progress_bar": True,
    "log_output": False,
    "autosave_cell_every": 30,
}
"""What papermill's engines keep for the record of a run, with papermill's defaults."""


def _managed(manager: Any, kernel_name: str, options: dict[str, Any]) -> Any:
    """Execute under a record that is completed whatever happens."""
    from playbook.report.engine.client import WarmClient  # noqa: PLC0415 - builds on ipykernel, not needed to fall back

    asked = dict(options)
    asked.pop("input_path", None)
    timeout = asked.pop("execution_timeout", None) or asked.pop("timeout", None)
    startup = asked.pop("start_timeout", 60)
    asked |= {"timeout": timeout, "startup_timeout": startup, "kernel_name": kernel_name, "log": logger}
    manager.notebook_start()
    try:
        WarmClient(manager, log_output=manager.log_output, **asked).execute()
    finally:
        manager.cleanup_pbar()
        manager.notebook_complete()
    return manager.nb


def _plainly(objection: str, nb: Any, kernel_name: str, own: dict[str, Any], options: dict[str, Any]) -> Any:
    """Papermill's own engine, with the reason in the log."""
    _say(objection)
    options = dict(options)
    if options.pop("memory", None) is not None:
        logger.warning("papermill's own engine does not limit a notebook's memory")
    return NBClientEngine.execute_notebook(nb, kernel_name, **own, **options)


def _by_papermill(  # noqa: PLR0913 - run's own
    objection: str,
    source: Any,
    output: Any,
    parameters: dict[str, Any],
    *,
    cwd: Any,
    engine: str,
    limits: dict[str, Any],
) -> Any:
    """The same by papermill alone, with the reason in the log."""
    _say(objection)
    if limits.pop("memory", None) is not None:
        logger.warning("papermill's engine %s does not limit a notebook's memory", engine)
    return execute_notebook(
        _literal(source),
        _literal(output),
        parameters=parameters,
        engine_name=PLAIN if engine == NAME else engine,
        kernel_name=KERNEL,
        progress_bar=False,
        cwd=cwd,
        **limits,
    )


def _say(objection: str) -> None:
    logger.warning("papermill's own engine runs this notebook, not the warm one: %s", objection)


def _prepared(source: str, output: str, parameters: dict[str, Any]) -> Any:
    """The notebook with its parameters and a clean record, as papermill prepares it."""
    notebook = nbformat.from_dict(json.loads(_loaded(source, *_version(source))))
    if parameters:
        notebook = parameterize.parameterize_notebook(notebook, parameters, kernel_name=KERNEL)
    return without_error_markers(prepare_notebook_metadata(notebook, source, output))


def _version(path: str) -> tuple[int, int]:
    facts = Path(path).stat()
    return facts.st_mtime_ns, facts.st_size


@functools.lru_cache(maxsize=256)
def _loaded(path: str, _changed: int, _size: int) -> str:
    """A notebook as papermill loads it, upgraded and validated, as text: quicker to read again than to copy."""
    return json.dumps(load_notebook_node(path))


def _manager(nb: Any, own: dict[str, Any]) -> Any:
    from playbook.report.engine.saving import Checkpoints  # noqa: PLC0415 - as above

    with _no_monitor():
        return Checkpoints(nb, **own)


@contextlib.contextmanager
def _no_monitor() -> Iterator[None]:
    """A progress bar starts a thread that redraws bars that stand still; a process with threads cannot be forked."""
    from tqdm import tqdm  # noqa: PLC0415 - only for a progress bar

    before, tqdm.monitor_interval = tqdm.monitor_interval, 0
    try:
        yield
    finally:
        tqdm.monitor_interval = before


def _remaining(seconds: float) -> Callable[[Any], float]:
    """The time left for a cell, of the time the whole notebook has; never so little that it means no limit."""
    end = time.monotonic() + seconds
    return lambda _cell: max(end - time.monotonic(), 0.001)


def _literal(path: Any) -> str:
    """Papermill fills in `{names}` in paths."""
    return str(path).replace("{", "{{").replace("}", "}}")
