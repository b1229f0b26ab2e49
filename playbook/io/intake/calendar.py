"""A calendar as ICS (RFC 5545), as Google Calendar exports it: the meetings that took place and how long they were.

An event is one meeting: its title is the activity, title and day together the case, begin and end its times. A
repeating entry gives one event each time it took place, without the days taken out (EXDATE) and with the meetings
moved or cancelled (RECURRENCE-ID) as they were in the end. Organiser and attendees are people: they are counted and
their names taken out of titles, and nothing else of them is kept. Descriptions and places are never read. A nickname
or a name of somebody who is not invited cannot be told from other words of a title.

All-day entries (leave, holidays, deadlines) tell no hours and are left out with a count, as are cancelled ones.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from playbook.errors import IntakeError
from playbook.io.intake._export import Export
from playbook.io.intake._how import How
from playbook.io.intake._record import Bad, Record
from playbook.io.intake._recurrence import Stamp, instances, length, stamp
from playbook.io.intake._rules import Rules, plain
from playbook.io.intake._sheet import Sheet
from playbook.io.intake._source import Source
from playbook.io.intake._zones import Zones, described, windows_zones
from playbook.tables import EVENTS

if TYPE_CHECKING:
    from playbook.io.intake._format import Claim, Options, Reading

CALENDAR = "a calendar"
TIMES = ("DTSTART", "DTEND", "DTSTAMP", "RDATE", "EXDATE", "RECURRENCE-ID")
KEPT = ("SUMMARY", *TIMES, "DURATION", "RRULE", "STATUS", "CALENDAR ZONE")
PEOPLE = ("ORGANIZER", "ATTENDEE")
PROPERTY = re.compile(r'([A-Za-z0-9-]+)((?:;[A-Za-z0-9-]+=(?:"[^"]*"|[^";:])*)*):(.*)', re.DOTALL)
PARAMETER = re.compile(r';([A-Za-z0-9-]+)=((?:"[^"]*"|[^";:])*)')
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
# meeting rooms and equipment are invited like people
THINGS = ("ROOM", "RESOURCE")
SHORTEST_NAME = 3
# how far back a repetition is counted; older work says little of how a team works today
LONGEST_DAYS = 730
WORKFLOW = "Meetings"
UNTITLED = "Meeting without a title"
Property = tuple[Mapping[str, str], str]
Entry = Mapping[str, Sequence[Property]]


# the words of repetition (RRULE), of times and of an entry's status
_MARKS = frozenset({
    "tzid", "range", "freq", "interval", "count", "until", "byday", "bymonth", "bymonthday", "bysetpos", "wkst",
    "secondly", "minutely", "hourly", "mo", "tu", "we", "th", "fr", "sa", "su", "thisandfuture", "confirmed",
    "tentative", "cancelled", "value", "date",
})  # fmt: skip


@cache
def _zone_words() -> frozenset[str]:
    names = (*available_timezones(), *windows_zones())
    return frozenset(word.casefold() for zone in names for word in re.findall(r"[^\W\d_]+", zone))


@dataclass(frozen=True)
class Calendar(Export):
    """A calendar of one person or team; once a file is read, `window` is the time whose meetings are counted and
    `zones` are the time zones it names.
    """

    window: tuple[dt.datetime, dt.datetime] | None = None
    zones: Zones = field(default_factory=Zones, compare=False)

    def sheets_from(self, source: Source) -> tuple[Sheet, ...]:
        """The entries as a table of their properties; a table that has these headers is read as one."""
        return (_table(source),) if source.shape == CALENDAR else source.sheets

    def words(self, rules: Rules) -> AbstractSet[str]:
        """A calendar's times are also written with zones and with the marks of repetition."""
        return rules.known_words | _MARKS | _zone_words()

    def people_in(self, cell: str) -> list[str]:
        """Each person by full name and by each of its words, as titles use first names."""
        names = [name.strip() for name in cell.split("\n") if name.strip()]
        words = [word for name in names for word in _name_words(name)]
        return [*names, *(word for word in words if len(word) >= SHORTEST_NAME and word.isalpha())]

    def read(self, claim: Claim, source: Source, options: Options) -> Reading:
        """Settle the zones and the window of the file, then read each entry."""
        zones = Zones(options.clock.timezone, described(_unfolded(source)) if source.shape == CALENDAR else {})
        first, last = window = _window(source, claim.sheet, zones, options.known.until)
        bounded = replace(self, window=window, zones=zones)
        invited, meetings = _attendance(claim.sheet)
        told = [f"meetings counted, repeating ones each time: {first:%Y-%m-%d} to {last:%Y-%m-%d} (two years at most)"]
        if invited:
            told.append(f"invitations: {invited}, in {meetings} of the entries; of the people only this count is kept")
        reading = super(Calendar, bounded).read(claim, source, options)
        return replace(reading, notes=(*told, *reading.notes), how=How.of(options.clock, until=last))

    def rows_of(self, record: Record, options: Options) -> Iterator[dict[str, Any]]:
        """One event for each time the entry took place in the window."""
        if (record.get("STATUS") or "").upper() == "CANCELLED":
            record.assume("of cancelled entries, left out")
            return
        if "RANGE=" in (record.get("RECURRENCE-ID") or ""):
            raise Bad("RECURRENCE-ID", "a change of all later meetings", "those as a repeating entry of their own")
        start = self._stamp(record, "DTSTART", record.needed("DTSTART"))
        if start.zone is None:
            record.assume("of all-day entries, which tell no hours, left out")
            return
        lasts = self._lasts(record, start)
        if start.assumed:
            own = record.get("CALENDAR ZONE") or "UTC, as the calendar names none"
            record.assume(f"with times that carry no zone, taken as {options.clock.timezone or own}")
        title = options.pseudonyms.scrub(_text(record.get("SUMMARY") or UNTITLED), single_words=True)
        times = list(self._times(record, start, lasts))
        if not times:
            record.assume("of entries outside the days counted, left out")
        for begun in times:
            yield {
                "case": f"{title}, {begun.local:%Y-%m-%d}",
                "activity": title,
                "timestamp": begun.moment + lasts,
                "begun": begun.moment,
                "minutes": round(lasts.total_seconds() / 60, 2),
                "workflow": WORKFLOW,
            }

    def _times(self, record: Record, start: Stamp, lasts: dt.timedelta) -> Iterator[Stamp]:
        assert self.window is not None
        first, last = self.window
        out = [self._stamp(record, "EXDATE", text) for text in _listed(record, "EXDATE")]
        moments = {left.moment for left in out if left.zone is not None}
        days = {left.local.date() for left in out if left.zone is None}
        # a moved meeting stands for itself; the entry it was moved from leaves its time out
        rule = None if record.get("RECURRENCE-ID") else record.get("RRULE")
        more = [self._stamp(record, "RDATE", text) for text in _listed(record, "RDATE")]
        met = {begun.moment: begun for begun in (*instances(start, rule, last), *more)}
        for _, begun in sorted(met.items()):
            if begun.moment in moments or begun.local.date() in days:
                continue
            if first <= begun.moment and begun.moment + lasts <= last:
                yield begun

    def _lasts(self, record: Record, start: Stamp) -> dt.timedelta:
        end = record.get("DTEND")
        if end is None:
            told = record.get("DURATION")
            return length("DURATION", told) if told else dt.timedelta(0)
        ended = self._stamp(record, "DTEND", end)
        if ended.zone is None:
            raise Bad("DTEND", f"{end}, a day alone", "the time of that day the entry ends, as its start has one")
        lasts = ended.moment - start.moment
        if lasts < dt.timedelta(0):
            raise Bad("DTEND", f"{end}, before the start", "a time at or after the start of the entry")
        return lasts

    def _stamp(self, record: Record, header: str, text: str) -> Stamp:
        return stamp(header, text, record.get("CALENDAR ZONE"), self.zones)


def _table(source: Source) -> Sheet:
    """The calendar's entries as rows: one column a property that is looked at, the row number the entry's place."""
    entries, zone = _entries(source)
    _leave_out_moved(entries)
    rows = [(number, _row(entry, zone)) for number, entry in enumerate(entries, start=1)]
    return Sheet("", (*KEPT, *PEOPLE), "", lambda: iter(rows))


def _entries(source: Source) -> tuple[list[dict[str, list[Property]]], str | None]:
    """Every VEVENT's properties by name, and the calendar's own time zone."""
    entries: list[dict[str, list[Property]]] = []
    inside: list[str] = []
    zone = None
    for line in re.split(r"\r?\n", _unfolded(source)):
        name, parameters, value = _property(line)
        if name == "BEGIN":
            inside.append(value.strip().upper())
            if inside[-1] == "VEVENT":
                entries.append(defaultdict(list))
        elif name == "END":
            inside = inside[:-1]
        elif inside and inside[-1] == "VEVENT":
            entries[-1][name].append((parameters, value))
        elif name == "X-WR-TIMEZONE":
            zone = value.strip()
    if not entries:
        raise IntakeError(f"{source.path} is a calendar without entries; export the calendar the meetings stand in")
    return entries, zone


def _unfolded(source: Source) -> str:
    """The calendar's text with its long lines put together again."""
    # a long line is folded at its bytes, even inside a character, so it is put together before it is decoded
    data = source.data if source.encoding.startswith("utf-16") else re.sub(rb"\r?\n[ \t]", b"", source.data)
    return re.sub(r"\r?\n[ \t]", "", replace(source, data=data).text)


def _property(line: str) -> tuple[str, dict[str, str], str]:
    found = PROPERTY.fullmatch(line)
    if found is None:
        return "", {}, ""
    parameters = {name.upper(): value.strip('"') for name, value in PARAMETER.findall(found[2])}
    return found[1].upper(), parameters, found[3]


def _leave_out_moved(entries: Sequence[dict[str, list[Property]]]) -> None:
    """Take the time a moved or cancelled meeting was planned for out of the repetition it belongs to."""
    moved: dict[str, list[Property]] = defaultdict(list)
    for entry in entries:
        for identity in entry.get("UID", ())[:1] if entry.get("RECURRENCE-ID") else ():
            moved[identity[1]] += entry["RECURRENCE-ID"]
    for entry in entries:
        if entry.get("UID") and not entry.get("RECURRENCE-ID"):
            entry["EXDATE"] += moved.get(entry["UID"][0][1], [])


def _row(entry: Entry, zone: str | None) -> list[Any]:
    cells: dict[str, Any] = {name: entry[name][0][1] for name in KEPT if entry.get(name)}
    # a second rule is not allowed by the standard; both together are refused as none
    cells["RRULE"] = " and ".join(value for _, value in entry.get("RRULE", ()))
    for name in TIMES:
        if entry.get(name):
            cells[name] = "; ".join(_with_zone(parameters, value) for parameters, value in entry[name])
    for name in PEOPLE:
        cells[name] = "\n".join(dict.fromkeys(person for found in entry.get(name, ()) for person in _person(*found)))
    cells["CALENDAR ZONE"] = zone
    return [cells.get(name) or None for name in (*KEPT, *PEOPLE)]


def _with_zone(parameters: Mapping[str, str], value: str) -> str:
    """A list of times in one property as single ones, each with the zone the property names."""
    zone = f"TZID={parameters['TZID']}:" if parameters.get("TZID") else ""
    zone = "RANGE=" + zone if "RANGE" in parameters else zone
    return "; ".join(zone + time.strip() for time in value.split(","))


def _person(parameters: Mapping[str, str], value: str) -> Iterator[str]:
    if parameters.get("CUTYPE", "").upper() in THINGS:
        return
    yield from (text for text in (parameters.get("CN", "").strip(), re.sub("(?i)^mailto:", "", value.strip())) if text)


def _name_words(name: str) -> list[str]:
    """The words of a full name or of an address such as anna.berg@example.com; a mailbox such as sales@ has none."""
    words = re.findall(r"[^\W_]+", name.partition("@")[0])
    return words if "@" not in name or len(words) > 1 else []


def _attendance(sheet: Sheet) -> tuple[int, int]:
    """How many invitations the entries hold, and how many entries have any."""
    place = sheet.header.index("ATTENDEE") if "ATTENDEE" in sheet.header else len(sheet.header)
    lists = [str(cells[place]).split("\n") for _, cells in sheet.rows() if place < len(cells) and cells[place]]
    invited = [sum("@" in name for name in names) or len(names) for names in lists]
    return sum(invited), len(invited)


def _window(source: Source, sheet: Sheet, zones: Zones, until: dt.datetime | None) -> tuple[dt.datetime, dt.datetime]:
    """From the first entry to when the file was written (its last DTSTAMP, today without one), two years at most.

    Entries that come back corrected are counted `until` the same instant as those of the file they come from.
    """
    at = {plain(header): place for place, header in enumerate(sheet.header)}
    found: dict[str, list[dt.datetime]] = {"dtstamp": [], "dtstart": []}
    for _, cells in sheet.rows():
        told = {header: str(cells[place]) for header, place in at.items() if place < len(cells) and cells[place]}
        for header, moments in found.items():
            moments.extend(_readable(told.get(header, ""), told.get("calendar zone"), zones))
    written, starts = found.values()
    now = dt.datetime.now(dt.UTC)
    last = until or (min(max(written), now) if written else now)
    past = [start for start in starts if start <= last]
    if starts and not past:
        raise IntakeError(f"{source.path} holds no entry that has taken place yet; export it again later")
    return max(min(past, default=last), last - dt.timedelta(days=LONGEST_DAYS)), last


def _readable(text: str, zone: str | None, zones: Zones) -> list[dt.datetime]:
    """The instant a cell tells where it can be read; what is wrong with the others is said entry by entry."""
    try:
        return [stamp("", text, zone, zones).moment]
    except Bad:
        return []


def _listed(record: Record, header: str) -> list[str]:
    return [part.strip() for cell in record.all(header) for part in cell.split(";") if part.strip()]


def _text(value: str) -> str:
    """A property's text without its escapes, on one line."""
    plain_text = ESCAPED.sub(lambda found: " " if found[1] in "nN" else found[1], value)
    return " ".join(plain_text.split()) or UNTITLED


FORMATS = (
    Calendar(
        "calendar",
        "calendar (ICS)",
        EVENTS,
        headers=("SUMMARY", "DTSTART", "DTSTAMP"),
        persons=PEOPLE,
        keeps=KEPT,
        texts=("SUMMARY",),
    ),
)
