"""Run the zoo through one engine in a clean process: `python keeper.py FOLDER ENGINE NAME…`.

Papermill's own loop over `papermill.execute_notebook`; `ENGINE` is `nbclient`, `playbook`, or `run` for the way a
batch executes. What each notebook raised goes to `FOLDER/raised.json`.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import animals

HUNG = 90  # seconds of one cell; none of the zoo takes ten


def main(folder: Path, engine: str, names: list[str]) -> None:
    from playbook.report import engine as warm
    from playbook.report.engine import preload

    with preload.late_grammar():  # two seconds of each start, for addresses that no notebook of the zoo holds
        import nbformat
        import papermill
        from papermill.engines import papermill_engines

    papermill_engines.register(warm.NAME, warm.WarmEngine)
    raised = {}
    for name in names:
        place = folder / name
        place.mkdir(parents=True)
        nbformat.write(animals.build(name), place / "in.ipynb")
        try:
            patiently(papermill, warm, place, engine, name)
        except Exception as error:  # noqa: BLE001 - what is raised is compared
            raised[name] = f"{type(error).__name__}: {error}"
    (folder / f"raised-{os.getpid()}.json").write_text(json.dumps(raised))


def patiently(papermill, warm, place: Path, engine: str, name: str) -> None:
    """Now and then nbclient and a started kernel each wait for the other on a busy machine: such a run is begun again."""
    from nbclient.exceptions import CellTimeoutError

    for last in (False, False, True):
        try:
            execute(papermill, warm, place, engine, name)
        except CellTimeoutError:
            if last or engine != "nbclient" or name in animals.TIMEOUTS:
                raise
        else:
            break


def execute(papermill, warm, place: Path, engine: str, name: str) -> None:
    given = animals.PARAMETERS.get(name, {})
    work = place / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    if engine == "run":
        warm.run(place / "in.ipynb", place / "out.ipynb", given, cwd=str(work), seconds=animals.TIMEOUTS.get(name))
        return
    papermill.execute_notebook(
        place / "in.ipynb",
        place / "out.ipynb",
        parameters=given,
        engine_name=engine,
        cwd=work,
        progress_bar=False,
        execution_timeout=animals.TIMEOUTS.get(name) or (HUNG if engine == "nbclient" else None),
        iopub_timeout=60,  # a busy machine is slow to carry fifty megabytes
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
