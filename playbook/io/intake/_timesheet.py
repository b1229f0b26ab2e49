"""What the time tools' exports share: the order of day and month, times of day, durations, and the event they tell."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from playbook.errors import IntakeError
from playbook.io.intake._amounts import GROUPED, bare, decimal_mark, unproved
from playbook.io.intake._cells import Clock, is_impossible, moment, number
from playbook.io.intake._export import Export
from playbook.io.intake._how import How
from playbook.io.intake._record import Bad, Record
from playbook.io.intake._rules import plain
from playbook.io.intake._sheet import is_blank, text_of

if TYPE_CHECKING:
    from pathlib import Path

    from playbook.io.intake._format import Claim, Options, Reading
    from playbook.io.intake._sheet import Sheet
    from playbook.io.intake._source import Source

ENTRY = ("Client", "Project", "Task", "Description")
NUMBERED = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-]\d{4}(?!\d)")
TIME = re.compile(r"(\d{1,2}):([0-5]\d)(?::([0-5]\d))?\s?([AaPp])?\.?(?:[Mm]\.?)?")
# what a person adds to a time that the change of clocks repeats
OFFSET = re.compile(r"\s?(Z|[+-](?:0\d|1[0-4]):?[0-5]\d)\s*$")
DURATION = re.compile(r"(\d{1,6}):([0-5]\d)(?::([0-5]\d))?")
# what stands before these marks says the kind of work, what follows the particulars
PARTICULARS = re.compile(r"\s*[:|(#\[]|\s+[-\u2013\u2014]\s")
WANTED_TIME = "a time of day as 14:05, 14:05:30 or 2:05 PM"
WANTED_DURATION = "a duration as HH:MM:SS, or hours as 1.5 or 1,5"
# minutes by which a tool's own rounding parts a duration from its times
ROUNDED = 2.0


@dataclass(frozen=True)
class Timesheet(Export):
    """A time tool's report in which each entry has a begin, an end and a duration.

    `durations` are the headers the duration may stand under, the first filled one counts; `comma` says that its hours
    have a decimal comma, once a file is read. A column of dates such as
    3/4/2026 is read when the person importing said which comes first or when the file's own dates prove it (one has a
    13 in one place, none in the other, and the summary says so); otherwise the file is refused with advice.
    """

    durations: tuple[str, ...] = ()
    comma: bool = False

    @property
    def dated(self) -> tuple[str, ...]:
        """The headers whose cells are days."""
        return ("Start date", "End date")

    def read(self, claim: Claim, source: Source, options: Options) -> Reading:
        """Settle the order of day and month and the decimal mark for the whole file, then read each entry."""
        clock, told = settled_order(source.path, _written(claim.sheet, self.dated), options.clock)
        hours = [(row, bare(text), False) for row, text in _written(claim.sheet, self.durations)]
        # of rows that come back corrected the file they come from has shown it
        mark = options.known.decimal or decimal_mark(source.path, hours)
        # without a proof 1.234 is a fraction, except where commas cannot have split cells
        unshown = not mark and (options.known.decimal == "" or claim.sheet.delimiter in (";", "\t"))
        known = replace(self, comma=mark == "," or unshown)
        reading = super(Timesheet, known).read(claim, source, replace(options, clock=clock))
        notes = (*told, *(unproved(hours) if not mark and not unshown else ()), *reading.notes)
        return replace(reading, notes=notes, how=How.of(clock, decimal="" if unshown else mark or "."))

    def rows_of(self, record: Record, options: Options) -> Iterator[dict[str, Any]]:
        """One event an entry: the work ended at `timestamp`, began at `begun` and took `minutes`."""
        begun = moment(_instant(record, "Start date", "Start time", options), options.clock)
        end_text = _instant(record, "End date", "End time", options)
        ended = record.moment_of("End time", end_text, options)
        if begun.value is None:
            raise Bad("Start time", repr(record.get("Start time")), begun.wanted)
        if ended < begun.value:
            raise Bad("End time", f"{end_text}, before the start", "a time at or after the start of the entry")
        yield {
            **told_work(record),
            "timestamp": ended,
            "begun": begun.value,
            "minutes": self._minutes(record, (ended - begun.value).total_seconds() / 60),
            "resource": record.get("User") or record.get("Email"),
        }

    def _minutes(self, record: Record, between: float) -> float:
        filled = (header for header in self.durations if record.get(header) is not None)
        header = next(filled, None)
        if header is None:
            return round(between, 2)
        told = self.minutes_in(record, header)
        if abs(told - between) > ROUNDED:
            wanted = f"{WANTED_DURATION} that fits the times of the entry, which last {between:.0f} minutes"
            raise Bad(header, repr(record.needed(header)), wanted)
        return told

    def minutes_in(self, record: Record, header: str) -> float:
        """The duration under this header in minutes. Raises Bad for a cell that holds none."""
        text, figure = record.needed(header), record.figure(header)
        # hours that a workbook holds as a number are written in no notation
        return minutes_of(header, text if figure is None else repr(figure), comma=self.comma and figure is None)


def told_work(record: Record) -> dict[str, Any]:
    """The piece of work, what was done and the project an entry names, as columns of an event.

    The piece of work is the project with its client, the activity the task. An entry without a task has the kind its
    description begins with (`Report: March figures` is a Report); one that names nothing but a project is work on
    that project. Raises Bad for an entry that names nothing.
    """
    client, project, task, told = (record.get(header) for header in ENTRY)
    told = told or record.get("Notes")
    activity = task or (kind_of(told) if told else None) or project
    if activity is None:
        raise Bad("Task", "nothing", "a task, a description or a project, so that the work is known")
    case = " / ".join(name for name in (client, project) if name) or activity
    return {"case": case, "activity": activity, "workflow": project}


def kind_of(description: str) -> str:
    """What a description says before its particulars: `Newsletter #12 - layout` is a Newsletter."""
    return PARTICULARS.split(description.strip(), maxsplit=1)[0].strip() or description.strip()


def minutes_of(header: str, text: str, *, comma: bool) -> float:
    """A duration in minutes, written as HH:MM:SS or as hours; `comma` says that commas are their decimal marks.

    Raises Bad for what is none or could be two.
    """
    clock = DURATION.fullmatch(text.strip())
    if clock:
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return round(hours * 60 + minutes + seconds / 60, 2)
    hours_told = number(text, comma_is_decimal=comma)
    if hours_told is None or hours_told < 0:
        doubt = "; this one could be a thousand or a fraction" if GROUPED.fullmatch(bare(text)) else ""
        raise Bad(header, repr(text), WANTED_DURATION + doubt)
    return round(hours_told * 60, 2)


def time_of_day(text: str) -> dt.time | None:
    """A time of day in 24 hours or in 12 with AM or PM; None for anything else."""
    found = TIME.fullmatch(text.strip())
    if found is None:
        return None
    hour, half = int(found[1]), (found[4] or "").casefold()
    if half and not 1 <= hour <= 12:
        return None
    hour = hour % 12 + (12 if half == "p" else 0) if half else hour
    return dt.time(hour, int(found[2]), int(found[3] or 0)) if hour <= 23 else None


def settled_order(path: Path, dates: Iterable[tuple[int, str]], clock: Clock) -> tuple[Clock, tuple[str, ...]]:
    """The clock with the order of day and month that was said or that the dates prove, and a note where they do.

    `dates` are the file's row numbers and date cells. Raises IntakeError when the dates could be read both ways or
    prove both orders.
    """
    if clock.dayfirst is not None:
        return clock, ()
    shown: dict[bool | None, tuple[int, str]] = {}
    for row, text in dates:
        found = NUMBERED.match(text.strip())
        if found and not is_impossible(text):
            one, two = int(found[1]), int(found[2])
            if one != two:
                shown.setdefault(None if max(one, two) <= 12 else one > 12, (row, found.group()))
    proof = [order for order in (True, False) if order in shown]
    if len(proof) == 1:
        row, text = shown[proof[0]]
        first = "day" if proof[0] else "month"
        return replace(clock, dayfirst=proof[0]), (f"the {first} comes first in dates, as row {row} shows ({text})",)
    if proof:
        (row, text), (other, said) = shown[True], shown[False]
        raise IntakeError(
            f"{path}: dates stand in two orders, {text} in row {row} and {said} in row {other}; "
            "export it again with one, or say whether the day comes first (dayfirst) and correct the rows refused"
        )
    if shown:
        row, text = shown[None]
        raise IntakeError(
            f"{path}: {text} in row {row} could be two days, and no date in the file shows which is meant; "
            "say whether the day comes first (dayfirst), or export it with dates as YYYY-MM-DD"
        )
    return clock, ()


def _written(sheet: Sheet, headers: Iterable[str]) -> Iterator[tuple[int, str]]:
    named = {plain(header) for header in headers}
    places = [place for place, header in enumerate(sheet.header) if plain(header) in named]
    for row, cells in sheet.rows():
        for place in places:
            if place < len(cells) and not is_blank(cells[place]) and isinstance(cells[place], str):
                yield row, text_of(cells[place])


def _instant(record: Record, date: str, time: str, options: Options) -> str:
    """The day and the time of day of an entry put together as YYYY-MM-DDTHH:MM:SS, with its offset where one is told."""
    told, text = record.day(date, options), record.needed(time)
    offset = OFFSET.search(text)
    clock = time_of_day(text[: offset.start()] if offset else text)
    if clock is None:
        raise Bad(time, repr(text), WANTED_TIME)
    return f"{told}T{clock.isoformat()}{offset[1] if offset else ''}"
