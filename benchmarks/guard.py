"""The guard under attack: every shared injection, 10,000 random sequences of actions, and kill -9 at every point of a run.

    python benchmarks/guard.py                                injections, 10,000 sequences on two processes, kills
    python benchmarks/guard.py --sequences 1000 --no-kills

Nobody approves anything in the first part, so every effect that happens there is one too many. In the second an oracle
with its own books looks at every effect, and the run ends at the first invariant that is broken.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent / "tests"
sys.path.insert(0, str(TESTS))

import guard_sequences  # noqa: E402 - the stand-ins live with the tests
import injections  # noqa: E402
from engagement import make_workspace  # noqa: E402
from hypothesis import HealthCheck, seed, settings  # noqa: E402
from hypothesis.stateful import run_state_machine_as_test  # noqa: E402


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--sequences", type=int, default=10_000)
    asked.add_argument("--actions", type=int, default=10, help="at most so many actions a sequence")
    asked.add_argument("--processes", type=int, default=2)
    asked.add_argument("--no-kills", action="store_true")
    asked.add_argument("--no-injections", action="store_true")
    given = asked.parse_args()
    if not given.no_injections:
        attack()
    at_random(given.sequences, given.actions, given.processes)
    if not given.no_kills:
        kill()


def attack() -> None:
    start = time.monotonic()
    ways = {"alone": injections.alone, "chain": injections.chain}
    ends, effects = injections.sweep(guard_sequences.folder(), ways, every=True)
    print(
        f"Injections: {len(injections.texts())} texts x levels 3-5 x 5 first attacks alone, x 6 through a chain of two agents"
    )
    print("| way | level | waiting | escalated | stopped | other |\n|---|---|---|---|---|---|")
    for way, level in sorted({(way, level) for way, level, _ in ends}):
        row = {status: count for (name, at, status), count in ends.items() if (name, at) == (way, level)}
        known = [row.pop(status, 0) for status in ("waiting", "escalated", "stopped")]
        print(f"| {way} | {level} | {known[0]} | {known[1]} | {known[2]} | {sum(row.values())} |")
    print(f"{sum(ends.values()):,} runs, unapproved effects: {effects}; {time.monotonic() - start:.0f} s\n")


def at_random(sequences: int, actions: int, processes: int) -> None:
    start = time.monotonic()
    share = [sequences // processes] * processes
    with ProcessPoolExecutor(processes) as pool:
        counts = sum(
            (Counter(found) for found in pool.map(_sequences, share, [actions] * processes, range(processes))),
            Counter(),
        )
    print("Random actions: " + ", ".join(f"{count:,} {name}" for name, count in counts.items()))
    print(f"broken invariants: 0; {time.monotonic() - start:.0f} s\n")


def _sequences(count: int, actions: int, number: int) -> dict[str, int]:
    chosen = settings(
        max_examples=count,
        stateful_step_count=actions,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(seed(number)(guard_sequences.Sequences), settings=chosen)
    finally:
        shutil.rmtree(guard_sequences.folder(), ignore_errors=True)  # processes of a pool end without their exit hooks
    return guard_sequences.COUNTS


def kill() -> None:
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        make_workspace(Path(folder) / "w", "content")
        command = [sys.executable, str(TESTS / "killed_agent.py"), str(Path(folder) / "w"), "4"]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    rows = [json.loads(line) for line in lines]
    killed = [row for row in rows if row["killed"]]
    # after its last line a run is over, and the next one is a new run with effects of its own
    over = sum(len(row["effects"]) == 6 for row in killed)
    keys = [Counter(effect[1] for effect in row["effects"]) for row in killed]
    repeated = sum(count > 1 for found in keys for count in found.values())
    print(
        f"kill -9: {len(killed)} points of a run with three effects; {sum(row['asked'] for row in killed)} asked a person"
    )
    print(f"effects repeated: {repeated}, runs not ended ok: {sum(row['status'] != 'ok' for row in killed)}, ", end="")
    print(
        f"logs with faults: {sum(bool(row['faults']) for row in killed)}, killed when over: {over}; {time.monotonic() - start:.0f} s"
    )


if __name__ == "__main__":
    main()
