"""Where a workspace lies: an engagement folder with its `workspace.toml`, and the database that file names.

```
engagement/
  workspace.toml     format, organisation, database ("workspace.sqlite" or a PostgreSQL URL without a password)
  workspace.sqlite   the tables, unless they are in PostgreSQL
  reports/           what `playbook run` writes
```
On PostgreSQL each workspace is one schema, named in the URL as `?schema=playbook_acme`, so that several share a
database. A password is never written to the file: it is taken from the URL given in the call, from
PLAYBOOK_DATABASE_PASSWORD, or from what PostgreSQL's own clients read (PGPASSWORD, ~/.pgpass).
"""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from playbook.errors import (
    ParameterError,
    WorkspaceError,
    WorkspaceExistsError,
    WorkspaceNotFoundError,
    WorkspaceVersionError,
)
from playbook.io.workspace.names import schema_name

FORMAT = 1
TOML = "workspace.toml"
SQLITE = "workspace.sqlite"
REPORTS = "reports"
WORKSPACE = "PLAYBOOK_WORKSPACE"  # set by `playbook lab` for the notebooks it opens, and by whoever likes
PASSWORD = "PLAYBOOK_DATABASE_PASSWORD"  # noqa: S105 - the name of the variable, not a password
POSTGRES = ("postgresql", "postgres", "postgresql+psycopg")
KEYS = ("format", "organisation", "database")
DATABASES = f"wanted {SQLITE!r} or a URL as postgresql://user@host:5432/database?schema=name"


@dataclass(frozen=True)
class Place:
    """A workspace's address: an engagement folder (or none), and a SQLite `file` or a PostgreSQL `server` and schema."""

    folder: Path | None
    file: Path | None = None
    server: URL | None = field(default=None, repr=False)
    schema: str = ""

    @property
    def url(self) -> str:
        """The database's URL without its password; `Workspace.open` takes it back."""
        if self.server is None:
            return f"sqlite:///{quote(str(self.file))}"
        query = {"schema": self.schema} if self.schema else {}
        bare = URL.create(
            "postgresql",
            self.server.username,
            None,
            self.server.host,
            self.server.port,
            self.server.database,
            {**self.server.query, **query},
        )
        return bare.render_as_string()

    def __str__(self) -> str:
        return str(self.file) if self.server is None else self.url


def find(place: str | os.PathLike[str] = "") -> Place:
    """The workspace at a folder, a database URL or file; empty means PLAYBOOK_WORKSPACE, else this folder or one above.

    The variable wins over the folder because it is set on purpose, and names the workspace where a URL alone does.
    Raises WorkspaceNotFoundError where there is none, saying how to make one.
    """
    said = os.fspath(place)
    text = said or os.environ.get(WORKSPACE, "")
    if "://" in text:
        return of_url(text)
    path = Path(text).expanduser().absolute()
    for folder in [path] if text else [path, *path.parents]:
        if (folder / TOML).is_file():
            return _read(folder)
    if path.is_file():
        return _read(path.parent) if path.name == TOML else Place(_folder_of(path), file=path)
    if (path / SQLITE).is_file():
        return Place(path, file=path / SQLITE)
    where = f"{path}" if text else f"{path} or a folder above it"
    why = f" (named by {WORKSPACE})" if text and not said else ""
    raise WorkspaceNotFoundError(f"no workspace in {where}{why}; make one with: playbook new FOLDER")


def of_url(url: str, folder: Path | None = None) -> Place:
    """The place a database URL names, `schema` taken out of its query. Raises ParameterError for any other database."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise ParameterError(f"the database address cannot be read; {DATABASES}") from error
    if parsed.drivername in ("sqlite", "sqlite+pysqlite") and parsed.database:
        file = Path(unquote(parsed.database)).absolute()
        return Place(folder or _folder_of(file), file=file)
    if parsed.drivername not in POSTGRES:
        raise ParameterError(f"a workspace cannot be kept in {parsed.drivername}; {DATABASES}")
    schema = parsed.query.get("schema", "")
    if not isinstance(schema, str):
        raise ParameterError(f"the URL names {len(schema)} schemas; wanted one")
    server = parsed.difference_update_query(["schema"]).set(drivername="postgresql+psycopg")
    return Place(folder, server=server, schema=schema_name(schema) if schema else "")


def toml_text(organisation: str, place: Place) -> str:
    """What `workspace.toml` says of a workspace; a database inside the folder is named relative to it."""
    inside = place.file is not None and place.file.parent == place.folder
    database = place.file.name if place.file and inside else place.url
    return "\n".join(
        [
            "# An engagement of the transition playbook. Open it with the kit; the tables are in the database below.",
            f"# No password belongs here: set {PASSWORD} or use ~/.pgpass.",
            f"format = {FORMAT}",
            f"organisation = {json.dumps(organisation, ensure_ascii=False)}",
            f"database = {json.dumps(database, ensure_ascii=False)}",
            "",
        ]
    )


def claim(aside: Path, final: Path) -> None:
    """Give a finished file its name, unless something has that name already (WorkspaceExistsError)."""
    try:
        os.link(aside, final)
    except FileExistsError as error:
        raise WorkspaceExistsError(f"{final} is there already; open it, or choose another folder") from error
    except OSError as error:  # some network and memory-card file systems have no hard links
        if final.exists():
            raise WorkspaceExistsError(f"{final} is there already; open it, or choose another folder") from error
        aside.rename(final)
    else:
        aside.unlink()


def _read(folder: Path) -> Place:
    path = folder / TOML
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise WorkspaceError(f"{path} cannot be read: {error}; correct it, or take a copy of it back") from error
    _check(path, said)
    database: str = said["database"]
    if "://" not in database:
        return Place(folder, file=folder / database)
    place = of_url(database, folder)
    if place.server is not None and place.server.password is not None:
        raise WorkspaceError(f"{path} holds a password; take it out and set {PASSWORD} or use ~/.pgpass instead")
    return place


def _check(path: Path, said: dict[str, Any]) -> None:
    version = said.get("format")
    if isinstance(version, int) and version > FORMAT:
        raise WorkspaceVersionError(
            f"{path} has format {version} and this kit reads up to {FORMAT}; install a newer transition-playbook"
        )
    faults = [f"{key} is not a setting of this file" for key in said if key not in KEYS]
    faults += [f"{key} is missing" for key in KEYS if key not in said]
    if version != FORMAT and "format" in said:
        faults.append(f"format is {version!r}; wanted {FORMAT}")
    if not isinstance(said.get("database", ""), str) or not said.get("database", "-"):
        faults.append(f"database is {said['database']!r}; {DATABASES}")
    if faults:
        raise WorkspaceError(f"{path}: {'; '.join(faults)}")


def _folder_of(file: Path) -> Path | None:
    return file.parent if (file.parent / TOML).is_file() or file.name == SQLITE else None
