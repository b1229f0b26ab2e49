"""Discovery from event logs of any size: DuckDB reads, codes and orders the rows, the walk of the room adds them up.

Memory holds DuckDB's share (a setting; what is more goes to a temporary folder), a stretch of the log, and what grows
with the number of cases and persons, as the result does; never the events.
"""

from __future__ import annotations

import errno
import glob
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from playbook.errors import IntakeError, ParameterError
from playbook.io import content
from playbook.io.intake._cells import Clock
from playbook.io.intake._duck.names import Coded, coded
from playbook.io.intake._duck.reading import LogReading, reading
from playbook.io.intake._duck.rows import Rows
from playbook.io.intake._duck.sql import opened
from playbook.io.intake._rules import load_rules
from playbook.io.pseudonyms import Pseudonyms
from playbook.workflows import Discovery, Keywords
from playbook.workflows.discovery import LOG_WORKFLOW, SESSION_MINUTES
from playbook.workflows.discovery.counts import Names
from playbook.workflows.discovery.results import nothing_found, tables_of
from playbook.workflows.discovery.walk import Grouped, Shelf, Sizes, Slice, Stretch, Walk

if TYPE_CHECKING:
    from os import PathLike

    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

MEMORY_LIMIT = "256MB"
# The C library asks the system anew for every piece larger than the largest it has had back, up to this many bytes; then
# the arrays of every stretch come as empty pages that are filled with zeros first: a tenth of the whole time.
LARGEST_KEPT = 32_000_000
FULL = (errno.ENOSPC, errno.EDQUOT)
# rows of a stretch: their columns fit a processor's cache, in which the walk is twice as fast as in memory
STRETCH = 1 << 18


class LogDiscovery(Discovery):
    """The tables of `workflows.Discovery`, and `reading`: what became of the rows of the files."""

    reading: LogReading


def discover(  # noqa: PLR0913 - what a person may have to say about files, each by name
    paths: str | PathLike[str] | Sequence[str | PathLike[str]],
    *,
    team: str = "log",
    mapping: Mapping[str, str] | None = None,
    timezone: str | None = None,
    dayfirst: bool | None = None,
    workflow: str = LOG_WORKFLOW,
    session_minutes: float = SESSION_MINUTES,
    keywords: Keywords | None = None,
    pseudonym_key: bytes | None = None,
    overrides: Path | None = None,
    memory_limit: str = MEMORY_LIMIT,
    temp_folder: str | PathLike[str] | None = None,
    threads: int | None = None,
) -> LogDiscovery:
    """What event logs of any size show: the tables `workflows.discover` gives, from CSV (also .gz) or Parquet files.

    `paths` is a file, a pattern such as `exports/*.csv`, or a list of either; the files are one team's log together,
    and an event that a later file repeats counts once. Columns are found by name and synonym
    (assessments/intake/default.yaml, or the client's copy under `overrides`) or by `mapping`, which gives for a header
    the column it means: case, activity, timestamp, resource, workflow, begun, minutes. `timezone` is for times without
    one (else UTC), `dayfirst` for dates like 3/4/2024.

    DuckDB may use `memory_limit` and as many `threads` as there are cores unless said; what does not fit goes to a
    folder under `temp_folder` (else the system's) that is removed at the end. Persons are pseudonymised before
    anything is counted, with `pseudonym_key` (a workspace's; else one that is forgotten). `.reading` says how many rows
    were read, used, refused and repeated, and why. Raises IntakeError for a file that is no event log and
    ParameterError for an unknown setting.
    """
    np.empty(LARGEST_KEPT, np.uint8)
    clock = Clock(timezone, dayfirst)
    clock.zone()
    files, rules = _files(paths), load_rules(overrides)
    pseudonyms = Pseudonyms(pseudonym_key or secrets.token_bytes(32), content.load("names", overrides))
    with _scratch(temp_folder) as scratch:
        with (scratch / "ranked.bin").open("w+b", buffering=0) as file:
            shelf = _shelf(file)
            with _bench(memory_limit, scratch / "spill", threads) as con:
                # 1. what the files are, and their rows in DuckDB's own form
                logs = [opened(con, path, rules, mapping or {}, scratch) for path in files]
                rows = Rows(con, logs, clock, pseudonyms, shelf)
                rows.load()
                # 2. cases, activities and persons as numbers
                known = coded(rows)
                names = Names(team, known.cases, known.activities, known.workflows)
                # 3. the walk; where nobody is named in a usable row, cases stand in for persons from the start
                walk = _walked(rows, known, known.persons, session_minutes, shelf)
                if known.persons and not walk.people.members():
                    walk = _walked(rows, known, 0, session_minutes, shelf)
                rows.forget()
                read = reading(rows)
            # 4. the tables, when DuckDB and the numbers of its rows have given their memory back
            del known, rows
            found = tables_of(walk, names, workflow, keywords) if walk.events.any() else nothing_found()
        return _with(found, read)


def _walked(rows: Rows, known: Coded, persons: int, session_minutes: float, shelf: Shelf) -> Walk:
    sizes = Sizes(len(known.cases), len(known.activities), persons, len(known.workflows))
    walk = Walk(sizes, session_minutes, shelf)
    # persons are followed a stretch ahead of cases, each in a thread: neither needs what the other knows
    for found in _ahead(walk.grouped(stretch) for stretch in _by_moments(rows.stretches(known, STRETCH))):
        walk.add(found)
    return walk


def _with(found: Discovery, reading: LogReading) -> LogDiscovery:
    made = LogDiscovery(*found)
    made.reading = reading
    return made


def _files(paths: str | PathLike[str] | Sequence[str | PathLike[str]]) -> list[Path]:
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    found: list[Path] = []
    for one in (os.fspath(path) for path in given):
        some = sorted(glob.glob(one, recursive=True)) if glob.has_magic(one) and not os.path.exists(one) else [one]  # noqa: PTH110, PTH207
        found += [path for path in (Path(name) for name in some) if path not in found]
    if not found:
        raise IntakeError(f"{', '.join(map(str, given)) or 'no path'}: no such file; check the name and the folder")
    return found


@contextmanager
def _bench(memory_limit: str, spill: Path, threads: int | None) -> Iterator[DuckDBPyConnection]:
    """A DuckDB of its own that spills to the folder; gone afterwards."""
    import duckdb  # noqa: PLC0415 - only large logs pay for it

    config = {
        "memory_limit": memory_limit,
        "temp_directory": str(spill),
        **({"threads": str(threads)} if threads is not None else {}),
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    try:
        con = duckdb.connect(config=config)  # type: ignore[arg-type]
    except duckdb.Error as error:
        raise ParameterError(f"DuckDB refused memory_limit={memory_limit!r} or threads={threads!r}: {error}") from error
    try:
        con.execute("SET TimeZone = 'UTC'")
        con.execute("SET enable_progress_bar = false")  # it would be drawn into whatever page or report this runs in
        yield con
    except duckdb.OutOfMemoryException as error:
        raise IntakeError(
            f"the log needs more than memory_limit={memory_limit!r}, or the disk of temp_folder is full; "
            f"give more of either ({str(error).splitlines()[0][:200]})"
        ) from error
    except duckdb.Error as error:
        raise IntakeError(f"the log cannot be read: {str(error).splitlines()[0][:300]}") from error
    finally:
        con.close()


@contextmanager
def _scratch(temp_folder: str | PathLike[str] | None) -> Iterator[Path]:
    """A folder of its own, gone afterwards. Raises IntakeError where there is no place or no room for it."""
    try:
        with tempfile.TemporaryDirectory(prefix="playbook-", dir=temp_folder) as folder:
            yield Path(folder)
    except OSError as error:
        place = os.fspath(temp_folder or tempfile.gettempdir())
        if Path(place).is_dir() and error.errno not in FULL:
            raise  # of a file of the log
        raise IntakeError(
            f"temporary files cannot be kept in {place} ({error.strerror}); make room there or name another temp_folder"
        ) from error


def _shelf(file: Any) -> Shelf:
    """Puts arrays into an unbuffered file, one behind the other, and reads parts of them back; one shelf a file."""
    kept = Lock()

    def put(array: NDArray[Any]) -> Slice:
        data, kind = np.ascontiguousarray(array).data, array.dtype
        with kept:
            place = file.seek(0, os.SEEK_END)
            if file.write(data) < data.nbytes:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def read(start: int, stop: int) -> NDArray[Any]:
            part = np.empty(stop - start, kind)
            with kept:
                file.seek(place + start * kind.itemsize)
                if file.readinto(part.data) < part.nbytes:
                    raise IntakeError(f"{file.name} was cut short while it was in use; run it again")
            return part

        return read

    return put


def _ahead(stretches: Iterator[Grouped]) -> Iterator[Grouped]:
    """The same stretches, the next one made ready while one is worked on."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(next, stretches, None)
        while (stretch := waiting.result()) is not None:
            waiting = pool.submit(next, stretches, None)
            yield stretch


def _by_moments(stretches: Iterator[Stretch]) -> Iterator[Stretch]:
    """The same events, cut so that those of one moment lie in one stretch."""
    held: Stretch | None = None
    for fetched in stretches:
        stretch = fetched if held is None else _glued(held, fetched)
        cut = int(np.searchsorted(stretch.at, stretch.at[-1], side="left")) if len(stretch.at) else 0
        held = _part(stretch, slice(cut, None))
        if cut:
            yield _part(stretch, slice(0, cut))
    if held is not None:
        yield held


def _part(stretch: Stretch, places: slice) -> Stretch:
    parts: list[Any] = [None if array is None else array[places] for array in stretch]
    return Stretch(*parts)


def _glued(first: Stretch, second: Stretch) -> Stretch:
    pairs = zip(first, second, strict=True)
    both: list[Any] = [None if one is None or two is None else np.concatenate([one, two]) for one, two in pairs]
    return Stretch(*both)
