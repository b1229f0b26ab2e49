"""What the answers say, in sentences and as measures for the gates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.assessments.model import Questionnaire
from playbook.assessments.scoring import score
from playbook.assessments.stages import stage
from playbook.tables import MEASURES, check

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def findings(answers: pd.DataFrame, questionnaire: Questionnaire) -> list[str]:
    """What the answers say, team by team, in sentences; also which answers are not counted and why."""
    scores = score(answers, questionnaire)
    stages = {row["team"]: row for row in stage(scores, questionnaire).to_dict(orient="records")}
    said = [
        sentence
        for team, part in scores.groupby("team", sort=False)
        for sentence in _sentences(str(team), part, stages.get(team))
    ]
    mine = answers[answers["questionnaire"] == questionnaire.id]
    strange = mine[~mine["question"].isin([question.id for question in questionnaire.questions])]
    for team, part in strange.groupby("team", sort=False):
        names = ", ".join(sorted(set(part["question"])))
        said.append(f"{team!s}: answers to {names} are not counted, as the questionnaire has no such question.")
    return said


def measures(answers: pd.DataFrame, questionnaire: Questionnaire, teams: Sequence[str] | None = None) -> pd.DataFrame:
    """`<id>_answered_share` and, with stages, `<id>_stage`, as MEASURES (`maturity_answered_share`, `maturity_stage`).

    The share is questions answered / questions that apply. `teams` adds teams that have not answered anything.
    """
    scores = score(answers, questionnaire)
    stages = {row["team"]: row for row in stage(scores, questionnaire).to_dict(orient="records")}
    rows: list[dict[str, Any]] = []
    for team in dict.fromkeys([*scores["team"], *(teams or ())]):
        part = scores[scores["team"] == team]
        answered = int(part["answered"].sum())
        asked = int(part["questions"].sum()) if len(part) else len(questionnaire.questions)
        base = {"team": team, "n": answered}
        share = {"measure": f"{questionnaire.id}_answered_share", "value": answered / asked if asked else None}
        evidence = f"{answered} of {asked} questions that apply are answered"
        needs = "" if asked else "a question that applies to the team"
        rows.append({**base, **share, "unit": "share", "evidence": evidence, "needs": needs})
        if questionnaire.stages:
            found = stages.get(team, {"stage": pd.NA, "reason": f"not yet: {evidence}"})
            rows.append({**base, "measure": f"{questionnaire.id}_stage", "unit": "stage", **_stage_value(found)})
    return check(MEASURES, pd.DataFrame(rows, columns=list(MEASURES.columns)))


def _stage_value(found: Mapping[Any, Any]) -> dict[str, Any]:
    if pd.isna(found["stage"]):
        return {"value": None, "evidence": "", "needs": str(found["reason"]).removeprefix("not yet: ")}
    return {"value": float(found["stage"]), "evidence": f"{found['name']}: {found['reason']}", "needs": ""}


def _sentences(team: str, part: pd.DataFrame, found: Mapping[Any, Any] | None) -> Iterable[str]:
    answered, asked = int(part["answered"].sum()), int(part["questions"].sum())
    yield f"{team}: {answered} of {asked} questions that apply are answered."
    scored = part.dropna(subset=["score"]).sort_values("score", kind="stable")
    if len(scored) and scored["score"].iloc[0] < scored["score"].iloc[-1]:
        low, high = scored.iloc[0], scored.iloc[-1]
        yield f"{team}: lowest is {_scored(low)}, highest {_scored(high)}; 5 is the top of the scale."
    if found is None:
        return
    if pd.isna(found["stage"]):
        yield f"{team}: no stage is named yet ({str(found['reason']).removeprefix('not yet: ')})."
        return
    wide = found["stage_low"] != found["stage_high"]
    doubt = f" Open answers and spread allow {found['stage_low']} to {found['stage_high']}." if wide else ""
    yield f"{team}: stage {found['stage']}, {found['name']}; {found['reason']}.{doubt}"


def _scored(row: pd.Series) -> str:
    ends = f" (between {row['low']:.1f} and {row['high']:.1f})" if row["low"] < row["high"] else ""
    return f"{row['title']} with {row['score']:.1f}{ends}"
