"""What became of the rows of large logs: how many were used, refused or repeated, and which cells were bad."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from playbook.errors import Fault, IntakeError
from playbook.io.intake._cells import WANTED_DAY, instants
from playbook.io.intake._duck.names import clean
from playbook.io.intake._duck.rows import EARLIEST, LATEST, MOST_FAULTS
from playbook.io.intake._duck.sql import refused_lines
from playbook.io.intake._export import UNUSABLE
from playbook.io.intake._format import WHOLE_ROW
from playbook.tables import EVENTS

if TYPE_CHECKING:
    from playbook.io.intake._duck.rows import Rows

NOTHING = "nothing"
LINE_FAULTS = {
    "MISSING COLUMNS": "fewer cells than the header",
    "TOO MANY COLUMNS": "more cells than the header",
    "INVALID ENCODING": "text that is not UTF-8; save the file as 'CSV UTF-8'",
}


@dataclass(frozen=True)
class LogReading:
    """What became of the rows of the files: every row read was used, refused, or repeats an event of an earlier file.

    `faults` name the bad cells of the first refused rows, by the row's number in its file; `notes` are assumptions.
    """

    files: tuple[str, ...]
    rows_read: int
    used: int
    refused: int
    repeated: int
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One honest line."""
        files = self.files[0] if len(self.files) == 1 else f"{len(self.files)} files"
        line = (
            f"{files}: {self.rows_read} rows = {self.used} used + {self.refused} refused + "
            f"{self.repeated} repeating an earlier file"
        )
        said = [f"first fault: {self.faults[0]}"] if self.faults else []
        return "; ".join([line, *said, *self.notes])


def reading(rows: Rows) -> LogReading:
    """What became of every row. Raises IntakeError when the rows do not add up: then no number may be believed."""
    lines = refused_lines(rows.con, rows.logs)
    faults = [
        *(_line_fault(rows, *line) for line in lines[:MOST_FAULTS]),
        *_faults(rows, [(file, number) for file, number, _ in lines]),
    ]
    refused = len(lines) + rows.refused_count
    found = LogReading(
        tuple(rows.pseudonyms.scrub(log.path.name) for log in rows.logs),
        len(lines) + rows.count, rows.used, refused, rows.repeated,
        tuple(faults[:MOST_FAULTS]), tuple(map(rows.pseudonyms.scrub, _notes(rows))),
    )  # fmt: skip
    if found.rows_read != found.used + found.refused + found.repeated or found.repeated < 0:
        raise IntakeError(f"the rows do not add up, so nothing is shown; please report this: {found}")
    return found


def _line_fault(rows: Rows, file: int, line: int, kind: str) -> Fault:
    return Fault(_label(rows, file, line), WHOLE_ROW, LINE_FAULTS.get(kind, kind.lower()), UNUSABLE)


def _label(rows: Rows, file: int, row: int) -> int | str:
    return row if len(rows.logs) == 1 else f"{row} of {rows.pseudonyms.scrub(rows.logs[file].path.name)}"


def _faults(rows: Rows, lines: Sequence[tuple[int, int]]) -> Iterator[Fault]:
    """The bad cells of the refused rows that are shown."""
    for row in rows.con.execute("SELECT * FROM shown ORDER BY rowid").df().to_dict(orient="records"):
        file, number = int(row.get("file", 0)), int(row["number"])
        if (file, number) in rows.blank_rows:
            continue
        number += 2  # the header is row 1
        for _, line in (found for found in lines if found[0] == file):
            number += line <= number
        for name, found in _bad_cells(rows, row):
            said = rows.pseudonyms.scrub(found, single_words=True)
            yield Fault(_label(rows, file, number), name, said, _wanted(rows, name, found))


def _bad_cells(rows: Rows, row: dict[Any, Any]) -> Iterator[tuple[str, str]]:
    if rows.bad_days and not pd.isna(row["day"]):
        header, _, day = str(row["day"]).partition(": ")
        yield rows.pseudonyms.scrub(header), repr(day)
    for name, cell in (("case", row["case"]), ("activity", _first(row["activity"], row["activity_new"]))):
        if pd.isna(cell) or clean(rows, str(cell), name) is None:
            yield name, NOTHING if pd.isna(cell) else repr(str(cell)[:200])
    for name in rows.times:
        written = row[f"{name}_new"]
        out = not pd.isna(row[name]) and not EARLIEST <= row[name] < LATEST
        if out or (pd.isna(row[name]) and (name == "timestamp" or not pd.isna(written))):
            known = rows.con.execute(
                "SELECT 1 FROM stamps WHERE t = ?", [None if pd.isna(written) else written]
            ).fetchall()
            if out:
                yield name, str(np.datetime64(int(row[name]), "us"))
            elif not known:
                yield name, NOTHING if pd.isna(written) else repr(str(written)[:200])
    if rows.has_minutes and not pd.isna(row["minutes_new"]):
        yield "minutes", repr(str(row["minutes_new"])[:200])


def _wanted(rows: Rows, name: str, found: str) -> str:
    if name in ("timestamp", "begun"):
        cell = pd.Series([None if found == NOTHING else found.strip("'")], dtype="str")
        return next(iter(instants(cell, rows.clock).wanted.values()), EVENTS.columns[name].wanted)
    return EVENTS.columns[name].wanted if name in EVENTS.columns else f"{WANTED_DAY}, or nothing"


def _notes(rows: Rows) -> Iterator[str]:
    log = rows.logs[0]
    told = [f"{name} from {header}" for name, header in log.columns.items() if header.casefold() != name]
    if told:
        yield "read " + ", ".join(told)
    dated = dict.fromkeys(header for log in rows.logs for header in log.dated)
    if dated:
        yield "not kept but checked for impossible dates: " + ", ".join(dated)
    if rows.assumed_zone:
        yield "times without a zone were taken as UTC, as no time zone was given"


def _first(one: Any, other: Any) -> Any:
    return other if pd.isna(one) else one
