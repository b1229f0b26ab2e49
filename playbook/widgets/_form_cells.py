"""Between a form's fields and a table's cells: what a field asks, and what was typed as a value or a named fault."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.errors import Fault
from playbook.io.intake._cells import day, has_decimal_comma, number
from playbook.tables import sift

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from playbook.tables import Column, Table

LONG_TEXT = 500  # characters from which a text gets a box of several lines
YES_NO = ((True, "yes"), (False, "no"))
Cells = dict[str, Any]
Texts = dict[str, str]


def text_of(column: Column, value: Any) -> str:
    """A cell as the form shows it: nothing as an empty text, a day as YYYY-MM-DD, a switch as yes or no."""
    if pd.isna(value):
        return ""
    if column.kind is bool:
        return "yes" if value else "no"
    if column.kind is dt.date:
        return f"{value:%Y-%m-%d}"
    if column.kind is float:
        return f"{float(value):.15g}"
    return str(value)


def texts_of(table: Table, row: Mapping[Any, Any], names: Iterable[str] = ()) -> Texts:
    """The row's cells as texts, of the named columns or of all but persons'."""
    wanted = names or [name for name, column in table.columns.items() if not column.person]
    return {name: text_of(table.columns[name], row[name]) for name in wanted}


def field(
    column: Column, *, label: str = "", choices: Sequence[tuple[str, str]] = (), suggestions: Sequence[str] = ()
) -> dict[str, Any]:
    """What the browser needs to ask for one cell, all of it from the data dictionary.

    `choices` are values with their words where the dictionary's own say too little; `suggestions` help to type and
    bind nobody.
    """
    offered = list(choices) or [(str(choice), str(choice)) for choice in column.choices]
    if column.kind is bool:
        offered = [(word, word) for _, word in YES_NO]
    may_be_empty = not column.required and column.default is None
    return {
        "name": column.name,
        "label": label or column.name.replace("_", " ").capitalize(),
        "kind": _kind(column, offered),
        "help": column.meaning,
        "unit": column.unit,
        "wanted": column.wanted,
        "most": column.max_length,
        "required": column.required,
        "empty": may_be_empty or column.required,
        "default": text_of(column, column.default),
        "choices": [{"value": value, "label": words} for value, words in offered],
        "suggestions": list(suggestions),
    }


def _kind(column: Column, offered: Sequence[Any]) -> str:
    if offered:
        return "choice"
    if column.kind in (int, float):
        return "number"
    if column.kind is dt.date:
        return "date"
    return "long" if column.kind is str and (column.max_length or 0) >= LONG_TEXT else "text"


def read(table: Table, texts: Mapping[str, str]) -> tuple[Cells, list[Fault]]:
    """What was typed as values by column, and a fault for every cell that cannot be one; nothing is evaluated.

    A comma is a decimal mark where it can mean nothing else (`7,5`); `1,234` could be thousands and is refused. A
    column the table does not have, or a person's, is a fault.
    """
    cells: Cells = {}
    faults: list[Fault] = []
    for name, text in texts.items():
        column = table.columns.get(name)
        if column is None or column.person:
            faults.append(Fault(None, name, "not a field of this form", "one of its fields"))
            continue
        value = _value(column, str(text).strip())
        if isinstance(value, Fault):
            faults.append(value)
        else:
            cells[name] = value
    return cells, [*faults, *_refused(table, cells)]


def _value(column: Column, text: str) -> Any:
    """The text as the column's kind, a Fault when it cannot be read so, None when it is empty."""
    if not text:
        return None
    value: Any = text
    if column.kind in (int, float) and not column.choices:
        value = number(text, comma_is_decimal=has_decimal_comma(text))
        value = int(value) if value is not None and column.kind is int and value.is_integer() else value
    elif column.kind is dt.date:
        iso = day(text, dayfirst=None)
        value = dt.date.fromisoformat(iso) if iso else None
    elif column.kind is bool:
        value = next((switch for switch, word in YES_NO if word == text.casefold()), None)
    return Fault(None, column.name, repr(text)[:200], column.wanted) if value is None else value


def _refused(table: Table, cells: Mapping[str, Any]) -> list[Fault]:
    """The faults the data dictionary finds in these cells, whatever the other columns of the row hold."""
    _, faults = sift(table, pd.DataFrame([cells], columns=list(table.columns), dtype=object))
    return [Fault(None, fault.column, fault.found, fault.wanted) for fault in faults if fault.column in cells]
