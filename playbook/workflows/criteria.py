"""What speaks for each workflow as a pilot: volume, low judgment, feasibility, safety, provability, from 0 to 1.

Each figure comes from the workflow's own tasks and the rule alone, so another workflow never changes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from playbook.tables import FACTORS
from playbook.workflows.inventory import numbers, with_hours
from playbook.workflows.rule import VOLUMES

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from numpy.typing import NDArray

    from playbook.workflows.rule import Criterion, Part, PilotRule

    Floats = NDArray[np.floating[Any]]
    Flags = NDArray[np.bool_]
    Places = NDArray[np.integer[Any]]
    Bounds = tuple[Floats, Floats, Floats]

LOWEST, HIGHEST = 1.0, 5.0


def criteria(tasks: pd.DataFrame, rule: PilotRule) -> pd.DataFrame:
    """One row a team and workflow, in the order of the names, from TASKS.

    Columns: `team`, `workflow`, `tasks`, `pieces_per_month` (pieces of work: its tasks' runs a month, mean weighted by
    hours, since one piece passes through several tasks; empty when no runs are known), `rated` (share, 0 to 1, of the
    ratings the criteria ask for that are there), and for each criterion of the rule its value (0 not at all to 1 fully;
    empty when one of its parts is not known at all) with `NAME_low` and `NAME_high`, the ends it could have once what is
    unrated is rated.

    value = product of part^weight over the criterion's parts. A factor's part is the mean over the tasks, weighted by
    hours, of (rating - 1) / 4 where more is better and (5 - rating) / 4 where less is; a volume x gives x / (x + half).
    A factor that does not apply to a task leaves the task out of that part. Weighted product model: Bridgman, Dimensional
    Analysis (1922), as in Triantaphyllou, Multi-criteria Decision Making Methods (2000), chapter 2.
    """
    # Sums run in the order of the ids, so that the order of the rows does not show even in the last digit.
    work = with_hours(tasks).sort_values(["team", "workflow", "task_id"], kind="stable")
    keys = work[["team", "workflow"]].astype("str")
    groups = keys.groupby(["team", "workflow"], sort=True)
    group: Places = groups.ngroup().to_numpy(dtype=np.intp)
    names = keys.drop_duplicates().sort_values(["team", "workflow"]).reset_index(drop=True)

    flows = _Flows(work, group, len(names))
    columns: dict[str, Floats] = {
        "tasks": np.bincount(group, minlength=len(names)).astype(float),
        "pieces_per_month": flows.pieces,
        "rated": flows.rated(rule),
    }
    for criterion in rule.criteria:
        value, low, high = _product(criterion, flows)
        columns |= {criterion.name: value, f"{criterion.name}_low": low, f"{criterion.name}_high": high}
    return names.assign(**columns).astype({"team": "str", "workflow": "str", "tasks": "Int64"})


def weakest(strengths: Mapping[Hashable, Any], rule: PilotRule) -> str:
    """The first criterion that stays below what a pilot needs, in words; empty when none does or it is not known."""
    for criterion in rule.criteria:
        value = strengths[criterion.name]
        if value < criterion.least:
            return (
                f"its {criterion.title.lower()} is {100 * value:.0f} of 100 and a first pilot needs "
                f"{100 * criterion.least:.0f} ({criterion.meaning[0].lower()}{criterion.meaning[1:]})"
            )
    return ""


class _Flows:
    """The tasks of every workflow at once: `group` says which workflow a task is part of."""

    def __init__(self, work: pd.DataFrame, group: Places, count: int) -> None:
        self.work, self.group, self.count = work, group, count
        hours = numbers(work, "hours_per_month").to_numpy()
        known = ~np.isnan(hours)
        total, timed = self._sum(np.where(known, hours, 0.0)), self._sum(known)
        # A task without hours counts like the mean of the others, and where none has any all tasks count alike.
        mean = np.divide(total, timed, out=np.zeros(count), where=timed > 0)
        self.share = np.where(total[group] > 0, np.where(known, hours, mean[group]), 1.0)
        said = work["not_applicable"] if "not_applicable" in work.columns else pd.Series("", index=work.index)
        cells = said.astype("object").fillna("")
        self.excluded = {name: _mentions(cells, name) for name in FACTORS}
        self.pieces = self._mean(numbers(work, "runs_per_month").to_numpy())

    def volume(self, part: Part) -> Bounds:
        """A volume's part; what is not known adds nothing, and where nothing is known it could be anything."""
        if part.of == "pieces_per_month":
            amount = self.pieces
        else:
            cells = numbers(self.work, part.of).to_numpy()
            any_known = self._sum(~np.isnan(cells)) > 0
            amount = np.where(any_known, self._sum(np.nan_to_num(cells)), np.nan)
        assert part.half is not None
        value = amount / (amount + part.half)
        unknown = np.isnan(value)
        return value, np.where(unknown, 0.0, value), np.where(unknown, 1.0, value)

    def factor(self, part: Part) -> Bounds:
        """A factor's part; nan throughout where it applies to none of the workflow's tasks."""
        rated, applies, known = self._ratings(part.of)
        useful = (rated - LOWEST if part.better == "more" else HIGHEST - rated) / (HIGHEST - LOWEST)
        whole = self._sum(self.share * applies)
        there = self._sum(self.share * known)
        gained = self._sum(np.where(known, self.share * np.nan_to_num(useful), 0.0))
        return _over(gained, there), _over(gained, whole), _over(gained + (whole - there), whole)

    def rated(self, rule: PilotRule) -> Floats:
        """Share of the ratings the criteria ask for that are there, tasks counted by their hours."""
        asked = sorted({part.of for criterion in rule.criteria for part in criterion.parts} - set(VOLUMES))
        there, whole = np.zeros(self.count), np.zeros(self.count)
        for name in asked:
            _, applies, known = self._ratings(name)
            there += self._sum(self.share * known)
            whole += self._sum(self.share * applies)
        return _over(there, whole)

    def _ratings(self, name: str) -> tuple[Floats, Flags, Flags]:
        rated = numbers(self.work, name).to_numpy()
        applies: Flags = ~self.excluded[name]
        return rated, applies, applies & ~np.isnan(rated)

    def _mean(self, cells: Floats) -> Floats:
        known = ~np.isnan(cells)
        there = self._sum(self.share * known)
        return _over(self._sum(np.where(known, self.share * np.nan_to_num(cells), 0.0)), there)

    def _sum(self, values: Floats | Flags) -> Floats:
        return np.bincount(self.group, weights=values, minlength=self.count).astype(np.float64)


def _product(criterion: Criterion, flows: _Flows) -> Bounds:
    """The criterion's value and its ends; parts that do not apply leave their weight to the others."""
    bounds = [flows.volume(part) if part.of in VOLUMES else flows.factor(part) for part in criterion.parts]
    applies = np.array([~np.isnan(high) for _, _, high in bounds])
    weights = np.array([[part.weight] for part in criterion.parts]) * applies
    total = weights.sum(axis=0)
    weights = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
    ends = []
    for place in range(3):
        cells = np.array([bound[place] for bound in bounds])
        powers = np.where(applies, np.power(np.where(applies, cells, 1.0), weights), 1.0)
        ends.append(np.where(total > 0, powers.prod(axis=0), np.nan))
    value, low, high = ends
    # Where no part applies nothing speaks for or against; the ends then say that it could be anything.
    return value, np.where(total > 0, low, 0.0), np.where(total > 0, high, 1.0)


def _over(part: Floats, whole: Floats) -> Floats:
    found: Floats = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return found


def _mentions(cells: pd.Series[str], name: str) -> Flags:
    named: Flags = cells.map(lambda cell: name in {word.strip().casefold() for word in cell.split(",")}).to_numpy(
        dtype=bool
    )
    return named
