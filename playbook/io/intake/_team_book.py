"""Brings a team's workbook back in: sheet by sheet, what was changed in it since its export and nothing else."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from playbook.errors import Fault, IntakeError, ParameterError
from playbook.io.intake._exported import BOOK, MEMORY, Exported, SheetStamp, key_of, mark_of
from playbook.io.intake._format import Claim, Options, Reading
from playbook.io.intake._how import How
from playbook.io.intake._merge import Before, Merge, Merged
from playbook.io.intake._registry import FORMATS
from playbook.io.intake._rules import plain
from playbook.io.intake._settle import plain_value
from playbook.io.intake._storing import clear_corrected, store
from playbook.io.intake._summary import Summary, reconcile, summary_of
from playbook.tables import FACTORS, STORED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playbook.io.intake._sheet import Sheet
    from playbook.io.intake._source import Source
    from playbook.io.workspace import Change, Workspace


@dataclass(frozen=True)
class Book:
    """A team's workbook to be brought in: the file, what it remembers, and how the import was asked for."""

    source: Source
    exported: Exported
    options: Options
    file: str
    update: bool
    by: str


def bring_book(workspace: Workspace, book: Book) -> Summary:
    """Store what was changed in the workbook since its export, show what was changed on both sides; one transaction.

    Raises IntakeError for a workbook of another workspace or team, one that lost a column, or one without rows.
    """
    _refuse_strangers(workspace, book)
    claims = _claims(book)
    whole = hashlib.blake2b(json.dumps([book.source.digest, book.options.team, BOOK]).encode(), digest_size=16)
    ids = {name: f"{whole.hexdigest()}-{name}" for name in claims}
    imports = workspace.read("imports", book.options.team)
    earlier = imports[imports["import_id"].isin([_import_id(book, same) for same in ids.values()])]
    if len(earlier):
        rows = int(earlier["rows_read"].sum())
        at = earlier["at"].iloc[0].to_pydatetime()
        return Summary(whole.hexdigest(), book.file, book.options.team, BOOK, rows, 0, 0, rows, already=at)

    readings = {name: _read(claim, book, _import_id(book, ids[name])) for name, claim in claims.items()}
    # all names of the workbook are met now
    book = replace(book, file=book.options.pseudonyms.scrub(book.file))
    with workspace.change(by=book.by, note=f"import of {book.file}") as change:
        # inside the change nobody else writes, so what is compared here is what is stored below
        parts = [_stored(change, book, claims[name], reading, ids[name]) for name, reading in readings.items()]
    return _whole(book, whole.hexdigest(), parts, _unread(book, claims))


def _import_id(book: Book, same_bytes: str) -> str:
    return f"{same_bytes}-update" if book.update else same_bytes


def _refuse_strangers(workspace: Workspace, book: Book) -> None:
    stamp, path = book.exported.stamp, book.source.path
    if stamp.workspace != mark_of(workspace):
        raise IntakeError(
            f"{path} was exported from another workspace, so nothing of it was read; import it there, or export a "
            "workbook here and copy into it what was filled in"
        )
    if stamp.team != book.options.team:
        raise IntakeError(
            f"{path} is the workbook of team {stamp.team}, not of {book.options.team}; import it with --team {stamp.team}"
        )


def _claims(book: Book) -> dict[str, Claim]:
    """The sheets of the workbook by table; one that was deleted or emptied has nothing to read."""
    sheets = {sheet.name: sheet for sheet in book.source.sheets}
    found = {}
    for name, said in book.exported.stamp.sheets.items():
        if name not in FORMATS or FORMATS[name].table is not STORED.get(name):
            raise ParameterError(f"{book.source.path}: this version of the kit has no table {name}; export it anew")
        sheet = sheets.get(said.name)
        if sheet is None or not any(True for _ in sheet.rows()):
            continue
        _refuse_missing(book, sheet, said)
        shown = _without(sheet, said.explains)
        found[name] = FORMATS[name].match(shown, book.options.rules, {})
    if not found:
        raise IntakeError(f"{book.source.path}: no sheet of this workbook holds a row; fill one and import it again")
    return found


def _refuse_missing(book: Book, sheet: Sheet, said: SheetStamp) -> None:
    there = {plain(header) for header in sheet.header}
    lost = [name for name in said.columns if plain(name) not in there]
    if lost:
        raise IntakeError(
            f"{book.source.path}: the sheet {sheet.name} has lost its column {', '.join(lost)}, so it cannot be told what "
            "was changed there; put the header back, with the cells as they were"
        )


def _without(sheet: Sheet, headers: Sequence[str]) -> Sheet:
    """The sheet without the columns that only explain."""
    aside = {plain(header) for header in headers}
    keep = [place for place, header in enumerate(sheet.header) if plain(header) not in aside]
    if len(keep) == len(sheet.header):
        return sheet

    def cells() -> Iterator[tuple[int, list[Any]]]:
        for number, row in sheet.cells():
            yield number, [*(row[place] for place in keep), *row[len(sheet.header) :]]

    return replace(sheet, header=tuple(sheet.header[place] for place in keep), cells=cells)


def _read(claim: Claim, book: Book, import_id: str) -> Reading:
    return claim.format.read(claim, book.source, replace(book.options, import_id=import_id))


def _stored(change: Change, book: Book, claim: Claim, reading: Reading, same_bytes: str) -> Summary:
    """Compare one sheet with its export and the workspace, and store what it changed."""
    team, import_id = book.options.team, _import_id(book, same_bytes)
    merged = _merged(change, book, claim, reading)
    summary = summary_of(claim, reading, merged.settled, (import_id, book.file, team))
    summary = replace(summary, conflicts=merged.conflicts, notes=(*summary.notes, *merged.notes))
    reconcile(summary)
    how = reading.how or How.of(book.options.clock)
    store(change, claim.format, summary, merged.settled, records=merged.settled.records, how=how)
    clear_corrected(change, team, import_id, same_bytes)
    return summary


def _merged(change: Change, book: Book, claim: Claim, reading: Reading) -> Merged:
    table, exported = claim.format.table, book.exported
    said = exported.stamp.sheets[table.name]
    columns = [name for name in said.columns if name in table.columns]
    if set(FACTORS) <= set(columns):
        columns.append("not_applicable")  # what the factors' own cells say
    now = change.read(table.name, book.options.team).to_dict(orient="records")
    stored = {key_of(table, {name: plain_value(row[name]) for name in table.key}): row for row in now}
    before = Before(
        exported.rows.get(table.name, {}),
        frozenset(key for name, key in exported.offered if name == table.name),
        stored,
    )
    merge = Merge(table, said.name, columns, before, book.options.pseudonyms, update=book.update)
    return merge.run(reading)


def _unread(book: Book, claims: dict[str, Claim]) -> Iterator[str]:
    """What of the workbook was not read: its own sheets that are gone or empty now, and sheets that are not its own."""
    sheets = book.exported.stamp.sheets
    for name, said in sheets.items():
        held = [key for key in book.exported.rows.get(name, {}) if (name, key) not in book.exported.offered]
        if name not in claims and held:
            rows = "row stays" if len(held) == 1 else "rows stay"
            yield f"the sheet {said.name} is gone or empty; its {len(held)} exported {rows} in the workspace"
    known = {said.name for said in sheets.values()} | {MEMORY, *book.exported.stamp.reading_only}
    others = [sheet.name for sheet in book.source.sheets if sheet.name not in known]
    if others:
        yield f"sheets that are not the workbook's own were not read: {', '.join(others)}"


def _whole(book: Book, import_id: str, parts: Sequence[Summary], notes: Iterator[str]) -> Summary:
    """The workbook's summary: what its sheets add up to, each fault with its sheet."""
    sheets = book.exported.stamp.sheets
    faults = [
        Fault(f"{fault.row} of {sheets[part.format].name}", fault.column, fault.found, fault.wanted)
        for part in parts
        for fault in part.faults
    ]
    return Summary(
        import_id,
        book.file,
        book.options.team,
        BOOK,
        rows_read=sum(part.rows_read for part in parts),
        stored=sum(part.stored for part in parts),
        rejected=sum(part.rejected for part in parts),
        duplicates=sum(part.duplicates for part in parts),
        updated=sum(part.updated for part in parts),
        faults=tuple(faults),
        notes=(*(note for part in parts for note in part.notes), *notes),
        conflicts=tuple(conflict for part in parts for conflict in part.conflicts),
        parts=tuple(parts),
    )
