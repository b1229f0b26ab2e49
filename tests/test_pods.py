"""Pods: outcomes, seats, spans of control, decision rights and what one role must not hold."""

from pathlib import Path

import jinja2
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from playbook import pods, tables
from playbook.errors import ParameterError
from playbook.io import content

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
RULES = content.load("pods")
NO_SEATS, NO_PLAYBOOKS = tables.POD_SEATS.empty(), tables.AGENT_PLAYBOOKS.empty()


@pytest.fixture(scope="module")
def rules():
    return RULES


def inventory(*rows, team="content"):
    """Tasks and placements from (workflow, function, hours a month, target level, level_low, level_high)."""
    tasks, placed = [], []
    for number, (workflow, function, hours, level, *ends) in enumerate(rows):
        low, high = ends or (level, level)
        key = {"team": team, "task_id": f"t{number}"}
        tasks.append(key | {"task": "Do it", "workflow": workflow, "function": function, "minutes_per_run": 60.0})
        tasks[-1]["runs_per_month"] = hours
        placed.append(
            key | {"coverage": 1.0, "target_level": level, "ready_level": low, "level_low": low, "level_high": high}
        )
    return pd.DataFrame(tasks), pd.DataFrame(placed)


def seats(**roles):
    rows = [
        {"team": "content", "pod": "SEO growth", "workflow": "Pages", "seat": seat.replace("_", " "), "role": role}
        for seat, role in roles.items()
    ]
    return pd.DataFrame(rows).replace({"seat": {"operator": "AI operator"}})


@pytest.mark.parametrize("function", [item["name"] for item in content.load("spectrum").model_dump()["functions"]])
def test_every_function_of_the_catalogue_serves_an_outcome(rules, function):
    assert rules.pod_of(function)


def test_the_outcomes_of_the_source_are_there(rules):
    assert {"Pipeline generation", "SEO growth", "Lifecycle monetisation", "Content engine"} <= set(rules.outcome_of)


def test_a_workflow_joins_the_outcome_most_of_its_hours_serve(rules):
    tasks, placed = inventory(("Pages", "SEO", 3, 4), ("Pages", "Reporting", 9, 4), ("Pages", "seo", 7, 4))
    rows = pods.propose(tasks, placed, NO_SEATS, rules)
    assert rows["pod"].unique().tolist() == ["SEO growth"]  # 10 hours against 9
    assert rows["seat"].tolist() == [seat.seat for seat in rules.seats]
    assert rows["status"].eq("open").all()


def test_a_workflow_that_serves_no_listed_outcome_has_its_own_row(rules):
    tasks, placed = inventory(("Parking", "Car park", 3, 4), ("Lunch", None, 3, 4))
    rows = pods.propose(tasks, placed, NO_SEATS, rules)
    assert set(rows["pod"]) == {"no outcome yet"}
    assert set(rows["workflow"]) == {"Parking", "Lunch"}


def test_without_hours_the_tasks_decide(rules):
    tasks, placed = inventory(("Pages", "SEO", None, 4), ("Pages", "SEO", None, 4), ("Pages", "Reporting", None, 4))
    assert set(pods.propose(tasks, placed, NO_SEATS, rules)["pod"]) == {"SEO growth"}


def test_people_place_a_workflow_and_a_seat_without_tasks_is_kept(rules):
    tasks, placed = inventory(("Reports", "Reporting", 3, 4))
    rows = pods.propose(tasks, placed, seats(workflow_owner="Head of SEO"), rules)
    assert rows.loc[rows["role"].notna(), ["pod", "workflow", "status"]].to_numpy().tolist() == [
        ["SEO growth", "Pages", "filled"]
    ]
    assert rows.loc[rows["workflow"].eq("Pages"), "tasks"].eq(0).all()


def test_a_role_that_runs_and_audits_is_a_conflict(rules):
    rows = pods.propose(
        tables.TASKS.empty(),
        tables.PLACEMENTS.empty(),
        seats(operator="Analyst", auditor="analyst", workflow_owner="CMO"),
        rules,
    )
    status = rows.set_index("seat")["status"]
    assert status[["AI operator", "auditor", "workflow owner"]].tolist() == ["conflict", "conflict", "filled"]


def test_proposed_pilots_come_first(rules):
    tasks, placed = inventory(("Big", "SEO", 90, 4), ("Small", "SEO", 3, 4))
    shortlist = pd.DataFrame(
        {
            "team": "content",
            "workflow": ["Small"],
            "tasks": 1,
            "runs_per_month": 3.0,
            "hours_per_month": 3.0,
            "chosen": True,
            "reason": "r",
        }
    )
    rows = pods.propose(tasks, placed, NO_SEATS, rules, shortlist)
    assert rows["workflow"].iloc[0] == "Small"
    assert rows.groupby("workflow")["first"].all().to_dict() == {"Small": True, "Big": False}


def test_span_of_control_counts_people_equivalents_of_work_agents_lead(rules):
    # 1,400 h at level 4 and 700 h at level 5 make 2,100 / 140 = 15 people; level 3 does not count.
    # One operator oversees 5 to 20: ceil(15 / 20) = 1 to ceil(15 / 5) = 3 operators.
    # At the low ends only the 700 h stay at level 4 or above: 5 people; at the high ends all 2,800 h: 20 people.
    tasks, placed = inventory(
        ("a", "SEO", 1400, 4, 3, 5), ("b", "SEO", 700, 5, 4, 5), ("c", "SEO", 700, 3, 2, 4), ("d", "SEO", None, 5)
    )
    row = pods.span_of_control(tasks, placed, rules).set_index("basis").loc["by its nature"]
    assert (row.hours, row.people, row.people_low, row.people_high) == (2100, 15, 5, 20)
    assert (row.operators_least, row.operators_most, row.tasks, row.unknown) == (1, 3, 2, 1)
    assert (row.manager_low, row.manager_high) == (5, 8)
    assert row.said.startswith("within one operator's span of 5 to 20")


@pytest.mark.parametrize(
    ("hours", "level", "said"),
    [(140, 4, "less than one operator's span"), (140 * 21, 5, "more than one operator's span"),
     (10, 2, "no work at a level agents lead"), (None, 4, "not yet known")],
)  # fmt: skip
def test_the_span_is_put_into_words(rules, hours, level, said):
    rows = pods.span_of_control(*inventory(("a", "SEO", hours, level)), rules)
    assert rows["said"].iloc[-1].startswith(said)


@given(st.lists(st.tuples(st.floats(0, 2000), st.integers(1, 5)), min_size=1, max_size=5))
@settings(max_examples=30, deadline=None)
def test_raising_a_level_never_shrinks_the_span(work):
    rules = RULES
    low = pods.span_of_control(*inventory(*[("a", "SEO", hours, level) for hours, level in work]), rules)
    high = pods.span_of_control(*inventory(*[("a", "SEO", hours, min(5, level + 1)) for hours, level in work]), rules)
    assert (high["people"] >= low["people"]).all()


def test_decision_rights_rebalance_as_the_source_says(rules):
    rights = pods.decision_rights(rules).set_index("decision")["kind"]
    assert rights[["Strategy", "Positioning", "Risk"]].eq("people").all()
    assert rights[["Generation", "Transformation", "Optimisation"]].eq("AI").all()
    assert rights[["Experimentation", "Personalisation", "Scaling"]].eq("hybrid").all()


def test_one_role_holding_what_must_be_apart_is_found_in_seats_and_playbooks(rules):
    taken = seats(operator="Analyst", auditor="Editor", automation_engineer="Analyst")
    playbook = {"team": "content", "playbook_id": "p1", "workflow": "pages", "level": 4, "owner_role": "CMO"}
    playbooks = pd.DataFrame([playbook | {"deputy_role": "cmo", "auditor_role": "Analyst"}])
    found = pods.separation_faults(taken, playbooks, rules)
    assert found[["place", "fault"]].to_numpy().tolist() == [
        ["SEO growth", "automation engineer = AI operator"],
        ["playbook p1", "owner = deputy"],
        ["playbook p1", "AI operator = auditor"],
        ["playbook p1", "automation engineer = auditor"],
    ]
    assert pods.separation_faults(NO_SEATS, NO_PLAYBOOKS, rules).empty


def test_measures_of_pods_seats_and_separation(rules):
    tasks, placed = inventory(("Pages", "SEO", 3, 4), ("Reports", "Reporting", 3, 4))
    taken = seats(workflow_owner="CMO", operator="Analyst", auditor="Editor")
    found = pods.measures(
        pods.propose(tasks, placed, taken, rules), pods.separation_faults(taken, NO_PLAYBOOKS, rules), rules
    )
    # Pages has owner and operator: 1 pod formed; 3 of its 5 seats filled; Reports is not begun and does not count
    assert found.set_index("measure")["value"].to_dict() == {
        "pods_formed": 1, "pod_seats_filled_share": 0.6, "separation_faults": 0
    }  # fmt: skip


def test_without_a_filled_seat_separation_is_not_yet_measurable(rules):
    proposed = pods.propose(*inventory(("Pages", "SEO", 3, 4)), NO_SEATS, rules)
    found = pods.measures(proposed, pods.separation_faults(NO_SEATS, NO_PLAYBOOKS, rules), rules).set_index("measure")
    assert found.loc["pods_formed", "value"] == 0
    assert pd.isna(found.loc["separation_faults", "value"])
    assert found.loc["separation_faults", "needs"] == "at least one filled pod seat"


def test_findings_name_what_has_no_outcome_and_who_holds_too_much(rules):
    tasks, placed = inventory(("Pages", "SEO", 3, 4), ("Parking", None, 3, 4))
    taken = seats(operator="Analyst", auditor="Analyst")
    said = " ".join(
        pods.findings(
            pods.propose(tasks, placed, taken, rules),
            pods.span_of_control(tasks, placed, rules),
            pods.separation_faults(taken, NO_PLAYBOOKS, rules),
            rules,
        )
    )
    assert "No outcome yet for Parking (1)" in said
    assert "Analyst holds AI operator = auditor" in said
    assert "2 of 10 seats are filled" in said


def test_empty_tables_give_empty_answers(rules):
    empty = tables.TASKS.empty(), tables.PLACEMENTS.empty()
    proposed, spans = pods.propose(*empty, NO_SEATS, rules), pods.span_of_control(*empty, rules)
    faults = pods.separation_faults(NO_SEATS, NO_PLAYBOOKS, rules)
    assert proposed.empty
    assert spans.empty
    assert pods.measures(proposed, faults, rules).empty
    assert pods.measures(proposed, faults, rules, teams=["content"])["value"].isna().all()
    assert pods.findings(proposed, spans, faults, rules)[0].startswith("No pods yet")


def test_a_charter_shows_seats_duties_and_rights(rules):
    tasks, placed = inventory(("Pages", "SEO", 3, 4))
    proposed = pods.propose(tasks, placed, seats(operator="Analyst"), rules)
    loader = jinja2.FileSystemLoader(TEMPLATES)
    pages = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page = pages.get_template("pods/charter.md").render(pods.charter(proposed, rules, "content", "SEO growth"))
    assert "| AI operator | Analyst | filled |" in page
    assert "| auditor | nobody yet | open |" in page
    assert "| Strategy | people |" in page
    with pytest.raises(ParameterError, match="no pod 'X'; there are: SEO growth"):
        pods.charter(proposed, rules, "content", "X")


def test_a_function_under_two_outcomes_and_a_missing_seat_are_refused(rules):
    raw = rules.model_dump()
    raw["outcomes"][0]["functions"] += ["SEO"]
    raw["seats"] = raw["seats"][:-1]
    with pytest.raises(ValidationError, match=r"the seat auditor is missing.*SEO is under"):
        pods.PodRules.model_validate(raw)
