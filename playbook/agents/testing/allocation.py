"""Who gets the next batch: Thompson sampling in batches, and when there is nothing left to explore for.

A split serves clicks, never a claim: no verdict is read from these posteriors.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from playbook.errors import ParameterError
from playbook.tables import Authored

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from playbook.agents.testing.counts import Results

    Floats = NDArray[np.floating[Any]]


class AllocationRule(Authored):
    """How a next batch is split.

    `follow`: whether the split follows the results; without it, it stays equal. `draws` from the posterior; `explore` is
    the share of a batch spread over all variants alike whatever the posterior says; exploring ends when the loss of
    choosing now is below `loss` (a share of the rate, 0.01 for 1 %) in `sure` of the draws.
    """

    follow: bool = True
    draws: int = Field(default=4000, ge=200, le=200_000)
    explore: float = Field(default=0.05, ge=0, le=1)
    loss: float = Field(default=0.01, gt=0, lt=1)
    sure: float = Field(default=0.95, gt=0.5, lt=1)


@dataclass(frozen=True)
class Split:
    """The next batch: `sends` and `share` (0 to 1) of each variant, in the order of `variants`.

    `best` is the share of draws in which a variant is best (no finding), `leader` the one it is largest for,
    `remaining` the loss of choosing it now, as a share of its rate, that `sure` of the draws stay below; `exploring` is
    False once that is below the rule's limit, and then the leader gets everything.
    """

    variants: tuple[str, ...]
    share: Floats
    sends: NDArray[np.int64]
    best: Floats
    leader: str
    remaining: float
    exploring: bool


def split(results: Results, sends: int, rule: AllocationRule, seed: int = 0) -> Split:
    """Split the next `sends` over the variants in proportion to the chance of each to be best.

    Rates have beta posteriors from a uniform prior. The value remaining is (best rate - leader's rate) / leader's rate
    over the draws; exploring ends when its `sure` quantile is below `loss`. Each variant's draws hang on `seed` and its
    name alone, so that order and company do not change them. Whole sends by largest remainder.

    Sources: Thompson, Biometrika 25 (1933); Scott, A modern Bayesian look at the multi-armed bandit, Applied Stochastic
    Models in Business and Industry 26 (2010), and Multi-armed bandit experiments in the online service economy, same
    journal 31 (2015), for batches and the value remaining. Counts of all batches are pooled, so a rate that moves with
    the day can cost clicks here; it cannot make a verdict false.

    Raises ParameterError for a negative number of sends or a test without variants.
    """
    many = len(results.variants)
    if sends < 0 or many == 0:
        raise ParameterError(
            f"a split of {sends} sends over {many} variants; wanted sends from 0 and a variant at least"
        )
    draws = _draws(results, rule, seed)
    order = draws.argmax(axis=1)
    best = np.bincount(order, minlength=many) / len(draws)
    leader = int(best.argmax())
    lost = (draws.max(axis=1) - draws[:, leader]) / draws[:, leader]
    remaining = float(np.quantile(lost, rule.sure))
    exploring = remaining >= rule.loss
    share = _shares(results, rule, best, leader, exploring=exploring)
    return Split(results.variants, share, whole(share, sends), best, results.variants[leader], remaining, exploring)


def whole(share: Floats, sends: int) -> NDArray[np.int64]:
    """`sends` in whole numbers as near to `share` as can be: the largest remainders get what is left over."""
    exact = share * sends
    floor: NDArray[np.int64] = np.floor(exact + 1e-9).astype(np.int64)
    left = sends - int(floor.sum())
    floor[np.argsort(-(exact - floor), kind="stable")[:left]] += 1
    return floor


def _shares(results: Results, rule: AllocationRule, best: Floats, leader: int, *, exploring: bool) -> Floats:
    many = len(best)
    equal = np.full(many, 1 / many)
    if not rule.follow or results.total == 0:
        return equal
    if not exploring:
        return np.where(np.arange(many) == leader, 1.0, 0.0)
    return (1 - rule.explore) * best + rule.explore * equal


def _draws(results: Results, rule: AllocationRule, seed: int) -> Floats:
    sends, clicks = results.sends.sum(axis=0), results.clicks.sum(axis=0)
    columns = [
        np.random.default_rng([seed, zlib.crc32(name.encode())]).beta(1 + x, 1 + n - x, rule.draws)
        for name, n, x in zip(results.variants, sends.tolist(), clicks.tolist(), strict=True)
    ]
    return np.maximum(np.column_stack(columns), 1e-300)
