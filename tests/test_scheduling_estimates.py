"""What an account's history says of its hours: shrunken to what the channel does, with an honest interval."""

import importlib.util
import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playbook.agents.scheduling import effects, estimates
from playbook.agents.scheduling.settings import Learning

ROOT = Path(__file__).resolve().parent.parent
ZONE = "America/New_York"
RULE = Learning()


def _benchmark():
    spec = importlib.util.spec_from_file_location("benchmark_of_scheduling", ROOT / "benchmarks" / "scheduling.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


BENCHMARK = _benchmark()


def posts(times, rates, *, channel="Instagram", seen=1000, types=None):
    return pd.DataFrame(
        {
            "channel": channel,
            "published": pd.to_datetime(times, utc=True).as_unit("us"),
            "impressions": seen,
            "engagements": [round(rate * seen) for rate in rates],
            "content_type": types or "",
        }
    )


def learn(frame, names=("Instagram",), rule=RULE, zone="UTC"):
    return estimates.learn(frame, dict.fromkeys(names, zone), rule)


def test_a_time_without_posts_stays_near_the_channel_and_says_it_has_none():
    frame = posts([f"2026-06-{day:02}T10:00Z" for day in range(1, 29)], [0.05] * 14 + [0.03] * 14)
    table = learn(frame).table().set_index(["channel", "weekday", "hour"]).loc["Instagram"]
    night = table.loc[(3, 2)]
    assert (night["n"], night["n_hour"], night["n_channel"]) == (0, 0, 28)
    assert night["rate"] == pytest.approx(0.04, abs=0.003)
    assert night["high"] - night["low"] > table.loc[(3, 10), "high"] - table.loc[(3, 10), "low"]


def test_one_lucky_post_moves_its_hour_little():
    # 30 posts around 4 % and one at 20 % at an hour of its own: the estimate stays far nearer to 4 than to 20
    times = [f"2026-05-{day:02}T10:00Z" for day in range(1, 31)] + ["2026-05-31T20:00Z"]
    learned = learn(posts(times, [0.02, 0.03, 0.04, 0.05, 0.06] * 6 + [0.2]))
    assert 0.04 < learned.channels["Instagram"].mean[estimates.cell(7, 20)] < 0.09
    assert learned.capped == 1


def test_many_posts_overcome_the_shrinkage():
    times = [
        f"2026-{month:02}-{day:02}T{hour}:00Z" for month in (4, 5, 6, 7) for day in range(1, 31) for hour in (10, 20)
    ]
    rng = np.random.default_rng(1)
    rates = np.where(np.arange(len(times)) % 2 == 0, 0.03, 0.06) * np.exp(rng.normal(0, 0.2, len(times)))
    known = learn(posts(times, rates)).channels["Instagram"]
    evening = np.mean([known.mean[estimates.cell(day, 20)] for day in range(1, 8)])
    morning = np.mean([known.mean[estimates.cell(day, 10)] for day in range(1, 8)])
    assert evening == pytest.approx(0.06, abs=0.004)
    assert morning == pytest.approx(0.03, abs=0.004)


def test_nothing_is_known_of_a_channel_without_posts_or_engagement():
    frame = posts(["2026-06-01T10:00Z", "2026-06-02T10:00Z"], [0, 0])
    learned = learn(frame, ("Instagram", "LinkedIn"))
    table = learned.table()
    assert table["rate"].isna().all()
    assert learned.gain("Instagram", np.array([3])) is None
    assert learned.channels["LinkedIn"].posts == 0
    assert len(table) == 2 * 168


def test_one_post_is_enough_for_an_estimate_and_leaves_it_wide():
    known = learn(posts(["2026-06-01T10:00Z"], [0.04])).table()
    assert known["rate"].notna().all()
    assert (known["high"] - known["low"]).min() > 0.03


def test_hours_are_the_local_ones_on_both_sides_of_the_clock_change():
    # 14:00 UTC is 10:00 in New York in summer and 9:00 in winter
    frame = posts(["2026-07-01T14:00Z", "2026-12-02T14:00Z"], [0.04, 0.04])
    counts = learn(frame, zone=ZONE).channels["Instagram"].posts_a_cell
    assert counts[estimates.cell(3, 10)] == 1
    assert counts[estimates.cell(3, 9)] == 1


def test_posts_of_channels_without_a_rule_are_counted_and_left_out():
    frame = pd.concat([posts(["2026-06-01T10:00Z"], [0.04]), posts(["2026-06-01T10:00Z"], [0.04], channel="Fax")])
    assert learn(frame).left_out == 1


def test_a_content_type_kept_for_one_hour_is_not_taken_for_the_hour():
    # films bring twice as much and most go out at 20:00; both kinds do equally well at both hours
    rng = np.random.default_rng(5)
    rows = [(f"2026-{m:02}-{d:02}", hour) for m in (3, 4, 5, 6, 7, 8) for d in range(1, 29) for hour in (10, 20)]
    kinds = [("film" if rng.random() < (0.8 if hour == 20 else 0.2) else "photo") for _, hour in rows]
    rates = [(0.06 if kind == "film" else 0.03) * math.exp(rng.normal(0, 0.1)) for kind in kinds]
    times = [f"{day}T{hour}:00Z" for day, hour in rows]
    with_types, without = (
        learn(posts(times, rates, types=given)).channels["Instagram"].mean for given in (kinds, None)
    )
    lead = [mean[estimates.cell(3, 20)] / mean[estimates.cell(3, 10)] for mean in (with_types, without)]
    assert lead[0] == pytest.approx(1, abs=0.08)
    assert lead[1] > 1.3


def test_the_restricted_likelihood_and_the_prediction_are_those_of_the_whole_matrices():
    rng = np.random.default_rng(3)
    cells = rng.integers(0, 168, 40)
    held = effects._Held(effects.Posts(cells, rng.normal(1, 0.5, 40), rng.uniform(0.01, 0.05, 40), 0.5), 0.9)
    size = effects.Size(0.14, 0.3, 0.08, 0.9, 1.0)
    design = effects._design(1.5) * np.array([size.day] * 7 + [size.hour] * 24)
    prior = design @ design.T + size.cell**2 * np.eye(168)
    variance = prior[np.ix_(held.cells, held.cells)] + np.diag(1 / held.precision)
    inverse, ones = np.linalg.inv(variance), np.ones(len(held.cells))
    total = ones @ inverse @ ones
    rest = held.mean - (ones @ inverse @ held.mean) / total
    by_hand = held.fit - 0.5 * (np.linalg.slogdet(variance)[1] + np.log(total) + rest @ inverse @ rest)
    assert held.likelihoods(0.08, [(0.14, 0.3)], 1.5)[0] == pytest.approx(by_hand)
    mean, covariance = held.predicted(size, 1.5)
    across = prior[:, held.cells]
    assert mean == pytest.approx((ones @ inverse @ held.mean) / total + across @ inverse @ rest)
    assert np.linalg.eigvalsh(covariance).min() > -1e-9


def test_estimates_beat_plain_means_and_their_intervals_hold():
    names, open_hours = ["Instagram", "LinkedIn", "Facebook"], np.tile(np.isin(np.arange(24), range(7, 22)), 7)
    errors, plain, held = [], [], []
    for seed in range(5):
        frame = BENCHMARK.history(390, names, seed=seed)
        learned = learn(frame, names, zone=ZONE)
        for name in names:
            known, truth = learned.channels[name], BENCHMARK.true_lift(name) * BENCHMARK.CHANNELS[name][0]
            part = frame[frame["channel"] == name]
            mean = (part["engagements"] / part["impressions"]).mean()
            scale = BENCHMARK.CHANNELS[name][0]
            errors.append((((known.mean - truth) / scale)[open_hours] ** 2).mean())
            plain.append((((mean - truth) / scale)[open_hours] ** 2).mean())
            held.append((abs(known.mean - truth) <= 1.96 * np.sqrt(np.diag(known.covariance)))[open_hours].mean())
    assert np.sqrt(np.mean(errors)) < 0.85 * np.sqrt(np.mean(plain))
    assert np.mean(held) > 0.88


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 40))
def test_rates_are_finite_shares_and_the_order_of_posts_is_no_matter(seed, n):
    frame = BENCHMARK.history(n, ["Instagram", "LinkedIn"], seed=seed)
    names = ("Instagram", "LinkedIn")
    table = learn(frame, names).table()
    told = table.dropna(subset="rate")
    assert ((told["low"] <= told["rate"]) & (told["rate"] <= told["high"])).all()
    assert ((told[["low", "rate", "high"]] >= 0) & (told[["low", "rate", "high"]] <= 1)).all(axis=None)
    turned = learn(frame.sample(frac=1, random_state=1), names).table()
    np.testing.assert_allclose(turned["rate"], table["rate"], rtol=1e-7)
    assert table["n"].sum() == n
