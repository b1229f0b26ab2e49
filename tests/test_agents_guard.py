"""The guard: it decides on labels, level, triggers, caps, approvals and the switch, and a text can say what it likes."""

from __future__ import annotations

from dataclasses import replace

import guard_sequences
import injections
import pytest
from conftest import SHARED
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test
from stand_ins import policy

from playbook.agents import guard

CAPS = policy(caps={"calls": 3, "seconds": 60, "spend_a_run": 10, "spend_a_day": 20, "currency": "USD"}).caps
QUIET = guard.Situation("effect", outward=False, level=4, labels=frozenset(), caps=CAPS, usage=guard.Usage(1, 0, 0, 0))


def verdict(**changes):
    return guard.decide(replace(QUIET, **changes)).verdict


def test_a_quiet_effect_inside_its_bounds_goes_ahead_at_levels_4_and_5_and_waits_at_level_3():
    assert [verdict(level=level) for level in (3, 4, 5)] == ["queued", "allowed", "allowed"]


@pytest.mark.parametrize(
    "exception",
    [
        {"fired": ("failed_runs > 3 runs: failed_runs is 5 runs",)},
        {"labels": frozenset({"untrusted"})},
        {"labels": frozenset({"private"}), "outward": True},
        {"unfinished": True},
    ],
)
@pytest.mark.parametrize("level", [3, 4, 5])
def test_every_exception_waits_for_a_person_at_every_level(exception, level):
    assert verdict(level=level, **exception) == "queued"


def test_private_data_may_be_used_inside_the_organisation():
    assert verdict(labels=frozenset({"private"})) == "allowed"


def test_reading_and_drafting_go_ahead_whatever_was_read():
    assert {verdict(kind=kind, level=3, labels=frozenset({"untrusted", "private"})) for kind in ("read", "draft")} == {
        "allowed"
    }


def test_an_approval_covers_only_the_reasons_the_person_was_shown():
    untrusted = {"labels": frozenset({"untrusted"}), "approval": "granted"}
    reasons = guard.decide(replace(QUIET, **untrusted)).reasons
    assert verdict(**untrusted) == "queued"
    assert verdict(**untrusted, asked_about=reasons) == "approved"
    assert verdict(**untrusted, asked_about=reasons, fired=("spend > 1 USD: spend is 2 USD",)) == "queued"


@pytest.mark.parametrize(
    "usage",
    [
        guard.Usage(4, 0, 0, 0),
        guard.Usage(1, 61, 0, 0),
        guard.Usage(1, 0, 10.01, 10.01),
        guard.Usage(1, 0, 1, 20.01),
        guard.Usage(1, 0, float("nan"), 0),
        guard.Usage(1, 0, float("inf"), 0),
    ],
)
def test_no_approval_raises_a_cap(usage):
    assert verdict(usage=usage, approval="granted", asked_about=("anything",)) == "blocked"


@given(
    stopped=st.just("stopped by Editor: a look"),
    level=st.sampled_from([3, 4, 5]),
    labels=st.sets(st.sampled_from(["private", "untrusted"])).map(frozenset),
    approval=st.sampled_from(["none", "granted", "rejected"]),
    kind=st.sampled_from(["read", "draft", "effect"]),
)
def test_the_switch_comes_before_everything(stopped, level, labels, approval, kind):
    assert verdict(stopped=stopped, level=level, labels=labels, approval=approval, kind=kind) == "stopped"


@given(
    level=st.sampled_from([3, 4, 5]),
    labels=st.sets(st.sampled_from(["private", "untrusted"])).map(frozenset),
    outward=st.booleans(),
    fired=st.lists(st.just("a trigger"), max_size=1).map(tuple),
)
def test_more_labels_triggers_or_ways_out_never_make_a_decision_laxer(level, labels, outward, fired):
    order = ["allowed", "queued"]
    least = order.index(verdict(level=level))
    assert order.index(verdict(level=level, labels=labels, outward=outward, fired=fired)) >= least


def test_no_shared_injection_gets_an_effect_done_through_a_model_that_obeys_it():
    if not (SHARED / "injections").is_dir():
        pytest.skip("the shared injections are not beside this checkout")
    ends, effects = injections.sweep(guard_sequences.folder(), {"alone": injections.alone, "chain": injections.chain})
    assert sum(ends.values()) == len(injections.texts()) * 3 * 2
    assert effects == 0
    assert {status for _, _, status in ends} <= {"waiting", "escalated", "stopped"}


def test_no_random_sequence_of_actions_breaks_an_invariant():
    counts = guard_sequences.COUNTS
    before = dict(counts)
    run_state_machine_as_test(
        guard_sequences.Sequences,
        settings=settings(
            max_examples=100,
            stateful_step_count=10,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    # the machine must not be idle: effects happen, people approve, processes die
    assert all(counts[name] > before[name] for name in ("effects", "approved", "crashes", "refused reviews"))
