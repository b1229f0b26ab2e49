"""Prints reports to PDF with an installed Chromium: several at a time, each whole or not at all.

Each Chromium leads a process group of its own with a profile of its own; whatever stops the printing, Ctrl-C too, ends
the groups and removes the profiles.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from playbook.errors import RunError
from playbook.io.doctor import NAMED_CHROMIUM, chromium
from playbook.report.workers import cores

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from os import PathLike

SECONDS = 120.0
"""What one report may take; a large one takes about three."""

LOOK_AGAIN = 0.05
GRACE = 5.0
ROOM = 35
"""Bytes of a socket's address that are left for the folder of temporary files."""


def browser() -> str:
    """The Chromium that prints. Raises RunError with advice when there is none, before anything else is done."""
    program = chromium()
    if program is None:
        raise RunError(
            "--pdf: no Chromium or Chrome found to print with; install one or name its program in "
            f"{NAMED_CHROMIUM} (`playbook doctor` lists what is found), or leave out --pdf, open a report in any "
            "browser and print it there"
        )
    return program


def beside(reports: Iterable[Path], at_once: int | None = None) -> list[Path]:
    """Print each report to `NAME.pdf` beside it, `at_once` at a time (default: one a core); the PDFs in the order given.

    A PDF that is newer than its report is left as it is. Raises RunError when there is no Chromium, and when all others
    are printed for those that were not.
    """
    reports = list(reports)
    waiting = deque((path, path.with_suffix(".pdf")) for path in reports if _outdated(path))
    if waiting:
        with contextlib.closing(_printed(browser(), waiting, at_once or cores())) as printing:
            _refuse(list(printing))
    return [path.with_suffix(".pdf") for path in reports]


def write(html: str | PathLike[str], target: str | PathLike[str]) -> Path:
    """Print one report. Raises RunError when no Chromium is found, or when it does not make the file."""
    source, target = Path(html).resolve(), Path(target)
    if not source.is_file():
        raise RunError(f"{source}: no such report to print")
    with contextlib.closing(_printed(browser(), deque([(source, target)]), 1)) as printing:
        _refuse(list(printing))
    return target


def _outdated(report: Path) -> bool:
    made = report.with_suffix(".pdf")
    return not made.is_file() or made.stat().st_mtime < report.stat().st_mtime


def _refuse(complaints: list[str]) -> None:
    said = [complaint for complaint in complaints if complaint]
    if said:
        raise RunError(
            "\n".join([f"{len(said)} of {len(complaints)} not printed; the HTML reports are complete", *said])
        )


def _printed(program: str, waiting: deque[tuple[Path, Path]], at_once: int) -> Generator[str]:
    """Print all that wait and yield a complaint for each one, empty when it went well."""
    running: list[_Printing] = []
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                running.append(_Printing(program, *waiting.popleft()))
            done = [printing for printing in running if printing.over()]
            for printing in done:
                running.remove(printing)
                yield printing.finish()
            if not done:
                time.sleep(LOOK_AGAIN)
    finally:
        for printing in running:
            printing.end()


class _Printing:
    """One Chromium printing one report into a folder of its own."""

    def __init__(self, program: str, source: Path, target: Path) -> None:
        self.program, self.target = program, target
        self.folder = tempfile.TemporaryDirectory(prefix="playbook-pdf-", dir=_short(), ignore_cleanup_errors=True)
        self.made, self.said = Path(self.folder.name) / "report.pdf", Path(self.folder.name) / "said.txt"
        self.until = time.monotonic() + SECONDS
        self.process: subprocess.Popen[bytes] | None = None
        with self.said.open("wb") as said:
            command = _command(program, source, self.made, self.folder.name)
            try:
                self.process = subprocess.Popen(  # noqa: S603 - a found browser and our own file
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=said,
                    start_new_session=True,
                    env={**os.environ, "TMPDIR": self.folder.name},
                )
            except OSError as error:
                said.write(str(error).encode())

    def over(self) -> bool:
        """Whether it has ended or has had its time."""
        return self.process is None or self.process.poll() is not None or time.monotonic() > self.until

    def finish(self) -> str:
        """Put the PDF in its place; a complaint when there is none."""
        try:
            if self.process is not None and self.process.poll() is None:
                return f"{self.target}: {self.program} was not done after {SECONDS:g} seconds"
            if not self.made.is_file() or not self.made.stat().st_size:
                said = self.said.read_text(encoding="utf-8", errors="replace").strip()[-400:]
                return f"{self.target}: {self.program} made no PDF; it said: {said or 'nothing'}"
            return _put(self.made, self.target)
        finally:
            self.end()

    def end(self) -> None:
        """End Chromium with all its processes and remove its folder."""
        if self.process is not None and self.process.poll() is None:
            _kill(self.process)
        self.folder.cleanup()


def _short() -> str | None:
    """Where Chromium's folder is made: it puts a socket there, and a socket's address is at most 107 bytes."""
    usual = tempfile.gettempdir()
    return "/tmp" if len(os.fsencode(usual)) > ROOM and Path("/tmp").is_dir() else None  # noqa: S108 - a folder of our own in it


def _put(made: Path, target: Path) -> str:
    aside = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(made, aside)
        aside.replace(target)
    except OSError as error:
        aside.unlink(missing_ok=True)
        return f"{target}: not written ({error.strerror}); free the place and run again"
    return ""


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Its whole group; helpers that outlive the browser would write into a folder that is being removed."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)


def _command(program: str, source: Path, made: Path, profile: str) -> list[str]:
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return [
        program,
        "--headless",
        *sandbox,
        "--disable-gpu",
        "--disable-background-networking",
        "--no-first-run",
        f"--user-data-dir={profile}",
        "--no-pdf-header-footer",
        "--virtual-time-budget=20000",
        f"--print-to-pdf={made}",
        source.resolve().as_uri(),
    ]
