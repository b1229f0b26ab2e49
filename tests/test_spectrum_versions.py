"""Versions of the rule on the same answers, and people's overrulings beside the rule's own answer."""

import datetime as dt

import pandas as pd
import pytest

import playbook
from playbook import spectrum
from playbook.errors import TableError
from playbook.tables import OVERRULINGS, PLACEMENTS, check

MODEL = playbook.load("spectrum")


def tasks():
    """Two tasks of level 4 and one nobody rated."""
    usual = {"structure": 4, "data_readiness": 4, "verifiability": 4, "judgment": 2, "stakes": 2, "relationship": 2}
    rows = [usual | {"exposure": 2}, usual | {"exposure": 2, "stakes": 3}, {}]
    return pd.DataFrame(rows).assign(team="t", task_id=["a", "b", "c"])


def overruled(*rows):
    usual = {"team": "t", "reason": "The board wants a person to see each one", "decided_by": "Head of Brand"}
    return check(
        OVERRULINGS, pd.DataFrame([usual | {"day": dt.date(2026, 11, 20), "model": "1"} | row for row in rows])
    )


def stricter(version="2"):
    rows = tuple(row.model_copy(update={"value": 2.5}) if row.id == "serious_stakes" else row for row in MODEL.ceilings)
    return MODEL.model_copy(update={"ceilings": rows, "version": version})


# --- versions --------------------------------------------------------------------------------------------------------


def test_a_new_version_places_old_answers_again_and_reports_the_difference():
    found = spectrum.compare(tasks(), MODEL, stricter())
    # stakes from 2.5 on now cap at 3: only task b (stakes 3) falls
    assert found.tasks["verdict"].tolist() == ["same", "down", "not yet"]
    assert found.tasks["change"].tolist() == [0, -1, pd.NA]
    assert found.tasks.loc[1, "ceilings_after"] == "serious stakes"
    total = found.sums.iloc[0]
    assert (total["tasks"], total["same"], total["down"], total["not yet"]) == (3, 1, 1, 1)
    assert total["mean_change"] == pytest.approx(-0.5)
    assert found.rule == ("ceilings serious_stakes: value 3.5 -> 2.5",)
    said = " ".join(found.findings())
    assert "version 1 and version 2" in said
    assert "3 tasks placed again: 1 same, 1 down, 1 not yet" in said


def test_the_same_rule_changes_nothing_and_says_so():
    found = spectrum.compare(tasks(), MODEL, MODEL)
    assert found.findings() == ["Nothing that sets a level differs between version 1 and version 1."]
    assert set(found.tasks["verdict"]) == {"same", "not yet"}


def test_two_rules_under_one_version_are_told_apart():
    found = spectrum.compare(tasks(), MODEL, stricter(version="1"))
    assert "both call themselves version 1" in found.findings()[0]


def test_words_that_explain_the_rule_are_no_difference():
    rows = tuple(row.model_copy(update={"reason": "said otherwise"}) for row in MODEL.ceilings)
    assert spectrum.differences(MODEL, MODEL.model_copy(update={"ceilings": rows})) == []


def test_a_factors_weight_a_removed_veto_and_a_function_are_named():
    weights = {"structure": 0.25, "relationship": 0.2}
    factors = tuple(row.model_copy(update={"weight": weights.get(row.name, row.weight)}) for row in MODEL.factors)
    after = MODEL.model_copy(update={"factors": factors, "ceilings": MODEL.ceilings[1:]})
    assert spectrum.differences(MODEL, after) == [
        "factors structure: weight 0.2 -> 0.25",
        "factors relationship: weight 0.25 -> 0.2",
        "ceilings irreversible: removed",
    ]


def test_no_tasks_compare_to_nothing():
    found = spectrum.compare(pd.DataFrame(), MODEL, stricter())
    assert found.tasks.empty
    assert found.sums.empty
    assert len(found.findings()) == 1


# --- overrulings -----------------------------------------------------------------------------------------------------


def test_what_people_decided_stands_beside_the_rule_with_its_reason():
    placed = spectrum.place(tasks(), MODEL)
    made = overruled({"task_id": "a", "decision": "level", "level": 2}, {"task_id": "b", "decision": "keep human"})
    rows = spectrum.decided(placed, made, "1").set_index("task_id")
    assert rows["rule_level"].tolist() == [4, 4, pd.NA]
    assert rows["decision"].tolist() == ["level", "keep human", "follows the rule"]
    assert rows.loc["a", "decided_level"] == 2
    assert rows.loc["a", "says"] == (
        "Head of Brand decided on 2026-11-20: level 2; the rule gives level 4. "
        "Reason: The board wants a person to see each one."
    )
    assert "keep human; the rule gives level 4" in rows.loc["b", "says"]
    assert rows.loc["c", "says"] == "The rule gives no level yet."


def test_a_level_without_a_level_and_a_task_that_is_not_there_are_said():
    placed = spectrum.place(tasks(), MODEL)
    made = overruled({"task_id": "a", "decision": "level"}, {"task_id": "gone", "decision": "not yet"})
    rows = spectrum.decided(placed, made).set_index("task_id")
    assert rows["valid"].tolist() == [False, True, True, False]
    assert "no level was written down" in rows.loc["a", "says"]
    assert "no such task is in the inventory" in rows.loc["gone", "says"]
    said = spectrum.decided_findings(rows.reset_index())
    assert said == [rows.loc["a", "says"], rows.loc["gone", "says"]]
    after = spectrum.as_decided(placed, made)
    pd.testing.assert_frame_equal(after, placed)


def test_an_overruling_of_an_older_version_asks_for_another_look():
    placed = spectrum.place(tasks(), MODEL)
    made = overruled({"task_id": "a", "decision": "level", "level": 4, "model": "0"})
    says = spectrum.decided(placed, made, "1").loc[0, "says"]
    assert "The rule now agrees." in says
    assert "Version 0 of the rule was overruled; version 1 is in force" in says


def test_what_follows_from_a_level_follows_peoples_decision_and_keeps_the_rules_answer_in_words():
    placed = spectrum.place(tasks(), MODEL)
    made = overruled(
        {"task_id": "a", "decision": "keep human"},
        {"task_id": "b", "decision": "not yet"},
        {"task_id": "c", "decision": "level", "level": 3},
    )
    after = spectrum.as_decided(placed, made)
    assert after["target_level"].tolist() == [2, pd.NA, 3]
    assert after["ready_level"].tolist() == [2, pd.NA, 3]
    assert after.loc[0, "level_low"] <= 2
    assert after["reasons"].str.contains("Head of Brand decided").all()
    assert "the rule gives level 4" in after.loc[0, "reasons"]
    check(PLACEMENTS, after)
    assert placed.loc[0, "target_level"] == 4  # the rule's own frame is left alone


def test_a_table_that_is_none_of_decisions_is_refused_in_words_whatever_index_the_tasks_have():
    placed = spectrum.place(tasks(), MODEL)
    with pytest.raises(TableError, match="reason"):
        spectrum.as_decided(placed, pd.DataFrame({"team": ["content"], "task_id": ["a"]}))
    made = overruled({"task_id": "b", "decision": "level", "level": 5})
    turned = spectrum.as_decided(placed.iloc[::-1], made)
    pd.testing.assert_frame_equal(turned.iloc[::-1], spectrum.as_decided(placed, made))


def test_nobody_having_overruled_is_said_and_changes_nothing():
    placed = spectrum.place(tasks(), MODEL)
    rows = spectrum.decided(placed, OVERRULINGS.empty())
    assert spectrum.decided_findings(rows) == ["Nobody has overruled the rule."]
    pd.testing.assert_frame_equal(spectrum.as_decided(placed, OVERRULINGS.empty()), placed)
    empty = spectrum.place(pd.DataFrame(), MODEL)
    assert spectrum.decided(empty, OVERRULINGS.empty()).empty
