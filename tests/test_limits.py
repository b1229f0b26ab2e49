"""What a notebook may use, what happens to one that takes more, and how often one that dies is run."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from engagement import PHASE, facts_of, make_workspace, write_notebook

from playbook.errors import ParameterError
from playbook.report import batch, execute, jobs
from playbook.report.limits import SECONDS, Limits

linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")
ENDLESS = "print('begins', flush=True)\nwhile True:\n    pass"
GREEDY = "held = bytearray(900_000_000)"


@pytest.fixture
def workspace(tmp_path):
    return make_workspace(tmp_path / "acme", "alpha")


def report(result):
    return result.reports[0].read_text()


# --- limits


@linux
@pytest.mark.slow
def test_a_notebook_over_its_time_or_memory_fails_with_the_reason_and_the_others_go_on(workspace):
    write_notebook(workspace.folder, "10_endless", ENDLESS)
    write_notebook(workspace.folder, "20_greedy", GREEDY)
    write_notebook(workspace.folder, "30_numpy", "import numpy\nheld = numpy.ones(100_000_000)")
    write_notebook(workspace.folder, "40_fine", "held = bytearray(100_000_000)\nprint('fine')")
    result = batch.run(workspace, ["9"], workers=1, seconds=4, memory=300)

    assert [outcome.job.title for outcome in result.executed] == [f"alpha/{PHASE}/40_fine"]
    endless, greedy, array = result.failed
    assert endless.error == (
        "TimeLimit: not finished after 4 seconds, the limit of each notebook; "
        "end the loop or the wait in it, or give it more time with --seconds"
    )
    assert 4 <= endless.seconds < 30
    for outcome in (greedy, array):
        assert outcome.cell == 3
        assert outcome.error.startswith("MemoryLimit: more than 300 MB wanted, the limit of each notebook (")
        assert outcome.error.endswith("give it more with --memory")
        assert "MemoryError" in outcome.error
    assert [outcome.runs for outcome in result.failed] == [1, 1, 1], "a limit is kept the second time as the first"

    html = report(result)
    assert "not finished after 4 seconds" in html
    assert "more than 300 MB wanted" in html
    assert html.index("begins") < html.index("TimeLimit: not finished", html.index("begins")), (
        "it stands where it stopped"
    )
    index = result.index.read_text()
    assert "10_endless.ipynb: TimeLimit: not finished" in index


@linux
@pytest.mark.slow
def test_papermills_own_engine_keeps_the_time_limit_too(workspace):
    write_notebook(workspace.folder, "10_endless", ENDLESS)
    (job,) = batch.plan(workspace, ["9"])
    outcome = execute.execute(job, "nbclient", Limits(seconds=8))
    assert (outcome.status, outcome.runs) == ("failed", 1)
    assert outcome.error.startswith("TimeLimit: not finished after 8 seconds")
    assert "begins" in job.output.read_text()


def test_papermills_own_engine_is_not_asked_for_a_memory_limit_it_does_not_keep(workspace, monkeypatch):
    write_notebook(workspace.folder, "10_page")
    with pytest.raises(ParameterError, match="--memory: papermill's engine nbclient limits no notebook's memory"):
        batch.run(workspace, ["9"], engine="nbclient", memory=500)
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(ParameterError, match="--memory: a notebook's memory is limited on Linux only"):
        batch.run(workspace, ["9"], memory=500)
    assert not list((workspace.folder / "reports").iterdir())


@pytest.mark.parametrize(("name", "value"), [("seconds", 0), ("seconds", -1), ("memory", 0), ("seconds", float("nan"))])
def test_a_limit_that_lets_nothing_run_is_refused(workspace, name, value):
    write_notebook(workspace.folder, "10_page")
    with pytest.raises(ParameterError, match=f"--{name}: found {value}; wanted a number above 0"):
        batch.run(workspace, ["9"], **{name: value})


def test_without_a_word_there_is_a_limit_of_time_and_none_of_memory():
    assert Limits() == Limits(SECONDS, None)
    assert 60 <= SECONDS <= 3600
    assert Limits(memory=300).bytes == 300_000_000


@pytest.mark.slow
def test_what_is_done_is_done_under_any_limit(workspace, monkeypatch):
    monkeypatch.setattr(jobs, "kit_digest", lambda _: "this kit")  # as below
    write_notebook(workspace.folder, "10_page", "print('fine')")
    assert len(batch.run(workspace, ["9"]).executed) == 1
    assert len(batch.run(workspace, ["9"], seconds=30).unchanged) == 1


# --- a second run for what died


DEATHS = {
    "a segfault": "import ctypes\nctypes.string_at(0)",
    "os._exit": "import os\nos._exit(3)",
    "the system's out-of-memory kill": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
}
RAISES = {
    "an error": "raise ValueError('no')",
    "an exit": "raise SystemExit(3)",
    "an error by the name of a death": "class DeadKernelError(Exception): pass\nraise DeadKernelError('no')",
}
KILLS_ITS_WORKER = "import os, signal\nif FIRST:\n    os.kill(os.getppid(), signal.SIGKILL)"


def counted(number, source):
    """A cell that leaves a mark in a file of its own each time it runs and knows whether it is the first time."""
    mark = f"with open('runs-{number}', 'a') as file:\n    file.write('x')\n"
    return f"{mark}FIRST = len(open('runs-{number}').read()) == 1\n{source}"


def once(source):
    return "if FIRST:\n" + "".join(f"    {line}\n" for line in source.splitlines())


FATES = {
    **{death: (once(source), "print('made it')") for death, source in DEATHS.items()},
    "always": (DEATHS["os._exit"],),
    **{name: (source,) for name, source in RAISES.items()},
}
if sys.platform == "linux":
    FATES["the worker"] = (KILLS_ITS_WORKER, "print('made it')")
    FATES["the worker, then the kernel"] = (KILLS_ITS_WORKER + "\nos._exit(1)",)


class Fated:
    """One batch of one worker over every fate, each in a phase of its own and so with a report of its own."""

    def __init__(self, folder):
        self.workspace = make_workspace(folder, "alpha")
        self.phases = {name: f"phase{20 + number}_fate" for number, name in enumerate(FATES)}
        for number, (name, (first, *others)) in enumerate(FATES.items()):
            write_notebook(self.workspace.folder, "10_page", counted(number, first), *others, phase=self.phases[name])
        write_notebook(self.workspace.folder, "20_fine", "print('fine')", phase=self.phases["always"])
        self.result = batch.run(self.workspace, list(self.phases.values()), workers=1)
        self.again = batch.run(self.workspace, [self.phases[death] for death in DEATHS])

    def runs(self, name):
        """How often the notebook of this fate was run."""
        return len((self.workspace.folder / f"runs-{list(FATES).index(name)}").read_text())

    def of(self, name, outcomes):
        return [outcome for outcome in outcomes if outcome.job.phase == self.phases[name]]

    def report(self, name):
        return (self.workspace.folder / "reports" / "alpha" / f"{self.phases[name]}.html").read_text()


@pytest.fixture(scope="module")
def fated(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "kit_digest", lambda _: "this kit")  # also when somebody edits the kit meanwhile
        return Fated(tmp_path_factory.mktemp("fates") / "acme")


@pytest.mark.slow
@pytest.mark.parametrize("death", DEATHS)
def test_a_notebook_whose_process_dies_the_first_time_only_is_done_and_says_it_was_run_twice(fated, death):
    (outcome,) = fated.of(death, fated.result.executed)
    assert fated.runs(death) == outcome.runs == facts_of(outcome.job.output)["runs"] == 2
    title = f"alpha/{fated.phases[death]}/10_page"
    assert outcome.sentence == f"{title} done (run twice: its process died the first time)"
    assert "made it" in fated.report(death)
    assert "This notebook was run twice: its process died the first time." in fated.report(death)
    assert "not complete" not in fated.report(death)
    assert len(fated.of(death, fated.again.unchanged)) == 1


@pytest.mark.slow
def test_a_notebook_whose_process_dies_always_is_run_twice_and_fails(fated):
    (outcome,) = fated.of("always", fated.result.failed)
    assert fated.runs("always") == outcome.runs == 2
    assert outcome.error.startswith("DeadKernelError: its process ended before the notebook did")
    assert "This notebook was run twice" in fated.report("always")
    assert [Path(done.job.notebook).stem for done in fated.of("always", fated.result.executed)] == ["20_fine"]


@pytest.mark.slow
@pytest.mark.parametrize("raises", RAISES)
def test_a_notebook_that_raises_is_run_once(fated, raises):
    assert fated.runs(raises) == 1
    assert [outcome.runs for outcome in fated.of(raises, fated.result.failed)] in ([1], [])
    assert "run twice" not in fated.report(raises)


@linux
@pytest.mark.slow
def test_a_worker_that_dies_the_first_time_only_is_replaced_and_the_report_says_it(fated):
    (outcome,) = fated.of("the worker", fated.result.executed)
    assert fated.runs("the worker") == outcome.runs == 2
    assert "This notebook was run twice" in fated.report("the worker")


@linux
@pytest.mark.slow
def test_a_worker_and_then_a_kernel_that_die_are_two_runs_not_three(fated):
    (outcome,) = fated.of("the worker, then the kernel", fated.result.failed)
    assert fated.runs("the worker, then the kernel") == outcome.runs == 2


# --- memory of a whole batch


MADE = 2_000_000
"""Characters that each report of the test below prints."""


def family(pid):
    """The processes that a process started, with all theirs."""
    children = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        children.setdefault(parent, []).append(int(status.parent.name))
    found = [pid]
    for member in found:
        found += children.get(member, [])
    return found


def proportional(pid):
    """A process's share of the memory, in bytes: what several processes share is divided among them."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it is gone
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def peak_of_a_batch(folder, reports):
    """The most memory that a batch of so many reports and all its processes held at once, in bytes."""
    workspace = make_workspace(folder, *(f"team-{n:03}" for n in range(reports)))
    write_notebook(workspace.folder, "10_page", f"print(('word ' * 20 + '\\n') * {MADE // 101})")
    running = subprocess.Popen(
        [sys.executable, "-m", "playbook", "run", "9", "--workers", "1", "-w", workspace.folder],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    peaks = [0]
    done = threading.Event()

    def sample():
        while not done.wait(0.1):
            peaks[0] = max(peaks[0], sum(map(proportional, family(running.pid))))

    watcher = threading.Thread(target=sample)
    watcher.start()
    said, _ = running.communicate(timeout=200)
    done.set()
    watcher.join()
    assert running.returncode == 0
    assert said.startswith(f"{reports} executed")
    return peaks[0]


@linux
@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_reports(tmp_path):
    if not Path("/proc/self/smaps_rollup").exists():
        pytest.skip("this system does not say what share of the memory a process has")
    few, many = 12, 60
    small, large = (peak_of_a_batch(tmp_path / str(count), count) for count in (few, many))
    # Holding just one of a report's forms (notebook, page) would cost two megabytes a report, nearly a hundred for the
    # 48 more; half of that is allowed, as the peaks of the same batch differ by twenty. One worker: two are at their
    # largest together or not, which makes it thirty.
    assert large - small < (many - few) * MADE / 2, f"{small:,} bytes for {few} reports, {large:,} for {many}"
