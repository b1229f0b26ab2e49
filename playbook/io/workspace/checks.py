"""What a frame must be before anything of it is written, beyond its declaration."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pandas as pd
import sqlalchemy as sa

from playbook.errors import Fault, TableError, WorkspaceError
from playbook.io.workspace.cells import kinds_of, unwritable
from playbook.io.workspace.schema import REVISION, TABLES, has_team
from playbook.tables import SETTINGS, TEAMS, check

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from playbook.tables import Table

FACTS = {
    "organisation": "the organisation's name",
    "start": "day 1 as YYYY-MM-DD",
    "made_up": "yes or no",
}


def checked(connection: sa.Connection, table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    """A typed copy of the frame that can be stored. Raises TableError naming every bad cell."""
    typed = check(table, frame)
    faults = list(unwritable(typed, kinds_of(table)))
    if has_team(table) and table is not TEAMS and len(typed):
        faults += _unknown_teams(connection, typed)
    if table is SETTINGS:
        faults += _bad_facts(typed)
    if faults:
        raise TableError(table.name, faults)
    return typed


def key_frame(table: Table, keys: pd.DataFrame) -> pd.DataFrame:
    """The key columns alone, typed. Raises TableError for a missing column or a cell that is no key."""
    missing = [name for name in table.key if name not in keys.columns]
    if missing:
        wanted = "one of the key columns " + ", ".join(table.key)
        raise TableError(table.name, [Fault(None, name, "missing", wanted) for name in missing])
    typed, faults = {}, []
    for name in table.key:
        column = table.columns[name]
        try:
            cells = keys[name].astype(column.dtype)
        except (TypeError, ValueError) as error:
            faults.append(Fault(None, name, str(error), column.wanted))
            continue
        faults += [Fault(label, name, "nothing", column.wanted) for label in cells.index[cells.isna()]]
        typed[name] = cells
    if faults:
        raise TableError(table.name, faults)
    return pd.DataFrame(typed, index=keys.index)


def revisions_of(table: Table, frame: pd.DataFrame) -> list[int | None] | None:
    """The frame's revisions, None where a row is new; None as a whole when the frame does not carry them."""
    if REVISION not in frame.columns:
        return None
    numbers = pd.to_numeric(frame[REVISION], errors="coerce").astype("Float64")
    odd = (numbers.isna() & frame[REVISION].notna()) | (numbers % 1 != 0).fillna(value=False)
    wanted = "the revision the row was read with, or nothing for a new row"
    faults = [Fault(label, REVISION, repr(cell), wanted) for label, cell in frame[REVISION][odd].items()]  # type: ignore[arg-type]
    if faults:
        raise TableError(table.name, faults)
    return [None if pd.isna(number) else int(number) for number in numbers]


def keep_facts(table: Table, removed: Iterable[tuple[object, ...]]) -> None:
    """Refuse to remove a setting the workspace cannot do without."""
    lost = [str(name) for (name,) in removed if name in FACTS] if table is SETTINGS else []
    if lost:
        raise WorkspaceError(f"a workspace needs its {' and '.join(lost)}; put another value instead of removing it")


def refuse_orphans(connection: sa.Connection) -> None:
    """Refuse a change that removed a team whose rows are still stored."""
    there = sa.select(TABLES["teams"].c.team)
    for name, made in TABLES.items():
        if "team" not in made.c or name == "teams":
            continue
        team = connection.execute(sa.select(made.c.team).where(made.c.team.not_in(there)).limit(1)).scalar()
        if team is not None:
            raise WorkspaceError(
                f"team {team} still has rows in {name}, so it was not removed; remove its rows first; nothing was changed"
            )


def _unknown_teams(connection: sa.Connection, typed: pd.DataFrame) -> Iterator[Fault]:
    known = sorted(connection.execute(sa.select(TABLES["teams"].c.team)).scalars())
    if set(typed["team"]) <= set(known):
        return
    there = f"the teams are {', '.join(known)}" if known else "there is no team yet"
    first = typed.drop_duplicates("team")["team"]
    for label, team in first[~first.isin(known)].items():
        yield Fault(label, "team", repr(team), f"a team of this workspace ({there}); add it to the teams first")  # type: ignore[arg-type]


def _bad_facts(typed: pd.DataFrame) -> Iterator[Fault]:
    for label, name, value in zip(typed.index, typed["name"], typed["value"], strict=True):
        if (name == "start" and not _is_day(value)) or (name == "made_up" and value not in ("yes", "no")):
            yield Fault(label, "value", repr(value), f"{FACTS[name]} for the setting {name}")


def _is_day(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
