"""Where the money goes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import playbook
from playbook import budget as room
from playbook.errors import ContentError, TableError
from playbook.io import content
from playbook.tables import BUDGET_LINES, MEASURES, check

SHIPPED = Path(__file__).parent.parent / "assessments/budget/default.yaml"
SHIFT: room.Shift = content.read(SHIPPED, room.Shift)


def spend(*records):
    columns = ["team", "line", "monthly", "currency"]
    return check(BUDGET_LINES, pd.DataFrame(list(records), columns=columns))


def test_money_moves_from_two_variable_lines_to_three_fixed_ones():
    found = {category.id: (category.kind, category.direction) for category in SHIFT.categories}
    assert found == {
        "agencies": ("variable", "falls"),
        "freelancers": ("variable", "falls"),
        "ai_infrastructure": ("fixed", "grows"),
        "data_pipelines": ("fixed", "grows"),
        "platform_teams": ("fixed", "grows"),
    }
    assert playbook.load("budget") == SHIFT


def test_a_category_written_twice_is_refused(tmp_path):
    file = tmp_path / "budget.yaml"
    file.write_text(SHIPPED.read_text(encoding="utf-8").replace("id: freelancers", "id: agencies"), encoding="utf-8")
    with pytest.raises(ContentError, match="categories used twice: agencies"):
        content.read(file, room.Shift)


def test_a_line_has_its_share_of_the_teams_money_and_unknown_lines_stay_empty():
    # 100 + 300 = 400 a month: agencies 100 / 400 = 0.25.
    found = room.lines(spend(("content", "agencies", 100, "EUR"), ("content", "ai_infrastructure", 300, "EUR")), SHIFT)
    found = found.set_index("line")
    assert found.loc["agencies", "share"] == 0.25
    assert pd.isna(found.loc["freelancers", "monthly"])
    assert found.loc["freelancers", "note"] == "no figure yet"
    assert len(found) == 5


def test_a_line_the_shift_does_not_have_is_kept_and_said_to_be_outside_it():
    found = room.lines(spend(("content", "media", 50, "EUR")), SHIFT).set_index("line")
    assert found.loc["media", "note"] == "not part of the shift"
    assert found.loc["media", "kind"] == ""


def test_the_variable_share_counts_the_lines_of_the_shift_only():
    # variable 100, fixed 300, media 600 outside: 100 / (100 + 300) = 0.25; the total is 1000.
    found = room.variable_share(
        spend(
            ("content", "agencies", 100, "EUR"),
            ("content", "ai_infrastructure", 300, "EUR"),
            ("content", "media", 600, "EUR"),
        ),
        SHIFT,
    ).iloc[0]
    assert (found["variable"], found["fixed"], found["other"], found["total"]) == (100, 300, 600, 1000)
    assert found["variable_share"] == 0.25


def test_currencies_are_never_added():
    given_lines = spend(("content", "agencies", 100, "EUR"), ("content", "freelancers", 10, "USD"))
    found = room.variable_share(given_lines, SHIFT).set_index("currency")
    assert found["total"].to_dict() == {"EUR": 100, "USD": 10}
    assert found.loc["EUR", "note"] == "2 currencies, not added together; this row is EUR only"
    assert set(room.lines(given_lines, SHIFT).dropna(subset=["share"])["share"]) == {1.0}


def test_the_same_currency_in_small_letters_is_the_same_currency():
    given_lines = spend(("content", "agencies", 100, "EUR"), ("content", "freelancers", 10, "eur"))
    assert room.variable_share(given_lines, SHIFT)["total"].tolist() == [110]


def test_nothing_spent_has_no_share_and_is_still_a_known_figure():
    nothing = spend(("content", "agencies", 0, "EUR"))
    assert room.variable_share(nothing, SHIFT)["variable_share"].isna().all()
    assert room.measures(nothing, SHIFT)["value"].tolist() == [1]
    assert "nothing is spent on the lines of the shift in EUR" in room.findings(nothing, SHIFT)[-1]


def test_teams_do_not_mix_and_a_team_without_a_line_is_shown_as_unknown():
    found = room.measures(spend(("content", "agencies", 5, "EUR")), SHIFT, teams=["content", "growth"])
    assert found.set_index("team")["value"].to_dict() == {"content": 1, "growth": 0}


def test_a_share_of_a_partly_known_budget_is_said_to_be_partly_known():
    said = room.findings(spend(("content", "agencies", 5, "EUR")), SHIFT)
    assert "of the lines known so far" in said[-1]


def test_a_line_without_a_currency_is_refused():
    with pytest.raises(TableError, match="currency"):
        room.lines(pd.DataFrame([{"team": "content", "line": "agencies", "monthly": 5}]), SHIFT)


def test_no_line_gives_empty_typed_tables():
    empty = BUDGET_LINES.empty()
    assert list(room.lines(empty, SHIFT).columns) == list(room.LINE_COLUMNS)
    assert list(room.variable_share(empty, SHIFT).columns) == list(room.TOTAL_COLUMNS)
    assert list(room.measures(empty, SHIFT).columns) == list(MEASURES.columns)
    assert room.findings(empty, SHIFT) == []


amounts = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.sampled_from(["agencies", "freelancers", "ai_infrastructure", "media"]),
        st.floats(0, 1e6),
        st.sampled_from(["EUR", "USD"]),
    ),
    max_size=8,
    unique_by=lambda row: row[:2],
)


@settings(max_examples=30, deadline=None)
@given(records=amounts)
def test_no_money_is_lost_within_a_team_and_currency(records):
    given_lines = spend(*records)
    found = room.variable_share(given_lines, SHIFT)
    wanted = given_lines.groupby(["team", "currency"])["monthly"].sum()
    got = found.set_index(["team", "currency"])["total"]
    pd.testing.assert_series_equal(got.sort_index(), wanted.sort_index(), check_names=False, check_index_type=False)
    shares = found["variable_share"].dropna()
    assert shares.between(0, 1).all()
