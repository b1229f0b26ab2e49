"""The processes that execute a batch: one job at a time each, replaced when they die, ended on Ctrl-C.

Processes, not threads: papermill changes the working directory of its process. With the kit's own engine they come from
its template (`engine.process`), otherwise they are started fresh (`spawn`); either way nothing of the caller's memory,
threads or database connections is shared with them.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import signal
import sys
import threading
from collections import deque
from multiprocessing import connection
from typing import TYPE_CHECKING

from playbook.report import engine as warm
from playbook.report.engine import nursery
from playbook.report.execute import Outcome, execute, give_up

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from multiprocessing.process import BaseProcess
    from types import FrameType

    from playbook.report.jobs import Job
    from playbook.report.limits import Limits

PATIENCE = 10.0
NOISE = re.compile(
    rb"Kernel is running over TCP without encryption|frozen modules|to python to disable frozen modules"
    rb"|PYDEVD_DISABLE_FILE_VALIDATION|Debugging will proceed|KeyboardInterrupt caught in kernel"
)


def cores() -> int:
    """The processors this process may use, at least one."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def begin(engine: str | None = None) -> None:
    """Let the template load while the caller does something else; nothing where processes start fresh."""
    if _warm(engine):
        warm.begin()


def outcomes(
    jobs: Sequence[Job], engine: str | None = None, workers: int | None = None, limits: Limits | None = None
) -> Generator[Outcome]:
    """Execute the jobs in `workers` processes (default: one a core) and yield each outcome as it comes.

    `engine` and `limits` as in `execute`. A process that dies (killed for memory, say) is replaced and its job tried
    once more. When the caller stops early, closes the iterator or is interrupted, the processes and their kernels are
    ended first.
    """
    waiting = deque((job, 1) for job in jobs)
    crew: list[_Worker] = []
    try:
        crew.extend(_Worker(engine, limits) for _ in range(min(workers or cores(), len(waiting))))
        for worker in crew:
            worker.give(waiting)
        while busy := [worker for worker in crew if worker.job]:
            for pipe in connection.wait([worker.pipe for worker in busy]):
                worker = next(worker for worker in busy if worker.pipe is pipe)
                job, runs, outcome = worker.take()
                if outcome is None:
                    crew[crew.index(worker)] = worker = _Worker(engine, limits)
                    if runs == 1:
                        waiting.appendleft((job, runs + 1))
                    else:
                        outcome = give_up(job, "its process died twice; is there enough memory?", runs)
                # The next job is on its way before the caller looks at this outcome.
                worker.give(waiting)
                if outcome:
                    yield outcome
    finally:
        _end(crew)


class _Worker:
    """A process, the pipe to it and the job it has."""

    def __init__(self, engine: str | None, limits: Limits | None) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process: BaseProcess
        if _warm(engine):
            self.process = warm.process(_serve, theirs, engine, limits)
            self.process.start()
        else:
            self.process = context.Process(target=_serve, args=(theirs, engine, limits), daemon=True, name=warm.WORKER)
            with nursery.deaf():
                self.process.start()
        theirs.close()
        self.job: Job | None = None
        self.runs = 0

    def give(self, waiting: deque[tuple[Job, int]]) -> None:
        """Send it the next job and say which run of it this is."""
        self.job, self.runs = waiting.popleft() if waiting else (None, 0)
        if self.job:
            # A process that is already gone is noticed when its answer is taken.
            with contextlib.suppress(BrokenPipeError):
                self.pipe.send((self.job, self.runs))

    def take(self) -> tuple[Job, int, Outcome | None]:
        """The job it had, which run of it this was, and its outcome; None when the process died over it."""
        assert self.job is not None
        job, self.job = self.job, None
        try:
            return job, self.runs, self.pipe.recv()
        except (EOFError, ConnectionResetError):
            self.pipe.close()
            self.process.join()
            return job, self.runs, None


def _serve(pipe: connection.Connection, engine: str | None, limits: Limits | None) -> None:
    """Work in a worker process: take a job, execute it, hand back its outcome, until the batch is gone."""
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        # Leave through every `finally`, so that papermill shuts its kernel down; its farewell is nobody's business.
        stopped.set()
        sys.exit(1)

    # Ctrl-C reaches the whole group; the batch decides, and a kernel must not inherit an ignored signal.
    signal.signal(signal.SIGINT, lambda _number, _frame: None)
    nursery.hears()
    signal.signal(signal.SIGTERM, stop)
    if _warm(engine):
        _signal_at_end(multiprocessing.parent_process())
    else:
        threading.Thread(target=_leave_with, args=(multiprocessing.parent_process(),), daemon=True).start()
        _filter_noise(stopped)
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    # A job says where its notebook runs and finds its workspace; the variable may name another one.
    os.environ.pop("PLAYBOOK_WORKSPACE", None)
    # a batch begun from a notebook has nobody at its pages
    os.environ.pop("JPY_SESSION_NAME", None)
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            job, runs = pipe.recv()
            pipe.send(execute(job, engine, limits, runs))


def _warm(engine: str | None) -> bool:
    """Whether notebooks are asked to run in the kit's own engine, on the system it is made for."""
    return engine in (None, warm.NAME) and sys.platform == "linux"


def _signal_at_end(batch: BaseProcess | None) -> None:
    """As `_leave_with`, without a thread: a process with other threads is not forked for a warm kernel.

    The sentinel is a pipe whose other end closes with the batch; the system then sends SIGIO, taken as SIGTERM is.
    """
    import fcntl  # noqa: PLC0415 - not on Windows, where this is not called

    if batch is None:
        return
    signal.signal(signal.SIGIO, signal.getsignal(signal.SIGTERM))
    fcntl.fcntl(batch.sentinel, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(batch.sentinel, fcntl.F_GETFL)
    fcntl.fcntl(batch.sentinel, fcntl.F_SETFL, flags | os.O_ASYNC)
    if connection.wait([batch.sentinel], 0):
        os.kill(os.getpid(), signal.SIGTERM)


def _leave_with(batch: BaseProcess | None) -> None:
    """End this process when the batch is killed: nobody waits for its notebook any more."""
    if batch is not None:
        connection.wait([batch.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)


def _end(crew: Sequence[_Worker]) -> None:
    for worker in crew:
        busy = worker.job is not None
        worker.pipe.close()
        if busy:
            worker.process.terminate()
    for worker in crew:
        worker.process.join(PATIENCE)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()


def _filter_noise(stopped: threading.Event) -> None:
    """Send what this process and its kernels write to stderr through a sieve for ipykernel's standing remarks."""
    sys.stderr.flush()
    original = os.dup(2)
    reader, writer = os.pipe()
    os.dup2(writer, 2)
    os.close(writer)

    def sieve() -> None:
        with os.fdopen(reader, "rb") as lines, os.fdopen(original, "wb", buffering=0) as out:
            for line in lines:
                if not (stopped.is_set() or NOISE.search(line)):
                    out.write(line)

    threading.Thread(target=sieve, daemon=True).start()
