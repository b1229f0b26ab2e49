"""The statistics several rooms share: estimates with intervals, and the protection of small groups.

Nothing here raises because the evidence is thin. Where there is no estimate at all a function returns None; where there
is an estimate but no honest interval for it, `low` and `high` are NaN and `Interval.measured` is False.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from playbook.errors import ParameterError

CONFIDENCE = 0.95
MINIMUM_GROUP = 5

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Interval:
    """An estimate and the range it can be trusted to.

    `estimate`, `low` and `high` are in the unit of what was estimated; `low` and `high` are NaN where the evidence
    allows no interval. `n` counts the observations behind it. `confidence` is the share (0 to 1) of such intervals
    that hold the true value.
    """

    estimate: float
    low: float
    high: float
    n: int
    confidence: float = CONFIDENCE

    @property
    def measured(self) -> bool:
        """Whether both ends are known."""
        return not (math.isnan(self.low) or math.isnan(self.high))


def wilson(successes: int, n: int, confidence: float = CONFIDENCE) -> Interval | None:
    """Share of successes with its Wilson score interval, from 0 (none) to 1 (all); None when `n` is 0.

    (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n). Source: Wilson 1927, as method 3 of Newcombe,
    Statistics in Medicine 17 (1998) 857-872. Raises ParameterError for counts that cannot be.
    """
    _check_counts(successes, n, confidence)
    if n == 0:
        return None
    p, z = successes / n, _z(confidence)
    middle = p + z * z / (2 * n)
    spread = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # At 0 and n the formula's end is exactly 0 or 1; rounding must not leave it a hair beside.
    low = 0.0 if successes == 0 else max(0.0, (middle - spread) / scale)
    high = 1.0 if successes == n else min(1.0, (middle + spread) / scale)
    return Interval(p, low, high, n, confidence)


def newcombe(x1: int, n1: int, x2: int, n2: int, confidence: float = CONFIDENCE) -> Interval | None:
    """Difference of two shares, x1/n1 - x2/n2, from -1 to 1; None when either group is empty.

    Method 10 of Newcombe, Statistics in Medicine 17 (1998) 873-890: with Wilson limits l and u of each share,
    d - sqrt((p1-l1)² + (u2-p2)²) to d + sqrt((u1-p1)² + (p2-l2)²). It holds for shares of 0 and 1 too.
    Raises ParameterError for counts that cannot be.
    """
    first, second = wilson(x1, n1, confidence), wilson(x2, n2, confidence)
    if first is None or second is None:
        return None
    difference = first.estimate - second.estimate
    below = math.hypot(first.estimate - first.low, second.high - second.estimate)
    above = math.hypot(first.high - first.estimate, second.estimate - second.low)
    return Interval(difference, max(-1.0, difference - below), min(1.0, difference + above), n1 + n2, confidence)


def mean_difference(
    trial: Iterable[float], baseline: Iterable[float], confidence: float = CONFIDENCE
) -> Interval | None:
    """Mean of `trial` minus mean of `baseline`, in their unit, with Welch's t interval; empty cells are left out.

    None when a group is empty. Ends are NaN with one value in a group or no spread in either: equal values say
    nothing of how far the next one may lie. Source: Welch, Biometrika 34 (1947) 28-35.
    """
    return _difference(_values(trial), _values(baseline), confidence, _welch_radius)


def geometric_ratio(
    trial: Iterable[float], baseline: Iterable[float], confidence: float = CONFIDENCE
) -> Interval | None:
    """Geometric mean of `trial` over that of `baseline`: 1 the same, 0.5 half the time, 2 double.

    Welch's t on the logarithms, turned back by exp; times are skewed and change by factors. The interval holds for
    one look at a date planned before. None when a group is empty or holds a value of 0 or below, which has no
    logarithm; ends are NaN as in `mean_difference`.
    """
    return _ratio(trial, baseline, confidence, _welch_radius)


def geometric_ratio_any_time(
    trial: Iterable[float], baseline: Iterable[float], confidence: float = CONFIDENCE
) -> Interval | None:
    """`geometric_ratio` with a wider interval that holds however often it is looked at and whenever one stops.

    With z = n1 n2/(n1+n2), nu = n1+n2-2, r = 1/(1+z), c = (r alpha²)^(1/(nu+1)) the radius on the logarithms is
    se sqrt(nu (1-c)/(c-r)), se from the pooled variance; while c <= r there is no bound yet and the ends are NaN.
    Source: Lindon, Ham, Tingley and Bojinov, Anytime-Valid Linear Models, arXiv 2210.08589 (2022).
    """
    return _ratio(trial, baseline, confidence, _any_time_radius)


def median(values: Iterable[float], confidence: float = CONFIDENCE) -> Interval | None:
    """Median with a distribution-free interval between two of the values; None without a value.

    The r-th smallest and r-th largest value, r the largest for which P(Binomial(n, ½) < r) <= (1 - confidence)/2, so
    that the interval holds the median at least as often as promised. At 95 % fewer than six values give no interval
    and NaN ends. Source: Conover, Practical Nonparametric Statistics, 3rd ed. (1999), section 3.2.
    """
    found = np.sort(_values(values))
    n = len(found)
    if n == 0:
        return None
    _check_confidence(confidence)
    rank = _order_rank(n, confidence)
    low, high = (float(found[rank - 1]), float(found[n - rank])) if rank else (math.nan, math.nan)
    return Interval(float(np.median(found)), low, high, n, confidence)


def at_least_five(people: float | None) -> bool:
    """Whether a group is large enough to be shown: five people or more. An unknown number is not."""
    return people is not None and not pd.isna(people) and people >= MINIMUM_GROUP


def hidden(
    frame: pd.DataFrame, count_column: str, minimum: int = MINIMUM_GROUP, within: Sequence[str] | str | None = None
) -> pd.Series:
    """Which rows must be kept back so that no group under `minimum` people can be seen or computed.

    `frame` has one row a group and `count_column` its people; `within` names the columns whose equal values share a
    total (a team). Groups of 1 to minimum - 1 people, or of an unknown number, are hidden. A total would give a single
    hidden group away, and a few hidden groups that are together under `minimum` as well, so the next smallest group
    is hidden too until neither holds. A group of nobody has nothing to hide. Returns a boolean Series on frame's index.
    """
    people = pd.to_numeric(frame[count_column]).astype("Float64")
    keep_back = (people.isna() | ((people > 0) & (people < minimum))).astype(bool)
    names = [within] if isinstance(within, str) else list(within or [])
    totals = frame.groupby(names, dropna=False, sort=False).indices.values() if names else [np.arange(len(frame))]
    flags, counts = keep_back.to_numpy(copy=True), people.to_numpy(dtype=float, na_value=0.0)
    for rows in totals:
        shown = [row for row in sorted(rows, key=lambda row: counts[row]) if not flags[row] and counts[row] > 0]
        while shown and flags[rows].any() and not _covered(flags[rows], counts[rows], minimum):
            flags[shown.pop(0)] = True
    return pd.Series(flags, index=frame.index, name="hidden")


def suppress(
    frame: pd.DataFrame,
    count_column: str,
    value_columns: Sequence[str],
    minimum: int = MINIMUM_GROUP,
    within: Sequence[str] | str | None = None,
) -> pd.DataFrame:
    """Return a copy of `frame` with `count_column` and `value_columns` emptied where `hidden` says so.

    The rows stay, so that a reader sees that something was kept back. Columns keep their type, whole numbers and
    yes/no becoming pandas' types that can be empty.
    """
    keep_back = hidden(frame, count_column, minimum, within)
    emptied = frame.copy()
    for name in dict.fromkeys([count_column, *value_columns]):
        emptied[name] = _nullable(frame[name]).mask(keep_back)
    return emptied


def _covered(flags: NDArray[np.bool_], counts: Floats, minimum: int) -> bool:
    return bool(flags.sum() >= 2 and counts[flags].sum() >= minimum)


def _nullable(values: pd.Series) -> pd.Series:
    if pd.api.types.is_bool_dtype(values.dtype):
        return values.astype("boolean")
    return values.astype("Int64") if pd.api.types.is_integer_dtype(values.dtype) else values


def _ratio(
    trial: Iterable[float],
    baseline: Iterable[float],
    confidence: float,
    radius: Callable[[Floats, Floats, float], float],
) -> Interval | None:
    new, old = _values(trial), _values(baseline)
    if (new <= 0).any() or (old <= 0).any():
        return None
    logs = _difference(np.log(new), np.log(old), confidence, radius)
    if logs is None:
        return None
    return Interval(math.exp(logs.estimate), math.exp(logs.low), math.exp(logs.high), logs.n, confidence)


def _difference(
    trial: Floats, baseline: Floats, confidence: float, radius: Callable[[Floats, Floats, float], float]
) -> Interval | None:
    _check_confidence(confidence)
    n1, n2 = len(trial), len(baseline)
    if n1 == 0 or n2 == 0:
        return None
    difference = float(trial.mean() - baseline.mean())
    # Equal values leave a rest of rounding, not a spread.
    rest = 1e-12 * max(float(np.abs(trial).max()), float(np.abs(baseline).max()))
    spread = n1 > 1 and n2 > 1 and math.hypot(trial.std(), baseline.std()) > rest
    reach = radius(trial, baseline, confidence) if spread else math.nan
    return Interval(difference, difference - reach, difference + reach, n1 + n2, confidence)


def _welch_radius(trial: Floats, baseline: Floats, confidence: float) -> float:
    n1, n2 = len(trial), len(baseline)
    share1, share2 = float(trial.var(ddof=1)) / n1, float(baseline.var(ddof=1)) / n2
    variance = share1 + share2
    # Each share over the whole first: squares of tiny variances would vanish.
    freedom = 1 / ((share1 / variance) ** 2 / (n1 - 1) + (share2 / variance) ** 2 / (n2 - 1))
    return float(scipy.special.stdtrit(freedom, (1 + confidence) / 2)) * math.sqrt(variance)


def _any_time_radius(trial: Floats, baseline: Floats, confidence: float) -> float:
    n1, n2 = len(trial), len(baseline)
    z, nu = n1 * n2 / (n1 + n2), n1 + n2 - 2
    r = 1 / (1 + z)
    c = (r * (1 - confidence) ** 2) ** (1 / (nu + 1))
    if c <= r:
        return math.nan
    pooled = (trial.var(ddof=1) * (n1 - 1) + baseline.var(ddof=1) * (n2 - 1)) / nu
    return math.sqrt(float(pooled) / z * nu * (1 - c) / (c - r))


def _order_rank(n: int, confidence: float) -> int:
    below = scipy.special.bdtr(np.arange(n // 2 + 1), n, 0.5)
    return int(np.count_nonzero(below <= (1 - confidence) / 2))


def _values(values: Iterable[float]) -> Floats:
    numbers = pd.to_numeric(pd.Series(list(values), dtype=object)).astype("Float64")
    found: Floats = numbers.dropna().to_numpy(dtype=float)
    if np.isinf(found).any():
        raise ParameterError("an infinite value among the numbers to be averaged; wanted finite numbers or empty cells")
    return found


def _z(confidence: float) -> float:
    return float(scipy.special.ndtri((1 + confidence) / 2))


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ParameterError(f"confidence: {confidence}; wanted a share between 0 and 1, such as 0.95")


def _check_counts(successes: int, n: int, confidence: float) -> None:
    _check_confidence(confidence)
    if n < 0 or not 0 <= successes <= n:
        raise ParameterError(f"{successes} successes of {n}; wanted a whole number from 0 to the number of trials")
