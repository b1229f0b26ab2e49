"""Figures of the ninety days: gates, the plan, pilots and risks."""

from __future__ import annotations

import datetime as dt
import math

import pandas as pd
import plotly.graph_objects as go

from playbook.report import look
from playbook.report.figures.base import broken, category_axis, figure, labels, names, not_yet

PLAN_LABEL = 52
GATE_KINDS = {"met": "good", "not met": "bad", "not yet measurable": "open"}
PLAN_COLOURS = {
    "done": look.STATUS_COLOURS["good"],
    "under way": look.STATUS_COLOURS["going"],
    "not started": look.UNKNOWN_COLOUR,
    "dropped": "#EEF0F3",
}
VERDICT_COLOURS = {"saved": "good", "slower": "bad", "not shown": "open", "not yet": "open"}


def gate_strip(gate_results: pd.DataFrame) -> go.Figure:
    """Each gate's conditions as a row of squares: met, not met, not yet measurable, each with its symbol.

    Needs GATE_RESULTS' columns team, phase, text, status.
    """
    if gate_results.empty:
        return not_yet("The gates", "a plan with gate conditions")
    frame = gate_results.sort_values(["team", "phase"], kind="stable").copy()
    many = len(set(frame["team"])) > 1
    frame["gate"] = [
        f"{look.plain(team)}, phase {phase}" if many else f"Phase {phase}"
        for team, phase in zip(frame["team"], frame["phase"], strict=True)
    ]
    frame["place"] = frame.groupby("gate").cumcount() + 1
    traces = [_squares(frame[frame["status"] == status], status) for status in GATE_KINDS]
    met, gates = int((frame["status"] == "met").sum()), frame["gate"].nunique()
    open_ = int((frame["status"] == "not yet measurable").sum())
    whole = frame.groupby("gate")["status"].agg(lambda part: bool((part == "met").all()))
    return figure(
        [trace for trace in traces if len(trace.x)],
        f"{met} of {look.count(len(frame), 'gate condition')} met; "
        f"{int(whole.sum())} of {look.count(gates, 'gate')} open",
        f"n = {look.count(len(frame), 'condition')}, {open_} not yet measurable. A gate opens when all its conditions "
        "are met.",
        height=36 * gates + 30,
        xaxis={"visible": False, "range": [0.4, max(14.0, frame["place"].max() + 0.6)]},
        yaxis=category_axis(categoryarray=list(dict.fromkeys(frame["gate"])), categoryorder="array"),
    )


def _squares(frame: pd.DataFrame, status: str) -> go.Scatter:
    kind = GATE_KINDS[status]
    return go.Scatter(
        x=[int(place) for place in frame["place"]],
        y=list(frame["gate"]),
        mode="markers+text",
        name=f"{look.STATUS_SYMBOLS[kind]} {status}",
        text=[look.STATUS_SYMBOLS[kind]] * len(frame),
        textfont={"color": look.PAPER, "size": 14},
        hovertext=[broken(look.plain(text), 60, 4) for text in frame["text"]],
        hovertemplate="%{hovertext}<br>" + status + "<extra></extra>",
        marker={"symbol": "square", "size": 27, "color": look.STATUS_COLOURS[kind]},
    )


def plan_gantt(schedule: pd.DataFrame, today: dt.date | None = None) -> go.Figure:
    """The plan's activities over the ninety days, coloured by where they stand; a line marks today when given.

    Needs columns phase, title, start, end (or start_date, end_date), status (not started, under way, done, dropped;
    empty counts as not started); `team` when there are several.
    """
    frame = schedule.rename(columns={"start_date": "start", "end_date": "end"}).dropna(subset=["start", "end"])
    frame = frame.sort_values(["phase", "start"], kind="stable")
    if frame.empty:
        return not_yet("The ninety days", "a plan with a start date")
    now = None if today is None else pd.Timestamp(today)
    frame = frame.assign(status=frame["status"].fillna("not started"), row=labels(frame, "title", PLAN_LABEL))
    traces = [_spans(frame[frame["status"] == status], status) for status in PLAN_COLOURS]
    done = int((frame["status"] == "done").sum())
    starts, ends = pd.to_datetime(frame["start"]), pd.to_datetime(frame["end"])
    late = int(((ends < now) & ~frame["status"].isin(["done", "dropped"])).sum()) if now is not None else 0
    finding = f"{done} of {look.count(len(frame), 'activity', 'activities')} done"
    if now is not None:
        finding += f"; {late} past the planned end" if late else "; none past its planned end"
    return figure(
        [trace for trace in traces if len(trace.y)],
        finding,
        f"{look.day(starts.min())} to {look.day(ends.max())}, n = {look.count(len(frame), 'activity', 'activities')} in "
        f"{look.count(frame['phase'].nunique(), 'phase')}.",
        height=26 * len(frame) + 80,
        barmode="overlay",
        xaxis={"type": "date", "tickformat": "%-d %b", "side": "top"},
        yaxis=category_axis(categoryarray=list(frame["row"]), categoryorder="array", tickfont={"size": 12}),
        shapes=_today_line(now) + _phase_rules(frame),
    )


def _spans(frame: pd.DataFrame, status: str) -> go.Bar:
    starts, ends = pd.to_datetime(frame["start"]), pd.to_datetime(frame["end"])
    day = pd.Timedelta(days=1)
    return go.Bar(
        y=list(frame["row"]),
        base=[f"{start:%Y-%m-%d}" for start in starts],
        x=[int((end - start + day) / pd.Timedelta(milliseconds=1)) for start, end in zip(starts, ends, strict=True)],
        orientation="h",
        name=status,
        marker={"color": PLAN_COLOURS[status], "line": {"color": look.QUIET, "width": 0.6}},
        customdata=[f"{look.day(start)} to {look.day(end)}" for start, end in zip(starts, ends, strict=True)],
        hovertemplate="%{y}<br>%{customdata}, " + status + "<extra></extra>",
    )


def _today_line(today: pd.Timestamp | None) -> list[dict[str, object]]:
    if today is None:
        return []
    when = f"{today:%Y-%m-%d}"
    return [
        {
            "type": "line",
            "x0": when,
            "x1": when,
            "y0": 0,
            "y1": 1,
            "yref": "paper",
            "line": {"color": look.STATUS_COLOURS["bad"], "width": 1.5, "dash": "dot"},
            "label": {
                "text": "today",
                "textposition": "start",
                "textangle": 0,
                "xanchor": "left",
                "font": {"size": 11},
            },
        }
    ]


def _phase_rules(frame: pd.DataFrame) -> list[dict[str, object]]:
    edges = frame["phase"].astype("int64").diff().fillna(0).to_numpy().nonzero()[0]
    line = {"color": look.RULE, "width": 1}
    return [
        {"type": "line", "x0": 0, "x1": 1, "xref": "paper", "y0": edge - 0.5, "y1": edge - 0.5, "line": line}
        for edge in (int(edge) for edge in edges)
    ]


def pilot_ratio(readouts: pd.DataFrame) -> go.Figure:
    """Trial time over baseline time of each pilot with its 95 % interval; 1 means no difference, 0.5 half the time.

    Needs PILOT_READOUTS' columns workflow, time_ratio, ratio_low, ratio_high, n_baseline, n_trial, time_verdict;
    `team` when there are several.
    """
    known = readouts.dropna(subset=["time_ratio"])
    if known.empty:
        return not_yet("What the pilots show about time", "at least two timed items before and two with the agent")
    rows = labels(known, "workflow")
    traces = [
        _whisker(known[known["time_verdict"] == verdict], rows, known, verdict)
        for verdict in VERDICT_COLOURS
        if (known["time_verdict"] == verdict).any()
    ]
    saved = [row for row, verdict in zip(rows, known["time_verdict"], strict=True) if verdict == "saved"]
    n = int(known["n_baseline"].sum() + known["n_trial"].sum())
    finding = f"Time saved is shown in {names(saved)}" if saved else "No pilot shows a difference in time yet"
    if (known["time_verdict"] == "slower").any():
        slow = [row for row, verdict in zip(rows, known["time_verdict"], strict=True) if verdict == "slower"]
        finding = (finding + "; " if saved else "") + f"{names(slow)} took longer"
    ends = known[["time_ratio", "ratio_low", "ratio_high"]].astype("float64").to_numpy().ravel()
    ends = ends[(ends > 0) & ~pd.isna(ends)]
    waiting = len(readouts) - len(known)
    note = f" {look.count(waiting, 'pilot')} not yet measurable." if waiting else ""
    return figure(
        traces,
        finding,
        f"n = {look.count(n, 'timed item')}. Dot: geometric mean ratio; line: 95 % interval. Left of 1 is faster.{note}",
        height=48 * len(known) + 90,
        xaxis={
            "title": {"text": "Time with the agent / time before (log scale)"},
            "type": "log",
            "range": [min(-0.35, math.log10(ends.min()) - 0.1), max(0.2, math.log10(ends.max()) + 0.1)],
            "tickvals": [0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5],
        },
        yaxis=category_axis(categoryarray=rows, categoryorder="array", range=[len(rows) - 0.4, -0.6], autorange=False),
        shapes=[
            {
                "type": "line",
                "x0": 1,
                "x1": 1,
                "y0": 0,
                "y1": 1,
                "yref": "paper",
                "line": {"color": look.INK, "width": 1.2},
            }
        ],
    )


def _whisker(part: pd.DataFrame, rows: list[str], known: pd.DataFrame, verdict: str) -> go.Scatter:
    where = [rows[known.index.get_loc(label)] for label in part.index]
    ratio = part["time_ratio"].astype("float64")
    low, high = part["ratio_low"].astype("float64").fillna(ratio), part["ratio_high"].astype("float64").fillna(ratio)
    colour = look.STATUS_COLOURS[VERDICT_COLOURS[verdict]]
    return go.Scatter(
        x=[round(value, 3) for value in ratio],
        y=where,
        mode="markers+text",
        name=verdict,
        text=[look.number(value, 2) for value in ratio],
        textposition="top center",
        marker={
            "size": 12,
            "color": colour if verdict in ("saved", "slower") else look.PAPER,
            "line": {"color": colour, "width": 2},
        },
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [round(value, 4) for value in high - ratio],
            "arrayminus": [round(value, 4) for value in ratio - low],
            "color": colour,
            "thickness": 2,
            "width": 5,
        },
        customdata=[
            f"n = {before} before, {after} with"
            for before, after in zip(part["n_baseline"], part["n_trial"], strict=True)
        ],
        hovertemplate="%{y}: %{x:.2f}<br>%{customdata}<extra></extra>",
    )


def risk_matrix(risks: pd.DataFrame) -> go.Figure:
    """Risks by likelihood and impact on a five by five field; the darker the square, the larger their product.

    Needs columns title, likelihood (1 rare to 5 expected), impact (1 nuisance to 5 severe), band (the register's name
    for their product) and band_from (the product it begins at); rows without a rating are counted, not drawn. Risks are
    numbered and named beside the field. Where a column `rated` is False the rating is the register's starting value,
    and the figure says so.
    """
    known = risks.dropna(subset=["likelihood", "impact"])
    if known.empty:
        return not_yet("Risks by likelihood and impact", "the team's ratings of the risk register")
    known = known.assign(size=known["likelihood"] * known["impact"]).sort_values("size", ascending=False)
    titles = labels(known, "title")
    cells: dict[tuple[int, int], list[int]] = {}
    for i, (likelihood, impact) in enumerate(zip(known["likelihood"], known["impact"], strict=True), start=1):
        cells.setdefault((int(likelihood), int(impact)), []).append(i)
    field = go.Heatmap(
        x=[1, 2, 3, 4, 5],
        y=[1, 2, 3, 4, 5],
        z=[[x * y for x in range(1, 6)] for y in range(1, 6)],
        colorscale=[[0, "#F4F6F8"], [0.4, "#E8DCC8"], [1, "#D9A382"]],
        showscale=False,
        xgap=2,
        ygap=2,
        hoverinfo="skip",
    )
    marks = go.Scatter(
        x=[x for x, _ in cells],
        y=[y for _, y in cells],
        mode="text",
        text=["<b>" + ", ".join(str(i) for i in inside) + "</b>" for inside in cells.values()],
        textfont={"size": 15, "color": look.INK},
        hovertext=["<br>".join(f"{i} {titles[i - 1]}" for i in inside) for inside in cells.values()],
        hovertemplate="%{hovertext}<extra></extra>",
        name="risks",
    )
    waiting = len(risks) - len(known)
    note = f" {look.count(waiting, 'risk')} not yet rated." if waiting else ""
    if "rated" in known.columns and not known["rated"].all():
        own = int(known["rated"].sum())
        note += f" {own} of {len(known)} rated by the team, the others stand at the register's starting values."
    key = [f"<b>{i}</b> {title.replace('<br>', ' ')}" for i, title in enumerate(titles, start=1)]
    return figure(
        [field, marks],
        _exposure(known, titles[0].replace("<br>", " ")),
        f"n = {look.count(len(known), 'risk')}. Likelihood 1 rare to 5 expected, impact 1 nuisance to 5 severe.{note}",
        height=max(330, 20 * len(key) + 40),
        xaxis={"title": {"text": "Likelihood"}, "dtick": 1, "showgrid": False, "domain": [0, 0.52]},
        yaxis={"title": {"text": "Impact"}, "dtick": 1, "showgrid": False},
        showlegend=False,
        annotations=[
            {
                "text": "<br>".join(key),
                "x": 0.57,
                "xref": "paper",
                "xanchor": "left",
                "y": 1,
                "yref": "paper",
                "yanchor": "top",
                "align": "left",
                "showarrow": False,
                "font": {"size": 12.5},
            }
        ],
    )


def _exposure(known: pd.DataFrame, largest: str) -> str:
    """How many risks stand in the band of the largest one; `known` begins with it."""
    first, risks = known.iloc[0], look.count(len(known), "risk")
    inside = int(known["band"].eq(first["band"]).sum())
    stand = "stands" if inside == 1 else "stand"
    return (
        f"{inside} of {risks} {stand} {look.plain(first['band'])} (likelihood times impact of {int(first['band_from'])} or "
        f"more); the largest is {largest}"
    )
