"""The one way in: a file is recognised, read, compared with the workspace and stored in one transaction."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.errors import Fault, IntakeError, ParameterError
from playbook.io.intake._cells import Clock
from playbook.io.intake._format import Claim, Format, Options, Reading
from playbook.io.intake._measured import measure_tasks
from playbook.io.intake._privacy import Pseudonyms
from playbook.io.intake._registry import FORMATS
from playbook.io.intake._rules import ORIGIN, Rules, load_rules, plain
from playbook.io.intake._settle import Settled, settle_events, settle_rows
from playbook.io.intake._source import Source, open_source, refuse_larger
from playbook.tables import EVENTS, IMPORTS, REJECTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from playbook.io.workspace import Change, Workspace

CELL_KEPT = 4_000
SLICE = 50_000


@dataclass(frozen=True)
class Summary:
    """What became of a file: every row read was stored, rejected or a duplicate of one the workspace has.

    `stored` counts new rows and `updated` ones; `already` is when the very same file came before, if it did; `faults`
    name each bad cell; `notes` are assumptions made while reading.
    """

    import_id: str
    file: str
    team: str
    format: str
    rows_read: int
    stored: int
    rejected: int
    duplicates: int
    updated: int = 0
    already: dt.datetime | None = None
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One honest line."""
        sum_up = f"{self.stored} stored + {self.rejected} rejected + {self.duplicates} duplicates"
        line = f"{self.file}, read as {self.format} for team {self.team}: {self.rows_read} rows = {sum_up}"
        said = [f"{self.updated} of the stored replaced a row"] if self.updated else []
        if self.already:
            said.append(f"this file was imported before, on {self.already:%Y-%m-%d %H:%M} UTC, so nothing was added")
        if self.faults:
            said.append(f"first fault: {self.faults[0]}")
        return "; ".join([line, *said, *self.notes])


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
    header of the file the column it means. `timezone` is for timestamps without one (else UTC), `dayfirst` for dates
    like 3/4/2024, `encoding` for text that is not Unicode, `update` lets rows replace stored ones of the same key.

    Good rows, refused rows with their reasons and the import itself are stored in one transaction, for an event log
    also a task for each of its activities. The same bytes imported again add nothing. Raises IntakeError for a file that cannot be used at all, ParameterError for an
    unknown time zone or format, WorkspaceError when the workspace has no such team or cannot be written.
    """
    team_id = workspace.team(team)
    clock = Clock(timezone, dayfirst)
    clock.zone()
    rules = load_rules(workspace.folder)
    source = open_source(Path(path), encoding)
    claim = _recognise(source, rules, mapping or {}, as_format)

    how = {"mapping": mapping or None, "timezone": timezone, "dayfirst": dayfirst, "encoding": encoding}
    same_bytes, import_id = _import_id(source, team_id, claim, {**how, "update": update or None})
    pseudonyms = Pseudonyms(workspace.pseudonym_key)
    file = _file_name(source.path, pseudonyms)
    earlier = _imported_before(workspace, team_id, import_id)
    if earlier is not None:
        return _nothing_new(earlier, file)

    options = Options(team_id, import_id, rules, pseudonyms, mapping or {}, clock)
    reading = claim.format.read(claim, source, options)
    with workspace.change(by=by, note=f"import of {file}") as change:
        # inside the change nobody else writes, so what is compared here is what is stored below
        settled = _settle(claim.format, reading, change, team_id, same_bytes, update=update)
        faults = tuple(sorted((*reading.faults, *settled.faults), key=lambda fault: int(str(fault.row))))
        summary = Summary(
            import_id,
            file,
            team_id,
            claim.format.name,
            rows_read=reading.rows_read,
            stored=len(settled.store),
            rejected=len({fault.row for fault in faults}),
            duplicates=settled.duplicates,
            updated=settled.updated,
            faults=faults,
            notes=reading.notes,
        )
        _reconcile(summary)
        _store(change, claim.format, summary, settled, {**reading.records, **settled.records})
        _clear_corrected(change, claim, team_id, import_id)
        if claim.format.table is EVENTS and summary.stored:
            summary = replace(summary, notes=(*summary.notes, measure_tasks(change, team_id)))
    return summary


def _recognise(source: Source, rules: Rules, mapping: Mapping[str, str], as_format: str | None) -> Claim:
    """The one sheet and format that fit best; a doubt is refused with what would settle it."""
    if as_format is not None and as_format not in FORMATS:
        raise ParameterError(f"{as_format!r} is not a format; there are " + ", ".join(FORMATS))
    formats = list(FORMATS.values()) if as_format is None else [FORMATS[as_format]]
    claims = [claim for kind in formats for claim in kind.claims(source, rules, mapping)]
    if not claims:
        raise _nothing_fits(source, formats, rules, mapping)
    fewest = min(len(claim.unknown) for claim in claims)
    best = [claim for claim in claims if len(claim.unknown) == fewest]
    if len(best) > 1:
        shapes = ", ".join(claim.shape for claim in best)
        advice = "say which with --as" if len({claim.format.name for claim in best}) > 1 else "keep one of the sheets"
        raise IntakeError(f"{source.path} could be read as {shapes}; {advice}")
    refuse_larger(source.path, len(source.data), best[0].format.limit, f"a {best[0].format.title}")
    _refuse_bad_mapping(best[0], mapping)
    return best[0]


def _nothing_fits(source: Source, formats: Sequence[Format], rules: Rules, mapping: Mapping[str, str]) -> IntakeError:
    tried = [(kind, kind.match(sheet, rules, mapping)) for kind in formats for sheet in source.sheets]
    kind, closest = max(tried, key=lambda pair: len([name for name in pair[0].needs if name in pair[1].places]))
    missing = [name for name in kind.needs if name not in closest.places]
    header = ", ".join(name[:60] for name in closest.sheet.header[:12]) or "nothing"
    choice = "" if len(formats) == 1 else f" Formats: {', '.join(FORMATS)}; name one with --as"
    return IntakeError(
        f"{source.path}: the header ({header}) fits no format; as {kind.title} it lacks {', '.join(missing)}. "
        f"Rename the columns that mean these, or map them.{choice}"
    )


def _refuse_bad_mapping(claim: Claim, mapping: Mapping[str, str]) -> None:
    headers = {plain(header) for header in claim.sheet.header}
    for header, column in mapping.items():
        if plain(header) not in headers:
            raise ParameterError(f"mapping: the file has no column {header!r}; it has {', '.join(claim.sheet.header)}")
        if column and column not in claim.format.wants():
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


def _reconcile(summary: Summary) -> None:
    if summary.rows_read != summary.stored + summary.rejected + summary.duplicates:
        raise IntakeError(f"the rows do not add up, so nothing was imported; please report this: {summary}")


def _store(
    change: Change, kind: Format, summary: Summary, settled: Settled, records: Mapping[int, Mapping[str, Any]]
) -> None:
    for start in range(0, len(settled.store), SLICE):
        change.put(kind.table.name, settled.store.iloc[start : start + SLICE])
    counted = ("import_id", "team", "file", "format", "rows_read", "stored", "rejected", "duplicates")
    line = {name: getattr(summary, name) for name in counted} | {"at": dt.datetime.now(dt.UTC)}
    change.put("imports", pd.DataFrame([line])[list(IMPORTS.columns)])
    rejects = _rejects(summary, records)
    for start in range(0, len(rejects), SLICE):
        change.put("rejects", rejects.iloc[start : start + SLICE])


def _rejects(summary: Summary, records: Mapping[int, Mapping[str, Any]]) -> pd.DataFrame:
    """One row a bad cell, with the whole record beside it."""
    lines = []
    for row, faults in groupby(summary.faults, key=lambda fault: int(str(fault.row))):
        record = _as_json(records.get(row, {}))
        for name, same in groupby(sorted(faults, key=lambda fault: fault.column), key=lambda fault: fault.column):
            first = next(same)
            lines.append(
                {
                    "import_id": summary.import_id,
                    "team": summary.team,
                    "row": row,
                    "column_name": _fit(name, 200) or "(no name)",
                    "found": _fit(first.found, 500) or "nothing",
                    "wanted": _fit(first.wanted, 500),
                    "record": record,
                }
            )
    return pd.DataFrame(lines, columns=list(REJECTS.columns), dtype=object)


def _clear_corrected(change: Change, claim: Claim, team: str, import_id: str) -> None:
    """Take out of the rejects the rows that came back in this file, whatever has become of them now.

    The table of rejects is what is still to be corrected; that a row was refused once stays in the import's count
    and in the history.
    """
    place = next((place for place, header in enumerate(claim.sheet.header) if plain(header) == ORIGIN), None)
    if place is None:
        return
    returned = {str(cells[place]).strip() for _, cells in claim.sheet.rows() if place < len(cells)}
    rejects = change.read("rejects", team)
    origins = rejects["import_id"] + ":" + rejects["row"].astype(str)
    change.remove("rejects", rejects[origins.isin(returned) & (rejects["import_id"] != import_id)])


def _fit(text: str, most: int) -> str:
    clean = text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "").strip()
    return clean if len(clean) <= most else clean[: most - 1] + "…"


def _as_json(record: Mapping[str, Any]) -> str:
    """The record as JSON text within the table's limit; only cells no column could hold are ever cut."""
    cells, most = {_fit(name, 200): cell for name, cell in record.items()}, CELL_KEPT
    limit = REJECTS.columns["record"].max_length or 100_000
    while True:
        kept = {name: cell[:most] if isinstance(cell, str) else cell for name, cell in cells.items()}
        text = json.dumps(kept, ensure_ascii=False)
        if len(text) <= limit:
            return text
        most //= 2
