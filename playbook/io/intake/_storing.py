"""Puts what was read into the workspace: the good rows, the refused ones with their reasons, and the import itself."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.io.intake._format import without_names
from playbook.io.intake._how import How
from playbook.io.intake._rules import AS_BEFORE, AT_EXPORT, REMEMBERED
from playbook.io.intake._settle import SAME_BYTES, Settled, settle_events, settle_rows
from playbook.io.intake._summary import Summary, reconcile, summary_of
from playbook.tables import EVENTS, IMPORTS, REJECTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from playbook.io.intake._format import Claim, Format, Options, Reading
    from playbook.io.workspace import Change

CELL_KEPT = 4_000
SLICE = 50_000
TIMES_REFUSED = 50  # how often the same row may come back bad and still be known by its first place

Origin = tuple[str, int]
"""The import that refused a row, and the row's number in it."""


@dataclass(frozen=True)
class Arrival:
    """One sheet that was read, on its way into the workspace.

    `same_bytes` begins the id of every import of the same content. `returned` gives, of a sheet of corrected rows, for
    a row number where that row was refused.
    """

    claim: Claim
    options: Options
    same_bytes: str
    file: str
    update: bool
    returned: Mapping[int, Origin] = field(default_factory=dict)

    @property
    def team(self) -> str:
        """The id of the team the rows belong to."""
        return self.options.team


def import_ids(identity: Sequence[str], said: Mapping[str, Any]) -> tuple[str, str]:
    """The id all imports of the same content begin with, and this one's, which also tells what was said of it."""
    same_bytes = hashlib.blake2b(json.dumps(identity).encode(), digest_size=SAME_BYTES // 2).hexdigest()
    known = {name: value for name, value in said.items() if value is not None}
    if not known:
        return same_bytes, same_bytes
    digest = hashlib.blake2b(json.dumps(known, sort_keys=True).encode("utf-8", "replace"), digest_size=4)
    return same_bytes, f"{same_bytes}-{digest.hexdigest()}"


def settle_and_store(change: Change, arrival: Arrival, reading: Reading) -> Summary:
    """Compare what was read with the workspace, store it and its refused rows, and say what became of each.

    It runs inside a change: nobody else writes, so what is compared is what is stored. Raises IntakeError when the rows
    do not add up.
    """
    # all names of the file are met now, so that its own name and its headers can be freed of them
    pseudonyms = arrival.options.pseudonyms
    arrival = replace(arrival, file=pseudonyms.scrub(arrival.file))
    reading = without_names(reading, arrival.claim, pseudonyms)
    kind, import_id, before = arrival.claim.format, arrival.options.import_id, _refused_before(change, arrival)
    if kind.table is EVENTS:
        settled = settle_events(
            reading, change, arrival.team, arrival.same_bytes, arrival.returned, tool=arrival.claim.format.name
        )
    else:
        at_export = {number: facts.get(AT_EXPORT, {}) for number, facts in before.items()}
        settled = settle_rows(kind.table, reading, change, arrival.team, update=arrival.update, at_export=at_export)
    summary = summary_of(arrival.claim, reading, settled, (import_id, arrival.file, arrival.team))
    reconcile(summary)
    records = {**settled.records, **reading.records}
    records |= {number: {**records.get(number, {}), **facts} for number, facts in before.items()}
    store(change, kind, summary, settled, records=records, how=_how(arrival, reading))
    clear_corrected(change, arrival.team, import_id, arrival.same_bytes, arrival.returned.values())
    return summary


def _how(arrival: Arrival, reading: Reading) -> How:
    """How the sheet was read, with the columns a tool's file does not have; a sheet filled in by hand may get any."""
    claim, how = arrival.claim, reading.how or How.of(arrival.options.clock)
    lacks = () if claim.format.by_hand else [name for name in claim.format.wants() if name not in claim.places]
    return replace(how, lacks=tuple(lacks))


def store(  # noqa: PLR0913 - what is put, each by name
    change: Change,
    kind: Format,
    summary: Summary,
    settled: Settled,
    *,
    records: Mapping[int, Mapping[str, Any]],
    how: How,
) -> None:
    """Put the settled rows, the import's line and its refused rows; `records` are the refused rows' cells by number."""
    for start in range(0, len(settled.store), SLICE):
        change.put(kind.table.name, settled.store.iloc[start : start + SLICE])
    counted = ("import_id", "team", "file", "format", "rows_read", "stored", "rejected", "duplicates")
    line = {name: getattr(summary, name) for name in counted} | {"at": dt.datetime.now(dt.UTC), "how": how.as_text()}
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


def clear_corrected(
    change: Change, team: str, import_id: str, same_bytes: str, returned: Iterable[Origin] = ()
) -> None:
    """Take out of the rejects the rows that came back, in this file or as this file read another way.

    The table of rejects is what is still to be corrected; that a row was refused once stays in the import's count
    and in the history.
    """
    rejects, back = change.read("rejects", team), set(returned)
    gone = rejects["import_id"].str.startswith(same_bytes)
    if back:
        gone |= pd.Series([not back.isdisjoint(places) for places, _ in _remembered(rejects)], rejects.index, bool)
    change.remove("rejects", rejects[gone & (rejects["import_id"] != import_id)])


def _refused_before(change: Change, arrival: Arrival) -> dict[int, dict[str, Any]]:
    """Of each corrected row what is remembered of it: every place it was refused at, and its cells at an export."""
    if not arrival.returned:
        return {}
    known: dict[Origin, tuple[list[Origin], Mapping[str, Any]]] = {}
    for places, record in _remembered(change.read("rejects", arrival.team)):
        for place in places:
            known.setdefault(place, (places, record))
    found = dict[int, dict[str, Any]]()
    for number, origin in arrival.returned.items():
        places, record = known.get(origin, ([], {}))
        every = dict.fromkeys([origin, *places])
        found[number] = {AS_BEFORE: list(every)[:TIMES_REFUSED]}
        found[number] |= {AT_EXPORT: record[AT_EXPORT]} if AT_EXPORT in record else {}
    return found


def _remembered(rejects: pd.DataFrame) -> Iterator[tuple[list[Origin], Mapping[str, Any]]]:
    """For each refused cell the places its row was refused at, this one first, and what its record remembers."""
    columns = (rejects[name].tolist() for name in ("import_id", "row", "record"))
    for import_id, row, text in zip(*columns, strict=True):
        # most records remember nothing and need not be taken apart
        record = json.loads(text) if any(name in text for name in REMEMBERED) else {}
        before = [(str(name), int(number)) for name, number in record.get(AS_BEFORE, ())]
        yield [(import_id, int(row)), *before], record


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
