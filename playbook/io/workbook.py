"""A team's workbook: what the workspace holds of a team, to be filled in offline and brought back with its conflicts shown.

It remembers in a hidden sheet how each row went out, so that `intake.bring_in` can tell what was changed in the file
from what was changed in the workspace meanwhile.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playbook.io import content
from playbook.io.exports import ROWS_TO_FILL, anchors_sheet, validation, workbook, write
from playbook.io.intake import FORMATS
from playbook.io.intake._exported import (
    BOOK,
    DOES_NOT_APPLY,
    HELD,
    MEMORY,
    MEMORY_HEADER,
    OFFERED,
    VERSION,
    SheetStamp,
    Shown,
    Stamp,
    as_shown,
    mark_of,
)
from playbook.io.pseudonyms import Pseudonyms
from playbook.tables import FACTORS, Column, Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from playbook.io.exports import Factor
    from playbook.io.workspace import Workspace

GUIDE, ANCHORS = "How to fill it in", "What the ratings mean"
IN_WORDS = "question in words"
AGREED_SEAT = 0
QUESTIONNAIRES = ("maturity",)
SHEETS = {
    "tasks": "Tasks",
    "pilots": "Pilots",
    "pilot_items": "Timed pilot items",
    "breakages": "What broke",
    "answers": "Answers",
}
TOLD = {
    "tasks": "The team's tasks. An id that is left empty in a new row is made of the task's words. A rating goes from 1 to "
    "5 and may lie between; write n/a where a factor does not apply.",
    "pilots": "Workflows handed to an agent for a trial. A new pilot needs a short id of its own.",
    "pilot_items": "Pieces of work timed in a pilot, done the old way (baseline) or by the agent (trial).",
    "breakages": "What broke in a pilot, how bad it was and what was done. A new row needs a short id of its own.",
    "answers": "The team's agreed answers (seat 0). Answers of single seats stay in the workspace and never leave it.",
}
WIDTHS = {str: 22, int: 10, float: 12, bool: 12, dt.date: 13, dt.datetime: 20}
LONG_TEXT, WIDE = 250, 44
SHADE, MUST = "#E7E6E6", "#FFF2CC"


@dataclass(frozen=True)
class _Page:
    """One sheet to write: its table, its rows as shown, those only offered, and a column that explains."""

    table: Table
    columns: tuple[str, ...]
    rows: tuple[Shown, ...]
    offered: tuple[Shown, ...] = ()
    explains: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return SHEETS[self.table.name]

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(name for name in self.table.key if name != "team")

    @property
    def headers(self) -> tuple[str, ...]:
        """The sheet's headers: the table's own columns, what explains a row after the last column of its key."""
        place = max(self.columns.index(name) for name in self.key) + 1
        return (*self.columns[:place], *self.explains, *self.columns[place:])


def team_workbook(workspace: Workspace, path: str | PathLike[str], team: str) -> Path:
    """Write what the workspace holds of a team as one workbook to fill in, and return its path.

    Sheets: how to fill it in, the tasks, pilots, timed items, what broke, the questionnaire's agreed answers (open
    questions stand there to be answered), and what each rating means. Cells are checked while they are typed. Answers
    and ratings of single seats are left out, as is every address. Raises ParameterError for an unknown team, RunError
    when the file cannot be written.
    """
    team_id = workspace.team(team)
    pages = _pages(workspace, team_id)
    factors = content.load("spectrum", workspace.folder).factors
    stamp = Stamp(
        version=VERSION,
        workspace=mark_of(workspace),
        team=team_id,
        at=dt.datetime.now(dt.UTC).replace(microsecond=0),
        sheets={p.table.name: SheetStamp(name=p.name, columns=p.columns, explains=p.explains) for p in pages},
        reading_only=(GUIDE, ANCHORS),
    )
    with workbook(path) as book:
        _guide(book, workspace.organisation, stamp, pages)
        for page in pages:
            _sheet(book, page, {factor.name: factor for factor in factors})
        anchors_sheet(book, factors)
        _remember(book, stamp, pages)
    return Path(path)


def _pages(workspace: Workspace, team: str) -> list[_Page]:
    clean, pages = Pseudonyms(workspace.pseudonym_key), []
    for name in SHEETS:
        table = FORMATS[name].table
        columns = tuple(c for c in FORMATS[name].wants() if (name, c) != ("tasks", "not_applicable"))
        rows = tuple(as_shown(table, row, clean) for row in workspace.read(name, team).to_dict(orient="records"))
        if name == "answers":
            pages.append(_answers(workspace, table, columns, [row for row in rows if row["seat"] == AGREED_SEAT]))
        else:
            pages.append(_Page(table, columns, rows))
    return pages


def _answers(workspace: Workspace, table: Table, columns: tuple[str, ...], agreed: Sequence[Shown]) -> _Page:
    """The agreed answers, each question in words beside them, and a row for each question without one."""
    asked: dict[tuple[str, str], str] = {}
    for name in QUESTIONNAIRES:
        known = content.load(name, workspace.folder)
        choices = {s.id: "; ".join(f"{c.score}: {c.description}" for c in s.answers) for s in known.answer_sets}
        for question in sorted(known.questions, key=lambda question: question.order):
            asked[known.id, question.id] = f"{question.text} ({choices[question.answers]})"
    rows = [{**row, IN_WORDS: asked.get((row["questionnaire"], row["question"]))} for row in agreed]
    done = {(row["questionnaire"], row["question"]) for row in agreed}
    empty = dict.fromkeys(name for name in table.columns if name != "team")
    offered = [
        {
            **empty,
            "questionnaire": of,
            "question": question,
            "seat": AGREED_SEAT,
            "not_applicable": False,
            IN_WORDS: text,
        }
        for (of, question), text in asked.items()
        if (of, question) not in done
    ]
    return _Page(table, columns, tuple(rows), tuple(offered), explains=(IN_WORDS,))


def _sheet(book: Any, page: _Page, factors: Mapping[str, Factor]) -> None:
    """One table: a header that stays in sight, the rows with their keys shaded, each column's rule to its last line."""
    sheet, formats, rows = book.add_worksheet(page.name), _formats(book), (*page.rows, *page.offered)
    for place, name in enumerate(page.headers):
        column = page.table.columns.get(name)
        is_fixed = name in (*page.key, *page.explains)
        style = formats["key" if is_fixed else "day" if column and column.kind is dt.date else "cell"]
        must = name in FORMATS[page.table.name].needs
        sheet.write_string(0, place, name, formats["must" if must else "header"])
        sheet.set_column(place, place, _width(name, column), formats["cell"] if is_fixed else style)
        for line, row in enumerate(rows, start=1):
            _cell(sheet, (line, place), _in_sheet(page.table, row, name), style)
        if column is not None:
            rule = validation(column, place, factors.get(name), is_factor=name in FACTORS)
            sheet.data_validation(1, place, len(rows) + ROWS_TO_FILL, place, rule)
    sheet.freeze_panes(1, len(page.key))
    sheet.autofilter(0, 0, max(len(rows), 1), len(page.headers) - 1)


def _width(name: str, column: Column | None) -> int:
    if column is None or (column.kind is str and (column.max_length or 0) >= LONG_TEXT):
        return WIDE
    return max(WIDTHS[column.kind], min(WIDTHS[str], len(name) + 2))


def _formats(book: Any) -> dict[str, Any]:
    top = {"valign": "top", "text_wrap": True}
    header = {"bold": True, "bottom": 1, **top}
    return {
        "header": book.add_format(header),
        "must": book.add_format({**header, "bg_color": MUST}),
        "cell": book.add_format(top),
        "key": book.add_format({**top, "bg_color": SHADE}),
        "day": book.add_format({**top, "num_format": "yyyy-mm-dd"}),
    }


def _in_sheet(table: Table, row: Shown, name: str) -> Any:
    """A cell as people see it: factors that do not apply say so in their own column, days are real days."""
    cell = row.get(name)
    if name in FACTORS and name in str(row.get("not_applicable") or "").split(", "):
        return DOES_NOT_APPLY
    column = table.columns.get(name)
    return dt.date.fromisoformat(cell) if cell is not None and column and column.kind is dt.date else cell


def _cell(sheet: Any, place: tuple[int, int], cell: Any, style: Any) -> None:
    # spreadsheets count days from 1900 on; an earlier one is written as text, which the importer reads as well
    if isinstance(cell, dt.date) and cell.year > 1900:
        sheet.write_datetime(*place, dt.datetime.combine(cell, dt.time()), style)
    else:
        write(sheet, place, cell, style)


def _guide(book: Any, organisation: str, stamp: Stamp, pages: Sequence[_Page]) -> None:
    """The first sheet: whose workbook it is, how it goes back, what each column means and takes."""
    sheet, formats = book.add_worksheet(GUIDE), _formats(book)
    big = book.add_format({"bold": True, "font_size": 14})
    lines = [
        f"Exported on {stamp.at:%Y-%m-%d at %H:%M} UTC. Fill it in, save it as XLSX, and bring it back:",
        f"    playbook import FILE --team {stamp.team}",
        "Only what you change is brought back. Where the workspace changed the same cell meanwhile, nothing is overwritten:",
        "    the import shows the value at the export, yours and the workspace's, and keeps your row to be settled.",
        "Grey cells tell rows apart: leave them and the header as they are. Write new rows below the others.",
        "Yellow headers must be filled; all other cells may stay empty. A cell you empty is brought back as empty.",
        "A row you delete stays in the workspace, and the import says so. Formulas and merged cells are refused.",
        "Write roles, never names of people: the work is described here, not who does it.",
    ]
    sheet.set_column(0, 1, 22)
    sheet.set_column(2, 3, 70)
    sheet.write_string(0, 0, f"Workbook of the team {stamp.team}, {organisation}", big)
    for line, text in enumerate(lines, start=1):
        sheet.write_string(line, 0, text)
    line = len(lines) + 2
    for page in pages:
        line = _guide_to(sheet, page, line, formats)


def _guide_to(sheet: Any, page: _Page, line: int, formats: Mapping[str, Any]) -> int:
    """What the columns of one sheet mean, from this line on; the line after it."""
    sheet.write_string(line, 0, f"{page.name}: {TOLD[page.table.name]}")
    for place, title in enumerate(("Sheet", "Column", "What it means", "What may stand in a cell")):
        sheet.write_string(line + 1, place, title, formats["header"])
    line += 2
    for name in page.columns:
        column = page.table.columns[name]
        wanted = f"{column.wanted}, or {DOES_NOT_APPLY}" if name in FACTORS else column.wanted
        for place, text in enumerate((page.name, name, column.meaning, wanted)):
            sheet.write_string(line, place, text, formats["must" if name in FORMATS[page.table.name].needs else "cell"])
        line += 1
    return line + 1


def _remember(book: Any, stamp: Stamp, pages: Sequence[_Page]) -> None:
    """The sheet no program shows: the stamp, and every row as it went out."""
    sheet = book.add_worksheet(MEMORY)
    sheet.very_hidden()
    lines = [(BOOK, stamp.model_dump_json(), "")]
    for page in pages:
        for rows, was in ((page.rows, HELD), (page.offered, OFFERED)):
            known = [{name: cell for name, cell in row.items() if name not in page.explains} for row in rows]
            lines += [(page.table.name, json.dumps(row), was) for row in known]
    for line, texts in enumerate([MEMORY_HEADER, *lines]):
        for place, text in enumerate(texts):
            sheet.write_string(line, place, text)
