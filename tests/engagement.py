"""What test files share: a small engagement with notebooks of its own, a look at processes, an import's sum."""

from __future__ import annotations

import datetime as dt
import json
import os
import time
from pathlib import Path

import pandas as pd

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


def make_workspace(folder, *teams):
    workspace = Workspace.create(folder, organisation="Acme", start=dt.date(2026, 11, 2))
    if teams:
        with workspace.change() as change:
            change.put("teams", pd.DataFrame({"team": list(teams), "name": [team.title() for team in teams]}))
    return workspace


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
