"""Triggers: metrics with units, and what cannot be measured hands back."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook.agents import triggers

UNITS = {"rate": "%", "gap": "percentage points", "days": "days", "contacts": "contacts a week", "hits": "hits"}


def fired(text, **metrics):
    return bool(triggers.parse(text, UNITS).fired(metrics))


def test_a_percentage_is_compared_as_a_percentage():
    # 0.7 % is more than 0.5 %, and 0.4 % is not
    assert fired("rate > 0.5%", rate=0.7)
    assert not fired("rate > 0.5%", rate=0.4)


def test_a_percentage_without_its_sign_is_refused_with_the_way_to_write_it():
    with pytest.raises(ValueError, match=r"rate is a percentage; write 0.5% if that is what you mean"):
        triggers.parse("rate > 0.5", UNITS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("days > 2 hours", "days is in days, not hours"),
        ("hits > 2%", "hits is in hits, not %"),
        ("nothing > 2", "no metric 'nothing'"),
        ("days == 2", "may be compared with"),
        ("1 < days < 3", "something else than comparisons"),
        ("days > hits", "no number"),
        ("days > 2 days and 3", "something else than comparisons"),
        ("__import__('os').system('x')", "something else than comparisons"),
        ("days > 2 days or", "cannot be read"),
        ("days", "something else than comparisons"),
        ("days > 1 days or " * 40 + "days > 1", "longer than"),
        ("days > 'many'", "no number"),
    ],
)
def test_anything_but_a_comparison_of_a_known_metric_in_its_unit_is_refused(text, said):
    with pytest.raises(ValueError, match=said):
        triggers.parse(text, UNITS)


def test_conditions_are_joined_with_and_or_not_and_brackets():
    text = "contacts > 3 contacts a week and (rate > 1% or not days <= 2 days)"
    assert fired(text, contacts=4, rate=0, days=3)
    assert not fired(text, contacts=4, rate=0, days=2)
    assert not fired(text, contacts=3, rate=9, days=9)
    assert triggers.parse(text, UNITS).metrics == ("contacts", "rate", "days")


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, "7", True, [1]])
def test_what_is_no_finite_number_fires_whatever_the_condition(value):
    assert fired("days < 0 days", days=value)
    assert fired("not days > 0 days", days=value)


def test_a_missing_metric_fires_even_when_the_rest_of_the_condition_would_settle_it():
    assert fired("days > 5 days and rate > 1%", days=0)


def test_a_fired_trigger_says_what_was_measured():
    assert triggers.parse("rate > 0.5%", UNITS).fired({"rate": 0.71}) == "rate > 0.5%: rate is 0.71%"


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6).map(lambda value: round(value, 3)))
def test_a_comparison_is_the_plain_comparison(value, limit):
    text = f"gap >= {Decimal(str(limit)):f} percentage points"
    assert fired(text, gap=value) == (value >= limit)
    assert fired(f"not ({text})", gap=value) == (value < limit)
