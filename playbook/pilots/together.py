"""Several workflows read together: each one's figure moved towards what all of them show, the more the less it knows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import scipy

from playbook.intervals import CONFIDENCE, Interval

STEPS = 101


def shrink(
    estimates: Sequence[float], errors: Sequence[float], widest: float, confidence: float = CONFIDENCE
) -> list[Interval]:
    """Normal-normal shrinkage over a grid of tau: an interval for each of the estimates, in their unit.

    Each true value is thought of as drawn from a normal of unknown mean and standard deviation tau, tau evenly likely
    from 0 (all alike) to `widest`. Given tau, with v = error² + tau² and m the mean weighted by 1/v, the value has mean
    (1-B) y + B m and variance error² (1-B) + B² / sum(1/v), B = error²/v; the interval is that of the mixture over tau.
    Over pilots like these it holds as often as promised; for one that is unlike the others it may not. One estimate
    alone is given back as it is. Source: Gelman and others, Bayesian Data Analysis, 3rd ed. (2013), section 5.4.
    """
    y, s2 = np.asarray(estimates, dtype=float), np.asarray(errors, dtype=float) ** 2
    if len(y) < 2:
        z = float(scipy.special.ndtri((1 + confidence) / 2))
        return [
            Interval(float(a), float(a - z * b), float(a + z * b), 1, confidence)
            for a, b in zip(y, errors, strict=True)
        ]
    tau = np.linspace(0.0, widest, STEPS)[:, None]
    v = s2 + tau**2
    precision = (1 / v).sum(axis=1)
    mean = (y / v).sum(axis=1) / precision
    logs = -0.5 * (np.log(v).sum(axis=1) + np.log(precision) + ((y - mean[:, None]) ** 2 / v).sum(axis=1))
    weight = np.exp(logs - logs.max())
    weight /= weight.sum()
    share = s2 / v
    means = (1 - share) * y + share * mean[:, None]
    spreads = np.sqrt(s2 * (1 - share) + share**2 / precision[:, None])
    return [_mixed(weight, means[:, i], spreads[:, i], len(y), confidence) for i in range(len(y))]


def _mixed(weight: np.ndarray, means: np.ndarray, spreads: np.ndarray, n: int, confidence: float) -> Interval:

    low, high = float((means - 10 * spreads).min()), float((means + 10 * spreads).max())

    def at(share: float) -> float:
        found = scipy.optimize.brentq(
            lambda x: float(weight @ scipy.special.ndtr((x - means) / spreads)) - share, low, high
        )
        return float(found)

    tail = (1 - confidence) / 2
    middle = float(weight @ means)
    if math.isclose(low, high):
        return Interval(middle, middle, middle, n, confidence)
    return Interval(middle, at(tail), at(1 - tail), n, confidence)
