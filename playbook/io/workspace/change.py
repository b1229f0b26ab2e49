"""One change to a workspace: every put and removal inside it is kept together or not at all."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from playbook.errors import ConflictError, WorkspaceError
from playbook.io.workspace import history
from playbook.io.workspace.cells import Cells, kinds_of, rows_of
from playbook.io.workspace.checks import checked, keep_facts, key_frame, refuse_orphans, revisions_of
from playbook.io.workspace.rows import Stored, declared, kept_names, keys_of, read_rows, stored_rows
from playbook.io.workspace.schema import REVISION, TABLES
from playbook.tables import TEAMS, Table

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping

    import pandas as pd


class Counts(NamedTuple):
    """What a put did: rows `inserted`, `updated` and `unchanged` (stored already, left as they were)."""

    inserted: int
    updated: int
    unchanged: int


class Change:
    """The open transaction of `Workspace.change`; it is of use only inside that `with` block.

    `number` counts the workspace's changes. A row carries the number of the change that last wrote it as its
    `revision`, so no number is used twice, not even by a row that was removed and came back.
    """

    def __init__(self, connection: sa.Connection, *, by: str, note: str, at: dt.datetime) -> None:
        self.number = history.next_change(connection)
        self._connection = connection
        self._stamp = history.Stamp(self.number, at, by, note or None)
        self._half = False
        self._teams_removed = False

    def read(self, table: str, team: str | None = None, *, revisions: bool = False) -> pd.DataFrame:
        """The rows of a table as this change leaves them, like `Workspace.read`; `team` is a team id."""
        return read_rows(self._connection, declared(table), team, revisions=revisions)

    def put(self, table: str, frame: pd.DataFrame) -> Counts:
        """Insert the frame's rows, or update those whose key is stored already, and say how many of each.

        A `revision` column (from `read(..., revisions=True)`; empty for a new row) makes the put refuse rows that
        others changed since: ConflictError with both values, nothing written. Without it the last writer wins. Rows
        equal to what is stored are left alone and write no history. In an append-only table a stored key stays as
        it is, and history keeps one row a put and team. Raises TableError naming every bad cell, such as a team the
        workspace does not have.
        """
        kept = declared(table)
        revisions = revisions_of(kept, frame)
        typed = checked(self._connection, kept, frame.drop(columns=[REVISION], errors="ignore"))
        every = rows_of(typed, kinds_of(kept))
        rows = dict(zip(keys_of(kept, every), every, strict=True))
        stored = stored_rows(self._connection, kept, typed)
        if revisions is not None and not kept.append_only:
            self._refuse_late(kept, rows, dict(zip(rows, revisions, strict=True)), stored)
        new = {key: row for key, row in rows.items() if key not in stored}
        old = {} if kept.append_only else {key: row for key, row in rows.items() if key in stored}
        changed = {key: row for key, row in old.items() if row != stored[key].cells}
        with self._whole():
            self._insert(kept, new)
            self._update(kept, changed, stored)
        return Counts(len(new), len(changed), len(rows) - len(new) - len(changed))

    def remove(self, table: str, keys: pd.DataFrame) -> int:
        """Delete the rows with these keys and say how many there were; a key that is not stored is passed over.

        `keys` holds the table's key columns; other columns are not looked at, except `revision`, which makes the
        removal refuse rows changed since they were read (ConflictError). A team that still has rows stays
        (WorkspaceError when the change ends), and so do the settings a workspace is opened by.
        """
        kept = declared(table)
        wanted = key_frame(kept, keys)
        every = rows_of(wanted, kinds_of(kept, kept.key))
        stored = stored_rows(self._connection, kept, wanted)
        found = {key: stored[key] for key in every if key in stored}
        keep_facts(kept, found)
        revisions = revisions_of(kept, keys)
        if revisions is not None:
            self._refuse_late(kept, dict.fromkeys(every), dict(zip(every, revisions, strict=True)), stored)
        self._teams_removed |= kept is TEAMS and bool(found)
        with self._whole():
            self._delete(kept, found)
        return len(found)

    def finish(self) -> None:
        """Refuse the change as a whole when a part of it failed, or when a removed team still has rows."""
        if self._half:
            raise WorkspaceError("a part of this change failed, so nothing of it was kept; make the change again")
        if self._teams_removed:
            refuse_orphans(self._connection)

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Note a write that stopped half way, so that a caller who catches its error cannot keep the half."""
        try:
            yield
        except BaseException:
            self._half = True
            raise

    def _refuse_late(
        self,
        table: Table,
        rows: Mapping[Cells, Cells | None],
        revisions: Mapping[Cells, int | None],
        stored: Mapping[Cells, Stored],
    ) -> None:
        late = []
        for key, row in rows.items():
            now = stored.get(key)
            if (now.revision if now else None) == revisions[key]:
                continue
            if now is not None and now.cells == row:
                continue  # whoever wrote the very same values took nothing away
            late.append(_conflict(table, key, row, now, history.last_writer(self._connection, table, key)))
        if late:
            raise ConflictError(table.name, late)

    def _insert(self, table: Table, rows: Mapping[Cells, Cells]) -> None:
        if not rows:
            return
        names = (*table.columns, REVISION)
        records = [dict(zip(names, (*row, self.number), strict=True)) for row in rows.values()]
        self._connection.execute(sa.insert(TABLES[table.name]), records)
        if table.append_only:
            entries = list(self._stamp.summaries("append", table, names[:-1], list(rows.values())))
        else:
            entries = [self._stamp.row("insert", table, key, None, row) for key, row in rows.items()]
        history.keep(self._connection, entries)

    def _update(self, table: Table, rows: Mapping[Cells, Cells], stored: Mapping[Cells, Stored]) -> None:
        if not rows:
            return
        made = TABLES[table.name]
        values: dict[str, Any] = {name: sa.bindparam(f"to_{name}") for name in table.columns if name not in table.key}
        where = [made.c[name] == sa.bindparam(f"to_{name}") for name in table.key]
        query = sa.update(made).where(*where).values({**values, REVISION: self.number})
        names = [f"to_{name}" for name in table.columns]
        self._connection.execute(query, [dict(zip(names, row, strict=True)) for row in rows.values()])
        entries = [self._stamp.row("update", table, key, stored[key].cells, row) for key, row in rows.items()]
        history.keep(self._connection, entries)

    def _delete(self, table: Table, found: Mapping[Cells, Stored]) -> None:
        if not found:
            return
        made = TABLES[table.name]
        query = sa.delete(made).where(*(made.c[name] == sa.bindparam(f"at_{name}") for name in table.key))
        names = [f"at_{name}" for name in table.key]
        self._connection.execute(query, [dict(zip(names, key, strict=True)) for key in found])
        if table.append_only:
            rows = [now.cells for now in found.values()]
            entries = list(self._stamp.summaries("delete", table, kept_names(table), rows))
        else:
            entries = [self._stamp.row("delete", table, key, now.cells, None) for key, now in found.items()]
        history.keep(self._connection, entries)


def _conflict(table: Table, key: Cells, row: Cells | None, now: Stored | None, last: str) -> str:
    """One conflict in words: which row, what was to be written, what is stored and by whom."""
    who = ", ".join(f"{name} {cell}" for name, cell in zip(table.key, key, strict=True))
    if now is None:
        return f"{who}: removed{last}"
    if row is None:
        return f"{who}: changed{last}"
    cells = zip(table.columns, row, now.cells, strict=True)
    differing = [
        f"{name} yours {_said(mine)}, stored {_said(theirs)}" for name, mine, theirs in cells if mine != theirs
    ]
    return f"{who}: {'; '.join(differing)} (changed{last})"


def _said(cell: object) -> str:
    return "nothing" if cell is None else repr(cell) if isinstance(cell, str) else str(cell)
