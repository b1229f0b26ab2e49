"""The pilot shortlist: highest volume, lowest judgment, ready, safe and provable now; fewer is an answer too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from playbook.tables import SHORTLIST, count, percent
from playbook.workflows.criteria import criteria, weakest
from playbook.workflows.inventory import joined, numbers
from playbook.workflows.rule import HOURS, RUNS, VOLUME

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from playbook.workflows.rule import PilotRule

MOST_JUDGMENT, LEAST_JUDGMENT = 5.0, 1.0
PEOPLE_DECIDE_UP_TO = 2


def shortlist(tasks: pd.DataFrame, placements: pd.DataFrame, rule: PilotRule, most: int = 3) -> pd.DataFrame:
    """Every workflow as a pilot candidate, best first within its team; `chosen` marks at most `most` a team.

    Takes tasks and their placements; returns one row a team and workflow with the columns of SHORTLIST. Each row says
    why it was or was not chosen: "chosen", "not yet: ..." or "keep human: ...".

    priority = H^w x R^(1-w) with H = h / (h + half), R = r / (r + half), where h and r are the workflow's hours and
    runs a month, each task's discounted by low judgment l = ((5 - judgment) / 4)^judgment_power; w and the halves are
    those of the criterion `volume`. 0 no low-judgment volume, near 1 a great deal. Hours stand for what a pilot can
    save and runs for how soon it is proved, so neither many runs of seconds nor one long run wins alone, and each
    further hour counts less. The sums run task by task, so more volume never lowers a priority and more judgment never
    raises it. A task whose judgment is unrated adds nothing. The shape x / (x + half) is the Michaelis-Menten
    saturation curve; "highest volume, lowest judgment" is the engagement source's. Feasibility, safety and provability
    are limits here: a workflow below the least of any criterion is "not yet".

    Ranks count the workflows that meet every limit of the rule; ties go to more hours, then to the name.
    """
    both = joined(tasks, placements).sort_values(["team", "workflow", "task_id"], kind="stable")
    strengths = criteria(tasks, rule).to_dict(orient="records")
    # Both run over the same keys in the same order.
    rows = [
        _candidate(str(team), str(name), group, strong, rule)
        for ((team, name), group), strong in zip(both.groupby(["team", "workflow"], sort=True), strengths, strict=True)
    ]
    ordered: list[dict[str, Any]] = []
    for team in sorted({row["team"] for row in rows}):
        ordered += _ranked([row for row in rows if row["team"] == team], most)
    frame = pd.DataFrame(ordered, columns=list(SHORTLIST.columns))
    return frame.astype({name: col.dtype for name, col in SHORTLIST.columns.items()})


def _candidate(
    team: str, workflow: str, group: pd.DataFrame, strengths: Mapping[Hashable, Any], rule: PilotRule
) -> dict[str, Any]:
    runs, hours, judgment = (numbers(group, name) for name in ("runs_per_month", "hours_per_month", "judgment"))
    # Shares of work are by hours. A task without hours counts like the mean of the others, so that leaving the volume of
    # the hard tasks empty does not make a workflow look easy; where none has hours, tasks count alike.
    share = hours.fillna(hours.mean()) if hours.sum() > 0 else pd.Series(1.0, index=group.index)
    facts = {
        "team": team,
        "workflow": workflow,
        "tasks": len(group),
        "runs_per_month": float(runs.sum()),
        "hours_per_month": float(hours.sum()),
        "judgment": _mean(judgment, share),
        "target_level": _mean(group["target_level"], share),
        "ready_level": _mean(group["ready_level"], share),
        "priority": _priority(runs, hours, judgment, rule),
        "n_hours": int(hours.notna().sum()),
        "n_rated": int(judgment.notna().sum()),
        "rated_share": _share(judgment.notna(), share),
        "ready_share": _share(group["ready_level"] >= rule.min_ready_level.value, share),
        "able_share": _share(group["target_level"] >= rule.min_ready_level.value, share),
        "led_share": _share(group["current_level"] >= rule.min_ready_level.value, share),
        "human_share": _share(group["target_level"] <= PEOPLE_DECIDE_UP_TO, share),
        "placed_share": _share(group["target_level"].notna(), share),
        "weakest": weakest(strengths, rule),
    }
    return facts | {"obstacle": _obstacle(facts, rule)}


def _priority(runs: pd.Series[float], hours: pd.Series[float], judgment: pd.Series[float], rule: PilotRule) -> float:
    """Volume times low judgment from 0 to 1; nan when no task has both its volume and its judgment."""
    if not (hours.notna() & judgment.notna()).any():
        return float("nan")
    low = ((MOST_JUDGMENT - judgment) / (MOST_JUDGMENT - LEAST_JUDGMENT)) ** rule.judgment_power.value
    amounts = {HOURS: float((hours * low).sum()), RUNS: float((runs * low).sum())}
    marks = [
        (amounts[part.of] / (amounts[part.of] + part.half)) ** part.weight
        for part in rule.criterion(VOLUME).parts
        if part.half is not None
    ]
    return float(np.prod(marks))


def _obstacle(facts: dict[str, Any], rule: PilotRule) -> str:
    """Why the workflow may not be a pilot now, from the first limit it misses; empty when it meets all."""
    said = {name: percent(facts[name]) for name in facts if name.endswith("_share")}
    least = {"least_rated": percent(rule.min_rated_share.value), "least_ready": percent(rule.min_ready_share.value)}
    words = next((words for missed, words in OBSTACLES if missed(facts, rule)), "")
    return words.format(**facts | said | least | {"rule": rule, "of_tasks": count(facts["tasks"], "task")})


def _ranked(rows: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    able = sorted((row for row in rows if not row["obstacle"]), key=_order)
    rest = sorted((row for row in rows if row["obstacle"]), key=_order)
    ranked = [
        row | {"rank": rank, "chosen": rank <= most, "reason": _reason(row, rank, most)}
        for rank, row in enumerate(able, start=1)
    ]
    return ranked + [row | {"rank": pd.NA, "chosen": False, "reason": row["obstacle"]} for row in rest]


def _order(row: dict[str, Any]) -> tuple[float, float, str]:
    priority = row["priority"]
    return (-1 if np.isnan(priority) else -round(priority, 12), -row["hours_per_month"], row["workflow"])


def _reason(row: dict[str, Any], rank: int, most: int) -> str:
    facts = (
        f"{row['hours_per_month']:.1f} hours and {count(row['runs_per_month'], 'run')} a month, judgment "
        f"{row['judgment']:.1f} of 5 ({row['n_rated']} of {count(row['tasks'], 'task')} rated), {percent(row['ready_share'])} of "
        f"the hours ready for AI to lead; priority {row['priority']:.2f}"
    )
    if rank <= most:
        return f"chosen as number {rank}: {facts}"
    if most:
        return f"not yet: fit for a pilot, ranked {rank} behind the {most} chosen; {facts}"
    return f"not yet: fit for a pilot, ranked {rank}, but no pilot was asked for; {facts}"


def _mean(values: pd.Series[float], share: pd.Series[float]) -> float:
    known = values.notna()
    if not known.any():
        return float("nan")
    weights = share[known] if share[known].sum() > 0 else None
    return float(np.average(values[known], weights=weights))


def _share(flags: pd.Series[bool], share: pd.Series[float]) -> float:
    return float(share[flags].sum() / share.sum())


# Checked in this order, so that a row says first what no rating of data could change. The words are filled in from the
# candidate's facts and the rule.
OBSTACLES: tuple[tuple[Callable[[dict[str, Any], PilotRule], bool], str], ...] = (
    (
        lambda facts, _: facts["human_share"] > 0.5,
        "keep human: {human_share} of the work has target level 1 or 2, where people decide",
    ),
    (
        lambda facts, _: facts["n_hours"] == 0,
        "not yet: runs a month and minutes a run are not known for any of its tasks",
    ),
    (
        lambda facts, rule: not facts["n_rated"] or facts["rated_share"] < rule.min_rated_share.value,
        (
            "not yet: judgment is rated for {rated_share} of the work ({n_rated} of {of_tasks}); "
            "{least_rated} is needed before it can be ranked"
        ),
    ),
    (
        lambda facts, rule: facts["placed_share"] < rule.min_ready_share.value,
        "not yet: {placed_share} of the work has a place on the spectrum; rate more of its factors",
    ),
    (
        lambda facts, rule: facts["judgment"] > rule.max_judgment.value,
        "not yet: it needs judgment {judgment:.1f} of 5, and a first pilot at most {rule.max_judgment.value:g}",
    ),
    (
        lambda facts, rule: facts["able_share"] < rule.min_ready_share.value,
        (
            "not yet: by its nature {able_share} of the work could reach level {rule.min_ready_level.value:g}; people "
            "and AI work the rest together, which comes after the first pilots"
        ),
    ),
    (
        lambda facts, rule: facts["ready_share"] < rule.min_ready_share.value,
        (
            "not yet: {ready_share} of the work is ready for level {rule.min_ready_level.value:g} or above and "
            "{least_ready} is needed; by its nature {able_share} could be, and its placements say "
            "what holds readiness back"
        ),
    ),
    (
        lambda facts, rule: facts["led_share"] > rule.max_led_share.value,
        (
            "not yet: {led_share} of the work is at level {rule.min_ready_level.value:g} or above today, so a pilot has "
            "little left to hand over"
        ),
    ),
    (
        lambda facts, rule: facts["runs_per_month"] < rule.min_runs_per_month.value,
        (
            "not yet: {runs_per_month:.1f} runs a month are too few to show anything in 30 days; "
            "{rule.min_runs_per_month.value:g} are needed"
        ),
    ),
    (
        lambda facts, rule: facts["hours_per_month"] < rule.min_hours_per_month.value,
        (
            "not yet: {hours_per_month:.1f} hours a month are at stake; a pilot is worth setting up from "
            "{rule.min_hours_per_month.value:g}"
        ),
    ),
    (lambda facts, _: bool(facts["weakest"]), "not yet: {weakest}"),
)
