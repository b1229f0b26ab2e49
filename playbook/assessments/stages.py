"""What scores amount to: the maturity stage, the way of working, and the gaps to practise on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.assessments.model import HIGHEST, LOWEST, Questionnaire
from playbook.assessments.scoring import frame_of
from playbook.tables import count, percent

if TYPE_CHECKING:
    from collections.abc import Mapping

STAGE_COLUMNS: Mapping[str, str] = {
    "team": "str",
    "stage": "Int64",
    "name": "str",
    "org_design": "str",
    "stage_low": "Int64",
    "stage_high": "Int64",
    "next_step": "str",
    "reason": "str",
}
MODEL_COLUMNS: Mapping[str, str] = {
    "team": "str",
    "score": "float64",
    "operating_model": "str",
    "meaning": "str",
    "reason": "str",
}
GAP_COLUMNS: Mapping[str, str] = {
    "team": "str",
    "dimension": "str",
    "title": "str",
    "score": "float64",
    "wanted": "float64",
    "gap": "float64",
    "practice": "str",
    "note": "str",
}


def stage(scores: pd.DataFrame, questionnaire: Questionnaire) -> pd.DataFrame:
    """The maturity stage of each team in `scores`, from 1 (individual prompts) to 5 (self-improving systems).

    A stage is reached when at least `dimensions_needed` of the counted dimensions score it or more; the stage is the
    highest one reached, and 1 where none is. It stays empty while fewer than `coverage_needed` of the applicable
    questions are answered or a counted dimension has no answer. `stage_low` and `stage_high` come from the same rule
    over the ends of the scores. Raising an answer never lowers the stage.

    Columns: team, stage, name, org_design, stage_low, stage_high, next_step, reason. Empty for a questionnaire
    without stages.
    """
    counted = scores[scores["dimension"].isin(questionnaire.counted())] if questionnaire.stages else scores.iloc[:0]
    rows = [_staged(str(team), part, questionnaire) for team, part in counted.groupby("team", sort=False)]
    return frame_of(rows, STAGE_COLUMNS)


def operating_model(scores: pd.DataFrame, questionnaire: Questionnaire) -> pd.DataFrame:
    """Where each team stands between the AI-augmented and the AI-native way of working.

    Read from the score of the questionnaire's `model_dimension`. Columns: team, score, operating_model (empty: not
    yet), meaning, reason.
    """
    rows = []
    for row in scores[scores["dimension"] == (questionnaire.model_dimension or "")].to_dict(orient="records"):
        coverage = 0.0 if math.isnan(row["coverage"]) else row["coverage"]
        if coverage < questionnaire.rule.coverage_needed:
            reason = f"not yet: {row['answered']} of {row['questions']} questions on it answered"
            rows.append({"team": row["team"], "score": math.nan, "reason": reason})
            continue
        here = [model for model in questionnaire.operating_models if model.from_score <= row["score"]][-1]
        reason = f"score {row['score']:.1f} of 5, from {here.from_score:g} on it is called {here.title}"
        said = {"operating_model": here.title, "meaning": here.meaning, "reason": reason}
        rows.append({"team": row["team"], "score": row["score"], **said})
    return frame_of(rows, MODEL_COLUMNS)


def gaps(scores: pd.DataFrame, questionnaire: Questionnaire) -> pd.DataFrame:
    """What a team lacks in each dimension: wanted score - score, 0 where the wanted score is reached.

    Columns: team, dimension, title, score, wanted, gap (points; empty: not yet known), practice (what helps), note.
    """
    wanted = {dimension.id: dimension for dimension in questionnaire.dimensions}
    rows = []
    for row in scores.to_dict(orient="records"):
        dimension = wanted[row["dimension"]]
        gap = max(0.0, dimension.wanted - row["score"]) if not math.isnan(row["score"]) else math.nan
        practice = dimension.practice if gap > 0 else ""
        said = {name: row[name] for name in ("team", "dimension", "title", "score", "note")}
        rows.append({**said, "wanted": dimension.wanted, "gap": gap, "practice": practice})
    return frame_of(rows, GAP_COLUMNS)


def _staged(team: str, part: pd.DataFrame, questionnaire: Questionnaire) -> dict[str, Any]:
    applying = part[part["questions"] > 0]
    answered, asked = int(applying["answered"].sum()), int(applying["questions"].sum())
    rule = questionnaire.rule
    silent = bool(applying["score"].isna().any())
    if not asked or answered / asked < rule.coverage_needed or silent:
        reason = (
            f"not yet: {answered} of {count(asked, 'question')} answered; {percent(rule.coverage_needed)} are needed"
        )
        missing = ", and at least one in each dimension" if silent else ""
        return {"team": team, "reason": reason + missing}
    reached, low, high = (_highest(applying[name], rule.dimensions_needed) for name in ("score", "low", "high"))
    here = questionnaire.stages[reached - 1]
    at = int((applying["score"] >= reached).sum())
    weakest = applying.sort_values("score", kind="stable").iloc[0]
    reason = (
        f"{at} of {count(len(applying), 'dimension')} score {reached} or more, {percent(rule.dimensions_needed)} are needed; "
        f"lowest is {weakest['title']} with {weakest['score']:.1f}; {answered} of {count(asked, 'question')} answered"
    )
    said = {"name": here.name, "org_design": here.org_design, "next_step": here.next_step, "reason": reason}
    return {"team": team, "stage": reached, "stage_low": low, "stage_high": high, **said}


def _highest(scores: pd.Series, share: float) -> int:
    reached = [level for level in range(LOWEST, HIGHEST + 1) if float((scores >= level).mean()) >= share]
    return max(reached, default=LOWEST)
