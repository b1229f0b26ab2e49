"""What the spectrum board shows of each task, as plain data a browser reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook import spectrum

if TYPE_CHECKING:
    from collections.abc import Iterable

    from playbook.spectrum import Model

COLOURS = 8  # the classes pbb-f0 to pbb-f7 in board.css
TRAY = 0  # the column of cards that have no level

Card = dict[str, Any]


def levels(model: Model) -> list[Card]:
    """The five columns: number, name, who decides and how work is reviewed there."""
    columns = ["level", "name", "meaning", "decides", "review"]
    rows = spectrum.level_table(model)[columns].to_dict("records")
    return [{str(name): _plain(value) for name, value in row.items()} for row in rows]


def cards(tasks: pd.DataFrame, placements: pd.DataFrame) -> list[Card]:
    """One card a task: what it is and what the rule says of it, whatever people decided.

    `rule` and `ready` are the target and ready level by the rule (None: not yet), `hours` people's hours a month (None:
    frequency or minutes are not known), `now` the level the task is worked at today.
    """
    hours = tasks["runs_per_month"] * tasks["minutes_per_run"] / 60
    columns = {
        "id": tasks["task_id"],
        "task": tasks["task"],
        "workflow": tasks["workflow"],
        "function": tasks["function"],
        "role": tasks["role"],
        "now": tasks["current_level"],
        "hours": hours.round(2),
        "rule": placements["target_level"].set_axis(tasks.index),
        "ready": placements["ready_level"].set_axis(tasks.index),
        "reasons": placements["reasons"].set_axis(tasks.index),
    }
    cells = {name: [_plain(value) for value in values.tolist()] for name, values in columns.items()}
    return [dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)]


def decisions(
    placements: pd.DataFrame, decided: pd.DataFrame, overrulings: pd.DataFrame, version: str
) -> dict[str, Card]:
    """What people decided, by task: the stored row, the column its card lies in, a sentence, and its revision.

    `placements` are the rule's, `decided` the same as people decided; `overrulings` carry the column `revision`. Tasks
    that follow the rule are left out.
    """
    revisions = dict(zip(overrulings["task_id"], overrulings["revision"], strict=True))
    touched = placements["task_id"].isin(set(revisions))
    verdicts = spectrum.decided(placements[touched], overrulings.drop(columns=["revision"]), version)
    columns = decided.loc[touched.to_numpy(), "target_level"]
    found: dict[str, Card] = {}
    for row, column in zip(verdicts.to_dict("records"), columns, strict=False):
        found[row["task_id"]] = {
            "decision": row["decision"],
            "level": _plain(row["decided_level"]),
            "reason": row["reason"],
            "by": row["decided_by"],
            "day": f"{row['day']:%Y-%m-%d}",
            "model": _plain(row["model"]),
            "column": TRAY if pd.isna(column) else int(column),
            "valid": bool(row["valid"]),
            "says": row["says"],
            "revision": int(revisions[row["task_id"]]),
        }
    return found


def functions(names: Iterable[str | None]) -> list[Card]:
    """Each marketing function with the colour class and the two letters that stand for it on a card."""
    known = sorted({name for name in names if name})
    taken: set[str] = set()
    return [{"name": name, "colour": at % COLOURS, "letters": _letters(name, taken)} for at, name in enumerate(known)]


def _letters(name: str, taken: set[str]) -> str:
    """Two letters not used yet: of the first two words, else the first with a later one."""
    words = name.replace("-", " ").split()
    choices = [words[0][0] + words[1][0]] if len(words) > 1 else []
    choices += [words[0][0] + letter for letter in "".join(words)[1:] if letter.isalnum()] or [words[0][:1]]
    letters = next((text for text in choices if text.upper() not in taken), choices[0]).upper()
    taken.add(letters)
    return letters


def _plain(value: Any) -> Any:
    return None if pd.isna(value) else value
