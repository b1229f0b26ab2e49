"""Worker processes forked from one warm template, whatever threads the caller has."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
from multiprocessing import forkserver, resource_tracker
from typing import TYPE_CHECKING, Any

from playbook.report.engine import preload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

WARMED = "playbook.report.engine.warmed"


def process(target: Callable[..., object], *arguments: Any, notebooks: Sequence[Any] = (), name: str) -> Any:
    """A process that calls `target(*arguments)` in this process's environment and folder; not started yet.

    On Linux it is forked from the standard library's fork server, a process of one thread that holds the template:
    it starts with the first of them, or with `begin`, and ends with the caller. Ctrl-C is nothing to the process until
    `target` says otherwise. Elsewhere the process starts fresh.
    """
    begin(notebooks)
    context: Any = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
    here = (dict(os.environ), os.getcwd())  # noqa: PTH109 - passed on as text
    return context.Process(target=_at_home, args=(*here, target, arguments), daemon=True, name=name)


def begin(notebooks: Sequence[Any] = ()) -> None:
    """Start the fork server, on Linux, if it is not running, and do not wait until it has loaded everything.

    It loads what these notebooks import (none given: everything).
    """
    if sys.platform != "linux":
        return
    multiprocessing.get_context("forkserver").set_forkserver_preload([WARMED])
    if notebooks:
        os.environ[preload.WANTED] = preload.wanted(notebooks)
    try:
        with deaf():
            forkserver.ensure_running()
    finally:
        os.environ.pop(preload.WANTED, None)


@contextlib.contextmanager
def deaf() -> Iterator[None]:
    """Ctrl-C waits meanwhile, and in a process started now until it `hears`: it would print a traceback there."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # started meanwhile, it would let Ctrl-C through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def hears() -> None:
    """Let Ctrl-C through again, in a process that was started while it waited and has decided what to do with it."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _at_home(environment: dict[str, str], folder: str, target: Callable[..., object], arguments: Any) -> None:
    """The fork server's own environment is as old as its first process, and Ctrl-C waits in it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    hears()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    target(*arguments)
