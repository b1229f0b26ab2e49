"""Two or four means set against each other, with an error that knows how items cluster in people.

People are pseudonyms: they are counted together here and never leave these functions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy
from numpy.typing import NDArray

from playbook.intervals import CONFIDENCE, MINIMUM_GROUP, Interval

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Unit = Literal["items", "people", "people, paired"]

OWN = (1.0, -1.0)
"""Weights of trial and baseline."""
AGAINST_GROUP = (1.0, -1.0, -1.0, 1.0)
"""Weights of trial, baseline, and the comparison group's items of the same two periods: difference-in-differences."""
MOST = 0.5
SMALLEST_LEVEL = 1e-12


@dataclass(frozen=True)
class Compared:
    """An estimate with its standard error and degrees of freedom; `error` is NaN where the values do not scatter.

    `size` is 1 / sum(w²/n) over the units compared (two groups: n1 n2 / (n1 + n2)), `unit` what was counted as
    independent, `people` how many they were (0 where items were), `n` the items behind it.
    """

    estimate: float
    error: float
    freedom: float
    size: float
    n: int
    unit: Unit
    people: int = 0

    @property
    def measured(self) -> bool:
        """Whether there is an interval."""
        return not math.isnan(self.error)

    def radius(self, level: float) -> float:
        """Half the width of the interval at a two-sided level such as 0.05; NaN where there is none."""
        return -float(scipy.special.stdtrit(self.freedom, level / 2)) * self.error if self.measured else math.nan

    def interval(self, level: float = 1 - CONFIDENCE) -> Interval:
        """The interval at a two-sided level; NaN ends where there is none."""
        reach = self.radius(level)
        return Interval(self.estimate, self.estimate - reach, self.estimate + reach, self.n)


def any_time_level(size: float, freedom: float, level: float = 1 - CONFIDENCE) -> float:
    """The level a single look must use so that looking at any time keeps `level`; NaN while there is no bound yet.

    With r = 1/(1+size), c = (r level²)^(1/(freedom+1)) the bound on t is sqrt(freedom (1-c)/(c-r)), given here as the
    t distribution's two-sided tail. `size` is z of two groups, n1 n2/(n1+n2). Source: Lindon, Ham, Tingley and
    Bojinov, Anytime-Valid Linear Models, arXiv 2210.08589 (2022).
    """
    if not (size > 0 and freedom > 0):
        return math.nan
    r = 1 / (1 + size)
    c = (r * level**2) ** (1 / (freedom + 1))
    if c <= r:
        return math.nan
    bound = math.sqrt(freedom * (1 - c) / (c - r))
    return max(SMALLEST_LEVEL, 2 * float(scipy.special.stdtr(freedom, -bound)))


def compare(values: Floats, cells: Codes, people: Codes | None, weights: Sequence[float]) -> Compared | None:
    """The weighted sum of the cells' means, sum(w_k mean_k); None when a cell is empty.

    `cells` says for each value which of the `weights` it belongs to. With `people` (a code each, None when not all
    are known) and five of them or more, people are what counts as independent: paired, each person's own difference,
    where at least five did items of both kinds and most of the items are theirs; else all items with errors summed by
    person. Below five, or when one person alone makes up a cell, items count as independent.
    """
    k = len(weights)
    if (np.bincount(cells, minlength=k) == 0).any():
        return None
    w = np.asarray(weights, dtype=float)
    if people is not None:
        found = _paired(values, cells, people, w) or by_person(values, cells, people, w)
        if found:
            return found
    return group_means(values, cells, w)


def group_means(values: Floats, cells: Codes, w: Floats, n: int = 0, unit: Unit = "items") -> Compared:
    """sum(w_k mean_k) with Welch's standard error and Satterthwaite's degrees of freedom, for any number of cells.

    Every cell holds a value; with fewer than two in one, or no scatter at all, there is no error. `n` is the items
    behind the values where these are means of people (`unit`).
    """
    n = n or len(values)
    counts = np.bincount(cells, minlength=len(w)).astype(np.float64)
    means = np.bincount(cells, values, minlength=len(w)) / counts
    estimate, size = float(w @ means), float(1 / (w**2 / counts).sum())
    people = len(values) if unit != "items" else 0
    squares = np.bincount(cells, (values - means[cells]) ** 2, minlength=len(w))
    if counts.min() < 2 or _flat(values, squares):
        return Compared(estimate, math.nan, math.nan, size, n, unit, people)
    shares = w**2 * squares / (counts - 1) / counts
    part = shares / shares.sum()
    freedom = 1 / float((part**2 / (counts - 1)).sum())
    return Compared(estimate, math.sqrt(float(shares.sum())), freedom, size, n, unit, people)


def _paired(values: Floats, cells: Codes, people: Codes, w: Floats) -> Compared | None:
    """One value a person: the weighted means of what they did the old way and the new, then the mean over people."""
    counts, sums = _by(people, cells, values, len(w))
    pairs = range(0, len(w), 2)
    both = [(counts[:, at] > 0) & (counts[:, at + 1] > 0) for at in pairs]
    if min(int(mask.sum()) for mask in both) < MINIMUM_GROUP:
        return None
    theirs = sum(float(counts[mask, at : at + 2].sum()) for mask, at in zip(both, pairs, strict=True))
    if theirs < MOST * len(values):
        return None
    own = np.concatenate(
        [
            sums[mask, at : at + 2] / counts[mask, at : at + 2] @ w[at : at + 2]
            for mask, at in zip(both, pairs, strict=True)
        ]
    )
    groups = np.repeat(np.arange(len(both)), [int(mask.sum()) for mask in both])
    return group_means(own, groups, np.ones(len(both)), int(theirs), "people, paired")


def by_person(values: Floats, cells: Codes, people: Codes, w: Floats) -> Compared | None:
    """sum(w_k mean_k) with items counted by person; None under five people or with one person alone in a cell.

    Cluster-robust error of the cells' means with the CR2 correction and Bell and McCaffrey's degrees of freedom.

    With the cells' means as the only coefficients the leverage of person g in cell k is n_gk/N_k, so CR2 divides the
    person's residuals there by sqrt(1 - n_gk/N_k). Source: Bell and McCaffrey, Survey Methodology 28 (2002) 169-181;
    Imbens and Kolesár, Review of Economics and Statistics 98 (2016) 701-712.
    """
    counts, sums = _by(people, cells, values, len(w))
    present = counts > 0
    if int(present.any(axis=1).sum()) < MINIMUM_GROUP or int(present.sum(axis=0).min()) < 2:
        return None
    totals = counts.sum(axis=0)
    means = sums.sum(axis=0) / totals
    pull = np.where(present, w / totals / np.sqrt(1 - np.where(present, counts / totals, 0.0)), 0.0)
    scores = (pull * (sums - counts * means)).sum(axis=1)
    variance = float((scores**2).sum())
    size = float(1 / (w**2 / present.sum(axis=0)).sum())
    n, groups = len(values), int(present.any(axis=1).sum())
    if _flat(values, np.array([variance * float(totals.min()) ** 2])):
        return Compared(float(w @ means), math.nan, math.nan, size, n, "people", groups)
    reach = counts * pull
    # The matrix of Bell and McCaffrey is diag(own) less a product of rank k: its trace and norm need no matrix of people.
    own, product = (counts * pull**2).sum(axis=1), (reach / totals).T @ reach
    shared = (reach**2 / totals).sum(axis=1)
    trace, norm = (own - shared).sum(), (own**2 - 2 * own * shared).sum() + np.trace(product @ product)
    freedom = max(1.0, float(trace**2 / norm))
    return Compared(float(w @ means), math.sqrt(variance), freedom, size, n, "people", groups)


def _by(people: Codes, cells: Codes, values: Floats, k: int) -> tuple[Floats, Floats]:
    """Counts and sums of the values, one row a person and one column a cell."""
    rows = int(people.max()) + 1
    counts: Floats = np.zeros((rows, k))
    sums: Floats = np.zeros((rows, k))
    np.add.at(counts, (people, cells), 1.0)
    np.add.at(sums, (people, cells), values)
    return counts, sums


def _flat(values: Floats, squares: NDArray[Any]) -> bool:
    """Whether all that is left of the scatter is rounding."""
    largest = float(np.abs(values).max())
    return bool(squares.sum() <= (1e-12 * largest) ** 2 * len(values))
