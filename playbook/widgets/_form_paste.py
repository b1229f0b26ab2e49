"""Rows pasted from a spreadsheet: read as a file's would be, every bad cell named, nothing stored before it is asked."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.errors import IntakeError
from playbook.io.intake import FORMATS, Options, load_rules
from playbook.io.intake._source import Source
from playbook.io.pseudonyms import Pseudonyms
from playbook.tables import STORED, count
from playbook.widgets._form_cells import Cells
from playbook.widgets._form_ledger import own_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from playbook.errors import Fault
    from playbook.io.intake import Claim, Reading
    from playbook.io.intake._sheet import Sheet
    from playbook.io.workspace import Workspace
    from playbook.widgets._form_settings import Setting

MOST_CHARACTERS = 2_000_000
MOST_ROWS = 2_000
NAME = Path("what was pasted")
INSTEAD = "Paste fewer rows, or import the file as a whole: playbook import FILE --team TEAM"


@dataclass(frozen=True)
class Pasted:
    """A pasted sheet before anything of it is stored.

    `new` and `other` are rows to store with what they replace and its revision (`other`: stored already with other
    values), `same` counts those stored already as they are, `faults` name every bad cell by the row of the sheet (its
    header is row 1), `rest` are the bad rows with their header, to correct and check again.
    """

    rows_read: int
    new: tuple[tuple[Cells, None, None], ...]
    other: tuple[tuple[Cells, Cells, int], ...]
    same: int
    faults: tuple[Fault, ...]
    rest: str

    @property
    def says(self) -> str:
        """What was found, in a sentence."""
        bad = len({fault.row for fault in self.faults})
        parts = [f"{count(len(self.new), 'new row')}"]
        parts += [f"{count(len(self.other), 'row')} stored already with other values"] if self.other else []
        parts += [f"{count(self.same, 'row')} stored already as they are"] if self.same else []
        parts += [f"{count(bad, 'row')} to correct"] if bad else []
        return f"{count(self.rows_read, 'row')} read: {', '.join(parts)}."


def read_pasted(text: str, setting: Setting, workspace: Workspace, team: str, stored: pd.DataFrame) -> Pasted:
    """Read pasted text against the form's table and what the team has stored (with revisions).

    Tabs, commas or semicolons separate cells, quotation marks keep line breaks inside one; a formula stays the text it
    is. Raises IntakeError for what cannot be read as rows at all: too much, no header, columns nobody knows.
    """
    _refuse_much(text)
    rules = load_rules(workspace.folder)
    kind = FORMATS[setting.table]
    sheet = _with_keys(_sheet(text), setting, stored)
    claim = kind.match(sheet, rules, {})
    missing = [name for name in kind.needs if name not in claim.places]
    if missing:
        header = ", ".join(repr(name[:40]) for name in sheet.header[:12])
        raise IntakeError(
            f"the first row must name the columns; found {header}, wanted at least {', '.join(kind.needs)}. "
            f"Missing: {', '.join(missing)}"
        )
    options = Options(team, "", rules, Pseudonyms(workspace.pseudonym_key))
    reading = kind.read(claim, Source(NAME, b"", "utf-8"), options)
    # an id that the form makes is missing only where the words it is made of are, and those are named
    faults = tuple(fault for fault in reading.faults if fault.column not in setting.made or fault.found != "nothing")
    return _compared(replace(reading, faults=faults), claim, stored, setting.table)


def _refuse_much(text: str) -> None:
    lines = text.count("\n")
    if len(text) > MOST_CHARACTERS or lines > MOST_ROWS:
        raise IntakeError(
            f"{count(lines, 'line')} and {count(len(text), 'character')} are more than a paste may hold "
            f"({MOST_ROWS:,} rows, {MOST_CHARACTERS:,} characters); nothing was read. {INSTEAD}"
        )
    if not text.strip():
        raise IntakeError("nothing was pasted; copy the rows with their header from the spreadsheet")


def _sheet(text: str) -> Sheet:
    sheets = Source(NAME, text.encode("utf-8", "replace"), "utf-8").sheets
    if not sheets:
        raise IntakeError("what was pasted is no table; copy the rows with their header from a spreadsheet")
    # a comma inside a tab-separated cell can only be part of a number or a text, as in a semicolon file
    return replace(sheets[0], delimiter=";") if sheets[0].delimiter == "\t" else sheets[0]


def _with_keys(sheet: Sheet, setting: Setting, stored: pd.DataFrame) -> Sheet:
    """The sheet with a column of new ids where the form makes them and the sheet brings none."""
    missing = [name for name in setting.made if name != "task_id" and not sheet.names([name])]
    if not missing:
        return sheet
    (name,), width = missing, len(sheet.header)

    def rows() -> Iterator[tuple[int, list[Any]]]:
        known = stored[[name]]
        for number, cells in sheet.cells():
            new = setting.made[name](known, {})
            known = pd.DataFrame({name: [new]})
            yield number, [*cells, new] if len(cells) == width and any(cells) else cells

    return replace(sheet, header=(*sheet.header, name), cells=rows)


def _compared(reading: Reading, claim: Claim, stored: pd.DataFrame, name: str) -> Pasted:
    """Each good row as new, stored already as it is, or stored with other values; each bad one with what stands there."""
    table = STORED[name]
    key = own_key(table)
    there = {tuple(row[column] for column in key): row for row in _plain(stored)}
    new: list[tuple[Cells, None, None]] = []
    other: list[tuple[Cells, Cells, int]] = []
    for cells, filled in zip(_plain(reading.good), reading.given.to_dict("records"), strict=True):
        found = there.get(tuple(cells[column] for column in key))
        if found is None:
            new.append((cells, None, None))
            continue
        old = {column: found[column] for column in table.columns}
        merged = {**old, **{str(column): cells[str(column)] for column, given in filled.items() if given}}
        if merged != old:
            other.append((merged, old, int(found["revision"])))
    bad = {fault.row for fault in reading.faults}
    raw = {number: cells for number, cells in claim.sheet.rows() if number in bad}
    faults = tuple(_as_pasted(fault, raw, claim) for fault in reading.faults)
    same = len(reading.good) - len(new) - len(other)
    return Pasted(reading.rows_read, tuple(new), tuple(other), same, faults, _rest(claim, raw))


def _plain(frame: pd.DataFrame) -> list[Cells]:
    rows = frame.to_dict("records")
    return [{str(name): None if pd.isna(value) else value for name, value in row.items()} for row in rows]


def _as_pasted(fault: Fault, raw: Mapping[Any, list[Any]], claim: Claim) -> Fault:
    """The fault with the very cell that was pasted: whoever pasted it may see it, and it is stored nowhere."""
    place, cells = claim.places.get(fault.column), raw.get(fault.row, [])
    if place is None or place >= len(cells) or not str(cells[place] or "").strip():
        return fault
    return replace(fault, found=repr(str(cells[place]))[:200])


def _rest(claim: Claim, raw: Mapping[Any, list[Any]]) -> str:
    if not raw:
        return ""
    out = io.StringIO()
    writer = csv.writer(out, delimiter="\t", lineterminator="\n")
    writer.writerow(claim.sheet.header)
    writer.writerows(["" if cell is None else cell for cell in cells] for cells in raw.values())
    return out.getvalue()
