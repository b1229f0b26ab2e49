"""The directly-follows map: activities as boxes from top to bottom, what follows what as arrows, returns at the side."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from playbook.report import look
from playbook.report.figures.base import broken, figure, not_yet

MOST_NODES = 12
MOST_ARROWS = 20
# rarer steps would be hairlines; those that are the only way into a box are drawn all the same
LEAST_SHARE = 0.005
ROW_LENGTH = 4
ROW_HEIGHT = 84
BOX = (9.5, 0.27)
"""Half a box's width, of 100 across the figure, and half its height, of one row."""
LANES = (83.0, 98.0)
"""Between where and where arrows that go back run."""
LABEL = (6.6, 0.11)
"""Half of an arrow's label, with air."""
Point = tuple[float, float]


class _Arrow(NamedTuple):
    source: str
    target: str
    times: int
    waiting: float
    path: tuple[Point, ...]


def process_map(activities: pd.DataFrame, arcs: pd.DataFrame) -> go.Figure:
    """How work runs: the most frequent activities, what directly follows what, how often and after what waiting.

    Needs ACTIVITIES' columns activity, events and repeats, and the columns source, target, count and waiting_minutes
    (`workflows.Discovery`); `team` when there are several. The 12 most frequent activities and 20 most frequent steps
    between them are drawn, the rest is counted under the title. Arrows at the right go back to an earlier activity;
    an activity that follows itself says so in its box.
    """
    activities, arcs = _told_apart(activities, arcs)
    if activities.empty or not len(arcs[arcs["source"] != arcs["target"]]):
        return not_yet("How the work runs, step by step", "an event log in which cases have at least two activities")
    shown = activities.sort_values(["events", "activity"], ascending=[False, True]).head(MOST_NODES)
    steps = _steps(shown, arcs)
    places = _places(list(shown["activity"]), steps)
    arrows = list(_routed(places, steps))
    rows = 1 + max(-y for _, y in places.values())
    title, subtitle = _words(activities, arcs, shown, steps)
    labels = [mark for arrow, at in _label_places(arrows, places) for mark in (_arrow_label(arrow, at),)]
    return figure(
        [_line(arrow, steps) for arrow in arrows],
        title,
        subtitle,
        height=round(ROW_HEIGHT * rows),
        showlegend=False,
        shapes=[_box(places[name], events / int(shown["events"].max())) for name, events in _events(shown)],
        annotations=[*(_head(arrow) for arrow in arrows), *labels, *_box_labels(shown, arcs, places)],
        xaxis={"visible": False, "range": [0, 100], "fixedrange": True},
        yaxis={"visible": False, "range": [-rows + 0.5, 0.5], "fixedrange": True},
    )


def _told_apart(activities: pd.DataFrame, arcs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The same tables with names that say the team where there are several."""
    if "team" not in activities.columns or activities["team"].nunique() < 2:
        return activities, arcs
    ends = {end: arcs["team"].astype(str) + ": " + arcs[end].astype(str) for end in ("source", "target")}
    names = activities["team"].astype(str) + ": " + activities["activity"].astype(str)
    return activities.assign(activity=names), arcs.assign(**ends)


def _events(shown: pd.DataFrame) -> list[tuple[str, int]]:
    return [(str(name), int(events)) for name, events in zip(shown["activity"], shown["events"], strict=True)]


def _steps(shown: pd.DataFrame, arcs: pd.DataFrame) -> pd.DataFrame:
    """The steps to draw: the most frequent ones between the boxes, and each box's most frequent way in."""
    names = set(shown["activity"])
    between = arcs[arcs["source"].isin(names) & arcs["target"].isin(names) & (arcs["source"] != arcs["target"])]
    between = between.sort_values(["count", "source", "target"], ascending=[False, True, True])
    ways_in = between.drop_duplicates("target")
    rest = between[~between.index.isin(ways_in.index) & (between["count"] >= LEAST_SHARE * arcs["count"].sum())]
    rest = rest.head(MOST_ARROWS - len(ways_in))
    return between[between.index.isin([*ways_in.index, *rest.index])]


def _places(names: Sequence[str], steps: pd.DataFrame) -> dict[str, Point]:
    """Where each box stands: a row below everything that leads to it, in a row near what leads to it."""
    ahead: dict[str, set[str]] = {}
    for source, target in zip(steps["source"], steps["target"], strict=True):
        if not _reaches(ahead, target, source):
            ahead.setdefault(source, set()).add(target)
    level = dict.fromkeys(names, 0)
    for _ in names:
        for source, targets in ahead.items():
            for target in targets:
                level[target] = max(level[target], level[source] + 1)
    rows = [[name for name in names if level[name] == at] for at in sorted(set(level.values()))]
    rows = [row[start : start + ROW_LENGTH] for row in rows for start in range(0, len(row), ROW_LENGTH)]
    places: dict[str, Point] = {}
    for number, row in enumerate(rows):
        before = {name: _mean([places[s][0] for s, to in ahead.items() if name in to and s in places]) for name in row}
        for at, name in enumerate(sorted(row, key=lambda name: before[name])):
            places[name] = ((at + 0.5) * (LANES[0] - 4) / len(row), -float(number))
    return places


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _reaches(ahead: Mapping[str, set[str]], start: str, goal: str) -> bool:
    seen, waiting = set[str](), [start]
    while waiting:
        node = waiting.pop()
        if node == goal:
            return True
        if node not in seen:
            seen.add(node)
            waiting += ahead.get(node, set())
    return False


def _routed(places: Mapping[str, Point], steps: pd.DataFrame) -> Iterator[_Arrow]:
    """Each arrow's way: down through the gaps between boxes, or back up in a lane of its own at the right."""
    pairs = list(zip(steps["source"], steps["target"], steps["count"], steps["waiting_minutes"], strict=True))
    used: dict[tuple[int, float], int] = {}
    returns = sum(places[target][1] >= places[source][1] for source, target, _, _ in pairs)
    lanes = iter(np.linspace(*LANES, returns + 1).tolist())
    out, into = _doors(pairs, places, 0), _doors(pairs, places, 1)
    for source, target, count, waiting in pairs:
        (x1, y1), (x2, y2) = places[source], places[target]
        if y2 < y1:
            path: list[Point] = [(x1 + out[source, target], y1 - BOX[1])]
            for row in range(round(-y1) + 1, round(-y2)):
                straight = x1 + (x2 - x1) * (row + y1) / (y1 - y2)
                gap = _gap(straight, row, places)
                turn = used[row, gap] = used.get((row, gap), -1) + 1
                path.append((gap + (turn + 1) // 2 * (2.4 if turn % 2 else -2.4), -float(row)))
            path.append((x2 + into[source, target], y2 + BOX[1]))
        else:
            path = _way_back(places[source], places[target], next(lanes), places)
        yield _Arrow(source, target, int(count), float(waiting), tuple(path))


def _way_back(source: Point, target: Point, lane: float, places: Mapping[str, Point]) -> list[Point]:
    """Out at the side, up the lane and in at the side; under or over its row where another box stands in the way."""
    (x1, y1), (x2, y2) = source, target
    way_out = [(x1 + BOX[0], y1 - 0.1), (lane, y1 - 0.1)]
    if not _is_last(source, places):
        way_out = [(x1 + BOX[0] * 0.85, y1 - BOX[1]), (x1 + BOX[0] * 0.85, y1 - 0.4), (lane, y1 - 0.4)]
    way_in = [(lane, y2 + 0.1), (x2 + BOX[0], y2 + 0.1)]
    if not _is_last(target, places):
        way_in = [(lane, y2 + 0.4), (x2 + BOX[0] * 0.85, y2 + 0.4), (x2 + BOX[0] * 0.85, y2 + BOX[1])]
    return [*way_out, *way_in]


def _is_last(place: Point, places: Mapping[str, Point]) -> bool:
    """Whether no box stands to the right of this one."""
    return all(x <= place[0] for x, y in places.values() if y == place[1])


def _doors(
    pairs: Sequence[tuple[str, str, int, float]], places: Mapping[str, Point], end: int
) -> dict[tuple[str, str], float]:
    """How far from its box's middle each arrow down leaves or enters, so that arrows do not cross at the box."""
    doors = {}
    for name in places:
        mine = [pair[:2] for pair in pairs if pair[end] == name and places[pair[1]][1] < places[pair[0]][1]]
        mine.sort(key=lambda pair: _heading(places[pair[end]], places[pair[1 - end]], places))
        for at, pair in enumerate(mine):
            doors[pair] = (at + 0.5) / len(mine) * 1.4 * BOX[0] - 0.7 * BOX[0]
    return doors


def _heading(box: Point, other: Point, places: Mapping[str, Point]) -> float:
    """Where an arrow between two boxes is in the row beside the first: at the other box, or in the gap it goes through."""
    beside = round(-box[1] + (1 if other[1] < box[1] else -1))
    return other[0] if beside == round(-other[1]) else _gap((box[0] + other[0]) / 2, beside, places)


def _gap(x: float, row: int, places: Mapping[str, Point]) -> float:
    """The middle of the gap between a row's boxes that is nearest to x."""
    boxes = sorted(at for at, y in places.values() if round(-y) == row)
    ends = [-2.0, *(edge for at in boxes for edge in (at - BOX[0], at + BOX[0])), LANES[0] - 2]
    gaps = [(ends[at] + ends[at + 1]) / 2 for at in range(0, len(ends), 2)]
    return min(gaps, key=lambda middle: abs(middle - x))


def _line(arrow: _Arrow, steps: pd.DataFrame) -> go.Scatter:
    returns = _goes_back(arrow)
    share = arrow.times / int(steps["count"].max())
    return go.Scatter(
        x=[round(x, 2) for x, _ in arrow.path],
        y=[round(y, 3) for _, y in arrow.path],
        mode="lines",
        line={
            "color": look.STATUS_COLOURS["bad"] if returns else look.BAR,
            "width": round(1 + 4 * math.sqrt(share), 1),
            "shape": "linear" if returns else "spline",
            "smoothing": 0.9,
        },
        opacity=0.75,
        name=look.plain(f"{arrow.source} → {arrow.target}"),
        hovertemplate=look.plain(f"{arrow.source} → {arrow.target}: {arrow.times:,} times") + "<extra></extra>",
    )


def _goes_back(arrow: _Arrow) -> bool:
    return arrow.path[-1][1] > arrow.path[0][1]


def _head(arrow: _Arrow) -> dict[str, object]:
    """The arrow's head, drawn over the end of its line."""
    (x0, y0), (x, y) = arrow.path[-2:]
    tail = (x + 1.5, y) if y0 == y else (x + (x0 - x) * 0.06, y + 0.07)
    colour = look.STATUS_COLOURS["bad"] if _goes_back(arrow) else look.ACCENT
    ends = {"x": x, "y": y, "ax": tail[0], "ay": tail[1], "axref": "x", "ayref": "y", "xref": "x", "yref": "y"}
    return {
        **ends,
        "text": "",
        "showarrow": True,
        "arrowhead": 2,
        "arrowsize": 1.1,
        "arrowwidth": 1.5,
        "arrowcolor": colour,
    }


def _label_places(arrows: Sequence[_Arrow], places: Mapping[str, Point]) -> Iterator[tuple[_Arrow, Point]]:
    """A point on each arrow where its label covers no box and no label before it; frequent arrows choose first."""
    taken = [(x, y, *BOX) for x, y in places.values()]
    for arrow in sorted(arrows, key=lambda arrow: -arrow.times):
        points = [_along(arrow.path, share) for share in (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.14, 0.86)]
        best = min(points, key=lambda point: _covered(point, taken))
        taken.append((*best, *LABEL))
        yield arrow, best


def _along(path: Sequence[Point], share: float) -> Point:
    steps = [math.dist((x1 / 12, y1), (x2 / 12, y2)) for (x1, y1), (x2, y2) in itertools.pairwise(path)]
    along = np.r_[0.0, np.cumsum(steps)]
    at = share * along[-1]
    return float(np.interp(at, along, [x for x, _ in path])), float(np.interp(at, along, [y for _, y in path]))


def _covered(point: Point, taken: Sequence[tuple[float, float, float, float]]) -> float:
    """How much of a label at this point would lie over boxes and labels."""
    x, y = point
    return sum(
        max(0.0, LABEL[0] + width - abs(x - left)) * max(0.0, LABEL[1] + height - abs(y - top))
        for left, top, width, height in taken
    )


def _arrow_label(arrow: _Arrow, at: Point) -> dict[str, object]:
    waiting = "" if math.isnan(arrow.waiting) else f" · {_length(arrow.waiting)}"
    return {
        "x": at[0], "y": at[1], "text": f"{arrow.times:,}{waiting}", "showarrow": False,
        "font": {"size": 10.5, "color": look.STATUS_COLOURS["bad"] if _goes_back(arrow) else look.INK},
        "bgcolor": "rgba(255,255,255,.88)", "borderpad": 1,
    }  # fmt: skip


def _box(place: Point, share: float) -> dict[str, object]:
    (x, y), (width, height) = place, BOX
    fill = f"rgba(52,73,94,{0.06 + 0.26 * share:.2f})"
    corners = {"x0": x - width, "x1": x + width, "y0": y - height, "y1": y + height}
    return {"type": "rect", **corners, "line": {"color": look.ACCENT, "width": 1}, "fillcolor": fill, "layer": "below"}


def _box_labels(shown: pd.DataFrame, arcs: pd.DataFrame, places: Mapping[str, Point]) -> Iterator[dict[str, object]]:
    itself = arcs[arcs["source"] == arcs["target"]].set_index("source")["count"].to_dict()
    for name, events in _events(shown):
        again = f" · {int(itself[name]):,} again at once" if name in itself else ""
        text = f"<b>{broken(look.plain_any(name), 20)}</b><br><span style='font-size:10.5px'>{events:,}{again}</span>"
        x, y = places[name]
        yield {"x": x, "y": y, "text": text, "showarrow": False, "font": {"size": 11.5, "color": look.INK}}


def _words(
    activities: pd.DataFrame, arcs: pd.DataFrame, shown: pd.DataFrame, steps: pd.DataFrame
) -> tuple[str, str]:  # fmt: skip
    total, drawn = int(arcs["count"].sum()), int(steps["count"].sum())
    at_once = int(arcs.loc[(arcs["source"] == arcs["target"]) & arcs["source"].isin(shown["activity"]), "count"].sum())
    held = steps["count"] * steps["waiting_minutes"]
    waited = bool(held.notna().any() and held.max() > 0)
    first = steps.iloc[int(held.fillna(-1).to_numpy("float64").argmax()) if waited else 0]
    pair = f"{look.plain_any(first['source'])} and {look.plain_any(first['target'])}"
    title = (
        f"Of the single hand-overs, most waiting is between {pair}: a median of {_length(first['waiting_minutes'])}, "
        f"{int(first['count']):,} times"
        if waited
        else f"The most frequent step is between {pair}: {int(first['count']):,} of {total:,} steps"
    )
    rest = len(activities) - len(shown)
    more = f" {look.count(rest, 'rarer activity', 'rarer activities')} not drawn." if rest > 0 else ""
    return title, (
        f"n = {look.count(total, 'step')} in {look.count(int(activities['events'].sum()), 'event')}; the map holds "
        f"{look.percent((drawn + at_once) / total)} of the steps.{more} On each arrow how often, and the median waiting where "
        "it may be shown. Arrows at the right go back to an earlier activity."
    )


def _length(minutes: float) -> str:
    for unit, size in (("days", 1440), ("h", 60)):
        if minutes >= size:
            return f"{look.number(round(minutes / size, 1))} {unit}"
    return f"{look.number(round(minutes))} min"
