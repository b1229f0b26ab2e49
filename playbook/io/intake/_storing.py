"""Puts what was read into the workspace: the good rows, the refused ones with their reasons, and the import itself."""

from __future__ import annotations

import datetime as dt
import json
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.io.intake._rules import ORIGIN, plain
from playbook.tables import IMPORTS, REJECTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playbook.io.intake._format import Claim, Format
    from playbook.io.intake._settle import Settled
    from playbook.io.intake._summary import Summary
    from playbook.io.workspace import Change

CELL_KEPT = 4_000
SLICE = 50_000


def store(
    change: Change, kind: Format, summary: Summary, settled: Settled, records: Mapping[int, Mapping[str, Any]]
) -> None:
    """Put the settled rows, the import's line and its refused rows; `records` are the refused rows' cells by number."""
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


def clear_corrected(change: Change, claim: Claim, team: str, import_id: str, same_bytes: str) -> None:
    """Take out of the rejects the rows that came back, in this file or as this file read another way.

    The table of rejects is what is still to be corrected; that a row was refused once stays in the import's count
    and in the history.
    """
    rejects = change.read("rejects", team)
    gone = rejects["import_id"].str.startswith(same_bytes)
    place = next((place for place, header in enumerate(claim.sheet.header) if plain(header) == ORIGIN), None)
    if place is not None:
        returned = {str(cells[place]).strip() for _, cells in claim.sheet.rows() if place < len(cells)}
        gone |= (rejects["import_id"] + ":" + rejects["row"].astype(str)).isin(returned)
    change.remove("rejects", rejects[gone & (rejects["import_id"] != import_id)])


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
