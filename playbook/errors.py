"""The kit's errors: one base, a short family, a sentence each that says what to do next.

Every error carries its facts as attributes and builds its sentence from them. The command line turns
`PlaybookError` into advice and an exit code; nothing else in the kit catches it to hide it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN_FAULTS = 20


@dataclass(frozen=True)
class Fault:
    """One bad cell, or one bad column when `row` is None.

    `row` is the label the reader knows the row by (a file's line or a sheet's row number), `column` the
    column's name, `found` what stood there, `wanted` what may stand there, in words with the unit.
    """

    row: int | str | None
    column: str
    found: str
    wanted: str

    def __str__(self) -> str:
        place = f"column {self.column}" if self.row is None else f"row {self.row}, {self.column}"
        return f"{place}: {self.found}; wanted {self.wanted}"


class PlaybookError(Exception):
    """Anything the kit refuses, said in a sentence a team can act on."""


class TableError(PlaybookError, ValueError):
    """A table that does not fit its declaration; `faults` names every bad cell at once."""

    def __init__(self, table: str, faults: Sequence[Fault]) -> None:
        self.table = table
        self.faults = tuple(faults)
        lines = [f"  {fault}" for fault in self.faults[:SHOWN_FAULTS]]
        if len(self.faults) > SHOWN_FAULTS:
            lines.append(f"  and {len(self.faults) - SHOWN_FAULTS} more")
        count = len(self.faults)
        super().__init__("\n".join([f"table {table}: {count} bad {'cell' if count == 1 else 'cells'}", *lines]))


class ContentError(PlaybookError, ValueError):
    """A YAML file or template that does not fit its model; `faults` names every place in it."""

    def __init__(self, file: str, faults: Sequence[str]) -> None:
        self.file = file
        self.faults = tuple(faults)
        super().__init__(
            "\n".join([f"{file}: {len(self.faults)} to correct", *(f"  {fault}" for fault in self.faults)])
        )


class IntakeError(PlaybookError, ValueError):
    """A file that cannot be read as work at all (wrong format, too large, empty, ambiguous)."""


class ParameterError(PlaybookError, ValueError):
    """A notebook parameter or command option with an unknown name or a value of the wrong type."""


class WorkspaceError(PlaybookError):
    """The workspace could not do what was asked; nothing already stored was changed."""


class WorkspaceNotFoundError(WorkspaceError, FileNotFoundError):
    """No workspace where one was expected."""


class WorkspaceExistsError(WorkspaceError, FileExistsError):
    """A workspace already stands where a new one was asked for."""


class WorkspaceVersionError(WorkspaceError):
    """The workspace was written by a newer kit than this one."""


class WorkspaceBusyError(WorkspaceError, TimeoutError):
    """The database was locked for longer than the kit waits, or it is gone; trying again may help."""


class ConflictError(WorkspaceError):
    """Somebody else changed a row first; `conflicts` holds both values and nothing was overwritten."""

    def __init__(self, table: str, conflicts: Sequence[str]) -> None:
        self.table = table
        self.conflicts = tuple(conflicts)
        lines = [f"  {conflict}" for conflict in self.conflicts[:SHOWN_FAULTS]]
        super().__init__(
            "\n".join([f"table {table}: changed by someone else since it was read; read it again", *lines])
        )


class RunError(PlaybookError):
    """A batch that could not start or could not write its reports."""
