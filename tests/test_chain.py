"""What comes after the first pilots: level 3 work, and layers where an agent may hand to an agent."""

import pandas as pd
import pytest

from playbook import tables, workflows


def work(*rows):
    """Tasks and placements from (workflow, layer, hours, current, ready)."""
    tasks = pd.DataFrame(
        [
            {
                "team": "a",
                "task_id": str(number),
                "task": f"Task {number}",
                "workflow": workflow,
                "layer": layer,
                "runs_per_month": hours,
                "minutes_per_run": None if hours is None else 60,
                "current_level": current,
            }
            for number, (workflow, layer, hours, current, _) in enumerate(rows)
        ]
    )
    placements = pd.DataFrame(
        [
            {"team": "a", "task_id": str(number), "target_level": ready, "ready_level": ready, "coverage": 1.0}
            for number, (*_, ready) in enumerate(rows)
        ]
    )
    return tables.check(tables.TASKS, tasks), tables.check(tables.PLACEMENTS, placements)


def test_two_automated_layers_in_a_row_may_hand_over_and_a_person_between_them_stops_it():
    found = workflows.chain(
        *work(
            ("Report", "input", 1, 2, 5),
            ("Report", "production", 1, 2, 4),
            ("Report", "QA", 1, 2, 2),
            ("Report", "distribution", 1, 2, 5),
        )
    )
    assert list(found["run"]) == ["automated", "automated", "owned", "automated"]
    assert list(found["hands_to"]) == ["production", "", "", ""]


def test_layers_come_in_the_order_work_flows_whatever_the_order_of_the_rows():
    found = workflows.chain(*work(("Report", "feedback", 1, 2, 4), ("Report", "input", 1, 2, 4)))
    assert list(found["layer"]) == ["input", "feedback"]
    assert list(found["hands_to"]) == ["feedback", ""]


def test_a_layer_counts_by_its_most_cautious_task():
    found = workflows.chain(*work(("Report", "QA", 1, 2, 5), ("Report", "QA", 1, 2, 3)))
    assert found.loc[0, "ready"] == 3
    assert found.loc[0, "run"] == "audited"


def test_a_layer_with_a_task_that_has_no_level_is_not_yet_known():
    found = workflows.chain(*work(("Report", "QA", 1, 2, 5), ("Report", "QA", 1, 2, None)))
    assert pd.isna(found.loc[0, "ready"])
    assert found.loc[0, "run"] == "not yet known"


def test_tasks_without_a_layer_are_left_out_of_the_chain():
    assert workflows.chain(*work(("Report", None, 1, 2, 5))).empty


def test_the_next_wave_holds_the_work_ready_for_exactly_that_level_most_hours_first():
    wave = workflows.next_wave(
        *work(
            ("Blog", "production", 30, 2, 3),
            ("Blog", "QA", 10, 1, 2),
            ("Mail", "production", 50, 3, 3),
            ("Report", "input", 90, 2, 5),
        )
    )
    assert list(wave["workflow"]) == ["Mail", "Blog"]
    blog = wave.set_index("workflow").loc["Blog"]
    # 30 of 40 hours; its one task at level 3 is worked at level 2 today
    assert (blog["hours"], blog["of_hours"], blog["share"], blog["below"]) == (30, 40, pytest.approx(0.75), 1)
    assert wave.set_index("workflow").loc["Mail", "below"] == 0


def test_hours_that_are_not_known_stay_unknown():
    wave = workflows.next_wave(*work(("Blog", "production", None, 2, 3)))
    assert pd.isna(wave.loc[0, "hours"])
    assert pd.isna(wave.loc[0, "share"])


def test_findings_say_not_yet_where_nothing_links_and_nothing_is_ready():
    tasks, placements = work(("Blog", "QA", 10, 1, 2))
    said = workflows.chain_findings(workflows.chain(tasks, placements))
    assert said[0].startswith("a: Not yet: in no workflow may two layers")
    assert workflows.wave_findings(workflows.next_wave(tasks, placements))[0].startswith("Not yet: no task is ready")


def test_findings_count_one_as_one():
    tasks, placements = work(("Report", "input", 1, 2, 5), ("Report", "production", 1, 2, 4), ("Report", "QA", 1, 2, 3))
    assert workflows.chain_findings(workflows.chain(tasks, placements))[0].startswith(
        "a: In 1 of 1 workflow an agent could hand straight to an agent, 1 hand-over in all; for example"
    )
    assert workflows.wave_findings(workflows.next_wave(tasks, placements)) == [
        "a: 1 task in 1 workflow may be worked in the level 3 loop, 1 hour a month; the largest is Report."
    ]


def test_empty_tables_give_empty_results_and_no_sentence_about_a_chain():
    tasks, placements = tables.TASKS.empty(), tables.PLACEMENTS.empty()
    chained, wave = workflows.chain(tasks, placements), workflows.next_wave(tasks, placements)
    assert chained.empty
    assert wave.empty
    assert workflows.chain_findings(chained) == []
    assert workflows.wave_findings(wave)[0].startswith("Not yet")
