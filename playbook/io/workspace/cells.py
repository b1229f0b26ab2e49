"""Frames into database rows and back: plain cells, JSON texts, typed columns.

A cell is what both databases hold alike: text, int, float, bool, date, a naive UTC datetime, or None.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from playbook.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from playbook.tables import Table

Cell = Any
Cells = tuple[Cell, ...]


def rows_of(frame: pd.DataFrame, kinds: Mapping[str, type]) -> list[Cells]:
    """The frame's rows as tuples of cells, one per column of `kinds`, in its order."""
    columns = [_cells(frame[name], kind) for name, kind in kinds.items()]
    return list(zip(*columns, strict=True)) if columns else []


def frame_of(rows: Sequence[Sequence[Cell]], kinds: Mapping[str, type], dtypes: Mapping[str, Any]) -> pd.DataFrame:
    """Rows of cells as a frame with these dtypes, numbered from 0."""
    columns = list(zip(*rows, strict=True)) if rows else [() for _ in kinds]
    typed = {
        name: _series(column, kind, dtypes[name]) for (name, kind), column in zip(kinds.items(), columns, strict=True)
    }
    return pd.DataFrame(typed, columns=list(kinds), index=pd.RangeIndex(len(rows)))


def kinds_of(table: Table, names: Iterable[str] = ()) -> dict[str, type]:
    """The Python type of each column of the table, or of the named ones."""
    return {name: table.columns[name].kind for name in names or table.columns}


def text_of(names: Iterable[str], row: Sequence[Cell]) -> str:
    """A row as one line of JSON, moments as 2026-11-22T09:00:00Z."""
    return json.dumps(dict(zip(names, row, strict=True)), default=_spelled, ensure_ascii=False)


def lines_of(rows: Sequence[Sequence[Cell]]) -> bytes:
    """Rows as bytes that are equal exactly when the rows are, on either database and in any process."""
    # adding 0.0 makes -0.0, which SQLite does not keep, the 0.0 it becomes there
    plain = [[cell + 0.0 if isinstance(cell, float) else cell for cell in row] for row in rows]
    return json.dumps(plain, default=_spelled, ensure_ascii=False, separators=(",", ":")).encode()


def unwritable(frame: pd.DataFrame, kinds: Mapping[str, type]) -> Iterator[Fault]:
    """A fault for each text no database keeps: one with a NUL, or with half a character (a lone surrogate)."""
    for name in (name for name, kind in kinds.items() if kind is str):
        joined = "".join(text for text in frame[name].tolist() if isinstance(text, str))
        if "\x00" in joined or _broken(joined):
            for label, text in frame[name].dropna().items():
                if "\x00" in text or _broken(text):
                    yield Fault(label, name, repr(text)[:200], "text without NUL and broken characters")  # type: ignore[arg-type]


def _cells(series: pd.Series[Any], kind: type) -> list[Cell]:
    if kind is dt.datetime:
        moments = series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
        return list(moments.astype("datetime64[us]").tolist())
    if kind is dt.date:
        return list(series.to_numpy().astype("datetime64[D]").tolist())
    cells = series.tolist()
    missing = series.isna().to_numpy()
    if not missing.any():
        return cells
    return [None if gone else cell for cell, gone in zip(cells, missing, strict=True)]


def _series(column: Sequence[Cell], kind: type, dtype: Any) -> pd.Series[Any]:
    cells: pd.Series[Any]
    if kind is dt.datetime:
        cells = pd.Series(np.array(column, dtype="datetime64[us]")).dt.tz_localize("UTC").astype(dtype)
    elif kind is dt.date:
        cells = pd.Series(np.array(column, dtype="datetime64[D]").astype("datetime64[us]")).astype(dtype)
    else:
        cells = pd.Series(list(column), dtype=dtype)
    return cells


def _spelled(cell: Cell) -> str:
    if isinstance(cell, dt.datetime):
        return cell.isoformat() + "Z"
    if isinstance(cell, dt.date):
        return cell.isoformat()
    raise TypeError(f"a cell of a workspace is never {type(cell).__name__}")


def _broken(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
