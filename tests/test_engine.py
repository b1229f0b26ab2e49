"""The warm engine: what one notebook does never reaches another, and where forking is unsafe papermill's own runs."""

from __future__ import annotations

import importlib.metadata
import json
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import tomllib
from pathlib import Path

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playbook.report import engine
from playbook.report.engine import fitness, preload

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("papermill", "nbformat", "nbclient", "ipykernel", "IPython", "tornado", "zmq", "numpy", "pandas", "plotly",
         "sqlalchemy", "pydantic", "yaml", "multiprocessing", "asyncio")  # fmt: skip

NO_LIBRARIES = os.environ | {preload.WANTED: ""}
"""For a process that looks at the template: it holds no library that notebooks import."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the warm engine forks on Linux only")

SERVER = """
import os, sys, logging, io
from playbook.report import engine
words = io.StringIO()
logging.getLogger("papermill").addHandler(logging.StreamHandler(words))
while True:
    try:
        before, source, output, options = pipe.recv()
    except EOFError:
        break
    scope, error = {}, ""
    try:
        exec(before, scope)
        engine.run(source, output, {}, **options)
    except Exception as failure:
        error = f"{type(failure).__name__}: {failure}"
    pipe.send((error, words.getvalue(), scope.get("said")))
    words.truncate(0), words.seek(0)
"""


class Driver:
    """A worker as a batch has it: it takes a notebook's cells and gives back what became of them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log, self.said = folder, "", None
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = engine.process(exec, SERVER, {"pipe": theirs})
        self.process.start()
        theirs.close()

    def send(self, *cells: str, before: str = "", **options: object) -> None:
        made = [nbformat.v4.new_code_cell(cell) for cell in cells]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": kernel}), self.folder / "in.ipynb")
        (self.folder / "out.ipynb").unlink(missing_ok=True)
        options = {"cwd": str(self.folder), **options}
        self.pipe.send((before, str(self.folder / "in.ipynb"), str(self.folder / "out.ipynb"), options))

    def run(self, *cells: str, **options: object) -> list[str]:
        """What each cell showed; raises what the notebook raised."""
        self.send(*cells, **options)
        error, self.log, self.said = self.pipe.recv()
        if error:
            raise RuntimeError(error)
        notebook = json.loads((self.folder / "out.ipynb").read_text())
        return ["".join("".join(o.get("text") or o["data"]["text/plain"]) for o in cell["outputs"])
                for cell in notebook["cells"]]  # fmt: skip

    def end(self) -> None:
        self.pipe.close()
        self.process.join(20)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    made = Driver(tmp_path_factory.mktemp("engine"))
    yield made
    made.end()


def gone(pid: int, seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


# What papermill loads on every start


def test_the_entry_point_loads_nothing_heavy():
    code = "import sys, playbook.report.engine as e; e.WarmEngine; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not set(HEAVY) & set(loaded)


def test_papermill_finds_the_engine_by_its_installed_name():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"].get("entry-points", {})
    if "papermill.engine" not in declared:
        pytest.skip("pyproject.toml does not declare the entry point yet")
    found = importlib.metadata.entry_points(group="papermill.engine", name="playbook")
    assert [point.load() for point in found] == [engine.WarmEngine]


def test_papermill_and_the_engine_can_be_imported_in_either_order():
    # not the grammar of addresses, which takes as long as all else together and which jsonschema can do without
    without = "import sys; sys.modules['rfc3987_syntax'] = None"
    for first, second in (("papermill", "playbook.report.engine"), ("playbook.report.engine", "papermill")):
        subprocess.run([sys.executable, "-c", f"{without}; import {first}, {second}"], check=True)


# Isolation


def test_what_the_engine_loads_hides_none_of_its_functions():
    code = "import playbook.report.engine.warmed, playbook.report.engine as e; print(all(callable(getattr(e, n)) for n in ('run', 'process', 'begin')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "True\n"


def test_after_half_a_character_that_cannot_be_sent_the_notebook_goes_on(driver):
    _, second = driver.run(r"print('\ud83d'); print('more')", "print(5)", seconds=30)
    assert second == "5\n"


LATE = """
import os, signal
from playbook.report.engine import nursery
signal.signal(signal.SIGINT, signal.default_int_handler)
through = False
try:
    with nursery.deaf():
        os.kill(os.getpid(), signal.SIGINT)
        through = True
except KeyboardInterrupt:
    print("stopped", through)
"""


def test_ctrl_c_while_a_process_is_started_is_only_late():
    done = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "stopped True\n"


def test_a_warm_notebook_runs_in_a_fork_of_its_driver(driver):
    shown = driver.run("import os; os.getppid(), 'pandas' in __import__('sys').modules")
    assert shown == [f"({driver.process.pid}, True)"]
    assert driver.log == ""


def test_globals_modules_and_options_changed_by_one_notebook_are_not_seen_by_the_next(driver):
    driver.run(
        "x = 1\nimport builtins, sys, os\nbuiltins.leak = 1\nsys.path.insert(0, '/leak')\nsys.leak = 1",
        "import pandas as pd, plotly.io as pio, playbook, warnings, logging, signal, locale",
        "pd.options.display.max_rows = 3\npio.templates.default = 'none'\nplaybook.load = None",
        "pd.DataFrame.leak = 1\nwarnings.simplefilter('error')\nlogging.basicConfig(level=10)\nlogging.disable(50)",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); sys.setrecursionlimit(500); os.umask(0o777)",
        "os.environ['LEAK'] = '1'\nos.environ.pop('HOME', None)\nos.chdir('/')",
    )
    shown = driver.run(
        "import builtins, sys, os\n'x' in globals(), hasattr(builtins, 'leak'), '/leak' in sys.path, hasattr(sys, 'leak')",
        "import pandas as pd, plotly.io as pio, playbook\n"
        "pd.options.display.max_rows, pio.templates.default, callable(playbook.load), hasattr(pd.DataFrame, 'leak')",
        "import logging, signal; logging.root.level, logging.root.manager.disable, sys.getrecursionlimit() > 500,"
        " signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, os.umask(0) != 0o777",
        "'LEAK' in os.environ, 'HOME' in os.environ, os.getcwd()",
        "len(In), _exit_code if '_exit_code' in globals() else None",
    )
    home = "HOME" in os.environ
    assert shown == [
        "(False, False, False, False)",
        "(60, 'plotly', True, False)",
        "(30, 0, True, True, True)",
        f"(False, {home}, {str(driver.folder)!r})",
        "(6, None)",
    ]


def test_two_notebooks_never_draw_the_same_random_numbers(driver):
    draw = "import random, numpy, uuid, secrets\nprint(random.random(), numpy.random.rand(), uuid.uuid4())"
    first, second = driver.run(draw)[0].split(), driver.run(draw)[0].split()
    assert not set(first) & set(second)


def test_a_seed_set_by_one_notebook_does_not_reach_the_next(driver):
    seeded = "import random, numpy; random.seed(1); numpy.random.seed(1)"
    draw = "import random, numpy; print(random.random(), numpy.random.rand())"
    assert driver.run(seeded, draw)[1] == driver.run(seeded, draw)[1]
    assert driver.run(draw)[0] != driver.run(seeded, draw)[1]


@pytest.mark.parametrize("death", ["os._exit(0)", "os._exit(3)", "os.kill(os.getpid(), 9)", "os.abort()"])
def test_a_kernel_that_dies_takes_nothing_with_it(driver, death):
    with pytest.raises(RuntimeError, match="DeadKernelError"):
        driver.run("print('alive')", f"import os; {death}")
    kept = json.loads((driver.folder / "out.ipynb").read_text())
    assert kept["cells"][0]["outputs"][0]["text"] == ["alive\n"]
    assert driver.run("1 + 1") == ["2"]


def test_the_driver_stays_as_it_was(driver):
    look = "import sys, os, asyncio; {}said = ("
    look += "sys.modules['__main__'].__name__, sys.stdout is sys.__stdout__, 'get_ipython' in dir(__builtins__),"
    look += "__import__('IPython').get_ipython(), os.environ.get('MPLBACKEND'), len(os.listdir('/proc/self/fd')))"
    driver.run("1", before=look.format(""))
    before = driver.said
    driver.run("import os; os.environ['X'] = '1'", before=look.format(""))
    assert driver.said == before
    assert before[3] is None


def test_a_notebook_sees_no_open_file_of_its_driver(driver):
    # 0, 1, 2, the socket, two pipes a captured stream, their copies, the event loop's own, and the listing itself.
    shown = driver.run("import os; sorted(os.readlink(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd')"
                       " if os.path.exists(f'/proc/self/fd/{n}'))")  # fmt: skip
    assert str(driver.folder) not in shown[0]
    assert shown[0].count("socket:") <= 4


def test_what_a_notebook_leaves_running_ends_with_it(driver):
    shown = driver.run("import subprocess; subprocess.Popen(['sleep', '600']).pid")
    assert gone(int(shown[0]))


def test_exit_hooks_of_a_notebook_run_and_its_drivers_do_not(driver):
    register = "import atexit; atexit.register(lambda: open('driver_left', 'w').close())"
    driver.run("import atexit; _ = atexit.register(lambda: open('left', 'w').close())", before=register)
    assert (driver.folder / "left").exists()
    assert not (driver.folder / "driver_left").exists()


def test_a_kernel_ends_when_its_driver_is_killed(tmp_path):
    own = Driver(tmp_path)
    own.send("import os; open('pid', 'w').write(str(os.getpid()))", "while True: pass")
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        time.sleep(0.05)
    own.process.kill()
    own.process.join()
    assert gone(int((tmp_path / "pid").read_text()))
    own.end()


def test_a_terminated_driver_does_not_wait_for_its_cell(tmp_path):
    own = Driver(tmp_path)
    leave = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))"
    own.send("import os; open('pid', 'w').write(str(os.getpid()))", "while True: pass", before=leave)
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        time.sleep(0.05)
    os.kill(own.process.pid, signal.SIGTERM)
    own.process.join(4)
    assert own.process.exitcode == 1
    assert gone(int((tmp_path / "pid").read_text()), 1)
    own.end()


# Limits


def test_memory_beyond_the_limit_is_an_error_in_the_notebook_and_only_there(driver):
    with pytest.raises(RuntimeError, match="MemoryError"):
        driver.run("x = bytearray(400_000_000)", memory=200_000_000)
    assert driver.run("x = bytearray(400_000_000); len(x)", memory=800_000_000) == ["400000000"]


def test_a_notebook_that_takes_too_long_is_interrupted_and_says_where(driver):
    with pytest.raises(RuntimeError, match="CellTimeoutError"):
        driver.run("import time; time.sleep(0.3)", "while True:\n    pass", seconds=1)
    kept = json.loads((driver.folder / "out.ipynb").read_text())
    assert kept["cells"][1]["outputs"][0]["ename"] == "KeyboardInterrupt"
    assert driver.run("1 + 1") == ["2"]


def test_a_failing_cell_is_stored_where_it_failed(driver):
    with pytest.raises(RuntimeError, match="PapermillExecutionError"):
        driver.run("1 / 0", "2")
    kept = json.loads((driver.folder / "out.ipynb").read_text())
    assert [cell["metadata"].get("tags") for cell in kept["cells"][:2]] == [["papermill-error-cell-tag"]] * 2


# Falling back


def test_a_process_with_threads_is_not_forked():
    end = threading.Event()
    thread = threading.Thread(target=end.wait, name="a-helper")
    thread.start()
    try:
        assert "a-helper" in fitness.why_not("python3", {})
    finally:
        end.set()
        thread.join()


@pytest.mark.parametrize(
    ("kernel", "options", "reason"),
    [
        ("no-such-kernel", {}, "no kernel named 'no-such-kernel'"),
        ("python3", {"coalesce_streams": True}, "does not know the option coalesce_streams"),
    ],
)
def test_the_reason_for_falling_back_is_said(kernel, options, reason):
    assert reason in fitness.why_not(kernel, options)


@pytest.mark.parametrize(
    ("argv", "env", "reason"),
    [
        (["R", "--slave"], {}, "is not this interpreter's ipykernel"),
        (
            ["/usr/bin/other/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            {},
            "is not this interpreter's",
        ),
        (["python", "-m", "xeus", "-f", "{connection_file}"], {}, "is not this interpreter's ipykernel"),
        (["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"], {"A": "1"}, "has settings of its own"),
        (["python", "-m", "ipykernel_launcher", "-f", "{connection_file}", "--pylab"], {}, "has settings of its own"),
        (["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"], {}, ""),
        ([sys.executable, "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "{connection_file}"], {}, ""),
    ],
)
def test_only_this_interpreters_plain_kernel_is_replaced(tmp_path, monkeypatch, argv, env, reason):
    spec = tmp_path / "kernels" / "odd"
    spec.mkdir(parents=True)
    made = {"argv": argv, "display_name": "odd", "language": "python", "env": env}
    (spec / "kernel.json").write_text(json.dumps(made))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    fitness.kernel_is_ours.cache_clear()
    found = fitness.kernel_is_ours("odd")
    assert reason in found if reason else not found


def test_an_unproven_version_of_ipykernel_is_left_to_papermill(monkeypatch):
    monkeypatch.setattr(fitness, "PROVEN", {**fitness.PROVEN, "ipykernel": ("6.1",)})
    fitness.versions.cache_clear()
    assert "it was not proven with ipykernel" in fitness.versions()
    monkeypatch.undo()
    fitness.versions.cache_clear()
    assert fitness.versions() == ""


def test_macos_and_windows_are_left_to_papermill(monkeypatch):
    for platform in ("darwin", "win32"):
        monkeypatch.setattr(sys, "platform", platform)
        assert f"not safe on {platform}" in fitness.why_not("python3", {})


def test_papermills_engine_takes_over_with_the_reason_in_the_log(monkeypatch, caplog):
    from playbook.report.engine import steps

    taken = {}
    stand_in = lambda nb, kernel, **options: taken.update(options, kernel=kernel) or nb  # noqa: E731
    monkeypatch.setattr(steps.NBClientEngine, "execute_notebook", stand_in)
    with caplog.at_level(logging.WARNING):
        engine.WarmEngine.execute_notebook("nb", "no-such-kernel", output_path="o", progress_bar=False, memory=5)
    assert taken["output_path"] == "o"
    assert "memory" not in taken
    assert "papermill's own engine runs this notebook, not the warm one: there is no kernel" in caplog.text
    assert "does not limit a notebook's memory" in caplog.text


def test_a_notebook_asked_for_with_nbclient_runs_in_a_kernel_of_its_own(driver):
    shown = driver.run("'pandas' in __import__('sys').modules", engine="nbclient")
    assert shown == ["False"]
    assert "nbclient was asked for" in driver.log


def test_a_driver_with_a_thread_falls_back_and_says_so(tmp_path):
    own = Driver(tmp_path)
    try:
        start = "import threading; threading.Thread(target=threading.Event().wait, daemon=True, name='busy').start()"
        assert own.run("'pandas' in __import__('sys').modules", before=start) == ["False"]
        assert "other threads (busy)" in own.log
    finally:
        own.end()


def test_a_persons_own_ipython_files_are_run_by_a_kernel_that_starts(tmp_path, monkeypatch):
    start_up = tmp_path / "ipython" / "profile_default" / "startup"
    start_up.mkdir(parents=True)
    (start_up / "00-mine.py").write_text("mine = 42")
    code = (
        "import os; from playbook.report.engine import fitness, template\n"
        "print(fitness.why_not('python3', {}), 'mine' in template.build().app.shell.user_ns)"
    )
    environment = NO_LIBRARIES | {"IPYTHONDIR": str(tmp_path / "ipython")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert "would read" in done.stdout
    assert "00-mine.py first False" in done.stdout


# Text and frames

NAMES = st.one_of(st.text(max_size=5), st.sampled_from(["text/plain", "image/svg+xml", "application/json", "ü"]))
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.binary(max_size=0))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=12,
)
BUNDLES = st.fixed_dictionaries(
    {},
    optional={
        "text/plain": st.text(), "text/ü": st.lists(st.text()), "image/svg+xml": st.text(), "image/png": st.text(),
        "application/javascript": st.text(), "application/json": VALUES, "application/x+json": VALUES,
    },
)  # fmt: skip
OUTPUTS = st.one_of(
    st.builds(lambda text: nbformat.v4.new_output("stream", text=text), st.text(max_size=30)),
    st.builds(lambda data: nbformat.v4.new_output("display_data", data, metadata={"m": 1}), BUNDLES),
    st.builds(lambda value: nbformat.v4.new_output("error", ename="E", evalue=value, traceback=[value]), st.text()),
)
CELLS = st.one_of(
    st.builds(
        lambda source, outputs, tags: nbformat.v4.new_code_cell(source, outputs=outputs, metadata=tags),
        st.text(), st.lists(OUTPUTS, max_size=3), st.dictionaries(NAMES, VALUES, max_size=2),
    ),
    st.builds(lambda source: nbformat.v4.new_markdown_cell(source, attachments={"a.png": {"text/x": source}}), st.text()),
    st.builds(lambda source: nbformat.v4.new_markdown_cell(source, metadata={"trusted": True}), st.text()),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(CELLS, max_size=3), st.dictionaries(NAMES, VALUES, max_size=3))
def test_a_notebook_is_written_byte_for_byte_as_nbformat_writes_it(cells, metadata):
    from playbook.report.engine import saving

    notebook = nbformat.v4.new_notebook(cells=cells, metadata={**metadata, "signature": "x"})
    before = json.dumps(notebook, default=str, sort_keys=True)
    assert saving.text(notebook) == nbformat.v4.writes(notebook)
    assert json.dumps(notebook, default=str, sort_keys=True) == before


@given(st.lists(st.lists(st.binary(max_size=40), max_size=4), max_size=5), st.integers(1, 30))
def test_messages_arrive_whole_however_they_are_cut(messages, size):
    from playbook.report.engine.wire import SHELL, Unpacker, pack

    stream = b"".join(pack(SHELL, frames) for frames in messages)
    unpacker = Unpacker()
    arrived = [m.frames for at in range(0, len(stream), size) for m in unpacker.feed(stream[at : at + size])]
    assert arrived == messages


def test_a_running_notebook_is_stored_at_most_once_a_second_and_at_once_when_a_cell_fails(tmp_path):
    from playbook.report.engine.saving import Checkpoints

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")], metadata={"papermill": {}})
    manager = Checkpoints(notebook, output_path=str(tmp_path / "o.ipynb"), progress_bar=False)
    manager.notebook_start()
    manager.cell_start(notebook.cells[0], 0)
    assert not (tmp_path / "o.ipynb").exists()
    manager.cell_exception(notebook.cells[0], cell_index=0)
    manager.cell_complete(notebook.cells[0], 0)
    assert json.loads((tmp_path / "o.ipynb").read_text())["cells"][0]["metadata"]["papermill"]["status"] == "failed"


def test_the_template_holds_what_the_notebooks_import_and_no_more(tmp_path):
    cells = [
        "import pandas as pd\nfrom plotly import express",
        "from secret_of_mine import x",
        "'import scipy' in words",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(notebook, tmp_path / "n.ipynb")
    assert preload.wanted([tmp_path / "n.ipynb"]) == "pandas plotly scipy"


def test_a_grammar_loaded_late_still_judges_addresses():
    code = (
        "import sys; FIRST; import jsonschema as j\nprint('rfc3987_syntax' in sys.modules)\n"
        "check = j.Draft202012Validator({'format': 'iri'}, format_checker=j.Draft202012Validator.FORMAT_CHECKER).is_valid\n"
        "print(check('https://ü.example/'), check('no iri'))"
    )

    def said(first):
        run = [sys.executable, "-c", code.replace("FIRST", first)]
        return subprocess.run(run, capture_output=True, text=True, check=True, env=NO_LIBRARIES).stdout.split()

    late, at_once = said("from playbook.report.engine import warmed"), said("import jsonschema")
    assert late[0] == "False"
    assert late[1:] == at_once[1:]
