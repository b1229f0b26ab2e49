"""Harvest's detailed time report as CSV: the day, the work and the hours, without times of day.

Columns: Date, Client, Project, Project Code, Task, Notes, Hours, Billable?, Invoiced?, Approved?, First Name, Last
Name, Employee Id, Roles, Employee?, rates and amounts, Currency, External Reference URL; sometimes Hours Rounded and
Department. European accounts write 26.01.2015 and 7,5. Rates and amounts are never kept: they tell what a person
costs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from playbook.io.intake._record import Record
from playbook.io.intake._rules import plain
from playbook.io.intake._sheet import Sheet, is_blank
from playbook.io.intake._timesheet import Timesheet, told_work
from playbook.io.names import PSEUDONYM
from playbook.tables import EVENTS

if TYPE_CHECKING:
    from playbook.io.intake._format import Options

FIRST, LAST = "First Name", "Last Name"
# the tool does not say when in the day it was done; noon stays the same day in every time zone a team may have
NOON = "T12:00:00"


@dataclass(frozen=True)
class Harvest(Timesheet):
    """Harvest's report: an entry is hours of a day, so its event has the day as timestamp and no begin."""

    @property
    def dated(self) -> tuple[str, ...]:
        """The header whose cells are days."""
        return ("Date",)

    def sheet_in(self, sheet: Sheet) -> Sheet | None:
        """The report with each person's full name in one cell, as the person is one and named so in texts."""
        found = super().sheet_in(sheet)
        return None if found is None else replace(found, cells=lambda: _with_full_names(found))

    def people_in(self, cell: str) -> list[str]:
        """The full name and each of its words."""
        return [cell, *cell.split()]

    def rows_of(self, record: Record, options: Options) -> Iterator[dict[str, Any]]:
        """One event an entry, at noon of its day, with its hours as minutes."""
        told = record.day("Date", options)
        minutes = self.minutes_in(record, "Hours")
        record.assume("of a day without a time, taken as its noon: only the hours worked are known")
        yield {
            **told_work(record),
            "timestamp": record.moment_of("Date", told + NOON, options),
            "minutes": minutes,
            "resource": record.get(FIRST) or record.get(LAST),
        }


def _with_full_names(sheet: Sheet) -> Iterator[tuple[int, list[Any]]]:
    """The rows with the last name added to the first; a pseudonym that comes back with a corrected row is whole."""
    headers = [plain(header) for header in sheet.header]
    first, last = headers.index(plain(FIRST)), headers.index(plain(LAST))
    for number, row in sheet.cells():
        cells = list(row)
        if max(first, last) < len(cells) and not PSEUDONYM.fullmatch(str(cells[first])):
            names = [cells[place] for place in (first, last) if isinstance(cells[place], str)]
            cells[first] = " ".join(name.strip() for name in names if not is_blank(name)) or cells[first]
        yield number, cells


FORMATS = (
    Harvest(
        "harvest",
        "Harvest detailed time report",
        EVENTS,
        headers=("Date", "Client", "Project", "Task", "Hours", FIRST, LAST),
        persons=(FIRST, LAST),
        keeps=("Notes",),
        texts=("Client", "Project", "Task", "Notes"),
        durations=("Hours",),
    ),
)
