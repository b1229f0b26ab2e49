"""The process that executes notebooks for a cluster's worker: warm, of one thread, started fresh, one task at a time.

A worker has threads and must not fork; this process may. Tasks come as JSON, one a line, on standard input, which also
says when the worker is gone; answers go the same way to what was standard output.

    python -m playbook.report.cluster.driver
"""

from __future__ import annotations

from playbook.report.engine import warmed  # noqa: F401 - the template, before all else, as wherever it is forked

# isort: split
import json
import os
import select
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from playbook.io.workspace.place import WORKSPACE
from playbook.report.cluster.task import BEGUN, serve

if TYPE_CHECKING:
    from types import FrameType

IDLE = 300.0
"""Seconds without a task after which the process ends; the worker starts another when there is work again."""


def main() -> None:
    """Execute tasks until standard input ends, or nothing came for `IDLE` seconds."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # what a library prints is no answer
    _end_with_worker()
    os.environ.pop(WORKSPACE, None)  # a task says which workspace it is for
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    with tempfile.TemporaryDirectory(prefix="playbook-driver-") as scratch:
        while select.select([0], [], [], IDLE)[0] and (line := sys.stdin.readline()):
            print(json.dumps({BEGUN: scratch}), file=answers)
            print(json.dumps(serve(json.loads(line), Path(scratch))), file=answers)


def _end_with_worker() -> None:
    """Leave through every `finally` when the worker is gone or says so, without a thread that would forbid forking.

    The system sends SIGIO when standard input has news; what counts is that its other end is closed.
    """
    import fcntl  # noqa: PLC0415 - not on Windows

    def stop(_number: int, _frame: FrameType | None) -> None:
        # Once: a second signal would interrupt the way out.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGIO, signal.SIG_IGN)
        sys.exit(1)

    def look(number: int, frame: FrameType | None) -> None:
        poll = select.poll()
        poll.register(0, select.POLLIN)
        if any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0)):
            stop(number, frame)

    signal.signal(signal.SIGINT, lambda _number, _frame: None)  # Ctrl-C at a worker's terminal is the worker's
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGIO, look)
    fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)


if __name__ == "__main__":
    main()
