"""The tables rooms compute and hand to each other through notebooks and doors; none is stored."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from playbook.tables.base import Row, Table, column
from playbook.tables.stored import Level, team_id


class Placement(Row):
    """Where a task stands on the Collaboration Spectrum: today, by its nature, and what may be handed over now."""

    team: str = team_id()
    task_id: str = column("the task", max_length=80)
    score: float | None = column(
        "1 human-led to 5 autonomous, before ceilings", unit="points", ge=1, le=5, default=None
    )
    target_level: Level | None = column("level the work could have by its nature; empty: not yet known", default=None)
    ready_level: Level | None = column("level that may be handed over now; empty: not yet known", default=None)
    level_low: Level | None = column(
        "lowest target level the missing ratings allow, however unlikely; other doubts are no part of it", default=None
    )
    level_high: Level | None = column(
        "highest target level the missing ratings allow, however unlikely; other doubts are no part of it", default=None
    )
    coverage: float = column("share of the rule's weight that was rated by people", unit="share", ge=0, le=1)
    ceilings: str = column("the vetoes that applied, separated by semicolons", max_length=1000, default="")
    reasons: str = column("why, in words", max_length=4000, default="")


class ShortlistRow(Row):
    """A workflow as a pilot candidate: volume, judgment, and why it was or was not chosen."""

    team: str = team_id()
    workflow: str = column("the workflow", max_length=120)
    tasks: int = column("tasks in it", unit="tasks", ge=0)
    runs_per_month: float = column("runs of all its tasks", unit="runs a month", ge=0)
    hours_per_month: float = column("people's hours at stake", unit="hours a month", ge=0)
    judgment: float | None = column("judgment needed, mean weighted by hours", unit="points", ge=1, le=5, default=None)
    target_level: float | None = column("target level, mean weighted by hours", unit="level", ge=1, le=5, default=None)
    ready_level: float | None = column("ready level, mean weighted by hours", unit="level", ge=1, le=5, default=None)
    priority: float | None = column("volume times low judgment, 0 to 1", unit="share", ge=0, le=1, default=None)
    rank: int | None = column("1 is the first candidate", unit="rank", ge=1, default=None)
    chosen: bool = column("whether it is one of the pilots proposed")
    reason: str = column("why, in words", max_length=1000)


class Activity(Row):
    """What an event log shows of one activity; what fewer than five people are behind is kept back."""

    team: str = team_id()
    activity: str = column("what happened", max_length=300)
    events: int = column("times it happened", unit="events", ge=0)
    cases: int = column("pieces of work it happened to", unit="cases", ge=0)
    runs_per_month: float | None = column("how often it happens", unit="runs a month", ge=0, default=None)
    median_minutes: float | None = column(
        "active minutes, median; `basis` says whether recorded or estimated", unit="minutes", ge=0, default=None
    )
    low_minutes: float | None = column("lower end of the median's 95 % interval", unit="minutes", ge=0, default=None)
    high_minutes: float | None = column("upper end of the median's 95 % interval", unit="minutes", ge=0, default=None)
    timed: int = column("runs whose active minutes are known or estimated", unit="runs", ge=0, default=0)
    basis: Literal["measured", "estimated", "mixed"] | None = column(
        "whether the tool recorded the active minutes or they are an estimate; empty: no run is timed", default=None
    )
    waiting_minutes: float | None = column(
        "minutes from the event before in the case until it is begun, median", unit="minutes", ge=0, default=None
    )
    low_waiting: float | None = column("lower end of that median's 95 % interval", unit="minutes", ge=0, default=None)
    high_waiting: float | None = column("upper end of that median's 95 % interval", unit="minutes", ge=0, default=None)
    waits: int = column("times it came after another event of its case", unit="events", ge=0, default=0)
    repeats: int = column("times it came again in a case that had it before", unit="events", ge=0, default=0)
    handovers: int | None = column(
        "times another person took over for it; empty where kept back or nobody is named",
        unit="handovers",
        ge=0,
        default=None,
    )
    people: int | None = column("people seen doing it; empty where fewer than five", unit="people", ge=0, default=None)
    note: str = column("what a reader should know", max_length=500, default="")


class Case(Row):
    """A piece of work in an event log from first event to last."""

    team: str = team_id()
    case: str = column("the piece of work", max_length=300)
    start: dt.datetime = column("its first event, in UTC")
    end: dt.datetime = column("its last event, in UTC")
    events: int = column("events in it", unit="events", ge=1)
    duration_days: float = column("days from first to last event", unit="days", ge=0)
    workflow: str | None = column("the project, board or list it last stood in", max_length=120, default=None)
    repeats: int = column("events that do again what the case had before", unit="events", ge=0, default=0)


class PilotReadout(Row):
    """What a pilot shows so far: time, quality, what broke, and whether that is enough to say anything."""

    team: str = team_id()
    pilot_id: str = column("the pilot", max_length=80)
    workflow: str = column("the workflow on trial", max_length=120)
    level: Level = column("the agent's level")
    n_baseline: int = column("items timed before", unit="items", ge=0)
    n_trial: int = column("items timed with the agent", unit="items", ge=0)
    time_ratio: float | None = column("trial minutes / baseline minutes, geometric", unit="ratio", ge=0, default=None)
    ratio_low: float | None = column("lower end of its 95 % interval", unit="ratio", ge=0, default=None)
    ratio_high: float | None = column("upper end of its 95 % interval", unit="ratio", ge=0, default=None)
    minutes_saved: float | None = column(
        "mean minutes saved an item, review and rework subtracted", unit="minutes", default=None
    )
    quality_difference: float | None = column(
        "acceptance rate trial - baseline", unit="share", ge=-1, le=1, default=None
    )
    quality_low: float | None = column("lower end of its 95 % interval", unit="share", ge=-1, le=1, default=None)
    quality_high: float | None = column("upper end of its 95 % interval", unit="share", ge=-1, le=1, default=None)
    breakages: int = column("things that broke and were written down", unit="breakages", ge=0)
    time_verdict: Literal["saved", "not shown", "slower", "not yet"] = column("what may be said about time")
    quality_verdict: Literal["kept", "not shown", "worse", "not yet"] = column("what may be said about quality")
    reason: str = column("why, in words", max_length=1000)
    design: str = column("how the old way and the new were compared", max_length=40, default="before and after")
    n_comparison: int = column("items of the comparison group", unit="items", ge=0, default=0)
    looks: Literal["planned date", "any time"] = column(
        "whether the intervals are those for the planned date or hold whenever one looks", default="any time"
    )
    counted_by: Literal["items", "people", "people, paired"] = column(
        "what counts as independent in the time ratio's interval", default="items"
    )
    shrunk_ratio: float | None = column(
        "time ratio read together with the team's other pilots; empty while fewer than two have a verdict",
        unit="ratio", ge=0, default=None,
    )  # fmt: skip
    shrunk_low: float | None = column("lower end of its 95 % interval", unit="ratio", ge=0, default=None)
    shrunk_high: float | None = column("upper end of its 95 % interval", unit="ratio", ge=0, default=None)
    old_minutes: float | None = column(
        "mean minutes an item the old way, as the comparison group would have it by now", unit="minutes", default=None
    )
    new_minutes: float | None = column("mean minutes an item with the agent", unit="minutes", default=None)
    hands_on_saved: float | None = column("mean hands-on minutes saved an item", unit="minutes", default=None)
    review_added: float | None = column("mean minutes of review added to an item", unit="minutes", default=None)
    rework_added: float | None = column("mean minutes of rework added to an item", unit="minutes", default=None)
    saved_low: float | None = column("lower end of the 95 % interval of minutes saved", unit="minutes", default=None)
    saved_high: float | None = column("upper end of the 95 % interval of minutes saved", unit="minutes", default=None)
    quality_measure: Literal["blinded scores", "share accepted"] | None = column(
        "the measure the quality verdict rests on", default=None
    )
    judged_baseline: int = column("items before with that measure", unit="items", ge=0, default=0)
    judged_trial: int = column("items with the agent with that measure", unit="items", ge=0, default=0)
    score_difference: float | None = column(
        "mean blinded score trial - baseline", unit="points", ge=-4, le=4, default=None
    )
    score_low: float | None = column("lower end of its 95 % interval", unit="points", default=None)
    score_high: float | None = column("upper end of its 95 % interval", unit="points", default=None)
    minutes_lost: float | None = column(
        "people's minutes lost to what broke, as recorded", unit="minutes", default=None
    )
    more_baseline: int | None = column(
        "items the old way still needed for both verdicts; empty: more than anyone will count", unit="items", ge=0,
        default=None,
    )  # fmt: skip
    more_trial: int | None = column(
        "items with the agent still needed for both verdicts; empty: more than anyone will count", unit="items", ge=0,
        default=None,
    )  # fmt: skip
    more_weeks: float | None = column(
        "weeks these take at the pace so far; empty while there is no pace", unit="weeks", ge=0, default=None
    )
    still_needed: str = column("what is still needed, in words", max_length=500, default="")
    cannot_rule_out: str = column("what the design cannot rule out, in words", max_length=1500, default="")


class Measure(Row):
    """A named figure about a team that a gate or page may ask for; an empty value means not yet measurable."""

    team: str = team_id()
    measure: str = column("name of the measure", max_length=80)
    value: float | None = column("the value; empty while it cannot be measured", default=None)
    unit: str = column("unit of the value", max_length=40, default="")
    n: int | None = column("observations behind it", unit="observations", ge=0, default=None)
    evidence: str = column("what it was computed from, in words", max_length=1000, default="")
    needs: str = column("what is missing while it cannot be measured", max_length=500, default="")


class GateResult(Row):
    """One condition of a phase's gate, judged from the tables."""

    team: str = team_id()
    phase: int = column("the phase the gate closes", unit="phase", ge=1, le=3)
    condition: str = column("id of the condition", max_length=80)
    text: str = column("the condition in words", max_length=500)
    status: Literal["met", "not met", "not yet measurable"] = column("the finding")
    value: float | None = column("the measured value", default=None)
    wanted: str = column("what was wanted, with its unit", max_length=200)
    evidence: str = column("what it rests on, or what is missing", max_length=1000, default="")


class RoleShift(Row):
    """A role's hours by target level, and the change proposed for it."""

    team: str = team_id()
    role: str = column("the role today", max_length=120)
    new_role: str | None = column("the proposed role; empty: no map for it yet", max_length=120, default=None)
    leverage_level: Level | None = column("AI leverage level of the proposed role", default=None)
    tasks: int = column("tasks the role does", unit="tasks", ge=0)
    tasks_placed: int = column("of these with hours and a target level", unit="tasks", ge=0, default=0)
    hours: float = column("hours a month in the inventory", unit="hours a month", ge=0)
    hours_level_1: float = column("of these at target level 1", unit="hours a month", ge=0, default=0.0)
    hours_level_2: float = column("of these at target level 2", unit="hours a month", ge=0, default=0.0)
    hours_level_3: float = column("of these at target level 3", unit="hours a month", ge=0, default=0.0)
    hours_level_4: float = column("of these at target level 4", unit="hours a month", ge=0, default=0.0)
    hours_level_5: float = column("of these at target level 5", unit="hours a month", ge=0, default=0.0)
    hours_unknown: float = column("of these without a target level yet", unit="hours a month", ge=0, default=0.0)
    direction: Literal["compresses", "changes", "stays human-led", "not yet known"] = column("what the hours suggest")
    status: str = column("what people decided about it", max_length=40, default="proposed")
    old_focus: str = column("what the role does now", max_length=500, default="")
    new_focus: str = column("what it would do", max_length=500, default="")


PLACEMENTS = Table("placements", Placement, ("team", "task_id"), stored=False)
SHORTLIST = Table("shortlist", ShortlistRow, ("team", "workflow"), stored=False)
ACTIVITIES = Table("activities", Activity, ("team", "activity"), stored=False)
CASES = Table("cases", Case, ("team", "case"), stored=False)
PILOT_READOUTS = Table("pilot_readouts", PilotReadout, ("team", "pilot_id"), stored=False)
MEASURES = Table("measures", Measure, ("team", "measure"), stored=False)
GATE_RESULTS = Table("gate_results", GateResult, ("team", "phase", "condition"), stored=False)
ROLE_SHIFTS = Table("role_shifts", RoleShift, ("team", "role"), stored=False)
