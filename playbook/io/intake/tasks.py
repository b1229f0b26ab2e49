"""The task sheet: a team's inventory of tasks as people fill it in."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from playbook.io.intake._format import Options
from playbook.io.intake._rules import Rules, plain
from playbook.io.intake._sheet import Spoilt, is_blank
from playbook.io.intake.sheets import SheetFormat
from playbook.tables import FACTORS, TASKS


@dataclass(frozen=True)
class TaskSheet(SheetFormat):
    """A sheet of tasks: ids may be missing, and a factor's cell may say that the factor does not apply."""

    def is_text(self, name: str) -> bool:
        """What factors do not apply is a list of their names and no place for other words."""
        return name != "not_applicable" and super().is_text(name)

    def words_of(self, name: str, rules: Rules) -> AbstractSet[str]:
        """The names of the factors too may stand in the list of those that do not apply."""
        return super().words_of(name, rules) | (factor_names(rules) if name == "not_applicable" else frozenset())

    def finish(self, row: dict[str, Any], options: Options) -> dict[str, Any]:
        """Move "n/a" from factor cells to the column of factors that do not apply, and derive a missing id."""
        done = {**row, **_not_applicable(row, options.rules)}
        texts = [done.get("workflow"), done.get("task")]
        if is_blank(done.get("task_id")) and all(isinstance(text, str) and text.strip() for text in texts):
            done["task_id"] = task_id(str(texts[0]), str(texts[1]))
        return done


def task_id(workflow: str, task: str) -> str:
    """An id made of the task's words, the same every time the same task of the same workflow is imported.

    Case and spacing do not change it: `draft-the-weekly-report-1f0c3a9b`.
    """
    same = "\x1f".join(" ".join(unicodedata.normalize("NFC", text).split()).casefold() for text in (workflow, task))
    words = re.sub(r"[^\w]+", "-", " ".join(task.split()).casefold()).strip("-")[:48].strip("-")
    digest = hashlib.blake2b(same.encode("utf-8", "replace"), digest_size=4).hexdigest()
    return f"{words or 'task'}-{digest}"


def factor_names(rules: Rules) -> frozenset[str]:
    """Every way to write the name of a factor, in plain form."""
    return frozenset(name for factor in FACTORS for name in rules.names_of("tasks", factor))


def _not_applicable(row: dict[str, Any], rules: Rules) -> dict[str, Any]:
    said = row.get("not_applicable")
    if isinstance(said, Spoilt):
        return {}
    by_name = {name: factor for factor in FACTORS for name in rules.names_of("tasks", factor)}
    named = [plain(word) for word in re.split(r"[,;\n]", str(said or "")) if word.strip()]
    strange = [word for word in named if word not in by_name]
    if strange:
        return {"not_applicable": Spoilt(repr(said), "names of factors, separated by commas: " + ", ".join(FACTORS))}
    empty = [factor for factor in FACTORS if rules.says_not_applicable(row.get(factor))]
    factors = {by_name[word] for word in named} | set(empty)
    listed = ", ".join(factor for factor in FACTORS if factor in factors)
    return {**dict.fromkeys(empty), **({"not_applicable": listed or None} if factors or said else {})}


FORMATS = (TaskSheet("tasks", "task sheet", TASKS, ("task", "workflow")),)
