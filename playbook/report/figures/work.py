"""Figures of the work itself: where it stands on the Collaboration Spectrum, and which hours are at stake."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd
import plotly.graph_objects as go

from playbook.report import look
from playbook.report.figures.base import (
    category_axis,
    figure,
    labels,
    level_bars,
    level_share,
    names,
    not_yet,
    placed_hours,
    share_words,
)
from playbook.report.figures.beside import text_positions

if TYPE_CHECKING:
    from collections.abc import Sequence

PLOT = (640.0, 300.0)  # pixels of the plot area of volume_judgment, roughly; names are placed by it
LARGEST = 34.0  # pixels across the largest dot
JUDGMENT = (0.75, 5.25)
LEVELS = (1, 2, 3, 4, 5)
STAGES = {"current": "Today", "target": "By its nature", "ready": "Ready to hand over now"}
LEVEL_SCALE = [[edge, look.LEVEL_COLOURS[level]] for level in range(1, 6) for edge in ((level - 1) / 5, level / 5)]


def spectrum_heatmap(by_function: pd.DataFrame) -> go.Figure:
    """Each function's level today, by its nature and ready now, in the level colours with the number in the cell.

    Needs columns function, tasks, hours (a month), current, target, ready (levels 1-5, hours-weighted means; empty
    where not known); `team` when there are several.
    """
    frame = by_function.sort_values(["target", "function"], na_position="last")
    if frame.empty or frame[list(STAGES)].isna().all(axis=None):
        return not_yet("The Collaboration Spectrum by function", "tasks with a function and a level or ratings")
    numbers = frame[list(STAGES)].astype("float64")
    rows = labels(frame, "function")
    cells = [[None if pd.isna(cell) else round(float(cell), 2) for cell in row] for row in numbers.to_numpy()]
    trace = go.Heatmap(
        x=list(STAGES.values()),
        y=rows,
        z=cells,
        hovertemplate="%{y}<br>%{x}: level %{z:.1f}<extra></extra>",
        zmin=0.5,
        zmax=5.5,
        colorscale=LEVEL_SCALE,
        xgap=3,
        ygap=3,
        colorbar=_level_key(),
    )
    hours = float(frame["hours"].sum())
    return figure(
        [trace, _cell_texts(rows, cells)],
        _spectrum_finding(frame, rows),
        f"n = {look.count(int(frame['tasks'].sum()), 'task')} in {look.count(len(frame), 'function')}, "
        f"{look.number(hours, 0)} hours a month. Mean levels, weighted by hours where they are known.",
        height=30 * len(frame) + 50,
        showlegend=False,
        margin={"b": 50},
        xaxis={"side": "top", "showgrid": False, "type": "category", "tickfont": {"size": 13}},
        yaxis=category_axis(),
    )


def _cell_texts(rows: Sequence[str], cells: Sequence[Sequence[float | None]]) -> go.Scatter:
    """The numbers in the cells, dark on light levels and light on dark ones."""
    places = [
        (stage, row, cell)
        for row, line in zip(rows, cells, strict=True)
        for stage, cell in zip(STAGES.values(), line, strict=True)
    ]
    return go.Scatter(
        x=[stage for stage, _, _ in places],
        y=[row for _, row, _ in places],
        mode="text",
        text=["not yet" if cell is None else look.number(cell, 1) for _, _, cell in places],
        textfont={
            "size": 13,
            "color": [look.QUIET if cell is None else look.level_ink(look.level_of(cell)) for _, _, cell in places],
        },
        hoverinfo="skip",
    )


def _level_key() -> dict[str, object]:
    return {
        "orientation": "h",
        "y": 0,
        "yref": "paper",
        "yanchor": "top",
        "ypad": 14,
        "x": 0.5,
        "len": 1,
        "thickness": 10,
        "outlinewidth": 0,
        "tickvals": [1, 2, 3, 4, 5],
        "ticktext": [f"{level} {name}" for level, name in look.LEVEL_NAMES.items()],
        "tickfont": {"size": 11.5},
    }


def _spectrum_finding(frame: pd.DataFrame, rows: list[str]) -> str:
    known = frame.dropna(subset=["current", "target"])
    if known.empty:
        placed = frame["target"].notna().sum()
        return (
            f"{placed} of {look.count(len(frame), 'function')} placed by their nature; today's level is not yet known"
        )
    above = (known["target"] - known["current"]) >= 0.5
    if not above.any():
        return f"All {look.count(len(known), 'function')} already work within half a level of their nature"
    gap = (known["target"] - known["current"]).astype("float64")
    widest = rows[list(frame.index).index(gap.idxmax())].replace("<br>", " ")
    total = look.count(len(known), "function")
    return f"{int(above.sum())} of {total} could work at a higher level than today; the widest gap is in {widest}"


def hours_at_stake(hours: pd.DataFrame) -> go.Figure:
    """Hours a month by function, workflow or layer, each bar in the colour of its target level.

    Needs columns hours (a month), target (level 1-5, may be a fractional mean or empty), hours_level_1 …
    hours_level_5 (hours of the tasks at that level, whose share the title says) and a name: `name`, or else the first
    there is of workflow, function, layer, role; `team` when there are several. Rows without hours are left out.
    """
    named = next(column for column in ("name", "workflow", "function", "layer", "role") if column in hours.columns)
    frame = hours[hours["hours"] > 0].sort_values("hours", ascending=False)
    if frame.empty:
        return not_yet("Hours at stake", "tasks with runs a month and minutes a run")
    rows = labels(frame, named)
    nearest = [None if pd.isna(target) else look.level_of(target) for target in frame["target"]]
    by_level = {
        level: [value if near == level else 0.0 for value, near in zip(frame["hours"], nearest, strict=True)]
        for level in (1, 2, 3, 4, 5, None)
    }
    total = float(frame["hours"].sum())
    return figure(
        level_bars(rows, by_level, "hours a month", look.places(frame["hours"])),
        f"{look.number(total, 0)} hours a month are in the inventory; {_reach(frame)}",
        f"n = {look.count(len(frame), 'row')}. Colour: target level, the nearest to its mean weighted by hours. "
        "People's hours, not people.",
        height=30 * len(frame) + 90,
        barmode="stack",
        xaxis={"title": {"text": "Hours a month"}, "rangemode": "tozero"},
        yaxis=category_axis(),
    )


def _reach(frame: pd.DataFrame) -> str:
    """What share of the tasks' hours with a target level could reach level 4 or 5."""
    hours = {level: list(frame[f"hours_level_{level}"]) for level in LEVELS}
    placed = placed_hours(hours)
    if not placed:
        return "none of them has a target level yet"
    share = f"{level_share(hours, 4, 5)} of the {look.number(placed, 0)} with a target level"
    return f"{share} are in work that could reach level 4 or 5"


def volume_judgment(shortlist: pd.DataFrame) -> go.Figure:
    """Runs a month against judgment needed, one dot a workflow, the proposed pilots marked and named.

    Needs SHORTLIST's columns workflow, runs_per_month, judgment, hours_per_month, chosen; `team` when there are
    several. The area of a dot is its hours.
    """
    frame = shortlist.dropna(subset=["judgment"])
    frame = frame[frame["runs_per_month"] > 0]
    if frame.empty:
        return not_yet("Volume against judgment", "workflows with runs a month and a rating of judgment")
    frame = frame.sort_values(["chosen", "hours_per_month"], ascending=False, kind="stable")
    frame = frame.assign(side=_sides(frame))
    chosen = frame["chosen"].astype(bool)
    reference = 2 * max(float(frame["hours_per_month"].max()), 1.0) / LARGEST**2
    traces = [
        _dots(frame[~chosen], "other workflows", look.PALE, reference),
        _dots(frame[chosen], "proposed pilots", look.ACCENT, reference),
    ]
    picked = labels(frame[chosen].sort_values("rank") if "rank" in frame else frame[chosen], "workflow")
    said = f"Proposed pilots: {names(picked)}" if picked else "No workflow is proposed as a pilot yet"
    left_out = len(shortlist) - len(frame)
    note = f" {look.count(left_out, 'workflow')} without volume or judgment not drawn." if left_out else ""
    return figure(
        [trace for trace in traces if len(trace.x)],
        said,
        f"n = {look.count(len(frame), 'workflow')}. Area of a dot: hours a month. The best candidates stand at the "
        f"upper left: done often, little judgment needed.{note}",
        height=380,
        xaxis={"title": {"text": "Judgment needed (1 none to 5 deep)"}, "range": [*JUDGMENT], "dtick": 1},
        yaxis={"title": {"text": "Runs a month (log scale)"}, "type": "log", "dtick": 1, "range": _log_range(frame)},
    )


def _sides(frame: pd.DataFrame) -> list[str]:
    """On which side of its dot each name stands; a proposed pilot is always named, others where there is room."""
    low, high = _log_range(frame)
    largest = max(float(frame["hours_per_month"].max()), 1.0)
    columns = (frame[name].tolist() for name in ("judgment", "runs_per_month", "hours_per_month"))
    dots = [
        (
            (judgment - JUDGMENT[0]) / (JUDGMENT[1] - JUDGMENT[0]) * PLOT[0],
            (high - math.log10(runs)) / (high - low) * PLOT[1],
            max(LARGEST / 2 * math.sqrt(max(hours, 0.0) / largest), 2.5),
        )
        for judgment, runs, hours in zip(*columns, strict=True)
    ]
    sides = text_positions(dots, labels(frame, "workflow"), width=PLOT[0], height=PLOT[1])
    chosen = frame["chosen"].astype(bool)
    return [side or ("middle right" if picked else "") for side, picked in zip(sides, chosen, strict=True)]


def _dots(frame: pd.DataFrame, name: str, colour: str, reference: float) -> go.Scatter:
    titles = labels(frame, "workflow")
    return go.Scatter(
        x=[round(float(value), 2) for value in frame["judgment"]],
        y=[round(float(value), 2) for value in frame["runs_per_month"]],
        mode="markers+text",
        name=name,
        text=[title if side else "" for title, side in zip(titles, frame["side"], strict=True)],
        hovertext=titles,
        textposition=[side or "middle right" for side in frame["side"]],
        textfont={"size": 12, "color": look.INK if colour == look.ACCENT else look.QUIET},
        marker={
            "color": colour,
            "size": [max(round(float(value), 1), 0.1) for value in frame["hours_per_month"]],
            "sizemode": "area",
            "sizeref": reference,
            "sizemin": 5,
            "opacity": 1,
            "line": {"color": look.INK if colour == look.ACCENT else look.PAPER, "width": 1.5},
        },
        cliponaxis=False,
        hovertemplate="%{hovertext}<br>%{y:,.0f} runs a month, judgment %{x}<br>%{marker.size:,.0f} hours a month"
        "<extra></extra>",
    )


def _log_range(frame: pd.DataFrame) -> list[float]:
    low, high = math.log10(frame["runs_per_month"].min()), math.log10(frame["runs_per_month"].max())
    return [round(math.floor(low) - 0.15, 2), round(high + 0.35, 2)]


def level_distribution(tasks: pd.DataFrame, placements: pd.DataFrame) -> go.Figure:
    """Tasks by level: today, ready to hand over now, and by their nature, as three stacked bars.

    Needs TASKS' columns team, task_id, current_level and PLACEMENTS' columns team, task_id, target_level, ready_level.
    """
    if tasks.empty:
        return not_yet("Tasks by level, today and by their nature", "tasks in the inventory")
    merged = tasks[["team", "task_id", "current_level"]].merge(placements, on=["team", "task_id"], how="left")
    stages = {"Today": "current_level", "Ready now": "ready_level", "By its nature": "target_level"}
    by_level: dict[int | None, list[float]] = {
        level: [float((merged[column] == level).sum()) for column in stages.values()] for level in range(1, 6)
    }
    by_level[None] = [float(merged[column].isna().sum()) for column in stages.values()]
    at_two, known = by_level[2][0], len(merged) - by_level[None][0]
    finding = (
        f"{share_words(at_two, known)} of the tasks are worked at level 2 today; "
        f"by their nature {int(by_level[4][2] + by_level[5][2])} of {len(merged)} could be at level 4 or 5"
        if known
        else f"Today's level is not yet known; by their nature "
        f"{int(by_level[4][2] + by_level[5][2])} of {look.count(len(merged), 'task')} could be at level 4 or 5"
    )
    return figure(
        level_bars(list(stages), by_level, "tasks"),
        finding,
        f"n = {look.count(len(merged), 'task')}, each counted once. A lower level can be the right one.",
        height=200,
        barmode="stack",
        xaxis={"title": {"text": "Tasks"}, "rangemode": "tozero"},
        yaxis=category_axis(),
    )


def portfolio_levels(by_team: pd.DataFrame) -> go.Figure:
    """Each team's hours by target level, teams in alphabetical order: the work is compared, teams are not ranked.

    Needs columns team and hours_level_1 … hours_level_5, hours_unknown (hours a month); `name`, the team's name, is
    used when present.
    """
    if by_team.empty:
        return not_yet("Hours by target level, team by team", "at least one team with tasks")
    title = "name" if "name" in by_team.columns else "team"
    frame = by_team.groupby(title, as_index=False).sum(numeric_only=True).sort_values(title)
    by_level: dict[int | None, list[float]] = {level: list(frame[f"hours_level_{level}"]) for level in range(1, 6)}
    by_level[None] = list(frame["hours_unknown"])
    if not any(map(any, by_level.values())):
        return not_yet("Hours by target level, team by team", "tasks with runs a month and minutes a run")
    placed = placed_hours(by_level)
    return figure(
        level_bars(labels(frame[[title]], title), by_level, "hours a month"),
        f"Across {look.count(len(frame), 'team')}, {level_share(by_level, 4, 5)} of the {look.number(placed, 0)} hours a "
        "month with a target level are in work that could reach level 4 or 5",
        "Hours a month by target level. Teams do different work: the bars are not a ranking.",
        height=36 * len(frame) + 90,
        barmode="stack",
        xaxis={"title": {"text": "Hours a month"}, "rangemode": "tozero"},
        yaxis=category_axis(),
    )
