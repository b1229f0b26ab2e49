"""The one way in: a file is recognised, read, compared with the workspace and stored in one transaction."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.errors import IntakeError, ParameterError
from playbook.io.intake._cells import Clock
from playbook.io.intake._exported import BOOK, memory_in
from playbook.io.intake._format import Claim, Format, Options, Reading
from playbook.io.intake._mappings import FILE as MAPPINGS
from playbook.io.intake._mappings import keep_mapping, kept_mapping, unseen
from playbook.io.intake._measured import measure_tasks
from playbook.io.intake._registry import FORMATS
from playbook.io.intake._rules import Rules, load_rules, plain
from playbook.io.intake._settle import Settled, settle_events, settle_rows
from playbook.io.intake._sheet import refuse_larger
from playbook.io.intake._source import Source, open_source
from playbook.io.intake._storing import clear_corrected, store
from playbook.io.intake._summary import Summary, reconcile, summary_of
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
    team: str,
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
    is not Unicode, `update` lets rows replace stored ones of the same key.

    Good rows, refused rows with their reasons and the import itself are stored in one transaction, for an event log
    also a task for each of its activities. Of a team's workbook (`io.workbook`) only what was changed in it is stored,
    and what the workspace changed too is shown as a conflict. The same bytes imported again add nothing. Raises
    IntakeError for a file that cannot be used at all, ParameterError for an unknown time zone or format,
    WorkspaceError when the workspace has no such team or cannot be written.
    """
    team_id = workspace.team(team)
    clock = Clock(timezone, dayfirst)
    clock.zone()
    rules = load_rules(workspace.folder)
    source = open_source(Path(path), encoding)
    pseudonyms = Pseudonyms(workspace.pseudonym_key)
    file = _file_name(source.path, pseudonyms)
    if (exported := memory_in(source)) is not None:
        _refuse_said(source, as_format, mapping or {})
        options = Options(team_id, "", rules, pseudonyms, {}, clock)
        return bring_book(workspace, Book(source, exported, options, file, update, by))
    as_format, columns, told = _with_kept(workspace.folder, source, as_format, mapping or {})
    claim = _recognise(source, rules, columns, as_format)

    how = {"mapping": columns or None, "timezone": timezone, "dayfirst": dayfirst, "encoding": encoding}
    same_bytes, import_id = _import_id(source, team_id, claim, {**how, "update": update or None})
    earlier = _imported_before(workspace, team_id, import_id)
    if earlier is not None:
        return _nothing_new(earlier, file)

    options = Options(team_id, import_id, rules, pseudonyms, columns, clock)
    reading = claim.format.read(claim, source, options)
    reading = replace(reading, notes=(*told, *reading.notes))
    with workspace.change(by=by, note=f"import of {file}") as change:
        # inside the change nobody else writes, so what is compared here is what is stored below
        settled = _settle(claim.format, reading, change, team_id, same_bytes, update=update)
        summary = summary_of(claim, reading, settled, (import_id, file, team_id))
        reconcile(summary)
        store(change, claim.format, summary, settled, {**settled.records, **reading.records})
        clear_corrected(change, claim, team_id, import_id, same_bytes)
        if claim.format.table is EVENTS and summary.stored:
            summary = replace(summary, notes=(*summary.notes, measure_tasks(change, team_id, workspace.folder)))
    if mapping:
        where = keep_mapping(workspace.folder, source, claim.format.name, mapping)
        summary = replace(summary, notes=(*summary.notes, where))
    return summary


def _refuse_said(source: Source, as_format: str | None, mapping: Mapping[str, str]) -> None:
    """A team's workbook is compared with its export as a whole; read as anything else it could undo others' work."""
    if as_format not in (None, BOOK) or mapping:
        raise ParameterError(
            f"{source.path} is a workbook this kit exported and is read as one; leave out --as and --map"
        )


def _with_kept(
    folder: Path | None, source: Source, as_format: str | None, said: Mapping[str, str]
) -> tuple[str | None, Mapping[str, str], tuple[str, ...]]:
    """Format and mapping as said now, or else as kept for files of this header, and a note that they were."""
    kept = None if said else kept_mapping(folder, source)
    if kept is None or as_format not in (None, kept.format):
        return as_format, said, ()
    means = ", ".join(f"{name} is {column}" if column else f"{name} left out" for name, column in kept.columns.items())
    return kept.format, kept.columns, (f"columns as said before, in {MAPPINGS}: {means}",)


def _recognise(source: Source, rules: Rules, mapping: Mapping[str, str], as_format: str | None) -> Claim:
    """The one sheet and format that fit best; a doubt is refused with what would settle it."""
    if as_format is not None and as_format not in FORMATS:
        raise ParameterError(f"{as_format!r} is not a format; there are " + ", ".join(FORMATS))
    formats = list(FORMATS.values()) if as_format is None else [FORMATS[as_format]]
    claims = [claim for kind in formats for claim in kind.claims(source, rules, mapping)]
    if not claims:
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
        if column and plain(column) not in {plain(name) for name in claim.format.wants()}:
            raise ParameterError(f"mapping: {column!r} is no column of {claim.format.name}: {claim.format.wants()}")


def _import_id(source: Source, team: str, claim: Claim, how: Mapping[str, Any]) -> tuple[str, str]:
    """The id all imports of these bytes begin with, and this one's, which also tells how the bytes were to be read."""
    identity = json.dumps([source.digest, team, claim.format.name])
    same_bytes = hashlib.blake2b(identity.encode(), digest_size=16).hexdigest()
    said = {name: value for name, value in how.items() if value is not None}
    if not said:
        return same_bytes, same_bytes
    digest = hashlib.blake2b(json.dumps(said, sort_keys=True).encode("utf-8", "replace"), digest_size=4)
    return same_bytes, f"{same_bytes}-{digest.hexdigest()}"


def _file_name(path: Path, pseudonyms: Pseudonyms) -> str:
    clean = path.name.encode("utf-8", "replace").decode("utf-8")
    printable = "".join(mark if mark.isprintable() else " " for mark in clean)
    return pseudonyms.scrub(printable)[:300].strip() or "file"


def _imported_before(workspace: Workspace, team: str, import_id: str) -> dict[str, Any] | None:
    imports = workspace.read("imports", team=team)
    found = imports[imports["import_id"] == import_id]
    return None if found.empty else {str(name): value for name, value in found.iloc[0].items()}


def _nothing_new(earlier: Mapping[str, Any], file: str) -> Summary:
    rows = int(earlier["rows_read"])
    return Summary(
        str(earlier["import_id"]), file, str(earlier["team"]), str(earlier["format"]), rows, 0, 0, rows,
        already=pd.Timestamp(earlier["at"]).to_pydatetime(),
    )  # fmt: skip


def _settle(  # noqa: PLR0913 - the facts of one step
    kind: Format, reading: Reading, change: Change, team: str, same_bytes: str, *, update: bool
) -> Settled:
    if kind.table is EVENTS:
        return settle_events(reading, change, team, same_bytes)
    return settle_rows(kind.table, reading, change, team, update=update)
