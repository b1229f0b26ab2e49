"""Pilots: designs, looks, people who count together, several workflows at once; and the promises kept when simulated."""

import datetime as dt
import math
import time
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import playbook
from playbook import intervals, pilots, tables
from playbook.pilots.contrast import AGAINST_GROUP, OWN, any_time_level, by_person, compare, group_means
from playbook.pilots.looks import bounds, planned_days, spent
from playbook.pilots.together import shrink

RULE = playbook.load("pilot_evidence")
START, END = dt.date(2026, 10, 5), dt.date(2026, 11, 1)
NOTHING = tables.BREAKAGES.empty()


def pilot(**changes):
    row = {"team": "t", "pilot_id": "p", "workflow": "Weekly report", "level": 4, "status": "ended"}
    return tables.check(tables.PILOTS, pd.DataFrame([row | {"start": START, "end": END} | changes]))


def timed(arm, minutes, *, first=None, group=False, people=None, **more):
    """Items of one arm spread evenly over four weeks, baseline before the start unless a first day is given."""
    day = first or (START - dt.timedelta(days=28) if arm == "baseline" else START)
    n = len(minutes)
    rows = {
        "team": "t", "pilot_id": "p", "arm": arm, "minutes": minutes, "comparison": group,
        "item": [f"{arm}-{group}-{i}" for i in range(n)],
        "day": [day + dt.timedelta(days=i * 28 // n) for i in range(n)],
        "person": [f"who-{i % people}" if people else None for i in range(n)],
    }  # fmt: skip
    return pd.DataFrame(rows | more)


def sheet(*parts):
    return tables.check(tables.PILOT_ITEMS, pd.concat(parts, ignore_index=True))


def read(frame, **changes):
    return pilots.readout(pilot(**changes), frame, NOTHING, RULE).iloc[0]


def drawn(rng, n, centre=4.0, spread=0.6):
    return np.exp(rng.normal(centre, spread, n)).round(2).tolist()


OLD = [60.0, 40 / 1.5] * 10
NEW = [30.0, 20 / 1.5] * 10


def test_four_weekly_looks_have_the_published_bounds():
    # O'Brien-Fleming type spending at four even looks, two-sided 5 %: Lan and DeMets 1983
    assert [round(bound, 3) for bound in bounds([0.25, 0.5, 0.75, 1])] == [4.333, 2.963, 2.359, 2.014]
    assert bounds([1.0]) == pytest.approx([1.96], abs=1e-3)
    assert spent(1) == pytest.approx(0.05)
    assert spent(0) == 0


@given(st.integers(1, 12))
@settings(max_examples=12, deadline=None)
def test_later_looks_ask_for_less_and_more_looks_cost_something(looks):
    found = bounds([k / looks for k in range(1, looks + 1)])
    assert all(one >= later for one, later in pairwise(found))
    assert found[-1] >= 1.9599


def test_looks_are_planned_week_by_week_and_at_the_end():
    days = planned_days(dt.date(2026, 10, 1), dt.date(2026, 10, 30))
    assert [day.day for day in days] == [7, 14, 21, 30]
    assert planned_days(START, START) == [START]


def test_at_the_planned_end_the_interval_is_the_last_of_four_looks():
    # 2 (1 - Phi(2.014)) = 0.04400; se 0.13155, t(38) at 1 - 0.022 = 2.0826: 0.5 x exp(-0.27397) = 0.3802
    row = read(sheet(timed("baseline", OLD), timed("trial", NEW)))
    assert row["ratio_low"] == pytest.approx(0.3802, abs=2e-4)
    assert row["looks"] == "planned date"
    assert "the last of 4 weekly looks planned" in row["reason"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"status": "running"}, "as the pilot has not ended"),
        ({"status": "stopped"}, "as the pilot was stopped"),
        ({"end": None}, "as no planned first and last day is on record"),
        ({"end": END - dt.timedelta(days=7)}, "as 5 items came after the planned end"),
    ],
)
def test_an_unplanned_look_gets_the_interval_that_holds_at_any_time(changes, why):
    row = read(sheet(timed("baseline", OLD), timed("trial", NEW)), **changes)
    looked = intervals.geometric_ratio_any_time(NEW, OLD)
    assert row["looks"] == "any time"
    assert (row["ratio_low"], row["ratio_high"]) == pytest.approx((looked.low, looked.high))
    assert why in row["reason"]


def test_with_two_items_a_side_there_is_no_bound_for_any_time_yet():
    assert math.isnan(any_time_level(1, 2))
    assert math.isnan(any_time_level(0, 2))


def test_weekly_looks_say_what_each_would_have_shown():
    frame = sheet(timed("baseline", OLD), timed("trial", NEW))
    found = pilots.weekly_looks(
        pilot(status="running"), frame[frame["day"] <= pd.Timestamp(END) - pd.Timedelta(days=3)], RULE
    )
    assert found["look"].tolist() == [1, 2, 3]
    assert found["n_trial"].tolist() == [5, 10, 15]
    assert found["share_spent"].is_monotonic_increasing
    assert found["says"].tolist()[-1] == "saved"
    ended = pilots.weekly_looks(pilot(), frame, RULE).iloc[-1]
    assert (ended["ratio_low"], ended["share_spent"]) == pytest.approx((read(frame)["ratio_low"], 1.0))
    assert pilots.weekly_looks(pilot(start=None), frame, RULE).empty


def test_a_speed_up_everybody_had_is_taken_out_by_a_comparison_group():
    # the pilot's items take 0.4 of before, the group's 0.8: 0.4 / 0.8 = 0.5
    frame = sheet(
        timed("baseline", OLD),
        timed("trial", [m * 0.4 for m in OLD]),
        timed("baseline", OLD, group=True),
        timed("trial", [m * 0.8 for m in OLD], group=True),
    )
    row = read(frame, design="comparison group")
    assert row["time_ratio"] == pytest.approx(0.5)
    assert row["n_comparison"] == 40
    # four variances of 0.17305 / 20: se 0.18604, t(76) at 0.022 = 2.0486 -> 0.5 exp(-0.38113) = 0.3415
    assert row["ratio_low"] == pytest.approx(0.3415, abs=2e-4)
    # 43.333 minutes would take 0.8 of it by now, 34.667; the agent takes 17.333
    assert (row["old_minutes"], row["minutes_saved"]) == pytest.approx((34.667, 17.333), abs=1e-3)
    assert "the comparison group's own minutes did (0.80 of theirs)" in row["reason"]
    assert read(frame)["time_ratio"] == pytest.approx(0.4), "another design leaves the group aside"


def test_a_comparison_group_nobody_timed_gives_no_verdict():
    row = read(sheet(timed("baseline", OLD), timed("trial", NEW)), design="comparison group")
    assert row["time_verdict"] == "not yet"
    assert "10 more comparison baseline items (0 so far) and 10 more comparison trial items (0 so far)" in row["reason"]


def test_items_that_did_not_take_turns_are_not_passed_off_as_alternating():
    frame = sheet(timed("baseline", OLD), timed("trial", NEW))
    assert (
        "were to take turns, but all with the agent came after"
        in read(frame, design="alternating items")["cannot_rule_out"]
    )
    both = sheet(timed("baseline", OLD, first=START), timed("trial", NEW))
    assert "share the same weeks" in read(both, design="alternating items")["cannot_rule_out"]


def test_people_who_did_both_are_each_set_against_themselves():
    rng = np.random.default_rng(4)
    old, new = drawn(rng, 30), drawn(rng, 30, 3.5)
    row = read(sheet(timed("baseline", old, people=6), timed("trial", new, people=6)))
    means = [[np.log(side[who::6]).mean() for who in range(6)] for side in (new, old)]
    difference = np.subtract(*means)
    # the same interval by scipy's one-sample t on the six people's differences, at the level of the last look
    low, high = stats.ttest_1samp(difference, 0).confidence_interval(1 - 2 * stats.norm.sf(2.01409))
    assert (row["ratio_low"], row["ratio_high"]) == pytest.approx((math.exp(low), math.exp(high)), rel=1e-4)
    assert row["counted_by"] == "people, paired"
    assert "counted by 6 people, each against their own" in row["reason"]


def test_people_on_one_side_only_count_together_all_the_same():
    rng = np.random.default_rng(5)
    mood = np.repeat(rng.normal(0, 0.5, 8), 6).reshape(8, 6)
    logs = (mood + rng.normal(4, 0.2, (8, 6))).T.ravel()  # six rounds of eight people
    old, new = (np.exp(logs.reshape(6, 8)[:, side]).ravel().tolist() for side in (slice(0, 4), slice(4, 8)))
    frame = sheet(timed("baseline", old, people=4), timed("trial", new, people=4))
    frame.loc[frame["arm"] == "trial", "person"] = "other-" + frame["person"]
    row, plain = read(frame), read(frame.assign(person=None))
    assert (row["counted_by"], plain["counted_by"]) == ("people", "items")
    assert row["ratio_high"] / row["ratio_low"] > 1.5 * plain["ratio_high"] / plain["ratio_low"]


def test_the_degrees_of_freedom_are_bell_and_mccaffreys():
    rng = np.random.default_rng(7)
    people, cells = rng.integers(0, 7, 40), rng.integers(0, 2, 40)
    found = by_person(rng.normal(size=40), cells, people, np.array(OWN))
    # the same from the matrices of the paper: P = [(I - H) A_g x_g] with A_g = (I - H_gg)^(-1/2), df = tr² / |P'P|²
    x = np.eye(2)[cells]
    left = np.eye(40) - x @ np.linalg.inv(x.T @ x) @ x.T
    columns = []
    for person in range(7):
        mine = people == person
        values, vectors = np.linalg.eigh(left[np.ix_(mine, mine)])
        root = vectors @ np.diag(values**-0.5) @ vectors.T
        columns.append(left[:, mine] @ root @ x[mine] @ np.linalg.inv(x.T @ x) @ np.array(OWN))
    inner = np.array(columns) @ np.array(columns).T
    assert found.freedom == pytest.approx(np.trace(inner) ** 2 / (inner**2).sum())


def test_one_item_a_person_makes_the_clustered_error_welchs_own():
    rng = np.random.default_rng(6)
    values, cells = rng.normal(size=30), np.repeat([0, 1], [12, 18])
    clustered = by_person(values, cells, np.arange(30), np.array(OWN))
    # CR2 with clusters of one is HC2: sum of (x - mean)² / (1 - 1/n) / n² = s² / n
    assert clustered.error == pytest.approx(group_means(values, cells, np.array(OWN)).error)


@pytest.mark.parametrize("people", [4, None])
def test_fewer_than_five_people_or_nobody_named_is_said_and_not_hidden_in_a_narrow_interval(people):
    row = read(sheet(timed("baseline", OLD, people=people), timed("trial", NEW, people=people)))
    assert row["counted_by"] == "items"
    assert "whether items of one person are alike cannot be judged" in row["cannot_rule_out"]
    # |ln 0.5| = 0.6931 over 0.27397
    assert "as long as it is less than 2.5 times as wide" in row["cannot_rule_out"]


@pytest.mark.parametrize("people", [3, 5, 20])
def test_no_person_is_named_or_shown_anywhere(people):
    frame = sheet(timed("baseline", OLD, people=people), timed("trial", NEW, people=people))
    said = pilots.readout(pilot(), frame, NOTHING, RULE).to_csv()
    said += (
        " ".join(pilots.findings(pilot(), frame, NOTHING, RULE)) + pilots.weekly_looks(pilot(), frame, RULE).to_csv()
    )
    assert "who-" not in said


def test_renaming_the_people_changes_nothing():
    rng = np.random.default_rng(8)
    frame = sheet(timed("baseline", drawn(rng, 30), people=6), timed("trial", drawn(rng, 30), people=6))
    renamed = frame.assign(person=frame["person"].str.replace("who-", "z").str[::-1])
    assert read(frame).equals(read(renamed))


def test_blinded_scores_decide_where_both_measures_were_taken_as_they_need_fewer_items():
    # expected items a side: (0.8 / 0.5)² = 2.56 against 0.09 / 0.01 = 9 in the same unit
    assert RULE.quality_by == "blinded scores"
    both = {"accepted": [True, False] * 10, "quality": [4.0, 5.0] * 10}
    row = read(sheet(timed("baseline", OLD, **both), timed("trial", NEW, **both)))
    assert (row["quality_measure"], row["quality_verdict"]) == ("blinded scores", "kept")
    assert row["quality_low"] < -0.1, "by the share accepted it would not be shown"
    rough = RULE.rubric_spread.model_copy(update={"value": 2.0})
    assert RULE.model_copy(update={"rubric_spread": rough}).quality_by == "share accepted"


def test_the_measure_of_quality_is_chosen_by_counts_and_not_by_results():
    few = {"accepted": [True] * 20, "quality": [4.0, 5.0, 4.0] + [None] * 17}
    row = read(sheet(timed("baseline", OLD, **few), timed("trial", NEW, **few)))
    assert row["quality_measure"] == "share accepted"
    assert "by the share accepted, as too few have blinded scores" in row["reason"]


def test_what_is_expected_before_the_data_is_the_same_in_both_rules():
    proof = playbook.load("pilots").proof
    assert (RULE.accepted_share.value, RULE.rubric_spread.value, RULE.chance.value) == (
        proof.accepted.value, proof.rubric_spread.value, proof.chance.value,
    )  # fmt: skip


minutes = st.lists(st.floats(0, 500), min_size=2, max_size=12)


@settings(max_examples=25, deadline=None)
@given(minutes, minutes, st.floats(0, 60), st.floats(0, 60), st.booleans())
def test_minutes_saved_are_those_by_hand_less_review_and_rework(old, new, review, rework, group):
    parts = [timed("baseline", old), timed("trial", new, review_minutes=review, rework_minutes=rework)]
    if group:
        parts += [timed("baseline", [30.0, 50.0], group=True), timed("trial", [30.0, 40.0], group=True)]
    row = read(sheet(*parts), design="comparison group" if group else "before and after")
    assert row["minutes_saved"] == pytest.approx(row["hands_on_saved"] - row["review_added"] - row["rework_added"])
    assert row["minutes_saved"] == pytest.approx(row["old_minutes"] - row["new_minutes"])


def test_alike_figures_are_drawn_together_and_a_single_one_is_left_alone():
    alike = shrink([-0.7, -0.5, -0.6], [0.3, 0.3, 0.3], 1.0)
    assert all(
        abs(found.estimate + 0.6) < abs(raw + 0.6) or raw == -0.6
        for found, raw in zip(alike, (-0.7, -0.5, -0.6), strict=True)
    )
    assert all(found.high - found.low < 2 * 1.96 * 0.3 for found in alike)
    alone = shrink([-0.7], [0.3], 1.0)[0]
    assert (alone.estimate, alone.low) == pytest.approx((-0.7, -0.7 - 1.96 * 0.3), abs=1e-4)


def test_a_certain_figure_moves_less_than_an_uncertain_one():
    sure, unsure = shrink([-1.0, 0.0], [0.05, 0.5], 1.0)
    assert abs(sure.estimate + 1) < 0.05 < abs(unsure.estimate)


def test_pilots_are_read_together_within_a_team_and_never_across():
    frame = sheet(timed("baseline", OLD), timed("trial", NEW))
    three = pd.concat([frame, frame.assign(pilot_id="q"), frame.assign(team="other")], ignore_index=True)
    known = pd.concat([pilot(), pilot(pilot_id="q"), pilot(team="other")], ignore_index=True)
    rows = pilots.readout(known, three, NOTHING, RULE)
    assert rows["shrunk_ratio"].notna().tolist() == [True, True, False]
    assert any("read together" in text for text in pilots.findings(known, three, NOTHING, RULE))


def test_what_broke_is_listed_with_open_and_severe_ones_first():
    rows = [
        ("a", "minor", "fixed it", 5.0), ("b", "critical", "fixed it", None), ("c", "minor", None, 90.0),
        ("d", "major", None, None), ("e", "minor", None, 10.0),
    ]  # fmt: skip
    broken = tables.check(
        tables.BREAKAGES,
        pd.DataFrame(
            {"team": "t", "pilot_id": "p", "day": START, "category": "tool", "what": name, "breakage_id": name,
             "severity": severity, "fix": fix, "minutes_lost": lost} for name, severity, fix, lost in rows
        ),
    )  # fmt: skip
    assert "".join(pilots.broke(pilot(), broken)["what"]) == "dceba"
    kinds = pilots.broke_by_kind(broken).iloc[0]
    assert (kinds["breakages"], kinds["open"], kinds["critical"], kinds["minutes_lost"]) == (5, 3, 1, 105)
    assert pilots.broke(pilot(), NOTHING).empty
    assert pilots.broke_by_kind(NOTHING).empty


@pytest.mark.parametrize(
    "frame",
    [
        sheet(timed("baseline", [0.0] * 12), timed("trial", [0.0] * 12)),
        sheet(timed("trial", NEW)),
        sheet(timed("baseline", OLD)),
        sheet(timed("baseline", [30.0] * 12, people=6), timed("trial", [30.0] * 12, people=6)),
        sheet(timed("trial", [12.0])),
        sheet(timed("baseline", [12.0], people=1), timed("trial", [6.0], people=1)),
        sheet(timed("baseline", OLD, group=True)),
        sheet(timed("baseline", OLD, quality=4.0), timed("trial", NEW[:1], quality=4.0)),
    ],
    ids=[
        "all zero",
        "no baseline",
        "no trial",
        "all equal",
        "one item",
        "one a side",
        "group alone",
        "one in the trial",
    ],
)
@pytest.mark.parametrize("design", ["before and after", "comparison group", "alternating items"])
@pytest.mark.parametrize("status", ["planned", "running", "ended", "stopped"])
def test_an_odd_timing_sheet_is_not_yet_a_verdict(frame, design, status):
    row = read(frame, design=design, status=status)
    assert (row["time_verdict"], row["quality_verdict"]) == ("not yet", "not yet")
    assert not pilots.weekly_looks(pilot(design=design), frame, RULE)["says"].isin(["saved", "slower"]).any()
    assert row["still_needed"]


def test_ten_thousand_items_are_read_in_a_moment():
    rng = np.random.default_rng(9)
    frame = sheet(timed("baseline", drawn(rng, 5000), people=40), timed("trial", drawn(rng, 5000, 3.9), people=40))
    begun = time.perf_counter()
    row = read(frame)
    assert time.perf_counter() - begun < 5
    assert (row["n_baseline"], row["time_verdict"]) == (5000, "saved")
    alone = frame.assign(person=[f"p{i}" for i in range(len(frame))])
    assert read(alone)["counted_by"] == "people"


def covered(make, truth, runs, level=0.044):
    hits = 0
    for _ in range(runs):
        values, cells, people, weights = make()
        found = compare(values, cells, people, weights).interval(level)
        hits += found.low <= truth <= found.high
    return hits / runs


def test_items_that_cluster_in_people_are_covered_as_promised_where_the_plain_test_is_not():
    rng = np.random.default_rng(11)

    def make():
        people, cells = np.repeat(np.arange(12), 5), np.repeat([0, 1], 30)
        return rng.normal(rng.normal(0, 0.4, 12)[people], 0.6), cells, people, OWN

    def plain():
        values, cells, _, weights = make()
        return values, cells, None, weights

    assert covered(make, 0.0, 500) > 0.93
    assert covered(plain, 0.0, 500) < 0.87


def test_a_speed_up_of_a_fifth_fools_before_and_after_and_not_a_comparison_group():
    rng = np.random.default_rng(12)
    cells = np.repeat([0, 1, 2, 3], 20)
    shift = np.log(0.8) * (cells % 2 == 0)

    def make():
        return rng.normal(shift, 0.6), cells, None, AGAINST_GROUP

    def without():
        values = rng.normal(shift, 0.6)[:40]
        return values, cells[:40], None, OWN

    assert 0.93 < covered(make, 0.0, 600) < 0.98
    assert covered(without, 0.0, 600) < 0.87


def test_weekly_looks_find_a_difference_that_is_not_there_in_at_most_one_pilot_in_twenty():
    rng = np.random.default_rng(13)
    runs, kit, naive = 1200, 0, 0
    last = 2 * stats.norm.sf(bounds([0.25, 0.5, 0.75, 1])[-1])
    for _ in range(runs):
        values, cells = rng.normal(4, 0.6, 40), np.repeat([1, 0], 20)
        found = [compare(values[:n], cells[:n], None, OWN) for n in (25, 30, 35, 40)]
        levels = [any_time_level(each.size, each.freedom) if each.n >= 30 else 0.0 for each in found[:3]] + [last]
        kit += any(abs(each.estimate) > each.radius(level) for each, level in zip(found, levels, strict=True) if level)
        naive += any(abs(each.estimate) > each.radius(0.05) for each in found)
    # 1,200 pilots: 1.64 standard errors above 5 % are 6.0 %
    assert kit / runs < 0.06
    assert naive / runs > 0.08


def test_three_small_pilots_read_together_err_less_than_each_alone():
    rng = np.random.default_rng(14)
    truth = rng.normal(-0.5, 0.2, (150, 3))
    seen = truth + rng.normal(0, 0.27, truth.shape)
    found = [shrink(list(row), [0.27] * 3, RULE.widest_spread.value) for row in seen]
    middle = np.array([[each.estimate for each in row] for row in found])
    inside = np.array(
        [
            [each.low <= t <= each.high for each, t in zip(row, true, strict=True)]
            for row, true in zip(found, truth, strict=True)
        ]
    )
    assert ((middle - truth) ** 2).mean() < 0.85 * ((seen - truth) ** 2).mean()
    assert inside.mean() > 0.92
