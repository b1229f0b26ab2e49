"""Makes HTML and Markdown from notebooks safe for a report that opens without a network.

Scripts, frames, forms and handlers go; an address on another machine is kept as words, never as something a browser
would fetch. Markup that holds nothing of the kind passes through untouched, which is the usual and fast case.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from playbook.report import look

if TYPE_CHECKING:
    from collections.abc import Mapping

Attribute = tuple[str, "str | None"]

RISKY = re.compile(
    r"<\s*/?\s*(?:script|style|iframe|frame|object|embed|applet|link|meta|base|form|input|button|template|noscript"
    r"|img|image|svg|math|picture|source|video|audio|track|a|area|html|head|body|title|textarea|xmp|plaintext"
    r"|select|option|noframes|noembed|desc|foreignobject|listing|frameset|dialog)\b|position\s*:|style\s*=[^>]*\\"
    r"|[\s\"'/]on[a-z]+\s*=|url\s*\(|@import|\b(?:src|srcset|poster|background|data|href|ping|action)\s*=|image-set|expression\s*\(|<!|<\?|\bid\s*=",
    re.IGNORECASE,
)
WITH_CONTENT = frozenset(
    (
        "script",
        "style",
        "iframe",
        "object",
        "applet",
        "noscript",
        "template",
        "head",
        "title",
        "annotation",
        "annotation-xml",
        "noframes",
        "noembed",
        "desc",
        "foreignobject",
    )
)
ALONE = frozenset(("link", "meta", "base", "embed", "frame", "input", "source", "track", "area"))
UNWRAPPED = frozenset(
    (
        "form", "button", "textarea", "html", "body", "picture", "video", "audio", "plaintext", "xmp", "math",
        "select", "option", "listing", "frameset", "dialog",
    )
)  # fmt: skip
DROPPED = WITH_CONTENT | ALONE | UNWRAPPED
FETCHED = frozenset(
    ("src", "srcset", "poster", "data", "background", "action", "formaction", "xlink:href", "cite", "longdesc", "ping")
)
VOID = frozenset(("br", "hr", "img", "wbr", "col"))
# what a browser closes by itself
IMPLIED = frozenset(("p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "colgroup"))
# what would take the rest of the report with it, or out of its place, were it left open or closed once too often
HOLDING = ("div", "section", "main", "article", "aside", "nav", "header", "footer", "details", "table", "figure", "pre")
OWN_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+\Z")
FETCHING_STYLE = re.compile(
    r"url\s*\(|@import|\b(?:src|srcset|poster|background|data|href|ping|action)\s*=|image-set|expression|\\|position\s*:\s*fixed",
    re.IGNORECASE,
)


def markup(text: str, pages: Mapping[str, str] | None = None) -> str:
    """HTML from an output or an authored cell, with nothing in it that runs or fetches.

    `pages` maps notebook file names to anchors in the report: a link to one of them leads there.
    """
    if not RISKY.search(text) and all(text.count(f"<{tag}") == text.count(f"</{tag}") for tag in HOLDING):
        return text
    cleaner = _Cleaner(pages or {})
    cleaner.feed(text)
    cleaner.close()
    return cleaner.result()


class _Cleaner(HTMLParser):
    def __init__(self, pages: Mapping[str, str]) -> None:
        super().__init__(convert_charrefs=False)
        self.pages = pages
        self.parts: list[str] = []
        self.inside: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []

    def result(self) -> str:
        self.parts += self.links[::-1]
        self._close(len(self.open))
        return "".join(self.parts)

    def _close(self, many: int) -> None:
        """Close the tags that were opened last."""
        for _ in range(many):
            tag = self.open.pop()
            if tag not in IMPLIED:
                self.parts.append(f"</{tag}>")

    def handle_starttag(self, tag: str, attrs: list[Attribute]) -> None:
        if self.inside or tag in WITH_CONTENT:
            if tag in WITH_CONTENT:
                self.inside.append(tag)
            return
        if tag in DROPPED:
            return
        if tag == "a":
            self._open_link(dict(attrs).get("href") or "")
            return
        kept = "".join(_attribute(name, value) for name, value in attrs if _harmless(name, value or ""))
        if tag == "img" and " src=" not in kept:
            self.parts.append(look.escape(dict(attrs).get("alt") or "[picture left out: not part of this file]"))
            return
        self.parts.append(f"<{tag}{kept}>")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[Attribute]) -> None:
        if tag in WITH_CONTENT:
            return
        self.handle_starttag(tag, attrs)
        if tag not in VOID and tag not in DROPPED:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.inside:
            if tag == self.inside[-1]:
                self.inside.pop()
            return
        if tag == "a":
            self.parts.append(self.links.pop() if self.links else "")
        elif tag in self.open:
            behind = self.open[::-1].index(tag)
            self._close(behind)
            self.open.pop()
            self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.parts.append(data.replace("<", "&lt;").replace(">", "&gt;"))

    def handle_entityref(self, name: str) -> None:
        self._reference(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._reference(f"&#{name};")

    def _reference(self, text: str) -> None:
        if not self.inside:
            self.parts.append(text)

    def _open_link(self, address: str) -> None:
        anchor = address if address.startswith("#") else self.pages.get(_file(address), "")
        if anchor:
            self.parts.append(f'<a href="#{look.escape(anchor.lstrip("#"))}">')
            self.links.append("</a>")
        elif re.match(r"(?:https?:)?//", address, re.IGNORECASE):
            self.parts.append('<span class="away">')
            self.links.append(f" <small>({look.escape(address)})</small></span>")
        else:
            self.parts.append("<span>")
            self.links.append("</span>")


def _file(address: str) -> str:
    return address.partition("#")[0].replace("\\", "/").rpartition("/")[2]


def _harmless(name: str, value: str) -> bool:
    """Handlers, addresses and ids go: ids in a page belong to the report, so that no output can stand in for one."""
    if name.startswith("on") or name in {"id", "name", "srcdoc", "href", "target", "autofocus"}:
        return False
    if name == "src":
        return bool(OWN_IMAGE.match(value.strip()))
    if name in FETCHED:
        return False
    return not (name in {"style", "fill", "stroke", "filter", "mask", "clip-path"} and FETCHING_STYLE.search(value))


def _attribute(name: str, value: str | None) -> str:
    return f" {name}" if value is None else f' {name}="{look.escape(value)}"'


ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b\x0c\x0e-\x1f]")


def terminal(text: str) -> str:
    """What a terminal would show, as HTML text: colour codes gone, overwritten lines (progress bars) settled."""
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]
    return look.escape(ANSI.sub("", "\n".join(lines)))


def code_block(source: str) -> str:
    """A cell's code, folded away."""
    return f'<details class="code"><summary>Code</summary><pre><code>{look.escape(source)}</code></pre></details>'
