"""The outline of an agent playbook: its sections filled from the tables as far as they go, and triggers to start from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
from pydantic import Field, model_validator

from playbook import tables
from playbook.tables import Authored, Sourced

PEOPLE = ("owner_role", "deputy_role", "auditor_role")


class Section(Authored):
    """A section of the document: what people write in it, and which known facts it opens with."""

    id: str
    title: str
    asks: str
    shows: Literal[
        "purpose", "level", "inputs", "steps", "people_keep", "audit", "triggers", "people", "review", "nothing"
    ]


class Review(Authored):
    """How often people look at work at one level."""

    level: Literal[1, 2, 3, 4, 5]
    every: str
    who: str
    what: str


class Share(Sourced):
    """A share between 0 and 1, with what it is a share of."""

    value: float = Field(gt=0, lt=1)
    unit: str


class AuditRule(Authored):
    """What the audit sample must be able to see: this defect rate, with this confidence."""

    defect_rate: Share
    confidence: Share


class Metric(Authored):
    """A quantity a trigger may compare, with its unit."""

    metric: str
    unit: str
    meaning: str


class Trigger(Authored):
    """When the agent hands back: `metric operator value unit`, and why."""

    metric: str
    operator: Literal["<", "<=", ">", ">="]
    value: float
    unit: str
    reason: str


class Kind(Authored):
    """A kind of workflow, known by its functions or else by a word in its name, and the triggers it starts from."""

    kind: str
    functions: list[str]
    words: list[str]
    triggers: list[Trigger] = Field(min_length=1)


class Item(Authored):
    """An item of the weekly review's agenda, in minutes."""

    id: str
    minutes: int = Field(gt=0)
    title: str
    asks: str
    shows: Literal["playbooks", "audits", "risks", "keys", "nothing"]


class Reference(Sourced):
    """Where a list as a whole comes from."""


class PlaybookOutline(Authored):
    """Everything a client may change about agent playbooks: sections, triggers, reviews, audit, the weekly agenda."""

    sections: list[Section] = Field(min_length=1)
    sections_source: Reference
    reviews: list[Review]
    reviews_source: Reference
    audit: AuditRule
    metrics: list[Metric]
    always: list[Trigger] = Field(min_length=1)
    kinds: list[Kind]
    triggers_source: Reference
    agenda: list[Item] = Field(min_length=1)
    agenda_source: Reference

    @model_validator(mode="after")
    def _holds_together(self) -> PlaybookOutline:
        units = {metric.metric: metric.unit for metric in self.metrics}
        faults = [
            f"trigger {trigger.metric} {trigger.operator} {trigger.value:g} {trigger.unit}: "
            + (f"the metric's unit is {units[trigger.metric]}" if trigger.metric in units else "no such metric")
            for trigger in [*self.always, *(trigger for kind in self.kinds for trigger in kind.triggers)]
            if units.get(trigger.metric) != trigger.unit
        ]
        missing = {1, 2, 3, 4, 5} - {review.level for review in self.reviews}
        faults += [f"no review is written for level {level}" for level in sorted(missing)]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def review_of(self, level: int) -> Review:
        """How often people look at work at this level."""
        return next(review for review in self.reviews if review.level == level)

    def triggers_for(self, workflow: str, functions: list[str]) -> list[Trigger]:
        """The triggers a workflow starts from: its kind's own, then those for every agent."""
        served, words = (
            {tables.plain_name(function) for function in functions},
            set(tables.plain_name(workflow).split()),
        )
        by_function = [
            kind for kind in self.kinds if served & {tables.plain_name(function) for function in kind.functions}
        ]
        by_word = [kind for kind in self.kinds if words & set(kind.words)]
        own = [trigger for kind in (by_function or by_word) for trigger in kind.triggers]
        return list({trigger.metric: trigger for trigger in [*self.always, *own]}.values())


@dataclass(frozen=True)
class _Facts:
    """What the tables know of one workflow; `level` is None while nothing may be handed over or nothing is known."""

    workflow: str
    level: int | None
    part: pd.DataFrame
    holders: dict[Any, Any]
    triggers: list[Trigger]
    outline: PlaybookOutline


def playbook_outlines(
    shortlist: pd.DataFrame,
    tasks: pd.DataFrame,
    placements: pd.DataFrame,
    registered: pd.DataFrame,
    outline: PlaybookOutline,
) -> pd.DataFrame:
    """The outline of a playbook for every proposed pilot and every registered playbook that is not retired.

    One row a section and trigger. Columns: team, workflow, level, part (`section`, `trigger`), item, title, known (what
    the tables already say), asks (what people write), metric, operator, value, unit, reason. The level is the
    registered one, else the ready level of the shortlist rounded down: never more than may be handed over now.
    """
    work = tables.inventory(tasks, placements)
    rows = [
        {"team": team, "workflow": facts.workflow, "level": facts.level} | row
        for team, facts in _wanted(tables.check(tables.SHORTLIST, shortlist), work, registered, outline)
        for row in _rows(facts)
    ]
    return pd.DataFrame(rows, columns=list(TYPES)).astype(TYPES)


def _wanted(
    shortlist: pd.DataFrame, work: pd.DataFrame, registered: pd.DataFrame, outline: PlaybookOutline
) -> Iterator[tuple[str, _Facts]]:
    register = tables.check(tables.AGENT_PLAYBOOKS, registered).astype(object)
    register = register[register["status"].ne("retired")]
    wanted: dict[tuple[str, str], dict[Any, Any]] = {
        (row["team"], tables.plain_name(row["workflow"])): {
            "workflow": row["workflow"],
            "level": None if pd.isna(row["ready_level"]) else math.floor(row["ready_level"]),
        }
        for row in shortlist[shortlist["chosen"]].to_dict(orient="records")
    }
    for row in register.where(register.notna(), None).to_dict(orient="records"):
        wanted[row["team"], tables.plain_name(row["workflow"])] = row
    for (team, key), row in sorted(wanted.items()):
        part = work[work["team"].eq(team) & work["workflow"].map(tables.plain_name).eq(key)]
        triggers = outline.triggers_for(row["workflow"], part["function"].dropna().unique().tolist())
        yield team, _Facts(row["workflow"], row["level"], part, row, triggers, outline)


def _rows(facts: _Facts) -> Iterator[dict[str, Any]]:
    for section in facts.outline.sections:
        known = KNOWN[section.shows](facts)
        yield {"part": "section", "item": section.id, "title": section.title, "known": known, "asks": section.asks}
    for trigger in facts.triggers:
        title = f"{trigger.metric} {trigger.operator} {trigger.value:g} {trigger.unit}"
        yield {"part": "trigger", "item": trigger.metric, "title": title, **trigger.model_dump()}


def _purpose(facts: _Facts) -> str:
    functions = ", ".join(facts.part["function"].dropna().unique())
    return f"The workflow serves {functions}." if functions else "No function is written down for its tasks yet."


def _level(facts: _Facts) -> str:
    return (
        "Not yet: no level is known that may be handed over." if facts.level is None else f"Level {facts.level} of 5."
    )


def _inputs(facts: _Facts) -> str:
    return _listed(facts.part[facts.part["layer"].eq("input")]) or "No task of the input layer is in the inventory yet."


def _steps(facts: _Facts) -> str:
    ready = facts.part[facts.part["ready_level"].ge(3).fillna(value=False)]
    return _listed(ready) or "No step is ready for level 3 or higher yet."


def _people_keep(facts: _Facts) -> str:
    kept = facts.part[~facts.part["ready_level"].ge(3).fillna(value=False)]
    return _listed(kept) or "Every step of the inventory is ready for level 3 or higher; people keep the review."


def _listed(part: pd.DataFrame) -> str:
    levels = part["ready_level"].astype(object).where(part["ready_level"].notna(), "not known")
    return "; ".join(f"{task} (ready level {level})" for task, level in zip(part["task"], levels, strict=True))


def _audit(facts: _Facts) -> str:
    rates = facts.outline.audit
    return (
        f"The weekly sample is sized to show a {tables.percent(rates.defect_rate.value)} defect rate with "
        f"{tables.percent(rates.confidence.value)} confidence."
    )


def _triggers(facts: _Facts) -> str:
    return "; ".join(f"{item.metric} {item.operator} {item.value:g} {item.unit}" for item in facts.triggers)


def _people(facts: _Facts) -> str:
    return "; ".join(f"{name.removesuffix('_role')}: {facts.holders.get(name) or 'open'}" for name in PEOPLE)


def _review(facts: _Facts) -> str:
    if facts.level is None:
        return "Not yet: the rhythm follows from the level."
    review = facts.outline.review_of(facts.level)
    return f"{review.every}, by {review.who}: {review.what}."


KNOWN: dict[str, Callable[[_Facts], str]] = {
    "purpose": _purpose,
    "level": _level,
    "inputs": _inputs,
    "steps": _steps,
    "people_keep": _people_keep,
    "audit": _audit,
    "triggers": _triggers,
    "people": _people,
    "review": _review,
    "nothing": lambda _: "",
}
_TEXT = ("team", "workflow", "part", "item", "title", "known", "asks", "metric", "operator", "unit", "reason")
_ORDER = (
    "team",
    "workflow",
    "level",
    "part",
    "item",
    "title",
    "known",
    "asks",
    "metric",
    "operator",
    "value",
    "unit",
    "reason",
)
TYPES = {name: "str" if name in _TEXT else {"level": "Int64", "value": "float64"}[name] for name in _ORDER}
