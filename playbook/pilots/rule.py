"""The evidence rule: how many items, which margins, which measure of quality; all fixed before a pilot starts."""

from __future__ import annotations

from typing import Literal

import scipy
from pydantic import Field, model_validator

from playbook.intervals import CONFIDENCE
from playbook.tables import Authored, Sourced

Measure = Literal["blinded scores", "share accepted"]


class Threshold(Sourced):
    """One number of the evidence rule with its unit and meaning."""

    value: float = Field(gt=0)
    unit: str = Field(min_length=1)
    meaning: str = Field(min_length=1)


class EvidenceRule(Authored):
    """How much evidence a verdict on a pilot needs; each number says its unit, meaning, source and date in the YAML.

    `least_items` counts items a side, whole and at least 2. `acceptance_margin` (a share below 1) and `rubric_margin`
    (points of a blinded 1-5 rubric, below 4) say how much worse the trial may be and still count as quality kept.
    `accepted_share` and `rubric_spread` are what is expected before there is any data, and `chance` how often a pilot
    shall show what is true; from them comes which measure of quality decides. `floor_minutes` is the shortest time told
    apart, as an item no person touched has no logarithm: raising both sides to it understates the saving, never
    overstates it. `widest_spread` is the largest standard deviation of log time ratios between workflows that is
    thought possible when several pilots are read together.
    """

    least_items: Threshold
    acceptance_margin: Threshold
    rubric_margin: Threshold
    accepted_share: Threshold
    rubric_spread: Threshold
    chance: Threshold
    floor_minutes: Threshold
    widest_spread: Threshold

    @property
    def least(self) -> int:
        """`least_items` as a whole number."""
        return int(self.least_items.value)

    @property
    def strength(self) -> float:
        """(z of 95 % two-sided + z of `chance`)², 7.849 at 80 %.

        Source: Chow, Shao and Wang, Sample Size Calculations in Clinical Research, 2nd ed. (2008), chapters 3 and 4.
        """
        return float((scipy.special.ndtri((1 + CONFIDENCE) / 2) + scipy.special.ndtri(self.chance.value)) ** 2)

    @property
    def quality_by(self) -> Measure:
        """The measure of quality that decides where both were taken: the one expected to need fewer items a side.

        Items a side are 2 strength s²/margin², s² the expected variance: `rubric_spread`² for blinded scores, p(1 - p)
        for the share accepted. It is settled by the rule alone, so no result can be picked.
        """
        share, spread = self.accepted_share.value, self.rubric_spread.value
        scores = (spread / self.rubric_margin.value) ** 2
        return "blinded scores" if scores <= share * (1 - share) / self.acceptance_margin.value**2 else "share accepted"

    @model_validator(mode="after")
    def _in_range(self) -> EvidenceRule:
        items, points = self.least_items.value, self.rubric_margin.value
        shares = {name: getattr(self, name).value for name in ("acceptance_margin", "accepted_share", "chance")}
        faults = [
            f"{name} is {share:g}; wanted a share below 1, such as 0.1" for name, share in shares.items() if share >= 1
        ]
        if items < 2 or items != int(items):
            faults.append(f"least_items is {items:g}; wanted a whole number from 2")
        if points >= 4:
            faults.append(f"rubric_margin is {points:g}; wanted fewer than the 4 points from 1 to 5")
        if faults:
            raise ValueError("; ".join(faults))
        return self
