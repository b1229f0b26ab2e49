"""Everything the report says, as tables: the key figures, whose doing a change is, unusual days, breaks and gaps."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.agents.reporting import anomalies, breaks, contributions, holiday, kpis
from playbook.agents.reporting import series as kept
from playbook.agents.reporting.anomalies import HOLIDAY, JUDGED
from playbook.agents.reporting.kpis import GAP, HOLIDAYS, INSIDE
from playbook.errors import IntakeError

if TYPE_CHECKING:
    from playbook.agents.reporting.series import Series, Week
    from playbook.agents.reporting.settings import Settings

WHOLE = "all together"
OUTSIDE = 0.1  # of a ratio's change may lie outside of mix and rate; above it the split says nothing
UNUSUAL_COLUMNS = ["measure", "name", "day", "value", "expected", "low", "high", "score", "flag", "holiday", "cause"]


@dataclass(frozen=True)
class Analysis:
    """What was found, as tables.

    `kpis` is `kpis.weekly`; `judged` every value of every judged series (anomalies.judge with columns measure and
    name; the sum of all names is called `all together`); `unusual` the week's flagged days; `breaks` and `gaps` as their
    rooms give them; `totals` and `ratios` the splits by measure and ratio, only where the two weeks can be compared;
    `difference` is the gap in % between the reported sums and the source's own (None where there is nothing to
    compare), `age` the hours from the end of the newest day to the start of today.
    """

    settings: Settings
    series: Series
    today: dt.date
    week: Week
    kinds: pd.DataFrame
    regular: tuple[str, ...]
    kpis: pd.DataFrame
    judged: pd.DataFrame
    unusual: pd.DataFrame
    breaks: pd.DataFrame
    gaps: pd.DataFrame
    totals: dict[str, pd.DataFrame]
    ratios: dict[str, pd.DataFrame]
    difference: float | None
    age: float

    @property
    def days_judged(self) -> int:
        """Days of the week's series that were judged."""
        here = self.week.of(self.judged)
        return int(here["state"].isin([JUDGED, HOLIDAY]).sum())

    def metrics(self) -> dict[str, float | None]:
        """What the policy's triggers compare, in the catalogue's units; None where it cannot be known."""
        unexplained = [_unexplained(self, row) for row in self.kpis.to_dict(orient="records")]
        known = None if None in unexplained else max((value for value in unexplained if value is not None), default=0.0)
        return {
            "missing_days": float(self.gaps["day"].nunique() * self.series.step),
            "figure_difference": self.difference,
            "unexplained_change": known,
            "input_age": self.age,
            "anomalies": float((self.unusual["cause"] == "").sum()),
            "structural_breaks": float((self.breaks["cause"] == "").sum()),
        }


def analyse(series: Series, settings: Settings, today: dt.date) -> Analysis:
    """Find everything the report of the last full week says.

    Raises IntakeError when the series holds nothing of the two weeks that are compared.
    """
    week, newest = weeks(series, settings, today)
    past = series.until(week.last)
    kinds = holiday.kinds(kept.calendar(past), settings.country)
    regular = kept.regular_names(past, week.before.first, settings.watch.regular)
    missing = kept.gaps(past, week, settings.watch.regular)
    judged = _judged(past, settings, regular, kinds)
    found = [
        breaks.structural(past, part, str(measure), week, causes=settings.causes, regular=regular)
        for measure, part in judged[judged["name"] != WHOLE].groupby("measure", sort=False)
    ]
    return Analysis(
        settings=settings,
        series=past,
        today=today,
        week=week,
        kinds=kinds,
        regular=tuple(regular),
        kpis=kpis.weekly(past, settings, week, missing, kinds),
        judged=judged,
        unusual=_unusual(judged, week, settings, kinds),
        breaks=pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(breaks.COLUMNS)),
        gaps=missing,
        totals=_totals(past, settings, week, missing),
        ratios=_ratios(past, settings, week, missing),
        difference=_difference(past, settings, week),
        age=(pd.Timestamp(today) - newest - kept.DAY) / pd.Timedelta(hours=1),
    )


def weeks(series: Series, settings: Settings, today: dt.date) -> tuple[Week, pd.Timestamp]:
    """The week to report and the newest day of the figures before today.

    Weekly figures are reported by the source's own weeks. Raises IntakeError when the series holds nothing of that week
    or of the one before.
    """
    newest = series.until(pd.Timestamp(today) - kept.DAY).newest
    week = kept.week_of(today, settings.week_ends)
    past = series.until(pd.Timestamp(today) - kept.DAY)
    if series.step == 7 and newest is not None and newest + 7 * kept.DAY >= week.last:
        week = kept.Week(newest - 6 * kept.DAY, newest)
    if newest is None or week.of(past.frame).empty or week.before.of(past.frame).empty:
        last = "nothing" if newest is None else f"figures up to {newest:%Y-%m-%d}"
        raise IntakeError(
            f"the input holds {last}; the report of {week.first:%Y-%m-%d} to {week.last:%Y-%m-%d} needs that week and "
            "the one before. Export them and run again"
        )
    return week, newest


def _judged(series: Series, settings: Settings, regular: list[str], kinds: pd.DataFrame) -> pd.DataFrame:
    """Each measure of all names together and of each large regular name, judged over the whole past."""
    parts = []
    daily = kinds["kind"] if series.step == 1 else None
    for measure in settings.measures:
        for name, values in _watched(series, measure.measure, settings, regular).items():
            judged = anomalies.judge(values, daily, budget=settings.watch.budget)
            parts.append(judged.assign(measure=measure.measure, name=name))
    if not parts:
        return pd.DataFrame(columns=[*anomalies.COLUMNS, "measure", "name"])
    return pd.concat(parts, ignore_index=True)


def _watched(series: Series, measure: str, settings: Settings, regular: list[str]) -> dict[str, pd.Series]:
    frame = series.frame.dropna(subset=[measure])
    sums = frame.groupby("name")[measure].sum()
    if sums.empty:
        return {}
    large = sums.index[sums.abs() >= settings.watch.small / 100 * sums.abs().sum()]
    names = [name for name in regular if name in set(large)]
    each = {name: kept.of_name(series, measure, name) for name in names}
    if len(sums) < 2:
        return each
    together = kept.by_day(series, measure).reindex(kept.calendar(series))
    # a day on which a regular name is missing has no sum: it would look like a fall
    for values in each.values():
        known = values.first_valid_index()
        together[values.isna() & (values.index >= known)] = math.nan
    return {WHOLE: together, **each}


def _unusual(judged: pd.DataFrame, week: Week, settings: Settings, kinds: pd.DataFrame) -> pd.DataFrame:
    flagged = week.of(judged)
    flagged = flagged[flagged["flag"] != ""].copy()
    named = kinds["holiday"].where(kinds["kind"] != holiday.NEAR, "beside a public holiday")
    flagged["holiday"] = named.reindex(flagged["day"]).fillna("").to_numpy()
    flagged["cause"] = [
        next((cause.what for cause in settings.causes if cause.covers(day.date(), day.date(), str(name))), "")
        for day, name in zip(flagged["day"], flagged["name"], strict=True)
    ]
    order = flagged["score"].abs().sort_values(ascending=False, kind="stable").index
    return flagged.loc[order, UNUSUAL_COLUMNS].reset_index(drop=True)


def _comparable(missing: pd.DataFrame, measures: list[str]) -> bool:
    return missing[missing["measure"].isin(["", *measures])].empty


def _totals(series: Series, settings: Settings, week: Week, missing: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {
        measure.measure: contributions.of_total(
            kpis.by_name(series, measure.measure, week.before), kpis.by_name(series, measure.measure, week)
        )
        for measure in settings.measures
        if _comparable(missing, [measure.measure])
    }


def _ratios(series: Series, settings: Settings, week: Week, missing: pd.DataFrame) -> dict[str, pd.DataFrame]:
    splits = {}
    for ratio in settings.ratios:
        if not _comparable(missing, [ratio.top, ratio.bottom]):
            continue
        parts = [kpis.by_name(series, name, when) for when in (week.before, week) for name in (ratio.top, ratio.bottom)]
        top_before, bottom_before, top_after, bottom_after = parts
        split = contributions.of_ratio(top_before, bottom_before, top_after, bottom_after, times=ratio.times)
        # a top that lies under other names than the bottom (spend by channel, sales as a whole) has no parts
        if not split.empty and split["outside"].abs().sum() <= OUTSIDE * split["total"].abs().sum():
            splits[ratio.ratio] = split
    return splits


def _difference(series: Series, settings: Settings, week: Week) -> float | None:
    """The largest difference, in %, between a reported sum of the week and the source's own sum of it.

    The source's own is its total row where settings name one, else the plain sum of every row as it stands there.
    """
    own = series.total if settings.input.total else series.plain
    worst = 0.0
    for measure in settings.measures:
        told = float(week.of(own)[measure.measure].sum(min_count=1))
        ours = kpis.week_total(series, measure.measure, week)
        if math.isnan(told) and math.isnan(ours):
            continue
        if math.isnan(told) or math.isnan(ours) or (told == 0 and ours != 0):
            return None
        worst = max(worst, abs(ours - told) / abs(told) * 100 if told else 0.0)
    return worst


def _unexplained(found: Analysis, row: dict[Any, Any]) -> float | None:
    """How far a key figure moved, in %, with no known cause and outside what ordinary weeks do; None: not to be known."""
    key = {kpis.figure_id(figure) for figure in found.settings.figures if figure.key}
    first, last = found.week.first.date(), found.week.last.date()
    if row["figure"] not in key or any(cause.covers(first, last) for cause in found.settings.causes):
        return 0.0
    if row["state"] == INSIDE:
        return 0.0
    moved = float(row["alike"] if row["state"] == HOLIDAYS else row["percent"])
    return None if row["state"] == GAP or math.isnan(moved) else abs(moved)
