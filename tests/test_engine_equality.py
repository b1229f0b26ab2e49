"""The zoo of notebooks through papermill's own engine and the warm one: equal cell by cell, less ids and times."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "zoo"))
import animals  # noqa: E402
import vet  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1200),  # the first test waits for the whole zoo
    pytest.mark.skipif(sys.platform != "linux", reason="the warm engine forks on Linux only"),
]

NAMES = list(animals.NOTEBOOKS)
BATCHED = ["results", "errors", "dies", "endless", "parameters", "process"]
"""Run as a batch runs them, too."""


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    """Each notebook executed by each engine, two processes at a time: engine to folder."""
    root = tmp_path_factory.mktemp("zoo")
    shares = [("nbclient", NAMES[::2]), ("nbclient", NAMES[1::2]), ("playbook", NAMES), ("run", BATCHED)]
    # ipykernel leaves the descriptors alone inside pytest; here they are captured as everywhere else.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    logs = [(root / f"log{number}.txt").open("w+") for number in range(len(shares))]
    with contextlib.ExitStack() as open_files:
        for log in logs:
            open_files.enter_context(log)

        def keep(engine, names, log):
            command = [sys.executable, HERE / "zoo" / "keeper.py", root / engine, engine, *names]
            outside = {"env": environment, "cwd": root, "stdout": log, "stderr": log}
            return subprocess.run(command, timeout=600, check=False, **outside).returncode

        with ThreadPoolExecutor(2) as pool:  # the next begins when one is done, not when both are
            ended = [pool.submit(keep, *share, log) for share, log in zip(shares, logs, strict=True)]
            assert [keeper.result() for keeper in ended] == [0] * 4, [log.name for log in logs]
        for log in logs[2:]:
            log.seek(0)
            assert "papermill's own engine" not in log.read()
    return root


def raised(folder: Path) -> dict[str, str]:
    return {name: text for path in folder.glob("raised-*.json") for name, text in json.loads(path.read_text()).items()}


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_comes_out_of_the_warm_engine_as_out_of_papermills(zoo, name):
    plain, warm = zoo / "nbclient", zoo / "playbook"
    theirs = vet.cells(plain / name / "out.ipynb", plain)
    ours = vet.cells(warm / name / "out.ipynb", warm)
    for number, (wanted, found) in enumerate(zip(theirs, ours, strict=True)):
        assert found == wanted, f"{name}, cell {number}"


@pytest.mark.parametrize("name", NAMES)
def test_the_same_error_is_raised(zoo, name):
    assert raised(zoo / "playbook").get(name) == raised(zoo / "nbclient").get(name)


@pytest.mark.parametrize("name", BATCHED)
def test_a_batch_gets_the_same_notebooks(zoo, name):
    plain, batch = zoo / "nbclient", zoo / "run"
    theirs = vet.cells(plain / name / "out.ipynb", plain)
    ours = vet.cells(batch / name / "out.ipynb", batch)
    if name != "endless":  # its limit is the notebook's, not the cell's: the message names the seconds left
        assert raised(batch).get(name) == raised(plain).get(name)
    for number, (wanted, found) in enumerate(zip(theirs, ours, strict=True)):
        assert found == wanted, f"{name}, cell {number}"


def test_exit_hooks_run_in_both(zoo):
    for engine in ("nbclient", "playbook", "run"):
        assert (zoo / engine / "process" / "work" / "exit_hook_ran").exists()


def test_the_zoo_holds_what_the_engine_promises():
    sources = json.dumps(animals.NOTEBOOKS)
    for promise in ("%%time", "input(", "sys.exit", "os._exit", "await ", "widgets.", "go.Figure", ".style", "remove-cell",
                    "raises-exception", "update_display", "5_000_000", "%matplotlib", "while True", "日本語"):  # fmt: skip
        assert promise in sources or promise.encode("unicode_escape").decode() in sources, promise
