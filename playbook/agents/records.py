"""Where what agents do is kept: rows of the workspace's tables, or of tables in memory for tests and simulations.

Both hold plain rows (dicts of text, numbers, moments in UTC, None); what the rows mean is written once, on top.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from playbook import tables

if TYPE_CHECKING:
    from playbook.io.workspace import Change, Workspace

Cells = dict[str, Any]


class Writer(Protocol):
    """An open change: it alone may write until it ends, and everything in it is kept together or not at all."""

    def rows(self, table: str) -> list[Cells]:
        """The team's rows of a table as this change leaves them."""

    def put(self, table: str, rows: Sequence[Cells]) -> None:
        """Insert rows, or update those whose key is there; a key stays as it is in an append-only table."""


class Records(Protocol):
    """A team's records of agents at work; `key` is the secret their logs are sealed with."""

    key: bytes

    def rows(self, table: str) -> list[Cells]:
        """The team's rows of a table. Raises WorkspaceError when they cannot be read."""

    def change(self, note: str) -> AbstractContextManager[Writer]:
        """Open a change; others wait until it ends, so what is read in it stays true until then."""


@dataclass
class MemoryRecords:
    """Records in memory: the same rules as the workspace's, without a disk."""

    key: bytes = b"in memory"
    kept: dict[str, dict[tuple[Any, ...], Cells]] = field(default_factory=dict)

    def rows(self, table: str) -> list[Cells]:
        """The rows of a table, in the order they came."""
        return [dict(row) for row in self.kept.get(table, {}).values()]

    @contextmanager
    def change(self, note: str) -> Iterator[Writer]:  # noqa: ARG002 - a history is what the workspace adds
        """One change; when the block raises, the tables are as they were."""
        before = {table: dict(rows) for table, rows in self.kept.items()}
        try:
            yield self
        except BaseException:
            self.kept = before
            raise

    def put(self, table: str, rows: Sequence[Cells]) -> None:
        """Insert or update rows, each checked by its row model."""
        declared = tables.STORED[table]
        stored = self.kept.setdefault(table, {})
        for row in rows:
            cells = declared.row.model_validate({"team": "memory"} | row).model_dump()
            key = tuple(cells[name] for name in declared.key)
            if not (declared.append_only and key in stored):
                stored[key] = cells


class WorkspaceRecords:
    """Records in one team's tables of a workspace; `by` is the role that changes them."""

    def __init__(self, workspace: Workspace, team: str, *, by: str = "agent") -> None:
        self.workspace = workspace
        self.team = workspace.team(team)
        self.by = by
        self.key = workspace.pseudonym_key

    def rows(self, table: str) -> list[Cells]:
        """The team's rows of a table."""
        return _plain(self.workspace.read(table, self.team))

    @contextmanager
    def change(self, note: str) -> Iterator[Writer]:
        """One transaction of the workspace."""
        with self.workspace.change(self.by, note) as change:
            yield _WorkspaceWriter(change, self.team)


class _WorkspaceWriter:
    def __init__(self, change: Change, team: str) -> None:
        self._change, self._team = change, team

    def rows(self, table: str) -> list[Cells]:
        return _plain(self._change.read(table, self._team))

    def put(self, table: str, rows: Sequence[Cells]) -> None:
        if rows:
            frame = pd.DataFrame([{"team": self._team} | row for row in rows])
            self._change.put(table, frame)


def _plain(frame: pd.DataFrame) -> list[Cells]:
    """A typed frame as plain rows; small frames are read often, so a column is turned in one go."""
    columns = {str(name): _plain_column(frame[name]) for name in frame.columns} if len(frame) else {}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _plain_column(column: pd.Series[Any]) -> list[Any]:
    return [
        None if gone else cell.to_pydatetime() if isinstance(cell, pd.Timestamp) else cell
        for cell, gone in zip(column.tolist(), column.isna().tolist(), strict=True)
    ]


def utc_now() -> dt.datetime:
    """The moment, in UTC."""
    return dt.datetime.now(dt.UTC)


def switched_off(rows: Sequence[Cells], playbook_id: str) -> str:
    """Why an agent must not act, from the rows of AGENT_SWITCHES: its own switch or everybody's; empty when it may."""
    off = [row for row in rows if row["stopped"] and row["playbook_id"] in (playbook_id, tables.EVERY_AGENT)]
    return "; ".join(f"stopped by {row['by_role']}: {row['reason']}" for row in off)


def switch(  # noqa: PLR0913 - each names one fact of the switch
    records: Records,
    playbook_id: str,
    *,
    stopped: bool,
    reason: str,
    by_role: str,
    now: dt.datetime | None = None,
) -> None:
    """Stop an agent, or every agent of the team (`*`), before its next tool call; or let it go on."""
    row = {"playbook_id": playbook_id, "stopped": stopped, "reason": reason, "by_role": by_role, "at": now or utc_now()}
    with records.change(f"{'stop' if stopped else 'release'} {playbook_id}: {reason}"[:1000]) as change:
        change.put("agent_switches", [row])
