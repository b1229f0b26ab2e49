"""The driver's end of a warm kernel: its process, its messages, its end. Nothing here waits on asyncio."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
import time
from collections import deque
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from jupyter_client.session import DELIM
from nbclient.exceptions import DeadKernelError

from playbook.report.engine import child, template
from playbook.report.engine.session import PrivateSession
from playbook.report.engine.wire import BUFFER, QUIT, READ, SHELL, Unpacker, pack

if TYPE_CHECKING:
    from typing import Self

LOOK = 0.1
"""Seconds after which the driver looks for messages that nobody rang for."""

GRACE = 5.0
"""Seconds a kernel has to end by itself, as in Jupyter's own client."""


class WarmProcess:
    """A child forked from the template, and all its driver may do with it.

    As a context manager it is gone at the end, with every process the notebook left in its session.
    """

    def __init__(self, memory: int | None = None) -> None:
        self.pid, self._sock, self._bell = _fork(memory)
        self._pidfd = os.pidfd_open(self.pid)
        self._sock.settimeout(0)
        self._unpacker, self._inbox, self._outbox = Unpacker(), deque[tuple[bytes, dict[str, Any]]](), bytearray()
        self._poll = select.poll()
        self._poll.register(self._bell, select.POLLIN)
        self._poll.register(self._pidfd, select.POLLIN)
        self.session = PrivateSession(check_pid=False)
        # What nbclient's Output widget uses of a kernel client.
        self.shell_channel = SimpleNamespace(send=self.send)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # Ctrl-C and SystemExit do not wait for a cell that may never end.
        self.end(at_once=kind is not None and not issubclass(kind, Exception))

    def send(self, message: dict[str, Any]) -> None:
        """Send a request; what does not fit in the socket's buffer goes out while messages are awaited."""
        self._outbox += pack(SHELL, self.session.serialize(message))
        self._flush()

    def receive(self, until: float | None = None) -> tuple[bytes, dict[str, Any]] | None:
        """The next message and its kind; None when there is none by `until` (`time.monotonic`, None: for ever).

        Raises DeadKernelError when the process is gone and everything it sent was received.
        """
        while not self._inbox:
            ready = self._wait(until)
            open_ = self._read()
            if not self._inbox:
                if not open_ or self._pidfd in ready:
                    raise DeadKernelError("Kernel died")
                if not ready and until is not None and time.monotonic() >= until:
                    return None
        return self._inbox.popleft()

    def interrupt(self) -> None:
        """Interrupt the running cell, as Jupyter does."""
        self._signal(signal.SIGINT)

    def end(self, *, at_once: bool = False) -> None:
        """Let the kernel run its exit hooks, for `GRACE` seconds; then, or at once, kill it and what it started."""
        if at_once:
            self._signal(signal.SIGKILL)
        else:
            self._outbox += pack(QUIT)
            self._flush()
        try:
            if not self._gone(time.monotonic() + GRACE):
                self._signal(signal.SIGKILL)
        finally:
            self._signal(signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)
            self._sock.close()
            os.close(self._bell)
            os.close(self._pidfd)

    def _wait(self, until: float | None) -> set[int]:
        """Wait for the bell, the process's end or, at most `LOOK` seconds, for nothing; what of them came.

        What stands in the outbox goes out meanwhile.
        """
        seconds = LOOK if until is None else min(LOOK, max(0.0, until - time.monotonic()))
        ready = {descriptor for descriptor, _ in self._poll.poll(seconds * 1000)}
        if self._bell in ready:
            os.eventfd_read(self._bell)
        if self._outbox:
            self._flush()
        return ready

    def _gone(self, until: float) -> bool:
        """Whether the process ends in time; its last words are read, or it would wait for room to say them."""
        while time.monotonic() < until:
            if self._pidfd in self._wait(until):
                return True
            self._read()
            self._inbox.clear()
        return False

    def _read(self) -> bool:
        """Take in what has arrived; False when the other end is closed."""
        while True:
            try:
                data = self._sock.recv(READ)
            except BlockingIOError:
                return True
            except ConnectionResetError:
                return False
            if not data:
                return False
            for kind, frames in self._unpacker.feed(data):
                start = frames.index(DELIM) + 1
                self._inbox.append((kind, self.session.deserialize(frames[start:], content=True, copy=True)))

    def _flush(self) -> None:
        try:
            while self._outbox:
                del self._outbox[: self._sock.send(self._outbox)]
        except BlockingIOError:
            self._poll.register(self._sock, select.POLLOUT)
            return
        except (BrokenPipeError, ConnectionResetError):
            self._outbox.clear()
        with contextlib.suppress(KeyError):
            self._poll.unregister(self._sock)

    def _signal(self, number: int) -> None:
        """To the child's whole group; its number cannot be another's before it has been waited for."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


def _fork(memory: int | None) -> tuple[int, socket.socket, int]:
    warm = template.build()
    ours, theirs = socket.socketpair()
    bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    driver = os.getpid()
    pid = os.fork()
    if pid == 0:
        child.live(warm, theirs, bell, driver, memory)
    theirs.close()
    return pid, ours, bell
