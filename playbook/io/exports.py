"""Workbooks and sheets out: rows to correct, empty sheets to fill in, and any table as CSV that no formula hides in.

Every file is written aside and then renamed, so that a full disk or a stop in between leaves no half of one.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
import re
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from playbook.errors import ParameterError, RunError
from playbook.io import content
from playbook.io.intake import FORMATS, load_rules
from playbook.io.intake._how import How
from playbook.io.intake._rules import ORIGIN, READ_WITH, REASON, REMEMBERED, plain
from playbook.io.intake._settle import plain_value
from playbook.io.intake._source import FORMULA_STARTS
from playbook.io.pseudonyms import UNSAID
from playbook.tables import FACTORS, Column

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from os import PathLike

    from playbook.io.intake import Format
    from playbook.io.workspace import Workspace

ROWS_TO_FILL = 1_000
SHEET_NAME = 31
INPUT_MESSAGE = 255
DANGEROUS = re.compile(f"'*[{FORMULA_STARTS}]")
NUMBERS = (int, float)
FIRST_DAY = dt.date(1900, 1, 1)  # spreadsheets know no day before it
BY_HAND = [name for name, kind in FORMATS.items() if kind.by_hand]


class Factor(Protocol):
    """What a sheet tells of a factor: its name, its title and meaning, and what each point stands for."""

    @property
    def name(self) -> str:
        """The factor's column."""
        ...

    @property
    def title(self) -> str:
        """The factor in plain words."""
        ...

    @property
    def meaning(self) -> str:
        """What is rated, in a sentence."""
        ...

    @property
    def anchors(self) -> Mapping[int, str]:
        """What each point from 1 to 5 looks like."""
        ...


class FactorModel(Protocol):
    """Anything that lists the factors of the Collaboration Spectrum, such as `playbook.load("spectrum")`."""

    @property
    def factors(self) -> Sequence[Factor]:
        """The factors in the order they are asked."""
        ...


def rejects_workbook(workspace: Workspace, path: str | PathLike[str], team: str | None = None) -> Path:
    """Write every row still refused, of one team or of all, as a workbook to correct and import again.

    One sheet a team, format and way its file was read, with the columns the importer reads, the bad cells marked, and
    columns that are the kit's own: why the row was refused, how its file was read where its cells do not say, and which
    row of which import it was. By the last the importer knows each row's team, format and reading, so the workbook
    comes back as a whole. A row that comes back is no longer listed here. Without any refused row the workbook says so.
    Returns the path. Raises RunError when it cannot be written, ParameterError when the file is there already, as it
    may hold corrections.
    """
    if Path(path).exists():
        raise ParameterError(f"{path} is there already and may hold corrections; name another file, or import it first")
    rejects = workspace.read("rejects", team=team)
    imports = workspace.read("imports", team=team).set_index("import_id")
    forms, hows = (rejects["import_id"].map(imports[name].fillna("")) for name in ("format", "how"))
    kinds = [forms.rename("format"), rejects["team"], hows.rename("how")]
    with workbook(path) as book:
        page = None
        for (name, group, how), rows in rejects.groupby(kinds, sort=True):
            page = _refused_sheet(book, f"{name} {group}", FORMATS.get(str(name)), How.from_text(str(how)), rows)
        if page is None:
            page = book.add_worksheet("Nothing to correct")
            page.write_string(0, 0, "No row is refused: there is nothing to correct.")
    return Path(path)


def task_sheet(path: str | PathLike[str], model: FactorModel | None = None) -> Path:
    """Write an empty task sheet: a column a question, checked while it is filled, and the factors' anchors beside it.

    `model` brings the factors; without it the kit's own spectrum is read. Returns the path. Raises RunError when the
    file cannot be written, ContentError when the spectrum does not fit its model.
    """
    factors: Sequence[Factor] = (model or content.load("spectrum")).factors
    with workbook(path) as book:
        _empty_sheet(book, "tasks", {factor.name: factor for factor in factors})
        _instructions(book, "tasks")
        anchors_sheet(book, factors)
    return Path(path)


def blank_sheet(path: str | PathLike[str], format_name: str) -> Path:
    """Write an empty sheet of any format people fill in by hand. Raises ParameterError for any other."""
    if format_name not in FORMATS:
        raise ParameterError(f"{format_name!r} is not a format; there are " + ", ".join(BY_HAND))
    if format_name not in BY_HAND:
        raise ParameterError(
            f"a {FORMATS[format_name].title} is written by the tool itself, so there is no empty sheet of it; "
            f"export it there and import the file. Sheets to fill in: {', '.join(BY_HAND)}"
        )
    with workbook(path) as book:
        _empty_sheet(book, format_name, {})
        _instructions(book, format_name)
    return Path(path)


def table_csv(frame: pd.DataFrame, path: str | PathLike[str]) -> Path:
    """Write a table as CSV in UTF-8 with its mark, so that spreadsheet programs read it as it is.

    Text that a spreadsheet would run as a formula gets an apostrophe in front, which the importer takes off again.
    Returns the path. Raises RunError when the file cannot be written.
    """
    with _aside(path) as aside, aside.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([guarded(str(name)) for name in frame.columns])
        for record in frame.astype(object).itertuples(index=False, name=None):
            writer.writerow([guarded(plain_value(cell)) for cell in record])
    return Path(path)


def guarded(cell: Any) -> Any:
    """The cell as a CSV may hold it: text that begins like a formula with an apostrophe before it."""
    return f"'{cell}" if isinstance(cell, str) and DANGEROUS.match(cell) else cell


def guide(format_name: str) -> str:
    """What the columns of a sheet mean, as Markdown: generated from the data dictionary, never written by hand."""
    kind, rules = FORMATS[format_name], load_rules()
    doubt = f"(add `--as {format_name}` when the header leaves a doubt)"
    lines = [
        f"# {kind.title[0].upper()}{kind.title[1:]}",
        "",
        f"{kind.table.meaning} Import it with `playbook import FILE --team NAME` {doubt}.",
        "",
        "The first row names the columns; their order, case, spaces, hyphens and underscores do not matter.",
        "",
        "| column | needed | what it means | what may stand in a cell | also read as |",
        "|---|---|---|---|---|",
    ]
    for name in kind.wants():
        column = kind.table.columns[name]
        others = ", ".join(rules.names_of(kind.table.name, name)[1:])
        wanted = column.wanted if name in kind.needs or not column.required else f"{column.wanted}, or nothing"
        told = (f"`{name}`", "yes" if name in kind.needs else "no", column.meaning, wanted, others)
        lines.append("| " + " | ".join(text.replace("|", "\\|") for text in told).strip() + " |")
    return "\n".join(lines) + "\n"


@contextmanager
def _aside(path: str | PathLike[str]) -> Iterator[Path]:
    """A file to write in the target's folder, renamed to the target only when everything went well."""
    target = Path(path)
    aside: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.stem}-", suffix=target.suffix, dir=target.parent)
        os.close(handle)
        aside = Path(name)
        yield aside
        aside.chmod(0o644)
        aside.replace(target)
    except OSError as error:
        raise RunError(
            f"{target} could not be written ({error.strerror or error}); nothing was left half-written. "
            "Free some space or choose another folder, and try again"
        ) from error
    finally:
        if aside is not None:
            aside.unlink(missing_ok=True)


@contextmanager
def workbook(path: str | PathLike[str]) -> Iterator[Any]:
    """An XlsxWriter workbook that takes text as text: no cell of it becomes a formula, a link or a number."""
    import xlsxwriter  # noqa: PLC0415 - only paid for when a workbook is written
    from xlsxwriter.exceptions import XlsxWriterException  # noqa: PLC0415

    literal = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with _aside(path) as aside:
        book = xlsxwriter.Workbook(str(aside), {**literal, "in_memory": True})
        yield book
        try:
            book.close()
        except XlsxWriterException as error:
            raise OSError(str(error)) from error


def write(page: Any, place: tuple[int, int], cell: Any, style: Any = None) -> None:
    """Write one cell by its kind; a text stays a text whatever it begins with."""
    value = plain_value(cell)
    if value is None:
        page.write_blank(*place, None, style)
    elif isinstance(value, bool):
        page.write_boolean(*place, value, style)
    elif isinstance(value, int | float):
        page.write_number(*place, value, style)
    else:
        page.write_string(*place, value, style)


def _header(book: Any, page: Any, names: Sequence[str], needed: Sequence[str] = ()) -> None:
    bold = {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}
    plain, must = book.add_format(bold), book.add_format({**bold, "bg_color": "#FFF2CC"})
    for place, name in enumerate(names):
        page.write_string(0, place, name, must if name in needed else plain)
        page.set_column(place, place, max(12, min(40, len(name) + 2)))
    page.freeze_panes(1, 0)


def _refused_sheet(book: Any, title: str, kind: Format | None, how: How, rejects: pd.DataFrame) -> Any:
    """One line a refused row: its cells, the bad ones marked, the reasons, how its file was read, where it came from."""
    known = [] if kind is None else [name for name in kind.wants() if name not in how.lacks]
    read_with = how.words()
    titles = {plain(name): name for name in known}
    records = {origin: _under(titles, json.loads(rows["record"].iloc[0])) for origin, rows in _by_row(rejects)}
    extra = [
        name for name in dict.fromkeys(name for record in records.values() for name in record) if name not in known
    ]
    names = [*known, *extra, *([READ_WITH] if read_with else []), REASON, ORIGIN]
    page, bad = book.add_worksheet(_sheet_name(book, title)), book.add_format({"bg_color": "#F8CBAD"})
    _header(book, page, names)
    page.set_column(len(names) - 2, len(names) - 2, 80)
    for line, (origin, rows) in enumerate(_by_row(rejects), start=1):
        wrong = {titles.get(plain(part), part) for name in rows["column_name"] for part in name.split(" + ")}
        reasons = [f"{row.column_name}: {row.found}; wanted {row.wanted}" for row in rows.itertuples()]
        reasons += _left_out(kind, records[origin], wrong)
        cells = {**records[origin], READ_WITH: read_with, REASON: ". ".join(reasons)[:32_000], ORIGIN: origin}
        for place, name in enumerate(names):
            write(page, (line, place), cells.get(name), bad if name in wrong else None)
    return page


def _under(titles: Mapping[str, str], record: Mapping[str, Any]) -> dict[str, Any]:
    """A record's cells under the headers the importer reads; another column of the same name is told apart."""
    cells: dict[str, Any] = {}
    for name, cell in record.items():
        known = titles.get(plain(name), name)
        taken = known in cells or (known != name and known in record)
        cells |= {} if name in REMEMBERED else {f"{name} (2)" if taken else known: cell}
    return cells


def _left_out(kind: Format | None, record: Mapping[str, Any], wrong: AbstractSet[str]) -> list[str]:
    """What of the row has to be written again, beside its bad cells, as it was not kept."""
    if not record:
        return [
            "None of its cells was kept, as they may have moved to other columns: write the row here, or correct its file"
        ]
    unsaid = [
        name
        for name, cell in record.items()
        if isinstance(cell, str)
        and UNSAID in cell
        and name not in wrong
        and kind is not None
        and not kind.is_text(name)
    ]
    if not unsaid:
        return []
    return [
        f"The words of {', '.join(unsaid)} were not kept, as no name may stand there: write them again in place of {UNSAID}"
    ]


def _by_row(rejects: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for (import_id, row), rows in rejects.groupby(["import_id", "row"], sort=False):
        yield f"{import_id}:{row}", rows


def _sheet_name(book: Any, title: str) -> str:
    taken = {page.get_name().casefold() for page in book.worksheets()}
    short = re.sub(r"[\[\]:*?/\\']", " ", title)[:SHEET_NAME]
    numbered = (f"{short[: SHEET_NAME - 4]} {number}" for number in range(2, 1000))
    return next(name for name in (short, *numbered) if name.casefold() not in taken)


def _empty_sheet(book: Any, format_name: str, factors: Mapping[str, Factor]) -> None:
    kind = FORMATS[format_name]
    page = book.add_worksheet(kind.title[:SHEET_NAME].capitalize())
    names = list(kind.wants())
    _header(book, page, names, kind.needs)
    for place, name in enumerate(names):
        rule = validation(kind.table.columns[name], place, factors.get(name), is_factor=name in FACTORS)
        page.data_validation(1, place, ROWS_TO_FILL, place, rule)


def validation(column: Column, place: int, factor: Factor | None, *, is_factor: bool) -> dict[str, Any]:
    """The rule a spreadsheet checks while a cell is typed, and the hint it shows."""
    from xlsxwriter.utility import xl_col_to_name  # noqa: PLC0415 - loaded with the workbook above

    hint = factor.meaning if factor else column.meaning
    ends = f"1: {factor.anchors.get(1, '')} 5: {factor.anchors.get(5, '')}" if factor else f"Wanted: {column.wanted}."
    shown = {
        "input_title": column.name[:32],
        "input_message": f"{hint} {ends}"[:INPUT_MESSAGE],
        "error_title": column.name[:32],
        "error_message": f"Wanted: {column.wanted}."[:INPUT_MESSAGE],
    }
    checked = _checked(column, f"{xl_col_to_name(place)}2", is_factor=is_factor)
    if checked is None:
        return {"validate": "any", **{name: text for name, text in shown.items() if name.startswith("input")}}
    return {**checked, **shown}


def _checked(column: Column, cell: str, *, is_factor: bool) -> dict[str, Any] | None:
    """What a spreadsheet lets into a cell of the column (the first is `cell`); None where it can check nothing."""
    rule: dict[str, Any] | None = None
    if is_factor:
        either = f'=OR(AND(ISNUMBER({cell}),{cell}>=1,{cell}<=5),LOWER({cell})="n/a")'
        rule = {"validate": "custom", "value": either}
    elif column.choices or column.kind is bool:
        choices = column.choices or ("TRUE", "FALSE")
        rule = {"validate": "list", "source": [str(choice) for choice in choices]}
    elif column.kind in NUMBERS and column.low is not None and column.high is not None:
        sort = "integer" if column.kind is int else "decimal"
        rule = {"validate": sort, "criteria": "between", "minimum": column.low, "maximum": column.high}
    elif column.kind is dt.date:
        rule = {"validate": "date", "criteria": ">=", "value": FIRST_DAY}
    elif column.kind is str and column.max_length:
        rule = {"validate": "length", "criteria": "<=", "value": column.max_length}
    return rule


def _instructions(book: Any, format_name: str) -> None:
    kind = FORMATS[format_name]
    page, wrap = book.add_worksheet("How to fill it in"), book.add_format({"text_wrap": True, "valign": "top"})
    says = [
        f"{kind.table.meaning} One row each. Yellow headers must be filled, all others may stay empty.",
        "Write roles, never names of people: the work is described here, not who does it.",
        "Leave the header as it is. Formulas, merged cells and words in number columns are refused with the reason.",
        "Save the file and import it: playbook import FILE --team NAME",
    ]
    if format_name == "tasks":
        says.insert(1, "A rating goes from 1 to 5 and may lie between; write n/a where a factor does not apply.")
    page.set_column(0, 0, 24)
    page.set_column(1, 2, 60)
    for line, text in enumerate(says):
        page.write_string(line, 0, text)
    start = len(says) + 1
    for place, title in enumerate(("Question", "What it means", "What may stand in a cell")):
        page.write_string(start, place, title, book.add_format({"bold": True, "bottom": 1}))
    for line, name in enumerate(kind.wants(), start=start + 1):
        column = kind.table.columns[name]
        for place, text in enumerate((name, column.meaning, column.wanted)):
            page.write_string(line, place, text, wrap)


def anchors_sheet(book: Any, factors: Sequence[Factor]) -> None:
    """Add the sheet that says what each point of each rating looks like."""
    page, wrap = book.add_worksheet("What the ratings mean"), book.add_format({"text_wrap": True, "valign": "top"})
    points = sorted({point for factor in factors for point in factor.anchors})
    _header(book, page, ["Rating of", "In words", "What is rated", *(f"{point} means" for point in points)])
    page.set_column(1, 2 + len(points), 34)
    for line, factor in enumerate(factors, start=1):
        said = [factor.name, factor.title, factor.meaning, *(factor.anchors.get(point, "") for point in points)]
        for place, text in enumerate(said):
            page.write_string(line, place, text, wrap)
