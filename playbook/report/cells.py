"""One executed notebook as a section of a report: its text, its outputs, its failure; code only when asked for."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from playbook.report import clean, drawing, look, show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

HIDDEN = frozenset(("remove-cell", "remove_cell", "injected-parameters", "papermill-error-cell-tag"))
NO_INPUT = frozenset(("hide-input", "hide_input", "remove-input", "remove_input", "parameters"))
NO_OUTPUT = frozenset(("remove-output", "remove_output"))
RAW = frozenset(("", "text/html", "text/markdown"))
EXPECTED = "raises-exception"
HEADING = re.compile(r"<h([1-6])>(.*?)</h\1>", re.DOTALL)
TAG = re.compile(r"<[^>]*>")
ATTACHMENT = re.compile(r"\]\(attachment:([^)\s]+)\)")
RUN_TWICE = "This notebook was run twice: its process died the first time. What stands here is the second run."
MATH = re.compile(r"^\s*\$+|\$+\s*$")


@dataclass
class Section:
    """A notebook in the report: its anchor, its headings as (depth, words, anchor), its HTML and its failures."""

    anchor: str
    title: str = ""
    headings: list[tuple[int, str, str]] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    figures: int = 0


@dataclass
class Binder:
    """Turns notebooks into sections; what must be unique across the report is counted here."""

    pages: Mapping[str, str]
    show_code: bool = False
    used: set[str] = field(default_factory=set)
    figures: int = 0

    def section(self, notebook: Mapping[str, Any], anchor: str) -> Section:
        """One executed notebook as a section."""
        section = Section(anchor)
        before = self.figures
        for cell in notebook.get("cells", ()):
            tags = set((cell.get("metadata") or {}).get("tags") or ())
            if tags & HIDDEN:
                continue
            if cell.get("cell_type") == "markdown":
                section.parts.append(self._prose(cell, section))
            elif cell.get("cell_type") == "code":
                section.parts += self._code(cell, tags, section)
            elif cell.get("cell_type") == "raw" and (cell.get("metadata") or {}).get("raw_mimetype", "") in RAW:
                section.parts.append(f'<div class="markdown">{clean.markup(source(cell), self.pages)}</div>')
        _unmarked_failure(notebook, section)
        _run_again(notebook, section)
        section.figures = self.figures - before
        return section

    def unique(self, words: str, prefix: str = "") -> str:
        """An anchor made of words, used once in the report."""
        stem = "-".join(part for part in re.split(r"[\W_]+", f"{prefix} {words}".casefold()) if part)[:72] or "part"
        anchor, n = stem, 2
        while anchor in self.used:
            anchor, n = f"{stem}-{n}", n + 1
        self.used.add(anchor)
        return anchor

    def _prose(self, cell: Mapping[str, Any], section: Section) -> str:
        text = ATTACHMENT.sub(lambda match: _attached(cell, match), source(cell))
        body = clean.markup(show.markdown(text, html=True), self.pages)
        return f'<div class="markdown">{HEADING.sub(lambda match: self._heading(match, section), body)}</div>'

    def _heading(self, match: re.Match[str], section: Section) -> str:
        depth, words = int(match[1]), " ".join(TAG.sub("", match[2]).split())
        if depth == 1 and not section.title:
            section.title = words
            return f"<h2>{match[2]}</h2>"
        shift = min(6, depth + 1)
        anchor = self.unique(_unescaped(words), section.anchor)
        section.headings.append((shift, words, anchor))
        return f'<h{shift} id="{anchor}">{match[2]}</h{shift}>'

    def _code(self, cell: Mapping[str, Any], tags: set[str], section: Section) -> Iterator[str]:
        if self.show_code and not tags & NO_INPUT and source(cell).strip():
            yield clean.code_block(source(cell))
        if tags & NO_OUTPUT:
            outputs = [output for output in cell.get("outputs", ()) if output.get("output_type") == "error"]
        else:
            outputs = list(cell.get("outputs", ()))
        for output in outputs:
            if output.get("output_type") == "error" and EXPECTED in tags:
                shown = _trace(output)
            else:
                shown = self._output(output, cell, section)
            if shown:
                yield f'<div class="output">{shown}</div>'

    def _output(self, output: Mapping[str, Any], cell: Mapping[str, Any], section: Section) -> str:
        kind = output.get("output_type")
        if kind == "error":
            return _error(output, cell, section)
        if kind == "stream":
            text = clean.terminal(joined(output.get("text")))
            return f'<pre class="stream">{text}</pre>' if text.strip() else ""
        data = output.get("data") or {}
        if drawing.MIME in data:
            self.figures += 1
            return drawing.figure(data[drawing.MIME], f"figure-{self.figures}")
        for mime, render in RENDERERS.items():
            if mime in data:
                return render(joined(data[mime]), self.pages)
        return ""


def source(cell: Mapping[str, Any]) -> str:
    """A cell's text; files hold it as one string or as a list of lines."""
    return joined(cell.get("source"))


def joined(text: Any) -> str:
    """Text from a notebook, where a string may be stored as a list of lines."""
    return "".join(text) if isinstance(text, list | tuple) else str(text or "")


def _unmarked_failure(notebook: Mapping[str, Any], section: Section) -> None:
    """A timeout or a dead kernel leaves no error in any cell; the run wrote it beside the notebook."""
    run = (notebook.get("metadata") or {}).get("playbook") or {}
    if run.get("status") != "failed" or section.failures:
        return
    said = clean.terminal(str(run.get("error") or "the notebook stopped without saying why"))
    section.failures.append(said)
    section.parts.insert(
        0, f'<div class="error"><p><b>This page is not complete.</b> The notebook stopped.</p><pre>{said}</pre></div>'
    )


def _run_again(notebook: Mapping[str, Any], section: Section) -> None:
    """A second run is told, as whatever the first one wrote elsewhere was written twice."""
    if ((notebook.get("metadata") or {}).get("playbook") or {}).get("runs", 1) > 1:
        section.parts.insert(1, f"<p>{RUN_TWICE}</p>")


def _unescaped(words: str) -> str:
    import html  # noqa: PLC0415 - the one place that needs it

    return html.unescape(words)


def _attached(cell: Mapping[str, Any], match: re.Match[str]) -> str:
    bundle = (cell.get("attachments") or {}).get(match[1]) or {}
    for mime, data in bundle.items():
        return f"](data:{mime};base64,{joined(data).strip()})"
    return match[0]


def _error(output: Mapping[str, Any], cell: Mapping[str, Any], section: Section) -> str:
    said = f"{output.get('ename', 'Error')}: {output.get('evalue', '')}"
    where = f"cell {cell['execution_count']}" if cell.get("execution_count") else ""
    short = clean.terminal(said.strip().splitlines()[0][:300])
    section.failures.append(f"{where}: {short}" if where else short)
    place = f", in {where}" if where else ""
    trace = _trace(output)
    more = f"<details><summary>Where in the code</summary>{trace}</details>" if trace else ""
    return (
        f'<div class="error"><p><b>This page failed here{place}.</b> What would follow is missing.</p>'
        f"<pre>{clean.terminal(said)}</pre>{more}</div>"
    )


def _trace(output: Mapping[str, Any]) -> str:
    trace = clean.terminal("\n".join(output.get("traceback") or ()))
    return f"<pre>{trace}</pre>" if trace.strip() else ""


def _html(text: str, pages: Mapping[str, str]) -> str:
    found = clean.markup(text.replace(show.style(), ""), pages)
    if "<table" not in found or "pb-scroll" in found:
        return found
    return f'<div class="pb-scroll" role="region" aria-label="Table" tabindex="0">{found}</div>'


def _markdown(text: str, pages: Mapping[str, str]) -> str:
    body = HEADING.sub(
        lambda match: f"<h{min(6, int(match[1]) + 3)}>{match[2]}</h{min(6, int(match[1]) + 3)}>",
        clean.markup(show.markdown(text), pages),
    )
    return f'<div class="markdown">{body}</div>'


def _raster(kind: str) -> Callable[[str, Mapping[str, str]], str]:
    def render(text: str, pages: Mapping[str, str]) -> str:  # noqa: ARG001 - one signature for all renderers
        return f'<img alt="A picture made by this page" src="data:image/{kind};base64,{"".join(text.split())}">'

    return render


def _svg(text: str, pages: Mapping[str, str]) -> str:
    """As a picture, so that nothing inside it can run or reach into the page."""
    return _raster("svg+xml")(base64.b64encode(text.encode()).decode(), pages)


def _latex(text: str, pages: Mapping[str, str]) -> str:  # noqa: ARG001 - one signature for all renderers
    return f"<p><code>{look.escape(MATH.sub('', text))}</code></p>"


def _plain(text: str, pages: Mapping[str, str]) -> str:  # noqa: ARG001 - one signature for all renderers
    return f"<pre>{clean.terminal(text)}</pre>"


RENDERERS: Mapping[str, Callable[[str, Mapping[str, str]], str]] = {
    "text/html": _html,
    "text/markdown": _markdown,
    "image/svg+xml": _svg,
    "image/png": _raster("png"),
    "image/jpeg": _raster("jpeg"),
    "text/latex": _latex,
    "text/plain": _plain,
}
"""How an output is shown, the first kind it comes in winning; widgets need a kernel and show their text instead."""
