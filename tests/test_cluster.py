"""Beyond one machine: a real cluster of separate processes, a real PostgreSQL, one worker killed in the middle."""

import contextlib
import datetime as dt
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from playbook.cli import app
from playbook.errors import ParameterError, RunError
from playbook.io.workspace import Workspace
from playbook.report import batch, cluster, jobs
from playbook.report.cluster import store as cluster_store
from playbook.report.cluster import task as cluster_task
from playbook.report.cluster import worker as cluster_worker

distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed; install the extra dask")
fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed; install the extra dask")

PHASE = "phase9_cluster"
PARAMETERS = "workspace: str = ''  # folder or URL\nteam: str = ''  # the team's id\n"
QUIET = {"DASK_DISTRIBUTED__SCHEDULER__DASHBOARD__ENABLED": "false"}
BLOCKED = "import sys; sys.modules['playbook'] = None; from distributed.cli.dask_scheduler import main; main()"
# A shell starts what it puts in the background with Ctrl-C ignored, and the tests may run there.
HEARING = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from playbook.__main__ import main; main()"
_numbers = itertools.count(1)

MARKED = """import os, time
from pathlib import Path
mark = Path(PLACE) / f"{os.getpid()}-{time.time_ns()}"
mark.write_text(team)
time.sleep(SECONDS)"""

# Leaves one row in the workspace's history each time it is run to its end.
COUNTED = """import pandas as pd, playbook
opened = playbook.open_workspace(workspace)
with opened.change(note=f"{team} PAGE") as change:
    row = {"team": team, "task_id": os.urandom(6).hex(), "task": "counted", "workflow": "count"}
    change.put("tasks", pd.DataFrame([row]))
print(team, "wrote PAGE")"""


def code(source, *tags):
    cell = {"cell_type": "code", "execution_count": None, "outputs": [], "source": source}
    return {**cell, "id": f"c{abs(hash(source)) % 10**8}", "metadata": {"tags": list(tags)}}


def write_notebook(folder, name, *sources):
    title = {"cell_type": "markdown", "id": "title", "metadata": {}, "source": f"# {name}"}
    cells = [title, code(PARAMETERS, "parameters"), *map(code, sources)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path = folder / "notebooks" / PHASE / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))
    return path


def write_counted(folder, name, place, seconds):
    marked = MARKED.replace("PLACE", repr(str(place))).replace("SECONDS", str(seconds))
    return write_notebook(folder, name, marked, COUNTED.replace("PAGE", name))


def marks(place):
    """When each notebook began, by the process it runs in: of those that are alive."""
    found = {int(pid): int(at) for pid, _, at in (path.name.partition("-") for path in list(place.iterdir()))}
    return {pid: at for pid, at in found.items() if lives(pid)}


def with_teams(workspace, *teams):
    with workspace.change() as change:
        change.put("teams", pd.DataFrame({"team": list(teams), "name": [team.title() for team in teams]}))
    return workspace


@pytest.fixture
def workspace(tmp_path, postgres_url):
    """A workspace in PostgreSQL with an engagement folder and two teams."""
    url = f"{postgres_url}?schema=cluster_{os.getpid()}_{next(_numbers)}"
    made = Workspace.create(tmp_path / "acme", organisation="Acme", start=dt.date(2026, 11, 2), database=url)
    return with_teams(made, "alpha", "beta")


@pytest.fixture
def sqlite(tmp_path):
    made = Workspace.create(tmp_path / "small", organisation="Acme", start=dt.date(2026, 11, 2))
    return with_teams(made, "alpha")


def facts_of(path):
    return json.loads(path.read_text())["metadata"]["playbook"]


def lives(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def children(pid):
    """The processes a process started, and those they started."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *children(int(child))]
    return found


def wait_for(happened, seconds=90.0):
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "nothing happened in time"
        time.sleep(0.02)


class Processes:
    """A scheduler that cannot import the kit, and workers that can; each a process of its own on loopback."""

    def __init__(self, folder):
        self.folder, self.started = folder, []
        with socket.socket() as door:
            door.bind(("127.0.0.1", 0))
            port = door.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        self._start(["-c", BLOCKED, "--host", "127.0.0.1", "--port", str(port), "--no-dashboard", "--no-show"])
        self.workers = []

    def worker(self, *words, **environment):
        place = ["--host", "127.0.0.1", "--no-nanny", "--nthreads", "1", "--no-dashboard"]
        place += ["--local-directory", str(self.folder), "--memory-limit", "0"]
        started = self._start(["-m", "distributed.cli.dask_worker", self.address, *place, *words], environment)
        self.workers.append(started)
        return started

    def ready(self, count):
        with distributed.Client(self.address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=60)

    def staffed(self, count):
        """Have exactly so many workers, those of an earlier test first: starting one costs seconds."""
        there = [worker for worker in self.workers if worker.poll() is None]
        for worker in there[count:]:
            worker.kill()
            worker.wait(10)
        found = there[:count]
        while len(found) < count:
            found.append(self.worker())
        with distributed.Client(self.address, timeout=60, set_as_default=False) as client:
            wait_for(lambda: len(client.scheduler_info(n_workers=-1)["workers"]) == count)
        return found

    def _start(self, words, environment=None):
        path = self.folder / f"log-{len(self.started)}.txt"
        with path.open("wb") as log:
            started = subprocess.Popen(
                [sys.executable, *words],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={**os.environ, **QUIET, **(environment or {})},
            )
        self.started.append(started)
        return started

    def end(self):
        for process in self.started:
            process.kill()
        for process in self.started:
            process.wait(30)


@pytest.fixture(scope="module")
def farm(tmp_path_factory):
    """A cluster of two workers of one thread, for tests that leave it as it was."""
    made = Processes(tmp_path_factory.mktemp("cluster"))
    made.worker("--name", "one")
    made.worker("--name", "two")
    made.ready(2)
    yield made
    made.end()


@pytest.fixture(scope="module")
def harmed_farm(tmp_path_factory):
    """A cluster whose workers tests kill; each says how many it wants (`staffed`)."""
    made = Processes(tmp_path_factory.mktemp("harmed"))
    yield made
    made.end()


# --- what is refused, in one sentence


def test_a_sqlite_workspace_is_refused_because_other_machines_cannot_see_it(sqlite):
    with pytest.raises(ParameterError, match=r"cannot see the SQLite file .*workspace\.sqlite.*--database postgresql"):
        batch.run(sqlite, ["1"], dask="tcp://127.0.0.1:8786")
    assert not (sqlite.folder / "reports" / "index.html").exists()


def test_the_command_line_says_so_too_and_takes_no_workers_of_this_machine(sqlite):
    for words in (["--dask", "tcp://127.0.0.1:1"], ["--dask", "tcp://127.0.0.1:1", "--workers", "2"]):
        result = CliRunner().invoke(app, ["run", "1", "-w", str(sqlite.folder), *words])
        assert result.exit_code == 2
        assert result.stderr.startswith("playbook: --")
        assert "Traceback" not in result.stderr


def test_a_missing_library_says_what_to_install(workspace, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ParameterError, match=r"pip install transition-playbook\[dask\]"):
        batch.run(workspace, ["1"], dask="tcp://127.0.0.1:8786")


@pytest.mark.parametrize("url", ["nosuch://bucket/x", "s3nope://bucket"])
def test_a_place_for_reports_that_nothing_opens_is_refused(workspace, url):
    with pytest.raises(ParameterError, match=rf"--reports-to {url}.*wanted a folder or a URL"):
        batch.run(workspace, ["1"], reports_to=url)


def test_no_scheduler_no_worker_and_no_address_are_three_sentences(workspace, harmed_farm, monkeypatch):
    write_notebook(workspace.folder, "10_page", "1")
    harmed_farm.staffed(0)
    monkeypatch.setattr(cluster, "JOIN", 1.0)
    with pytest.raises(RunError, match=r"no scheduler answers at tcp://127\.0\.0\.1:9.*dask scheduler"):
        batch.run(workspace, ["9"], dask="tcp://127.0.0.1:9")
    with pytest.raises(ParameterError, match=r"found 'carrier://pigeon'; wanted .*tcp://host:8786"):
        batch.run(workspace, ["9"], dask="carrier://pigeon")
    monkeypatch.setattr(cluster, "JOIN", 60.0)
    with pytest.raises(RunError, match=r"has no worker; start some with `dask worker tcp://"):
        batch.run(workspace, ["9"], dask=harmed_farm.address)


# --- what a task is


def test_a_task_is_plain_text_without_a_password_or_a_path_of_this_machine(workspace, monkeypatch):
    write_notebook(workspace.folder, "10_page", "1")
    own = workspace.folder / "assessments" / "spectrum" / "default.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("secretly: ours")
    monkeypatch.setenv("PLAYBOOK_DATABASE_PASSWORD", "hush-hush")
    mirror = cluster_store.Mirror(workspace.folder / "reports", "memory://there")
    tasks = cluster_task.tasks(batch.plan(workspace, ["9"]), workspace, mirror, None, cluster.Limits(5, 100))
    assert len(tasks) == 2
    for task in tasks.values():
        assert all(type(value) is str for value in task.values())
        assert json.loads(json.dumps(task)) == task
        text = json.dumps(task)
        assert "hush-hush" not in text
        assert str(workspace.folder) not in text
        assert json.loads(task["limits"]) == {"seconds": 5, "memory": 100}


def test_the_engagement_folder_travels_with_its_own_content_and_nothing_else(workspace, tmp_path):
    own = workspace.folder / "templates" / "roles" / "job.docx"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"\x00\xff binary")
    (workspace.folder / "reports").mkdir(exist_ok=True)
    (workspace.folder / "reports" / "private.html").write_text("no")
    there = tmp_path / "there"
    cluster_task.unpack(cluster_task.pack(workspace.folder), there)
    assert sorted(path.relative_to(there).as_posix() for path in there.rglob("*") if path.is_file()) == [
        "templates/roles/job.docx",
        "workspace.toml",
    ]
    assert (there / "templates/roles/job.docx").read_bytes() == own.read_bytes()
    assert Workspace.open(there).url == workspace.url
    assert jobs.kit_digest(there) == jobs.kit_digest(workspace.folder)


def test_an_engagement_folder_that_is_too_large_to_travel_is_refused(workspace, monkeypatch):
    write_notebook(workspace.folder, "10_page", "1")
    monkeypatch.setattr(cluster_task, "LARGEST", 10)
    mirror = cluster_store.Mirror(workspace.folder / "reports")
    with pytest.raises(ParameterError, match="travel with each task"):
        cluster_task.tasks(batch.plan(workspace, ["9"]), workspace, mirror, None, cluster.Limits())


def test_a_worker_with_another_kit_without_the_folder_or_the_workspace_refuses(tmp_path, postgres_url):
    task = {"kit": "another", "version": "9.9", "workspace": postgres_url, "reports": str(tmp_path / "none")}
    assert "is not the one that sent the batch (9.9)" in cluster_worker.work(task)["error"]
    task["kit"] = jobs.kit_digest()
    task["workspace"] = "postgresql://playbook@127.0.0.1:9/postgres?schema=none"
    answer = cluster_worker.work(task)
    assert answer["status"] == "refused"
    assert "cannot open the workspace" in answer["error"]


# --- where reports are kept


def test_a_bucket_is_written_whole_and_read_back():
    store = cluster_store.Store(f"memory://bucket-{next(_numbers)}/reports")
    store.prepare()
    assert store.read("a/b.ipynb") is None
    store.write("a/b.ipynb", b"one")
    store.write("a/b.ipynb", b"two")
    assert store.read("a/b.ipynb") == b"two"
    assert store.read_all(["a/b.ipynb", "a/none.ipynb"]) == {"a/b.ipynb": b"two"}
    assert store.has("a/b.ipynb")
    assert not store.has("a/none.ipynb")


@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_a_folder_is_written_beside_and_renamed(tmp_path, form, monkeypatch):
    store = cluster_store.Store(form.format(tmp_path / "shared folder"))
    store.prepare()
    store.write("a/b.ipynb", b"one")
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        store.write("a/b.ipynb", b"two")
    assert store.read("a/b.ipynb") == b"one"
    assert [path.name for path in (tmp_path / "shared folder").rglob("*") if path.is_file()] == ["b.ipynb"]


def test_a_place_that_cannot_be_written_is_found_out_before_anything_runs(workspace, tmp_path):
    write_notebook(workspace.folder, "10_page", "1")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match=r"reports cannot be written there .*nothing was run"):
        batch.run(workspace, ["9"], reports_to=str(tmp_path / "file" / "reports"))


def test_a_batch_of_this_machine_keeps_its_reports_in_a_bucket_too_and_one_without_them_fetches_them(workspace):
    write_notebook(workspace.folder, "10_page", "print('done here')")
    url = f"memory://bucket-{next(_numbers)}/reports"
    first = batch.run(workspace, ["9"], workers=1, reports_to=url)
    assert len(first.executed) == 2
    store = cluster_store.Store(url)
    reports = workspace.folder / "reports"
    for path in [*reports.rglob("[!.]*.ipynb"), *first.reports, first.index]:
        assert store.read(path.relative_to(reports).as_posix()) == path.read_bytes()

    elsewhere = batch.run(workspace, ["9"], reports=reports.parent / "other", reports_to=url)
    assert len(elsewhere.unchanged) == 2
    assert "done here" in elsewhere.reports[0].read_text()


# --- a cluster of this process, whose workers see its memory


def test_outputs_go_through_a_bucket(workspace):
    write_notebook(
        workspace.folder, "10_page", "print('by way of', 'memory')", "import plotly.graph_objects as go\ngo.Figure()"
    )
    write_notebook(workspace.folder, "20_wrong", "raise ValueError('no tasks')")
    url = f"memory://bucket-{next(_numbers)}/reports"
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None, protocol="tcp", host="127.0.0.1"
    ) as inside:
        seen = []
        result = batch.run(
            workspace, ["9"], dask=inside.scheduler_address, reports_to=url, progress=lambda *said: seen.append(said)
        )
    assert [(done, total) for _, done, total in seen] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert [outcome.sentence for outcome in result.failed] == [
        f"{team}/{PHASE}/20_wrong failed in cell [3]: ValueError: no tasks" for team in ("alpha", "beta")
    ]
    reports = workspace.folder / "reports"
    store = cluster_store.Store(url)
    for path in [*reports.rglob("[!.]*.ipynb"), *result.reports, result.index]:
        assert store.read(path.relative_to(reports).as_posix()) == path.read_bytes()
    assert "by way of memory" in result.reports[0].read_text()
    said = store.read(f"alpha/{PHASE}/10_page.ipynb").decode()
    assert "playbook-driver-" not in said, "a driver's scratch folder is no place a reader knows"
    for driver in cluster_worker._idle:
        driver.end()
    cluster_worker._idle.clear()


# --- two workers, each a process of its own


def shown(path):
    """A notebook as a reader sees it: its cells and outputs without ids and times."""
    cells = json.loads(path.read_text())["cells"]
    return [(cell["cell_type"], cell["source"], cell.get("outputs")) for cell in cells]


@pytest.mark.slow
def test_a_cluster_makes_the_notebooks_this_machine_makes_and_either_goes_on_where_the_other_stopped(workspace, farm):
    # pandas by name, so that the drivers hold all that later tests ask of them and need not be replaced
    opened = "import pandas\nimport playbook\nplaybook.open_workspace(workspace).teams()"
    write_notebook(workspace.folder, "10_page", opened)
    write_notebook(workspace.folder, "20_figure", "import plotly.graph_objects as go\ngo.Figure(go.Bar(y=[1, 2]))")
    write_notebook(workspace.folder, "30_wrong", "1 / 0")
    here = batch.run(workspace, ["9"], workers=1, reports=workspace.folder / "here")
    there = batch.run(workspace, ["9"], dask=farm.address, reports=workspace.folder / "there")
    assert len(there.executed) == len(here.executed) == 4
    assert [outcome.sentence for outcome in there.failed] == [outcome.sentence for outcome in here.failed]
    for path in (workspace.folder / "here").rglob("[!.]*.ipynb"):
        twin = workspace.folder / "there" / path.relative_to(workspace.folder / "here")
        assert shown(twin) == shown(path)
        assert facts_of(twin)["key"] == facts_of(path)["key"]

    again = batch.run(workspace, ["9"], ["alpha"], workers=1, reports=workspace.folder / "there")
    assert [len(again.unchanged), len(again.failed)] == [2, 1]
    back = batch.run(workspace, ["9"], ["alpha"], dask=farm.address, reports=workspace.folder / "here")
    assert [len(back.unchanged), len(back.failed)] == [2, 1]
    fresh = batch.run(workspace, ["9"], ["alpha"], dask=farm.address, fresh=True, reports=workspace.folder / "here")
    assert len(fresh.executed) == 2


@pytest.mark.slow
def test_notebooks_run_in_a_warm_process_beside_the_worker_with_the_engagements_own_content(workspace, farm):
    own = workspace.folder / "assessments" / "spectrum" / "default.yaml"
    own.parent.mkdir(parents=True)
    own.write_text((Path("assessments") / "spectrum" / "default.yaml").read_text())
    look = "import os\nprint(os.getppid(), os.getcwd(), sorted(os.listdir()), 'PLAYBOOK_WORKSPACE' in os.environ)"
    write_notebook(workspace.folder, "10_page", look)
    result = batch.run(workspace, ["9"], ["alpha"], dask=farm.address)
    (text,) = [
        "".join(output["text"])
        for cell in json.loads(result.executed[0].job.output.read_text())["cells"]
        for output in cell.get("outputs", [])
    ]
    driver = int(text.split()[0])
    assert "['assessments', 'workspace.toml'] False" in text
    assert b"cluster.driver" in Path(f"/proc/{driver}/cmdline").read_bytes()
    assert driver in {pid for worker in farm.workers for pid in children(worker.pid)}
    assert len(list(Path(f"/proc/{driver}/task").iterdir())) <= 1 + len(os.sched_getaffinity(0)), (
        "BLAS may have its own"
    )
    for log in farm.folder.glob("log-*.txt"):
        assert "papermill's own engine runs this notebook" not in log.read_text()


@pytest.mark.slow
def test_limits_hold_on_the_cluster_too(workspace, farm):
    write_notebook(workspace.folder, "10_endless", "while True: pass")
    result = batch.run(workspace, ["9"], ["alpha"], dask=farm.address, seconds=1.5)
    (failed,) = result.failed
    assert "TimeLimit: not finished after 1.5 seconds" in failed.sentence


@pytest.mark.slow
def test_a_driver_that_dies_is_replaced_and_its_notebook_run_once_more(workspace, farm, tmp_path):
    once = f"import os, signal\nfrom pathlib import Path\nflag = Path({str(tmp_path / 'flag')!r})"
    die = "os.kill(os.getppid(), signal.SIGKILL)\nimport time\ntime.sleep(30)"
    write_notebook(
        workspace.folder,
        "10_once",
        once,
        f"if not flag.exists():\n    flag.touch()\n    {die.replace(chr(10), chr(10) + '    ')}",
    )
    write_notebook(workspace.folder, "20_always", once, die)
    result = batch.run(workspace, ["9"], ["alpha"], dask=farm.address)
    assert [outcome.sentence for outcome in result.executed] == [
        f"alpha/{PHASE}/10_once done (run twice: its process died the first time)"
    ]
    (failed,) = result.failed
    assert "20_always failed" in failed.sentence
    assert "its process died twice; is there enough memory?" in failed.sentence
    assert facts_of(failed.job.output)["status"] == "failed"


@pytest.mark.slow
def test_with_one_worker_killed_in_the_middle_nothing_is_lost_and_nothing_done_twice(workspace, harmed_farm, tmp_path):
    place = tmp_path / "marks"
    place.mkdir()
    for number in range(1, 5):
        write_counted(workspace.folder, f"{number}0_page", place, 1.0)
    victim, _survivor = harmed_farm.staffed(2)
    killed = {}

    def kill(_outcome, done, _total):
        """Once some are finished: while a notebook of the victim's is in its first half."""
        if done < 3 or killed:
            return

        def young():
            mine = set(children(victim.pid))
            return [pid for pid, at in marks(place).items() if pid in mine and time.time_ns() - at < 5e8]

        wait_for(young)
        killed["left"] = children(victim.pid)
        victim.kill()
        victim.wait(10)

    result = batch.run(workspace, ["9"], dask=harmed_farm.address, progress=kill)
    assert len(killed["left"]) >= 2, "its driver and the notebook's process"
    assert len(result.executed) == 8
    assert not result.failed
    wait_for(lambda: not any(map(lives, killed["left"])), 20)

    # each notebook was run to its end once: one change of the workspace each, 2 teams x 4 pages
    notes = workspace.history("tasks")["note"]
    assert sorted(notes) == sorted(f"{team} {number}0_page" for team in ("alpha", "beta") for number in range(1, 5))
    reports = workspace.folder / "reports"
    facts = [facts_of(path) for path in reports.rglob("[!.]*.ipynb")]
    assert len({fact["batch"] for fact in facts}) == 1
    assert [fact["status"] for fact in facts] == ["done"] * 8
    assert len(list(place.iterdir())) == 9, "begun once each, and once more the one that was cut off"
    assert not [path for path in reports.rglob(".*") if ".partial" in path.name]
    assert all("wrote" in report.read_text() for report in result.reports)


def test_a_notebook_stored_by_a_worker_that_died_before_it_could_say_so_is_not_run_again(
    workspace, monkeypatch, tmp_path
):
    place = tmp_path / "marks"
    place.mkdir()
    write_counted(workspace.folder, "10_page", place, 0)
    mirror = cluster_store.Mirror(workspace.folder / "reports")
    mirror.store.prepare()
    (task,) = cluster_task.tasks(
        batch.plan(workspace, ["9"], ["alpha"]), workspace, mirror, None, cluster.Limits()
    ).values()
    monkeypatch.setattr(cluster_worker, "_wanted", lambda: lambda: True)
    first = cluster_worker.work(task)
    again = cluster_worker.work(task)
    assert first["status"] == again["status"] == "done", first
    assert len(list(place.iterdir())) == 1
    other = cluster_worker.work({**task, "batch": "a later one"})
    assert other["status"] == "done"
    assert len(list(place.iterdir())) == 2
    for driver in cluster_worker._idle:
        driver.end()
    cluster_worker._idle.clear()


@pytest.mark.slow
@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_batch_stops_on_the_cluster_and_the_next_does_the_rest(workspace, farm, tmp_path, blow):
    place = tmp_path / "marks"
    place.mkdir()
    write_notebook(workspace.folder, "10_quick", "print('quick')")
    slow = write_counted(workspace.folder, "20_slow", place, 300)
    words = ["run", "9", "--dask", farm.address, "--team", "alpha", "-w", str(workspace.folder)]
    running = subprocess.Popen(
        [sys.executable, "-c", HEARING, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **QUIET},
    )  # fmt: skip
    quick = workspace.folder / "reports" / "alpha" / PHASE / "10_quick.ipynb"
    with contextlib.ExitStack() as undo:
        undo.callback(running.kill)
        wait_for(lambda: quick.exists() and marks(place))
        time.sleep(0.5)
        notebook = list(marks(place))
        running.send_signal(blow)
        _, said = running.communicate(timeout=60)
    if blow == signal.SIGINT:
        assert running.returncode == 130, said
        assert said.endswith("playbook: stopped; what was finished is kept\n")
        assert "Traceback" not in said
        assert "distributed" not in said
    wait_for(lambda: not any(map(lives, notebook)), 30)
    assert all(worker.poll() is None for worker in farm.workers)

    slow.unlink()
    write_notebook(workspace.folder, "20_slow", "print('not slow')")
    result = batch.run(workspace, ["9"], ["alpha"], dask=farm.address)
    assert [outcome.job.title for outcome in result.unchanged] == [f"alpha/{PHASE}/10_quick"]
    assert [outcome.job.title for outcome in result.executed] == [f"alpha/{PHASE}/20_slow"]


@pytest.mark.slow
def test_a_cluster_that_goes_away_in_the_middle_is_one_sentence_and_what_was_finished_stays(
    workspace, harmed_farm, tmp_path, monkeypatch
):
    place = tmp_path / "marks"
    place.mkdir()
    write_notebook(workspace.folder, "10_quick", "print('quick')")
    write_counted(workspace.folder, "20_slow", place, 300)
    (worker,) = harmed_farm.staffed(1)
    monkeypatch.setattr(cluster, "ALONE", 2.0)
    monkeypatch.setattr(cluster, "LOOK", 0.5)

    def leave(_outcome, _done, _total):
        wait_for(lambda: marks(place))
        worker.kill()

    with pytest.raises(RunError, match="has had no worker for 2 seconds; what was finished is kept"):
        batch.run(workspace, ["9"], ["alpha"], dask=harmed_farm.address, progress=leave)
    assert facts_of(workspace.folder / "reports" / "alpha" / PHASE / "10_quick.ipynb")["status"] == "done"
    wait_for(lambda: not marks(place), 20)
