"""The inventory: hours at stake, and current against target level by workflow, layer, role and function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from playbook import intervals
from playbook.tables import LAYERS

if TYPE_CHECKING:
    from collections.abc import Hashable

    from numpy.typing import NDArray

NOT_STATED = "not stated"
STUCK_LEVEL = 2
LEVELS = {"current": "current_level", "target": "target_level", "ready": "ready_level"}
COUNTS = ("n_hours", "n_current", "n_target", "n_ready", "n_gap")
FIGURES = ("hours", "current", "target", "ready", "gap")
HOURS_AT = tuple(f"hours_level_{level}" for level in range(1, 6))


def with_hours(tasks: pd.DataFrame) -> pd.DataFrame:
    """A copy of the tasks with `hours_per_month` = runs_per_month x minutes_per_run / 60, people's hours at stake.

    Empty where runs or minutes are not known.
    """
    runs, minutes = numbers(tasks, "runs_per_month"), numbers(tasks, "minutes_per_run")
    return tasks.assign(hours_per_month=runs * minutes / 60)


def by_function(tasks: pd.DataFrame, placements: pd.DataFrame) -> pd.DataFrame:
    """Current against target level by marketing function; columns as in `by_workflow` with `function`."""
    return _grouped(tasks, placements, "function")


def by_workflow(tasks: pd.DataFrame, placements: pd.DataFrame) -> pd.DataFrame:
    """One row a team and workflow, in the order of the names.

    Columns: `team`, `workflow`, `tasks`, `hours` (a month, of the `n_hours` tasks whose runs and minutes are known;
    empty when none), `current`, `target`, `ready` (mean levels over the `n_current`, `n_target`, `n_ready` tasks that
    have one), `gap` (mean of target - current over the `n_gap` tasks that have both; above 0 the work could move up),
    `weighting`: "hours" when each task with a level has hours and they are not all 0, else "tasks" (plain means),
    `hours_level_1` to `hours_level_5` (hours a month of the tasks at that target level).
    """
    return _grouped(tasks, placements, "workflow")


def by_role(tasks: pd.DataFrame, placements: pd.DataFrame) -> pd.DataFrame:
    """Current against target level by role, never by person; columns as in `by_workflow` with `role`."""
    return _grouped(tasks, placements, "role")


def by_layer(tasks: pd.DataFrame, placements: pd.DataFrame) -> pd.DataFrame:
    """Current against target level by layer, in the order work flows; columns as in `by_workflow` with `layer`."""
    frame = _grouped(tasks, placements, "layer")
    order = {name: place for place, name in enumerate((*LAYERS, NOT_STATED))}
    places = frame["layer"].map(order)
    return frame.assign(place=places).sort_values(["team", "place"]).drop(columns="place").reset_index(drop=True)


def stuck_at_two(tasks: pd.DataFrame) -> pd.DataFrame:
    """How much of each team's work is done at level 2 today, one row a team.

    Columns: `team`, `tasks`, `rated` (tasks with a current level), `at_two`, `share` = at_two / rated with its 95 %
    Wilson interval `low` to `high` (how far the share could differ for the work the tasks stand for), `hours` (a
    month, of rated tasks whose hours are known), `hours_at_two`, `hours_share`. Empty where nothing is rated.
    """
    known = with_hours(tasks).assign(level=numbers(tasks, "current_level"))
    rows = []
    for team, group in known.groupby("team", sort=True):
        rated = group.dropna(subset=["level"])
        two = rated["level"] == STUCK_LEVEL
        interval = intervals.wilson(int(two.sum()), len(rated))
        hours, at_two = float(rated["hours_per_month"].sum()), float(rated.loc[two, "hours_per_month"].sum())
        rows.append(
            {
                "team": team,
                "tasks": len(group),
                "rated": len(rated),
                "at_two": int(two.sum()),
                "share": interval.estimate if interval else np.nan,
                "low": interval.low if interval else np.nan,
                "high": interval.high if interval else np.nan,
                "hours": hours,
                "hours_at_two": at_two,
                "hours_share": at_two / hours if hours else np.nan,
            }
        )
    whole = ("tasks", "rated", "at_two")
    fractions = ("share", "low", "high", "hours", "hours_at_two", "hours_share")
    types: dict[Hashable, Any] = {"team": "str", **dict.fromkeys(whole, "Int64"), **dict.fromkeys(fractions, "float64")}
    return pd.DataFrame(rows, columns=list(types)).astype(types)


def joined(tasks: pd.DataFrame, placements: pd.DataFrame) -> pd.DataFrame:
    """Every task with its hours and its placement's levels; a task without a placement has none."""
    levels = placements[["team", "task_id", "target_level", "ready_level"]]
    both = with_hours(tasks).merge(levels, on=["team", "task_id"], how="left", validate="m:1")
    figures = {name: numbers(both, name) for name in ("current_level", "target_level", "ready_level", "judgment")}
    return both.assign(**figures)


def numbers(frame: pd.DataFrame, name: str) -> pd.Series[float]:
    """The column as plain floats, nan where empty or where the frame has no such column."""
    if name not in frame.columns:
        return pd.Series(np.nan, index=frame.index, dtype="float64")
    return pd.to_numeric(frame[name]).astype("Float64").astype("float64")


def _grouped(tasks: pd.DataFrame, placements: pd.DataFrame, key: str) -> pd.DataFrame:
    both = joined(tasks, placements)
    both[key] = both[key].fillna(NOT_STATED) if key in both.columns else NOT_STATED
    rows = [
        {"team": team, key: name} | _summary(group) for (team, name), group in both.groupby(["team", key], sort=True)
    ]
    types: dict[Hashable, Any] = {
        "team": "str",
        key: "str",
        "tasks": "Int64",
        **dict.fromkeys(FIGURES, "float64"),
        **dict.fromkeys(COUNTS, "Int64"),
        "weighting": "str",
        **dict.fromkeys(HOURS_AT, "float64"),
    }
    return pd.DataFrame(rows, columns=list(types)).astype(types)


def _summary(group: pd.DataFrame) -> dict[str, Any]:
    hours = group["hours_per_month"]
    levelled = group[list(LEVELS.values())].notna().any(axis=1)
    weighted = bool(levelled.any() and hours[levelled].notna().all() and hours[levelled].sum() > 0)
    weights = hours.fillna(0).to_numpy() if weighted else np.ones(len(group))
    figures = {name: group[column].to_numpy() for name, column in LEVELS.items()}
    figures["gap"] = figures["target"] - figures["current"]
    return {
        "tasks": len(group),
        "hours": hours.sum(min_count=1),
        **{name: _mean(values, weights) for name, values in figures.items()},
        "n_hours": int(hours.notna().sum()),
        **{f"n_{name}": int((~np.isnan(values)).sum()) for name, values in figures.items()},
        "weighting": "hours" if weighted else "tasks",
        **{name: hours[group["target_level"].eq(level)].sum() for level, name in enumerate(HOURS_AT, start=1)},
    }


def _mean(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """The weighted mean of the known values; plain when the known ones carry no weight at all."""
    known = ~np.isnan(values)
    if not known.any():
        return float("nan")
    weight = weights[known] if weights[known].sum() > 0 else np.ones(int(known.sum()))
    return float(np.average(values[known], weights=weight))
