"""An agent that is killed at any point goes on without repeating an effect."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from engagement import make_workspace

SCRIPT = Path(__file__).parent / "killed_agent.py"
ONCE = ["publish", "send", "delete"]


def killed(tmp_path, every):
    make_workspace(tmp_path / "w", "Content")
    made = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path / "w"), "4", str(every)], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    return [json.loads(line) for line in made.stdout.splitlines()]


def holds(rows):
    assert rows[-1]["killed"] is False
    for row in rows:
        runs = {
            tuple(effect[0] for effect in row["effects"][start : start + 3])
            for start in range(0, len(row["effects"]), 3)
        }
        assert runs == {tuple(ONCE)}, row
        # only a process killed after its run was written down as over leaves the next run to begin anew
        assert len(row["effects"]) == 3 or row["point"] >= rows[-1]["point"] - 2, row
        assert (row["status"], row["faults"]) == ("ok", []), row


def test_a_run_killed_all_along_it_does_every_effect_once_and_asks_where_it_cannot_know(tmp_path):
    # every ninth of the points at which the run writes or calls: each step is hit several times; benchmarks/guard.py
    # kills at every one
    rows = killed(tmp_path, 9)
    holds(rows)
    assert sum(row["asked"] for row in rows) > 0
