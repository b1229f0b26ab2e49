"""What a cluster's worker does with a task: hand it to a warm driver process and store the executed notebook.

A worker has threads, so it never forks itself: each of its threads that has a task uses one driver (`cluster.driver`),
started fresh, kept warm for the next task, and gone when the worker is. A task and its answer are plain texts.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import playbook
from playbook.errors import PlaybookError
from playbook.report.cluster import store
from playbook.report.cluster.task import BEGUN
from playbook.report.engine import preload
from playbook.report.jobs import kit_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LOOK = 0.5
"""Seconds between two looks whether a task is still wanted."""

PATIENCE = 10.0
STARTS = 2


def work(task: Mapping[str, str]) -> dict[str, Any]:
    """Execute a task, unless this batch already did, and store its notebook; called by dask in a worker's thread.

    A task runs again when its worker died after the notebook was stored and before anybody heard of it: what is stored
    then says so. Returns an outcome's `status`, `seconds`, `cell`, `error` and `runs`; `status` may also be `refused`
    (nothing can run on this worker, `error` says why) or `died` (its process ended twice).
    """
    if objection := _objection(task):
        return {"status": "refused", "error": f"{socket.gethostname()}: {objection}"}
    reports = store.Store(task["reports"])
    try:
        if known := _known(reports, task):
            return known
        answer = _driven(task, _wanted())
        if file := answer.pop("file", ""):
            reports.write(task["output"], _marked(Path(file).read_bytes(), task["batch"]))
    except DroppedError:
        raise
    except Exception as error:  # noqa: BLE001 - a full disk, a bucket that says no: whichever library it comes from
        where = reports.at(task["output"])
        return {"status": "unwritable", "error": f"{where}, from {socket.gethostname()}: {store.said(error)}"}
    return answer


class DroppedError(Exception):
    """Nobody waits for the task any more: the batch was stopped or is gone."""


class _Driver:
    """A driver process, the pipes to it and the libraries it holds; `libraries` as in `preload.wanted`."""

    def __init__(self, libraries: str) -> None:
        command = [sys.executable, "-m", "playbook.report.cluster.driver"]
        environment = {**os.environ, preload.WANTED: libraries}
        self.libraries = set(libraries.split())
        self.process = subprocess.Popen(  # noqa: S603
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self.begun = False
        self._scratch, self._said = "", b""

    def ask(self, task: Mapping[str, str], wanted: Callable[[], bool]) -> dict[str, Any] | None:
        """Hand over a task and wait for what became of it; None when the process ended first.

        `begun` then says whether it had the task in hand. Raises DroppedError when the task is not wanted any more.
        """
        assert self.process.stdin
        self.begun = False
        line = memoryview(json.dumps(dict(task)).encode() + b"\n")
        try:
            while line:
                line = line[self.process.stdin.write(line) or 0 :]
        except BrokenPipeError:
            return None
        while (answer := self._answer(wanted)) is not None:
            if BEGUN not in answer:
                return answer
            self.begun, self._scratch = True, answer[BEGUN]
        return None

    def end(self) -> None:
        """End the process; its notebook's process ends with it."""
        with contextlib.suppress(BrokenPipeError):
            for pipe in (self.process.stdin, self.process.stdout):
                if pipe:
                    pipe.close()
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self._scratch:
            # One that was killed could not tidy up.
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _answer(self, wanted: Callable[[], bool]) -> dict[str, Any] | None:
        assert self.process.stdout
        while b"\n" not in self._said:
            if not wanted():
                raise DroppedError
            if select.select([self.process.stdout], [], [], LOOK)[0]:
                more = os.read(self.process.stdout.fileno(), 1 << 16)
                if not more:
                    return None
                self._said += more
        line, _, self._said = self._said.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer


_idle: list[_Driver] = []
_door = threading.Lock()


def _driven(task: Mapping[str, str], wanted: Callable[[], bool]) -> dict[str, Any]:
    """What a driver says became of the task; one that dies over it is replaced and the task tried once more."""
    runs, starts = 1, 0
    while runs <= 2:
        driver = _taken(task["libraries"])
        starts += driver is None
        driver = driver or _Driver(task["libraries"])
        try:
            answer = driver.ask({**task, "runs": str(runs)}, wanted)
        except BaseException:
            driver.end()
            raise
        if answer is not None:
            with _door:
                _idle.append(driver)
            return answer
        driver.end()
        # One that was idle may have left at the moment it was asked; that was no run of the notebook.
        runs += driver.begun
        if starts > STARTS and not driver.begun:
            raise RuntimeError("its driver process does not start; the worker's log says why")
    return {"status": "died", "runs": 2}


def _taken(libraries: str) -> _Driver | None:
    """An idle driver that holds these libraries; one that does not makes room for one that will."""
    with _door:
        driver = _idle.pop() if _idle else None
    if driver and not set(libraries.split()) <= driver.libraries:
        driver.end()
        return None
    return driver


def _objection(task: Mapping[str, str]) -> str:
    """Why nothing of this batch can run on this worker; empty when it can."""
    if _kit() != task["kit"]:
        return (
            f"its transition-playbook {playbook.__version__} is not the one that sent the batch ({task['version']}); "
            "install the same everywhere and start the workers again"
        )
    if objection := _closed(task["workspace"]):
        return f"it cannot open the workspace: {objection}"
    folder = store.Store(task["reports"]).folder
    if folder and not folder.is_dir():
        return f"it has no folder {folder}; give --reports-to a folder or bucket that every machine of the cluster sees"
    return ""


@functools.cache
def _kit() -> str:
    return kit_digest()


def _closed(workspace: str) -> str:
    """Why the workspace cannot be opened from here; asked once a workspace, as long as it can."""
    if workspace not in _opened:
        from playbook import open_workspace  # noqa: PLC0415 - a database's libraries, paid at the first task

        try:
            open_workspace(workspace)
        except PlaybookError as error:
            return str(error)
        _opened.add(workspace)
    return ""


_opened: set[str] = set()


def _known(reports: store.Store, task: Mapping[str, str]) -> dict[str, Any]:
    """What this batch has already made of the task; empty when it has not."""
    facts = store.facts(reports.read(task["output"]) or b"")
    if facts.get("batch") != task["batch"]:
        return {}
    return {name: facts[name] for name in ("status", "seconds", "cell", "error", "runs")}


def _marked(notebook: bytes, batch: str) -> bytes:
    """The executed notebook with the batch in what it says of itself, written as nbformat writes."""
    content = json.loads(notebook)
    content["metadata"]["playbook"]["batch"] = batch
    return (json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def _wanted() -> Callable[[], bool]:
    """Whether the task this thread runs is still wanted: a stopped batch cancels it, and a lost client does."""
    from distributed import get_worker  # noqa: PLC0415 - a worker has it

    worker = get_worker()
    key = worker.get_current_task()

    def ask() -> bool:
        task = worker.state.tasks.get(key)
        return task is not None and task.state not in ("cancelled", "resumed")

    return ask
