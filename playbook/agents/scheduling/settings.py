"""What a team sets for its scheduling agent: where the inputs lie, when posts may go out, what counts as known."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, model_validator

from playbook.tables import Authored, plain_name


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _zone(name: str) -> str:
    if name not in _zones():
        raise ValueError(f"{name!r} is no time zone; wanted a name such as Europe/Berlin, America/New_York or UTC")
    return name


Zone = Annotated[str, AfterValidator(_zone)]
Weekday = Literal[1, 2, 3, 4, 5, 6, 7]
EVERY_DAY: tuple[Weekday, ...] = (1, 2, 3, 4, 5, 6, 7)


class HistoryColumns(Authored):
    """What the account's export calls its columns; `content_type` only where it has one."""

    channel: str = "channel"
    published: str = "published"
    impressions: str = "impressions"
    engagements: str = "engagements"
    content_type: str | None = None


class HistoryInput(Authored):
    """The account's posts so far: the file, the zone of times that carry none, the share of bad rows left out.

    With more bad rows than `bad_rows_percent` (0: with any) the whole file is refused and every bad cell is named.
    """

    file: str = Field(default="history.csv", min_length=1)
    zone: Zone | None = None
    columns: HistoryColumns = HistoryColumns()
    bad_rows_percent: float = Field(default=0.0, ge=0, le=100)


class QueueColumns(Authored):
    """What the queue calls its columns; all but the first two may be missing from the file."""

    post: str = "post"
    channel: str = "channel"
    not_before: str = "not_before"
    not_after: str = "not_after"
    weight: str = "weight"
    booked: str = "booked"
    title: str = "title"


class QueueInput(Authored):
    """The posts that wait: the file, the zone of times that carry none, and whether titles go into the calendar.

    Titles are text from outside: a run that reads them carries the label untrusted, and a plan at level 4 then waits
    for a person.
    """

    file: str = Field(default="queue.csv", min_length=1)
    zone: Zone | None = None
    columns: QueueColumns = QueueColumns()
    show_titles: bool = False


class MentionsInput(Authored):
    """Mentions an hour that are negative: the file, its two columns, and how many hours before today count."""

    file: str = Field(min_length=1)
    zone: Zone | None = None
    at: str = "at"
    negative: str = "negative"
    hours: int = Field(default=24, ge=1, le=720)


class ChannelRule(Authored):
    """When one channel may be used: local hours (from, up to and without), weekdays (1 Monday), spacing and caps."""

    channel: str = Field(min_length=1, max_length=60)
    zone: Zone
    hours: tuple[int, int] = (8, 21)
    weekdays: tuple[Weekday, ...] = EVERY_DAY
    spacing_hours: float = Field(default=4.0, ge=0, le=24 * 14)
    most_a_day: int = Field(default=2, ge=1, le=200)
    most_a_week: int = Field(default=10, ge=1, le=1000)

    @model_validator(mode="after")
    def _hours_are_a_stretch(self) -> ChannelRule:
        first, end = self.hours
        if not 0 <= first < end <= 24:
            raise ValueError(
                f"hours {first} to {end}; wanted two whole hours from 0 to 24, the first before the second"
            )
        return self


class Quiet(Authored):
    """A stretch in which nothing goes out, on one channel or on all: local time of each channel, end not included."""

    first: dt.datetime
    end: dt.datetime
    reason: str = Field(min_length=3)
    channel: str | None = None

    @model_validator(mode="after")
    def _has_length(self) -> Quiet:
        if self.first.tzinfo or self.end.tzinfo or self.first >= self.end:
            raise ValueError("wanted two local times without a zone, the first before the end")
        return self


class Learning(Authored):
    """How the history is read.

    `history_days`: how many days back count. `few_posts`: below it a time counts as hardly known. `hour_reach`: how far an hour tells of its neighbours, in
    hours. `usual_spread`: spread of single posts around their mean, as a share of it, where no two posts exist.
    """

    history_days: int = Field(default=365, ge=7, le=3650)
    few_posts: int = Field(default=3, ge=1, le=100)
    hour_reach: float = Field(default=1.5, ge=0, le=12)
    usual_spread: float = Field(default=0.6, gt=0, le=5)
    confidence: float = Field(default=0.95, gt=0.5, lt=1)


class Rules(Authored):
    """Everything that decides where posts may go: the days ahead, the channels, quiet stretches, holidays, the solver.

    `starts_in_days` counts from today (1 tomorrow: hours of today may be over), `step_minutes` is how far apart the times are that are looked at,
    `holidays_of` a country (ISO 3166) whose public holidays are left free, `solver_seconds` the limit for one channel.
    """

    starts_in_days: int = Field(default=1, ge=1, le=365)
    days: int = Field(default=14, ge=1, le=120)
    step_minutes: Literal[15, 20, 30, 60] = 60
    channels: tuple[ChannelRule, ...] = Field(min_length=1)
    quiet: tuple[Quiet, ...] = ()
    holidays_of: str | None = Field(default=None, min_length=2, max_length=3)
    solver_seconds: float = Field(default=20.0, gt=0, le=600)
    learning: Learning = Learning()

    @model_validator(mode="after")
    def _channels_are_named_once(self) -> Rules:
        names = [plain_name(rule.channel) for rule in self.channels]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"channel {', '.join(twice)} is there twice; wanted each channel once")
        return self

    def channel(self, name: str) -> ChannelRule | None:
        """The rule of a channel, its name compared without case and marks; None for one without a rule."""
        return next((rule for rule in self.channels if plain_name(rule.channel) == plain_name(name)), None)

    def zones(self) -> dict[str, str]:
        """The zone of each channel by the name its rule has."""
        return {rule.channel: rule.zone for rule in self.channels}


class Settings(Authored):
    """The settings of the scheduling agent in its policy."""

    history: HistoryInput = HistoryInput()
    queue: QueueInput = QueueInput()
    mentions: MentionsInput | None = None
    rules: Rules
    publish_to: str = Field(default="published/schedule", min_length=1)


def zone_info(name: str) -> ZoneInfo:
    """The zone of a checked name."""
    return ZoneInfo(name)
