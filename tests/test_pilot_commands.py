"""Pilots from the command line: the sample's agents run, ask, are decided on, measured and stopped; real data, too."""

import datetime as dt
import json
from functools import cache

import openpyxl
import pandas as pd
import pytest
import yaml
from engagement import copy_of
from typer.testing import CliRunner

from playbook.agents import pilot
from playbook.agents.playbook import load_policy, triggers_section, write_skill
from playbook.cli import app
from playbook.errors import ParameterError
from playbook.io import content, sample

START, TODAY = dt.date(2026, 10, 13), "2026-11-22"
SAMPLES = ("weekly-report", "email-tests", "social-scheduling")


def run(*words):
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return sample.create(tmp_path_factory.mktemp("sample") / "acme", start=START)


@pytest.fixture
def acme(made, tmp_path):
    """A copy of the sample that a test may change."""
    return copy_of(made.folder, tmp_path / "acme")


@pytest.fixture(scope="module")
def ran(made, tmp_path_factory):
    """A copy of the sample after a playbook of it ran, once a playbook, and how the run ended; to be read only."""

    @cache
    def of(playbook_id):
        acme = copy_of(made.folder, tmp_path_factory.mktemp(playbook_id) / "acme")
        return acme, run("pilot", "run", playbook_id, "--today", TODAY, "-w", acme.folder)

    return of


@pytest.fixture(scope="module")
def asked(made, tmp_path_factory):
    """A copy of the sample whose weekly report, at level 3, has asked a person; what it printed; to be read only."""
    acme = copy_of(made.folder, tmp_path_factory.mktemp("asked") / "acme")
    changed(acme, "weekly-report", level=3)
    return acme, run("pilot", "run", "weekly-report", "--today", TODAY, "-w", acme.folder)


@pytest.fixture
def asking(asked, tmp_path):
    """A copy of that, to be decided on."""
    return copy_of(asked[0].folder, tmp_path / "acme")


def changed(acme, playbook_id, **top):
    """Change top-level keys of a policy, and bring its document up to date."""
    place = acme.folder / "playbooks" / playbook_id
    policy = yaml.safe_load((place / "policy.yaml").read_text(encoding="utf-8")) | top
    (place / "policy.yaml").write_text(yaml.safe_dump(policy), encoding="utf-8")
    write_skill(place, load_policy_without_document(place))
    return place


def load_policy_without_document(place):
    document = place / "SKILL.md"
    kept = document.read_text(encoding="utf-8")
    document.unlink()
    policy = load_policy(place)
    document.write_text(kept, encoding="utf-8")
    return policy


@pytest.mark.parametrize("playbook_id", SAMPLES)
def test_the_samples_playbooks_hold_together_and_their_documents_say_what_they_say(playbook_id):
    place = content.root() / "templates" / "sample" / "playbooks" / playbook_id
    policy = load_policy(place)
    assert policy.playbook == playbook_id
    document = (place / "SKILL.md").read_text(encoding="utf-8")
    assert all(f"`{trigger.when}`" in triggers_section(document) for trigger in policy.triggers)


def test_the_register_of_the_sample_counts_the_triggers_its_playbooks_have(made):
    registered = made.read("agent_playbooks").set_index("playbook_id")["triggers"]
    for playbook_id in SAMPLES:
        assert registered[playbook_id] == len(pilot.policy_of(made, playbook_id).triggers)


@pytest.mark.parametrize("playbook_id", SAMPLES)
def test_each_of_the_three_pilots_runs_in_the_sample_and_leaves_artifacts_a_log_and_its_spans(ran, playbook_id):
    acme, result = ran(playbook_id)
    assert result.exit_code == 0, result.output
    assert f"{playbook_id}-{TODAY}-1: ok" in result.stdout
    artifacts = acme.read("artifacts")
    assert len(artifacts)
    assert all((acme.folder / path).is_file() for path in artifacts["path"])
    log = (acme.folder / "agents" / playbook_id / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert int(acme.read("log_anchors")["entries"].iloc[0]) == len(log)
    spans = acme.read("run_spans")
    assert set(spans["kind"]) == {"run", "tool"}
    assert f"{playbook_id}-{TODAY}-1, ok" in run("pilot", "status", "-w", acme.folder).stdout


def test_a_schedule_with_thin_history_waits_for_a_person_and_then_goes_into_the_folder_with_its_calendar(acme):
    few = {"when": "slots_without_history > 50 %", "reason": "most times rest on other hours"}
    changed(acme, "social-scheduling", triggers=[few])
    asks = run("pilot", "run", "social-scheduling", "--today", TODAY, "-w", acme.folder)
    assert "slots_without_history > 50 %" in asks.stdout
    asked = acme.read("approvals")["approval_id"].iloc[0]
    assert run("review", "approve", asked, "--by", "Creative Director", "-w", acme.folder).exit_code == 0
    done = run("pilot", "run", "social-scheduling", "--today", TODAY, "-w", acme.folder)
    assert f"social-scheduling-{TODAY}-1: ok" in done.stdout, done.output
    (calendar,) = (acme.folder / "published").rglob("*.ics")
    # 24 posts are in the queue; one of them is booked in the posting tool already
    assert calendar.read_text(encoding="utf-8").count("BEGIN:VEVENT") == 23


def test_a_run_at_level_3_asks_a_person_who_is_not_the_operator_and_goes_on_after_the_answer(asked, asking):
    _, first = asked
    assert first.exit_code == 0
    assert "waits for a person" in first.stdout
    assert not (asking.folder / "published").exists()
    question = asking.read("approvals")["approval_id"].iloc[0]
    assert question in run("review", "-w", asking.folder).stdout
    assert "publish_report" in run("review", "show", question, "-w", asking.folder).stdout
    refused = run("review", "approve", question, "--by", "SEO Specialist", "-w", asking.folder)
    assert refused.exit_code == 2
    assert "operates" in refused.stderr
    done = run("review", "approve", question, "--by", "Senior Editor", "-w", asking.folder)
    assert "approved by Senior Editor" in done.stdout
    again = run("pilot", "run", "weekly-report", "--today", TODAY, "-w", asking.folder)
    assert f"weekly-report-{TODAY}-1: ok" in again.stdout
    assert (asking.folder / "published" / "week-2026-11-09" / "report.html").is_file()
    assert "0 questions" in run("review", "-w", asking.folder).stdout


def test_a_rejection_needs_its_reason_and_ends_the_run_with_it(asking):
    question = asking.read("approvals")["approval_id"].iloc[0]
    assert run("review", "reject", question, "--by", "Senior Editor", "-w", asking.folder).exit_code == 2
    run("review", "reject", question, "--by", "Senior Editor", "--why", "The holiday is not named", "-w", asking.folder)
    ended = run("pilot", "run", "weekly-report", "--today", TODAY, "-w", asking.folder)
    assert ended.exit_code == 1
    assert "The holiday is not named" in ended.stdout
    assert not (asking.folder / "published").exists()


def test_a_stopped_agent_does_nothing_until_it_is_released_whatever_another_teams_agents_are_told(acme):
    words = ("--reason", "figures look wrong, jane.doe@example.com says", "--by", "Senior Editor", "-w", acme.folder)
    assert "weekly-report: stopped" in run("pilot", "stop", "weekly-report", *words).stdout
    held = run("pilot", "run", "weekly-report", "--today", TODAY, "-w", acme.folder)
    assert held.exit_code == 1
    assert "figures look wrong, p_" in held.stdout
    assert "jane.doe" not in held.stdout
    assert "figures look wrong" in run("pilot", "status", "--team", "content-and-search", "-w", acme.folder).stdout
    run("pilot", "stop", "weekly-report", "--release", *words)
    crisis = ("--reason", "crisis", "--by", "Head of Marketing", "-w", acme.folder)
    assert run("pilot", "stop", "*", *crisis).exit_code == 2
    run("pilot", "stop", "*", "--team", "demand-generation", *crisis)
    assert run("pilot", "run", "email-tests", "--today", TODAY, "-w", acme.folder).exit_code == 1
    assert run("pilot", "run", "weekly-report", "--today", TODAY, "-w", acme.folder).exit_code == 0


def test_measure_says_time_quality_what_broke_and_what_is_missing_of_one_pilot_or_all(acme):
    one = run("pilot", "measure", "weekly-report", "--team", "content-and-search", "-w", acme.folder).stdout
    assert "Time: saved" in one
    assert "2 broke" in one
    assert "headline" not in one.lower()
    assert "Headline testing" in run("pilot", "measure", "--team", "content-and-search", "-w", acme.folder).stdout
    unknown = run("pilot", "measure", "no-such", "--team", "content-and-search", "-w", acme.folder)
    assert unknown.exit_code == 2


def test_a_playbook_is_written_for_a_pilot_once_with_its_roles_and_then_loads(acme):
    written = run("pilot", "write", "headline-tests", "--agent", "testing", "-w", acme.folder)
    assert written.exit_code == 0, written.output
    policy = pilot.policy_of(acme, "headline-tests")
    assert (policy.workflow, policy.level, policy.owner_role) == ("Headline testing", 4, "Content Marketing Manager")
    assert policy.operator_role == "SEO Specialist"
    assert run("pilot", "write", "headline-tests", "--agent", "testing", "-w", acme.folder).exit_code == 2
    assert run("pilot", "write", "headline-tests", "--agent", "poetry", "-w", acme.folder).exit_code == 2


def test_a_pilot_nobody_knows_and_a_playbook_not_yet_written_are_refused_with_what_to_do(acme):
    with pytest.raises(ParameterError, match=r"there are: .*weekly-report"):
        pilot.find(acme, "nothing")
    with pytest.raises(ParameterError, match="playbook pilot write budget-pacing --agent"):
        pilot.policy_of(acme, "budget-pacing")


def test_a_pilots_id_in_two_teams_asks_for_the_team(acme):
    row = {"team": "brand-and-community", "pilot_id": "weekly-report", "workflow": "Brand report", "level": 4}
    with acme.change() as change:
        change.put("pilots", pd.DataFrame([row]))
    with pytest.raises(ParameterError, match="several teams"):
        pilot.find(acme, "weekly-report")
    assert pilot.find(acme, "weekly-report", "content-and-search") == ("content-and-search", "weekly-report")


def test_the_reporting_pilot_runs_on_a_real_web_tools_export(acme, shared_data):
    visits = pd.read_csv(shared_data / "web_analytics" / "daily_visits_by_agency.csv")
    visits = visits[visits["agency"] != "ALL"]
    visits.to_csv(acme.folder / "inputs" / "weekly-report" / "agencies.csv", index=False)
    place = acme.folder / "playbooks" / "weekly-report" / "policy.yaml"
    settings = yaml.safe_load(place.read_text(encoding="utf-8"))["settings"]
    settings |= {
        "input": {
            "file": "inputs/weekly-report/agencies.csv",
            "columns": {"day": "date", "name": "agency", "visits": "visits"},
            "time_zone": "America/New_York",
        },
        "measures": [{"measure": "visits", "title": "Visits", "unit": "visits"}],
        "ratios": [],
        "known_names": sorted(visits["agency"].unique()),
        "name_title": "agency",
    }
    triggers = [{"when": "missing_days > 0 days", "reason": "a gap is no fall"}]
    changed(acme, "weekly-report", settings=settings, triggers=triggers)
    day = dt.date.fromisoformat(visits["date"].max()) + dt.timedelta(days=1)
    result = run("pilot", "run", "weekly-report", "--today", day, "-w", acme.folder)
    assert "ok" in result.stdout or "waits for a person" in result.stdout, result.output
    (narrative,) = [path for path in acme.read("artifacts")["path"] if path.endswith("narrative-v1.json")]
    assert json.loads((acme.folder / narrative).read_text(encoding="utf-8"))


def test_the_testing_pilot_runs_on_a_real_headline_test(acme, shared_data):
    packages = pd.read_csv(shared_data / "headlines" / "packages.csv", low_memory=False)
    sound = packages[packages["week_in_randomisation_risk_window"] == 0]
    test_id = sound[sound["distinct_headlines_in_test"] > 2]["clickability_test_id"].iloc[0]
    found = sound[sound["clickability_test_id"] == test_id].reset_index(drop=True)
    inputs = acme.folder / "inputs" / "email-tests"
    for old in inputs.glob("*.csv"):
        old.unlink()
    rows = {"day": "2013-01-20", "variant": [f"v{n + 1}" for n in range(len(found))]}
    counts = {"impressions": found["impressions"], "clicks": found["clicks"], "headline": found["headline"]}
    pd.DataFrame(rows | counts).to_csv(inputs / "a-real-test.csv", index=False)
    total = int(found["impressions"].sum())
    register = f"test,baseline_percent,planned_sends,next_sends\na-real-test,3.0,{total},0\n"
    (inputs / "tests.csv").write_text(register, encoding="utf-8")
    place = acme.folder / "playbooks" / "email-tests" / "policy.yaml"
    settings = yaml.safe_load(place.read_text(encoding="utf-8"))["settings"]
    settings["verdict"]["guardrails"] = []
    triggers = [{"when": "sample_ratio_gap > 2 percentage points", "reason": "a fault of the sending"}]
    changed(acme, "email-tests", settings=settings, triggers=triggers)
    result = run("pilot", "run", "email-tests", "--today", TODAY, "-w", acme.folder)
    assert result.exit_code == 0, result.output
    assert "1 test read" in result.stdout


def test_the_log_is_printed_while_it_is_as_written_and_a_changed_one_stops_the_agent_until_it_is_set_aside(
    ran, tmp_path
):
    acme = copy_of(ran("weekly-report")[0].folder, tmp_path / "acme")
    printed = run("pilot", "log", "weekly-report", "-w", acme.folder)
    assert printed.exit_code == 0
    assert "publish_report" in printed.stdout
    file = acme.folder / "agents" / "weekly-report" / "log.jsonl"
    file.write_text(file.read_text(encoding="utf-8").replace("allowed", "refused", 1), encoding="utf-8")
    found = run("pilot", "log", "weekly-report", "-w", acme.folder)
    assert found.exit_code == 1
    assert "was changed" in found.stderr
    held = run("pilot", "run", "weekly-report", "--today", "2026-11-23", "-w", acme.folder)
    assert (held.exit_code, "not what was written" in held.stdout) == (1, True)
    words = ("--set-aside", "a clerk edited it", "-w", acme.folder)
    assert run("pilot", "log", "weekly-report", *words).exit_code == 2
    assert run("pilot", "log", "weekly-report", "--by", "Senior Editor", *words).exit_code == 0
    assert run("pilot", "run", "weekly-report", "--today", "2026-11-23", "-w", acme.folder).exit_code == 0


def test_settling_what_was_not_cut_off_is_refused_with_what_is_open(acme):
    words = ("--did-not-happen", "--by", "Senior Editor", "-w", acme.folder)
    refused = run("pilot", "settle", "weekly-report", "publish the report", *words)
    assert refused.exit_code == 2
    assert "open are: none" in refused.stderr


def test_a_trigger_holds_a_split_back_and_never_a_stop(acme):
    always = {"when": "sample_ratio_gap >= 0 percentage points", "reason": "this one fires whatever the figures say"}
    changed(acme, "email-tests", triggers=[always], level=4)
    result = run("pilot", "run", "email-tests", "--today", TODAY, "-w", acme.folder)
    assert "waits for a person" in result.stdout, result.output
    statuses = acme.read("agent_steps").groupby("tool")["status"].agg(set)
    assert statuses["stop_test"] == {"done"}
    assert statuses["allocate"] == {"waiting"}


def test_a_team_of_its_own_records_a_pilot_with_its_sheet_and_then_writes_its_playbook(tmp_path):
    folder, sheet = tmp_path / "own", tmp_path / "pilots.xlsx"
    run("new", folder, "--team", "Content", "--start", START)
    write = ("pilot", "write", "weekly-report", "--agent", "reporting", "-w", folder)
    refused = run(*write)
    assert refused.exit_code == 2
    assert "there are: none yet. A pilot is recorded with its sheet: `playbook sheet" in " ".join(
        refused.stderr.split()
    )
    run("sheet", sheet, "--as", "pilots")
    book = openpyxl.load_workbook(sheet)
    book.worksheets[0].append(["weekly-report", "Weekly report", 4])
    book.save(sheet)
    assert run("import", sheet, "--team", "Content", "-w", folder).exit_code == 0
    assert run(*write).exit_code == 0
    # the run needs the file its policy names, and says which
    asked = run("pilot", "run", "weekly-report", "--today", TODAY, "-w", folder)
    assert asked.exit_code == 1
    assert "inputs/weekly-report/channels.csv" in asked.stdout
