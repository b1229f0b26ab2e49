"""What people decided where they do not follow the rule: shown beside the rule's answer, never instead of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.spectrum.model import PEOPLE_DECIDE_UP_TO
from playbook.tables import OVERRULINGS, PLACEMENTS, check, count

if TYPE_CHECKING:
    from collections.abc import Mapping

DECIDED_COLUMNS: Mapping[str, str] = {
    "team": "str",
    "task_id": "str",
    "rule_level": "Int64",
    "rule_ready": "Int64",
    "decision": "str",
    "decided_level": "Int64",
    "reason": "str",
    "decided_by": "str",
    "day": "datetime64[us]",
    "model": "str",
    "valid": "boolean",
    "says": "str",
}


def decided(placements: pd.DataFrame, overrulings: pd.DataFrame, version: str = "") -> pd.DataFrame:
    """Each task's level by the rule and, beside it, what people decided: one row a task, then overrulings of no task.

    Takes PLACEMENTS, OVERRULINGS and the rule's version in force. Columns: team, task_id, rule_level and rule_ready (the
    rule's own answer, always), decision ("follows the rule", or the overruling's: level, keep human, not yet),
    decided_level (empty unless a level was decided), reason, decided_by (a role), day, model (version overruled), valid
    (false for an overruling that cannot count: a level without a level, or a task that is not there), says (the whole
    in a sentence). Rows of tasks are in the order and under the index of `placements`. Raises TableError for a bad table.
    """
    made = check(OVERRULINGS, overrulings)
    keys = list(zip(placements["team"], placements["task_id"], strict=True))
    by_key = {(row["team"], row["task_id"]): row for row in made.to_dict("records")}
    rows = [
        _row(key, level, ready, by_key.get(key), version)
        for key, level, ready in zip(keys, placements["target_level"], placements["ready_level"], strict=True)
    ]
    known = set(keys)
    rows += [_unknown(row) for key, row in sorted(by_key.items()) if key not in known]
    types = {name: kind for name, kind in DECIDED_COLUMNS.items() if name != "day"}
    frame = pd.DataFrame(rows, columns=list(DECIDED_COLUMNS)).astype(types)
    frame["day"] = pd.to_datetime(frame["day"]).astype("datetime64[us]")
    if len(frame) == len(placements):
        frame.index = placements.index
    return frame


def as_decided(placements: pd.DataFrame, overrulings: pd.DataFrame) -> pd.DataFrame:
    """PLACEMENTS as people decided them, for what follows from a level; the rule's answer stays in `reasons`.

    Takes PLACEMENTS and OVERRULINGS. A decided level becomes target and ready level; keep human caps both at level 2,
    where people decide; not yet empties both. The range is widened to hold the decided level. Overrulings that cannot
    count (`valid` is false in `decided`) change nothing. Takes longer with the decisions, hardly with the tasks. Raises
    TableError for a bad table.
    """
    # 1. the tasks somebody decided on: few of many
    made = check(OVERRULINGS, overrulings)
    keys = set(zip(made["team"], made["task_id"], strict=True))
    tasks = zip(placements["team"], placements["task_id"], strict=True)
    theirs = pd.Series([task in keys for task in tasks], placements.index, dtype=bool)
    few = placements[theirs]
    # 2. their cells after the decision
    verdicts = decided(few, made).iloc[: len(few)].to_dict("records")
    both = zip(few.to_dict("records"), verdicts, strict=True)
    rows = [_moved(cells, verdict) if verdict["valid"] else cells for cells, verdict in both]
    # 3. the others as they were
    moved = check(PLACEMENTS, pd.DataFrame(rows, columns=few.columns)).set_axis(few.index)
    return pd.concat([placements[~theirs], moved]).loc[placements.index]


def _moved(cells: dict[Any, Any], row: dict[Any, Any]) -> dict[Any, Any]:
    """The cells of a placement after people decided on it."""
    for column in ("target_level", "ready_level"):
        was = cells[column]
        cells[column] = {
            "level": row["decided_level"],
            "not yet": pd.NA,
            "keep human": was if pd.isna(was) else min(was, PEOPLE_DECIDE_UP_TO),
        }[row["decision"]]
    target = cells["target_level"]
    if not pd.isna(target):
        cells["level_low"] = min(target, _or(cells["level_low"], target))
        cells["level_high"] = max(target, _or(cells["level_high"], target))
    return cells | {"reasons": f"{row['says']} {cells['reasons']}"[:4000]}


def decided_findings(rows: pd.DataFrame) -> list[str]:
    """What people decided, in sentences; takes the frame of `decided`. Overrulings that cannot count are said each."""
    made = rows[rows["decision"] != FOLLOWS]
    if made.empty:
        return ["Nobody has overruled the rule."]
    valid = made[made["valid"]]
    said: list[str] = []
    if len(valid):
        kinds = [f"{int(n)} {kind}" for kind, n in valid["decision"].value_counts().sort_index().items()]
        said.append(
            f"People decided otherwise than the rule for {count(len(valid), 'task')}, each with a written reason: "
            f"{', '.join(kinds)}."
        )
    return said + made.loc[~made["valid"], "says"].tolist()


FOLLOWS = "follows the rule"


def _row(key: tuple[str, str], level: Any, ready: Any, made: dict[Any, Any] | None, version: str) -> dict[str, Any]:
    base = {"team": key[0], "task_id": key[1], "rule_level": level, "rule_ready": ready}
    rule = "the rule gives no level yet" if pd.isna(level) else f"the rule gives level {level}"
    if made is None:
        return base | {
            "decision": FOLLOWS,
            "decided_level": pd.NA,
            "valid": True,
            "says": f"{rule[0].upper()}{rule[1:]}.",
        }
    valid = made["decision"] != "level" or not pd.isna(made["level"])
    who = f"{made['decided_by']} decided on {made['day']:%Y-%m-%d}"
    chosen = f"level {made['level']}" if made["decision"] == "level" else made["decision"]
    says = f"{who}: {chosen}; {rule}. Reason: {made['reason'].rstrip('.')}."
    if not valid:
        says = f"{who} on a level for task {key[1]!r} but no level was written down, so {rule} and that stands: add the level."
    elif made["decision"] == "level" and not pd.isna(level) and made["level"] == level:
        says += " The rule now agrees."
    if version and not pd.isna(made["model"]) and made["model"] != version:
        says += f" Version {made['model']} of the rule was overruled; version {version} is in force: look at it again."
    return base | _copied(made) | {"valid": valid, "says": says}


def _unknown(made: dict[Any, Any]) -> dict[str, Any]:
    says = (
        f"{made['decided_by']} overruled the rule for task {made['task_id']!r} of team {made['team']!r}, but no such task "
        f"is in the inventory: remove the overruling or bring the task back."
    )
    base = {"team": made["team"], "task_id": made["task_id"], "rule_level": pd.NA, "rule_ready": pd.NA}
    return base | _copied(made) | {"valid": False, "says": says}


def _copied(made: dict[Any, Any]) -> dict[str, Any]:
    level = made["level"] if made["decision"] == "level" else pd.NA
    same = {name: made[name] for name in ("decision", "reason", "decided_by", "day", "model")}
    return same | {"decided_level": level}


def _or(level: Any, other: Any) -> Any:
    return other if pd.isna(level) else level
