"""Choosing times: never below greedy, equal to the best where every choice can be tried, no rule ever broken."""

import datetime as dt
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playbook.agents.scheduling import choose, slots
from playbook.agents.scheduling.choose import Problem
from playbook.agents.scheduling.settings import ChannelRule, Quiet, Rules
from playbook.errors import ParameterError

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 20


def _benchmark():
    spec = importlib.util.spec_from_file_location("benchmark_of_choosing", ROOT / "benchmarks" / "scheduling.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


BENCHMARK = _benchmark()


def problem(hours, value, *, posts=1, weight=None, allowed=None, spacing=1.0, a_day=99, a_week=99):
    day = np.array(hours, dtype=np.int64) // 24
    days = int(day.max()) + 1
    return Problem(
        np.array(hours, dtype=float),
        np.array(value, dtype=float),
        np.ones(posts) if weight is None else np.array(weight, dtype=float),
        np.ones((posts, len(hours)), dtype=bool) if allowed is None else np.array(allowed, dtype=bool),
        spacing,
        day,
        day // 7,
        np.full(days, a_day),
        np.full(days // 7 + 1, a_week),
    )


def test_spacing_makes_two_good_times_better_than_the_best_one():
    # greedy takes 10:00 (worth 3) and with two hours between posts only 12:00 and later or 8:00 and earlier are left;
    # 9:00 and 11:00 together are worth 2.9 + 2.9 = 5.8, 10:00 with 12:00 only 3 + 1 = 4
    found = choose.choose(problem([9, 10, 11, 12], [2.9, 3, 2.9, 1], posts=2, spacing=2), SECONDS)
    assert found.worth == (2, pytest.approx(5.8))
    assert found.greedy == (2, pytest.approx(4))
    assert found.method == "solver"


def test_as_many_posts_as_possible_come_before_their_total():
    # 10:00 alone is worth 9; both posts fit only at 9:00 and 11:00, worth 2 together
    found = choose.choose(problem([9, 10, 11], [1, 9, 1], posts=2, spacing=2), SECONDS)
    assert found.worth == (2, pytest.approx(2))


def test_the_heavier_post_gets_the_better_time():
    found = choose.choose(problem([9, 12], [1, 2], posts=2, weight=[1, 3]), SECONDS)
    assert found.assigned.tolist() == [0, 1]


def test_caps_of_day_and_week_hold():
    hours = [9, 12, 15, 33, 36, 39]
    assert choose.choose(problem(hours, [1] * 6, posts=6, a_day=2), SECONDS).worth[0] == 4
    assert choose.choose(problem(hours, [1] * 6, posts=6, a_week=3), SECONDS).worth[0] == 3


def test_a_post_keeps_to_its_own_times():
    allowed = [[True, False], [True, False], [False, True]]
    found = choose.choose(problem([9, 12], [1, 5], posts=3, allowed=allowed, weight=[1, 2, 1]), SECONDS)
    assert found.assigned.tolist() == [choose.NO_TIME, 0, 1]


def test_nothing_to_place_and_nowhere_to_place_it_are_answers():
    assert choose.choose(problem([9], [1], posts=0), SECONDS).worth == (0, 0.0)
    nowhere = choose.choose(problem([9], [1], posts=1, allowed=[[False]]), SECONDS)
    assert nowhere.assigned.tolist() == [choose.NO_TIME]
    full = choose.choose(problem([9], [1], posts=1, a_day=0), SECONDS)
    assert full.worth == (0, 0.0)


def test_times_worth_nothing_are_still_used():
    assert choose.choose(problem([9, 12], [0, 0], posts=2), SECONDS).worth == (2, 0.0)


def test_a_solver_without_time_leaves_the_greedy_choice():
    big, _ = BENCHMARK.planted(np.random.default_rng(2), posts=60, days=20)
    found = choose.choose(big, 1e-3)
    assert found.timed_out
    assert found.worth >= found.greedy
    assert found.worth[0] == 60


instances = st.builds(
    lambda seed, posts, times, per_day: BENCHMARK.instance(
        np.random.default_rng(seed), posts=posts, times=times, per_day=per_day
    ),
    st.integers(0, 10**6),
    st.integers(1, 4),
    st.integers(4, 7),
    st.integers(3, 8),
)


@settings(max_examples=40, deadline=None)
@given(instances)
def test_the_choice_is_the_best_of_all_and_never_below_greedy(one):
    found, best = choose.choose(one, SECONDS), BENCHMARK.brute(one)
    assert one.holds(found.assigned)
    assert one.holds(choose.greedy(one))
    assert found.worth >= found.greedy
    assert found.worth == (best[0], pytest.approx(best[1]))


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6))
def test_the_order_of_posts_is_no_matter(seed):
    rng = np.random.default_rng(seed)
    one = BENCHMARK.instance(rng, posts=15, times=40, per_day=12)
    mixed = rng.permutation(15)
    turned = Problem(**vars(one) | {"weight": one.weight[mixed], "allowed": one.allowed[mixed]})
    first, second = choose.choose(one, SECONDS).worth, choose.choose(turned, SECONDS).worth
    assert first == (second[0], pytest.approx(second[1]))


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6))
def test_one_more_time_never_makes_the_best_choice_worse(seed):
    rng = np.random.default_rng(seed)
    one = BENCHMARK.instance(rng, posts=12, times=30, per_day=12)
    gone = rng.integers(0, 30)
    closed = one.allowed.copy()
    closed[:, gone] = False
    without, whole = (
        choose.choose(Problem(**vars(one) | {"allowed": closed}), SECONDS).worth,
        choose.choose(one, SECONDS).worth,
    )
    assert whole[0] > without[0] or (whole[0] == without[0] and whole[1] >= without[1] - 1e-6)


def test_where_the_optimum_is_known_the_choice_is_within_two_percent():
    rng = np.random.default_rng(4)
    for _ in range(2):
        one, best = BENCHMARK.planted(rng, posts=60, days=20)
        assert BENCHMARK.shortfall(choose.choose(one, SECONDS).worth, best) < 0.02
    alike = BENCHMARK.instance(rng, posts=30, times=60, per_day=24, windows=False)
    days, weeks = len(alike.day_room), len(alike.week_room)
    free = Problem(**vars(alike) | {"day_room": np.full(days, 3), "week_room": np.full(weeks, 10**6)})
    assert BENCHMARK.shortfall(choose.choose(free, SECONDS).worth, BENCHMARK.prefix_optimum(free, 3)) < 0.02


TODAY = dt.date(2026, 11, 22)  # a Sunday


def rules(**said):
    channel = {"channel": "Instagram", "zone": "America/New_York", "hours": (8, 20)} | said.pop("channel", {})
    return Rules(channels=(ChannelRule(**channel),), **said)


def times(rule, today=TODAY):
    return slots.candidates(rule, rule.channels[0], today)


def test_times_are_the_steps_of_the_days_ahead():
    found = times(rules(days=2, step_minutes=30))
    # two days of twelve hours in halves
    assert len(found) == 48
    assert str(found["at"].iloc[0]) == "2026-11-23 13:00:00+00:00"
    assert found["weekday"].tolist()[::24] == [1, 2]
    assert found["week"].unique().tolist() == ["2026-W48"]


def test_weekdays_quiet_stretches_and_holidays_are_left_out():
    quiet = Quiet(first="2026-11-27T00:00", end="2026-11-27T12:00", reason="stock taking")
    rule = rules(days=7, channel={"weekdays": (4, 5)}, quiet=(quiet,), holidays_of="US")
    # Thursday 26 November is Thanksgiving, Friday is quiet up to 12:00: 12:00 to 19:00 are left
    assert times(rule)["local"].dt.strftime("%d %H").tolist() == [f"27 {hour}" for hour in range(12, 20)]
    elsewhere = quiet.model_copy(update={"channel": "LinkedIn"})
    assert len(times(rules(days=7, channel={"weekdays": (5,)}, quiet=(elsewhere,)))) == 12


def test_an_unknown_country_is_refused():
    with pytest.raises(ParameterError, match="public holidays of 'XX' are not known"):
        times(rules(holidays_of="XX"))


def test_the_hour_that_clocks_skip_is_no_time_and_the_one_that_comes_twice_is_one():
    whole_day = {"hours": (0, 24)}
    spring = times(rules(days=1, channel=whole_day), today=dt.date(2026, 3, 7))
    assert 2 not in set(spring["hour"])
    assert len(spring) == 23
    autumn = times(rules(days=1, channel=whole_day), today=dt.date(2026, 10, 31))
    assert len(autumn) == 24
    assert (autumn["at"].diff().dropna().dt.total_seconds() / 3600).tolist() == [1.0, 2.0] + [1.0] * 21


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"zone": "Mars/Olympus"}, "is no time zone"),
        ({"hours": (20, 8)}, "wanted two whole hours"),
        ({"spacing_hours": -1}, "greater than or equal to 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(said, why):
    with pytest.raises(ValueError, match=why):
        rules(channel=said)
