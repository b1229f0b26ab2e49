"""The rule as authored in YAML: levels, factors, thresholds, ceilings and the catalogue of functions."""

from __future__ import annotations

import re
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from playbook.tables import FACTORS, Authored, Sourced

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LOWEST, HIGHEST = 1.0, 5.0
LEVELS = (1, 2, 3, 4, 5)
# By the spectrum's own definition people decide at levels 1 and 2; above, AI carries the work.
PEOPLE_DECIDE_UP_TO = 2

Operator = Literal["at least", "above", "at most", "below"]
TOWARDS_PEOPLE: tuple[Operator, ...] = ("at least", "above")


class LevelMeaning(Sourced):
    """One level of the Collaboration Spectrum: who decides, what AI does and how its work is reviewed."""

    number: int = Field(ge=1, le=5)
    name: str = Field(min_length=1)
    meaning: str = Field(min_length=1)
    decides: str = Field(min_length=1)
    ai_does: str = Field(min_length=1)
    review: str = Field(min_length=1)
    examples: tuple[str, ...] = Field(min_length=1)


class Factor(Sourced):
    """One property of the work, rated 1 to 5, with a description of each point a marketing lead can apply.

    `weight` is its share of the score (0: it says nothing about the nature of the work and only limits what may be
    handed over now); `lever` says what a team can do to shift it towards the next level.
    """

    name: str
    title: str = Field(min_length=1)
    meaning: str = Field(min_length=1)
    direction: Literal["favours agents", "favours people"]
    weight: float = Field(ge=0, le=1)
    lever: str = Field(min_length=1)
    anchors: dict[int, str]


class Threshold(Sourced):
    """The score from which work stands on `level`; below the first threshold it stands on level 1."""

    level: int = Field(ge=2, le=5)
    score_from: float = Field(gt=LOWEST, le=HIGHEST)


class Ceiling(Sourced):
    """A veto: while `factor` is `operator` `value`, the target or ready level is `cap` at most."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str = Field(min_length=1)
    factor: str
    operator: Operator
    value: float = Field(ge=LOWEST, le=HIGHEST)
    cap: int = Field(ge=1, le=4)
    applies_to: Literal["target", "ready"]
    reason: str = Field(min_length=1)


class Unrated(Sourced):
    """What may be handed over while nobody of the team has rated `factor`: `unknown` says what that leaves open."""

    factor: str
    ready_cap: int = Field(ge=1, le=4)
    unknown: str = Field(min_length=1)


class Evidence(Sourced):
    """How much must be rated before a level is given, and how far a team may differ from the catalogue.

    `min_coverage` is a share of the rule's weight, `catalogue_width` the points a catalogue rating may be off
    either way.
    """

    min_coverage: float = Field(gt=0, le=1)
    catalogue_width: float = Field(ge=0, le=4)


class Uncertainty(Sourced):
    """How `doubt` draws what nobody knows for sure, and from when a level counts as holding.

    `draws` sets of weights, ratings and missing values, from `seed`; weights follow a Dirichlet distribution around
    the rule's with `concentration` (the higher, the closer; it says why in `concentration_reason`); `usual_spread` is
    the standard deviation, in points, of people who rate one factor of one task, worth `spread_raters` raters where a
    task's own raters are few; `range_share` of the draws lie in the range shown; a level survives that comes out
    in `survives_from` of the draws.
    """

    draws: int = Field(ge=100, le=100_000)
    seed: int = Field(ge=0)
    concentration: float = Field(gt=0)
    concentration_reason: str = Field(min_length=1)
    usual_spread: float = Field(gt=0, le=2)
    spread_raters: float = Field(gt=0)
    range_share: float = Field(gt=0.5, lt=1)
    survives_from: float = Field(gt=0.5, le=1)


class Function(Sourced):
    """A marketing function of the catalogue: the level the source gives it and ratings typical of it."""

    name: str = Field(min_length=1, max_length=120)
    level: int = Field(ge=1, le=5)
    synonyms: tuple[str, ...] = ()
    ratings: dict[str, float]


class Model(Authored):
    """The whole rule. Levels, factors and functions are in the order a reader meets them."""

    version: str = Field(min_length=1)
    levels: tuple[LevelMeaning, ...]
    factors: tuple[Factor, ...]
    thresholds: tuple[Threshold, ...]
    ceilings: tuple[Ceiling, ...]
    unrated: tuple[Unrated, ...]
    evidence: Evidence
    uncertainty: Uncertainty
    functions: tuple[Function, ...]

    @model_validator(mode="after")
    def _holds_together(self) -> Model:
        faults = [*self._level_faults(), *self._factor_faults(), *self._ceiling_faults(), *self._function_faults()]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @cached_property
    def by_name(self) -> dict[str, Factor]:
        """Every factor by its name."""
        return {factor.name: factor for factor in self.factors}

    @cached_property
    def positions(self) -> dict[str, int]:
        """The place in `functions` for every name and synonym, folded by `fold`."""
        return {fold(name): place for place, row in enumerate(self.functions) for name in (row.name, *row.synonyms)}

    def _level_faults(self) -> Iterator[str]:
        if tuple(level.number for level in self.levels) != LEVELS:
            yield "levels: wanted the numbers 1 to 5 in order"
        if tuple(step.level for step in self.thresholds) != LEVELS[1:]:
            yield "thresholds: wanted one for each of the levels 2 to 5 in order"
        scores = [step.score_from for step in self.thresholds]
        if any(after <= before for before, after in pairwise(scores)):
            yield f"thresholds: must rise from level to level; found {scores}"

    def _factor_faults(self) -> Iterator[str]:
        if tuple(factor.name for factor in self.factors) != FACTORS:
            yield "factors: wanted " + ", ".join(FACTORS) + " in this order"
        total = sum(factor.weight for factor in self.factors)
        if abs(total - 1) > 1e-9:
            yield f"factors: the weights must sum to 1; they sum to {total:g}"
        for factor in self.factors:
            if tuple(sorted(factor.anchors)) != LEVELS:
                yield f"factor {factor.name}: wanted an anchor for each of the points 1 to 5"

    def _ceiling_faults(self) -> Iterator[str]:
        yield from _repeated("ceilings", [ceiling.id for ceiling in self.ceilings])
        yield from _repeated("unrated", [row.factor for row in self.unrated])
        for name in (*(row.factor for row in self.ceilings), *(row.factor for row in self.unrated)):
            if name not in FACTORS:
                yield f"{name!r} is not a factor; there are " + ", ".join(FACTORS)
        for ceiling in self.ceilings:
            factor = self.by_name.get(ceiling.factor)
            if factor and (factor.direction == "favours people") != (ceiling.operator in TOWARDS_PEOPLE):
                yield f"ceiling {ceiling.id}: {ceiling.operator!r} would lower the level where the work suits agents"
            if (ceiling.operator, ceiling.value) in (("at least", LOWEST), ("at most", HIGHEST)):
                yield f"ceiling {ceiling.id}: would hold for every rating"

    def _function_faults(self) -> Iterator[str]:
        names = [fold(name) for row in self.functions for name in (row.name, *row.synonyms)]
        yield from _repeated("functions (names and synonyms)", names)
        for row in self.functions:
            if set(row.ratings) != set(FACTORS):
                yield f"function {row.name}: wanted a rating for each of " + ", ".join(FACTORS)
            for factor, rating in row.ratings.items():
                if not LOWEST <= rating <= HIGHEST:
                    yield f"function {row.name}: {factor} is {rating:g}; wanted 1 to 5"


def fold(name: str) -> str:
    """A function's name as it is compared: case, hyphens, `&` and spacing do not matter."""
    plain = name.casefold().replace("&", " and ").replace("e-mail", "email")
    return " ".join(re.split(r"[\W_]+", plain)).strip()


def _repeated(where: str, names: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield f"{where}: {name!r} is there twice"
        seen.add(name)
