"""The questionnaire as people write it: dimensions, questions, shared answers, stages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from playbook.tables import Authored, Sourced

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LOWEST, HIGHEST = 1, 5


class Choice(Authored):
    """One answer that may be given: its score from 1 (lowest) to 5, and the description people choose by."""

    score: int = Field(ge=LOWEST, le=HIGHEST)
    description: str = Field(min_length=3)


class AnswerSet(Authored):
    """Answers many questions share, one for each score from 1 to 5."""

    id: str
    answers: tuple[Choice, ...]

    @model_validator(mode="after")
    def _one_each(self) -> AnswerSet:
        if [choice.score for choice in self.answers] != list(range(LOWEST, HIGHEST + 1)):
            raise ValueError(f"answer set {self.id}: wanted one answer for each score from 1 to 5, in order")
        return self


class Dimension(Sourced):
    """Something a team can be good at; `counts_for_stage` says whether the stage rests on it.

    `wanted` is the score (1-5) from which the dimension is good enough for the next phase, `practice` what helps to
    get there.
    """

    id: str = Field(pattern=r"^[a-z0-9_]+$")
    title: str
    meaning: str
    counts_for_stage: bool = False
    wanted: float = Field(ge=LOWEST, le=HIGHEST)
    practice: str


class Question(Authored):
    """One question to the team: its place in the order, its dimension and the answer set it uses."""

    id: str = Field(pattern=r"^[a-z0-9_]+$", max_length=80)
    order: int = Field(ge=1)
    dimension: str
    text: str = Field(min_length=10)
    answers: str
    evidence: str = Field(min_length=3, description="what an honest answer can rest on")


class Stage(Sourced):
    """A stage of maturity, the organisation design that suits it and the step to the next."""

    stage: int = Field(ge=1, le=5)
    name: str
    meaning: str
    org_design: str
    next_step: str


class OperatingModel(Sourced):
    """A way of working, from the score of its dimension on which a team stands there.

    `output_change` is the share of additional output the source reports, empty where it reports none; it is the
    source's figure and not one measured here.
    """

    id: str
    title: str
    meaning: str
    from_score: float = Field(ge=LOWEST, le=HIGHEST)
    output_change: float | None = None


class Rule(Sourced):
    """When answers are enough and when a stage is reached.

    `coverage_needed` is the share of applicable questions that must be answered before a stage is named;
    `dimensions_needed` the share of counted dimensions that must have reached a stage.
    """

    coverage_needed: float = Field(gt=0, le=1)
    dimensions_needed: float = Field(gt=0, le=1)


class Questionnaire(Authored):
    """A questionnaire: dimensions, questions, shared answer sets, and for maturity the stages."""

    id: str = Field(pattern=r"^[a-z0-9_]+$", max_length=40)
    title: str
    purpose: str
    asked_of: Literal["team"]
    rule: Rule
    answer_sets: tuple[AnswerSet, ...] = Field(min_length=1)
    dimensions: tuple[Dimension, ...] = Field(min_length=1)
    questions: tuple[Question, ...] = Field(min_length=1)
    stages: tuple[Stage, ...] = ()
    model_dimension: str | None = None
    operating_models: tuple[OperatingModel, ...] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> Questionnaire:
        faults = list(self._faults())
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def choices(self, question: Question) -> tuple[Choice, ...]:
        """The answers a question accepts, lowest score first."""
        return next(found.answers for found in self.answer_sets if found.id == question.answers)

    def counted(self) -> tuple[str, ...]:
        """Ids of the dimensions a stage rests on."""
        return tuple(dimension.id for dimension in self.dimensions if dimension.counts_for_stage)

    def _faults(self) -> Iterable[str]:
        dimensions, sets = [found.id for found in self.dimensions], [found.id for found in self.answer_sets]
        yield from _repeated("dimension", dimensions)
        yield from _repeated("answer set", sets)
        yield from _repeated("question", [question.id for question in self.questions])
        yield from _repeated("order", [str(question.order) for question in self.questions])
        for question in self.questions:
            if question.dimension not in dimensions:
                yield f"{question.id}: {question.dimension} is no dimension"
            if question.answers not in sets:
                yield f"{question.id}: {question.answers} is no answer set"
        for name in dimensions:
            if name not in {question.dimension for question in self.questions}:
                yield f"dimension {name} has no question"
        if self.stages and [stage.stage for stage in self.stages] != list(range(LOWEST, HIGHEST + 1)):
            yield "stages: wanted 1 to 5 in order, or none"
        if self.stages and not self.counted():
            yield "stages need at least one dimension with counts_for_stage"
        starts = [model.from_score for model in self.operating_models]
        if starts and (starts[0] != LOWEST or starts != sorted(set(starts)) or self.model_dimension not in dimensions):
            yield "operating_models: wanted from_score rising from 1, and model_dimension naming a dimension"


def _repeated(kind: str, names: Sequence[str]) -> Iterable[str]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{kind} {name} is there twice"
