"""Sorts the good rows of a file by what the workspace already holds: new, already there, or in conflict."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from playbook.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from playbook.io.intake._format import Reading
    from playbook.tables import Table

EVENT = ["case", "activity", "timestamp", "resource"]


class Stored(Protocol):
    """Whatever can read the rows of a table: an open change, so that nobody writes in between."""

    def read(self, table: str, team: str | None = None) -> pd.DataFrame:
        """The typed rows of a table."""
        ...


@dataclass(frozen=True)
class Settled:
    """Where each good row goes: `store` (of which `updated` replace a row), `duplicates`, or a fault and a record."""

    store: pd.DataFrame
    duplicates: int
    updated: int = 0
    faults: tuple[Fault, ...] = ()
    records: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)


def settle_events(reading: Reading, stored: Stored, team: str, same_bytes: str) -> Settled:
    """Leave out events the workspace has: rows of the same bytes by row number, others by what they say.

    A log exported again a month later repeats the old events. An event is taken as repeated as many times as files
    imported before hold it, so two edits in one second of one file both count, and a second export adds neither.
    `same_bytes` begins the id of every import of the very same file.
    """
    good, before = reading.good, stored.read("events", team)
    mine = before["import_id"].str.startswith(same_bytes)
    seen = set(before.loc[mine, "row"])
    again = good["row"].isin(seen)
    fresh, others = good[~again], before[~mine]
    if others.empty or fresh.empty:
        return Settled(fresh, int(again.sum()))
    turn = fresh.groupby(EVENT, dropna=False).cumcount()
    times = others.groupby(EVENT, dropna=False).size().rename("times").reset_index()
    known = fresh[EVENT].merge(times, on=EVENT, how="left")["times"].fillna(0).to_numpy()
    repeated = turn.to_numpy() < known
    return Settled(fresh[~repeated], int(again.sum() + repeated.sum()))


def settle_rows(table: Table, reading: Reading, stored: Stored, team: str, *, update: bool) -> Settled:
    """Compare rows by key: equal in every cell the file fills is a duplicate, different a conflict or an update.

    An empty cell says nothing, so it neither differs from nor erases what is stored.
    """
    before = {_key(table, row): row for row in stored.read(table.name, team).to_dict(orient="records")}
    store, faults, records, duplicates, updated = dict[Any, Any](), list[Fault](), dict[int, Any](), 0, 0
    filled = reading.given.to_dict(orient="index")
    for number, row in reading.good.to_dict(orient="index").items():
        old = before.get(_key(table, row))
        if old is None:
            store[number] = row
            continue
        given = [str(name) for name, is_filled in filled[number].items() if is_filled]
        differing = [name for name in given if not _same(row[name], old[name])]
        if not differing:
            duplicates += 1
        elif update:
            store[number], updated = {**old, **{name: row[name] for name in given}}, updated + 1
        else:
            faults += [_conflict(int(str(number)), name, row[name], old[name]) for name in differing]
            records[int(str(number))] = {name: plain_value(row[name]) for name in given if name != "team"}
    frame = pd.DataFrame(list(store.values()), columns=list(table.columns), index=list(store))
    return Settled(frame, duplicates, updated, tuple(faults), records)


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


def _conflict(number: int, name: str, mine: Any, theirs: Any) -> Fault:
    kept = plain_value(theirs)
    has = "nothing" if kept is None else repr(kept)
    return Fault(
        number,
        name,
        f"{plain_value(mine)!r}, where the workspace has {has}",
        f"{has}, or import with update to change it",
    )
