"""The plan: each post of the queue with its time, what to expect there, and what the history does not know of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from playbook.agents.scheduling import choose, estimates, slots
from playbook.agents.scheduling import history as past
from playbook.agents.scheduling.choose import Choice, Ints, Problem
from playbook.agents.scheduling.effects import HOURS
from playbook.agents.scheduling.estimates import Learned
from playbook.agents.scheduling.settings import ChannelRule, Rules
from playbook.tables import count, plain_name

EPOCH = pd.Timestamp(0, tz="UTC")
IN_TURN = 1e-6  # where nothing is known an earlier time is preferred, by so little that it decides nothing else
TYPES = {
    "post": "str",
    "channel": "str",
    "status": "str",
    "local": "str",
    "utc": "datetime64[us, UTC]",
    "weekday": "Int64",
    "hour": "Int64",
    "weight": "float64",
    "rate": "float64",
    "low": "float64",
    "high": "float64",
    "n": "Int64",
    "n_hour": "Int64",
    "n_channel": "Int64",
    "unknown": "str",
    "reason": "str",
    "title": "str",
}


@dataclass(frozen=True)
class Plan:
    """A plan: `rows` (one a post of the queue), each channel's `choices`, what was `learned`, the newest post's age.

    Columns of `rows`: post, channel (empty where it has no rule), status (placed, booked, not placed), local (with its
    offset), utc, weekday (1 Monday) and hour (both local), weight, rate (expected engagements an impression), low and
    high (its interval), n (posts of the account in that hour of that weekday), n_hour, n_channel, unknown (what the
    history does not know of the time, in words), reason (why it has no time), title.
    """

    rows: pd.DataFrame
    choices: Mapping[str, Choice]
    learned: Learned
    rules: Rules
    first: dt.date
    age_hours: float | None

    @property
    def placed(self) -> pd.DataFrame:
        """The posts that were given a time."""
        return self.rows[self.rows["status"] == "placed"]

    @property
    def unplaced(self) -> pd.DataFrame:
        """The posts that have no time, with the reason."""
        return self.rows[self.rows["status"] == "not placed"]

    @property
    def without_history(self) -> float | None:
        """Share of the placed posts (percent) whose time has fewer posts of history than the rule wants; None of none."""
        few = self.placed["n"] < self.rules.learning.few_posts
        return 100 * float(few.mean()) if len(few) else None


def make(queue: pd.DataFrame, history: pd.DataFrame, rules: Rules, today: dt.date) -> Plan:
    """Plan the queue (columns of `posts.read`) from the history (columns of `history.read`).

    Learn the rates of each channel's hours, list its times, take out what is already out or booked, choose, and say of
    each time what is known. Posts count by weight; as many as possible are placed before their total is looked at.
    """
    known = past.recent(history, today, rules.learning.history_days)
    learned = estimates.learn(known, rules.zones(), rules.learning)
    table = learned.table().set_index(["channel", "weekday", "hour"])
    choices: dict[str, Choice] = {}
    rows = [_row(post, status="not placed", reason="its channel has no rule in the settings")
            for post in _records(queue[queue["channel"] == ""])]  # fmt: skip
    for rule in rules.channels:
        part = queue[queue["channel"] == rule.channel]
        out = history.loc[history["channel"].map(plain_name) == plain_name(rule.channel), "published"]
        channel = Channel(rule, rules, part, out, today)
        if channel.waiting.empty:
            rows += channel.booked_rows(table)
            continue
        problem = channel.problem(values(learned, rule.channel, channel.times))
        choices[rule.channel] = choose.choose(problem, rules.solver_seconds)
        rows += [*channel.rows(problem, choices[rule.channel].assigned, table), *channel.booked_rows(table)]
    frame = pd.DataFrame(rows, columns=list(TYPES)).astype(TYPES)
    order = frame.sort_values(["utc", "channel", "post"], na_position="last", kind="stable").reset_index(drop=True)
    return Plan(order, choices, learned, rules, slots.first_day(rules, today), past.age_hours(known, today))


class Channel:
    """One channel's posts and times: what waits, what is booked, what is open, what is occupied."""

    def __init__(self, rule: ChannelRule, rules: Rules, queue: pd.DataFrame, out: pd.Series, today: dt.date) -> None:
        self.rule, self.rules = rule, rules
        self.waiting = queue[queue["booked"].isna()].sort_values("post").reset_index(drop=True)
        self.booked = queue[queue["booked"].notna()]
        self.times = slots.candidates(rules, rule, today)
        self.occupied = pd.concat([out, self.booked["booked"]], ignore_index=True)

    def problem(self, value: choose.Floats) -> Problem:
        """The choice as numbers; times too near a post already out or booked are not allowed to any."""
        at = _hours(self.times["at"])
        occupied = np.sort(_hours(self.occupied))
        clear = np.ones(len(at), dtype=bool)
        for moment in occupied:
            clear &= abs(at - moment) >= max(self.rule.spacing_hours - choose.ROUNDING, choose.ROUNDING)
        local = self.occupied.dt.tz_convert(self.rule.zone).dt.date
        days, weeks = (list(dict.fromkeys(self.times[name])) for name in ("day", "week"))
        return Problem(
            at,
            value,
            self.waiting["weight"].to_numpy(dtype=float),
            self.own_times() & clear,
            self.rule.spacing_hours,
            pd.Index(days).get_indexer(self.times["day"]).astype(np.int64),
            pd.Index(weeks).get_indexer(self.times["week"]).astype(np.int64),
            choose.room([day.isoformat() for day in local], days, self.rule.most_a_day),
            choose.room([slots.week(day) for day in local], weeks, self.rule.most_a_week),
        )

    def own_times(self) -> choose.Bools:
        """Which times each waiting post's own dates allow."""
        at = self.times["at"].to_numpy()[None, :]
        first = self.waiting["not_before"].fillna(pd.Timestamp.min.tz_localize("UTC").ceil("us")).to_numpy()[:, None]
        last = self.waiting["not_after"].fillna(pd.Timestamp.max.tz_localize("UTC").floor("us")).to_numpy()[:, None]
        found: choose.Bools = (at >= first) & (at <= last)
        return found

    def rows(self, problem: Problem, assigned: Ints, table: pd.DataFrame) -> Iterator[dict[str, Any]]:
        """The waiting posts with their times, or with the reason they have none."""
        for place, post in enumerate(_records(self.waiting)):
            if assigned[place] >= 0:
                at = self.times["at"].iloc[int(assigned[place])]
                yield _row(post, status="placed", **self._told(at, table))
            else:
                yield _row(post, status="not placed", reason=self._reason(problem, assigned, place))

    def booked_rows(self, table: pd.DataFrame) -> list[dict[str, Any]]:
        """The posts that keep the time they have."""
        return [_row(post, status="booked", **self._told(post["booked"], table)) for post in _records(self.booked)]

    def _told(self, at: pd.Timestamp, table: pd.DataFrame) -> dict[str, Any]:
        local = at.tz_convert(self.rule.zone)
        known = table.loc[self.rule.channel].iloc[estimates.cell(local.isoweekday(), local.hour)]
        cells = {name: known[name] for name in ("rate", "low", "high", "n", "n_hour", "n_channel")}
        where = {"utc": at, "local": local.isoformat(timespec="minutes"), "weekday": local.isoweekday()}
        return where | {"hour": local.hour, **cells, "unknown": _unknown(known, self.rules.learning.few_posts)}

    def _reason(self, problem: Problem, assigned: Ints, place: int) -> str:
        own = self.own_times()[place]
        if not own.any():
            return self._no_time(self.waiting.iloc[place])
        allowed = problem.allowed[place]
        near, full = problem.full(assigned)
        shut = int((own & ~allowed).sum())
        close, over = int((allowed & near).sum()), int((allowed & ~near & full).sum())
        told = [
            f"{shut} within {self.rule.spacing_hours:g} hours of a post already out or booked" if shut else "",
            f"{close} within {self.rule.spacing_hours:g} hours of a post of this plan" if close else "",
            f"{over} on a day or in a week that is full" if over else "",
        ]
        return f"none of its {count(int(own.sum()), 'time')} is left: {', '.join(filter(None, told))}"

    def _no_time(self, post: pd.Series) -> str:
        if self.times.empty:
            return "the channel's rules leave no time at all in these days"
        first, last = self.times["at"].iloc[0], self.times["at"].iloc[-1]
        if not pd.isna(post["not_before"]) and post["not_before"] > last:
            return f"it may not go out before {self._local(post['not_before'])}, after the last time of the plan"
        if not pd.isna(post["not_after"]) and post["not_after"] < first:
            return f"it had to go out by {self._local(post['not_after'])}, before the first time of the plan"
        return "between the dates it may go out the channel has no open time"

    def _local(self, at: pd.Timestamp) -> str:
        return f"{at.tz_convert(self.rule.zone):%Y-%m-%d %H:%M}"


def values(learned: Learned, channel: str, times: pd.DataFrame) -> choose.Floats:
    """What a post is worth at each time: the expected rate as a share of the channel's mean, at least 0."""
    cells = (times["weekday"] - 1) * HOURS + times["hour"]
    rates = learned.channels[channel].mean[cells.to_numpy(dtype=np.int64)]
    if not np.isfinite(rates).all() or rates.max(initial=0.0) <= 0:
        return np.array([1 + IN_TURN * (1 - place / len(times)) for place in range(len(times))])
    return np.asarray(np.clip(rates, 0, None) / np.abs(rates).mean(), dtype=np.float64)


def _unknown(known: pd.Series, few: int) -> str:
    """What the history does not know of a time, in words; nothing where it has enough posts."""
    if np.isnan(known["rate"]):
        return "nothing is known of this channel's times: the history has no post with an engagement on it"
    if known["n"] >= few:
        return ""
    hour = count(known["n_hour"], "post")
    if known["n"] == 0:
        return f"no post has gone out in this hour of this weekday; the rate leans on {hour} in this hour of other days and on neighbouring hours"
    return f"only {count(known['n'], 'post')} in this hour of this weekday; the rate leans on {hour} in this hour of any day and on neighbouring hours"


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): cell for name, cell in row.items()} for row in frame.to_dict("records")]


def _row(post: dict[str, Any], **cells: Any) -> dict[str, Any]:
    blank = {"local": "", "unknown": "", "reason": ""}
    return blank | {name: post[name] for name in ("post", "channel", "weight", "title")} | cells


def _hours(moments: pd.Series) -> choose.Floats:
    return np.asarray((moments - EPOCH).dt.total_seconds() / 3600, dtype=np.float64)
