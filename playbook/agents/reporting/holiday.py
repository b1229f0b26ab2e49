"""Which days are public holidays, and which stand so close to one that they are no ordinary days either."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterable

DAY = pd.Timedelta(days=1)
ORDINARY, HOLIDAY, NEAR = "", "holiday", "near a holiday"
BETWEEN = 8  # two holidays at most so many days apart make one stretch: Christmas and New Year's Day
WEEKEND = 5  # the first day of the weekend, Monday being 0


def kinds(days: Iterable[pd.Timestamp], country: str) -> pd.DataFrame:
    """What kind of day each day is: columns `kind` (empty, holiday, near a holiday) and `holiday` (its name), by day.

    Near are the rest of a run of free days that holds a holiday, the working days on both sides of the run, and the
    days between two holidays that are close together. Without a country no day is a holiday.
    Raises ParameterError for a country whose public holidays are not known.
    """
    listed = pd.DatetimeIndex(list(days))
    frame = pd.DataFrame({"kind": ORDINARY, "holiday": ""}, index=listed)
    if not country or listed.empty:
        return frame
    public = _public(listed, country)
    known = {
        moment: (HOLIDAY if moment in public else NEAR if _near(moment, public) else ORDINARY, public.get(moment, ""))
        for moment in listed.normalize().unique()
    }
    return pd.DataFrame([known[moment] for moment in listed.normalize()], columns=list(frame), index=listed)


def _public(days: pd.DatetimeIndex, country: str) -> dict[pd.Timestamp, str]:
    import holidays  # noqa: PLC0415 - its country tables are read only where a calendar is wanted

    # a run of free days may reach into the next year
    years = range((days.min() - 2 * BETWEEN * DAY).year, (days.max() + 2 * BETWEEN * DAY).year + 1)
    try:
        known: Any = holidays.country_holidays(country.upper(), years=years, language="en_US")
    except NotImplementedError:
        raise ParameterError(
            f"country: public holidays of {country!r} are not known; wanted an ISO 3166 code such as DE, GB or US"
        ) from None
    return {pd.Timestamp(day): str(name).replace("; ", " and ") for day, name in known.items()}


def _near(moment: pd.Timestamp, public: dict[pd.Timestamp, str]) -> bool:
    free = moment.day_of_week >= WEEKEND
    runs = [_run_holds(moment if free else moment + step, step, public) for step in (DAY, -DAY)]
    before = [i for i in range(1, BETWEEN) if moment - i * DAY in public]
    after = [i for i in range(1, BETWEEN) if moment + i * DAY in public]
    return any(runs) or bool(before and after and before[0] + after[0] <= BETWEEN)


def _run_holds(moment: pd.Timestamp, step: pd.Timedelta, public: dict[pd.Timestamp, str]) -> bool:
    """Whether the run of free days that begins here, in one direction, holds a public holiday."""
    while moment in public or moment.day_of_week >= WEEKEND:
        if moment in public:
            return True
        moment += step
    return False
