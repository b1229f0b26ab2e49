"""The rows of large event logs: read and coded by DuckDB, refused with reasons, given as numbers by time.

One file in the order of time, as tools export it, is passed through once and never stored: its numbers go to a shelf. Any
other log becomes a table, for its times to be read by the kit, its rows to be sorted, or repeats to be found.
"""

# ruff: noqa: S608 - SQL is put together from our own words and quoted names
from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from playbook.io.intake._cells import FIRST_YEAR, LAST_YEAR, Clock, Instants, instants
from playbook.io.intake._duck.names import Coded
from playbook.io.intake._duck.passing import Passed, passed
from playbook.io.intake._duck.sql import (
    SAMPLE,
    WORDS,
    Log,
    has_zone,
    impossible_days,
    moment,
    quoted,
    refused_lines,
    shapes_of,
    sound,
    text,
)
from playbook.io.pseudonyms import Pseudonyms
from playbook.tables import EVENTS
from playbook.workflows.discovery.walk import NEVER, Shelf, Stretch

MOST_FAULTS = 100
HASHES = 50_000
EARLIEST, LATEST = (
    int(np.datetime64(f"{year}-01-01", "us").astype(np.int64)) for year in (FIRST_YEAR, LAST_YEAR + 1)
)  # fmt: skip


class Rows:
    """The rows of the logs; `load`, then `stretches`, then `forget`."""

    def __init__(
        self, con: Any, logs: Sequence[Log], clock: Clock, pseudonyms: Pseudonyms, shelf: Shelf
    ) -> None:  # fmt: skip
        self.con, self.logs, self.clock, self.pseudonyms, self.shelf = con, logs, clock, pseudonyms, shelf
        present = {name for log in logs for name in log.columns}
        self.words = {name: list[str]() for name in WORDS if name in present}
        self.times: list[str] = [name for name in ("timestamp", "begun") if name in present]
        self.has_minutes = "minutes" in present
        self.table, self.place, self.salt = "raw", "rowid", ""
        self.passed: Passed | None = None
        self.count = self.used = self.repeated = 0
        self.refused, self.maybe_blank = list[int](), list[int]()
        self.refused_count = 0
        self.blank_rows = set[tuple[int, int]]()
        self.assumed_zone = False

    def load(self) -> None:
        """Read every file once."""
        # 1. the words of the first rows become codes; a word met later is kept as text beside them
        self._first = {name: self._learn(name) for name in self.words}
        self._impossible = [impossible_days(self.con, log) for log in self.logs]
        self.bad_days = any(self._impossible)
        self._shapes = [{name: shapes_of(self.con, log, name) for name in self.times} for log in self.logs]
        shapes = [shape for log in self._shapes for found in log.values() for shape in found]
        self.assumed_zone = not self.clock.timezone and not all(map(has_zone, shapes))
        self.con.execute("CREATE TABLE stamps (t VARCHAR, moment BIGINT)")
        # 2. the rows as they come, or a table of them
        self.passed = self._pass() if len(self.logs) == 1 else None
        if self.passed:
            self.words = {name: [*words, *self.passed.later[name]] for name, words in self._first.items()}
            self.count = self.passed.total
        else:
            self._store()
        # 3. nothing more where a row has swallowed others
        refused_lines(self.con, self.logs)

    def _pass(self) -> Passed | None:
        first = {name: len(words) for name, words in self._first.items()}
        new = ", ".join(f"{name}_new" for name in (*first, *self.times))
        codes = [f"coalesce(enum_code({name})::INTEGER, -1) AS {name}" for name in first]
        rows = f'SELECT *, (coalesce({new}) IS NOT NULL OR "case" IS NULL)::UTINYINT AS odd FROM ({self._rows(0)})'
        said = f'CASE WHEN odd > 0 THEN to_json(["case", {new}])::VARCHAR ELSE "case" END AS said'
        return passed(self.con, f"SELECT odd, {said}, {self._numbers(codes)} FROM ({rows})", first, self.shelf)

    def _store(self) -> None:
        """Put every row into one table, in the order of the files or of time."""
        self.passed = None
        self._declare()
        for number in range(len(self.logs)):
            self.con.execute(f"INSERT INTO raw {self._rows(number)}")
        self.count = int(self.con.execute("SELECT count(*) FROM raw").fetchall()[0][0])
        # the words met later, and times only the kit's reader can read
        for name, first in self._first.items():
            rows = self.con.execute(f"SELECT DISTINCT {name}_new FROM raw WHERE {name}_new IS NOT NULL").fetchall()
            self.words[name] = [*first, *sorted(word for (word,) in rows)]
            self._enum(f"all_{name}", self.words[name])
        self._order(times_read=self._read_times())

    def salted(self) -> None:
        """Give every case another number, as two had the same."""
        self.salt += "+"
        if self.passed:
            self._store()

    def _learn(self, name: str) -> list[str]:
        found: dict[str, None] = {}
        for log in self.logs:
            if name in log.columns:
                sample = f"SELECT {log.words(name)} AS word FROM {log.sample} LIMIT {SAMPLE}"
                rows = self.con.execute(f"SELECT DISTINCT word FROM ({sample}) WHERE word IS NOT NULL").fetchall()
                found.update(dict.fromkeys(sorted(word for (word,) in rows)))
        self._enum(f"first_{name}", list(found))
        return list(found)

    def _enum(self, name: str, words: Sequence[str]) -> None:
        # DuckDB knows no empty list of words
        self.con.execute(f"CREATE TYPE {name} AS ENUM ({', '.join(map(text, words or ['']))})")

    def _declare(self) -> None:
        columns = ['"case" VARCHAR']
        columns += [f"{name} first_{name}, {name}_new VARCHAR" for name in self.words]
        columns += [f"{name} BIGINT, {name}_new VARCHAR" for name in self._named("timestamp", "begun")]
        columns += ["minutes DOUBLE, minutes_new VARCHAR"] if self.has_minutes else []
        columns += ["day VARCHAR"] if self.bad_days else []
        columns += ["file USMALLINT"] if len(self.logs) > 1 else []
        self.con.execute(f"CREATE TABLE raw ({', '.join(columns)})")

    def _named(self, *names: str) -> list[str]:
        return [name for name in names if name in self.times]

    def _rows(self, number: int, source: str = "") -> str:
        """SQL for the rows of a file, or of another `source` of them: what could be read, and the text of what could not."""
        # DuckDB computes an expression once a layer, so what is used twice gets a layer of its own
        log = self.logs[number]
        cells, read, checked, kept = [f"{log.words('case')} AS c"], ["*"], ["*"], ['c AS "case"']
        for name in self.words:
            cells.append(f"{log.words(name)} AS {name}_text")
            read.append(f"TRY_CAST({name}_text AS first_{name}) AS {name}")
        for name in self.times:
            shapes = self._shapes[number][name]
            cells.append(f"{log.words(name)} AS {name}_text")
            read.append(f"{moment(f'{name}_text', shapes, zoned_only=bool(self.clock.timezone))} AS {name}_read")
            checked.append(f"{sound(f'{name}_read', f'{name}_text')} AS {name}")
        measured = ["minutes"] if self.has_minutes else []
        if self.has_minutes:
            cells.append(f"{log.words('minutes')} AS minutes_text")
            # DuckDB reads 1_000 as a thousand
            read.append(
                "CASE WHEN NOT contains(minutes_text, '_') THEN TRY_CAST(minutes_text AS DOUBLE) END AS minutes_read"
            )
            checked.append(
                f"CASE WHEN minutes_read BETWEEN 0 AND {EVENTS.columns['minutes'].high} THEN minutes_read END AS minutes"
            )
        for name in (*self.words, *self.times, *measured):
            kept += [name, f"CASE WHEN {name} IS NULL THEN {name}_text END AS {name}_new"]
        if self.bad_days:
            cells.append(f"{_impossible(self._impossible[number])} AS day")
            kept.append("day")
        if len(self.logs) > 1:
            kept.append(f"{number} AS file")
        rows = f"SELECT {', '.join(cells)} FROM {source or log.source}"
        for layer in (read, checked, kept):
            rows = f"SELECT {', '.join(layer)} FROM ({rows})"
        return rows

    def _numbers(self, codes: Sequence[str]) -> str:
        """SQL for the numbers of a row, and for what is bad about it."""
        times = [f"coalesce({name}, {NEVER + 1} - 1) AS {name}" for name in self.times]
        more, bad = [], {}
        if self.has_minutes:
            more.append("coalesce(minutes, 'nan'::DOUBLE) AS minutes")
            bad["minutes"] = "minutes_new IS NOT NULL"
        if self.bad_days:
            bad["day"] = "day IS NOT NULL"
        if "begun" in self.times:
            bad["begun"] = "begun IS NULL AND begun_new IS NOT NULL"
        more += [f"({said})::UTINYINT AS {name}_bad" for name, said in bad.items()]
        return ", ".join([f"{self.hashed(quoted('case'))} AS h", *codes, *times, *more])

    def _read_times(self) -> bool:
        """Read by the kit's reader what DuckDB was not asked to; whether any such time was readable."""
        # each text once, or its rows would be multiplied when they are given their moments
        texts = " UNION ".join(
            f"SELECT DISTINCT {name}_new AS t FROM raw WHERE {name}_new IS NOT NULL" for name in self.times
        )
        found, any_read = self.con.cursor().execute(texts), False
        while rows := found.fetchmany(HASHES):
            cells = pd.Series([cell for (cell,) in rows], dtype="str")
            read: Instants = instants(cells, self.clock)
            self.assumed_zone |= not self.clock.timezone and read.without_zone > 0
            known = read.moments.notna()
            at = read.moments[known].dt.tz_convert(None).to_numpy("datetime64[us]").astype(np.int64)
            readable = {"t": cells[known].to_numpy(object), "moment": at}
            if len(at):
                any_read = True
                self.con.execute("INSERT INTO stamps SELECT t, moment FROM readable")
            del readable
        return any_read

    def _order(self, *, times_read: bool) -> None:
        """Bring the rows into the order of time, if they are not, and leave out what repeats an earlier file."""
        read = {
            name: f"coalesce(raw.{name}, {name}_read.moment)" if times_read else f"raw.{name}" for name in self.times
        }
        again = len(self.logs) > 1 and self._repeats(read, times_read=times_read)
        if not times_read and not again and self._is_ordered():
            return
        kept = [f"{word} AS {name}" for name, word in read.items()]
        others = "* EXCLUDE (" + ", ".join(self.times) + ")"
        rows = f"SELECT raw.{others}, {', '.join(kept)}, raw.rowid AS place FROM {self._joined(times_read=times_read)}"
        if again:
            same = self._event({str(name): str(name) for name in self.times})
            rows = (
                f"SELECT * EXCLUDE (turn) FROM (SELECT *, row_number() OVER (PARTITION BY {same}, file ORDER BY place) AS turn "
                f"FROM ({rows})) QUALIFY timestamp IS NULL OR row_number() OVER (PARTITION BY {same}, turn ORDER BY file) = 1"
            )
        self.con.execute(f"CREATE TABLE ordered AS SELECT * FROM ({rows}) ORDER BY timestamp, place")
        self.table, self.place = "ordered", "place"
        count = "SELECT (SELECT count(*) FROM raw) - (SELECT count(*) FROM ordered)"
        self.repeated = int(self.con.execute(count).fetchall()[0][0])

    def _joined(self, *, times_read: bool) -> str:
        if not times_read:
            return "raw"
        joins = [f"LEFT JOIN stamps AS {name}_read ON raw.{name}_new = {name}_read.t" for name in self.times]
        return " ".join(["raw", *joins])

    def _event(self, read: dict[str, str]) -> str:
        """What makes two rows the same event: case, activity, time and person."""
        words = [f"coalesce({name}::VARCHAR, {name}_new)" for name in ("activity", "resource") if name in self.words]
        return ", ".join(['"case"', *words, read["timestamp"]])

    def _repeats(self, read: dict[str, str], *, times_read: bool) -> bool:
        same = self._event(read)
        held = (
            f"SELECT 1 FROM {self._joined(times_read=times_read)} GROUP BY {same} HAVING min(file) <> max(file) LIMIT 1"
        )
        return bool(self.con.execute(held).fetchall())

    def _is_ordered(self) -> bool:
        last = NEVER
        for part in self._fetched("timestamp", "raw", 1 << 22):
            at = part["timestamp"]
            at = at.compressed() if isinstance(at, np.ma.MaskedArray) else at
            if len(at) and (at[0] < last or (at[1:] < at[:-1]).any()):
                return False
            last = int(at[-1]) if len(at) else last
        return True

    def _fetched(self, what: str, table: str, size: int) -> Iterator[dict[str, Any]]:
        count = int(self.con.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])
        for start in range(0, count, size):
            yield self.con.execute(
                f"SELECT {what} FROM {table} WHERE rowid >= {start} AND rowid < {start + size}"
            ).fetchnumpy()

    def hashed(self, column: str) -> str:
        """SQL for the number that stands for a case; with another salt where two cases would share one."""
        return f"hash({column}{' || ' + text(self.salt) if self.salt else ''})"

    def stretches(self, coded: Coded, size: int) -> Iterator[Stretch]:
        """The usable rows in the order of time, some at a time; refused ones are counted on the way."""
        codes = [
            f"coalesce(enum_code({name})::INTEGER, enum_code({name}_new::all_{name})::INTEGER, -1) AS {name}"
            for name in self.words
        ]
        what = f"{self._numbers(codes)}, {self.place} AS place"
        self.used, self.refused_count, self.refused, self.maybe_blank = 0, 0, [], []
        if self.passed:
            known = coded.case(self.passed.hashes)
            for part in self.passed.stretches(size):
                yield self._stretch(part, coded, known[part["case"]])
            return
        for part in self._fetched(what, self.table, size):
            yield self._stretch(part, coded, coded.case(np.asarray(part["h"])))

    def _stretch(self, part: dict[str, Any], coded: Coded, case: Any) -> Stretch:
        number = {name: coded.number_of[name][np.asarray(part[name])] for name in self.words}
        at = np.asarray(part["timestamp"])
        good = (case >= 0) & (number["activity"] >= 0) & (at >= EARLIEST) & (at < LATEST)
        for name in ("day_bad", "minutes_bad", "begun_bad"):
            if name in part:
                good &= np.asarray(part[name]) == 0
        if not good.all():
            place, nothing = np.asarray(part["place"]), (case < 0) & (number["activity"] < 0) & (at == NEVER)
            self.refused_count += int((~good).sum())
            for kept, which in ((self.refused, ~good & ~nothing), (self.maybe_blank, nothing)):
                kept.extend(place[which][: MOST_FAULTS - len(kept)].tolist())
        self.used += int(good.sum())
        minutes = np.asarray(part["minutes"]) if self.has_minutes else None
        return Stretch(
            case[good], number["activity"][good], at[good],
            number["resource"][good] if "resource" in number else np.full(int(good.sum()), -1),
            begun=np.asarray(part["begun"])[good] if "begun" in self.times else None,
            minutes=None if minutes is None else minutes[good],
            workflow=number["workflow"][good] if "workflow" in number else None,
        )  # fmt: skip

    def forget(self) -> None:
        """Give the memory of the rows back, all but the few that were refused and are shown; wholly empty ones are none."""
        # 1. rows without a case, an activity or a time may be empty altogether, as spreadsheets leave them below a table
        if self.maybe_blank:
            for file, log in enumerate(self.logs):
                rows = f"SELECT {log.is_blank} AS blank, row_number() OVER () - 1 AS number FROM {log.sample}"
                empty = f"SELECT count(*), min(number, {MOST_FAULTS}) FROM ({rows}) WHERE blank"
                count, first = self.con.execute(empty).fetchall()[0]
                self.blank_rows |= {(file, number) for number in first or ()}
                self.refused_count, self.count = self.refused_count - count, self.count - count
        # 2. the rows that are shown
        shown = sorted(self.refused + self.maybe_blank)
        places = ", ".join(map(str, shown)) or "-1"
        if self.passed:
            # read once more down to the last of them, as no table has them
            rows = f"SELECT * FROM ({self._rows(0, self.logs[0].sample)}) LIMIT {max(shown, default=-1) + 1}"
            rows = f"SELECT *, row_number() OVER () - 1 AS number FROM ({rows})"
            self.con.execute(f"CREATE TABLE shown AS SELECT * FROM ({rows}) WHERE number IN ({places})")
            return
        self.con.execute(
            f"CREATE TABLE shown AS SELECT *, {self._number()} AS number FROM raw WHERE rowid IN ({places})"
        )
        for table in dict.fromkeys(("raw", self.table)):
            self.con.execute(f"DROP TABLE {table}")

    def _number(self) -> str:
        """SQL for how many rows of its file stand above a row."""
        if len(self.logs) == 1:
            return "rowid"
        firsts = self.con.execute("SELECT file, min(rowid) FROM raw GROUP BY file").fetchall()
        return "rowid - CASE file " + " ".join(f"WHEN {file} THEN {first}" for file, first in firsts) + " END"


def _impossible(days: dict[str, list[str]]) -> str:
    """SQL for the first of a row's dates that no calendar has, after its header; NULL where all can be."""
    cases = [
        f"WHEN {quoted(name)}::VARCHAR IN ({', '.join(map(text, bad))}) THEN {text(name + ': ')} || {quoted(name)}::VARCHAR"
        for name, bad in days.items()
    ]
    return f"CASE {' '.join(cases)} END" if cases else "NULL::VARCHAR"
