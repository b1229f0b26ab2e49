"""Charts as plain SVG: no browser makes them, no script shows them, print keeps them sharp.

Colours and type are the kit's (`report.look`); the title is a sentence of the report, and a text alternative says what
is drawn. The numbers stand in the table beside each chart.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.agents.reporting.holiday import HOLIDAY
from playbook.report import look

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from playbook.agents.reporting.series import Week

    Place = Callable[[Any], float]

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 780, 64, 14, 12, 34
LINES_HEIGHT = 250
BAR, GAP = 22, 8
NAME_WIDTH = 210
WEEKS_SHOWN = 8
WEEKS_OF_WEEKS = 26
TICKS = 4
BAND, HERE = "#E3E8EE", "#FFF6E5"
FLAG = look.STATUS_COLOURS["bad"]


def by_day(judged: pd.DataFrame, kinds: pd.DataFrame, week: Week, *, label: str) -> str:
    """A series of days with its limits, the week shaded, unusual days marked, gaps left open; `label` says it in words.

    `judged` is `anomalies.judge` of one series; the last eight weeks are drawn, of weekly figures half a year.
    """
    weekly = len(judged) > 1 and judged["day"].iloc[1] - judged["day"].iloc[0] >= pd.Timedelta(days=7)
    shown = pd.Timedelta(weeks=WEEKS_OF_WEEKS if weekly else WEEKS_SHOWN)
    part = judged[judged["day"].between(week.last - shown + pd.Timedelta(days=1), week.last)]
    part = part.set_index("day").sort_index()
    if part["value"].notna().sum() < 2:
        return ""
    first, last = part.index[0], part.index[-1]
    span = max((last - first) / pd.Timedelta(days=1), 1.0)
    largest = float(part["value"].max())
    reach = float(part["high"].max()) if part["high"].notna().any() else largest
    top = min(max(largest, reach), 2.5 * largest) or 1.0
    low = min(0.0, float(part["value"].min()))
    ticks = _ticks(low, top)
    high = max(ticks[-1], top)

    def x(day: Any) -> float:
        return float(LEFT + (day - first) / pd.Timedelta(days=1) / span * (WIDTH - LEFT - RIGHT))

    def y(value: float) -> float:
        inside = min(max(value, low), high)
        return float(TOP + (high - inside) / (high - low or 1.0) * (LINES_HEIGHT - TOP - BOTTOM))

    half = (x(last) - x(first)) / span / 2
    shaded = max(x(week.first) - half, LEFT - 6.0)
    shade = f'<rect x="{shaded:.1f}" y="{TOP}" width="{min(x(week.last) + half, WIDTH) - shaded:.1f}" '
    marks = [shade + f'height="{LINES_HEIGHT - TOP - BOTTOM}" fill="{HERE}"/>']
    marks += [_grid(y(tick), _tick_text(tick, ticks)) for tick in ticks]
    marks += _bands(part, x, y)
    marks += [
        f'<polyline points="{points}" fill="none" stroke="{look.ACCENT}" stroke-width="1.8" stroke-linejoin="round"/>'
        for points in _lines(part["value"], x, y)
    ]
    marks += [_flag(x(day), y(float(row["value"]))) for day, row in part[part["flag"] != ""].iterrows()]
    marks += [_holiday(x(day)) for day in kinds.index[kinds["kind"] == HOLIDAY] if first <= day <= last]
    marks += [_date(x(day), day) for day in part.index if (week.last - day).days % (28 if weekly else 14) == 6]
    return _svg("".join(marks), LINES_HEIGHT, label)


def bars(names: Sequence[str], values: Sequence[float], texts: Sequence[str], *, label: str) -> str:
    """Changes by name as bars to both sides of none, each with its number as the table has it."""
    if not values:
        return ""
    largest = max(abs(value) for value in values) or 1.0
    room = WIDTH - NAME_WIDTH - 2 * 118
    lowest, highest = min(0.0, *values), max(0.0, *values)
    scale = room / ((highest - lowest) or largest)
    zero = NAME_WIDTH + 118 - lowest * scale
    height = len(values) * (BAR + GAP) + GAP
    marks = [f'<line x1="{zero:.1f}" x2="{zero:.1f}" y1="0" y2="{height}" stroke="{look.QUIET}"/>']
    for place, (name, value, text) in enumerate(zip(names, values, texts, strict=True)):
        above = GAP + place * (BAR + GAP)
        start, length = (zero, value * scale) if value >= 0 else (zero + value * scale, -value * scale)
        side, anchor = (zero + value * scale + 6, "start") if value >= 0 else (zero + value * scale - 6, "end")
        fill = look.LEVEL_COLOURS[4] if value >= 0 else look.BAR
        marks.append(
            f'<rect x="{start:.1f}" y="{above}" width="{max(length, 0.8):.1f}" height="{BAR}" fill="{fill}"/>'
            + _text(NAME_WIDTH - 8, above + 16, _short(name), "end")
            + _text(side, above + 16, text, anchor)
        )
    return _svg("".join(marks), height, label)


def _bands(part: pd.DataFrame, x: Place, y: Place) -> list[str]:
    """The limits as areas; days judged for rises only have no lower one and are left out."""
    known = part["low"].notna() & part["high"].notna() & part["state"].ne("") & part["expected"].notna()
    areas = []
    for run in _runs(known):
        rows = part.loc[run]
        upper = [f"{x(day):.1f},{y(value):.1f}" for day, value in rows["high"].items()]
        lower = [f"{x(day):.1f},{y(value):.1f}" for day, value in rows["low"].items()]
        if len(upper) > 1:
            areas.append(
                f'<polygon points="{" ".join([*upper, *reversed(lower)])}" fill="{BAND}" fill-opacity="0.75"/>'
            )
    return areas


def _lines(values: pd.Series, x: Place, y: Place) -> list[str]:
    runs = [run for run in _runs(values.notna()) if len(run)]
    return [" ".join(f"{x(day):.1f},{y(values[day]):.1f}" for day in run) for run in runs]


def _runs(known: pd.Series) -> list[pd.Index]:
    """Neighbouring true days, run by run."""
    group = known.ne(known.shift()).cumsum()
    return [part.index for _, part in known[known].groupby(group[known])]


def _ticks(low: float, high: float) -> list[float]:
    """About four round numbers from the lowest to just above the highest."""
    rough = (high - low) / TICKS or 1.0
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    start = math.floor(low / step)
    return [round(i * step, 10) for i in range(start, math.ceil(high / step) + 1)]


def _tick_text(tick: float, ticks: Sequence[float]) -> str:
    largest = max(abs(each) for each in ticks)
    for unit, name in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if largest >= 2 * unit:
            return f"{look.number(tick / unit, look.places([each / unit for each in ticks]))}{name}" if tick else "0"
    return look.number(tick, look.places(ticks))


def _grid(height: float, text: str) -> str:
    line = f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{height:.1f}" y2="{height:.1f}" stroke="#E9ECF0"/>'
    return line + _text(LEFT - 8, height + 4, text, "end", look.QUIET)


def _flag(x: float, y: float) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5.5" fill="none" stroke="{FLAG}" stroke-width="2.2"/>'


def _holiday(x: float) -> str:
    foot = LINES_HEIGHT - BOTTOM
    return f'<path d="M{x:.1f} {foot - 7}l4 7h-8z" fill="{look.QUIET}"/>'


def _date(x: float, day: pd.Timestamp) -> str:
    side = "end" if x > WIDTH - 40 else "middle"
    return _text(min(x, WIDTH - 1.0), LINES_HEIGHT - 12, f"{day.day} {day:%b}", side, look.QUIET)


def _short(name: str) -> str:
    plain = look.plain(name)
    return plain if len(plain) <= 30 else plain[:29] + "…"


def _text(x: float, y: float, words: str, anchor: str, colour: str = look.INK) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{look.escape(words)}</text>'


def _svg(marks: str, height: float, label: str) -> str:
    said = look.escape(label)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{said}" '
        f'font-family="{look.escape(look.SANS)}" font-size="12.5" class="chart">{marks}</svg>'
    )
