"""JupyterLab on a workspace: the notebooks as copies to run and change by hand, apart from what a batch runs.

A copy lies in the engagement folder's `lab`, so that outputs saved by hand never become the notebook of a report; to
change a report's page, put the changed notebook at the same path under the engagement folder's `notebooks`.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipykernel.kernelspec import write_kernel_spec

import playbook
from playbook.io import content
from playbook.report import lab_kernel
from playbook.report.binding import title
from playbook.report.jobs import START, known

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playbook.io.workspace import Workspace
    from playbook.report.jobs import Phase

FOLDER = "lab"
SETTINGS_FOLDER = ".settings"
KERNELS = "jupyter"
# The news question would stand on the projector in the middle of a workshop.
SETTINGS: dict[str, dict[str, Any]] = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension:plugin": {"autosaveInterval": 30},
}
# ipykernel's own, started without its debugger, which Lab then greys out
KERNEL: dict[str, Any] = {
    "argv": [sys.executable, lab_kernel.__file__, "-f", "{connection_file}"],
    "metadata": {"debugger": False},
}
# letters for the last row of a room, and the launcher's tiles
EXTENSIONS = Path(playbook.__file__).resolve().parent / "widgets" / "labextensions"


def copies(workspace: Workspace) -> Path:
    """The folder of notebooks to run by hand; a notebook that is not there yet is copied, others are left alone."""
    folder = (workspace.folder or Path.cwd()).resolve() / FOLDER
    for phase in known(workspace.folder, by_hand=True):
        for notebook in phase.notebooks:
            copy = folder / Path(notebook).relative_to("notebooks")
            if not copy.exists():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(content.find(notebook, workspace.folder), copy)
    return folder


def tiles(phases: Sequence[Phase]) -> list[dict[str, str]]:
    """What the launcher offers: the first page of each folder, with `label`, `caption`, `mark` (a sign) and `path`."""
    return [
        {
            "label": "Start" if phase.folder == START else title(phase),
            "caption": "Where the team stands in the ninety days" if phase.folder == START else "Its first page",
            "mark": phase.name[:1].upper(),
            "path": Path(phase.notebooks[0]).relative_to("notebooks").as_posix(),
        }
        for phase in phases
    ]


def command(folder: Path, phases: Sequence[Phase], *, browser: bool) -> list[str]:
    """The command that starts JupyterLab on these copies, fit for a projector, with a tile for each phase."""
    settings = folder / SETTINGS_FOLDER
    settings.mkdir(parents=True, exist_ok=True)
    _write(settings / "overrides.json", SETTINGS)
    _write(settings / "page_config.json", {"playbookTiles": json.dumps(tiles(phases))})
    kernel = settings / KERNELS / "kernels" / "python3"
    shutil.rmtree(kernel, ignore_errors=True)
    write_kernel_spec(str(kernel), overrides=KERNEL)
    words = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}"]
    words += [f"--LabApp.app_settings_dir={settings}", f"--LabApp.extra_labextensions_path={EXTENSIONS}"]
    if (folder / "00_start.ipynb").is_file():
        words.append("--LabApp.default_url=/lab/tree/00_start.ipynb")
    if not browser:
        words.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        words.append("--allow-root")
    return words


def start(workspace: Workspace, *, browser: bool = True) -> int:
    """Run JupyterLab until it ends and return its exit code."""
    place = str(workspace.folder.resolve()) if workspace.folder else workspace.url
    folder = copies(workspace)
    words = command(folder, known(workspace.folder, by_hand=True), browser=browser)
    kernels = os.pathsep.join(filter(None, [str(folder / SETTINGS_FOLDER / KERNELS), os.environ.get("JUPYTER_PATH")]))
    env = {**os.environ, "PLAYBOOK_WORKSPACE": place, "JUPYTER_PATH": kernels}
    # Ctrl-C is for JupyterLab, which asks whether it is meant.
    before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        return subprocess.call(words, env=env)  # noqa: S603 - our own words
    finally:
        signal.signal(signal.SIGINT, before)


def _write(path: Path, settings: dict[str, Any]) -> None:
    path.write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
