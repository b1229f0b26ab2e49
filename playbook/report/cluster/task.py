"""What travels to a cluster's worker: a job as plain texts, and the engagement folder's own content with it.

No password and no path of the sender's machine is among them; each machine has its own.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import io
import json
import shutil
import uuid
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import playbook
from playbook.errors import ParameterError
from playbook.io.workspace.place import TOML
from playbook.report.engine import preload
from playbook.report.execute import Outcome, execute
from playbook.report.jobs import Job, kit_digest
from playbook.report.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from playbook.io.workspace import Workspace
    from playbook.report.cluster.store import Mirror

LARGEST = 4_000_000
"""Bytes of an engagement folder's own templates and assessments, packed, that travel with each task."""

BEGUN = "begun"
"""What a driver says when it has a task in hand, and with it where its scratch folder is."""


def tasks(
    jobs: Sequence[Job], workspace: Workspace, mirror: Mirror, engine: str | None, limits: Limits
) -> dict[str, dict[str, str]]:
    """Each job as plain texts, by its key in the cluster.

    Raises ParameterError when the engagement folder's own content is too large to travel.
    """
    batch = uuid.uuid4().hex
    folder = pack(workspace.folder)
    if len(folder) > LARGEST:
        raise ParameterError(
            f"--dask: templates and assessments in {workspace.folder} are {len(folder) / 1e6:.0f} MB packed and travel "
            f"with each task; wanted at most {LARGEST / 1e6:.0f} MB"
        )
    common = {
        "batch": batch,
        "kit": kit_digest(),
        "version": playbook.__version__,
        "libraries": preload.wanted({job.source for job in jobs}),
        "workspace": workspace.url,
        "folder": folder,
        "reports": str(mirror.store.folder or mirror.store.url),
        "engine": engine or "",
        "limits": json.dumps(dataclasses.asdict(limits)),
    }
    return {f"playbook-{batch}-{number}": common | _own(job, mirror) for number, job in enumerate(jobs)}


def serve(task: Mapping[str, str], scratch: Path) -> dict[str, Any]:
    """Execute a task in this process and say what became of it, and in which `file` the executed notebook is.

    The engagement folder is laid out anew for each, so that nothing a notebook leaves in it reaches another.
    """
    home, made = scratch / "home", scratch / "made"
    for folder in (home, made):
        shutil.rmtree(folder, ignore_errors=True)
    unpack(task["folder"], home)
    job = Job(
        phase=task["phase"],
        team=task["team"],
        notebook=task["notebook"],
        parameters=json.loads(task["parameters"]),
        output=made / Path(task["notebook"]).name,
        report=made / "report.html",
        source=_source(task["source"], scratch),
        cwd=str(home) if task["folder"] else "",
        key=task["key"],
    )
    outcome = execute(job, task["engine"] or None, Limits(**json.loads(task["limits"])), int(task["runs"]))
    return _said(outcome, task)


def pack(folder: Path | None) -> str:
    """What notebooks need of an engagement folder, as text: `workspace.toml`, the client's templates and assessments.

    Empty for a workspace without a folder.
    """
    if folder is None:
        return ""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as bundle:
        shelves = [folder / name for name in ("assessments", "templates")]
        files = [path for shelf in shelves for path in sorted(shelf.rglob("*")) if path.is_file()]
        for path in [folder / TOML, *files]:
            bundle.write(path, path.relative_to(folder).as_posix())
    return base64.b64encode(held.getvalue()).decode("ascii")


def unpack(packed: str, folder: Path) -> None:
    """Lay a packed engagement folder out. Raises ValueError for text that is none."""
    folder.mkdir(parents=True)
    if not packed:
        return
    try:
        with zipfile.ZipFile(io.BytesIO(base64.b64decode(packed, validate=True))) as bundle:
            bundle.extractall(folder)  # zipfile keeps every name below the folder
    except (binascii.Error, zipfile.BadZipFile) as error:
        raise ValueError(f"the engagement folder arrived damaged: {error}") from error


def _own(job: Job, mirror: Mirror) -> dict[str, str]:
    return {
        "phase": job.phase,
        "team": job.team,
        "notebook": job.notebook,
        "parameters": json.dumps(dict(job.parameters)),
        "output": mirror.name(job.output),
        "key": job.key,
        "source": job.source.read_text(encoding="utf-8"),
    }


def _source(text: str, scratch: Path) -> Path:
    """The notebook as a file named by its content: the engine reads each file once, however many teams share it."""
    path = scratch / "sources" / f"{hashlib.sha256(text.encode()).hexdigest()}.ipynb"
    if not path.is_file():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return path


def _said(outcome: Outcome, task: Mapping[str, str]) -> dict[str, Any]:
    """An outcome without its job; the scratch folder is no place a reader knows."""
    file = str(outcome.job.output)
    kept = file if outcome.status in ("done", "failed") else ""
    said = {name: getattr(outcome, name) for name in ("status", "seconds", "cell", "runs")}
    return {**said, "error": outcome.error.replace(file, task["output"]), "file": kept}
