"""The rules of pods as data: seats, separation, spans of control, outcomes and decision rights."""

from __future__ import annotations

from functools import cached_property
from typing import Literal, get_args

import pandas as pd
from pydantic import Field, model_validator

from playbook.tables import Authored, Sourced, plain_name

SeatName = Literal["workflow owner", "AI operator", "domain expert", "automation engineer", "auditor"]
Holder = Literal["owner_role", "deputy_role", "auditor_role", "AI operator", "automation engineer"]


class Seat(Authored):
    """A seat of a pod: its duties, the side it is on, and whether a pod needs it filled to count as formed."""

    seat: SeatName
    side: Literal["owner", "operator", "expert", "builder", "auditor"]
    duties: list[str] = Field(min_length=1)
    needed_to_form: bool


class Separation(Sourced):
    """Two seats of one workflow that the same role must not hold, why, and what to do when it does."""

    seats: tuple[SeatName, SeatName]
    why: str
    do: str


class KeptApart(Sourced):
    """Two holders of one agent playbook that must be different roles; a seat is looked up by the workflow."""

    holders: tuple[Holder, Holder]
    why: str
    do: str


class Span(Sourced):
    """A span of control from `low` to `high`, in `unit`."""

    low: float = Field(gt=0)
    high: float = Field(gt=0)
    unit: str


class Number(Sourced):
    """One number with its unit."""

    value: float = Field(gt=0)
    unit: str


class Spans(Authored):
    """How much an operator and a manager oversee, and how hours become people's output equivalent."""

    operator: Span
    manager: Span
    hours_a_person: Number
    from_level: Number
    leadership: str


class Outcome(Sourced):
    """A business outcome that a pod owns, and the functions whose work serves it."""

    pod: str = Field(max_length=120)
    outcome: str
    functions: list[str] = Field(min_length=1)


class Right(Sourced):
    """A kind of decision: people own it, agents do it, or agents explore inside a boundary people set (hybrid)."""

    id: str
    decision: str
    kind: Literal["people", "AI", "hybrid"]
    people_own: str
    ai_does: str
    boundary: str
    seat: SeatName


class Reference(Sourced):
    """Where a list as a whole comes from."""


class PodRules(Authored):
    """Everything a client may change about pods: seats, separation, spans, outcomes and decision rights."""

    why: str
    seats: list[Seat]
    seats_source: Reference
    separation: list[Separation]
    playbook_separation: list[KeptApart]
    spans: Spans
    no_outcome: str
    outcomes: list[Outcome] = Field(min_length=1)
    decision_rights: list[Right] = Field(min_length=1)

    @model_validator(mode="after")
    def _holds_together(self) -> PodRules:
        missing = set(get_args(SeatName)) - {seat.seat for seat in self.seats}
        faults = [f"the seat {seat} is missing under seats" for seat in sorted(missing)]
        seen: dict[str, str] = {}
        for outcome in self.outcomes:
            for function in outcome.functions:
                pod = seen.setdefault(plain_name(function), outcome.pod)
                if pod != outcome.pod:
                    faults.append(f"the function {function} is under {pod} and under {outcome.pod}; keep it in one")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @cached_property
    def _by_function(self) -> dict[str, str]:
        return {plain_name(function): item.pod for item in self.outcomes for function in item.functions}

    @cached_property
    def outcome_of(self) -> dict[str, str]:
        """The outcome each pod owns, by the pod's name."""
        return {item.pod: item.outcome for item in self.outcomes}

    def pod_of(self, function: str) -> str | None:
        """The pod a marketing function's work belongs to, None when no outcome lists it."""
        return self._by_function.get(plain_name(function))


def decision_rights(rules: PodRules) -> pd.DataFrame:
    """The matrix of decision rights: decision, kind (people, AI, hybrid), people_own, ai_does, boundary, seat, source."""
    columns = ["decision", "kind", "people_own", "ai_does", "boundary", "seat", "source"]
    return pd.DataFrame([right.model_dump() for right in rules.decision_rights], columns=columns).astype("str")
