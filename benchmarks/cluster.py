"""Reports a minute on a Dask cluster: warm drivers against plain papermill tasks, same notebooks, same two workers.

    python benchmarks/cluster.py                        20 reports of the bundled made-up company
    python benchmarks/cluster.py --reports 40 --workers 4
    python benchmarks/cluster.py --database postgresql://user@host/database    on a server that runs already

A cluster of separate processes is started on this machine, and a PostgreSQL server on loopback unless one is given.
Times are from the first task sent to the last notebook stored; HTML is no part of them. The first line of ours holds the
start of the drivers, which stay warm for later batches; plain papermill pays a kernel start in every task.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import os
import platform
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import papermill
from distributed import Client, LocalCluster

from playbook.io import sample
from playbook.io.workspace import Workspace
from playbook.report import cluster
from playbook.report import jobs as plans
from playbook.report.cluster.store import Mirror

SERVER_USER = "postgres"


def main() -> None:
    """Run both ways and print the table."""
    asked = _arguments()
    with tempfile.TemporaryDirectory(prefix="cluster-") as scratch, contextlib.ExitStack() as undo:
        url = asked.database or undo.enter_context(postgres())
        workspace, jobs = planned(Path(scratch), url, asked.reports)
        crew = undo.enter_context(
            LocalCluster(n_workers=asked.workers, threads_per_worker=1, dashboard_address=None, host="127.0.0.1")
        )
        print(f"{platform.system()}, {len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}; load now "
              f"{os.getloadavg()[0]:.1f}; {len(jobs)} reports, {asked.workers} workers of one thread\n")  # fmt: skip
        reports = Path(scratch) / "reports"
        names = ("ours, drivers started", "ours, warm")
        results = [(name, ours(jobs, crew.scheduler_address, workspace, reports)) for name in names]
        with Client(crew.scheduler_address, set_as_default=False) as client:
            results.append(("plain papermill tasks", plain(jobs, client, workspace.url, Path(scratch))))
    slowest = results[-1][1]
    print("| way | reports | wall s | reports a minute | faster than plain tasks by |\n|---|---|---|---|---|")
    for name, seconds in results:
        print(f"| {name} | {len(jobs)} | {seconds:.1f} | {60 * len(jobs) / seconds:.0f} | {slowest / seconds:.1f}x |")


def planned(folder: Path, url: str, count: int) -> tuple[Workspace, list[Any]]:
    """The bundled company in PostgreSQL and the first `count` notebooks of its plan, without an engagement folder."""
    made = sample.create(folder / "company", start=dt.date(2026, 11, 2), database=url)
    workspace = Workspace.open(made.url)
    return workspace, plans.plan(workspace, reports=folder / "reports")[:count]


def ours(jobs: list[Any], address: str, workspace: Workspace, reports: Path) -> float:
    """Seconds the kit takes to have every notebook stored."""
    mirror = Mirror(reports)
    mirror.store.prepare()
    begun = time.perf_counter()
    made = list(cluster.outcomes(jobs, address, workspace, mirror))
    seconds = time.perf_counter() - begun
    if failed := [outcome.sentence for outcome in made if outcome.status != "done"]:
        raise SystemExit(f"ours did not finish: {failed[0]}")
    return seconds


def plain(jobs: list[Any], client: Any, url: str, folder: Path) -> float:
    """Seconds papermill's own tasks take on the same workers."""
    tasks = [
        (str(job.source), str(folder / f"plain-{number}.ipynb"), {**job.parameters, "workspace": url})
        for number, job in enumerate(jobs)
    ]
    begun = time.perf_counter()
    client.gather(client.map(papermill_task, tasks, pure=False))
    return time.perf_counter() - begun


def papermill_task(task: tuple[str, str, dict[str, Any]]) -> None:
    """What one writes without the kit."""
    source, output, parameters = task
    papermill.execute_notebook(
        source, output, parameters=parameters, progress_bar=False, kernel_name="python3", engine_name="nbclient"
    )


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """The URL of a server of this benchmark's own, on loopback, gone at the end."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path(shutil.which("pg_ctl") or "pg_ctl").parent)
    prefix = ["runuser", "-u", SERVER_USER, "--"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="cluster-pg-", ignore_cleanup_errors=True) as temporary:
        if prefix:
            shutil.chown(temporary, SERVER_USER)
        with socket.socket() as door:
            door.bind(("127.0.0.1", 0))
            port = door.getsockname()[1]

        def run(program: str, *words: str) -> None:
            subprocess.run([*prefix, str(programs / program), "-D", f"{temporary}/data", *words], check=True, cwd="/",
                           stdout=subprocess.DEVNULL)  # fmt: skip

        run("initdb", "-U", "playbook", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={temporary}"
        run("pg_ctl", "-l", f"{temporary}/log", "-w", "-o", options, "start")
        try:
            yield f"postgresql://playbook@127.0.0.1:{port}/postgres?schema=sample"
        finally:
            run("pg_ctl", "-m", "immediate", "-w", "stop")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reports", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--database", default="", metavar="URL", help="PostgreSQL; default: a server of its own")
    return parser.parse_args()


if __name__ == "__main__":
    main()
