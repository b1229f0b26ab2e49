"""What must not be lost: processes killed at the worst moment, names that bite, workspaces one cannot use, told in one message."""

import csv
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

import pandas as pd
import pytest
from typer.testing import CliRunner

from playbook.cli import app
from playbook.io.workspace import Workspace

PHASE = "phase9_survival"


def run(*words, **env):
    """A command in this process: its exit code, what it says, and no exception but the kit's own."""
    result = CliRunner().invoke(app, [str(word) for word in words], env=env)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def refused(*words, said):
    """The command ends with one clear message, exit code 2 and nothing on stdout."""
    result = run(*words)
    assert result.exit_code == 2, f"{words}: {result.stdout}{result.stderr}"
    assert re.search(said, result.stderr), result.stderr
    assert "Traceback" not in result.stderr
    assert "sqlite3." not in result.stderr
    assert "sqlalchemy" not in result.stderr.lower()
    assert result.stdout == ""
    return result.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """An engagement with one task and the sheet the task came from, to be copied."""
    place = tmp_path_factory.mktemp("made")
    assert run("new", place / "acme", "--team", "Content", "--start", "2026-11-02").exit_code == 0
    sheet = place / "tasks.csv"
    sheet.write_text("task,workflow,runs_per_month,minutes_per_run\nWrite the brief,blog,8,45\n")
    assert run("import", sheet, "--team", "content", "-w", place / "acme").exit_code == 0
    assert not list(place.rglob("*-wal")), "a database that is open is not copied"
    return place


@pytest.fixture
def folder(made, tmp_path):
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path / "acme"


def start(*words):
    """A command as a process group of its own, so that all of it can be killed at once."""
    return subprocess.Popen(
        [sys.executable, "-m", "playbook", *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def kill(process):
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL


def wait_for(happened, process, seconds=120):
    until = time.monotonic() + seconds
    while not happened():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until, "nothing happened in time"
        time.sleep(0.005)


# --- kill -9


def long_log(path, events):
    names = ("Draft added", "Edited", "Merged")
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["case", "activity", "timestamp", "resource"])
        for n in range(events):
            stamp = f"2026-0{1 + n // 28 % 9}-{1 + n % 28:02d}T{n % 24:02d}:{n % 60:02d}:00Z"
            rows.writerow([f"case-{n // 3}", names[n % 3], stamp, f"person {n % 40}"])
    return path


def wal(folder):
    file = folder / "workspace.sqlite-wal"
    return file.stat().st_size if file.exists() else 0


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["while it reads", "while it writes"])
def test_an_import_killed_in_the_middle_is_there_whole_or_not_at_all_and_can_be_done_again(folder, tmp_path, moment):
    events = 25_000
    log = long_log(tmp_path / "log.csv", events)
    before = Workspace.open(folder).history()
    words = ("import", log, "--as", "events", "--team", "content", "-w", folder)
    process = start(*words)
    if moment == "while it writes":
        wait_for(lambda: wal(folder) > 300_000, process)
    else:
        time.sleep(1.5)
    kill(process)

    again = Workspace.open(folder)
    with sqlite3.connect(folder / "workspace.sqlite") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert len(again.read("tasks")) == 1, "what was committed before is there"
    kept = len(again.read("events"))
    assert kept in (0, events)
    assert len(again.read("imports", "content")) == 1 + (kept == events), (
        "an import is listed exactly when its rows are there"
    )
    assert len(again.history()) >= len(before)

    done = run(*words)
    assert done.exit_code == 0, done.stderr
    assert len(again.read("events")) == events
    assert len(again.read("imports", "content")) == 2


def page(folder, name, source):
    parameters = 'workspace: str = ""  # folder or URL\nteam: str = ""  # id or name\n'
    cells = [
        {"cell_type": "markdown", "id": "title", "metadata": {}, "source": f"# {name}"},
        *(
            {
                "cell_type": "code",
                "id": f"c{at}",
                "metadata": {"tags": tags},
                "source": text,
                "outputs": [],
                "execution_count": None,
            }
            for at, (tags, text) in enumerate([(["parameters"], parameters), ([], source)])
        ),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path = folder / "notebooks" / PHASE / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))


@pytest.mark.slow
def test_a_run_killed_in_the_middle_leaves_no_half_report_and_the_next_does_the_rest(folder):
    page(folder, "10_quick", "print('quick is done')")
    page(folder, "20_long", "import time\ntime.sleep(600)")
    reports = folder / "reports"
    first = reports / "content" / PHASE / "10_quick.ipynb"
    process = start("run", "9", "--workers", 1, "-w", folder)
    wait_for(first.exists, process)
    time.sleep(0.5)
    kill(process)

    assert len(Workspace.open(folder).read("tasks")) == 1
    visible = [path for path in reports.rglob("[!.]*") if path.is_file()]
    assert [path for path in visible if path.suffix == ".ipynb"] == [first]
    assert json.loads(first.read_text())["metadata"]["playbook"]["status"] == "done"
    assert all("</html>" in path.read_text() for path in visible if path.suffix == ".html")

    page(folder, "20_long", "print('long is done')")
    again = run("run", "9", "--workers", 1, "-w", folder)
    assert again.exit_code == 0, again.stderr
    assert again.stdout.startswith("1 executed, 1 unchanged, 0 failed\n")
    report = (reports / "content" / f"{PHASE}.html").read_text()
    assert "quick is done" in report
    assert "long is done" in report
    assert not [path for path in reports.rglob(".*") if path.is_file()]


# --- names that bite

BITING = [
    "../etc",
    "a/b",
    "a\\b",
    "..",
    "x; rm -rf ~",
    "$(id)",
    "`id`",
    "a|b",
    "a>b",
    "a\nb",
    "-w",
    "*",
    "",
    " ",
    "a'b",
    'a"b',
    "~",
    "\u202eoc",
]


@pytest.mark.parametrize("name", BITING)
def test_a_team_name_with_path_or_shell_characters_is_refused_and_makes_nothing(tmp_path, name):
    place = tmp_path / "new"
    refused("new", place, f"--team={name}", said="team name")
    assert not (place / "workspace.sqlite").exists()
    assert sorted(path.name for path in tmp_path.iterdir() if path != place) == []


@pytest.mark.parametrize("name", BITING)
def test_no_command_takes_such_a_name_for_a_team_it_has(folder, tmp_path, name):
    sheet = tmp_path / "tasks.csv"
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    refused("team", "-w", folder, "--", name, said="team name")
    refused("import", sheet, f"--team={name}", "-w", folder, said=r"no team|team name|content \(Content\)")
    refused("run", "1", f"--team={name}", "-w", folder, said=r"no team|team name|content \(Content\)")
    refused("gate", "1", f"--team={name}", "-w", folder, said=r"no team|team name|content \(Content\)")
    after = sorted(str(path) for path in tmp_path.rglob("*"))
    assert [path for path in after if "sqlite-" not in path] == [path for path in before if "sqlite-" not in path]


# --- workspaces one cannot use


def commands(folder, sheet):
    """Every command that opens a workspace."""
    return [
        ("team", "Other", "-w", folder),
        ("import", sheet, "--team", "content", "-w", folder),
        ("rejects", "-w", folder),
        ("run", "1", "-w", folder),
        ("gate", "1", "-w", folder),
        ("lab", "--no-browser", "-w", folder),
        ("history", "-w", folder),
    ]


def test_a_workspace_of_a_newer_kit_is_left_alone_by_every_command(folder, tmp_path):
    with sqlite3.connect(folder / "workspace.sqlite") as database:
        database.execute("UPDATE alembic_version SET version_num = '0999'")
    before = (folder / "workspace.sqlite").read_bytes()
    for words in commands(folder, tmp_path / "tasks.csv"):
        refused(*words, said=r"0999.*install a newer transition-playbook")
    assert (folder / "workspace.sqlite").read_bytes() == before


def test_a_workspace_file_of_a_newer_format_is_left_alone_by_every_command(folder, tmp_path):
    file = folder / "workspace.toml"
    file.write_text(file.read_text().replace("format = 1", "format = 2"))
    before = {path: path.read_bytes() for path in (file, folder / "workspace.sqlite")}
    for words in commands(folder, tmp_path / "tasks.csv"):
        refused(*words, said="format 2")
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("harm", ["gone", "no database", "empty"])
def test_a_database_that_is_gone_or_spoiled_is_said_by_every_command_and_not_made_anew(folder, tmp_path, harm):
    file = folder / "workspace.sqlite"
    for path in folder.glob("workspace.sqlite*"):
        path.unlink()
    if harm != "gone":
        file.write_bytes(b"this is no database, whatever it is called\n" * 50 if harm == "no database" else b"")
    held = file.read_bytes() if file.exists() else None
    for words in commands(folder, tmp_path / "tasks.csv"):
        message = refused(*words, said=r"workspace\.sqlite")
        assert message.startswith("playbook: ")
    assert (file.read_bytes() if file.exists() else None) == held


def test_a_locked_database_can_be_read_and_a_writer_is_told_to_try_again(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("playbook.open_workspace", lambda place="": Workspace.open(place, busy_seconds=0.3))
    with sqlite3.connect(folder / "workspace.sqlite", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        assert run("history", "-w", folder).exit_code == 0
        assert run("gate", "1", "-w", folder).exit_code == 1
        refused("team", "Other", "-w", folder, said="try again")
        more = tmp_path / "more.csv"
        more.write_text("task,workflow\nEdit,blog\n")
        result = run("import", more, "--team", "content", "-w", folder)
        assert result.exit_code in (1, 2)
        assert "try again" in result.stderr
        assert "Traceback" not in result.stderr
        other.execute("ROLLBACK")
    assert run("team", "Other", "-w", folder).exit_code == 0
    assert run("import", more, "--team", "content", "-w", folder).exit_code == 0
    assert set(Workspace.open(folder).read("tasks")["task"]) == {"Write the brief", "Edit"}


def test_no_workspace_says_how_to_make_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PLAYBOOK_WORKSPACE", raising=False)
    for words in (["run"], ["gate", "1"], ["history"], ["rejects"]):
        refused(*words, said="playbook new")


def test_a_folder_that_cannot_be_written_is_one_message(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("a file where a folder is wanted")
    refused("new", blocked / "acme", said=re.escape(str(blocked)))
    refused("new", blocked, said=re.escape(str(blocked)))
    refused("sheet", blocked / "tasks.xlsx", said=re.escape(str(blocked)))


def test_what_one_may_not_read_out_is_neutralised(folder, tmp_path):
    """A formula in a refused row comes back out as text."""
    sheet = tmp_path / "bad.csv"
    sheet.write_text('task,workflow,minutes_per_run\n"=HYPERLINK(""http://x"",""y"")",blog,forty\n')
    assert run("import", sheet, "--team", "content", "-w", folder).exit_code == 0
    out = tmp_path / "correct.xlsx"
    assert run("rejects", "--export", out, "-w", folder).exit_code == 0
    import openpyxl

    cells = [cell for sheet in openpyxl.load_workbook(out) for row in sheet for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert any("HYPERLINK" in str(cell.value) for cell in cells)


def test_a_workspace_moved_to_another_folder_opens_with_everything(folder, tmp_path):
    moved = tmp_path / "moved here, with spaces & ümlauts"
    shutil.move(folder, moved)
    assert run("history", "-w", moved).exit_code == 0
    frame = Workspace.open(moved).read("tasks")
    assert isinstance(frame, pd.DataFrame)
    assert len(frame) == 1
