"""When an entry of a calendar takes place: dates, zones, durations and repetitions as RFC 5545 writes them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass

from dateutil.rrule import rrulestr

from playbook.io.intake._record import Bad
from playbook.io.intake._zones import Zones

STAMP = re.compile(r"(?:TZID=(?P<zone>[^:]+):|VALUE=DATE:)?(?P<day>\d{8})(?:T(?P<time>\d{6})(?P<utc>Z)?)?")
LENGTH = re.compile(
    r"\+?P(?:(?P<weeks>\d{1,4})W)?(?:(?P<days>\d{1,5})D)?"
    r"(?:T(?:(?P<hours>\d{1,5})H)?(?:(?P<minutes>\d{1,6})M)?(?:(?P<seconds>\d{1,7})S)?)?"
)
WEEKDAY = r"(?:[+-]?[1-5]?\d?)(?:MO|TU|WE|TH|FR|SA|SU)"
PARTS = {
    "FREQ": r"DAILY|WEEKLY|MONTHLY|YEARLY",
    "INTERVAL": r"[1-9]\d{0,2}",
    "COUNT": r"[1-9]\d{0,4}",
    "UNTIL": r"\d{8}(T\d{6}Z?)?",
    "WKST": r"MO|TU|WE|TH|FR|SA|SU",
    "BYDAY": rf"{WEEKDAY}(,{WEEKDAY})*",
    "BYMONTH": r"(1[0-2]|[1-9])(,(1[0-2]|[1-9]))*",
    "BYMONTHDAY": r"-?(3[01]|[12]\d|[1-9])(,-?(3[01]|[12]\d|[1-9]))*",
    "BYSETPOS": r"-?[1-9]\d?(,-?[1-9]\d?)*",
}
WANTED_STAMP = "a time as 20260302T090000Z, or with its zone as TZID=Europe/Berlin:20260302T090000"
WANTED_RULE = "a repetition by days, weeks, months or years, as FREQ=WEEKLY;BYDAY=MO"
# the calendar repeats every 400 years; so close to its last year a rule that never comes true soon runs out of days
CYCLES = 19 * 400
FIRST_YEAR, LAST_YEAR = 1900, 2200


@dataclass(frozen=True)
class Stamp:
    """A point of a calendar: a local time and its zone (None: a whole day). `assumed` when the file named no zone."""

    local: dt.datetime
    zone: dt.tzinfo | None
    assumed: bool = False

    @property
    def moment(self) -> dt.datetime:
        """The instant in UTC; a time the change of clocks repeats is the first of the two, as RFC 5545 wants."""
        return self.local.replace(tzinfo=self.zone or dt.UTC).astimezone(dt.UTC)

    def at(self, local: dt.datetime) -> Stamp:
        """The same zone at another local time."""
        return Stamp(local, self.zone, self.assumed)


def stamp(header: str, text: str, calendar_zone: str | None, zones: Zones) -> Stamp:
    """A DTSTART, DTEND, EXDATE or RDATE, with its zone before a colon where it has one.

    Times without a zone are in the one the person importing said, else in the calendar's own, or in UTC when it names
    none. Raises Bad.
    """
    found = STAMP.fullmatch(text.strip())
    if found is None:
        raise Bad(header, repr(text), WANTED_STAMP)
    try:
        local = dt.datetime.strptime(found["day"] + (found["time"] or "000000"), "%Y%m%d%H%M%S")  # noqa: DTZ007 - see zone
    except ValueError:
        raise Bad(header, repr(text), f"a date and time that exist: {WANTED_STAMP}") from None
    if not FIRST_YEAR <= local.year <= LAST_YEAR:
        raise Bad(header, repr(text), f"a year from {FIRST_YEAR} to {LAST_YEAR}")
    if found["time"] is None:
        return Stamp(local, None)
    if found["utc"]:
        return Stamp(local, dt.UTC)
    if found["zone"] is None:
        return Stamp(local, zones.floating(header, calendar_zone), assumed=True)
    return Stamp(local, zones.named(header, found["zone"].strip('"')))


def length(header: str, text: str) -> dt.timedelta:
    """A DURATION such as PT1H30M. Raises Bad."""
    found = LENGTH.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        raise Bad(header, repr(text), "a duration as PT1H30M or P1D")
    return dt.timedelta(**{unit: int(count) for unit, count in found.groupdict().items() if count})


def instances(start: Stamp, rule: str | None, last: dt.datetime) -> Iterator[Stamp]:
    """The entry's own start and every repetition by its RRULE up to the instant `last`, in order.

    Repetitions keep their local time over a change of clocks. The first start always counts as one, also towards
    COUNT, as RFC 5545 wants. Raises Bad for a rule that is none or repeats within a day.
    """
    if rule is None:
        yield start
        return
    parts = _parts(rule)
    count, until = parts.pop("COUNT", None), parts.pop("UNTIL", None)
    end = min(last, _until(until, start)) if until else last
    given, pattern = 1, ";".join(f"{name}={value}" for name, value in parts.items())
    yield start
    for local in _pattern(pattern, start.local):
        now = start.at(local)
        if now.moment > end or (count is not None and given >= int(count)):
            return
        if local > start.local:
            given += 1
            yield now


def _pattern(pattern: str, start: dt.datetime) -> Iterator[dt.datetime]:
    shifted = start.replace(year=start.year + CYCLES)
    try:
        for found in rrulestr(pattern, dtstart=shifted):
            yield found.replace(year=found.year - CYCLES)
    except (ValueError, TypeError, IndexError, OverflowError):
        raise Bad("RRULE", repr(pattern), WANTED_RULE) from None


def _parts(rule: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in rule.strip().upper().removeprefix("RRULE:").rstrip(";").split(";"):
        name, _, value = part.partition("=")
        if name not in PARTS or name in parts or not re.fullmatch(PARTS[name], value):
            raise Bad("RRULE", repr(rule), WANTED_RULE)
        parts[name] = value
    if "FREQ" not in parts:
        raise Bad("RRULE", repr(rule), WANTED_RULE)
    return parts


def _until(text: str, start: Stamp) -> dt.datetime:
    """The last instant a rule allows; a day means its end, a time without a zone is in the zone of the start."""
    form = "%Y%m%dT%H%M%S" if "T" in text else "%Y%m%d"
    try:
        local = dt.datetime.strptime(text.removesuffix("Z"), form)  # noqa: DTZ007 - the zone is the start's
    except ValueError:
        raise Bad("RRULE", repr(f"UNTIL={text}"), "a date that exists") from None
    if local.year < FIRST_YEAR:
        raise Bad("RRULE", repr(f"UNTIL={text}"), f"a year from {FIRST_YEAR}")
    # far ends such as the year 9999 mean no end
    local = min(local, dt.datetime(LAST_YEAR, 12, 31))  # noqa: DTZ001 - the zone is the start's
    if "T" not in text:
        return start.at(local + dt.timedelta(days=1, seconds=-1)).moment
    return local.replace(tzinfo=dt.UTC) if text.endswith("Z") else start.at(local).moment
