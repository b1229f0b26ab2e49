"""A pilot's timed items as the two sides, or four with a comparison group, that are set against each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from playbook.pilots.contrast import AGAINST_GROUP, OWN, Codes, Floats

TRIAL, BASELINE, GROUP_TRIAL, GROUP_BASELINE = range(4)
PARTS = ("minutes", "review_minutes", "rework_minutes")
GROUP = "comparison group"


@dataclass(frozen=True)
class Sides:
    """Items in the order of `days`: their minutes by part, the cell each belongs to, and who did them as codes.

    Cells are 0 trial, 1 baseline, 2 the comparison group's trial, 3 its baseline; without a comparison group there are
    two. `people` is None unless every item names somebody. `scores` and `accepted` are NaN where nobody judged.
    """

    parts: Floats
    scores: Floats
    accepted: Floats
    cells: Codes
    days: NDArray[np.datetime64]
    people: Codes | None
    weights: tuple[float, ...]

    @classmethod
    def of(cls, items: pd.DataFrame, design: str) -> Sides:
        """One pilot's rows of tables.PILOT_ITEMS under its design; a comparison group counts only in its own design."""
        group = items["comparison"].fillna(value=False).to_numpy(dtype=bool)
        used = items if design == GROUP else items[~group]
        used = used.sort_values(["day", "item"], kind="stable")
        aside = used["comparison"].fillna(value=False).to_numpy(dtype=bool)
        named = used["person"].notna().all() and len(used) > 0
        return cls(
            parts=used[list(PARTS)].fillna(0.0).to_numpy(dtype=float),
            scores=np.asarray(used["quality"], dtype=np.float64),
            accepted=np.asarray(used["accepted"].astype("float64"), dtype=np.float64),
            cells=(used["arm"] == "baseline").to_numpy(dtype=np.int64) + 2 * aside.astype(np.int64),
            days=used["day"].to_numpy(dtype="datetime64[D]"),
            people=pd.factorize(used["person"])[0].astype(np.int64) if named else None,
            weights=AGAINST_GROUP if design == GROUP else OWN,
        )

    @property
    def totals(self) -> Floats:
        """All minutes of each item: hands-on, review and rework."""
        summed: Floats = self.parts.sum(axis=1)
        return summed

    @property
    def counts(self) -> list[int]:
        """Items in each cell."""
        return [int(n) for n in np.bincount(self.cells, minlength=len(self.weights))]

    def until(self, day: object) -> Sides:
        """What was finished by a day."""
        return self.where(self.days <= np.datetime64(str(day)))

    def where(self, kept: NDArray[np.bool_]) -> Sides:
        """The items chosen; people keep their codes."""
        return Sides(
            self.parts[kept],
            self.scores[kept],
            self.accepted[kept],
            self.cells[kept],
            self.days[kept],
            None if self.people is None else self.people[kept],
            self.weights,
        )
