"""The bundled sample: a made-up company built from `templates/sample/company.yaml`, labelled as made up everywhere.

The YAML holds what people would know (tasks, ratings, how a pilot went in round figures); item-level data such as
timed pilot items and an event log are drawn around these figures with a fixed seed, so that two samples with the same
start date hold the same rows.
"""

from __future__ import annotations

import datetime as dt
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from playbook.io import _sample_inputs, content
from playbook.io._sample_raters import Rating, SampleRaters, first_written, rating_rows
from playbook.io.workspace import Workspace
from playbook.tables import FACTORS, Authored

SEED = 20260901
LOG_ID = "sample-log"


class SampleTask(Authored):
    """A task of the sample: `runs` a month, `minutes` a run, `ratings` in the order of the factors."""

    id: str
    task: str
    layer: str
    role: str
    runs: float
    minutes: float
    level: int
    ratings: list[Rating] = Field(min_length=len(FACTORS), max_length=len(FACTORS))


class SampleWorkflow(Authored):
    """A workflow of the sample and its tasks."""

    workflow: str
    function: str
    tasks: list[SampleTask]


class SampleArm(Authored):
    """One arm of a pilot in round figures: `n` items around `minutes`, `spread` the log standard deviation.

    `score` is the mean blinded score, 1 to 5, where the items were scored.
    """

    n: int
    minutes: float
    spread: float
    review: float
    rework: float
    accepted: float
    score: float | None = None


class SampleBreakage(Authored):
    """Something that broke, `day` days after the start."""

    id: str
    day: int
    category: str
    severity: str
    what: str
    minutes: float
    fix: str | None


class SampleGroup(Authored):
    """The people who kept the old way while others tried the agent, before and during the trial."""

    people: int
    baseline: SampleArm
    trial: SampleArm


class SamplePilot(Authored):
    """A pilot of the sample; `days` are its first and last day after the start.

    `people` take turns with its items, under pseudonyms; 0 leaves open who did what.
    """

    id: str
    workflow: str
    level: int
    status: str
    days: tuple[int, int]
    roles: dict[Literal["owner", "operator", "auditor"], str]
    baseline: SampleArm
    trial: SampleArm
    breakages: list[SampleBreakage]
    design: Literal["before and after", "comparison group", "alternating items"] = "before and after"
    playbook: str | None = None
    people: int = 0
    group: SampleGroup | None = None


class SampleLog(Authored):
    """An event log in round figures; `rework` is a pair of steps a case may go back over."""

    workflow: str
    cases: int
    days: int
    people: int
    activities: list[str]
    rework: tuple[str, str]
    rework_rate: float
    gap_hours: float
    active_minutes: float


class SampleMaturity(Authored):
    """The team's agreed answers: `pattern` is repeated over the questions, the last `skip` stay unanswered."""

    pattern: list[int]
    skip: int


class SampleTeam(Authored):
    """A team of the sample; `rows` are further rows by table, written as they are stored."""

    team: str
    name: str
    people: int
    note: str
    workflows: list[SampleWorkflow]
    log: SampleLog | None = None
    pilots: list[SamplePilot]
    raters: SampleRaters | None = None
    visits: list[_sample_inputs.SampleVisits] = Field(default_factory=list)
    maturity: SampleMaturity
    progress: dict[Literal["done"], float]
    budget: dict[str, float]
    rows: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)


class SampleCompany(Authored):
    """The whole sample."""

    organisation: str
    notice: str
    days_in: int
    country: str
    currency: str
    teams: list[SampleTeam]


def company() -> SampleCompany:
    """Read the sample's YAML. Raises ContentError when it does not fit."""
    return content.read(content.find("templates/sample/company.yaml"), SampleCompany)


def create(
    folder: str | PathLike[str], *, start: dt.date | None = None, database: str | None = None, by: str = "sample"
) -> Workspace:
    """Create a workspace that holds the made-up company; day 1 lies `days_in` days back unless `start` is given."""
    sample = company()
    start = start or dt.date.today() - dt.timedelta(days=sample.days_in)  # noqa: DTZ011 - a calendar day, here
    workspace = Workspace.create(
        folder, organisation=sample.organisation, start=start, database=database, made_up=True, by=by
    )
    visits = [each for team in sample.teams for each in team.visits]
    _sample_inputs.write(Path(folder), visits, start, start + dt.timedelta(days=sample.days_in))
    found = rows(sample, start)
    first, corrected = first_written(found["ratings"], {team.team: team.raters for team in sample.teams if team.raters})
    with workspace.change(by=by, note="the bundled sample") as change:
        for table, frame in (found | {"ratings": first}).items():
            change.put(table, frame)
    with workspace.change(by=by, note="a slip of the pen, made up like the rest") as change:
        change.put("ratings", corrected)
    return workspace


def rows(sample: SampleCompany, start: dt.date) -> dict[str, pd.DataFrame]:
    """Every row of the sample by table, teams first."""
    random = np.random.default_rng(SEED)
    found: dict[str, list[dict[str, Any]]] = {"teams": []}
    for team in sample.teams:
        found["teams"].append(
            {
                "team": team.team,
                "name": team.name,
                "people": team.people,
                "country": sample.country,
                "note": team.note,
            }
        )
        for table, more in _team_rows(team, sample, start, random).items():
            found.setdefault(table, []).extend({"team": team.team, **row} for row in more)
    return {table: pd.DataFrame(records) for table, records in found.items() if records}


def _team_rows(
    team: SampleTeam, sample: SampleCompany, start: dt.date, random: np.random.Generator
) -> dict[str, list[dict[str, Any]]]:
    budget = [{"line": line, "monthly": monthly, "currency": sample.currency} for line, monthly in team.budget.items()]
    events = _events(team.log, start, random) if team.log else []
    found = {
        "tasks": [_task(flow, task) for flow in team.workflows for task in flow.tasks],
        "imports": [_import(len(events), start)] if events else [],
        "events": events,
        "ratings": rating_rows(team.raters, start) if team.raters else [],
        "pilots": [_pilot(pilot, start) for pilot in team.pilots],
        "pilot_items": [row for pilot in team.pilots for row in _items(pilot, start, random)],
        "breakages": [_breakage(pilot, item, start) for pilot in team.pilots for item in pilot.breakages],
        "answers": _answers(team.maturity, start),
        "progress": _progress(team.progress["done"], start),
        "budget_lines": budget,
    }
    for table, more in team.rows.items():
        found[table] = [*found.get(table, []), *(_dated(row, start) for row in more)]
    return found


def _task(flow: SampleWorkflow, task: SampleTask) -> dict[str, Any]:
    ratings = dict(zip(FACTORS, task.ratings, strict=True))
    return {
        "task_id": task.id,
        "task": task.task,
        "workflow": flow.workflow,
        "function": flow.function,
        "layer": task.layer,
        "role": task.role,
        "runs_per_month": task.runs,
        "minutes_per_run": task.minutes,
        "current_level": task.level,
        **{name: value for name, value in ratings.items() if value != "n/a"},
        "not_applicable": ", ".join(name for name, value in ratings.items() if value == "n/a") or None,
    }


def _pilot(pilot: SamplePilot, start: dt.date) -> dict[str, Any]:
    first, last = pilot.days
    return {
        "pilot_id": pilot.id,
        "workflow": pilot.workflow,
        "level": pilot.level,
        "status": pilot.status,
        "start": start + dt.timedelta(days=first),
        "end": start + dt.timedelta(days=last),
        "design": pilot.design,
        "playbook_id": pilot.playbook,
        **{f"{seat}_role": role for seat, role in pilot.roles.items()},
    }


def _items(pilot: SamplePilot, start: dt.date, random: np.random.Generator) -> list[dict[str, Any]]:
    before = pilot.days[0] if pilot.design == "alternating items" else -30
    arms = [("baseline", pilot.baseline, before), ("trial", pilot.trial, pilot.days[0])]
    rows = [
        row for name, arm, first in arms for row in _arm(pilot, name, arm, start + dt.timedelta(days=first), random)
    ]
    aside = np.random.default_rng([SEED, *pilot.id.encode()])  # who and how good, apart from the draws above
    _judge(rows, pilot, pilot.people, "p", aside)
    if pilot.group:
        group = [("baseline", pilot.group.baseline, before), ("trial", pilot.group.trial, pilot.days[0])]
        kept = [
            row for name, arm, first in group for row in _arm(pilot, name, arm, start + dt.timedelta(days=first), aside)
        ]
        _judge(kept, pilot, pilot.group.people, "g", aside)
        rows += [row | {"item": f"group-{row['item']}", "comparison": True} for row in kept]
    return rows


def _arm(
    pilot: SamplePilot, name: str, arm: SampleArm, first: dt.date, random: np.random.Generator
) -> list[dict[str, Any]]:
    minutes = arm.minutes * np.exp(random.normal(0, arm.spread, arm.n) - arm.spread**2 / 2)
    review = arm.review * random.uniform(0.6, 1.4, arm.n)
    rework = arm.rework * random.exponential(1, arm.n)
    accepted = random.permutation(arm.n) < round(arm.accepted * arm.n)
    return [
        {
            "pilot_id": pilot.id,
            "item": f"{name}-{number + 1:02d}",
            "arm": name,
            "day": first + dt.timedelta(days=number * 28 // arm.n),
            "minutes": round(float(minutes[number]), 1),
            "review_minutes": round(float(review[number]), 1),
            "rework_minutes": round(float(rework[number]), 1),
            "accepted": bool(accepted[number]),
        }
        for number in range(arm.n)
    ]


def _judge(
    rows: list[dict[str, Any]], pilot: SamplePilot, people: int, letter: str, random: np.random.Generator
) -> None:
    """Add who did an item, by pseudonym, and its blinded score, where the sample knows them."""
    arms = {"baseline": pilot.baseline, "trial": pilot.trial}
    for number, row in enumerate(rows):
        if people:
            row["person"] = f"{pilot.id}-{letter}{number % people + 1}"
        score = arms[row["arm"]].score
        if score is not None and letter == "p":
            row["quality"] = float(np.clip(np.round(random.normal(score, 0.7)), 1, 5))


def _breakage(pilot: SamplePilot, item: SampleBreakage, start: dt.date) -> dict[str, Any]:
    return {
        "breakage_id": item.id,
        "pilot_id": pilot.id,
        "day": start + dt.timedelta(days=item.day),
        "category": item.category,
        "severity": item.severity,
        "what": item.what,
        "minutes_lost": item.minutes,
        "fix": item.fix,
    }


def _import(count: int, start: dt.date) -> dict[str, Any]:
    return {
        "import_id": LOG_ID,
        "file": "made-up-log.csv",
        "format": "events",
        "at": dt.datetime.combine(start, dt.time(9), dt.UTC),
        "rows_read": count,
        "stored": count,
        "rejected": 0,
        "duplicates": 0,
    }


def _events(log: SampleLog, start: dt.date, random: np.random.Generator) -> list[dict[str, Any]]:
    """Cases walk through the activities with exponential waits; some go back over one pair of steps."""
    opening = dt.datetime.combine(start - dt.timedelta(days=log.days), dt.time(9), dt.UTC)
    rows: list[dict[str, Any]] = []
    for case in range(log.cases):
        clock = opening + dt.timedelta(days=float(random.uniform(0, log.days - 20)))
        steps = list(log.activities)
        while random.uniform() < log.rework_rate:
            back = steps.index(log.rework[0]) + 1
            steps[back:back] = [log.rework[1], log.rework[0]]
        for step in steps:
            clock += dt.timedelta(hours=float(random.exponential(log.gap_hours)))
            person = f"p_made_up_{int(random.integers(log.people)):02d}"
            begun, clock = clock, clock + dt.timedelta(minutes=float(random.gamma(2, log.active_minutes / 2)))
            when = {"begun": begun, "timestamp": clock}
            what = {"case": f"article-{case + 1:03d}", "activity": step, "workflow": log.workflow, "resource": person}
            rows.append({**what, **when})
    return [{"import_id": LOG_ID, "row": number + 2, **row} for number, row in enumerate(rows)]


def _answers(maturity: SampleMaturity, start: dt.date) -> list[dict[str, Any]]:
    questions = [question.id for question in content.load("maturity").questions]
    answered = questions[: len(questions) - maturity.skip]
    return [
        {
            "questionnaire": "maturity",
            "question": question,
            "seat": 0,
            "score": maturity.pattern[number % len(maturity.pattern)],
            "evidence": "made up for the sample",
            "day": start + dt.timedelta(days=4),
        }
        for number, question in enumerate(answered)
    ]


def _progress(done: float, start: dt.date) -> list[dict[str, Any]]:
    activities = [activity for activity in content.load("plan").activities if activity.phase == 1]
    finished = round(done * len(activities))
    return [
        {
            "activity": activity.id,
            "status": "done" if number < finished else "under way",
            "done_on": start + dt.timedelta(days=activity.end_day - 1) if number < finished else None,
            "evidence": "made up for the sample" if number < finished else None,
        }
        for number, activity in enumerate(activities)
    ]


def _dated(row: dict[str, Any], start: dt.date) -> dict[str, Any]:
    """A whole number under a key ending in `_day` is days after the start: `reviewed_on_day: 12`."""
    found = {}
    for key, value in row.items():
        if key.endswith("_day"):
            found[key.removesuffix("_day")] = start + dt.timedelta(days=int(value))
        else:
            found[key] = value
    return found
