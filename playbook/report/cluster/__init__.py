"""A batch on a dask.distributed cluster: the jobs of a plan sent as tasks of plain text, their outcomes as they come.

The cluster's machines open the workspace by its PostgreSQL URL, with a password of their own environment
(PLAYBOOK_DATABASE_PASSWORD), and store executed notebooks where every machine sees them (`cluster.store`). What a
worker does with a task is in `cluster.worker`.
"""

from __future__ import annotations

import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any

from playbook.errors import ParameterError, RunError
from playbook.report.cluster.store import Mirror, library, said
from playbook.report.cluster.task import tasks
from playbook.report.execute import Outcome, give_up
from playbook.report.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from playbook.io.workspace import Workspace
    from playbook.report.jobs import Job

JOIN = 10.0
"""Seconds to reach the scheduler."""

ALONE = 60.0
"""Seconds a batch waits for a worker when the cluster has none left."""

LOOK = 5.0
"""Seconds between two looks whether there are any."""

TICK = 0.02
ANSWERED = ("finished", "error", "cancelled")

RETRIES = 2
"""How often dask tries a task again that raised: the kit's own failures are answers, so this is a worker in trouble."""

GONE = "the cluster is gone or gave the batch up; what was finished is kept, and the next run does the rest"
FELL = "all workers it was given to died; is there enough memory?"
TWICE = "its process died twice; is there enough memory?"


def outcomes(  # noqa: PLR0913, PLR0917 - what, on which cluster, and as `workers.outcomes`
    jobs: Sequence[Job],
    address: str,
    workspace: Workspace,
    mirror: Mirror,
    engine: str | None = None,
    limits: Limits | None = None,
) -> Generator[Outcome]:
    """Execute the jobs on the cluster whose scheduler is at `address` and yield each outcome as it comes.

    Every executed notebook is in the mirror's store and in its folder here when its outcome is yielded. A job whose
    worker dies is given to another. When the caller stops early, closes the iterator or is interrupted, what still
    runs is ended on the workers. Raises ParameterError for a workspace or address a cluster cannot use, RunError when
    the cluster cannot be reached, refuses the batch or is gone; what is finished by then stays.
    """
    check(workspace)
    if not jobs:
        return
    texts = tasks(jobs, workspace, mirror, engine, limits or Limits())
    with _joined(address) as client:
        keys = list(texts)
        futures = client.map(_work, list(texts.values()), key=keys, pure=False, retries=RETRIES)
        waiting = dict(zip(keys, zip(jobs, futures, strict=True), strict=True))
        completed = library("distributed").as_completed(futures, loop=client.loop)
        del futures, texts
        try:
            while waiting:
                future = _next(client, completed, address)
                if future.status in ANSWERED:
                    yield _outcome(waiting.pop(future.key)[0], future, mirror)
                else:
                    # The worker that had the answer died with it; another asks what was stored, or does the task.
                    completed.add(future)
        finally:
            with contextlib.suppress(Exception):  # a cluster that is gone holds nothing to cancel
                client.cancel([future for _, future in waiting.values()], asynchronous=False)


def check(workspace: Workspace, workers: int | None = None) -> None:
    """Refuse what a cluster cannot do before anything runs. Raises ParameterError."""
    if workers is not None:
        raise ParameterError(
            "--workers counts processes of this machine; with --dask the cluster has workers of its own"
        )
    if workspace.url.startswith("sqlite"):
        raise ParameterError(
            f"--dask: the machines of a cluster cannot see the SQLite file {workspace.url.partition(':///')[2]}; use a "
            "workspace in PostgreSQL (`playbook new FOLDER --database postgresql://user@host:5432/database`)"
        )
    library("distributed")


def _work(task: dict[str, str]) -> dict[str, Any]:
    from playbook.report.cluster.worker import work  # noqa: PLC0415 - only a worker has to have the kit

    return work(task)


# Dask's scheduler reads functions by name where it can, and would then need the kit; one of `__main__` travels whole.
_work.__module__ = "__main__"


def _outcome(job: Job, future: Any, mirror: Mirror) -> Outcome:
    """What became of a job, its notebook brought here."""
    if future.status == "cancelled":
        raise RunError(GONE)
    if future.status == "error":
        error = future.exception()
        if type(error).__name__ == "KilledWorker":
            return _given_up(job, FELL, 1, mirror)
        raise RunError(f"a worker of the cluster could not do {job.title}: {said(error)}{_advice(error)}")
    try:
        answer: Mapping[str, Any] = future.result()
    except Exception as error:
        raise RunError(GONE) from error
    status = answer["status"]
    if status == "refused":
        raise RunError(f"a worker of the cluster cannot do this batch. {answer['error']}")
    if status == "died":
        return _given_up(job, TWICE, answer["runs"], mirror)
    if status in ("done", "failed"):
        mirror.fetch(job.output)
    return Outcome(job, **answer)


def _given_up(job: Job, reason: str, runs: int, mirror: Mirror) -> Outcome:
    with contextlib.suppress(OSError):  # said by what follows
        job.output.parent.mkdir(parents=True, exist_ok=True)
    outcome = give_up(job, reason, runs)
    if outcome.status == "failed":
        mirror.put(job.output)
    return outcome


def _advice(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        return "; install transition-playbook[dask,postgres] on every machine of the cluster"
    return ""


@contextlib.contextmanager
def _joined(address: str) -> Iterator[Any]:
    """A client of the cluster. Raises ParameterError or RunError when there is none to join."""
    distributed = library("distributed")
    # It tells of workers that come and go and of the batch's own end; outcomes say what matters of that.
    for name in ("distributed", "distributed.client", "distributed.core", "distributed.comm"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = distributed.Client(address, timeout=JOIN, set_as_default=False, name="playbook")
    except ValueError as error:
        raise ParameterError(f"--dask: found {address!r}; wanted a scheduler's address as tcp://host:8786") from error
    except (OSError, ImportError) as error:
        raise RunError(
            f"--dask: no scheduler answers at {address} ({said(error)}); start one with `dask scheduler`"
        ) from error
    try:
        if not _has_workers(client):
            raise RunError(f"--dask: the cluster at {address} has no worker; start some with `dask worker {address}`")
        yield client
    finally:
        with contextlib.suppress(Exception):
            client.close(timeout=JOIN)


def _next(client: Any, completed: Any, address: str) -> Any:
    """The next future that ended. Raises RunError when the cluster has had no worker for too long."""
    seen = looked = time.monotonic()
    while not completed.has_ready():
        time.sleep(TICK)
        now = time.monotonic()
        if now - looked > LOOK:
            looked = now
            seen = now if _has_workers(client) else seen
        if now - seen > ALONE:
            raise RunError(
                f"the cluster at {address} has had no worker for {ALONE:.0f} seconds; what was finished is kept, and "
                "the next run does the rest"
            )
    return next(completed)


def _has_workers(client: Any) -> bool:
    try:
        return bool(client.scheduler_info(n_workers=-1)["workers"])
    except OSError:  # the scheduler does not answer now; if it never does, dask ends the futures
        return False
