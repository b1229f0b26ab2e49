"""Figures of roles, time, maturity and money. Roles and hours are drawn, never persons."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from playbook.report import look
from playbook.report.figures.base import (
    category_axis,
    figure,
    labels,
    level_bars,
    level_share,
    not_yet,
    placed_hours,
    share_words,
)

SHOWN_SHARE = 0.05
MARK_LINE = {"color": look.STATUS_COLOURS["bad"], "width": 1.5, "dash": "dot"}


def role_hours(role_shifts: pd.DataFrame) -> go.Figure:
    """Each role's hours a month by the target level of its tasks.

    Needs ROLE_SHIFTS' columns role, tasks, hours, hours_level_1 … hours_level_5, hours_unknown; `team` when there
    are several.
    """
    frame = role_shifts[role_shifts["hours"] > 0].sort_values("hours", ascending=False)
    if frame.empty:
        return not_yet("Each role's hours by target level", "tasks with a role, runs a month and minutes a run")
    by_level: dict[int | None, list[float]] = {level: list(frame[f"hours_level_{level}"]) for level in range(1, 6)}
    by_level[None] = list(frame["hours_unknown"])
    total = float(frame["hours"].sum())
    placed = placed_hours(by_level)
    said = (
        f"{level_share(by_level, 4, 5)} of the {look.number(placed, 0)} hours a month with a target level are in work that "
        f"could reach level 4 or 5; {level_share(by_level, 1, 2)} stay led by people"
        if placed
        else "None of the roles' hours has a target level yet"
    )
    return figure(
        level_bars(labels(frame, "role"), by_level, "hours a month", look.places(frame["hours"])),
        said,
        f"n = {look.count(len(frame), 'role')}, {look.count(int(frame['tasks'].sum()), 'task')}, "
        f"{look.number(total, 0)} hours a month. What work could change, not a plan for anyone's job.",
        height=32 * len(frame) + 90,
        barmode="stack",
        xaxis={"title": {"text": "Hours a month"}, "rangemode": "tozero"},
        yaxis=category_axis(),
    )


SPLIT = {
    "hours_human": ("work AI cannot do (target level 1 or 2)", look.ACCENT, look.PAPER),
    "hours_agents": ("work agents could take part in (3 to 5)", look.PALE, look.INK),
    "hours_unknown": ("no level yet", look.UNKNOWN_COLOUR, look.INK),
}


def time_split(split: pd.DataFrame) -> go.Figure:
    """How each team's hours divide between work AI cannot do and the rest, with the mark of arrival as a line.

    Needs the columns of `kpis.time_split`: team, hours_human, hours_agents, hours_unknown (hours a month),
    share_human, low, high, mark (shares 0 to 1), counted (tasks).
    """
    frame = split[split[list(SPLIT)].sum(axis=1) > 0]
    if frame.empty:
        return not_yet("How the team's hours divide", "tasks with runs a month and minutes a run")
    totals = frame[list(SPLIT)].sum(axis=1)
    rows = [look.plain(team) for team in frame["team"]] if len(frame) > 1 else ["Hours today"]
    traces = [
        _share_bar(rows, list(frame[column] / totals), *style) for column, style in SPLIT.items() if frame[column].any()
    ]
    mark = float(frame["mark"].iloc[0])
    known = frame.dropna(subset=["share_human"])
    finding = f"{look.count(len(frame), 'team')}: hours by the nature of the work, read against {look.percent(mark)}"
    bounds = ""
    if known.empty:
        finding = "No hour has a target level yet, so the split cannot be read"
    elif len(frame) == 1:
        first = known.iloc[0]
        finding = f"{look.percent(first['share_human'])} of the placed hours are work AI cannot do; the mark of arrival is {look.percent(mark)}"
        bounds = f" Bounds {look.percent(first['low'])} to {look.percent(first['high'])}."
    return figure(
        traces,
        finding,
        f"n = {look.count(int(frame['counted'].sum()), 'task')} with hours and a level.{bounds} Today's hours by the nature of the "
        "work, before anything is handed over.",
        height=44 * len(frame) + 60,
        barmode="stack",
        xaxis={"tickformat": ".0%", "range": [0, 1.001], "title": {"text": "Share of hours"}},
        yaxis=category_axis(),
        shapes=[{"type": "line", "x0": mark, "x1": mark, "y0": 0, "y1": 1, "yref": "paper", "line": MARK_LINE}],
    )


def _share_bar(rows: list[str], shares: list[float], name: str, colour: str, ink: str) -> go.Bar:
    return go.Bar(
        y=rows,
        x=[round(float(share), 4) for share in shares],
        name=name,
        orientation="h",
        marker={"color": colour, "line": {"color": look.PAPER, "width": 1}},
        text=[look.percent(share) if share >= SHOWN_SHARE else "" for share in shares],
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        textfont={"color": ink},
        hovertemplate="%{y}, " + name + ": %{x:.0%}<extra></extra>",
    )


def maturity_dots(scores: pd.DataFrame, ends: str = "1 low to 5 high") -> go.Figure:
    """Each dimension of a questionnaire as a dot with its range; `ends` says what 1 and 5 stand for.

    Needs columns dimension (or title, shown instead when there), score (1-5, empty where not answered), low and high
    (the ends of what it may be; may be empty); `team` when there are several.
    """
    known = scores.dropna(subset=["score"]).sort_values("score", ascending=False)
    if known.empty:
        return not_yet("Scores by dimension", "answers to the questionnaire")
    rows = labels(known, "title" if "title" in known.columns else "dimension")
    score = known["score"].astype("float64")
    low, high = known["low"].astype("float64").fillna(score), known["high"].astype("float64").fillna(score)
    trace = go.Scatter(
        x=[round(value, 2) for value in score],
        y=rows,
        mode="markers+text",
        text=[look.number(value, 1) for value in score],
        textposition="top center",
        marker={"size": 13, "color": look.ACCENT, "line": {"color": look.PAPER, "width": 1}},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [round(value, 2) for value in high - score],
            "arrayminus": [round(value, 2) for value in score - low],
            "color": look.BAR,
            "thickness": 2.5,
            "width": 0,
        },
        hovertemplate="%{y}: %{x}<extra></extra>",
        name="score",
        cliponaxis=False,
    )
    open_ = len(scores) - len(known)
    first, last = rows[0].replace("<br>", " "), rows[-1].replace("<br>", " ")
    finding = (
        f"{first} stands highest ({look.number(score.iloc[0], 1)}), {last} lowest ({look.number(score.iloc[-1], 1)})"
    )
    missing = f" {look.count(open_, 'dimension')} not yet answered." if open_ else ""
    return figure(
        [trace],
        finding
        if len(known) > 1 and score.iloc[0] > score.iloc[-1]
        else f"{look.count(len(known), 'dimension')} at {look.number(score.iloc[0], 1)} of 5",
        f"n = {look.count(len(known), 'dimension')}. Line: the range the score may be in; {look.plain(ends)}; "
        f"higher is not always wanted.{missing}",
        height=40 * len(known) + 60,
        xaxis={"range": [0.8, 5.2], "dtick": 1, "title": {"text": f"Score ({look.plain(ends)})"}},
        yaxis=category_axis(showgrid=True),
    )


DIRECTIONS = {
    "falls": ("the shift takes from", look.PALE),
    "grows": ("the shift feeds", look.ACCENT),
    "": ("not part of the shift", look.UNKNOWN_COLOUR),
}


def budget_shift(lines: pd.DataFrame) -> go.Figure:
    """What each budget line costs a month, by the way the shift sees it move.

    Needs the columns of `budget.lines`: title, monthly (currency units a month), direction (falls, grows or empty)
    and currency; `team` when there are several. Lines without a figure are counted, not drawn.
    """
    frame = lines.dropna(subset=["monthly"])
    currencies = sorted(set(frame["currency"].dropna()))
    if frame.empty or len(currencies) > 1:
        needs = "budget lines in one currency" if len(currencies) > 1 else "the team's monthly budget lines"
        return not_yet("Where the money stands today", needs)
    frame = frame.assign(direction=frame["direction"].fillna(""), row=labels(frame, "title"))
    unit = f"{look.plain(currencies[0])} a month" if currencies else "currency units a month"
    total = float(frame["monthly"].sum())
    sums = {way: float(frame.loc[frame["direction"] == way, "monthly"].sum()) for way in DIRECTIONS}
    traces = [_money(frame[frame["direction"] == way], *style) for way, style in DIRECTIONS.items()]
    missing = len(lines) - len(frame)
    note = f" {look.count(missing, 'line')} without a figure yet." if missing else ""
    return figure(
        [trace for trace in traces if len(trace.x)],
        f"{share_words(sums['falls'], total)} of {look.number(total, 0)} {unit} are in lines the shift takes from, "
        f"{share_words(sums['grows'], total)} in lines it feeds",
        f"n = {look.count(len(frame), 'budget line')}.{note} The direction is an observation, not an instruction.",
        height=32 * len(frame) + 60,
        barmode="overlay",
        xaxis={"title": {"text": unit[0].upper() + unit[1:]}, "rangemode": "tozero"},
        yaxis=category_axis(categoryorder="array", categoryarray=[row for trace in traces for row in trace.y]),
        margin={"r": 72},
    )


def _money(part: pd.DataFrame, name: str, colour: str) -> go.Bar:
    return go.Bar(
        y=list(part["row"]),
        x=[round(float(value), 2) for value in part["monthly"]],
        name=name,
        orientation="h",
        marker={"color": colour},
        text=[look.number(value, 0) for value in part["monthly"]],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:,.0f}<extra></extra>",
    )
