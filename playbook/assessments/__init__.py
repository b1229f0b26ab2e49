"""Questionnaires a team answers about itself: answers to scores, coverage, and the maturity stage.

A question is asked of the team, never of a person. Seat 0 holds the answer the team agreed on and wins over single
seats; single seats are only ever shown as a mean of five or more.
"""

from playbook.assessments.model import AnswerSet, Dimension, Question, Questionnaire, Stage
from playbook.assessments.readout import findings, measures
from playbook.assessments.scoring import SCORE_COLUMNS, score
from playbook.assessments.stages import GAP_COLUMNS, MODEL_COLUMNS, STAGE_COLUMNS, gaps, operating_model, stage

__all__ = [
    "GAP_COLUMNS",
    "MODEL_COLUMNS",
    "SCORE_COLUMNS",
    "STAGE_COLUMNS",
    "AnswerSet",
    "Dimension",
    "Question",
    "Questionnaire",
    "Stage",
    "findings",
    "gaps",
    "measures",
    "operating_model",
    "score",
    "stage",
]
