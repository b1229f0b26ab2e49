"""Old answers under a new rule: every task placed by both, and what changed in the rule between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from playbook.spectrum.placing import place
from playbook.tables import count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from playbook.spectrum.model import Model

TASK_COLUMNS: Mapping[str, str] = {
    "team": "str",
    "task_id": "str",
    "level_before": "Int64",
    "level_after": "Int64",
    "change": "Int64",
    "verdict": "str",
    "score_before": "float64",
    "score_after": "float64",
    "ready_before": "Int64",
    "ready_after": "Int64",
    "ceilings_before": "str",
    "ceilings_after": "str",
}
VERDICTS = ("same", "up", "down", "newly placed", "no longer placed", "not yet")
NOT_COMPARED = {"anchors", "source", "date", "reason", "title", "meaning", "lever", "concentration_reason", "unknown"}
"""Words that explain the rule: they may change without any answer changing."""
RULE_PARTS = {"factors": "name", "thresholds": "level", "ceilings": "id", "unrated": "factor", "functions": "name"}


@dataclass(frozen=True)
class Comparison:
    """Two versions of the rule on the same answers.

    `before` and `after` are the versions, `rule` the differences of the rule in words, `tasks` one row a task (under
    the tasks' index: team, task_id, level_before, level_after, change in levels, verdict (same, up, down, newly placed,
    no longer placed, not yet), score_before, score_after, ready_before, ready_after, ceilings_before,
    ceilings_after), `sums` one row a team (team, tasks, one column of tasks a verdict, ready_changed, mean_change in
    levels over the tasks both place).
    """

    before: str
    after: str
    rule: tuple[str, ...]
    tasks: pd.DataFrame
    sums: pd.DataFrame

    def findings(self) -> list[str]:
        """What the new version changes, in sentences: the rule, then the tasks of each team."""
        named = f"version {self.before} and version {self.after}"
        if self.rule and self.before == self.after:
            named = f"two rules that both call themselves version {self.before} (one should be renamed)"
        if not self.rule:
            return [f"Nothing that sets a level differs between {named}."]
        return [f"Between {named}: {'; '.join(self.rule)}.", *self._changed()]

    def _changed(self) -> Iterator[str]:
        for row in self.sums.to_dict("records"):
            lead = f"Team {row['team']}: " if len(self.sums) > 1 else ""
            parts = [f"{row[verdict]} {verdict}" for verdict in VERDICTS if row[verdict]]
            yield (
                f"{lead}{count(row['tasks'], 'task')} placed again: {', '.join(parts)}; for {row['ready_changed']} the level "
                f"that may be handed over now differs."
            )


def compare(tasks: pd.DataFrame, before: Model, after: Model) -> Comparison:
    """Place the same answers by two versions of the rule and report the difference, per task and in sum.

    Takes tasks as `place` does; nothing stored is changed. Raises TableError as `place` does.
    """
    old, new = place(tasks, before), place(tasks, after)
    change = new["target_level"] - old["target_level"]
    frame = pd.DataFrame(
        {
            "team": old["team"],
            "task_id": old["task_id"],
            "level_before": old["target_level"],
            "level_after": new["target_level"],
            "change": change,
            "verdict": _verdicts(old["target_level"], new["target_level"]),
            "score_before": old["score"],
            "score_after": new["score"],
            "ready_before": old["ready_level"],
            "ready_after": new["ready_level"],
            "ceilings_before": old["ceilings"],
            "ceilings_after": new["ceilings"],
        },
        index=tasks.index,
    ).astype(dict(TASK_COLUMNS))
    return Comparison(before.version, after.version, tuple(differences(before, after)), frame, _sums(frame))


def differences(before: Model, after: Model) -> list[str]:
    """What differs between two rules wherever it can change an answer, a phrase each: `ceilings stakes: value 4.5 -> 4`."""
    old, new = before.model_dump(), after.model_dump()
    said: list[str] = []
    for part, key in RULE_PARTS.items():
        was, now = ({row[key]: row for row in rule[part]} for rule in (old, new))
        said += [f"{part} {name}: removed" for name in was if name not in now]
        said += [f"{part} {name}: added" for name in now if name not in was]
        for name, row in was.items():
            said += _fields(f"{part} {name}", row, now.get(name, row))
    for part in ("evidence", "uncertainty"):
        said += _fields(part, old[part], new[part])
    return said


def _fields(where: str, was: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    for name, old in was.items():
        new = now[name]
        if name in NOT_COMPARED or old == new:
            continue
        if isinstance(old, dict):
            yield from _fields(f"{where} {name}", old, new)
        elif isinstance(old, tuple):
            yield f"{where}: other {name}"
        else:
            yield f"{where}: {name} {old} -> {new}"


def _verdicts(old: pd.Series[Any], new: pd.Series[Any]) -> list[str]:
    said = []
    for was, now in zip(old.tolist(), new.tolist(), strict=True):
        if pd.isna(was) or pd.isna(now):
            said.append("not yet" if pd.isna(was) and pd.isna(now) else "newly placed" if pd.isna(was) else VERDICTS[4])
        else:
            said.append("same" if was == now else "up" if now > was else "down")
    return said


def _sums(frame: pd.DataFrame) -> pd.DataFrame:
    rows = [
        {"team": team, "tasks": len(group)}
        | {verdict: int((group["verdict"] == verdict).sum()) for verdict in VERDICTS}
        | {
            "ready_changed": int((group["ready_before"].fillna(0) != group["ready_after"].fillna(0)).sum()),
            "mean_change": float(group["change"].mean()) if group["change"].notna().any() else np.nan,
        }
        for team, group in frame.groupby("team", sort=True)
    ]
    counts = ["tasks", *VERDICTS, "ready_changed"]
    types = {"team": "str"} | dict.fromkeys(counts, "Int64") | {"mean_change": "float64"}
    return pd.DataFrame(rows, columns=list(types)).astype(types)
