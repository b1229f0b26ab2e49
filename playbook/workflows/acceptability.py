"""In how many weightings of the criteria a workflow is among the first: SMAA-2 rank acceptability in bounded memory.

Lahdelma and Salminen, SMAA-2: Stochastic Multicriteria Acceptability Analysis for Group Decision Making, Operations
Research 49 (2001) 444-454.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from playbook.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SEED = 20261122
CELLS = 250_000
"""Scores held at once: 250,000 are 2 MB, which a processor's cache holds; more goes no faster."""
LEADERS = 256


@dataclass(frozen=True)
class Acceptability:
    """What the weightings say of each candidate, one entry a candidate.

    `first` and `top` are shares of the weightings from 0 (never) to 1 (always) in which it is first and among the first
    `most`; `central` is the mean weighting in which it is first, one row a candidate, nan where it never is. Equal
    candidates are first together, so shares may sum to more than 1 and `most`.
    """

    first: Floats
    top: Floats
    central: Floats
    draws: int
    most: int


def acceptability(  # noqa: PLR0913 - one keyword a choice of the method; each has a default
    low: Floats,
    high: Floats | None = None,
    *,
    names: Sequence[str] = (),
    alpha: Sequence[float] | None = None,
    draws: int = 10_000,
    most: int = 3,
    seed: int = SEED,
    cells: int = CELLS,
) -> Acceptability:
    """Rank candidates under `draws` weightings; `low` holds one row a candidate and one column a criterion.

    A candidate's score is the weighted sum of its criteria. Weightings are drawn from the Dirichlet distribution with
    `alpha` (one number a criterion; all 1, the default, is uniform on the simplex). Where `high` is above `low` the
    criterion is uncertain and drawn evenly between them, with a stream of its own for each of `names`, so that neither
    the order of the candidates nor another candidate changes a draw. About `cells` scores are in memory at once,
    whatever the numbers of candidates and draws, and the result does not depend on it. A candidate that `most` others
    beat in every criterion is never among the first and is not scored.

    Raises ParameterError for tables that do not fit each other and for cells that are no numbers.
    """
    high = low if high is None else high
    _check(low, high, names, alpha)
    if draws < 1 or most < 1:
        raise ParameterError(f"draws {draws}, most {most}; wanted 1 or more")
    shares, tops, central = np.zeros(len(low)), np.zeros(len(low)), np.full(low.shape, np.nan)
    if len(low):
        rows = contenders(low, high, most)
        streams = {
            place: np.random.default_rng([seed, zlib.crc32((names[row] if names else str(row)).encode())])
            for place, row in enumerate(rows)
            if (high[row] > low[row]).any()
        }
        shape = np.ones(low.shape[1]) if alpha is None else np.asarray(alpha, dtype=float)
        tally = _Tally(low[rows], high[rows], most, streams)
        weights = np.random.default_rng(seed)
        step = max(1, cells // len(rows))
        for begun in range(0, draws, step):
            drawn = weights.standard_gamma(shape, size=(min(step, draws - begun), len(shape)))
            tally.add(drawn / drawn.sum(axis=1, keepdims=True))
        shares[rows], tops[rows], central[rows] = tally.first / draws, tally.top / draws, tally.central
    return Acceptability(shares, tops, central, draws, most)


def contenders(low: Floats, high: Floats, most: int, cells: int = CELLS) -> NDArray[np.intp]:
    """The rows that could be among the first `most`: fewer than `most` of the strongest beat them in every criterion.

    Only the 256 rows of the largest sums are asked, so a row too many may stay, never one too few go.
    """
    strongest = low[np.argsort(-low.sum(axis=1), kind="stable")[:LEADERS]]
    kept = []
    step = max(1, cells // LEADERS)
    for begun in range(0, len(low), step):
        ends = high[begun : begun + step]
        beaten = np.ones((len(ends), len(strongest)), dtype=bool)
        for criterion in range(low.shape[1]):
            beaten &= strongest[:, criterion] > ends[:, criterion, None]
        kept.append(begun + np.flatnonzero(beaten.sum(axis=1) < most))
    return np.concatenate(kept)


class _Tally:
    """Counts, chunk by chunk of weightings, how often each candidate is first and among the first `most`."""

    def __init__(self, low: Floats, high: Floats, most: int, streams: dict[int, np.random.Generator]) -> None:
        self.low, self.high, self.most, self.streams = low, high, most, streams
        self.first, self.top, self.sums = np.zeros(len(low)), np.zeros(len(low)), np.zeros(low.shape)

    def add(self, drawn: Floats) -> None:
        """Count one chunk, a row of `drawn` a weighting; equal scores share their place."""
        scores = _scores(drawn, self.low)
        for place, stream in self.streams.items():
            between = self.high[place] - self.low[place]
            scores[:, place] = _terms(drawn, self.low[place] + stream.random(drawn.shape) * between)
        n = scores.shape[1]
        if self.most < n:
            least = np.partition(scores, n - self.most, axis=1)[:, n - self.most, None]
            self.top += np.bincount(np.nonzero(scores >= least)[1], minlength=n)
        else:
            self.top += len(scores)
        draw, winner = np.nonzero(scores >= scores.max(axis=1, keepdims=True))
        self.first += np.bincount(winner, minlength=n)
        for criterion in range(drawn.shape[1]):
            self.sums[:, criterion] += np.bincount(winner, weights=drawn[draw, criterion], minlength=n)

    @property
    def central(self) -> Floats:
        """The mean weighting in which each candidate is first; nan where it never is."""
        wins = self.first[:, None]
        mean: Floats = np.divide(self.sums, wins, out=np.full(self.sums.shape, np.nan), where=wins > 0)
        return mean


def _scores(drawn: Floats, values: Floats) -> Floats:
    """Scores of every candidate under every weighting.

    Term by term rather than as one matrix product: that may add in another order at a block's edge, and equal
    candidates must stay equal to the last digit.
    """
    scores: Floats = drawn[:, :1] * values[:, 0]
    term = np.empty_like(scores)
    for criterion in range(1, values.shape[1]):
        np.multiply(drawn[:, criterion : criterion + 1], values[:, criterion], out=term)
        scores += term
    return scores


def _terms(drawn: Floats, values: Floats) -> Floats:
    score: Floats = drawn[:, 0] * values[:, 0]
    for criterion in range(1, values.shape[1]):
        score += drawn[:, criterion] * values[:, criterion]
    return score


def _check(low: Floats, high: Floats, names: Sequence[str], alpha: Sequence[float] | None) -> None:
    if low.ndim != 2 or low.shape != high.shape or low.shape[1] == 0:
        raise ParameterError(
            f"low {low.shape} and high {high.shape}; wanted the same shape, candidates down, criteria across"
        )
    if np.isnan(low).any() or np.isnan(high).any() or (high < low).any():
        raise ParameterError(
            "a criterion without a number, or with a high below its low; wanted low <= high everywhere"
        )
    if len(names) not in (0, len(low)) or len(set(names)) != len(names):
        raise ParameterError(f"names: {len(names)} for {len(low)} candidates; wanted one each, all different, or none")
    if alpha is not None and (len(alpha) != low.shape[1] or min(alpha) <= 0):
        raise ParameterError(f"alpha: {list(alpha)}; wanted a number above 0 for each of {low.shape[1]} criteria")
