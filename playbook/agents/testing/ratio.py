"""Is the split what was planned? A test whose groups are not the planned size says nothing about its variants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from playbook.agents.testing.evidence import check_share, log_stake

if TYPE_CHECKING:
    from playbook.agents.testing.counts import Results

SCALE = 0.1
"""Log odds the bets centre on: faults seen in practice move a half to 52 or 53 of a hundred."""


@dataclass(frozen=True)
class RatioCheck:
    """Planned against real split over the whole test.

    `gap` is the largest difference of a variant's share of the sends from its plan, in percentage points, 0 none;
    `variant` the one that has it; `e_value` the evidence against the plan, 1 none, 100 one in a hundred at most by
    chance; `mismatch` whether it has reached 1/alpha; None and 0 sends where nothing was sent yet.
    """

    gap: float | None
    variant: str | None
    e_value: float
    mismatch: bool
    sends: int


def ratio_check(results: Results, alpha: float = 0.01) -> RatioCheck:
    """Compare the sends of each variant with the planned split, which may be unequal and change from batch to batch.

    A multinomial e-value: for every variant and both directions the stake of `evidence.log_stake` against "its share
    is the planned one", averaged over them (an average of stakes is a stake). It may be looked at after every batch; a
    sound split is called off with a chance of at most alpha over the whole test. A list cut into exact parts has less
    noise than chance and is called off even less. Source: Lindon and Malek, Anytime-Valid Inference for Multinomial
    Count Data, NeurIPS 2022, with tilts in place of their Dirichlet mixture because the plan changes; the level of 1 %
    after Fabijan et al., Diagnosing Sample Ratio Mismatch, KDD 2019.

    Raises ParameterError when alpha is no share.
    """
    check_share(alpha, "alpha")
    sends, total = results.sends, results.total
    if total == 0 or len(results.variants) < 2:
        return RatioCheck(0.0 if total else None, None, 1.0, mismatch=False, sends=total)
    batch = np.broadcast_to(sends.sum(axis=1, keepdims=True), sends.shape)
    gaps = np.abs(sends.sum(axis=0) - (results.planned * batch).sum(axis=0)) / total * 100
    stakes = np.concatenate([log_stake(sends, batch, results.planned, SCALE, above=way) for way in (True, False)])
    # A send to a variant that was to get none is a mismatch whatever the bets say.
    unplanned = bool(((results.planned <= 0) & (sends > 0)).any())
    log_e = float(np.logaddexp.reduce(stakes) - np.log(len(stakes)))
    e_value = float("inf") if unplanned else float(np.exp(min(log_e, 700.0)))
    worst = int(gaps.argmax())
    return RatioCheck(float(gaps[worst]), results.variants[worst], e_value, e_value >= 1 / alpha, total)
