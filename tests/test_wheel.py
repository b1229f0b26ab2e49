"""What people install: the wheel holds what git tracks, nothing else, and works from a folder that is not the checkout."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from playbook.io import content

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("playbook", "templates", "assessments", "notebooks")
KINDS = ("playbook/py.typed", ".css", ".js", ".html", ".yaml", ".ipynb", ".md", "v0001_first_tables.py")
pytestmark = pytest.mark.slow


def git(*words):
    done = subprocess.run(["git", *words], capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return done.stdout


@pytest.fixture(scope="module")
def tree():
    """The files git tracks, and those that are new and not ignored, as they will be tracked after the next commit."""
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    return {name for name in listed if name and (ROOT / name).is_file()}


def build(words, cwd):
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", *map(str, words)],
        capture_output=True, text=True, cwd=cwd, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def checkout(tmp_path_factory, tree):
    """A copy of the tree with what must stay out beside it: a secret, a checkpoint, a cache, notes of an editor."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in tree:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name)
    for name in (
        "playbook/.env",
        "notebooks/.ipynb_checkpoints/00_start-checkpoint.ipynb",
        "notebooks/phase1_audit_and_experiment/.ipynb_checkpoints/10_inventory-checkpoint.ipynb",
        "playbook/__pycache__/cli.cpython-311.pyc",
        "sample-workspace/workspace.toml",
    ):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("must stay out\n")
    return copy


@pytest.fixture(scope="module")
def built(checkout, tmp_path_factory):
    """The sdist built from the tree, and a wheel built from what the sdist unpacks to, as a package index has it."""
    out = tmp_path_factory.mktemp("dist")
    build(["-t", "sdist", "-d", out], checkout)
    (sdist,) = out.glob("*.tar.gz")
    with tarfile.open(sdist) as packed:
        packed.extractall(out / "unpacked", filter="data")
    (source,) = (out / "unpacked").iterdir()
    build(["-t", "wheel", "-d", out], source)
    (wheel,) = out.glob("*.whl")
    return sdist, wheel


def wanted(tree):
    """Where each tracked file of the product lies inside the wheel."""
    places = {}
    for name in tree:
        if name.split("/")[0] in FOLDERS:
            places[name if name.startswith("playbook/") else f"playbook/_content/{name}"] = name
    return places


def test_the_wheel_holds_what_git_tracks_and_nothing_else(built, tree):
    _, wheel = built
    with zipfile.ZipFile(wheel) as packed:
        held = {name for name in packed.namelist() if ".dist-info/" not in name and not name.endswith("/")}
        places = wanted(tree)
        assert held == set(places)
        for inside, name in places.items():
            assert packed.read(inside) == (ROOT / name).read_bytes(), name
    for kind in KINDS:
        assert any(name.endswith(kind) for name in held), f"no {kind} in the wheel"
    assert not [name for name in held if "checkpoint" in name or "/." in name or name.endswith(".pyc")]


def test_a_wheel_straight_from_the_tree_is_the_same(built, checkout, tmp_path):
    build(["-t", "wheel", "-d", tmp_path], checkout)
    (direct,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(built[1]) as one, zipfile.ZipFile(direct) as other:
        assert set(one.namelist()) == set(other.namelist())


def test_the_sdist_holds_no_secret_and_all_that_is_needed_to_build(built):
    with tarfile.open(built[0]) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE"} <= names
    assert not [name for name in names if ".env" in name or "checkpoint" in name or name.startswith("sample-workspace")]


def test_its_metadata_names_command_licence_extras_and_python(built):
    with zipfile.ZipFile(built[1]) as packed:
        info = {name.partition(".dist-info/")[2]: name for name in packed.namelist() if ".dist-info/" in name}
        metadata = packed.read(info["METADATA"]).decode()
        assert "playbook = playbook.__main__:main" in packed.read(info["entry_points.txt"]).decode()
        assert "licenses/LICENSE" in info
    assert "License-Expression: Apache-2.0" in metadata
    assert "Requires-Python: >=3.11" in metadata
    assert {"llm", "postgres", "dask", "images"} <= set(re.findall(r"Provides-Extra: (\w+)", metadata))


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """A fresh environment that has the wheel and finds the locked libraries, but not the checkout."""
    home = tmp_path_factory.mktemp("fresh") / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True, timeout=120)
    python = home / "bin" / "python"
    ask = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    place = Path(subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip())
    # only the libraries: the editable install of this checkout is a .pth file, which a path added so does not follow
    (place / "locked.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index",
         "--disable-pip-version-check", "--force-reinstall", built[1]],
        check=True, timeout=120, capture_output=True,
    )  # fmt: skip
    return home / "bin"


def run(*words, **more):
    """A command from the root folder, with nothing of this process's own Python settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PLAYBOOK"))}
    done = subprocess.run(
        list(map(str, words)),
        capture_output=True,
        text=True,
        cwd="/",
        env=environment,
        check=False,
        timeout=240,
        **more,
    )
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def test_the_installed_kit_works_from_any_folder(installed, tmp_path):
    script = (
        "import playbook\nfrom playbook.io import content\n"
        "for name in content.CONTENT:\n    playbook.load(name)\n"
        "print(playbook.__file__)\nprint(content.root())\n"
    )
    where, root = run(installed / "python", "-c", script).splitlines()
    assert str(installed.parent) in where, "the checkout is what was imported"
    assert root == str(Path(where).parent / "_content")
    assert content.CONTENT
    assert run(installed / "playbook", "--version").startswith("transition-playbook ")

    made = run(installed / "playbook", "new", tmp_path / "sample", "--sample")
    assert "content-and-search" in made
    assert run(installed / "playbook", "sheet", tmp_path / "sheet.xlsx")
    assert (tmp_path / "sheet.xlsx").stat().st_size > 3000
    plan = (
        "from playbook import open_workspace\nfrom playbook.report import batch\n"
        f"jobs = batch.plan(open_workspace({str(tmp_path / 'sample')!r}))\n"
        "assert all('_content' in str(job.source) for job in jobs), jobs[0]\nprint(len(jobs))\n"
    )
    assert int(run(installed / "python", "-c", plan)) == 3 * 19 + 1


def test_the_installed_kit_makes_a_page(installed, tmp_path):
    script = (
        "import datetime as dt\nimport pandas as pd\nfrom playbook.io.workspace import Workspace\n"
        "from playbook.report import batch, execute, binding\n"
        f"start, folder = dt.date(2026, 10, 13), {str(tmp_path / 'acme')!r}\n"
        "workspace = Workspace.create(folder, organisation='Acme', start=start)\n"
        "with workspace.change() as change:\n"
        "    change.put('teams', pd.DataFrame({'team': ['content'], 'name': ['Content']}))\n"
        "job = batch.plan(workspace, ['1'])[0]\n"
        "outcome = execute.execute(job)\n"
        "assert outcome.status == 'done', outcome.sentence\n"
        "print(binding.bind(workspace, [job]))\n"
    )
    report = Path(run(installed / "python", "-c", script).strip().splitlines()[-1])
    assert "What this says" in report.read_text(encoding="utf-8")
