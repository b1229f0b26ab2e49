"""How a file was read where its cells alone do not say: kept with the import, so that its refused rows are read alike."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from playbook.io.intake._cells import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator

MARKS = {",": "a decimal comma", ".": "a decimal point"}
UNSHOWN = "no number of their file shows its decimal mark"


@dataclass(frozen=True)
class How:
    """What was said of a file, and what the whole of it showed.

    `timezone` is for times without one (None: UTC), `dayfirst` says whether 3/4/2026 is 3 April (None: not known),
    `decimal` is the mark of its numbers (empty: none of them shows it; None: they are not read by a mark of the file),
    `until` the instant up to which a calendar's meetings are counted. `lacks` are the columns of its format that it
    does not have, as a tool's row means something else where a column is empty than where there is none.
    """

    timezone: str | None = None
    dayfirst: bool | None = None
    decimal: str | None = None
    until: dt.datetime | None = None
    lacks: tuple[str, ...] = ()

    @classmethod
    def of(cls, clock: Clock, *, decimal: str | None = None, until: dt.datetime | None = None) -> How:
        """What a reading by this clock is kept as."""
        return cls(clock.timezone, clock.dayfirst, decimal, until)

    @property
    def clock(self) -> Clock:
        """The clock its times and days are read by."""
        return Clock(self.timezone, self.dayfirst)

    def as_text(self) -> str | None:
        """All of it as JSON, as an import keeps it; None when there is nothing to keep."""
        until = None if self.until is None else self.until.isoformat()
        said = {"timezone": self.timezone, "dayfirst": self.dayfirst, "decimal": self.decimal, "until": until}
        known: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
        known |= {"lacks": list(self.lacks)} if self.lacks else {}
        return json.dumps(known, sort_keys=True, ensure_ascii=False) if known else None

    @classmethod
    def from_text(cls, text: str) -> How:
        """What an import keeps; nothing is known of one without it."""
        said = json.loads(text) if text else {}
        until, lacks = said.pop("until", None), tuple(said.pop("lacks", ()))
        return cls(**said, until=None if until is None else dt.datetime.fromisoformat(until), lacks=lacks)

    def said(self, clock: Clock) -> tuple[How, tuple[str, ...]]:
        """What is said now over what is known, and a note of each thing that was known otherwise."""
        now = replace(
            self,
            timezone=clock.timezone or self.timezone,
            dayfirst=self.dayfirst if clock.dayfirst is None else clock.dayfirst,
        )
        return now, tuple(self._otherwise(now))

    def words(self) -> str:
        """What a reader of the rows should know of it; nothing where their cells say all."""
        return "; ".join(self._told())

    def _told(self) -> Iterator[str]:
        if self.decimal == ",":
            yield MARKS[","]
        elif self.decimal == "":
            yield UNSHOWN
        if self.dayfirst is not None:
            yield f"the {_first(self)} first in dates"
        if self.timezone is not None:
            yield f"{self.timezone} for times without a zone"
        if self.until is not None:
            yield f"meetings counted until {self.until:%Y-%m-%d %H:%M} UTC"

    def _otherwise(self, now: How) -> Iterator[str]:
        if now.timezone != self.timezone:
            yield (
                f"times without a zone were taken as {now.timezone}, as said now; "
                f"their file was read with {self.timezone or 'UTC'}"
            )
        if self.dayfirst is not None and now.dayfirst != self.dayfirst:
            yield (
                f"dates were read with the {_first(now)} first, as said now; their file was read with the {_first(self)} first"
            )


def _first(how: How) -> str:
    return "day" if how.dayfirst else "month"
