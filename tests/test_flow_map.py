"""The directly-follows map: every frequent activity and step is on it, nothing overlaps, and its title says the finding."""

from __future__ import annotations

import json
import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playbook.report import figures
from playbook.report.figures import process
from playbook.workflows import discover

EVIL = "<script>alert(1)</script>"


def tables(*steps, activities=None, team="a"):
    """Arcs from (source, target, count, waiting minutes), and the activities they join."""
    arcs = pd.DataFrame(steps, columns=["source", "target", "count", "waiting_minutes"]).assign(team=team)
    names = activities or list(dict.fromkeys([*arcs["source"], *arcs["target"]]))
    counts = {name: int(arcs.loc[(arcs["source"] == name) | (arcs["target"] == name), "count"].sum()) for name in names}
    rows = pd.DataFrame({"team": team, "activity": names, "events": [counts[name] for name in names], "repeats": 0})
    return rows, arcs.astype({"count": "Int64", "waiting_minutes": "float64"})


def texts(figure):
    return [str(note.text) for note in figure.layout.annotations if note.text]


CHAIN = (
    ("Draft", "Edit", 40, 90.0),
    ("Edit", "Send", 30, 4320.0),
    ("Edit", "Draft", 10, 20.0),
    ("Edit", "Edit", 5, 1.0),
)


def test_the_title_names_the_step_that_holds_work_up_most():
    figure = figures.process_map(*tables(*CHAIN))
    # 30 x 3 days is more than 40 x 1.5 hours
    wanted = "Of the single hand-overs, most waiting is between Edit and Send: a median of 3 days, 30 times"
    assert wanted in figure.layout.title.text.replace("<br>", " ")
    assert "n = 85 steps" in figure.layout.title.text


def test_boxes_carry_how_often_and_arrows_how_often_and_how_long():
    figure = figures.process_map(*tables(*CHAIN))
    said = texts(figure)
    assert any("Edit" in text and "5 again at once" in text for text in said)
    assert {"40 · 1.5 h", "30 · 3 days", "10 · 20 min"} <= set(said)
    # an activity that follows itself is no arrow
    assert len(figure.data) == 3


def test_a_step_back_runs_up_at_the_side_in_another_colour():
    figure = figures.process_map(*tables(*CHAIN))
    back = next(trace for trace in figure.data if trace.name == "Edit → Draft")
    down = next(trace for trace in figure.data if trace.name == "Draft → Edit")
    assert back.y[-1] > back.y[0]
    assert max(back.x) >= process.LANES[0]
    assert back.line.color != down.line.color


def test_waiting_that_is_kept_back_leaves_the_count_alone():
    figure = figures.process_map(*tables(("Draft", "Edit", 40, None), ("Edit", "Send", 4, None)))
    assert {"40", "4"} <= set(texts(figure))
    assert "The most frequent step is between Draft and Edit: 40 of 44 steps" in figure.layout.title.text


def test_a_log_without_steps_says_what_is_needed():
    empty = figures.process_map(*tables())
    assert "Not yet" in texts(empty)[0]
    assert "Not yet" in texts(figures.process_map(*tables(("Edit", "Edit", 4, 1.0))))[0]


def test_only_so_much_is_drawn_that_it_can_be_read_and_the_rest_is_counted():
    names = [f"Step {n:02d}" for n in range(30)]
    steps = [(one, two, 1 + (7 * n) % 50, 5.0) for n, one in enumerate(names) for two in names[n : n + 6] if one != two]
    figure = figures.process_map(*tables(*steps))
    assert len(figure.layout.shapes) == process.MOST_NODES
    assert len(figure.data) <= process.MOST_ARROWS
    assert "18 rarer activities not drawn" in figure.layout.title.text.replace("<br>", " ")
    assert len(json.dumps(figure.to_dict(), default=str)) < 60_000


def test_text_from_data_is_stripped_of_markup_and_several_teams_are_told_apart():
    figure = figures.process_map(*tables((EVIL, "Send", 4, 1.0)))
    assert "<script" not in json.dumps(figure.to_dict(), default=str)
    one, two = tables(("Draft", "Send", 4, 1.0)), tables(("Draft", "Send", 4, 1.0), team="b")
    both = figures.process_map(*(pd.concat(pair, ignore_index=True) for pair in zip(one, two, strict=True)))
    assert len(both.layout.shapes) == 4


moves = st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, 500), st.one_of(st.none(), st.floats(0, 1e6)))


@settings(max_examples=30, deadline=None)
@given(st.lists(moves, min_size=1, max_size=40, unique_by=lambda move: move[:2]))
def test_whatever_the_log_boxes_stay_apart_and_arrows_join_the_right_ones(steps):
    named = [(f"Do {source}", f"Do {target}", count, waiting) for source, target, count, waiting in steps]
    rows, arcs = tables(*named)
    figure = figures.process_map(rows, arcs)
    boxes = [(box.x0, box.x1, box.y0, box.y1) for box in figure.layout.shapes]
    for at, one in enumerate(boxes):
        for other in boxes[at + 1 :]:
            assert one[1] <= other[0] or other[1] <= one[0] or one[3] <= other[2] or other[3] <= one[2]
    for trace in figure.data:
        assert all(math.isfinite(value) for value in (*trace.x, *trace.y))
        for x, y in ((trace.x[0], trace.y[0]), (trace.x[-1], trace.y[-1])):
            assert any(
                left - 0.1 <= x <= right + 0.1 and low - 0.1 <= y <= high + 0.1 for left, right, low, high in boxes
            )


def test_a_discovered_log_is_drawn_as_it_is():
    start = pd.Timestamp("2026-09-01T09:00:00Z")
    rows = [
        (f"c{case}", step, 40 * n) for case in range(8) for n, step in enumerate(["Draft", "Edit", "Draft", "Send"])
    ]
    events = pd.DataFrame(rows, columns=["case", "activity", "at"]).assign(
        team="a", import_id="i", row=range(len(rows))
    )
    events["timestamp"] = start + pd.to_timedelta(events["at"], unit="min")
    found = discover(events)
    assert {trace.name for trace in figures.process_map(found.activities, found.arcs).data} == {
        "Draft → Edit", "Edit → Draft", "Draft → Send"
    }  # fmt: skip


@pytest.mark.parametrize(("minutes", "words"), [(0.2, "0 min"), (59, "59 min"), (90, "1.5 h"), (2880, "2 days")])
def test_lengths_are_said_in_the_unit_people_would_use(minutes, words):
    assert process._length(minutes) == words
