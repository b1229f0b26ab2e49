"""Limits that a test may not cross, whatever it wins: people who unsubscribe and people who complain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from playbook.agents.testing.evidence import log_stake, rate_bounds
from playbook.tables import Authored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playbook.agents.testing.counts import Results

SCALE = 0.7
"""Log odds the bets centre on: twice the limit, the excess that is worth an early stop."""
WORDS = {"unsubscribes": ("unsubscribed", "unsubscribe"), "complaints": ("complained", "complaint")}


class Guardrail(Authored):
    """An upper limit on a rate that a variant must not exceed.

    `counts` names the counts, `limit` is in percent of sends, `reason` says why there is a limit.
    """

    counts: Literal["unsubscribes", "complaints"]
    limit: float = Field(gt=0, lt=100, description="percent of sends")
    reason: str = Field(min_length=3)


@dataclass(frozen=True)
class GuardReading:
    """One variant against one guardrail, over the whole test.

    `hits` of `sends`, `rate`, `at_least` and `at_most` in percent: the range the evidence allows at any look; all None
    where the export does not count it or nothing was sent. `exceeded` says that the evidence puts the rate above `limit`.
    """

    counts: str
    variant: str
    limit: float
    hits: int | None
    sends: int
    rate: float | None
    at_least: float | None
    at_most: float | None
    exceeded: bool

    def sentence(self) -> str:
        """What the reading says, with its bound."""
        done, noun = WORDS[self.counts]
        if self.hits is None or self.rate is None:
            return f"Variant {self.variant}: {self.counts} are not counted, so the limit of {self.limit:g} % is not watched."
        seen = (
            f"Variant {self.variant}: {self.hits:,} of {self.sends:,} {done} ({self.rate:.2f} %); the {noun} rate is "
            f"between {self.at_least:.2f} % and {self.at_most:.2f} %, at any look"
        )
        if self.exceeded:
            return f"{seen}, which is above the limit of {self.limit:g} %."
        if self.rate > self.limit:
            return f"{seen}. It was above the limit of {self.limit:g} %, and that may still be bad luck: no reason to stop yet."
        return f"{seen}; the limit is {self.limit:g} %."


def guard(results: Results, rules: Sequence[Guardrail], alpha: float = 0.05) -> list[GuardReading]:
    """Every variant against every guardrail, in the order of rules and variants.

    Exceeded means that the stake against "at most the limit" (`evidence.log_stake`, one-sided, a binomial mixture) has
    reached 1/alpha, alpha shared out over all variants and guardrails: a test that keeps its limits is stopped in at most
    alpha of cases however often one looks, while the first unlucky unsubscribe of thirty sends stops nothing.
    Source: Robbins, Annals of Mathematical Statistics 41 (1970) 1397-1409; the shares alpha / number by Bonferroni.
    """
    share = alpha / max(1, len(rules) * len(results.variants))
    return [_reading(results, rule, place, share) for rule in rules for place in range(len(results.variants))]


def unwatched(results: Results, rules: Sequence[Guardrail]) -> list[str]:
    """Names of the counts a guardrail needs and the export does not have."""
    return sorted({rule.counts for rule in rules if results.count(rule.counts) is None})


def _reading(results: Results, rule: Guardrail, place: int, alpha: float) -> GuardReading:
    counted, name = results.count(rule.counts), results.variants[place]
    sends = results.sends[:, place]
    n = int(sends.sum())
    if counted is None or n == 0:
        return GuardReading(
            rule.counts, name, rule.limit, None if counted is None else 0, n, None, None, None, exceeded=False
        )
    hits = counted[:, place]
    limit = rule.limit / 100
    exceeded = bool(log_stake(hits, sends, np.full(len(hits), limit), SCALE) >= -np.log(alpha))
    low, high = rate_bounds(hits, sends, alpha, SCALE)
    x = int(hits.sum())
    return GuardReading(rule.counts, name, rule.limit, x, n, x / n * 100, low * 100, high * 100, exceeded)
