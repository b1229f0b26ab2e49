"""Asana's project export (CSV): one task a row.

A row becomes the event "Task created" on its day of creation and, once the task is completed, an event under the
task's name on the day of completion, by its assignee, begun on its start date where one is set. The case is the task's
id, the workflow its first project. An open task gives its creation only. Asana's days carry no time, so they are taken
as midnight. Notes, tags and custom fields are never kept. The spreadsheet variant has rows above the header, which are
passed over, and no column of projects.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from playbook.io.intake._export import Export, split_list
from playbook.io.intake._format import Claim, Options, Reading
from playbook.io.intake._record import Record
from playbook.io.intake._source import Source
from playbook.io.intake._tickets import created, finished, in_order
from playbook.tables import EVENTS

# Asana's help, "CSV export": a file holds at most this many tasks
MOST_TASKS = 2_000


@dataclass(frozen=True)
class Asana(Export):
    """A project's tasks; Asana stops a file at 2,000 of them."""

    def read(self, claim: Claim, source: Source, options: Options) -> Reading:
        """Read the tasks; a file as long as Asana lets it be is said to be perhaps cut off."""
        reading = super().read(claim, source, options)
        cut = (f"the file holds {MOST_TASKS} tasks, where Asana stops: there may be more",)
        return reading if reading.rows_read < MOST_TASKS else replace(reading, notes=(*reading.notes, *cut))

    def rows_of(self, record: Record, options: Options) -> Iterator[dict[str, Any]]:
        """The task's creation and, once it is completed, the work done."""
        # a name written with its last name first would be two projects
        projects = split_list(options.pseudonyms.scrub(record.get("Projects") or ""))
        told = {"case": record.identity("Task ID"), "workflow": projects[0] if projects else None}
        name, asked = record.needed("Name"), record.moment("Created At", options)
        done = record.moment("Completed At", options)
        in_order(asked, done, "Completed At", earlier="the task's creation")
        yield from created(told, asked)
        if done is not None:
            begun = record.moment("Start Date", options)
            person = record.get("Assignee") or record.get("Assignee Email")
            yield from finished(told, name, done, by=person, begun=begun)


FORMATS = (
    Asana(
        "asana",
        "Asana project export",
        EVENTS,
        headers=("Task ID", "Created At", "Completed At", "Name", "Section/Column", "Assignee"),
        persons=("Assignee", "Assignee Email"),
        keeps=("Start Date", "Projects"),
        drops=("Section/Column",),
        texts=("Task ID", "Name", "Projects"),
    ),
)
