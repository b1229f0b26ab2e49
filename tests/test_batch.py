import datetime as dt
import errno
import functools
import json
import os
import resource
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from engagement import PARAMETERS, PHASE, code, facts_of, lives, make_workspace, wait_for, write_notebook

from playbook.errors import ContentError, ParameterError, RunError
from playbook.io import content
from playbook.io.workspace import Workspace
from playbook.report import batch, execute, jobs, workers
from playbook.report.parameters import checked, declared


@pytest.fixture
def workspace(tmp_path):
    return make_workspace(tmp_path / "acme", "alpha", "beta")


def leftovers(folder):
    return [path for path in folder.rglob(".*") if ".partial" in path.name]


# --- the plan


def test_the_folder_is_the_phase_and_the_number_is_the_order(workspace):
    for name in ("100_last", "20_second", "3_first", "notes"):
        write_notebook(workspace.folder, name)
    plan = batch.plan(workspace, [PHASE])
    assert [(job.team, Path(job.notebook).stem) for job in plan] == [
        (team, page) for team in ("alpha", "beta") for page in ("3_first", "20_second", "100_last")
    ]
    first = plan[0]
    reports = workspace.folder / "reports"
    assert first.output == reports / "alpha" / PHASE / "3_first.ipynb"
    assert first.report == reports / "alpha" / f"{PHASE}.html"
    assert first.parameters == {"workspace": "", "team": "alpha"}


def test_a_phase_is_asked_for_by_number_or_folder(workspace):
    write_notebook(workspace.folder, "10_page")
    by_number = batch.plan(workspace, ["9"], ["Beta"])
    assert by_number == batch.plan(workspace, [PHASE], ["beta"]) == batch.plan(workspace, ["phase9"], ["beta"])
    assert {job.team for job in by_number} == {"beta"}


def test_an_unknown_phase_names_those_there_are(workspace):
    write_notebook(workspace.folder, "10_page")
    with pytest.raises(ParameterError, match=r"'7': not a phase; there are .*9"):
        batch.plan(workspace, ["7"])


def test_a_team_named_twice_is_run_once(workspace):
    write_notebook(workspace.folder, "10_page")
    assert batch.plan(workspace, ["9"], ["alpha", "Alpha", "alpha"]) == batch.plan(workspace, ["9"], ["alpha"])


def test_a_notebook_in_another_language_is_refused_and_not_run_as_python(workspace):
    path = write_notebook(workspace.folder, "10_page")
    told = json.loads(path.read_text()) | {"metadata": {"kernelspec": {"name": "julia-1.9", "language": "julia"}}}
    path.write_text(json.dumps(told))
    with pytest.raises(ContentError, match="is written in julia; wanted a notebook in Python"):
        batch.plan(workspace, ["9"])


def test_an_unknown_team_names_those_there_are(workspace):
    write_notebook(workspace.folder, "10_page")
    with pytest.raises(ParameterError, match="alpha"):
        batch.plan(workspace, ["9"], ["gamma"])


def test_a_workspace_without_a_team_says_how_to_add_one(tmp_path):
    workspace = make_workspace(tmp_path / "empty")
    write_notebook(workspace.folder, "10_page")
    with pytest.raises(ParameterError, match="playbook team NAME"):
        batch.plan(workspace, ["9"])


@pytest.fixture
def kit(tmp_path, monkeypatch):
    """A kit of its own, so that the plan over whole phases does not follow the kit's notebooks."""
    root = tmp_path / "kit"
    for folder in ("templates", "assessments", "notebooks"):
        (root / folder).mkdir(parents=True)
    monkeypatch.setattr("playbook.io.content.root", lambda: root)
    write_notebook(root, "00_start", phase=".")
    write_notebook(root, "10_inventory", phase="phase1_audit")
    write_notebook(root, "10_roles", phase="phase2_redesign")
    only_workspace = "workspace: str = ''  # folder or URL\n"
    write_notebook(root, "10_portfolio", phase="portfolio", parameters=only_workspace)
    write_notebook(root, "10_host", phase="workshop")
    return root


def test_the_start_page_opens_the_first_phases_report_and_workshop_notebooks_are_no_batch(workspace, kit):
    plan = batch.plan(workspace, None, ["alpha"])
    reports = workspace.folder / "reports"
    assert [(job.phase, job.report.relative_to(reports).as_posix()) for job in plan] == [
        ("start", "alpha/phase1_audit.html"),
        ("phase1_audit", "alpha/phase1_audit.html"),
        ("phase2_redesign", "alpha/phase2_redesign.html"),
        ("portfolio", "portfolio.html"),
    ]
    assert [job.notebook for job in batch.plan(workspace, ["2"], ["alpha"])] == [
        "notebooks/phase2_redesign/10_roles.ipynb"
    ]


def test_the_portfolio_runs_once_for_the_workspace(workspace, kit):
    (job,) = batch.plan(workspace, ["portfolio"])
    assert job.team == ""
    assert job.parameters == {"workspace": ""}
    assert job.output == workspace.folder / "reports" / "portfolio" / "10_portfolio.ipynb"


def test_the_engagements_own_copy_of_a_notebook_wins(workspace, kit):
    own = write_notebook(workspace.folder, "10_roles", phase="phase2_redesign")
    assert {job.source for job in batch.plan(workspace, ["2"])} == {own}


def test_the_key_moves_with_notebook_parameters_tables_and_content_and_with_nothing_else(workspace, kit):
    def key(**parameters):
        return batch.plan(workspace, ["2"], ["alpha"], parameters=parameters)[0].key

    before = key()
    assert key() == before
    assert key(most="4") != before
    write_notebook(workspace.folder, "10_roles", "1 + 1", phase="phase2_redesign")
    changed = key()
    assert changed != before
    with workspace.change() as change:
        change.put("tasks", pd.DataFrame([{"team": "beta", "task_id": "t", "task": "write", "workflow": "blog"}]))
    assert key() == changed, "another team's work does not make this team's report run again"
    with workspace.change() as change:
        change.put("tasks", pd.DataFrame([{"team": "alpha", "task_id": "t", "task": "write", "workflow": "blog"}]))
    with_task = key()
    assert with_task != changed
    (workspace.folder / "assessments").mkdir()
    (workspace.folder / "assessments" / "own.yaml").write_text("weight: 2\n")
    assert key() != with_task


def test_only_a_notebook_that_asks_for_the_day_runs_again_tomorrow(workspace, kit, monkeypatch):
    write_notebook(
        workspace.folder, "20_days", phase="phase2_redesign", parameters=PARAMETERS + "today: str = ''  # day\n"
    )

    before = [job.key for job in batch.plan(workspace, ["2"], ["alpha"])]
    fixed = [job.key for job in batch.plan(workspace, ["2"], ["alpha"], parameters={"today": "2026-11-22"})]
    tomorrow = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    clock = SimpleNamespace(now=lambda tz: tomorrow)
    monkeypatch.setattr(jobs, "dt", SimpleNamespace(datetime=clock, UTC=dt.UTC))
    after = [job.key for job in batch.plan(workspace, ["2"], ["alpha"])]
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False]
    assert [job.key for job in batch.plan(workspace, ["2"], ["alpha"], parameters={"today": "2026-11-22"})] == fixed


# --- parameters, checked before anything runs


def test_a_parameter_goes_to_the_notebooks_that_declare_it_as_its_type(workspace):
    write_notebook(workspace.folder, "10_page")
    write_notebook(workspace.folder, "20_page", parameters=PARAMETERS.replace("most", "least"))
    first, second = batch.plan(workspace, ["9"], ["alpha"], parameters={"most": "5"})
    assert first.parameters["most"] == 5
    assert "most" not in second.parameters


def test_a_parameter_no_notebook_declares_is_refused_with_those_there_are(workspace):
    write_notebook(workspace.folder, "10_page")
    with pytest.raises(ParameterError, match=r"mots: no notebook .*most: int"):
        batch.plan(workspace, ["9"], parameters={"mots": 5})


def test_a_wrongly_typed_parameter_says_notebook_value_type_and_meaning(workspace):
    write_notebook(workspace.folder, "10_page")
    with pytest.raises(
        ParameterError, match=r"10_page.ipynb: 1 to correct\n  most: found 'many'; wanted int \(how many\)"
    ):
        batch.plan(workspace, ["9"], parameters={"most": "many"})


@pytest.mark.parametrize("given", ["tomorrow", "2026-11-31", "20261122", "22.11.2026", " "])
def test_a_day_that_is_none_is_refused_before_anything_runs(workspace, given):
    write_notebook(
        workspace.folder, "10_page", parameters=PARAMETERS + "today: str = ''  # as YYYY-MM-DD; empty: now\n"
    )
    with pytest.raises(ParameterError, match=rf"today: found '{given}'; wanted a calendar day \(as YYYY-MM-DD"):
        batch.plan(workspace, ["9"], parameters={"today": given})
    for day in ("2026-11-22", ""):
        assert batch.plan(workspace, ["9"], ["alpha"], parameters={"today": day})[0].parameters["today"] == day


def test_every_notebook_of_the_kit_that_takes_a_day_refuses_what_is_none(workspace):
    days = {
        page: [item for item in declared(json.loads((content.root() / page).read_text()), page) if item.name == "today"]
        for phase in jobs.known(by_hand=True)
        for page in phase.notebooks
    }
    assert any(days.values())
    assert [page for page, found in days.items() if found and not found[0].is_day] == []


def test_workspace_and_team_are_no_parameters_to_give(workspace):
    write_notebook(workspace.folder, "10_page")
    with pytest.raises(ParameterError, match="--team"):
        batch.plan(workspace, ["9"], parameters={"team": "alpha"})


def test_a_notebook_that_cannot_be_told_its_team_is_refused(workspace):
    write_notebook(workspace.folder, "10_page", parameters="workspace: str = ''")
    with pytest.raises(ParameterError, match="team is not a parameter of this notebook"):
        batch.plan(workspace, ["9"])


def test_a_file_that_is_no_notebook_is_refused_before_anything_runs(workspace):
    write_notebook(workspace.folder, "10_page").write_text("not JSON")
    with pytest.raises(ContentError, match="is not a notebook"):
        batch.plan(workspace, ["9"])


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("most = 3", "write `name: type = value"),
        ("most: int", "write `name: type = value"),
        ("most: int = 1 + 2", "write a plain value"),
        ("most: int = ", "is not Python"),
    ],
)
def test_a_parameters_cell_that_is_not_typed_and_plain_is_refused(cell, said):
    with pytest.raises(ParameterError, match=said):
        declared({"cells": [code(cell, "parameters")]}, "page")


def test_every_type_papermill_can_pass_is_understood():
    cell = (
        "from typing import Literal\n"
        "a: float | None = None\nb: list[str] = []\nc: Literal['x', 'y'] = 'x'  # a # choice\n"
        "d: bool = False\ne: dict[str, int] = {}\n"
    )
    accepted = declared({"cells": [code(cell, "parameters")]}, "page")
    assert accepted[2].meaning == "a # choice"
    given = {"a": "1.5", "b": ["x"], "c": "y", "d": "yes", "e": {"k": "2"}}
    assert checked(given, accepted, "page") == {"a": 1.5, "b": ["x"], "c": "y", "d": True, "e": {"k": 2}}
    with pytest.raises(ParameterError, match="has the type `Path`"):
        checked({}, declared({"cells": [code("p: Path = ''", "parameters")]}, "page"), "page")


# --- a whole batch


@pytest.mark.slow
def test_a_batch_runs_all_keeps_what_failed_and_the_next_one_does_only_the_rest(workspace, capfd, monkeypatch):
    monkeypatch.setattr(jobs, "kit_digest", lambda _: "this kit")  # also when somebody edits the kit meanwhile
    write_notebook(workspace.folder, "10_hello", "print('hello', team, most)", "print('a day', dict(at=1))")
    write_notebook(workspace.folder, "20_choosy", "if team == 'beta':\n    raise ValueError('no tasks in it')")
    told = []
    result = batch.run(
        workspace,
        ["9"],
        parameters={"most": 7},
        workers=2,
        progress=lambda *said: told.append((said[0].status, *said[1:])),
    )

    assert len(result.executed) == 3
    assert [(told_of[1], told_of[2]) for told_of in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    (failed,) = result.failed
    assert failed.sentence == f"beta/{PHASE}/20_choosy failed in cell [3]: ValueError: no tasks in it"
    kept = facts_of(failed.job.output)
    assert (kept["status"], kept["cell"], kept["team"]) == ("failed", 3, "beta")
    assert "TCP without encryption" not in capfd.readouterr().err

    done = (workspace.folder / "reports" / "alpha" / PHASE / "10_hello.ipynb").read_text()
    assert "hello alpha 7" in done
    assert str(workspace.folder) not in done, "an executed notebook is passed around without this machine's paths"
    alpha, beta = (report.read_text() for report in result.reports)
    assert "hello alpha 7" in alpha
    assert "failed here" not in alpha
    assert "no tasks in it" in beta
    assert "hello beta 7" in beta
    index = result.index.read_text()
    assert f"alpha/{PHASE}.html" in index
    assert "20_choosy.ipynb, cell 3: ValueError: no tasks in it" in index

    write_notebook(workspace.folder, "20_choosy", "print(team, 'is fine')")
    again = batch.run(workspace, ["9"], ["alpha"], parameters={"most": 7}, workers=1)
    assert [outcome.job.title for outcome in again.executed] == [f"alpha/{PHASE}/20_choosy"]
    assert [outcome.job.title for outcome in again.unchanged] == [f"alpha/{PHASE}/10_hello"]
    assert "alpha is fine" in again.reports[0].read_text()
    assert "no tasks in it" in again.index.read_text(), "the other team's failure still stands in the index"

    before = again.reports[0].stat().st_mtime_ns
    still = batch.run(workspace, ["9"], ["alpha"], parameters={"most": 7})
    assert not still.executed
    assert still.reports[0].stat().st_mtime_ns == before
    (workspace.folder / "notebooks" / PHASE / "20_choosy.ipynb").unlink()
    shorter = batch.run(workspace, ["9"], ["alpha"], parameters={"most": 7})
    assert not shorter.executed
    assert "alpha is fine" not in shorter.reports[0].read_text(), "a page that was taken out leaves the report"
    assert not leftovers(workspace.folder)


@pytest.mark.slow
def test_a_kernel_or_a_worker_that_dies_fails_its_notebook_and_no_other(workspace):
    write_notebook(workspace.folder, "10_kernel_dies", "import os\nos._exit(1)")
    write_notebook(workspace.folder, "20_worker_dies", "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)")
    write_notebook(workspace.folder, "30_fine", "print('fine')")
    result = batch.run(workspace, ["9"], ["alpha"], workers=1)
    kernel, worker = result.failed
    assert "DeadKernelError" in kernel.error
    assert "its process died twice" in worker.error
    assert [outcome.job.title for outcome in result.executed] == [f"alpha/{PHASE}/30_fine"]
    report = result.reports[0].read_text()
    assert report.count("This page failed here") == 2
    assert "fine" in report


# --- what stops a batch


def start_run(workspace, *words, **popen):
    command = [sys.executable, "-m", "playbook", "run", "9", "-w", str(workspace.folder), *words]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, **popen
    )


SLOW = (
    "import os, pathlib, time\n"
    "if pathlib.Path('slow').exists():\n"
    "    pathlib.Path('slow').write_text(f'{os.getpid()} {os.getppid()}')\n"
    "    time.sleep(600)"
)


@pytest.mark.slow
@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL])
def test_a_batch_that_is_stopped_leaves_no_process_and_no_half_report_and_the_next_does_the_rest(workspace, blow):
    write_notebook(workspace.folder, "10_quick", "print('quick')")
    write_notebook(workspace.folder, "20_slow", SLOW)
    flag = workspace.folder / "slow"
    flag.touch()
    # A shell starts what it puts in the background with Ctrl-C ignored, and the tests may run there.
    hears = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    running = start_run(workspace, "--team", "alpha", "--workers", "1", preexec_fn=hears)
    wait_for(lambda: len(flag.read_text().split()) == 2)
    processes = [int(pid) for pid in flag.read_text().split()]
    if blow == signal.SIGINT:
        os.killpg(running.pid, blow)  # as a terminal does: to every process of the group
        _, said = running.communicate(timeout=30)
        assert running.returncode == 130
        assert "Traceback" not in said
    else:
        running.kill()
        running.communicate(timeout=30)
    wait_for(lambda: not any(map(lives, processes)), 20)
    reports = workspace.folder / "reports"
    assert not list(reports.rglob("*.html"))
    assert [path.name for path in reports.rglob("[!.]*.ipynb")] == ["10_quick.ipynb"]

    flag.unlink()
    result = batch.run(Workspace.open(workspace.folder), ["9"], ["alpha"], workers=1)
    assert [outcome.job.title for outcome in result.unchanged] == [f"alpha/{PHASE}/10_quick"]
    assert [outcome.job.title for outcome in result.executed] == [f"alpha/{PHASE}/20_slow"]
    assert not leftovers(reports)


def serves_forks(pid):
    """Whether the process has started the one that loads the template."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return any(b"forkserver" in Path(f"/proc/{child}/cmdline").read_bytes() for child in found)


def test_ctrl_c_while_the_libraries_are_still_loading_is_a_stop_like_any_other(workspace):
    write_notebook(workspace.folder, "10_quick", "print('quick')")
    hears = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    running = start_run(workspace, "--team", "alpha", preexec_fn=hears)
    wait_for(functools.partial(serves_forks, running.pid))
    os.killpg(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert said == "playbook: stopped; what was finished is kept\n"
    assert not list(workspace.folder.rglob("*.html"))


@pytest.mark.slow
def test_a_disk_that_fills_up_in_the_middle_leaves_the_previous_reports_and_one_clear_message(workspace):
    write_notebook(workspace.folder, "10_page", "print('first time')")
    write_notebook(workspace.folder, "20_large", "print('small')")
    first = batch.run(workspace, ["9"], ["alpha"], workers=2)
    before = first.reports[0].read_bytes()
    write_notebook(workspace.folder, "20_large", "print('large' * 200_000)")
    # A file-size limit stops a write in the middle just as a full disk does; 500 kB leaves room for the small files.
    full = start_run(
        workspace, "--team", "alpha", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
    )
    _, said = full.communicate(timeout=60)
    assert full.returncode == 2, said
    assert "reports are not complete. What was finished is kept" in said
    assert "Traceback" not in said
    assert first.reports[0].read_bytes() == before
    assert "small" in (workspace.folder / "reports" / "alpha" / PHASE / "20_large.ipynb").read_text()
    assert not leftovers(workspace.folder / "reports")
    assert list(Workspace.open(workspace.folder).teams()["team"]) == ["alpha", "beta"]


def test_a_reports_folder_that_cannot_be_written_is_said_before_anything_runs(workspace):
    write_notebook(workspace.folder, "10_page")
    (workspace.folder / "reports").rmdir()
    (workspace.folder / "reports").write_text("a file is in the way")
    with pytest.raises(RunError, match="reports"):
        batch.run(workspace, ["9"])


def test_an_unknown_engine_is_refused_before_anything_runs(workspace):
    write_notebook(workspace.folder, "10_page")
    with pytest.raises(ParameterError, match="no engine 'warp'"):
        batch.run(workspace, ["9"], engine="warp")
    assert not list((workspace.folder / "reports").rglob("*.ipynb"))


def test_a_full_disk_is_told_apart_from_an_error_of_the_notebook(workspace, monkeypatch):
    write_notebook(workspace.folder, "10_page")
    job = batch.plan(workspace, ["9"], ["alpha"])[0]

    def failing(error):
        monkeypatch.setattr(execute, "run", lambda *_, **__: (_ for _ in ()).throw(error))
        return execute.execute(job)

    full = failing(OSError(errno.ENOSPC, "No space left on device"))
    assert full.status == "unwritable"
    assert not job.output.exists()
    no_kernel = failing(FileNotFoundError(errno.ENOENT, "No such file", "/nowhere/python"))
    assert no_kernel.status == "failed"
    assert facts_of(job.output)["error"].startswith("FileNotFoundError")


def test_leftovers_of_dead_processes_go_and_those_of_living_ones_stay(tmp_path):
    own = execute.beside(tmp_path / "a.html")
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    gone = own.with_name(own.name.replace(str(os.getpid()), str(dead.pid)))
    for path in (own, gone, tmp_path / ".report.html.77.partial"):
        path.touch()
    execute.clear_partials(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([own.name, ".report.html.77.partial"])


def test_papermill_does_not_fill_in_braces_of_a_folders_name(tmp_path):
    workspace = make_workspace(tmp_path / "{draft}", "alpha")
    write_notebook(workspace.folder, "10_page", "print('here')")
    (outcome,) = batch.run(workspace, ["9"], workers=1).executed
    assert "here" in outcome.job.output.read_text()


def test_nothing_to_do_starts_no_process(workspace):
    assert list(workers.outcomes([])) == []
    assert workers.cores() >= 1


def test_an_outcome_says_itself_in_a_sentence(workspace):
    write_notebook(workspace.folder, "10_page")
    outcome = batch.Outcome(batch.plan(workspace, ["9"], ["alpha"])[0], "done")
    assert outcome.sentence == f"alpha/{PHASE}/10_page done"
    assert replace(outcome, status="failed", cell=2, error="KeyError: 'x'").sentence.endswith(
        "in cell [2]: KeyError: 'x'"
    )


def test_the_workspace_named_in_the_environment_does_not_reach_another_workspaces_notebooks(
    tmp_path, workspace, monkeypatch
):
    # a consultant's shell names one client; `playbook run -w` names another
    other = make_workspace(tmp_path / "other", "alpha")
    monkeypatch.setenv("PLAYBOOK_WORKSPACE", str(other.folder))
    source = "import playbook\nprint(playbook.open_workspace(workspace).folder.name)"
    write_notebook(workspace.folder, "10_where", source)
    (outcome,) = batch.run(workspace, ["9"], ["alpha"]).executed
    said = json.loads(outcome.job.output.read_text())["cells"][-1]["outputs"][0]["text"]
    assert "".join(said).strip() == workspace.folder.name
