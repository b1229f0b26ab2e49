"""Reports a minute: papermill, ploomber-engine, execnb and ours on the same notebook and machine, in one go.

    python benchmarks/reports.py                    20 reports
    python benchmarks/reports.py --reports 20 100   and 100; the slow ones are left out above --slow-limit
    python benchmarks/reports.py --only ours api-2  some of them

Peers that the kit does not need (ploomber-engine, execnb) are installed in a temporary environment beside the kit's
libraries; a peer that cannot be installed is named and left out. Wall time includes every start (template,
interpreter, imports); CPU is that of the processes and all they started; memory is the largest sum, over a
run, of the resident pages of all its processes, each shared page counted once (PSS).
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat

FIGURES = """import plotly.graph_objects as go
figure = go.Figure([go.Scatter(x=frame['week'], y=frame[name], name=name) for name in frame.columns[2:]])
figure.update_layout(title='Hours a week, {n}', template='plotly_white')
figure"""

CELLS = [
    "team, seed = 'content', 1",
    "import numpy as np\nimport pandas as pd",
    (
        "rng = np.random.default_rng(seed)\nframe = pd.DataFrame(rng.gamma(2, 3, (120, 6)), columns=list('abcdef'))\n"
        "frame.insert(0, 'task', [f'task {n}' for n in range(120)])\nframe.insert(1, 'week', np.arange(120) % 12)"
    ),
    "frame.describe()",
    FIGURES.replace("{n}", "one"),
    "by_week = frame.drop(columns='task').groupby('week').mean()\nby_week.head()",
    "by_week.style.format('{:.2f}').background_gradient() if False else by_week.style.format('{:.2f}')",
    FIGURES.replace("{n}", "two").replace("frame", "frame.head(60)", 1),
    "print(f'{team}: {len(frame)} tasks, {frame.a.sum():.1f} hours')",
    "frame.sort_values('a', ascending=False).head(15).style.hide(axis='index').format(precision=1)",
    "go.Figure([go.Bar(x=by_week.index, y=by_week[name], name=name) for name in by_week]).update_layout(barmode='stack')",
    "corr = frame[list('abcdef')].corr()\ncorr.round(2)",
    "go.Figure(go.Heatmap(z=corr, x=list('abcdef'), y=list('abcdef'))).update_layout(title='Together')",
    "totals = frame[list('abcdef')].sum().sort_values()\ntotals",
    "for name, hours in totals.items():\n    print(f'{name}: {hours:.1f}')",
]

FLOOR = """
import gc, os, resource, sys
import nbformat, pandas, plotly.graph_objects, plotly.io, pandas.io.formats.style
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
shell = InteractiveShell.instance()
plotly.io.renderers.default = 'plotly_mimetype'
cells = [cell.source for cell in nbformat.read(sys.argv[1], 4).cells]
def report():
    figures = 0
    for source in cells:
        with capture_output() as shown:  # shown, not silent: a silent cell's figures and tables are never drawn
            shell.run_cell(source).raise_error()
        figures += len(shown.outputs)
    return figures
def forked():
    child = os.fork()
    if not child:
        report()
        os._exit(0)
    os.waitpid(child, 0)
def spent(way):
    def now(): return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    before = now()
    for _ in range(int(sys.argv[2])): way()
    return (now() - before) / int(sys.argv[2])
assert report() == 4
gc.collect()
gc.freeze()
print(spent(report), spent(forked))
"""

API = """
import sys, logging, papermill
logging.getLogger('papermill').setLevel(logging.ERROR)
source, folder, first, step, count, engine = sys.argv[1:]
for n in range(int(first), int(count), int(step)):
    papermill.execute_notebook(source, f'{folder}/{n}.ipynb', parameters=dict(seed=n), progress_bar=False,
                               kernel_name='python3', engine_name=engine or None)
"""

PLOOMBER = """
import sys
from ploomber_engine import execute_notebook
source, folder, first, step, count = sys.argv[1:]
for n in range(int(first), int(count), int(step)):
    execute_notebook(source, f'{folder}/{n}.ipynb', parameters=dict(seed=n), log_output=False, progress_bar=False)
"""

EXECNB = """
import sys
from execnb.shell import CaptureShell
source, folder, first, step, count = sys.argv[1:]
for n in range(int(first), int(count), int(step)):
    CaptureShell().execute(source, f'{folder}/{n}.ipynb', exc_stop=True, inject_code=f'team, seed = "content", {n}', inject_idx=0)
"""

OURS = """
import json, multiprocessing, pathlib, sys
from playbook.report import engine
WORK = '''
from playbook.report import engine
while (n := pipe.recv()) is not None:
    engine.run(source, f"{folder}/{n}.ipynb", dict(seed=n), cwd=folder)
    pipe.send(n)
'''
if __name__ == '__main__':
    from multiprocessing.connection import wait
    source, folder, workers, count = sys.argv[1:5]
    pages = sys.argv[5:] == ['pages']
    waiting, crew = list(range(int(count)))[::-1], []
    engine.begin([source])
    if pages:
        from playbook.report import page
        page.prepare()
    for _ in range(min(int(workers), int(count))):
        ours, theirs = multiprocessing.Pipe()
        process = engine.process(exec, WORK, {'pipe': theirs, 'source': source, 'folder': folder}, notebooks=[source])
        process.start(); theirs.close(); ours.send(waiting.pop() if waiting else None); crew.append((ours, process))
    left, groups = int(count), {}
    while left:
        for pipe in wait([pipe for pipe, _ in crew]):
            done = pipe.recv(); left -= 1
            if waiting: pipe.send(waiting.pop())
            groups.setdefault(done // 5, []).append(done)
            if pages and len(groups[done // 5]) == min(5, int(count) - done // 5 * 5):
                read = [json.loads(pathlib.Path(f'{folder}/{n}.ipynb').read_bytes()) for n in sorted(groups[done // 5])]
                page.write(f'{folder}/{done // 5}.html', page.bind(read, title='Five reports'))
    for pipe, process in crew: pipe.send(None)
    for pipe, process in crew: process.join()
    # The template's CPU counts too: wait for it, so that it is among the children's.
    from multiprocessing.forkserver import _forkserver
    _forkserver._stop()
"""

NBCONVERT = """
import sys, glob, nbformat
from nbconvert import HTMLExporter
exporter = HTMLExporter()
for path in glob.glob(sys.argv[1] + '/*.ipynb'):
    html = exporter.from_notebook_node(nbformat.read(path, 4))[0]
    open(path[:-6] + '.html', 'w', encoding='utf-8').write(html)
"""


@dataclass(frozen=True)
class Result:
    """What a run took: wall and CPU seconds, peak memory in MB, how many reports."""

    name: str
    reports: int
    wall: float
    cpu: float
    memory: float

    @property
    def rate(self) -> float:
        return 60 * self.reports / self.wall


class Memory(threading.Thread):
    """Samples the memory of this process's descendants while a run lasts."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak, self.over = 0.0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.2):
            self.peak = max(self.peak, sum(map(_pss, _descendants(os.getpid()))) / 1024)


def measured(name: str, reports: int, commands: list[list[str]], environment: dict[str, str]) -> Result:
    """Start the commands together and wait for all."""
    memory = Memory()
    memory.start()
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with tempfile.TemporaryFile("w+") as words:
        running = [subprocess.Popen(command, env=environment, stderr=words) for command in commands]
        codes = [process.wait() for process in running]
        words.seek(0)
        said = words.read().strip().splitlines()
    wall = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    memory.over.set()
    memory.join()
    if any(codes):
        raise RuntimeError(f"{name} failed: exit codes {codes}: {said[-1] if said else ''}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Result(name, reports, wall, cpu, memory.peak)


def benchmark_notebook(path: Path) -> None:
    """Fifteen cells, four figures, two styled tables."""
    cells = [nbformat.v4.new_code_cell(source, id=f"cell{n}") for n, source in enumerate(CELLS)]
    cells[0].metadata["tags"] = ["parameters"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), path)


def peers(folder: Path, wanted: list[str]) -> dict[str, str]:
    """Interpreters that can run ploomber-engine and execnb: name to interpreter, in an environment made for it."""
    found = {}
    for name in wanted:
        place = folder / f"venv-{name}"
        subprocess.run([sys.executable, "-m", "venv", "--system-site-packages", place], check=True)
        libraries = next(place.glob("lib/python*/site-packages"))
        (libraries / "kit.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
        install = [place / "bin" / "python", "-m", "pip", "install", "-q", name]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{name}: left out, it could not be installed: {done.stderr.strip().splitlines()[-1][:200]}")
        else:
            found[name] = str(place / "bin" / "python")
    return found


def ways(source: Path, folder: Path, count: int, interpreters: dict[str, str]) -> dict[str, list[list[str]]]:
    """Every way to make the reports: name to the commands that are started together."""
    plain = [sys.executable, "-c"]
    numbers = [str(count)]
    found = {
        "ours": [[sys.executable, str(_script(folder, OURS)), str(source), str(folder), "2", *numbers]],
        "ours+pages": [[sys.executable, str(_script(folder, OURS)), str(source), str(folder), "2", *numbers, "pages"]],
        "ours-1": [[sys.executable, str(_script(folder, OURS)), str(source), str(folder), "1", *numbers]],
        "api": [[*plain, API, str(source), str(folder), "0", "1", *numbers, ""]],
        "api-2": [[*plain, API, str(source), str(folder), str(at), "2", *numbers, ""] for at in range(2)],
        "cli": [["sh", "-c", (f"for n in $(seq {count}); do {shutil.which('papermill', path=_bin())} --no-progress-bar "
                 f"-k python3 -p seed $n {source} {folder}/$n.ipynb || exit 1; done")]],
    }  # fmt: skip
    if python := interpreters.get("ploomber-engine"):
        ploomber = [python, "-c", PLOOMBER, str(source), str(folder)]
        found["ploomber"] = [[*ploomber, "0", "1", *numbers]]
        found["ploomber-2"] = [[*ploomber, str(at), "2", *numbers] for at in range(2)]
    if python := interpreters.get("execnb"):
        found["execnb"] = [[python, "-c", EXECNB, str(source), str(folder), "0", "1", *numbers]]
    return found


def main() -> None:
    """Run what was asked for and print the table."""
    asked = _arguments()
    with tempfile.TemporaryDirectory(prefix="reports-") as scratch:
        folder = Path(scratch)
        source = folder / "report.ipynb"
        benchmark_notebook(source)
        said = subprocess.run([sys.executable, "-c", FLOOR, source, "20"], capture_output=True, text=True, check=True)
        floor, forked = map(float, said.stdout.split())
        cores = len(os.sched_getaffinity(0))
        print(f"{platform.system()}, {cores} cores, {_gigabytes():.0f} GiB, Python {platform.python_version()}")
        print(f"floor: {floor:.3f} CPU seconds a report (the notebook's code in a warm process)")
        print(f"in a fresh fork of that process, and nothing else: {forked:.3f}, {forked / floor:.2f}x\n")
        interpreters = {} if asked.no_peers else peers(folder, ["ploomber-engine", "execnb"])
        for count in asked.reports:
            results = []
            for name in ways(source, folder, count, interpreters):
                slow = not name.startswith(("ours", "ploomber", "execnb"))
                left_out = (asked.only and name not in asked.only) or (name == "ours+pages" and not asked.html)
                if left_out or (slow and count > asked.slow_limit):
                    continue
                try:
                    results.append(_one(name, source, folder, count, interpreters, asked.html))
                except RuntimeError as error:
                    if name.startswith("ours"):
                        raise
                    print(f"left out: {error}", flush=True)
            _table(results, floor)
            took = {result.name: result.wall for result in results}
            if {"ours", "ours+pages"} <= took.keys():
                print(f"our pages of five, bound beside the workers, add {took['ours+pages'] / took['ours'] - 1:.0%}\n")


def _one(name: str, source: Path, folder: Path, count: int, interpreters: dict[str, str], html: bool) -> Result:  # noqa: FBT001
    place = folder / f"{name}-{count}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    commands = ways(source, place, count, interpreters)[name]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    result = measured(name, count, commands, environment)
    made = len(list(place.glob("*.ipynb")))
    if made != count:
        raise RuntimeError(f"{name} made {made} of {count} reports")
    print(f"{name}: {result.wall:.1f} s", flush=True)
    if html and not name.startswith("ours"):
        pages = measured("pages", count, [[sys.executable, "-c", NBCONVERT, str(place)]], environment)
        share, each = pages.wall / result.wall, pages.cpu / count
        print(f"{name}: nbconvert's HTML adds {pages.wall:.1f} s, {share:.0%} ({each:.3f} CPU s a report)", flush=True)
    return result


def _table(results: list[Result], floor: float) -> None:
    ours = next((result for result in results if result.name == "ours"), results[0])
    print("| way | reports | wall s | reports a minute | CPU s a report | of the floor | peak MB | ours is faster by |")
    print("|---|---|---|---|---|---|---|---|")
    for item in results:
        cpu = item.cpu / item.reports
        print(f"| {item.name} | {item.reports} | {item.wall:.1f} | {item.rate:.0f} | {cpu:.3f} | {cpu / floor:.2f}x"
              f" | {item.memory:.0f} | {item.wall / ours.wall:.1f}x |")  # fmt: skip
    print()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reports", type=int, nargs="+", default=[20])
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--slow-limit", type=int, default=20, help="papermill's own ways up to this many reports")
    parser.add_argument(
        "--html",
        action="store_true",
        help="also HTML: our pages of five reports beside the workers, nbconvert's for the others afterwards",
    )
    parser.add_argument("--no-peers", action="store_true", help="install nothing")
    return parser.parse_args()


def _script(folder: Path, text: str) -> Path:
    """A file, because started processes import the main module again."""
    path = folder / "way.py"
    if folder.is_dir():
        path.write_text(text)
    return path


def _bin() -> str:
    return str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]


def _gigabytes() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _descendants(pid: int) -> list[int]:
    try:
        children = [int(child) for task in Path(f"/proc/{pid}/task").iterdir()
                    for child in (task / "children").read_text().split()]  # fmt: skip
    except OSError:
        return []
    return [found for child in children for found in (child, *_descendants(child))]


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


if __name__ == "__main__":
    main()
