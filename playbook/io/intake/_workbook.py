"""Reads the sheets of an Excel workbook; formulas, error values and merged cells are marked, never guessed."""

from __future__ import annotations

import datetime as dt
import io
import re
import warnings
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playbook.errors import IntakeError
from playbook.io.intake._sheet import MEGABYTE, SHEET_LIMIT, Sheet, Spoilt, is_blank, refuse_larger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# a small archive can unfold into gigabytes; this is what its parts may hold together
UNFOLDED_LIMIT = 200 * MEGABYTE
LAST_ROW = 1_048_576
MERGED = re.compile(rb'<(?:\w+:)?mergeCell [^>]*?ref="([A-Z]{1,3}[0-9]{1,7}:[A-Z]{1,3}[0-9]{1,7})"')


@dataclass(frozen=True)
class _Span:
    """A merged range: its first and last row and column, counted from 1."""

    top: int
    bottom: int
    left: int
    right: int
    spoilt: Spoilt


def sheets_of(path: Path, data: bytes) -> tuple[Sheet, ...]:
    """Every worksheet that holds a header. Raises IntakeError for a file that is no readable workbook."""
    import openpyxl  # noqa: PLC0415 - a quarter of a second that only workbooks pay

    refuse_larger(path, len(data), SHEET_LIMIT, "workbooks")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            refuse_larger(
                path, sum(part.file_size for part in archive.infolist()), UNFOLDED_LIMIT, "unpacked workbooks"
            )
        # read-only streams the rows: one stray formatted cell in the last row does not build a million empty ones
        with warnings.catch_warnings():
            # openpyxl warns of styles and extensions it drops; only cells are read here
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
        pages = [(page, _merged(data, vars(page)["_worksheet_path"])) for page in book.worksheets]
    except IntakeError:
        raise
    except Exception as error:
        raise _unreadable(path) from error
    found = tuple(sheet for page, merged in pages if (sheet := _sheet(path, page, merged)) is not None)
    if not found:
        raise IntakeError(f"{path} is empty: no sheet has a row; fill one and import it again")
    return found


def _unreadable(path: Path) -> IntakeError:
    return IntakeError(
        f"{path} is not a workbook that can be read; open it in a spreadsheet program and save it as .xlsx or CSV"
    )


def _sheet(path: Path, page: Any, merged: list[_Span]) -> Sheet | None:
    rows = _lines(path, page, merged)
    first = next(((number, row) for number, row in rows if any(not is_blank(cell) for cell in row)), None)
    if first is None:
        return None
    start, head = first
    while head and is_blank(head[-1]):
        head.pop()
    width = len(head)

    def below() -> Iterator[tuple[int, list[Any]]]:
        for number, row in _lines(path, page, merged):
            if number > start:
                while len(row) > width and is_blank(row[-1]):
                    row.pop()
                yield number, row + [None] * (width - len(row))

    return Sheet(page.title, tuple(_title(cell) for cell in head), "", below)


def _lines(path: Path, page: Any, merged: list[_Span]) -> Iterator[tuple[int, list[Any]]]:
    """The sheet's rows with their numbers; whatever a damaged part raises becomes one clear error."""
    waiting, active, number = list(reversed(merged)), list[_Span](), 0
    try:
        page.reset_dimensions()
        for number, line in enumerate(page.iter_rows(), start=1):
            if number > LAST_ROW:
                break
            while waiting and waiting[-1].top <= number:
                active.append(waiting.pop())
            active = [span for span in active if span.bottom >= number]
            yield number, [_value(cell, place, active) for place, cell in enumerate(line, start=1)]
    except Exception as error:
        raise _unreadable(path) from error


def _title(cell: Any) -> str:
    """A header cell as text; a spoilt one keeps its complaint so that no column can match it."""
    if isinstance(cell, Spoilt):
        return f"({cell.found})"
    return "" if cell is None else str(cell).strip()


def _merged(data: bytes, part: str) -> list[_Span]:
    from openpyxl.utils import range_boundaries  # noqa: PLC0415 - loaded with openpyxl above

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        found = MERGED.findall(archive.read(part.lstrip("/")))
    spans = []
    for text in dict.fromkeys(item.decode("ascii") for item in found):
        left, top, right, bottom = (int(edge or 0) for edge in range_boundaries(text))
        spoilt = Spoilt(f"merged cells {text}", "a value in each cell; unmerge them and fill each")
        spans.append(_Span(top, bottom, left, right, spoilt))
    return sorted(spans, key=lambda span: span.top)


def _value(cell: Any, place: int, merged: list[_Span]) -> Any:
    for span in merged:
        if span.left <= place <= span.right:
            return span.spoilt
    value = cell.value
    if cell.data_type == "f":
        text = value if isinstance(value, str) else getattr(value, "text", None) or "in this cell"
        return Spoilt(f"the formula {text}", "its value: copy the cell and paste it as a value")
    if cell.data_type == "e":
        return Spoilt(f"the error {value}", "a value in place of the error")
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    return str(value) if value is not None and not isinstance(value, str | int | float | bool) else value
