"""What every file format shares: recognising its header, the options of a reading, and what a reading hands over."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.errors import Fault, IntakeError
from playbook.io.intake._cells import Clock, is_iso, is_numbered
from playbook.io.intake._how import How
from playbook.io.intake._rules import ORIGIN, Rules, plain
from playbook.io.intake._sheet import SHEET_LIMIT, Sheet, Spoilt
from playbook.io.intake._source import Source
from playbook.io.pseudonyms import Pseudonyms, measured_only
from playbook.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet

# words in place of a column's name where the whole row is at fault
WHOLE_ROW = "(row)"


@dataclass(frozen=True)
class Options:
    """How a file is to be read, the same for every format.

    `team` is the id its rows belong to and `import_id` the import they come by; `mapping` gives for a header of the
    file the column it means, before any synonym (an empty column: leave it out). `known` is how the file was read that
    corrected rows come from; nothing is known of a file that comes for the first time.
    """

    team: str
    import_id: str
    rules: Rules
    pseudonyms: Pseudonyms
    mapping: Mapping[str, str] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    known: How = field(default_factory=How)


@dataclass(frozen=True)
class Reading:
    """What was read from a file, before the workspace is asked what it already holds.

    `good` are typed rows of the format's table with the file's row numbers as index, `given` says which of their
    cells the file filled, `faults` name every bad cell, `records` hold each bad row's known columns with persons
    pseudonymised, `notes` are assumptions a reader should hear of. Every row read is good or has a fault. `how` is what
    the whole file settled, such as its decimal mark (None: nothing beside what was said).
    """

    rows_read: int
    good: pd.DataFrame
    given: pd.DataFrame
    faults: tuple[Fault, ...]
    records: Mapping[int, Mapping[str, Any]]
    notes: tuple[str, ...] = ()
    how: How | None = None


@dataclass(frozen=True)
class Claim:
    """A format that can read one sheet of a file: which position holds which column, and what it does not know."""

    format: Format
    sheet: Sheet
    places: Mapping[str, int]
    unknown: tuple[str, ...]

    @property
    def shape(self) -> str:
        """The claim in words for a message: `tasks (sheet Plan)`."""
        return f"{self.format.name} (sheet {self.sheet.name})" if self.sheet.name else self.format.name


@dataclass(frozen=True)
class Format:
    """A kind of file the kit reads into one table; a variant overrides only what differs.

    `name` is what people write after --as, `title` what the file is called in a sentence, `limit` the bytes it may
    hold, `needs` the columns without which a file is not one.
    """

    name: str
    title: str
    table: Table
    needs: tuple[str, ...]
    limit: int = SHEET_LIMIT

    @property
    def weight(self) -> int:
        """How surely a header tells this format; the kit's own columns are everyday words, so any tool's weigh more."""
        return 0

    @property
    def by_hand(self) -> bool:
        """Whether people fill such files in, so that an empty one makes sense."""
        return True

    def wants(self) -> tuple[str, ...]:
        """The columns a file may bring; the team is said by whoever imports it."""
        return tuple(name for name in self.table.columns if name != "team")

    def accepts(self) -> tuple[str, ...]:
        """The columns looked for in a header: those a file may bring and the team, which must then agree."""
        return (*self.wants(), "team")

    def mappable(self) -> tuple[str, ...]:
        """The columns a mapping may name, as they are told when it names another."""
        return self.wants()

    def knows(self, column: str) -> bool:
        """Whether a mapping may name this column."""
        return plain(column) in {plain(name) for name in self.mappable()}

    def claims(self, source: Source, rules: Rules, mapping: Mapping[str, str]) -> list[Claim]:
        """The sheets of the file this format can read: those whose header names every column it needs."""
        found = [self.match(sheet, rules, mapping) for sheet in source.sheets]
        return [claim for claim in found if all(name in claim.places for name in self.needs)]

    def match(self, sheet: Sheet, rules: Rules, mapping: Mapping[str, str]) -> Claim:
        """Which position of the sheet's header holds which column, by mapping, name and synonym."""
        said = {plain(header): column for header, column in mapping.items()}
        headers = [plain(header) for header in sheet.header]
        places: dict[str, int] = {}
        left_out = {plain(header) for header, column in said.items() if not column}
        for header, column in said.items():
            if column in self.wants() and header in headers:
                places[column] = headers.index(header)
        taken = set(said)
        for column in self.accepts():
            if column in places:
                continue
            names = [name for name in rules.names_of(self.table.name, column) if name in headers and name not in taken]
            if names:
                places[column] = headers.index(names[0])
                taken.add(names[0])
        known = set(places.values())
        unknown = tuple(
            header
            for place, header in enumerate(sheet.header)
            if place not in known and header and plain(header) not in left_out and not rules.is_set_aside(header)
        )
        return Claim(self, sheet, places, unknown)

    def read(self, claim: Claim, source: Source, options: Options) -> Reading:
        """Read the claimed sheet. Raises IntakeError when the file as a whole cannot be used."""
        raise NotImplementedError

    def is_text(self, name: str) -> bool:  # noqa: ARG002 - for formats that tell their cells apart
        """Whether the cells under a header are words; of any other cell that is refused no unknown word is kept."""
        return True

    def near(self, header: str) -> str:
        """A column the header may have meant, in words, or nothing."""
        close = difflib.get_close_matches(plain(header).replace(" ", "_"), self.wants(), n=1)
        return f" (did you mean {close[0]}?)" if close else ""


def refuse_repeated_headers(source: Source, sheet: Sheet) -> None:
    """Raise IntakeError when two columns of the sheet carry the same header."""
    seen: dict[str, int] = {}
    for place, header in enumerate(sheet.header, start=1):
        if header and (first := seen.setdefault(plain(header), place)) != place:
            raise IntakeError(
                f"{source.path}: the header {header!r} stands in columns {first} and {place}; rename or delete one"
            )


def rows_of_whole_days(source: Source, claim: Claim) -> Iterator[tuple[int, list[Any]]]:
    """The rows of the sheet; behind the last one IntakeError for a workbook whose days were understood in part.

    A spreadsheet program that opens 03/09/2026 and 14/09/2026 in the other order makes a day of the first, 9 March,
    and leaves the second a text. What a person corrected in a sheet of refused rows is what they mean.
    """
    sheet, is_workbook = claim.sheet, bool(claim.sheet.name and not claim.sheet.delimiter)
    watched = claim.places if is_workbook and not sheet.names((ORIGIN,)) else {}
    understood: dict[str, tuple[int, str]] = {}
    left: dict[str, tuple[int, str]] = {}
    for row, cells in sheet.rows():
        for name, place in watched.items():
            cell = cells[place] if place < len(cells) else None
            if isinstance(cell, str) and (is_iso(cell) or is_numbered(cell)):
                (understood if is_iso(cell) else left).setdefault(name, (row, cell.strip()))
        yield row, cells
    for name in understood.keys() & left.keys():
        (row, day), (other, text) = understood[name], left[name]
        raise IntakeError(
            f"{source.path}: in column {name}, row {row} holds the day {day} and row {other} the text {text}; a spreadsheet "
            "program that understood only some of the days may have swapped day and month in those. Import the file as "
            "the tool wrote it, or write every day as YYYY-MM-DD"
        )


def not_as_wide(number: int, row: Sequence[Any], width: int, *, delimited: bool = True) -> Fault | None:
    """The fault of a row with more or fewer cells than the header, or None; the rows of a workbook are not `delimited`."""
    if len(row) == width or (len(row) > width and not any(str(cell or "").strip() for cell in row[width:])):
        return None
    cause = (
        "a text that holds the delimiter needs quotation marks" if delimited else "empty what stands beside the table"
    )
    wanted = f"{width} cells, as in the header ({cause})"
    return Fault(number, WHOLE_ROW, f"{len(row)} cells", wanted)


def kept_text(cell: Any, pseudonyms: Pseudonyms) -> Any:
    """A cell as a reject may keep it: numbers as they are, text without addresses and names that were met."""
    if cell is None or isinstance(cell, bool | int | float):
        return cell
    text = cell.found if isinstance(cell, Spoilt) else str(cell)
    clean = text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")
    return pseudonyms.scrub(clean, single_words=True)


def without_names(reading: Reading, claim: Claim, pseudonyms: Pseudonyms) -> Reading:
    """The reading, the file's own headers free of names as well: in faults, in refused rows and in what is told."""
    known = {plain(name) for name in (*claim.format.accepts(), WHOLE_ROW)}

    def clean(header: str) -> str:
        return header if plain(header) in known else pseudonyms.scrub(header)

    records = {row: {clean(name): cell for name, cell in cells.items()} for row, cells in reading.records.items()}
    faults = tuple(replace(fault, column=clean(fault.column)) for fault in reading.faults)
    return replace(reading, faults=faults, records=records, notes=tuple(map(pseudonyms.scrub, reading.notes)))


def kept_measure(cell: str, known: AbstractSet[str]) -> str:
    """A cell that is no place for words as a reject may keep it: one that is a known word as it is, else its known words."""
    return cell if plain(cell) in known else measured_only(cell, known)
