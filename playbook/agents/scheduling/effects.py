"""How large the effects of weekday and hour are, and the 168 rates of a week that follow from them.

The means y of the hours that hold posts are normal with variance

    V = D + Z B Z'   D = diag(1/precision + cell²),   B = blockdiag(day² I, hour² K),

Z telling the weekday and hour of each, K how hours resemble each other. All sizes are tried together through the 31
effects instead of the 168 hours (Woodbury's identity: Hager, SIAM Review 31 (1989) 221-239).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DAYS, HOURS = 7, 24
CELLS = DAYS * HOURS
# Sizes an effect may have, as shares of the channel's mean: from none to a third, half as much again for the hour.
DAY_SIZES = (0.0, 0.06, 0.14, 0.3)
HOUR_SIZES = (0.0, 0.08, 0.16, 0.3, 0.5)
CELL_SIZES = (0.0, 0.08, 0.2)
# The spread of single posts, as shares of the spread of all posts of the channel, effects and chance included.
SPREADS = (0.6, 0.75, 0.9, 1.05, 1.25)
COUNTS = 1e-2  # a size whose likelihood is below this share of the best adds nothing that would be seen


@dataclass(frozen=True)
class Posts:
    """A channel's posts: cell and lift (rate as a share of the channel's mean) of each, and the variance by chance.

    `spread` is the standard deviation of all its lifts.
    """

    cells: Ints
    lift: Floats
    chance: Floats
    spread: float


@dataclass(frozen=True)
class Size:
    """How large the effects are (standard deviations as shares of the mean), and the weight (0 to 1) of that being so."""

    day: float
    hour: float
    cell: float
    spread: float
    weight: float


def sizes(channels: Sequence[Posts], reach: float) -> list[Size]:
    """The sizes that explain all channels together, each with its weight; every one is equally likely beforehand."""
    pairs = list(itertools.product(DAY_SIZES, HOUR_SIZES))
    found: list[tuple[float, Size]] = []
    for spread in SPREADS:
        held = [_Held(posts, spread) for posts in channels]
        for cell in CELL_SIZES:
            fits = sum((one.likelihoods(cell, pairs, reach) for one in held), np.zeros(len(pairs)))
            found += [(float(fit), Size(*pair, cell, spread, 1.0)) for fit, pair in zip(fits, pairs, strict=True)]
    best = max((fit for fit, _ in found), default=0.0)
    likely = [(math.exp(fit - best), size) for fit, size in found if fit - best > math.log(COUNTS)]
    whole = sum(share for share, _ in likely)
    return [Size(size.day, size.hour, size.cell, size.spread, share / whole) for share, size in likely]


def rates(posts: Posts, likely: Sequence[Size], reach: float) -> tuple[Floats, Floats, float]:
    """Mean and covariance of a channel's 168 lifts and the spread of single posts, averaged over the likely sizes."""
    mean, second, spread = np.zeros(CELLS), np.zeros((CELLS, CELLS)), 0.0
    for size in likely:
        one, covariance = _Held(posts, size.spread).predicted(size, reach)
        mean += size.weight * one
        second += size.weight * (covariance + np.outer(one, one))
        spread += size.weight * size.spread * posts.spread
    return mean, np.asarray(second - np.outer(mean, mean), dtype=np.float64), spread


class _Held:
    """The cells that hold posts: the mean lift of each, the precision of that mean, and what the posts' spread says."""

    def __init__(self, posts: Posts, spread: float) -> None:
        weight = 1 / ((spread * posts.spread) ** 2 + posts.chance)
        precision = np.bincount(posts.cells, weight, CELLS)
        self.cells = np.flatnonzero(precision)
        self.precision: Floats = np.asarray(precision[self.cells], dtype=np.float64)
        total = np.bincount(posts.cells, weight * posts.lift, CELLS)[self.cells]
        self.mean: Floats = np.asarray(total / self.precision, dtype=np.float64)
        every = np.zeros(CELLS)
        every[self.cells] = self.mean
        rest = float((weight * (posts.lift - every[posts.cells]) ** 2).sum())
        self.fit = 0.5 * (float(np.log(weight).sum()) - float(np.log(self.precision).sum()) - rest)

    def likelihoods(self, cell: float, pairs: Sequence[tuple[float, float]], reach: float) -> Floats:
        """The restricted log-likelihood at each pair of (day, hour) sizes."""
        own = 1 / (1 / self.precision + cell**2)
        design = _design(reach)[self.cells]
        scale = np.array([[day] * DAYS + [hour] * HOURS for day, hour in pairs])
        inner = design.T @ (own[:, None] * design)
        sides = np.column_stack([np.ones(len(own)), self.mean])
        crossed = design.T @ (own[:, None] * sides)
        factor = np.linalg.cholesky(np.eye(DAYS + HOURS) + scale[:, :, None] * inner * scale[:, None, :])
        turned = np.linalg.solve(factor, scale[:, :, None] * crossed)
        plain = sides.T @ (own[:, None] * sides)
        products = plain - turned.transpose(0, 2, 1) @ turned
        total, shared, square = products[:, 0, 0], products[:, 0, 1], products[:, 1, 1]
        spent = 2 * np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1) - np.log(own).sum() + np.log(total)
        return np.asarray(self.fit - 0.5 * (spent + square - shared**2 / total), dtype=np.float64)

    def predicted(self, size: Size, reach: float) -> tuple[Floats, Floats]:
        """Mean and covariance of all 168 lifts, the channel's level being estimated too."""
        root = _design(reach) * np.array([size.day] * DAYS + [size.hour] * HOURS)
        prior = root @ root.T + size.cell**2 * np.eye(CELLS)
        across = prior[:, self.cells]
        variance = across[self.cells] + np.diag(1 / self.precision)
        solved = np.linalg.solve(variance, np.column_stack([np.ones(len(self.cells)), self.mean, across.T]))
        ones, weighted, gained = solved[:, 0], solved[:, 1], solved[:, 2:]
        total = float(ones.sum())
        level = float(weighted.sum()) / total
        short = 1 - across @ ones
        mean = level + across @ (weighted - level * ones)
        covariance = prior - across @ gained + np.outer(short, short) / total
        return np.asarray(mean, dtype=np.float64), np.asarray(covariance, dtype=np.float64)


@lru_cache(maxsize=32)
def _design(reach: float) -> Floats:
    """The 168 cells by 31 unit effects: weekdays, and hours that resemble their neighbours on the circle of the day."""
    near = np.eye(HOURS)
    if reach > 0:
        apart = np.subtract.outer(np.arange(HOURS), np.arange(HOURS))
        chord = HOURS / math.pi * np.sin(math.pi * apart / HOURS)
        values, vectors = np.linalg.eigh(np.exp(-(chord**2) / (2 * reach**2)))
        near = vectors * np.sqrt(np.clip(values, 0, None))
    days = np.repeat(np.eye(DAYS), HOURS, axis=0)
    design = np.asarray(np.hstack([days, np.tile(near, (DAYS, 1))]), dtype=np.float64)
    design.flags.writeable = False  # every fit shares it
    return design
