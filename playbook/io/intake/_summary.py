"""What became of a file, in numbers that add up and in sentences."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from playbook.errors import IntakeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playbook.errors import Fault
    from playbook.io.intake._format import Claim, Reading
    from playbook.io.intake._settle import Settled

SHOWN_CONFLICTS = 5
REFUSED = "rejects"  # what a file of several sheets of refused rows was read as


@dataclass(frozen=True)
class Conflict:
    """A cell that was changed in a file and, since the file was exported, in the workspace too.

    `row` is the sheet's row, `key` tells which row of the table it is; the three values are said in words. `file_won`
    says whether the file's value was stored after all, as the import was told to update.
    """

    sheet: str
    row: int
    key: str
    column: str
    at_export: str
    in_file: str
    in_workspace: str
    file_won: bool = False

    def __str__(self) -> str:
        return (
            f"{self.sheet}, row {self.row} ({self.key}), {self.column}: {self.at_export} at the export, "
            f"{self.in_file} in the file, {self.in_workspace} in the workspace now"
        )


@dataclass(frozen=True)
class Summary:
    """What became of a file: every row read was stored, rejected or a duplicate of one the workspace has.

    Rows are the file's records, even where one gives several rows of a table. `stored` counts those with something
    new and `updated` ones; `already` is when the very same file came before, if it did; `faults`
    name each bad cell; `notes` are assumptions made while reading. Of a team's workbook, `conflicts` are the cells
    changed on both sides; of a workbook, `parts` are what became of each of its sheets, and `sheet` is a part's name.
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
    conflicts: tuple[Conflict, ...] = ()
    parts: tuple[Summary, ...] = ()
    sheet: str = ""

    def __str__(self) -> str:
        """One honest line, and below it one for each sheet of refused rows and each of the first conflicts."""
        sum_up = f"{self.stored} stored + {self.rejected} rejected + {self.duplicates} duplicates"
        where = f"  sheet {self.sheet}" if self.sheet else self.file
        line = f"{where}, read as {self.format} for team {self.team}: {self.rows_read} rows = {sum_up}"
        said = [f"{self.updated} of the stored replaced a row"] if self.updated else []
        if self.already:
            said.append(f"this file was imported before, on {self.already:%Y-%m-%d %H:%M} UTC, so nothing was added")
        if self.faults:
            said.append(f"first fault: {self.faults[0]}")
        sheets = [str(part) for part in self.parts if self.format == REFUSED]
        return "\n".join(["; ".join([line, *said, *self.notes]), *sheets, *_conflicts(self.conflicts)])


def summary_of(claim: Claim, reading: Reading, settled: Settled, options: tuple[str, str, str]) -> Summary:
    """The summary of one sheet that was read and settled; `options` are the import's id, the file's name, the team."""
    import_id, file, team = options
    faults = tuple(sorted((*reading.faults, *settled.faults), key=lambda fault: int(str(fault.row))))
    return Summary(
        import_id,
        file,
        team,
        claim.format.name,
        rows_read=reading.rows_read,
        stored=settled.stored,
        rejected=len({fault.row for fault in faults}),
        duplicates=settled.duplicates,
        updated=settled.updated,
        faults=faults,
        notes=reading.notes,
    )


def reconcile(summary: Summary) -> None:
    """Raise IntakeError when the rows of a summary do not add up: then nothing may be stored."""
    if summary.rows_read != summary.stored + summary.rejected + summary.duplicates:
        raise IntakeError(f"the rows do not add up, so nothing was imported; please report this: {summary}")


def _conflicts(conflicts: Sequence[Conflict]) -> Iterator[str]:
    for won in (False, True):
        these = [conflict for conflict in conflicts if conflict.file_won is won]
        if these:
            cells = "1 cell was" if len(these) == 1 else f"{len(these)} cells were"
            became = "the file's value was stored" if won else "nothing of those rows was stored"
            yield f"{cells} changed in the file and in the workspace since the export; {became}:"
            yield from (f"  {conflict}" for conflict in these[:SHOWN_CONFLICTS])
            if len(these) > SHOWN_CONFLICTS:
                yield f"  and {len(these) - SHOWN_CONFLICTS} more"
