"""Replays of finished tests: what each way of splitting and stopping would have cost and claimed.

Finished tests give rates that are taken for true; streams are drawn from them. All ways send the same number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import scipy

from playbook.agents.testing.allocation import AllocationRule, split, whole
from playbook.agents.testing.counts import Results, of_arrays
from playbook.agents.testing.verdict import VerdictRule, judge, winner
from playbook.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.floating[Any]]

Way = Literal["equal split", "Thompson", "one look", "daily z-test"]
WAYS: tuple[Way, ...] = ("equal split", "Thompson", "one look", "daily z-test")


@dataclass(frozen=True)
class Replay:
    """One stream played one way.

    `lost` are the clicks expected to be lost by not sending everything to the best variant, `winner` the number (0 the
    first) of the variant first called a winner at any look or None, `look` when (1 the first), `false` whether that
    variant is not the one best; `results` what was sent and counted.
    """

    lost: float
    winner: int | None
    look: int | None
    false: bool
    results: Results


def shrunk(sends: ArrayLike, clicks: ArrayLike) -> Floats:
    """Rates of a finished test, each drawn towards the test's mean by as much as chance alone spreads them.

    Observed rates differ by chance too; to take them for true would replay differences no one had. The share kept is
    1 - (mean sampling variance) / (variance seen), not below 0 (method of moments; Morris, JASA 78, 1983).
    """
    n, x = np.asarray(sends, dtype=float), np.asarray(clicks, dtype=float)
    rates, mean = x / n, x.sum() / n.sum()
    seen = float(rates.var(ddof=1)) if len(rates) > 1 else 0.0
    chance = float((mean * (1 - mean) / n).mean())
    kept = max(0.0, 1 - chance / seen) if seen > 0 else 0.0
    return np.asarray(mean + kept * (rates - mean))


def replay(  # noqa: PLR0913 - one keyword a property of the replay
    rates: ArrayLike,
    horizon: int,
    way: Way,
    *,
    batches: int = 14,
    alpha: float = 0.05,
    rule: AllocationRule | None = None,
    drift: float = 0.0,
    seed: int = 0,
) -> Replay:
    """Play one test of `horizon` sends in equal batches over variants of these rates (0 to 1).

    `equal split` and `Thompson` claim a winner by the anytime-valid rule at any look and go on to the end; `one look`
    splits equally and judges at the planned end alone; `daily z-test` splits equally, looks at a pooled two-sided z-test
    of the leader against the first variant, the control, after each batch, and sends everything else to the first
    "significant" one. `drift` moves all rates together from batch to batch (a standard deviation of their log).

    Raises ParameterError for an unknown way or rates that are none.
    """
    true = np.asarray(rates, dtype=float)
    if way not in WAYS or len(true) == 0 or not ((true >= 0) & (true <= 1)).all():
        raise ParameterError(
            f"replay of {way!r} with rates {true.tolist()}; wanted one of {', '.join(WAYS)} and rates 0 to 1"
        )
    rng = np.random.default_rng(seed)
    rule = rule or AllocationRule(draws=1000)
    many = len(true)
    equal = np.full(many, 1 / many)
    sent, clicked, claimed, look = np.zeros((0, many), np.int64), np.zeros((0, many), np.int64), None, None
    for day, size in enumerate(whole(np.full(batches, 1 / batches), horizon).tolist()):
        if way == "Thompson" and day:
            sends = split(of_arrays(sent, clicked), size, rule, seed=seed * 1000 + day).sends
        elif way == "daily z-test" and claimed is not None:
            sends = np.where(np.arange(many) == claimed, size, 0)
        else:
            sends = whole(equal, size)
        today = np.clip(true * np.exp(drift * rng.standard_normal()), 0, 1)
        sent, clicked = np.vstack([sent, sends]), np.vstack([clicked, rng.binomial(sends, today)])
        if claimed is None:
            claimed = _claim(way, sent, clicked, alpha, ended=day == batches - 1)
            look = None if claimed is None else day + 1
    best = true.max()
    is_false = claimed is not None and not (true[claimed] == best and (true == best).sum() == 1)
    return Replay(float((sent * (best - true)).sum()), claimed, look, is_false, of_arrays(sent, clicked))


def naive(sends: ArrayLike, clicks: ArrayLike, alpha: float = 0.05) -> int | None:
    """The leader when a pooled z-test against the first variant, the control, calls it significant, uncorrected.

    A control that leads is compared with the next best one.
    """
    n, x = np.asarray(sends, dtype=float), np.asarray(clicks, dtype=float)
    if len(n) < 2 or (n == 0).any():
        return None
    second, first = np.argsort(x / n, kind="stable")[-2:]
    second = second if first == 0 else 0
    p = (x[first] + x[second]) / (n[first] + n[second])
    spread = np.sqrt(p * (1 - p) * (1 / n[first] + 1 / n[second]))
    if spread == 0:
        return None
    z = (x[first] / n[first] - x[second] / n[second]) / spread
    return int(first) if 2 * scipy.special.ndtr(-z) <= alpha else None


def _claim(way: Way, sent: NDArray[np.int64], clicked: NDArray[np.int64], alpha: float, *, ended: bool) -> int | None:
    if way == "daily z-test":
        return naive(sent.sum(axis=0), clicked.sum(axis=0), alpha)
    results = of_arrays(sent, clicked)
    if way == "one look":
        rule = VerdictRule(alpha=alpha, judged="planned end")
        named = judge(results, results.total, rule).variant if ended else None
    else:
        named = winner(results, alpha)
    return None if named is None else results.variants.index(named)
