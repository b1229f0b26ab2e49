"""The one way in: a file is recognised, read, compared with the workspace and stored in one transaction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.errors import IntakeError, ParameterError
from playbook.io import content
from playbook.io.intake._cells import Clock
from playbook.io.intake._exported import BOOK, memory_in
from playbook.io.intake._format import Claim, Format, Options, Reading
from playbook.io.intake._mappings import FILE as MAPPINGS
from playbook.io.intake._mappings import keep_mapping, kept_mapping, unseen
from playbook.io.intake._measured import measure_tasks
from playbook.io.intake._refused import Corrected, bring_corrected, corrected_in
from playbook.io.intake._registry import FORMATS
from playbook.io.intake._rules import Rules, load_rules
from playbook.io.intake._settle import read_again
from playbook.io.intake._sheet import refuse_larger
from playbook.io.intake._source import Source, open_source
from playbook.io.intake._storing import Arrival, import_ids, settle_and_store
from playbook.io.intake._summary import Summary
from playbook.io.intake._team_book import Book, bring_book
from playbook.io.pseudonyms import Pseudonyms
from playbook.tables import EVENTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from playbook.io.workspace import Change, Workspace


def bring_in(  # noqa: PLR0913 - what a person may have to say about a file, each by name
    workspace: Workspace,
    path: str | PathLike[str],
    *,
    team: str | None = None,
    as_format: str | None = None,
    by: str = "facilitator",
    mapping: Mapping[str, str] | None = None,
    timezone: str | None = None,
    dayfirst: bool | None = None,
    encoding: str | None = None,
    update: bool = False,
) -> Summary:
    """Import one file into the workspace for one team and say where each of its rows went.

    The format is recognised from the header unless `as_format` names it (one of `FORMATS`). `mapping` gives for a
    header of the file the column it means; said once, it is kept in the engagement folder for files of that header.
    `timezone` is for timestamps without one (else UTC), `dayfirst` for dates like 3/4/2024, `encoding` for text that
    is not Unicode, `update` lets rows replace stored ones of the same key, and events those that the same bytes gave when
    they were read another way. Rows that were refused before and come back corrected know their team, their format and
    how their file was read: of them `team` and `as_format` only choose, and what else is said wins with a note.

    Good rows, refused rows with their reasons and the import itself are stored in one transaction, for an event log
    also a task for each of its activities. Of a team's workbook (`io.workbook`) only what was changed in it is stored,
    and what the workspace changed too is shown as a conflict. The same bytes imported again add nothing. Raises
    IntakeError for a file that cannot be used at all, ParameterError for an unknown team, time zone, encoding or
    format, WorkspaceError when the workspace cannot be written.
    """
    team_id = None if team is None else workspace.team(team)
    clock = Clock(timezone, dayfirst)
    clock.zone()
    rules = load_rules(workspace.folder)
    source = open_source(Path(path), encoding)
    pseudonyms = Pseudonyms(workspace.pseudonym_key, content.load("names", workspace.folder))
    file = _file_name(source.path, pseudonyms)
    if corrected := corrected_in(source):
        _refuse_mapping(source, mapping or {})
        _refuse_unknown(as_format)
        said = Corrected(source, corrected, file, team_id, as_format, clock, rules, pseudonyms, update, by)
        return bring_corrected(workspace, said)
    if team_id is None:
        raise ParameterError(f"{source.path}: say whose it is with --team; only a sheet of refused rows knows its team")
    if (exported := memory_in(source)) is not None:
        _refuse_said(source, as_format, mapping or {})
        options = Options(team_id, "", rules, pseudonyms, {}, clock)
        return bring_book(workspace, Book(source, exported, options, file, update, by))
    as_format, columns, told = _with_kept(workspace.folder, source, as_format, mapping or {}, pseudonyms)
    claim = _recognise(source, rules, columns, as_format)

    how = {"mapping": columns or None, "timezone": timezone, "dayfirst": dayfirst, "encoding": encoding}
    same_bytes, import_id = import_ids([source.digest, team_id, claim.format.name], {**how, "update": update or None})
    earlier = _imported_before(workspace, team_id, import_id)
    is_log = claim.format.table is EVENTS
    if earlier is not None and not (update and is_log):
        return _nothing_new(earlier)

    options = Options(team_id, import_id, rules, pseudonyms, columns, clock)
    reading = claim.format.read(claim, source, options)
    # read one way, another and the first again, its rows replace what the second way gave
    if earlier is not None and read_again(reading, workspace, team_id, same_bytes, update=True).replaces.empty:
        return _nothing_new(earlier)
    reading, file = replace(reading, notes=(*told, *reading.notes)), pseudonyms.scrub(file)
    with workspace.change(by=by, note=f"import of {file}") as change:
        summary = _settled(change, Arrival(claim, options, same_bytes, file, update), reading)
        if is_log and summary.stored:
            summary = replace(summary, notes=(*summary.notes, measure_tasks(change, team_id, workspace.folder)))
    if mapping:
        where = keep_mapping(workspace.folder, source, claim.format.name, mapping, pseudonyms)
        summary = replace(summary, notes=(*summary.notes, where))
    return summary


def _settled(change: Change, arrival: Arrival, reading: Reading) -> Summary:
    """Store what was read; of a log read another way before, what its rows gave then goes first where they replace it."""
    if arrival.claim.format.table is not EVENTS:
        return settle_and_store(change, arrival, reading)
    again = read_again(reading, change, arrival.team, arrival.same_bytes, update=arrival.update)
    change.remove("events", again.replaces)
    summary = settle_and_store(change, arrival, again.reading)
    return replace(summary, updated=min(again.replaces["row"].nunique(), summary.stored))


def _refuse_mapping(source: Source, mapping: Mapping[str, str]) -> None:
    """A sheet of refused rows has the columns of its format already, whatever its file called them."""
    if mapping:
        raise ParameterError(f"{source.path} is a sheet of refused rows, whose columns are known; leave out --map")


def _refuse_said(source: Source, as_format: str | None, mapping: Mapping[str, str]) -> None:
    """A team's workbook is compared with its export as a whole; read as anything else it could undo others' work."""
    if as_format not in (None, BOOK) or mapping:
        raise ParameterError(
            f"{source.path} is a workbook this kit exported and is read as one; leave out --as and --map"
        )


def _with_kept(
    folder: Path | None, source: Source, as_format: str | None, said: Mapping[str, str], pseudonyms: Pseudonyms
) -> tuple[str | None, Mapping[str, str], tuple[str, ...]]:
    """Format and mapping as said now, or else as kept for files of this header, and a note that they were."""
    kept = None if said else kept_mapping(folder, source, pseudonyms)
    if kept is None or as_format not in (None, kept.format):
        return as_format, said, ()
    means = ", ".join(f"{name} is {column}" if column else f"{name} left out" for name, column in kept.columns.items())
    return kept.format, kept.columns, (f"columns as said before, in {MAPPINGS}: {means}",)


def _recognise(source: Source, rules: Rules, mapping: Mapping[str, str], as_format: str | None) -> Claim:
    """The one sheet and format that fit best; a doubt is refused with what would settle it."""
    _refuse_unknown(as_format)
    formats = list(FORMATS.values()) if as_format is None else [FORMATS[as_format]]
    claims = [claim for kind in formats for claim in kind.claims(source, rules, mapping)]
    if not claims:
        _refuse_mistyped(source, formats, mapping)
        raise _nothing_fits(source, formats, rules, mapping)
    # a tool's own headers say more than everyday words, and a file all of whose columns are known more than the rest
    fits = {id(claim): (-claim.format.weight, len(claim.unknown)) for claim in claims}
    best = [claim for claim in claims if fits[id(claim)] == min(fits.values())]
    if len(best) > 1:
        shapes = ", ".join(claim.shape for claim in best)
        advice = "say which with --as" if len({claim.format.name for claim in best}) > 1 else "keep one of the sheets"
        raise IntakeError(f"{source.path} could be read as {shapes}; {advice}")
    refuse_larger(source.path, len(source.data), best[0].format.limit, f"a {best[0].format.title}")
    _refuse_bad_mapping(best[0], source, mapping)
    return best[0]


def _refuse_unknown(as_format: str | None) -> None:
    if as_format is not None and as_format not in FORMATS:
        raise ParameterError(f"{as_format!r} is not a format; there are " + ", ".join(FORMATS))


def _refuse_mistyped(source: Source, formats: Sequence[Format], mapping: Mapping[str, str]) -> None:
    """Raise ParameterError where the mapping names a header or a column that there is not: it is to be corrected first."""
    for header in unseen(mapping, source.sheets) if source.sheets else ():
        there = ", ".join(source.sheets[0].header)
        raise ParameterError(f"mapping: {source.path} has no column {header!r}; it has {there}")
    for column in mapping.values():
        if column and not any(kind.knows(column) for kind in formats):
            kind = formats[0] if len(formats) == 1 else FORMATS["events"]
            others = "" if len(formats) == 1 else "; and of no other format"
            title = f"{'an' if kind.title[:1].casefold() in 'aeiou' else 'a'} {kind.title}"
            raise ParameterError(f"mapping: {column!r} is no column of {title}: {', '.join(kind.mappable())}{others}")


def _nothing_fits(source: Source, formats: Sequence[Format], rules: Rules, mapping: Mapping[str, str]) -> IntakeError:
    tried = [(kind, kind.match(sheet, rules, mapping)) for kind in formats for sheet in source.sheets]
    if not tried:
        return IntakeError(f"{source.path} holds {source.shape} that no format reads; formats: {', '.join(FORMATS)}")
    near = {id(claim): len([name for name in kind.needs if name in claim.places]) for kind, claim in tried}
    kind, closest = max(tried, key=lambda pair: (near[id(pair[1])], -pair[0].weight))
    missing = [name for name in kind.needs if name not in closest.places]
    header = ", ".join(name[:60] for name in closest.sheet.header[:12]) or "nothing"
    choice = "" if len(formats) == 1 else f" Formats: {', '.join(FORMATS)}; name one with --as"
    return IntakeError(
        f"{source.path}: the header ({header}) fits no format; as {kind.title} it lacks {', '.join(missing) or 'its table'}. "
        f"Rename the columns that mean these, or map them.{choice}"
    )


def _refuse_bad_mapping(claim: Claim, source: Source, mapping: Mapping[str, str]) -> None:
    for header in unseen(mapping, source.sheets):
        raise ParameterError(f"mapping: the file has no column {header!r}; it has {', '.join(claim.sheet.header)}")
    for column in mapping.values():
        if column and not claim.format.knows(column):
            raise ParameterError(f"mapping: {column!r} is no column of {claim.format.name}: {claim.format.mappable()}")


def _file_name(path: Path, pseudonyms: Pseudonyms) -> str:
    clean = path.name.encode("utf-8", "replace").decode("utf-8")
    printable = "".join(mark if mark.isprintable() else " " for mark in clean)
    return pseudonyms.scrub(printable)[:300].strip() or "file"


def _imported_before(workspace: Workspace, team: str, import_id: str) -> dict[str, Any] | None:
    imports = workspace.read("imports", team=team)
    found = imports[imports["import_id"] == import_id]
    return None if found.empty else {str(name): value for name, value in found.iloc[0].items()}


def _nothing_new(earlier: Mapping[str, Any]) -> Summary:
    rows = int(earlier["rows_read"])
    return Summary(
        str(earlier["import_id"]), str(earlier["file"]), str(earlier["team"]), str(earlier["format"]), rows, 0, 0, rows,
        already=pd.Timestamp(earlier["at"]).to_pydatetime(),
    )  # fmt: skip
