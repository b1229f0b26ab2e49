"""How a workspace's database is reached: connections, transactions and what a database's refusal means.

No connection is kept between calls, so a process may fork between any two of them. One writer at a time: SQLite's
BEGIN IMMEDIATE and a PostgreSQL advisory lock give both databases the same rule, and readers never wait for it.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from playbook.errors import WorkspaceBusyError, WorkspaceError, WorkspaceNotFoundError
from playbook.io.workspace.place import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playbook.io.workspace.place import Place

PAUSE = 0.02  # seconds
BUSY_SECONDS = 30.0
CONNECT_SECONDS = 10
WRITER_LOCK = 28_738  # any constant of ours: the class of the advisory locks workspaces take
WRITER = "playbook_writer"


def engine_for(place: Place, busy_seconds: float = BUSY_SECONDS) -> sa.Engine:
    """An engine that opens a connection for each transaction and closes it after; it never makes a database."""
    return _sqlite(place.file, busy_seconds) if place.file else _postgres(place, busy_seconds)


@contextmanager
def reading(engine: sa.Engine, place: Place) -> Iterator[sa.Connection]:
    """A transaction that sees one moment of the workspace, whatever is written meanwhile."""
    level = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with translated(place), engine.connect().execution_options(**level) as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: sa.Engine, place: Place, *, foreign_keys: bool = True) -> Iterator[sa.Connection]:
    """A transaction that alone may write; kept when the block ends well, undone when it raises."""
    with translated(place), engine.connect().execution_options(**{WRITER: True}) as connection:
        if not foreign_keys and engine.dialect.name == "sqlite":
            _raw(connection).execute("PRAGMA foreign_keys = OFF")  # has no effect inside a transaction
        with connection.begin():
            if engine.dialect.name == "postgresql":
                lock = sa.text("SELECT pg_advisory_xact_lock(:kind, hashtext(:schema))")
                connection.execute(lock, {"kind": WRITER_LOCK, "schema": place.schema})
            yield connection


@contextmanager
def translated(place: Place) -> Iterator[None]:
    """Turn the database's own errors into the workspace's, each with the place and what to do."""
    try:
        yield
    except DBAPIError as error:
        raise meaning(error.orig or error, place) from error
    except sqlite3.Error as error:
        raise meaning(error, place) from error


def meaning(error: BaseException, place: Place) -> WorkspaceError:
    """The workspace error that says what a database error means."""
    said = " ".join(str(error).split())
    state = str(getattr(error, "sqlstate", None) or "")
    if place.file and not place.file.exists() and any(mark in said for mark in UNOPENED):
        return WorkspaceNotFoundError(f"{place} is gone; put it back from a copy, or make a workspace: playbook new")
    for marks, kind, sentence in MEANINGS:
        if state in marks or any(mark in said for mark in marks):
            return kind(sentence.format(place=place, said=said, password=PASSWORD))
    return WorkspaceError(f"the database of {place} refused: {said}; nothing was changed")


def use_wal(engine: sa.Engine, place: Place, busy_seconds: float = BUSY_SECONDS) -> None:
    """Keep a SQLite file in write-ahead mode, in which readers never wait for the writer."""
    if engine.dialect.name != "sqlite":
        return
    end = time.monotonic() + busy_seconds
    with translated(place), engine.connect() as connection:
        raw = _raw(connection)
        while raw.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            try:
                raw.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                # for this one lock SQLite does not wait by itself: another process may be switching the same file
                if "locked" not in str(error) or time.monotonic() >= end:
                    raise
                time.sleep(PAUSE)


def _sqlite(file: Path, busy_seconds: float) -> sa.Engine:
    address = f"file:{quote(str(file))}?mode=rw"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(address, uri=True, timeout=busy_seconds, isolation_level=None)

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=NullPool)
    event.listen(engine, "connect", _pragmas)
    event.listen(engine, "begin", _begin)
    return engine


def _pragmas(raw: Any, _record: Any) -> None:
    raw.execute("PRAGMA foreign_keys = ON")
    raw.execute("PRAGMA synchronous = FULL")  # a committed change outlives a power cut, not only a killed process


def _begin(connection: sa.Connection) -> None:
    # sqlite3's own transactions begin late and as readers; a reader that turns writer can be refused at once
    writer = connection.get_execution_options().get(WRITER, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")


def _postgres(place: Place, busy_seconds: float) -> sa.Engine:
    assert place.server is not None
    url = place.server
    if url.password is None and os.environ.get(PASSWORD):
        url = url.set(password=os.environ[PASSWORD])
    settings = {"search_path": place.schema, "lock_timeout": round(busy_seconds * 1000), "timezone": "UTC"}
    options = " ".join(f"-c {name}={value}" for name, value in settings.items() if value != "")
    arguments = {"options": options, "connect_timeout": CONNECT_SECONDS, "application_name": "playbook"}
    try:
        return sa.create_engine(url, poolclass=NullPool, connect_args=arguments, use_native_hstore=False)
    except ModuleNotFoundError as error:
        raise WorkspaceError(
            f"{place} is in PostgreSQL and {error.name} is not installed; run: pip install 'transition-playbook[postgres]'"
        ) from error


def _raw(connection: sa.Connection) -> Any:
    raw = connection.connection.dbapi_connection
    assert raw is not None
    return raw


UNOPENED = ("unable to open database file", "readonly database")

BUSY = "{place} was kept locked by another program for longer than the kit waits; nothing was changed; try again"
GONE = "{place} does not answer ({said}); nothing of this change was kept; see that the server runs and try again"
FULL = "the disk that holds {place} is full; nothing was changed; free some space and try again"
SPOILED = (
    "{place} is not a workspace's database, or it is damaged ({said}); nothing was changed; use a copy or a backup"
)
UNREADABLE = "the disk that holds {place} cannot be read or written ({said}); nothing was changed; see to the disk"
CLOSED = "{place} cannot be opened or written ({said}); nothing was changed; see its folder's permissions"
PASSWORDS = "{place} refused the user ({said}); set {password} or use ~/.pgpass, or see the user name"
ABSENT = "{place} is not there ({said}); make the database, or see its name"

# The marks are SQLite's sentences, PostgreSQL's states, and libpq's sentences where a connection has no state yet.
MEANINGS: tuple[tuple[tuple[str, ...], type[WorkspaceError], str], ...] = (
    (("database is locked", "database table is locked", "55P03", "40P01", "40001"), WorkspaceBusyError, BUSY),
    (("database or disk is full", "53100"), WorkspaceError, FULL),
    (("file is not a database", "malformed"), WorkspaceError, SPOILED),
    (("disk I/O error", "58030"), WorkspaceError, UNREADABLE),
    ((*UNOPENED, "42501"), WorkspaceError, CLOSED),
    (("28P01", "28000", "password authentication failed", "no password supplied"), WorkspaceError, PASSWORDS),
    (("3D000", " does not exist"), WorkspaceNotFoundError, ABSENT),
    (
        (
            "57P01",
            "57P02",
            "57P03",
            "08006",
            "08003",
            "53300",
            "connection failed",
            "server closed",
            "connection is lost",
        ),
        WorkspaceBusyError,
        GONE,
    ),
    (("connection timeout", "could not connect", "timeout expired"), WorkspaceBusyError, GONE),
)
