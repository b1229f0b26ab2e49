"""The event log of any tool: which piece of work, what happened, when, and (as a pseudonym) who did it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.errors import Fault, IntakeError
from playbook.io.intake._cells import WANTED_DAY, instants, is_impossible, number
from playbook.io.intake._format import (
    WHOLE_ROW,
    Claim,
    Format,
    Options,
    Reading,
    not_as_wide,
    refuse_repeated_headers,
    rows_of_whole_days,
)
from playbook.io.intake._sheet import EVENT_LOG_LIMIT, Spoilt, is_blank, text_of
from playbook.io.intake._source import Source
from playbook.io.pseudonyms import found_only
from playbook.tables import EVENTS, sift

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

CHUNK = 50_000
LONGEST_DATE = 40
ALWAYS = ("case", "activity", "timestamp", "resource")
KEPT = (*ALWAYS, "workflow", "begun", "minutes")
TIMES = ("timestamp", "begun")
MEASURED = (*TIMES, "minutes")
UNUSABLE = "a row as wide as the header; correct it in the file itself, as its cells may have moved between columns"


@dataclass(frozen=True)
class EventLog(Format):
    """An event log; columns it does not need are passed over and never kept, messages and titles among them.

    One rule beyond its own columns: a column whose header says that it holds dates (`publish_date`) must not hold an
    impossible one. A row that dates its own work by a day no calendar has is no evidence of when anything happened,
    so it is refused and kept with the reason, even where the event's own timestamp can be read.
    """

    def wants(self) -> tuple[str, ...]:
        """The columns of an event; all but the case, the activity and the timestamp may be missing."""
        return KEPT

    def accepts(self) -> tuple[str, ...]:
        """A tool's own `team` column means something else, so it is passed over like any other."""
        return KEPT

    def read(self, claim: Claim, source: Source, options: Options) -> Reading:
        """Read the log in chunks, so that memory holds its own columns and never the whole file as a table."""
        refuse_repeated_headers(source, claim.sheet)
        # names are met before any text is kept: a case may be titled with a name that only a later row shows as a person
        if "resource" in claim.places:
            options.pseudonyms.meet(_persons(claim))
        log, rows = _Log(claim, options), rows_of_whole_days(source, claim)
        while chunk := list(islice(rows, CHUNK)):
            log.take(chunk)
        if not log.read:
            raise IntakeError(f"{source.path}: the event log has a header and no rows; export it again")
        good = pd.concat(log.good)
        return Reading(log.read, good, good.notna(), tuple(log.faults), log.records, tuple(log.notes()))


def _persons(claim: Claim) -> Iterator[str]:
    place = claim.places["resource"]
    for _, cells in claim.sheet.rows():
        if place < len(cells) and isinstance(cells[place], str) and cells[place].strip():
            yield cells[place]


class _Log:
    """One log while it is read chunk by chunk: what its chunks add up to so far."""

    def __init__(self, claim: Claim, options: Options) -> None:
        self.claim, self.options = claim, options
        self.read = self.without_zone = self.without_time = self.begun_late = 0
        self.names = [name for name in KEPT if name in ALWAYS or name in claim.places]
        self.good: list[pd.DataFrame] = []
        self.faults: list[Fault] = []
        self.records: dict[int, Mapping[str, Any]] = {}
        self.dated = {
            header: place
            for place, header in enumerate(claim.sheet.header)
            if place not in claim.places.values() and options.rules.says_date(header)
        }

    def take(self, chunk: Sequence[tuple[int, list[Any]]]) -> None:
        """Refuse rows of another width and impossible dates, read times and minutes, check the rest by the table."""
        self.read += len(chunk)
        rows = dict(self._of_full_width(chunk))
        # a column the file does not have is empty and not NaN, which would be taken for a text, and a person, of that name
        columns: dict[str, list[Any]] = {name: [None] * len(rows) for name in self.names}
        columns |= {name: [cells[place] for cells in rows.values()] for name, place in self.claim.places.items()}
        frame = pd.DataFrame(columns, index=list(rows), columns=self.names, dtype=object)
        faults = [*self._impossible(rows), *self._measures(frame), *self._words(frame)]

        said = frame.assign(team=self.options.team, import_id=self.options.import_id, row=frame.index, part=1)
        whole = said.reindex(columns=list(EVENTS.columns))
        good, more = _checked(whole)
        named = {(fault.row, fault.column) for fault in faults}
        faults += [self._fault(f.row, f.column, f.found, f.wanted) for f in more if (f.row, f.column) not in named]
        bad = {int(str(fault.row)) for fault in faults}
        self.good.append(good[~good.index.isin(bad)])
        self.faults += faults
        self._keep_records(frame.loc[sorted(bad)], faults, rows)

    def _fault(self, row: object, column: str, found: str, wanted: str) -> Fault:
        clean = self.options.pseudonyms.scrub(found, single_words=True)
        said = found_only(clean, self.options.rules.known_words) if column in MEASURED else clean
        return Fault(int(str(row)), column, said, wanted)

    def _of_full_width(self, chunk: Sequence[tuple[int, list[Any]]]) -> Iterator[tuple[int, list[Any]]]:
        width = len(self.claim.sheet.header)
        for row, cells in chunk:
            if not_as_wide(row, cells, width):
                # its cells may have moved, so a free text could stand in any column: nothing of it is kept
                self.faults.append(Fault(row, WHOLE_ROW, f"{len(cells)} cells, the header has {width}", UNUSABLE))
                self.records[row] = {}
            else:
                yield row, cells

    def _impossible(self, rows: Mapping[int, list[Any]]) -> Iterator[Fault]:
        for header, place in self.dated.items():
            for row, cells in rows.items():
                if isinstance(cells[place], str) and is_impossible(cells[place]):
                    yield Fault(row, header, repr(cells[place].strip()), f"{WANTED_DAY}, or nothing")

    def _measures(self, frame: pd.DataFrame) -> Iterator[Fault]:
        for name in TIMES:
            if name in frame:
                yield from self._time(frame, name)
        if "minutes" in frame:
            yield from self._minutes(frame)
        if "begun" in frame:
            # a begin after the end is a plan and no begin
            late = frame["begun"] > frame["timestamp"]
            self.begun_late += int(late.sum())
            frame["begun"] = frame["begun"].mask(late)

    def _time(self, frame: pd.DataFrame, name: str) -> Iterator[Fault]:
        cells = dict(zip(frame.index, frame[name], strict=True))
        texts = frame[name].map(lambda cell: None if is_blank(cell) or isinstance(cell, Spoilt) else str(cell))
        found = instants(texts.astype("str"), self.options.clock)
        self.without_zone += found.without_zone
        self.without_time += found.without_time
        frame[name] = found.moments
        for row, wanted in found.wanted.items():
            cell = cells[row]
            if isinstance(cell, Spoilt):
                yield self._fault(row, name, cell.found, cell.wanted)
            elif not is_blank(cell) or EVENTS.columns[name].required:
                yield self._fault(row, name, "nothing" if is_blank(cell) else repr(str(cell)), wanted)

    def _minutes(self, frame: pd.DataFrame) -> Iterator[Fault]:
        column, read = EVENTS.columns["minutes"], dict[Any, float | None]()
        least, most = column.low or 0, column.high or math.inf
        for row, cell in frame["minutes"].items():
            told = None if is_blank(cell) or isinstance(cell, Spoilt) else number(str(cell), comma_is_decimal=False)
            sound = told is not None and least <= told <= most
            read[row] = told if sound else None
            if isinstance(cell, Spoilt):
                yield self._fault(row, "minutes", cell.found, cell.wanted)
            elif not sound and not is_blank(cell):
                yield self._fault(row, "minutes", repr(str(cell)), column.wanted)
        frame["minutes"] = pd.Series(read, index=frame.index, dtype="float64")

    def _words(self, frame: pd.DataFrame) -> Iterator[Fault]:
        """Replace persons in the text columns, each distinct text once; a spoilt cell is a fault and becomes empty."""
        pseudonyms = self.options.pseudonyms
        for name in (name for name in self.names if name not in MEASURED):
            turn = pseudonyms.person if name == "resource" else pseudonyms.scrub
            cells = {cell for cell in frame[name] if not is_blank(cell)}
            spoilt = {cell for cell in cells if isinstance(cell, Spoilt)}
            clean = {cell: turn(text_of(cell)) for cell in cells - spoilt}
            for row, cell in frame[name].items() if spoilt else ():
                if isinstance(cell, Spoilt):
                    found = pseudonyms.of(cell.found) if name == "resource" else cell.found
                    yield self._fault(row, name, found, cell.wanted)
            frame[name] = frame[name].map(clean.get).astype(object)

    def _keep_records(self, bad: pd.DataFrame, faults: Sequence[Fault], rows: Mapping[int, list[Any]]) -> None:
        """Each bad row's own columns as they were cleaned, its unreadable times as written, and its dates."""
        unread = {
            (str(fault.row), fault.column): fault.found.strip("'\"")
            for fault in faults
            if fault.column in MEASURED and fault.found != "nothing"
        }
        for row, cells in bad.to_dict(orient="index").items():
            kept = {name: _plain(cells[name]) for name in self.names}
            written = {name: unread[str(row), name] for name in MEASURED if (str(row), name) in unread}
            kept |= {name: text for name, text in written.items() if kept[name] is None}
            days = {header: _day_text(rows[int(str(row))][place]) for header, place in self.dated.items()}
            self.records[int(str(row))] = {**kept, **days}

    def notes(self) -> Iterator[str]:
        """What was assumed, passed over and read under another name."""
        headers = {name: self.claim.sheet.header[place] for name, place in self.claim.places.items()}
        told = [f"{name} from {header}" for name, header in headers.items() if header.casefold() != name]
        if told:
            yield "read " + ", ".join(told)
        if self.dated:
            yield "not kept but checked for impossible dates: " + ", ".join(self.dated)
        passed_over = [header for header in self.claim.unknown if header not in self.dated]
        if passed_over:
            yield "not kept: " + ", ".join(passed_over)
        if self.begun_late:
            yield f"{self.begun_late} begins after the end of their event were left out"
        if self.without_zone:
            zone = self.options.clock.timezone or "UTC, as no time zone was given"
            yield f"{self.without_zone} timestamps carry no zone and were taken as {zone}"
        if self.without_time:
            yield f"{self.without_time} timestamps are days without a time and were taken as midnight"


def _checked(whole: pd.DataFrame) -> tuple[pd.DataFrame, list[Fault]]:
    """The rows that fit the table, typed, and the faults of the others.

    A column check of what can still be wrong here (an empty or too long text) sets the sound rows apart; only the
    doubtful ones are sifted row by row, which for a long log would take most of the import's time.
    """
    doubtful = whole["timestamp"].isna()
    for name in ("case", "activity", "resource", "workflow"):
        column, texts = EVENTS.columns[name], whole[name].astype("str")
        doubtful |= (texts.str.len() > float(column.max_length or math.inf)) | (texts.isna() & column.required)
    mended, faults = sift(EVENTS, whole[doubtful])
    sound = whole[~doubtful][list(EVENTS.columns)].astype({name: col.dtype for name, col in EVENTS.columns.items()})
    return pd.concat([sound, mended]) if len(mended) else sound, faults


def _plain(cell: Any) -> Any:
    if cell is None or pd.isna(cell):
        return None
    return cell.isoformat() if isinstance(cell, pd.Timestamp) else cell


def _day_text(cell: Any) -> str | None:
    """A date as written, possible or not; anything else in such a column could be a text and is not kept."""
    dated = isinstance(cell, str) and cell[:1].isdigit() and len(cell) <= LONGEST_DATE
    return cell if dated and all(mark.isdigit() or mark in "-/.:+ TZ" for mark in cell) else None


FORMATS = (EventLog("events", "event log", EVENTS, ("case", "activity", "timestamp"), EVENT_LOG_LIMIT),)
