"""Governance: the register, agent playbook outlines, audit samples, the weekly review."""

import datetime as dt
from math import ceil, comb
from pathlib import Path

import jinja2
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from playbook import governance, tables
from playbook.errors import ParameterError, TableError
from playbook.io import content

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
NO_STATUS, NO_PLAYBOOKS, NO_SHORTLIST = (
    table.empty() for table in (tables.RISK_STATUS, tables.AGENT_PLAYBOOKS, tables.SHORTLIST)
)
TODAY = dt.date(2026, 11, 22)


@pytest.fixture(scope="module")
def register():
    return content.load("risks")


@pytest.fixture(scope="module")
def outline():
    return content.load("playbooks")


NO_RISKS = governance.risks(content.load("risks"), NO_STATUS)


def status(**cells):
    return pd.DataFrame([{"team": "content", "risk": "agent_dependency", "likelihood": 2, "impact": 3} | cells])


def playbooks(**cells):
    row = {"team": "content", "playbook_id": "p1", "workflow": "Weekly report", "level": 4, "owner_role": "CMO"}
    return pd.DataFrame(
        [row | {"deputy_role": "Analyst", "auditor_role": "Editor", "triggers": 2, "status": "live"} | cells]
    )


def shortlist(*flows, ready=4.6):
    rows = [
        {
            "team": "content",
            "workflow": flow,
            "tasks": 1,
            "runs_per_month": 1.0,
            "hours_per_month": 1.0,
            "chosen": chosen,
            "reason": "r",
        }
        | {"ready_level": ready}
        for flow, chosen in flows
    ]
    return pd.DataFrame(rows)


def inventory():
    cells = [
        ("t1", "Pull figures", "input", 21.0, 5),
        ("t2", "Write comment", "production", 4.0, 2),
        ("t3", "Send report", "distribution", 4.0, None),
    ]
    tasks = [
        {
            "team": "content",
            "task_id": i,
            "task": task,
            "workflow": "Weekly report",
            "function": "Reporting",
            "layer": layer,
        }
        | {"runs_per_month": runs, "minutes_per_run": 30.0}
        for i, task, layer, runs, _ in cells
    ]
    placed = [{"team": "content", "task_id": i, "coverage": 1.0, "ready_level": level} for i, *_, level in cells]
    return pd.DataFrame(tasks), pd.DataFrame(placed)


def test_the_register_holds_every_risk_and_failure_mode_of_the_source(register):
    rows = governance.risks(register, NO_STATUS, teams=["content"])
    named = rows.groupby("kind")["name"].agg(set)
    assert {"Brand voice drift", "Strategic atrophy", "Agent dependency"} <= named["risk"]
    assert named["failure mode"] == {
        "Over-centralisation", "Under-governance", "Tool sprawl", "AI as assistant instead of system"
    }  # fmt: skip
    assert rows[["signs", "mitigation", "control_list", "evidence", "source"]].ne("").all(axis=None)
    assert not rows["rated"].any()


def test_a_teams_own_rating_replaces_the_starting_value(register):
    rows = governance.risks(register, status(controls_done=1, owner_role="CMO")).set_index("risk")
    mine = rows.loc["agent_dependency"]
    # 2 x 3 = 6, where the band medium begins
    assert (mine.score, mine.band, mine.rated, mine.controls_done, mine.controls) == (6, "medium", True, 1, 3)
    assert mine.band_from == 6
    assert rows.drop(index="agent_dependency")["rated"].eq(False).all()
    assert rows["score"].is_monotonic_decreasing


def test_a_rating_of_an_unknown_risk_or_too_many_controls_is_refused(register):
    with pytest.raises(TableError, match="'rain'; wanted one of brand_voice_drift"):
        governance.risks(register, status(risk="rain"))
    with pytest.raises(TableError, match="row 0, controls_done: 9; wanted at most 3"):
        governance.risks(register, status(controls_done=9))


def test_bands_that_do_not_rise_are_refused(register):
    raw = register.model_dump(by_alias=True)
    raw["bands"] = list(reversed(raw["bands"]))
    with pytest.raises(ValidationError, match="bands start at 1 and rise"):
        governance.Register.model_validate(raw)


def test_fifty_nine_pieces_show_five_percent_defects_with_95_percent_confidence():
    # ln(0.05) / ln(0.95) = 58.4, so 59
    assert governance.audit_sample(None) == 59


@pytest.mark.parametrize(
    ("items", "sample"),
    [
        (0, 0),
        (1, 1),  # one piece, one defect: only the whole lot shows it
        (20, 19),  # one defect: missed with 1 - n/20 <= 0.05, so n = 19
        (40, 31),  # two defects: (40-n)(39-n) / (40 x 39) is 72/1560 = .046 at 31 and 90/1560 = .058 at 30
        (200, 51),  # ten defects: C(190, n) / C(200, n) falls below .05 at 51
    ],
)
def test_a_finite_lot_needs_fewer_by_the_hypergeometric_rule(items, sample):
    assert governance.audit_sample(items) == sample


def test_a_very_large_lot_needs_what_an_unlimited_one_needs():
    assert governance.audit_sample(10_000_000) == 59


@given(st.integers(1, 400), st.floats(0.005, 0.9), st.floats(0.5, 0.995))
@settings(max_examples=50, deadline=None)
def test_the_sample_is_the_smallest_that_keeps_the_promise(items, rate, confidence):
    n = governance.audit_sample(items, rate, confidence)
    good = items - ceil(items * rate - 1e-9)

    def missed(size):
        return comb(good, size) / comb(items, size)

    assert missed(n) <= (1 - confidence) * (1 + 1e-6)
    assert n == 1 or missed(n - 1) > (1 - confidence) * (1 - 1e-6)
    assert n <= items


@pytest.mark.parametrize("wrong", [{"defect_rate": 0}, {"defect_rate": 5}, {"confidence": 1.0}, {"items": -1}])
def test_an_impossible_sample_is_refused(wrong):
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        governance.audit_sample(**({"items": 100} | wrong))


def test_the_audit_plan_takes_a_weeks_pieces_of_each_playbook(outline):
    tasks, _ = inventory()
    plan = governance.audit_plan(tasks, playbooks(), outline).iloc[0]
    # most frequent task: 21 runs a month x 12 / 52 = 4.85, so 5 pieces a week; one defect among 5 needs all 5
    assert (plan["items"], plan["sample"]) == (5, 5)
    unknown = governance.audit_plan(tables.TASKS.empty(), playbooks(), outline).iloc[0]
    assert pd.isna(unknown["items"])
    assert unknown["sample"] == 59


def test_an_outline_says_what_the_tables_know_and_asks_for_the_rest(outline):
    tasks, placed = inventory()
    rows = governance.playbook_outlines(
        shortlist(("Weekly report", True), ("Other", False)), tasks, placed, NO_PLAYBOOKS, outline
    )
    assert rows["workflow"].unique().tolist() == ["Weekly report"]
    assert rows["level"].unique().tolist() == [4]  # ready 4.6: never rounded up
    known = rows[rows["part"].eq("section")].set_index("item")["known"]
    assert known["steps"] == "Pull figures (ready level 5)"
    assert known["people_keep"] == "Write comment (ready level 2); Send report (ready level not known)"
    assert known["people"] == "owner: open; deputy: open; auditor: open"
    assert known["review"].startswith("weekly and each exception")


def test_triggers_follow_the_kind_of_workflow_and_carry_value_and_unit(outline):
    tasks, placed = inventory()
    rows = governance.playbook_outlines(shortlist(("Weekly report", True)), tasks, placed, NO_PLAYBOOKS, outline)
    triggers = rows[rows["part"].eq("trigger")].set_index("metric")
    assert {"acceptance_rate", "figure_difference", "input_age"} <= set(triggers.index)
    assert "unsubscribe_rate" not in triggers.index
    assert triggers.loc["input_age", ["operator", "value", "unit"]].tolist() == [">", 24, "hours"]
    assert triggers["reason"].ne("").all()


def test_a_workflow_without_functions_is_known_by_its_name(outline):
    metrics = [trigger.metric for trigger in outline.triggers_for("E-mail A/B tests", [])]
    assert "sample_ratio_gap" in metrics
    assert "complaint_rate" in metrics
    assert len(metrics) == len(set(metrics))
    assert outline.triggers_for("Parking", []) == outline.always


def test_a_registered_playbook_wins_over_the_shortlist_and_a_retired_one_is_left_out(outline):
    tasks, placed = inventory()
    rows = governance.playbook_outlines(shortlist(("weekly report", True)), tasks, placed, playbooks(level=3), outline)
    assert rows["level"].unique().tolist() == [3]
    gone = governance.playbook_outlines(NO_SHORTLIST, tasks, placed, playbooks(status="retired"), outline)
    assert gone.empty
    assert gone["value"].dtype == "float64"


def test_a_workflow_that_nothing_may_be_handed_over_from_says_not_yet(outline):
    rows = governance.playbook_outlines(
        shortlist(("X", True), ready=None), tables.TASKS.empty(), tables.PLACEMENTS.empty(), NO_PLAYBOOKS, outline
    )
    known = rows[rows["part"].eq("section")].set_index("item")["known"]
    assert known["level"].startswith("Not yet")
    assert known["review"].startswith("Not yet")


def test_a_trigger_in_the_wrong_unit_is_refused(outline):
    raw = outline.model_dump()
    raw["always"][0]["unit"] = "share"
    with pytest.raises(ValidationError, match="acceptance_rate < 80 share: the metric's unit is %"):
        governance.PlaybookOutline.model_validate(raw)


def test_the_weekly_review_is_an_agenda_with_times_and_facts(register, outline):
    tasks, _ = inventory()
    rows = governance.weekly_review(
        outline,
        playbooks(deputy_role=None),
        governance.risks(register, status(controls_done=1)),
        governance.audit_plan(tasks, playbooks(), outline),
    )
    assert rows["order"].tolist() == list(range(1, len(outline.agenda) + 1))
    assert rows["start"].iloc[-1] + rows["minutes"].iloc[-1] == sum(item.minutes for item in outline.agenda) == 50
    known = rows.set_index("title")["known"]
    assert known["Deputies and keys"] == "Without a deputy: Weekly report."
    assert "5 of 5 pieces a week" in known["Output quality audit"]
    # controls of the register: 4 x 3 + 2 + 3 + 2 + 2 = 21, one in place
    assert known["Risks and controls"].startswith("20 of 21 controls are not in place")


def test_measures_of_playbooks_risks_and_controls(register):
    rows = governance.risks(register, status(controls_done=2))
    books = pd.concat([playbooks(), playbooks(playbook_id="p2", workflow="Posts", deputy_role="cmo")])
    found = governance.measures(rows, books, shortlist(("Weekly report", True), ("Posts", True), ("Other", False)))
    # written: Weekly report of two chosen (Posts' deputy is its owner); deputies 1 of 2; rated 1 of 8; controls 2 of 21
    assert found.set_index("measure")["value"].dropna().to_dict() == {
        "playbooks_written_share": 0.5,
        "playbooks_with_deputy_share": 0.5,
        "risks_rated_share": 1 / 8,
        "risk_controls_in_place_share": pytest.approx(2 / 21),
    }
    needed = found.set_index("measure").loc["reviews_held_last_4_weeks", "needs"]
    assert needed == "a record of each weekly agent review"


def reviews(*days, team="content"):
    return pd.DataFrame({"team": team, "day": list(days)})


def held(found, team="content"):
    return found.set_index(["team", "measure"]).loc[(team, "reviews_held_last_4_weeks")]


def measured(record, today=TODAY):
    return governance.measures(NO_RISKS, NO_PLAYBOOKS, NO_SHORTLIST, reviews=record, today=today)


def test_the_reviews_of_the_last_four_weeks_are_counted_by_week():
    # up to Sunday 22 November: week 0 is 16-22, week 1 is 9-15, week 2 is 2-8, week 3 is 26 October - 1 November
    record = reviews("2026-11-20", "2026-11-17", "2026-11-03", "2026-10-26", "2026-10-25", "2026-11-23")
    found = held(measured(record))
    # two in week 0 count once, none in week 1, one in weeks 2 and 3; the 25th is the 29th day back, the 23rd is to come
    assert (found["value"], found["n"], found["unit"]) == (3, 6, "reviews")
    assert found["evidence"] == "a review was held in 3 of the 4 weeks up to 2026-11-22; 6 reviews on record"


@pytest.mark.parametrize(
    ("days", "weeks"),
    [
        (["2026-11-22"], 1),
        (["2026-11-16", "2026-11-15"], 2),
        (["2026-10-26"], 1),
        (["2026-10-25"], 0),
        (["2026-11-23"], 0),
        (["2026-11-22", "2026-11-15", "2026-11-08", "2026-11-01"], 4),
        (["2026-11-16", "2026-11-09", "2026-11-02", "2026-10-26"], 4),
    ],
)
def test_a_week_is_the_seven_days_up_to_today(days, weeks):
    assert held(measured(reviews(*days)))["value"] == weeks


def test_a_team_without_a_recorded_review_is_not_measured_and_one_that_stopped_scores_nothing():
    record = pd.concat([reviews("2026-06-01", team="growth"), reviews("2026-11-20", team="social")])
    found = governance.measures(NO_RISKS, NO_PLAYBOOKS, NO_SHORTLIST, teams=["content"], reviews=record, today=TODAY)
    assert pd.isna(held(found)["value"])
    assert (held(found)["n"], held(found)["needs"]) == (0, "a record of each weekly agent review")
    assert (held(found, "growth")["value"], held(found, "social")["value"]) == (0, 1)
    assert held(found, "growth")["evidence"].endswith("1 review on record")


def test_without_a_day_to_count_from_no_review_is_counted():
    found = held(measured(reviews("2026-11-20"), today=None))
    assert pd.isna(found["value"])
    assert found["needs"] == "the day the four weeks end"


@given(st.lists(st.integers(-3, 40), max_size=12))
@settings(max_examples=50, deadline=None)
def test_one_more_review_never_lowers_the_number_of_weeks(ago):
    days = [TODAY - dt.timedelta(days=days) for days in dict.fromkeys(ago)]
    # team held-n has held the first n reviews
    record = [(f"held-{n:02}", day) for n in range(1, len(days) + 1) for day in days[:n]]
    found = measured(pd.DataFrame(record, columns=["team", "day"])).query("measure == 'reviews_held_last_4_weeks'")
    values = found.sort_values("team")["value"].tolist()
    assert len(values) == len(days)
    assert values == sorted(values)
    assert all(value in range(5) for value in values)


def test_running_pilots_need_a_playbook_too():
    pilots = pd.DataFrame(
        [
            {"team": "content", "pilot_id": "1", "workflow": "Posts", "level": 4, "status": "running"},
            {"team": "content", "pilot_id": "2", "workflow": "Old", "level": 4, "status": "stopped"},
        ]
    )
    empty = governance.risks(content.load("risks"), NO_STATUS)
    found = governance.measures(empty, playbooks(), NO_SHORTLIST, pilots).set_index("measure")
    assert found.loc["playbooks_written_share", ["value", "n"]].tolist() == [0, 1]


def test_without_evidence_nothing_is_measured(register):
    rows = governance.risks(register, NO_STATUS, teams=["content"])
    found = governance.measures(rows, NO_PLAYBOOKS, NO_SHORTLIST).set_index("measure")
    assert found.loc["risks_rated_share", "value"] == 0
    assert found.drop(index="risks_rated_share")["value"].isna().all()
    assert found.drop(index="risks_rated_share")["needs"].ne("").all()


def test_findings_say_not_yet_without_a_rating(register, outline):
    rows = governance.risks(register, NO_STATUS, teams=["content"])
    tasks, placed = inventory()
    outlines = governance.playbook_outlines(shortlist(("Weekly report", True)), tasks, placed, NO_PLAYBOOKS, outline)
    said = " ".join(governance.findings(rows, outlines, NO_PLAYBOOKS))
    assert "0 of 8 risks" in said
    assert "Not yet: without the team's own rating" in said
    assert "Outlined but not written: Weekly report (1)" in said
    assert governance.findings(rows.iloc[:0], outlines.iloc[:0], NO_PLAYBOOKS)[0].startswith("Nothing to govern yet")


def test_findings_of_risks_and_of_playbooks_are_the_two_halves_of_all(register, outline):
    rows = governance.risks(register, NO_STATUS, teams=["content"])
    outlines = governance.playbook_outlines(shortlist(("Weekly report", True)), *inventory(), NO_PLAYBOOKS, outline)
    halves = [*governance.risk_findings(rows), *governance.playbook_findings(outlines, NO_PLAYBOOKS)]
    assert governance.findings(rows, outlines, NO_PLAYBOOKS) == halves
    assert governance.risk_findings(rows.iloc[:0]) == ["Not yet: no team has a risk to rate."]
    assert governance.playbook_findings(outlines.iloc[:0], NO_PLAYBOOKS)[0].startswith("Not yet: no workflow")


def test_findings_name_the_highest_rated_risk(register, outline):
    said = " ".join(
        governance.findings(
            governance.risks(register, status(likelihood=5, impact=5, controls_done=1)),
            governance.playbook_outlines(NO_SHORTLIST, *inventory(), playbooks(), outline),
            playbooks(),
        )
    )
    assert "Highest rated: Agent dependency (score 25 of 25, high)." in said
    assert "1 of 3 controls of the rated risks in place." in said
    assert "No role owns the controls of Agent dependency (1)." in said
    assert "1 agent playbook in the register, 1 with trigger, owner and deputy." in said


def test_the_templates_render_whole(register, outline):
    tasks, placed = inventory()
    audits = governance.audit_plan(tasks, playbooks(), outline)
    outlines = governance.playbook_outlines(
        NO_SHORTLIST, tasks, placed, playbooks(workflow="Weekly report & Größe"), outline
    )
    document = governance.playbook_document(outlines, "content", "weekly report & größe")
    page = render("agent_playbook.md", document)
    assert page.startswith('---\nname: weekly-report-and-grosse\ndescription: "How the agent')
    assert "allowed-tools" not in page
    assert "- `acceptance_rate < 80 %`:" in page
    sheet = render("audit_sheet.md", governance.audit_sheet(audits, "content", "p1"))
    assert "| 5 |" in sheet
    assert "| 6 |" not in sheet
    review = governance.weekly_review(outline, playbooks(), governance.risks(register, NO_STATUS, ["content"]), audits)
    agenda = render("weekly_review.md", {"team": "content", "items": review.to_dict(orient="records")})
    assert "## 7. Decisions (minute 40, 10 minutes)" in agenda


def test_a_document_that_is_not_there_says_which_are(outline):
    tasks, placed = inventory()
    outlines = governance.playbook_outlines(NO_SHORTLIST, tasks, placed, playbooks(), outline)
    with pytest.raises(ParameterError, match="'X'; there are: Weekly report"):
        governance.playbook_document(outlines, "content", "X")
    with pytest.raises(ParameterError, match="'p9'; there are: p1"):
        governance.audit_sheet(governance.audit_plan(tasks, playbooks(), outline), "content", "p9")


def render(name, facts):
    loader = jinja2.FileSystemLoader(TEMPLATES / "governance")
    page = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return page.get_template(name).render(facts)
