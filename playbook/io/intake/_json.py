"""JSON as a team's files have it: one object a line, read as a sheet, or a whole document for the reader of one tool."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from playbook.io.intake._sheet import Sheet, Spoilt

if TYPE_CHECKING:
    from collections.abc import Iterator

# longer whole numbers are ids and stay text, so that no digit of them is lost
LONGEST_NUMBER = 15
WANTED_LINE = "one JSON object a line"


def document(text: str) -> Any:
    """The whole text as one JSON value, or None where it is none."""
    try:
        return json.loads(text, parse_int=_whole, parse_float=_number, parse_constant=str)
    except (ValueError, RecursionError):
        return None


def lines_sheet(text: str) -> Sheet | None:
    """JSON lines as a sheet: a column for each name in the order they first come; None when the text is no such thing.

    A row is numbered by its line. A line that is no object is a row of spoilt cells, so that it is refused with the
    reason and counted. A list or an object inside a line is a spoilt cell.
    """
    first = document(next(_filled(text))[1])
    if not isinstance(first, dict) or (_is_nested(first) and len(list(_filled(text))) == 1):
        return None
    header: dict[str, None] = {}
    for _, line in _filled(text):
        found = document(line)
        header.update(dict.fromkeys(found if isinstance(found, dict) else ()))

    def rows() -> Iterator[tuple[int, list[Any]]]:
        for number, line in _filled(text):
            found = document(line)
            if isinstance(found, dict):
                yield number, [_cell(found.get(name)) for name in header]
            else:
                yield number, [Spoilt(line[:80].strip(), WANTED_LINE)] * len(header)

    return Sheet("", tuple(name.strip() for name in header), "", rows) if header else None


def _filled(text: str) -> Iterator[tuple[int, str]]:
    start, number = 0, 0
    # only a line feed ends a line: other marks that Python splits at may stand inside a JSON text
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        number += 1
        line = text[start:end].strip("\ufeff \t\r")
        if line:
            yield number, line
        start = end + 1


def _is_nested(found: dict[str, Any]) -> bool:
    return any(isinstance(value, dict | list) for value in found.values())


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        return Spoilt("a list or an object", "one value")
    return str(value).lower() if isinstance(value, bool) else value


def _whole(text: str) -> int | str:
    return int(text) if len(text) <= LONGEST_NUMBER else text


def _number(text: str) -> float | str:
    return value if math.isfinite(value := float(text)) else text
