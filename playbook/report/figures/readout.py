"""Figures of what the pilots showed: time alone and read together, where the minutes went, quality against its margin."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from playbook.report import look
from playbook.report.figures.base import category_axis, figure, labels, names, not_yet

if TYPE_CHECKING:
    import pandas as pd

VERDICTS = {"saved": "good", "kept": "good", "slower": "bad", "worse": "bad", "not shown": "open", "not yet": "open"}
SURE = ("saved", "slower", "kept", "worse")
RATIOS = [0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10]
WIDEST = (0.02, 50.0)
PARTS = {
    "hands_on_saved": ("hands-on", look.PALE),
    "review_added": ("review", look.BAR),
    "rework_added": ("rework", look.ACCENT),
}
TIMED = "timed items the old way and with the agent"


def pilot_saving(readouts: pd.DataFrame) -> go.Figure:
    """Time with the agent over time the old way, each pilot alone and read together with the others, with intervals.

    Needs PILOT_READOUTS; `team` when there are several. A filled dot is a verdict, an open one is none; the small
    diamond below it is the ratio shrunk towards the others.
    """
    known = readouts.dropna(subset=["time_ratio"])
    if known.empty:
        return not_yet("Time with the agent against the old way", TIMED)
    rows = labels(known, "workflow")
    n, group = int(known["n_baseline"].sum() + known["n_trial"].sum()), int(known["n_comparison"].sum())
    together = known["shrunk_ratio"].notna().any()
    waiting = len(readouts) - len(known)
    group_said = f" and {group:,} of comparison groups" if group else ""
    said = [
        f"n = {look.count(n, 'timed item')}{group_said}, review and rework included. Line: 95 % interval; left of 1 is faster.",
        "Diamond: the same read together with the team's other pilots, which decides nothing." if together else "",
        f"{look.count(waiting, 'pilot')} without a ratio yet." if waiting else "",
    ]
    ends = [float(v) for name in ("time_ratio", "ratio_low", "ratio_high") for v in known[name].dropna()]
    low, high = max(WIDEST[0], min(0.45, *ends) * 0.85), min(WIDEST[1], max(1.5, *ends) * 1.2)
    return figure(
        [*_alone(known), *([_together(known)] if together else [])],
        _time_title(known, rows),
        " ".join(text for text in said if text),
        height=60 * len(known) + 80,
        xaxis={
            "title": {"text": "Minutes with the agent / minutes the old way (log scale)"},
            "type": "log",
            "range": [math.log10(low), math.log10(high)],
            "tickvals": RATIOS,
        },
        yaxis=_places(rows),
        shapes=[_line(1.0)],
    )


def pilot_minutes(readouts: pd.DataFrame) -> go.Figure:
    """Where the minutes of an item went: hands-on saved, review and rework added, and what is left of it.

    Needs PILOT_READOUTS; `team` when there are several. Right of 0 is saved, left of it added; the dot is the sum of the
    three with its 95 % interval.
    """
    known = readouts.dropna(subset=["minutes_saved"])
    if known.empty:
        return not_yet("Where the minutes of an item went", TIMED)
    rows = labels(known, "workflow")
    bars = []
    for column, (name, colour) in PARTS.items():
        sign = 1 if column.endswith("_saved") else -1
        values = [round(sign * float(value), 2) for value in known[column]]
        bars.append(
            go.Bar(
                y=rows,
                x=values,
                name=name,
                orientation="h",
                marker={"color": colour, "line": {"color": look.PAPER, "width": 1}},
                hovertemplate="%{y}<br>" + name + ": %{x:.1f} minutes an item<extra></extra>",
            )
        )
    saved = known["minutes_saved"].astype(float)
    dots = go.Scatter(
        x=[round(value, 2) for value in saved],
        y=rows,
        mode="markers",
        name="left over, with 95 % interval",
        marker={"size": 11, "color": look.PAPER, "line": {"color": look.INK, "width": 2}},
        error_x=_whiskers(saved, known["saved_low"].astype(float), known["saved_high"].astype(float), look.INK),
        hovertemplate="%{y}<br>saved in all: %{x:.1f} minutes an item<extra></extra>",
    )
    n = int(known["n_baseline"].sum() + known["n_trial"].sum())
    line = _line(0.0)
    return figure(
        [*bars, dots],
        _minutes_title(known, rows),
        f"n = {look.count(n, 'timed item')}, arithmetic means. Right of 0: minutes saved; left: minutes added. What broke costs extra and is "
        "listed below.",
        height=52 * len(known) + 70,
        barmode="relative",
        xaxis={"title": {"text": "Minutes an item"}},
        yaxis=category_axis(categoryorder="array", categoryarray=rows),
        shapes=[line],
    )


def pilot_quality(readouts: pd.DataFrame, acceptance_margin: float, rubric_margin: float) -> go.Figure:
    """How much better or worse quality was, as a share of the loss that was allowed before the start.

    Needs PILOT_READOUTS and the evidence rule's margins (a share, and points). At -1 all of the allowed loss is used up;
    quality is kept when the whole interval lies right of it.
    """
    measured = readouts.dropna(subset=["quality_measure"])
    rows = [_judged(row, acceptance_margin, rubric_margin) for row in measured.to_dict(orient="records")]
    known = measured.assign(
        **{name: [row[at] for row in rows] for at, name in enumerate(("at", "low", "high", "said"))}
    )
    known = known.dropna(subset=["at"])
    if known.empty:
        return not_yet("Quality with the agent against the old way", "judged items the old way and with the agent")
    titles = labels(known, "workflow")
    traces = [
        _marks(part, _at(known, part), verdict, "at", list(part["said"]))
        for verdict in VERDICTS
        if not (part := known[known["quality_verdict"] == verdict]).empty
    ]
    ends = [float(v) for name in ("at", "low", "high") for v in known[name].dropna()]
    n = int(known["judged_baseline"].sum() + known["judged_trial"].sum())
    return figure(
        traces,
        _quality_title(known, titles),
        f"n = {look.count(n, 'judged item')}. 0: no difference; −1: all of the loss allowed beforehand "  # noqa: RUF001
        f"({look.number(100 * acceptance_margin)} points of the share accepted, {look.number(rubric_margin)} of a blinded score).",
        height=60 * len(known) + 80,
        xaxis={
            "title": {"text": "Difference in quality, as a share of the loss allowed"},
            "range": [min(-1.6, *ends) * 1.08, max(0.6, *ends) * 1.08],
        },
        yaxis=_places(titles),
        shapes=[
            _line(0.0),
            _line(-1.0) | {"line": {"color": look.STATUS_COLOURS["bad"], "width": 1.2, "dash": "dash"}},
        ],
    )


def _alone(known: pd.DataFrame) -> list[go.Scatter]:
    return [
        _marks(
            part.rename(columns={"ratio_low": "low", "ratio_high": "high"}),
            _at(known, part),
            verdict,
            "time_ratio",
            [look.number(value, 2) for value in part["time_ratio"]],
        )
        for verdict in VERDICTS
        if not (part := known[known["time_verdict"] == verdict]).empty
    ]


def _marks(part: pd.DataFrame, where: list[int], verdict: str, at: str, texts: list[str]) -> go.Scatter:
    colour = look.STATUS_COLOURS[VERDICTS[verdict]]
    middle, low, high = (part[name].astype(float) for name in (at, "low", "high"))
    return go.Scatter(
        x=[round(value, 4) for value in middle],
        y=where,
        mode="markers+text",
        name=verdict,
        text=texts,
        textposition="top center",
        textfont={"size": 12, "color": colour},
        marker={
            "size": 12,
            "color": colour if verdict in SURE else look.PAPER,
            "line": {"color": colour, "width": 2},
        },
        error_x=_whiskers(middle, low, high, colour),
        cliponaxis=False,
        hovertemplate="%{text}<extra></extra>",
    )


def _together(known: pd.DataFrame) -> go.Scatter:
    part = known.dropna(subset=["shrunk_ratio"])
    middle, low, high = (part[name].astype(float) for name in ("shrunk_ratio", "shrunk_low", "shrunk_high"))
    return go.Scatter(
        x=[round(value, 4) for value in middle],
        y=[place + 0.26 for place in _at(known, part)],
        mode="markers",
        name="read together",
        marker={"size": 8, "symbol": "diamond", "color": look.BAR},
        error_x=_whiskers(middle, low, high, look.BAR) | {"thickness": 1.4, "width": 3},
        hovertemplate="read together: %{x:.2f}<extra></extra>",
    )


def _whiskers(middle: pd.Series, low: pd.Series, high: pd.Series, colour: str) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [round(value, 4) for value in (high - middle).fillna(0)],
        "arrayminus": [round(value, 4) for value in (middle - low).fillna(0)],
        "color": colour,
        "thickness": 2,
        "width": 5,
    }


def _places(rows: list[str]) -> dict[str, Any]:
    """A row a pilot on a plain axis, so that a second mark can stand a little below the first."""
    return {
        "tickmode": "array",
        "tickvals": list(range(len(rows))),
        "ticktext": rows,
        "range": [len(rows) - 0.4, -0.7],
        "showgrid": False,
        "ticklabelstandoff": 6,
    }


def _at(known: pd.DataFrame, part: pd.DataFrame) -> list[int]:
    return [int(place) for place in known.index.get_indexer(part.index)]


def _line(x: float) -> dict[str, Any]:
    line = {"color": look.INK, "width": 1.2}
    return {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": line}


def _judged(row: dict[Any, Any], share: float, points: float) -> tuple[float, float, float, str]:
    by_score = row["quality_measure"] == "blinded scores"
    columns = (
        ("score_difference", "score_low", "score_high")
        if by_score
        else ("quality_difference", "quality_low", "quality_high")
    )
    middle, low, high = (float(row[name]) for name in columns)
    margin = points if by_score else share
    said = f"{_signed(middle, 2)} points of score" if by_score else f"{_signed(100 * middle, 0)} points accepted"
    return middle / margin, low / margin, high / margin, said


def _signed(value: float, decimals: int) -> str:
    text = look.number(value, decimals)
    return text if text.startswith("\N{MINUS SIGN}") or float(text.replace(",", "")) == 0 else f"+{text}"


def _of(rows: list[str], verdicts: pd.Series, verdict: str) -> list[str]:
    return [row for row, found in zip(rows, verdicts, strict=True) if found == verdict]


def _time_title(known: pd.DataFrame, rows: list[str]) -> str:
    saved, slower = (_of(rows, known["time_verdict"], verdict) for verdict in ("saved", "slower"))
    ratios = dict(zip(rows, known["time_ratio"].astype(float), strict=True))
    said = (
        [f"{names(saved)} took {_share(max(ratios[row] for row in saved), len(saved))} of the old time"]
        if saved
        else []
    )
    said += [f"{names(slower)} took longer"] if slower else []
    rest = len(rows) - len(saved) - len(slower)
    if not said:
        return "No pilot shows a difference in time yet"
    return "; ".join(said) + (f"; {rest} of {len(rows)} show no difference yet" if rest else "")


def _share(ratio: float, pilots: int) -> str:
    return look.percent(ratio) if pilots == 1 else f"at most {look.percent(ratio)}"


def _minutes_title(known: pd.DataFrame, rows: list[str]) -> str:
    saved = known["minutes_saved"].astype(float)
    eaten = -(known["review_added"].astype(float) + known["rework_added"].astype(float))
    best = int(saved.to_numpy().argmax())
    if saved.iloc[best] <= 0:
        return "No pilot left minutes over once review and rework were subtracted"
    name, hands = rows[best].replace("<br>", " "), float(known["hands_on_saved"].iloc[best])
    cost = -float(eaten.iloc[best])
    took = (
        f"; {look.number(cost, 0)} of {look.number(hands, 0)} went into review and rework"
        if cost >= 0.5 and hands > 0
        else ""
    )
    return f"{name} left {look.number(saved.iloc[best], 0)} minutes an item{took}"


def _quality_title(known: pd.DataFrame, rows: list[str]) -> str:
    kept, worse = (_of(rows, known["quality_verdict"], verdict) for verdict in ("kept", "worse"))
    said = [f"Quality was kept in {names(kept)}"] if kept else []
    said += [f"it got worse in {names(worse)}" if kept else f"Quality got worse in {names(worse)}"] if worse else []
    rest = len(rows) - len(kept) - len(worse)
    if not said:
        return "No pilot has shown yet that quality was kept"
    return "; ".join(said) + (f"; not shown in {rest} of {len(rows)}" if rest else "")
