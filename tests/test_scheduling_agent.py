"""The scheduling agent under its policy: what it reads, what it publishes, when it hands back to people."""

import csv
import datetime as dt
import importlib.util
import io
import json
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from engagement import AtWork, copy_of, make_workspace

from playbook.agents import registry
from playbook.agents.playbook import load_policy
from playbook.agents.records import MemoryRecords
from playbook.agents.scheduling import AGENT
from playbook.agents.scheduling import agent as home
from playbook.agents.tools import Bench
from playbook.errors import ParameterError, TableError
from playbook.io import content

ROOT = Path(__file__).resolve().parent.parent
POLICY = content.root() / "templates" / "pilots" / "scheduling" / "policy.yaml"
TODAY = dt.date(2026, 11, 22)
INPUTS = "inputs/social-scheduling"


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    spec = importlib.util.spec_from_file_location("benchmark_of_inputs", ROOT / "benchmarks" / "scheduling.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("inputs")
    module.write_inputs(folder)
    return folder


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, sample):
    workspace = make_workspace(tmp_path_factory.mktemp("prepared") / "engagement", "brand")
    shutil.copytree(sample, workspace.folder / INPUTS)
    return workspace.folder


@pytest.fixture
def stored(prepared, tmp_path):
    return AtWork(copy_of(prepared, tmp_path / "engagement"))


@pytest.fixture
def place(prepared, tmp_path):
    """The same with the agent's records in memory."""
    return AtWork(copy_of(prepared, tmp_path / "engagement"), MemoryRecords())


def policy(place, **changed):
    said = yaml.safe_load(POLICY.read_text()) | changed
    file = place.folder / "playbooks" / "social-scheduling" / "policy.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(said, sort_keys=False))
    return load_policy(file)


def run(place, rule, today=TODAY):
    return place.run(rule, team="brand", today=today)


def published(place):
    return sorted(path for path in (place.folder / "published").rglob("schedule.*"))


def test_the_agent_is_found_and_its_template_fits():
    assert registry.find("scheduling") is AGENT
    assert load_policy(POLICY).level == 4


def calm(place, **changed):
    """A policy whose triggers this input does not fire."""
    return policy(
        place, triggers=[{"when": "unplaced_posts > 20 posts", "reason": "too many without a time"}], **changed
    )


def test_a_run_publishes_calendar_table_and_notes_once(stored):
    rule = calm(stored)
    first = run(stored, rule)
    assert first.status == "ok", first.outcome
    files = published(stored)
    assert [path.name for path in files] == ["schedule.csv", "schedule.ics", "schedule.md"]
    rows = list(csv.DictReader(io.StringIO(files[0].read_text(encoding="utf-8-sig"))))
    assert len(rows) == 24
    placed = sum(row["status"] == "placed" for row in rows)
    assert first.outcome.startswith(f"{placed} posts given a time and published in published/schedule/2026-11-22-")
    assert files[1].read_text().count("BEGIN:VEVENT") == placed
    assert "no text of a post was read" in files[2].read_text()
    assert run(stored, rule).status == "ok"
    assert published(stored) == files
    assert not list((stored.folder / "published" / "schedule").glob(".*"))


def test_a_time_too_few_posts_speak_for_waits_for_a_person(place):
    trigger = {"when": "slots_without_history > 0%", "reason": "times the account does not know"}
    waiting = run(place, policy(place, triggers=[trigger]))
    assert waiting.status == "waiting"
    assert "times the account does not know" in waiting.outcome
    assert published(place) == []


def test_a_trigger_over_mentions_nobody_gave_hands_back(place):
    trigger = {"when": "negative_mentions > 10 mentions an hour", "reason": "a crisis belongs to people"}
    assert run(place, policy(place, triggers=[trigger])).status == "waiting"


def test_titles_make_the_run_untrusted_so_a_person_looks(place):
    said = yaml.safe_load(POLICY.read_text())
    said["settings"]["queue"]["show_titles"] = True
    tools = [use if use["tool"] != "read_queue" else use | {"tool": "read_queue_titles"} for use in said["tools"]]
    waiting = run(place, calm(place, tools=tools, settings=said["settings"]))
    assert waiting.status == "waiting"
    assert "text from outside" in waiting.outcome


def test_an_empty_queue_ends_the_run_and_publishes_nothing(place):
    (place.folder / INPUTS / "queue.csv").write_text("Post,Channel\n")
    done = run(place, calm(place))
    assert done.status == "ok"
    assert "nothing to place" in done.outcome
    assert published(place) == []


def test_a_queue_of_which_nothing_fits_goes_back_to_people(place):
    (place.folder / INPUTS / "queue.csv").write_text("Post,Channel\na,Fax\na,Telex\n")
    handed = run(place, calm(place))
    assert handed.status == "escalated"
    assert "none of 2 posts has a time: a: its channel has no rule in the settings" in handed.outcome


def test_more_bad_rows_than_allowed_stop_the_run_and_fewer_are_counted(place):
    file = place.folder / INPUTS / "history.csv"
    file.write_text(file.read_text() + "Instagram,never,reel,100,1\n")
    assert run(place, calm(place)).status == "ok"
    file.write_text("Platform,Published,Type,Impressions,Engagements\nInstagram,never,reel,100,1\n")
    failed = run(place, calm(place), today=TODAY + dt.timedelta(days=1))
    assert failed.status == "error"
    assert "row 2, Published: 'never'" in failed.outcome


def test_a_plan_that_breaks_its_rules_is_not_published(place, monkeypatch):
    monkeypatch.setattr(home.checking, "violations", lambda *_: ["a on Instagram: goes out in a quiet stretch"])
    handed = run(place, calm(place))
    assert handed.status == "escalated"
    assert "goes out in a quiet stretch" in handed.outcome


def bench(place, key="k" * 64):
    return Bench(place.workspace, place.folder, "brand", TODAY, "social-scheduling", "r", key)


def made(place, given):
    settings = AGENT.settings.model_validate(yaml.safe_load(POLICY.read_text())["settings"])
    names = tuple(settings.rules.zones())
    history = home.read_history(given, home.ReadHistory(file=f"{INPUTS}/history.csv", given=settings.history)).value
    queue = home.read_queue(
        given, home.ReadQueue(file=f"{INPUTS}/queue.csv", given=settings.queue, channels=names)
    ).value
    asked = home.MakePlan(history=history["artifact"], queue=queue["artifact"], rules=settings.rules)
    return home.make_plan(given, asked).value


def test_publishing_is_all_or_nothing_and_the_same_plan_is_one_folder(place, monkeypatch):
    given = bench(place)
    value = made(place, given)
    json.dumps(value, allow_nan=False)
    asked = home.PublishPlan(folder="published/schedule", posts=value["placed"], files=value["files"])
    written = []

    def crash(path, data, real=Path.write_bytes):
        written.append(path)
        if len(written) == 2:
            raise KeyboardInterrupt
        return real(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", crash)
        with pytest.raises(KeyboardInterrupt):
            home.publish_plan(given, asked)
    assert not [path for path in published(place) if not path.parent.name.startswith(".")]
    first = home.publish_plan(given, asked).value
    assert home.publish_plan(given, asked).value == first
    assert len(published(place)) == 3
    (place.folder / first["folder"] / "schedule.csv").write_text("other")
    with pytest.raises(ParameterError, match="was changed after it was published"):
        home.publish_plan(given, asked)


def test_only_the_bytes_that_were_asked_for_are_published(place):
    given = bench(place)
    value = made(place, given)
    files = [file | {"sha256": "0" * 64} for file in value["files"]]
    with pytest.raises(ParameterError, match="its hash differs"):
        home.publish_plan(given, home.PublishPlan(folder="published", posts=1, files=files))
    with pytest.raises(ParameterError, match="not inside the engagement folder"):
        home.publish_plan(given, home.PublishPlan(folder="../elsewhere", posts=1, files=value["files"]))


def test_a_refused_history_names_the_file_and_the_cell(place):
    (place.folder / INPUTS / "history.csv").write_text("Platform,Published,Type,Impressions,Engagements\nX,now,,1,1\n")
    with pytest.raises(TableError, match="row 2, Published: 'now'; wanted a date and time"):
        made(place, bench(place))


def test_importing_the_agent_loads_no_solver():
    import subprocess

    code = "import sys, playbook.agents.scheduling; print([n for n in ('scipy.optimize', 'plotly', 'papermill') if n in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
