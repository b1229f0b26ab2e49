"""What would move a task: the factors whose change gives another level, and what the next level up would take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from playbook.spectrum import ratings as sheets
from playbook.spectrum.identity import identity, levels
from playbook.spectrum.model import HIGHEST, LOWEST
from playbook.spectrum.reasons import steps_up
from playbook.spectrum.weighing import met, target_levels, weigh, weights_of
from playbook.tables import FACTORS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from playbook.spectrum.model import Factor, Model
    from playbook.spectrum.ratings import Ratings
    from playbook.spectrum.weighing import Placed

GRID = np.round(np.linspace(LOWEST, HIGHEST, 41), 1)
"""The ratings tried: tenths of a point, finer than people rate."""
OTHER_WORK = 2.0
"""Points: a change this large is no improvement of the task but another task."""
AT_ONCE = 400  # tasks whose 7 x 41 changes are in memory together

SENSITIVITY_COLUMNS: Mapping[str, str] = {
    "team": "str",
    "task_id": "str",
    "factor": "str",
    "value": "float64",
    "target_level": "Int64",
    "lower_at": "float64",
    "lower_level": "Int64",
    "higher_at": "float64",
    "higher_level": "Int64",
    "points": "float64",
}
NEXT_COLUMNS: Mapping[str, str] = {
    "team": "str",
    "task_id": "str",
    "target_level": "Int64",
    "next_level": "Int64",
    "kind": "str",
    "factor": "str",
    "value": "float64",
    "goal": "float64",
    "sentence": "str",
    "ready_level": "Int64",
    "ready_sentence": "str",
}


def sensitivity(tasks: pd.DataFrame, model: Model) -> pd.DataFrame:
    """Which factor would change the answer: one row for each factor of a placed task whose change alone gives another level.

    Columns: team, task_id, factor, value (the rating used; empty where not rated and not in the catalogue),
    target_level, lower_at and lower_level (the nearest rating, in tenths, that gives a lower level, and that level;
    empty: none does), higher_at and higher_level, points (the smaller of the two distances; empty without a value).
    Rows are in the order of `tasks`, the factor nearest to a change first. All other ratings stay as they are.

    Raises TableError as `place` does.
    """
    known = sheets.read(tasks, model)
    placed, (team, ids) = weigh(known, model), identity(tasks)
    applicable = ~known.excluded & (placed.target > 0)[:, None]
    lower, higher = _turning(known, placed, model)
    rows, places = np.nonzero(applicable & ~(np.isnan(lower.rating) & np.isnan(higher.rating)))
    away = np.fmin(abs(lower.rating - placed.used), abs(higher.rating - placed.used))[rows, places]
    frame = pd.DataFrame(
        {
            "team": team[rows],
            "task_id": ids[rows],
            "factor": np.array(FACTORS, dtype=object)[places],
            "value": placed.used[rows, places],
            "target_level": levels(placed.target[rows]),
            "lower_at": lower.rating[rows, places],
            "lower_level": levels(lower.level[rows, places]),
            "higher_at": higher.rating[rows, places],
            "higher_level": levels(higher.level[rows, places]),
            "points": np.round(away, 2),
        }
    ).astype(dict(SENSITIVITY_COLUMNS))
    order = np.lexsort((places, np.nan_to_num(away, nan=0.0), rows))
    return frame.iloc[order].reset_index(drop=True)


def next_level(tasks: pd.DataFrame, model: Model) -> pd.DataFrame:
    """What would have to change for each task to move up one level: one row a task, under the index of `tasks`.

    Columns: team, task_id, target_level, next_level (empty at the top and without a level), kind, factor, value and
    goal (the change of one factor, where one is enough), sentence, ready_level, ready_sentence (what being ready for one
    level more would take; empty where the team is ready for the target). `kind` is "one factor", "ceiling" (the
    one factor holds a veto), "several" (no single change is enough), "top" (level 5) or "not yet". What a team
    can build (rules, checks) is proposed before what it would have to split off (contact, judgment); among equals the
    smallest change comes first, and the sentence names the smallest of the others too.

    Raises TableError as `place` does.
    """
    known = sheets.read(tasks, model)
    placed, (team, ids) = weigh(known, model), identity(tasks)
    higher = _turning(known, placed, model)[1]
    steps = steps_up(known, placed, model)
    rows: list[dict[str, Any]] = [
        {"team": team[row], "task_id": ids[row]} | _next(row, placed, higher, model, steps[row])
        for row in range(len(tasks))
    ]
    frame = pd.DataFrame(rows, columns=list(NEXT_COLUMNS), index=tasks.index)
    return frame.astype(dict(NEXT_COLUMNS))


class _Side:
    """For each task and factor the nearest rating that gives another level on one side, and that level (0: none)."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.rating = np.full(shape, np.nan)
        self.level = np.zeros(shape, dtype=np.int64)


def _turning(known: Ratings, placed: Placed, model: Model) -> tuple[_Side, _Side]:
    """Where each factor alone turns the level down and up; the level is monotone in every factor, so one point each."""
    shape = placed.used.shape
    lower, higher = _Side(shape), _Side(shape)
    applicable = np.where(known.excluded, 0.0, weights_of(model))
    for start in range(0, shape[0], AT_ONCE):
        part = slice(start, start + AT_ONCE)
        for place, factor in enumerate(model.factors):
            tried = np.repeat(placed.used[part][:, None, :], len(GRID), axis=1)
            tried[:, :, place] = GRID
            weights = np.broadcast_to(applicable[part][:, None, :], tried.shape)
            flat = (-1, len(FACTORS))
            found = target_levels(tried.reshape(flat), weights.reshape(flat), model).reshape(tried.shape[:2])
            gains = np.where(known.excluded[part, place, None], placed.target[part, None], found)
            gains = gains - placed.target[part, None]
            for side, differs in ((lower, gains < 0), (higher, gains > 0)):
                # The nearest point is the last that still differs on the way from the side's far end.
                from_top = (factor.direction == "favours agents") == (side is higher)
                nearest = differs.argmax(axis=1) if from_top else len(GRID) - 1 - differs[:, ::-1].argmax(axis=1)
                any_ = differs.any(axis=1)
                side.rating[part, place] = np.where(any_, GRID[nearest], np.nan)
                side.level[part, place] = np.where(any_, found[np.arange(len(found)), nearest], 0)
    return lower, higher


def _next(row: int, placed: Placed, higher: _Side, model: Model, steps: tuple[str, str]) -> dict[str, Any]:
    target, ready = int(placed.target[row]), int(placed.ready[row])
    several, ready_sentence = steps
    base: dict[str, Any] = {"ready_level": ready or pd.NA, "ready_sentence": ready_sentence}
    base |= {"target_level": target or pd.NA, "next_level": pd.NA, "factor": "", "value": np.nan, "goal": np.nan}
    if not target:
        return base | {"kind": "not yet", "sentence": several}
    if target == len(model.levels):
        return base | {"kind": "top", "sentence": f"Level {target} is the highest."}
    base["next_level"] = target + 1
    changes = _changes(placed.used[row], higher.rating[row], model)
    if not changes:
        return base | {"kind": "several", "sentence": several}
    (factor, value, goal), *others = changes
    held = any(
        ceiling.factor == factor.name and ceiling.applies_to == "target" and ceiling.cap <= target
        for ceiling in model.ceilings
        if met(ceiling, placed.used[row : row + 1])[0]
    )
    kept = f"It is held by {factor.title.lower()}; level" if held else "Level"
    lever = f" ({factor.lever})" if factor.lever else ""
    other = "other work: " if _distance(value, goal) >= OTHER_WORK else ""
    sentence = f"{kept} {target + 1} would take {other}{_change(factor, value, goal)}{lever}"
    if others:
        sentence += f", or {_change(*min(others, key=lambda change: _distance(*change[1:])))}"
    return base | {
        "kind": "ceiling" if held else "one factor",
        "factor": factor.name,
        "value": value,
        "goal": goal,
        "sentence": f"{sentence}.",
    }


def _changes(used: NDArray[np.float64], goals: NDArray[np.float64], model: Model) -> list[tuple[Factor, float, float]]:
    found = [
        (factor, float(value), float(goal))
        for factor, value, goal in zip(model.factors, used, goals, strict=True)
        if not np.isnan(goal)
    ]
    return sorted(found, key=_first)


def _first(change: tuple[Factor, float, float]) -> tuple[bool, bool, float]:
    """Known ratings before unknown ones, what a team can build before what it must split off, the smallest first."""
    factor, value, goal = change
    return bool(np.isnan(value)), factor.direction == "favours people", _distance(value, goal)


def _distance(value: float, goal: float) -> float:
    return HIGHEST if np.isnan(value) else abs(goal - value)


def _change(factor: Factor, value: float, goal: float) -> str:
    if np.isnan(value):
        better = "at least" if factor.direction == "favours agents" else "at most"
        return f"a rating of {better} {goal:.3g} for {factor.title.lower()}"
    return f"{factor.title.lower()} {goal:.3g} instead of {value:.3g}"
