"""ClickUp's task export (CSV): one task a row.

Where the file has a "Date Done" or "Date Closed" a row becomes "Task created" when the task was created and, once done,
an event under the task's name then, by its first assignee, begun on its start date where one is set. The plain export
has no such column; each of its tasks becomes one event under its name, dated by its creation, which the summary says.
The time spent becomes minutes, a task with a status that means given up becomes "Task dropped". The case is the task's
id, for a subtask its parent's: the steps of one piece of work then follow each other, and only the work as a whole is
said to be created. The workflow is the list. Contents, comments, checklists, tags and all other columns are never kept.

ClickUp writes times as epoch milliseconds, which no time zone or order of day and month can change; the `null` and `[]`
it writes are empty cells.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from playbook.io.intake._export import Export, split_list
from playbook.io.intake._format import Options
from playbook.io.intake._record import Bad, Record
from playbook.io.intake._rules import plain
from playbook.io.intake._tickets import DROPPED, LONGEST_NUMBER, created, finished, in_order, minutes_from
from playbook.tables import EVENTS

NOTHING = ("null", "[]", "{}")
MILLISECONDS = 60_000
# epoch milliseconds before 1980 or after 2100 are seconds, days or typing errors
EARLIEST, LATEST = 315_532_800_000, 4_102_444_800_000
DONE = ("Date Done", "Date Closed")


@dataclass(frozen=True)
class ClickUp(Export):
    """A list's, folder's or space's tasks."""

    def rows_of(self, record: Record, options: Options) -> Iterator[dict[str, Any]]:
        """The task's creation and the work done, or the one event the plain export allows."""
        told = {"workflow": _said(record, "List Name")}
        task, parent = record.identity("Task ID"), _said(record, "Parent ID")
        told["case"] = parent or task
        asked, done, begun = _epoch(record, "Date Created"), _first_epoch(record, DONE), _epoch(record, "Start Date")
        name = DROPPED if options.rules.says_dropped(_said(record, "Status")) else record.needed("Task Name")
        people = split_list(_said(record, "Assignees") or "")
        spent = minutes_from("Time Spent", _said(record, "Time Spent"), MILLISECONDS, "milliseconds")
        by = people[0] if people else None
        if asked is None:
            raise Bad("Date Created", "nothing", "the creation as epoch milliseconds")
        if not {plain(name) for name in DONE} & {plain(name) for name in record.header}:
            record.assume("are dated by the task's creation, as the export has no date of completion")
            yield from finished(told, name, asked, by=by, minutes=spent)
            return
        in_order(asked, done, "Date Done", earlier="the task's creation")
        yield from created(told, None if parent else asked)
        if done is not None:
            yield from finished(told, name, done, by=by, begun=begun, minutes=spent)


def _said(record: Record, header: str) -> str | None:
    text = record.get(header)
    return None if text is None or text.casefold() in NOTHING else text


def _first_epoch(record: Record, headers: tuple[str, ...]) -> dt.datetime | None:
    return next((when for header in headers if (when := _epoch(record, header)) is not None), None)


def _epoch(record: Record, header: str) -> dt.datetime | None:
    text = _said(record, header)
    if text is None:
        return None
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER else 0
    if not EARLIEST <= number <= LATEST:
        raise Bad(header, repr(text), "epoch milliseconds, as 1758611500000")
    return dt.datetime.fromtimestamp(number / 1000, dt.UTC)


FORMATS = (
    ClickUp(
        "clickup",
        "ClickUp task export",
        EVENTS,
        headers=("Task ID", "Task Name", "Status", "Date Created", "Assignees", "List Name"),
        persons=("Assignees",),
        keeps=("Parent ID", "Start Date", "Time Spent", *DONE),
        texts=("Task ID", "Task Name", "List Name", "Parent ID"),
    ),
)
