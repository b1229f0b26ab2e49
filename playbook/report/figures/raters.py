"""Figures about several raters' ratings of the work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from playbook.report import look
from playbook.report.figures.base import broken, category_axis, figure, labels, not_yet

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

MOST_ROWS = 16
WIDE = 2.0
"""Points from which a range is called wide: half the scale."""
LABEL = 54
ROW = 25
HOW = "Dot: the value that counts; dark line: the range kept; pale line: the range before talking."


def rater_ranges(settlement: pd.DataFrame) -> go.Figure:
    """What each rated factor of a task was settled at, with its range before and after the raters talked.

    Needs `task` (in words), `factor`, `value`, `low`, `high`, `first_low`, `first_high` (points), `basis` (who settled);
    `team` when there are several. The widest ranges come first; beyond MOST_ROWS the rest is counted.
    """
    known = settlement.dropna(subset=["value", "low", "high"])
    if known.empty:
        return not_yet("What the raters settled on", "ratings by seats of the team's tasks")
    width = (known["high"] - known["low"]).rename("width")
    order = known.assign(width=width, before=known["first_high"] - known["first_low"])
    drawn = order.sort_values(["width", "before"], ascending=False, kind="stable").head(MOST_ROWS)
    words = drawn["factor"].str.replace("_", " ").str.capitalize() + ": " + drawn["task"]
    rows = labels(drawn.assign(label=[broken(text, LABEL, 1) for text in words]), "label", LABEL + 8)
    still, n = int((width >= WIDE).sum()), len(known)
    rest = f" The {len(drawn)} widest of them." if n > len(drawn) else ""
    return figure(
        [
            _lines(rows, drawn, ("first_low", "first_high"), "range in the first round", (look.RULE, 11.0)),
            _lines(rows, drawn, ("low", "high"), "range in the last round", (look.BAR, 4.0)),
            *_dots(rows, drawn),
        ],
        f"The seats still differ by two points or more in {still} of {look.count(n, 'rating')}"
        if still
        else f"In none of {look.count(n, 'rating')} do the seats still differ by two points or more",
        f"n = {look.count(n, 'rated factor')} of {look.count(known['task'].nunique(), 'task')}.{rest} {HOW}",
        height=ROW * len(drawn) + 60,
        xaxis={"title": {"text": "1 low to 5 high"}, "range": [0.8, 5.2], "tickvals": [1, 2, 3, 4, 5]},
        yaxis=category_axis(categoryarray=rows, categoryorder="array", range=[len(rows) - 0.4, -0.6], autorange=False),
    )


def _lines(
    rows: Sequence[str], drawn: pd.DataFrame, ends: tuple[str, str], name: str, look_of: tuple[str, float]
) -> go.Scatter:
    """One line a row from end to end; a range of nothing is a short mark, as a line without length is not drawn."""
    low, high = (drawn[end].astype("float64") for end in ends)
    points = list(zip(low - 0.02, high + 0.02, strict=True))
    colour, width = look_of
    return go.Scatter(
        x=[None if place == 2 else round(pair[place], 3) for pair in points for place in range(3)],
        y=[None if place == 2 else row for row in rows for place in range(3)],
        mode="lines",
        name=name,
        line={"color": colour, "width": width},
        hoverinfo="skip",
    )


def _dots(rows: Sequence[str], drawn: pd.DataFrame) -> list[go.Scatter]:
    traces, row_of = [], dict(zip(drawn.index, rows, strict=True))
    for basis, part in drawn.groupby("basis", sort=True):
        filled = str(basis).startswith("settled")
        where = [row_of[label] for label in part.index]
        traces.append(
            go.Scatter(
                x=[round(value, 2) for value in part["value"].astype("float64")],
                y=where,
                mode="markers",
                name=str(basis),
                marker={
                    "size": 10,
                    "color": look.LEVEL_COLOURS[5] if filled else look.PAPER,
                    "line": {"color": look.LEVEL_COLOURS[5], "width": 2},
                },
                hovertemplate="%{y}: %{x}<extra>" + str(basis) + "</extra>",
            )
        )
    return traces
