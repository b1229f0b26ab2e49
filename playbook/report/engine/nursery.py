"""Worker processes forked from one warm template, whatever threads the caller has."""

from __future__ import annotations

import multiprocessing
import os
import sys
from multiprocessing import forkserver
from typing import TYPE_CHECKING, Any

from playbook.report.engine import preload

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WARMED = "playbook.report.engine.warmed"


def process(target: Callable[..., object], *arguments: Any, notebooks: Sequence[Any] = (), name: str) -> Any:
    """A process that calls `target(*arguments)` in this process's environment and folder; not started yet.

    On Linux it is forked from the standard library's fork server, a process of one thread that holds the template:
    it starts with the first of them and ends with the caller. Elsewhere the process starts fresh.
    """
    if sys.platform == "linux":
        context: Any = multiprocessing.get_context("forkserver")
        _serve(context, notebooks)
    else:
        context = multiprocessing.get_context("spawn")
    here = (dict(os.environ), os.getcwd())  # noqa: PTH109 - passed on as text
    return context.Process(target=_at_home, args=(*here, target, arguments), daemon=True, name=name)


def _serve(context: Any, notebooks: Sequence[Any]) -> None:
    """Start the fork server if it is not running; it loads what these notebooks import (none given: everything)."""
    context.set_forkserver_preload([WARMED])
    if notebooks:
        os.environ[preload.WANTED] = preload.wanted(notebooks)
    try:
        forkserver.ensure_running()
    finally:
        os.environ.pop(preload.WANTED, None)


def _at_home(environment: dict[str, str], folder: str, target: Callable[..., object], arguments: Any) -> None:
    """The fork server's own environment is as old as its first process."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    target(*arguments)
