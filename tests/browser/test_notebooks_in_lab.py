"""Every notebook run by hand in a real JupyterLab: no error cell, no code on the projector, a form where one belongs."""

from __future__ import annotations

from pathlib import Path

import driving
import pytest

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parent.parent.parent / "notebooks"
PAGES = [path.relative_to(ROOT).as_posix() for path in sorted(ROOT.rglob("[!.]*.ipynb"))]


@pytest.fixture(scope="module")
def shown(page, lab):
    """One window for all notebooks, one after the other; the module fails on console errors and outside requests."""
    opened = page(width=1280)
    driving.window(opened, lab)
    return opened


@pytest.mark.parametrize("name", PAGES)
def test_it_runs_from_top_to_bottom_without_an_error(lab, shown, name):
    saved = driving.run_and_save(shown, lab, name)
    outputs = [output for cell in saved["cells"] if cell["cell_type"] == "code" for output in cell["outputs"]]
    assert [output["evalue"] for output in outputs if output["output_type"] == "error"] == []
    assert all(cell["execution_count"] for cell in saved["cells"] if cell["cell_type"] == "code")
    code = [cell for cell in saved["cells"] if cell["cell_type"] == "code"]
    assert all(cell["metadata"]["jupyter"]["source_hidden"] for cell in code)
    size = (lab.notebooks / name).stat().st_size
    assert size < 500_000, f"{size} bytes: what is saved must stay light"
    has_form = any("desk.by_hand" in "".join(cell["source"]) for cell in code)
    widgets = [output for output in outputs if "application/vnd.jupyter.widget-view+json" in output.get("data", {})]
    assert bool(widgets) == has_form
    driving.close(shown, name)
