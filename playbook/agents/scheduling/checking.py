"""Whether a plan keeps every rule, read from the finished plan alone and not from what made it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from playbook.agents.scheduling import slots
from playbook.agents.scheduling.settings import ChannelRule, Rules, zone_info
from playbook.tables import plain_name


def violations(
    rows: pd.DataFrame, queue: pd.DataFrame, history: pd.DataFrame, rules: Rules, today: dt.date
) -> list[str]:
    """Every rule that a plan breaks, as a sentence each; an empty list when it keeps them all.

    `rows` has the columns of `plan.make`, `queue` those of `posts.read`, `history` those of `history.read`. Checked are:
    each post of the queue once and no other, its channel, its embargo, hours, weekdays and days of the plan, quiet
    stretches, holidays, spacing and caps, posts already out or booked counted in.
    """
    said = list(_posts(rows, queue))
    free = slots.holidays(rules, today)
    placed = rows[rows["status"] == "placed"]
    for channel, part in placed.groupby("channel", sort=True):
        rule = rules.channel(str(channel))
        if rule is None:
            said.append(f"{channel}: posts are placed on a channel that has no rule")
            continue
        for row in part.to_dict("records"):
            said += [f"{row['post']} on {channel}: {fault}" for fault in _alone(row, rule, rules, today, free)]
        said += [f"{channel}: {fault}" for fault in _together(part["utc"], _others(rule, rows, history), rule)]
    return said


def _posts(rows: pd.DataFrame, queue: pd.DataFrame) -> Iterator[str]:
    """Each post of the queue is in the plan once, with its own channel and within its own dates."""
    wanted = Counter(zip(queue["post"], queue["channel"], strict=True))
    found = Counter(zip(rows["post"], rows["channel"], strict=True))
    yield from (f"{post} on {channel}: is in the plan but not in the queue" for post, channel in (found - wanted))
    yield from (f"{post} on {channel}: is in the queue but not in the plan" for post, channel in (wanted - found))
    dates = queue.set_index(["post", "channel"])
    for row in rows[rows["status"] == "placed"].to_dict("records"):
        key = (row["post"], row["channel"])
        if key in dates.index:
            own = dates.loc[key]
            if not pd.isna(own["not_before"]) and row["utc"] < own["not_before"]:
                yield f"{row['post']} on {row['channel']}: goes out before it may"
            if not pd.isna(own["not_after"]) and row["utc"] > own["not_after"]:
                yield f"{row['post']} on {row['channel']}: goes out after it may"


def _alone(
    row: Mapping[Any, Any], rule: ChannelRule, rules: Rules, today: dt.date, free: dict[dt.date, str]
) -> Iterator[str]:
    """The rules one post can break by itself."""
    local = pd.Timestamp(str(row["utc"])).tz_convert(zone_info(rule.zone)).to_pydatetime()
    wall = local.replace(tzinfo=None)
    first = today + dt.timedelta(days=rules.starts_in_days)
    if not first <= local.date() < first + dt.timedelta(days=rules.days):
        yield "goes out on a day that is not in the plan"
    if not rule.hours[0] <= local.hour < rule.hours[1]:
        yield f"goes out at {local:%H:%M}, outside the channel's hours"
    if local.isoweekday() not in rule.weekdays:
        yield "goes out on a weekday the channel does not use"
    if local.date() in free:
        yield f"goes out on a holiday ({free[local.date()]})"
    for quiet in rules.quiet:
        ours = quiet.channel is None or plain_name(quiet.channel) == plain_name(rule.channel)
        if ours and quiet.first <= wall < quiet.end:
            yield f"goes out in a quiet stretch ({quiet.reason})"
    if str(row["local"]) != local.isoformat(timespec="minutes"):
        yield "its local time and its UTC time differ"


def _others(rule: ChannelRule, rows: pd.DataFrame, history: pd.DataFrame) -> pd.Series:
    """The times of the channel's posts that are already out or booked."""
    ours = history["channel"].map(plain_name) == plain_name(rule.channel)
    booked = (rows["channel"] == rule.channel) & (rows["status"] == "booked")
    return pd.concat([history.loc[ours, "published"], rows.loc[booked, "utc"]], ignore_index=True)


def _together(placed: pd.Series, others: pd.Series, rule: ChannelRule) -> Iterator[str]:
    """Spacing and caps; only what a placed post has a part in counts, not what was done before."""
    times = pd.concat(
        [pd.DataFrame({"at": placed, "new": True}), pd.DataFrame({"at": others, "new": False})], ignore_index=True
    ).sort_values("at", kind="stable")
    gaps = times["at"].diff().dt.total_seconds() / 3600
    ours = times["new"] | times["new"].shift(fill_value=False)
    for gap in gaps[ours & (gaps < rule.spacing_hours - 1e-9)]:
        yield f"two posts are {gap:.2f} hours apart, wanted {rule.spacing_hours:g} or more"
    if times["at"].duplicated()[ours].any():
        yield "two posts go out at the same time"
    local = times["at"].dt.tz_convert(rule.zone)
    days, weeks = local.dt.date, local.dt.date.map(slots.week)
    for groups, most, name in ((days, rule.most_a_day, "day"), (weeks, rule.most_a_week, "week")):
        for group, members in times.groupby(groups):
            if members["new"].any() and len(members) > most:
                yield f"{len(members)} posts in the {name} {group}, wanted at most {most}"
