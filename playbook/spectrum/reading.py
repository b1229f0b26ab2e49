"""What the rule and a set of placements say: tables to print, findings in sentences, figures for the gates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.spectrum.model import PEOPLE_DECIDE_UP_TO
from playbook.spectrum.placing import place
from playbook.tables import FACTORS, MEASURES, count, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playbook.spectrum.model import Factor, Model


def catalogue(model: Model) -> pd.DataFrame:
    """Every function of the catalogue, one a row.

    Columns: `function`, `level` (as the source gives it), `level_name`, `placed` (as the rule places its usual
    ratings), `score`, one column a factor with the usual rating, `synonyms`, `source`.
    """
    usual = pd.DataFrame([row.ratings for row in model.functions], columns=list(FACTORS), dtype="float64")
    placed = place(usual, model)
    names = [level.name for level in model.levels]
    front = pd.DataFrame(
        {
            "function": [row.name for row in model.functions],
            "level": pd.array([row.level for row in model.functions], dtype="Int64"),
            "level_name": [names[row.level - 1] for row in model.functions],
            "placed": placed["target_level"],
            "score": placed["score"],
        }
    )
    back = pd.DataFrame(
        {
            "synonyms": [", ".join(row.synonyms) for row in model.functions],
            "source": [row.source for row in model.functions],
        }
    )
    return pd.concat([front, usual, back], axis=1)


def level_table(model: Model) -> pd.DataFrame:
    """The five levels, one a row: `level`, `name`, `meaning`, `decides`, `ai_does`, `review`, `examples`, `score_from`.

    `score_from` is the score a task needs for the level, in points; level 1 starts at the bottom of the scale.
    """
    starts = {step.level: step.score_from for step in model.thresholds}
    rows = [
        {
            "level": level.number,
            "name": level.name,
            "meaning": level.meaning,
            "decides": level.decides,
            "ai_does": level.ai_does,
            "review": level.review,
            "examples": ", ".join(level.examples),
            "score_from": starts.get(level.number, 1.0),
        }
        for level in model.levels
    ]
    return pd.DataFrame(rows).astype({"level": "Int64"})


def factor_table(model: Model) -> pd.DataFrame:
    """The factors, one a row: `factor`, `title`, `meaning`, `direction`, `weight` (share), `1` to `5` (the anchors),
    `lever` (what shifts it), `source`."""  # noqa: D209
    rows = [
        {
            "factor": factor.name,
            "title": factor.title,
            "meaning": factor.meaning,
            "direction": factor.direction,
            "weight": factor.weight,
            **{str(point): factor.anchors[point] for point in sorted(factor.anchors)},
            "lever": factor.lever,
            "source": factor.source,
        }
        for factor in model.factors
    ]
    return pd.DataFrame(rows)


def rule_page(model: Model) -> pd.DataFrame:
    """The whole rule on one page, one row a factor, the heaviest first, and a last row for the score as a whole.

    Columns: `factor`, `asks` (what it means), `score` (its share and direction), `could_be` (the vetoes on what the work
    could be by its nature), `ready_now` (the vetoes on what may be handed over now).
    """
    rows = [
        {
            "factor": factor.title,
            "asks": factor.meaning,
            "score": _pull(factor),
            "could_be": "; ".join(_vetoes(factor, model, "target")),
            "ready_now": "; ".join(_vetoes(factor, model, "ready")),
        }
        for factor in sorted(model.factors, key=lambda factor: -factor.weight)
    ]
    steps = ", ".join(f"{step.level} from {step.score_from:g}" for step in model.thresholds)
    whole = {
        "factor": "All together",
        "asks": "The weighted mean of the points towards agents, 1 to 5",
        "score": "100 %",
        "could_be": f"Level {steps}; below that level 1",
        "ready_now": "never more than by its nature",
    }
    return pd.DataFrame([*rows, whole], dtype="str")


def measures(placements: pd.DataFrame) -> pd.DataFrame:
    """Per team: share_of_tasks_placed, rated_coverage, tasks_without_level and keep_human_share, as MEASURES.

    `rated_coverage` is the mean share of the rule's weight the team rated itself; `keep_human_share` the share of
    placed tasks whose target is level 1 or 2, where people decide.
    """
    rows = [row for team, group in placements.groupby("team", sort=True) for row in _measured(str(team), group)]
    return _typed(rows)


def findings(placements: pd.DataFrame, tasks: pd.DataFrame) -> list[str]:
    """What the placements say in sentences, per team when there are several; `tasks` gives their names in words.

    The two frames belong together row by row, as `place` returns them. No placements give one "not yet".
    """
    if placements.empty:
        return ["Not yet: there are no tasks to place on the spectrum."]
    several = len(set(placements["team"])) > 1
    said: list[str] = []
    for team, group in placements.groupby("team", sort=True):
        lead = f"Team {team}: " if several else ""
        said += [lead + text for text in _found(group, _names(tasks, group))]
    return said


def _pull(factor: Factor) -> str:
    """What a factor does to the score, in words: its share and its direction."""
    if not factor.weight:
        return "no part of the score"
    return f"{percent(factor.weight)} of the score, {factor.direction}"


def _vetoes(factor: Factor, model: Model, applies_to: str) -> list[str]:
    """A factor's vetoes in words, the mildest first, and what it allows while nobody has rated it."""
    rules = [row for row in model.ceilings if row.factor == factor.name and row.applies_to == applies_to]
    said = [f"{row.operator} {row.value:g}: level {row.cap} at most" for row in sorted(rules, key=lambda row: -row.cap)]
    unrated = [row for row in model.unrated if row.factor == factor.name and applies_to == "ready"]
    return said + [f"not rated: level {row.ready_cap} at most" for row in unrated]


def _measured(team: str, group: pd.DataFrame) -> Iterator[dict[str, Any]]:
    n, placed = len(group), group["target_level"].dropna()
    base = {"team": team, "n": n, "needs": ""}
    yield base | {
        "measure": "share_of_tasks_placed",
        "value": len(placed) / n,
        "unit": "share",
        "evidence": f"{len(placed)} of {count(n, 'task')} have a target level",
    }
    yield base | {
        "measure": "rated_coverage",
        "value": float(group["coverage"].mean()),
        "unit": "share",
        "evidence": f"mean share of the rule's weight rated by the team, over {count(n, 'task')}",
    }
    yield base | {
        "measure": "tasks_without_level",
        "value": float(n - len(placed)),
        "unit": "tasks",
        "evidence": f"{n - len(placed)} of {count(n, 'task')} have no target level yet",
    }
    human = int((placed <= PEOPLE_DECIDE_UP_TO).sum())
    yield base | {
        "measure": "keep_human_share",
        "value": human / len(placed) if len(placed) else None,
        "unit": "share",
        "n": len(placed),
        "evidence": f"{human} of {count(len(placed), 'placed task')} have target level 1 or 2, where people decide",
        "needs": "" if len(placed) else "ratings, or a function of the catalogue, for at least one task",
    }


def _found(group: pd.DataFrame, names: list[str]) -> Iterator[str]:
    n, placed = len(group), group.dropna(subset=["target_level"])
    if placed.empty:
        yield f"Not yet: none of {count(n, 'task')} has ratings or a function of the catalogue, so none has a level."
        return
    counts = placed["target_level"].value_counts()
    spread = ", ".join(f"{counts.get(level, 0)} at level {level}" for level in range(1, 6))
    yield f"{len(placed)} of {count(n, 'task')} have a place on the spectrum by their nature: {spread}."
    now = int((placed["ready_level"] >= 4).sum())
    by_nature = int((placed["target_level"] >= 4).sum())
    yield f"{by_nature} could be led by AI (level 4 or 5) by their nature; {now} of them may be handed over now."
    human = int((placed["target_level"] <= PEOPLE_DECIDE_UP_TO).sum())
    if human:
        yield f"Keep human: {human} of {count(len(placed), 'placed task')} stay with people (level 1 or 2)."
    capped = placed.loc[placed["ceilings"].str.len() > 0, "ceilings"].str.split("; ").explode().value_counts()
    if len(capped):
        top = sorted(capped.items(), key=lambda pair: (-pair[1], str(pair[0])))[:3]
        yield "What holds tasks down most often: " + ", ".join(f"{name} ({count})" for name, count in top) + "."
    yield from _doubts(group, placed, names)


def _doubts(group: pd.DataFrame, placed: pd.DataFrame, names: list[str]) -> Iterator[str]:
    width = placed["level_high"] - placed["level_low"]
    sure = int((width == 0).sum())
    yield (
        f"{sure} of {count(len(placed), 'placed task')} keep their level whatever the missing ratings are; on average "
        f"{percent(group['coverage'].mean())} of the rule's weight was rated by the team. That is about missing ratings, "
        f"not about raters or weights."
    )
    borrowed = int((placed["coverage"] == 0).sum())
    if borrowed:
        yield f"{borrowed} of these levels {'rests' if borrowed == 1 else 'rest'} on the catalogue alone: nobody on the team has rated those tasks."
    missing = [name for name, level in zip(names, group["target_level"].tolist(), strict=True) if pd.isna(level)]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        yield f"Not yet: {len(missing)} of {count(len(group), 'task')} have no level ({', '.join(missing[:3])}{more})."


def _names(tasks: pd.DataFrame, group: pd.DataFrame) -> list[str]:
    if not {"team", "task_id", "task"} <= set(tasks.columns):
        return group["task_id"].astype(str).tolist()
    titles = dict(zip(zip(tasks["team"], tasks["task_id"], strict=True), tasks["task"], strict=True))
    return [str(titles.get(key, key[1])) for key in zip(group["team"], group["task_id"], strict=True)]


def _typed(rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(MEASURES.columns))
    return frame.astype({name: col.dtype for name, col in MEASURES.columns.items()})
