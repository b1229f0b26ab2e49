"""Jira's issue export (CSV): one issue a row.

A row becomes the event "Task created" when the issue was created, by its reporter, and, once it is resolved, an event
under the issue's summary when it was resolved, by its assignee, with the time spent on it in minutes (Jira writes
seconds). An issue resolved as given up ("Won't Do") becomes "Task dropped" instead. The case is the issue's key, the
workflow its project. Descriptions, comments, work logs, custom fields and all other columns are never kept.

Jira repeats a header for each value (`Labels`, `Labels`, `Components`): the columns are read together. It writes dates
in the exporting person's own order: 12/Mar/24 says itself what it means, 6/3/2025 only by --dayfirst or --monthfirst.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from playbook.io.intake._export import Export
from playbook.io.intake._format import Options
from playbook.io.intake._record import Record
from playbook.io.intake._tickets import DROPPED, created, finished, in_order, minutes_from
from playbook.tables import EVENTS

# Jira's short years; a year of two digits is only read where day and month cannot be mistaken for it
SHORT_YEAR = re.compile(r"^(\d{1,2}/(?:[A-Za-z]{3}|\d{1,2})/)(\d\d)(,? .*|$)")
SECONDS = 60


@dataclass(frozen=True)
class Jira(Export):
    """Issues, newer and older exports alike; only the columns both have are asked for."""

    def rows_of(self, record: Record, options: Options) -> Iterator[dict[str, Any]]:
        """The issue's creation and, once it is resolved, the work done or that it was given up."""
        told = {"case": record.needed("Issue key"), "workflow": record.get("Project name") or record.get("Project key")}
        name, asked = record.needed("Summary"), self._moment(record, "Created", options)
        done = self._moment(record, "Resolved", options)
        spent = minutes_from("Time Spent", record.get("Time Spent"), SECONDS, "seconds")
        in_order(asked, done, "Resolved", earlier="the issue's creation")
        yield from created(told, asked, by=record.get("Reporter") or record.get("Creator"))
        if done is not None:
            given_up = options.rules.says_dropped(record.get("Resolution"))
            person = record.get("Assignee")
            yield from finished(told, DROPPED if given_up else name, done, by=person, minutes=spent)

    def _moment(self, record: Record, header: str, options: Options) -> dt.datetime | None:
        text = record.get(header)
        return None if text is None else record.moment_of(header, SHORT_YEAR.sub(r"\g<1>20\2\3", text), options)


FORMATS = (
    Jira(
        "jira",
        "Jira issue export",
        EVENTS,
        headers=("Summary", "Issue key", "Issue Type", "Status", "Created"),
        persons=("Assignee", "Reporter", "Creator", "Watchers", "Project lead"),
        keeps=("Project name", "Project key", "Resolution", "Resolved", "Time Spent"),
        drops=("Issue Type", "Status", "Watchers", "Project lead"),
        texts=("Summary", "Issue key", "Project name", "Project key"),
    ),
)
