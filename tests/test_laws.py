"""The house's laws: who may import whom, what importing costs, content that fits, names that explain themselves."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import playbook
from playbook.io import content

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "playbook"

GROUND = {"errors", "tables", "intervals"}
DOORS = {"io", "report", "agents", "widgets", "workshop", "cli", "__main__"}
# a door may use what stands to its left: errors <- tables, intervals <- rooms <- io <- report <- agents, workshop <- cli
MAY_USE = {
    "errors": set(),
    "tables": {"errors"},
    "intervals": {"errors", "tables"},
    "rooms": GROUND,
    "io": GROUND | {"rooms", "io"},
    "widgets": GROUND | {"rooms", "io", "widgets"},
    "agents": GROUND | {"rooms", "io", "report", "agents"},  # an agent's report looks like any other page
    "report": GROUND | {"rooms", "io", "report"},
    "workshop": GROUND | {"rooms", "io", "workshop"},
    "cli": GROUND | {"rooms", "io", "agents", "report", "workshop", "widgets", "cli"},
    "__main__": {"cli", "errors"},
}
ROOM_LIBRARIES = {"numpy", "pandas", "scipy", "pydantic", "holidays"}
NOT_IN_A_ROOM = {"pathlib", "os", "io", "shutil", "tempfile", "subprocess", "socket", "sqlite3", "yaml", "sqlalchemy"}
HEAVY = ("papermill", "ipywidgets", "plotly", "nbconvert", "sqlalchemy", "pydantic_ai", "pandas")


PLACES = {path.stem for path in PACKAGE.iterdir()}


def place(path):
    """The room, door or ground-floor name a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def kind(name):
    return name if name in GROUND | DOORS else "rooms"


def sources():
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path.name != "__init__.py" or path.parent != PACKAGE]


@cache
def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported(path):
    """Every module a file imports anywhere in it, inside functions too."""
    found = []
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found


def short(path):
    return str(path.relative_to(ROOT))


def own(modules):
    """Names of the kit's own places in a list of imported modules."""
    names = {part.group(1) for name in modules if (part := re.match(r"playbook\.(\w+)", name))}
    return names & PLACES


def test_imports_go_the_allowed_way():
    wrong = {
        f"{short(path)} must not import playbook.{other}"
        for path in sources()
        for other in own(imported(path)) - {place(path)}
        if kind(other) not in MAY_USE[kind(place(path))]
    }
    assert not wrong


def test_a_room_knows_no_disk_network_or_screen():
    allowed = (set(sys.stdlib_module_names) - NOT_IN_A_ROOM) | {"playbook"} | ROOM_LIBRARIES
    rooms = [path for path in sources() if kind(place(path)) == "rooms" or place(path) in GROUND]
    roots = {short(path): {name.split(".")[0] for name in imported(path) if name} for path in rooms}
    assert rooms
    assert not {path: used - allowed for path, used in roots.items() if used - allowed}


def test_rooms_never_import_each_other():
    rooms = {place(path) for path in sources() if kind(place(path)) == "rooms"}
    for path in sources():
        if place(path) in rooms:
            assert not own(imported(path)) & (rooms - {place(path)}), path


def test_importing_the_kit_loads_nothing_heavy():
    code = f"import sys, playbook; print([name for name in {HEAVY!r} if name in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_the_shelf_lists_every_error_a_public_function_can_raise():
    from playbook import errors

    family = {name for name, cls in vars(errors).items() if isinstance(cls, type) and issubclass(cls, Exception)}
    assert family <= set(playbook.__all__)
    assert all(hasattr(playbook, name) for name in playbook.__all__)


def test_every_public_name_says_what_it_means():
    named = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    assert not [short(path) for path in sources() if not ast.get_docstring(parsed(path))], "what are they for?"
    assert not [
        f"{short(path)}: {node.name} has no docstring"
        for path in sources()
        for node in parsed(path).body
        if isinstance(node, named) and not node.name.startswith("_") and not ast.get_docstring(node)
    ]


def test_a_module_holds_one_idea():
    lines = {short(path): path.read_text(encoding="utf-8").count("\n") for path in sources()}
    assert lines
    assert not {path: count for path, count in lines.items() if count > 400}


@pytest.mark.parametrize("name", content.CONTENT)
def test_every_piece_of_authored_content_fits_its_model(name):
    assert content.load(name)


def test_every_assessment_file_is_read_by_something():
    read_by_the_intake = {"assessments/intake/default.yaml", "assessments/intake/windows_zones.yaml"}
    listed = {shelf.file for shelf in content.CONTENT.values()} | read_by_the_intake
    present = {str(path.relative_to(ROOT)) for path in (ROOT / "assessments").rglob("*.yaml")}
    assert present == listed


def test_a_bare_no_in_yaml_is_refused_where_text_is_wanted(tmp_path):
    from playbook.tables import Authored

    class Answer(Authored):
        text: str

    file = tmp_path / "a.yaml"
    file.write_text("text: No\n")
    with pytest.raises(playbook.ContentError, match="text: Input should be a valid string; found 'False'"):
        content.read(file, Answer)


def test_a_key_written_twice_in_yaml_is_refused_with_its_line(tmp_path):
    from playbook.tables import Authored

    class Answer(Authored):
        text: str

    file = tmp_path / "a.yaml"
    file.write_text("text: a\ntext: b\n")
    with pytest.raises(playbook.ContentError, match=r"'text' is there twice.*line 2"):
        content.read(file, Answer)


def test_a_clients_own_copy_wins_over_the_kits(tmp_path):
    mine = tmp_path / "assessments" / "spectrum" / "default.yaml"
    mine.parent.mkdir(parents=True)
    mine.write_text("levels: []\n")
    assert content.find("assessments/spectrum/default.yaml", tmp_path) == mine
    with pytest.raises(playbook.ContentError, match=re.escape(str(mine))):
        playbook.load("spectrum", tmp_path)


def test_a_missing_file_names_where_it_was_looked_for(tmp_path):
    with pytest.raises(
        playbook.ContentError, match=r"assessments/none.yaml: 1 to correct\n.*no such file in the kit or in"
    ):
        content.find("assessments/none.yaml", tmp_path)


def tracked():
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, cwd=ROOT, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def test_no_lock_file_names_where_packages_come_from():
    names = {path.name for path in tracked()}
    assert not names & {"uv.lock", "pylock.toml"}
    assert "://" not in (ROOT / "requirements.lock").read_text(encoding="utf-8")


def test_no_file_carries_a_path_of_the_machine_it_was_made_on():
    for path in tracked():
        if path.is_file():
            assert f"{ROOT}/".encode() not in path.read_bytes(), path
