"""KPIs: old against new, people's hours, formulas."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import playbook
from playbook import kpis as room
from playbook.errors import ContentError, ParameterError
from playbook.io import content
from playbook.tables import MEASURES, PLACEMENTS, READINGS, TASKS, check

SHIPPED = Path(__file__).parent.parent / "assessments/kpis/default.yaml"
CATALOGUE: room.Catalogue = content.read(SHIPPED, room.Catalogue)
FIRST, SECOND = dt.date(2026, 9, 1), dt.date(2026, 10, 1)


def read(*records):
    rows = [{"team": "content", "days": 30, "start": FIRST, **record} for record in records]
    return check(READINGS, pd.DataFrame(rows))


def work(*records):
    """Tasks and placements from (minutes a run, runs a month, target level, level_low, level_high)."""
    tasks, places = [], []
    for number, (minutes, runs, *levels) in enumerate(records):
        key = {"team": "content", "task_id": f"t{number}"}
        tasks.append({**key, "task": "do it", "workflow": "w", "minutes_per_run": minutes, "runs_per_month": runs})
        names = ("target_level", "level_low", "level_high")
        places.append({**key, "coverage": 1.0, **dict(zip(names, levels, strict=True))})
    return check(TASKS, pd.DataFrame(tasks)), check(PLACEMENTS, pd.DataFrame(places))


def compared(*records, kpi="prompt_success"):
    return room.compare(CATALOGUE, read(*records)).set_index("kpi").loc[kpi]


def test_the_four_pairs_of_the_source_are_there():
    pairs = {kpi.replaces.title: kpi.title for kpi in CATALOGUE.kpis if kpi.replaces}
    assert pairs == {
        "Content pieces published a week": "Content system throughput",
        "Campaign launch time": "Campaign iteration velocity",
        "Team utilisation": "Strategic decision density",
        "Lead volume": "Pipeline signal-to-noise",
    }
    assert playbook.load("kpis") == CATALOGUE


def test_every_kpi_says_what_it_needs_and_every_operational_one_of_the_source_is_there():
    assert all(kpi.needs and kpi.formula and kpi.source for kpi in CATALOGUE.kpis)
    assert {
        "time_to_produce",
        "cost_per_asset",
        "cost_to_revenue",
        "prompt_success",
        "human_intervention",
        "system_utilisation",
    } <= set(CATALOGUE.ids())


def test_a_kpi_written_twice_is_refused(tmp_path):
    file = tmp_path / "kpis.yaml"
    text = SHIPPED.read_text(encoding="utf-8").replace("id: lead_time", "id: cycle_time", 1)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ContentError, match="KPI ids used twice: cycle_time"):
        content.read(file, room.Catalogue)


def test_without_a_reading_a_kpi_says_what_it_needs():
    found = room.compare(CATALOGUE, READINGS.empty(), teams=["content"])
    assert len(found) == len(CATALOGUE.kpis)
    assert found["status"].str.startswith("not measurable yet: needs ").all()


def test_one_reading_is_a_baseline_and_no_change():
    row = compared({"kpi": "prompt_success", "value": 0.5, "low": 0.4, "high": 0.6, "n": 100})
    assert (row["baseline"], row["latest"], row["n"]) == (0.5, 0.5, 100)
    assert pd.isna(row["change"])
    assert row["status"].startswith("baseline 50 % (n = 100, 95 % interval 40 % to 60 %)")


def test_a_change_is_spoken_of_only_where_the_intervals_do_not_overlap():
    before = {"kpi": "prompt_success", "value": 0.5, "low": 0.4, "high": 0.6, "n": 100}
    near = compared(before, {**before, "start": SECOND, "value": 0.6, "low": 0.5, "high": 0.7})
    far = compared(before, {**before, "start": SECOND, "value": 0.8, "low": 0.7, "high": 0.9})
    assert near["status"].startswith("no change shown, from 50 %")
    assert far["status"].startswith("higher now, from 50 %")
    assert far["status"].endswith("the better way")
    assert far["change"] == pytest.approx(0.3)


def test_a_change_the_wrong_way_and_one_that_is_neither_are_called_so():
    down = [{"value": 0.8, "low": 0.7, "high": 0.9}, {"start": SECOND, "value": 0.3, "low": 0.2, "high": 0.4}]
    worse = compared(*({"kpi": "prompt_success", **record} for record in down))
    neither = compared(*({"kpi": "human_intervention", **record} for record in down), kpi="human_intervention")
    assert worse["status"].endswith("the worse way")
    assert neither["status"].endswith("which is neither good nor bad in itself")


def test_without_intervals_a_move_may_be_chance():
    row = compared(
        {"kpi": "cycle_time", "value": 9}, {"kpi": "cycle_time", "value": 7, "start": SECOND}, kpi="cycle_time"
    )
    assert row["change"] == -2
    assert row["status"].endswith("without both intervals it may be chance")


def test_readings_given_out_of_order_are_compared_by_their_dates():
    row = compared(
        {"kpi": "cycle_time", "value": 7, "start": SECOND}, {"kpi": "cycle_time", "value": 9}, kpi="cycle_time"
    )
    assert (row["baseline"], row["latest"]) == (9, 7)


def test_the_old_kpi_is_shown_beside_the_new_one():
    row = compared({"kpi": "lead_volume", "value": 400}, kpi="signal_to_noise")
    assert (row["old_title"], row["old_latest"]) == ("Lead volume", 400)
    assert row["status"].startswith("not measurable yet")


def test_a_reading_of_an_unknown_kpi_is_named():
    said = room.findings(CATALOGUE, read({"kpi": "likes", "value": 3}), TASKS.empty(), PLACEMENTS.empty())
    assert said[-1] == "content: readings of likes are not shown, as the catalogue has no such KPI."


def test_hours_are_split_at_level_two_and_read_against_the_mark():
    # 60 x 10 / 60 = 10 h at level 2; 30 x 60 / 60 = 30 h at level 4, whose range reaches down to 2; 20 h unplaced.
    # share 10 / 40 = 0.25; low 10 / 60 (surely human), high (10 + 30 + 20) / 60 = 1. A task without minutes lowers
    # coverage: 2 of 4 tasks have both.
    tasks, places = work((60, 10, 2, 1, 2), (30, 60, 4, 2, 5), (60, 20, None, None, None), (None, 5, 1, 1, 1))
    row = room.time_split(tasks, places, CATALOGUE).iloc[0]
    assert (row["hours"], row["hours_human"], row["hours_agents"], row["hours_unknown"]) == (60, 10, 30, 20)
    assert row["share_human"] == 0.25
    assert (row["low"], row["high"]) == (pytest.approx(10 / 60), 1)
    assert (row["mark"], row["counted"], row["coverage"]) == (0.8, 2, 0.5)
    assert "below the mark of 80 %" in row["status"]


def test_tasks_that_were_never_placed_leave_the_split_unknown():
    tasks, _ = work((60, 10, 2, 1, 2))
    row = room.time_split(tasks, PLACEMENTS.empty(), CATALOGUE).iloc[0]
    assert pd.isna(row["share_human"])
    assert row["status"].startswith("not yet: both hours and a level are known for 0 of 1 task;")


def test_measures_are_a_share_of_core_baselines_and_the_human_share():
    core = [kpi.id for kpi in CATALOGUE.kpis if kpi.core]
    tasks, places = work((60, 10, 2, 2, 2), (60, 30, 4, 4, 4))
    found = room.measures(CATALOGUE, read({"kpi": core[0], "value": 1}), tasks, places, teams=["growth"])
    found = found.set_index(["team", "measure"])
    assert found.loc[("content", "kpi_baselines_share"), "value"] == pytest.approx(1 / len(core))
    assert found.loc[("content", "share_of_hours_on_human_work"), "value"] == 0.25
    assert found.loc[("growth", "kpi_baselines_share"), "value"] == 0
    assert pd.isna(found.loc[("growth", "share_of_hours_on_human_work"), "value"])
    assert found.loc[("growth", "share_of_hours_on_human_work"), "needs"] == "tasks with hours and a level"


def test_empty_tables_give_empty_typed_results():
    nothing = (READINGS.empty(), TASKS.empty(), PLACEMENTS.empty())
    assert list(room.compare(CATALOGUE, READINGS.empty()).columns) == list(room.COMPARED_COLUMNS)
    assert list(room.time_split(*nothing[1:], CATALOGUE).columns) == list(room.SPLIT_COLUMNS)
    assert list(room.measures(CATALOGUE, *nothing).columns) == list(MEASURES.columns)
    assert room.findings(CATALOGUE, *nothing) == []


def test_system_throughput_multiplies_pieces_variants_and_channels():
    # 10 pieces x 3 variants x 4 channels in 2 weeks = 60 a week. Garwood for 10: 4.795 to 18.390, x 12 / 2.
    found = room.system_throughput(10, 3, 4, weeks=2)
    assert found.estimate == 60
    assert found.low == pytest.approx(4.7954 * 6, abs=0.001)
    assert found.high == pytest.approx(18.3904 * 6, abs=0.001)


def test_iteration_velocity_is_a_rate_for_a_campaign_and_week():
    # 12 optimisations in 3 campaigns over 2 weeks = 2 for each campaign and week.
    assert room.iteration_velocity(12, 3, 2).estimate == 2
    assert room.iteration_velocity(0, 3, 2).low == 0
    assert room.iteration_velocity(5, 0, 2) is None


def test_decision_density_and_signal_to_noise_are_shares_with_wilson_intervals():
    # 20 decisions beside 80 executions: 0.2. Wilson for 20 of 100 is 0.1334 to 0.2888.
    found = room.strategic_decision_density(20, 80)
    assert (found.estimate, found.n) == (0.2, 100)
    assert (found.low, found.high) == (pytest.approx(0.1334, abs=1e-4), pytest.approx(0.2888, abs=1e-4))
    assert room.signal_to_noise(20, 100).low == found.low
    assert room.signal_to_noise(0, 0) is None


def test_cost_per_asset_includes_hours_and_what_was_bought_and_has_no_interval():
    # 10 h x 50 + 200 = 700 over 7 accepted assets = 100 each.
    found = room.cost_per_asset(10, 50, 200, 7)
    assert found.estimate == 100
    assert not found.measured
    assert room.cost_per_asset(10, 50, 200, 0) is None
    assert room.cost_to_revenue(700, 7000, 7).estimate == 0.1


def test_time_to_produce_is_a_median():
    assert room.time_to_produce([1, 2, 9]).estimate == 2


@pytest.mark.parametrize(
    "call", [lambda: room.system_throughput(-1, 2, 2), lambda: room.cost_per_asset(1, 1, math.nan, 1)]
)
def test_numbers_that_cannot_be_are_refused(call):
    with pytest.raises(ParameterError, match="wanted a number from 0 up"):
        call()


def test_a_computed_value_can_be_kept_as_a_reading():
    found = room.reading(room.prompt_success(8, 10), team="content", kpi="prompt_success", start=FIRST, days=7)
    assert found["value"].tolist() == [0.8]
    assert found["n"].tolist() == [10]
    unmeasured = room.reading(
        room.cost_per_asset(1, 1, 1, 1), team="content", kpi="cost_per_asset", start=FIRST, days=7
    )
    assert unmeasured["low"].isna().all()


levels = st.one_of(st.none(), st.integers(1, 5))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(1, 100), st.floats(1, 100), levels), min_size=1, max_size=8))
def test_the_parts_of_the_hours_add_up_and_the_share_lies_between_its_ends(records):
    tasks, places = work(*((minutes, runs, level, level, level) for minutes, runs, level in records))
    row = room.time_split(tasks, places, CATALOGUE).iloc[0]
    assert row["hours"] == pytest.approx(row["hours_human"] + row["hours_agents"] + row["hours_unknown"])
    if not pd.isna(row["share_human"]):
        assert row["low"] - 1e-9 <= row["share_human"] <= row["high"] + 1e-9


@settings(max_examples=30, deadline=None)
@given(pieces=st.integers(0, 10_000), variants=st.floats(1, 20), channels=st.floats(1, 20))
def test_throughput_lies_between_its_ends(pieces, variants, channels):
    found = room.system_throughput(pieces, variants, channels)
    assert 0 <= found.low <= found.estimate <= found.high
