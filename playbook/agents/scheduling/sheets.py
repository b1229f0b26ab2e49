"""Reads a CSV file of the agent's inputs: header, rows with their line numbers, cells as numbers and moments."""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from playbook.errors import Fault, IntakeError, TableError

DELIMITERS = (",", ";", "\t")
UTC = dt.UTC
TIME_WANTED = "a date and time such as 2026-11-22T09:30:00-05:00"


class BadCellError(ValueError):
    """A cell that can't be read; the text says what was wanted."""


@dataclass(frozen=True)
class Sheet:
    """The rows of a file: `rows` pairs the line each begins on with its cells by header."""

    file: str
    header: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...]

    def need(self, *columns: str) -> None:
        """Raise TableError naming each column the file lacks."""
        wanted = "a column of that name; the file has " + ", ".join(self.header)
        faults = [Fault(None, name, "missing", wanted) for name in columns if name not in self.header]
        if faults:
            raise TableError(self.file, faults)


def read(data: bytes, file: str) -> Sheet:
    """Open a CSV file in UTF-8, split at comma, semicolon or tab, whichever the header has most of.

    Raises IntakeError when the bytes are no such text or hold no header, or when two columns have one name.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise IntakeError(f"{file}: byte {error.start} is not UTF-8 text; save it as 'CSV UTF-8'") from None
    if not text.strip() or "\x00" in text:
        raise IntakeError(f"{file}: found no text; wanted a CSV file whose first row names the columns")
    first = text.lstrip().split("\n", 1)[0]
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=max(DELIMITERS, key=first.count), strict=True)
    rows: list[tuple[int, list[str]]] = []
    begun = 1
    try:
        for row in lines:
            if any(cell.strip() for cell in row):
                rows.append((begun, [cell.strip() for cell in row]))
            begun = lines.line_num + 1
    except csv.Error as error:
        raise IntakeError(
            f"{file}: line {lines.line_num} can't be split into cells ({error}); export it again"
        ) from None
    header = tuple(rows[0][1])
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise IntakeError(f"{file}: the column {twice[0]} is there twice; wanted each name once")
    return Sheet(file, header, tuple((line, _record(header, cells)) for line, cells in rows[1:]))


def _record(header: tuple[str, ...], cells: list[str]) -> dict[str, str]:
    # spreadsheets put an apostrophe before text that looks like a formula
    shown = [cell[1:] if cell[:2] in ("'=", "'+", "'-", "'@") else cell for cell in cells]
    return dict(zip(header, shown + [""] * (len(header) - len(shown)), strict=False))


@dataclass
class Reader:
    """Reads the cells of one row and notes what was wrong with each; `zone` is for times that carry none."""

    line: int
    cells: Mapping[str, str]
    zone: ZoneInfo | None = None
    faults: list[Fault] = field(default_factory=list)

    def text(self, column: str | None) -> str:
        """The cell's text; empty when there is no such column or cell."""
        return "" if column is None else self.cells.get(column, "")

    def needed(self, column: str, wanted: str) -> str:
        """The cell's text, a fault when it is empty."""
        found = self.text(column)
        if not found:
            self.wrong(column, wanted)
        return found

    def whole(self, column: str, low: int, wanted: str) -> int:
        """A whole number from `low`; 1,234 and 12.0 are read too. A fault gives `low`."""
        text = self.text(column).replace(",", "").replace("\u202f", "").replace("\u00a0", "")
        number = _number(text)
        if number is None or number != int(number) or not low <= number <= 10**12:
            self.wrong(column, wanted)
            return low
        return int(number)

    def amount(self, column: str, otherwise: float, wanted: str) -> float:
        """A number above 0 and up to 100, `otherwise` for an empty cell."""
        text = self.text(column)
        number = otherwise if not text else _number(text)
        if number is None or not 0 < number <= 100:
            self.wrong(column, wanted)
            return otherwise
        return number

    def moment(self, column: str, *, needed: bool) -> dt.datetime | None:
        """A moment in UTC; None for an empty cell that may be, or with a fault."""
        text = self.text(column)
        if not text and not needed:
            return None
        try:
            return moment(text, self.zone)
        except BadCellError as bad:
            self.wrong(column, str(bad))
            return None

    def wrong(self, column: str, wanted: str) -> None:
        """Note a fault of this row."""
        found = self.text(column)
        self.faults.append(Fault(self.line, column, repr(found[:100]) if found else "nothing", wanted))


def readers(sheet: Sheet, zone: str | None) -> Iterator[Reader]:
    """A reader for each row."""
    info = ZoneInfo(zone) if zone else None
    for line, cells in sheet.rows:
        yield Reader(line, cells, info)


def moment(text: str, zone: ZoneInfo | None) -> dt.datetime:
    """The moment in UTC that a text names (ISO 8601), in `zone` where the text carries no offset.

    An hour that comes twice when clocks go back is taken the first time: its weekday and hour are the same, and those
    are all that is learned. Raises BadCellError when it is no time, when it has no zone, and for an hour that clocks skip.
    """
    try:
        read_as = dt.datetime.fromisoformat(text)
    except ValueError:
        raise BadCellError(TIME_WANTED) from None
    if read_as.tzinfo is not None:
        return read_as.astimezone(UTC)
    if zone is None:
        raise BadCellError(f"{TIME_WANTED}, with its offset, or a zone in the settings")
    if not exists(read_as, zone):
        raise BadCellError(f"a time that exists in {zone.key}; clocks go forward over this one")
    return read_as.replace(tzinfo=zone).astimezone(UTC)


def exists(local: dt.datetime, zone: ZoneInfo) -> bool:
    """Whether clocks in the zone show this local time; the hour they skip in spring does not exist."""
    return local.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) == local


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
