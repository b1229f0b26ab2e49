"""What several rooms ask of the shared tables: names as they are compared, and tasks with their levels and hours."""

from __future__ import annotations

import re

import pandas as pd

from playbook.tables.base import check
from playbook.tables.derived import PLACEMENTS
from playbook.tables.stored import TASKS

LEVELS = ["target_level", "ready_level", "level_low", "level_high"]
MINUTES_AN_HOUR = 60


def plain_name(name: str) -> str:
    """A role, workflow or function as it is compared, so that spellings of one name count together.

    Lower case, `&` as and, `e-mail` as email, `a/b` as ab, British as American spelling, other marks as spaces.
    """
    text = name.casefold().replace("&", " and ").replace("e-mail", "email").replace("a/b", "ab")
    text = re.sub(r"(?<=[a-z])is(e|ed|ing|ation)\b", r"iz\1", text)
    return " ".join(re.sub(r"[^\w]+", " ", text).split())


def inventory(tasks: pd.DataFrame, placements: pd.DataFrame) -> pd.DataFrame:
    """Each task (TASKS) with its placement's levels and `hours` a month; a task without a placement has no levels.

    hours = runs_per_month x minutes_per_run / 60, empty where runs or minutes are not known. Raises TableError for a
    bad table.
    """
    levels = check(PLACEMENTS, placements)[["team", "task_id", *LEVELS]]
    work = check(TASKS, tasks).merge(levels, on=["team", "task_id"], how="left")
    return work.assign(hours=work["runs_per_month"] * work["minutes_per_run"] / MINUTES_AN_HOUR)
