"""Brings refused rows back in: each to its own team and format, read as the file it was refused from.

A sheet of refused rows says in one column which row of which import each of its rows was. The workspace knows of that
import whose it was, as what it was read and how, so nothing of it has to be recognised or said again.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.errors import Fault, IntakeError, ParameterError
from playbook.io.intake._format import Claim, Format, Options
from playbook.io.intake._how import How
from playbook.io.intake._measured import measure_tasks
from playbook.io.intake._registry import FORMATS
from playbook.io.intake._rules import ORIGIN, SET_ASIDE, Rules, plain
from playbook.io.intake._sheet import Sheet, is_blank
from playbook.io.intake._source import Source
from playbook.io.intake._storing import Arrival, Origin, import_ids, settle_and_store
from playbook.io.intake._summary import REFUSED, Summary
from playbook.tables import EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from playbook.io.intake._cells import Clock
    from playbook.io.intake._format import Reading
    from playbook.io.pseudonyms import Pseudonyms
    from playbook.io.workspace import Change, Workspace

PLACE = re.compile(r"([0-9a-f]{32}[\w-]*):(\d{1,12})")


@dataclass(frozen=True)
class Corrected:
    """A file of corrected rows: its sheets of them, and how the import was asked for.

    `team` and `as_format` choose among the rows, None takes all; `clock` holds what was said of times and days now.
    """

    source: Source
    sheets: tuple[Sheet, ...]
    file: str
    team: str | None
    as_format: str | None
    clock: Clock
    rules: Rules
    pseudonyms: Pseudonyms
    update: bool
    by: str


@dataclass(frozen=True)
class _Kind:
    """What the import that refused a row was: whose, of which format, and how its file was read."""

    team: str
    format: str
    how: str

    @property
    def words(self) -> str:
        return f"{self.format} of team {self.team}"


@dataclass(frozen=True)
class _Part:
    """The rows of one sheet that belong to one team and format and were read alike, and where each was refused."""

    sheet: Sheet
    kind: _Kind
    returned: Mapping[int, Origin]


@dataclass(frozen=True)
class _Waiting:
    """A part that was read and waits to be stored, with what is to be told of how it was read."""

    sheet: str
    arrival: Arrival
    reading: Reading
    told: tuple[str, ...]


@dataclass
class _Sorted:
    """The rows of one sheet by what they are; `added` have no place they were refused at, `bare` hold nothing else."""

    by_kind: dict[_Kind, dict[int, Origin]] = field(default_factory=dict)
    added: list[int] = field(default_factory=list)
    bare: int = 0


@dataclass(frozen=True)
class _OneSheet(Source):
    """The file as if it held nothing but one sheet."""

    only: tuple[Sheet, ...] = ()

    @property
    def sheets(self) -> tuple[Sheet, ...]:
        """That sheet."""
        return self.only

    def split_otherwise(self) -> tuple[Sheet, ...]:
        """A sheet the kit wrote is split as it is."""
        return ()


def corrected_in(source: Source) -> tuple[Sheet, ...]:
    """The sheets of the file in which a row says where it was refused; none for any other file."""
    found = [below for sheet in source.sheets if (below := sheet.headed((ORIGIN,))) is not None]
    return tuple(sheet for sheet in found if any(PLACE.fullmatch(place) for _, place, _ in _rows(sheet)))


def bring_corrected(workspace: Workspace, book: Corrected) -> Summary:
    """Store the corrected rows of every sheet, in one transaction, and say what became of each sheet and of all.

    Raises IntakeError for a row that was refused in another workspace, for an added row that could be several things,
    and when nothing of the file is filled in; ParameterError when none of its rows is of the team or format chosen.
    """
    parts, notes = _parts(workspace, book)
    imports = workspace.read("imports").set_index("import_id")
    waiting = [_read(book, part, imports) for part in parts]
    if all(isinstance(one, Summary) for one in waiting):
        return _whole(book, [one for one in waiting if isinstance(one, Summary)], notes)
    # all names of the file are met now
    book = replace(book, file=book.pseudonyms.scrub(book.file))
    with workspace.change(by=book.by, note=f"import of {book.file}") as change:
        # inside the change nobody else writes, so what is compared here is what is stored below
        found = [one if isinstance(one, Summary) else _stored(change, one) for one in waiting]
        notes += _measured(change, found, workspace)
    return _whole(book, found, notes)


def _rows(sheet: Sheet) -> Iterator[tuple[int, str, bool]]:
    """Each row's number, the place it says it was refused at, and whether it holds anything else than the kit's own words."""
    headers = [plain(header) for header in sheet.header]
    place = headers.index(ORIGIN)
    others = [at for at, header in enumerate(headers) if header not in SET_ASIDE]
    for number, cells in sheet.rows():
        said = str(cells[place]).strip() if place < len(cells) and not is_blank(cells[place]) else ""
        yield number, said, any(at < len(cells) and not is_blank(cells[at]) for at in others)


def _parts(workspace: Workspace, book: Corrected) -> tuple[list[_Part], list[str]]:
    """What is to be read of each sheet, and in words what is not."""
    imports = workspace.read("imports")
    columns = (imports[name].tolist() for name in ("team", "format"))
    asked = zip(*columns, imports["how"].fillna("").tolist(), strict=True)
    kinds = dict(zip(imports["import_id"], (_Kind(*said) for said in asked), strict=True))
    found, left, notes = list[_Part](), Counter[str](), list[str]()
    for sheet in book.sheets:
        rows = _sorted(book, sheet, kinds)
        if rows.bare:
            kept = "row without a filled cell stays" if rows.bare == 1 else "rows without a filled cell stay"
            notes.append(f"{_in_sheet(sheet)}{rows.bare} {kept} refused")
        for kind, returned in rows.by_kind.items():
            if book.team in (None, kind.team) and book.as_format in (None, kind.format):
                numbers = {*returned, *rows.added}
                found.append(_Part(_only(sheet, numbers), kind, returned))
            else:
                left[kind.words] += len(returned)
    notes += [f"not read, as not chosen: {count} of {words}" for words, count in left.items()]
    others = [sheet.name for sheet in book.source.sheets if sheet.name not in {one.name for one in book.sheets}]
    notes += [f"sheets that hold no refused row were not read: {', '.join(others)}"] if others else []
    if not found and left:
        raise ParameterError(
            f"{book.source.path} holds refused rows of {' and of '.join(left)}, and none of what was chosen; leave --team "
            "and --as out to bring all of them in"
        )
    if not found:
        raise IntakeError(f"{book.source.path}: no refused row is filled in; correct one and import it again")
    return found, notes


def _sorted(book: Corrected, sheet: Sheet, kinds: Mapping[str, _Kind]) -> _Sorted:
    rows = _Sorted()
    for number, said, is_filled in _rows(sheet):
        place = PLACE.fullmatch(said)
        if not is_filled:
            rows.bare += 1
        elif not said:
            rows.added.append(number)
        elif place is None or place[1] not in kinds or kinds[place[1]].format not in FORMATS:
            raise IntakeError(
                f"{book.source.path}: {_in_sheet(sheet)}row {number} was refused from no import this workspace knows; import "
                f"the sheet into the workspace that wrote it, or empty the cell {ORIGIN!r} of a row you added"
            )
        else:
            rows.by_kind.setdefault(kinds[place[1]], {})[number] = (place[1], int(place[2]))
    if rows.added and len(rows.by_kind) != 1:
        several = " or ".join(kind.words for kind in rows.by_kind) or "anything"
        raise IntakeError(
            f"{book.source.path}: {_in_sheet(sheet)}row {rows.added[0]} does not say what it was refused from and could be "
            f"{several}; import rows you added from a file of their own"
        )
    return rows


def _read(book: Corrected, part: _Part, imports: pd.DataFrame) -> _Waiting | Summary:
    """The part read as its file was; where the very same was brought in before, what became of it."""
    kind, name = part.kind, part.sheet.name
    said = {"timezone": book.clock.timezone, "dayfirst": book.clock.dayfirst, "update": book.update or None}
    same_bytes, import_id = import_ids([book.source.digest, kind.team, kind.format, name, kind.how], said)
    if import_id in imports.index:
        rows, at = int(imports["rows_read"][import_id]), imports["at"][import_id].to_pydatetime()
        return Summary(import_id, book.file, kind.team, kind.format, rows, 0, 0, rows, already=at, sheet=name)
    how, told = How.from_text(kind.how).said(book.clock)
    words = how.words()
    told = (*told, f"read as the file they come from: {words}") if words else told
    options = Options(kind.team, import_id, book.rules, book.pseudonyms, {}, how.clock, how)
    source = _OneSheet(book.source.path, book.source.data, book.source.encoding, (part.sheet,))
    claim = _claim(FORMATS[kind.format], source, book.rules)
    arrival = Arrival(claim, options, same_bytes, book.file, book.update, part.returned)
    return _Waiting(name, arrival, claim.format.read(claim, source, options), told)


def _stored(change: Change, waiting: _Waiting) -> Summary:
    summary = settle_and_store(change, waiting.arrival, waiting.reading)
    return replace(summary, sheet=waiting.sheet, notes=(*waiting.told, *summary.notes))


def _claim(kind: Format, source: _OneSheet, rules: Rules) -> Claim:
    """The sheet as its format reads it. Raises IntakeError when it has lost a column the format needs."""
    claims = kind.claims(source, rules, {})
    if claims:
        return claims[0]
    sheet = source.only[0]
    there = {plain(header) for header in sheet.header}
    lost = [name for name in kind.needs if plain(name) not in there]
    raise IntakeError(
        f"{source.path}: {_in_sheet(sheet)}a {kind.title} needs its columns {', '.join(lost or kind.needs)}; put the "
        "header back, with the cells as they were"
    )


def _only(sheet: Sheet, numbers: set[int]) -> Sheet:
    def cells() -> Iterator[tuple[int, list[Any]]]:
        return ((number, row) for number, row in sheet.cells() if number in numbers)

    return replace(sheet, cells=cells)


def _measured(change: Change, parts: Sequence[Summary], workspace: Workspace) -> list[str]:
    """The tasks of each team whose events have grown, measured once."""
    grown = {part.team: None for part in parts if part.stored and FORMATS[part.format].table is EVENTS}
    several = len({part.team for part in parts}) > 1
    return [(f"team {team}: " if several else "") + measure_tasks(change, team, workspace.folder) for team in grown]


def _whole(book: Corrected, parts: Sequence[Summary], notes: Sequence[str]) -> Summary:
    """One sheet's own summary; of several what they add up to, each fault and note with its sheet."""
    if len(parts) == 1:
        return replace(parts[0], sheet="", notes=(*parts[0].notes, *notes))
    faults = [
        Fault(f"{fault.row} of {part.sheet}", fault.column, fault.found, fault.wanted)
        for part in parts
        for fault in part.faults
    ]
    already = [part.already for part in parts if part.already is not None]
    return Summary(
        import_ids([book.source.digest], {})[0],
        book.file,
        ", ".join(dict.fromkeys(part.team for part in parts)),
        REFUSED,
        rows_read=sum(part.rows_read for part in parts),
        stored=sum(part.stored for part in parts),
        rejected=sum(part.rejected for part in parts),
        duplicates=sum(part.duplicates for part in parts),
        updated=sum(part.updated for part in parts),
        already=min(already) if len(already) == len(parts) else None,
        faults=tuple(faults),
        notes=tuple(notes),
        parts=tuple(parts),
    )


def _in_sheet(sheet: Sheet) -> str:
    return f"in the sheet {sheet.name}, " if sheet.name else ""
