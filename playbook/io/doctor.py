"""What is installed on this machine, what is missing, and what that costs."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

DISTRIBUTION = "transition-playbook"
NAMED_CHROMIUM = "PLAYBOOK_CHROMIUM"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
EXTRAS = {
    "llm": "drafting agents offer fill-in templates instead of drafts",
    "postgres": "workspaces are SQLite files; a shared PostgreSQL database cannot be opened",
    "dask": "a batch runs on this machine only",
    "images": "charts are in reports, not as picture files",
}
OLDEST_PYTHON = (3, 11)
OLDEST_SQLITE = (3, 24)
ROOM_MB = 500


@dataclass(frozen=True)
class Check:
    """One finding: `name` what was looked for, `ok` whether it is there, `found` what is, `cost` what lacking it means.

    `required` says whether the kit works at all without it.
    """

    name: str
    ok: bool
    found: str
    cost: str
    required: bool = False


def checks(folder: Path | None = None) -> list[Check]:
    """Look for everything the kit can use; `folder` is where workspaces and reports would be written (default: here).

    Nothing is installed, started or changed.
    """
    return [check for look in LOOKS for check in look(folder or Path.cwd())]


def healthy(found: Sequence[Check]) -> bool:
    """Whether nothing that the kit requires is missing."""
    return all(check.ok for check in found if check.required)


def chromium() -> str | None:
    """The path of a Chromium, Chrome or Edge on this machine, PLAYBOOK_CHROMIUM first; None when there is none."""
    told = os.environ.get(NAMED_CHROMIUM, "")
    return next((path for path in map(shutil.which, (told, *CHROMIUM)) if path), None)


def postgres_binaries() -> Path | None:
    """The folder that holds PostgreSQL's server programs (initdb, postgres); None when there is none."""
    known = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    return next((folder for folder in [*([Path(on_path).parent] if on_path else []), *known] if _serves(folder)), None)


def _python(_folder: Path) -> Iterator[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Check(
        "Python", sys.version_info >= OLDEST_PYTHON, version, "the kit needs Python 3.11 or newer", required=True
    )
    yield Check(
        "SQLite",
        sqlite3.sqlite_version_info >= OLDEST_SQLITE,
        sqlite3.sqlite_version,
        "workspaces need SQLite 3.24 or newer",
        required=True,
    )


def _packages(_folder: Path) -> Iterator[Check]:
    missing: dict[str, list[str]] = {}
    for requirement, extra in _requirements():
        missing.setdefault(extra, []).extend(_lacking(requirement))
    for extra in ("", *EXTRAS):
        lacking = ", ".join(missing.get(extra, []))
        name = f"packages [{extra}]" if extra else "packages"
        cost = EXTRAS.get(extra, "the kit does not work without them")
        advice = f"pip install '{DISTRIBUTION}{f'[{extra}]' if extra else ''}'"
        yield Check(name, not lacking, f"missing {lacking}; {advice}" if lacking else "installed", cost, not extra)


def _requirements() -> Iterator[tuple[str, str]]:
    """What the kit's own metadata asks for: the requirement and the extra it belongs to (empty: always)."""
    for line in metadata.requires(DISTRIBUTION) or []:
        requirement, _, marker = line.partition(";")
        extra = marker.partition("extra ==")[2].strip(" '\"")
        if not marker or extra in EXTRAS:
            yield requirement.strip(), extra


def _lacking(requirement: str) -> Iterator[str]:
    from packaging.requirements import Requirement  # noqa: PLC0415 - only a doctor reads version ranges

    wanted = Requirement(requirement)
    try:
        version = metadata.version(wanted.name)
    except metadata.PackageNotFoundError:
        yield wanted.name
    else:
        if not wanted.specifier.contains(version, prereleases=True):
            yield f"{wanted.name} {wanted.specifier} (there is {version})"


def _kernel(_folder: Path) -> Iterator[Check]:
    cost = "notebooks cannot run; make one with: python -m ipykernel install --sys-prefix"
    try:
        from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel  # noqa: PLC0415
    except ImportError:
        yield Check("Jupyter kernel python3", ok=False, found="jupyter_client is missing", cost=cost, required=True)
        return
    try:
        program = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        yield Check("Jupyter kernel python3", ok=False, found="no such kernel", cost=cost, required=True)
        return
    # jupyter_client replaces a bare "python" by the interpreter it runs in.
    ours = program in {"python", "python3", f"python3.{sys.version_info.minor}"} or Path(program) == Path(
        sys.executable
    )
    yield Check(
        "Jupyter kernel python3",
        ours or shutil.which(program) is not None,
        "this Python" if ours else f"{program}, another Python than this one: the kit must be installed there too",
        cost,
        required=True,
    )


def _programs(_folder: Path) -> Iterator[Check]:
    browser = chromium()
    yield Check("Chromium", browser is not None, browser or "none found", "no PDF of a report, no browser tests")
    server = postgres_binaries()
    yield Check(
        "PostgreSQL server",
        server is not None,
        str(server) if server else "none found",
        "tests against a real PostgreSQL are skipped; workspaces on another machine's server still work",
    )
    fork = hasattr(os, "fork") and sys.platform == "linux"
    yield Check(
        "fork",
        fork,
        "available" if fork else f"not safe on {sys.platform}",
        "each notebook pays for its own kernel start",
    )


def _room(folder: Path) -> Iterator[Check]:
    cost = "workspaces and reports cannot be written here"
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".playbook-"):
            free = shutil.disk_usage(folder).free // 1_000_000
    except OSError as error:
        yield Check("writable folder", ok=False, found=f"{folder}: {error.strerror}", cost=cost, required=True)
        return
    yield Check("writable folder", ok=True, found=str(folder), cost=cost, required=True)
    yield Check("room on the disk", free >= ROOM_MB, f"{free} MB free", "a batch of many teams may fill the disk")


def _serves(folder: Path) -> bool:
    return all((folder / program).is_file() for program in ("initdb", "postgres"))


LOOKS: tuple[Callable[[Path], Iterator[Check]], ...] = (_python, _packages, _kernel, _programs, _room)
