"""What a form stores: one edit a transaction, never over a value somebody else wrote meanwhile, each to be undone.

An edit names the cells it changes and what stood in them when the person looked. Where others changed the same row since,
cells only they changed stay theirs; where both changed one cell, nothing is written and ConflictError holds both values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.errors import ConflictError, ParameterError
from playbook.tables import STORED
from playbook.widgets._form_cells import Cells, Texts, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from playbook.io.workspace import Change, Workspace
    from playbook.tables import Table

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Edit:
    """One row as a person leaves it.

    `cells` are the new values by column, `seen` the texts that stood there before, `revision` the row's when it was
    read (None: there was none), `key` the row's key without its team (None: a row the person adds). `stamped` columns
    are set whatever stood there. `made` gives, from the table as it is now and the new cells, the keys a person is not
    asked for.
    """

    table: str
    key: Key | None
    cells: Cells
    seen: Texts = field(default_factory=dict)
    revision: int | None = None
    stamped: Cells = field(default_factory=dict)
    made: Mapping[str, Callable[[pd.DataFrame, Cells], str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Done:
    """What an undo takes back: in words, and each row it touched as it was before (None: it was not there)."""

    words: str
    before: tuple[tuple[str, Key, Cells | None], ...]


class Ledger:
    """Writes one team's edits through `workspace.change` and remembers those of this session to take them back."""

    def __init__(self, workspace: Workspace, team: str, note: str) -> None:
        self._workspace = workspace
        self._team = team
        self._note = note
        self._done: list[tuple[Done, str]] = []
        self._mine: dict[tuple[str, Key], int | None] = {}

    @property
    def undoable(self) -> str:
        """The last edit of this session in words; empty when none is left to take back."""
        return self._done[-1][0].words if self._done else ""

    def rows(self, table: str) -> pd.DataFrame:
        """The team's rows of a table, with their revisions."""
        return self._workspace.read(table, self._team, revisions=True)

    def put(self, edit: Edit, *, by: str, words: str) -> Key:
        """Store one edit and return the row's key.

        Raises ConflictError with both values when somebody else changed a cell of this edit, or removed the row, since
        it was read; WorkspaceError when the workspace does not answer. Then nothing was stored.
        """
        table = STORED[edit.table]
        with self._workspace.change(by=by, note=self._note) as change:
            now = change.read(edit.table, self._team, revisions=True)
            added = {name: make(now, edit.cells) for name, make in edit.made.items() if edit.key is None}
            key = edit.key or tuple(({**edit.cells, **added})[name] for name in own_key(table))
            old = _find(table, now, key)
            if old is None and edit.revision is not None:
                change.remove(
                    edit.table, self._keys(table, [key], [edit.revision])
                )  # refused: it was removed, and by whom
            row = self._merged(table, edit, key, old) | added
            new_key = tuple(row[name] for name in own_key(table))
            moved = edit.key is not None and new_key != key
            before: list[tuple[str, Key, Cells | None]] = [(edit.table, key, _plain(table, old))]
            if moved:
                change.remove(edit.table, self._keys(table, [key], [edit.revision]))
                before.append((edit.table, new_key, None))
            revision = None if moved else self._may_write(table, edit, old)
            wrote = not change.put(edit.table, _frame(table, [row], [revision])).unchanged
        if wrote:
            self._remember(words, before, by, change.number, gone=[key] if moved else [])
        return new_key

    def put_many(
        self, table: str, rows: Sequence[tuple[Cells, Cells | None, int | None]], *, by: str, words: str
    ) -> int:
        """Store whole rows, each with what it replaces and that row's revision; all or none. Returns how many."""
        kept = STORED[table]
        with self._workspace.change(by=by, note=self._note) as change:
            change.put(table, _frame(kept, [row for row, _, _ in rows], [revision for _, _, revision in rows]))
        keys = [tuple(row[name] for name in own_key(kept)) for row, _, _ in rows]
        self._remember(
            words, [(table, key, old) for key, (_, old, _) in zip(keys, rows, strict=True)], by, change.number, gone=[]
        )
        return len(rows)

    def remove(self, table: str, key: Key, revision: int | None, *, by: str, words: str) -> None:
        """Take one row away. Raises ConflictError when it was changed or removed since it was read."""
        kept = STORED[table]
        with self._workspace.change(by=by, note=self._note) as change:
            old = _find(kept, change.read(table, self._team, revisions=True), key)
            change.remove(table, self._keys(kept, [key], [revision]))
        self._remember(words, [(table, key, _plain(kept, old))], by, change.number, gone=[key])

    def undo(self) -> str:
        """Take back this session's last edit and return it in words; history keeps both.

        Raises ParameterError when there is none, ConflictError (and forgets the edit) when somebody else changed one of
        its rows since, WorkspaceError when the workspace does not answer.
        """
        if not self._done:
            raise ParameterError("nothing of this session is left to undo")
        done, by = self._done[-1]
        try:
            with self._workspace.change(by=by, note=f"{self._note}: undone") as change:
                for table, key, before in reversed(done.before):
                    self._put_back(change, table, key, before)
        except ConflictError:
            self._done.pop()
            raise
        for table, key, before in done.before:
            self._mine[table, key] = change.number if before is not None else None
        self._done.pop()
        return done.words

    def _put_back(self, change: Change, table: str, key: Key, before: Cells | None) -> None:
        kept, mine = STORED[table], self._mine[table, key]
        if before is not None:
            change.put(table, _frame(kept, [before], [mine]))
        elif mine is not None:
            change.remove(table, self._keys(kept, [key], [mine]))

    def _remember(
        self, words: str, before: Sequence[tuple[str, Key, Cells | None]], by: str, number: int, *, gone: Sequence[Key]
    ) -> None:
        self._done.append((Done(words, tuple(before)), by))
        for table, key, _ in before:
            self._mine[table, key] = None if key in gone else number

    def _merged(self, table: Table, edit: Edit, key: Key, old: Mapping[Any, Any] | None) -> Cells:
        """The row as stored now (or an empty one) with the edit's cells on it."""
        base = {name: column.default for name, column in table.columns.items()}
        base |= dict(zip(own_key(table), key, strict=True)) if old is None else (_plain(table, old) or {})
        # an emptied cell takes the column's default, as in a sheet
        typed = {name: table.columns[name].default if value is None else value for name, value in edit.cells.items()}
        return {**base, **typed, **edit.stamped, "team": self._team}

    def _may_write(self, table: Table, edit: Edit, old: Mapping[Any, Any] | None) -> int | None:
        """The revision to write under: the stored one where no cell of the edit was changed by others since."""
        if old is None or old["revision"] == edit.revision:
            return edit.revision
        columns = table.columns
        for name, value in edit.cells.items():
            now = text_of(columns[name], old[name])
            if now not in (edit.seen.get(name, ""), text_of(columns[name], value)):
                return edit.revision  # the workspace refuses it, with both values and who wrote the other
        return int(old["revision"])

    def _keys(self, table: Table, keys: Sequence[Key], revisions: Sequence[int | None]) -> pd.DataFrame:
        frame = pd.DataFrame([dict(zip(own_key(table), key, strict=True)) for key in keys])
        return frame.assign(team=self._team, revision=pd.array(list(revisions), dtype="Int64"))


def own_key(table: Table) -> tuple[str, ...]:
    """The columns that tell the rows of one team apart."""
    return tuple(name for name in table.key if name != "team")


def find(table: Table, rows: pd.DataFrame, key: Key) -> Mapping[Any, Any] | None:
    """The row with that key among the team's rows, None when there is none."""
    return _find(table, rows, key)


def _find(table: Table, rows: pd.DataFrame, key: Key) -> Mapping[Any, Any] | None:
    same = pd.Series(data=True, index=rows.index)
    for name, value in zip(own_key(table), key, strict=True):
        same &= rows[name] == value
    found = rows[same.fillna(value=False).astype(bool)]
    return None if found.empty else found.iloc[0].to_dict()


def _plain(table: Table, row: Mapping[Any, Any] | None) -> Cells | None:
    return None if row is None else {name: None if pd.isna(row[name]) else row[name] for name in table.columns}


def _frame(table: Table, rows: Sequence[Cells], revisions: Sequence[int | None]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=list(table.columns), dtype=object)
    return frame.assign(revision=pd.array(list(revisions), dtype="Int64"))
