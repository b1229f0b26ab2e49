"""Clockify's detailed report as CSV: what was worked on, from when to when, and for how long.

Columns: Project, Client, Description, Task, User, Group, Email, Tags, Billable, Start Date, Start Time, End Date,
End Time, Duration (h), Duration (decimal) and rates whose names hold the currency. Dates stand in the workspace's
order of day and month and times in 12 or 24 hours, so both are settled from the file or asked. Rates and amounts are
never kept: they tell what a person costs.
"""

from __future__ import annotations

from playbook.io.intake._timesheet import ENTRY, Timesheet
from playbook.tables import EVENTS

FORMATS = (
    Timesheet(
        "clockify",
        "Clockify detailed report",
        EVENTS,
        headers=("Project", "Description", "User", "Start Date", "Start Time", "End Date", "End Time", "Duration (h)"),
        persons=("User", "Email"),
        keeps=(*ENTRY, "Duration (decimal)"),
        texts=ENTRY,
        durations=("Duration (h)", "Duration (decimal)"),
    ),
)
