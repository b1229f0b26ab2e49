"""Bringing a database to the version this kit writes: made anew, or migrated from an older one with a copy kept."""

from __future__ import annotations

import datetime as dt
import logging
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import sqlalchemy as sa

from playbook.errors import WorkspaceError, WorkspaceNotFoundError, WorkspaceVersionError
from playbook.io.workspace.engine import reading, writing
from playbook.io.workspace.schema import VERSION, VERSIONS

if TYPE_CHECKING:
    from playbook.io.workspace.place import Place

MARKS = ("alembic_version", "history", "secrets")  # the tables that tell a workspace from another program's
MIGRATIONS = Path(__file__).parent / "migrations"
LOG = logging.getLogger(__name__)


def bring_up_to_date(engine: sa.Engine, place: Place) -> None:
    """Migrate an older workspace, once however many processes open it; a SQLite file is copied beside it first.

    Raises WorkspaceVersionError for a workspace of a newer kit and WorkspaceError for a database that is none.
    A migration that fails leaves the workspace as it was.
    """
    with reading(engine, place) as connection:
        found = _known(connection, place)
    if found == VERSION:
        return
    with writing(engine, place, foreign_keys=False) as connection:
        found = _known(connection, place)
        if found == VERSION:  # another process migrated it while this one waited for the lock
            return
        copy = _copy(place.file, found) if place.file else None
        migrate(connection)
        _refuse_broken(connection, place)
    LOG.info("%s was migrated from version %s to %s; copy: %s", place, found, VERSION, copy or "none (PostgreSQL)")


def migrate(connection: sa.Connection, version: str = VERSION) -> None:
    """Run the migrations up to `version` inside the connection's transaction."""
    from alembic import command  # noqa: PLC0415 - most opens migrate nothing
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, version)


def version_of(connection: sa.Connection) -> str | None:
    """The version the database says it has; None when it holds no workspace."""
    look = sa.inspect(connection)
    if not all(look.has_table(name) for name in MARKS):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def workspaces_in(connection: sa.Connection) -> list[str]:
    """The schemas of a PostgreSQL database that hold workspaces, by name."""
    query = sa.text(
        "SELECT table_schema FROM information_schema.tables WHERE table_name = ANY(:marks)"
        " GROUP BY table_schema HAVING count(*) = :all ORDER BY 1"
    )
    return list(connection.execute(query, {"marks": list(MARKS), "all": len(MARKS)}).scalars())


def said(schemas: list[str]) -> str:
    """What a URL must say to name one of these workspaces."""
    if not schemas:
        return "the database holds none; make one with: playbook new FOLDER --database URL"
    return "add one of these to the URL: " + ", ".join(f"?schema={schema}" for schema in schemas)


def _known(connection: sa.Connection, place: Place) -> str:
    found = version_of(connection)
    if found is None and place.server is not None:
        raise WorkspaceNotFoundError(f"no workspace at {place}; {said(workspaces_in(connection))}")
    if found is None:
        raise WorkspaceError(f"{place} is a SQLite database but no workspace; make one with: playbook new FOLDER")
    if found not in VERSIONS:
        raise WorkspaceVersionError(
            f"{place} has version {found}, written by a newer kit; this one reads up to {VERSION}; "
            "install a newer transition-playbook, or take a copy of the workspace from before back"
        )
    return found


def _copy(file: Path, version: str) -> Path:
    """A whole copy of the SQLite file beside it, under its final name only when finished."""
    now = dt.datetime.now(dt.UTC)
    final = file.with_name(f"{file.name}.version-{version}-{now:%Y%m%dT%H%M%S}.backup")
    aside = final.with_name(f".{final.name}.{os.getpid()}")
    try:
        aside.touch(mode=0o600)
        address = f"file:{quote(str(file))}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as source, closing(sqlite3.connect(aside)) as target:
            source.backup(target)
        aside.rename(final)
    except OSError as error:
        raise WorkspaceError(f"{file} was not migrated: no copy could be kept beside it ({error})") from error
    finally:
        aside.unlink(missing_ok=True)
    return final


def _refuse_broken(connection: sa.Connection, place: Place) -> None:
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if broken:
            raise WorkspaceError(f"{place} has rows of {broken[0][0]} without their team; it was left as it was")
