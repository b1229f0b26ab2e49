"""Says in plain words why a task stands where it stands, what holds it there and what would move it up."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from playbook.spectrum.model import HIGHEST, LOWEST, PEOPLE_DECIDE_UP_TO
from playbook.spectrum.weighing import met
from playbook.tables import FACTORS, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playbook.spectrum.model import Ceiling, Factor, Model, Unrated
    from playbook.spectrum.ratings import Ratings
    from playbook.spectrum.weighing import Placed

SHOWN_DRIVERS = 2
SCALE = LOWEST + HIGHEST
MIDDLE = SCALE / 2


def explain(known: Ratings, placed: Placed, model: Model) -> list[tuple[str, str]]:
    """For each task the titles of the ceilings that lowered a level, and the reasons, both as text."""
    return [task.said() for task in _tasks(known, placed, model)]


def steps_up(known: Ratings, placed: Placed, model: Model) -> list[tuple[str, str]]:
    """For each task what the next target level and the next ready level would take, each as text or empty."""
    return [task.steps() for task in _tasks(known, placed, model)]


def _tasks(known: Ratings, placed: Placed, model: Model) -> Iterator[_Task]:
    holds = np.array([met(ceiling, placed.used) for ceiling in model.ceilings]).reshape(len(model.ceilings), -1).T
    for row in range(len(known.said)):
        yield _Task(known, placed, model, row, holds[row].tolist())


class _Task:
    """One task's figures as plain numbers, so that each sentence reads like what it says."""

    def __init__(self, known: Ratings, placed: Placed, model: Model, row: int, holds: list[bool]) -> None:
        self.model = model
        self.function, self.sheet_name = known.function[row], known.said[row]
        self.values: list[float] = placed.used[row].tolist()
        self.own = [not math.isnan(value) for value in known.rated[row].tolist()]
        self.excluded: list[bool] = known.excluded[row].tolist()
        self.set_aside: list[bool] = known.set_aside[row].tolist()
        self.score, self.coverage = float(placed.score[row]), float(placed.coverage[row])
        self.by_score, self.target, self.ready = (
            int(levels[row]) for levels in (placed.by_score, placed.target, placed.ready)
        )
        self.low, self.high = int(placed.low[row]), int(placed.high[row])
        self.active = [ceiling for ceiling, holding in zip(model.ceilings, holds, strict=True) if holding]
        self.target_ceilings = self._lowering("target", self.by_score)
        self.ready_ceilings = self._lowering("ready", self.target)

    def said(self) -> tuple[str, str]:
        if not self.target:
            return "", " ".join([*self._not_yet(), *self._contradictions()])
        ceilings = "; ".join(ceiling.title for ceiling in (*self.target_ceilings, *self.ready_ceilings))
        parts = [self._level(), *self._drivers(), *self._held(), *self._keep_human()]
        parts += [*self._readiness(), *self._evidence()]
        return ceilings, " ".join([*parts, *self._contradictions(), *self._next_level()])

    def _lowering(self, applies_to: str, level: int) -> list[Ceiling]:
        return [row for row in self.active if row.applies_to == applies_to and row.cap < level]

    def _not_yet(self) -> Iterator[str]:
        applicable = [
            factor for factor, out in zip(self.model.factors, self.excluded, strict=True) if not out and factor.weight
        ]
        if not applicable:
            yield "not yet: every factor that sets the level is marked as not applicable, so nothing is left to judge by."
            return
        missing = [factor for factor in self._unrated() if factor.weight]
        first = _list([factor.title.lower() for factor in sorted(missing, key=lambda factor: -factor.weight)[:3]])
        if not any(self.own):
            yield f"not yet: no factor is rated; rate {first} first."
        else:
            needed = self.model.evidence.min_coverage
            yield (
                f"not yet: {percent(self.coverage)} of the rule's weight is rated and a level needs {percent(needed)}; "
                f"rate {first} next."
            )
        if self.low:
            yield f"So far any level from {self.low} to {self.high} is possible."
        if self.sheet_name:
            yield f"The function {self.sheet_name!r} is not in the catalogue, so no usual ratings stand in."

    def _level(self) -> str:
        if self.target == self.by_score:
            return f"Level {self.target} ({self._name(self.target)}) by its nature: score {self.score:.2f} of 5."
        return (
            f"Level {self.target} ({self._name(self.target)}): the score of {self.score:.2f} alone would give "
            f"level {self.by_score}."
        )

    def _drivers(self) -> Iterator[str]:
        pulls = [
            (factor.weight * (self._points(factor) - MIDDLE), factor)
            for factor in self.model.factors
            if not math.isnan(self._value(factor))
        ]
        for words, sign in (("agents", 1), ("people", -1)):
            pulling = sorted((pair for pair in pulls if pair[0] * sign > 1e-9), key=lambda pair: -pair[0] * sign)
            if pulling:
                named = _list([self._rated(factor) for _, factor in pulling[:SHOWN_DRIVERS]])
                yield f"Towards {words}: {named}."

    def _held(self) -> Iterator[str]:
        for ceiling in self.target_ceilings:
            yield f"Held at level {ceiling.cap} at most by {self._rule(ceiling)}."

    def _keep_human(self) -> Iterator[str]:
        if self.target <= PEOPLE_DECIDE_UP_TO:
            yield "Keep human: people decide here."

    def _readiness(self) -> Iterator[str]:
        if self.ready == self.target:
            yield "The team is ready for that level now."
            return
        yield f"Ready for level {self.ready} now: {'; '.join(self._held_now())}."

    def _held_now(self) -> Iterator[str]:
        for ceiling in self.ready_ceilings:
            yield f"at most level {ceiling.cap} with {self._rule(ceiling)}"
        rows = self._unrated_rows()
        for cap in sorted({row.ready_cap for row in rows}):
            titles = _list([self._title(row.factor) for row in rows if row.ready_cap == cap])
            open_questions = _list([row.unknown for row in rows if row.ready_cap == cap])
            yield f"at most level {cap} until the team has rated {titles}, because nobody has said {open_questions}"

    def _unrated_rows(self) -> list[Unrated]:
        unrated = {factor.name for factor in self._unrated()}
        return [row for row in self.model.unrated if row.factor in unrated and row.ready_cap < self.target]

    def _evidence(self) -> Iterator[str]:
        unrated = [factor.title.lower() for factor in self._unrated()]
        if not unrated:
            return
        span = f"level {self.low}" if self.low == self.high else f"levels {self.low} to {self.high}"
        if self.function and not any(self.own):
            yield (
                f"Nobody has rated this task: ratings usual for {self.function} stand in, so this is where such work "
                f"tends to sit; a team that differs could find {span}."
            )
        elif self.function:
            yield (
                f"Not rated by the team: {_list(unrated)}; ratings usual for {self.function} stand in, and {span} "
                f"{'is' if self.low == self.high else 'are'} possible."
            )
        else:
            yield f"Not rated: {_list(unrated)}; {span} {'is' if self.low == self.high else 'are'} possible."

    def _contradictions(self) -> Iterator[str]:
        both = [factor.title.lower() for factor, aside in zip(self.model.factors, self.set_aside, strict=True) if aside]
        if both:
            yield f"Rated and also marked as not applicable: {_list(both)}; the rating was set aside."

    def steps(self) -> tuple[str, str]:
        """What the next target level would take (without a level: what it needs), and the next ready level."""
        target = self._higher_target() if self.target else self._not_yet()
        return " ".join(target), " ".join(self._higher_ready())

    def _next_level(self) -> Iterator[str]:
        yield from self._higher_target()
        yield from self._higher_ready()

    def _higher_target(self) -> Iterator[str]:
        if self.target < len(self.model.levels):
            wanted = self.target + 1
            steps = [*self._lift(self._lowering("target", wanted), self.target), *self._raise_score(wanted)]
            yield f"What level {wanted} would take: {'; and '.join(steps)}."

    def _higher_ready(self) -> Iterator[str]:
        if self.ready < self.target:
            steps = [*self._lift(self.ready_ceilings, self.ready)]
            missing = [self._title(row.factor) for row in self._unrated_rows() if row.ready_cap == self.ready]
            steps += [f"rate {_list(missing)}"] if missing else []
            yield f"What being ready for level {self.ready + 1} would take: {'; and '.join(steps)}."

    def _lift(self, ceilings: list[Ceiling], level: int) -> Iterator[str]:
        for ceiling in ceilings:
            if ceiling.cap == level:
                factor = self.model.by_name[ceiling.factor]
                yield f"bring {factor.title.lower()} {OPPOSITES[ceiling.operator]} {ceiling.value:g} ({factor.lever})"

    def _raise_score(self, wanted: int) -> Iterator[str]:
        """One factor's change that lifts the score over the next threshold, when one alone can.

        What a team can build (rules, checks) comes before what it would have to split off (contact, judgment).
        """
        short = self.model.thresholds[wanted - 2].score_from - self.score
        if short <= 0:
            return
        used = [factor for factor in self.model.factors if factor.weight and not math.isnan(self._value(factor))]
        total = sum(factor.weight for factor in used)
        changes = [(short * total / factor.weight, factor) for factor in used]
        possible = [pair for pair in changes if pair[0] <= HIGHEST - self._points(pair[1]) + 1e-9]
        if not possible:
            yield f"the score must rise by {_up(short, 2):g}, which takes several factors together"
            return
        change, factor = min(possible, key=lambda pair: (pair[1].direction == "favours people", pair[0]))
        value = self._value(factor)
        goal = value + _up(change, 1) if factor.direction == "favours agents" else value - _up(change, 1)
        goal = min(max(goal, LOWEST), HIGHEST)
        yield f"{factor.title.lower()} from {value:.3g} to {goal:.3g} alone would raise the score enough ({factor.lever})"

    def _rule(self, ceiling: Ceiling) -> str:
        factor = self.model.by_name[ceiling.factor]
        return f"{ceiling.title} ({self._rated(factor)}): {ceiling.reason}"

    def _rated(self, factor: Factor) -> str:
        return f"{factor.title.lower()} {self._value(factor):.3g}"

    def _unrated(self) -> list[Factor]:
        rows = zip(self.model.factors, self.own, self.excluded, strict=True)
        return [factor for factor, own, excluded in rows if not own and not excluded]

    def _value(self, factor: Factor) -> float:
        return self.values[FACTORS.index(factor.name)]

    def _points(self, factor: Factor) -> float:
        value = self._value(factor)
        return value if factor.direction == "favours agents" else SCALE - value

    def _title(self, name: str) -> str:
        return self.model.by_name[name].title.lower()

    def _name(self, level: int) -> str:
        return self.model.levels[level - 1].name


def _list(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _up(value: float, digits: int) -> float:
    steps = 10.0**digits
    return math.ceil(round(value * steps, 6)) / steps


OPPOSITES = {"at least": "below", "above": "to at most", "at most": "above", "below": "to at least"}
