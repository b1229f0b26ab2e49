"""Intervals and small groups: published values, hand calculations, and the edges by name."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from playbook import intervals
from playbook.errors import ParameterError

shares = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # Newcombe 1998 (Statistics in Medicine 17:857-872), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_a_share_has_the_published_wilson_interval(successes, n, low, high):
    found = intervals.wilson(successes, n)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    assert (found.estimate, found.n, found.confidence) == (successes / n, n, 0.95)


def test_a_share_of_nothing_is_not_measurable():
    assert intervals.wilson(0, 0) is None


def test_a_share_of_all_ends_at_exactly_one_and_of_none_at_exactly_zero():
    all_of_them, none_of_them = intervals.wilson(20, 20), intervals.wilson(0, 20)
    assert all_of_them.high == 1.0
    assert none_of_them.low == 0.0
    # z = 1.959964: low = 20 / (20 + z²) = 20 / 23.8415 = 0.8389
    assert round(all_of_them.low, 4) == 0.8389


@pytest.mark.parametrize(("successes", "n"), [(3, 2), (-1, 2), (0, -1)])
def test_impossible_counts_are_refused(successes, n):
    with pytest.raises(ParameterError, match="wanted a whole number from 0"):
        intervals.wilson(successes, n)


def test_a_confidence_of_ninety_five_is_refused_as_no_share():
    with pytest.raises(ParameterError, match="between 0 and 1"):
        intervals.wilson(1, 2, confidence=95)


@pytest.mark.parametrize(
    ("x1", "n1", "x2", "n2", "low", "high"),
    [
        # Newcombe 1998 (Statistics in Medicine 17:873-890), table II, method 10, contrasts (a) to (h).
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (6, 7, 2, 7, 0.0582, 0.8062),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (0, 10, 0, 20, -0.1611, 0.2775),
        (0, 10, 0, 10, -0.2775, 0.2775),
        (10, 10, 0, 20, 0.6791, 1.0000),
        (10, 10, 0, 10, 0.6075, 1.0000),
    ],
)
def test_a_difference_of_shares_has_the_published_newcombe_interval(x1, n1, x2, n2, low, high):
    found = intervals.newcombe(x1, n1, x2, n2)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_a_difference_with_an_empty_group_is_not_measurable():
    assert intervals.newcombe(1, 2, 0, 0) is None


@given(shares, shares)
def test_swapping_the_groups_mirrors_the_difference(first, second):
    there, back = intervals.newcombe(*first, *second), intervals.newcombe(*second, *first)
    assert math.isclose(there.low, -back.high, abs_tol=1e-12)
    assert -1 <= there.low <= there.estimate <= there.high <= 1


def test_a_mean_difference_has_welchs_interval():
    # Means 4 and 8; variances 2 and 8 over 3 values: se² = 2/3 + 8/3 = 10/3;
    # degrees of freedom (10/3)² / ((2/3)²/2 + (8/3)²/2) = 11.111 / 3.778 = 2.941; t = 3.221; radius 3.221 x 1.8257 = 5.880
    trial, baseline = [4 - math.sqrt(2), 4, 4 + math.sqrt(2)], [8 - math.sqrt(8), 8, 8 + math.sqrt(8)]
    found = intervals.mean_difference(trial, baseline)
    assert (round(found.estimate, 6), found.n) == (-4.0, 6)
    assert round(found.high - found.estimate, 2) == 5.88


def test_a_mean_difference_agrees_with_scipys_welch_test():
    rng = np.random.default_rng(3)
    trial, baseline = rng.normal(5, 1, 12), rng.normal(6, 3, 9)
    theirs = stats.ttest_ind(trial, baseline, equal_var=False).confidence_interval(0.9)
    ours = intervals.mean_difference(trial, baseline, confidence=0.9)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


def test_half_the_time_is_a_ratio_of_one_half():
    # Geometric means: trial sqrt(10 x 40) = 20, baseline sqrt(20 x 80) = 40; 20 / 40 = 0.5.
    # Logs spread by ln 4 in both: variance (ln 4)²/2 each, se = ln 4 / sqrt 2 = 0.9803, df 2, t 4.3027: radius 4.2178.
    found = intervals.geometric_ratio([10, 40], [20, 80])
    assert found.estimate == pytest.approx(0.5)
    assert math.log(found.high / found.estimate) == pytest.approx(4.2178, abs=1e-3)


def test_a_time_of_zero_has_no_ratio():
    assert intervals.geometric_ratio([0, 5], [5, 6]) is None


@pytest.mark.parametrize("ratio", [intervals.geometric_ratio, intervals.geometric_ratio_any_time])
def test_one_value_or_equal_values_give_an_estimate_without_an_interval(ratio):
    for trial, baseline in (([5], [10, 20]), ([5.1, 5.1, 5.1], [10.2, 10.2])):
        found = ratio(trial, baseline)
        assert found.estimate > 0
        assert not found.measured


def test_no_value_gives_no_mean_difference_ratio_or_median():
    assert intervals.mean_difference([], [1.0]) is None
    assert intervals.geometric_ratio([1.0], []) is None
    assert intervals.median([math.nan, None]) is None


def test_empty_cells_are_left_out_of_a_mean_difference():
    assert intervals.mean_difference([1.0, math.nan, 3.0], [0.0, 2.0, None]).n == 4


def test_an_infinite_value_is_refused():
    with pytest.raises(ParameterError, match="infinite"):
        intervals.median([1.0, math.inf])


def test_the_any_time_interval_follows_the_published_formula():
    # n1 = n2 = 4: z = 2, nu = 6, r = 1/3, c = (0.0025/3)^(1/7) = 0.36320;
    # both sides spread alike with log variance 4/3: se² = (4/3)/2; radius² = 0.66667 x 6 x 0.63680 / 0.02987 = 85.28
    logs = np.array([-1.0, -1.0, 1.0, 1.0])
    found = intervals.geometric_ratio_any_time(np.exp(logs), np.exp(logs + 1))
    assert math.log(found.estimate) == pytest.approx(-1)
    assert math.log(found.high) + 1 == pytest.approx(math.sqrt(85.28), abs=0.02)


def test_with_two_items_a_side_the_any_time_interval_has_no_bound_yet():
    assert not intervals.geometric_ratio_any_time([1, 2], [2, 4]).measured


@given(st.lists(st.floats(1, 500), min_size=6, max_size=30, unique=True))
def test_looking_every_week_costs_width(times):
    half = len(times) // 2
    trial, baseline = times[:half], times[half : 2 * half]
    planned = intervals.geometric_ratio(trial, baseline)
    looked = intervals.geometric_ratio_any_time(trial, baseline)
    assert looked.estimate == pytest.approx(planned.estimate)
    if looked.measured:
        assert looked.low < planned.low < planned.high < looked.high


@pytest.mark.parametrize(
    ("n", "rank"),
    # Nearest ranks at 95 %, Conover 1999: 6 values give 1 and 6 (96.9 %), 10 give 2 and 9 (97.9 %), 20 give 6 and 15.
    [(6, 1), (10, 2), (20, 6)],
)
def test_a_median_lies_between_two_of_the_values(n, rank):
    found = intervals.median(range(1, n + 1))
    assert (found.low, found.high, found.n) == (rank, n + 1 - rank, n)
    # Coverage is at least as promised: 1 - 2 P(Binomial(n, 1/2) < rank).
    assert 1 - 2 * stats.binom.cdf(rank - 1, n, 0.5) >= 0.95


def test_five_values_have_a_median_but_no_interval():
    # 1 - 2 x (1/2)^5 = 93.75 % is under 95 %.
    found = intervals.median([5, 1, 4, 2, 3])
    assert found.estimate == 3
    assert not found.measured


def test_equal_values_have_a_median_known_by_order_alone():
    assert intervals.median([7.0] * 10) == intervals.Interval(7.0, 7.0, 7.0, 10)


@pytest.mark.parametrize(("people", "shown"), [(5, True), (4, False), (0, False), (None, False), (pd.NA, False)])
def test_a_group_is_shown_from_five_people(people, shown):
    assert intervals.at_least_five(people) is shown


def test_a_single_small_group_takes_the_next_smallest_with_it():
    frame = pd.DataFrame({"group": list("abc"), "people": [3, 12, 7], "hours": [1.0, 2.0, 3.0]})
    emptied = intervals.suppress(frame, "people", ["hours"])
    assert emptied["hours"].isna().tolist() == [True, False, True]
    assert emptied["people"].tolist() == [pd.NA, 12, pd.NA]
    assert frame["people"].tolist() == [3, 12, 7]


def test_two_small_groups_that_are_together_under_five_take_a_third_with_them():
    # The total less the shown group would be the hours of 2 + 2 = 4 people.
    frame = pd.DataFrame({"people": [2, 2, 9, 30], "hours": [1.0, 2.0, 3.0, 4.0]})
    assert intervals.suppress(frame, "people", ["hours"])["hours"].isna().tolist() == [True, True, True, False]


def test_totals_of_different_teams_are_protected_apart():
    frame = pd.DataFrame({"team": ["a", "a", "b", "b"], "people": [4, 8, 6, 7], "hours": 1.0})
    assert intervals.hidden(frame, "people", within="team").tolist() == [True, True, False, False]


def test_groups_of_nobody_hide_nothing_and_unknown_groups_are_hidden():
    frame = pd.DataFrame({"people": pd.array([0, 9, 8, None], dtype="Int64")})
    assert intervals.hidden(frame, "people").tolist() == [False, False, True, True]


def test_nothing_is_hidden_where_every_group_has_five():
    frame = pd.DataFrame({"people": [5, 6], "flag": [True, False], "name": ["x", "y"]})
    emptied = intervals.suppress(frame, "people", ["flag", "name"])
    assert emptied.notna().all(axis=None)
    assert intervals.suppress(frame.head(0), "people", ["flag"]).empty


@given(st.lists(st.integers(0, 40), min_size=1, max_size=12))
def test_hidden_groups_can_never_be_worked_out_from_a_total(people):
    frame = pd.DataFrame({"people": people})
    keep_back = intervals.hidden(frame, "people")
    assert keep_back[(frame["people"] > 0) & (frame["people"] < 5)].all()
    if keep_back.any() and (frame["people"][~keep_back] > 0).any():
        assert keep_back.sum() >= 2
        assert frame["people"][keep_back].sum() >= 5
