"""When a pilot is looked at, and what each look may claim, so that looking often never finds what is not there."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import scipy

from playbook.intervals import CONFIDENCE
from playbook.pilots.contrast import Floats, any_time_level
from playbook.pilots.sides import Sides
from playbook.tables import count

DAYS_A_WEEK = 7
FARTHEST = 8.0
NODES = 160
ANY_TIME = "an interval that holds whenever one looks"


@dataclass(frozen=True)
class Look:
    """How an interval is to be read: `planned` is the level left for the planned date, None at any other time."""

    planned: float | None
    why: str

    def level(self, size: float, freedom: float) -> float:
        """The two-sided level a single interval uses at this look; NaN while any-time bounds do not exist yet."""
        return any_time_level(size, freedom) if self.planned is None else self.planned


def spent(share: float, level: float = 1 - CONFIDENCE) -> float:
    """How much of the level is spent by a share (0 to 1) of the planned time: 4 (1 - Phi(z / sqrt(share))).

    z is the normal quantile at 1 - level/4; all of `level` is spent at 1, next to nothing early. Lan and DeMets,
    Biometrika 70 (1983) 659-663, O'Brien-Fleming type, two-sided.
    """
    return 4 * float(scipy.special.ndtr(float(scipy.special.ndtri(level / 4)) / math.sqrt(share))) if share > 0 else 0.0


def bounds(shares: Sequence[float], level: float = 1 - CONFIDENCE) -> list[float]:
    """The bound on |z| at each look, at these shares of the planned time; four even looks: 4.333, 2.963, 2.359, 2.014.

    What is known is taken to grow with calendar time. It grows faster at first when the old way was timed beforehand;
    then the bounds err a little to the careful side, which is what pays for any-time looks in between. Lan and DeMets,
    as in `spent`, computed by the recursion of Armitage, McPherson and Rowe, JRSS A 132 (1969) 235-244.
    """
    return list(_bounds(tuple(round(float(x), 9) for x in shares), level))


def planned_days(start: dt.date, end: dt.date) -> list[dt.date]:
    """The last day of each planned look: every week from the first day, the last one at the planned end."""
    length = (end - start).days + 1
    weeks = max(1, round(length / DAYS_A_WEEK))
    ends = [DAYS_A_WEEK * week for week in range(1, weeks)]
    return [start + dt.timedelta(days=days - 1) for days in (*ends, length)]


def planned_looks(start: dt.date, end: dt.date, sides: Sides) -> dict[dt.date, float]:
    """The looks planned from the first day to the end, and the share of the planned time each lies at.

    A look without items in every cell is none; one after which nothing new came is left to the next.
    """
    length = (end - start).days + 1
    found: dict[dt.date, float] = {}
    before: tuple[int, ...] = ()
    for day in planned_days(start, end):
        counts = tuple(sides.until(day).counts)
        if min(counts) == 0:
            continue
        if counts == before:
            found.popitem()
        found[day], before = ((day - start).days + 1) / length, counts
    return found


def window(pilot: Mapping[Any, Any]) -> tuple[dt.date, dt.date] | None:
    """A pilot's planned first and last day; None where one is missing or they are the wrong way round."""
    start, end = (pilot.get(name) for name in ("start", "end"))
    if pd.isna(start) or pd.isna(end) or pd.Timestamp(end) < pd.Timestamp(start):
        return None
    return pd.Timestamp(start).date(), pd.Timestamp(end).date()


def look(pilot: Mapping[Any, Any], sides: Sides) -> Look:
    """Which of the two a pilot's intervals are: those for the planned date, or those that hold at any time."""
    if pilot["status"] != "ended":
        return Look(
            None, f"{ANY_TIME}, as the pilot {'was stopped' if pilot['status'] == 'stopped' else 'has not ended'}"
        )
    dates = window(pilot)
    if dates is None:
        return Look(None, f"{ANY_TIME}, as no planned first and last day is on record")
    late = int((sides.days > np.datetime64(dates[1])).sum())
    if late:
        return Look(None, f"{ANY_TIME}, as {count(late, 'item')} came after the planned end")
    planned = planned_looks(*dates, sides)
    if not planned:
        return Look(None, ANY_TIME)
    level = 2 * float(scipy.special.ndtr(-bounds(list(planned.values()))[-1]))
    weeks = len(planned_days(*dates))
    return Look(
        level,
        f"read at the planned end, {'the one look planned' if weeks == 1 else f'the last of {weeks} weekly looks planned'}",
    )


@lru_cache(maxsize=512)
def _bounds(shares: tuple[float, ...], level: float) -> tuple[float, ...]:
    found: list[float] = []
    points, mass = np.zeros(1), np.ones(1)  # the score's distribution among pilots that have not crossed
    before = 0.0
    nodes, weight = np.polynomial.legendre.leggauss(NODES)
    for share in shares:
        step, scale = math.sqrt(share - before), math.sqrt(share)
        bound = _bound(points, mass, step, scale, spent(share, level) - spent(before, level))
        inside = nodes * bound * scale
        density = np.exp(-(((inside[:, None] - points) / step) ** 2) / 2) / (step * math.sqrt(2 * math.pi))
        points, mass = inside, (density @ mass) * weight * bound * scale
        before = share
        found.append(bound)
    return tuple(found)


def _bound(points: Floats, mass: Floats, step: float, scale: float, may: float) -> float:
    """The bound that is crossed with probability `may` by a score `step` away from where it stood."""

    def crossing(bound: float) -> float:
        above = scipy.special.ndtr((points - bound * scale) / step) + scipy.special.ndtr(
            (-bound * scale - points) / step
        )
        return float(mass @ above) - may

    return FARTHEST if crossing(FARTHEST) >= 0 else float(scipy.optimize.brentq(crossing, 0.0, FARTHEST, xtol=1e-6))
