"""What test files share: a small engagement with notebooks of its own, a look at processes, an import's sum."""

from __future__ import annotations

import atexit
import datetime as dt
import json
import os
import shutil
import tempfile
import time
from functools import cache
from pathlib import Path

# read when numpy is loaded: threads that wait for each other over small matrices take ten times as long
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pandas as pd

from playbook.agents import runtime
from playbook.io.workspace import Workspace

PHASE = "phase9_trial"
PARAMETERS = "workspace: str = ''  # folder or URL\nteam: str = ''  # the team's id\nmost: int = 3  # how many\n"


def code(source, *tags):
    meta = {"tags": list(tags)}
    return {"cell_type": "code", "id": f"c{abs(hash(source)) % 10**8}", "metadata": meta, "source": source} | {
        "execution_count": None,
        "outputs": [],
    }


def write_notebook(folder, name, *sources, phase=PHASE, parameters=PARAMETERS):
    title = {"cell_type": "markdown", "id": "title", "metadata": {}, "source": f"# {name}"}
    cells = [title, code(parameters, "parameters"), *map(code, sources)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path = folder / "notebooks" / phase / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))
    return path


@cache
def _new_workspace(_process):
    """A workspace nobody has opened since it was made; migrating each test's own takes longer than most tests."""
    place = Path(tempfile.mkdtemp(prefix="playbook-new-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return Workspace.create(place / "engagement", organisation="Acme", start=dt.date(2026, 11, 2)).folder


def make_workspace(folder, *teams):
    """A new workspace with these teams, on SQLite: a copy of a closed one, so all of a process have one secret."""
    workspace = copy_of(_new_workspace(os.getpid()), folder)
    if teams:
        with workspace.change() as change:
            change.put("teams", pd.DataFrame({"team": list(teams), "name": [team.title() for team in teams]}))
    return workspace


def copy_of(engagement, folder):
    """A workspace of one's own: the folder of another, whose database nobody has open, copied and opened."""
    assert not list(engagement.glob("workspace.sqlite-*")), f"{engagement} is in use"
    shutil.copytree(engagement, folder)
    return Workspace.open(folder)


class AtWork:
    """A workspace's agents at work; records in memory follow the same rules without a database for each of many runs."""

    def __init__(self, workspace, records=None):
        self.workspace, self.folder, self.records = workspace, workspace.folder, records

    def read(self, table):
        return pd.DataFrame(self.records.rows(table)) if self.records else self.workspace.read(table)

    def run(self, policy, **how):
        return runtime.run(self.workspace, policy, records=self.records, **how)


def facts_of(path):
    return json.loads(path.read_text())["metadata"]["playbook"]


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.1)


def lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def reconciles(summary):
    """Whether an import's summary accounts for every row it read."""
    return summary.rows_read == summary.stored + summary.rejected + summary.duplicates


def with_teams(workspace):
    """The workspace with two teams."""
    with workspace.change() as change:
        change.put("teams", pd.DataFrame({"team": ["content", "growth"], "name": ["Content", "Growth team"]}))
    return workspace
