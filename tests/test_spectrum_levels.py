"""The validation page says what the script computes from the data and the rule in force."""

import importlib.util
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import playbook

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data" / "work_tasks"
PAGE = ROOT / "docs" / "levels.md"
MODEL = playbook.load("spectrum")


@pytest.fixture(scope="module")
def levels():
    spec = importlib.util.spec_from_file_location("benchmark_of_levels", ROOT / "benchmarks" / "levels.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def ratings(levels):
    if not DATA.is_dir():
        pytest.skip("the experts' ratings are not beside this tree: ../shared/data/work_tasks")
    return levels.read(DATA)[0]


def test_kappa_auc_and_spearman_by_hand(levels):
    truth, ones = np.array([1.0, 2.0, 4.0, 5.0]), np.ones(4)
    given = np.array([1.0, 4.0, 2.0, 5.0])
    # mean squared distance (0 + 4 + 4 + 0)/4 = 2; shuffled: variances 2.5 + 2.5, equal means: 5; kappa 1 - 2/5
    assert levels.kappa(truth, (given, given), ones) == pytest.approx(0.6)
    # high {4, 5} got 2 and 5, low {1, 2} got 1 and 4: pairs 2>1, 2<4, 5>1, 5>4: 3 of 4
    assert levels.auc(truth, (given, given), ones) == pytest.approx(0.75)
    # ranks 1 2 3 4 and 1 3 2 4: 1 - 6 x 2 / (4 x 15) = 0.8
    assert levels.spearman(truth, (given, given), ones) == pytest.approx(0.8)


def test_a_row_counted_twice_counts_like_two_rows(levels):
    rng = np.random.default_rng(5)
    truth, given = rng.integers(1, 6, 30).astype(float), rng.integers(1, 6, 30).astype(float)
    weight = rng.integers(1, 4, 30)
    again = np.repeat(np.arange(30), weight)
    for figure in levels.FIGURES.values():
        twice = figure(truth[again], (given[again], given[again]), np.ones(len(again)))
        assert figure(truth, (given, given), weight.astype(float)) == pytest.approx(twice)


def test_no_expert_predicts_their_own_level(levels):
    # three experts: the first held-out level is met by the mean of the other two, (2 + 4)/2 and so on
    frame = pd.DataFrame(
        {"occupation": "o", "task": 1, "judgment": [1.0, 2, 4], "stakes": 1.0, "relationship": [5.0, 1, 1]}
    ).assign(level=[5.0, 3, 1])
    rows = levels.held_out(frame).rows
    assert rows["judgment"].tolist() == [3.0, 2.5, 1.5]
    assert rows["others"].tolist() == [2.0, 3.0, 4.0]
    halves = levels.halves(frame).rows
    # one expert's properties against the other two's mean level, three splits of a third each
    assert halves["judgment"].tolist() == [1.0, 2.0, 4.0]
    assert halves["level"].tolist() == [2.0, 3.0, 4.0]
    assert halves["weight"].sum() == pytest.approx(1)


def test_the_rule_is_at_least_as_good_as_equal_weights_across_experts(levels, ratings):
    for view in (levels.held_out(ratings), levels.halves(ratings)):
        rows = view.rows.reset_index(drop=True)
        truth, weight = rows["level"].to_numpy(), rows["weight"].to_numpy()
        found = levels.answers(rows, MODEL)
        for figure in levels.FIGURES.values():
            ours = figure(truth, found[levels.RULE], weight)
            assert ours >= figure(truth, found[levels.EQUAL], weight)
            assert ours >= figure(truth, found[levels.CAPPED], weight)
        inside = {name: levels.within(rows, answer).sum() for name, answer in found.items()}
        for one in levels.FIGURES:
            ours, even = (inside[name][one] / inside[name][f"{one} of"] for name in (levels.RULE, levels.EQUAL))
            assert ours >= even


def test_the_page_is_of_the_rule_in_force_and_the_data(levels, ratings):
    page = PAGE.read_text(encoding="utf-8")
    assert f"rule (version {MODEL.version})" in page
    assert "{{" not in page
    rows = levels.held_out(ratings).rows.reset_index(drop=True)
    answer = levels.by_rule(rows, MODEL)
    said = re.search(r"\| the rule \| ([\d.]+) .*?\| ([\d.]+) .*?\| ([\d.]+) ", page)
    for text, figure in zip(said.groups(), levels.FIGURES.values(), strict=True):
        assert f"{figure(rows['level'].to_numpy(), answer, np.ones(len(rows))):.3f}" == text
    assert "kappa 0.55: the rule does not reach it" in page
    assert "not about marketing" in page
