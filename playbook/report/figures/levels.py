"""Figures of how sure the levels are, and of what would move work up a level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from playbook.report import look
from playbook.report.figures.base import category_axis, figure, labels, not_yet

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 40
SHORT_NAME = 10  # letters that still fit under a tick
DOUBTS = {
    "share_weights": "Other weights",
    "share_missing": "Other values of what is not rated",
    "share_raters": "Another person's ratings",
    "share": "All of it at once",
}
HOLDS, MAY_CHANGE = "holds", "may change"


def level_survival(survival: pd.DataFrame) -> go.Figure:
    """How many levels would still stand if the weights, the missing ratings or the raters were others.

    Needs the frame of `spectrum.survival`; several teams are put together, by their placed tasks.
    """
    frame = survival[survival["placed"] > 0]
    if frame.empty:
        return not_yet("How many levels hold", "tasks with a level")
    placed = frame["placed"].astype("float64")
    total = float(placed.sum())
    parts = {title: float((frame[name] * placed).sum() / total) for name, title in DOUBTS.items()}
    survive = int(frame["survive"].sum())
    weakest = min(list(parts)[:-1], key=lambda title: parts[title]).lower()
    said = f"{survive} of {look.count(int(total), 'level')} {_hold(survive)} {_how_often(frame)}"
    if survive < total:
        said += f"; most of the doubt is {weakest}"
    bars = go.Bar(
        x=[round(share, 4) for share in parts.values()],
        y=list(parts),
        orientation="h",
        marker={"color": [look.BAR] * (len(parts) - 1) + [look.ACCENT]},
        text=[look.percent(share) for share in parts.values()],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:.0%} of the levels hold<extra></extra>",
    )
    return figure(
        [bars],
        said,
        f"n = {look.count(int(total), 'task')} with a level. Each bar: the share of levels that hold when this is drawn at "
        "random and the rest stays as it is.",
        height=150,
        xaxis={"tickformat": ".0%", "range": [0, 1.08], "title": {"text": "Share of the levels that hold"}},
        yaxis=category_axis(),
    )


def level_ranges(doubts: pd.DataFrame) -> go.Figure:
    """Each task's level with the range it may lie in, sure levels as full dots and doubtful ones as rings.

    Needs the frame of `spectrum.doubt` with the task's name in `task`; rows without a level are counted, not drawn.
    """
    frame = doubts.dropna(subset=["target_level"])
    if frame.empty:
        return not_yet("Each level and its range", "tasks with a level")
    left_out, every = len(doubts) - len(frame), len(frame)
    frame = frame.assign(width=(frame["high"] - frame["low"]).astype("float64"))
    frame = frame.sort_values(["target_level", "holds", "task"], ascending=[False, False, True], kind="stable")
    wide = int(((frame["width"] >= 2) & ~frame["survives"].astype("boolean").fillna(value=False)).sum())
    shown = frame.head(MOST_ROWS)
    rows = labels(shown, "task", 46)
    note = "".join(
        [
            f" {look.count(left_out, 'task')} without a level not drawn." if left_out else "",
            f" The {MOST_ROWS} highest of {every} are drawn." if every > MOST_ROWS else "",
        ]
    )
    sure = int(frame["survives"].sum())
    return figure(
        [_spans(shown, rows), *_dots(shown, rows)],
        f"{sure} of {look.count(every, 'level')} {_hold(sure)} {_how_often(frame)}" + _apart(wide, every - sure),
        f"n = {look.count(every, 'task')}. Line: where most draws lie. Full dot: it holds; ring: it may change.{note}",
        height=22 * len(shown) + 60,
        xaxis={"range": [0.6, 5.4], "tickangle": 0, "tickvals": [1, 2, 3, 4, 5], "ticktext": _ticks()},
        yaxis=category_axis(),
        margin={"b": 44},
    )


def _hold(levels: int) -> str:
    return "holds" if levels == 1 else "hold"


def _how_often(frame: pd.DataFrame) -> str:
    """How often a level must come out the same to count as one that holds."""
    return f"in at least {look.percent(float(frame['survives_from'].iloc[0]))} of the draws"


def _apart(wide: int, others: int) -> str:
    """How many of the levels that may change have a wide range; those that hold are not counted again."""
    if not others:
        return ""
    who = "the other one" if others == wide == 1 else f"{wide or 'none'} of the other {others}"
    return f"; {who} could lie two levels or more apart"


def _spans(frame: pd.DataFrame, rows: list[str]) -> go.Scatter:
    x: list[float | None] = []
    y: list[str | None] = []
    for row, low, high in zip(rows, frame["low"].tolist(), frame["high"].tolist(), strict=True):
        x += [int(low), int(high), None]
        y += [row, row, None]
    line = {"color": look.PALE, "width": 6}
    return go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", showlegend=False)


def _dots(frame: pd.DataFrame, rows: list[str]) -> list[go.Scatter]:
    traces = []
    sure = frame["survives"].fillna(value=False).astype(bool).tolist()
    for name, wanted in ((HOLDS, True), (MAY_CHANGE, False)):
        picked = [place for place, is_sure in enumerate(sure) if is_sure == wanted]
        part = frame.iloc[picked]
        colours = [look.LEVEL_COLOURS[int(level)] for level in part["target_level"]]
        traces.append(
            go.Scatter(
                x=[int(level) for level in part["target_level"]],
                y=[rows[place] for place in picked],
                mode="markers",
                name=name,
                marker={
                    "size": 13,
                    "color": colours if wanted else look.PAPER,
                    "line": {"color": look.ACCENT if wanted else colours, "width": 1 if wanted else 3},
                },
                customdata=[look.percent(share) for share in part["holds"]],
                hovertemplate="%{y}<br>level %{x} in %{customdata} of the draws<extra></extra>",
            )
        )
    return [trace for trace in traces if len(trace.x)]


def level_moves(moves: pd.DataFrame) -> go.Figure:
    """Which factor most often stands between a task and its next level, by how the step looks.

    Needs the frame of `spectrum.next_level`; tasks at the top or without a level are counted, not drawn.
    """
    below = moves[moves["kind"].isin(["one factor", "ceiling", "several"])]
    if below.empty:
        return not_yet("What would move work up a level", "tasks below level 5")
    words = below["factor"].str.replace("_", " ").str.capitalize().where(below["factor"] != "", "Several together")
    order = words.value_counts()
    rows = sorted(order.index, key=lambda name: (name == "Several together", -order[name], name))
    kinds = {"one factor": ("a better rating is enough", look.BAR), "ceiling": ("it holds a veto", look.ACCENT)}
    kinds |= {"several": ("no single change is enough", look.PALE)}
    traces = []
    for kind, (name, colour) in kinds.items():
        counts = [int(((words == row) & (below["kind"] == kind)).sum()) for row in rows]
        if any(counts):
            ink = look.PAPER if colour == look.ACCENT else look.INK
            traces.append(
                go.Bar(
                    x=counts,
                    y=rows,
                    name=name,
                    orientation="h",
                    marker={"color": colour},
                    text=[count or "" for count in counts],
                    textposition="inside",
                    insidetextanchor="middle",
                    textangle=0,
                    textfont={"color": ink},
                    hovertemplate="%{y}, " + name + ": %{x} tasks<extra></extra>",
                )
            )
    single = [row for row in rows if row != "Several together"]
    top, unplaced = int((moves["kind"] == "top").sum()), int((moves["kind"] == "not yet").sum())
    said = f"No single change moves any of {look.count(len(below), 'task')} up"
    if single:
        said = f"{single[0]} stands most often between a task and its next level: {order[single[0]]} of {len(below)}"
    rest = f" {top} already at level 5." if top else ""
    rest += f" {unplaced} without a level." if unplaced else ""
    return figure(
        traces,
        said,
        f"n = {look.count(len(below), 'task')} below level 5.{rest} A level higher is not better: much of this work should stay.",
        height=30 * len(rows) + 60,
        barmode="stack",
        xaxis={"title": {"text": "Tasks"}, "rangemode": "tozero", "tickformat": ",d"},
        yaxis=category_axis(),
    )


def _ticks() -> list[str]:
    broken = {
        name: name if len(name) < SHORT_NAME else name.replace(" ", "<br>").replace("-", "-<br>")
        for name in look.LEVEL_NAMES.values()
    }
    return [f"{level}<br>{broken[name]}" for level, name in look.LEVEL_NAMES.items()]
