"""Figures of the choice of pilots: what speaks for each, how far the choice holds, and what each must show."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from playbook.report import look
from playbook.report.figures.base import category_axis, figure, labels, names, not_yet

if TYPE_CHECKING:
    import pandas as pd

HELD = 0.8
NO_FIT = "a workflow that meets the limits of a first pilot"
STRENGTH_SCALE = [[0.0, "#F6F1E4"], [0.5, "#CBDCE4"], [1.0, "#83AAC2"]]
WEEK_TICKS = [0.5, 1, 2, 4, 8, 13, 26, 52, 104, 260]
MOST_WEEKS = 260.0
DAYS_A_WEEK = 7
CLAIMS = {"time": ("time saved", "circle"), "quality": ("quality kept", "diamond")}


def pilot_criteria(robust: pd.DataFrame) -> go.Figure:
    """What speaks for each candidate, 0 not at all to 100 fully, one row a workflow and one column a criterion.

    Needs the frame of `workflows.robustness`: workflow, chosen, rank and for each criterion NAME and NAME_low (0 to 1);
    `team` when there are several. A criterion that is not known says so.
    """
    criteria = [name for name in robust.columns if f"{name}_low" in robust.columns]
    if robust.empty:
        return not_yet("What speaks for each candidate", NO_FIT)
    frame = robust.sort_values("rank")
    rows, titles = _rows(frame), [name.replace("_", " ").capitalize() for name in criteria]
    cells = [
        [None if math.isnan(cell) else round(100 * cell) for cell in line]
        for line in frame[criteria].astype(float).to_numpy()
    ]
    heat = go.Heatmap(
        x=titles,
        y=rows,
        z=cells,
        zmin=0,
        zmax=100,
        colorscale=STRENGTH_SCALE,
        showscale=False,
        xgap=3,
        ygap=3,
        hovertemplate="%{y}<br>%{x}: %{z} of 100<extra></extra>",
    )
    return figure(
        [heat, _numbers(titles, rows, cells)],
        _weak_spots(frame, criteria),
        f"n = {look.count(len(frame), 'workflow')} within the limits of a first pilot, ✓ proposed. 100 is the best a workflow "
        "could have; each figure comes from its own tasks alone.",
        height=32 * len(frame) + 20,
        showlegend=False,
        xaxis={"side": "top", "showgrid": False, "type": "category", "tickfont": {"size": 13}},
        yaxis=category_axis(),
    )


def pilot_robustness(robust: pd.DataFrame) -> go.Figure:
    """In how many weightings of the criteria each candidate is first, and among the first.

    Needs the frame of `workflows.robustness`: workflow, chosen, first, top (shares), most, draws, candidates; `team`
    when there are several.
    """
    if robust.empty:
        return not_yet("How far the choice holds when opinions differ", NO_FIT)
    frame = robust.sort_values(["top", "first", "workflow"], ascending=[False, False, True])
    rows, most = _rows(frame), int(frame["most"].iloc[0])
    place = _place(most)
    first = [round(100 * float(value), 2) for value in frame["first"]]
    later = [round(100 * float(value), 2) for value in frame["top"] - frame["first"]]
    bars = [
        _bar(rows, first, "first", look.ACCENT, look.PAPER),
        _bar(rows, later, f"later, but still {place}", look.PALE, look.INK),
    ]
    ends = go.Scatter(
        x=[100 * float(value) for value in frame["top"]],
        y=rows,
        mode="text",
        text=[f" {_share(float(value))}" for value in frame["top"]],
        textposition="middle right",
        textfont={"size": 13, "color": look.INK},
        showlegend=False,
        hoverinfo="skip",
        cliponaxis=False,
    )
    n = int(frame["candidates"].iloc[0])
    return figure(
        [*bars, ends],
        _holds(frame, most),
        f"n = {look.count(int(frame['draws'].iloc[0]), 'weighting')} of the criteria, {look.count(n, 'candidate')}, "
        "✓ proposed. A long bar: the choice holds, whatever one thinks matters most.",
        height=34 * len(frame) + 80,
        barmode="stack",
        xaxis={
            "title": {"text": f"Share of weightings in which it is {place}"},
            "range": [0, 108],
            "ticksuffix": " %",
            "tickvals": [0, 25, 50, 75, 100],
        },
        yaxis=category_axis(),
    )


def pilot_proof(shown: pd.DataFrame) -> go.Figure:
    """Weeks until each pilot can show time saved and quality kept, against the length of the trial.

    Needs the frame of `workflows.proof`: workflow, window_days, window_pieces, time_pieces, time_weeks, time_in_window,
    share_weeks, score_weeks, quality_by, quality_in_window; `team` when there are several.
    """
    known = shown.dropna(subset=["time_weeks"])
    if known.empty:
        return not_yet("What each pilot can show, and when", "a pilot whose runs a month are known")
    rows = labels(known, "workflow")
    window = float(known["window_days"].iloc[0])
    weeks = {
        "time": [float(value) for value in known["time_weeks"]],
        "quality": [float(value) for value in known[["share_weeks", "score_weeks"]].min(axis=1)],
    }
    traces = [_dots(rows, weeks[claim], list(known[f"{claim}_in_window"]), claim) for claim in CLAIMS]
    ends = [min(value, MOST_WEEKS) for values in weeks.values() for value in values]
    low, high = min(0.5, *ends) * 0.8, max(13.0, *ends) * 1.5
    time, quality = (int(known[f"{claim}_in_window"].sum()) for claim in CLAIMS)
    pieces = int(known["time_pieces"].iloc[0])
    judged = int(known[["share_pieces", "score_pieces"]].min(axis=1).iloc[0])
    line = {"type": "line", "x0": window / DAYS_A_WEEK, "x1": window / DAYS_A_WEEK, "y0": 0, "y1": 1, "yref": "paper"}
    return figure(
        traces,
        f"In {window:.0f} days {time or 'none'} of {look.count(len(known), 'pilot')} can show time saved and {quality or 'none'} can show quality kept",
        f"n = {pieces} pieces timed before and {pieces} with the agent for time, {judged} and {judged} judged for quality. "
        "Filled: shown within the trial. Open: takes longer, so plan for it or say that it stays open.",
        height=58 * len(known) + 100,
        xaxis={
            "title": {"text": "Weeks of work needed (log scale)"},
            "type": "log",
            "range": [math.log10(low), math.log10(high)],
            "tickvals": WEEK_TICKS,
        },
        yaxis=category_axis(categoryarray=rows, categoryorder="array", range=[len(rows) - 0.4, -0.75], autorange=False),
        shapes=[line | {"line": {"color": look.INK, "width": 1.2, "dash": "dash"}}],
        annotations=[
            {
                "x": math.log10(window / DAYS_A_WEEK),
                "y": 1,
                "yref": "paper",
                "yanchor": "top",
                "xanchor": "left",
                "xshift": 4,
                "text": f"{window:.0f} days",
                "showarrow": False,
                "font": {"size": 12, "color": look.QUIET},
            }
        ],
    )


def _rows(frame: pd.DataFrame) -> list[str]:
    """Row names with a tick before the proposed pilots."""
    chosen = frame["chosen"].astype(bool)
    return [f"✓ {name}" if picked else name for name, picked in zip(labels(frame, "workflow"), chosen, strict=True)]


def _numbers(titles: list[str], rows: list[str], cells: list[list[int | None]]) -> go.Scatter:
    places = [
        (title, row, cell)
        for row, line in zip(rows, cells, strict=True)
        for title, cell in zip(titles, line, strict=True)
    ]
    return go.Scatter(
        x=[title for title, _, _ in places],
        y=[row for _, row, _ in places],
        mode="text",
        text=["not yet" if cell is None else str(cell) for _, _, cell in places],
        textfont={
            "size": 13,
            "color": [look.QUIET if cell is None else look.INK for _, _, cell in places],
        },
        hoverinfo="skip",
    )


def _weak_spots(frame: pd.DataFrame, criteria: list[str]) -> str:
    chosen = frame[frame["chosen"].astype(bool)]
    known = chosen[criteria].astype(float).dropna(how="all")
    if known.empty:
        return (
            "No workflow is proposed as a pilot yet" if chosen.empty else "What speaks for the pilots is not known yet"
        )
    spots = [
        f"{name.replace('<br>', ' ')} in {str(weak).replace('_', ' ')} ({100 * float(value):.0f})"
        for name, weak, value in zip(
            labels(chosen.loc[known.index], "workflow"), known.idxmin(axis=1), known.min(axis=1), strict=True
        )
    ]
    return f"Where each proposed pilot is weakest: {names(spots)}"


def _holds(frame: pd.DataFrame, most: int) -> str:
    chosen = frame[frame["chosen"].astype(bool)]
    if len(frame) <= most:
        return f"Only {look.count(len(frame), 'workflow')} can be chosen from, so the choice does not hang on what counts most"
    if chosen.empty:
        return "No workflow is proposed as a pilot yet"
    held = [name for name, top in zip(labels(chosen, "workflow"), chosen["top"], strict=True) if top >= HELD]
    said = f"{len(held)} of {look.count(len(chosen), 'proposed pilot')} {'stays' if len(held) == 1 else 'stay'} {_place(most)} in at least {look.percent(HELD)} of weightings"
    rivals = frame[~frame["chosen"].astype(bool) & (frame["top"] >= 0.5)]
    return said + (f"; {names(labels(rivals, 'workflow'))} could take a place" if len(rivals) else "")


def _share(value: float) -> str:
    """A percentage never rounded up to all or down to none."""
    rounded = min(max(value, 0.01), 0.99) if 0 < value < 1 else value
    return look.percent(round(rounded, 2))


def _place(most: int) -> str:
    return "first" if most == 1 else f"in the top {({2: 'two', 3: 'three'}).get(most, most)}"


def _bar(rows: list[str], values: list[float], name: str, colour: str, ink: str) -> go.Bar:
    return go.Bar(
        y=rows,
        x=values,
        name=name,
        orientation="h",
        marker={"color": colour, "line": {"color": look.PAPER, "width": 1}},
        text=[f"{value:.0f} %" if value >= 9 and name == "first" else "" for value in values],
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        textfont={"color": ink, "size": 12},
        hovertemplate="%{y}<br>" + name + ": %{x:.0f} %<extra></extra>",
    )


def _dots(rows: list[str], weeks: list[float], shown: list[bool], claim: str) -> go.Scatter:
    name, symbol = CLAIMS[claim]
    colour = look.ACCENT if claim == "time" else look.STATUS_COLOURS["good"]
    return go.Scatter(
        x=[round(min(value, MOST_WEEKS), 2) for value in weeks],
        y=rows,
        mode="markers+text",
        name=name,
        text=[_weeks(value) for value in weeks],
        textposition="top center" if claim == "time" else "bottom center",
        textfont={"size": 12, "color": colour},
        marker={
            "size": 13,
            "symbol": symbol,
            "color": [colour if inside else look.PAPER for inside in shown],
            "line": {"color": colour, "width": 2},
        },
        cliponaxis=False,
        hovertemplate="%{y}<br>" + name + ": %{text}<extra></extra>",
    )


def _weeks(value: float) -> str:
    if value > MOST_WEEKS:
        return f"over {MOST_WEEKS / 52:.0f} years"
    whole = math.ceil(value - 1e-9)
    days = math.ceil(value * DAYS_A_WEEK - 1e-9)
    return look.count(days, "day") if value <= 5 else look.count(whole, "week")
