"""Pilots: verdicts with enough evidence, and "not yet" without it."""

from __future__ import annotations

import datetime as dt
import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import playbook
from playbook import intervals, pilots, tables

RULE = playbook.load("pilot_evidence")
BEFORE, DURING = dt.date(2026, 9, 1), dt.date(2026, 10, 1)


def pilot(**changes):
    row = {"team": "content", "pilot_id": "report", "workflow": "Weekly report", "level": 4, "status": "ended"}
    row |= {"start": dt.date(2026, 9, 28), "end": dt.date(2026, 10, 4)}  # one week, so that one look is planned
    return tables.check(tables.PILOTS, pd.DataFrame([row | changes]))


def items(baseline=(), trial=(), *, accepted=None, quality=None, trial_day=DURING, **more):
    arms = (("baseline", BEFORE, baseline), ("trial", trial_day, trial))
    rows = [
        {"team": "content", "pilot_id": "report", "item": f"{arm}{i}", "arm": arm, "day": day, "minutes": minutes}
        | {"accepted": accepted[arm][i] if accepted else None, "quality": quality[arm][i] if quality else None}
        | (more if arm == "trial" else {})
        for arm, day, times in arms
        for i, minutes in enumerate(times)
    ]
    return tables.check(tables.PILOT_ITEMS, pd.DataFrame(rows)) if rows else tables.PILOT_ITEMS.empty()


def breakages(*rows):
    base = {"team": "content", "pilot_id": "report", "day": DURING, "category": "output", "severity": "minor"}
    if not rows:
        return tables.BREAKAGES.empty()
    return tables.check(
        tables.BREAKAGES, pd.DataFrame([base | {"breakage_id": f"b{i}"} | row for i, row in enumerate(rows)])
    )


def read(found_items, found_breakages=None, **changes):
    broken = breakages() if found_breakages is None else found_breakages
    return pilots.readout(pilot(**changes), found_items, broken, RULE).iloc[0]


# Logs lie at ln 40 ± ln 1.5 before and at half of it in the trial.
OLD = [60.0, 40 / 1.5] * 10
NEW = [30.0, 20 / 1.5] * 10


def test_half_the_minutes_in_every_item_is_time_saved():
    # Geometric means 40 and 20: ratio 0.5. Log variance (ln 1.5)² x 20/19 = 0.17305 each; se = sqrt(2 x 0.17305/20)
    # = 0.13155; t(38) = 2.0244; 0.5 x exp(±0.26631) = 0.3831 to 0.6526.
    row = read(items(OLD, NEW))
    assert row["time_verdict"] == "saved"
    assert (round(row["time_ratio"], 4), round(row["ratio_low"], 4), round(row["ratio_high"], 4)) == (
        0.5,
        0.3831,
        0.6526,
    )
    # Arithmetic means 43.33 and 21.67: 21.67 minutes saved an item.
    assert row["minutes_saved"] == pytest.approx(21.6667, abs=1e-3)
    assert (row["n_baseline"], row["n_trial"], row["breakages"]) == (20, 20, 0)


def test_review_and_rework_are_subtracted_before_time_counts_as_saved():
    # Each trial item costs 15 minutes of review and 10 of rework more: 55 and 38.3 against 60 and 26.7 minutes.
    row = read(items(OLD, NEW, review_minutes=15.0, rework_minutes=10.0))
    assert row["time_verdict"] == "not shown"
    assert row["minutes_saved"] == pytest.approx(21.6667 - 25, abs=1e-3)


def test_a_trial_that_takes_longer_is_called_slower():
    assert read(items(NEW, OLD))["time_verdict"] == "slower"


def test_a_running_pilot_gets_the_interval_that_may_be_looked_at_every_week():
    ended, running = read(items(OLD, NEW)), read(items(OLD, NEW), status="running")
    looked = intervals.geometric_ratio_any_time(NEW, OLD)
    assert (running["ratio_low"], running["ratio_high"]) == pytest.approx((looked.low, looked.high))
    assert running["ratio_low"] < ended["ratio_low"]
    assert (running["looks"], ended["looks"]) == ("any time", "planned date")
    assert "holds whenever one looks" in running["reason"]
    assert "holds whenever one looks" not in ended["reason"]


def test_nine_items_a_side_are_not_yet_enough_and_the_reason_says_how_many_more():
    row = read(items(OLD[:9], NEW[:4]))
    assert (row["time_verdict"], row["quality_verdict"]) == ("not yet", "not yet")
    assert "1 more baseline item (9 so far) and 6 more trial items (4 so far)" in row["reason"]


def test_a_pilot_without_items_is_not_yet():
    row = read(items(), status="planned")
    assert (row["time_verdict"], row["quality_verdict"]) == ("not yet", "not yet")
    assert row[["time_ratio", "ratio_low", "minutes_saved", "quality_difference"]].isna().all()


def test_times_that_are_all_equal_are_not_yet_a_measurement():
    row = read(items([30.0] * 12, [15.0] * 12))
    assert row["time_verdict"] == "not yet"
    assert "timed one by one" in row["reason"]


def test_items_no_person_touched_count_as_a_minute_and_the_reason_says_so():
    row = read(items(OLD, [0.0, 2.0] * 10))
    # Geometric mean of the trial sqrt(1 x 2) = 1.4142; 1.4142 / 40 = 0.03536.
    assert row["time_ratio"] == pytest.approx(math.sqrt(2) / 40)
    assert "times under 1 minute count as that" in row["reason"]


def test_an_unclear_time_says_how_many_more_items_would_settle_it():
    # Ratio 0.9, log variance 0.17305 a side: 2 x 7.849 x 0.17305 / ln(0.9)² = 244.7, 245 a side: 225 more each.
    row = read(items(OLD, [minutes * 0.9 for minutes in OLD]))
    assert row["time_verdict"] == "not shown"
    assert (row["more_baseline"], row["more_trial"]) == (225, 225)
    # all 20 came on one day, which counts as a week: 225 / 20 a week = 11.25 weeks
    assert row["more_weeks"] == pytest.approx(11.25)
    assert row["still_needed"].startswith("For time 225 more items the old way and 225 more items with the agent")
    assert "about 12 weeks at 20.0 a week" in row["still_needed"]


def test_twenty_of_twenty_accepted_do_not_show_that_quality_is_kept_within_ten_points():
    # Wilson of 20/20 is 0.8389 to 1: the difference of 0 has the interval -0.161 to 0.161, and -0.161 < -0.10.
    judged = {"baseline": [True] * 20, "trial": [True] * 20}
    row = read(items(OLD, NEW, accepted=judged))
    assert row["quality_verdict"] == "not shown"
    assert (row["quality_difference"], round(row["quality_low"], 3), round(row["quality_high"], 3)) == (
        0,
        -0.161,
        0.161,
    )
    # Share (40 + 1) / (40 + 2) = 0.97619: 2 x 7.849 x 0.97619 x 0.02381 / 0.01 = 36.5, 37 a side: 17 more each.
    assert (row["more_baseline"], row["more_trial"]) == (17, 17)


def test_quality_is_kept_when_the_whole_interval_lies_above_the_margin():
    # 60/60 on both sides: Wilson low 60 / (60 + 3.8415) = 0.9398, difference -0.060 to 0.060.
    judged = {"baseline": [True] * 60, "trial": [True] * 60}
    row = read(items(OLD * 3, NEW * 3, accepted=judged))
    assert (row["quality_verdict"], round(row["quality_low"], 3)) == ("kept", -0.060)


def test_quality_is_worse_when_the_whole_interval_lies_below_zero():
    judged = {"baseline": [True] * 20, "trial": [False] * 12 + [True] * 8}
    assert read(items(OLD, NEW, accepted=judged))["quality_verdict"] == "worse"


def test_the_blinded_rubric_speaks_where_acceptance_was_not_judged():
    scores = {"baseline": [4.0, 5.0] * 10, "trial": [4.0, 5.0] * 10}
    row = read(items(OLD, NEW, quality=scores))
    # se = sqrt(2 x 0.26316 / 20) = 0.16222, t(38) = 2.0244: difference 0 ± 0.33, above the margin of -0.5.
    assert row["quality_verdict"] == "kept"
    assert "blinded score +0.00 points (95 % interval -0.33 to +0.33" in row["reason"]
    assert (row["quality_measure"], row["judged_trial"]) == ("blinded scores", 20)
    assert pd.isna(row["quality_difference"])


def test_a_before_and_after_design_says_what_it_cannot_rule_out():
    assert "a speed-up coming anyway" in read(items(OLD, NEW))["cannot_rule_out"]
    assert "overlap in time" in read(items(OLD, NEW, trial_day=BEFORE))["cannot_rule_out"]


def test_pilots_of_two_teams_with_the_same_id_are_not_mixed():
    both = pd.concat([pilot(), pilot(team="demand")], ignore_index=True)
    rows = pilots.readout(both, items(OLD, NEW), breakages({"what": "wrong date"}), RULE)
    assert rows["n_trial"].tolist() == [20, 0]
    assert rows["breakages"].tolist() == [1, 0]


def test_no_pilots_give_an_empty_typed_readout_and_a_not_yet():
    empty = (tables.PILOTS.empty(), tables.PILOT_ITEMS.empty(), tables.BREAKAGES.empty())
    found = pilots.readout(*empty, RULE)
    assert found.empty
    assert found.dtypes.to_dict() == tables.PILOT_READOUTS.empty().dtypes.to_dict()
    assert pilots.findings(*empty, RULE)[0].startswith("Not yet: no pilot")
    assert pilots.measures(*empty, RULE).empty


def test_a_team_without_pilots_runs_none_and_the_rest_says_what_it_needs():
    empty = (tables.PILOTS.empty(), tables.PILOT_ITEMS.empty(), tables.BREAKAGES.empty())
    rows = pilots.measures(*empty, RULE, teams=["content"]).set_index("measure")
    assert rows.loc["pilots_running", "value"] == 0
    assert rows.loc["pilots_measured", "value"] == 0
    unknown = rows[rows["value"].isna()]
    assert set(unknown.index) == {
        "pilots_time_saved", "pilots_quality_kept", "pilots_breakages_recorded", "pilots_hours_saved",
    }  # fmt: skip
    assert unknown["needs"].eq("a pilot at level 4 or 5 that runs").all()


def test_measures_count_only_pilots_at_level_four_or_five_that_run_or_ended():
    rows = pd.concat(
        [
            pilot(),
            pilot(pilot_id="draft", level=3),
            pilot(pilot_id="late", status="planned"),
            pilot(pilot_id="off", status="stopped"),
            pilot(pilot_id="new", status="running", level=5),
        ],
        ignore_index=True,
    )
    judged = {"baseline": [True] * 60, "trial": [True] * 60}
    found = pilots.measures(
        rows, items(OLD * 3, NEW * 3, accepted=judged), breakages({"what": "Nothing broke in four weeks."}), RULE
    )
    values = found.set_index("measure")["value"]
    assert values["pilots_running"] == 2
    assert values["pilots_measured"] == 1
    assert values["pilots_time_saved"] == 1
    assert values["pilots_quality_kept"] == 1
    assert values["pilots_breakages_recorded"] == 0.5
    # 60 trial items x 21.667 minutes / 60 = 21.67 hours.
    assert values["pilots_hours_saved"] == pytest.approx(21.667, abs=1e-3)


def test_a_note_that_nothing_broke_is_on_record_but_no_breakage():
    note = breakages({"what": "Nothing broke."})
    assert read(items(OLD, NEW), note)["breakages"] == 0
    assert any("on record that nothing broke" in said for said in pilots.findings(pilot(), items(OLD, NEW), note, RULE))


def test_a_pilot_that_ran_but_was_never_timed_is_not_called_never_run():
    said = pilots.findings(pilot(), items([], []), breakages(), RULE)[1]
    assert said == "Weekly report: no timed item with the agent yet, so what breaks is not yet known."


def test_findings_say_what_broke_how_bad_and_what_it_cost():
    broken = breakages(
        {"what": "feed empty", "category": "input", "severity": "critical", "minutes_lost": 45.0, "fix": "alarm"},
        {"what": "wrong sum", "minutes_lost": 15.0},
    )
    said = pilots.findings(pilot(), items(OLD, NEW), broken, RULE)[1]
    assert said == (
        "Weekly report: 2 broke (1 input, 1 output; 1 major or critical); 60 minutes lost, 1 without a fix so far."
    )


def test_items_of_an_unknown_pilot_are_named_and_not_lost_in_silence():
    said = pilots.findings(pilot(pilot_id="other"), items([10.0], [5.0]), breakages(), RULE)
    assert said[-1] == "2 timed items belong to no pilot on record and were left out: report (content)."


def test_a_stricter_rule_turns_a_verdict_into_not_yet():
    stricter = RULE.least_items.model_copy(update={"value": 30})
    rule = RULE.model_copy(update={"least_items": stricter})
    rows = pilots.readout(pilot(), items(OLD, NEW), breakages(), rule)
    assert rows.loc[0, "time_verdict"] == "not yet"


@pytest.mark.parametrize(
    ("name", "value"), [("least_items", 1), ("least_items", 10.5), ("acceptance_margin", 1), ("rubric_margin", 4)]
)
def test_a_threshold_out_of_range_is_refused_by_name(name, value):
    authored = RULE.model_dump()
    authored[name]["value"] = value
    with pytest.raises(ValueError, match=f"{name} is {value}; wanted"):
        pilots.EvidenceRule.model_validate(authored)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(2, 300), min_size=10, max_size=25), st.floats(1.05, 4), st.booleans())
def test_a_longer_old_way_never_makes_the_saving_smaller(times, factor, ended):
    trial = [minutes * (0.4 + 0.05 * (i % 5)) for i, minutes in enumerate(times)]
    status = "ended" if ended else "running"
    less, more = (read(items([t * f for t in times], trial), status=status) for f in (1.0, factor))
    assert more["time_ratio"] < less["time_ratio"]
    if less["time_verdict"] == "saved":
        assert more["time_verdict"] == "saved"


def test_the_longest_reason_fits_its_column():
    judged = {"baseline": [True, False] * 5000, "trial": [True, False] * 5000}
    row = read(items([10_080.0, 0.0] * 5000, [10_000.0, 0.0] * 5000, accepted=judged), status="running")
    assert len(row["reason"]) <= 1000
    scores = {"baseline": [1.0, 5.0] * 500, "trial": [1.0, 5.0] * 490 + [1.0] * 20}
    row = read(items([10_080.0, 0.0] * 500, [10_000.0, 0.0] * 500, quality=scores), status="running")
    assert len(row["reason"]) <= 1000
