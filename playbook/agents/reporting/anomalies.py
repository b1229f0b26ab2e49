"""Unusual days, told from the past alone: what a day was expected to bring, within which limits, and what it brought.

Each value is predicted from the values before it by robust exponential smoothing of level and season, on a root of them:
an outlier moves neither much (Gelper, Fried and Croux, Journal of Forecasting 29 (2010) 285-300). Limits are wider and
the next values teach more where the level is in doubt: after days that taught nothing, by the variance of a forecast so
many steps ahead (Hyndman, Koehler, Ord and Snyder, Forecasting with Exponential Smoothing (2008), table 6.2), and after
a value outside, which may be the first of a new level. The limits start at Student's t with 4.8 degrees of freedom and
follow the share of values found outside, so that the stated share of ordinary values is flagged even where their errors
have heavier tails (Gibbs and Candes, Adaptive Conformal Inference Under Distribution Shift, NeurIPS 2021; the limit
itself is tracked).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy

from playbook.agents.reporting.holiday import ORDINARY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BUDGET = 1.0
COLUMNS = ["day", "value", "expected", "low", "high", "score", "flag", "state"]
JUDGED, TOO_EARLY, MISSING, HOLIDAY = "judged", "not enough past", "missing", "judged for rises only"
FREEDOM = 4.8  # degrees of freedom of Student's t: tails as heavy as those of daily visits, tried on real series
POWER = 0.4  # between a logarithm, which makes spikes small, and the value itself, whose spread grows with its level
ANSCOMBE = 3 / 8
CLIP = 2.0  # scales by which one value may move the level at most
LIMITS = (0.75, 2.5)  # how far the limit may move from where it starts, as factors
IN_HAND = 0.9  # of the budget is aimed at, as the share found wanders around its aim
STEP = 0.1  # of the limit, added after each value outside it
CLIPPED = 9.0  # squares of the scale that one value may teach it at most, CLIP² where it is outside the limits
CONSISTENT = 0.656  # makes the clipped square of an error with FREEDOM 1 on average: 1 = E min(0.656 t², 9)
JUMP = 1.0  # variance, in squares of the scale, by which a value outside puts the level in doubt
LIKE_IT = 5  # past days of its kind (holiday, near one) that must be known before a fall on such a day is judged
BEYOND = 2.0  # how far beyond the furthest of so few the next may lie


@dataclass(frozen=True)
class Pace:
    """How a series of one spacing is smoothed: weights of the newest value for level, season and scale.

    `slots` is the length of its season in values, `needs` the values that must be known before one is judged,
    `words` what that is. Weights were tried on daily visits, hourly ad costs and five-minute mentions; the share of
    flagged values hardly changes between half and double of them.
    """

    level: float
    season: float
    scale: float
    slots: int
    needs: int
    words: str


DAYS = Pace(level=0.15, season=0.2, scale=0.05, slots=7, needs=28, words="four weeks of days")
WEEKS = Pace(level=0.3, season=0.0, scale=0.1, slots=1, needs=12, words="twelve weeks")
HOURS = Pace(level=0.1, season=0.1, scale=0.02, slots=24, needs=10 * 24, words="ten days")


def pace(index: pd.DatetimeIndex) -> Pace:
    """The pace of a series by the most usual distance of its moments."""
    if len(index) < 2:
        return DAYS
    minutes = float(np.median(np.diff(index.as_unit("s").asi8))) / 60
    if minutes >= 5 * 24 * 60:
        return WEEKS
    if minutes >= 24 * 60:
        return DAYS
    a_day = max(1, round(24 * 60 / minutes))
    return Pace(HOURS.level, HOURS.season, HOURS.scale, HOURS.slots, 10 * a_day, HOURS.words)


def judge(values: pd.Series, kinds: pd.Series | None = None, *, budget: float = BUDGET) -> pd.DataFrame:
    """Judge each value by those before it, one row a moment of `values` (an index of days, weeks, hours or minutes).

    `kinds` says which days are no ordinary ones (`holiday.kinds`), `budget` which share of ordinary values, in %, may be
    flagged by chance. Columns: day, value, expected, low, high (all in the unit of the values), score (distance from
    the expected in scales; 4 is far), flag (high, low or empty), state (judged, judged for rises only, missing, not
    enough past). A fall on or beside a public holiday is judged only once five such days are known. A missing value
    is neither a zero nor a fall, and nothing is learnt from it.
    """
    given = values.sort_index().astype("float64")
    index = pd.DatetimeIndex(given.index)
    how, plain = pace(index), np.asarray(given, dtype=np.float64)
    scale = _Scale.of(plain, how)
    kind = [ORDINARY] * len(given) if kinds is None else kinds.reindex(index).fillna(ORDINARY).tolist()
    rows = _Smoothing(scale, how, budget).run(plain, index, kind)
    frame = pd.DataFrame(rows, columns=COLUMNS[2:])
    frame.insert(0, "day", index)
    frame.insert(1, "value", plain)
    return frame


def naive(values: pd.Series, window: int = 28, sigmas: float = 3.0) -> pd.Series:
    """The rule it is compared with: a value more than three standard deviations from the mean of the last 28."""
    past = values.shift(1).rolling(window, min_periods=window)
    return (values - past.mean()).abs() > sigmas * past.std()


@dataclass(frozen=True)
class _Scale:
    """The scale values are compared on: their roots (power 0.4), or the values where the past holds negative ones."""

    root: bool
    counts: bool

    @classmethod
    def of(cls, values: Floats, how: Pace) -> _Scale:
        past = values[np.isfinite(values)][: how.needs]
        return cls(root=bool((past >= 0).all()), counts=bool(len(past)) and bool((past == np.round(past)).all()))

    def there(self, value: float) -> float:
        return (max(value, 0.0) + self.shift) ** POWER / POWER if self.root else value

    def back(self, value: float) -> float:
        return max(float(max(value * POWER, 0.0) ** (1 / POWER)) - self.shift, 0.0) if self.root else value

    def least(self, expected: float) -> float:
        """The smallest scale of error: a count cannot be surer than its own root (Poisson)."""
        if not (self.counts and self.root):
            return 1e-12
        level = max(self.back(expected), 1.0)
        return float((level + self.shift) ** (POWER - 1) * math.sqrt(level))

    @property
    def shift(self) -> float:
        """Added to counts, so that none is not far below one (Anscombe, Biometrika 35 (1948) 246-254)."""
        return ANSCOMBE if self.counts else 0.0


class _Smoothing:
    """Level, weekday, time of day, scale and limit as they stand before the next value."""

    def __init__(self, scale: _Scale, how: Pace, budget: float) -> None:
        self.scale, self.how, self.share = scale, how, budget / 100
        self.start = float(scipy.special.stdtrit(FREEDOM, 1 - self.share / 2))
        self.limit = self.start
        self.level = self.sigma = math.nan
        self.slots: Floats = np.zeros(how.slots)
        self.weekdays: Floats = np.zeros(7)
        self.doubt = 0.0  # variance of the level beyond that of one step, in squares of the scale
        self.doubts: Floats = np.zeros(how.slots)  # and of each slot of the season
        self.beside: dict[str, list[float]] = {}

    def run(self, values: Floats, index: pd.DatetimeIndex, kinds: list[str]) -> list[tuple[Any, ...]]:
        known = np.isfinite(values) & np.array([kind == ORDINARY for kind in kinds], dtype=bool)
        ready = np.flatnonzero(np.cumsum(known) >= self.how.needs)
        # the first weeks teach; what follows is judged one by one, each before it is learnt from
        begin = int(ready[0]) + 1 if len(ready) else len(values)
        slots = (
            index.hour.to_numpy() if self.how.slots == HOURS.slots else index.day_of_week.to_numpy() % self.how.slots
        )
        days = index.day_of_week.to_numpy()
        on_scale = np.array([self.scale.there(value) if np.isfinite(value) else np.nan for value in values])
        if len(ready):
            first = known.copy()
            first[begin:] = False
            self._warm(on_scale, slots, days, first)
        rows = []
        for i in range(len(values)):
            if i < begin:
                state = TOO_EARLY if np.isfinite(values[i]) else MISSING
                rows.append((math.nan, math.nan, math.nan, math.nan, "", state))
            else:
                rows.append(self._judge(float(on_scale[i]), int(slots[i]), int(days[i]), kinds[i]))
        return rows

    def _warm(self, y: Floats, slots: NDArray[Any], days: NDArray[Any], known: NDArray[np.bool_]) -> None:
        """Start from medians of the first weeks, then smooth through them once without judging.

        Values lie closer to medians fitted to themselves than new ones will: their errors are widened by
        sqrt(n / (n - slots)), the season and level being `slots` figures fitted to n values.
        """
        places = np.flatnonzero(known)
        smooth = pd.Series(y[places]).rolling(self.how.slots, center=True, min_periods=1).median().to_numpy()
        rest = y[places] - (smooth if self.how is DAYS else np.median(y[places]))
        for slot in range(self.how.slots):
            here = rest[slots[places] == slot]
            self.slots[slot] = np.median(here) if len(here) else 0.0
        self.slots -= self.slots.mean()
        if self.how.slots == HOURS.slots and len(places) >= 1.4 * self.how.needs:
            left = rest - self.slots[slots[places]]
            self.weekdays = np.array([np.median(left[days[places] == day]) for day in range(7)])
        plain = y[places] - self.slots[slots[places]] - self.weekdays[days[places]]
        self.level = float(np.median(plain[: max(14, self.how.slots)]))
        fitted = math.sqrt(len(places) / (len(places) - len(set(slots[places]))))
        if self.how is DAYS:
            around = rest - self.slots[slots[places]]
            error = fitted * (around - np.median(around))
        else:
            error = np.diff(plain) / math.sqrt(2)
        self.sigma = max(1.4826 * float(np.median(np.abs(error))), self.scale.least(self.level))
        for i in places:
            self._learn(float(y[i]), int(slots[i]), int(days[i]), fitted=fitted)

    def _expected(self, slot: int, day: int) -> float:
        return self.level + float(self.slots[slot]) + float(self.weekdays[day])

    def _judge(self, y: float, slot: int, day: int, kind: str) -> tuple[Any, ...]:
        expected = self._expected(slot, day)
        sigma = self._spread(slot, expected)
        low, high = expected - self.limit * sigma, expected + self.limit * sigma
        like_it = self.beside.setdefault(kind, [])
        judged_low = kind == ORDINARY or len(like_it) >= LIKE_IT
        low += BEYOND * min([0.0, *like_it])
        high += BEYOND * max([0.0, *like_it])
        shown = tuple(self.scale.back(value) for value in (expected, low, high))
        if not judged_low:
            shown = (shown[0], math.nan, shown[2])
        if math.isnan(y):
            self._forget(slot)
            return (*shown, math.nan, "", MISSING)
        score = (y - expected) / sigma
        flag = "high" if y > high else "low" if judged_low and y < low else ""
        if kind != ORDINARY:
            like_it.append(y - expected)
            self._forget(slot)
        else:
            self._learn(y, slot, day, outside=bool(flag))
            self._follow(outside=bool(flag))
        return (*shown, score, flag, JUDGED if judged_low else HOLIDAY)

    def _follow(self, *, outside: bool) -> None:
        moved = self.limit + STEP * self.start * (float(outside) - IN_HAND * self.share)
        self.limit = min(max(moved, LIMITS[0] * self.start), LIMITS[1] * self.start)

    def _spread(self, slot: int, expected: float) -> float:
        """The scale of the next error: that of one step, and what the level and its slot are in doubt."""
        sigma = max(self.sigma, self.scale.least(expected))
        return sigma * math.sqrt(1 + self.doubt + float(self.doubts[slot]))

    def _forget(self, slot: int) -> None:
        """A value that teaches nothing: the next is predicted one step further ahead, a² and g(2a + g) more."""
        a, g = self.how.level, self.how.season
        self.doubt += a**2
        self.doubts[slot] += g * (2 * a + g)

    def _learn(self, y: float, slot: int, day: int, *, outside: bool = False, fitted: float = 1.0) -> None:
        """Smooth by one value; with doubt p about the level its weight a is (a + p)/(1 + p), and p(1 - a)²/(1 + p) is left.

        That is Kalman's weight where the level's own steps are a times the errors (Hyndman and others, chapter 12).
        """
        expected, a, g = self._expected(slot, day), self.how.level, self.how.season
        spread = self._spread(slot, expected)
        error = y - expected
        held = min(max(error, -CLIP * spread), CLIP * spread)
        self.level += (a + self.doubt) / (1 + self.doubt) * held
        self.slots[slot] += g * held
        if self.weekdays.any():
            self.weekdays[day] += g / 8 * held
        square = min(CONSISTENT * (fitted * error / spread) ** 2, CLIP**2 if outside else CLIPPED)
        self.sigma = max(self.sigma, self.scale.least(expected)) * math.sqrt(1 + self.how.scale * (square - 1))
        self.doubt = self.doubt * (1 - a) ** 2 / (1 + self.doubt) + JUMP * outside
        self.doubts[slot] *= (1 - g) ** 2
