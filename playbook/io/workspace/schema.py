"""The database's tables, generated from the data dictionary, and the three the kit keeps for itself.

Ranges and lengths are not repeated as database constraints: `tables.check` guards them at the door, and a wider
range must not need a migration. A new column does need one, in `migrations/versions` (a test compares the two).
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from playbook.tables import STORED, TEAMS

if TYPE_CHECKING:
    from playbook.tables import Column, Table

VERSIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")
VERSION = VERSIONS[-1]
REVISION = "revision"


class Utc(sa.types.TypeDecorator[dt.datetime]):
    """A moment in UTC, without its offset in Python and on SQLite, `timestamp with time zone` on PostgreSQL."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: dt.datetime | None, dialect: Any) -> dt.datetime | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        """PostgreSQL hands back an aware moment; a cell of ours is naive and UTC."""
        if value is None or value.tzinfo is None:
            return value
        return value.astimezone(dt.UTC).replace(tzinfo=None)


SQL_TYPES: dict[type, sa.types.TypeEngine[Any]] = {
    str: sa.Text(),
    int: sa.BigInteger(),
    float: sa.Double(),
    bool: sa.Boolean(),
    dt.date: sa.Date(),
    dt.datetime: Utc(),
}

METADATA = sa.MetaData(
    naming_convention={"pk": "pk_%(table_name)s", "fk": "fk_%(table_name)s_team", "ix": "ix_%(table_name)s_team"}
)


def has_team(table: Table) -> bool:
    """Whether the table's rows belong to teams; the settings belong to the whole organisation."""
    return "team" in table.columns


def _column(name: str, declared: Column, table: Table) -> sa.Column[Any]:
    keys = [sa.ForeignKey("teams.team", deferrable=True, initially="DEFERRED")]
    refers = keys if name == "team" and table is not TEAMS else []
    nullable = not declared.required and declared.default is None
    return sa.Column(
        name, SQL_TYPES[declared.kind], *refers, primary_key=name in table.key, nullable=nullable, autoincrement=False
    )


def _table(table: Table) -> sa.Table:
    columns = [_column(name, declared, table) for name, declared in table.columns.items()]
    made = sa.Table(table.name, METADATA, *columns, sa.Column(REVISION, sa.BigInteger(), nullable=False))
    if has_team(table) and table.key[0] != "team":
        sa.Index(None, made.c.team)
    return made


TABLES: dict[str, sa.Table] = {name: _table(table) for name, table in STORED.items()}

HISTORY = sa.Table(
    "history",
    METADATA,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
    sa.Column("change", sa.BigInteger(), nullable=False),
    sa.Column("at", Utc(), nullable=False),
    sa.Column("by", sa.Text(), nullable=False),
    sa.Column("action", sa.Text(), nullable=False),
    sa.Column("table", sa.Text(), nullable=False),
    sa.Column("team", sa.Text()),
    sa.Column("key", sa.Text(), nullable=False),
    sa.Column("rows", sa.BigInteger(), nullable=False),
    sa.Column("before", sa.Text()),
    sa.Column("after", sa.Text()),
    sa.Column("note", sa.Text()),
)
sa.Index("ix_history_table_team", HISTORY.c.table, HISTORY.c.team)

SECRETS = sa.Table(
    "secrets",
    METADATA,
    sa.Column("name", sa.Text(), primary_key=True),
    sa.Column("value", sa.Text(), nullable=False),
)
