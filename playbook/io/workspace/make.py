"""Making a workspace: everything is built aside and gets its name last, so that none is ever half made."""

from __future__ import annotations

import datetime as dt
import os
import secrets
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import sqlalchemy as sa

from playbook.errors import ParameterError, WorkspaceError, WorkspaceExistsError
from playbook.io.workspace import names
from playbook.io.workspace.change import Change
from playbook.io.workspace.engine import engine_for, use_wal, writing
from playbook.io.workspace.place import DATABASES, REPORTS, SQLITE, TOML, Place, claim, of_url, toml_text
from playbook.io.workspace.schema import SECRETS
from playbook.io.workspace.upgrade import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KEY = "pseudonym_key"
KEY_BYTES = 32


def make(folder: Path, facts: Mapping[str, str], database: str | None, by: str) -> Place:
    """Make the engagement folder and its database, and say where they are.

    `facts` are the settings a workspace is opened by. Raises WorkspaceExistsError when the folder or the schema
    holds a workspace already; whatever goes wrong, nothing is left behind.
    """
    place = _place(folder, facts["organisation"], database)
    for path in (folder / TOML, place.file):
        if path is not None and path.exists():
            raise WorkspaceExistsError(f"{path} is there already; open it, or choose another folder")
    with ExitStack() as undo:
        try:
            _make_folders(folder / REPORTS, undo)
            toml = _aside(folder / TOML, undo)
            toml.write_text(toml_text(facts["organisation"], place), encoding="utf-8")
        except OSError as error:
            raise WorkspaceError(f"no workspace can be made in {folder}: {error.strerror or error}") from error
        maker = _make_sqlite if place.file else _make_postgres
        maker(place, toml, facts, by)
        undo.pop_all()
    return place


def _place(folder: Path, organisation: str, database: str | None) -> Place:
    if database is None or database == SQLITE:
        return Place(folder, file=folder / SQLITE)
    place = of_url(database, folder) if "://" in database else None
    if place is None or place.server is None:
        raise ParameterError(f"database is {database!r}; {DATABASES}")
    return Place(folder, server=place.server, schema=place.schema or names.schema_of(organisation))


def _make_sqlite(place: Place, toml: Path, facts: Mapping[str, str], by: str) -> None:
    assert place.file is not None
    assert place.folder is not None
    with ExitStack() as undo:
        aside = _aside(place.file, undo)
        engine = engine_for(Place(place.folder, file=aside))
        use_wal(engine, place)
        with writing(engine, place, foreign_keys=False) as connection:
            _fill(connection, facts, by)
        claim(aside, place.file)
        with _undone(place.file):
            claim(toml, place.folder / TOML)


def _make_postgres(place: Place, toml: Path, facts: Mapping[str, str], by: str) -> None:
    assert place.folder is not None
    named = place.folder / TOML
    with ExitStack() as undo, writing(engine_for(place), place) as connection:
        if sa.inspect(connection).get_table_names(schema=place.schema):
            raise WorkspaceExistsError(
                f"the schema {place.schema} at {place} is in use already; open it, or name another as ?schema=NAME"
            )
        if not sa.inspect(connection).has_schema(place.schema):
            connection.execute(sa.schema.CreateSchema(place.schema))
        _fill(connection, facts, by)
        claim(toml, named)
        undo.enter_context(_undone(named))


def _fill(connection: sa.Connection, facts: Mapping[str, str], by: str) -> None:
    """All tables, the secret that pseudonyms are made with, and the settings as the first change."""
    migrate(connection)
    connection.execute(sa.insert(SECRETS), {"name": KEY, "value": secrets.token_hex(KEY_BYTES)})
    change = Change(connection, by=by, note="workspace made", at=dt.datetime.now(dt.UTC).replace(tzinfo=None))
    change.put("settings", pd.DataFrame({"name": list(facts), "value": list(facts.values())}))
    change.finish()


@contextmanager
def _undone(path: Path) -> Iterator[None]:
    """Take a file away again when what follows fails."""
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _aside(final: Path, undo: ExitStack) -> Path:
    """An empty file beside `final` that only its owner reads, taken away at the end if it still has that name."""
    aside = final.with_name(f".{final.name}.{os.getpid()}.{secrets.token_hex(4)}")
    for path in (aside, Path(f"{aside}-wal"), Path(f"{aside}-shm")):
        undo.callback(path.unlink, missing_ok=True)
    aside.touch(mode=0o600, exist_ok=False)
    return aside


def _make_folders(folder: Path, undo: ExitStack) -> None:
    """Make a folder and those above it; the new ones are taken away again on failure, if nobody put a file there."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        undo.callback(_remove_empty, path)
        path.mkdir(exist_ok=True)


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()
