"""Google Analytics 4's traffic acquisition report as CSV: what each channel, source or campaign brought to the site.

Lines that begin with # stand above each table and say its period (`# Start date: 20260901`). One file may hold several
tables, one below the other; those of sessions are read, the others named in the summary. What stands before the first
measure names the row: `Session primary channel group (Default channel group)`, in whatever case. The report gives the
average engagement time, so engagement is that times the sessions, in seconds. Revenue carries no currency.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from playbook.errors import IntakeError
from playbook.io.intake._channel import END, START, ChannelReport, says_grand_total
from playbook.io.intake._periods import SPANS
from playbook.io.intake._record import Record
from playbook.io.intake._rules import plain
from playbook.io.intake._sheet import Sheet, is_blank, text_of
from playbook.tables import CHANNEL_RESULTS

if TYPE_CHECKING:
    from playbook.io.intake._format import Claim, Options, Reading
    from playbook.io.intake._source import Source

NEEDED = ("Sessions", "Engaged sessions")
CHANNEL = "Channel"
AVERAGE = "Average engagement time per session"
MEASURES = {
    "sessions": "sessions",
    "engaged sessions": "engaged_sessions",
    "event count": "events",
    "key events": "key_events",
    "conversions": "conversions",
    "total revenue": "revenue",
}
RATES = ("engagement rate", "events per session", "session key event rate", plain(AVERAGE))
DATED = (*map(plain, SPANS), plain(START), plain(END))
NUMBER = re.compile(r"[-+$€£]?\d")
PERIOD = re.compile(r"#\s*(start|end) date:\s*([0-9-]{8,10})\s*", re.IGNORECASE)
Row = tuple[int, list[Any]]


@dataclass(frozen=True)
class Stacked(Sheet):
    """The tables of one file put together as one.

    `passed` tells of those that were not, `widths` of each row that is not as wide as its own table's header.
    """

    passed: tuple[str, ...] = ()
    widths: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Part:
    """One of the tables of a file: its header, its rows, and its period as far as the lines above it say."""

    header: tuple[str, ...]
    period: tuple[str | None, str | None]
    rows: list[Row]


@dataclass(frozen=True)
class Analytics(ChannelReport):
    """The traffic acquisition report, by one dimension or several."""

    def sheet_in(self, sheet: Sheet) -> Sheet | None:
        """All tables of sessions in the file as one: the row's dimensions as one column, its period as two."""
        commented = bool(sheet.header) and sheet.header[0].startswith("#")
        if not commented and sheet.headed(NEEDED) is None:
            return None
        parts = list(_parts(sheet))
        read = [part for part in parts if _is_traffic(part.header)]
        return _stacked(sheet, read, [part for part in parts if part not in read]) if read else None

    def read(self, claim: Claim, source: Source, options: Options) -> Reading:
        """Read all tables. Raises IntakeError when the file says no period at all."""
        if not set(DATED) & {plain(header) for header in claim.sheet.header}:
            raise IntakeError(
                f"{source.path}: no line such as '# Start date: 20260901' says the report's days and there is no Date "
                "column; download the CSV from the report itself, with the lines above its table"
            )
        reading = super().read(claim, source, options)
        passed = claim.sheet.passed if isinstance(claim.sheet, Stacked) else ()
        clean = options.pseudonyms.scrub
        return replace(reading, notes=(*(clean(told, single_words=True) for told in passed), *reading.notes))

    def sums_up(self, cells: Sequence[Any], sheet: Sheet) -> bool:  # noqa: ARG002 - any header
        """Whether a row is the report's grand total."""
        return says_grand_total(cells)

    def width_fault(self, number: int, cells: Sequence[Any], sheet: Sheet) -> str | None:
        """A row's width is that of its own table's header, not of all tables put together."""
        told = sheet.widths.get(number) if isinstance(sheet, Stacked) else None
        return told or super().width_fault(number, cells, sheet)

    def values(self, record: Record) -> dict[str, tuple[float, str | None]]:
        """The measures of the row, with engagement in seconds over all its sessions."""
        found, average = super().values(record), record.get(AVERAGE)
        seconds = None if average is None else self.value(record, AVERAGE, average, "engagement_seconds")
        if seconds is not None and "sessions" in found:
            found["engagement_seconds"] = round(seconds * found["sessions"][0], 3), None
        return found


def _parts(sheet: Sheet) -> Iterator[_Part]:
    """The tables of the file: each begins below lines with #, or with a header of sessions or below an empty line."""
    period: list[str | None] = [None, None]
    part: _Part | None = None
    last = 0
    for number, row in [(1, list(sheet.header)), *sheet.rows()]:
        below_gap, last = number > last + 1, number
        texts = tuple("" if is_blank(cell) else text_of(cell) for cell in row)
        if texts[:1] and texts[0].startswith("#") and not _is_row_of(part, texts):
            if part:
                yield part
                part, period = None, [None, None]
            found = PERIOD.match(",".join(texts))
            if found:
                period[found[1].casefold() == "end"] = found[2]
        elif part is None or _is_traffic(texts) or (below_gap and _is_header(texts)):
            if part:
                yield part
            part = _Part(texts, (period[0], period[1]), [])
        else:
            part.rows.append((number, row))
    if part:
        yield part


def _is_row_of(part: _Part | None, texts: Sequence[str]) -> bool:
    """Whether a row that begins with # is data all the same: a campaign may be called #summer."""
    return part is not None and len(texts) == len(part.header) and sum(map(bool, texts)) >= 3


def _is_header(texts: Sequence[str]) -> bool:
    """Whether a row below an empty line names columns: several words, and no number where measures stand."""
    return sum(map(bool, texts)) >= 2 and not any(NUMBER.match(text) for text in texts[1:])


def _is_traffic(header: Sequence[str]) -> bool:
    names = {plain(name) for name in header}
    by_session = any(name.startswith("session ") and name not in RATES for name in names) or plain(CHANNEL) in names
    return by_session and {plain(name) for name in NEEDED} <= names


def _dimensions(header: Sequence[str]) -> list[int]:
    """Where the row's name stands: in a sheet of refused rows under Channel, else before the first measure."""
    names = [plain(name) for name in header]
    if plain(CHANNEL) in names:
        return [names.index(plain(CHANNEL))]
    first = next((place for place, name in enumerate(names) if name in MEASURES or name in RATES), len(names))
    return [place for place in range(first) if names[place] and names[place] not in DATED]


def _stacked(sheet: Sheet, parts: Sequence[_Part], others: Sequence[_Part]) -> Sheet:
    """The parts below one header that has the columns of all."""
    columns = dict.fromkeys(
        name for part in parts for place, name in enumerate(part.header) if place not in _dimensions(part.header)
    )
    columns |= dict.fromkeys((START, END)) if any(any(part.period) for part in parts) else {}
    header = (CHANNEL, *columns)

    rows, widths = list[Row](), dict[int, str]()
    for part in parts:
        width = len(part.header)
        for number, row in part.rows:
            cells = row[:width] if all(is_blank(cell) for cell in row[width:]) else row
            cells = cells if sheet.delimiter else cells + [None] * (width - len(cells))
            if len(cells) == width and not says_grand_total(cells):
                rows.append((number, _spread(part, cells, header)))
                continue
            rows.append((number, cells))
            if not says_grand_total(cells):
                widths[number] = f"{len(cells)} cells, the header of its table has {width}"
    passed = tuple(_passed(part) for part in others)
    return Stacked(sheet.name, header, sheet.delimiter, lambda: iter(rows), passed, widths)


def _passed(part: _Part) -> str:
    rows = f"{len(part.rows)} {'row' if len(part.rows) == 1 else 'rows'}"
    return f"another table of the file, of {rows}, was passed over; it begins with {', '.join(part.header)[:60]}"


def _spread(part: _Part, cells: list[Any], header: Sequence[str]) -> list[Any]:
    """A part's row below the common header."""
    found = dict(zip(reversed(part.header), reversed(cells), strict=True))
    found.update({name: told for name, told in zip((START, END), part.period, strict=True) if told})
    named = [text_of(cells[place]) for place in _dimensions(part.header) if not is_blank(cells[place])]
    return [" / ".join(named), *(found.get(name) for name in header[1:])]


FORMATS = (
    Analytics(
        "ga4",
        "Google Analytics 4 traffic acquisition report in English",
        CHANNEL_RESULTS,
        headers=NEEDED,
        keeps=(CHANNEL, *SPANS, START, END, AVERAGE),
        named_by=(CHANNEL,),
        measures=MEASURES,
    ),
)
