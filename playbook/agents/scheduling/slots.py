"""The times that may be used: every step of the days ahead that a channel's rules, quiet stretches and holidays leave."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pandas as pd

from playbook.agents.scheduling.settings import ChannelRule, Quiet, Rules, zone_info
from playbook.agents.scheduling.sheets import UTC, exists
from playbook.errors import ParameterError
from playbook.tables import plain_name

DAY = dt.timedelta(days=1)
TYPES = {
    "at": "datetime64[us, UTC]",
    "local": "datetime64[us]",
    "weekday": "int64",
    "hour": "int64",
    "day": "str",
    "week": "str",
}


def candidates(rules: Rules, channel: ChannelRule, today: dt.date) -> pd.DataFrame:
    """Every time of a channel that may be used, in order.

    Columns: at (UTC), local (without its offset), weekday (1 Monday), hour (0 to 23, local), day (YYYY-MM-DD, local),
    week (ISO year and week, local). An hour that clocks skip is no time; one that comes twice is used the first time.
    Raises ParameterError when the country's holidays are not known.
    """
    free = holidays(rules, today)
    closed = quiet(rules, channel)
    zone = zone_info(channel.zone)
    rows = []
    for local in _times(rules, channel, today):
        shut = local.date() in free or any(one.first <= local < one.end for one in closed)
        if not shut and exists(local, zone):
            at = local.replace(tzinfo=zone).astimezone(UTC)
            cells = {"at": at, "local": local, "weekday": local.isoweekday(), "hour": local.hour}
            rows.append(cells | {"day": local.date().isoformat(), "week": week(local.date())})
    return pd.DataFrame(rows, columns=list(TYPES)).astype(TYPES)


def first_day(rules: Rules, today: dt.date) -> dt.date:
    """The first day of the plan."""
    return today + DAY * rules.starts_in_days


def quiet(rules: Rules, channel: ChannelRule) -> list[Quiet]:
    """The quiet stretches that hold for a channel."""
    own = plain_name(channel.channel)
    return [one for one in rules.quiet if one.channel is None or plain_name(one.channel) == own]


def holidays(rules: Rules, today: dt.date) -> dict[dt.date, str]:
    """The public holidays among the days ahead that are left free, with their names; none where no country is set."""
    if rules.holidays_of is None:
        return {}
    import holidays as known  # noqa: PLC0415 - its country tables are read only where they are wanted

    first = first_day(rules, today)
    days = [first + DAY * place for place in range(rules.days)]
    try:
        calendar = known.country_holidays(rules.holidays_of.upper(), years=sorted({day.year for day in days}))
    except NotImplementedError:
        raise ParameterError(
            f"holidays_of: public holidays of {rules.holidays_of!r} are not known; wanted an ISO 3166 code such as DE, "
            "GB or US, or none"
        ) from None
    return {day: str(calendar[day]) for day in days if day in calendar}


def week(day: dt.date) -> str:
    """The ISO week a day is in, such as 2026-W48; it begins on Monday."""
    year, number, _ = day.isocalendar()
    return f"{year}-W{number:02}"


def _times(rules: Rules, channel: ChannelRule, today: dt.date) -> Iterator[dt.datetime]:
    """Every local time of the days ahead within the channel's hours and weekdays."""
    first, end = channel.hours
    step = dt.timedelta(minutes=rules.step_minutes)
    for place in range(rules.days):
        day = first_day(rules, today) + DAY * place
        if day.isoweekday() in channel.weekdays:
            midnight = dt.datetime.combine(day, dt.time())
            for number in range((end - first) * 60 // rules.step_minutes):
                yield midnight + dt.timedelta(hours=first) + step * number
