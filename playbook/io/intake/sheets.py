"""Sheets people fill in for the kit's own tables: one reader, driven by the data dictionary."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from playbook.errors import Fault, IntakeError
from playbook.io.intake._cells import WANTED_DAY, day, has_decimal_comma, instants, number
from playbook.io.intake._format import (
    Claim,
    Format,
    Options,
    Reading,
    kept_measure,
    kept_text,
    not_as_wide,
    refuse_repeated_headers,
)
from playbook.io.intake._how import How
from playbook.io.intake._rules import Rules, plain
from playbook.io.intake._sheet import Spoilt, is_blank
from playbook.io.intake._source import Source
from playbook.io.pseudonyms import found_only
from playbook.tables import STORED, Column, Table, sift

# whole numbers a spreadsheet, a database and a float all hold exactly
LARGEST_WHOLE = 2**53
TICKS = frozenset(("on", "off"))  # ways to write yes and no that no number is written with


@dataclass(frozen=True)
class SheetFormat(Format):
    """A sheet whose columns are those of one table; a variant may finish a row before it is checked."""

    def finish(self, row: dict[str, Any], options: Options) -> dict[str, Any]:  # noqa: ARG002 - for variants
        """Complete a row of cells by column name; as it is, unless a variant knows better."""
        return row

    def is_text(self, name: str) -> bool:
        """Whether the cells of a column are words; of any other cell that is refused no unknown word is kept."""
        column = self.table.columns.get(name)
        return column is None or (column.kind is str and not column.choices)

    def words_of(self, name: str, rules: Rules) -> AbstractSet[str]:
        """What may be kept of a refused cell that is no text: what days and numbers are written with, and its choices."""
        column = self.table.columns.get(name)
        choices = () if column is None else column.choices
        return rules.known_words.union(*(_words(str(choice)) for choice in choices), TICKS)

    def read(self, claim: Claim, source: Source, options: Options) -> Reading:
        """Read every row, keep the good ones typed and say what is wrong with each of the others."""
        self._refuse_unknown(claim, source)
        number_of, faults, moved = dict[int, dict[str, Any]](), list[Fault](), set[int]()
        for row_number, cells in claim.sheet.rows():
            width_fault = not_as_wide(row_number, cells, len(claim.sheet.header), delimited=bool(claim.sheet.delimiter))
            number_of[row_number] = {name: _cell(cells, place) for name, place in claim.places.items()}
            faults += [width_fault] if width_fault else []
            if width_fault and claim.sheet.delimiter and len(cells) > len(claim.sheet.header):
                moved.add(row_number)
        if not number_of:
            raise IntakeError(f"{source.path}: the {self.title} has a header and no rows; fill it and import it again")
        people = _person_columns(self.table)
        options.pseudonyms.meet(_persons(number_of, people))

        comma = options.known.decimal == "," or (
            options.known.decimal is None
            and claim.sheet.delimiter == ";"
            and any(_shows_decimal_comma(self.table, row) for row in number_of.values())
        )
        rows: dict[int, dict[str, Any]] = {}
        for row_number, raw in number_of.items():
            row = self.finish(_without_persons(raw, people, options), options)
            rows[row_number], bad = _converted(self, row, row_number, options, comma=comma)
            faults += bad
        reading = _sifted(self, rows, number_of, faults, options)
        # a delimiter inside a text has moved the cells behind it: what stands in a column now may be of another one
        records = {number: {} if number in moved else record for number, record in reading.records.items()}
        return replace(reading, records=records, how=How.of(options.clock, decimal="," if comma else "."))

    def _refuse_unknown(self, claim: Claim, source: Source) -> None:
        refuse_repeated_headers(source, claim.sheet)
        if claim.unknown:
            named = ", ".join(f"{header!r}{self.near(header)}" for header in claim.unknown)
            raise IntakeError(
                f"{source.path}: the {self.title} knows no column {named}; its columns are {', '.join(self.wants())}. "
                "Rename the column or delete it; where the file is no workbook of the kit, --map can name what it holds"
            )


def _person_columns(table: Table) -> list[str]:
    return [name for name, column in table.columns.items() if column.person]


def _cell(cells: list[Any], place: int) -> Any:
    return cells[place] if place < len(cells) else None


def _persons(rows: dict[int, dict[str, Any]], people: list[str]) -> list[str]:
    return [str(row[name]) for row in rows.values() for name in people if not is_blank(row.get(name))]


def _without_persons(row: dict[str, Any], people: list[str], options: Options) -> dict[str, Any]:
    """The row with people's names and addresses replaced, before anything else looks at it."""
    clean: dict[str, Any] = {}
    for name, cell in row.items():
        if name in people and not is_blank(cell):
            clean[name] = options.pseudonyms.of(cell.found if isinstance(cell, Spoilt) else cell)
        elif isinstance(cell, str):
            clean[name] = options.pseudonyms.scrub(cell)
        else:
            clean[name] = cell
    return clean


def _shows_decimal_comma(table: Table, row: dict[str, Any]) -> bool:
    return any(
        isinstance(cell, str)
        and name in table.columns
        and table.columns[name].kind is float
        and has_decimal_comma(cell)
        for name, cell in row.items()
    )


def _converted(
    kind: SheetFormat, row: dict[str, Any], row_number: int, options: Options, *, comma: bool
) -> tuple[dict[str, Any], list[Fault]]:
    """Each cell as its column's kind where it can be read so; a fault for each that cannot."""
    done: dict[str, Any] = {"team": options.team}
    faults = []
    for name, cell in row.items():
        value = _team(cell, options) if name == "team" else _value(kind.table.columns[name], cell, options, comma=comma)
        if isinstance(value, Spoilt):
            faults.append(Fault(row_number, name, _kept_found(kind, name, value.found, options), value.wanted))
        elif value is not None:
            done[name] = value
    return done, faults


def _team(cell: Any, options: Options) -> Any:
    if is_blank(cell) or str(cell).strip().casefold() == options.team.casefold():
        return None
    return Spoilt(repr(str(cell)), f"nothing or {options.team}: import each team's rows under its own name")


def _value(column: Column, cell: Any, options: Options, *, comma: bool) -> Any:
    """The cell as the column's kind; Spoilt when it cannot be read so, None when it is empty."""
    if isinstance(cell, Spoilt) or is_blank(cell):
        return cell if isinstance(cell, Spoilt) else None
    if column.kind is dt.date:
        return day(str(cell), dayfirst=options.clock.dayfirst) or Spoilt(
            repr(cell), f"{WANTED_DAY}, in a column of its own"
        )
    if column.kind is dt.datetime:
        read = instants(pd.Series([str(cell)]), options.clock)
        return read.moments[0] if not read.wanted else Spoilt(repr(cell), read.wanted[0])
    if column.kind in (int, float):
        return _number(column, cell, comma=comma)
    if column.kind is str and isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell


def _number(column: Column, cell: Any, *, comma: bool) -> Any:
    value = number(cell, comma_is_decimal=comma) if isinstance(cell, str) else cell
    if value is None or isinstance(value, bool) or not math.isfinite(value):
        return Spoilt(repr(cell), column.wanted)
    if column.kind is int:
        whole = abs(value) <= LARGEST_WHOLE and float(value).is_integer()
        return int(value) if whole else Spoilt(repr(cell), column.wanted)
    return float(value)


def _sifted(
    kind: SheetFormat,
    rows: dict[int, dict[str, Any]],
    raw: dict[int, dict[str, Any]],
    faults: list[Fault],
    options: Options,
) -> Reading:
    """Check the rows against the table; a row with a fault of any kind is kept as a record and nowhere else."""
    table, bad = kind.table, {fault.row for fault in faults}
    sound = {row_number: row for row_number, row in rows.items() if row_number not in bad}
    columns = [name for name in table.columns if name == "team" or any(name in row for row in raw.values())]
    derived = [name for name in table.columns if name not in columns and any(name in row for row in sound.values())]
    required = [name for name, column in table.columns.items() if column.required]
    wide = list(dict.fromkeys([*columns, *derived, *required]))
    frame = pd.DataFrame(list(sound.values()), columns=wide, index=list(sound), dtype=object)
    good, more = sift(table, frame)
    # rows already at fault are checked too, so that one correction round mends all of a row's cells
    _, also = sift(table, pd.DataFrame(list(rows.values()), columns=wide, index=list(rows), dtype=object))
    named = {(fault.row, fault.column) for fault in faults}
    key = " + ".join(table.key)
    more += [f for f in also if f.row in bad and f.column != key and (f.row, f.column) not in named]
    faults += [Fault(f.row, f.column, _kept_found(kind, f.column, f.found, options), f.wanted) for f in more]
    faults = list({(fault.row, fault.column): fault for fault in reversed(faults)}.values())[::-1]
    records = {int(str(row)): _record(kind, raw[int(str(row))], options) for row in {fault.row for fault in faults}}
    given = frame.loc[good.index, wide].notna()
    return Reading(len(raw), good, given, tuple(faults), records)


def _words(said: str) -> frozenset[str]:
    """A choice as people write it: as it stands, and in other spellings of its spaces and case."""
    return frozenset((said.casefold(), plain(said)))


def _record(kind: SheetFormat, row: dict[str, Any], options: Options) -> dict[str, Any]:
    """A refused row's cells, persons as pseudonyms; of cells that are no text only the words such cells are written with."""
    cells = {name: cell for name, cell in row.items() if name != "team" or _team(cell, options) is not None}
    kept = {name: kept_text(cell, options.pseudonyms) for name, cell in cells.items()}
    persons = {n: options.pseudonyms.of(row[n]) for n in _person_columns(kind.table) if not is_blank(row.get(n))}
    words = {name: cell for name, cell in kept.items() if isinstance(cell, str) and not kind.is_text(name)}
    known = {name: kept_measure(cell, kind.words_of(name, options.rules)) for name, cell in words.items()}
    return {**kept, **known, **persons}


def _kept_found(kind: SheetFormat, name: str, found: str, options: Options) -> str:
    """What was found in a bad cell, without persons; where no text belongs also without unknown words."""
    clean = options.pseudonyms.scrub(found, single_words=True)
    return clean if kind.is_text(name) else found_only(clean, kind.words_of(name, options.rules))


TITLES = {
    "pilots": "sheet of pilots",
    "pilot_items": "sheet of timed pilot items",
    "breakages": "sheet of what broke",
    "answers": "sheet of questionnaire answers",
    "readings": "sheet of KPI readings",
    "budget_lines": "budget sheet",
    "progress": "sheet of plan progress",
    "decisions": "decision log",
    "reviews": "log of weekly reviews",
    "role_proposals": "sheet of role proposals",
    "pod_seats": "sheet of pod seats",
    "agent_playbooks": "register of agent playbooks",
    "risk_status": "sheet of rated risks",
}
# a table whose required columns alone would fit any sheet with a date is known by a column more
ALSO = {"reviews": ("reviewer_role",)}


def _needs(table: Table) -> tuple[str, ...]:
    required = tuple(name for name, column in table.columns.items() if column.required and name != "team")
    return (*required, *ALSO.get(table.name, ()))


FORMATS = tuple(SheetFormat(name, title, STORED[name], _needs(STORED[name])) for name, title in TITLES.items())
