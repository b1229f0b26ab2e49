"""One record of a file while it is read: its cells asked by header, and the verdict on one that cannot be used."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from playbook.io.intake._cells import day, moment, wanted_day
from playbook.io.intake._rules import plain
from playbook.io.intake._sheet import Sheet, Spoilt, is_blank, text_of

if TYPE_CHECKING:
    import datetime as dt

    from playbook.io.intake._format import Options

# an id that a spreadsheet program took for a number and wrote its way
SHORTENED = re.compile(r"\d(?:[.,]\d+)?E\+\d+", re.IGNORECASE)
# numbers of more than 15 digits lose the others in a workbook
EXACT = 10**15
ANOTHER = "another value: this one cannot be used here"


class Bad(Exception):  # noqa: N818 - a verdict on one record, caught by `Export.read` and never seen outside
    """One record that cannot be used: the file's column, what stood there and what may stand there instead.

    `wanted` is never empty: a refused row without it could not be kept, and the whole file would be lost over it.
    """

    def __init__(self, column: str, found: str, wanted: str) -> None:
        wanted = wanted.strip() or ANOTHER
        super().__init__(column, found, wanted)
        self.column, self.found, self.wanted = column, found, wanted


class Record:
    """One record of a file, asked by header; `number` is the row a spreadsheet program shows it in.

    Headers are compared as everywhere: case, runs of spaces, hyphens and underscores do not matter.
    """

    def __init__(self, number: int, cells: Sequence[Any], sheet: Sheet, tally: Counter[str]) -> None:
        self.number, self.header = number, sheet.header
        self._cells, self._places, self._tally = cells, places_of(sheet.header), tally
        self._assumed: set[str] = set()

    def all(self, header: str) -> list[str]:
        """Every filled cell under this header, which may stand over several columns."""
        cells = [self._cells[place] for place in self._places.get(plain(header), ()) if place < len(self._cells)]
        for cell in cells:
            if isinstance(cell, Spoilt):
                raise Bad(header, cell.found, cell.wanted)
        return [sound(text_of(cell)) for cell in cells if not is_blank(cell)]

    def get(self, header: str) -> str | None:
        """The first filled cell under this header, or None."""
        return next(iter(self.all(header)), None)

    def figure(self, header: str) -> float | None:
        """The first filled cell under this header where a workbook holds it as a number, else None."""
        cells = (self._cells[place] for place in self._places.get(plain(header), ()) if place < len(self._cells))
        first = next((cell for cell in cells if not is_blank(cell)), None)
        return float(first) if isinstance(first, int | float) and not isinstance(first, bool) else None

    def needed(self, header: str) -> str:
        """The first filled cell under this header. Raises Bad when there is none."""
        text = self.get(header)
        if text is None:
            raise Bad(header, "nothing", "a filled cell")
        return text

    def identity(self, header: str) -> str:
        """The filled cell as an id. Raises Bad for none, and for a number that a spreadsheet program has shortened."""
        text, figure = self.needed(header), self.figure(header)
        if SHORTENED.fullmatch(text) or (figure is not None and abs(figure) >= EXACT):
            raise Bad(header, repr(text), "the id as the tool wrote it; a spreadsheet program has shortened it")
        return text

    def moment(self, header: str, options: Options) -> dt.datetime | None:
        """The cell as an instant in UTC, None when empty. Raises Bad for what is no instant or could be two."""
        text = self.get(header)
        return None if text is None else self.moment_of(header, text, options)

    def moment_of(self, header: str, text: str, options: Options) -> dt.datetime:
        """A text of this header as an instant in UTC, for readers that put it together from several cells."""
        read = moment(text, options.clock)
        if read.value is None:
            raise Bad(header, repr(text), read.wanted)
        if read.without_zone:
            zone = options.clock.timezone or "UTC, as no time zone was given"
            self.assume(f"with times that carry no zone, taken as {zone}")
        if read.without_time:
            self.assume("with days without a time, taken as midnight")
        return read.value

    def day(self, header: str, options: Options) -> str:
        """The filled cell as a day, YYYY-MM-DD. Raises Bad for none, for what is no day alone or could be two."""
        text = self.needed(header)
        read = day(text, dayfirst=options.clock.dayfirst)
        if read is None:
            raise Bad(header, repr(text), wanted_day(text, options.clock))
        return read

    def assume(self, words: str) -> None:
        """Count this record among those read under an assumption, which the summary then tells."""
        self._tally[words] += words not in self._assumed
        self._assumed.add(words)


@lru_cache(maxsize=64)
def places_of(header: tuple[str, ...]) -> dict[str, list[int]]:
    """Where each header stands, by its plain form; a repeated one in several places."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(header):
        places.setdefault(plain(name), []).append(place)
    return places


def sound(text: str) -> str:
    """The text without what no database keeps: half characters and NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")
