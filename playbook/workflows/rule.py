"""The rule first pilots are chosen by, as authored in YAML: limits, criteria, weightings, portfolio and proof."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from playbook.tables import Authored, Sourced

VOLUMES = ("hours_per_month", "runs_per_month", "pieces_per_month")
VOLUME, HOURS, RUNS = "volume", "hours_per_month", "runs_per_month"
SUM_TO_ONE = 1e-6


class Limit(Sourced):
    """One number of the rule with its unit and meaning."""

    value: float = Field(ge=0)
    unit: str = Field(min_length=1)
    meaning: str = Field(min_length=1)


class Part(Sourced):
    """One thing a criterion is made of: a factor of the spectrum, or a volume.

    `better` says which end of it counts in favour. `weight` is its share of the criterion, by itself from 0 to 1.
    `half` is the amount of a volume that earns half of the marks, in the volume's unit; factors have none.
    """

    of: Literal[
        "structure", "data_readiness", "verifiability", "judgment", "stakes", "relationship", "exposure",
        "hours_per_month", "runs_per_month", "pieces_per_month",
    ]  # fmt: skip
    better: Literal["more", "less"]
    weight: float = Field(gt=0, le=1)
    half: float | None = Field(default=None, gt=0, le=1_000_000)
    meaning: str = Field(min_length=1)

    @model_validator(mode="after")
    def _half_goes_with_a_volume(self) -> Part:
        if (self.of in VOLUMES) != (self.half is not None):
            wanted = (
                "a number, the amount that earns half of the marks"
                if self.of in VOLUMES
                else "nothing: a factor has its scale"
            )
            raise ValueError(f"{self.of}: half is {self.half}; wanted {wanted}")
        if self.of in VOLUMES and self.better == "less":
            raise ValueError(f"{self.of}: better is less; wanted more, as a pilot needs volume")
        return self


class Criterion(Sourced):
    """One thing that makes a workflow a good first pilot, from 0 not at all to 1 fully.

    `weight` is its share in the stated weighting (the criteria's weights sum to 1), `least` what a pilot needs of it.
    """

    name: str = Field(pattern=r"^[a-z][a-z_]{2,30}$")
    title: str = Field(min_length=3)
    meaning: str = Field(min_length=1)
    unit: str = Field(min_length=1)
    weight: float = Field(gt=0, le=1)
    least: float = Field(ge=0, lt=1)
    parts: tuple[Part, ...] = Field(min_length=1)

    def part(self, of: str) -> Part:
        """The part made of a factor or volume; KeyError when the criterion has none."""
        found: dict[str, Part] = {part.of: part for part in self.parts}
        return found[of]


class Weightings(Authored):
    """How the weightings are drawn over which a choice must hold.

    `concentration` 0 draws every weighting alike; the larger it is, the nearer the draws lie to the stated weights.
    `draws` is how many, `most` how many places count as chosen.
    """

    draws: Limit
    concentration: Limit
    most: Limit


class Cap(Limit):
    """A limit on what pilots may take together: `what` is counted, `within` each team, each owner or all teams."""

    what: Literal["pilots", "hours", "cost"]
    within: Literal["team", "owner", "all"]


class PilotDemand(Sourced):
    """What one workflow's pilot takes and needs.

    `hours` are people's hours a month for preparing, watching and checking it, `cost` is in the currency of the
    budget's cap, `owner` the role that answers for it, `needs` the workflows whose pilots must come before. An empty
    `team` means every team that has the workflow.
    """

    workflow: str = Field(min_length=1)
    team: str | None = None
    hours: float | None = Field(default=None, ge=0)
    cost: float | None = Field(default=None, ge=0)
    owner: str | None = None
    needs: tuple[str, ...] = ()


class PortfolioRule(Authored):
    """The limits pilots are chosen under together, and what a pilot takes where nobody wrote it down."""

    caps: tuple[Cap, ...] = ()
    hours_a_pilot: Limit
    cost_a_pilot: Limit
    solver_seconds: Limit
    demands: tuple[PilotDemand, ...] = ()


class ProofRule(Authored):
    """What is assumed when the size of a pilot is worked out before there is any data.

    `window_days` is the length of a trial, `log_spread` the standard deviation of log minutes, `time_ratio` the time
    with the agent over the time before that must be told from no change, `accepted` the share accepted on both sides,
    `rubric_spread` the standard deviation of blinded scores, `chance` how often a true claim is to be shown.
    """

    window_days: Limit
    log_spread: Limit
    time_ratio: Limit
    accepted: Limit
    rubric_spread: Limit
    chance: Limit


class PilotRule(Authored):
    """What makes a workflow a good first pilot; each number says its unit, meaning and source in the YAML."""

    version: str = Field(min_length=1)
    min_ready_level: Limit
    min_ready_share: Limit
    min_rated_share: Limit
    max_judgment: Limit
    max_led_share: Limit
    min_runs_per_month: Limit
    min_hours_per_month: Limit
    judgment_power: Limit
    criteria: tuple[Criterion, ...] = Field(min_length=1)
    weightings: Weightings
    portfolio: PortfolioRule
    proof: ProofRule

    @property
    def names(self) -> list[str]:
        """The criteria's names, in order."""
        return [criterion.name for criterion in self.criteria]

    @property
    def titles(self) -> dict[str, str]:
        """What people call each criterion, by name."""
        return {criterion.name: criterion.title for criterion in self.criteria}

    def criterion(self, name: str) -> Criterion:
        """The criterion of that name; KeyError when there is none."""
        return {criterion.name: criterion for criterion in self.criteria}[name]

    @model_validator(mode="after")
    def _in_range(self) -> PilotRule:
        faults = [
            f"{name} is {limit.value:g}; wanted {low:g} to {high:g}"
            for name, limit, low, high in self._ranges()
            if not low <= limit.value <= high
        ]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _ranges(self) -> list[tuple[str, Limit, float, float]]:
        weightings, proof = self.weightings, self.proof
        return [
            ("min_ready_level", self.min_ready_level, 1, 5),
            ("min_ready_share", self.min_ready_share, 0, 1),
            ("min_rated_share", self.min_rated_share, 0, 1),
            ("max_judgment", self.max_judgment, 1, 5),
            ("max_led_share", self.max_led_share, 0, 1),
            ("weightings.draws", weightings.draws, 100, 10_000_000),
            ("weightings.concentration", weightings.concentration, 0, 10_000),
            ("weightings.most", weightings.most, 1, 100),
            ("portfolio.solver_seconds", self.portfolio.solver_seconds, 0.01, 3600),
            ("proof.window_days", proof.window_days, 1, 366),
            ("proof.log_spread", proof.log_spread, 0.01, 5),
            ("proof.time_ratio", proof.time_ratio, 0.01, 0.99),
            ("proof.accepted", proof.accepted, 0.5, 1),
            ("proof.rubric_spread", proof.rubric_spread, 0.01, 4),
            ("proof.chance", proof.chance, 0.5, 0.99),
        ]

    @model_validator(mode="after")
    def _criteria_fit(self) -> PilotRule:
        faults = []
        if len(set(self.names)) < len(self.names):
            faults.append("a criterion is there twice")
        sums = [("the criteria", [criterion.weight for criterion in self.criteria])]
        sums += [
            (f"the parts of {criterion.name}", [part.weight for part in criterion.parts]) for criterion in self.criteria
        ]
        faults += [
            f"the weights of {whose} sum to {sum(weights):g}; wanted 1"
            for whose, weights in sums
            if abs(sum(weights) - 1) > SUM_TO_ONE
        ]
        faults += [
            f"{criterion.name} has a part twice"
            for criterion in self.criteria
            if len({part.of for part in criterion.parts}) < len(criterion.parts)
        ]
        volume = [part.of for criterion in self.criteria if criterion.name == VOLUME for part in criterion.parts]
        if sorted(volume) != sorted((HOURS, RUNS)):
            faults.append(
                f"the criterion {VOLUME} is made of {', '.join(volume) or 'nothing'}; wanted {HOURS} and {RUNS}"
            )
        if faults:
            raise ValueError("; ".join(faults))
        return self
