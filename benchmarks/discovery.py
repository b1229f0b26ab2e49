"""Discovery from event logs: ours and PM4Py on the same CSV file, the same questions and machine, in one go.

    python benchmarks/discovery.py                           0.1 and 1 million events
    python benchmarks/discovery.py --events 1e6 1e7          and 10 million
    python benchmarks/discovery.py --events 1e7 --rounds 3   three times in turn, the median of each
    python benchmarks/discovery.py --events 1e7 --only ours  without the peer

The questions both answer: how often does each activity directly follow which, how long do cases take, which variants
are there, how often does each activity happen. Ours gives its full result besides (waiting, active minutes, handovers,
rework, intervals, suppression of small groups). Each way runs in a process of its own; wall time is from its start to
its end, imports included, memory the largest resident set (VmHWM). The answers are compared.

The logs are made up, with a fixed seed: a content team's process with clarifications, returned reviews and corrections,
as a tool would export it: in the order of time, cases interleaved. PM4Py (AGPL) is installed in a temporary environment
for the measurement only.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

PROCESS = {
    "Brief received": {"Brief clarified": 0.3, "Planned": 0.7},
    "Brief clarified": {"Planned": 0.9, "Brief clarified": 0.1},
    "Planned": {"Researched": 0.6, "Draft written": 0.4},
    "Researched": {"Draft written": 0.95, "Researched": 0.05},
    "Draft written": {"Draft edited": 0.85, "Sent to review": 0.15},
    "Draft edited": {"Draft edited": 0.25, "Images made": 0.35, "Sent to review": 0.4},
    "Images made": {"Sent to review": 0.8, "Images made": 0.2},
    "Sent to review": {"Review returned": 0.3, "Search wording checked": 0.35, "Approved": 0.35},
    "Review returned": {"Draft edited": 0.9, "Cancelled": 0.1},
    "Search wording checked": {"Approved": 0.7, "Legal checked": 0.2, "Draft edited": 0.1},
    "Legal checked": {"Approved": 0.8, "Review returned": 0.2},
    "Approved": {"Scheduled": 0.7, "Published": 0.3},
    "Scheduled": {"Rescheduled": 0.15, "Published": 0.85},
    "Rescheduled": {"Published": 0.9, "Rescheduled": 0.1},
    "Published": {"Corrected": 0.08, "Promoted": 0.5, "Results reported": 0.2, "": 0.22},
    "Corrected": {"Published": 1.0},
    "Promoted": {"Results reported": 0.5, "": 0.5},
    "Results reported": {"": 1.0},
    "Cancelled": {"": 1.0},
}
"""What follows an activity with which chance; nothing: the piece of work is over."""
SEED = 7
EVENTS_A_CASE = 10.5
EVENTS_A_PERSON = 20_000

OURS = """
import json, sys
from playbook.io.intake import discover
found = discover(sys.argv[1], memory_limit=sys.argv[2])
days = found.cases["duration_days"]
json.dump({
    "arcs": {f"{s}>{t}": int(n) for s, t, n in zip(found.arcs["source"], found.arcs["target"], found.arcs["count"])},
    "seconds": float(days.sum() * 86400), "cases": len(days), "variants": len(found.variants),
    "largest": int(found.variants["cases"].max()),
    "activities": {a: int(n) for a, n in zip(found.activities["activity"], found.activities["events"])},
    "peak": int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))),
}, open(sys.argv[3], "w"))
"""

PM4PY = """
import json, sys
import pandas as pd
import pm4py
log = pd.read_csv(sys.argv[1])
log["timestamp"] = pd.to_datetime(log["timestamp"], utc=True)
log = pm4py.format_dataframe(log, case_id="case_id", activity_key="activity", timestamp_key="timestamp")
arcs, _, _ = pm4py.discover_dfg(log)
durations = pm4py.get_all_case_durations(log)
variants = pm4py.get_variants(log)
activities = pm4py.get_event_attribute_values(log, "concept:name")
json.dump({
    "arcs": {f"{s}>{t}": int(n) for (s, t), n in arcs.items()},
    "seconds": float(sum(durations)), "cases": len(durations), "variants": len(variants),
    "largest": int(max(n if isinstance(n, int) else len(n) for n in variants.values())),
    "activities": {a: int(n) for a, n in activities.items()},
    "peak": int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))),
}, open(sys.argv[3], "w"))
"""


@dataclass(frozen=True)
class Result:
    """What a run took and answered: wall and CPU seconds, peak memory in MB."""

    name: str
    events: int
    wall: float
    cpu: float
    memory: float
    answers: dict[str, object]


def make_log(events: int, path: Path) -> None:
    """Write a log of so many events, the same for the same number."""
    rng = np.random.default_rng(SEED)
    names = list(PROCESS)
    chances = np.zeros((len(names), len(names) + 1))
    for source, targets in PROCESS.items():
        for target, chance in targets.items():
            chances[names.index(source), names.index(target) if target else len(names)] = chance
    limits = chances.cumsum(axis=1)
    limits[:, -1] = 1
    people, cases = 20 + events // EVENTS_A_PERSON, int(events / EVENTS_A_CASE) + 10
    days = 120 if events < 500_000 else 360 if events < 5_000_000 else 1080
    case, state = np.arange(cases), np.zeros(cases, np.int8)
    now = rng.integers(0, days * 86_400, cases)
    parts = []
    while len(case):
        person = (state.astype(np.int64) * 7919 + rng.integers(0, max(6, people // 8), len(case)) * 31) % people
        parts.append((case, state, now, person))
        following = (rng.random(len(case))[:, None] > limits[state]).sum(axis=1)
        goes_on = following < len(names)
        case, state, now = case[goes_on], following[goes_on].astype(np.int8), now[goes_on]
        soon = rng.random(len(case)) < 0.3
        later = rng.lognormal(10.5, 1.3, len(case)).astype(np.int64) + 60
        now = now + np.where(soon, rng.integers(60, 1800, len(case)), later)
    case, state, now, person = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.argsort(now, kind="stable")[:events]
    log = {"c": case[order], "a": state[order].astype(np.int64), "t": now[order], "p": person[order]}
    begin = int(np.datetime64("2023-01-02T08:00:00", "s").astype(np.int64))
    words = ", ".join(f"'{name}'" for name in names)
    assert len(log["c"]) == events
    duckdb.sql(
        f"COPY (SELECT 'POST-' || lpad(c::VARCHAR, 7, '0') AS case_id, ([{words}])[a + 1] AS activity, "
        f"strftime(make_timestamp((t + {begin}) * 1000000), '%Y-%m-%dT%H:%M:%SZ') AS timestamp, "
        f"'p' || lpad(p::VARCHAR, 4, '0') || '@team.example' AS resource FROM log) TO '{path}' (HEADER)"
    )


def measured(name: str, events: int, command: list[str], answers: Path) -> Result:
    """Run the command to its end."""
    before, begun = os.times(), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - begun, os.times()
    if done.returncode:
        raise RuntimeError(f"{name} failed: {done.stderr.strip().splitlines()[-1][:300]}")
    said = json.loads(answers.read_text())
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Result(name, events, wall, cpu, said.pop("peak") / 1024, said)


def peer(folder: Path) -> str | None:
    """An interpreter that has PM4Py and only it, or None."""
    place = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    python = str(place / "bin" / "python")
    done = subprocess.run([python, "-m", "pip", "install", "-q", "pm4py"], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"pm4py: left out, it could not be installed: {done.stderr.strip().splitlines()[-1][:200]}")
        return None
    version = subprocess.run([python, "-m", "pip", "list"], capture_output=True, text=True, check=True).stdout
    print(
        ", ".join(
            " ".join(line.split()) for line in version.splitlines() if line.split()[0] in ("pm4py", "pandas", "numpy")
        )
    )
    return python


def main() -> None:
    """Make each log, run each way over it, print the table."""
    asked = _arguments()
    with tempfile.TemporaryDirectory(prefix="discovery-", dir=asked.folder) as scratch:
        folder = Path(scratch)
        cores, memory = len(os.sched_getaffinity(0)), os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        print(f"{platform.system()}, {cores} cores, {memory:.0f} GiB, Python {platform.python_version()}")
        python = None if asked.only == "ours" else peer(folder)
        results = []
        for events in asked.events:
            path, answers = folder / f"{events}.csv", folder / "answers.json"
            make_log(events, path)
            print(
                f"{events:,} events, {path.stat().st_size / 1e6:.0f} MB of CSV, load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
            ways = (
                {}
                if asked.only == "pm4py"
                else {"ours": [sys.executable, "-c", OURS, path, asked.memory_limit, answers]}
            )
            if python:
                ways["pm4py"] = [python, "-c", PM4PY, path, "", answers]
            runs = _rounds(asked.rounds, events, ways, answers)
            _compare(runs)
            results += runs
            path.unlink()
        _table(results)


def _rounds(rounds: int, events: int, ways: dict[str, list[object]], answers: Path) -> list[Result]:
    """The ways in turn, so many times; of each the run whose wall time is the median."""
    found: dict[str, list[Result]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            run = measured(name, events, [str(part) for part in way], answers)
            print(f"  {name}: {run.wall:.1f} s, {run.memory:.0f} MB", flush=True)
            found[name].append(run)
    return [sorted(runs, key=lambda run: run.wall)[(rounds - 1) // 2] for runs in found.values()]


def _compare(runs: list[Result]) -> None:
    """Both must give the same answers, or the times mean nothing."""
    for one, other in itertools.pairwise(runs):
        for question, answer in one.answers.items():
            theirs = other.answers[question]
            equal = np.isclose(answer, theirs) if isinstance(answer, float) else answer == theirs
            if not equal:
                raise RuntimeError(f"{one.name} and {other.name} differ in {question}")
        print(f"  the same answers: {len(one.answers['arcs'])} arcs, {one.answers['cases']:,} cases, "
              f"{one.answers['variants']:,} variants, {len(one.answers['activities'])} activities", flush=True)  # fmt: skip


def _table(results: list[Result]) -> None:
    print("\n| events | way | wall s | CPU s | peak MB | ours: times less time | times less memory |")
    print("|---|---|---|---|---|---|---|")
    ours = {run.events: run for run in results if run.name == "ours"}
    for run in results:
        mine = ours.get(run.events)
        ratios = f"{run.wall / mine.wall:.1f}x | {run.memory / mine.memory:.1f}x" if mine and run is not mine else " | "
        print(f"| {run.events:,} | {run.name} | {run.wall:.1f} | {run.cpu:.1f} | {run.memory:.0f} | {ratios} |")
    sizes = sorted(ours)
    for small, large in itertools.pairwise(sizes):
        growth = ours[large].wall / ours[small].wall
        print(
            f"ours from {small:,} to {large:,} events: {large / small:.0f} times the events, {growth:.1f} times the time"
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=lambda text: int(float(text)), nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--only", choices=["ours", "pm4py"])
    parser.add_argument("--rounds", type=int, default=1, help="how often the ways take turns; the median counts")
    parser.add_argument("--memory-limit", default="160MB", help="what DuckDB may use")
    parser.add_argument("--folder", help="where the logs and the peer's environment are put (and removed)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
