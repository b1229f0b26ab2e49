"""Notebooks are the product: thin, typed, without outputs in git, and named in the plan."""

import ast
import json
import re
import subprocess
from pathlib import Path

import nbformat
import pytest

import playbook
from playbook.report.parameters import declared

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
PATHS = sorted(NOTEBOOKS.rglob("[!.]*.ipynb"))
WHOLE = {"portfolio"}
"""Folders whose pages are about the whole organisation, and so have no `team`."""


def named(path):
    return path.relative_to(NOTEBOOKS).as_posix()


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def text(cell):
    return cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])


def code_cells(path):
    return [cell for cell in read(path)["cells"] if cell["cell_type"] == "code"]


def tags(cell):
    return cell["metadata"].get("tags", [])


def lines(cell):
    return [line for line in text(cell).splitlines() if line.strip()]


every = pytest.mark.parametrize("path", PATHS, ids=named)


def test_the_phases_have_the_pages_the_house_names():
    pages = {named(path) for path in PATHS}
    assert pages >= {
        "00_start.ipynb",
        *(
            f"phase1_audit_and_experiment/{page}.ipynb"
            for page in (
                "10_inventory",
                "12_event_log",
                "15_raters",
                "20_spectrum",
                "30_pilot_selection",
                "40_pilot_readout",
                "90_gate",
            )
        ),
        *(
            f"phase2_redesign_roles/{page}.ipynb"
            for page in ("10_roles", "20_pods", "30_skills", "40_agent_playbooks", "90_gate")
        ),
        *(
            f"phase3_scale_and_optimize/{page}.ipynb"
            for page in ("10_level3", "20_cross_agent", "30_governance", "40_kpis", "50_budget", "90_gate")
        ),
        "portfolio/10_portfolio.ipynb",
    }


@every
def test_a_notebook_is_valid_and_asks_for_the_python_everybody_has(path):
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"


@every
def test_it_opens_with_its_title_and_its_promise(path):
    first = read(path)["cells"][0]
    assert first["cell_type"] == "markdown"
    title, _, promise = text(first).partition("\n")
    assert re.match(r"# \w", title)
    assert len(promise.split()) >= 8, "a sentence that says what the reader will see"


@every
def test_it_has_one_typed_and_commented_parameters_cell(path):
    tagged = [cell for cell in code_cells(path) if "parameters" in tags(cell)]
    assert len(tagged) == 1
    assert tagged == code_cells(path)[:1], "parameters come before anything that uses them"
    parameters = declared(read(path), path.name)
    wanted = {"workspace": "str", "team": "str", "today": "str"}
    if path.parent.name in WHOLE:
        del wanted["team"]
    assert {item.name: item.type for item in parameters if item.name in wanted} == wanted
    assert {item.name for item in parameters} & {"workspace", "team", "today"} == set(wanted)
    for item in parameters:
        assert len(item.meaning.split()) >= 3, f"{item.name}: say what it means"


@every
def test_it_has_at_most_twelve_code_cells_of_six_lines(path):
    cells = code_cells(path)
    assert len(cells) <= 12
    for number, cell in enumerate(cells):
        # the second cell carries the imports and opens the workspace
        most = 8 if number == 1 else 6
        assert "parameters" in tags(cell) or len(lines(cell)) <= most, text(cell)


@every
def test_functions_live_in_the_library(path):
    for cell in code_cells(path):
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
        assert not [node for node in ast.walk(ast.parse(text(cell))) if isinstance(node, kinds)]


@every
def test_git_keeps_no_output_and_no_machine(path):
    notebook = read(path)
    for cell in code_cells(path):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
    assert set(notebook["metadata"]) <= {"kernelspec", "language_info"}
    assert notebook["metadata"]["kernelspec"]["display_name"] == "Python 3"
    assert "version" not in notebook["metadata"].get("language_info", {})


def test_a_cell_is_the_same_cell_after_it_was_edited():
    seen = {}
    for path in PATHS:
        for cell in read(path)["cells"]:
            assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", cell.get("id", "")), f"{named(path)}: a cell without an id"
            assert cell["id"] not in seen, f"{named(path)} and {seen[cell['id']]} share the cell {cell['id']}"
            seen[cell["id"]] = named(path)


@every
def test_its_second_code_cell_opens_the_workspace_and_says_where_the_reader_is(path):
    opening = text(code_cells(path)[1])
    assert "Desk.open(workspace, team, today)" in opening or "Desk.everyone(workspace, today)" in opening
    assert "desk.header(" in opening


@every
def test_it_closes_with_what_the_tables_say(path):
    cells = code_cells(path)
    checked = [cell for cell in cells if "nbval-check-output" in tags(cell)]
    assert checked, "no cell's output is the promise"
    last = checked[-1]
    assert text(last).startswith(("desk.says(", "show.findings("))
    after = cells[cells.index(last) + 1 :]
    assert all(text(cell).startswith("show.next_step(") for cell in after), "only the next step may follow"


@every
def test_a_link_from_page_to_page_leads_somewhere(path):
    for cell in read(path)["cells"]:
        for target in re.findall(r"""["'(]([\w./-]+\.ipynb)["')]""", text(cell)):
            assert (path.parent / target).resolve() in PATHS, f"{named(path)}: {target}"


@every
def test_each_display_has_a_paragraph_or_a_caption(path):
    for cell in code_cells(path):
        if "show.table(" in text(cell):
            assert "caption=" in text(cell), text(cell)


def test_the_plan_and_the_notebooks_name_each_other():
    planned = {activity.notebook for activity in playbook.load("plan").activities}
    pages = {named(path) for path in PATHS if path.parent.name not in WHOLE}
    assert planned <= pages, "the plan names notebooks that are not there"
    evidence = {f"phase1_audit_and_experiment/{page}.ipynb" for page in ("12_event_log", "15_raters")}
    aside = {"00_start.ipynb", *evidence}  # evidence is read where there is some
    assert pages - planned <= aside, "no activity of the plan leads to these"


def test_nothing_but_pages_lies_among_the_notebooks():
    listed = subprocess.run(
        ["git", "ls-files", "-z", "-o", "-c", "--exclude-standard", "notebooks"],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("not a git checkout")
    names = [name for name in listed.stdout.split("\0") if name]
    assert not [name for name in names if not name.endswith(".ipynb") or ".ipynb_checkpoints" in name]
