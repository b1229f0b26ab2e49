"""The Workspace: one organisation's engagement, made, opened, read and changed."""

from __future__ import annotations

import datetime as dt
import hashlib
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from playbook.errors import ParameterError, WorkspaceError, WorkspaceNotFoundError
from playbook.io.workspace import history, names
from playbook.io.workspace.cells import lines_of
from playbook.io.workspace.change import Change
from playbook.io.workspace.checks import FACTS
from playbook.io.workspace.engine import BUSY_SECONDS, engine_for, reading, use_wal, writing
from playbook.io.workspace.make import KEY, make
from playbook.io.workspace.place import Place, find
from playbook.io.workspace.rows import declared, in_order, read_rows
from playbook.io.workspace.schema import REVISION, SECRETS, TABLES, has_team
from playbook.io.workspace.upgrade import bring_up_to_date, said, workspaces_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from os import PathLike

    import pandas as pd


class Workspace:
    """An organisation's tables, their history and the folder its reports go to; make one with `create` or `open`.

    `folder` is the engagement folder (None when opened by a database URL alone), `url` the database's address
    without its password, `organisation`, `start` (day 1 of the ninety days) and `made_up` (the data are a sample)
    what the settings say, `pseudonym_key` the secret that names of persons are replaced with; it is in no table,
    history or text of this object. Many processes may use one workspace at once, and a process may fork.
    """

    def __init__(self, place: Place, *, busy_seconds: float = BUSY_SECONDS) -> None:
        self._place = place
        self._engine = engine_for(place, busy_seconds)
        self._hashes: dict[tuple[str, str | None], tuple[tuple[int, int], bytes]] = {}
        with reading(self._engine, place) as connection:
            settings = TABLES["settings"].c
            rows = connection.execute(sa.select(settings.name, settings.value))
            facts: dict[str, str] = {row.name: row.value for row in rows}
            key = connection.execute(sa.select(SECRETS.c.value).where(SECRETS.c.name == KEY)).scalar()
        missing = [name for name in FACTS if name not in facts] + ([] if key else [KEY])
        if missing or key is None:
            raise WorkspaceError(f"{place} has lost its {', '.join(missing)}; use a copy or a backup of it")
        self.folder: Path | None = place.folder
        self.url: str = place.url
        self.organisation: str = facts["organisation"]
        self.start: dt.date = dt.date.fromisoformat(facts["start"])
        self.made_up: bool = facts["made_up"] == "yes"
        self._key = bytes.fromhex(key)

    @classmethod
    def create(  # noqa: PLR0913 - each names one fact of the engagement
        cls,
        folder: str | PathLike[str],
        *,
        organisation: str,
        start: dt.date,
        database: str | None = None,
        made_up: bool = False,
        by: str = "facilitator",
    ) -> Workspace:
        """Make an engagement folder and its database, and open it.

        `database` is a PostgreSQL URL; without it the tables are in `workspace.sqlite` in the folder. The workspace
        becomes the schema the URL names as `?schema=`, otherwise one named after the organisation. A password in the
        URL is used now and stored nowhere: later opens take it from PLAYBOOK_DATABASE_PASSWORD, PGPASSWORD or ~/.pgpass.
        Raises WorkspaceExistsError when there is a workspace already; a failure leaves nothing behind.
        """
        path = Path(folder).expanduser().absolute()
        facts = {
            "organisation": names.label(organisation, "the organisation"),
            "start": _day(start).isoformat(),
            "made_up": "yes" if made_up else "no",
        }
        return cls(make(path, facts, database, names.label(by, "by")))

    @classmethod
    def open(cls, place: str | PathLike[str] = "", *, busy_seconds: float = BUSY_SECONDS) -> Workspace:
        """Open the workspace at a folder or database URL; empty: PLAYBOOK_WORKSPACE, else this folder or one above.

        An older workspace is migrated first, a SQLite file with a copy kept beside it. A change waits up to
        `busy_seconds` for others' changes to end. Raises WorkspaceNotFoundError, WorkspaceVersionError (a newer kit
        wrote it), WorkspaceBusyError and WorkspaceError, each saying where and what to do.
        """
        found = find(place)
        if found.file and not found.file.is_file():
            raise WorkspaceNotFoundError(f"{found.file} is gone; put it back from a copy, or make a workspace anew")
        if found.server and not found.schema:
            found = _sole(found)
        engine = engine_for(found, busy_seconds)
        bring_up_to_date(engine, found)
        use_wal(engine, found, busy_seconds)
        return cls(found, busy_seconds=busy_seconds)

    @property
    def pseudonym_key(self) -> bytes:
        """The workspace's own 32 secret bytes; two workspaces never give a person the same pseudonym."""
        return self._key

    def __repr__(self) -> str:
        return f"Workspace({self.organisation!r} at {self.folder or self.url})"

    def read(self, table: str, team: str | None = None, *, revisions: bool = False) -> pd.DataFrame:
        """The rows of a stored table, typed, in the order of its key, of one team (name or id) or of all.

        `revisions=True` adds the Int64 column `revision`, which `Change.put` compares. Tables that belong to the
        whole organisation (settings) are returned whole for any team. Raises ParameterError for an unknown table or team.
        """
        kept = declared(table)
        with reading(self._engine, self._place) as connection:
            return read_rows(connection, kept, _team(connection, team), revisions=revisions)

    def teams(self) -> pd.DataFrame:
        """The teams, one row each, in the order of their ids."""
        return self.read("teams")

    def team(self, name_or_id: str) -> str:
        """The id of the team with that id or name (case does not matter); ParameterError lists the teams there are."""
        with reading(self._engine, self._place) as connection:
            return _known_team(connection, name_or_id)

    @contextmanager
    def change(self, by: str = "facilitator", note: str = "") -> Iterator[Change]:
        """One transaction: all puts and removals in the block are kept when it ends well, none when it raises.

        `by` is the role that changes (never a person), `note` why; both go into the history. Others' changes wait
        until the block ends, so compute before it. Raises WorkspaceBusyError after waiting too long.
        """
        role, why = names.label(by, "by"), names.label(note, "the note", longest=1000) if note else ""
        with writing(self._engine, self._place) as connection:
            change = Change(connection, by=role, note=why, at=dt.datetime.now(dt.UTC).replace(tzinfo=None))
            yield change
            change.finish()

    def history(self, table: str | None = None, team: str | None = None) -> pd.DataFrame:
        """What was changed, oldest first, in one table and team or in all.

        Columns: change (its number), at (UTC), by, note, action (insert, update, delete; append for many rows of an
        append-only table at once), table, team (empty for settings), key, rows, before, after. `key`, `before` and
        `after` are JSON objects as text; `rows` is how many rows the action touched.
        """
        kept = None if table is None else declared(table).name
        with reading(self._engine, self._place) as connection:
            return history.read(connection, kept, _team(connection, team))

    def fingerprint(self, tables: Iterable[str], team: str | None = None) -> str:
        """A hash of what these tables hold for a team (or for all): equal exactly when the rows are.

        It does not depend on the order of writing, on revisions, or on the kind of database. Rows are hashed again
        only when their number or newest revision has moved, so asking twice costs one small query a table.
        """
        kept = sorted({declared(name).name for name in tables})
        whole = hashlib.sha256()
        with reading(self._engine, self._place) as connection:
            known = _team(connection, team)
            for name in kept:
                whole.update(name.encode() + b"\0" + self._hash(connection, name, known))
        return whole.hexdigest()

    def _hash(self, connection: sa.Connection, name: str, team: str | None) -> bytes:
        made, table = TABLES[name], declared(name)
        query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.max(made.c[REVISION]), 0)).select_from(made)
        if team is not None and has_team(table):
            query = query.where(made.c.team == team)
        count, newest = connection.execute(query).one()
        # revisions only grow: rows gone lower the count, rows new or changed raise the newest revision
        state, hashed = self._hashes.get((name, team), (None, b""))
        if state != (count, newest):
            columns = tuple(table.columns)
            rows = connection.execute(in_order(connection, table, team, columns)).all()
            hashed = hashlib.sha256(lines_of([columns, *rows])).digest()
            self._hashes[name, team] = ((count, newest), hashed)
        return hashed


def _team(connection: sa.Connection, team: str | None) -> str | None:
    return None if team is None else _known_team(connection, team)


def _known_team(connection: sa.Connection, name_or_id: str) -> str:
    kept = TABLES["teams"].c
    teams = connection.execute(sa.select(kept.team, kept.name).order_by(kept.team)).all()
    text = str(name_or_id).strip()
    for same in (lambda team: team.team == text, lambda team: text.casefold() in _called(team.team, team.name)):
        for team in filter(same, teams):
            return str(team.team)
    there = ", ".join(f"{team.team} ({team.name})" for team in teams)
    raise ParameterError(
        f"no team {name_or_id!r} here; " + (f"the teams are {there}" if there else "there is none yet")
    )


def _called(team: str, name: str) -> tuple[str, str]:
    return team.casefold(), name.casefold()


def _sole(place: Place) -> Place:
    """The one workspace of a PostgreSQL database whose URL names no schema."""
    with reading(engine_for(place), place) as connection:
        schemas = workspaces_in(connection)
    if len(schemas) != 1:
        raise WorkspaceNotFoundError(f"{place} names no workspace; {said(schemas)}")
    return replace(place, schema=schemas[0])


def _day(start: dt.date) -> dt.date:
    if isinstance(start, dt.datetime) or not isinstance(start, dt.date):
        raise ParameterError(f"start is {start!r}; wanted a date as datetime.date(2026, 11, 23)")
    return start
