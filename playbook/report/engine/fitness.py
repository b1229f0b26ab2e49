"""When a warm kernel may stand in for a started one, and otherwise why not.

A list of questions; the first that objects says so in words for the log, and papermill's own engine runs the notebook.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

PROVEN: Mapping[str, tuple[str, ...]] = {"ipykernel": ("7.4",), "papermill": ("2.7",), "nbclient": ("0.11",)}
"""Libraries whose internals the engine overrides, and the versions the equality suite has passed with."""

HONOURED = frozenset({
    "allow_error_names", "allow_errors", "error_on_timeout", "execution_timeout", "force_raise_errors", "input_path",
    "interrupt_on_timeout", "iopub_timeout", "log_output", "memory", "on_cell_complete", "on_cell_error",
    "on_cell_execute", "on_cell_executed", "on_cell_start", "on_notebook_complete", "on_notebook_error",
    "on_notebook_start", "raise_on_iopub_timeout", "record_timing", "shutdown_kernel", "skip_cells_with_tag",
    "start_timeout", "startup_timeout", "stderr_file", "stdout_file", "store_widget_state", "timeout", "timeout_func",
})  # fmt: skip
"""Options of nbclient and papermill that mean the same here; with any other, papermill's own engine is used."""

PYTHONS = ("python", "python3", f"python{sys.version_info.major}.{sys.version_info.minor}")
"""Names in a kernel's command line that Jupyter replaces by the running interpreter."""


def why_not(kernel: str, options: Mapping[str, Any]) -> str:
    """Why a notebook for this kernel, with these engine options, cannot run warm here; empty when it can.

    Builds this process's template when all else is well.
    """
    questions: tuple[Callable[[], str], ...] = (
        _platform,
        versions,
        functools.partial(_options, options),
        functools.partial(kernel_is_ours, kernel),
        _threads,
        _template,
        _own_files,
        _native_threads,
    )
    return next((objection for question in questions if (objection := question())), "")


@functools.cache
def versions() -> str:
    """The libraries are the ones the engine was proven with."""
    found = {name: metadata.version(name) for name in PROVEN}
    strange = [f"{name} {found[name]}" for name in PROVEN if _minor(found[name]) not in PROVEN[name]]
    known = ", ".join(f"{name} {' or '.join(minors)}" for name, minors in PROVEN.items())
    return f"it was not proven with {', '.join(strange)} (proven: {known})" if strange else ""


@functools.cache
def kernel_is_ours(kernel: str) -> str:
    """The kernel is ipykernel in this interpreter, with nothing added."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel  # noqa: PLC0415 - not with the engine's name

    try:
        spec = KernelSpecManager().get_kernel_spec(kernel)
    except NoSuchKernel:
        return f"there is no kernel named {kernel!r}"
    program, *arguments = spec.argv
    ours = program in PYTHONS or Path(program).absolute() == Path(sys.executable).absolute()
    if not ours or [item for item in arguments if item != "-Xfrozen_modules=off"][:2] != ["-m", "ipykernel_launcher"]:
        return f"kernel {kernel!r} is not this interpreter's ipykernel"
    if arguments[-2:] != ["-f", "{connection_file}"] or spec.env:
        return f"kernel {kernel!r} has settings of its own"
    return ""


def _platform() -> str:
    """Linux, where forking is safe and a process can be watched by a descriptor."""
    if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
        return f"forking is not safe on {sys.platform}"
    return _watchable()


@functools.cache
def _watchable() -> str:
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError as error:
        return f"this system cannot watch a process by descriptor ({error.strerror})"
    return ""


def _options(options: Mapping[str, Any]) -> str:
    strange = sorted(set(options) - HONOURED)
    return f"it does not know the option {', '.join(strange)}" if strange else ""


def _threads() -> str:
    """No other Python thread, which might hold a lock at the fork."""
    others = [thread.name for thread in threading.enumerate() if thread is not threading.current_thread()]
    if others:
        return f"this process has other threads ({', '.join(others)}) and must not be forked"
    if threading.current_thread() is not threading.main_thread():
        return "it was called from a thread"
    return ""


def _template() -> str:
    """The template can be built; a surprise in a library is a reason not to use it, not to fail."""
    from playbook.report.engine import template  # noqa: PLC0415 - heavy

    try:
        template.build()
    except Exception as error:  # noqa: BLE001 - said in the log, with its kind and sentence
        return f"the template could not be built ({type(error).__name__}: {error})"
    return ""


def _own_files() -> str:
    """A person's IPython configuration would have run in a started kernel."""
    from playbook.report.engine import template  # noqa: PLC0415

    files = template.build().app.own_files()
    return f"a kernel would read {', '.join(files)} first" if files else ""


def _native_threads() -> str:
    """No library has started threads of its own since the template was built."""
    from playbook.report.engine import template  # noqa: PLC0415

    now, then = template.native_threads(), template.build().threads
    return f"a library has started threads here ({now}, {then} when the template was built)" if now > then else ""


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])
