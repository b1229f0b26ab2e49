"""Sheets in which several people rate and overrule: a row a seat's rating of a factor, a row a decision on a level."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from playbook.io.intake._format import Options
from playbook.io.intake._rules import Rules, plain
from playbook.io.intake._sheet import Spoilt, is_blank
from playbook.io.intake.sheets import SheetFormat
from playbook.io.intake.tasks import factor_names
from playbook.tables import FACTORS, OVERRULINGS, RATINGS

LEVEL = "level"
YES = ("true", "yes", "y", "t", "on", "1", "1.0")


@dataclass(frozen=True)
class RatingSheet(SheetFormat):
    """Ratings by seat: a factor may be written in plain words, and a value may say that the factor does not apply."""

    def words_of(self, name: str, rules: Rules) -> AbstractSet[str]:
        """A factor's name in plain words too."""
        return super().words_of(name, rules) | (factor_names(rules) if name == "factor" else frozenset())

    def finish(self, row: dict[str, Any], options: Options) -> dict[str, Any]:
        """Name the factor as the tables do, and move "n/a" from the value to the column it belongs to."""
        by_name = {name: factor for factor in FACTORS for name in options.rules.names_of("tasks", factor)}
        said = row.get("factor")
        done = {**row, "factor": by_name.get(plain(said), said)} if isinstance(said, str) else dict(row)
        value, out = done.get("value"), str(done.get("not_applicable")).strip().casefold() in YES
        if options.rules.says_not_applicable(value):
            done |= {"value": None, "not_applicable": True}
        elif out and not is_blank(value):
            done["value"] = Spoilt(repr(value), "nothing where the factor does not apply")
        return done


@dataclass(frozen=True)
class OverrulingSheet(SheetFormat):
    """Decisions against the rule: a level stands in the row exactly when a level was decided."""

    def finish(self, row: dict[str, Any], options: Options) -> dict[str, Any]:  # noqa: ARG002 - the base's arguments
        """Refuse a level that is missing, and one that stands beside another decision."""
        said, level = str(row.get("decision") or "").strip().casefold(), row.get("level")
        if said == LEVEL and is_blank(level):
            return {**row, "level": Spoilt("nothing", f"one of 1, 2, 3, 4, 5, as the decision is {LEVEL!r}")}
        if said in ("keep human", "not yet") and not is_blank(level) and not isinstance(level, Spoilt):
            return {**row, "level": Spoilt(repr(level), f"nothing, as the decision is {said!r}")}
        return row


FORMATS = (
    RatingSheet("ratings", "sheet of ratings by seat", RATINGS, ("task_id", "factor", "round", "seat")),
    OverrulingSheet(
        "overrulings",
        "sheet of overruled levels",
        OVERRULINGS,
        ("task_id", "decision", "reason", "decided_by", "day"),
    ),
)
