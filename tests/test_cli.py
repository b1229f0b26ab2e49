import datetime as dt
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from engagement import copy_of
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from typer.testing import CliRunner

import playbook
from playbook.cli import app
from playbook.io import doctor
from playbook.io.workspace import Workspace
from playbook.report import lab, progress
from playbook.report.execute import Outcome
from playbook.report.jobs import Job, known

HEAVY = ("pandas", "numpy", "sqlalchemy", "papermill", "plotly", "ipywidgets", "nbconvert", "nbformat", "yaml")
TASKS = "task,workflow,runs_per_month,minutes_per_run\nWrite the brief,blog,8,45\nDraft the post,blog,8,forty\n"


def run(*words, **env):
    result = CliRunner().invoke(app, [str(word) for word in words], env=env)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def made_once(tmp_path_factory):
    place = tmp_path_factory.mktemp("cli") / "acme"
    result = run("new", place, "--team", "Content Team", "--team", "demand", "--start", "2026-11-02")
    assert result.exit_code == 0, result.stderr
    return place


@pytest.fixture
def folder(made_once, tmp_path):
    """What `playbook new` made, each test with its own copy."""
    return copy_of(made_once, tmp_path / "acme").folder


@pytest.fixture
def sheet(tmp_path):
    path = tmp_path / "tasks.csv"
    path.write_text(TASKS)
    return path


def test_help_and_version_load_nothing_heavy():
    for words in (["--help"], ["run", "--help"], ["--version"]):
        script = (
            f"import sys\nsys.argv = ['playbook', *{words!r}]\nfrom playbook.__main__ import main\n"
            f"try:\n    main()\nfinally:\n    print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert done.stderr.strip() == "[]"
        assert done.stdout


def test_the_command_says_its_version():
    assert run("--version").stdout == f"transition-playbook {playbook.__version__}\n"


def test_every_command_has_a_line_of_help():
    listed = run("--help").stdout
    for command in ("new", "team", "import", "rejects", "sheet", "run", "gate", "lab", "doctor", "history"):
        assert f"  {command} " in listed
        assert run(command, "--help").exit_code == 0


def test_new_makes_a_workspace_with_its_teams(folder):
    workspace = Workspace.open(folder)
    assert workspace.organisation == "acme"
    assert workspace.start == dt.date(2026, 11, 2)
    assert list(workspace.teams()["team"]) == ["content-team", "demand"]
    assert list(workspace.teams()["name"]) == ["Content Team", "demand"]


def test_new_without_a_start_says_that_day_1_is_today(tmp_path):
    today = dt.date.today()  # noqa: DTZ011 - a calendar day, here
    result = run("new", tmp_path / "acme", "--organisation", "Acme Ltd")
    assert f"workspace of Acme Ltd, day 1 is {today} (no --start was given); teams: none yet" in result.stdout


def test_an_error_is_one_message_on_stderr_and_exit_code_2(folder, tmp_path):
    for words, said in (
        (["new", folder], "is there already"),
        (["new", tmp_path / "b", "--start", "2.11.2026"], "--start: found '2.11.2026'; wanted a day as 2026-11-30"),
        (["new", tmp_path / "c", "--team", "../etc"], "team name"),
        (["new", tmp_path / "d", "--sample", "--team", "x"], "leave the other options out"),
        (["run", "-w", tmp_path / "nowhere"], "no workspace in"),
        (["run", "7", "-w", folder], "not a phase"),
        (["run", "1", "--team", "gamma", "-w", folder], "content-team"),
        (["run", "1", "-p", "most", "-w", folder], "wanted NAME=VALUE"),
        (["gate", "4", "-w", folder], "not in the plan"),
        (["history", "notes", "-w", folder], "notes"),
    ):
        result = run(*words)
        assert result.exit_code == 2, words
        assert said in result.stderr
        assert result.stderr.startswith("playbook: ")
        assert "Traceback" not in result.stderr
        assert result.stdout == ""
    assert not (tmp_path / "c" / "workspace.sqlite").exists()


def test_the_workspace_may_come_from_the_environment_or_the_folder_above(folder, monkeypatch):
    assert run("history", PLAYBOOK_WORKSPACE=str(folder)).exit_code == 0
    inside = folder / "reports"
    monkeypatch.chdir(inside)
    assert run("history").exit_code == 0


def test_a_team_is_added_and_changed_later(folder):
    assert run("team", "Lifecycle", "--people", 6, "--country", "no", "-w", folder).stdout == "team lifecycle: added\n"
    assert run("team", "lifecycle", "--people", 7, "-w", folder).stdout == "team lifecycle: changed\n"
    row = Workspace.open(folder).teams().set_index("team").loc["lifecycle"]
    assert (row["people"], row["country"], row["name"]) == (7, "NO", "Lifecycle")


def test_import_tells_what_became_of_each_file_and_one_bad_file_does_not_stop_the_others(folder, sheet, tmp_path):
    empty = tmp_path / "empty.csv"
    empty.touch()
    result = run("import", empty, tmp_path, tmp_path / "gone.csv", sheet, "--team", "content team", "-w", folder)
    assert result.exit_code == 1
    assert result.stderr.count("refused") == 3
    assert "2 rows = 1 stored + 1 rejected + 0 duplicates" in result.stdout
    assert list(Workspace.open(folder).read("tasks", team="content-team")["task"]) == ["Write the brief"]

    again = run("import", sheet, "--team", "content-team", "-w", folder)
    assert again.exit_code == 0
    assert "imported before" in again.stdout


def test_import_for_an_unknown_team_reads_nothing(folder, sheet):
    result = run("import", sheet, "--team", "contnet", "-w", folder)
    assert result.exit_code == 2
    assert "content-team (Content Team)" in result.stderr
    assert Workspace.open(folder).read("tasks").empty


def test_rejects_are_shown_with_their_reason_and_go_out_to_be_corrected(folder, sheet, tmp_path):
    run("import", sheet, "--team", "content-team", "-w", folder)
    shown = run("rejects", "-w", folder).stdout
    assert "tasks.csv  row 3, minutes_per_run: 'forty'" in shown
    assert shown.endswith("1 rejected row\n")
    assert run("rejects", "--team", "demand", "-w", folder).stdout == "0 rejected rows\n"
    out = tmp_path / "correct.xlsx"
    assert str(out) in run("rejects", "--export", out, "-w", folder).stdout
    assert any("forty" in str(cell.value) for row in openpyxl.load_workbook(out).worksheets[0] for cell in row)
    again = run("rejects", "--export", out, "-w", folder)
    assert (again.exit_code, "may hold corrections" in again.stderr) == (2, True)


def test_the_command_that_rejects_prints_brings_all_of_them_back(folder, sheet, tmp_path):
    run("import", sheet, "--team", "content-team", "-w", folder)
    run("import", sheet, "--team", "demand", "-w", folder)
    out = tmp_path / "to correct.xlsx"
    said = run("rejects", "--export", out, "-w", folder).stdout.strip()
    assert said.startswith(f"{out}: 2 rejected rows; correct the marked cells, then: playbook import ")
    book = openpyxl.load_workbook(out)
    for page in book:
        page.cell(2, [cell.value for cell in page[1]].index("minutes_per_run") + 1).value = 40
    book.save(out)
    back = run(*shlex.split(said.partition("then: playbook ")[2]))
    assert back.exit_code == 0, back.stderr
    assert "2 rows = 2 stored + 0 rejected + 0 duplicates" in back.stdout
    assert set(Workspace.open(folder).read("tasks")["team"]) == {"content-team", "demand"}
    assert run("rejects", "--export", tmp_path / "none.xlsx", "-w", folder).stdout.endswith("nothing to correct\n")


def test_any_other_file_needs_its_team(folder, sheet):
    result = run("import", sheet, "-w", folder)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "say whose it is with --team" in result.stderr


def test_sheet_writes_an_empty_task_sheet_that_the_import_knows(tmp_path):
    out = tmp_path / "sheet.xlsx"
    assert f"playbook import {out}" in run("sheet", out).stdout
    titles = [cell.value for cell in openpyxl.load_workbook(out).worksheets[0][1]]
    assert {"task", "workflow"} <= {str(title).lower() for title in titles}
    assert run("sheet", tmp_path / "other.xlsx", "--as", "nothing").exit_code == 2


def test_the_gate_names_each_condition_and_exit_code_1_while_it_is_not_open(folder):
    result = run("gate", 1, "--team", "demand", "-w", folder)
    assert result.exit_code == 1
    assert result.stdout.startswith("demand: gate 1 is not open\n")
    conditions = playbook.load("plan").phase(1).gate
    assert all(condition.text in result.stdout for condition in conditions)


def test_history_shows_the_newest_changes_with_the_role_that_made_them(folder):
    run("team", "Lifecycle", "-w", folder)
    shown = run("history", "teams", "--last", 1, "-w", folder).stdout
    assert '{"team": "lifecycle"}' in shown
    assert "facilitator  insert  teams" in shown
    assert shown.endswith("1 of 3 changes\n")


def test_run_says_what_it_did_and_where_the_index_is(folder, monkeypatch):
    def outcome(status):
        job = Job("phase1_x", "demand", "notebooks/phase1_x/10_y.ipynb", {}, Path("o"), Path("r"), Path("s"), "", "k")
        return Outcome(
            job, status, 1.5, 3 if status == "failed" else None, "KeyError: 'x'" if status == "failed" else ""
        )

    asked = {}

    def fake(workspace, phases, teams, **how):
        from playbook.report.batch import RunResult

        asked.update(how, phases=phases, teams=teams)
        how["progress"](outcome("done"), 1, 2)
        how["progress"](outcome("failed"), 2, 2)
        return RunResult((outcome("done"),), (), (outcome("failed"),), (), folder / "reports" / "index.html")

    monkeypatch.setattr("playbook.report.batch.run", fake)
    result = run("run", "1", "portfolio", "--team", "demand", "--fresh", "--workers", 3, "-p", "most=5", "-w", folder)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == ["1 executed, 0 unchanged, 1 failed", str(folder / "reports" / "index.html")]
    assert "demand/phase1_x/10_y failed in cell [3]: KeyError: 'x'" in result.stderr
    assert asked["phases"] == ["1", "portfolio"]
    assert asked["teams"] == ["demand"]
    assert asked["parameters"] == {"most": "5"}
    assert (asked["fresh"], asked["workers"], asked["engine"]) == (True, 3, None)


def test_ctrl_c_is_exit_code_130_without_a_traceback(folder, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("playbook.report.batch.run", stopped)
    result = run("run", "-w", folder)
    assert result.exit_code == 130
    assert result.stderr == "playbook: stopped; what was finished is kept\n"


def test_a_password_in_the_url_reaches_the_processes_of_a_batch_and_no_message(monkeypatch):
    monkeypatch.delenv("PLAYBOOK_DATABASE_PASSWORD", raising=False)
    monkeypatch.setenv("PLAYBOOK_DATABASE_PASSWORD", "")
    result = run("history", "-w", "postgresql://ada:s%40cret@127.0.0.1:1/none?schema=playbook_acme")
    import os

    assert result.exit_code == 2
    assert os.environ["PLAYBOOK_DATABASE_PASSWORD"] == "s@cret"
    assert "cret" not in result.stderr + result.stdout


class Screen:
    """A stream that may be a terminal."""

    def __init__(self, terminal):
        self.terminal, self.text = terminal, ""

    def isatty(self):
        return self.terminal

    def write(self, text):
        self.text += text
        return len(text)

    def flush(self):
        pass


def outcomes(count):
    job = Job("phase1_x", "demand", "notebooks/phase1_x/10_y.ipynb", {}, Path("o"), Path("r"), Path("s"), "", "k")
    return [Outcome(job, "done", 1.0) for _ in range(count)]


def test_progress_in_a_log_is_a_plain_line_a_notebook_with_rate_and_time_left():
    log = Screen(terminal=False)
    with progress.shown(log) as tell:
        for done, outcome in enumerate(outcomes(2), start=1):
            tell(outcome, done, 2)
    first, last = log.text.splitlines()
    assert first.startswith("1/2    1.0 s  demand/phase1_x/10_y done  (")
    assert "a minute, about 0 s left" in first
    assert last == "2/2    1.0 s  demand/phase1_x/10_y done"


def test_progress_on_a_terminal_is_a_bar_that_goes_away():
    terminal = Screen(terminal=True)
    with progress.shown(terminal) as tell:
        tell(outcomes(1)[0], 1, 2)
    assert "\r" in terminal.text or "\x1b" in terminal.text


def test_the_doctor_says_what_is_there_and_what_lacking_it_costs(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "chromium", lambda: None)
    result = run("doctor", "-w", tmp_path)
    assert result.exit_code == 0, result.stdout
    assert "ok       Python" in result.stdout
    assert "missing  Chromium" in result.stdout
    assert "without it: no PDF of a report" in result.stdout
    assert str(tmp_path) in result.stdout


def test_the_doctor_fails_when_something_required_is_missing(tmp_path, monkeypatch):
    checks = {check.name: check for check in doctor.checks(tmp_path / "not there")}
    assert not checks["writable folder"].ok
    assert not doctor.healthy(list(checks.values()))
    monkeypatch.setattr("importlib.metadata.requires", lambda _: ["no-such-thing>=2", "numpy>=99", "x; extra == 'llm'"])
    checks = {check.name: check for check in doctor.checks(tmp_path)}
    assert "missing no-such-thing, numpy >=99 (there is" in checks["packages"].found
    assert "pip install 'transition-playbook[llm]'" in checks["packages [llm]"].found


def test_lab_works_on_copies_and_asks_no_news_question(folder):
    own = folder / "notebooks" / "phase1_own" / "10_ours.ipynb"
    own.parent.mkdir(parents=True)
    own.write_text("{}")
    copies = lab.copies(Workspace.open(folder))
    copy = copies / "phase1_own" / "10_ours.ipynb"
    assert copy.read_text() == "{}"
    copy.write_text('{"changed": "by hand"}')
    lab.copies(Workspace.open(folder))
    assert "by hand" in copy.read_text()
    assert own.read_text() == "{}"

    phases = known(folder, by_hand=True)
    words = lab.command(copies, phases, browser=False)
    assert words[1:3] == ["-m", "jupyterlab"]
    assert "--no-browser" in words
    settings = json.loads((copies / ".settings" / "overrides.json").read_text())
    assert settings["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"


def test_the_launcher_has_a_tile_for_the_first_page_of_each_phase(folder):
    offered = lab.tiles(known(folder, by_hand=True))
    assert [tile["path"] for tile in offered][:2] == [
        "00_start.ipynb",
        "phase1_audit_and_experiment/10_inventory.ipynb",
    ]
    assert [tile["label"] for tile in offered][:2] == ["Start", "Phase 1: Audit and experiment"]
    assert [tile["mark"] for tile in offered] == ["S", "1", "2", "3", "P"]


def test_lab_starts_on_this_workspace(folder, monkeypatch):
    seen = {}
    monkeypatch.setattr(lab.subprocess, "call", lambda words, env: seen.update(words=words, env=env) or 0)
    assert run("lab", "--no-browser", "-w", folder).exit_code == 0
    assert seen["env"]["PLAYBOOK_WORKSPACE"] == str(folder)
    assert f"--ServerApp.root_dir={folder / 'lab'}" in seen["words"]


def test_the_kernel_of_lab_has_no_debugger_and_is_otherwise_ipykernels_own(folder, monkeypatch):
    seen = {}
    monkeypatch.setenv("JUPYTER_PATH", "/somebody/elses")
    monkeypatch.setattr(lab.subprocess, "call", lambda words, env: seen.update(env) or 0)
    for _ in range(2):  # the second time over the files of the first
        assert run("lab", "--no-browser", "-w", folder).exit_code == 0
    ours, others = seen["JUPYTER_PATH"].split(":")
    assert others == "/somebody/elses"
    specs = KernelSpecManager(kernel_dirs=[f"{ours}/kernels"])
    spec = specs.get_kernel_spec("python3")
    assert (spec.language, spec.metadata["debugger"]) == ("python", False)
    assert (Path(spec.resource_dir) / "logo-64x64.png").is_file()
    manager = KernelManager(kernel_name="python3", kernel_spec_manager=specs)
    manager.start_kernel(env={**os.environ})
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        told = client.kernel_info(reply=True, timeout=60)["content"]
        said = []
        code = "import sys, json\nprint('debugpy' in sys.modules, '' in sys.path)\nimport debugpy, playbook"
        ran = client.execute_interactive(code, timeout=60, output_hook=lambda m: said.append(m["content"].get("text")))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert "debugger" not in told["supported_features"]
    assert "False True\n" in said
    assert ran["content"]["status"] == "ok"


def test_new_with_the_sample_is_labelled_as_made_up(tmp_path):
    result = run("new", tmp_path / "sample", "--sample")
    assert result.exit_code == 0, result.stderr
    workspace = Workspace.open(tmp_path / "sample")
    assert workspace.made_up
    assert len(workspace.teams()) == 3
    assert isinstance(workspace.read("tasks"), pd.DataFrame)
