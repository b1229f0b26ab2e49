"""The plan on a calendar: working days, status, what is overdue and how much is done."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.errors import ParameterError
from playbook.plan.model import Activity, Plan
from playbook.tables import MEASURES, PROGRESS, TEAMS, check

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DAY = dt.timedelta(days=1)
SCHEDULE_COLUMNS: Mapping[str, str] = {
    "team": "str",
    "phase": "Int64",
    "activity": "str",
    "title": "str",
    "start_day": "Int64",
    "end_day": "Int64",
    "start": "datetime64[us]",
    "end": "datetime64[us]",
    "owner_role": "str",
    "deliverable": "str",
    "notebook": "str",
    "depends_on": "str",
    "status": "str",
    "done_on": "datetime64[us]",
    "evidence": "str",
    "overdue": "boolean",
    "note": "str",
}


def day_number(start: dt.date, today: dt.date) -> int:
    """Which day of the plan `today` is: 1 on the start, 0 or less before it, above 90 after the end."""
    return (_day(today) - _day(start)).days + 1


def phase_of(day: int, plan: Plan) -> int | None:
    """The number of the phase a day falls in; None before day 1 and after the last day."""
    return next((phase.number for phase in plan.phases if phase.start_day <= day <= phase.end_day), None)


def schedule(  # noqa: PLR0913 - one argument a fact about the teams; all but two have a default
    plan: Plan,
    start: dt.date,
    country: str | None = None,
    progress: pd.DataFrame | None = None,
    *,
    today: dt.date | None = None,
    teams: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Give every activity its dates and its status, one row a team and activity, in the order of the plan.

    `teams` (TEAMS) brings each team's own start and country where they differ from `start` and `country`; without it
    the teams of `progress` (PROGRESS) are scheduled, and without both there is one schedule with an empty team.
    An activity starts on the first working day on or after its planned day, and after all it depends on; it ends on
    the last working day up to its planned end, later only when no working day lies between. `overdue` is empty when
    `today` is not given. Without a country every Monday to Friday is a working day.

    Columns: team, phase, activity, title, start_day, end_day, start, end, owner_role, deliverable, notebook,
    depends_on, status (as in PROGRESS; `not started` without a row), done_on, evidence, overdue, note.
    Raises ParameterError for a country whose public holidays are not known.
    """
    known = check(PROGRESS, progress) if progress is not None else PROGRESS.empty()
    stands = {(row["team"], row["activity"]): row for row in known.to_dict(orient="records")}
    rows: list[dict[str, Any]] = []
    for team, first_day, place in _who(start, country, known, teams):
        dates = _dates(plan, first_day, _calendar(place))
        for activity in plan.activities:
            reached = stands.get((team, activity.id), {"status": "not started"})
            rows.append(_row(team, activity, first_day, dates[activity.id], reached, today))
    return pd.DataFrame(rows, columns=list(SCHEDULE_COLUMNS)).astype(SCHEDULE_COLUMNS)


def measures(schedule: pd.DataFrame) -> pd.DataFrame:
    """How much of each phase is done, one row a team and phase, as MEASURES.

    `activities_done_share_phase_N` = activities done / (activities - dropped), a share. Empty while a team has
    written down no progress for the phase, or has dropped all of it.
    """
    rows = [
        _done_share(str(team), int(str(phase)), part)
        for (team, phase), part in schedule[schedule["team"] != ""].groupby(["team", "phase"], sort=False)
    ]
    return check(MEASURES, pd.DataFrame(rows, columns=list(MEASURES.columns)))


def _day(day: dt.date) -> dt.date:
    return day.date() if isinstance(day, dt.datetime) else day


def _who(
    start: dt.date, country: str | None, progress: pd.DataFrame, teams: pd.DataFrame | None
) -> list[tuple[str, dt.date, str | None]]:
    if teams is None:
        names = [str(name) for name in dict.fromkeys(progress["team"])] or [""]
        return [(name, _day(start), country) for name in names]
    return [
        (
            str(row["team"]),
            _day(start if pd.isna(row["start"]) else row["start"]),
            country if pd.isna(row["country"]) else str(row["country"]),
        )
        for row in check(TEAMS, teams).to_dict(orient="records")
    ]


def _calendar(country: str | None) -> Callable[[dt.date], bool]:
    """The test for a working day; weekends and public holidays are those of the country."""
    if country is None:
        return lambda day: day.isoweekday() <= 5
    import holidays  # noqa: PLC0415 - its country tables are read only where a calendar is wanted

    try:
        works: Callable[[dt.date], bool] = holidays.country_holidays(country.strip().upper()).is_working_day
    except NotImplementedError:
        raise ParameterError(
            f"country: public holidays of {country!r} are not known; wanted an ISO 3166 code such as DE, GB or US "
            "in the team's country, or no country to count Monday to Friday"
        ) from None
    return works


def _dates(plan: Plan, start: dt.date, works: Callable[[dt.date], bool]) -> dict[str, tuple[dt.date, dt.date]]:
    dates: dict[str, tuple[dt.date, dt.date]] = {}
    for activity in sorted(plan.activities, key=lambda activity: activity.start_day):
        earliest = [start + DAY * (activity.start_day - 1), *(dates[name][1] + DAY for name in activity.depends_on)]
        first = last = max(earliest)
        while not works(first):
            first += DAY
        last = max(first, start + DAY * (activity.end_day - 1))
        while not works(last):
            last -= DAY
        dates[activity.id] = first, last
    return dates


def _row(  # noqa: PLR0913, PLR0917 - private; one argument a source of columns
    team: str,
    activity: Activity,
    start: dt.date,
    dates: tuple[dt.date, dt.date],
    reached: Mapping[Any, Any],
    today: dt.date | None,
) -> dict[str, Any]:
    open_still = reached["status"] in ("not started", "under way")
    said = {name: reached.get(name) for name in ("done_on", "evidence")}
    return {
        **activity.model_dump(include={"phase", "title", "start_day", "end_day", "owner_role", "deliverable"}),
        "notebook": activity.notebook,
        "team": team,
        "activity": activity.id,
        "depends_on": ", ".join(activity.depends_on),
        "start": dates[0],
        "end": dates[1],
        "status": reached["status"],
        "done_on": None if pd.isna(said["done_on"]) else said["done_on"],
        "evidence": "" if pd.isna(said["evidence"]) else said["evidence"],
        "overdue": None if today is None else open_still and dates[1] < _day(today),
        "note": _moved(activity, start, dates),
    }


def _moved(activity: Activity, start: dt.date, dates: tuple[dt.date, dt.date]) -> str:
    planned = start + DAY * (activity.start_day - 1), start + DAY * (activity.end_day - 1)
    moves = [
        f"{word} moved from {was} to a working day"
        for word, was, now in zip(("start", "end"), planned, dates, strict=True)
        if was != now
    ]
    return "; ".join(moves)


def _done_share(team: str, phase: int, part: pd.DataFrame) -> dict[str, Any]:
    dropped, done = int((part["status"] == "dropped").sum()), int((part["status"] == "done").sum())
    counted = len(part) - dropped
    known = counted > 0 and bool((part["status"] != "not started").any())
    return {
        "team": team,
        "measure": f"activities_done_share_phase_{phase}",
        "value": done / counted if known else None,
        "unit": "share",
        "n": counted,
        "evidence": f"{done} of {counted} activities of phase {phase} done, {dropped} dropped" if known else "",
        "needs": "" if known else f"progress written down for the activities of phase {phase}",
    }
