"""Toggl Track's detailed report as CSV: what was worked on, from when to when, and for how long.

Columns as Toggl's help names them: User, Email, Client, Project, Task, Description, Billable, Start date, Start time,
End date, End time, Duration, Tags and often an Amount, whose name holds the currency or empty brackets. Amounts are
never kept: they tell what a person costs.
"""

from __future__ import annotations

from playbook.io.intake._timesheet import ENTRY, Timesheet
from playbook.tables import EVENTS

FORMATS = (
    Timesheet(
        "toggl",
        "Toggl Track detailed report",
        EVENTS,
        headers=("User", "Project", "Description", "Start date", "Start time", "End date", "End time", "Duration"),
        persons=("User", "Email"),
        keeps=ENTRY,
        texts=ENTRY,
        durations=("Duration",),
    ),
)
