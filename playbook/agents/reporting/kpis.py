"""The key figures of the week beside the week before, with the range ordinary weeks give, or the reason why none."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy

from playbook.agents.reporting import series as kept
from playbook.agents.reporting.holiday import HOLIDAY
from playbook.agents.reporting.settings import Measure

if TYPE_CHECKING:
    from playbook.agents.reporting.series import Series, Week
    from playbook.agents.reporting.settings import Ratio, Settings

LONG = 12  # weeks back at most that say what an ordinary change is
FEWEST = 6  # changes between ordinary weeks needed for a usual range
BEFORE = 4  # weeks whose mean stands beside
COLUMNS = {
    "figure": "str",
    "this": "float64",
    "last": "float64",
    "change": "float64",
    "percent": "float64",
    "low": "float64",
    "high": "float64",
    "weeks": "Int64",
    "before": "float64",
    "alike": "float64",
    "days_alike": "Int64",
    "state": "str",
}
INSIDE, ABOVE, BELOW = "within its usual range", "above its usual range", "below its usual range"
GAP, NO_PAST, NOTHING = "not comparable: days are missing", "usual range not yet known", "no figures"
HOLIDAYS = "not like for like: a public holiday"
OUTSIDE = (ABOVE, BELOW)


def weekly(series: Series, settings: Settings, week: Week, gaps: pd.DataFrame, kinds: pd.DataFrame) -> pd.DataFrame:
    """The key figures, one row a measure and ratio of the settings, in their order.

    Columns: figure (id), this and last (the week and the one before), change and percent (this against last), low and
    high (where `this` would lie in an ordinary week), weeks (changes between ordinary weeks behind that range), before
    (mean of the four weeks before), alike and days_alike (the percentage change over those days alone that are no
    holiday in either week, and how many they are; only where a public holiday falls into one of them), state.

    The usual range is last * exp(± t s sqrt(1 + 1/n)), t of Student with n-1 degrees of freedom, s the standard
    deviation of the n logarithms of week-on-week changes among the twelve weeks before, without weeks that hold a
    public holiday or miss a day. With gaps in one of the two weeks nothing is compared: a gap is no fall.
    """
    holidays = pd.DatetimeIndex(kinds.index[kinds["kind"] == HOLIDAY])
    summed = series.frame.groupby("day", as_index=False)[list(series.measures)].sum(min_count=1)
    together = replace(series, frame=summed)
    rows = [_figure(together, settings, figure, week, gaps, holidays) for figure in settings.figures]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def week_total(series: Series, measure: str, week: Week) -> float:
    """The sum of a measure over a week; NaN when nothing is known of it."""
    return float(week.of(series.frame)[measure].sum(min_count=1))


def by_name(series: Series, measure: str, week: Week) -> pd.Series:
    """A measure's sum over a week by name."""
    return week.of(series.frame).groupby("name")[measure].sum(min_count=1).dropna()


def _figure(  # noqa: PLR0913, PLR0917 - private; one argument a fact about the week
    series: Series,
    settings: Settings,
    figure: Measure | Ratio,
    week: Week,
    gaps: pd.DataFrame,
    holidays: pd.DatetimeIndex,
) -> dict[str, Any]:
    this, last = _value(series, figure, week), _value(series, figure, week.before)
    earlier = [_value(series, figure, week.back(i)) for i in range(1, BEFORE + 1)]
    row: dict[str, Any] = {
        "figure": figure_id(figure),
        "this": this,
        "last": last,
        "change": this - last,
        "percent": _percent(this, last),
        "before": float(np.mean(earlier)) if all(math.isfinite(value) for value in earlier) else math.nan,
        "weeks": 0,
        "low": math.nan,
        "high": math.nan,
        "alike": math.nan,
        "days_alike": 0,
    }
    concerned = gaps[gaps["measure"].isin(["", *measures_of(figure)])]
    if not concerned.empty:
        return row | {"change": math.nan, "percent": math.nan, "state": GAP}
    if not math.isfinite(this) or not math.isfinite(last):
        return row | {"state": NOTHING}
    if _touched(week, holidays) or _touched(week.before, holidays):
        alike, days = _like_for_like(series, figure, week, holidays)
        return row | {"alike": alike, "days_alike": days, "state": HOLIDAYS}
    changes = _ordinary_changes(series, figure, week, holidays)
    low, high = _range(last, changes, settings.watch.range / 100)
    state = NO_PAST if math.isnan(low) else ABOVE if this > high else BELOW if this < low else INSIDE
    return row | {"low": low, "high": high, "weeks": len(changes), "state": state}


def figure_id(figure: Measure | Ratio) -> str:
    """The id of a measure or ratio."""
    return figure.measure if isinstance(figure, Measure) else figure.ratio


def measures_of(figure: Measure | Ratio) -> list[str]:
    """The measures a figure is made of: itself, or what stands above and below a ratio's line."""
    return [figure.measure] if isinstance(figure, Measure) else [figure.top, figure.bottom]


def _value(series: Series, figure: Measure | Ratio, week: Week) -> float:
    return _of_days(series, figure, week.days())


def _of_days(series: Series, figure: Measure | Ratio, days: pd.DatetimeIndex) -> float:
    here = series.frame[series.frame["day"].isin(days)]
    sums = [float(here[name].sum(min_count=1)) for name in measures_of(figure)]
    if isinstance(figure, Measure):
        return sums[0]
    return sums[0] / sums[1] * figure.times if sums[1] else math.nan


def _percent(this: float, last: float) -> float:
    return (this / last - 1) * 100 if last and math.isfinite(last) and last > 0 else math.nan


def _touched(week: Week, holidays: pd.DatetimeIndex) -> bool:
    return bool(((holidays >= week.first) & (holidays <= week.last)).any())


def _like_for_like(
    series: Series, figure: Measure | Ratio, week: Week, holidays: pd.DatetimeIndex
) -> tuple[float, int]:
    """The change over the weekdays that are a public holiday in neither week."""
    if series.step != 1:
        return math.nan, 0
    days = [day for day in week.days() if day not in holidays and day - 7 * kept.DAY not in holidays]
    alike = pd.DatetimeIndex(days)
    return _percent(_of_days(series, figure, alike), _of_days(series, figure, alike - 7 * kept.DAY)), len(days)


def _ordinary_changes(series: Series, figure: Measure | Ratio, week: Week, holidays: pd.DatetimeIndex) -> list[float]:
    """Logarithms of the changes between neighbouring ordinary weeks before the reported one."""
    first = series.frame["day"].min()
    present = set.intersection(*(set(series.frame["day"][series.frame[name].notna()]) for name in measures_of(figure)))
    values = []
    for back in range(1, LONG + 2):
        one = week.back(back)
        starts = [day for day in one.days() if day in present]
        whole = one.first >= first and len(starts) == (7 if series.step == 1 else 1)
        values.append(_value(series, figure, one) if whole and not _touched(one, holidays) else math.nan)
    pairs = itertools.pairwise(values)
    return [math.log(new / old) for new, old in pairs if new > 0 and old > 0]


def _range(last: float, changes: list[float], share: float) -> tuple[float, float]:
    n = len(changes)
    if n < FEWEST or last <= 0:
        return math.nan, math.nan
    spread = float(np.std(changes, ddof=1)) * math.sqrt(1 + 1 / n)
    reach = float(scipy.special.stdtrit(n - 1, (1 + share) / 2)) * spread
    return last * math.exp(-reach), last * math.exp(reach)
