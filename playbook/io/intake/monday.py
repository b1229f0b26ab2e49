"""monday.com's board export (XLSX): one item or sub-item a row.

A finished item becomes an event under its name, by the first person on it, begun on the day the board says; before it
comes "Task created" where the board has a column for that. The case is the item's id, for a sub-item its item's: the
steps of one piece of work then follow each other. The workflow is the board. An item that is still open
gives its creation or nothing. Boards name their columns freely: which column holds what stands in the intake rules,
which an engagement can edit. All other columns, and the sheet `updates` with its comments, are never kept.

The sheet is no table. A title stands above it, a group's name stands alone in a row, each group repeats the header,
the sub-items of an item follow it under a header of their own with other columns in other places, and a row of
sums has no name. The file is read row by row, by the header that holds at that place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playbook.io.intake._export import Export, split_list
from playbook.io.intake._format import Claim, Options
from playbook.io.intake._record import Bad, Record
from playbook.io.intake._rules import Rules, plain
from playbook.io.intake._sheet import Sheet, is_blank, text_of
from playbook.io.intake._source import Source
from playbook.io.intake._tickets import DROPPED, created, finished, in_order
from playbook.tables import EVENTS

NAME, ID, SUBITEMS, UPDATES = "Name", "Item ID (auto generated)", "Subitems", "updates"
TOLD = ("Person", "Status", "Created", "Begun", "Finished", "Planned end")
FLAT = ("Board", NAME, "Item id", "Part of", *TOLD)


@dataclass(frozen=True)
class Monday(Export):
    """A board, made flat: every item with the board's own columns under one set of names."""

    def claims(self, source: Source, rules: Rules, mapping: Mapping[str, str]) -> list[Claim]:
        """The board in the file; a sheet of its rows that came back corrected is flat already."""
        if any(column and column not in TOLD for column in mapping.values()):
            return []
        columns = _columns(rules, mapping)
        found = [sheet if sheet.names(self.headers) else _flat(sheet, columns) for sheet in source.sheets]
        return [self.match(sheet, rules, {}) for sheet in found if sheet is not None]

    def rows_of(self, record: Record, options: Options) -> Iterator[dict[str, Any]]:
        """The item's creation and, once it is finished, the work done or that it was given up."""
        parent, name = record.get("Part of"), record.needed(NAME)
        told = {"case": parent or record.identity("Item id"), "workflow": record.get("Board")}
        asked, done = record.moment("Created", options), record.moment("Finished", options)
        status, people = record.get("Status"), split_list(record.get("Person") or "")
        given_up = options.rules.says_dropped(status)
        if done is None and (given_up or options.rules.says_done(status)):
            done = record.moment("Planned end", options)
            if done is None and not given_up:
                raise Bad("Finished", f"nothing, and the status {status!r}", "the day a finished item was finished")
            record.assume("of finished items are dated by their planned end, as the board says no other")
        in_order(asked, done, "Finished", earlier="the item's creation")
        yield from created(told, None if parent else asked)
        if done is not None:
            begun = record.moment("Begun", options)
            yield from finished(told, DROPPED if given_up else name, done, by=next(iter(people), None), begun=begun)


@dataclass
class _Board:
    """A board while it is read row by row: which header holds here, and under which item."""

    columns: Mapping[str, Sequence[str]]
    title: str
    items: Sequence[str] = ()
    subitems: Sequence[str] = ()
    item: str | None = None

    def row(self, cells: list[Any]) -> list[Any] | None:
        """The row's item under the flat header, or None for what only gives the sheet its form."""
        first = "" if is_blank(cells[0]) else text_of(cells[0])
        names = ["" if is_blank(cell) else plain(text_of(cell)) for cell in cells]
        if plain(first) == plain(SUBITEMS) and plain(NAME) in names[1:]:
            self.subitems = names
            return None
        if plain(ID) in names and plain(NAME) in names:
            self.items, self.subitems = names, ()
            return None
        flat = self._under(self.subitems, cells)
        if self.subitems and not first and (not is_blank(flat[1]) or _has_id(flat)):
            flat[FLAT.index("Part of")] = self.item
            return flat
        flat = self._under(self.items, cells)
        # an item without a name is one all the same, told by its id: it is read to be refused
        if self.items and (any(names[1:]) if first else _has_id(flat)):
            self.subitems = ()
            self.item = None if is_blank(flat[2]) else text_of(flat[2])
            return flat
        return None

    def _under(self, header: Sequence[str], cells: list[Any]) -> list[Any]:
        def first_of(names: Sequence[str]) -> Any:
            places = [place for name in names for place, said in enumerate(header) if said == plain(name)]
            return next((cells[at] for at in places if at < len(cells) and not is_blank(cells[at])), None)

        return [self.title, first_of([NAME]), first_of([ID]), None, *(first_of(self.columns[name]) for name in TOLD)]


def _has_id(flat: list[Any]) -> bool:
    """Whether the row has an id, as monday.com numbers every item; a row of sums has none."""
    return not is_blank(flat[2]) and text_of(flat[2]).isdecimal()


def _columns(rules: Rules, mapping: Mapping[str, str]) -> dict[str, list[str]]:
    """For each fact of an item the board's columns that may hold it, what was said for this file first."""
    known: Mapping[str, Sequence[str]] = {str(name): names for name, names in rules.board_columns.items()}
    return {
        name: [*(header for header, fact in mapping.items() if fact == name), *known.get(name, ())] for name in TOLD
    }


def _flat(sheet: Sheet, columns: Mapping[str, Sequence[str]]) -> Sheet | None:
    if plain(sheet.name) == UPDATES or sheet.headed((NAME, ID)) is None:
        return None

    def rows() -> Iterator[tuple[int, list[Any]]]:
        board = _Board(columns, next((name for name in sheet.header if name), ""))
        board.row(list(sheet.header))
        for number, cells in sheet.rows():
            flat = board.row(cells)
            if flat is not None:
                yield number, flat

    return Sheet(sheet.name, FLAT, "", rows)


FORMATS = (
    Monday(
        "monday",
        "monday.com board export",
        EVENTS,
        headers=("Board", NAME, "Item id", "Part of", "Status"),
        persons=("Person",),
        keeps=TOLD,
        texts=("Board", NAME, "Item id", "Part of"),
    ),
)
