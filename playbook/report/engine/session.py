"""Jupyter's message maker for two processes that trust each other: the same messages with less work for each.

Nothing is signed, the protocol's version is the same at both ends, and the answers to one request share its header;
so a header is packed once a request and a date is read by the standard library. Messages look on the wire as
Jupyter's own session writes them.
"""

# mypy: allow-untyped-calls
from __future__ import annotations

import datetime as dt
import json
import os
from typing import TYPE_CHECKING, Any

from dateutil.tz import tzutc
from jupyter_client.jsonutil import extract_dates, json_default
from jupyter_client.session import DELIM, Session, extract_header, json_packer
from traitlets.log import get_logger

if TYPE_CHECKING:
    from collections.abc import Sequence

USER = "username"
"""Who sends, in message headers, as in every Jupyter client that was not told."""

PARTS = 5
"""Frames of a message before its buffers: signature, header, parent header, metadata, content."""

_EMPTY = b"{}"
_UTC = tzutc()
_encode = json.JSONEncoder(default=json_default, ensure_ascii=False, allow_nan=False).encode
_decode = json.JSONDecoder().decode


class PrivateSession(Session):
    """A session on a private pair of sockets; it never signs and never adapts to another version."""

    def __init__(self, **options: Any) -> None:
        super().__init__(key=b"private", username=USER, **options)
        self.auth = None
        self._parent: tuple[Any, bytes] = (None, _EMPTY)

    def serialize(self, msg: dict[str, Any], ident: list[bytes] | bytes | None = None) -> list[bytes]:
        """The frames of a message, as Session makes them without a signature."""
        content = msg.get("content", _EMPTY)
        idents = ident if isinstance(ident, list) else [] if ident is None else [ident]
        return [
            *idents,
            DELIM,
            b"",
            _packed(msg["header"]),
            self._packed_parent(msg["parent_header"]),
            _packed(msg["metadata"]) if msg["metadata"] else _EMPTY,
            content if isinstance(content, bytes) else _packed(content),
        ]

    def send(  # noqa: PLR0913, PLR0917 - Session's own signature
        self,
        stream: Any,
        msg_or_type: dict[str, Any] | str,
        content: dict[str, Any] | None = None,
        parent: dict[str, Any] | None = None,
        ident: bytes | list[bytes] | None = None,
        buffers: list[Any] | None = None,
        track: bool = False,  # noqa: ARG002, FBT001, FBT002
        header: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> dict[str, Any] | None:
        """Build a message and send it; returns it as Session does, None in a process forked since. Raises ValueError for a scattered buffer."""
        if self.check_pid and os.getpid() != self.pid:
            get_logger().warning("WARNING: attempted to send message from fork\n%s", msg_or_type)
            return None
        if isinstance(msg_or_type, dict):
            msg = msg_or_type
            buffers = buffers or msg.get("buffers", [])
        else:
            msg = self.msg(msg_or_type, content, parent, header, metadata)
        frames = self.serialize(msg, ident)
        for number, buffer in enumerate(buffers or ()):
            if not memoryview(buffer).contiguous:
                raise ValueError(f"Buffer {number} ({buffer!r}) is not contiguous")
            frames.append(buffer)
        if stream:
            stream.send_multipart(frames)
        return msg

    def msg(
        self,
        msg_type: str,
        content: dict[str, Any] | None = None,
        parent: dict[str, Any] | None = None,
        header: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """A message as nested dictionaries, as Session makes it."""
        header = self.msg_header(msg_type) if header is None else header
        return {
            "header": header,
            "msg_id": header["msg_id"],
            "msg_type": header["msg_type"],
            "parent_header": {} if parent is None else extract_header(parent),
            "content": {} if content is None else content,
            "metadata": {**self.metadata, **(metadata or {})},
        }

    def deserialize(self, msg_list: Sequence[Any], content: bool = True, copy: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002, ARG002
        """A message from its frames, signature first. Raises TypeError when there are too few."""
        if len(msg_list) < PARTS:
            raise TypeError(f"malformed message, must have at least {PARTS} elements")
        parts = [frame if isinstance(frame, bytes) else frame.bytes for frame in msg_list[:PARTS]]
        header = _header(parts[1])
        return {
            "header": header,
            "msg_id": header["msg_id"],
            "msg_type": header["msg_type"],
            "parent_header": _header(parts[2]),
            "metadata": _unpacked(parts[3]),
            "content": _unpacked(parts[4]) if content else parts[4],
            "buffers": [memoryview(getattr(frame, "bytes", frame)) for frame in msg_list[PARTS:]],
        }

    def _packed_parent(self, header: dict[str, Any]) -> bytes:
        """A parent header as bytes; the same one comes with every answer to a request."""
        if not header:
            return _EMPTY
        if self._parent[0] is not header:
            self._parent = header, _packed(header)
        return self._parent[1]


def _packed(value: Any) -> bytes:
    try:
        return _encode(value).encode("utf8", errors="surrogateescape")
    except (TypeError, ValueError):
        return json_packer(value)  # what is not JSON is mended and warned about as Jupyter does


def _unpacked(data: bytes) -> Any:
    return {} if data == _EMPTY else _decode(data.decode("utf8", "replace"))


def _header(data: bytes) -> dict[str, Any]:
    """A header with its date as a moment, as Jupyter reads it."""
    header: dict[str, Any] = _unpacked(data)
    date = header.get("date")
    if date is None:
        return header
    try:
        moment = dt.datetime.fromisoformat(date)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is not dt.UTC:
        return dict(extract_dates(header))
    header["date"] = moment.replace(tzinfo=_UTC)
    return header
