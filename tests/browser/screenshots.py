"""Pictures of every notebook in JupyterLab after Run All, at 1280 and 1920 pixels: `make screenshots`.

python tests/browser/screenshots.py FOLDER [part of a notebook's path ...]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import driving
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent.parent / "notebooks"
WIDTHS = (1280, 1920)
# Lab shows a part of a long notebook; the window is made as tall as the notebook is
HEIGHT = """() => Math.max(...[...document.querySelectorAll('.jp-NotebookPanel *')].map((one) => one.scrollHeight))"""
TOP = "() => document.querySelectorAll('.jp-NotebookPanel *').forEach((one) => { one.scrollTop = 0 })"


def main(folder: Path, only: list[str]) -> int:
    """Make the pictures into the folder and say where they are."""
    path = driving.chromium_path()
    if path is None:
        sys.stderr.write("Chromium is not installed; install the package chromium\n")
        return 1
    names = [name.relative_to(ROOT).as_posix() for name in sorted(ROOT.rglob("[!.]*.ipynb"))]
    names = [name for name in names if not only or any(part in name for part in only)]
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as driver:
        place = Path(temporary) / "engagement"
        driving.make_sample(place)
        with driving.running_lab(place) as lab:
            browser = driver.chromium.launch(executable_path=path, args=list(driving.CHROMIUM))
            shown = browser.new_page(viewport={"width": WIDTHS[0], "height": 1000})
            driving.window(shown, lab)
            for name in names:
                shown.set_viewport_size({"width": WIDTHS[0], "height": 1000})
                driving.run_and_save(shown, lab, name)
                for width in WIDTHS:
                    shown.set_viewport_size({"width": width, "height": 1000})
                    shown.wait_for_timeout(500)
                    tall = min(int(shown.evaluate(HEIGHT)) + 160, 12_000)
                    shown.set_viewport_size({"width": width, "height": tall})
                    shown.evaluate(TOP)
                    shown.wait_for_timeout(2_000)
                    picture = folder / f"{name.replace('/', '-').removesuffix('.ipynb')}-{width}.png"
                    shown.screenshot(path=picture)
                    sys.stdout.write(f"{picture}\n")
                driving.close(shown, name)
            browser.close()
    return 0


if __name__ == "__main__":
    reader = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    reader.add_argument("folder", type=Path, help="where the pictures go")
    reader.add_argument("only", nargs="*", help="parts of notebook paths")
    given = reader.parse_args()
    sys.exit(main(given.folder, given.only))
