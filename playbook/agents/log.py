"""An agent's run log: one JSON line an event, each sealed to the one before, its length and head anchored in the workspace.

A line's seal is an HMAC with the workspace's own secret, so nobody who only reaches the file can change, add or take
away a line unseen. The line is written before its anchor: lines past the anchor that are sealed rightly are what a
crash left in between, and are kept.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from playbook.agents.records import Records, Writer, utc_now
from playbook.agents.tools import canonical
from playbook.errors import PlaybookError

if TYPE_CHECKING:
    from pathlib import Path

ORIGIN = "0" * 64
ANCHORS = "log_anchors"


class LogError(PlaybookError):
    """A run log that is not what was written; `faults` says where, and no agent runs on it."""

    def __init__(self, playbook_id: str, faults: tuple[str, ...]) -> None:
        self.playbook_id = playbook_id
        self.faults = faults
        super().__init__(
            f"the run log of {playbook_id} is not what was written: {'; '.join(faults)}; find out who changed it, "
            "then let the agent run again: `playbook pilot log PILOT --set-aside REASON --by ROLE`"
        )


class Lines(Protocol):
    """Where the lines of a log are."""

    def size(self) -> int:
        """Bytes there are."""

    def text(self) -> bytes:
        """Everything there is."""

    def add(self, line: bytes) -> None:
        """Put a line at the end, kept even if the power fails."""

    def cut(self, size: int) -> None:
        """Keep the first `size` bytes."""


@dataclass
class MemoryLines:
    """Lines in memory, for simulations."""

    kept: bytes = b""

    def size(self) -> int:
        """Bytes there are."""
        return len(self.kept)

    def text(self) -> bytes:
        """Everything there is."""
        return self.kept

    def add(self, line: bytes) -> None:
        """Put a line at the end."""
        self.kept += line

    def cut(self, size: int) -> None:
        """Keep the first `size` bytes."""
        self.kept = self.kept[:size]


@dataclass
class FileLines:
    """Lines in a file."""

    path: Path

    def size(self) -> int:
        """Bytes there are."""
        return self.path.stat().st_size if self.path.exists() else 0

    def text(self) -> bytes:
        """Everything there is."""
        return self.path.read_bytes() if self.path.exists() else b""

    def add(self, line: bytes) -> None:
        """Put a line at the end, kept even if the power fails."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def cut(self, size: int) -> None:
        """Keep the first `size` bytes."""
        with self.path.open("r+b") as file:
            file.truncate(size)


@dataclass(frozen=True)
class Check:
    """What a log holds: `entries`, the `head` (seal of the last), how many were `recovered` past the anchor, `faults`.

    `whole` is the bytes of its complete lines; a torn last line past the anchor is no fault and is cut off.
    """

    entries: int
    head: str
    recovered: int
    faults: tuple[str, ...]
    whole: int


@dataclass
class Log:
    """The log of one agent playbook; make it with `open_log`."""

    records: Records
    playbook_id: str
    lines: Lines
    now: Callable[[], dt.datetime] = utc_now
    _seen: Check | None = field(default=None, repr=False)

    def append(self, change: Writer, **event: Any) -> None:
        """Write one event and anchor it in the open change. Raises LogError when the log is not what was written."""
        if self._seen is None or self._seen.whole != self.lines.size():
            self._seen = self._sound(change)
        at = self.now()
        entry = {"seq": self._seen.entries + 1, "at": at.isoformat(), "prev": self._seen.head} | event
        seal = self._seal(entry)
        line = canonical(entry | {"hash": seal}).encode() + b"\n"
        self.lines.add(line)
        self._seen = Check(self._seen.entries + 1, seal, 0, (), self._seen.whole + len(line))
        anchor = {"playbook_id": self.playbook_id, "entries": self._seen.entries, "head": seal, "at": at}
        change.put(ANCHORS, [anchor])

    def verify(self) -> Check:
        """Look at every line and at the anchor; a change, an insertion or a truncation is a fault with its place."""
        return self._check(self.records.rows(ANCHORS))

    def insist(self) -> Check:
        """Verify, and raise LogError when the log is not what was written."""
        check = self.verify()
        if check.faults:
            raise LogError(self.playbook_id, check.faults)
        return check

    def entries(self) -> list[dict[str, Any]]:
        """Every event, oldest first. Raises LogError when the log is not what was written."""
        check = self.insist()
        return [json.loads(line) for line in self.lines.text()[: check.whole].splitlines()]

    def set_aside(self, reason: str, by_role: str) -> str:
        """Begin the log anew after a person has looked at its faults; the old bytes' hash is its first event.

        Returns that hash; copy the file first if it should be kept.
        """
        old = hashlib.sha256(self.lines.text()).hexdigest()
        with self.records.change(f"log of {self.playbook_id} set aside: {reason}"[:1000]) as change:
            self.lines.cut(0)
            self._seen = Check(0, ORIGIN, 0, (), 0)
            self.append(change, event="set aside", reason=reason, by_role=by_role, before=old)
        return old

    def _sound(self, change: Writer) -> Check:
        check = self._check(change.rows(ANCHORS))
        if check.faults:
            raise LogError(self.playbook_id, check.faults)
        if self.lines.size() > check.whole:
            self.lines.cut(check.whole)
        return check

    def _check(self, anchors: list[dict[str, Any]]) -> Check:
        anchor = next((row for row in anchors if row["playbook_id"] == self.playbook_id), None)
        entries, head = (anchor["entries"], anchor["head"]) if anchor else (0, ORIGIN)
        whole, newline, _torn = self.lines.text().rpartition(b"\n")
        lines = whole.split(b"\n") if newline else []
        seals, fault = self._walk(lines)
        faults = [fault] if fault else []
        if len(lines) < entries:
            faults.append(f"it has {len(lines)} entries, and {entries} were written")
        elif not fault and entries and seals[entries - 1] != head:
            faults.append(f"entry {entries} is not the one that was written")
        last = seals[-1] if seals else ORIGIN
        return Check(len(lines), last, len(lines) - entries, tuple(faults), len(whole) + len(newline))

    def _walk(self, lines: list[bytes]) -> tuple[list[str], str]:
        """The seals of the lines up to the first that is wrong, and what is wrong with it."""
        seals: list[str] = []
        for number, line in enumerate(lines, start=1):
            try:
                entry = json.loads(line)
                seal = entry.pop("hash")
                right = (
                    hmac.compare_digest(str(seal), self._seal(entry))
                    and canonical(entry | {"hash": seal}) == line.decode()
                )
                follows = (entry["seq"], entry["prev"]) == (number, seals[-1] if seals else ORIGIN)
            except (ValueError, KeyError, TypeError, AttributeError):
                right = follows = False
            if not (right and follows):
                return seals, f"entry {number} {'does not follow the one before it' if right else 'was changed'}"
            seals.append(seal)
        return seals, ""

    def _seal(self, entry: dict[str, Any]) -> str:
        text = canonical({"playbook_id": self.playbook_id} | {"entry": entry})
        return hmac.new(b"agent log " + self.records.key, text.encode(), hashlib.sha256).hexdigest()


def open_log(records: Records, folder: Path, playbook_id: str, now: Callable[[], dt.datetime] = utc_now) -> Log:
    """The log of an agent playbook, `agents/<playbook_id>/log.jsonl` in the engagement folder."""
    return Log(records, playbook_id, FileLines(folder / "agents" / playbook_id / "log.jsonl"), now)
