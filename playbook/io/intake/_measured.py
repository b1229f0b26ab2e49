"""An imported event log becomes tasks of the inventory, with measured frequency and times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from playbook.io import content
from playbook.workflows import discover

if TYPE_CHECKING:
    from pathlib import Path

    from playbook.io.workspace import Change

MEASURED = ["runs_per_month", "minutes_per_run"]


def measure_tasks(change: Change, team: str, overrides: Path | None = None) -> str:
    """Put a task for each activity of the team's events into the inventory; say in words how many.

    What people wrote is theirs: a task they rated, renamed or moved to another workflow keeps all of it, and only the
    frequency and minutes of a task that was measured before are measured anew. A task with a person's estimate is left
    as it is. The keyword table (the client's own copy under
    `overrides` first) suggests function and layer of a new task.
    """
    found = discover(change.read("events", team), keywords=content.load("keywords", overrides)).tasks
    if found.empty:
        return "no task came out of the log"
    known = change.read("tasks", team)
    new = found[~found["task_id"].isin(known["task_id"])]
    before = known[known["task_id"].isin(found["task_id"]) & (known["basis"] == "measured")].set_index("task_id")
    measured = found.set_index("task_id").loc[before.index, MEASURED]
    before[MEASURED] = measured.where(measured.notna(), before[MEASURED])
    change.put("tasks", pd.concat([new, before.reset_index()[list(new.columns)]], ignore_index=True))
    again = f", {len(before)} measured again" if len(before) else ""
    return f"{len(new)} {'task' if len(new) == 1 else 'tasks'} measured from the log{again}"
