"""What was changed: one row a changed row, one row a whole append, written in the change's own transaction."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from playbook.io.workspace.cells import Cells, frame_of, text_of
from playbook.io.workspace.schema import HISTORY
from playbook.tables.base import DTYPES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from playbook.tables import Table

SHOWN: dict[str, type] = {
    "change": int,
    "at": dt.datetime,
    "by": str,
    "note": str,
    "action": str,
    "table": str,
    "team": str,
    "key": str,
    "rows": int,
    "before": str,
    "after": str,
}


@dataclass(frozen=True)
class Stamp:
    """What all history rows of one change share: its number, when (naive UTC), by which role, with which note."""

    change: int
    at: dt.datetime
    by: str
    note: str | None

    def row(self, action: str, table: Table, key: Cells, before: Cells | None, after: Cells | None) -> dict[str, Any]:
        """The history of one row: its values before and after as JSON."""
        names = tuple(table.columns)
        there = after or before or ()
        return vars(self) | {
            "action": action,
            "table": table.name,
            "team": there[names.index("team")] if "team" in names else None,
            "key": text_of(table.key, key),
            "rows": 1,
            "before": text_of(names, before) if before else None,
            "after": text_of(names, after) if after else None,
        }

    def summaries(
        self, action: str, table: Table, names: Sequence[str], rows: Sequence[Cells]
    ) -> Iterator[dict[str, Any]]:
        """The history of many rows of an append-only table: a row a team, with the part of the key they share.

        `names` says which columns `rows` hold: the key's and `team` at least.
        """
        groups: dict[str, list[Cells]] = {}
        for row in rows:
            groups.setdefault(row[names.index("team")], []).append(row)
        for team, group in groups.items():
            found = {name: {row[names.index(name)] for row in group} for name in table.key}
            shared = {name: next(iter(cells)) for name, cells in found.items() if len(cells) == 1}
            yield vars(self) | {
                "action": action,
                "table": table.name,
                "team": team,
                "key": text_of(shared, tuple(shared.values())),
                "rows": len(group),
                "before": None,
                "after": None,
            }


def next_change(connection: sa.Connection) -> int:
    """The number of the change now being written: one more than the last one kept."""
    last = connection.execute(sa.select(HISTORY.c.change).order_by(HISTORY.c.id.desc()).limit(1)).scalar()
    return int(last or 0) + 1


def keep(connection: sa.Connection, entries: Sequence[dict[str, Any]]) -> None:
    """Add history rows; the caller's transaction decides whether they and the change stay."""
    if entries:
        connection.execute(sa.insert(HISTORY), list(entries))


def last_writer(connection: sa.Connection, table: Table, key: Cells) -> str:
    """Who wrote a row last and when, in words; empty when history does not know."""
    kept = HISTORY.c
    query = sa.select(kept.by, kept.at).where(kept.table == table.name, kept.key == text_of(table.key, key))
    last = connection.execute(query.order_by(kept.id.desc()).limit(1)).first()
    return f" by {last.by} on {last.at:%Y-%m-%d at %H:%M} UTC" if last else ""


def read(connection: sa.Connection, table: str | None, team: str | None) -> pd.DataFrame:
    """History rows, oldest first, of one table and one team or of all."""
    query = sa.select(*(HISTORY.c[name] for name in SHOWN)).order_by(HISTORY.c.id)
    if table is not None:
        query = query.where(HISTORY.c.table == table)
    if team is not None:
        query = query.where(HISTORY.c.team == team)
    rows = connection.execute(query).all()
    return frame_of(rows, SHOWN, {name: DTYPES[kind] for name, kind in SHOWN.items()})
