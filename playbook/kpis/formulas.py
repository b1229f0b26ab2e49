"""The formulas of the KPIs: a value from counts, with its 95 % interval, ready to be kept as a reading.

Each returns None where there is nothing to divide by. Counts of events are read as Poisson, shares as binomial.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd
import scipy

from playbook.errors import ParameterError
from playbook.intervals import CONFIDENCE, Interval, median, wilson
from playbook.tables import READINGS, check

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable


def system_throughput(pieces: int, variants: float, channels: float, weeks: float = 1) -> Interval | None:
    """Content system throughput: pieces x personalisation variants x channels / weeks, in versions a week.

    `variants` and `channels` are means a piece; the interval is that of the number of pieces. None without weeks.
    Raises ParameterError for a negative number.
    """
    return _rate(pieces, weeks, _not_negative("variants", variants) * _not_negative("channels", channels))


def iteration_velocity(optimisations: int, campaigns: int, weeks: float) -> Interval | None:
    """Campaign iteration velocity: optimisations / (campaigns x weeks), in optimisations a campaign and week.

    None without a campaign or a week. Raises ParameterError for a negative number.
    """
    return _rate(optimisations, _not_negative("campaigns", campaigns) * weeks)


def strategic_decision_density(decisions: int, executions: int) -> Interval | None:
    """Strategic decision density: high-judgment decisions / (decisions + task executions) in a week, 0 to 1.

    0 is a team that only executes, 1 one that only decides. None for a week without either.
    """
    return wilson(decisions, decisions + executions)


def signal_to_noise(high_intent: int, entered: int) -> Interval | None:
    """Pipeline signal-to-noise: leads qualified as high intent / leads that entered the pipeline, 0 to 1.

    Both of one closed cohort, or late leads make the share fall. None for an empty cohort.
    """
    return wilson(high_intent, entered)


def prompt_success(accepted: int, runs: int) -> Interval | None:
    """Runs accepted as they are or with a minor edit (defined beforehand) / runs, 0 to 1; None without a run."""
    return wilson(accepted, runs)


def human_intervention(interventions: int, runs: int) -> Interval | None:
    """Runs with an escalation, override or correction / runs, 0 to 1; planned approvals do not count."""
    return wilson(interventions, runs)


def system_utilisation(by_system: int, eligible: int) -> Interval | None:
    """Eligible runs the system did / eligible runs, 0 to 1; None when no run was eligible."""
    return wilson(by_system, eligible)


def time_to_produce(days: Iterable[float]) -> Interval | None:
    """Median of published - brief accepted, in days, with its interval; take one type of asset at a time."""
    return median(days)


def cost_per_asset(hours: float, rate: float, bought: float, accepted: int) -> Interval | None:
    """(hours with review and rework x loaded hourly rate + tools, models and vendors) / accepted assets.

    In the currency of `rate` and `bought`. A sum from the books has no sampling interval: its ends are empty. None
    without an accepted asset. Raises ParameterError for a negative number.
    """
    cost = _not_negative("hours", hours) * _not_negative("rate", rate) + _not_negative("bought", bought)
    return Interval(cost / accepted, math.nan, math.nan, accepted) if _not_negative("accepted", accepted) else None


def cost_to_revenue(cost: float, revenue: float, assets: int) -> Interval | None:
    """Cost of the accepted assets / revenue they are credited with in the same period and currency, from 0 up.

    None without revenue; no sampling interval. Raises ParameterError for a negative number.
    """
    spent = _not_negative("cost", cost)
    return Interval(spent / revenue, math.nan, math.nan, assets) if _not_negative("revenue", revenue) else None


def reading(found: Interval, *, team: str, kpi: str, start: dt.date, days: int) -> pd.DataFrame:
    """A computed value as one row of READINGS, to be kept in the workspace. Raises TableError for a bad cell."""
    ends = {"low": found.low, "high": found.high} if found.measured else {}
    row: dict[str, Any] = {"team": team, "kpi": kpi, "start": start, "days": days, "value": found.estimate}
    return check(READINGS, pd.DataFrame([{**row, **ends, "n": found.n}]))


def _rate(events: int, exposure: float, times: float = 1) -> Interval | None:
    """Events / exposure with the exact Poisson interval (Garwood, Biometrika 28 (1936) 437-442)."""
    if not _not_negative("exposure", exposure):
        return None
    tail = (1 - CONFIDENCE) / 2
    low = float(scipy.special.gammaincinv(events, tail)) if _not_negative("events", events) else 0.0
    high = float(scipy.special.gammaincinv(events + 1, 1 - tail))
    scale = times / exposure
    return Interval(events * scale, low * scale, high * scale, events)


def _not_negative(name: str, value: float) -> float:
    if not (math.isfinite(value) and value >= 0):
        raise ParameterError(f"{name}: {value}; wanted a number from 0 up")
    return value
