"""Kernel messages over a pair of sockets: Jupyter's own frames, each message behind a small header."""

from __future__ import annotations

import os
import struct
import threading
import time
from socket import MSG_DONTWAIT
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Iterator, Sequence

IOPUB = b"i"
SHELL = b"s"
QUIT = b"q"
"""The three kinds of message: what a cell shows, requests and replies, and the order to end."""

READ = 1 << 20
BUFFER = 1 << 20
"""Bytes read at once, and bytes the kernel of the machine may hold between the two processes."""

QUIET = 0.1
"""Seconds a driver may not hear of what a running cell has shown."""

_HEAD = struct.Struct("<cI")
_SIZE = 8


class Message(NamedTuple):
    """One message: its kind and its frames."""

    kind: bytes
    frames: list[bytes]


def pack(kind: bytes, frames: Sequence[Any] = ()) -> bytes:
    """A message as bytes: kind, number of frames, their lengths, the frames."""
    views = [memoryview(frame).cast("B") if not isinstance(frame, bytes) else frame for frame in frames]
    sizes = struct.pack(f"<{len(views)}Q", *map(len, views))
    return b"".join([_HEAD.pack(kind, len(views)), sizes, *views])


class Unpacker:
    """Gathers bytes as they arrive and gives out whole messages."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._wanted = _HEAD.size

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take more bytes and yield every message that is complete with them."""
        self._held += data
        while len(self._held) >= self._wanted and (message := self._take()):
            yield message

    def _take(self) -> Message | None:
        kind, count = _HEAD.unpack_from(self._held)
        start = _HEAD.size + _SIZE * count
        if len(self._held) < start:
            self._wanted = start
            return None
        sizes = struct.unpack_from(f"<{count}Q", self._held, _HEAD.size)
        end = start + sum(sizes)
        if len(self._held) < end:
            self._wanted = end
            return None
        with memoryview(self._held) as view:
            frames = list(_slices(view, start, sizes))
        del self._held[:end]
        self._wanted = _HEAD.size
        return Message(kind, frames)


def _slices(view: memoryview, start: int, sizes: Iterable[int]) -> Iterator[bytes]:
    for size in sizes:
        yield bytes(view[start : start + size])
        start += size


class Pipe:
    """The kernel's end: whole messages out, one thread at a time; silent until a socket is given.

    Waking the driver costs more than a message, so it is woken by `ring`, once when a request is answered, and in
    between at most once in `QUIET` seconds or when the socket is full; it looks by itself now and then, too.
    A process forked by the notebook holds a copy of the socket; it may write too, each message whole by one call.
    """

    def __init__(self) -> None:
        self.sock: socket.socket | None = None
        self.bell = -1
        self._rung = 0.0
        self._lock = threading.Lock()
        os.register_at_fork(after_in_child=self._fresh_lock)

    def send(self, kind: bytes, frames: Sequence[Any]) -> None:
        """Send a message; nobody listens any more when the driver is gone, and then nothing is sent."""
        if self.sock is None:
            return
        data = pack(kind, frames)
        with self._lock:
            try:
                self._write(data)
            except (BrokenPipeError, ConnectionResetError):
                self.sock = None
        if time.monotonic() - self._rung > QUIET:
            self.ring()

    def ring(self) -> None:
        """Wake the driver: there is something to read."""
        if self.sock is not None:
            os.eventfd_write(self.bell, 1)
            self._rung = time.monotonic()

    def _write(self, data: bytes) -> None:
        assert self.sock is not None
        try:
            sent = self.sock.send(data, MSG_DONTWAIT)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            self.ring()
            self.sock.sendall(memoryview(data)[sent:])

    def _fresh_lock(self) -> None:
        """Another thread may have held the lock when the notebook forked."""
        self._lock = threading.Lock()


class Channel:
    """What Jupyter's Session and ipykernel need of a ZeroMQ socket: one direction of a Pipe."""

    closed = False

    def __init__(self, pipe: Pipe, kind: bytes) -> None:
        self._pipe = pipe
        self._kind = kind

    def send_multipart(self, frames: Sequence[Any], *_: Any, **__: Any) -> None:
        """Send one message."""
        self._pipe.send(self._kind, [getattr(frame, "bytes", frame) for frame in frames])

    def flush(self, *_: Any, **__: Any) -> None:
        """Nothing is ever held back."""


class Frame:
    """A received frame as Session reads it: the part of `zmq.Frame` it uses."""

    __slots__ = ("bytes",)

    def __init__(self, data: bytes) -> None:
        self.bytes = data

    @property
    def buffer(self) -> memoryview:
        """The bytes without a copy."""
        return memoryview(self.bytes)

    def __len__(self) -> int:
        return len(self.bytes)
