"""The time zones a calendar names: by region and city, as the file describes them itself, or as Windows calls them."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from types import MappingProxyType
from zoneinfo import ZoneInfo

from dateutil import tz

from playbook.io import content
from playbook.io.intake._record import Bad
from playbook.tables import Sourced

FILE = "assessments/intake/windows_zones.yaml"
WANTED_ZONE = (
    "a time zone by region and city (Europe/Berlin), by its Windows name, or one the file describes (VTIMEZONE); "
    "export the calendar again with its time zones, or write the times of this row in UTC"
)
LONGEST_NAME = 80
# what may stand in a description: anything else could keep its reader busy for ever
OFFSET = r"[+-](0\d|1[0-4])[0-5]\d([0-5]\d)?"
LINES = {
    "BEGIN": "VTIMEZONE|STANDARD|DAYLIGHT",
    "END": "VTIMEZONE|STANDARD|DAYLIGHT",
    "TZID": r".{1,200}",
    "DTSTART": r"\d{8}T\d{6}",
    "RDATE": r"\d{8}T\d{6}(,\d{8}T\d{6})*",
    "RRULE": r"FREQ=YEARLY(;(BYMONTH=\d{1,2}|BYDAY=[+-]?\d?(MO|TU|WE|TH|FR|SA|SU)|BYMONTHDAY=-?\d{1,2}(,-?\d{1,2}){0,6}"
    r"|BYSETPOS=-?[1-5]|INTERVAL=1|WKST=(MO|SU)|UNTIL=\d{8}T\d{6}Z?|COUNT=\d{1,4}))*",
    "TZOFFSETFROM": OFFSET,
    "TZOFFSETTO": OFFSET,
}
TRIED = dt.datetime(2026, 1, 15), dt.datetime(2026, 7, 15)  # noqa: DTZ001 - the zone is what is tried


class WindowsZones(Sourced):
    """The zone of region and city that each of Windows' names means."""

    zones: dict[str, str]


@dataclass(frozen=True)
class Zones:
    """The zones of one calendar: those it describes by the name it gives them, and the one `said` for times without."""

    said: str | None = None
    described: Mapping[str, dt.tzinfo] = field(default_factory=lambda: MappingProxyType({}))

    def named(self, header: str, name: str) -> dt.tzinfo:
        """The zone a time of the file names. Raises Bad for one that nobody knows."""
        zone = known_zone(name) or self.described.get(name.casefold()) or _windows(name)
        if zone is None:
            # a zone's name is no text of anybody's: it is said, and only the persons in it are taken out
            raise Bad(header, f"the time zone {name[:LONGEST_NAME]}", WANTED_ZONE)
        return zone

    def floating(self, header: str, calendar_zone: str | None) -> dt.tzinfo:
        """The zone of times that name none: the one said, else the calendar's own, else UTC. Raises Bad."""
        return self.named(header, self.said or calendar_zone or "UTC")


@lru_cache(maxsize=1000)
def known_zone(name: str) -> dt.tzinfo | None:
    """The zone of this region and city, None when there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def windows_zones() -> Mapping[str, str]:
    """The zone of region and city by Windows' name, in small letters."""
    return _by_name()


@cache
def _by_name() -> Mapping[str, str]:
    known = content.read(content.find(FILE), WindowsZones).zones
    return MappingProxyType({name.casefold(): zone for name, zone in known.items()})


def _windows(name: str) -> dt.tzinfo | None:
    zone = _by_name().get(name.strip().casefold())
    return None if zone is None else known_zone(zone)


def described(text: str) -> dict[str, dt.tzinfo]:
    """The zones a calendar describes (VTIMEZONE), by name in small letters; one that cannot be read is left out."""
    found, block = dict[str, dt.tzinfo](), list[str]()
    for line in map(str.strip, text.splitlines()):
        mark = line.upper()
        if mark == "BEGIN:VTIMEZONE":
            block = [line]
        elif block:
            block.append(line)
        if mark == "END:VTIMEZONE" and block:
            name, zone = _described(block)
            found |= {} if zone is None else {name.casefold(): zone}
            block = []
    return found


def _described(lines: Sequence[str]) -> tuple[str, dt.tzinfo | None]:
    told = [(head.partition(";")[0].upper(), value) for head, _, value in (line.partition(":") for line in lines)]
    kept = [(name, value) for name, value in told if name in LINES]
    name = next((value for name, value in kept if name == "TZID"), "")
    if not all(
        re.fullmatch(LINES[name], value, re.IGNORECASE | re.ASCII if name != "TZID" else 0) for name, value in kept
    ):
        return name, None
    try:
        zone = tz.tzical(io.StringIO("\n".join(f"{name}:{value}" for name, value in kept))).get(name)
        sound = zone is not None and all(zone.utcoffset(moment) is not None for moment in TRIED)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError):
        return name, None
    return name, zone if sound else None
