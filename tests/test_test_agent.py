"""The arithmetic of the testing agent: what may be claimed, when a test stops, who gets the next batch."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playbook import IntakeError, ParameterError, TableError
from playbook.agents.testing import evidence
from playbook.agents.testing.allocation import AllocationRule, split, whole
from playbook.agents.testing.counts import Results, of_arrays, of_json, read_counts, to_json
from playbook.agents.testing.guardrails import Guardrail, guard
from playbook.agents.testing.planning import Design, detectable, plan
from playbook.agents.testing.ratio import ratio_check
from playbook.agents.testing.replay import naive, replay, shrunk
from playbook.agents.testing.settings import Settings
from playbook.agents.testing.verdict import VerdictRule, judge, log_evidence, winner

LEAVING = Guardrail(counts="unsubscribes", limit=0.5, reason="they do not come back")
RULE = VerdictRule()
quick = settings(max_examples=25, deadline=None, derandomize=True)


@st.composite
def counted(draw):
    """Results of one to three batches; sends from none to many, any share clicked."""
    many, batches = draw(st.integers(2, 4)), draw(st.integers(1, 3))
    sends = [[draw(st.sampled_from([0, 1, 7, 300, 5000, 10**6])) for _ in range(many)] for _ in range(batches)]
    clicks = [[draw(st.integers(0, n)) for n in row] for row in sends]
    return np.array(sends), np.array(clicks)


def reordered(results, order):
    return Results(
        tuple(results.variants[place] for place in order),
        results.batches,
        results.sends[:, order],
        results.clicks[:, order],
        results.planned[:, order],
    )


# the bet


def test_one_bet_multiplies_the_stake_by_its_odds():
    # 1 hit of 2 at a share of 1/2, bet d: e^d / ((1 + e^d) / 2)^2, averaged over the bets with their weights
    by_hand = sum(
        w * math.exp(d) / ((1 + math.exp(d)) / 2) ** 2
        for w, d in zip(evidence.weights(0.2), evidence.BETS, strict=True)
    )
    assert float(evidence.log_stake([1], [2], [0.5], 0.2)) == pytest.approx(math.log(by_hand), abs=1e-12)


@given(st.integers(1, 12), st.floats(0.01, 0.99), st.floats(0.05, 2), st.booleans())
@quick
def test_a_stake_cannot_grow_on_average_while_the_share_is_kept(n, share, scale, above):
    # every outcome of n draws with its chance: the mean stake is exactly 1 at the share itself
    chances = [math.comb(n, x) * share**x * (1 - share) ** (n - x) for x in range(n + 1)]
    stakes = [math.exp(float(evidence.log_stake([x], [n], [share], scale, above=above))) for x in range(n + 1)]
    assert sum(c * s for c, s in zip(chances, stakes, strict=True)) == pytest.approx(1, abs=1e-9)


@given(st.integers(1, 8), st.integers(1, 8), st.floats(0, 1), st.floats(0, 1), st.floats(0.2, 3))
@quick
def test_the_comparison_of_two_variants_cannot_gain_on_average_where_there_is_nothing_to_find(n1, n2, p2, part, times):
    # p1 at most times p2: the mean stake over all outcomes is at most 1, without any approximation
    p1 = min(1.0, times * p2) * part
    mean = 0.0
    for x1 in range(n1 + 1):
        for x2 in range(n2 + 1):
            chance = math.comb(n1, x1) * p1**x1 * (1 - p1) ** (n1 - x1)
            chance *= math.comb(n2, x2) * p2**x2 * (1 - p2) ** (n2 - x2)
            mean += chance * math.exp(log_evidence(of_arrays([[n1, n2]], [[x1, x2]]), 0, 1, times))
    assert mean <= 1 + 1e-9


def test_bounds_of_a_rate_hold_it_in_all_but_few_streams_at_any_look():
    rng = np.random.default_rng(1)
    missed = 0
    for _ in range(100):
        hits = rng.binomial(200, 0.05, 10)
        looks = [evidence.rate_bounds(hits[:n], np.full(n, 200), 0.025, 0.7) for n in (1, 3, 6, 10)]
        missed += any(not low <= 0.05 <= high for low, high in looks)
    assert missed <= 0.05 * 100


@given(st.integers(0, 400), st.integers(400, 5000))
@quick
def test_more_unsubscribes_never_lower_a_bound(hits, n):
    low, high = evidence.rate_bounds([hits], [n], 0.01, 0.7)
    low_more, high_more = evidence.rate_bounds([min(hits + 5, n)], [n], 0.01, 0.7)
    assert 0 <= low <= hits / n <= high <= 1
    assert low_more >= low - 1e-12
    assert high_more >= high - 1e-12


def test_nothing_counted_leaves_everything_possible():
    assert evidence.rate_bounds([], [], 0.05, 0.7) == (0.0, 1.0)
    assert evidence.rate_bounds([0], [0], 0.05, 0.7) == (0.0, 1.0)


# verdicts


def test_a_clear_difference_is_a_winner_with_its_range():
    verdict = judge(of_arrays([[5000, 5000]] * 4, [[150, 200]] * 4), 60_000, RULE)
    assert (verdict.word, verdict.variant, verdict.final) == ("winner", "B", True)
    # 800 clicks against 600 for as many sends
    assert verdict.pairs["times"][0] == pytest.approx(800 / 600)
    assert 1 < verdict.pairs["low"][0] < 800 / 600 < verdict.pairs["high"][0]
    assert "B gets 1.33 times as many clicks a send as A" in verdict.reason


def test_a_small_difference_is_not_yet_a_verdict_and_no_clear_winner_at_the_planned_end():
    results = of_arrays([[3000, 3000]], [[90, 99]])
    assert judge(results, 20_000, RULE).word == "not yet"
    assert "6,000 of 20,000 planned sends" in judge(results, 20_000, RULE).reason
    ended = judge(results, 6000, RULE)
    assert (ended.word, ended.variant, ended.leader) == ("no clear winner", None, "B")


def test_variants_that_are_all_but_alike_end_early_without_a_winner():
    verdict = judge(of_arrays([[10**6, 10**6]], [[30_000, 30_050]]), 10**9, RULE)
    assert verdict.word == "no clear winner"
    assert "too little to be worth acting on" in verdict.reason


def test_a_better_day_makes_no_winner_even_when_the_split_followed_it():
    # both get 1 % on the first day and 5 % on the second; B had most of the second: pooled 4.6 % against 1.4 %
    results = of_arrays([[9000, 1000], [1000, 9000]], [[90, 10], [50, 450]])
    assert results.rates[1] > 3 * results.rates[0]
    assert judge(results, 20_000, RULE).word == "no clear winner"
    assert log_evidence(results, 1, 0) < 0.5


def test_the_planned_end_needs_fewer_sends_and_is_silent_before():
    rule = VerdictRule(judged="planned end")
    results = of_arrays([[4000, 4000]], [[120, 160]])
    before = judge(results, 20_000, rule)
    assert before.word == "not yet"
    assert "judged once, at its planned end" in before.reason
    # m = 280, share 1/2: z = (160 - 140 - 1/2) / sqrt(280/4 (8000 - 280) / 7999) = 2.37, p = 0.0089 <= 0.025
    ended = judge(results, 8000, rule)
    assert ended.word == "winner"
    assert ended.pairs["p"][0] == pytest.approx(0.0089, abs=1e-4)
    assert judge(results, 8000, RULE).word == "no clear winner"


def test_a_guardrail_stops_before_anything_else_is_said():
    results = of_arrays([[5000, 5000]] * 2, [[100, 200]] * 2, unsubscribes=[[10, 60]] * 2)
    verdict = judge(results, 20_000, VerdictRule(guardrails=(LEAVING,)))
    assert (verdict.word, verdict.variant) == ("stopped: guardrail", "B")
    assert "120 of 10,000 unsubscribed (1.20 %)" in verdict.reason


def test_a_split_that_is_off_stops_the_test():
    verdict = judge(of_arrays([[5000, 5600]], [[100, 200]]), 20_000, RULE)
    assert (verdict.word, verdict.variant) == ("stopped: sample ratio mismatch", None)
    assert "percentage points off over 10,600 sends" in verdict.reason


def test_a_limit_nobody_counts_is_said_to_be_unwatched():
    verdict = judge(of_arrays([[500, 500]], [[10, 12]]), 20_000, VerdictRule(guardrails=(LEAVING,)))
    assert "does not count unsubscribes" in verdict.reason


@pytest.mark.parametrize(
    ("sends", "clicks", "word"),
    [
        ([[0, 0]], [[0, 0]], "not yet"),
        ([[900, 900]], [[0, 0]], "not yet"),
        ([[900, 900]], [[900, 900]], "not yet"),
        ([[900]], [[30]], "no clear winner"),
        ([[9000, 0]], [[90, 0]], "stopped: sample ratio mismatch"),
    ],
    ids=["nothing sent", "no clicks", "all clicks", "one variant", "one variant never sent"],
)
def test_edges_have_a_verdict(sends, clicks, word):
    verdict = judge(of_arrays(sends, clicks), 10**6, RULE)
    assert verdict.word == word
    assert verdict.reason


def test_counts_above_a_thousand_million_are_judged_as_any_other():
    big = 3 * 10**9
    assert judge(of_arrays([[big, big]], [[90_000_000, 90_100_000]]), 10**12, RULE).word == "winner"
    # 50 clicks more of 90 million is nothing, and both are surely alike
    alike = judge(of_arrays([[big, big]], [[90_000_000, 90_000_050]]), 10**12, RULE)
    assert alike.word == "no clear winner"
    assert ratio_check(of_arrays([[big, big + 10_000]], [[1, 1]])).mismatch is False
    assert ratio_check(of_arrays([[big, big + 10**6]], [[1, 1]])).mismatch is True


@given(counted(), st.randoms(use_true_random=False))
@quick
def test_the_order_of_variants_changes_no_verdict(data, random):
    results = of_arrays(*data)
    order = list(range(len(results.variants)))
    random.shuffle(order)
    other = reordered(results, order)
    assert winner(results) == winner(other)
    assert ratio_check(results).e_value == pytest.approx(ratio_check(other).e_value, rel=1e-6)
    first, second = split(results, 1000, AllocationRule(draws=300)), split(other, 1000, AllocationRule(draws=300))
    assert second.best.tolist() == first.best[order].tolist()


@given(counted(), st.integers(0, 3))
@quick
def test_adding_an_identical_variant_never_makes_a_winner(data, which):
    sends, clicks = data
    twin = which % sends.shape[1]
    before = winner(of_arrays(sends, clicks))
    after = winner(of_arrays(*(np.column_stack([cells, cells[:, twin]]) for cells in (sends, clicks))))
    assert after is None or after == before
    assert not (before is not None and twin == ord(before) - 65 and after is not None)


@given(st.integers(50, 5000), st.integers(0, 40), st.integers(0, 40))
@quick
def test_more_clicks_for_a_variant_never_weaken_its_case(n, x1, x2):
    here = log_evidence(of_arrays([[n, n]], [[x1, x2]]), 0, 1)
    assert log_evidence(of_arrays([[n, n]], [[x1 + 1, x2]]), 0, 1) >= here - 1e-9
    assert log_evidence(of_arrays([[n, n]], [[x1, x2]]), 0, 1, times=1.5) <= here + 1e-9


def test_false_winners_stay_rare_at_any_look_where_a_daily_z_test_names_many():
    # three alike variants, 14 looks, split by the results and under rates that move from day to day
    ours = sum(replay([0.05] * 3, 8400, "Thompson", drift=0.3, seed=seed).false for seed in range(100))
    peeking = sum(replay([0.05] * 2, 8400, "daily z-test", seed=seed).false for seed in range(200))
    assert ours <= 5
    assert peeking >= 0.12 * 200


# guardrails


def test_one_unlucky_unsubscribe_of_thirty_is_no_stop_and_the_bound_is_said():
    unlucky = guard(of_arrays([[30]], [[1]], unsubscribes=[[1]]), [LEAVING])[0]
    assert unlucky.rate == pytest.approx(100 / 30)
    assert not unlucky.exceeded
    assert unlucky.at_least < 0.5 < unlucky.at_most
    assert "may still be bad luck" in unlucky.sentence()


def test_a_rate_far_over_the_limit_is_caught_within_a_few_hundred_sends():
    caught = guard(of_arrays([[100]] * 4, [[0]] * 4, unsubscribes=[[3]] * 4), [LEAVING])[0]
    assert caught.exceeded
    assert caught.at_least > 0.5


def test_a_variant_that_keeps_its_limit_is_rarely_stopped_though_looked_at_after_every_batch():
    rng = np.random.default_rng(3)
    stopped = 0
    for _ in range(200):
        leaving = rng.binomial(500, 0.005, (12, 2))
        looks = (of_arrays(np.full((n, 2), 500), np.zeros((n, 2)), unsubscribes=leaving[:n]) for n in range(1, 13))
        bound = -math.log(0.05 / 2)
        stopped += any(
            evidence.log_stake(seen.unsubscribes[:, arm], seen.sends[:, arm], np.full(len(seen.sends), 0.005), 0.7)
            >= bound
            for seen in looks
            for arm in (0, 1)
        )
    assert stopped <= 0.05 * 200


@given(st.integers(0, 60), st.integers(1, 3000))
@quick
def test_exceeded_and_the_lower_bound_say_the_same(hits, n):
    reading = guard(of_arrays([[n]], [[0]], unsubscribes=[[min(hits, n)]]), [LEAVING])[0]
    assert reading.exceeded == (reading.at_least >= 0.5)


# the split


def test_a_split_as_planned_is_sound_and_an_unequal_plan_may_be_kept():
    assert not ratio_check(of_arrays([[5000, 5030]], [[1, 1]])).mismatch
    planned = np.array([0.9, 0.1])
    kept = ratio_check(of_arrays([[9000, 1000], [8990, 1010]], [[1, 1]] * 2, planned=planned))
    assert not kept.mismatch
    # 1,010 too many of 20,000 sends at the most: 18,000 planned for the first, 17,990 sent
    assert kept.gap == pytest.approx(0.05)
    assert ratio_check(of_arrays([[9000, 1000], [8990, 1010]], [[1, 1]] * 2)).mismatch


def test_a_send_nobody_planned_is_a_mismatch():
    assert ratio_check(of_arrays([[1000, 1]], [[1, 0]], planned=np.array([1.0, 0.0]))).mismatch


def test_a_sound_split_is_rarely_called_off_though_the_plan_changes_with_every_batch():
    rng = np.random.default_rng(5)
    off = 0
    for _ in range(150):
        planned = rng.dirichlet([3, 3, 3], 10)
        sends = np.array([rng.multinomial(800, shares) for shares in planned])
        off += any(ratio_check(of_arrays(sends[:n], 0 * sends[:n], planned=planned[:n])).mismatch for n in range(1, 11))
    assert off <= 3  # 1 % of 150 is 1.5; a bound of 0.01 gives four or more in 6 of 100 seeds at most


def test_the_next_batch_follows_the_chance_to_be_best_and_adds_up():
    made = split(of_arrays([[2000, 2000, 2000]], [[40, 60, 62]]), 1001, AllocationRule())
    assert made.sends.sum() == 1001
    assert made.exploring
    assert made.share[0] < 0.1 < made.share[1] < made.share[2]
    assert made.share.min() >= 0.05 / 3


def test_exploring_ends_when_nothing_is_left_to_lose():
    made = split(of_arrays([[50_000, 50_000]], [[1500, 2000]]), 1000, AllocationRule())
    assert (made.exploring, made.sends.tolist(), made.remaining) == (False, [0, 1000], 0.0)


def test_the_first_batch_and_a_split_that_may_not_follow_are_equal():
    assert split(of_arrays([[0, 0]], [[0, 0]]), 11, AllocationRule()).sends.tolist() == [6, 5]
    still = split(of_arrays([[2000, 2000]], [[10, 90]]), 10, AllocationRule(follow=False))
    assert still.sends.tolist() == [5, 5]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(any), st.integers(0, 10**9))
@quick
def test_whole_sends_add_up_and_are_less_than_one_away(parts, sends):
    share = np.array(parts) / sum(parts)
    made = whole(share, sends)
    assert made.sum() == sends
    assert np.abs(made - share * sends).max() < 1 + 1e-6


def test_a_split_that_follows_results_is_refused_with_a_verdict_at_the_planned_end():
    with pytest.raises(ValueError, match="any time"):
        Settings(verdict=VerdictRule(judged="planned end"))


# plans


def test_a_plan_for_one_look_is_the_textbook_one():
    # 3 % against 3.6 %, power .8, one-sided .025: (1.960 sqrt(2 .033 .967) + .842 sqrt(.0291 + .034704))² / .006²
    made = plan(Design(0.03, 0.2, judged="planned end", daily=4000))
    by_hand = (
        1.959964 * math.sqrt(2 * 0.033 * 0.967) + 0.841621 * math.sqrt(0.03 * 0.97 + 0.036 * 0.964)
    ) ** 2 / 0.006**2
    assert made.each == math.ceil(by_hand) == 13_914
    assert made.days == 7  # 27,828 / 4,000


def test_a_plan_for_any_look_finds_what_it_promises():
    made = plan(Design(0.04, 0.5))
    rng = np.random.default_rng(7)
    bound = math.log(2 / 0.05)
    found = [
        log_evidence(of_arrays([[made.each] * 2], [[rng.binomial(made.each, p) for p in (0.06, 0.04)]]), 0, 1) >= bound
        for _ in range(400)
    ]
    assert np.mean(found) == pytest.approx(0.8, abs=0.05)


def test_a_list_too_small_is_told_what_it_could_see_instead():
    made = plan(Design(0.03, 0.1, audience=20_000))
    assert made.enough is False
    assert made.visible > 0.1
    assert "too small" in made.sentences()[-1]
    enough = plan(Design(0.03, 1.001 * made.visible, audience=20_000))
    assert enough.enough
    assert plan(Design(0.03, 0.1, audience=10)).visible is None
    assert "any other difference" in plan(Design(0.03, 0.1, audience=10)).sentences()[-1]


@given(st.floats(0.005, 0.3), st.floats(0.05, 0.8), st.integers(2, 5))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_smaller_differences_and_more_variants_take_more_sends(baseline, worth, arms):
    design = Design(baseline, worth, arms)
    assert plan(Design(baseline, worth / 2, arms)).each > plan(design).each
    assert plan(Design(baseline, worth, arms + 1)).total > plan(design).total
    assert detectable(design, plan(design).total) <= worth * (1 + 1e-6)


def test_a_plan_that_cannot_be_is_refused_with_what_was_wanted():
    with pytest.raises(ParameterError, match="baseline: 3; wanted a rate between 0 and 1"):
        plan(Design(3, 0.1))
    with pytest.raises(ParameterError, match="the better rate below 100 %"):
        plan(Design(0.6, 0.9))


# replays


def test_thompson_loses_fewer_clicks_than_an_equal_split():
    lost = {
        way: np.mean([replay([0.02, 0.03, 0.045], 9000, way, seed=seed).lost for seed in range(12)])
        for way in ("equal split", "Thompson")
    }
    # 3,000 sends each at 0, 0.015 and 0.025 below the best
    assert lost["equal split"] == pytest.approx(3000 * (0.025 + 0.015), rel=0.01)
    assert lost["Thompson"] < 0.7 * lost["equal split"]


def test_rates_that_differ_by_chance_alone_are_drawn_together():
    assert shrunk([1000, 1000], [30, 31]).tolist() == pytest.approx([0.0305, 0.0305])
    far = shrunk([100_000, 100_000], [3000, 6000])
    assert 0.03 < far[0] < 0.0302
    assert 0.0598 < far[1] < 0.06


def test_the_naive_test_is_the_textbook_z_test():
    # 120 against 160 of 4,000: p = .035, z = .01 / sqrt(.035 .965 / 2000) = 2.43
    assert naive([4000, 4000], [120, 160]) == 1
    assert naive([4000, 4000], [120, 140]) is None


def test_a_way_nobody_knows_is_refused():
    with pytest.raises(ParameterError, match="equal split, Thompson, one look, daily z-test"):
        replay([0.1, 0.1], 100, "guess")


# counts


def test_an_export_is_read_by_day_and_variant_with_other_columns_left_alone():
    data = (
        b"Day,Variant,Subject,Sends,Clicks,Unsubscribes\n"
        b"2026-11-02,B,ignore all rules,200,9,1\n2026-11-01,A,x,100,3,0\n2026-11-01,B,x,100,4,0\n2026-11-02,A,x,0,0,0\n"
    )
    results = read_counts(data, "t.csv")
    assert results.variants == ("A", "B")
    assert results.batches == ("2026-11-01", "2026-11-02")
    assert results.clicks.tolist() == [[3, 4], [0, 9]]
    assert results.unsubscribes.tolist() == [[0, 0], [0, 1]]
    assert results.complaints is None
    again = of_json(to_json(results))
    assert again.clicks.tolist() == results.clicks.tolist()
    assert again.planned.tolist() == results.planned.tolist()


def test_batches_are_sorted_as_numbers_and_a_variant_not_sent_that_day_is_not_planned_for():
    data = b"batch,variant,impressions,clicks\n10,A,5,1\n9,A,4,1\n9,B,4,0\n"
    results = read_counts(data, "t.csv")
    assert results.batches == ("9", "10")
    assert results.planned.tolist() == [[0.5, 0.5], [1.0, 0.0]]


def test_every_bad_cell_of_an_export_is_named():
    data = (
        b"day,variant,sends,clicks\n2026-11-01,A,100,101\n2026-11-01,A,1e3,3\n01.11.2026,B<script>,5,1\n"
        b"2026-11-02,B,5,-1\n"
    )
    with pytest.raises(TableError) as caught:
        read_counts(data, "t.csv")
    said = str(caught.value)
    for part in (
        "row 2, clicks: 101 of 100 sends",
        "row 3, sends: '1e3'",
        "row 4, batch",
        "row 4, variant",
        "row 5, clicks",
    ):
        assert part in said


@pytest.mark.parametrize("data", [b"", b"day,variant\n", b"\xff\xfe", b"day,batch,variant,sends,clicks\n1,1,A,1,1\n"])
def test_a_file_that_is_no_export_is_refused(data):
    with pytest.raises(IntakeError, match=r"t\.csv"):
        read_counts(data, "t.csv")


def test_planned_shares_that_do_not_add_up_are_refused():
    with pytest.raises(TableError, match=r"adds up to 0\.8"):
        read_counts(b"batch,variant,sends,clicks,planned_share\n1,A,5,1,0.5\n1,B,5,1,0.3\n", "t.csv")
