"""The figures of the pilot readout say their finding, survive odd tables and keep markup out."""

import json

import numpy as np
import pandas as pd
import pytest
from drawings import EVIL, readouts, title

from playbook import tables
from playbook.report.figures.readout import pilot_minutes, pilot_quality, pilot_saving

DRAWN = {
    "saving": pilot_saving,
    "minutes": pilot_minutes,
    "quality": lambda frame: pilot_quality(frame, 0.1, 0.5),
}


def test_the_title_says_what_was_saved_and_what_is_open():
    assert title(pilot_saving(readouts())) == "Reports took 50 % of the old time; 1 of 2 show no difference yet"
    assert title(pilot_saving(readouts(time_verdict="not shown"))) == "No pilot shows a difference in time yet"
    slower = readouts(time_verdict=["saved", "slower", "not yet"])
    assert title(pilot_saving(slower)) == "Reports took 50 % of the old time; Mails took longer"
    assert "1 pilot without a ratio yet" in pilot_saving(readouts()).layout.title.text


def test_each_pilot_alone_and_read_together_stand_in_one_row():
    drawn = {trace.name: trace for trace in pilot_saving(readouts()).data}
    assert set(drawn) == {"saved", "not shown", "read together"}
    assert list(drawn["read together"].y) == [0.26, 1.26]
    assert list(drawn["not shown"].y) == [1]
    assert "read together" not in {trace.name for trace in pilot_saving(readouts(shrunk_ratio=None)).data}


def test_review_and_rework_are_drawn_against_what_was_saved():
    figure = pilot_minutes(readouts())
    # 45 left of 60 by hand, 10 + 5 taken off
    assert title(figure) == "Reports left 45 minutes an item; 15 of 60 went into review and rework"
    bars = {trace.name: list(trace.x) for trace in figure.data if trace.type == "bar"}
    assert bars == {"hands-on": [60, 2], "review": [-10, -6], "rework": [-5, -1]}
    assert title(pilot_minutes(readouts(minutes_saved=-1.0))).startswith("No pilot left minutes over")


def test_quality_is_drawn_in_units_of_the_loss_allowed():
    figure = pilot_quality(readouts(), 0.1, 0.5)
    assert title(figure) == "Quality was kept in Reports; not shown in 1 of 2"
    # 0.1 of 0.5 points, and -0.02 of 0.1
    assert {trace.name: trace.x[0] for trace in figure.data} == {"kept": 0.2, "not shown": -0.2}


@pytest.mark.parametrize("name", DRAWN)
def test_nothing_measured_says_what_is_needed(name):
    for frame in (tables.PILOT_READOUTS.empty(), readouts().iloc[[2]]):
        figure = DRAWN[name](frame)
        assert "Not yet: needs" in figure.layout.annotations[0].text


@pytest.mark.parametrize("name", DRAWN)
def test_markup_in_a_name_never_reaches_a_figure(name):
    assert "<script" not in json.dumps(DRAWN[name](readouts(workflow=EVIL)).to_plotly_json(), default=str)


def test_a_pilot_without_an_interval_is_drawn_without_one():
    bare = readouts(ratio_low=np.nan, ratio_high=np.nan, shrunk_ratio=None)
    assert all(value == 0 for trace in pilot_saving(bare).data for value in trace.error_x.array)


def test_teams_are_told_apart():
    both = pd.concat([readouts(), readouts(team="b")], ignore_index=True)
    assert len(set(pilot_saving(both).layout.yaxis.ticktext)) == 4
