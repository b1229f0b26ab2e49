"""The days a row of a channel's report counts: a day, a week, a month, or the whole period of the report."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from playbook.io.intake._cells import FIRST_YEAR, LAST_YEAR, LONG_MONTHS, MONTHS, day, day_of_instant, wanted_day
from playbook.io.intake._record import Bad

if TYPE_CHECKING:
    from playbook.io.intake._format import Options
    from playbook.io.intake._record import Record

DASH = re.compile(r"\s+[-\u2013\u2014]\s+")
WEEK = 7
QUARTER = re.compile(r"Q([1-4])[ ,-]{0,2}(\d{4})|(\d{4})[ -]?Q([1-4])", re.IGNORECASE)
MONTH = re.compile(r"(\d{4})-?(0[1-9]|1[0-2])|(0[1-9]|1[0-2])/(\d{4})")
NAMED_MONTH = re.compile(r"([A-Za-z]{3,9})\.?[ ,-]{1,2}(\d{4})")
WANTED = {
    "week": "a week by its first day as YYYY-MM-DD, or by its first and last day",
    "month": "a month with its year, as 2026-09",
    "year month": "a month with its year, as 2026-09",
    "quarter": "a quarter with its year, as Q3 2026",
    "year": "a year, as 2026",
}


@dataclass(frozen=True)
class Period:
    """The days a row counts: the first and how many."""

    start: dt.date
    days: int

    @property
    def end(self) -> dt.date:
        """The last day."""
        return self.start + dt.timedelta(days=self.days - 1)

    def within(self, whole: Period) -> Period | None:
        """The days both have; a report that begins inside a month counts that month from there on. None: no day."""
        start, end = max(self.start, whole.start), min(self.end, whole.end)
        return between(start, end) if start <= end else None


def between(start: dt.date, end: dt.date) -> Period:
    """The days from the first to the last, both counted."""
    return Period(start, (end - start).days + 1)


def day_of(header: str, text: str, options: Options) -> dt.date:
    """A day as YYYY-MM-DD, 20260901 or September 1, 2026; day and month as numbers only in the order said. Raises Bad."""
    read = day(_dashed(text), dayfirst=options.clock.dayfirst)
    if read is None:
        raise Bad(header, repr(text), wanted_day(text, options.clock))
    return dt.date.fromisoformat(read)


def day_sent(header: str, text: str, options: Options) -> dt.date:
    """The day something was sent, where the hour may stand behind it; one with its offset in the zone said. Raises Bad."""
    read = day_of_instant(_dashed(text), options.clock)
    if read is None:
        raise Bad(header, repr(text), wanted_day(text, options.clock))
    return dt.date.fromisoformat(read)


def is_day(text: str) -> bool:
    """Whether the text is one day, written in a way that can mean no other."""
    return day(_dashed(text), dayfirst=None) is not None


def told_period(record: Record, options: Options) -> tuple[str, Period] | None:
    """The shortest stretch of time the row names in a column of its own, and the column; None where it names none.

    Raises Bad for a cell that is no such stretch.
    """
    for header, span in SPANS.items():
        text = record.get(header)
        if text is not None:
            return header, span(header, text, options)
    return None


def _one_day(header: str, text: str, options: Options) -> Period:
    return Period(day_of(header, text, options), 1)


def _week(header: str, text: str, options: Options) -> Period:
    written = re.sub(r"(?i)^week of ", "", text.strip())
    ends = DASH.split(written)
    if len(ends) == 2:
        first, last = (day_of(header, end, options) for end in ends)
        if not first <= last < first + dt.timedelta(days=WEEK):
            raise Bad(header, repr(text), WANTED["week"])
        return between(first, last)
    return Period(day_of(header, written, options), WEEK)


def _month(header: str, text: str, options: Options) -> Period:
    found, named = MONTH.fullmatch(text.strip()), NAMED_MONTH.fullmatch(text.strip())
    word = named[1].casefold() if named else ""
    number = next((at for at in range(1, 13) if word in (MONTHS[at - 1], LONG_MONTHS[at - 1])), None)
    if found:
        return _months(header, text, int(found[1] or found[4]), int(found[2] or found[3]), 1)
    if named and number:
        return _months(header, text, int(named[2]), number, 1)
    first = _day_in(header, text, options)
    return _months(header, text, first.year, first.month, 1)


def _quarter(header: str, text: str, options: Options) -> Period:
    found = QUARTER.fullmatch(text.strip())
    if found:
        return _months(header, text, int(found[2] or found[3]), 3 * int(found[1] or found[4]) - 2, 3)
    first = _day_in(header, text, options)
    return _months(header, text, first.year, first.month - (first.month - 1) % 3, 3)


def _year(header: str, text: str, options: Options) -> Period:
    told = text.strip()
    year = int(told) if re.fullmatch(r"\d{4}", told, re.ASCII) else _day_in(header, text, options).year
    return _months(header, text, year, 1, 12)


def _day_in(header: str, text: str, options: Options) -> dt.date:
    """Tools also write a month or a quarter by its first day."""
    read = day(_dashed(text), dayfirst=options.clock.dayfirst)
    if read is None:
        raise Bad(header, repr(text), WANTED[header.casefold()])
    return dt.date.fromisoformat(read)


def _months(header: str, text: str, year: int, month: int, count: int) -> Period:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Bad(header, repr(text), WANTED[header.casefold()])
    last = month + count - 1
    return between(dt.date(year, month, 1), dt.date(year, last, calendar.monthrange(year, last)[1]))


def _dashed(text: str) -> str:
    """A day written as 20260901 with its dashes, any other text as it is."""
    told = text.strip()
    return f"{told[:4]}-{told[4:6]}-{told[6:]}" if re.fullmatch(r"\d{8}", told, re.ASCII) else told


# the shortest first: a row of a day that names its month too counts the day
SPANS: Mapping[str, Callable[[str, str, Options], Period]] = {
    "Day": _one_day,
    "Date": _one_day,
    "Week": _week,
    "Month": _month,
    "Year month": _month,
    "Quarter": _quarter,
    "Year": _year,
}
