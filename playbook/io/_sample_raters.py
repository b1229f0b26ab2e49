"""The sample's raters: a few seats' ratings of some tasks, round by round, as `templates/sample/company.yaml` holds them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pandas as pd
from pydantic import Field

from playbook.tables import RATINGS, Authored

if TYPE_CHECKING:
    from collections.abc import Mapping

Rating = Annotated[float, Field(ge=1, le=5)] | Literal["n/a"] | None


class SampleSlip(Authored):
    """A rating that was first written down as `value` and then corrected."""

    round: int
    seat: int
    value: float


class SampleRating(Authored):
    """One factor of one task as the seats rated it, round by round; `settled` is what they agreed, if they did.

    `reasons` are by round and seat.
    """

    task: str
    factor: str
    rounds: list[list[Rating]]
    settled: Rating = None
    reasons: dict[int, dict[int, str]] = Field(default_factory=dict)
    slip: SampleSlip | None = None


class SampleRaters(Authored):
    """The seats that rated, by number and role, and the `days` after the start on which each round was held."""

    seats: dict[int, str]
    days: list[int]
    ratings: list[SampleRating]


def rating_rows(raters: SampleRaters, start: dt.date) -> list[dict[str, Any]]:
    """The rows of RATINGS, without the team: every round's, and seat 0 in the last one where they settled."""
    found = []
    for item in raters.ratings:
        for number, (values, day) in enumerate(zip(item.rounds, raters.days, strict=True), start=1):
            said = zip(raters.seats.items(), values, strict=True)
            where = {"task_id": item.task, "factor": item.factor, "round": number}
            when = {"day": start + dt.timedelta(days=day)}
            found += [
                where | _rated(seat, role, value, item.reasons.get(number, {}).get(seat)) | when
                for (seat, role), value in said
                if value is not None
            ]
        if item.settled is not None:
            found.append(where | _rated(0, None, item.settled, None) | when)
    return found


def _rated(seat: int, role: str | None, value: Rating, reason: str | None) -> dict[str, Any]:
    out = value == "n/a"
    facts = {"value": None if out else value, "not_applicable": out}
    return {"seat": seat, "role": role, **facts, "reason": reason}


def first_written(ratings: pd.DataFrame, raters: Mapping[str, SampleRaters]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The ratings as they were first written down, slips and all, and the rows that were corrected afterwards."""
    first, touched = ratings.copy(), pd.Series(data=False, index=ratings.index)
    keys = pd.MultiIndex.from_frame(ratings[list(RATINGS.key)])
    slips = [(team, item, item.slip) for team, each in raters.items() for item in each.ratings if item.slip]
    for team, item, slip in slips:
        mine = keys.isin([(team, item.task, item.factor, slip.round, slip.seat)])
        first.loc[mine, "value"] = slip.value
        touched |= mine
    return first, ratings[touched]
