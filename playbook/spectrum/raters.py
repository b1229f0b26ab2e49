"""What several raters' ratings say of each figure: how many there are, how unsure their mean is, and their own sheets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from playbook.spectrum.weighing import target_levels, weights_of
from playbook.tables import FACTORS, RATINGS, check

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from playbook.spectrum.model import Model
    from playbook.spectrum.ratings import Ratings
    from playbook.spectrum.weighing import Placed


@dataclass(frozen=True)
class Raters:
    """One row a task, one column a factor: `n` raters on record (0: none), `error`, the standard error of the figure in
    points; `sheets` are the last ratings of each seat (columns row, seat, place, value, not_applicable)."""  # noqa: D209

    n: NDArray[np.int64]
    error: NDArray[np.float64]
    sheets: pd.DataFrame

    def fewest(self, known: Ratings) -> NDArray[np.int64]:
        """The fewest raters behind any factor of each task (one where none are on record); 0 where none is rated."""
        rated = ~np.isnan(known.rated)
        behind = np.where(rated, np.maximum(self.n, 1), np.iinfo(np.int64).max)
        return np.where(rated.any(axis=1), behind.min(axis=1, initial=np.iinfo(np.int64).max), 0)

    def levels(self, placed: Placed, model: Model) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The levels the raters' own sheets would give, the middle `range_share` of them; 0 where there are none.

        What a rater left out is taken from the task, so that two sheets differ only where their raters do.
        """
        low, high = np.zeros(len(placed.target), dtype=np.int64), np.zeros(len(placed.target), dtype=np.int64)
        sheets = self.sheets[placed.target[self.sheets["row"].to_numpy(dtype=np.int64)] > 0]
        if sheets.empty:
            return low, high
        owner, who = np.unique(sheets[["row", "seat"]].to_numpy(dtype=np.int64), axis=0, return_inverse=True)
        rows, places = owner[:, 0], sheets["place"].to_numpy(dtype=np.int64)
        values = placed.used[rows].copy()
        values[who.ravel(), places] = sheets["value"].to_numpy(dtype=np.float64)
        out = np.zeros(values.shape, dtype=bool)
        out[who.ravel(), places] = sheets["not_applicable"].to_numpy(dtype=bool)
        found = target_levels(values, np.where(out, 0.0, weights_of(model)), model)
        outside = (1 - model.uncertainty.range_share) / 2
        for row in np.unique(rows):
            low[row], high[row] = np.quantile(found[rows == row], [outside, 1 - outside], method="inverted_cdf")
        return low, high


def raters_of(
    ratings: pd.DataFrame | None, team: NDArray[Any], ids: NDArray[Any], known: Ratings, model: Model
) -> Raters:
    """The raters behind each task's figures, from RATINGS' last round of each factor.

    The variance of one rater is the raters' own, pooled with the usual one as if `spread_raters` more had shown it: few
    who agree do not prove that a further one would. A figure without raters on record counts as one rater's.
    """
    rule, shape = model.uncertainty, (len(ids), len(FACTORS))
    sheets = _last(ratings, team, ids)
    n, squares = np.zeros(shape, dtype=np.int64), np.zeros(shape)
    valued = sheets.dropna(subset=["value"])
    if len(valued):
        # Sorted by value, so that the sums come out the same whoever sits on which seat.
        cells = valued.sort_values(["row", "place", "value"]).groupby(["row", "place"])["value"]
        found = cells.agg(n="size", squares=lambda values: float(((values - values.mean()) ** 2).sum())).reset_index()
        at = (found["row"].to_numpy(dtype=np.int64), found["place"].to_numpy(dtype=np.int64))
        n[at], squares[at] = found["n"].to_numpy(dtype=np.int64), found["squares"].to_numpy(dtype=np.float64)
    counted = np.maximum(n, 1)
    variance = (rule.spread_raters * rule.usual_spread**2 + squares) / (rule.spread_raters + counted - 1)
    return Raters(n, np.where(np.isnan(known.rated), 0.0, np.sqrt(variance / counted)), sheets)


def _last(ratings: pd.DataFrame | None, team: NDArray[Any], ids: NDArray[Any]) -> pd.DataFrame:
    frame = check(RATINGS, RATINGS.empty() if ratings is None else ratings)
    frame = frame[(frame["seat"] > 0) & (frame["value"].notna() | frame["not_applicable"])]
    frame = frame[frame["round"] == frame.groupby(["team", "task_id", "factor"])["round"].transform("max")]
    rows = {key: row for row, key in enumerate(zip(team.tolist(), ids.tolist(), strict=True))}
    row = [rows.get(key, -1) for key in zip(frame["team"], frame["task_id"], strict=True)]
    sheets = pd.DataFrame(
        {
            "row": np.array(row, dtype=np.int64),
            "seat": frame["seat"].to_numpy(dtype=np.int64),
            "place": np.array([FACTORS.index(name) for name in frame["factor"]], dtype=np.int64),
            "value": frame["value"].to_numpy(dtype=np.float64),
            "not_applicable": frame["not_applicable"].to_numpy(dtype=bool),
        }
    )
    return sheets[sheets["row"] >= 0]
