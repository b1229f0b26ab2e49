"""What all figures share: the template, title and size, labels, level stacks and the "not yet" figure."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from playbook.report import look

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

TITLE_WIDTH = 82
SUBTITLE_WIDTH = 112
LABEL_WIDTH = 30
LABEL_LINES = 2
LINE = 21
LEGEND = 44
# plotly takes a title of several lines by the baseline of its first
MANY_LINES = 19

AXIS = {
    "gridcolor": "#E9ECF0",
    "zeroline": False,
    "ticks": "",
    "automargin": True,
    "title": {"font": {"size": 12.5, "color": look.QUIET}, "standoff": 8},
}
TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": look.SANS, "size": 13, "color": look.INK},
        "paper_bgcolor": look.PAPER,
        "plot_bgcolor": look.PAPER,
        "colorway": [look.BAR, look.ACCENT, look.LEVEL_COLOURS[4]],
        "hoverlabel": {"font": {"family": look.SANS}},
        "separators": ".,",
        "xaxis": AXIS,
        "yaxis": AXIS,
        "legend": {
            "orientation": "h",
            "x": 0,
            "xref": "container",
            "xanchor": "left",
            "y": 0,
            "yref": "container",
            "yanchor": "bottom",
            "traceorder": "normal",
            "itemclick": False,
            "itemdoubleclick": False,
        },
        "bargap": 0.32,
    }
)
"""The house look of a figure, small enough to travel with each one."""


def figure(data: Sequence[Any], title: str, subtitle: str, *, height: int, **layout: Any) -> go.Figure:
    """A figure with the finding as its title and n and how to read it below.

    `height` is the plot's own height in pixels; the title's lines come on top, so a long one never runs into the
    plot. The width is left to the page: 780 px on screen, the text width of A4 in print.
    """
    lines = ["<br>".join(textwrap.wrap(look.plain(title), TITLE_WIDTH))]
    small = textwrap.wrap(look.plain(subtitle), SUBTITLE_WIDTH)
    if small:
        lines.append(
            f'<span style="font-size:12.5px;font-weight:normal;color:{look.QUIET}">{"<br>".join(small)}</span>'
        )
    above = (layout.get("xaxis") or {}).get("side") == "top"
    top = LINE * "<br>".join(lines).count("<br>") + LINE + (44 if above else 20)
    margin = {"l": 0, "r": 12, "t": top, "b": 0, **layout.pop("margin", {})}
    if len(data) > 1 and layout.get("showlegend") is not False:
        margin["b"] += LEGEND
    return go.Figure(
        data=list(data),
        layout={
            "template": TEMPLATE,
            "title": {
                "text": f"<b>{'</b><br>'.join(lines)}" + ("" if small else "</b>"),
                "font": {"size": 16},
                "x": 0,
                "xref": "container",
                "xanchor": "left",
                "y": 1,
                "yref": "container",
                "yanchor": "top",
                "pad": {"l": 0, "t": MANY_LINES if "<br>" in "<br>".join(lines) else 6},
            },
            "margin": margin,
            "height": height + top + margin["b"],
            **layout,
        },
    )


def not_yet(what: str, needs: str) -> go.Figure:
    """A small figure that says what would be shown here and what is missing for it."""
    words = "<br>".join(textwrap.wrap(look.plain(f"Not yet: needs {needs}."), 90))
    return figure(
        [],
        what,
        "",
        height=44,
        xaxis={"visible": False},
        yaxis={"visible": False},
        annotations=[
            {
                "text": words,
                "x": 0,
                "xref": "paper",
                "xanchor": "left",
                "y": 0.5,
                "yref": "paper",
                "showarrow": False,
                "align": "left",
                "font": {"size": 13.5, "color": look.QUIET},
            }
        ],
    )


def labels(frame: pd.DataFrame, column: str, width: int = LABEL_WIDTH) -> list[str]:
    """Readable, unique axis labels from a column; the team goes first when the table holds several.

    Long labels are broken over two lines and shortened; two that end up equal are told apart by a number.
    """
    many = column != "team" and "team" in frame.columns and len(set(frame["team"])) > 1
    names = [
        f"{look.plain(team)}: {look.plain_any(name)}" if many else look.plain_any(name)
        for team, name in zip(frame["team"] if many else frame[column], frame[column], strict=True)
    ]
    used: dict[str, int] = {}
    result = []
    for name in names:
        short = broken(name, width)
        used[short] = used.get(short, 0) + 1
        result.append(short if used[short] == 1 else f"{short} ({used[short]})")
    return result


def broken(text: str, width: int = LABEL_WIDTH, lines: int = LABEL_LINES) -> str:
    """A label over at most `lines` lines of `width` characters, shortened with an ellipsis."""
    return "<br>".join(textwrap.wrap(text, width, max_lines=lines, placeholder=" …"))


def names(items: Sequence[str], most: int = 3) -> str:
    """Names in a sentence: a, b and c; more than `most` are counted."""
    shown = [item.replace("<br>", " ") for item in items[:most]]
    if len(items) > most:
        return ", ".join(shown) + f" and {len(items) - most} more"
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " and " + shown[-1]


def level_bars(
    categories: Sequence[str], by_level: Mapping[int | None, Sequence[float]], unit: str, decimals: int = 0
) -> list[go.Bar]:
    """Horizontal bars stacked by level 1 to 5, then what has no level yet, in the level colours.

    `by_level[level]` holds a value a category; a level with nothing anywhere is left out of the legend.
    """
    traces = []
    for level in (1, 2, 3, 4, 5, None):
        values = [float(value) for value in by_level.get(level, ())]
        if not any(values):
            continue
        name = "no level yet" if level is None else f"{level} {look.LEVEL_NAMES[level]}"
        colour = look.UNKNOWN_COLOUR if level is None else look.LEVEL_COLOURS[level]
        ink = look.INK if level is None else look.level_ink(level)
        traces.append(
            go.Bar(
                y=list(categories),
                x=[round(value, 4) for value in values],
                name=name,
                orientation="h",
                marker={"color": colour, "line": {"color": look.PAPER, "width": 1}},
                text=[look.number(value, decimals) if value else "" for value in values],
                textposition="inside",
                insidetextanchor="middle",
                textangle=0,
                constraintext="none",
                textfont={"color": ink, "size": 12},
                hovertemplate="%{y}<br>" + name + ": %{x:,.1f} " + unit + "<extra></extra>",
            )
        )
    hide_narrow(traces)
    return traces


def placed_hours(by_level: Mapping[Any, Sequence[float]]) -> float:
    """The hours that have a target level: what each share of hours by level is a share of."""
    return float(sum(sum(by_level[level]) for level in (1, 2, 3, 4, 5)))


def level_share(by_level: Mapping[Any, Sequence[float]], *levels: int) -> str:
    """The hours at these levels as a share of the hours with a target level, in words: 62 %."""
    return share_words(sum(sum(by_level[level]) for level in levels), placed_hours(by_level))


def hide_narrow(traces: Sequence[go.Bar], least: float = 0.045) -> None:
    """Empty the labels of bar parts too narrow to hold one: under `least` of the longest bar."""
    rows = list(zip(*[trace.x for trace in traces], strict=True))
    longest = max((sum(abs(value) for value in row) for row in rows), default=0)
    for trace in traces:
        trace.text = [text if abs(x) >= least * longest else "" for text, x in zip(trace.text, trace.x, strict=True)]


def category_axis(**more: Any) -> dict[str, Any]:
    """A y axis of names, first one on top, without grid lines; numbers and dates in names stay names."""
    return {"type": "category", "autorange": "reversed", "showgrid": False, "ticklabelstandoff": 6, **more}


def share_words(part: float, whole: float) -> str:
    """Part of a whole in words: 62 %."""
    return look.percent(part / whole) if whole else "none"
