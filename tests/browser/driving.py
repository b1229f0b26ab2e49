"""Drives a real JupyterLab with a real Chromium, for the browser tests, the screenshots and benchmarks/lab.py."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

TOKEN = "browser-tests"
LOOPBACK = ("127.0.0.1", "localhost", "::1", "")
CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # no name but this machine's resolves, so nothing can be fetched from elsewhere
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)
# Lab says these by itself, whatever a notebook does
USUAL = re.compile(r"favicon|ResizeObserver|Failed to load resource.*(404|workspaces|settings)", re.IGNORECASE)
RUN_SECONDS = 90
# the number each code cell last ran as; 0 while it runs or never did
PROMPTS = """[...document.querySelectorAll('.jp-Notebook .jp-CodeCell .jp-InputArea-prompt')]
    .map((prompt) => Number(prompt.textContent.replace(/\\D/g, '')))"""

# Lab's own commands, which the menu gives too; they end when the last cell has run and when the file is written
RUN_AND_SAVE = """async (path) => {
    const { commands } = window.jupyterapp;
    const opened = await commands.execute('docmanager:open', { path });
    await opened.context.ready;
    await opened.context.sessionContext.ready;
    await commands.execute('notebook:run-all-cells');
    await commands.execute('docmanager:save');
}"""
CLOSE = """async (path) => {
    const opened = await window.jupyterapp.commands.execute('docmanager:open', { path });
    void opened.context.sessionContext.shutdown();
    opened.close();
}"""
HOME_SETTINGS = "c.LabApp.expose_app_in_browser = True\n"


@dataclass
class Lab:
    """A running JupyterLab: `url` of the server, `token`, `folder` of the workspace, `notebooks` where its copies lie."""

    url: str
    token: str
    folder: Path
    process: subprocess.Popen
    said: list[str] = field(default_factory=list)

    @property
    def notebooks(self) -> Path:
        return self.folder / "lab"

    def address(self, notebook: str, workspace: str) -> str:
        """The address of a notebook in a Lab window of its own, `workspace` being the window's name."""
        return f"{self.url}/lab/workspaces/{workspace}/tree/{notebook}?token={self.token}"

    def kernel(self, notebook: str) -> str:
        """The id of the kernel that runs a notebook."""
        with urllib.request.urlopen(f"{self.url}/api/sessions?token={self.token}") as answered:
            return next(one["kernel"]["id"] for one in json.load(answered) if one["path"] == notebook)

    def restart(self, notebook: str) -> None:
        """Restart a notebook's kernel, as the server's own interface does."""
        address = f"{self.url}/api/kernels/{self.kernel(notebook)}/restart?token={self.token}"
        with urllib.request.urlopen(urllib.request.Request(address, method="POST")):
            pass

    def write(self, notebook: str, *cells: str) -> str:
        """Put a notebook of these code cells beside the copies, and return its name."""
        made = [
            {"cell_type": "code", "id": f"c{n}", "metadata": {}, "source": cell, "outputs": [], "execution_count": None}
            for n, cell in enumerate(cells)
        ]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        text = json.dumps({"cells": made, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})
        (self.notebooks / notebook).write_text(text, encoding="utf-8")
        return notebook


def chromium_path() -> str | None:
    """Where Debian's Chromium is, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def make_sample(folder: Path) -> None:
    """A workspace of the bundled made-up company, as the command line makes it."""
    words = [sys.executable, "-m", "playbook", "new", str(folder), "--sample", "--start", "2026-11-02"]
    subprocess.run(words, check=True, capture_output=True)


@contextmanager
def running_lab(folder: Path):
    """JupyterLab as `playbook lab` starts it on a workspace, on a free port, with a home of its own beside it."""
    port, home = _free_port(), folder.parent / "home"
    (home / ".jupyter").mkdir(parents=True, exist_ok=True)
    (home / ".jupyter" / "jupyter_lab_config.py").write_text(HOME_SETTINGS, encoding="utf-8")
    own = {"HOME": str(home), "JUPYTER_PORT": str(port), "JUPYTER_TOKEN": TOKEN, "IPYTHONDIR": str(home / "ipython")}
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "PLAYBOOK"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "playbook", "lab", "--no-browser", "-w", str(folder)],
        env=clean | own,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    started = Lab(f"http://127.0.0.1:{port}", TOKEN, folder, process)
    threading.Thread(target=lambda: started.said.extend(process.stdout), daemon=True).start()
    try:
        _wait_for_server(started, port)
        yield started
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def run_all(shown) -> None:
    """Run every cell of the notebook a Lab page shows, and wait until each has run."""
    shown.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
    # before the kernel is connected Lab would ask which one to take
    shown.get_by_text(" | Idle").first.wait_for(timeout=60_000)
    before = shown.evaluate(f"() => Math.max(0, ...{PROMPTS})")
    shown.get_by_role("menuitem", name="Run", exact=True).first.click()
    shown.get_by_text("Run All Cells", exact=True).first.click()
    shown.wait_for_function(
        f"(before) => {PROMPTS}.every((number) => number > before)", arg=before, timeout=RUN_SECONDS * 1000
    )


def _free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def _wait_for_server(started: Lab, port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and started.process.poll() is None:
        with socket.socket() as door:
            if door.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("JupyterLab did not start:\n" + "".join(started.said[-30:]))


@dataclass
class Notes:
    """What a page did that it should not have: console errors and requests to other machines."""

    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def watch(self, page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(f"page error: {error}"))
        page.on("request", lambda asked: self._request(asked.url))

    def _console(self, said) -> None:
        if said.type == "error" and not USUAL.search(said.text):
            self.errors.append(said.text)

    def _request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and (parts.hostname or "") not in LOOPBACK:
            self.elsewhere.append(url)


def run_and_save(shown, lab: Lab, notebook: str) -> dict:
    """Run a notebook of the Lab window from top to bottom, save it, and return what is then in its file."""
    shown.evaluate(RUN_AND_SAVE, notebook)
    return json.loads((lab.notebooks / notebook).read_text(encoding="utf-8"))


def window(shown, lab: Lab) -> None:
    """Show an empty Lab window of this page's own, for `run_and_save`."""
    shown.goto(f"{lab.url}/lab/workspaces/window?token={lab.token}&reset")
    shown.wait_for_function("() => window.jupyterapp", timeout=60_000)
    shown.evaluate("() => window.jupyterapp.restored.then(() => null)")


def close(shown, notebook: str) -> None:
    """End a notebook's kernel and close it, so that twenty of them do not fill the memory."""
    shown.evaluate(CLOSE, notebook)
