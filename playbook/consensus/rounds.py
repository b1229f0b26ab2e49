"""What each round of raters said: means with their spread, who stands apart, and whether talking narrowed it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from playbook.tables import RATINGS, check

if TYPE_CHECKING:
    from collections.abc import Mapping

CELL = ["team", "task_id", "factor"]
STANDS_APART = 2.0
ROUNDING = 1e-9

ROUND_COLUMNS: Mapping[str, str] = {
    "team": "str",
    "task_id": "str",
    "factor": "str",
    "round": "Int64",
    "n": "Int64",
    "mean": "float64",
    "spread": "float64",
    "low": "float64",
    "high": "float64",
    "not_applicable": "Int64",
}
APART_COLUMNS: Mapping[str, str] = {
    "team": "str",
    "task_id": "str",
    "factor": "str",
    "round": "Int64",
    "last": "boolean",
    "seat": "Int64",
    "role": "str",
    "value": "float64",
    "others": "float64",
    "n": "Int64",
    "kind": "str",
    "reason": "str",
}
CHANGE_COLUMNS: Mapping[str, str] = {
    "team": "str",
    "task_id": "str",
    "factor": "str",
    "first": "Int64",
    "last": "Int64",
    "n": "Int64",
    "mean_first": "float64",
    "mean_last": "float64",
    "spread_first": "float64",
    "spread_last": "float64",
    "change": "float64",
    "verdict": "str",
}


class Said(NamedTuple):
    """The ratings that say something: `seats` from seat 1 up, sorted by value so that neither the rows' order nor the
    seats' matters, and `agreed`, the latest row of seat 0 for each factor of each task.

    "Does not apply" wins over a value in the same row; the value is then set aside.
    """

    seats: pd.DataFrame
    agreed: pd.DataFrame


def read(ratings: pd.DataFrame) -> Said:
    """Check RATINGS and keep what says something. Raises TableError for a bad table."""
    if ratings.empty:
        return Said(RATINGS.empty(), RATINGS.empty())
    known = check(RATINGS, ratings)
    known["value"] = known["value"].mask(known["not_applicable"])
    known = known[known["value"].notna() | known["not_applicable"]]
    known = known.sort_values([*CELL, "round", "value", "seat"], ignore_index=True)
    by_raters = known["seat"] == 0
    return Said(
        known[~by_raters].reset_index(drop=True), known[by_raters].drop_duplicates(CELL, keep="last", ignore_index=True)
    )


def rounds(ratings: pd.DataFrame) -> pd.DataFrame:
    """What the seats said of each factor of each task in each round (seat 0, the settled value, is not a rater).

    Takes RATINGS. Columns: team, task_id, factor, round, n (seats that gave a value), mean, spread (standard deviation
    with n - 1, points; empty for one seat), low, high (lowest and highest value given), not_applicable (seats that said
    the factor does not apply). Raises TableError for a bad table.
    """
    return typed(by_round(read(ratings)), ROUND_COLUMNS)


def apart(ratings: pd.DataFrame, points: float = STANDS_APART) -> pd.DataFrame:
    """The ratings that stand apart: `points` or more from the median of the round's other seats, reasons kept.

    Takes RATINGS. Columns: team, task_id, factor, round, last (whether it is the last round of that factor and task),
    seat, role, value, others (that median), n (seats with a value), kind, reason (empty: none was written). `kind` is
    "apart", or "split" where half the seats or more are that far from the others, so that nobody is the odd one
    out. Rows are in the order of task, factor, round and seat: seats are never counted, averaged or ranked. Half the
    scale is the default, as it turns a 2 into a 4. Raises TableError for a bad table.
    """
    return apart_of(read(ratings), points)


def apart_of(said: Said, points: float = STANDS_APART) -> pd.DataFrame:
    """`apart` of ratings that are read."""
    known = said.seats.dropna(subset=["value"]).reset_index(drop=True)
    if known.empty:
        return typed([], APART_COLUMNS)
    known["n"] = known.groupby([*CELL, "round"], sort=False)["value"].transform("size")
    known["others"] = _median_of_others(known, [*CELL, "round"])
    known["last"] = known["round"] == known.groupby(CELL, sort=False)["round"].transform("max")
    known["far"] = (known["value"] - known["others"]).abs() >= points - ROUNDING
    split = known.groupby([*CELL, "round"], sort=False)["far"].transform("mean") >= 0.5
    known["kind"] = np.where(split, "split", "apart")
    return typed(known[known["far"]].sort_values([*CELL, "round", "seat"], ignore_index=True), APART_COLUMNS)


def changes(ratings: pd.DataFrame) -> pd.DataFrame:
    """Whether the seats moved together between the first and the last round they rated a factor of a task in.

    Takes RATINGS. Only seats that gave a value in both rounds are compared, so that a seat that stays away does not
    look like agreement. Columns: team, task_id, factor, first, last (the rounds), n (seats in both), mean_first,
    mean_last, spread_first, spread_last (standard deviations, points), change (last minus first; below 0 the seats came
    together), verdict (narrowed, same, widened). Fewer than two seats in both rounds give no row. Raises TableError for
    a bad table.
    """
    return changes_of(read(ratings))


def changes_of(said: Said) -> pd.DataFrame:
    """`changes` of ratings that are read."""
    known = said.seats.dropna(subset=["value"])
    known = known.merge(ends(known).query("first < last"), on=CELL)
    if known.empty:
        return typed([], CHANGE_COLUMNS)
    before, after = (
        known.loc[known["round"] == known[end], [*CELL, "seat", "value", "first", "last"]] for end in ("first", "last")
    )
    both = before.merge(after, on=[*CELL, "seat", "first", "last"], suffixes=("_first", "_last"))
    grouped = both.sort_values([*CELL, "value_first", "value_last"]).groupby([*CELL, "first", "last"], sort=True)
    found = grouped.agg(
        n=("seat", "size"),
        mean_first=("value_first", "mean"),
        mean_last=("value_last", "mean"),
        spread_first=("value_first", "std"),
        spread_last=("value_last", "std"),
    ).reset_index()
    found = found[found["n"] >= 2].reset_index(drop=True)
    found["change"] = found["spread_last"] - found["spread_first"]
    words = [found["change"] < -ROUNDING, found["change"] > ROUNDING]
    found["verdict"] = np.select(words, ["narrowed", "widened"], "same")
    return typed(found, CHANGE_COLUMNS)


def by_round(said: Said) -> pd.DataFrame:
    """The columns of `rounds`, not yet typed."""
    if said.seats.empty:
        return typed([], ROUND_COLUMNS)
    grouped = said.seats.groupby([*CELL, "round"], sort=True)
    found = grouped["value"].agg(n="count", mean="mean", spread="std", low="min", high="max")
    found["not_applicable"] = grouped["not_applicable"].sum()
    # equal values leave a rest of rounding, not a spread
    found["spread"] = found["spread"].mask(found["low"] == found["high"], found["spread"] * 0)
    return found.reset_index()


def typed(rows: pd.DataFrame | list[dict[str, Any]], columns: Mapping[str, str]) -> pd.DataFrame:
    """Rows as a frame with exactly these columns and types, texts empty where nothing was said."""
    frame = pd.DataFrame(rows, columns=list(columns)).astype(columns)
    texts = [name for name, kind in columns.items() if kind == "str"]
    frame[texts] = frame[texts].fillna("")
    return frame


def ends(known: pd.DataFrame) -> pd.DataFrame:
    """The first and the last round of each factor of each task: columns team, task_id, factor, first, last."""
    return known.groupby(CELL, sort=True)["round"].agg(first="min", last="max").reset_index()


def _median_of_others(known: pd.DataFrame, by: list[str]) -> pd.Series[float]:
    """For each value the median of the others of its group, nan for a single one; `known` has a range as its index.

    In a group sorted by value, leaving one out moves the middle by at most one place, so one sort serves all groups.
    """
    ranked = known.sort_values([*by, "value"], kind="stable")
    grouped = ranked.groupby(by, sort=False)["value"]
    place, n = grouped.cumcount().to_numpy(), grouped.transform("size").to_numpy()
    values, start = ranked["value"].to_numpy(), np.arange(len(ranked)) - place
    middles = [values[np.minimum(start + at + (place <= at), len(values) - 1)] for at in ((n - 2) // 2, (n - 1) // 2)]
    others = np.where(n > 1, (middles[0] + middles[1]) / 2, np.nan)
    return pd.Series(others, index=ranked.index).sort_index()
