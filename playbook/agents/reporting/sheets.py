"""The report's tables as they are shown: every cell a text with its unit, so that a sentence can be held against it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.report import look

if TYPE_CHECKING:
    from collections.abc import Mapping

EMPTY = "\N{EN DASH}"
POINTS = "percentage points"
NAME_MARKS = ("“", "”")  # names come from outside: the quotation marks say where one begins and ends


@dataclass(frozen=True)
class Cell:
    """A cell: `text` as the table shows it, `unit` said after it in a sentence, `value` as computed (for the CSV)."""

    text: str
    unit: str = ""
    value: Any = None
    quoted: bool = False

    @property
    def said(self) -> str:
        """The cell in a sentence: with its unit, a name from outside in quotation marks."""
        if self.quoted:
            inner = self.text.replace("“", "'").replace("”", "'")
            return f"{NAME_MARKS[0]}{inner}{NAME_MARKS[1]}"
        return f"{self.text}\N{NO-BREAK SPACE}{self.unit}" if self.unit else self.text


@dataclass(frozen=True)
class Sheet:
    """A table as shown: titles by column, rows by id, each row a cell a column; `hidden` columns are not drawn."""

    name: str
    title: str
    columns: Mapping[str, str]
    rows: Mapping[str, Mapping[str, Cell]]
    note: str = ""
    hidden: frozenset[str] = field(default_factory=frozenset)

    def frame(self) -> pd.DataFrame:
        """The table with its values as computed, a column a title; for a CSV."""
        titles = {key: title for key, title in self.columns.items() if key not in self.hidden}
        rows = [[_plain(row[key]) for key in titles] for row in self.rows.values()]
        return pd.DataFrame(rows, columns=list(titles.values()))


Sheets = dict[str, Sheet]


def number(value: float, decimals: int, unit: str = "", *, signed: bool = False) -> Cell:
    """A number as a cell; an unknown one is a dash. With `signed` a rise carries its plus."""
    if value is None or not math.isfinite(value):
        return Cell(EMPTY)
    text = look.number(value, decimals)
    if signed and not text.startswith("\N{MINUS SIGN}") and text.strip("0.,"):
        text = f"+{text}"
    return Cell(text, unit, round(float(value), 12))


def words(text: str) -> Cell:
    """Words of the kit as a cell."""
    return Cell(text, value=text)


def name(text: str) -> Cell:
    """A name from outside as a cell."""
    return Cell(text, value=text, quoted=True)


def day(value: Any) -> Cell:
    """A day as a cell: 2 Nov 2026."""
    moment = pd.Timestamp(value)
    return Cell(EMPTY) if pd.isna(moment) else Cell(look.day(moment), value=f"{moment:%Y-%m-%d}")


def direction(change: float, decimals: int) -> str:
    """How a figure moved, in the decimals that are shown."""
    if not math.isfinite(change):
        return "was not compared"
    shown = round(change, decimals)
    return "rose" if shown > 0 else "fell" if shown < 0 else "stayed as it was"


def _plain(cell: Cell) -> Any:
    return "" if cell.value is None else cell.value
