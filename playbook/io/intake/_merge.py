"""Compares three versions of a row: as it was exported, as it came back in a file, as the workspace has it now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.errors import Fault
from playbook.io.intake._exported import as_shown, key_of, same
from playbook.io.intake._rules import AT_EXPORT
from playbook.io.intake._settle import Settled, plain_value
from playbook.io.intake._summary import Conflict

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from playbook.io.intake._exported import Shown
    from playbook.io.intake._format import Reading
    from playbook.io.pseudonyms import Pseudonyms
    from playbook.tables import Table

SHOWN_CELL, SHOWN_KEYS = 120, 5
NO_ROW, REMOVED = "no such row", "nothing, as the row was removed"

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Before:
    """What a sheet is compared with: the rows at its export, those only offered to be filled, and those stored now."""

    exported: Mapping[Key, Shown]
    offered: frozenset[Key]
    stored: Mapping[Key, Mapping[Hashable, Any]]


@dataclass(frozen=True)
class Merged:
    """Where each row of a sheet goes, the cells changed on both sides, and what else a reader should hear of."""

    settled: Settled
    conflicts: tuple[Conflict, ...]
    notes: tuple[str, ...]


@dataclass
class Merge:
    """One sheet on its way back: what was changed in the file only is stored, what was changed on both sides is shown.

    A row is refused as a whole where one of its cells was changed on both sides, unless `update` lets the file win.
    Cells the file left as they were exported never touch the workspace. A row that was not exported is new; in it,
    as in any sheet, an empty cell says nothing.
    """

    table: Table
    sheet: str
    columns: Sequence[str]
    before: Before
    pseudonyms: Pseudonyms
    update: bool
    store: list[tuple[int, dict[Hashable, Any]]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    records: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    updated: int = 0
    duplicates: int = 0
    gone: list[Key] = field(default_factory=list)

    def run(self, reading: Reading) -> Merged:
        """Compare every good row, and trim what is kept of the others to what the file changed."""
        given = reading.given.to_numpy()
        names = [str(name) for name in reading.given.columns]
        rows = zip(reading.good.index, reading.good.to_dict(orient="records"), given, strict=True)
        seen = set()
        for label, row, filled in rows:
            mine = {name: plain_value(row[name]) for name in self.table.columns if name != "team"}
            seen.add(key_of(self.table, mine))
            said = [name for name, is_filled in zip(names, filled, strict=True) if is_filled and name != "team"]
            self._take(int(str(label)), row, mine, said)
        for number, record in reading.records.items():
            key = self._raw_key(record)
            seen.add(key)
            self.records[number] = self._trimmed(record, key)
        frame = pd.DataFrame([row for _, row in self.store], columns=list(self.table.columns))
        settled = Settled(frame, len(self.store), self.duplicates, self.updated, tuple(self.faults), self.records)
        return Merged(settled, tuple(self.conflicts), tuple(self._notes(seen)))

    def _take(self, number: int, row: dict[Hashable, Any], mine: Shown, said: Sequence[str]) -> None:
        key = key_of(self.table, mine)
        base, stored = self.before.exported.get(key), self.before.stored.get(key)
        now = None if stored is None else as_shown(self.table, stored, self.pseudonyms)
        changed = said if base is None else [name for name in self.columns if not same(mine[name], base.get(name))]
        if base is not None and now is None and key in self.before.offered:
            now = base
        fresh = [name for name in changed if now is None or not same(mine[name], now[name])]
        clash = self._clash(fresh, base, now)
        if base is not None and not fresh:
            self.duplicates += 1
            self.gone += [key] if now is None else []
        elif clash and not self.update:
            self._refuse(number, key, clash, self._values(mine, base, now))
            self.records[number] = self._trimmed({name: mine[name] for name in changed} | self._keys(mine), key)
        elif stored is None:
            self._show(number, key, clash, self._values(mine, base, now))
            self.store.append((number, row))
        elif fresh:
            self._show(number, key, clash, self._values(mine, base, now))
            self.store.append((number, {**stored, **{name: row[name] for name in fresh}}))
            self.updated += 1
        else:
            self.duplicates += 1

    def _clash(self, fresh: Sequence[str], base: Shown | None, now: Shown | None) -> list[str]:
        """The cells of the file that would replace what the workspace says differently since the export."""
        if base is None:
            return [] if now is None else list(fresh)
        return [name for name in fresh if now is None or not same(now[name], base.get(name))]

    def _values(self, mine: Shown, base: Shown | None, now: Shown | None) -> dict[str, tuple[str, str, str]]:
        """Each column's three values in words: at the export, in the file, in the workspace now."""
        return {
            name: (
                NO_ROW if base is None else _said(base.get(name)),
                _said(mine[name]),
                REMOVED if now is None else _said(now[name]),
            )
            for name in mine
        }

    def _refuse(self, number: int, key: Key, clash: Sequence[str], values: Mapping[str, tuple[str, str, str]]) -> None:
        for name in clash:
            was, is_here, there = values[name]
            found = f"{is_here} in the file, {was} at the export"
            wanted = f"{there}, as the workspace has it now, or import with update to store the file's value"
            self.faults.append(Fault(number, name, found, wanted))
        self._show(number, key, clash, values, won=False)

    def _show(
        self,
        number: int,
        key: Key,
        clash: Sequence[str],
        values: Mapping[str, tuple[str, str, str]],
        *,
        won: bool = True,
    ) -> None:
        which = " / ".join(str(part) for part in key)
        self.conflicts += [Conflict(self.sheet, number, which, name, *values[name], file_won=won) for name in clash]

    def _keys(self, mine: Shown) -> Shown:
        return {name: mine[name] for name in self.table.key if name != "team"}

    def _raw_key(self, record: Mapping[str, Any]) -> Key:
        """The key of a row that could not be read, whose cells are still as they stand in the file."""
        kinds = {name: self.table.columns[name].kind for name in self.table.key if name != "team"}
        return tuple(
            str(plain_value(cell)) if kind is str and (cell := record.get(name)) is not None else record.get(name)
            for name, kind in kinds.items()
        )

    def _trimmed(self, record: Mapping[str, Any], key: Key) -> dict[str, Any]:
        """What is kept of a refused row: its key, what the file changed, and the workspace's own needed cells.

        A row that comes back corrected then says nothing about cells the file never touched, so that it cannot
        carry their old values over what others wrote meanwhile. What its changed cells said at the export is remembered:
        where the workspace still says so, the corrected row may change it.
        """
        base, stored = self.before.exported.get(key), self.before.stored.get(key)
        if base is None or (stored is None and key in self.before.offered):
            return dict(record)
        now = base if stored is None else as_shown(self.table, stored, self.pseudonyms)
        must = [name for name, column in self.table.columns.items() if column.required and name != "team"]
        kept = {name: now[name] for name in must}
        changed = {name: cell for name, cell in record.items() if name not in base or not same(cell, base[name])}
        return kept | changed | {AT_EXPORT: {name: base[name] for name in changed if name in base}}

    def _notes(self, seen: set[Any]) -> Iterator[str]:
        exported, stored = self.before.exported, self.before.stored
        left = [key for key in exported if key not in seen and key in stored]
        if left:
            rows = "1 row is" if len(left) == 1 else f"{len(left)} rows are"
            yield f"{rows} no longer in the sheet {self.sheet} and stay in the workspace as they are: {_names(left)}"
        if self.gone:
            rows = "1 row" if len(self.gone) == 1 else f"{len(self.gone)} rows"
            yield (
                f"{rows} of the sheet {self.sheet}, left as exported, removed from the workspace since, stay removed: "
                f"{_names(self.gone)}"
            )


def _names(keys: Sequence[Key]) -> str:
    named = [" / ".join(str(part) for part in key) for key in keys[:SHOWN_KEYS]]
    return ", ".join(named) + (f" and {len(keys) - SHOWN_KEYS} more" if len(keys) > SHOWN_KEYS else "")


def _said(value: Any) -> str:
    if value is None:
        return "nothing"
    text = repr(value) if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= SHOWN_CELL else text[: SHOWN_CELL - 1] + "…"
