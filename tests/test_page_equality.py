"""Our page and nbconvert's show the same: every text and every table cell of theirs stands in ours, in the same order.

Blocks are what a reader tells apart: a paragraph, a heading, a list item, a table cell, a line of output. What is
different by design is in `BY_DESIGN`, each with its reason; nothing else may be missing.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from playbook.io import sample
from playbook.report import jobs, page, workers

bs4 = pytest.importorskip("bs4", reason="beautifulsoup4 is not installed")
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "zoo"))

pytestmark = pytest.mark.slow

ZOO = ["results", "streams", "errors", "stops_at_an_error", "exits", "display", "magics", "awaits", "tables", "plotly",
       "widgets", "skips", "parameters", "process"]  # fmt: skip
"""Not the ones that die or never end: the kit's batch writes their end into the notebook, papermill does not."""

SAMPLE = [
    "00_start", "10_inventory", "20_spectrum", "90_gate", "10_roles", "20_pods", "30_skills", "10_level3", "30_governance",
    "40_kpis", "10_portfolio",
]  # fmt: skip

BLOCKS = frozenset((
    "address", "article", "aside", "blockquote", "body", "br", "caption", "dd", "details", "div", "dl", "dt",
    "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p",
    "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
))  # fmt: skip
UNSEEN = frozenset(("script", "style", "template", "noscript", "svg", "head", "title", "iframe", "annotation"))

BY_DESIGN = {
    "over written": "a line overwritten by a carriage return is shown as a terminal leaves it: progress bars",
    "abc\x08\x08XY": "control characters are taken out",
    "tab bell\x07 return done": "control characters are taken out, and the overwritten part of the line",
    "$x$": "no TeX is typeset without a network: the source stands there as code, without its dollar signs",
    "$\\frac{1}{2}$": "as above",
    "text and https://e.org": "an address on another machine is not a link but words, and they name it twice",
    "a link": "a link that leads out of the file has its address behind it",
    "a_b_c 2*3": "a picture that is not in the file is told by its words",
    "todo": "a task list's boxes are text, [ ] and [x]: a form has no place in a report",
    "done": "as above",
    "Term": "Jupyter has no definition lists, nbconvert has; the words are there as a paragraph",
    "definition": "as above",
}
"""Blocks of nbconvert's that are not in ours, and why."""


def markdown(text):
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def code(*outputs):
    return {"cell_type": "code", "metadata": {}, "source": "x", "execution_count": 1, "outputs": list(outputs)}


def shown(**kinds):
    data = {kind.replace("__", "/"): value for kind, value in kinds.items()}
    return code({"output_type": "display_data", "metadata": {}, "data": data})


def stream(text, name="stdout"):
    return code({"output_type": "stream", "name": name, "text": text})


KINDS = [
    markdown("# Title *em* & <b>b</b>\n\n## Second `code`\n\ntext ~~gone~~ **bold** ends\n\ntext and <https://e.org>"),
    markdown("- one\n- two\n  - deep\n\n1. a\n2. b\n\n> quote\n> more\n\nline one  \nline two\nline three\\\nline four"),
    markdown("- [ ] todo\n- [x] done\n\nTerm\n: definition"),
    markdown("| a | b |\n|---|---|\n| 1 | *x* |\n| `p` | y & z |\n\n```python\ndef f():\n    return 1 < 2\n```\n\n    indented"),
    markdown("HTML: <details><summary>More</summary>inside</details> &copy; &amp; &lt;\n\n<div>\n\n**in div**\n\n</div>\n\n<!-- no -->"),
    markdown("[a link](http://example.org)\n\n![words of a picture](http://example.org/a.png) a_b_c 2\\*3"),
    markdown("<p>raw <i>html</i></p>\n<script>alert(1)</script><style>p{}</style><iframe>no</iframe><template>no</template>"),
    markdown("<button>press</button><textarea>area</textarea><select><option>opt</option></select><math><mi>x</mi></math><video>vid</video>"),
    stream("\x1b[31mred\x1b[0m plain\n\n   spaced   out\n<b>&amp;\n"),
    stream("over\rwritten\nabc\b\bXY\n"),
    stream(["a warning\n", "and more\n"], "stderr"),
    shown(text__html="<table><caption>cap</caption><thead><tr><th>a</th></tr></thead><tbody><tr><td>1<br>2</td><td> x </td></tr>"),
    shown(text__html="<p>one<p>two <math><mi>y</mi><annotation>tex</annotation></math><ul><li>l1<li>l2</ul><pre>a\n  b</pre> 5 < 6"),
    shown(text__html="<h1>Head</h1> 5 &lt; 6 &nbsp; &eacute; <unknown>tag</unknown><xmp>as it is</xmp>"),
    shown(text__markdown="# H\n\n*m* | no table"),
    shown(text__latex="$\\frac{1}{2}$", text__plain="half"),
    shown(application__json={"a": [1]}, text__plain="{'a': [1]}"),
    shown(**{"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text__plain": "IntSlider(value=3)"}),
    shown(**{"image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg'><text>drawn</text></svg>", "text__plain": "p"}),
    shown(application__pdf="JVBER", text__plain="a document"),
    shown(text__plain="plain <b> & \x1b[1mbold\x1b[0m\n two"),
    code({"output_type": "error", "ename": "ValueError", "evalue": "bad <x>", "traceback": [
        "\x1b[31m---\x1b[39m", "\x1b[32m      1\x1b[39m raise ValueError('bad <x>')", "ValueError: bad <x>"]}),
    {"cell_type": "raw", "metadata": {}, "source": "words of a raw cell & <b>tags</b>"},
    {"cell_type": "raw", "metadata": {"raw_mimetype": "text/latex"}, "source": "\\LaTeX"},
]  # fmt: skip
"""Cells and outputs of every kind, to be shown as they are."""


class Reader:
    """Reads a page as blocks; a line of preformatted text is a block of its own."""

    def __init__(self):
        self.blocks, self.words = [], []

    def end(self):
        if text := " ".join("".join(self.words).split()):
            self.blocks.append(text)
        self.words.clear()

    def read(self, node, *, lines):
        for child in node.children:
            if isinstance(child, bs4.element.Tag):
                self.element(child, lines=lines)
            elif not isinstance(child, bs4.element.PreformattedString):  # comments and the like
                self.text(str(child), lines=lines)

    def element(self, tag, *, lines):
        if tag.name in UNSEEN:
            return
        if tag.name in BLOCKS:
            self.end()
        self.read(tag, lines=lines or tag.name == "pre")
        if tag.name in BLOCKS:
            self.end()

    def text(self, words, *, lines):
        for at, line in enumerate(words.split("\n") if lines else [words]):
            if at:
                self.end()
            self.words.append(line)


def blocks(html):
    """The visible text of a page, block by block, with every space as one."""
    reader = Reader()
    reader.read(html, lines=False)
    reader.end()
    return reader.blocks


def ours(notebook):
    html = bs4.BeautifulSoup(page.bind([notebook], title="T"), "html.parser").main
    return blocks(html)


@functools.cache
def exporter():
    """nbconvert with what our page hides hidden: code, parameters, cells and outputs that are tagged so."""
    from nbconvert.exporters import HTMLExporter
    from traitlets.config import Config

    settings = Config()
    settings.HTMLExporter.exclude_input = True
    settings.HTMLExporter.exclude_output_prompt = True
    settings.TagRemovePreprocessor.enabled = True
    settings.TagRemovePreprocessor.remove_cell_tags = {"remove-cell", "injected-parameters", "papermill-error-cell-tag"}
    settings.TagRemovePreprocessor.remove_all_outputs_tags = {"remove-output"}
    return HTMLExporter(config=settings)


def theirs(notebook):
    import nbformat

    html, _ = exporter().from_notebook_node(nbformat.reads(json.dumps(notebook), as_version=4))
    body = bs4.BeautifulSoup(html, "html.parser").body
    for link in body.select("a.anchor-link"):
        link.decompose()
    return blocks(body)


def missing(wanted, found):
    """The blocks of `wanted` that do not stand in `found`, in order."""
    lost, at = [], 0
    for block in wanted:
        try:
            at = found.index(block, at) + 1
        except ValueError:
            lost.append(block)
    return lost


RUN = """
import sys
from pathlib import Path
from playbook.report.engine import run
sys.path.insert(0, sys.argv[1])
import animals, nbformat
for name in sys.argv[3:]:
    notebook, place = animals.build(name), Path(sys.argv[2]) / name
    place.mkdir()
    for cell in notebook.cells:
        if name != "stops_at_an_error":
            cell.metadata["tags"] = sorted({*cell.metadata.get("tags", []), animals.EXPECTED})
    nbformat.write(notebook, place / "in.ipynb")
    try:
        run(place / "in.ipynb", place / "out.ipynb", animals.PARAMETERS.get(name, {}), cwd=str(place))
    except Exception as error:
        print(name, type(error).__name__)
"""
"""Runs the zoo to each notebook's end, whatever its cells raise."""


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    root = tmp_path_factory.mktemp("zoo")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-c", RUN, str(HERE / "zoo"), str(root), *ZOO]
    subprocess.run(command, check=True, env=environment, cwd=root, timeout=200)
    return root


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """One executed notebook of the sample for each name."""
    workspace = sample.create(tmp_path_factory.mktemp("sample") / "s")
    team = workspace.teams()["team"][0]
    plan = {Path(job.notebook).stem: job for job in reversed(jobs.plan(workspace, teams=[team]))}
    done = workers.outcomes([plan[name] for name in SAMPLE], workers=2)
    assert [outcome.sentence for outcome in done if outcome.status != "done"] == []
    return {name: plan[name].output for name in SAMPLE}


def lost(notebook):
    wanted = theirs(notebook)
    assert wanted
    return missing(wanted, ours(notebook))


@pytest.mark.parametrize("name", SAMPLE)
def test_a_page_of_the_sample_shows_all_that_nbconvert_shows(reports, name):
    assert lost(json.loads(reports[name].read_text())) == []


@pytest.mark.parametrize("name", ZOO)
def test_a_notebook_of_the_zoo_shows_all_that_nbconvert_shows(zoo, name):
    notebook = json.loads((zoo / name / "out.ipynb").read_text())
    assert [block for block in lost(notebook) if block not in BY_DESIGN] == []


def test_every_kind_of_cell_and_output_is_shown_as_nbconvert_shows_it():
    cells = [{**cell, "id": f"cell{at}"} for at, cell in enumerate(KINDS)]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    assert [block for block in lost(notebook) if block not in BY_DESIGN] == []
    differs = set(lost(notebook)) | {"$x$", "tab bell\x07 return done"}  # the last two are in the zoo
    assert differs == set(BY_DESIGN), "a reason for what is no longer different"


def test_a_cell_that_is_missing_or_out_of_order_is_noticed():
    table = "<table><tr><td>alpha</td><td>beta</td></tr></table>"
    for other in ("<table><tr><td>alpha</td></tr></table>", "<table><tr><td>beta</td><td>alpha</td></tr></table>"):
        assert missing(*(blocks(bs4.BeautifulSoup(text, "html.parser")) for text in (table, other))) == ["beta"]
    assert missing(["a", "a"], ["a"]) == ["a"], "what is said twice must stand there twice"
