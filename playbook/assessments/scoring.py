"""Answers to scores: one score a team and dimension, with its ends and its coverage."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy

from playbook.assessments.model import HIGHEST, LOWEST, Questionnaire
from playbook.errors import Fault, TableError
from playbook.intervals import CONFIDENCE, at_least_five
from playbook.tables import ANSWERS, check

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SCORE_COLUMNS: Mapping[str, str] = {
    "team": "str",
    "dimension": "str",
    "title": "str",
    "score": "float64",
    "low": "float64",
    "high": "float64",
    "answered": "Int64",
    "questions": "Int64",
    "coverage": "float64",
    "seats": "Int64",
    "note": "str",
}


def score(answers: pd.DataFrame, questionnaire: Questionnaire) -> pd.DataFrame:
    """Score each dimension for each team of `answers` (ANSWERS): the mean of its answered questions, 1 low to 5 high.

    A question counts with the agreed answer (seat 0), else with the mean of its seats where five or more gave a score.
    It does not apply when the agreed answer says so, or more than half of five or more seats; then it leaves the
    denominator. `low` and `high` are ends of what the score may be: an open question counts 1 and 5, a mean of seats
    its 95 % t interval within 1 to 5; an agreed answer adds no width.

    Columns: team, dimension, title, score, low, high, answered, questions (that apply), coverage (answered /
    questions), seats (the smallest number behind a shown mean; empty where only agreed answers count), note. Without
    an answer score, low and high are empty. Answers to questions the questionnaire does not have are left out and
    named by `findings`. Raises TableError for a score the question does not offer.
    """
    known = _own(answers, questionnaire)
    rows = []
    for team in dict.fromkeys(answers["team"]):
        mine = known[known["team"] == team]
        given = dict(list(mine.groupby("question", sort=False)))
        for dimension in questionnaire.dimensions:
            asked = [question.id for question in questionnaire.questions if question.dimension == dimension.id]
            parts = [_question(given.get(question)) for question in asked]
            rows.append({"team": team, "dimension": dimension.id, "title": dimension.title, **_dimension(parts)})
    return frame_of(rows, SCORE_COLUMNS)


def frame_of(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> pd.DataFrame:
    """Rows as a typed frame with these columns, texts empty where nothing was said."""
    frame = pd.DataFrame(list(rows), columns=list(columns)).astype(columns)
    texts = [name for name, kind in columns.items() if kind == "str"]
    frame[texts] = frame[texts].fillna("")
    return frame


def _own(answers: pd.DataFrame, questionnaire: Questionnaire) -> pd.DataFrame:
    """The answers to this questionnaire's questions; a score that was not on offer is refused, not averaged."""
    known = check(ANSWERS, answers)
    known = known[
        (known["questionnaire"] == questionnaire.id)
        & known["question"].isin([question.id for question in questionnaire.questions])
    ]
    offered = f"one of {', '.join(str(number) for number in range(LOWEST, HIGHEST + 1))}, or nothing"
    faults = []
    for label, score, apart in zip(known.index, known["score"], known["not_applicable"], strict=True):
        if apart and not pd.isna(score):
            faults.append(Fault(label, "score", f"{score} and not applicable", "one of the two"))
        elif not pd.isna(score) and not LOWEST <= score <= HIGHEST:
            faults.append(Fault(label, "score", str(score), offered))
    if faults:
        raise TableError("answers", faults)
    return known[known["not_applicable"] | known["score"].notna()]


def _question(part: pd.DataFrame | None) -> dict[str, Any]:
    """One question's state for a team: `open`, `kept back`, `not applicable` or `answered` with score and ends."""
    if part is None:
        return {"state": "open"}
    agreed = part[part["seat"] == 0]
    if len(agreed):
        if agreed["not_applicable"].iloc[0]:
            return {"state": "not applicable"}
        value = float(agreed["score"].iloc[0])
        return {"state": "answered", "score": value, "low": value, "high": value}
    scores = part["score"].dropna().to_numpy(dtype=float)
    if at_least_five(len(part)) and 2 * int(part["not_applicable"].sum()) > len(part):
        return {"state": "not applicable"}
    if not at_least_five(len(scores)):
        return {"state": "kept back"}
    spread = float(np.std(scores, ddof=1)) / math.sqrt(len(scores))
    reach = float(scipy.special.stdtrit(len(scores) - 1, (1 + CONFIDENCE) / 2)) * spread
    mean = float(scores.mean())
    ends = {"low": max(LOWEST, mean - reach), "high": min(HIGHEST, mean + reach)}
    return {"state": "answered", "score": mean, "seats": len(scores), **ends}


def _dimension(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    applying = [part for part in parts if part["state"] != "not applicable"]
    answered = [part for part in applying if part["state"] == "answered"]
    found: dict[str, Any] = {"answered": len(answered), "questions": len(applying)}
    found["coverage"] = len(answered) / len(applying) if applying else math.nan
    found["seats"] = min((part["seats"] for part in answered if "seats" in part), default=None)
    if answered:
        found["score"] = float(np.mean([part["score"] for part in answered]))
        found["low"] = float(np.mean([part.get("low", LOWEST) for part in applying]))
        found["high"] = float(np.mean([part.get("high", HIGHEST) for part in applying]))
    kept = sum(part["state"] == "kept back" for part in parts)
    notes = [
        (not applying, "does not apply"),
        (bool(applying) and not answered, "not yet: no answer that may be shown"),
        (kept > 0, f"{kept} kept back: fewer than five seats scored and the team has not agreed on an answer"),
        (0 < len(applying) < len(parts), f"{len(parts) - len(applying)} not applicable"),
    ]
    found["note"] = "; ".join(text for holds, text in notes if holds)
    return found
