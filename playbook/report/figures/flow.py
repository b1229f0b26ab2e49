"""Figures of what an event log shows: how long work takes, what happens how often."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from playbook.report import look
from playbook.report.figures.base import category_axis, figure, labels, not_yet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

MOST_ACTIVITIES = 25
MOST_BINS = 40
LONG_TAIL = 8
HOUR = 1 / 24
TICKS: Mapping[str, float] = {"1 hour": HOUR, "1 day": 1, "1 week": 7, "1 month": 30.4, "1 year": 365, "10 years": 3652}
"""Marks of an axis of growing bins, in days."""


def case_durations(cases: pd.DataFrame) -> go.Figure:
    """How many days pieces of work take from first to last event, with the median and the 85th percentile.

    Needs CASES' column duration_days. Counted into at most 40 bins here, so a large log stays a small figure. The bins
    are equally long, and the longest 1 % share the last one when they would flatten the rest; where one case in twenty
    takes more than eight times the median, each bin is longer than the one before by the same factor instead, with
    everything under an hour in the first.
    """
    days = cases["duration_days"].dropna().astype("float64").to_numpy()
    if not len(days):
        return not_yet("How long a piece of work takes", "an event log with at least one case")
    median, late = (float(value) for value in np.quantile(days, [0.5, 0.85]))
    tail = float(np.quantile(days, 0.95))
    bars = _growing_bars(days) if tail >= 1 and tail > LONG_TAIL * median else _equal_bars(days)
    marks = [(median, "median", "solid", 1.0)]
    if late > median:
        marks.append((late, "85th percentile", "dot", 0.9))
    return figure(
        [bars.trace],
        f"Half of the pieces are through in {_days(median)}; one in seven takes more than {_days(late)}",
        f"n = {look.count(len(days), 'case')}. First to last event in the log, waiting included.{bars.note}",
        height=280,
        xaxis=bars.axis,
        yaxis={"title": {"text": "Cases"}, "rangemode": "tozero"},
        shapes=[_upright(bars.place(value), dash) for value, _, dash, _ in marks],
        annotations=[_mark(bars.place(value), f"{name}: {_days(value)}", y) for value, name, _, y in marks],
    )


class _Bars(NamedTuple):
    """Bars of a histogram, its axis, what to say of them, and where a number of days lies on the axis."""

    trace: go.Bar
    axis: Mapping[str, object]
    note: str
    place: Callable[[float], float]


def _equal_bars(days: NDArray[np.floating]) -> _Bars:
    """Bins of equal length in days."""
    top = float(np.quantile(days, 0.99))
    top = float(days.max()) if days.max() <= 2 * top else top
    width = _bin_width(top, len(days))
    bins = max(1, math.ceil(top / width))
    counts = np.histogram(np.minimum(days, bins * width), bins=bins, range=(0, bins * width))[0]
    beyond = int((days > bins * width).sum())
    note = f" The last bar also holds {look.count(beyond, 'case')} above {_days(bins * width)}." if beyond else ""
    names = [f"{look.number(i * width)} to {_days((i + 1) * width)}" for i in range(bins)]
    trace = _bars([(i + 0.5) * width for i in range(bins)], counts, width, names)
    return _Bars(trace, {"title": {"text": "Days from first to last event"}, "rangemode": "tozero"}, note, float)


def _growing_bars(days: NDArray[np.floating]) -> _Bars:
    """Bins each longer than the one before by the same factor, drawn on the logarithm of days, ticks in words."""
    longer = np.log10(days[days >= HOUR])
    brief = len(days) - len(longer)
    start = math.log10(HOUR) if brief else float(longer.min())
    span = float(longer.max()) - start
    bins = min(MOST_BINS - 1, max(5, round(math.sqrt(len(days)))))
    edges = np.linspace(start, start + max(span, 1.0), bins + 1)
    width = float(edges[1] - edges[0])
    counts = [int(n) for n in np.histogram(np.clip(longer, edges[0], edges[-1]), bins=edges)[0]]
    names = [f"{_length(10**low)} to {_length(10**high)}" for low, high in itertools.pairwise(edges)]
    first = start + width / 2
    note = "Each bar spans a longer time than the one before"
    if brief:
        counts, names, first = [brief, *counts], ["under an hour", *names], start - width / 2
        note = "The first bar is under an hour, each later one spans a longer time than the one before"
    ticks = {word: math.log10(value) for word, value in TICKS.items() if start - 1e-9 <= math.log10(value) <= edges[-1]}
    axis = {
        "title": {"text": "Time from first to last event"},
        "tickmode": "array",
        "tickvals": [round(at, 4) for at in ticks.values()],
        "ticktext": list(ticks),
        "tickangle": 0,
    }
    trace = _bars([first + i * width for i in range(len(counts))], counts, width, names)
    return _Bars(trace, axis, f" {note}.", lambda value: max(first, math.log10(max(value, HOUR / 1000))))


def _bars(centres: Sequence[float], counts: Iterable[int], width: float, names: Sequence[str]) -> go.Bar:
    return go.Bar(
        x=[round(at, 4) for at in centres],
        y=[int(n) for n in counts],
        width=round(width * 0.94, 4),
        base=0,  # the numbers behind the figure then name the bins by customdata
        customdata=list(names),
        marker={"color": look.BAR},
        hovertemplate="%{customdata}: %{y} cases<extra></extra>",
        name="cases",
    )


def _days(days: float) -> str:
    shown = look.number(days)
    return f"{shown} day" if shown == "1" else f"{shown} days"


def _length(days: float) -> str:
    return _days(days) if days >= 1 else f"{look.number(round(days * 24, 1))} h"


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
        "text": words,
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
