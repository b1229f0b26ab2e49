"""What several rooms ask of the shared tables: names as compared, tasks with levels and hours, numbers in sentences."""

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


def percent(share: float) -> str:
    """A share of 1 in a sentence: `74 %`, whole unless it is close to none or all (`0.4 %`, `99.6 %`)."""
    hundred = 100 * float(share)
    near = 0 < abs(hundred) < 1 or 99 < hundred < 100
    return f"{hundred:.{1 if near else 0}f} %"


def count(number: float, one: str, many: str = "") -> str:
    """A number with its noun in a sentence: `1 task`, `1,200 tasks`; `many` where an s does not make the plural."""
    shown = f"{number:,.0f}"
    return f"{shown} {one if shown == '1' else many or one + 's'}"
