"""How sure a level is, what would move it, and that hostile sheets get sane, explained answers."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import playbook
from playbook import spectrum
from playbook.tables import FACTORS, RATINGS, check

MODEL = playbook.load("spectrum")
QUICK = MODEL.model_copy(update={"uncertainty": MODEL.uncertainty.model_copy(update={"draws": 100})})
MIDDLING = {"structure": 3, "data_readiness": 5, "verifiability": 5, "judgment": 3, "stakes": 2}
MIDDLING |= {"relationship": 2, "exposure": 2}


def sheet(*rows):
    """Tasks of team t with ids 0, 1, 2, …; middling in everything a row does not name."""
    named = [MIDDLING | row | {"team": "t", "task_id": str(place)} for place, row in enumerate(rows)]
    return pd.DataFrame(named)


def rated(values, factors=FACTORS, task="0"):
    """Ratings of one round: seat s rates every factor `values[s - 1]`."""
    rows = [
        {"team": "t", "task_id": task, "factor": factor, "round": 1, "seat": seat, "value": float(value)}
        for factor in factors
        for seat, value in enumerate(values, start=1)
    ]
    return check(RATINGS, pd.DataFrame(rows))


def one(frame, ratings=None, model=MODEL):
    return spectrum.doubt(frame, model, ratings).iloc[0]


# --- what can be in doubt --------------------------------------------------------------------------------------------


def test_weights_alone_cannot_move_a_task_whose_factors_all_say_the_same():
    # every point is 5, so any weighted mean is 5 and no veto holds: level 5 under all weights
    row = one(sheet({"structure": 5, "judgment": 1, "stakes": 1, "relationship": 1, "exposure": 1}))
    assert row["target_level"] == 5
    assert row["holds_weights"] == 1
    assert row["holds_missing"] == 1  # nothing is missing


def test_a_score_on_the_threshold_is_half_lost_to_other_weights():
    # structure 2.75 and exposure 4 put the score at 3.40, the first of level 4 (test_spectrum has the sum)
    row = one(sheet({"structure": 2.75, "stakes": 3, "exposure": 4}))
    assert row["target_level"] == 4
    assert 0.35 < row["holds_weights"] < 0.65
    assert not row["survives"]
    assert row["low"] <= 3


def test_more_raters_who_agree_make_a_level_surer():
    # the standard error of a mean is spread / sqrt(n): one rater 1.00; three who agree sqrt(2/4/3) = 0.41 points
    frame = sheet({"structure": 4, "judgment": 2})
    shares = [
        spectrum.doubt(frame, MODEL, pd.concat([rated([row[name]] * n, [name]) for name in FACTORS]))["holds_raters"][0]
        for row in [frame.iloc[0]]
        for n in (1, 3, 10)
    ]
    assert shares[0] < shares[1] < shares[2]
    assert one(frame)["holds_raters"] == shares[0]  # a figure without raters on record counts as one rater's


def test_what_nobody_rated_is_the_doubt_that_is_named():
    row = one(pd.DataFrame([{"function": "Reporting"}]))
    assert pd.isna(row["raters"])
    assert row["main_doubt"] == "missing"
    assert "by what nobody has rated: structure, data readiness" in row["explanation"]


def test_only_the_last_round_counts_and_the_settled_value_is_no_rater():
    frame = sheet({})
    last = rated([3, 3, 3], ["structure"]).assign(round=2)
    settled = rated([3], ["structure"]).assign(round=2, seat=0)
    first = rated([1, 5, 1, 5], ["structure"])
    whole = check(RATINGS, pd.concat([first, last, settled]))
    pd.testing.assert_frame_equal(spectrum.doubt(frame, MODEL, whole), spectrum.doubt(frame, MODEL, last))


def test_a_factor_of_no_weight_and_no_veto_leaves_the_target_alone():
    spread = rated([1, 5, 1, 5], ["data_readiness"])
    assert one(sheet({"data_readiness": 3}), spread)["holds"] >= one(sheet({"data_readiness": 3}))["holds"] - 1e-9


# --- hostile sheets --------------------------------------------------------------------------------------------------


def test_all_fives_stay_with_people_and_that_is_sure_with_many_raters():
    # relationship 5 caps at level 1 from 4.5 on; 200 raters who agree have an error of sqrt(2 / 201 / 200) = 0.007 points
    row = one(sheet(dict.fromkeys(FACTORS, 5)), rated([5] * 200))
    assert (row["target_level"], row["low"], row["high"]) == (1, 1, 1)
    assert row["survives"]
    assert row["raters"] == 200


def test_all_missing_is_not_yet_and_says_so():
    row = one(pd.DataFrame([dict.fromkeys(FACTORS)]))
    assert row[["target_level", "low", "high", "survives", "raters"]].isna().all()
    assert np.isnan(row["holds"])
    assert row["explanation"].startswith("Not yet:")
    assert spectrum.next_level(pd.DataFrame([{}]), MODEL)["kind"].tolist() == ["not yet"]


def test_too_few_ratings_give_a_range_but_no_share():
    row = one(pd.DataFrame([{"judgment": 2}]))
    assert pd.isna(row["target_level"])
    assert row["low"] < row["high"]
    assert np.isnan(row["holds"])


@pytest.mark.parametrize("n", [2, 10, 200])
def test_raters_who_contradict_each_other_are_shown_however_many_they_are(n):
    # half say 1 in everything, half 5: the mean is 3 with a small error when many rate, but no sheet says 3
    frame = sheet(dict.fromkeys(FACTORS, 3.0))
    row = one(frame, rated([1, 5] * (n // 2)))
    # all ones: verifiability 1 caps at 2; all fives: relationship 5 caps at 1
    assert (row["raters_low"], row["raters_high"]) == (1, 2)
    split = one(frame, rated([1, 5] * (n // 2), ["structure", "verifiability"]))
    # structure and verifiability 1: 2.7 - .35 x 2 below 5: points 1 and 1, others 3: score 2.3, capped at 2;
    # both 5: score 3 + .35 x 2 = 3.7, level 4
    assert (split["raters_low"], split["raters_high"]) == (2, 4)
    assert "Raters" not in split["explanation"].split("The raters' own sheets")[0]
    assert "own sheets give levels 2 to 4" in split["explanation"]
    assert "far apart on 1 task" in " ".join(spectrum.doubt_findings(split.to_frame().T, MODEL))


def test_one_rater_is_told_that_a_second_would_settle_most():
    row = one(sheet({}), rated([3], ["structure"]))
    assert row["raters"] == 1
    assert row["main_doubt"] == "raters"
    assert "a second person could differ by a point" in row["explanation"]


def test_an_empty_table_gives_empty_typed_answers():
    frame = pd.DataFrame()
    doubts = spectrum.doubt(frame, MODEL)
    assert doubts.empty
    assert spectrum.survival(doubts, MODEL).empty
    assert spectrum.doubt_findings(doubts, MODEL) == []
    assert spectrum.sensitivity(frame, MODEL).empty
    assert spectrum.next_level(frame, MODEL).empty
    assert doubts["holds"].dtype == "float64"
    assert doubts["low"].dtype == "Int64"


def test_many_tasks_take_no_more_memory_than_some():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.integers(1, 6, (500, 7)).astype(float), columns=list(FACTORS))
    tracemalloc.start()
    spectrum.doubt(frame, MODEL)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # 500,000 drawn rows of 7 figures are 28 MB an array and some ten are alive at once; in parts it stays below this
    assert peak < 100e6


# --- laws ------------------------------------------------------------------------------------------------------------

cells = st.one_of(st.none(), st.just("n/a"), st.integers(4, 20).map(lambda quarters: quarters / 4))
sheets = st.lists(
    st.fixed_dictionaries(
        dict.fromkeys(FACTORS, cells) | {"function": st.sampled_from([None, "Reporting", "Strategy", "Juggling"])}
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=25, deadline=None)
@given(sheets, st.randoms(use_true_random=False))
def test_neither_the_order_of_tasks_nor_another_task_changes_how_sure_a_level_is(rows, random):
    frame = pd.DataFrame(rows).assign(team="t", task_id=[f"t{i}" for i in range(len(rows))])
    order = random.sample(range(len(frame)), len(frame))
    for answer in (spectrum.doubt, spectrum.next_level):
        whole = answer(frame, QUICK)
        pd.testing.assert_frame_equal(answer(frame.iloc[order], QUICK), whole.iloc[order])
        pd.testing.assert_frame_equal(answer(frame.iloc[:1], QUICK), whole.iloc[:1])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(4, 20), min_size=2, max_size=7), st.randoms(use_true_random=False))
def test_who_sits_on_which_seat_changes_nothing(quarters, random):
    frame = sheet({})
    ratings = pd.concat([rated([q / 4 for q in quarters], ["structure", "judgment"]), rated([2, 4], ["stakes"])])
    seats = random.sample(range(1, 10), 9)
    moved = ratings.assign(seat=[seats[seat - 1] for seat in ratings["seat"]]).sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(spectrum.doubt(frame, QUICK, ratings), spectrum.doubt(frame, QUICK, moved))


@settings(max_examples=25, deadline=None)
@given(sheets)
def test_the_level_lies_in_its_range_and_the_range_of_the_missing_is_a_wider_one(rows):
    frame = pd.DataFrame(rows)
    doubts, placed = spectrum.doubt(frame, QUICK), spectrum.place(frame, QUICK)
    some = doubts.dropna(subset=["target_level"])
    assert (some["low"] <= some["target_level"]).all()
    assert (some["target_level"] <= some["high"]).all()
    assert (some["near"] >= some["holds"]).all()
    # with every doubt but the missing ratings off, no draw leaves PLACEMENTS' range: where that is one level, it holds
    fixed = placed["target_level"].notna() & (placed["level_low"] == placed["level_high"])
    assert (doubts.loc[fixed, "holds_missing"] == 1).all()


@settings(max_examples=25, deadline=None)
@given(sheets)
def test_the_change_that_is_named_moves_the_task_up_and_a_tenth_less_does_not(rows):
    frame = pd.DataFrame(rows).astype(object)
    moves, placed = spectrum.next_level(frame, MODEL), spectrum.place(frame, MODEL)
    for place in np.flatnonzero(moves["factor"] != ""):
        step = moves.iloc[place]
        upward = MODEL.by_name[step["factor"]].direction == "favours agents"
        changed = frame.iloc[[place]].copy()
        changed[step["factor"]] = step["goal"]
        # a rating in place of a catalogue's may lift the level over the coverage too, never below the one named
        after = spectrum.place(changed, MODEL).iloc[0]
        assert after["target_level"] >= step["next_level"]
        less = round(step["goal"] + (-0.1 if upward else 0.1), 1)
        if 1 <= less <= 5:
            changed[step["factor"]] = less
            assert spectrum.place(changed, MODEL).iloc[0]["target_level"] == placed.iloc[place]["target_level"]


# --- what would move it ----------------------------------------------------------------------------------------------


def test_the_next_level_names_one_factor_what_to_do_and_the_smallest_other_change():
    frame = sheet({"verifiability": 3, "exposure": 4})
    # score 3.25 (test_spectrum); .15 short: structure 3 + .75 -> 3.8; relationship 2 - .6 -> 1.4
    row = spectrum.next_level(frame, MODEL).iloc[0]
    assert (row["kind"], row["factor"], row["value"], row["goal"]) == ("one factor", "structure", 3, 3.8)
    assert row["sentence"].startswith("Level 4 would take structure 3.8 instead of 3 (write down the rules")
    assert row["sentence"].endswith("or relationship 1.4 instead of 2.")


def test_a_veto_is_named_as_what_holds_the_task():
    row = spectrum.next_level(sheet({"structure": 5, "judgment": 1, "stakes": 4, "relationship": 1}), MODEL).iloc[0]
    assert (row["kind"], row["factor"], row["goal"]) == ("ceiling", "stakes", 3.4)
    assert "It is held by stakes; level 4 would take stakes 3.4 instead of 4" in row["sentence"]


def test_at_the_top_and_with_two_vetoes_no_single_step_is_invented():
    best = {"structure": 5, "judgment": 1, "stakes": 1, "relationship": 1, "exposure": 1}
    moves = spectrum.next_level(sheet(best, best | {"judgment": 5, "stakes": 5}), MODEL)
    assert moves["kind"].tolist() == ["top", "several"]
    assert moves.loc[0, "sentence"] == "Level 5 is the highest."
    assert "judgment below 4.5" in moves.loc[1, "sentence"]
    assert "stakes below 4.5" in moves.loc[1, "sentence"]


def test_what_stands_between_target_and_ready_is_said_too():
    row = spectrum.next_level(sheet({"data_readiness": 2, "structure": 5, "judgment": 1, "relationship": 1}), MODEL)
    assert "What being ready for level 4 would take: bring data readiness to at least 3" in row.loc[0, "ready_sentence"]


def test_sensitivity_names_the_nearest_change_first():
    frame = sheet({"verifiability": 3, "exposure": 4})
    table = spectrum.sensitivity(frame, MODEL)
    # score 3.25: .15 to level 4; .25 x .6 from relationship is the nearest of all changes
    assert table.loc[0, ["factor", "higher_at", "higher_level", "points"]].tolist() == ["relationship", 1.4, 4, 0.6]
    verifiability = table.set_index("factor").loc["verifiability"]
    # .15 a point: 3 + 1 = 4 exactly reaches 3.4; below 1.5 the veto gives level 2, and 1 x .15 less never 2.6
    assert (verifiability["higher_at"], verifiability["lower_at"], verifiability["lower_level"]) == (4.0, 1.4, 2)
    assert "data_readiness" not in set(table["factor"])


def test_survival_counts_the_levels_that_hold_and_names_what_would_settle_more():
    frame = sheet(dict.fromkeys(FACTORS, 3.0), dict.fromkeys(FACTORS, None), {"relationship": 5})
    doubts = spectrum.doubt(frame, MODEL)
    row = spectrum.survival(doubts, MODEL).iloc[0]
    assert (row["tasks"], row["placed"]) == (3, 2)
    assert row["share"] == row["survive"] / 2
    said = spectrum.doubt_findings(doubts, MODEL)
    assert said[0].startswith(f"{row['survive']} of 2 levels hold in 80 % or more of 1,000 draws")
    assert any("a second and third rater would settle most" in text for text in said)


def test_the_rule_stands_on_one_page():
    page = spectrum.rule_page(MODEL)
    assert len(page) == len(FACTORS) + 1
    assert page.iloc[0]["score"] == "25 % of the score, favours people"
    stakes = page.set_index("factor").loc["Stakes"]
    assert stakes["could_be"] == "at least 3.5: level 3 at most; at least 4.5: level 2 at most"
    assert page.iloc[-1]["could_be"] == "Level 2 from 1.8, 3 from 2.6, 4 from 3.4, 5 from 4.2; below that level 1"
