"""What a team sets for its testing agent: where the files lie, what a verdict needs, how a batch is split."""

from __future__ import annotations

from pydantic import Field, model_validator

from playbook.agents.testing.allocation import AllocationRule
from playbook.agents.testing.verdict import VerdictRule
from playbook.tables import Authored


class Settings(Authored):
    """The agent's settings.

    `inputs` is the folder of the exports and of `register`, the list of tests; empty stands for inputs/<playbook>.
    `splits` and `stops` are the folders the sending tool reads. `power` is the chance to find a difference of
    `verdict.worth` that a plan is made for. `show_subjects` adds a last report with subject lines: they are text from
    outside, so that report carries the label untrusted.
    """

    inputs: str = ""
    register_file: str = Field(default="tests.csv", min_length=1)
    splits: str = Field(default="splits", min_length=1)
    stops: str = Field(default="stops", min_length=1)
    power: float = Field(default=0.8, ge=0.5, lt=1)
    verdict: VerdictRule = VerdictRule()
    allocation: AllocationRule = AllocationRule()
    show_subjects: bool = False

    @model_validator(mode="after")
    def _fits_together(self) -> Settings:
        if self.verdict.judged == "planned end" and self.allocation.follow:
            raise ValueError(
                "a split that follows the results needs a verdict that holds at any time; set verdict.judged: any time, "
                "or allocation.follow: false"
            )
        return self
