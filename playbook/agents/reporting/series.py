"""The figures as a tidy series: one row a day and name, what is missing, what was there twice, and whose days they are.

A day without a row is a gap and never a zero; what a source leaves out because nothing happened looks the same, so a
name counts as missing only where it has reported regularly before.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import zoneinfo
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from playbook.errors import IntakeError
from playbook.tables import CHANNEL_RESULTS, check, count

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from playbook.agents.reporting.settings import Input, Settings

DAY = pd.Timedelta(days=1)
LOOK_BACK = 28  # days before the weeks compared in which a name must have reported to count as regular
ALL = "all"
MOST_ROWS = 2_000_000
LARGEST = 1e15  # doubles count exactly up to here
LONGEST_NAME = 120
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class Series:
    """A source's figures by day and name.

    `frame` has the columns day, name and one of float64 for each measure, sorted, a row once; `step` the days a row
    stands for (1 or 7, then `day` is the first); `total` the source's own totals (day and measures; empty without
    any); `plain` the sum by day of every row as it stands in the source; `notes` what was done while reading.
    """

    frame: pd.DataFrame
    measures: tuple[str, ...]
    step: int
    zone: str
    total: pd.DataFrame
    plain: pd.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def newest(self) -> pd.Timestamp | None:
        """The last day any figure is for; None when there is none."""
        return None if self.frame.empty else self.frame["day"].max() + (self.step - 1) * DAY

    def until(self, last: pd.Timestamp) -> Series:
        """The series without what is later than `last`: an unfinished day is no day."""
        cut = [part[part["day"] + (self.step - 1) * DAY <= last] for part in (self.frame, self.total, self.plain)]
        return Series(cut[0], self.measures, self.step, self.zone, cut[1], cut[2], self.notes)


@dataclass(frozen=True)
class Week:
    """The week reported and the one before it: first and last days, both included."""

    first: pd.Timestamp
    last: pd.Timestamp

    @property
    def before(self) -> Week:
        """The week before."""
        return self.back(1)

    def back(self, weeks: int) -> Week:
        """The week so many weeks earlier."""
        return Week(self.first - 7 * weeks * DAY, self.last - 7 * weeks * DAY)

    def days(self) -> pd.DatetimeIndex:
        """Its seven days."""
        return pd.date_range(self.first, self.last)

    def of(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows of a frame with a column `day` that fall into it."""
        return frame[frame["day"].between(self.first, self.last)]


def week_of(today: dt.date, week_ends: str) -> Week:
    """The last week that was over before `today`."""
    last = pd.Timestamp(today) - DAY
    last -= ((last.day_of_week - WEEKDAYS.index(week_ends)) % 7) * DAY
    return Week(last - 6 * DAY, last)


def read_csv(data: bytes, settings: Settings, where: str = "the input file") -> Series:
    """A CSV (comma, semicolon or tab) as a series, its columns named by the settings.

    Raises IntakeError for a file that is no UTF-8 CSV, lacks a column, has a cell that is no day or number, or holds
    one day and name twice with different figures; it names the row.
    """
    header, rows = _table(data, where)
    columns = settings.input.columns
    wanted = [*columns.values(), *(wide.column for wide in settings.input.wide)]
    lost = [name for name in wanted if name not in header]
    if lost:
        raise IntakeError(
            f"{where}: no column {', '.join(map(repr, lost))}; it has {', '.join(map(repr, header))}. "
            "Name the columns under settings.input in policy.yaml"
        )
    cells = {name: [row[header.index(name)] for row in rows] for name in dict.fromkeys(wanted)}
    days = _days(cells[columns["day"]], settings.input, where)
    if settings.input.wide:
        parts = [
            pd.DataFrame({"day": days, "name": wide.name, wide.measure: _numbers(cells, wide.column, settings, where)})
            for wide in settings.input.wide
        ]
        long = pd.concat(parts).groupby(["day", "name"], as_index=False, sort=False).sum(min_count=1)
        return _series(long, settings, 0, long)
    long = pd.DataFrame({"day": days, "name": _names(cells[columns["name"]]) if "name" in columns else ALL})
    for measure, column in columns.items():
        if measure not in ("day", "name"):
            long[measure] = _numbers(cells, column, settings, where)
    once, copies = _once(long, settings.input, where)
    return _series(once, settings, copies, long)


def read_results(results: pd.DataFrame, settings: Settings) -> Series:
    """CHANNEL_RESULTS of one team as a series: the rows of the settings' source and length of period.

    Raises IntakeError when amounts of one measure are in several currencies, which have no sum.
    """
    wanted = [measure.measure for measure in settings.measures]
    rows = check(CHANNEL_RESULTS, results)
    rows = rows[(rows["source"] == settings.input.results) & (rows["days"] == settings.input.days)]
    rows = rows[rows["metric"].isin(wanted)]
    for metric, part in rows.groupby("metric"):
        currencies = sorted(set(part["currency"].dropna()))
        if len(currencies) > 1:
            raise IntakeError(
                f"channel_results: {metric} is in {' and '.join(currencies)}; amounts in several currencies are not "
                "added up. Convert them before the import, or report each on its own"
            )
    wide = rows.pivot_table(index=["start", "name"], columns="metric", values="value", aggfunc="sum", observed=True)
    long = wide.reset_index().rename(columns={"start": "day"})
    long["name"] = _names(long["name"].tolist())
    long["day"] = pd.to_datetime(long["day"])
    return _series(long.groupby(["day", "name"], as_index=False).sum(min_count=1), settings, 0, long)


def regular_names(series: Series, before: pd.Timestamp, share: float) -> list[str]:
    """Names that reported on at least `share` % of the days on which any did, in the four weeks before a day.

    Without two weeks of past there, no name is known to be regular and every one that ever reported counts.
    """
    past = series.frame[series.frame["day"] < before]
    recent = past[past["day"] >= before - LOOK_BACK * DAY]
    days = recent["day"].nunique()
    if days * series.step < LOOK_BACK / 2:
        return sorted(set(series.frame["name"]))
    seen = recent.groupby("name")["day"].nunique()
    return sorted(seen.index[seen >= share / 100 * days])


def gaps(series: Series, week: Week, share: float = 90.0) -> pd.DataFrame:
    """The days of a week and the one before on which a regular name, or everything, has no figure.

    Columns: day, name, measure (the first that is missing; empty when the whole row is). A row a day and name.
    """
    names = regular_names(series, week.before.first, share)
    starts = pd.date_range(week.before.first, week.last)
    if series.step == 7:
        starts = _weekly_starts(series, week)
    here = series.frame[series.frame["name"].isin(names)].set_index(["day", "name"])
    known = [name for name in series.measures if name in here.columns and here[name].notna().any()]
    wanted = pd.MultiIndex.from_product([starts, names], names=["day", "name"])
    found = here.reindex(wanted)[known]
    usual = {name: set(part.columns[part.notna().any()]) for name, part in here.groupby(level="name")[known]}
    rows = []
    for (day, name), cells in zip(found.index, found.isna().to_numpy(), strict=True):
        lost = [measure for measure, empty in zip(known, cells, strict=True) if empty and measure in usual[name]]
        if lost:
            rows.append((day, name, "" if len(lost) == len(usual[name]) else lost[0]))
    return pd.DataFrame(rows, columns=["day", "name", "measure"]).astype({"day": "datetime64[us]"})


def by_day(series: Series, measure: str, names: Iterable[str] | None = None) -> pd.Series:
    """The sum of a measure by day; a day on which nothing is known is left empty, not zero."""
    frame = series.frame if names is None else series.frame[series.frame["name"].isin(list(names))]
    return frame.groupby("day")[measure].sum(min_count=1).sort_index()


def of_name(series: Series, measure: str, name: str) -> pd.Series:
    """A name's measure by day over all days the source covers; a day without a row is empty."""
    part = series.frame[series.frame["name"] == name].set_index("day")[measure]
    return part.reindex(calendar(series))


def calendar(series: Series) -> pd.DatetimeIndex:
    """Every day (or week) from the first the source covers to the last, gaps included."""
    days = series.frame["day"]
    if days.empty:
        return pd.DatetimeIndex([])
    return pd.date_range(days.min(), days.max(), freq=f"{series.step}D")


def _weekly_starts(series: Series, week: Week) -> pd.DatetimeIndex:
    """The first days of the two weeks as the source counts its weeks."""
    anchor = series.frame["day"].min()
    shift = 0 if pd.isna(anchor) else int((anchor - week.first).days) % 7
    first = week.first + (shift - 7 if shift else 0) * DAY
    return pd.DatetimeIndex([first - 7 * DAY, first])


def _table(data: bytes, where: str) -> tuple[list[str], list[list[str]]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise IntakeError(f"{where}: byte {error.start} is not UTF-8; export it as UTF-8 CSV") from error
    first = text.split("\n", 1)[0]
    mark = max(",;\t", key=first.count)
    lines = list(csv.reader(io.StringIO(text), delimiter=mark))
    if len(lines) > MOST_ROWS:
        raise IntakeError(f"{where}: {len(lines):,} rows; wanted at most {MOST_ROWS:,}. Export fewer days")
    header = [cell.strip() for cell in lines[0]] if lines else []
    rows = [row for row in lines[1:] if any(cell.strip() for cell in row)]
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise IntakeError(f"{where}: row {number} has {len(row)} cells; wanted {len(header)} as in the header")
    return header, rows


def _names(cells: Sequence[Any]) -> list[str]:
    """Names as one line of printable text: they come from outside and go onto a page."""
    cleaned = ["".join(c if c.isprintable() else " " for c in str(cell)) for cell in cells]
    return [" ".join(name.split())[:LONGEST_NAME] or "(no name)" for name in cleaned]


def _days(cells: Sequence[str], given: Input, where: str) -> pd.Series:
    zone = _zone(given.time_zone, where)
    days = []
    for number, cell in enumerate(cells, start=2):
        try:
            text = cell.strip()
            moment = dt.datetime.strptime(text, given.day_form) if given.day_form else dt.datetime.fromisoformat(text)  # noqa: DTZ007 - a day has no zone
        except ValueError as error:
            raise IntakeError(
                f"{where}: row {number}, {given.columns['day']}: {cell!r}; wanted a day as "
                f"{given.day_form or 'YYYY-MM-DD'}. Say how days are written under settings.input.day_form"
            ) from error
        days.append((moment.astimezone(zone) if zone and moment.tzinfo else moment).date())
    return pd.to_datetime(pd.Series(days, dtype=object)).astype("datetime64[us]")


def _zone(name: str, where: str) -> zoneinfo.ZoneInfo | None:
    try:
        return zoneinfo.ZoneInfo(name) if name else None
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise IntakeError(f"{where}: time_zone {name!r} is not known; wanted one such as Europe/London") from error


def _numbers(cells: dict[str, list[str]], column: str, settings: Settings, where: str) -> pd.Series:
    values = []
    for number, cell in enumerate(cells[column], start=2):
        text = cell.strip().replace("\N{MINUS SIGN}", "-")
        other = "," if settings.input.decimal == "." else "."
        plain = text.replace(other, "").replace(settings.input.decimal, ".") if _grouped(text, other) else text
        plain = plain.replace(settings.input.decimal, ".")
        try:
            value = float(plain) if plain.lower() not in ("", "na", "n/a", "--", "null") else np.nan
        except ValueError as error:
            raise IntakeError(
                f"{where}: row {number}, {column}: {cell!r}; wanted a number with {settings.input.decimal!r} as its "
                "decimal mark, or nothing"
            ) from error
        if abs(value) > LARGEST:
            raise IntakeError(f"{where}: row {number}, {column}: {cell!r}; wanted a number of at most {LARGEST:.0e}")
        values.append(value)
    return pd.Series(values, dtype="float64")


def _grouped(text: str, mark: str) -> bool:
    """Whether the other mark stands where thousands are set apart: 1,234,567."""
    head, *groups = text.lstrip("-").split(mark)
    whole = [*groups[:-1], groups[-1][:3]] if groups else []
    return bool(groups) and 1 <= len(head) <= 3 and all(len(part) == 3 and part.isdigit() for part in whole)


def _once(long: pd.DataFrame, given: Input, where: str) -> tuple[pd.DataFrame, int]:
    """One row a day and name, and how many copies were left out."""
    if given.several == "add":
        return long.groupby(["day", "name"], as_index=False, sort=False).sum(min_count=1), 0
    single = long.drop_duplicates()
    again = single[single.duplicated(["day", "name"], keep="first")]
    if not again.empty:
        row = again.iloc[0]
        raise IntakeError(
            f"{where}: row {int(again.index[0]) + 2}: {row['name']!r} on {row['day']:%Y-%m-%d} is there twice with "
            "different figures; write several: add under settings.input when the rows are parts of it, or mend the file"
        )
    return single, len(long) - len(single)


def _series(long: pd.DataFrame, settings: Settings, copies: int, raw: pd.DataFrame) -> Series:
    measures = tuple(measure.measure for measure in settings.measures)
    tidy = long.reindex(columns=["day", "name", *measures]).astype(dict.fromkeys(measures, "float64"))
    tidy = tidy.astype({"day": "datetime64[us]", "name": "str"}).sort_values(["day", "name"], ignore_index=True)
    given = settings.input
    total = tidy[tidy["name"] == given.total] if given.total else tidy.iloc[:0]
    left_out = tidy["name"].isin([*given.leave_out, *([given.total] if given.total else [])])
    notes = []
    if copies:
        notes.append(f"{count(copies, 'row')} that stood in the file twice counted once")
    if given.leave_out:
        notes.append("left out as set: " + ", ".join(given.leave_out))
    counted = tidy[~left_out].reset_index(drop=True)
    aside = raw["name"].isin([*given.leave_out, *([given.total] if given.total else [])])
    plain = raw[~aside].reindex(columns=["day", *measures]).groupby("day", as_index=False).sum(min_count=1)
    plain["day"] = plain["day"].astype("datetime64[us]")
    total = total.drop(columns="name").reset_index(drop=True)
    return Series(counted, measures, given.days, given.time_zone, total, plain, tuple(notes))
