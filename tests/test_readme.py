"""The README promises commands and options; each of them is there, and none is missing from it."""

import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from playbook.cli import app
from playbook.io import intake

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [path for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md") if path.is_file()]
COMMANDS = typer.main.get_command(app).commands


def blocks(text):
    return re.findall(r"^```(?:sh|bash|console)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def code_lines(text):
    """Each shell line of a page, without its prompt and remark."""
    for block in blocks(text):
        for line in block.replace("\\\n", " ").splitlines():
            if bare := re.sub(r"(^|\s)#.*$", "", line).removeprefix("$ ").strip():
                yield from (part.strip() for part in bare.split("&&"))


def spoken(text):
    """Each `playbook …` and `make …` of a page: in its code blocks and between backticks."""
    yield from code_lines(text)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from (words for words in re.findall(r"`([^`\n]+)`", prose) if words.startswith(("playbook ", "make ")))


def resolved(words):
    """The command that `playbook WORDS…` means, also one below another, and the words left for it."""
    command, rest = COMMANDS[words[0]], words[1:]
    while rest and rest[0] in getattr(command, "commands", {}):
        command, rest = command.commands[rest[0]], rest[1:]
    return command, rest


LINES = [
    pytest.param(page.name, line, id=f"{page.name}: {line}")
    for page in PAGES
    for line in dict.fromkeys(spoken(page.read_text(encoding="utf-8")))
]


@pytest.mark.parametrize(("page", "line"), [item for item in LINES if item.values[1].startswith("playbook ")])
def test_a_playbook_command_of_the_page_and_its_options_exist(page, line):
    _, name, *words = shlex.split(line)
    if name.startswith("-"):
        assert CliRunner().invoke(app, [name]).exit_code == 0
        return
    assert name in COMMANDS, f"{page} names `playbook {name}`; there are {', '.join(COMMANDS)}"
    command, words = resolved([name, *words])
    options = {option for parameter in command.params for option in parameter.opts + parameter.secondary_opts}
    named = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
    assert named <= options | {"--help"}, f"{page}: `{line}`"


def test_the_readmes_lines_can_be_parsed_whole():
    """Options with their values and arguments fit what the command takes; nothing is run."""
    for line in code_lines(README):
        words = shlex.split(line)
        if words[0] != "playbook" or words[1].startswith("-"):
            continue
        command, rest = resolved(words[1:])
        context = command.make_context(words[1], rest, resilient_parsing=False)
        assert context.params, line


def test_formats_named_in_the_readme_are_formats():
    named = set(re.findall(r"--as (\w+)", README))
    assert named
    assert named <= {item if isinstance(item, str) else item.name for item in intake.FORMATS}


def test_every_command_is_in_the_readmes_table():
    rows = dict(re.findall(r"^\| `playbook (\w+)[^`]*` \| (.+) \|$", README, re.MULTILINE))
    assert set(rows) == set(COMMANDS), "the table and `playbook --help` differ"
    assert all(len(said.split()) >= 3 for said in rows.values())


def test_every_make_target_of_the_pages_exists_and_says_what_it_does():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    named = {line.split()[1] for item in LINES if (line := item.values[1]).startswith("make ")}
    assert {"run", "test"} <= named
    assert named <= targets, named - targets
    assert "tests/run_notebooks.py" in makefile


def test_files_and_folders_the_pages_name_are_there():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for link in re.findall(r"\]\(([^)#\s]+)\)", text):
            assert link.startswith("http") or (ROOT / link).exists(), f"{page.name} links to {link}"
        for folder in re.findall(r"`((?:playbook|notebooks|assessments|templates|tests|benchmarks)/[\w./-]*)`", text):
            assert (ROOT / folder).exists(), f"{page.name} names {folder}"


def test_the_first_screen_says_what_it_is_and_the_two_commands_and_shows_a_report():
    first = "\n".join(README.splitlines()[:30])
    assert "make run" in first
    assert "make test" in first
    assert re.search(r"!\[[^\]]+\]\([^)]+\.(png|jpg|svg|webp)\)", first)


def test_an_error_that_names_a_command_names_one_there_is():
    for path in sorted((ROOT / "playbook").rglob("*.py")):
        for name in re.findall(r"`playbook ([a-z]+)", path.read_text(encoding="utf-8")):
            assert name in COMMANDS, f"{path.relative_to(ROOT)} sends people to `playbook {name}`"
