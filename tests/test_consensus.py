"""Several raters: the alpha of the published examples by hand, what is settled, and what never changes it."""

import numpy as np
import pandas as pd
import pytest
from engagement import make_workspace
from hypothesis import given, settings
from hypothesis import strategies as st

import playbook
from playbook import consensus, spectrum
from playbook.errors import TableError
from playbook.io.intake import bring_in
from playbook.report.desk import Desk
from playbook.tables import FACTORS, MEASURES, RATINGS, TASKS, check

MODEL = playbook.load("spectrum")
# Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), sections C and D: 4 observers, 12 units, gaps
PUBLISHED = """1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . 3
. 3 3 3 2 3 4 2 2 5 1 .
1 2 3 3 2 4 4 1 2 5 1 ."""


def table(*rows):
    """RATINGS from tuples (task, factor, round, seat, value, further columns); a value n/a does not apply."""
    records = [
        {
            "team": "content",
            "task_id": task,
            "factor": factor,
            "round": number,
            "seat": seat,
            "value": None if value == "n/a" else value,
            "not_applicable": value == "n/a",
            **(more[0] if more else {}),
        }
        for task, factor, number, seat, value, *more in rows
    ]
    return check(RATINGS, pd.DataFrame(records)) if records else RATINGS.empty()


def grid(text, factor="judgment", number=1):
    """Ratings from lines of seats and columns of tasks."""
    lines = [line.split() for line in text.strip().splitlines()]
    return [
        (f"t{place:02d}", factor, number, seat, float(cell))
        for seat, cells in enumerate(lines, start=1)
        for place, cell in enumerate(cells)
        if cell != "."
    ]


def round_of(values, task="t1", factor="judgment", number=1):
    return [(task, factor, number, seat, value) for seat, value in enumerate(values, start=1) if value is not None]


def tasks_of(*ids, **facts):
    rows = [{"team": "content", "task_id": name, "task": f"Do {name}", "workflow": "w", **facts} for name in ids]
    return check(TASKS, pd.DataFrame(rows)) if rows else TASKS.empty()


def alpha_of(ratings, factor="all factors", when="last round"):
    found = consensus.agreement(ratings, draws=50).set_index(["when", "factor"])
    return found.loc[(when, factor)]


def only(frame):
    assert len(frame) == 1
    return frame.iloc[0]


def test_alpha_is_the_published_one():
    found = alpha_of(table(*grid(PUBLISHED)))
    # the paper gives 0.849 for interval data; the twelfth unit has one rating and counts for nothing
    assert found["alpha"] == pytest.approx(0.849, abs=5e-4)
    assert (found["tasks"], found["seats"], found["ratings"]) == (11, 4, 40)
    assert found["alpha_low"] < found["alpha"] <= found["alpha_high"] <= 1


def test_alpha_by_hand():
    # tasks (1, 2) and (4, 5): within = (2 x 0.5 / 1) x 2 = 2, D_o = 2/4; mean 3, squares 4+1+1+4 = 10, D_e = 10/3
    # alpha = 1 - 0.5 / (10/3) = 0.85
    assert alpha_of(table(*grid("1 4\n2 5")))["alpha"] == pytest.approx(0.85)


def test_factors_on_different_heights_do_not_pass_for_agreement():
    # each factor by itself: tasks (1, 2), (2, 1): within 1 + 1 = 2, D_o = 0.5; mean 1.5, squares 4 x 0.25, D_e = 1/3
    # alpha = 1 - 1.5 = -0.5; thrown together with a factor three points higher alpha would be near 1
    low, high = grid("1 2\n2 1"), grid("4 5\n5 4", "stakes")
    together = table(*low, *high)
    assert alpha_of(together, "judgment")["alpha"] == pytest.approx(-0.5)
    assert alpha_of(together)["alpha"] == pytest.approx(-0.5)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (grid("1 2 3"), "not yet: no task has a factor that two seats rated"),
        (grid("3 3 3\n3 3 3"), "all ratings are equal, so agreement cannot be told from chance"),
        (grid("1 2\n1 3"), "too few: 2 tasks, and an interval needs 10"),
        (grid("1 2 3 4 5 1 2 3 4 5\n1 2 3 4 5 1 2 3 5 5"), "few: 10 tasks; under 30 alpha may be off by 0.2 and more"),
    ],
    ids=["one rater", "all equal", "two tasks", "ten tasks"],
)
def test_too_little_for_an_alpha_is_said_and_nothing_raises(rows, said):
    found = alpha_of(table(*rows))
    assert found["note"] == said
    assert pd.isna(found["alpha"]) == said.startswith(("not yet", "all"))
    assert pd.isna(found["alpha_low"]) == (not said.startswith("few"))


def test_after_talking_each_factor_counts_with_its_last_round():
    # only the disputed task is rated again: the other keeps its first word in the last round
    rows = [*round_of([1, 1], "t1"), *round_of([2, 5], "t2"), *round_of([4, 4], "t2", number=2)]
    found = consensus.agreement(table(*rows)).query("factor == 'all factors'").set_index("when")
    assert found.loc["first round", "alpha"] < found.loc["last round", "alpha"]
    assert found.loc["last round", "alpha"] == 1
    assert list(found["tasks"]) == [2, 2]


def test_each_round_is_kept_with_mean_spread_and_range():
    rows = [*round_of([2, 4, None, "n/a"]), *round_of([3, 3, 4, 4], number=2), ("t1", "judgment", 2, 0, 3.5)]
    found = consensus.rounds(table(*rows))
    # round 1: two values 2 and 4, mean 3, sd sqrt(2); round 2: mean 3.5, sd sqrt(4 x 0.25 / 3); seat 0 is no rater
    assert list(found["n"]) == [2, 4]
    assert list(found["mean"]) == [3, 3.5]
    assert list(found["spread"]) == pytest.approx([np.sqrt(2), np.sqrt(1 / 3)])
    assert found[["low", "high"]].to_numpy().tolist() == [[2, 4], [3, 4]]
    assert list(found["not_applicable"]) == [1, 0]


def test_who_stands_apart_is_a_seat_with_a_role_and_a_reason():
    why = {"role": "Editor", "reason": "a rule covers it"}
    found = only(consensus.apart(table(*round_of([4, 4, 5]), ("t1", "judgment", 1, 4, 2, why))))
    # the others' median is 4: two points away
    assert (found["seat"], found["role"], found["reason"]) == (4, "Editor", "a rule covers it")
    assert (found["value"], found["others"], found["n"], found["kind"]) == (2, 4, 4, "apart")
    assert found["last"]


def test_half_against_half_is_a_split_and_nobody_is_the_odd_one_out():
    found = consensus.apart(table(*round_of([1, 1, 1, 5, 5, 5])))
    assert set(found["kind"]) == {"split"}
    said = consensus.findings(table(*round_of([1, 1, 1, 5, 5, 5])), tasks_of("t1"))
    assert any("split over judgment of 'Do t1'" in text for text in said)
    assert not any("apart" in text for text in said)


def test_one_rater_cannot_stand_apart_and_a_single_rating_is_told():
    lonely = table(*round_of([2]))
    assert consensus.apart(lonely).empty
    found = only(consensus.settlement(lonely))
    assert (found["value"], found["low"], found["high"], found["note"]) == (2, 2, 2, "one seat only")
    assert pd.isna(found["spread"])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=9))
def test_the_median_of_the_others_is_that_of_the_list_without_oneself(values):
    found = consensus.apart(table(*round_of(values)), points=0).sort_values("seat")
    if len(values) > 1:
        without = [np.median(values[:place] + values[place + 1 :]) for place in range(len(values))]
        assert list(found["others"]) == without


def test_only_seats_of_both_rounds_are_compared():
    # seats 1 and 2 go from 2, 4 (sd sqrt 2) to 3, 3; seat 3, who said 5, stays away and must not look like agreement
    found = only(consensus.changes(table(*round_of([2, 4, 5]), *round_of([3, 3], number=2))))
    assert found["n"] == 2
    assert found["change"] == pytest.approx(-np.sqrt(2))
    assert found["verdict"] == "narrowed"
    note = only(consensus.settlement(table(*round_of([2, 4, 5]), *round_of([3, 3], number=2))))["note"]
    assert note == "fewer seats in the last round than before"


def test_rounds_without_two_seats_in_both_say_nothing_of_narrowing():
    assert consensus.changes(table(*round_of([2, 4]), *round_of([3], number=2))).empty
    assert consensus.changes(table(*round_of([2, 4]))).empty


def test_seat_zero_settles_else_the_mean_of_the_last_round_and_the_range_stays():
    first, second = round_of([1, 5, 3]), round_of([2, 4, 4], number=2)
    by_mean = only(consensus.settlement(table(*first, *second)))
    # the last round says 2, 4 and 4: ten thirds
    assert by_mean["value"] == pytest.approx(10 / 3)
    assert (by_mean["basis"], by_mean["round"], by_mean["n"]) == ("mean of the last round", 2, 3)
    by_raters = only(consensus.settlement(table(*first, *second, ("t1", "judgment", 2, 0, 4))))
    assert (by_raters["value"], by_raters["basis"]) == (4, "settled by the raters")
    for found in (by_mean, by_raters):
        assert (found["low"], found["high"]) == (2, 4)


@pytest.mark.parametrize(
    ("rows", "note"),
    [
        ([*round_of([2, 3]), ("t1", "judgment", 1, 0, 5)], "settled outside the range the seats gave"),
        (
            [*round_of([2, 3]), ("t1", "judgment", 1, 0, 3), *round_of([3, 4], number=2)],
            "settled before the last round",
        ),
        ([("t1", "judgment", 1, 0, 3)], "only the settled value is recorded"),
        (round_of([2, 3, "n/a"]), "some seats say it does not apply"),
        (round_of([2, "n/a", "n/a"]), "one seat only; some seats gave a value"),
    ],
)
def test_what_is_odd_about_a_settled_value_is_said(rows, note):
    assert only(consensus.settlement(table(*rows)))["note"] == note


def test_a_factor_does_not_apply_when_most_say_so_and_a_tie_keeps_the_values():
    assert only(consensus.settlement(table(*round_of(["n/a", "n/a", 3]))))["not_applicable"]
    tie = only(consensus.settlement(table(*round_of(["n/a", 3]))))
    assert (tie["value"], bool(tie["not_applicable"])) == (3, False)


def test_not_applicable_wins_over_a_value_in_the_same_row():
    both = table(*round_of([3, 3]), ("t1", "judgment", 1, 3, 5, {"not_applicable": True}))
    found = only(consensus.rounds(both))
    assert (found["n"], found["mean"], found["not_applicable"]) == (2, 3, 1)


def test_settled_values_replace_the_sheets_cells_and_the_rest_stays():
    sheet = tasks_of("t1", "t2", judgment=5, stakes=2)
    ratings = table(*round_of([2, 3], "t1"), *round_of([1], "gone"))
    done = consensus.settled(ratings, sheet)
    assert list(done["judgment"]) == [2.5, 5]
    untouched = [name for name in sheet.columns if name != "judgment"]
    pd.testing.assert_frame_equal(done[untouched], sheet[untouched])
    assert list(sheet["judgment"]) == [5, 5], "the sheet itself is left as it is"
    assert check(TASKS, done) is not None
    said = consensus.findings(ratings, sheet)
    assert any("Ratings of gone count for nothing" in text for text in said)


def test_what_does_not_apply_is_listed_and_what_does_is_taken_off_the_list():
    sheet = tasks_of("t1", judgment=5, not_applicable="Stakes, relationship")
    ratings = table(*round_of(["n/a", "n/a"]), *round_of([4, 4], factor="stakes"))
    done = only(consensus.settled(ratings, sheet))
    assert pd.isna(done["judgment"])
    assert done["stakes"] == 4
    assert done["not_applicable"] == "relationship, judgment"
    spectrum.place(consensus.settled(ratings, sheet), MODEL)


def test_the_spectrum_reads_what_was_settled():
    sheet = tasks_of("t1", **dict.fromkeys(FACTORS, 3.0))
    rows = [
        row
        for name in FACTORS
        for row in round_of(
            [5, 5, 5] if name in ("structure", "verifiability", "data_readiness") else [1, 1, 1], factor=name
        )
    ]
    before, after = (spectrum.place(frame, MODEL) for frame in (sheet, consensus.settled(table(*rows), sheet)))
    assert before["target_level"].iloc[0] < 5
    assert after["target_level"].iloc[0] == 5
    assert after["score"].iloc[0] == 5


def test_a_settled_sheet_keeps_its_index_and_columns():
    sheet = tasks_of("t1", "t2").set_index(pd.Index([17, 4]))
    done = consensus.settled(table(*round_of([2, 3], "t2")), sheet)
    assert list(done.index) == [17, 4]
    assert list(done.columns) == list(TASKS.columns)
    assert dict(done.dtypes) == dict(sheet.dtypes)


def test_no_rating_at_all_is_said_in_two_sentences_and_every_table_is_empty_and_typed():
    nothing, silent = RATINGS.empty(), table(("t1", "judgment", 1, 1, None), ("t1", "judgment", 1, 0, None))
    full = table(*grid(PUBLISHED), *round_of([5, 1], "t01", number=2))
    for ratings in (nothing, silent):
        for compute in (
            consensus.rounds,
            consensus.apart,
            consensus.changes,
            consensus.agreement,
            consensus.settlement,
        ):
            found = compute(ratings)
            assert found.empty
            assert dict(found.dtypes) == dict(compute(full).dtypes)
        sheet = tasks_of("t1", judgment=4)
        pd.testing.assert_frame_equal(consensus.settled(ratings, sheet), sheet)
        said = consensus.findings(ratings, sheet)
        assert len(said) == 2
        assert said[0].startswith("Not yet")
        assert "playbook import" in said[1]
    assert consensus.settled(table(*round_of([3])), TASKS.empty()).empty


def test_two_hundred_raters_are_summed_up_and_nobody_is_counted():
    random = np.random.default_rng(7)
    rows = [row for task in ("t1", "t2", "t3") for row in round_of(random.integers(1, 6, 200).tolist(), task)]
    ratings = table(*rows)
    assert list(consensus.rounds(ratings)["n"]) == [200, 200, 200]
    assert abs(alpha_of(ratings)["alpha"]) < 0.05, "dice do not agree"
    for compute in (consensus.rounds, consensus.changes, consensus.agreement, consensus.settlement):
        assert "seat" not in compute(ratings).columns
    said = " ".join(consensus.findings(ratings, tasks_of("t1", "t2", "t3")))
    assert "200 seats" in said
    assert "seat 1" not in said


values = st.one_of(st.none(), st.integers(1, 5), st.just("n/a"))
sheets = st.lists(
    st.tuples(
        st.sampled_from(["t1", "t2", "t3"]), st.sampled_from(FACTORS[3:5]), st.integers(1, 2), st.integers(0, 4), values
    ),
    min_size=1,
    max_size=40,
    unique_by=lambda row: row[:4],
)


@settings(max_examples=10, deadline=None)
@given(sheets, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_of_seats_changes_nothing(rows, random):
    mixed, number = list(rows), [1, 2, 3, 4]
    random.shuffle(mixed)
    random.shuffle(number)
    moved = [(task, factor, turn, seat and number[seat - 1], value) for task, factor, turn, seat, value in mixed]
    here, there = table(*rows), table(*moved)
    for compute in (consensus.rounds, consensus.changes, lambda r: consensus.agreement(r, 20), consensus.settlement):
        pd.testing.assert_frame_equal(compute(here), compute(there), check_exact=True)
    sheet = tasks_of("t1", "t2", "t3", judgment=3)
    pd.testing.assert_frame_equal(consensus.settled(here, sheet), consensus.settled(there, sheet), check_exact=True)
    assert consensus.findings(here, sheet) == consensus.findings(there, sheet)


@settings(max_examples=25, deadline=None)
@given(sheets)
def test_settled_values_stay_on_the_scale_and_in_the_range_unless_the_raters_said_otherwise(rows):
    found = consensus.settlement(table(*rows))
    known = found.dropna(subset=["value"])
    assert known["value"].between(1, 5).all()
    assert (found["value"].isna() == found["not_applicable"]).all()
    means = known[known["basis"] == "mean of the last round"]
    assert means["value"].between(means["low"] - 1e-9, means["high"] + 1e-9).all()
    assert found["note"].str.contains("outside")[known[known["value"] > known["high"]].index].all()


OTHERS = table(*grid(PUBLISHED)).assign(team="growth")


@settings(max_examples=10, deadline=None)
@given(sheets)
def test_another_teams_ratings_change_nothing(rows):
    mine = table(*rows)
    both = pd.concat([mine, OTHERS], ignore_index=True)
    for compute in (
        consensus.rounds,
        consensus.apart,
        consensus.changes,
        lambda r: consensus.agreement(r, 20),
        consensus.settlement,
    ):
        found = compute(both)
        pd.testing.assert_frame_equal(found[found["team"] == "content"].reset_index(drop=True), compute(mine))


def test_a_rating_off_the_scale_is_refused_by_name():
    with pytest.raises(TableError, match=r"row 0, value: 9; wanted points from 1 to 5"):
        consensus.rounds(
            RATINGS.empty()
            .reindex([0])
            .assign(team="c", task_id="t", factor="judgment", round=1, seat=1, value=9.0, not_applicable=False)
        )


def test_measures_are_figures_of_the_team_and_say_what_is_missing():
    sheet = tasks_of("t1", "t2")
    ratings = table(*round_of([2, 4]), *round_of([3, 3], number=2), ("t1", "judgment", 2, 0, 3), *round_of([1], "t2"))
    found = consensus.measures(ratings, sheet, ["content", "growth"])
    assert list(found.columns) == list(MEASURES.columns)
    mine = found[found["team"] == "content"].set_index("measure")
    assert mine.loc["rated_by_several_share", "value"] == 0.5
    assert mine.loc["rater_spread_change", "value"] == pytest.approx(-np.sqrt(2))
    assert mine.loc["ratings_settled_share", "value"] == 0.5
    other = found[found["team"] == "growth"]
    assert other["value"].isna().all()
    assert other["needs"].str.len().gt(3).all()


def test_findings_name_teams_only_where_there_are_several():
    one = table(*round_of([2, 4]))
    assert not consensus.findings(one, tasks_of("t1"))[0].startswith("Team")
    both = pd.concat([one, one.assign(team="growth")], ignore_index=True)
    tasks = pd.concat([tasks_of("t1"), tasks_of("t1").assign(team="growth")], ignore_index=True)
    assert {text.split(":")[0] for text in consensus.findings(both, tasks)} == {"Team content", "Team growth"}


def test_an_amended_rating_stands_in_the_history_with_what_it_was(tmp_path):
    workspace = make_workspace(tmp_path / "engagement", "content")
    with workspace.change() as change:
        change.put("ratings", table(*round_of([2, 5])))
    with workspace.change(by="Kim", note="misread") as change:
        change.put("ratings", table(("t1", "judgment", 1, 2, 3, {"reason": "a rule covers it"})))
    with workspace.change(note="left") as change:
        change.remove("ratings", table(("t1", "judgment", 1, 1, 2))[list(RATINGS.key)])
    found = consensus.amendments(workspace.history("ratings"))
    assert found[["seat", "before", "after", "note"]].to_numpy().tolist() == [
        [2, "5", "3 (a rule covers it)", "misread"],
        [1, "2", "taken back", "left"],
    ]
    assert not found.astype(str).eq("Kim").any().any(), "who changed it is nobody's business on a page"
    assert consensus.amendments(workspace.history("tasks")).empty


@pytest.fixture
def place(tmp_path):
    workspace = make_workspace(tmp_path / "engagement", "content")
    with workspace.change() as change:
        change.put("tasks", tasks_of("t1", judgment=5))
    return workspace


def test_a_sheet_of_ratings_comes_in_with_plain_factors_and_n_a(place, tmp_path):
    file = tmp_path / "ratings.csv"
    file.write_text(
        "task id,factor,round,seat,role,value,reason\n"
        "t1,Judgment,1,1,Editor,2,a rule covers it\n"
        "t1,Data readiness,1,1,Editor,n/a,\n"
        "t1,taste,1,1,Editor,3,\n"
        "t1,judgment,1,2,Writer,7,\n"
    )
    summary = bring_in(place, file, team="content")
    assert (summary.format, summary.stored, summary.rejected) == ("ratings", 2, 2)
    stored = place.read("ratings").set_index("factor")
    assert stored.loc["judgment", "value"] == 2
    assert stored.loc["data_readiness", "not_applicable"]
    assert set(place.read("rejects")["column_name"]) == {"factor", "value"}
    desk = Desk.open(place.folder, "content", "2026-11-22")
    assert desk.tasks["judgment"].iloc[0] == 2, "the desk's tasks are the settled ones"
    assert desk.tasks["not_applicable"].iloc[0] == "data_readiness"


def test_a_rating_and_not_applicable_in_one_row_are_refused(place, tmp_path):
    file = tmp_path / "ratings.csv"
    file.write_text("task_id,factor,round,seat,value,not_applicable\nt1,judgment,1,1,4,yes\nt1,judgment,1,2,,yes\n")
    summary = bring_in(place, file, team="content")
    assert (summary.stored, summary.rejected) == (1, 1)
    assert place.read("rejects")["wanted"].iloc[0] == "nothing where the factor does not apply"


def test_an_overruling_has_a_level_exactly_when_a_level_was_decided(place, tmp_path):
    file = tmp_path / "overrulings.csv"
    head = "task_id,decision,level,reason,decided_by,day\n"
    why = "the voice guide is not written yet,Head of Marketing,2026-11-20\n"
    file.write_text(f"{head}t1,keep human,,{why}t2,level,3,{why}t3,level,,{why}t4,not yet,2,{why}")
    summary = bring_in(place, file, team="content")
    assert (summary.format, summary.stored, summary.rejected) == ("overrulings", 2, 2)
    assert set(place.read("rejects")["column_name"]) == {"level"}
    desk = Desk.open(place.folder, "content", "2026-11-22")
    assert list(desk.overrulings["decision"]) == ["keep human", "level"]
