"""How many sends and days a test needs, and what a list that is too small could see instead."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import scipy

from playbook.agents.testing.evidence import BETS, as_percent, edge, log_mean, weights
from playbook.errors import ParameterError
from playbook.tables import count

MOST = 1e13  # sends: more than anyone has
SCALE = 0.2  # log ratio the bets centre on, as in `verdict.log_evidence`


@dataclass(frozen=True)
class Design:
    """What a test is to find.

    `baseline` is today's click rate (0 to 1), `worth` the smallest relative difference worth acting on (0.1: a tenth
    more), `arms` the number of variants, `power` the chance to find a difference of that size, `alpha` the chance of a
    false winner over all variants, `judged` as in `VerdictRule`. `audience` is the number of people on the list, or
    `daily` the sends or impressions a day; either may be None.
    """

    baseline: float
    worth: float
    arms: int = 2
    power: float = 0.8
    alpha: float = 0.05
    judged: Literal["any time", "planned end"] = "any time"
    audience: int | None = None
    daily: int | None = None


@dataclass(frozen=True)
class Plan:
    """Sends a variant and in all, days it takes (None without daily traffic), and whether the audience is enough.

    `visible` is the relative difference the audience or the plan can see with the design's power; None when even the
    largest possible one is out of reach.
    """

    design: Design
    each: int
    total: int
    days: int | None
    enough: bool | None
    visible: float | None

    def sentences(self) -> list[str]:
        """The plan in words."""
        design = self.design
        rate = design.baseline * 100
        said = [self._needed(rate)]
        if self.days is not None:
            said.append(f"At {design.daily:,} sends a day that is {count(self.days, 'day')}.")
        if self.enough is False and self.visible is not None:
            said.append(
                f"The list of {design.audience:,} is too small for that. What it could see is a difference of "
                f"{as_percent(self.visible)} or more ({rate:.2f} % against {rate * (1 + self.visible):.2f} %)."
            )
        elif self.enough is False:
            said.append(
                f"The list of {design.audience:,} is too small for that and for any other difference. Test on a larger list, "
                "collect several sends, or decide without a test and say so."
            )
        return said

    def _needed(self, rate: float) -> str:
        design = self.design
        return (
            f"To see {rate:.2f} % against {rate * (1 + design.worth):.2f} % (a difference of {as_percent(design.worth)}) with a "
            f"chance of {as_percent(design.power)} takes {self.each:,} sends a variant, {self.total:,} in all {design.arms} variants. "
            f"A false winner has a chance of at most {as_percent(design.alpha)}, {_looked(design.judged)}."
        )


def plan(design: Design) -> Plan:
    """Sends and days for a test of two or more rates.

    One variant is `worth` better than the others, which are alike; the statement against the closest of them is planned
    for at the level `verdict.judge` judges it at. `planned end`: (z_a sqrt(2 p q) + z_b sqrt(p1 q1 + p2 q2))² / (p2 - p1)² a variant, p the mean
    rate (Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions, 3rd ed. 2003, section 4.3). `any time`: the
    sends at which the mixture of `evidence` reaches arms / alpha in `power` of tests, on the normal approximation of its
    stakes; a test looked at every day finds the difference sooner on average.

    Raises ParameterError when a number is out of its range.
    """
    _check(design)
    each = math.ceil(_each(design, design.worth))
    total = each * design.arms
    days = None if design.daily is None else math.ceil(total / design.daily)
    if design.audience is None:
        return Plan(design, each, total, days, None, design.worth)
    enough = design.audience >= total
    return Plan(design, each, total, days, enough, design.worth if enough else detectable(design, design.audience))


def detectable(design: Design, sends: int) -> float | None:
    """The smallest relative difference that `sends` in all can see with the design's power; None when none can."""
    _check(design)
    highest = 1 / design.baseline - 1
    each = sends / design.arms
    if each < 1 or _each(design, highest * (1 - 1e-9)) > each:
        return None
    return edge(lambda worth: _each(design, worth) - each, 1e-6, highest * (1 - 1e-9), 0.0)


def _each(design: Design, worth: float) -> float:
    """Sends a variant, not rounded."""
    p1 = design.baseline
    p2 = p1 * (1 + worth)
    mean = (p1 + p2) / 2
    null, real = math.sqrt(2 * mean * (1 - mean)), math.sqrt(p1 * (1 - p1) + p2 * (1 - p2))
    z_power = float(scipy.special.ndtri(design.power))
    if design.judged == "planned end":
        z = -float(scipy.special.ndtri(design.alpha / 2))
        return ((z * null + z_power * real) / (p2 - p1)) ** 2
    bound, share = math.log(design.arms / design.alpha), weights(SCALE)

    def missing(log_n: float) -> float:
        """What the stake still lacks after n sends a variant, in all but the luckiest `power` of tests."""
        root = math.sqrt(math.exp(log_n) * mean / 2)  # of the information about the log ratio
        z = ((p2 - p1) * math.exp(log_n / 2) - z_power * real) / math.sqrt(2 * mean)
        return bound - float(log_mean(BETS * z * root - (BETS * root) ** 2 / 2, share))

    return math.exp(edge(missing, 0.0, math.log(MOST), 0.0))


def _looked(judged: str) -> str:
    return "however often it is looked at" if judged == "any time" else "looked at once, at the end"


def _check(design: Design) -> None:
    wanted = {
        "baseline": (0 < design.baseline < 1, "a rate between 0 and 1, 0.03 for 3 %"),
        "worth": (
            design.worth > 0 and design.baseline * (1 + design.worth) < 1,
            "above 0, the better rate below 100 %",
        ),
        "arms": (design.arms >= 2, "two variants or more"),
        "power": (0.5 <= design.power < 1, "a chance from 0.5 to below 1"),
        "alpha": (0 < design.alpha < 0.5, "a chance between 0 and 0.5"),
        "audience": (design.audience is None or design.audience >= 0, "a number of people from 0"),
        "daily": (design.daily is None or design.daily > 0, "sends a day above 0"),
    }
    for name, (fine, said) in wanted.items():
        if not fine:
            raise ParameterError(f"test plan, {name}: {getattr(design, name)}; wanted {said}")
