"""The bundled sample: three teams that look different, made up and saying so, the same for the same first day."""

import datetime as dt
import json
import re
from pathlib import Path

import numpy as np
import pytest

from playbook import consensus, plan, tables
from playbook.io import sample
from playbook.io.workspace import Workspace
from playbook.report import batch, binding
from playbook.report.desk import Desk

START, TODAY = dt.date(2026, 10, 13), "2026-11-22"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return sample.create(tmp_path_factory.mktemp("sample") / "made-up", start=START)


@pytest.fixture(scope="module")
def desks(workspace):
    return {team: Desk.open(workspace.folder, team, TODAY) for team in workspace.teams()["team"]}


def test_three_teams_with_sixty_tasks_or_more(workspace):
    tasks = workspace.read("tasks")
    assert len(workspace.teams()) == 3
    assert len(tasks) >= 60
    assert (tasks.groupby("team").size() >= 15).all()
    assert (workspace.teams()["people"] >= 5).all()


def test_every_table_a_page_reads_holds_something(workspace):
    empty = {"settings", "rejects", "channel_results", *tables.WRITTEN_BY_AGENTS}
    for table in tables.STORED:
        name = table if isinstance(table, str) else table.name
        if name not in empty:
            assert len(workspace.read(name)), name


def test_the_same_first_day_makes_the_same_rows(tmp_path, workspace):
    again = sample.create(tmp_path / "again", start=START)
    for name in (
        "teams",
        "tasks",
        "ratings",
        "overrulings",
        "events",
        "pilot_items",
        "answers",
        "progress",
        "readings",
    ):
        assert again.fingerprint([name], None) == workspace.fingerprint([name], None), name
    frames = sample.rows(sample.company(), START)
    later = sample.rows(sample.company(), START + dt.timedelta(days=7))
    assert list(later["pilot_items"]["minutes"]) == list(frames["pilot_items"]["minutes"])
    assert set(later["pilot_items"]["day"] - frames["pilot_items"]["day"]) == {dt.timedelta(days=7)}


def test_without_a_first_day_the_pilots_have_run_for_weeks(tmp_path):
    workspace = sample.create(tmp_path / "now")
    days = (dt.date.today() - workspace.start).days  # noqa: DTZ011 - a calendar day, here
    assert days == sample.company().days_in
    assert days > 30, "a whole phase lies behind"


def test_no_row_lies_in_the_future_of_the_day_it_is_read(workspace):
    today = START + dt.timedelta(days=sample.company().days_in)
    for table in ("ratings", "overrulings"):
        assert workspace.read(table)["day"].max().date() <= today, table
    for table, column in (("pilot_items", "day"), ("breakages", "day"), ("answers", "day"), ("events", "timestamp")):
        days = workspace.read(table)[column].dropna()
        assert days.max().date() <= today, f"{table}.{column}: {days.max():%Y-%m-%d}"
    for table in ("progress", "agent_playbooks", "risk_status"):
        for column in ("done_on", "reviewed_on", "checked_on"):
            frame = workspace.read(table)
            if column in frame and frame[column].notna().any():
                assert frame[column].max().date() <= today, f"{table}.{column}"


def shares(desk):
    """The share of the team's hours at each level its work allows."""
    hours = desk.tasks["runs_per_month"] * desk.tasks["minutes_per_run"]
    assert (desk.tasks["task_id"] == desk.placements["task_id"]).all()
    levels = hours.groupby(desk.placements["target_level"].to_numpy()).sum()
    return np.array([levels.get(level, 0.0) for level in range(1, 6)]) / levels.sum()


def test_the_teams_look_different(desks):
    spread = {team: shares(desk) for team, desk in desks.items()}
    teams = list(desks)
    for one, other in zip(teams, teams[1:] + teams[:1], strict=True):
        # half the summed difference: the share of the hours that would have to change level to look alike
        assert np.abs(spread[one] - spread[other]).sum() / 2 >= 0.15, f"{one} and {other} have the same work"
    chosen = {team: int(desk.shortlist["chosen"].sum()) for team, desk in desks.items()}
    assert len(set(chosen.values())) >= 2, chosen
    met = {team: int((desk.gate(1)["status"] == "met").sum()) for team, desk in desks.items()}
    assert len(set(met.values())) == 3, met
    verdicts = {
        frozenset(zip(desk.readouts["time_verdict"], desk.readouts["quality_verdict"], strict=True))
        for desk in desks.values()
    }
    assert len(verdicts) >= 2


def test_the_sample_shows_each_kind_of_result(desks):
    levels = {level for desk in desks.values() for level in desk.placements["target_level"].dropna()}
    assert levels == {1, 2, 3, 4, 5}
    assert any(desk.placements["target_level"].isna().any() for desk in desks.values()), "an unrated task"
    said = " ".join(reason for desk in desks.values() for reason in desk.shortlist["reason"])
    assert "keep human" in said
    assert "not yet" in said
    statuses = {status for desk in desks.values() for phase in (1, 2, 3) for status in desk.gate(phase)["status"]}
    assert statuses == {"met", "not met", "not yet measurable"}
    verdicts = {word for desk in desks.values() for word in desk.readouts["time_verdict"]}
    assert {"saved", "not yet"} <= verdicts or {"saved", "not shown"} <= verdicts, verdicts
    assert plan.is_open(desks["demand-generation"].gate(1)) or not any(
        plan.is_open(desk.gate(1)) for desk in desks.values()
    )


def test_a_few_seats_rated_some_work_in_two_rounds_and_settled_part_of_it(workspace, desks):
    ratings = workspace.read("ratings")
    assert set(ratings["team"]) == {"content-and-search"}
    raters = ratings[ratings["seat"] > 0]
    assert 3 <= raters["seat"].nunique() <= 5
    assert set(raters["round"]) == {1, 2}
    assert raters["role"].notna().all()
    assert raters["task_id"].nunique() >= 10, "enough tasks for an interval of the agreement"
    assert set(consensus.settlement(ratings)["basis"]) == {"settled by the raters", "mean of the last round"}
    known = set(zip(workspace.read("tasks")["team"], workspace.read("tasks")["task_id"], strict=True))
    for table in ("ratings", "overrulings"):
        rows = workspace.read(table)
        assert set(zip(rows["team"], rows["task_id"], strict=True)) <= known, table
    desk = desks["content-and-search"]
    assert desk.tasks.set_index("task_id").loc["art-facts", "judgment"] == 3.25, "the mean of 3, 3, 3 and 4"
    assert list(desk.overrulings["reason"].str.len() > 40) == [True]


def test_a_corrected_rating_stands_in_the_samples_history(workspace):
    changed = consensus.amendments(workspace.history("ratings"))
    assert len(changed) == 1
    assert changed["before"].iloc[0].startswith("5")
    assert changed["after"].iloc[0].startswith("1")
    assert "made up" in changed["note"].iloc[0]


def test_no_name_or_address_is_in_the_sample():
    text = Path(sample.content.find("templates/sample/company.yaml")).read_text(encoding="utf-8")
    assert not re.search(r"[\w.]+@[\w.]+\.\w+", text)
    assert "made up" in text


def test_it_is_labelled_as_made_up_on_every_page(workspace, desks):
    """Each report and the index bound from real headers, without starting a kernel."""
    for desk in desks.values():
        header = desk.header("What is there?", phase=1)
        assert "Made-up sample" in header.markup
        assert "Made-up sample" in header.text
    assert "Made-up sample" in Desk.everyone(workspace.folder, TODAY).header("Who?").markup

    reports = {}
    for job in batch.plan(workspace):
        executed = json.loads(job.source.read_bytes())
        executed["metadata"]["playbook"] = {"status": "done", "notebook": job.notebook, "team": job.team}
        job.output.parent.mkdir(parents=True, exist_ok=True)
        job.output.write_text(json.dumps(executed), encoding="utf-8")
        reports.setdefault(job.report, []).append(job)
    assert len(reports) == 3 * 3 + 1
    bound = [binding.bind(workspace, jobs) for jobs in reports.values()]
    index = binding.index(workspace, workspace.folder / "reports")
    for path in [*bound, index]:
        assert re.search(r"made[- ]up", path.read_text(encoding="utf-8"), re.IGNORECASE), path


def test_a_real_workspace_is_not_called_made_up(tmp_path):
    workspace = Workspace.create(tmp_path / "real", organisation="Acme", start=START)
    assert not workspace.made_up
    assert "Made-up" not in Desk.everyone(tmp_path / "real", TODAY).header("Who?").markup
