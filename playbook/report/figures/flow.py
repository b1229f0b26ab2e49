"""Figures of what an event log shows: how long work takes, what happens how often, what follows what."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from playbook.report import look
from playbook.report.figures.base import broken, category_axis, figure, labels, not_yet

MOST_ACTIVITIES = 25
MOST_BINS = 40
MOST_ARCS = 20


def case_durations(cases: pd.DataFrame) -> go.Figure:
    """How many days pieces of work take from first to last event, with the median and the 85th percentile.

    Needs CASES' column duration_days. Counted into at most 40 equal bins here, so a large log stays a small figure;
    the longest 1 % share the last bin when they would flatten the rest.
    """
    days = cases["duration_days"].dropna().astype("float64").to_numpy()
    if not len(days):
        return not_yet("How long a piece of work takes", "an event log with at least one case")
    median, late = (float(value) for value in np.quantile(days, [0.5, 0.85]))
    top = float(np.quantile(days, 0.99))
    top = float(days.max()) if days.max() <= 2 * top else top
    width = _bin_width(top, len(days))
    bins = max(1, math.ceil(top / width))
    counts = np.histogram(np.minimum(days, bins * width), bins=bins, range=(0, bins * width))[0]
    beyond = int((days > bins * width).sum())
    note = (
        f" The last bar also holds {look.count(beyond, 'case')} above {look.number(bins * width)} days."
        if beyond
        else ""
    )
    trace = go.Bar(
        x=[round((i + 0.5) * width, 4) for i in range(bins)],
        y=[int(n) for n in counts],
        width=round(width * 0.94, 4),
        marker={"color": look.BAR},
        hovertemplate="around %{x:.1f} days: %{y} cases<extra></extra>",
        name="cases",
    )
    return figure(
        [trace],
        f"Half of the pieces of work are through in {look.number(median)} days; one in seven takes more than "
        f"{look.number(late)}",
        f"n = {look.count(len(days), 'case')}. First to last event in the log, waiting included.{note}",
        height=280,
        xaxis={"title": {"text": "Days from first to last event"}, "rangemode": "tozero"},
        yaxis={"title": {"text": "Cases"}, "rangemode": "tozero"},
        shapes=[_upright(median, "solid"), _upright(late, "dot")] if late > median else [_upright(median, "solid")],
        annotations=[_mark(median, "median", 1.0)] + ([_mark(late, "85th percentile", 0.9)] if late > median else []),
    )


def _bin_width(top: float, n: int) -> float:
    """A round width: about the square root of n bins, at most 40."""
    if top <= 0:
        return 1.0
    rough = top / min(MOST_BINS, max(5, round(math.sqrt(n))))
    power = 10.0 ** math.floor(math.log10(rough))
    width = next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= rough * 0.999)
    return width if top / width <= MOST_BINS else width * 2


def _upright(x: float, dash: str) -> dict[str, object]:
    line = {"color": look.INK, "width": 1.5, "dash": dash}
    return {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": line}


def _mark(x: float, words: str, y: float) -> dict[str, object]:
    return {
        "x": x,
        "y": y,
        "yref": "paper",
        "yanchor": "top",
        "xanchor": "left",
        "xshift": 4,
        "text": f"{words}: {look.number(x)} days",
        "showarrow": False,
        "bgcolor": "rgba(255,255,255,.85)",
        "font": {"size": 12},
    }


def activity_counts(activities: pd.DataFrame) -> go.Figure:
    """How often each activity of an event log happened, the most frequent first (at most 25; the rest is counted).

    Needs ACTIVITIES' columns activity, events, cases; `team` when there are several.
    """
    frame = activities[activities["events"] > 0].sort_values(["events", "activity"], ascending=[False, True])
    if frame.empty:
        return not_yet("What happens, and how often", "an event log")
    shown = frame.head(MOST_ACTIVITIES)
    rows = labels(shown, "activity")
    total = int(frame["events"].sum())
    running = frame["events"].cumsum().to_numpy(dtype="float64") / total
    few = int(np.searchsorted(running, 0.8) + 1)
    rest = (
        f" {look.count(len(frame) - len(shown), 'rarer activity', 'rarer activities')} not drawn."
        if len(frame) > len(shown)
        else ""
    )
    trace = go.Bar(
        y=rows,
        x=[int(value) for value in shown["events"]],
        orientation="h",
        marker={"color": look.BAR},
        text=[f"{int(value):,}" for value in shown["events"]],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:,} events<extra></extra>",
        name="events",
    )
    return figure(
        [trace],
        f"{few} of {look.count(len(frame), 'activity', 'activities')} make up {look.percent(float(running[few - 1]))} of "
        "what happens",
        f"n = {look.count(total, 'event')}.{rest}",
        height=24 * len(shown) + 60,
        xaxis={"title": {"text": "Events"}, "rangemode": "tozero"},
        yaxis=category_axis(),
        margin={"r": 56},
    )


def flow_map(arcs: pd.DataFrame) -> go.Figure:
    """The most frequent hand-overs from one activity to the next, as bands as wide as they are frequent.

    Needs columns source, target, count; `team` when there are several. The 20 most frequent are drawn, first step at the left; a step back to an
    earlier activity (rework) is drawn to a second node of that name.
    """
    frame = arcs[arcs["count"] > 0].sort_values(["count", "source", "target"], ascending=[False, True, True])
    if frame.empty:
        return not_yet("What follows what", "an event log in which cases have at least two events")
    if "team" in frame.columns and len(set(frame["team"])) > 1:
        ends = {end: frame["team"].astype(str) + ": " + frame[end].astype(str) for end in ("source", "target")}
        frame = frame.assign(**ends)
    shown = frame.head(MOST_ARCS)
    total = int(frame["count"].sum())
    nodes, links = _acyclic(shown)
    trace = go.Sankey(
        arrangement="snap",
        node={
            "label": [broken(look.plain_any(name), 16) for name in nodes],
            "color": look.ACCENT,
            "pad": 14,
            "thickness": 12,
            "line": {"width": 0},
        },
        link={
            "source": [source for source, _, _ in links],
            "target": [target for _, target, _ in links],
            "value": [count for _, _, count in links],
            "color": "rgba(111,143,168,.38)",
        },
        textfont={"size": 11.5, "color": look.INK},
    )
    first = shown.iloc[0]
    return figure(
        [trace],
        f"The most frequent step is from {look.plain_any(first['source'])} to {look.plain_any(first['target'])}, "
        f"{look.percent(float(first['count']) / total)} of all hand-overs",
        f"n = {look.count(total, 'hand-over')}; the {look.count(len(shown), 'most frequent pair')} drawn. "
        "A name ending in “again” is a step back.",
        height=max(280, 26 * len(nodes)),
    )


def _acyclic(arcs: pd.DataFrame) -> tuple[list[str], list[tuple[int, int, int]]]:
    """Nodes in order of first use; an arc that would close a circle ends in a node of its own, `… again`."""
    forward: dict[str, set[str]] = {}
    index: dict[str, int] = {}
    links = []
    for source, target, n in zip(arcs["source"], arcs["target"], arcs["count"], strict=True):
        back = source == target or _reaches(forward, str(target), str(source))
        end = f"{target} again" if back else str(target)
        if not back:
            forward.setdefault(str(source), set()).add(str(target))
        for name in (str(source), end):
            index.setdefault(name, len(index))
        links.append((index[str(source)], index[end], int(n)))
    return list(index), links


def _reaches(forward: dict[str, set[str]], start: str, goal: str) -> bool:
    seen, waiting = set(), [start]
    while waiting:
        node = waiting.pop()
        if node == goal:
            return True
        if node not in seen:
            seen.add(node)
            waiting += forward.get(node, set())
    return False
