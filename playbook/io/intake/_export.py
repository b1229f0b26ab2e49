"""What every tool's export shares: known headers, persons met first, several rows of a table out of one record.

A reader names its headers and overrides `rows_of`; what it does not name is never kept. Everything a reader gives is
cleaned of persons and checked here, and a record with anything wrong in it is refused as a whole.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.errors import Fault, IntakeError
from playbook.io.intake._format import (
    WHOLE_ROW,
    Claim,
    Format,
    Options,
    Reading,
    kept_measure,
    kept_text,
    not_as_wide,
    rows_of_whole_days,
)
from playbook.io.intake._record import Bad, Record, places_of, sound
from playbook.io.intake._rules import Rules, plain
from playbook.io.intake._sheet import Sheet, Spoilt, is_blank, text_of
from playbook.io.intake._source import Source
from playbook.io.pseudonyms import found_only
from playbook.tables import EVENTS, Table, sift

if TYPE_CHECKING:
    pass

CHUNK = 20_000
# long titles are cut here, as only their words count; a case or campaign cut short could become another one
MAY_BE_CUT = ("activity", "workflow")
ADDED = ("team", "import_id", "row", "part", "resource")
UNUSABLE = "a row as wide as the header; its cells may have moved between columns, so export the file again"


@dataclass(frozen=True)
class Export(Format):
    """An export of one tool into one table.

    `headers` must all be there for a file to be this export, `persons` are headers whose cells are people, `keeps` are
    other headers read where they are there (one ending in * stands for all that begin so), `drops` are those of
    `headers` that only tell the tool and whose cells are never kept. `texts` are those of the kept headers whose cells
    are words (titles, projects, ids); of any other cell no unknown word is kept, as it is no place for one. A reader overrides `rows_of`, and where the tool
    needs it `sheet_in` (rows that are no records) and `sheets_from` (files that are no table).
    """

    needs: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    persons: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()
    drops: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """What a file must have is its headers, said in the words every format uses."""
        object.__setattr__(self, "needs", self.headers)

    @property
    def weight(self) -> int:
        """How many headers tell the tool: of two exports that fit, the one that asks for more is meant."""
        return len(self.headers)

    @property
    def by_hand(self) -> bool:
        """A tool writes these files, so there is no empty sheet to fill in."""
        return False

    def wants(self) -> tuple[str, ...]:
        """The headers of the export that are looked at."""
        named = (*self.headers, *self.persons, *(name for name in self.keeps if not name.endswith("*")))
        return tuple({plain(name): name for name in reversed(named)}.values())[::-1]

    def accepts(self) -> tuple[str, ...]:
        """The same headers: a tool's file says no team of ours."""
        return self.wants()

    def is_kept(self, header: str) -> bool:
        """Whether the cells under this header may be kept at all."""
        name = plain(header)
        begins = tuple(plain(kept[:-1]) for kept in self.keeps if kept.endswith("*"))
        known = {plain(kept) for kept in self.wants()} - {plain(dropped) for dropped in self.drops}
        return name in known or (bool(begins) and name.startswith(begins))

    def sheets_from(self, source: Source) -> tuple[Sheet, ...]:
        """The tables of the file; a reader of JSON, XML or calendars makes one of what the file holds."""
        return source.sheets

    def sheet_in(self, sheet: Sheet) -> Sheet | None:
        """The export's own table in a sheet, below a preamble where there is one; None when it is not there."""
        return sheet.headed(self.headers)

    def rows_of(self, record: Record, options: Options) -> Iterator[dict[str, Any]]:
        """Rows of the table for one record, without team, import, row and part; none for a total or a spacer.

        Times are aware datetimes or what the table takes; `resource` is the person as written. Raises Bad.
        """
        raise NotImplementedError

    def sums_up(self, cells: Sequence[Any], sheet: Sheet) -> bool:  # noqa: ARG002 - for tools that write totals
        """Whether a row only sums others up; such rows are passed over and counted."""
        return False

    def width_fault(self, number: int, cells: Sequence[Any], sheet: Sheet) -> str | None:
        """What is wrong with a row's number of cells, in words; None where it has as many as the header."""
        if not_as_wide(number, cells, len(sheet.header)) is None:
            return None
        return f"{len(cells)} cells, the header has {len(sheet.header)}"

    def is_text(self, header: str) -> bool:
        """Whether the cells under this header are words."""
        return plain(header) in {plain(name) for name in self.texts}

    def words(self, rules: Rules) -> AbstractSet[str]:
        """What may be kept of a cell that is no text."""
        return rules.known_words

    def people_in(self, cell: str) -> list[str]:
        """The people a cell of a person column names: all of it, and each part where it lists several."""
        return list(dict.fromkeys(name for name in (cell, *split_list(cell)) if name))

    def claims(self, source: Source, rules: Rules, mapping: Mapping[str, str]) -> list[Claim]:
        """The sheets that have this export's headers, after what the mapping renames; first as the file was split."""
        if any(column and not self.knows(column) for column in mapping.values()):
            return []
        for sheets in (self.sheets_from(source), source.split_otherwise()):
            found = [self.sheet_in(_renamed(sheet, mapping)) for sheet in sheets]
            claims = [self.match(sheet, rules, {}) for sheet in found if sheet is not None]
            if claims:
                return claims
        return []

    def match(self, sheet: Sheet, rules: Rules, mapping: Mapping[str, str]) -> Claim:
        """Where the known headers stand, the first of each; the others are never kept."""
        at = places_of(_renamed(sheet, mapping).header)
        places = {name: at[plain(name)][0] for name in self.wants() if plain(name) in at}
        passed = [name for name in sheet.header if name and not self.is_kept(name) and not rules.is_set_aside(name)]
        return Claim(self, sheet, places, tuple(dict.fromkeys(passed)))

    def read(self, claim: Claim, source: Source, options: Options) -> Reading:
        """Read every record into rows of the table; one with any fault is refused whole, with its kept cells."""
        sheet = claim.sheet
        # names are met before any text is kept: a title may hold a name that only a later row shows as a person
        options.pseudonyms.meet(self._people(sheet))
        taken = _Taken(self, options)
        for number, cells in rows_of_whole_days(source, claim):
            taken.take(number, cells, sheet)
        taken.check()
        if not taken.read:
            raise IntakeError(
                f"{source.path}: the {self.title} has a header and no record that tells of work; export it again"
            )
        good = pd.concat(taken.good) if taken.good else self.table.empty()
        notes = tuple(taken.notes(claim))
        return Reading(taken.read, good, good.notna(), tuple(taken.faults), taken.records, notes)

    def _people(self, sheet: Sheet) -> Iterator[str]:
        at = places_of(sheet.header)
        places = [place for header in self.persons for place in at.get(plain(header), ())]
        cells = (row[place] for _, row in sheet.rows() for place in places if place < len(row))
        for person in {text_of(cell) for cell in cells if not is_blank(cell) and not isinstance(cell, Spoilt)}:
            yield from chain.from_iterable(map(_spellings, self.people_in(sound(person))))


class _Taken:
    """One export while it is read: the rows waiting for their check, and what the checked ones add up to."""

    def __init__(self, kind: Export, options: Options) -> None:
        self.kind, self.options = kind, options
        self.read = self.passed_over = 0
        self.tally: Counter[str] = Counter()
        self.good: list[pd.DataFrame] = []
        self.faults: list[Fault] = []
        self.records: dict[int, Mapping[str, Any]] = {}
        self._named: set[tuple[object, str]] = set()
        self._cleaned: dict[tuple[str, str], str] = {}
        self._waiting: list[tuple[int, dict[str, Any]]] = []
        self._cells: dict[int, tuple[Sequence[Any], Sheet]] = {}

    def take(self, number: int, cells: Sequence[Any], sheet: Sheet) -> None:
        """Turn one record into rows, or into a fault; one that tells nothing only counts as passed over."""
        if self.kind.sums_up(cells, sheet):
            self.passed_over += 1
            return
        if (wide := self.kind.width_fault(number, cells, sheet)) is not None:
            # its cells may have moved, so a free text could stand in any column: nothing of it is kept
            self._refuse(Fault(number, WHOLE_ROW, wide, UNUSABLE))
            self.records[number] = {}
            self.read += 1
            return
        self._cells[number] = cells, sheet
        try:
            rows = list(self.kind.rows_of(Record(number, cells, sheet, self.tally), self.options))
        except Bad as bad:
            found = self._clean_found(bad)
            self._refuse(Fault(number, bad.column, found, bad.wanted))
            self.records[number] = self._kept(number)
            self.read += 1
            return
        self.read += bool(rows)
        self.passed_over += not rows
        self._waiting += [(number, self._whole(number, part, row)) for part, row in enumerate(rows, start=1)]
        if len(self._waiting) >= CHUNK:
            self.check()

    def check(self) -> None:
        """Check what waits against the table; a record is as good as the worst of its rows."""
        table, waiting = self.kind.table, self._waiting
        self._waiting = []
        if waiting:
            labels = [number for number, _ in waiting]
            frame = pd.DataFrame([row for _, row in waiting], columns=list(table.columns), index=labels, dtype=object)
            good, faults = sift(table, frame)
            bad = {int(str(fault.row)) for fault in faults}
            for fault in faults:
                column = table.columns.get(fault.column)
                is_text = column is not None and column.kind is str and not column.choices
                self._refuse(replace(fault, found=self._without_words(fault.found, is_text=is_text)))
            # what a conflict with the workspace leaves over goes back out as the file had it
            kept = bad if table is EVENTS else set(labels)
            self.records.update({number: self._kept(number) for number in sorted(kept)})
            sound = good[~good.index.isin(bad)]
            self.good += [sound] if len(sound) else []
        self._cells.clear()

    def notes(self, claim: Claim) -> Iterator[str]:
        """What was assumed, passed over and not kept."""
        if self.passed_over:
            many = self.passed_over > 1
            rows, were = (f"{self.passed_over} rows tell", "were") if many else ("1 row tells", "was")
            yield f"{rows} of no work (totals, spacers and the like) and {were} passed over"
        for words, count in self.tally.items():
            yield f"{count} {'row' if count == 1 else 'rows'} {words}"
        if claim.unknown:
            yield "not kept: " + ", ".join(header[:60] for header in claim.unknown)

    def _refuse(self, fault: Fault) -> None:
        if (fault.row, fault.column) not in self._named:
            self._named.add((fault.row, fault.column))
            self.faults.append(fault)

    def _clean_found(self, bad: Bad) -> str:
        is_person = plain(bad.column) in {plain(header) for header in self.kind.persons}
        if is_person:
            return self.options.pseudonyms.of(bad.found.strip("'\""))
        return self._without_words(sound(bad.found), is_text=self.kind.is_text(bad.column))

    def _without_words(self, found: str, *, is_text: bool) -> str:
        known = self.options.pseudonyms.scrub(found, single_words=True)
        return known if is_text else found_only(known, self.kind.words(self.options.rules))

    def _whole(self, number: int, part: int, row: dict[str, Any]) -> dict[str, Any]:
        """The row with where it comes from, its person as a pseudonym and its texts without persons."""
        table, clean = self.kind.table, self.options.pseudonyms
        whole = {"team": self.options.team, "import_id": self.options.import_id, "row": number, "part": part}
        done = {name: value for name, value in whole.items() if name in table.columns}
        for name, value in row.items():
            if isinstance(value, str) and name not in ADDED:
                if (name, value) not in self._cleaned:
                    self._cleaned[name, value] = _fitting(table, name, clean.scrub(sound(value).strip()))
                done[name] = self._cleaned[name, value]
            else:
                done[name] = value
        if not is_blank(row.get("resource")):
            done["resource"] = clean.person(sound(str(row["resource"])))
        return done

    def _kept(self, number: int) -> dict[str, Any]:
        """The record's kept cells by header, persons as pseudonyms; repeated headers joined by a semicolon."""
        cells, sheet = self._cells[number]
        clean, record = self.options.pseudonyms, dict[str, Any]()
        people, words = {plain(header) for header in self.kind.persons}, self.kind.words(self.options.rules)
        for header, cell in zip(sheet.header, cells, strict=False):
            if not header or not self.kind.is_kept(header) or is_blank(cell):
                continue
            if plain(header) in people:
                text = cell.found if isinstance(cell, Spoilt) else text_of(cell)
                value: Any = ", ".join(clean.of(name) for name in split_list(sound(text)) or [sound(text)])
            else:
                value = kept_text(cell, clean)
                if isinstance(value, str) and not self.kind.is_text(header):
                    value = kept_measure(value, words)
            record[header] = f"{record[header]}; {value}" if header in record else value
        return record


def split_list(cell: str) -> list[str]:
    """The parts of a cell that lists several: `a, b`, `a; b` or `[a, b]`; none when it holds only marks."""
    inner = cell.strip().removeprefix("[").removesuffix("]")
    return [part.strip(" \"'") for part in re.split(r"[,;|\n]", inner) if part.strip(" \"'")]


def _spellings(person: str) -> Iterator[str]:
    """A person as written, and an address's own name in words: anna.berg@example.com is Anna Berg in a title."""
    yield person
    local, at, _ = person.partition("@")
    words = re.sub(r"[._+-]+", " ", local).strip()
    if at and " " in words:
        yield words


def _renamed(sheet: Sheet, mapping: Mapping[str, str]) -> Sheet:
    said = {plain(header): column for header, column in mapping.items()}
    return replace(sheet, header=tuple(said.get(plain(name), name) for name in sheet.header)) if said else sheet


def _fitting(table: Table, name: str, text: str) -> str:
    most = table.columns[name].max_length if name in table.columns else None
    return text if most is None or len(text) <= most or name not in MAY_BE_CUT else text[: most - 1] + "…"
