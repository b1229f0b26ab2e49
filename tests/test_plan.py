"""The ninety days on a calendar, and the gates."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import holidays
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import playbook
from playbook import plan as room
from playbook.errors import ContentError, ParameterError, TableError
from playbook.io import content
from playbook.tables import GATE_RESULTS, MEASURES, PROGRESS, TEAMS, check

SHIPPED = Path(__file__).parent.parent / "assessments/plan/default.yaml"
PLAN: room.Plan = content.read(SHIPPED, room.Plan)
MONDAY = dt.date(2026, 11, 30)


def rows(table, *records):
    return check(table, pd.DataFrame(list(records)))


def measured(*records, team="content"):
    return rows(MEASURES, *({"team": team, **record} for record in records))


def test_the_plan_has_the_three_phases_of_the_source_and_covers_ninety_days_without_a_gap():
    assert [(p.number, p.start_day, p.end_day) for p in PLAN.phases] == [(1, 1, 30), (2, 31, 60), (3, 61, 90)]


def test_every_measure_a_gate_asks_for_is_one_a_room_computes():
    asked = {condition.measure for phase in PLAN.phases for condition in phase.gate}
    assert asked <= set(room.GATE_MEASURES)


def test_every_phase_has_its_gate_activity_and_every_activity_names_a_notebook_of_its_phase():
    for activity in PLAN.activities:
        assert activity.notebook == "00_start.ipynb" or activity.notebook.startswith(f"phase{activity.phase}_")
    assert {activity.id for activity in PLAN.activities} >= {"p1_gate", "p2_gate", "p3_gate"}


def test_the_kit_reads_its_plan_by_name():
    assert playbook.load("plan") == PLAN


def test_a_gate_that_asks_for_an_unknown_measure_is_refused_with_the_nearest_name(tmp_path):
    file = tmp_path / "plan.yaml"
    text = SHIPPED.read_text(encoding="utf-8").replace("measure: workflows_mapped", "measure: workflow_mapped", 1)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ContentError, match="such as workflows_mapped"):
        content.read(file, room.Plan)


@pytest.mark.parametrize(
    ("was", "becomes", "complaint"),
    [
        ("depends_on: [p1_inventory]", "depends_on: [p1_nothing]", "p1_nothing, which is no activity"),
        ("depends_on: [p1_inventory]", "depends_on: [p1_gate]", "before p1_gate has ended"),
        ("id: p1_spectrum", "id: p1_inventory", "activity p1_inventory is there twice"),
        ("start_day: 31\n    end_day: 60", "start_day: 32\n    end_day: 60", "phase 2 starts the day after phase 1"),
        ("operator: at most\n        value: 0", "operator: at most", "left out with `is known`"),
    ],
)
def test_a_plan_that_does_not_fit_together_is_refused(tmp_path, was, becomes, complaint):
    text = SHIPPED.read_text(encoding="utf-8")
    assert was in text
    file = tmp_path / "plan.yaml"
    file.write_text(text.replace(was, becomes, 1), encoding="utf-8")
    with pytest.raises(ContentError, match=complaint):
        content.read(file, room.Plan)


def test_the_start_is_day_one_and_the_day_before_is_day_zero():
    # 2026-11-30 is day 1, so 30 days later, 2026-12-29, is day 30 and belongs to phase 1; the next day to phase 2.
    assert room.day_number(MONDAY, MONDAY) == 1
    assert room.day_number(MONDAY, MONDAY - dt.timedelta(days=1)) == 0
    assert room.day_number(MONDAY, dt.date(2026, 12, 29)) == 30
    assert [room.phase_of(day, PLAN) for day in (0, 1, 30, 31, 60, 61, 90, 91)] == [None, 1, 1, 2, 2, 3, 3, None]


def test_a_day_on_a_weekend_moves_to_a_working_day():
    # Day 1 on Saturday 2026-11-28: the one-day opening moves to Monday 30. The inventory is planned for day 2 to 6,
    # Sunday 29 to Thursday 3; it depends on the opening and so starts on Tuesday 1 December.
    found = room.schedule(PLAN, dt.date(2026, 11, 28)).set_index("activity")
    assert found.loc["p1_start", "start"] == found.loc["p1_start", "end"] == pd.Timestamp("2026-11-30")
    assert found.loc["p1_inventory", "start"] == pd.Timestamp("2026-12-01")
    assert found.loc["p1_inventory", "end"] == pd.Timestamp("2026-12-03")
    assert found.loc["p1_start", "note"].startswith("start moved from 2026-11-28 to a working day")


def test_public_holidays_of_the_country_are_no_working_days():
    # Day 12 of a start on 2026-12-14 is Friday 25 December: a holiday in Germany, an ordinary Friday without a country.
    start = dt.date(2026, 12, 14)
    german = room.schedule(PLAN, start, "DE").set_index("activity")
    plain = room.schedule(PLAN, start).set_index("activity")
    assert plain.loc["p1_baseline", "start"] == pd.Timestamp("2026-12-25")
    assert german.loc["p1_baseline", "start"] == pd.Timestamp("2026-12-28")


def test_a_country_that_is_not_known_is_refused_with_what_to_do():
    with pytest.raises(ParameterError, match="'XX' are not known; wanted an ISO 3166 code"):
        room.schedule(PLAN, MONDAY, "XX")


def test_each_team_has_its_own_start_and_country():
    teams = rows(
        TEAMS,
        {"team": "content", "name": "Content"},
        {"team": "growth", "name": "Growth", "start": dt.date(2027, 1, 4), "country": "AE"},
    )
    found = room.schedule(PLAN, MONDAY, "DE", teams=teams)
    first = found[found["activity"] == "p1_start"].set_index("team")["start"]
    assert first["content"] == pd.Timestamp(MONDAY)
    assert first["growth"] == pd.Timestamp("2027-01-04")


def test_status_comes_from_progress_and_overdue_needs_a_today():
    progress = rows(
        PROGRESS,
        {"team": "content", "activity": "p1_start", "status": "done", "done_on": MONDAY, "evidence": "the workspace"},
        {"team": "content", "activity": "p1_inventory", "status": "under way"},
    )
    # The inventory ends on day 6, Saturday 5 December, moved back to Friday 4: overdue on the 5th, not on the 4th.
    on_time = room.schedule(PLAN, MONDAY, progress=progress, today=dt.date(2026, 12, 4)).set_index("activity")
    late = room.schedule(PLAN, MONDAY, progress=progress, today=dt.date(2026, 12, 5)).set_index("activity")
    assert on_time.loc["p1_start", "status"] == "done"
    assert on_time.loc["p1_start", "evidence"] == "the workspace"
    assert not on_time["overdue"].any()
    assert list(late.index[late["overdue"]]) == ["p1_inventory"]
    assert room.schedule(PLAN, MONDAY, progress=progress)["overdue"].isna().all()


def test_without_a_team_there_is_one_schedule_and_no_measure():
    found = room.schedule(PLAN, MONDAY)
    assert set(found["team"]) == {""}
    assert dict(found.dtypes.astype(str)) == dict(
        pd.DataFrame(columns=list(room.SCHEDULE_COLUMNS)).astype(room.SCHEDULE_COLUMNS).dtypes.astype(str)
    )
    assert len(room.measures(found)) == 0


def test_progress_on_an_activity_the_plan_does_not_have_is_named():
    progress = rows(PROGRESS, {"team": "content", "activity": "p9_party", "status": "done"})
    said = room.findings(room.schedule(PLAN, MONDAY, progress=progress), progress=progress)
    assert any("p9_party is not counted" in sentence for sentence in said)


def test_the_share_done_leaves_out_what_was_dropped_and_is_empty_before_any_progress():
    # Phase 1 has 10 activities: 1 dropped, 3 done, so 3 / 9. Nothing is known of phases 2 and 3.
    progress = rows(
        PROGRESS,
        *(
            {"team": "content", "activity": name, "status": status}
            for name, status in {
                "p1_start": "done",
                "p1_inventory": "done",
                "p1_spectrum": "done",
                "p1_maturity": "dropped",
            }.items()
        ),
    )
    found = room.measures(room.schedule(PLAN, MONDAY, progress=progress)).set_index("measure")
    assert found.loc["activities_done_share_phase_1", "value"] == pytest.approx(3 / 9)
    assert found.loc["activities_done_share_phase_1", "n"] == 9
    assert pd.isna(found.loc["activities_done_share_phase_2", "value"])
    assert "progress written down" in found.loc["activities_done_share_phase_2", "needs"]


def test_a_condition_is_met_at_its_value_and_not_met_below():
    for value, status in [(3, "met"), (2, "not met")]:
        found = room.gate(
            PLAN, 1, measured({"measure": "workflows_mapped", "value": value, "evidence": "the inventory"})
        )
        row = found.set_index("condition").loc["p1_workflows"]
        assert (row["status"], row["value"]) == (status, value)
        assert row["wanted"] == "at least 3 workflows"
        assert f"{value} workflows: the inventory" in row["evidence"]


def test_a_condition_with_a_ceiling_is_met_at_it_and_not_above():
    for value, status in [(0, "met"), (1, "not met")]:
        found = room.gate(PLAN, 2, measured({"measure": "separation_faults", "value": value}))
        assert found.set_index("condition").loc["p2_separation", "status"] == status


def test_a_share_is_wanted_and_shown_in_percent():
    found = room.gate(PLAN, 1, measured({"measure": "share_of_tasks_placed", "value": 0.85})).set_index("condition")
    assert found.loc["p1_placed", "wanted"] == "at least 90 %"
    assert found.loc["p1_placed", "evidence"].startswith("85 %")


def test_a_figure_that_only_has_to_be_known_is_met_whatever_it_is():
    found = room.gate(PLAN, 3, measured({"measure": "share_of_hours_on_human_work", "value": 0.0}))
    assert found.set_index("condition").loc["p3_human_work", "status"] == "met"


def test_a_missing_row_and_an_empty_value_are_not_yet_measurable_and_say_what_they_need():
    found = room.gate(PLAN, 1, measured({"measure": "pilots_measured", "needs": "12 more timed items"}))
    found = found.set_index("condition")
    assert found.loc["p1_measured", "status"] == "not yet measurable"
    assert "needs 12 more timed items" in found.loc["p1_measured", "evidence"]
    assert found.loc["p1_workflows", "status"] == "not yet measurable"
    assert "Import the task sheet" in found.loc["p1_workflows", "evidence"]


@pytest.mark.parametrize(
    ("shortlisted", "running", "status", "wanted"),
    [
        (1.0, 1.0, "met", "at least 1 pilot"),  # one workflow was fit for a pilot and it runs: nothing more is owed
        (3.0, 2.0, "not met", "at least 3 pilots"),
        (None, 2.0, "not yet measurable", "at least the figure of pilots_shortlisted"),
        (3.0, None, "not yet measurable", "at least 3 pilots"),
    ],
)
def test_a_condition_may_want_as_much_as_another_measure_of_the_team(shortlisted, running, status, wanted):
    measures = measured(
        {"measure": "pilots_shortlisted", "value": shortlisted}, {"measure": "pilots_running", "value": running}
    )
    result = room.gate(PLAN, 1, measures).set_index("condition").loc["p1_running"]
    assert (result["status"], result["wanted"]) == (status, wanted)


def test_teams_are_judged_by_their_own_measures_only():
    both = pd.concat(
        [
            measured({"measure": "workflows_mapped", "value": 9}),
            measured({"measure": "workflows_mapped", "value": 1}, team="growth"),
        ]
    )
    found = room.gate(PLAN, 1, both, teams=["content", "growth", "brand"])
    status = found[found["condition"] == "p1_workflows"].set_index("team")["status"].to_dict()
    assert status == {"content": "met", "growth": "not met", "brand": "not yet measurable"}


def test_a_gate_is_open_only_when_every_condition_is_met():
    full = [
        {"measure": condition.measure, "value": 1 if condition.value is None else condition.value}
        for condition in PLAN.phase(1).gate
    ]
    found = room.gate(PLAN, 1, measured(*full))
    assert room.is_open(found)
    assert room.verdicts(found)[["open", "met", "not_met", "not_yet"]].to_numpy().tolist() == [[True, len(full), 0, 0]]
    assert not room.is_open(room.gate(PLAN, 1, measured(*full[1:])))
    assert "is open: of" in room.findings(results=found)[0]


def test_no_measure_at_all_gives_an_empty_result_and_a_closed_gate():
    found = room.gate(PLAN, 1, MEASURES.empty())
    assert len(found) == 0
    assert list(found.columns) == list(GATE_RESULTS.columns)
    assert not room.is_open(found)
    assert len(room.verdicts(found)) == 0


def test_a_phase_the_plan_does_not_have_is_refused():
    with pytest.raises(ParameterError, match="phase: 4 is not in the plan; wanted one of 1, 2, 3"):
        room.gate(PLAN, 4, MEASURES.empty())


def test_the_same_measure_given_twice_is_refused():
    twice = pd.DataFrame([{"team": "content", "measure": "tasks_mapped", "value": value} for value in (1, 2)])
    with pytest.raises(TableError, match="a key not used before"):
        room.gate(PLAN, 1, twice)


starts = st.dates(dt.date(2024, 1, 1), dt.date(2030, 1, 1))


@settings(max_examples=40, deadline=None)
@given(start=starts, country=st.sampled_from([None, "DE", "US", "AE", "IN", "JP", "gb"]))
def test_every_date_is_a_working_day_never_before_the_start_and_after_what_it_depends_on(start, country):
    calendar = holidays.country_holidays(country.upper()) if country else None
    found = room.schedule(PLAN, start, country)
    dates = {row["activity"]: (row["start"].date(), row["end"].date()) for row in found.to_dict(orient="records")}
    for activity in PLAN.activities:
        first, last = dates[activity.id]
        assert start <= first <= last
        for day in (first, last):
            assert calendar.is_working_day(day) if calendar is not None else day.weekday() < 5
        assert all(dates[name][1] < first for name in activity.depends_on)


@settings(max_examples=40, deadline=None)
@given(
    phase=st.sampled_from([1, 2, 3]),
    values=st.lists(st.one_of(st.none(), st.floats(0, 100)), min_size=3, max_size=3),
    extra=st.floats(0, 100),
)
def test_a_measure_no_condition_asks_for_changes_nothing(phase, values, extra):
    asked = [condition.measure for condition in PLAN.phase(phase).gate]
    given_rows = [{"measure": name, "value": value} for name, value in zip(asked, values, strict=False)]
    before = room.gate(PLAN, phase, measured(*given_rows))
    after = room.gate(PLAN, phase, measured(*given_rows, {"measure": "moon_phase", "value": extra}))
    pd.testing.assert_frame_equal(before, after)


@settings(max_examples=40, deadline=None)
@given(value=st.floats(0, 10), more=st.floats(0, 10))
def test_more_of_what_is_wanted_never_closes_a_condition(value, more):
    def status(amount):
        found = room.gate(PLAN, 1, measured({"measure": "workflows_mapped", "value": amount}))
        return found.set_index("condition").loc["p1_workflows", "status"]

    assert not (status(value) == "met" and status(value + more) != "met")
