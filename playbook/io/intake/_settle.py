"""Sorts the good rows of a file by what the workspace already holds: new, already there, or in conflict."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from playbook.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from playbook.io.intake._format import Reading
    from playbook.tables import Table

EVENT = ["case", "activity", "timestamp", "resource"]
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


def settle_events(
    reading: Reading, stored: Stored, team: str, same_bytes: str, origins: Mapping[int, tuple[str, int]]
) -> Settled:
    """Leave out events the workspace has: rows of the same bytes by row number, others by what they say.

    A log exported again a month later repeats the old events. An event is taken as repeated as many times as files
    imported before hold it, so two edits in one second of one file both count, and a second export adds neither.
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
        turn = fresh.groupby(EVENT, dropna=False).cumcount()
        times = others.groupby(EVENT, dropna=False).size().rename("times").reset_index()
        known = fresh[EVENT].merge(times, on=EVENT, how="left")["times"].fillna(0).to_numpy()
        fresh = fresh[turn.to_numpy() >= known]
    kept = int(fresh["row"].nunique())
    return Settled(fresh, kept, int(good["row"].nunique()) - kept)


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
