"""The tables a workspace keeps: what a team brings, decides and measures."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from playbook.tables.base import Row, Table, column

TEAM_ID = r"^\w[\w-]*$"
LONGEST_ID = 63  # beside the pattern, in which a counted repetition would take a checker of seven megabytes
FACTORS = ("structure", "data_readiness", "verifiability", "judgment", "stakes", "relationship", "exposure")
LAYERS = ("input", "planning", "production", "QA", "distribution", "feedback")
MINUTES_A_WEEK = 10_080
MOST_ROWS = 10**12  # far above any file, far below what a database's integer holds

Layer = Literal["input", "planning", "production", "QA", "distribution", "feedback"]
Level = Literal[1, 2, 3, 4, 5]
Metric = Literal[
    "impressions", "reach", "video_views", "clicks", "link_clicks", "landing_page_views",
    "sessions", "engaged_sessions", "engagement_seconds", "events", "key_events", "conversions", "orders",
    "cost", "revenue",
    "recipients", "deliveries", "bounces", "opens", "unique_opens", "unique_clicks", "unsubscribes", "complaints",
]  # fmt: skip
"""What channels count or charge; rates are never stored, as they follow from these."""


def team_id() -> Any:
    """Declare the column that says whose row it is."""
    wanted = f"a team id: at most {LONGEST_ID} letters, digits, - and _"
    return column("the team the row belongs to", pattern=TEAM_ID, max_length=LONGEST_ID, wanted=wanted)


def factor(meaning: str) -> Any:
    """Declare one factor of the Collaboration Spectrum: 1 low to 5 high, a mean of raters may be fractional."""
    return column(meaning, unit="points", ge=1, le=5, default=None)


class Setting(Row):
    """A fact about the engagement as a whole: organisation, start date, whether the data are made up."""

    name: str = column("name of the setting", max_length=100)
    value: str = column("its value as text", max_length=2000)


class Team(Row):
    """A marketing team of the organisation."""

    team: str = team_id()
    name: str = column("the team's name as people say it", max_length=100)
    people: int | None = column("people in the team", unit="people", ge=1, le=10_000, default=None)
    start: dt.date | None = column(
        "day 1 of the team's ninety days, when it differs from the workspace's", default=None
    )
    country: str | None = column(
        "ISO country code whose public holidays count", max_length=2, min_length=2, default=None
    )
    note: str | None = column("what a reader should know about the team", max_length=1000, default=None)


class Task(Row):
    """A task: a repeatable transformation of inputs into outputs, the atomic unit of the audit."""

    team: str = team_id()
    task_id: str = column("short id of the task, unique in the team", max_length=80)
    task: str = column("what is done, verb first", max_length=300)
    workflow: str = column("the workflow the task is part of", max_length=120)
    function: str | None = column("the marketing function the task serves", max_length=120, default=None)
    layer: Layer | None = column("the workflow layer the task sits in", default=None)
    role: str | None = column("the role (never the person) that does it", max_length=120, default=None)
    runs_per_month: float | None = column("how often it is done", unit="runs a month", ge=0, le=1_000_000, default=None)
    minutes_per_run: float | None = column(
        "hands-on minutes one run takes", unit="minutes", ge=0, le=MINUTES_A_WEEK, default=None
    )
    current_level: Level | None = column("Collaboration Spectrum level the task is worked at today", default=None)
    structure: float | None = factor("how far the work can be described by rules: 1 new each time, 5 fully by rules")
    data_readiness: float | None = factor("inputs a machine can read: 1 in people's heads, 5 complete and clean")
    verifiability: float | None = factor("how cheaply and clearly a result is checked: 1 not at all, 5 at once")
    judgment: float | None = factor("domain judgment and taste needed: 1 none, 5 deep")
    stakes: float | None = factor("cost and irreversibility of an error: 1 trivial, 5 severe and irreversible")
    relationship: float | None = factor("human contact and empathy needed: 1 none, 5 it is the work")
    exposure: float | None = factor("brand and regulatory exposure: 1 internal only, 5 regulated public claims")
    not_applicable: str | None = column(
        "factors that do not apply to the task, separated by commas", max_length=200, default=None
    )
    basis: Literal["estimated", "measured"] = column(
        "whether frequency and minutes are people's estimate or measured from a log", default="estimated"
    )
    note: str | None = column("what a reader should know about the task", max_length=1000, default=None)


class Rating(Row):
    """One seat's rating of one factor of a task in a round; seat 0 is what the raters settled on. Never a name."""

    team: str = team_id()
    task_id: str = column("the task that is rated", max_length=80)
    factor: Literal[
        "structure", "data_readiness", "verifiability", "judgment", "stakes", "relationship", "exposure"
    ] = column("the factor of the Collaboration Spectrum")
    round: int = column("1 the first round, before the raters have heard each other", unit="rounds", ge=1, le=20)
    seat: int = column("seat number of who rated, 0 for the settled value; never a name", unit="seats", ge=0, le=1000)
    role: str | None = column("the role (never the person) that sits there", max_length=120, default=None)
    value: float | None = column("the rating: 1 low to 5 high", unit="points", ge=1, le=5, default=None)
    not_applicable: bool = column("whether the factor does not apply to the task", default=False)
    reason: str | None = column(
        "why, in words without names; wanted of who stands apart", max_length=1000, default=None
    )
    day: dt.date | None = column("the day it was rated", default=None)


class Overruling(Row):
    """What people decided on a task's level where they do not follow the rule, with their reason."""

    team: str = team_id()
    task_id: str = column("the task whose level was decided", max_length=80)
    decision: Literal["level", "keep human", "not yet"] = column("what was decided")
    level: Level | None = column("the level decided; empty unless the decision is a level", default=None)
    reason: str = column(
        "why the rule is not followed, in words",
        min_length=10,
        max_length=1000,
        wanted="a reason of 10 to 1000 characters",
    )
    decided_by: str = column("the role (never the person) that decided", max_length=120)
    day: dt.date = column("the day it was decided")
    model: str | None = column("version of the rule that was overruled", max_length=40, default=None)


class Event(Row):
    """Something that happened to a piece of work, from a tool's log; the person is a pseudonym."""

    team: str = team_id()
    import_id: str = column("the import that brought the event", max_length=64)
    row: int = column("the event's row number in its file", unit="rows", ge=1, le=MOST_ROWS)
    part: int = column(
        "which event of that row, 1 the first: one row may tell of several", unit="events", ge=1, le=1000, default=1
    )
    case: str = column("the piece of work the event belongs to", max_length=300)
    activity: str = column("what happened", max_length=300)
    timestamp: dt.datetime = column("when it happened, in UTC")
    resource: str | None = column("pseudonym of who did it", max_length=64, person=True, default=None)
    workflow: str | None = column("the project, board or list the work stood in", max_length=120, default=None)
    begun: dt.datetime | None = column("when it was begun, in UTC, where the tool says so", default=None)
    minutes: float | None = column(
        "hands-on minutes the tool recorded for it; empty: it records none", unit="minutes", ge=0, le=100_000,
        default=None,
    )  # fmt: skip


class ChannelResult(Row):
    """What a marketing channel reports of a campaign or source over a period: one measure a row, never of a person."""

    team: str = team_id()
    source: str = column("the tool that reports it, by the name of its format", max_length=40)
    name: str = column("the campaign, channel or page it is about", max_length=300)
    start: dt.date = column("first day of the period")
    days: int = column("length of the period", unit="days", ge=1, le=3700)
    metric: Metric = column("what was measured")
    value: float = column("the measured value, in its unit or currency", ge=-(10**15), le=10**15)
    currency: str | None = column("ISO currency code of an amount of money", min_length=3, max_length=3, default=None)
    import_id: str = column("the import that brought it", max_length=64)


class Import(Row):
    """A file that was read into the workspace, and where each of its rows went."""

    import_id: str = column("hash of the file's bytes, team and format", max_length=64)
    team: str = team_id()
    file: str = column("the file's name, without its folder", max_length=300)
    format: str = column("the format it was read as", max_length=40)
    at: dt.datetime = column("when it was read, in UTC")
    rows_read: int = column("rows in the file", unit="rows", ge=0, le=MOST_ROWS)
    stored: int = column("rows stored", unit="rows", ge=0, le=MOST_ROWS)
    rejected: int = column("rows refused, each kept in the rejects table", unit="rows", ge=0, le=MOST_ROWS)
    duplicates: int = column("rows already in the workspace, left as they were", unit="rows", ge=0, le=MOST_ROWS)
    how: str | None = column(
        "how it was read where its cells do not say, as JSON: time zone, order of day and month, decimal mark, columns",
        max_length=2000,
        default=None,
    )


class Reject(Row):
    """A row that could not be used, with the reason; it goes back out as a sheet to correct."""

    import_id: str = column("the import that refused it", max_length=64)
    team: str = team_id()
    row: int = column("row number in the file", unit="rows", ge=1, le=MOST_ROWS)
    column_name: str = column("the bad cell's column", max_length=200)
    found: str = column("what stood there", max_length=500)
    wanted: str = column("what may stand there", max_length=500)
    record: str = column("the whole row as JSON, persons pseudonymised", max_length=100_000)


class Pilot(Row):
    """A workflow handed to an agent for a trial."""

    team: str = team_id()
    pilot_id: str = column("short id of the pilot, unique in the team", max_length=80)
    workflow: str = column("the workflow on trial", max_length=120)
    level: Level = column("Collaboration Spectrum level the agent works at")
    status: Literal["planned", "running", "ended", "stopped"] = column("where the pilot stands", default="planned")
    start: dt.date | None = column("first day the agent did the work", default=None)
    end: dt.date | None = column("planned or actual last day", default=None)
    owner_role: str | None = column("role accountable for the outcome", max_length=120, default=None)
    operator_role: str | None = column("role that runs the agent", max_length=120, default=None)
    auditor_role: str | None = column("role that checks samples; never the operator", max_length=120, default=None)
    design: Literal["before and after", "comparison group", "alternating items"] = column(
        "how the old way and the new are compared", default="before and after"
    )
    playbook_id: str | None = column("the agent playbook it runs under", max_length=80, default=None)


class PilotItem(Row):
    """One piece of work timed in a pilot, done the old way (baseline) or by the agent (trial).

    People of a comparison group keep the old way throughout; their items from the trial's days are its `trial` arm too.
    """

    team: str = team_id()
    pilot_id: str = column("the pilot it belongs to", max_length=80)
    item: str = column("id of the piece of work, unique in the pilot", max_length=120)
    arm: Literal["baseline", "trial"] = column("baseline: people do it; trial: the agent does it")
    day: dt.date = column("the day it was finished")
    minutes: float = column(
        "people's hands-on minutes, review and rework not included", unit="minutes", ge=0, le=MINUTES_A_WEEK
    )
    review_minutes: float = column(
        "people's minutes spent reviewing", unit="minutes", ge=0, le=MINUTES_A_WEEK, default=0.0
    )
    rework_minutes: float = column(
        "people's minutes spent on rework", unit="minutes", ge=0, le=MINUTES_A_WEEK, default=0.0
    )
    accepted: bool | None = column("whether it was accepted as is or with a minor edit", default=None)
    quality: float | None = column("blinded rubric score", unit="points", ge=1, le=5, default=None)
    comparison: bool = column("whether a comparison group did it, the old way before and during", default=False)
    person: str | None = column(
        "pseudonym of who did it, so that items of one person count together; never shown", max_length=64, person=True,
        default=None,
    )  # fmt: skip


class Breakage(Row):
    """Something that broke in a pilot: what, how bad, what it cost and what was done."""

    team: str = team_id()
    breakage_id: str = column("short id, unique in the team", max_length=80)
    pilot_id: str = column("the pilot it broke in", max_length=80)
    day: dt.date = column("the day it was noticed")
    category: Literal["input", "instruction", "tool", "output", "handover", "review", "other"] = column(
        "where in the work it broke"
    )
    severity: Literal["minor", "major", "critical"] = column("how bad it was")
    what: str = column("what happened, without names", max_length=1000)
    minutes_lost: float | None = column("people's minutes it cost", unit="minutes", ge=0, le=100_000, default=None)
    fix: str | None = column("what was done about it", max_length=1000, default=None)


class Answer(Row):
    """One seat's answer to one question of a questionnaire; seat 0 is the team's agreed answer."""

    team: str = team_id()
    questionnaire: str = column("id of the questionnaire", max_length=80)
    question: str = column("id of the question", max_length=80)
    seat: int = column(
        "seat number of who answered, 0 for the agreed answer; never a name", unit="seats", ge=0, le=100_000
    )
    score: int | None = column("the chosen answer's score", unit="points", ge=0, le=10, default=None)
    not_applicable: bool = column("whether the question does not apply", default=False)
    evidence: str | None = column("what the answer rests on", max_length=1000, default=None)
    day: dt.date | None = column("the day it was answered", default=None)


class Reading(Row):
    """A measured value of a KPI for a team over a period."""

    team: str = team_id()
    kpi: str = column("id of the KPI", max_length=80)
    start: dt.date = column("first day of the period")
    days: int = column("length of the period", unit="days", ge=1, le=366)
    value: float = column("the measured value in the KPI's unit")
    low: float | None = column("lower end of its 95 % interval", default=None)
    high: float | None = column("upper end of its 95 % interval", default=None)
    n: int | None = column("observations behind it", unit="observations", ge=0, le=MOST_ROWS, default=None)


class RoleProposal(Row):
    """What people decided about a proposed role change; without a row it is only a proposal."""

    team: str = team_id()
    role: str = column("the role today", max_length=120)
    new_role: str = column("the proposed role", max_length=120)
    status: Literal["proposed", "in consultation", "agreed", "kept as is", "not yet"] = column(
        "where the proposal stands", default="proposed"
    )
    accountable_role: str | None = column("role accountable for the decision", max_length=120, default=None)
    consulted_on: dt.date | None = column(
        "the day the people concerned, and their representatives where that applies, were heard", default=None
    )
    appeal_to: str | None = column("role an appeal goes to", max_length=120, default=None)
    note: str | None = column("reasons, in words", max_length=1000, default=None)


class PodSeat(Row):
    """A seat in a workflow pod and the role that fills it."""

    team: str = team_id()
    pod: str = column("the pod, named by the outcome it owns", max_length=120)
    workflow: str = column("a workflow the pod runs", max_length=120)
    seat: Literal["workflow owner", "AI operator", "domain expert", "automation engineer", "auditor"] = column(
        "the seat"
    )
    role: str | None = column("the role that fills it; empty while open", max_length=120, default=None)


class RiskStatus(Row):
    """A team's own rating of a risk of the register and what it does about it."""

    team: str = team_id()
    risk: str = column("id of the risk", max_length=80)
    likelihood: int = column("1 rare to 5 expected", unit="points", ge=1, le=5)
    impact: int = column("1 nuisance to 5 severe", unit="points", ge=1, le=5)
    owner_role: str | None = column("role that owns the control", max_length=120, default=None)
    controls_done: int = column("controls of the register in place", unit="controls", ge=0, le=100, default=0)
    checked_on: dt.date | None = column("the day it was last looked at", default=None)
    note: str | None = column("what a reader should know", max_length=1000, default=None)


class BudgetLine(Row):
    """A line of a team's monthly budget."""

    team: str = team_id()
    line: str = column("id of the budget category", max_length=80)
    monthly: float = column("spend a month", unit="currency units", ge=0, le=1_000_000_000)
    currency: str = column("ISO currency code", min_length=3, max_length=3)
    note: str | None = column("what it pays for", max_length=500, default=None)


class Decision(Row):
    """A decision the team took, with its reason."""

    team: str = team_id()
    decision_id: str = column("short id, unique in the team", max_length=80)
    day: dt.date = column("the day it was taken")
    decision: str = column("what was decided", max_length=1000)
    reason: str = column("why", max_length=1000)
    owner_role: str | None = column("role that carries it out", max_length=120, default=None)


class Review(Row):
    """A weekly review of the agents that was held."""

    team: str = team_id()
    day: dt.date = column("the day it was held")
    reviewer_role: str | None = column("role that led it; not an operator of the agents", max_length=120, default=None)
    agents: int | None = column("agents looked at", unit="agents", ge=0, le=10_000, default=None)
    escalations: int | None = column("escalations since the last one", unit="escalations", ge=0, le=10**6, default=None)
    found: str | None = column("what was found, without names", max_length=1000, default=None)
    actions: str | None = column("what was agreed", max_length=1000, default=None)


class Progress(Row):
    """Where an activity of the ninety-day plan stands for a team."""

    team: str = team_id()
    activity: str = column("id of the activity", max_length=80)
    status: Literal["not started", "under way", "done", "dropped"] = column("where it stands")
    done_on: dt.date | None = column("the day it was done", default=None)
    evidence: str | None = column("where the deliverable is, or what shows it is done", max_length=500, default=None)


SETTINGS = Table("settings", Setting, ("name",))
TEAMS = Table("teams", Team, ("team",))
TASKS = Table("tasks", Task, ("team", "task_id"))
RATINGS = Table("ratings", Rating, ("team", "task_id", "factor", "round", "seat"))
OVERRULINGS = Table("overrulings", Overruling, ("team", "task_id"))
EVENTS = Table("events", Event, ("team", "import_id", "row", "part"), append_only=True)
CHANNEL_RESULTS = Table("channel_results", ChannelResult, ("team", "source", "name", "start", "days", "metric"))
IMPORTS = Table("imports", Import, ("import_id",), append_only=True)
REJECTS = Table("rejects", Reject, ("import_id", "row", "column_name"), append_only=True)
PILOTS = Table("pilots", Pilot, ("team", "pilot_id"))
PILOT_ITEMS = Table("pilot_items", PilotItem, ("team", "pilot_id", "item"))
BREAKAGES = Table("breakages", Breakage, ("team", "breakage_id"))
ANSWERS = Table("answers", Answer, ("team", "questionnaire", "question", "seat"))
READINGS = Table("readings", Reading, ("team", "kpi", "start"))
ROLE_PROPOSALS = Table("role_proposals", RoleProposal, ("team", "role"))
POD_SEATS = Table("pod_seats", PodSeat, ("team", "pod", "workflow", "seat"))
RISK_STATUS = Table("risk_status", RiskStatus, ("team", "risk"))
BUDGET_LINES = Table("budget_lines", BudgetLine, ("team", "line"))
DECISIONS = Table("decisions", Decision, ("team", "decision_id"))
REVIEWS = Table("reviews", Review, ("team", "day"))
PROGRESS = Table("progress", Progress, ("team", "activity"))
