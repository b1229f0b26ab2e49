"""Reads single cells: instants, days and numbers, each only where what is written can mean one thing."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd

from playbook.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Hashable

ISO = (
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"
    r"(?:[T ](?P<clock>\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?) ?(?P<zone>Z|z|UTC|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)?)?"
)
SPOKEN = re.compile(
    r"(?P<one>\d{1,2})[./-](?P<two>\d{1,2})[./-](?P<year>\d{4})"
    r"(?:,? (?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d))? ?(?P<half>[AaPp]\.?[Mm]\.?)?)?",
    re.ASCII,
)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
LONG_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
# a month in English words says itself which number is the day
NAMED = re.compile(
    r"(?:(?P<day>\d{1,2})[ ./-](?P<month>[A-Za-z]{3,9})\.?[ ,./-] ?|(?P<month_first>[A-Za-z]{3,9})\.? (?P<day_after>\d{1,2}), ?)"
    r"(?P<year>\d{4})(?P<rest>,? .*)?",
    re.ASCII,
)
# years outside are typing errors, and time zones cannot shift the ends of the calendar
FIRST_YEAR, LAST_YEAR = 1900, 2200
WANTED_INSTANT = "a date and time as YYYY-MM-DDTHH:MM:SS, with its offset where known"
WANTED_DAY = "a date that exists, as YYYY-MM-DD"
UNSAID_ORDER = "; say whether the day comes first (dayfirst) or write YYYY-MM-DD"

# marks a table dump writes for "no date"
NO_DATE = re.compile(r"0000-00-00(?:[T ]00:00(?::00)?)?")


@dataclass(frozen=True)
class Clock:
    """How instants are to be read: `timezone` for those without a zone, `dayfirst` for 3/4/2024 (None: refuse it)."""

    timezone: str | None = None
    dayfirst: bool | None = None

    def zone(self) -> dt.tzinfo:
        """The zone of instants written without one; UTC unless said. Raises ParameterError for an unknown name."""
        try:
            return ZoneInfo(self.timezone) if self.timezone else dt.UTC
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ParameterError(
                f"{self.timezone!r} is not a time zone; write it as region and city, for example Europe/Berlin"
            ) from None


@dataclass(frozen=True)
class Instants:
    """A column of instants: `moments` in UTC (empty where unreadable), what was `wanted` there, and what was assumed."""

    moments: pd.Series
    wanted: dict[Hashable, str]
    without_zone: int
    without_time: int


def instants(texts: pd.Series, clock: Clock) -> Instants:
    """Read a column of text as instants in UTC.

    ISO 8601 is read as it stands; day and month in another order only when `clock.dayfirst` says which comes first.
    Instants without a zone are in `clock.timezone`; one that the change of clocks repeats or skips is refused.
    """
    written = texts.str.strip()
    parts = written.str.extract(f"^{ISO}$", flags=re.ASCII)
    for label in written.index[parts["year"].isna()]:
        iso = _reordered(written[label], clock.dayfirst)
        if iso is not None:
            written[label] = iso
    parts = written.str.extract(f"^{ISO}$", flags=re.ASCII)
    sound = parts["year"].notna() & pd.to_numeric(parts["year"]).between(FIRST_YEAR, LAST_YEAR)
    moments = written.where(sound).str.replace(",", ".").str.replace(r" ?(?:UTC|z)$", "Z", regex=True)
    naive = sound & parts["zone"].isna()
    zoned = pd.to_datetime(moments.where(~naive), format="ISO8601", utc=True, errors="coerce").astype(
        "datetime64[us, UTC]"
    )
    local = pd.to_datetime(moments.where(naive), format="ISO8601", errors="coerce").astype("datetime64[us]")
    # NaT where the change of clocks makes a local time happen twice or never
    placed = local.dt.tz_localize(clock.zone(), ambiguous="NaT", nonexistent="NaT").dt.tz_convert("UTC")
    values = zoned.where(~naive, placed)
    doubtful = naive & local.notna() & values.isna()
    wanted = {label: _wanted(written[label], doubtful=bool(doubtful[label])) for label in texts.index[values.isna()]}
    kept = values.notna()
    return Instants(values, wanted, int((naive & kept).sum()), int((kept & parts["clock"].isna()).sum()))


@dataclass(frozen=True)
class Moment:
    """One instant in UTC (None where unreadable), what was `wanted` there, and what the reading had to assume."""

    value: dt.datetime | None
    wanted: str
    without_zone: bool = False
    without_time: bool = False


@lru_cache(maxsize=100_000)
def moment(text: str, clock: Clock) -> Moment:
    """Read one text as an instant, by the rules `instants` has for a column."""
    written = text.strip()
    read = _as_written(written, clock.dayfirst)
    if read is None:
        return Moment(None, _wanted(written, doubtful=False))
    local, has_time = read
    if local.tzinfo is not None:
        return Moment(local.astimezone(dt.UTC), "")
    early, late = (local.replace(tzinfo=clock.zone(), fold=fold) for fold in (0, 1))
    if early.utcoffset() != late.utcoffset():
        return Moment(None, _wanted(written, doubtful=True))
    return Moment(early.astimezone(dt.UTC), "", without_zone=True, without_time=not has_time)


def day(text: str, *, dayfirst: bool | None) -> str | None:
    """The day as YYYY-MM-DD, or None when the text is no day that exists or its order was not said.

    A day with the time 00:00 and no zone is the day, as a workbook knows no other way to hold one.
    """
    read = _as_written(text.strip(), dayfirst)
    if read is None or read[0].tzinfo is not None or read[0].time() != dt.time():
        return None
    return read[0].date().isoformat()


def day_of_instant(text: str, clock: Clock) -> str | None:
    """The day of a text that may say a time behind it, as YYYY-MM-DD; None when it tells no day.

    A time with its offset is a day in the zone of `clock` where one was said; else the day is as it is written.
    """
    read = _as_written(text.strip(), clock.dayfirst)
    if read is None:
        return None
    local = read[0].astimezone(clock.zone()) if read[0].tzinfo is not None and clock.timezone else read[0]
    return local.date().isoformat()


def wanted_day(text: str, clock: Clock) -> str:
    """What may stand in place of a text that `day` does not read, in words."""
    if _as_written(text.strip(), clock.dayfirst) is not None:
        return "a day alone, without a time, as YYYY-MM-DD"
    return WANTED_DAY + (UNSAID_ORDER if SPOKEN.fullmatch(text.strip()) and not is_impossible(text) else "")


def is_iso(text: str) -> bool:
    """Whether a text is a day or an instant as ISO 8601 has them, as the cells of a workbook are handed on."""
    return re.fullmatch(ISO, text.strip(), re.ASCII) is not None


def is_numbered(text: str) -> bool:
    """Whether a text is a day or an instant with the year last, so that day and month may stand in either order."""
    return SPOKEN.fullmatch(text.strip()) is not None


@lru_cache(maxsize=100_000)
def is_impossible(text: str) -> bool:
    """Whether the text is written as a date that no calendar has, in whatever order day and month may stand."""
    text = text.strip()
    if NO_DATE.fullmatch(text):
        return False
    iso = re.match(r"(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)", text)
    if iso:
        return not _exists(*(int(part) for part in iso.groups()))
    spoken = re.match(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})(?!\d)", text)
    if not spoken:
        return False
    one, two, year = (int(part) for part in spoken.groups())
    return not (_exists(year, one, two) or _exists(year, two, one))


def number(text: str, *, comma_is_decimal: bool) -> float | None:
    """The number written, or None when it could mean two things or none.

    `7.5` is read everywhere. Where commas are decimal marks (a semicolon file whose numbers use them) `7,5` and
    `1.234,5` are read, while `1,234` and `1.234` could be thousands and are not.
    """
    plain = re.sub(r"[\u00a0\u202f\s]", "", text)
    if comma_is_decimal:
        if re.fullmatch(r"[+-]?(\d+|\d{1,3}(\.\d{3})+),(\d{1,2}|\d{4,})", plain):
            return float(plain.replace(".", "").replace(",", "."))
        if re.fullmatch(r"[+-]?\d{1,3}([.,]\d{3})+", plain):
            return None
    return float(plain) if re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?", plain) else None


def has_decimal_comma(text: str) -> bool:
    """Whether the text can only be a number with a decimal comma: `7,5`, not `1,234`."""
    return bool(re.fullmatch(r"\s*[+-]?(\d+|\d{1,3}(\.\d{3})+),(\d{1,2}|\d{4,})\s*", text))


def _as_written(text: str, dayfirst: bool | None) -> tuple[dt.datetime, bool] | None:  # noqa: FBT001 - three answers
    """The date and time as they stand, with the offset where one stands there too, and whether a time does."""
    found = re.fullmatch(ISO, _reordered(text, dayfirst) or text, re.ASCII)
    if found is None or not FIRST_YEAR <= int(found["year"]) <= LAST_YEAR:
        return None
    whole, _, fraction = (found["clock"] or "00:00").replace(",", ".").partition(".")
    zone = (found["zone"] or "").upper().replace("UTC", "Z")
    days = f"{found['year']}-{found['month']}-{found['day']}"
    try:
        local = dt.datetime.fromisoformat(f"{days}T{whole}{'.' + fraction[:6].ljust(6, '0') if fraction else ''}{zone}")
    except ValueError:
        return None
    return local, found["clock"] is not None


def _reordered(text: object, dayfirst: bool | None) -> str | None:  # noqa: FBT001 - three answers, not a switch
    named = NAMED.fullmatch(text) if isinstance(text, str) else None
    if named is not None:
        return _from_named_month(named)
    found = SPOKEN.fullmatch(text) if isinstance(text, str) else None
    if found is None or dayfirst is None:
        return None
    one, two = found["one"].zfill(2), found["two"].zfill(2)
    iso = f"{found['year']}-{two}-{one}" if dayfirst else f"{found['year']}-{one}-{two}"
    if found["hour"] is None:
        return iso
    hour, half = int(found["hour"]), (found["half"] or "").casefold()[:1]
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    return f"{iso}T{hour:02d}:{found['minute']}:{found['second'] or '00'}"


def _from_named_month(found: re.Match[str]) -> str | None:
    word = (found["month"] or found["month_first"]).casefold()
    month = next(
        (number for number, name in enumerate(MONTHS, start=1) if word in (name, LONG_MONTHS[number - 1])), None
    )
    if month is None:
        return None
    day_of_month = (found["day"] or found["day_after"]).zfill(2)
    return _reordered(f"{day_of_month}.{month:02d}.{found['year']}{found['rest'] or ''}", dayfirst=True)


def _wanted(text: object, *, doubtful: bool) -> str:
    if doubtful:
        return "an hour the change of clocks neither repeats nor skips; write it with its offset, as +01:00"
    if isinstance(text, str) and SPOKEN.fullmatch(text):
        return WANTED_INSTANT + (UNSAID_ORDER if not is_impossible(text) else "")
    return WANTED_INSTANT


def _exists(year: int, month: int, day_of_month: int) -> bool:
    try:
        dt.date(year, month, day_of_month)
    except ValueError:
        return False
    return FIRST_YEAR <= year <= LAST_YEAR
