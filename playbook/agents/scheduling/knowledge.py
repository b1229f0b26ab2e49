"""What a plan knows and what it does not, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from playbook.agents.scheduling.effects import HOURS
from playbook.agents.scheduling.estimates import relative
from playbook.agents.scheduling.plan import Plan
from playbook.intervals import Interval
from playbook.tables import count, percent

NAMED = 10


def gain(plan: Plan) -> Interval | None:
    """Expected rate at the plan's times minus that at the account's own times so far, over all channels.

    A share of impressions; each channel counts by its posts in the plan, `n` is the posts of history behind it. None
    where nothing is placed or known. The history cannot tell a good hour from good posts: see `findings`.
    """
    parts, n = [], 0
    for channel, rows in plan.placed.groupby("channel", sort=True):
        cells = ((rows["weekday"] - 1) * HOURS + rows["hour"]).to_numpy(dtype=np.int64)
        found = plan.learned.gain(str(channel), cells)
        if found is not None:
            parts.append((float(len(rows)), *found))
            n += plan.learned.channels[str(channel)].posts
    return relative(parts, n, plan.learned.confidence)


def findings(plan: Plan) -> list[str]:
    """What the plan says and what it does not know, each with its numbers."""
    if plan.rows.empty:
        return ["Not yet: the queue is empty, so there is nothing to place."]
    return [*_placed(plan), *_history(plan), *_gain(plan), *_limits(plan)]


def _placed(plan: Plan) -> Iterator[str]:
    waiting = len(plan.placed) + len(plan.unplaced)
    booked = int((plan.rows["status"] == "booked").sum())
    last = plan.first + pd.Timedelta(days=plan.rules.days - 1)
    kept = (
        f" {count(booked, 'post')} that {'was' if booked == 1 else 'were'} booked before {'keeps its' if booked == 1 else 'keep their'} time."
        if booked
        else ""
    )
    yield f"{len(plan.placed)} of {count(waiting, 'waiting post')} {'has' if len(plan.placed) == 1 else 'have'} a time from {plan.first:%Y-%m-%d} to {last:%Y-%m-%d}.{kept}"
    for row in plan.unplaced.head(NAMED).to_dict("records"):
        yield f"No time for {row['post']}{' on ' + row['channel'] if row['channel'] else ''}: {row['reason']}."
    if len(plan.unplaced) > NAMED:
        yield f"{len(plan.unplaced) - NAMED} more have no time; the table gives each reason."
    late = {name: choice for name, choice in plan.choices.items() if choice.timed_out}
    for name, choice in late.items():
        known = "how much better is not known" if math.isnan(choice.short) else f"by at most {percent(choice.short)}"
        yield f"On {name} the solver was stopped at its limit of {plan.rules.solver_seconds:g} seconds: a better choice may exist, {known}."
    if plan.choices and not late:
        yield "Under these rules and expected rates no other choice places more posts or is worth more."


def _history(plan: Plan) -> Iterator[str]:
    learning, share = plan.rules.learning, plan.without_history
    if share is not None:
        few = int((plan.placed["n"] < learning.few_posts).sum())
        yield (
            f"At {few} of {count(len(plan.placed), 'time')} ({percent(share / 100)}) the account has fewer than "
            f"{count(learning.few_posts, 'post')} in that hour of that weekday; their rates lean on other days and on "
            "neighbouring hours, and their intervals say how far."
        )
    for name, known in plan.learned.channels.items():
        if name not in set(plan.placed["channel"]):
            continue
        if math.isnan(known.spread):
            yield f"Nothing is known of {name}: the history has no post with an engagement on it. Its posts take the earliest times the rules allow."
        else:
            yield (
                f"{name}: {count(known.posts, 'post')} of history. Single posts lie about {_points(known.spread)} from "
                "the mean of their time, so one post proves nothing about its hour."
            )
    if plan.learned.capped:
        yield (
            f"{count(plan.learned.capped, 'post')} far above the others of the channel {'was' if plan.learned.capped == 1 else 'were'} "
            "counted as less in their own hour, so that one widely shared post does not speak for its hour."
        )
    if plan.learned.left_out:
        yield f"{count(plan.learned.left_out, 'post')} of history on channels without a rule {'was' if plan.learned.left_out == 1 else 'were'} left out."
    if plan.age_hours is None:
        yield "Not yet: the history holds no post of these days, so its age is not known."
    else:
        yield f"The newest post of the history is {count(plan.age_hours, 'hour')} old."


def _gain(plan: Plan) -> Iterator[str]:
    found = gain(plan)
    if found is None:
        if len(plan.placed):
            yield "Not yet: without history nothing can be said of what these times gain over the present ones."
        return
    ends = f"{percent(found.confidence)} interval {100 * found.low:+.2f} to {100 * found.high:+.2f}, {count(found.n, 'post')}"
    if found.low > 0:
        yield f"Against the account's own times so far these are expected to bring {_signed(found.estimate)} engagement rate ({ends})."
    else:
        yield (
            f"Not yet: the history does not show that these times are better than the account's own so far "
            f"({_signed(found.estimate)}; {ends})."
        )
    taken = (
        f" {count(plan.learned.adjusted, 'content type')} counted over the channels were taken out of the rates first; what else differed was not."
        if plan.learned.adjusted
        else ""
    )
    yield (
        "Posts at good hours may have been better posts: the history cannot tell the hour from what was kept for it."
        f"{taken} Only posts whose times are drawn by lot can show what an hour adds."
    )


def _limits(plan: Plan) -> Iterator[str]:
    titles = plan.rows["title"].ne("").any()
    yield (
        "The times were chosen from ids, channels, dates and weights alone; titles are shown and were not read for it."
        if titles
        else "The times were chosen from ids, channels, dates and weights alone; no text of a post was read."
    )
    yield "Rates are of past impressions: nothing here knows of news, competitors, paid reach or changes of a platform."


def _points(rate: float) -> str:
    return f"{100 * rate:.2f} percentage points"


def _signed(rate: float) -> str:
    return f"{100 * rate:+.2f} percentage points"
