"""The inventory and the pilot shortlist: hours at stake, current against target, and which workflows go first."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import playbook
from playbook import spectrum, workflows
from playbook.errors import ContentError
from playbook.io import content
from playbook.tables import MEASURES, PLACEMENTS, SHORTLIST, TASKS, check

MODEL = playbook.load("spectrum")
RULE = playbook.load("pilots")

# workflow, function, runs a month, minutes a run, current level, then the ratings
# (structure, data readiness, verifiability, judgment, stakes, relationship, exposure)
INVENTORY = [
    ("Performance reporting", "Reporting", 26, 75, 2, (5, 4, 4, 2, 2, 1, 1)),
    ("Social scheduling", "Social media management", 90, 14, 2, (5, 4, 5, 2, 2, 1, 3)),
    ("E-mail A/B testing", "A/B test management", 12, 110, 2, (4, 5, 4, 2, 2, 1, 3)),
    ("Annual strategy", "Strategy development", 0.5, 2400, 1, (1, 2, 1, 5, 5, 4, 3)),
    ("Brand voice guide", "Brand voice decisions", 1, 300, 1, (1, 2, 2, 5, 4, 4, 4)),
    ("Crisis response", "Crisis communication", 0.5, 480, 1, (1, 2, 2, 5, 5, 5, 5)),
    ("Creative concepts", "Creative direction", 4, 360, 2, (2, 2, 2, 5, 3, 3, 3)),
    ("Campaign planning", "Campaign architecture", 2, 600, 2, (2, 3, 2, 4, 3, 3, 3)),
    ("Persona interviews", "Buyer persona development", 3, 180, 2, (2, 3, 2, 4, 3, 4, 2)),
    ("Blog articles", "Content production", 12, 300, 2, (3, 3, 3, 3, 2, 2, 4)),
    ("Newsletter", "Email sequences", 4, 240, 2, (3, 4, 3, 3, 3, 2, 3)),
    ("Community replies", "Social media management", 200, 6, 2, (3, 3, 3, 3, 3, 4, 4)),
    ("Search optimization", "SEO optimization", 10, 60, 2, (4, 4, 3, 3, 2, 1, 3)),
    ("Ad budget shifts", "Ad budget optimization", 20, 20, 3, (5, 3, 4, 3, 4, 1, 2)),
    ("Product tips on site", "Personalization at scale", 2, 90, 2, (5, 2, 4, 2, 2, 1, 3)),
    ("Nurture upkeep", "Nurture sequences", 4, 60, 3, (5, 4, 4, 2, 2, 1, 3)),
    ("Webinar hosting", None, 1, 480, 1, (2, 3, 3, 3, 3, 5, 3)),
    ("Link tracking", None, 3000, 0.05, 4, (5, 5, 5, 1, 1, 1, 1)),
    ("List hygiene", None, 4, 50, 2, (5, 4, 5, 1, 2, 1, 1)),
    ("Health claims review", None, 8, 90, 1, (4, 4, 4, 3, 4, 1, 5)),
]
FACTORS = ("structure", "data_readiness", "verifiability", "judgment", "stakes", "relationship", "exposure")


def realistic(team="growth"):
    rows = [
        {"team": team, "task_id": f"{n:02}", "task": f"Do {name}", "workflow": name, "function": function}
        | {"runs_per_month": runs, "minutes_per_run": minutes, "current_level": level}
        | dict(zip(FACTORS, rated, strict=True))
        for n, (name, function, runs, minutes, level, rated) in enumerate(INVENTORY)
    ]
    return check(TASKS, pd.DataFrame(rows))


def easy(**changes):
    """A task that suits an agent in everything: 20 hours in 40 runs a month."""
    base = {
        "team": "t",
        "task_id": "1",
        "task": "Send",
        "workflow": "w",
        "runs_per_month": 40.0,
        "minutes_per_run": 30.0,
    }
    return base | dict(zip(FACTORS, (5, 5, 5, 1, 1, 1, 1), strict=True)) | changes


def listed(rows, most=3, rule=RULE):
    tasks = check(TASKS, pd.DataFrame(rows))
    return workflows.shortlist(tasks, spectrum.place(tasks, MODEL), rule, most)


# --- inventory -------------------------------------------------------------------------------------------------------


def test_hours_a_month_are_runs_times_minutes_over_sixty():
    tasks = pd.DataFrame({"runs_per_month": [4, None, 0], "minutes_per_run": [90, 5, 10]})
    # 4 x 90 / 60 = 6; unknown; 0
    assert workflows.with_hours(tasks)["hours_per_month"].tolist() == [6.0, pytest.approx(np.nan, nan_ok=True), 0.0]


def test_hours_of_a_sheet_without_volumes_are_unknown():
    assert workflows.with_hours(pd.DataFrame({"task": ["a"]}))["hours_per_month"].isna().all()


def three_tasks(**columns):
    tasks = pd.DataFrame({"team": "t", "task_id": ["1", "2", "3"], "task": "x", "workflow": ["a", "a", "b"]} | columns)
    placements = pd.DataFrame({"team": "t", "task_id": ["1", "2", "3"], "target_level": [4, 3, None]})
    placements = placements.assign(ready_level=[4, 2, None], coverage=1.0)
    return check(TASKS, tasks), check(PLACEMENTS, placements)


def test_current_against_target_is_weighted_by_hours():
    tasks, placements = three_tasks(
        function=["Reporting", "Reporting", None],
        runs_per_month=[30, 10, 1],
        minutes_per_run=[60, 60, 60],
        current_level=[2, 2, 5],
    )
    table = workflows.by_function(tasks, placements).set_index("function")
    row = table.loc["Reporting"]
    # 30 h at target 4 and 10 h at 3: (120 + 30) / 40 = 3.75; ready (120 + 20) / 40 = 3.5; gap 3.75 - 2 = 1.75
    assert (row["tasks"], row["hours"], row["current"], row["target"]) == (2, 40, 2, 3.75)
    assert (row["ready"], row["gap"], row["weighting"]) == (3.5, 1.75, "hours")
    other = table.loc["not stated"]
    assert np.isnan(other["target"])
    assert np.isnan(other["gap"])
    assert (other["n_current"], other["n_target"]) == (1, 0)


def test_without_all_hours_the_means_are_plain_and_say_so():
    tasks, placements = three_tasks(runs_per_month=[30, None, 1], minutes_per_run=[60, 60, 60], current_level=[2, 1, 3])
    row = workflows.by_workflow(tasks, placements).set_index("workflow").loc["a"]
    # (4 + 3) / 2; hours only of the first task
    assert (row["target"], row["hours"], row["n_hours"], row["weighting"]) == (3.5, 30, 1, "tasks")


def test_the_gap_pairs_each_task_with_itself():
    tasks, placements = three_tasks(current_level=[4, None, 1])
    row = workflows.by_workflow(tasks, placements).set_index("workflow").loc["a"]
    # only the first task has both levels: 4 - 4 = 0, though the mean target is 3.5
    assert (row["gap"], row["n_gap"], row["target"]) == (0, 1, 3.5)


def test_layers_come_in_the_order_work_flows():
    tasks, placements = three_tasks(layer=["QA", "input", None], role=["Editor", "Editor", None])
    assert workflows.by_layer(tasks, placements)["layer"].tolist() == ["input", "QA", "not stated"]
    assert workflows.by_role(tasks, placements)["tasks"].tolist() == [2, 1]


def test_teams_are_never_mixed():
    tasks = pd.concat([realistic("north"), realistic("south")], ignore_index=True)
    placements = spectrum.place(tasks, MODEL)
    table = workflows.by_workflow(tasks, placements)
    assert table.groupby("team").size().to_dict() == {"north": 20, "south": 20}
    chosen = workflows.shortlist(tasks, placements, RULE)
    assert chosen.groupby("team")["chosen"].sum().to_dict() == {"north": 3, "south": 3}


def test_the_share_stuck_at_level_two_has_its_interval():
    row = workflows.stuck_at_two(
        three_tasks(current_level=[2, 2, 3], runs_per_month=[6, 6, 12], minutes_per_run=60)[0]
    ).iloc[0]
    # 2 of 3 tasks; Wilson 95 %: (2/3 + 3.841/6 +- 1.96 sqrt(.2222/3 + 3.841/36)) / (1 + 3.841/3) = .208 to .939
    assert (row["rated"], row["at_two"]) == (3, 2)
    assert (row["share"], row["low"], row["high"]) == pytest.approx((2 / 3, 0.2077, 0.9385), abs=1e-3)
    assert (row["hours"], row["hours_at_two"], row["hours_share"]) == (24, 12, 0.5)


def test_nothing_rated_leaves_the_share_stuck_at_two_empty():
    row = workflows.stuck_at_two(three_tasks()[0]).iloc[0]
    assert row["rated"] == 0
    assert np.isnan(row["share"])


# --- the shortlist ---------------------------------------------------------------------------------------------------


def test_of_a_normal_inventory_it_chooses_reporting_social_scheduling_and_email_tests():
    tasks = realistic()
    result = workflows.shortlist(tasks, spectrum.place(tasks, MODEL), RULE)
    assert set(result.loc[result["chosen"], "workflow"]) == {
        "Performance reporting",
        "Social scheduling",
        "E-mail A/B testing",
    }
    assert len(result) == len(INVENTORY)
    assert result["reason"].str.match("chosen as number|not yet: |keep human: ").all()
    pd.testing.assert_frame_equal(check(SHORTLIST, result), result)


def test_each_workflow_left_out_says_why():
    tasks = realistic()
    reasons = workflows.shortlist(tasks, spectrum.place(tasks, MODEL), RULE).set_index("workflow")["reason"]
    assert reasons["Annual strategy"].startswith("keep human: 100 % of the work")
    assert reasons["Community replies"].startswith("keep human")
    assert "people and AI work the rest together" in reasons["Blog articles"]
    assert "ready for level 4 or above" in reasons["Product tips on site"]
    assert "ranked" in reasons["Search optimization"]
    assert "people and AI work the rest together" in reasons["Health claims review"]
    assert reasons["Link tracking"].startswith("not yet: 100 % of the work is at level 4 or above today")


def test_the_priority_is_volume_times_low_judgment():
    row = listed([easy(judgment=2)]).iloc[0]
    # low judgment ((5 - 2) / 4)^2 = .5625; hours 20 x .5625 = 11.25 -> 11.25 / 31.25 = .36; runs 40 x .5625 = 22.5 ->
    # 22.5 / 42.5 = .5294; .36^.7 x .5294^.3 = .4042
    assert row["priority"] == pytest.approx(0.4042, abs=1e-4)
    assert (row["hours_per_month"], row["runs_per_month"], row["judgment"], row["rank"]) == (20, 40, 2, 1)


def test_thousands_of_runs_of_seconds_do_not_outrank_hours_of_work():
    # 6,000 runs of 3 seconds are 5 hours; 20 hours in 40 runs come first
    rows = [easy(), easy(task_id="2", workflow="seconds", runs_per_month=6000, minutes_per_run=0.05)]
    assert listed(rows)["workflow"].tolist() == ["w", "seconds"]


def test_fewer_than_three_is_an_answer():
    result = listed([easy(), easy(task_id="2", workflow="calm", relationship=5)])
    assert result["chosen"].tolist() == [True, False]
    tasks = check(TASKS, pd.DataFrame([easy(), easy(task_id="2", workflow="calm", relationship=5)]))
    said = " ".join(workflows.findings(tasks, spectrum.place(tasks, MODEL), result))
    assert workflows.findings(tasks, spectrum.place(tasks, MODEL), result) == [
        *workflows.inventory_findings(tasks, spectrum.place(tasks, MODEL)),
        *workflows.shortlist_findings(result),
    ]
    assert "Only 1 workflow is fit to be a first pilot now" in said
    assert "Keep human: 1 of 2 workflows stays with people." in said


def test_asking_for_one_leaves_the_next_as_not_yet():
    result = listed([easy(), easy(task_id="2", workflow="v", judgment=2)], most=1)
    assert result["chosen"].tolist() == [True, False]
    assert result["rank"].tolist() == [1, 2]
    assert result.loc[1, "reason"].startswith("not yet: fit for a pilot, ranked 2 behind the 1 chosen")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"runs_per_month": None}, "runs a month and minutes a run are not known"),
        ({"judgment": None, "function": "Reporting"}, "judgment is rated for 0 % of the work"),
        ({"data_readiness": None}, "0 % of the work is ready for level 4"),
        ({"judgment": 3.5}, "it needs judgment 3.5 of 5"),
        ({"runs_per_month": 1, "minutes_per_run": 600}, "too few to show anything in 30 days"),
        ({"minutes_per_run": 1}, "0.7 hours a month are at stake"),
        ({"minutes_per_run": 0}, "0.0 hours a month are at stake"),
        (
            dict.fromkeys(("structure", "verifiability", "stakes", "relationship", "exposure")),
            "a place on the spectrum",
        ),
    ],
)
def test_a_workflow_that_misses_a_limit_is_not_yet_with_the_reason(changes, reason):
    row = listed([easy(**changes)]).iloc[0]
    assert not row["chosen"]
    assert row["reason"].startswith("not yet: ")
    assert reason in row["reason"]


def test_leaving_the_volume_of_hard_tasks_empty_does_not_make_a_workflow_look_easy():
    hard = [easy(task_id=str(n), minutes_per_run=None, relationship=5) for n in range(2, 5)]
    row = listed([easy(), *hard]).iloc[0]
    # one easy task of four, each counted with the 20 hours of the one that has any
    assert row["reason"].startswith("keep human: 75 % of the work")


def test_equal_workflows_are_ordered_by_name():
    rows = [easy(task_id=str(n), workflow=name) for n, name in enumerate(["d", "b", "a", "c"])]
    assert listed(rows)["workflow"].tolist() == ["a", "b", "c", "d"]
    assert listed(rows[::-1])["workflow"].tolist() == ["a", "b", "c", "d"]


def test_no_tasks_give_empty_typed_tables():
    tasks, placements = TASKS.empty(), PLACEMENTS.empty()
    result = workflows.shortlist(tasks, placements, RULE)
    assert result.empty
    assert result.dtypes.to_dict() == SHORTLIST.empty().dtypes.to_dict()
    assert workflows.measures(tasks, placements, result).empty
    assert workflows.by_function(tasks, placements).empty
    assert workflows.by_layer(tasks, placements).empty
    assert workflows.stuck_at_two(tasks).empty
    assert workflows.findings(tasks, placements, result) == ["Not yet: no task has been mapped."]
    assert workflows.inventory_findings(tasks, placements) == ["Not yet: no task has been mapped."]
    assert workflows.shortlist_findings(result) == ["Not yet: there is no workflow to choose a pilot from."]


tasks_of_one_workflow = st.lists(
    st.tuples(st.integers(1, 200), st.integers(1, 300), st.one_of(st.none(), st.integers(4, 20))),
    min_size=1,
    max_size=4,
)


def priority(rows):
    cells = [
        easy(task_id=str(n), runs_per_month=runs, minutes_per_run=minutes, judgment=quarters and quarters / 4)
        for n, (runs, minutes, quarters) in enumerate(rows)
    ]
    return listed(cells).iloc[0]["priority"]


@settings(max_examples=25, deadline=None)
@given(tasks_of_one_workflow, st.integers(1, 100), st.integers(0, 3))
def test_more_volume_never_lowers_a_priority(rows, more, which):
    changed = list(rows)
    runs, minutes, judgment = rows[which % len(rows)]
    changed[which % len(rows)] = (runs + more, minutes + more, judgment)
    before = priority(rows)
    assert np.isnan(before) or priority(changed) >= before - 1e-12


@settings(max_examples=25, deadline=None)
@given(tasks_of_one_workflow, st.integers(1, 8), st.integers(0, 3))
def test_more_judgment_never_raises_a_priority(rows, more, which):
    changed = list(rows)
    runs, minutes, judgment = rows[which % len(rows)]
    changed[which % len(rows)] = (runs, minutes, judgment and min(20, judgment + more))
    before = priority(rows)
    assert np.isnan(before) or priority(changed) <= before + 1e-12


# --- findings and measures -------------------------------------------------------------------------------------------


def test_the_measures_a_gate_asks_for_are_there_with_their_counts():
    tasks = realistic()
    placements = spectrum.place(tasks, MODEL)
    measured = workflows.measures(tasks, placements, workflows.shortlist(tasks, placements, RULE))
    check(MEASURES, measured)
    values = measured.set_index("measure")["value"]
    assert values["tasks_mapped"] == values["workflows_mapped"] == 20
    assert values["share_with_current_level"] == values["share_with_volume"] == 1
    assert values["pilots_shortlisted"] == 3
    # 12 of the 20 are worked at level 2 today
    assert values["stuck_at_two_share"] == pytest.approx(12 / 20)
    hours = {name: runs * minutes / 60 for name, _, runs, minutes, *_ in INVENTORY}
    assert values["hours_at_stake"] == pytest.approx(sum(hours.values()))
    above = hours["Ad budget shifts"] + hours["Nurture upkeep"] + hours["Link tracking"]
    assert values["hours_at_level_3_plus_share"] == pytest.approx(above / sum(hours.values()))


def test_what_cannot_be_measured_is_empty_and_says_what_it_needs():
    tasks, _ = three_tasks()
    placements = spectrum.place(tasks, MODEL)
    measured = workflows.measures(tasks, placements, workflows.shortlist(tasks, placements, RULE)).set_index("measure")
    for name in ("hours_at_stake", "pilots_shortlisted", "stuck_at_two_share", "hours_at_level_3_plus_share"):
        assert np.isnan(measured.loc[name, "value"])
        assert measured.loc[name, "needs"]


def test_findings_of_a_normal_inventory_say_hours_stuck_share_gap_and_pilots():
    tasks = realistic()
    placements = spectrum.place(tasks, MODEL)
    said = " ".join(workflows.findings(tasks, placements, workflows.shortlist(tasks, placements, RULE)))
    assert "20 tasks in 20 workflows are mapped." in said
    assert "12 of 20 tasks with a current level (60 %, 95 % interval 39 % to 78 %) are worked at level 2 today" in said
    assert "Proposed pilots, out of 20 workflows:" in said
    assert "Only" not in said


def test_findings_of_a_bare_list_of_tasks_say_not_yet():
    tasks, _ = three_tasks()
    placements = spectrum.place(tasks, MODEL)
    said = workflows.findings(tasks, placements, workflows.shortlist(tasks, placements, RULE))
    assert sum(text.startswith("Not yet:") for text in said) == 3
    assert any(text.startswith("No workflow is fit") for text in said)


def test_a_rule_out_of_range_is_refused(tmp_path):
    text = content.find("assessments/pilots/default.yaml").read_text(encoding="utf-8")
    copy = tmp_path / "rule.yaml"
    for found, changed, said in (
        ("value: 0.5", "value: 1.7", r"min_ready_share is 1\.7; wanted 0 to 1"),
        ("weight: 0.7", "weight: 0.8", r"the weights of the parts of volume sum to 1\.1; wanted 1"),
        ("better: more\n        half: 20", "better: more", r"hours_per_month: half is None; wanted a number"),
        ("- of: judgment", "- of: structure", None),
        (
            "- of: hours_per_month",
            "- of: pieces_per_month",
            r"the criterion volume is made of .*; wanted hours_per_month",
        ),
        ("name: safety", "name: volume", r"a criterion is there twice"),
    ):
        assert found in text
        copy.write_text(text.replace(found, changed, 1), encoding="utf-8")
        if said:
            with pytest.raises(ContentError, match=said):
                content.read(copy, workflows.PilotRule)
        else:
            assert content.read(copy, workflows.PilotRule)
