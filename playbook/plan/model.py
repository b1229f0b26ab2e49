"""The plan as people write it: phases, activities and the conditions of the gates."""

from __future__ import annotations

import difflib
import itertools
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator, model_validator

from playbook.errors import ParameterError
from playbook.tables import Authored, Sourced

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

GATE_MEASURES: tuple[str, ...] = (
    *("tasks_mapped", "workflows_mapped", "share_with_current_level", "share_with_volume", "pilots_shortlisted"),
    *("stuck_at_two_share", "hours_at_stake", "hours_at_level_3_plus_share", "share_of_tasks_placed", "rated_coverage"),
    *("pilots_running", "pilots_measured", "pilots_time_saved", "pilots_quality_kept", "pilots_breakages_recorded"),
    *("roles_mapped_share", "role_proposals_decided_share", "role_proposals_accountable_share"),
    *("pods_formed", "pod_seats_filled_share", "separation_faults"),
    *("playbooks_written_share", "playbooks_with_deputy_share", "risks_rated_share", "risk_controls_in_place_share"),
    *("reviews_held_last_4_weeks", "maturity_answered_share", "maturity_stage"),
    *("kpi_baselines_share", "share_of_hours_on_human_work", "budget_lines_known"),
    *("activities_done_share_phase_1", "activities_done_share_phase_2", "activities_done_share_phase_3"),
)


class Activity(Sourced):
    """Something a team does in the ninety days: when, what comes out, who owns it and which notebook helps.

    `start_day` and `end_day` count calendar days from day 1; `depends_on` names activities that must have ended
    before. `notebook` is a path inside the notebooks folder.
    """

    id: str = Field(pattern=r"^[a-z0-9_]+$", max_length=80)
    phase: Literal[1, 2, 3]
    title: str = Field(min_length=3)
    start_day: int = Field(ge=1)
    end_day: int = Field(ge=1)
    deliverable: str = Field(min_length=3)
    owner_role: str = Field(min_length=2)
    notebook: str = Field(pattern=r"^[\w./-]+\.ipynb$")
    depends_on: tuple[str, ...] = ()


class Condition(Sourced):
    """One condition of a gate: a measure, what is wanted of it and in which unit, why, and what to do about it.

    `operator` is `at least`, `at most` or `is known`; the last asks for a figure and accepts any, and has no `value`.
    `of` names another measure of the team to compare with instead of a fixed `value`: as many pilots as were proposed.
    A `unit` of `share` runs from 0 to 1 and is shown in percent.
    """

    id: str = Field(pattern=r"^[a-z0-9_]+$", max_length=80)
    text: str = Field(min_length=3, max_length=500)
    measure: str
    operator: Literal["at least", "at most", "is known"]
    value: float | None = None
    of: str | None = None
    unit: str = Field(min_length=1, max_length=40)
    why: str = Field(min_length=3)
    do: str = Field(min_length=3, max_length=300)

    @field_validator("measure", "of")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        if name is not None and name not in GATE_MEASURES:
            near = difflib.get_close_matches(name, GATE_MEASURES, n=3) or GATE_MEASURES
            raise ValueError(f"no room computes a measure of that name; wanted one such as {', '.join(near)}")
        return name

    @model_validator(mode="after")
    def _complete(self) -> Condition:
        given = (self.value is not None) + (self.of is not None)
        if given != (self.operator != "is known"):
            raise ValueError("one of value and of: wanted with `at least` and `at most`, both left out with `is known`")
        return self

    def wanted(self, value: float | None) -> str:
        """What is wanted, in words with its unit: `at least 90 %`; `value` is the figure to compare with, if known."""
        if value is not None:
            return f"{self.operator} {said(value, self.unit)}"
        if self.of is not None:
            return f"{self.operator} the figure of {self.of}"
        return f"a figure, whatever it is ({self.unit})"


class Phase(Sourced):
    """A phase of the plan: its days, what it promises and the conditions of the gate that closes it."""

    number: Literal[1, 2, 3]
    title: str
    start_day: int = Field(ge=1)
    end_day: int = Field(ge=1)
    promise: str
    gate: tuple[Condition, ...] = Field(min_length=1)


class Plan(Authored):
    """The ninety-day plan: three phases that follow each other without a gap, and their activities."""

    title: str
    purpose: str
    phases: tuple[Phase, ...] = Field(min_length=1)
    activities: tuple[Activity, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _fits_together(self) -> Plan:
        faults = [*self._phase_faults(), *self._activity_faults()]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def phase(self, number: int) -> Phase:
        """The phase of that number. Raises ParameterError naming the phases there are."""
        for phase in self.phases:
            if phase.number == number:
                return phase
        numbers = ", ".join(str(phase.number) for phase in self.phases)
        raise ParameterError(f"phase: {number} is not in the plan; wanted one of {numbers}")

    def _phase_faults(self) -> Iterable[str]:
        yield from _repeated("phase", [str(phase.number) for phase in self.phases])
        yield from _repeated("condition", [condition.id for phase in self.phases for condition in phase.gate])
        if self.phases[0].start_day != 1:
            yield "the first phase starts on day 1"
        for before, after in itertools.pairwise(self.phases):
            if after.start_day != before.end_day + 1 or after.number != before.number + 1:
                yield f"phase {after.number} starts the day after phase {before.number} ends"

    def _activity_faults(self) -> Iterable[str]:
        yield from _repeated("activity", [activity.id for activity in self.activities])
        known = {activity.id: activity for activity in self.activities}
        spans = {phase.number: phase for phase in self.phases}
        for item in self.activities:
            span = spans.get(item.phase)
            if span is None or not span.start_day <= item.start_day <= item.end_day <= span.end_day:
                yield f"{item.id}: wanted days in order and inside phase {item.phase}"
            for name in item.depends_on:
                if name not in known:
                    yield f"{item.id} depends on {name}, which is no activity"
                elif known[name].end_day >= item.start_day:
                    yield f"{item.id} starts on day {item.start_day}, before {name} has ended"


def said(value: float, unit: str) -> str:
    """A value in words with its unit; a share is shown in percent, a stage after its name."""
    if unit == "share":
        return f"{value * 100:.3g} %"
    noun = unit.removesuffix("s") if value == 1 else unit
    return f"{unit} {value:.6g}" if unit == "stage" else f"{value:.6g} {noun}"


def _repeated(kind: str, names: Sequence[str]) -> Iterable[str]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{kind} {name} is there twice"
