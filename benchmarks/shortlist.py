"""Time and peak memory of rank acceptability: the kit's chunked count beside plain numpy that holds every score.

    python benchmarks/shortlist.py                              10,000 tasks x 10,000 weightings
    python benchmarks/shortlist.py --tasks 1000 --draws 10000   smaller
    python benchmarks/shortlist.py --hard                       strengths that trade off, so that few can be left out

Each way runs in a process of its own, so that its peak (the largest resident set less that before the start, as Linux
counts it) is its own. Every task is a workflow of its own, with ratings and volumes drawn at random. The peers hold all scores, 8 bytes
each: `plain` sorts them for every rank, `partition` looks for the first three alone; both are written as one would
without thinking of memory. A peer that needs more than the machine has free is named and left out. Shares of all ways
must agree; the script stops where they do not.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

import playbook
from playbook import workflows
from playbook.tables import FACTORS, TASKS, check

MOST = 3


def tasks(n: int, seed: int = 1) -> pd.DataFrame:
    """An inventory of n workflows of one task each."""
    rng = np.random.default_rng(seed)
    cells = {"team": "t", "task_id": [f"{i:06}" for i in range(n)], "workflow": [f"w{i:06}" for i in range(n)]}
    cells |= {"task": "do", "runs_per_month": rng.gamma(1, 20, n), "minutes_per_run": rng.gamma(2, 20, n)}
    return check(TASKS, pd.DataFrame(cells | {name: rng.integers(4, 21, n) / 4 for name in FACTORS}))


def strengths(n: int, *, hard: bool) -> np.ndarray:
    """The criteria of n candidates as the kit scores them, on the log scale; `hard` ones trade off against each other."""
    rule = playbook.load("pilots")
    if hard:
        return np.log(np.random.default_rng(1).dirichlet(np.ones(len(rule.names)), n))
    values = workflows.criteria(tasks(n), rule)[rule.names].to_numpy(dtype=float)
    return np.log(np.maximum(values, 0.01))


def kit(values: np.ndarray, draws: int) -> np.ndarray:
    return workflows.acceptability(values, draws=draws, most=MOST, seed=1).top


def weightings(values: np.ndarray, draws: int) -> np.ndarray:
    drawn = np.random.default_rng(1).standard_gamma(np.ones(values.shape[1]), size=(draws, values.shape[1]))
    return drawn / drawn.sum(axis=1, keepdims=True)


def plain(values: np.ndarray, draws: int) -> np.ndarray:
    """Every score at once, then every rank."""
    scores = weightings(values, draws) @ values.T
    ranks = (-scores).argsort(axis=1).argsort(axis=1)
    return (ranks < MOST).mean(axis=0)


def partition(values: np.ndarray, draws: int) -> np.ndarray:
    """Every score at once, then the first three of each weighting."""
    scores = weightings(values, draws) @ values.T
    first = np.argpartition(-scores, MOST, axis=1)[:, :MOST]
    return np.bincount(first.ravel(), minlength=len(values)) / draws


WAYS = {"kit, chunked": (kit, 0), "plain, every rank": (plain, 40), "plain, first three": (partition, 32)}
"""Each way and the bytes a score it holds at its peak, to say beforehand whether it fits."""


def free_bytes() -> float:
    return _kilobytes("/proc/meminfo", "MemAvailable") * 1024


def _kilobytes(file: str, name: str) -> float:
    lines = Path(file).read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def one(way: str, n: int, draws: int, *, hard: bool) -> None:
    """Run one way and print its figures as JSON."""
    values = strengths(n, hard=hard)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the highest mark so far counts anew
    before = _kilobytes("/proc/self/status", "VmRSS")
    begun, cpu = time.perf_counter(), time.process_time()
    top = WAYS[way][0](values, draws)
    facts = {"wall": time.perf_counter() - begun, "cpu": time.process_time() - cpu}
    facts["peak"] = (_kilobytes("/proc/self/status", "VmHWM") - before) / 1024
    print(
        json.dumps(facts | {"first": np.argsort(-top, kind="stable")[:10].tolist(), "top": np.sort(top)[-10:].tolist()})
    )


def measured(way: str, options: argparse.Namespace) -> dict | None:
    needed = WAYS[way][1] * options.tasks * options.draws
    if needed > 0.8 * free_bytes():
        print(f"| {way} | left out: needs about {needed / 2**30:.1f} GiB, {free_bytes() / 2**30:.1f} are free | | |")
        return None
    command = [sys.executable, __file__, "--way", way, "--tasks", str(options.tasks), "--draws", str(options.draws)]
    runs = []
    for _ in range(options.repeat):
        done = subprocess.run(command + ["--hard"] * options.hard, capture_output=True, text=True, check=True)
        runs.append(json.loads(done.stdout))
    best = min(runs, key=lambda run: run["wall"])
    print(f"| {way} | {best['wall']:.2f} | {best['cpu']:.2f} | {max(run['peak'] for run in runs):,.0f} |")
    return best


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--tasks", type=int, default=10_000)
    reader.add_argument("--draws", type=int, default=10_000)
    reader.add_argument("--repeat", type=int, default=3, help="the fastest of so many runs is shown")
    reader.add_argument("--hard", action="store_true", help="strengths that trade off")
    reader.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    options = reader.parse_args()
    if options.way:
        one(options.way, options.tasks, options.draws, hard=options.hard)
        return
    print(
        f"{options.tasks:,} tasks x {options.draws:,} weightings{', trading off' * options.hard}; Python {platform.python_version()}"
    )
    begun = time.perf_counter()
    strengths(options.tasks, hard=False)
    print(f"making, checking and criteria of the inventory: {time.perf_counter() - begun:.1f} s\n")
    print("| way | wall s | CPU s | peak MiB above the start |\n|---|---|---|---|")
    found = [run for way in WAYS if (run := measured(way, options))]
    if any(not np.allclose(run["top"], found[0]["top"], atol=1e-9) for run in found):
        raise SystemExit("the ways disagree on who is among the first")


if __name__ == "__main__":
    main()
