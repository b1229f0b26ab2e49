"""The Collaboration Spectrum: where the rule places work, what it says about it and which laws it keeps."""

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import playbook
from playbook import spectrum
from playbook.errors import ContentError, TableError
from playbook.io import content
from playbook.tables import FACTORS, MEASURES, PLACEMENTS, TASKS, check

MODEL = playbook.load("spectrum")
AGENT_FACTORS = ("structure", "data_readiness", "verifiability")
HUMAN_FACTORS = ("judgment", "stakes", "relationship", "exposure")
SOURCE_LEVELS = {
    1: ["Strategy development", "Brand voice decisions", "Crisis communication"],
    2: ["Creative direction", "Campaign architecture", "Buyer persona development"],
    3: ["Content production", "Email sequences", "Social media management"],
    4: ["Data analysis", "Reporting", "A/B test management", "SEO optimization"],
    5: ["Ad budget optimization", "Personalization at scale", "Chatbots", "Nurture sequences"],
}


def rate(**factors):
    """One task with the given ratings, middling and unvetoed in everything not named."""
    usual = {"structure": 3, "data_readiness": 5, "verifiability": 5, "judgment": 3, "stakes": 2}
    return pd.DataFrame([usual | {"relationship": 2, "exposure": 2} | factors])


def place_one(**factors):
    return spectrum.place(rate(**factors), MODEL).iloc[0]


# --- the catalogue ---------------------------------------------------------------------------------------------------


def test_every_function_of_the_source_is_in_the_catalogue_on_the_level_the_source_gives():
    wanted = {name: level for level, names in SOURCE_LEVELS.items() for name in names}
    assert {row.name: row.level for row in MODEL.functions} == wanted


def test_the_usual_ratings_place_every_function_on_the_level_the_source_gives():
    table = spectrum.catalogue(MODEL)
    assert table["placed"].tolist() == table["level"].tolist()
    # Not by a hair: each score stays at least 0.05 points inside its band.
    steps = [1.0, 1.8, 2.6, 3.4, 4.2, 5.0]
    for score, level in zip(table["score"], table["level"], strict=True):
        assert steps[level - 1] <= score
        assert score <= steps[level] - 0.049


def test_a_team_that_rates_a_function_as_usual_is_ready_for_its_level():
    ratings = spectrum.catalogue(MODEL)[list(FACTORS)]
    placed = spectrum.place(ratings, MODEL)
    assert placed["ready_level"].tolist() == placed["target_level"].tolist()


def test_the_level_table_and_the_factor_table_say_every_level_and_anchor():
    levels, factors = spectrum.level_table(MODEL), spectrum.factor_table(MODEL)
    assert levels["level"].tolist() == [1, 2, 3, 4, 5]
    assert levels["score_from"].is_monotonic_increasing
    assert factors["factor"].tolist() == list(FACTORS)
    assert factors["weight"].sum() == pytest.approx(1)
    assert (factors[["1", "2", "3", "4", "5"]].map(len) > 10).all().all()


# --- the arithmetic --------------------------------------------------------------------------------------------------


def test_the_score_is_the_weighted_mean_of_points_towards_agents():
    row = place_one(structure=4, verifiability=3, judgment=2, stakes=2, relationship=1, exposure=3, data_readiness=4)
    # .20x4 + .15x3 + .20x(6-2) + .10x(6-2) + .25x(6-1) + .10x(6-3) = .8 + .45 + .8 + .4 + 1.25 + .3 = 4.00
    assert row["score"] == pytest.approx(4.0)
    assert (row["target_level"], row["ready_level"]) == (4, 4)
    assert (row["level_low"], row["level_high"], row["coverage"]) == (4, 4, 1.0)


def test_a_score_exactly_on_a_threshold_reaches_the_level():
    # .2x5 + .15x5 + .2x(6-3) + .1x(6-3) + .25x(6-2) + .1x(6-5)... exposure 4: 1 + .75 + .6 + .3 + 1 + .2 = 3.85;
    # structure 2.75 takes .2 x 2.25 = .45 off: 3.40, the first score of level 4.
    row = place_one(structure=2.75, verifiability=5, judgment=3, stakes=3, relationship=2, exposure=4)
    assert row["score"] == pytest.approx(3.4)
    assert row["target_level"] == 4


def test_unrated_factors_lower_coverage_and_widen_the_range():
    row = spectrum.place(pd.DataFrame([{"structure": 4, "judgment": 2, "relationship": 2}]), MODEL).iloc[0]
    # rated .20 + .20 + .25 = .65 of the weight; score (.2x4 + .2x4 + .25x4) / .65 = 4
    assert row["coverage"] == pytest.approx(0.65)
    assert row["score"] == pytest.approx(4.0)
    assert row["target_level"] == 4
    # worst: 2.6 + .35x1 = 2.95, level 3, but stakes 5 would cap at 2; best: 2.6 + .35x5 = 4.35, level 5
    assert (row["level_low"], row["level_high"]) == (2, 5)


def test_not_applicable_factors_leave_the_weights_and_do_not_lower_coverage():
    rated = {"structure": 4, "verifiability": 4, "judgment": 2, "stakes": 2, "relationship": 2, "data_readiness": 5}
    in_cell = spectrum.place(pd.DataFrame([rated | {"exposure": "n/a"}]), MODEL)
    in_list = spectrum.place(pd.DataFrame([rated | {"not_applicable": "Exposure"}]), MODEL)
    # all points are 4, so leaving exposure's .10 out of the weights keeps 4
    assert in_cell.loc[0, "score"] == pytest.approx(4.0)
    assert in_cell.loc[0, "coverage"] == 1.0
    assert in_cell.loc[0, "level_low"] == in_cell.loc[0, "level_high"] == 4
    pd.testing.assert_frame_equal(in_cell, in_list)


def test_a_rating_marked_as_not_applicable_is_set_aside_and_said():
    row = place_one(exposure=5, not_applicable="exposure, data readiness")
    assert "regulated claims" not in row["ceilings"]
    assert "Rated and also marked as not applicable: data readiness and exposure" in row["reasons"]


def test_every_factor_not_applicable_is_not_yet():
    row = spectrum.place(pd.DataFrame([dict.fromkeys(FACTORS, "n/a")]), MODEL).iloc[0]
    assert pd.isna(row["target_level"])
    assert row["reasons"].startswith("not yet: every factor")


def test_too_little_rated_gives_a_range_but_no_level():
    row = spectrum.place(pd.DataFrame([{"judgment": 2}]), MODEL).iloc[0]
    assert pd.isna(row["target_level"])
    assert pd.isna(row["ready_level"])
    assert (row["level_low"], row["level_high"]) == (1, 5)
    assert row["reasons"].startswith("not yet: 20 % of the rule's weight is rated and a level needs 35 %")


# --- the catalogue stands in -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Reporting", "REPORTING", " dashboards "])
def test_without_ratings_a_known_function_uses_the_catalogue_and_says_so(name):
    row = spectrum.place(pd.DataFrame([{"function": name}]), MODEL).iloc[0]
    assert (row["target_level"], row["coverage"]) == (4, 0.0)
    assert row["level_low"] < 4 < row["level_high"]
    assert row["ready_level"] == 3  # nobody of the team has said whether data, checks and stakes allow more
    assert "ratings usual for Reporting stand in" in row["reasons"]


@pytest.mark.parametrize(
    ("said", "meant"),
    [("E-mail sequences", 3), ("email  SEQUENCES", 3), ("a/b-testing", 4), ("SEO", 4), ("Social-Media", 3)],
)
def test_a_function_is_known_by_its_synonyms_and_spellings(said, meant):
    assert spectrum.place(pd.DataFrame([{"function": said}]), MODEL).loc[0, "target_level"] == meant


def test_own_ratings_win_over_the_catalogue_and_narrow_the_range():
    alone = spectrum.place(pd.DataFrame([{"function": "Reporting"}]), MODEL).iloc[0]
    frame = pd.DataFrame([{"function": "Reporting", "structure": 5, "judgment": 2, "relationship": 2, "stakes": 2}])
    some = spectrum.place(frame, MODEL).iloc[0]
    assert some["coverage"] == pytest.approx(0.75)
    assert some["level_high"] - some["level_low"] < alone["level_high"] - alone["level_low"]


def test_no_ratings_and_no_known_function_is_not_yet():
    placed = spectrum.place(pd.DataFrame({"function": [None, "Juggling"]}), MODEL)
    assert placed["target_level"].isna().all()
    assert placed["level_low"].isna().all()
    assert placed["reasons"].str.startswith("not yet:").all()
    assert "'Juggling' is not in the catalogue" in placed.loc[1, "reasons"]


# --- vetoes and readiness --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("factor", "value", "level", "ceiling"),
    [
        ("stakes", 5, 2, "irreversible high stakes"),
        ("stakes", 4, 3, "serious stakes"),
        ("relationship", 5, 1, "human contact is the work"),
        ("relationship", 4, 2, "relationship work"),
        ("exposure", 5, 3, "regulated claims"),
        ("judgment", 5, 2, "deep judgment"),
        ("verifiability", 1, 2, "results that cannot be checked"),
    ],
)
def test_one_bottleneck_caps_the_level_whatever_the_rest(factor, value, level, ceiling):
    best = dict.fromkeys(AGENT_FACTORS, 5) | dict.fromkeys(HUMAN_FACTORS, 1)
    row = place_one(**best | {factor: value})
    assert row["target_level"] == level
    assert ceiling in row["ceilings"].split("; ")
    assert "Held at level" in row["reasons"]
    assert f"What level {level + 1} would take: bring {factor}" in row["reasons"]


def test_ready_is_less_than_target_while_the_data_are_not_there():
    row = place_one(structure=5, judgment=1, relationship=1, stakes=1, exposure=1, data_readiness=2)
    assert (row["target_level"], row["ready_level"]) == (5, 3)
    assert "scattered data" in row["ceilings"]
    assert "What being ready for level 4 would take: bring data readiness to at least 3" in row["reasons"]
    assert (
        place_one(structure=5, judgment=1, relationship=1, stakes=1, exposure=1, data_readiness=3)["ready_level"] == 4
    )


def test_what_nobody_rated_is_not_called_ready():
    frame = rate(structure=5, judgment=1, relationship=1, stakes=1, exposure=1).drop(columns="data_readiness")
    row = spectrum.place(frame, MODEL).iloc[0]
    assert (row["target_level"], row["ready_level"]) == (5, 3)
    assert "until the team has rated data readiness" in row["reasons"]


def test_work_that_stays_with_people_is_an_outcome_and_says_so():
    assert "Keep human: people decide here." in place_one(relationship=5)["reasons"]


def test_the_reasons_name_a_step_that_really_moves_the_work_up():
    row = place_one(structure=3, verifiability=3, judgment=3, stakes=2, relationship=2, exposure=4)
    # .6 + .45 + .6 + .4 + 1 + .2 = 3.25, level 3; .15 short of 3.4; structure gives .2 a point: 3 + .75 -> 3.8
    assert row["target_level"] == 3
    assert "What level 4 would take: structure from 3 to 3.8 alone" in row["reasons"]
    assert (
        place_one(structure=3.8, verifiability=3, judgment=3, stakes=2, relationship=2, exposure=4)["target_level"] == 4
    )


def test_all_fives_is_held_down_by_people():
    row = place_one(**dict.fromkeys(FACTORS, 5))
    assert row["target_level"] == 1
    assert "human contact is the work" in row["ceilings"]


# --- shape and bad input ---------------------------------------------------------------------------------------------


def test_the_result_has_the_declared_columns_the_tasks_index_and_order():
    frame = pd.DataFrame({"structure": [5, np.nan, 3], "judgment": [1, 2, None]}, index=["c", "a", "b"])
    placed = spectrum.place(frame, MODEL)
    assert list(placed.columns) == list(PLACEMENTS.columns)
    assert list(placed.index) == ["c", "a", "b"]
    assert placed["team"].tolist() == ["team"] * 3
    assert placed["task_id"].tolist() == ["0", "1", "2"]
    pd.testing.assert_frame_equal(check(PLACEMENTS, placed), placed)


def test_an_empty_table_gives_an_empty_typed_result():
    for frame in (pd.DataFrame(), TASKS.empty()):
        placed = spectrum.place(frame, MODEL)
        assert placed.empty
        assert placed.dtypes.to_dict() == PLACEMENTS.empty().dtypes.to_dict()
        assert spectrum.measures(placed).empty
        assert spectrum.findings(placed, frame) == ["Not yet: there are no tasks to place on the spectrum."]


def test_a_checked_tasks_table_of_two_teams_keeps_its_teams():
    base = {"task": "Write", "workflow": "Blog", "structure": 3.5, "judgment": 3.0}
    rows = [
        base | {"team": "north", "task_id": "1"},
        base | {"team": "south", "task_id": "1", "not_applicable": "stakes"},
    ]
    placed = spectrum.place(check(TASKS, pd.DataFrame(rows)), MODEL)
    assert placed["team"].tolist() == ["north", "south"]
    assert placed.loc[1, "coverage"] > placed.loc[0, "coverage"]


def test_every_bad_cell_is_named_at_once():
    frame = pd.DataFrame(
        {"structure": [6, 3, 0.5], "judgment": ["high", 2, True], "not_applicable": ["", "mood", None]},
        index=[11, 12, 13],
    )
    with pytest.raises(TableError) as caught:
        spectrum.place(frame, MODEL)
    found = {(fault.row, fault.column) for fault in caught.value.faults}
    assert found == {(11, "structure"), (13, "structure"), (11, "judgment"), (13, "judgment"), (12, "not_applicable")}
    assert "wanted points from 1 to 5, n/a, or nothing" in str(caught.value)


def test_an_infinite_rating_is_refused():
    with pytest.raises(TableError, match="inf"):
        spectrum.place(pd.DataFrame({"stakes": [np.inf]}), MODEL)


def test_ten_thousand_tasks_take_about_a_second():
    rng = np.random.default_rng(7)
    frame = pd.DataFrame(rng.integers(1, 6, (10_000, 7)).astype(float), columns=list(FACTORS))
    began = time.process_time()
    spectrum.place(frame.mask(rng.random(frame.shape) < 0.2), MODEL)
    assert time.process_time() - began < 4  # about 0.7 s; room for a busy machine


# --- laws ------------------------------------------------------------------------------------------------------------

ratings = st.one_of(st.none(), st.just("n/a"), st.integers(4, 20).map(lambda quarters: quarters / 4))
sheets = st.lists(
    st.fixed_dictionaries(
        dict.fromkeys(FACTORS, ratings) | {"function": st.sampled_from([None, "Reporting", "Strategy", "Juggling"])}
    ),
    min_size=1,
    max_size=8,
)
LEVELS = ["target_level", "ready_level", "level_low", "level_high"]


def levels(frame):
    return spectrum.place(frame, MODEL)[["score", *LEVELS]].astype("float64")


@settings(max_examples=25, deadline=None)
@given(sheets)
def test_ready_is_never_above_target_and_the_target_lies_in_its_range(rows):
    placed = spectrum.place(pd.DataFrame(rows), MODEL)
    some = placed.dropna(subset=["target_level"])
    assert (some["ready_level"] <= some["target_level"]).all()
    assert (some["level_low"] <= some["target_level"]).all()
    assert (some["target_level"] <= some["level_high"]).all()
    check(PLACEMENTS, placed)


@settings(max_examples=40, deadline=None)
@given(sheets, st.sampled_from(FACTORS), st.integers(1, 16))
def test_more_human_need_never_raises_and_more_agent_fit_never_lowers_a_level(rows, factor, quarters):
    before = pd.DataFrame(rows).astype(object)
    after = before.copy()
    after[factor] = [min(5.0, cell + quarters / 4) if isinstance(cell, float) else cell for cell in before[factor]]
    change = levels(after) - levels(before)
    moved = change.fillna(0.0) * (1 if factor in AGENT_FACTORS else -1)
    assert (moved >= -1e-9).all().all()


@settings(max_examples=25, deadline=None)
@given(sheets, st.randoms(use_true_random=False))
def test_neither_the_order_of_tasks_nor_another_task_changes_a_level(rows, random):
    frame = pd.DataFrame(rows).assign(team="t", task_id=[f"t{i}" for i in range(len(rows))])
    order = random.sample(range(len(frame)), len(frame))
    whole = spectrum.place(frame, MODEL)
    pd.testing.assert_frame_equal(spectrum.place(frame.iloc[order], MODEL), whole.iloc[order])
    pd.testing.assert_frame_equal(spectrum.place(frame.iloc[:1], MODEL), whole.iloc[:1])


@settings(max_examples=25, deadline=None)
@given(sheets, st.sampled_from(FACTORS), st.integers(4, 20))
def test_rating_a_missing_factor_stays_within_the_range_that_was_given(rows, factor, quarters):
    frame = pd.DataFrame(rows).astype(object)
    # Without a function the range covers every value; the catalogue only narrows it to what is usual.
    frame["function"] = None
    before = spectrum.place(frame, MODEL)
    frame[factor] = [quarters / 4 if cell is None else cell for cell in frame[factor]]
    after = spectrum.place(frame, MODEL)
    both = before["level_low"].notna() & after["target_level"].notna()
    assert (before.loc[both, "level_low"] <= after.loc[both, "target_level"]).all()
    assert (after.loc[both, "target_level"] <= before.loc[both, "level_high"]).all()


# --- findings and measures -------------------------------------------------------------------------------------------


def two_placed_one_not():
    tasks = pd.concat([rate(structure=5, judgment=1), rate(relationship=5), pd.DataFrame([{}])], ignore_index=True)
    return tasks.assign(team="t", task_id=["a", "b", "c"], task=["Send report", "Calm client", "Think"])


def test_measures_carry_values_and_counts():
    measured = spectrum.measures(spectrum.place(two_placed_one_not(), MODEL)).set_index("measure")
    # 2 of 3 placed; coverage (1 + 1 + 0) / 3; one of the two placed stays with people
    assert measured.loc["share_of_tasks_placed", "value"] == pytest.approx(2 / 3)
    assert measured.loc["rated_coverage", "value"] == pytest.approx(2 / 3)
    assert measured.loc["tasks_without_level", "value"] == 1
    assert measured.loc["keep_human_share", "value"] == pytest.approx(1 / 2)
    check(MEASURES, measured.reset_index()[list(MEASURES.columns)])


def test_a_measure_that_cannot_be_taken_says_what_it_needs():
    measured = spectrum.measures(spectrum.place(pd.DataFrame([{}], index=[0]), MODEL)).set_index("measure")
    assert np.isnan(measured.loc["keep_human_share", "value"])
    assert "ratings" in measured.loc["keep_human_share", "needs"]


def test_findings_give_numbers_doubt_and_the_tasks_without_a_level():
    tasks = two_placed_one_not()
    said = " ".join(spectrum.findings(spectrum.place(tasks, MODEL), tasks))
    assert "2 of 3 tasks have a place on the spectrum" in said
    assert "Keep human: 1 of 2 placed tasks" in said
    assert "Not yet: 1 of 3 tasks have no level (Think)" in said
    assert "about missing ratings, not about raters or weights" in said


def test_findings_name_the_team_when_there_are_several():
    tasks = two_placed_one_not().assign(team=["north", "north", "south"])
    said = spectrum.findings(spectrum.place(tasks, MODEL), tasks)
    assert {text.split(":")[0] for text in said} == {"Team north", "Team south"}


# --- the rule as a file ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("weight: 0.25", "weight: 0.35", "weights must sum to 1"),
        ("level: 3, score_from: 2.6", "level: 3, score_from: 1.2", "must rise"),
        ("id: serious_stakes", "id: irreversible", "'irreversible' is there twice"),
        (
            "operator: at least\n    value: 4.5\n    cap: 2",
            "operator: below\n    value: 4.5\n    cap: 2",
            "suits agents",
        ),
        ("factor: exposure", "factor: expozure", "'expozure' is not a factor"),
        ("synonyms: [Chatbot, ", "synonyms: [SEO, ", "'seo' is there twice"),
        (
            "verifiability: 3, judgment: 3, stakes: 2, relationship: 1",
            "judgment: 3, stakes: 2, relationship: 1",
            "a rating for each",
        ),
        ("      5: Rules cover", "      6: Rules cover", "an anchor for each"),
        ("score_from: 4.2", "score_from: 5.2", "thresholds"),
    ],
)
def test_a_rule_that_does_not_hold_together_is_refused(tmp_path, old, new, complaint):
    text = content.find("assessments/spectrum/default.yaml").read_text(encoding="utf-8")
    assert old in text
    copy = tmp_path / "rule.yaml"
    copy.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ContentError, match=complaint):
        content.read(copy, spectrum.Model)


def test_a_rule_a_client_changed_places_by_the_change(tmp_path):
    text = content.find("assessments/spectrum/default.yaml").read_text(encoding="utf-8")
    copy = tmp_path / "rule.yaml"
    copy.write_text(text.replace("level: 5, score_from: 4.2", "level: 5, score_from: 3.9", 1), encoding="utf-8")
    own = content.read(copy, spectrum.Model)
    frame = pd.DataFrame([{"function": "Reporting"}])
    assert spectrum.place(frame, own).loc[0, "target_level"] == 5
    assert spectrum.place(frame, MODEL).loc[0, "target_level"] == 4
