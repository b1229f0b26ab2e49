"""The arithmetic of the spectrum: ratings to score, levels, range and coverage, for all tasks at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from playbook.spectrum.model import HIGHEST, LOWEST, Ceiling
from playbook.tables import FACTORS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from playbook.spectrum.model import Model
    from playbook.spectrum.ratings import Ratings

TOP = 5
TESTS = {"at least": np.greater_equal, "above": np.greater, "at most": np.less_equal, "below": np.less}


@dataclass(frozen=True)
class Placed:
    """Figures behind a placement, one entry a task; nan or 0 where nothing can be said.

    `used` are the ratings used (own, else the catalogue's; nan: none), `score` their weighted mean, `by_score` the
    level it gives, `target` and `ready` the levels after ceilings (0: not yet), `low` and `high` the target's range,
    `coverage` the share of the applicable weight the team rated itself.
    """

    used: NDArray[np.float64]
    score: NDArray[np.float64]
    by_score: NDArray[np.int64]
    target: NDArray[np.int64]
    ready: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    coverage: NDArray[np.float64]


def weigh(known: Ratings, model: Model) -> Placed:
    """The figures of each task from its ratings; the steps are those of `place`."""
    own = ~np.isnan(known.rated)
    values = np.where(known.excluded, np.nan, np.where(own, known.rated, known.usual))
    worst, best = _ends(known, values, model)
    applicable = np.where(known.excluded, 0.0, weights_of(model))

    total = applicable.sum(axis=1)
    coverage = _ratio((applicable * own).sum(axis=1), total)
    score = _score(values, applicable, model)
    by_score = _bands(score, model)
    ready_rules = [rule for rule in model.ceilings if rule.applies_to == "ready"]

    target = target_levels(values, applicable, model)
    low, high = (target_levels(end, applicable, model) for end in (worst, best))
    ready = np.minimum(target, np.minimum(_caps(values, ready_rules), _unrated_caps(known, model)))

    in_catalogue = np.array([name is not None for name in known.function], dtype=bool)
    enough = ~np.isnan(score) & (in_catalogue | (coverage >= model.evidence.min_coverage - 1e-9))
    anything = ~np.isnan(score)
    return Placed(
        used=values,
        score=score,
        by_score=by_score,
        target=np.where(enough, target, 0),
        ready=np.where(enough, ready, 0),
        low=np.where(anything, low, 0),
        high=np.where(anything, high, 0),
        coverage=np.nan_to_num(coverage),
    )


def weights_of(model: Model) -> NDArray[np.float64]:
    """The rule's weights in the order of FACTORS, as shares of 1."""
    return np.array([factor.weight for factor in model.factors])


def target_levels(values: NDArray[np.float64], weights: NDArray[np.float64], model: Model) -> NDArray[np.int64]:
    """The target level of each row of `values` (ratings, nan: none) under its row of `weights` (0: does not apply)."""
    rules = [rule for rule in model.ceilings if rule.applies_to == "target"]
    return np.minimum(_bands(_score(values, weights, model), model), _caps(values, rules))


def bounds(known: Ratings, model: Model) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The lowest and highest value each rating could have that nobody gave: the whole scale, or near the catalogue's."""
    width = model.evidence.catalogue_width
    lowest = np.where(np.isnan(known.usual), LOWEST, np.maximum(known.usual - width, LOWEST))
    highest = np.where(np.isnan(known.usual), HIGHEST, np.minimum(known.usual + width, HIGHEST))
    return lowest, highest


def met(ceiling: Ceiling, values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether the ceiling's condition holds for each row of `values`; an unknown rating meets no condition."""
    result: NDArray[np.bool_] = TESTS[ceiling.operator](values[:, FACTORS.index(ceiling.factor)], ceiling.value)
    return result


def _ends(known: Ratings, values: NDArray[np.float64], model: Model) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The ratings that speak most for people and most for agents among all the unrated ones could be."""
    unrated = np.isnan(known.rated) & ~known.excluded
    lowest, highest = bounds(known, model)
    for_people = np.array([factor.direction == "favours people" for factor in model.factors])
    worst = np.where(unrated, np.where(for_people, highest, lowest), values)
    best = np.where(unrated, np.where(for_people, lowest, highest), values)
    return worst, best


def _score(values: NDArray[np.float64], applicable: NDArray[np.float64], model: Model) -> NDArray[np.float64]:
    for_people = np.array([factor.direction == "favours people" for factor in model.factors])
    points = np.where(for_people, LOWEST + HIGHEST - values, values)
    weights = np.where(np.isnan(points), 0.0, applicable)
    score = _ratio((weights * np.nan_to_num(points)).sum(axis=1), weights.sum(axis=1))
    # Sums of tenths miss a threshold by 1e-16: rounding keeps a task that stands on it there.
    return np.clip(np.round(score, 9), LOWEST, HIGHEST)


def _bands(score: NDArray[np.float64], model: Model) -> NDArray[np.int64]:
    steps = np.array([step.score_from for step in model.thresholds])
    bands: NDArray[np.int64] = np.searchsorted(steps, np.nan_to_num(score, nan=LOWEST), side="right") + 1
    return bands


def _caps(values: NDArray[np.float64], ceilings: Iterable[Ceiling]) -> NDArray[np.int64]:
    caps = np.full(len(values), TOP, dtype=np.int64)
    for ceiling in ceilings:
        caps = np.where(met(ceiling, values), np.minimum(caps, ceiling.cap), caps)
    return caps


def _unrated_caps(known: Ratings, model: Model) -> NDArray[np.int64]:
    caps = np.full(len(known.rated), TOP, dtype=np.int64)
    for row in model.unrated:
        factor = FACTORS.index(row.factor)
        missing = np.isnan(known.rated[:, factor]) & ~known.excluded[:, factor]
        caps = np.where(missing, np.minimum(caps, row.ready_cap), caps)
    return caps


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    ratio = np.full(len(part), np.nan)
    np.divide(part, whole, out=ratio, where=whole > 0)
    return ratio
