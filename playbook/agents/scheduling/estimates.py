"""What an account's history says of each hour of each weekday: engagement rates, shrunken, with how sure they are.

A post's rate, as a share of its channel's mean, is taken as

    1 + weekday + hour + (weekday x hour) + spread of single posts + chance of who happened to see it

with each effect normal around 0. Effects of neighbouring hours resemble each other. How large each kind of effect is,
is not picked but averaged over a grid by how well it explains the history of all channels together, so that a thin
history leaves every time near its channel's mean. Given the sizes, mean and covariance are the best linear unbiased
prediction: Robinson, That BLUP is a good thing, Statistical Science 6 (1991) 15-32; the likelihood is restricted
(REML): Patterson and Thompson, Biometrika 58 (1971) 545-554; averaging instead of picking: Gelman et al., Bayesian
Data Analysis, 3rd ed. (2013), section 5.4.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from playbook.agents.scheduling import effects
from playbook.agents.scheduling.effects import CELLS, HOURS, Floats, Ints
from playbook.agents.scheduling.settings import Learning
from playbook.intervals import Interval
from playbook.tables import plain_name

# A post this many robust standard deviations above the channel's median counts as if it were there: one that the whole
# world shared says nothing of its hour. Source: median and MAD as in Hampel, JASA 69 (1974) 383-393; 3.5 is Iglewicz
# and Hoaglin, How to Detect and Handle Outliers (1993).
FAR_ABOVE, FEWEST_TO_TELL, MAD_OF_NORMAL = 3.5, 8, 0.6745
USUAL_POSTS = 4  # how many posts the usual spread counts for beside those of the channel

COLUMNS = {
    "channel": "str",
    "weekday": "int64",
    "hour": "int64",
    "rate": "float64",
    "low": "float64",
    "high": "float64",
    "se": "float64",
    "n": "int64",
    "n_hour": "int64",
    "n_channel": "int64",
}


@dataclass(frozen=True)
class Known:
    """What is known of one channel: `mean` and `covariance` of its 168 rates (Monday 0:00 first), `posts` in each.

    `posts_a_cell` counts posts, `spread` is how far single posts lie from the mean of their time (standard deviation,
    as a rate). `mean` is NaN where no post or no engagement was ever recorded: nothing is known of any time then.
    """

    mean: Floats
    covariance: Floats
    posts_a_cell: Ints
    spread: float

    @property
    def posts(self) -> int:
        """Posts of the channel."""
        return int(self.posts_a_cell.sum())


@dataclass(frozen=True)
class Learned:
    """What was learned: `channels` by name, `left_out` posts of channels without a rule, `adjusted` content types,

    `capped` posts so far above the others of their channel that they were counted as less.
    """

    channels: Mapping[str, Known]
    left_out: int
    adjusted: int
    capped: int
    confidence: float

    def table(self) -> pd.DataFrame:
        """One row a channel, weekday (1 Monday) and hour (0 to 23, local).

        Columns: channel, weekday, hour, rate (share of impressions), low and high (interval of the mean rate at that
        time, not of a single post), se (standard error), n (posts in that hour of that weekday), n_hour (in that hour
        of any day), n_channel. Rates are NaN where nothing is known.
        """
        parts = [self._rows(name, known) for name, known in self.channels.items()]
        return pd.concat(parts, ignore_index=True)[list(COLUMNS)].astype(COLUMNS)

    def _rows(self, name: str, known: Known) -> pd.DataFrame:
        reach = float(scipy.special.ndtri((1 + self.confidence) / 2))
        se = np.sqrt(np.diag(known.covariance))
        hours = known.posts_a_cell.reshape(7, HOURS).sum(axis=0)
        cells: dict[str, Any] = {
            "channel": name,
            "weekday": np.repeat(np.arange(1, 8), HOURS),
            "hour": np.tile(np.arange(HOURS), 7),
            "rate": np.clip(known.mean, 0, 1),
            "low": np.clip(known.mean - reach * se, 0, 1),
            "high": np.clip(known.mean + reach * se, 0, 1),
            "se": se,
            "n": known.posts_a_cell,
            "n_hour": np.tile(hours, 7),
            "n_channel": known.posts,
        }
        return pd.DataFrame(cells)

    def gain(self, channel: str, cells: Ints) -> tuple[float, float] | None:
        """Mean rate at these cells minus that at the account's own times on a channel, with its variance.

        Each cell counts as often as it is given. None where nothing is known of the channel or no cell is given.
        """
        known = self.channels[channel]
        if len(cells) == 0 or not np.isfinite(known.mean).all():
            return None
        contrast = np.bincount(cells, minlength=CELLS) / len(cells) - known.posts_a_cell / known.posts
        return float(contrast @ known.mean), float(contrast @ known.covariance @ contrast)


def cell(weekday: int, hour: int) -> int:
    """The place of an hour (0 to 23) of a weekday (1 Monday) among the 168 of a week."""
    return (weekday - 1) * HOURS + hour


def learn(history: pd.DataFrame, zones: Mapping[str, str], rule: Learning) -> Learned:
    """Learn the rates of the channels of `zones` (name to time zone) from the history.

    `history` has the columns of `history.read`; channels are compared without case and marks, times are the local ones
    of the channel. A content type, where the history has one, is taken out of the rates first, so that an hour is not
    praised for the kind of post that was kept for it.
    """
    names = {plain_name(name): name for name in zones}
    channel = history["channel"].map(lambda name: names.get(plain_name(name), ""))
    counted = history.assign(channel=channel)[channel != ""]
    sets = {name: _Posts.of(counted[counted["channel"] == name], zone, rule) for name, zone in zones.items()}
    known = {name: posts for name, posts in sets.items() if posts.told}
    sizes = effects.sizes([posts.lifts for posts in known.values()], rule.hour_reach)
    channels = {name: _known(posts, sizes, rule) if posts.told else _unknown(posts) for name, posts in sets.items()}
    types, capped = (sum(counts) for counts in zip(*((one.types, one.capped) for one in sets.values()), strict=True))
    return Learned(channels, len(history) - len(counted), types, capped, rule.confidence)


@dataclass(frozen=True)
class _Posts:
    """A channel's posts as shares of their mean rate `scale`, and how many content types and peaks were taken out.

    `hidden` is how many times larger the posts' variance is with their peaks: chance that their lowering hides.
    """

    lifts: effects.Posts
    scale: float
    types: int = 0
    capped: int = 0
    hidden: float = 1.0

    @property
    def told(self) -> bool:
        return self.scale > 0

    @classmethod
    def of(cls, posts: pd.DataFrame, zone: str, rule: Learning) -> _Posts:
        local = posts["published"].dt.tz_convert(zone)
        cells = (local.dt.day_of_week * HOURS + local.dt.hour).to_numpy(dtype=np.int64)
        seen = posts["impressions"].to_numpy(dtype=float)
        raw = posts["engagements"].to_numpy(dtype=float) / seen
        rates, capped = _without_peaks(raw)
        scale = float(rates.mean()) if len(rates) else 0.0
        if scale == 0:
            return cls(effects.Posts(cells, rates, np.zeros_like(rates), rule.usual_spread), 0.0)
        lift, types = _without_types(rates / scale, cells, posts["content_type"].to_numpy(dtype=object))
        found, usual = float(((lift - lift.mean()) ** 2).sum()), USUAL_POSTS * rule.usual_spread**2
        spread = math.sqrt((found + usual) / (len(lift) - 1 + USUAL_POSTS))
        return cls(
            effects.Posts(cells, lift, (1 - scale) / (scale * seen), spread), scale, types, capped, _hidden(raw, rates)
        )


def _known(posts: _Posts, sizes: list[effects.Size], rule: Learning) -> Known:
    mean, covariance, spread = effects.rates(posts.lifts, sizes, rule.hour_reach)
    counts = np.bincount(posts.lifts.cells, minlength=CELLS).astype(np.int64)
    return Known(mean * posts.scale, covariance * posts.scale**2 * posts.hidden, counts, spread * posts.scale)


def _unknown(posts: _Posts) -> Known:
    nothing = np.full(CELLS, math.nan)
    counts = np.bincount(posts.lifts.cells, minlength=CELLS).astype(np.int64)
    return Known(nothing, np.full((CELLS, CELLS), math.nan), counts, math.nan)


def _without_peaks(rates: Floats) -> tuple[Floats, int]:
    """The rates with those far above the others brought down to where far begins, and how many those are.

    What is taken off goes to all posts in proportion: the channel's mean stays, only the hour loses it.
    """
    if len(rates) < FEWEST_TO_TELL:
        return rates, 0
    middle = float(np.median(rates))
    reach = FAR_ABOVE * float(np.median(abs(rates - middle))) / MAD_OF_NORMAL
    if reach == 0:
        return rates, 0
    lowered = np.minimum(rates, middle + reach)
    return lowered * (rates.mean() / lowered.mean()), int((rates > middle + reach).sum())


def _hidden(raw: Floats, lowered: Floats) -> float:
    return max(1.0, float(raw.var() / lowered.var())) if lowered.var() > 0 else 1.0


def _without_types(lift: Floats, cells: Ints, types: NDArray[np.object_]) -> tuple[Floats, int]:
    """The lifts less what the content type adds at like weekdays and hours (least squares), and how many types."""
    names, kind = np.unique(types.astype(str), return_inverse=True)
    if len(names) < 2 or len(lift) <= len(names) + 7 + HOURS:
        return lift, 0
    dummies = [np.eye(7)[cells // HOURS], np.eye(HOURS)[cells % HOURS], np.eye(len(names))[kind]]
    effects, *_ = np.linalg.lstsq(np.hstack(dummies), lift, rcond=None)
    added = effects[7 + HOURS :][kind]
    found: Floats = lift - (added - added.mean())
    return found, len(names)


def relative(channels: list[tuple[float, float, float]], n: int, confidence: float) -> Interval | None:
    """Several channels' gains as one: rows of (posts, gain, variance), each weighted by its posts in the plan."""
    whole = sum(posts for posts, _, _ in channels)
    if whole == 0:
        return None
    gain = sum(posts * gain for posts, gain, _ in channels) / whole
    variance = sum((posts / whole) ** 2 * variance for posts, _, variance in channels)
    reach = float(scipy.special.ndtri((1 + confidence) / 2)) * math.sqrt(max(variance, 0.0))
    return Interval(gain, gain - reach, gain + reach, n, confidence)
