"""What a file's table looks like to every reader: a header and numbered rows, with cells that may be spoilt."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from playbook.errors import IntakeError
from playbook.io.intake._rules import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

MEGABYTE = 1_000_000
SHEET_LIMIT = 50 * MEGABYTE
EVENT_LOG_LIMIT = 150 * MEGABYTE
# rows that titles, periods and comments may take above a tool's header
PREAMBLE = 40


@dataclass(frozen=True)
class Spoilt:
    """A cell that cannot be read as a value: what stands there and what may stand there instead."""

    found: str
    wanted: str


@dataclass(frozen=True)
class Sheet:
    """One table of a file: a header and rows.

    `name` is the worksheet's name, empty for a text file; `delimiter` is empty for a workbook. Rows carry the number
    a reader knows them by: in a workbook the sheet's row, in a text file the record counted from the header as 1
    (a cell with line breaks inside is one record, as spreadsheet programs show it). Wholly empty rows are passed over.
    """

    name: str
    header: tuple[str, ...]
    delimiter: str
    cells: Callable[[], Iterator[tuple[int, list[Any]]]]

    def rows(self) -> Iterator[tuple[int, list[Any]]]:
        """Every row below the header that holds something."""
        for number, row in self.cells():
            if any(not is_blank(cell) for cell in row):
                yield number, row

    def names(self, headers: Sequence[str]) -> bool:
        """Whether the header has all of these names, in whatever case and spacing."""
        return {plain(header) for header in headers} <= {plain(header) for header in self.header}

    def headed(self, headers: Sequence[str]) -> Sheet | None:
        """The table whose header has all these names: this one, or the one that begins below a preamble; else None."""
        if self.names(headers):
            return self
        for number, row in self.top:
            below = replace(self, header=tuple("" if is_blank(cell) else str(cell).strip() for cell in row))
            if below.names(headers):
                return replace(below, cells=partial(self._after, number, len(row)))
        return None

    @cached_property
    def top(self) -> list[tuple[int, list[Any]]]:
        """The first rows, read once: where a tool's header may stand below a preamble."""
        found = []
        # a row that cannot be read ends the search: whoever reads the file will say what is wrong with it
        with contextlib.suppress(IntakeError):
            for number, row in islice(self.cells(), PREAMBLE):
                found.append((number, row))
        return found

    def _after(self, start: int, width: int) -> Iterator[tuple[int, list[Any]]]:
        for number, row in self.rows():
            if number > start:
                # a workbook's rows end at their last filled cell, a text file's must be as wide as written
                yield number, row if self.delimiter else row + [None] * (width - len(row))


def is_blank(cell: object) -> bool:
    """Whether a cell holds nothing."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def text_of(cell: Any) -> str:
    """The cell as text; a spreadsheet's 12.0 is the ticket 12."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()


def refuse_larger(path: Path, size: int, limit: int, what: str) -> None:
    """Raise IntakeError for a file beyond the limit, with what to do about it."""
    if size > limit:
        raise IntakeError(
            f"{path} holds {size / MEGABYTE:,.0f} MB; {what} may hold {limit // MEGABYTE} MB. "
            "Export a shorter period or only the columns needed, and import the parts one by one"
        )
