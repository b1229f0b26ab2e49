"""JupyterLab's launcher offers the ninety days, and nothing of a page is small or in the way on a projector."""

import pytest

pytestmark = pytest.mark.browser
FIRST = "phase2_redesign_roles/10_roles.ipynb"


@pytest.fixture(scope="module")
def shown(page, lab):
    opened = page()
    opened.goto(f"{lab.url}/lab/workspaces/launcher?token={lab.token}&reset")
    opened.locator(".jp-LauncherCard").first.wait_for(timeout=60_000)
    return opened


def test_the_launcher_has_a_tile_for_each_phase_that_opens_its_first_page(shown):
    section = shown.locator(".jp-Launcher-section", has_text="Ninety days")
    assert section.locator(".jp-LauncherCard-label").all_inner_texts() == [
        "Start",
        "Phase 1: Audit and experiment",
        "Phase 2: Redesign roles",
        "Phase 3: Scale and optimise",
        "Portfolio",
    ]
    section.locator(".jp-LauncherCard", has_text="Redesign roles").click()
    shown.locator(".jp-NotebookPanel .jp-CodeCell").first.wait_for(timeout=60_000)
    assert shown.evaluate("() => window.jupyterapp.shell.currentWidget.context.path") == FIRST


def test_what_is_written_is_large_enough_for_the_last_row(shown):
    text = shown.locator(".jp-MarkdownOutput p").first
    assert text.evaluate("(text) => getComputedStyle(text).fontSize") == "16px"


def test_folded_code_leaves_no_mark_until_the_pointer_is_on_its_cell(shown):
    dots = shown.locator(".jp-CodeCell .jp-MoreHorizIcon").nth(1)
    seen = "(dots) => getComputedStyle(dots).opacity"
    assert dots.evaluate(seen) == "0"
    shown.locator(".jp-CodeCell").nth(1).hover()
    assert dots.evaluate(seen) == "0.5"
