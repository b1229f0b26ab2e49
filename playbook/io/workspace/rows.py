"""Rows as they are stored: whole tables as typed frames, and the rows a put or a removal is about to meet."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from playbook.errors import ParameterError
from playbook.io.workspace.cells import Cells, frame_of, kinds_of, rows_of
from playbook.io.workspace.schema import REVISION, TABLES, has_team
from playbook.tables import STORED
from playbook.tables.base import DTYPES

if TYPE_CHECKING:
    import pandas as pd

    from playbook.tables import Table

NARROW = 500  # more values than this in a key column do not narrow the search for stored rows


@dataclass(frozen=True)
class Stored:
    """A row as it is stored (the columns of `kept_names`) and the change that last wrote it."""

    cells: Cells
    revision: int


def declared(name: str) -> Table:
    """The stored table of that name. Raises ParameterError naming the tables there are."""
    if name not in STORED:
        near = difflib.get_close_matches(str(name), STORED, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ParameterError(f"{name!r} is not a table of a workspace; there are {', '.join(STORED)}{hint}")
    return STORED[name]


def read_rows(connection: sa.Connection, table: Table, team: str | None, *, revisions: bool = False) -> pd.DataFrame:
    """A table's rows in the order of its key, of one team or of all, typed as the data dictionary says."""
    names = (*table.columns, REVISION) if revisions else tuple(table.columns)
    rows = connection.execute(in_order(connection, table, team, names)).all()
    kinds = kinds_of(table) | ({REVISION: int} if revisions else {})
    return frame_of(rows, kinds, {name: DTYPES[kind] for name, kind in kinds.items()})


def in_order(
    connection: sa.Connection, table: Table, team: str | None, names: tuple[str, ...]
) -> sa.Select[tuple[Any, ...]]:
    """A query for a table's rows by key, texts by code point on either database."""
    made = TABLES[table.name]
    plain = connection.dialect.name == "sqlite"
    keys = [made.c[name] for name in table.key]
    order = [key if plain or not isinstance(key.type, sa.Text) else key.collate("C") for key in keys]
    query = sa.select(*(made.c[name] for name in names)).order_by(*order)
    return query.where(made.c.team == team) if team is not None and has_team(table) else query


def stored_rows(connection: sa.Connection, table: Table, frame: pd.DataFrame) -> dict[Cells, Stored]:
    """Every stored row that may share a key with the frame (its key columns are looked at), by key."""
    if frame.empty:
        return {}
    made = TABLES[table.name]
    names = kept_names(table)
    query = sa.select(*(made.c[name] for name in names), made.c[REVISION])
    for name, kind in kinds_of(table, table.key).items():
        values = {value for (value,) in rows_of(frame, {name: kind})}
        if len(values) <= NARROW:
            query = query.where(made.c[name].in_(values))
    places = [names.index(name) for name in table.key]
    rows = connection.execute(query)
    return {tuple(row[place] for place in places): Stored(tuple(row[:-1]), row[-1]) for row in rows}


def kept_names(table: Table) -> tuple[str, ...]:
    """The columns a `Stored` holds: all of them, in an append-only table the key and the team."""
    if not table.append_only:
        return tuple(table.columns)
    return tuple(dict.fromkeys((*table.key, "team")))


def keys_of(table: Table, rows: list[Cells]) -> list[Cells]:
    """The key of each whole row."""
    places = [list(table.columns).index(name) for name in table.key]
    return [tuple(row[place] for place in places) for row in rows]
