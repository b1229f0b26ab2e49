"""Runs nbval over every notebook on the bundled sample: each cell must run, each closing box must say what is expected.

Notebooks in git carry no outputs, so the promise of a cell tagged `nbval-check-output` is kept as plain text in
`tests/expected/`, one file a notebook. This writes copies of the notebooks with these texts as their outputs, fixed to
one team and one day, and lets nbval run the copies. `python tests/run_notebooks.py --update` writes the texts anew
after a change that means to change them; look at the difference before committing it.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
EXPECTED = ROOT / "tests" / "expected"
SANITIZE = ROOT / "tests" / "nbval_sanitize.cfg"
CHECKED = "nbval-check-output"
START, TODAY = dt.date(2026, 10, 13), "2026-11-22"
TEAM = "content-and-search"
"""The sample's team with the most on its pages: an event log, pilots, seats, playbooks."""
BETWEEN = "\n---\n"
"""Stands between the texts of several checked cells of one notebook."""


def main(arguments: list[str] | None = None) -> int:
    """Check the notebooks, or with --update write what they say as what is expected; nbval's exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--update", action="store_true", help="write tests/expected anew")
    parser.add_argument("--workers", type=int, default=min(os.cpu_count() or 1, 4), help="notebooks at a time")
    parser.add_argument("only", nargs="*", help="parts of notebook paths, such as 20_spectrum")
    given = parser.parse_args(arguments)
    chosen = [path for path in notebooks() if not given.only or any(part in str(path) for part in given.only)]
    if not chosen:
        parser.error(f"no notebook's path holds {' or '.join(given.only)}")
    with tempfile.TemporaryDirectory(prefix="playbook-nbval-") as temporary:
        from playbook.io import sample

        place = Path(temporary) / "sample"
        sample.create(place, start=START)
        os.environ["PLAYBOOK_WORKSPACE"] = str(place)
        if given.update:
            return update(chosen, Path(temporary))
        return check(chosen, Path(temporary) / "copies", given.workers)


def notebooks() -> list[Path]:
    """Every notebook of the kit, in the order of a reader."""
    return sorted(path for path in NOTEBOOKS.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)


def expected_file(path: Path) -> Path:
    """Where the texts expected of a notebook lie."""
    return (EXPECTED / path.relative_to(NOTEBOOKS)).with_suffix(".txt")


def copy(path: Path) -> nbformat.NotebookNode:
    """The notebook for one team of the sample on the fixed day, by a parameters cell as papermill injects one."""
    notebook = nbformat.read(path, as_version=4)
    at = next(number for number, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", []))
    given = [f'today = "{TODAY}"'] + ([f'team = "{TEAM}"'] if "\nteam:" in notebook.cells[at].source else [])
    notebook.cells.insert(at + 1, nbformat.v4.new_code_cell("\n".join(given), id="injected"))
    return notebook


def checked(notebook: nbformat.NotebookNode) -> Iterator[nbformat.NotebookNode]:
    """The cells whose output is the notebook's promise."""
    return (cell for cell in notebook.cells if CHECKED in cell.metadata.get("tags", []))


def check(paths: list[Path], folder: Path, workers: int) -> int:
    """Run nbval over copies that carry the expected texts; its exit code, or 1 when a text is missing."""
    missing = [path for path in paths if not expected_file(path).is_file()]
    stale = sorted({*EXPECTED.rglob("*.txt")} - {expected_file(path) for path in notebooks()})
    for path in missing:
        say(f"{path.relative_to(ROOT)}: nothing is expected of it yet; run this with --update")
    for path in stale:
        say(f"{path.relative_to(ROOT)}: its notebook is gone; remove it")
    if missing or stale:
        return 1
    for path in paths:
        notebook = copy(path)
        texts = expected_file(path).read_text(encoding="utf-8").removesuffix("\n").split(BETWEEN)
        for cell, said in zip(checked(notebook), texts, strict=True):
            data = {"text/plain": said, "text/html": '<div class="pb"></div>'}
            cell.outputs = [nbformat.v4.new_output("execute_result", data, execution_count=1)]
            cell.execution_count = 1
        aside = folder / path.relative_to(NOTEBOOKS)
        aside.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, aside)
    words = [
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), "-c", os.devnull),
        *("--nbval-lax", "--nbval-current-env", "--nbval-sanitize-with", str(SANITIZE), "--nbval-cell-timeout", "120"),
        *(("-n", str(workers), "--dist", "loadscope") if workers > 1 else ()),
        str(folder),
    ]
    return subprocess.run(words, check=False, cwd=folder).returncode


def update(paths: list[Path], folder: Path) -> int:
    """Execute the notebooks and write what their checked cells say; the first failure stops it."""
    from nbclient import NotebookClient

    for path in paths:
        notebook = copy(path)
        NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
        texts = [cell.outputs[0]["data"]["text/plain"] for cell in checked(notebook)]
        file = expected_file(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(BETWEEN.join(texts) + "\n", encoding="utf-8")
        say(str(file.relative_to(ROOT)))
    return 0


def say(line: str) -> None:
    """A line for whoever runs this."""
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    raise SystemExit(main())
