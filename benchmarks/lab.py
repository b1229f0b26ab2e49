"""By hand in JupyterLab: how soon a drop is stored and drawn, how fluid 300 cards are, how soon a page is ready, memory.

    python benchmarks/lab.py                 300 cards, 20 drops, 00_start three times
    python benchmarks/lab.py --cards 1000    more cards
    python benchmarks/lab.py --check         leave with an error where a target is missed

Starts `playbook lab` on a made-up workspace and drives it with Debian's Chromium, as the browser tests do. Times are
taken in the page: from letting the card go (no reason is asked where the rule has it) to the answer of the kernel that
it is stored, and to the first frame in which the chart beside the board shows it; from Run All Cells
to the end of the last cell. A second board is another notebook with a kernel of its own. Memory is the
kernel's resident set while board and chart are shown; beside it the part that is its alone, as another kernel shares
the libraries' code.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from playwright.sync_api import Browser, ElementHandle, Page, sync_playwright

from playbook.io.workspace import Workspace
from playbook.tables import FACTORS, LAYERS
from playbook.widgets import board

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "browser"))
import driving

TEAM = "large"
TARGETS = {"stored and drawn, ms": 300, "00_start ready, s": 2, "kernel memory, MB": 150, "notebook file, kB": 500}
FACILITATOR = (
    "import playbook\nfrom playbook.report import figures\nfrom playbook.widgets import board, live",
    f'ws = playbook.open_workspace()\nb = board(ws, "{TEAM}")\nb',
    "live(figures.level_distribution, b)",
)
LETTING_GO = """() => new Promise((resolve) => {
  const said = document.querySelector('.pbb-said');
  const drawn = () => document.querySelector('.js-plotly-plot')?.textContent ?? '';
  const before = drawn();
  const times = {};
  window.__times = times;
  said.textContent = '';
  const look = () => {
    const since = performance.now() - times.start;
    if (times.stored === undefined && said.textContent.includes('Stored.')) times.stored = since;
    if (times.drawn === undefined && drawn() && drawn() !== before) times.drawn = since;
    if (times.stored === undefined || times.drawn === undefined) requestAnimationFrame(look);
  };
  window.addEventListener('pointerup', () => { times.start = performance.now(); look(); }, { once: true, capture: true });
  resolve();
})"""
FRAMES = """() => { const gaps = []; let last = performance.now(); window.__gaps = gaps;
  const tick = () => { const now = performance.now(); gaps.push(now - last); last = now; if (window.__gaps) requestAnimationFrame(tick); };
  requestAnimationFrame(tick); }"""


def large(folder: Path, cards: int) -> Workspace:
    """The sample workspace with one more team of so many tasks, ratings and volumes drawn at random."""
    driving.make_sample(folder)
    ws, rng = Workspace.open(folder), np.random.default_rng(7)
    functions = [
        "Reporting",
        "Content production",
        "SEO optimisation",
        "Creative direction",
        "Partnerships",
        "Chatbots",
    ]
    cells = {
        "team": TEAM,
        "task_id": [f"t{at:04}" for at in range(cards)],
        "task": [f"Prepare part {at} of the work" for at in range(cards)],
        "workflow": [f"Workflow {at % 24}" for at in range(cards)],
        "function": [functions[at % 6] for at in range(cards)],
        "layer": [LAYERS[at % 6] for at in range(cards)],
        "role": [f"Role {at % 9}" for at in range(cards)],
        "runs_per_month": rng.gamma(1, 12, cards).round(1),
        "minutes_per_run": rng.gamma(2, 20, cards).round(0),
        "current_level": 2,
    }
    cells |= {name: rng.integers(1, 6, cards).astype(float) for name in FACTORS}
    with ws.change() as change:
        change.put("teams", pd.DataFrame({"team": [TEAM], "name": ["A large team"]}))
        change.put("tasks", pd.DataFrame(cells))
    return ws


def away(ws: Workspace, task: str, level: int) -> None:
    """Somebody decides on another level, so that the card has a way back."""
    row = {"team": TEAM, "task_id": task, "decision": "level", "level": level, "reason": "for the benchmark's sake"}
    with ws.change() as change:
        change.put("overrulings", pd.DataFrame([row | {"decided_by": "Lead", "day": pd.Timestamp("2026-11-22")}]))


def lie(page: Page, task: str, column: int) -> ElementHandle:
    return page.wait_for_selector(
        f'.pbb-column[data-column="{column}"] .pbb-card[data-id="{task}"]', state="attached", timeout=20_000
    )


def drops(page: Page, second: Page, ws: Workspace, rule: dict[str, int], times: int) -> list[dict[str, float]]:
    """Cards dropped back where the rule has them: milliseconds to stored, to drawn, and to another board."""
    found = []
    for task, level in list(rule.items())[:times]:
        column = level % 5 + 1
        away(ws, task, column)
        lie(second, task, column)
        node = lie(page, task, column)
        page.wait_for_timeout(1200)  # the chart has followed, the flash has ended
        node.scroll_into_view_if_needed()
        box, target = node.bounding_box(), page.locator(f'.pbb-column[data-column="{level}"]').bounding_box()
        page.mouse.move(box["x"] + 40, box["y"] + 15)
        page.mouse.down()
        page.evaluate(LETTING_GO)
        page.evaluate(FRAMES)
        page.mouse.move(target["x"] + 60, box["y"] + 15, steps=30)
        gaps = page.evaluate("() => { const gaps = window.__gaps; window.__gaps = null; return gaps; }")
        page.mouse.up()
        let_go = time.time()
        lie(second, task, level)
        seen = time.time() - let_go
        page.wait_for_function("() => window.__times.stored && window.__times.drawn", timeout=20_000)
        found.append(page.evaluate("() => window.__times") | {"seen": seen * 1000, "gap": max(gaps[1:], default=0)})
    return found


def ready(page: Page) -> float:
    """Seconds from Run All Cells to the end of the last cell, by Lab's own command."""
    begun = time.perf_counter()
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    return time.perf_counter() - begun


def kernel_of(lab: driving.Lab, notebook: str) -> psutil.Process:
    """The process of a notebook's kernel."""
    connection = f"kernel-{lab.kernel(notebook)}.json"
    for process in psutil.Process(lab.process.pid).children(recursive=True):
        if any(connection in word for word in process.cmdline()):
            return process
    raise SystemExit(f"no process runs {connection}")


def saved(page: Page, file: Path) -> str:
    """The notebook's file after it was saved in Lab."""
    before = file.stat().st_mtime_ns
    page.keyboard.press("Control+s")
    end = time.monotonic() + 20
    while file.stat().st_mtime_ns == before and time.monotonic() < end:
        page.wait_for_timeout(100)
    return file.read_text(encoding="utf-8")


def opened(browser: Browser, lab: driving.Lab, notebook: str) -> Page:
    page = browser.new_context(viewport={"width": 1600, "height": 1000}).new_page()
    page.goto(lab.address(notebook, notebook.partition(".")[0]))
    driving.run_all(page)
    return page


def measure(options: argparse.Namespace, folder: Path, browser: Browser) -> dict[str, float]:
    ws = large(folder, options.cards)
    with driving.running_lab(folder) as lab:
        page = opened(browser, lab, lab.write("facilitator.ipynb", *FACILITATOR))
        second = opened(browser, lab, lab.write("second.ipynb", *FACILITATOR[:2]))
        page.wait_for_selector(".pbb-card")
        page.wait_for_selector(".js-plotly-plot")
        rule = {card["id"]: card["rule"] for card in _cards(ws) if card["rule"]}
        runs = drops(page, second, ws, rule, options.drops)
        if options.shot:
            page.screenshot(path=options.shot)
        memory = kernel_of(lab, "facilitator.ipynb").memory_full_info()
        text = saved(page, lab.notebooks / "facilitator.ipynb")
        start = opened(browser, lab, "00_start.ipynb")
        seconds = [ready(start) for _ in range(3)]
        texts = [text, saved(start, lab.notebooks / "00_start.ipynb")]
    if any("FigureWidget" in one for one in texts):
        raise SystemExit("a FigureWidget was saved")
    median = {name: statistics.median(run[name] for run in runs) for name in ("stored", "drawn", "seen", "gap")}
    return {
        "stored, ms": median["stored"],
        "stored and drawn, ms": median["drawn"],
        "stored and drawn, slowest, ms": max(run["drawn"] for run in runs),
        "seen by another notebook's board, ms": median["seen"],
        "seen by another notebook's board, slowest, ms": max(run["seen"] for run in runs),
        "longest frame while dragging, ms": median["gap"],
        "00_start ready, s": statistics.median(seconds),
        "kernel memory, MB": memory.rss / 1e6,
        "kernel memory of its own, MB": memory.uss / 1e6,
        "notebook file, kB": max(len(one.encode()) for one in texts) / 1e3,
    }


def _cards(ws: Workspace) -> list[dict]:
    return board(ws, TEAM).cards


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--cards", type=int, default=300)
    reader.add_argument("--drops", type=int, default=20)
    reader.add_argument("--check", action="store_true", help="leave with an error where a target is missed")
    reader.add_argument("--shot", default="", help="a picture of the board, for a look")
    options = reader.parse_args()
    path = driving.chromium_path()
    if path is None:
        raise SystemExit("Chromium is not installed; install the package chromium")
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(driving.CHROMIUM))
        found = measure(options, Path(temporary) / "engagement", browser)
        browser.close()
    load = psutil.getloadavg()[0]
    print(f"{options.cards} cards, {options.drops} drops; Python {platform.python_version()}, load {load:.1f}\n")
    print("| | measured | target |\n|---|---|---|")
    for name, value in found.items():
        print(f"| {name} | {value:,.1f} | {TARGETS.get(name, '')} |")
    missed = [name for name, most in TARGETS.items() if found[name] >= most]
    if options.check and missed:
        raise SystemExit("missed: " + ", ".join(missed))


if __name__ == "__main__":
    main()
