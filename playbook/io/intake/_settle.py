"""Sorts the good rows of a file by what the workspace already holds: new, already there, or in conflict."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from playbook.errors import Fault
from playbook.io.intake._how import How
from playbook.io.intake._tickets import CREATED, DROPPED
from playbook.tables import EVENTS

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

    from playbook.io.intake._format import Reading
    from playbook.tables import Table

EVENT = ["case", "activity", "timestamp", "resource"]
SPENT = ["begun", "minutes"]
STEP = "step"
TIMES = ["timestamp", "begun"]
TOLD = [name for name in EVENTS.columns if name not in ("team", "import_id", "part")]
# formats whose case is the number a tool gave the task, which is finished once whatever else is changed in it
NUMBERED = ("asana", "clickup", "jira", "monday", "trello")
# of those, the ones under whose title the end of a task stands as its activity
TITLED = ("asana", "clickup", "jira", "monday")
DAY_ALONE = (dt.time(), dt.time(12))  # a day without a time is stored as its midnight, Harvest's as its noon
SAME_BYTES = 32  # the ids of all imports of the same bytes begin with as many digits


class Stored(Protocol):
    """Whatever can read the rows of a table: an open change, so that nobody writes in between."""

    def read(self, table: str, team: str | None = None) -> pd.DataFrame:
        """The typed rows of a table."""
        ...


@dataclass(frozen=True)
class Settled:
    """Where each good row goes: `store` (of which `updated` replace a row), `duplicates`, or a fault and a record.

    One record of a file may give several rows of `store`; `stored`, `duplicates` and `updated` count the file's records.
    """

    store: pd.DataFrame
    stored: int
    duplicates: int
    updated: int = 0
    faults: tuple[Fault, ...] = ()
    records: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Again:
    """A log whose very bytes may have come before: what is left to settle, and the stored events that it `replaces`."""

    reading: Reading
    replaces: pd.DataFrame


def read_again(reading: Reading, stored: Stored, team: str, same_bytes: str, *, update: bool) -> Again:
    """What becomes of rows these very bytes gave before, where another zone or order of days is said of them now.

    A row that gives other events than are stored of it is told of in a note; with `update` it replaces them. One that
    cannot be read this time stays as it is stored, and is a duplicate and no refused row. `same_bytes` begins the id of
    every import of the same bytes.
    """
    ids = stored.read("imports", team)["import_id"]
    if not ids.str.startswith(same_bytes).any():  # a log that is new is not compared with all others here
        return Again(reading, EVENTS.empty())
    before = stored.read("events", team)
    mine = before[before["import_id"].str.startswith(same_bytes)]
    unread = mine[mine["row"].isin({int(str(fault.row)) for fault in reading.faults})]
    known = mine[mine["row"].isin(reading.good["row"])]
    other = known.loc[_lacks(reading.good, known, TOLD), "row"]
    times = _lacks(reading.good, known, ["row", *TIMES]).any()
    notes = [] if update else _stored_otherwise(other.nunique(), "times" if times else "cells")
    replaces = known[known["row"].isin(other)] if update else known[:0]
    return Again(_as_stored(replace(reading, notes=(*reading.notes, *notes)), unread), replaces)


def _lacks(good: pd.DataFrame, known: pd.DataFrame, cells: list[str]) -> Any:
    """Which known events are not among the good ones, by these cells."""
    there = good[cells].drop_duplicates().assign(there=True)
    return known[cells].merge(there, on=cells, how="left")["there"].isna().to_numpy()


def _as_stored(reading: Reading, unread: pd.DataFrame) -> Reading:
    """The reading with the stored events of the rows that could not be read in place of their faults."""
    if unread.empty:
        return reading
    rows = set(unread["row"])
    one = len(rows) == 1
    note = f"{'1 row' if one else f'{len(rows)} rows'} cannot be read this way and {'stays' if one else 'stay'} as stored before"
    return replace(
        reading,
        good=pd.concat([reading.good, unread.set_index(unread["row"].to_numpy())]),
        faults=tuple(fault for fault in reading.faults if int(str(fault.row)) not in rows),
        records={row: cells for row, cells in reading.records.items() if row not in rows},
        notes=(*reading.notes, note),
    )


def _stored_otherwise(rows: int, what: str) -> list[str]:
    """The note that so many rows are stored with other times or cells than they have as read now."""
    if not rows:
        return []
    are, them = ("1 row is", "it") if rows == 1 else (f"{rows} rows are", "them")
    return [f"{are} stored with other {what}; import with --update to replace {them}"]


def settle_events(  # noqa: PLR0913 - the facts of one step
    reading: Reading,
    stored: Stored,
    team: str,
    same_bytes: str,
    origins: Mapping[int, tuple[str, int]],
    *,
    tool: str = "",
) -> Settled:
    """Leave out events the workspace has: rows of the same bytes by row number, others by what they say.

    A log exported again a month later repeats the old events. An event is taken as repeated as many times as files
    imported before hold it, so two edits in one second of one file both count, and a second export adds neither. It is
    the same event where case, activity, timestamp, person, begin and minutes are equal, and also where only begin or
    minutes were changed of one that can be no other work (`_told_otherwise`): it stays as stored and counts once. Of a day
    without a time other hours are other work, as are hours of nobody that began otherwise: meetings of two calendars.
    `tool` is the format of the file: of the tools that number their tasks an export knows a task again that was renamed
    or given to somebody else since, by its number, the step and the time.

    `same_bytes` begins the id of every import of the very same file. A record of several events is a duplicate when
    all of them are known; of one that has grown since, only the new events are stored. `origins` give of corrected rows
    the import and the row they were refused from: such a row is one of that file's.
    """
    good, before = reading.good, stored.read("events", team)
    mine = before["import_id"].str.startswith(same_bytes)
    files = before["import_id"].str[:SAME_BYTES]
    theirs = files.isin({import_id[:SAME_BYTES] for import_id, _ in origins.values()})
    there = set(zip(files[theirs], before.loc[theirs, "row"], strict=True))
    seen = {*before.loc[mine, "row"], *(n for n, (name, row) in origins.items() if (name[:SAME_BYTES], row) in there)}
    fresh, others = good[~good["row"].isin(seen)], before[~mine & ~theirs]
    if len(others) and len(fresh):
        fresh, told = _apart(fresh, others, [*EVENT, *SPENT])
        for same, cells in _told_otherwise(told, stored.read("imports", team), tool):
            fresh, left = _apart(fresh, told[same.loc[told.index]], cells)
            told = pd.concat([told[~same.loc[told.index]], left])
    kept = int(fresh["row"].nunique())
    return Settled(fresh, kept, int(good["row"].nunique()) - kept)


def _apart(rows: pd.DataFrame, known: pd.DataFrame, same: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What is left of both once each row was paired with a known one that has the `same` cells."""
    rows, known = _with_step(rows), _with_step(known)
    return rows[_beyond(rows, known, same)].drop(columns=STEP), known[_beyond(known, rows, same)].drop(columns=STEP)


def _with_step(events: pd.DataFrame) -> pd.DataFrame:
    """The events with what happened to a task in a column: created, dropped, or finished under whatever title."""
    return events.assign(**{STEP: events["activity"].where(events["activity"].isin([CREATED, DROPPED]), "finished")})


def _beyond(rows: pd.DataFrame, known: pd.DataFrame, same: list[str]) -> Any:
    """Which rows are more than as many `known` ones have the `same` cells, of equal rows the later ones."""
    turn = rows.groupby(same, dropna=False).cumcount()
    times = known.groupby(same, dropna=False).size().rename("times").reset_index()
    return turn.to_numpy() >= rows[same].merge(times, on=same, how="left")["times"].fillna(0).to_numpy()


def _told_otherwise(events: pd.DataFrame, imports: pd.DataFrame, tool: str) -> Iterator[tuple[pd.Series, list[str]]]:
    """Which stored events a later file of a tool may tell with other cells, and by which cells to know them.

    A task its tool has numbered is finished once, and a person ends one piece of work at one time of day. What nobody
    is named for is known by its begin too. A day alone tells nothing: a task may be booked several times in a day. In
    the next export of a task tool a task may have another title and another person, or none: its number stays.
    """
    numbered = events["import_id"].isin(imports.loc[imports["format"].isin(NUMBERED), "import_id"])
    timed = ~(_is_day(events, "timestamp", imports) & _is_day(events, "begun", imports))
    of_person = events["resource"].notna()
    yield numbered | (timed & of_person), EVENT
    yield ~numbered & timed & ~of_person, [*EVENT, "begun"]
    if tool in TITLED:
        yield (
            events["import_id"].isin(imports.loc[imports["format"].eq(tool), "import_id"]),
            ["case", STEP, "timestamp"],
        )


def _is_day(events: pd.DataFrame, name: str, imports: pd.DataFrame) -> pd.Series:
    """Which of these moments are days without a time, in the zone their file was read in; an empty one tells none."""
    day = events[name].isna()
    read = dict(zip(imports["import_id"], imports["how"].fillna(""), strict=True))
    for import_id, moments in events[name].dropna().groupby(events["import_id"]):
        zone = How.from_text(read.get(import_id, "")).clock.zone()
        day[moments.index] = moments.dt.tz_convert(zone).dt.time.isin(DAY_ALONE)
    return day


def settle_rows(  # noqa: PLR0913 - the facts of one step
    table: Table,
    reading: Reading,
    stored: Stored,
    team: str,
    *,
    update: bool,
    at_export: Mapping[int, Mapping[str, Any]],
) -> Settled:
    """Compare rows by key: equal in every cell the file fills is a duplicate, different a conflict or an update.

    An empty cell says nothing, so it neither differs from nor erases what is stored. A record that gives several rows
    is a duplicate when all of them are, and refused when one of them is in conflict. `at_export` gives of a corrected
    row what the workspace said when its workbook was exported: a cell that still says so may be changed.
    """
    before = {_key(table, row): row for row in stored.read(table.name, team).to_dict(orient="records")}
    faults, records, changed = list[Fault](), dict[int, Any](), set[int]()
    store: list[tuple[int, dict[Hashable, Any]]] = []
    columns = list(reading.given.columns)
    rows = zip(reading.good.index, reading.good.to_dict(orient="records"), reading.given.to_numpy(), strict=True)
    for label, row, filled in rows:
        number, old = int(str(label)), before.get(_key(table, row))
        given = [str(name) for name, is_filled in zip(columns, filled, strict=True) if is_filled]
        # which import brought a row is no part of what it says
        differing = [] if old is None else [n for n in given if n != "import_id" and not _same(row[n], old[n])]
        was = at_export.get(number, {})
        clash = [] if update or old is None else [n for n in differing if n not in was or not _still(old[n], was[n])]
        if old is None:
            store.append((number, row))
        elif differing and not clash and not table.append_only:
            store.append((number, {**old, **{name: row[name] for name in given}}))
            changed.add(number)
        elif differing:
            faults += [_conflict(table, number, name, row[name], old[name]) for name in clash or differing]
            records[number] = {name: plain_value(row[name]) for name in given if name != "team"}
    refused = {int(str(fault.row)) for fault in faults}
    kept = [(number, row) for number, row in store if number not in refused]
    numbers = {number for number, _ in kept}
    frame = pd.DataFrame([row for _, row in kept], columns=list(table.columns), index=[number for number, _ in kept])
    duplicates = len(set(reading.good.index)) - len(numbers) - len(refused)
    once = {(fault.row, fault.column): fault for fault in reversed(faults)}.values()
    return Settled(frame, len(numbers), duplicates, len(changed & numbers), tuple(once)[::-1], records)


def plain_value(value: Any) -> Any:
    """A typed cell as JSON and people write it: days as YYYY-MM-DD, whole numbers without a point."""
    if value is None or value is pd.NA or pd.isna(value):
        return None
    if isinstance(value, dt.datetime):
        midnight = value.tzinfo is None and value.time() == dt.time()
        return value.date().isoformat() if midnight else value.isoformat()
    if isinstance(value, bool | int | str):
        return value
    return int(value) if float(value).is_integer() else float(value)


def _key(table: Table, row: Mapping[Hashable, Any]) -> tuple[Any, ...]:
    return tuple(plain_value(row[name]) for name in table.key)


def _same(mine: Any, theirs: Any) -> bool:
    return bool(plain_value(mine) == plain_value(theirs))


def _still(now: Any, was: Any) -> bool:
    """Whether a stored cell says what a workbook said at its export, in which a number may have lost its last digit."""
    now = plain_value(now)
    if isinstance(now, float) and isinstance(was, int | float):
        return math.isclose(now, was)
    return bool(now == was)


def _conflict(table: Table, number: int, name: str, mine: Any, theirs: Any) -> Fault:
    kept = plain_value(theirs)
    has = "nothing" if kept is None else repr(kept)
    advice = "as it was recorded first, which stays" if table.append_only else "or import with update to change it"
    return Fault(
        number,
        name,
        f"{plain_value(mine)!r}, where the workspace has {has}",
        f"{has}, {advice}",
    )
