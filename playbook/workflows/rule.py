"""The rule a first pilot is chosen by, as authored in YAML."""

from __future__ import annotations

from pydantic import Field, model_validator

from playbook.tables import Authored, Sourced


class Limit(Sourced):
    """One number of the rule with its unit and meaning."""

    value: float = Field(ge=0)
    unit: str = Field(min_length=1)
    meaning: str = Field(min_length=1)


class PilotRule(Authored):
    """What makes a workflow a good first pilot; each number says its unit, meaning and source in the YAML."""

    version: str = Field(min_length=1)
    min_ready_level: Limit
    min_ready_share: Limit
    min_rated_share: Limit
    max_judgment: Limit
    min_runs_per_month: Limit
    min_hours_per_month: Limit
    half_hours: Limit
    half_runs: Limit
    hours_weight: Limit
    judgment_power: Limit

    @model_validator(mode="after")
    def _in_range(self) -> PilotRule:
        ranges = {
            "min_ready_level": (1, 5),
            "min_ready_share": (0, 1),
            "min_rated_share": (0, 1),
            "max_judgment": (1, 5),
            "hours_weight": (0, 1),
            "half_hours": (0.01, 10_000),
            "half_runs": (0.01, 1_000_000),
        }
        faults = [
            f"{name} is {getattr(self, name).value:g}; wanted {low:g} to {high:g}"
            for name, (low, high) in ranges.items()
            if not low <= getattr(self, name).value <= high
        ]
        if faults:
            raise ValueError("; ".join(faults))
        return self
