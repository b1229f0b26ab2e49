"""What the browser tests stand on: one real JupyterLab on a sample workspace, and pages that note what goes wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from conftest import missing_package

# test files are imported without their folder on the path
sys.path.insert(0, str(Path(__file__).resolve().parent))
import driving


@pytest.fixture(scope="session")
def program():
    """Where the Chromium of this machine is."""
    path = driving.chromium_path()
    if path is None:
        missing_package("Chromium is not installed; install the package chromium")
    return path


@pytest.fixture(scope="module")
def chromium(program):
    """One headless Chromium for a module: while its driver lives, no other test of the process can run an event loop."""
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        missing_package("playwright is not installed; install transition-playbook[test]")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=list(driving.CHROMIUM))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def lab(program, tmp_path_factory):
    """JupyterLab on the bundled sample: `url`, `token`, `folder`, `notebooks`, `address(notebook, window)`, `write`."""
    folder = tmp_path_factory.mktemp("lab") / "engagement"
    driving.make_sample(folder)
    with driving.running_lab(folder) as started:
        yield started


@pytest.fixture(scope="module")
def page(chromium):
    """Make pages: `page(width=1280, touch=False)`; each has `notes`, and a module that made a bad noise fails at its end."""
    contexts, notes = [], []

    def new(*, width: int = 1280, height: int = 1000, touch: bool = False):
        context = chromium.new_context(viewport={"width": width, "height": height}, has_touch=touch)
        context.set_default_timeout(20_000)
        contexts.append(context)
        made = context.new_page()
        made.notes = driving.Notes()
        made.notes.watch(made)
        notes.append(made.notes)
        return made

    yield new
    for context in contexts:
        context.close()
    assert [error for note in notes for error in note.errors] == []
    assert [url for note in notes for url in note.elsewhere] == []


@pytest.fixture(scope="session")
def run_all():
    """Run every cell of the notebook a Lab page shows, and wait until each has run."""
    return driving.run_all
