"""Reads the factor cells of a tasks table: a number, not rated, or not applicable; anything else is refused."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from playbook.errors import Fault, TableError
from playbook.spectrum.model import HIGHEST, LOWEST, fold
from playbook.tables import FACTORS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from playbook.spectrum.model import Model

NOT_APPLICABLE = {"n/a", "na", "n.a.", "not applicable"}
WANTED = "points from 1 to 5, n/a, or nothing"


@dataclass(frozen=True)
class Ratings:
    """What is known of each task, one row a task and one column a factor in the order of FACTORS.

    `rated` are the team's own ratings (nan: none), `excluded` marks factors that do not apply, `set_aside` those
    that were rated as well, `usual` the catalogue's ratings (nan: function not in the catalogue), `function` the
    catalogue's name for the task's function, `said` what the sheet called it.
    """

    rated: NDArray[np.float64]
    excluded: NDArray[np.bool_]
    set_aside: NDArray[np.bool_]
    usual: NDArray[np.float64]
    function: list[str | None]
    said: list[str | None]


def read(tasks: pd.DataFrame, model: Model) -> Ratings:
    """Read every factor cell. Raises TableError naming each cell that is neither a rating nor n/a."""
    shape = (len(tasks), len(FACTORS))
    rated, marked = np.full(shape, np.nan), np.zeros(shape, dtype=bool)
    faults: list[Fault] = []
    for place, name in enumerate(FACTORS):
        if name in tasks.columns:
            rated[:, place], marked[:, place] = _cells(tasks[name], faults)
    listed = _listed(tasks, faults)
    if faults:
        raise TableError("tasks", faults)
    excluded = marked | listed
    set_aside = listed & ~np.isnan(rated)
    rated[excluded] = np.nan
    said = _texts(tasks, "function")
    usual, function = _usual(said, model)
    return Ratings(rated, excluded, set_aside, usual, function, said)


def _cells(cells: pd.Series[Any], faults: list[Fault]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    name = str(cells.name)
    if pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells):
        values = cells.to_numpy(dtype=np.float64, na_value=np.nan)
        bad = ~np.isnan(values) & ~((values >= LOWEST) & (values <= HIGHEST))
        faults += [Fault(cells.index[row], name, f"{values[row]:g}", WANTED) for row in np.flatnonzero(bad).tolist()]
        return values, np.zeros(len(cells), dtype=bool)
    values, marked = np.full(len(cells), np.nan), np.zeros(len(cells), dtype=bool)
    for row, cell in enumerate(cells.tolist()):
        text = cell.strip().casefold() if isinstance(cell, str) else None
        if text == "" or (text is None and pd.isna(cell)):
            continue
        if text in NOT_APPLICABLE:
            marked[row] = True
        elif isinstance(cell, Real) and not isinstance(cell, bool) and LOWEST <= float(cell) <= HIGHEST:
            values[row] = float(cell)
        else:
            faults.append(Fault(cells.index[row], name, repr(cell)[:200], WANTED))
    return values, marked


def _listed(tasks: pd.DataFrame, faults: list[Fault]) -> NDArray[np.bool_]:
    marked = np.zeros((len(tasks), len(FACTORS)), dtype=bool)
    for row, text in enumerate(_texts(tasks, "not_applicable")):
        for word in (text or "").split(","):
            name = "_".join(word.casefold().split())
            if name in FACTORS:
                marked[row, FACTORS.index(name)] = True
            elif name:
                wanted = "names of factors separated by commas: " + ", ".join(FACTORS)
                faults.append(Fault(tasks.index[row], "not_applicable", repr(word.strip())[:200], wanted))
    return marked


def _usual(said: list[str | None], model: Model) -> tuple[NDArray[np.float64], list[str | None]]:
    table = np.array([[row.ratings[name] for name in FACTORS] for row in model.functions]).reshape(-1, len(FACTORS))
    places = [model.positions.get(fold(text)) if text else None for text in said]
    usual = np.full((len(said), len(FACTORS)), np.nan)
    found = [row for row, place in enumerate(places) if place is not None]
    usual[found] = table[[place for place in places if place is not None]]
    return usual, [None if place is None else model.functions[place].name for place in places]


def _texts(tasks: pd.DataFrame, name: str) -> list[str | None]:
    if name not in tasks.columns:
        return [None] * len(tasks)
    return [_text(cell) for cell in tasks[name].tolist()]


def _text(cell: Any) -> str | None:
    if cell is None or cell is pd.NA or (isinstance(cell, float) and math.isnan(cell)):
        return None
    return str(cell).strip() or None
