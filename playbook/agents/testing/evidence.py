"""Evidence that may be looked at as often as one likes: one bet, three questions.

Each question of a running test (does A get more clicks than B, is the unsubscribe limit exceeded, is the split off?)
is about how many of `n` things fall on one side when at most a share `p` should. Betting on a larger share multiplies
one's stake by exp(bet x - n log(1 + p (exp(bet) - 1))); while the share is p or less the stake cannot grow on average,
so the chance that it ever reaches 1/alpha is at most alpha, at any number of looks and any stopping time (Ville 1939).
A mixture of stakes over several bets is again such a stake (Robbins, Annals of Mathematical Statistics 41, 1970).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy

from playbook.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.floating[Any]]

BETS = np.geomspace(1e-6, 12.0, 48)
"""The bets of the mixture, on the log-odds scale: from what only 10^11 sends could show to what nobody could miss."""
STEPS = 48  # halvings of a bracket of about 70: down to what a double holds


def weights(scale: float) -> Floats:
    """Share of the stake on each bet: half a Cauchy distribution whose median bet is `scale` (log odds)."""
    density = BETS / (1 + (BETS / scale) ** 2)
    return np.asarray(density / density.sum())


def log_stake(hits: ArrayLike, n: ArrayLike, share: ArrayLike, scale: float, *, above: bool = True) -> Floats:
    """Logarithm of the stake against "the share of hits is at most `share`", or at least with `above` False.

    `hits`, `n` and `share` have batches on the first axis and any further axes alike; the result lacks the first. 0 is
    no evidence, log(20) the bound at 5 %, below 0 speaks for the share. A batch's share and n may depend on everything
    before it, so that a split may follow the results. `scale` is the log odds ratio the bets centre on.
    """
    bet = BETS if above else -BETS
    x, total, p = (np.asarray(values, dtype=float)[..., None] for values in (hits, n, share))
    stakes = (x * bet - total * np.log1p(p * np.expm1(bet))).sum(axis=0)
    return log_mean(stakes, weights(scale))


def log_mean(logs: Floats, shares: Floats) -> Floats:
    """Logarithm of the weighted mean of exp(`logs`) over the last axis, safe from overflow."""
    top = logs.max(axis=-1, keepdims=True)
    return np.asarray(np.log((shares * np.exp(logs - top)).sum(axis=-1)) + top[..., 0])


def edge(stake: Callable[[float], float], low: float, high: float, bound: float) -> float:
    """Where a falling function crosses `bound`: `low` where it never reaches it, `high` where it never falls below."""
    if stake(low) < bound:
        return low
    if stake(high) >= bound:
        return high
    for _ in range(STEPS):
        middle = (low + high) / 2
        if stake(middle) >= bound:
            low = middle
        else:
            high = middle
    return low


def rate_bounds(hits: ArrayLike, n: ArrayLike, alpha: float, scale: float) -> tuple[float, float]:
    """Lowest and highest rate (0 to 1) the counts allow, each wrong with a chance of at most `alpha`, at any look.

    `hits` of `n` a batch, each a one-dimensional list. Without anything counted it is 0 to 1.
    Raises ParameterError when alpha is no share.
    """
    check_share(alpha, "alpha")
    x, total = np.asarray(hits, dtype=float), np.asarray(n, dtype=float)
    bound = -np.log(alpha)

    def odds(value: float) -> Floats:
        return np.full(x.shape, scipy.special.expit(value))

    lowest = edge(lambda value: float(log_stake(x, total, odds(value), scale)), -35.0, 35.0, bound)
    highest = -edge(lambda value: float(log_stake(x, total, odds(-value), scale, above=False)), -35.0, 35.0, bound)
    # The ends of the search stand for "no bound at all".
    low = 0.0 if lowest <= -35.0 else float(scipy.special.expit(lowest))
    return low, 1.0 if highest >= 35.0 else float(scipy.special.expit(highest))


def as_percent(share: float) -> str:
    """A share of 1 in a sentence, two figures and no more: `5 %`, `2.5 %`, `31 %`, `0.21 %`; `130 %` from 1 on."""
    return f"{100 * share:.0f} %" if share >= 1 else f"{100 * share:.2g} %"


def check_share(value: float, name: str) -> None:
    """Refuse a number that is not between 0 and 1."""
    if not 0 < value < 1:
        raise ParameterError(f"{name}: {value}; wanted a share between 0 and 1, such as 0.05")
