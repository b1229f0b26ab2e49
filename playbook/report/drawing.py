"""Puts a notebook's plotly figures on a page: their JSON, a name and a text alternative for those who cannot see it."""

from __future__ import annotations

import base64
import json
import re
from functools import cache
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from playbook.report import look

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MIME = "application/vnd.plotly.v1+json"
MARKUP = ("<br>", "<b>", "</b>", "<i>", "</i>", "<sub>", "</sub>", "<sup>", "</sup>", "</span>")


@cache
def plotly_js() -> str:
    """The plotly library as installed, put inline once a page."""
    from plotly.offline import get_plotlyjs  # noqa: PLC0415 - only a page with figures needs it

    return str(get_plotlyjs()).replace("</script", "<\\/script")


def figure(spec: Mapping[str, Any], name: str) -> str:
    """One figure as HTML: a named picture, its data for the boot script, and its numbers as a folded table.

    `name` is the element id of the data, unique on the page.
    """
    data, layout = spec.get("data") or [], dict(spec.get("layout") or {})
    title, subtitle = _title(layout)
    height = layout.get("height")
    room = f' style="min-height:{float(height):.0f}px"' if isinstance(height, int | float) else ""
    label = look.escape(". ".join(part for part in (title, subtitle) if part) or "Figure")
    return (
        f'<figure data-plot="{name}"><div class="plot" role="img" aria-label="{label}"{room}></div>'
        f'<script type="application/json" id="{name}">{_json({"data": data, "layout": layout})}</script>'
        f"{_numbers(data, layout, title)}</figure>"
    )


def _json(value: Any) -> str:
    """JSON that cannot close the script element it stands in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for mark, code in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(mark, code)
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _title(layout: Mapping[str, Any]) -> tuple[str, str]:
    title = layout.get("title") or {}
    whole = title if isinstance(title, str) else str(title.get("text") or "")
    text, _, small = whole.partition("<br><span")
    said = (
        small.partition(">")[2]
        if small
        else ""
        if isinstance(title, str)
        else (title.get("subtitle") or {}).get("text")
    )
    return _words(text), _words(said)


def _words(text: Any) -> str:
    said = "" if look.missing(text) else str(text)
    for mark in MARKUP:
        said = said.replace(mark, " " if mark == "<br>" else "")
    return re.sub(r"\s+", lambda run: run[0] if run[0] == "\N{NO-BREAK SPACE}" else " ", said).strip()


def _numbers(data: Sequence[Mapping[str, Any]], layout: Mapping[str, Any], title: str) -> str:
    rows = [row for trace in data for row in _rows(trace)]
    if not rows:
        return ""
    named = any(row[0] for row in rows)
    heads = [*(["Series"] if named else []), _axis(layout, "yaxis", "y"), _axis(layout, "xaxis", "x")]
    if any(row[3] for row in rows):
        heads.append("Value")
    shown = [[*([row[0]] if named else []), row[2], row[1], *([row[3]] if "Value" in heads else [])] for row in rows]
    body = "".join("<tr>" + "".join(f"<td>{look.escape(cell)}</td>" for cell in row) + "</tr>" for row in shown)
    head = "".join(f'<th scope="col">{look.escape(name)}</th>' for name in heads)
    return (
        '<details class="numbers"><summary>Numbers behind this figure</summary><div class="pb-scroll">'
        f'<table class="pb-table"><caption>{look.escape(title or "Figure")}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div></details>"
    )


def _axis(layout: Mapping[str, Any], axis: str, fallback: str) -> str:
    title = (layout.get(axis) or {}).get("title") or {}
    text = title if isinstance(title, str) else title.get("text")
    return _words(text) or {"x": "Across", "y": "Up"}[fallback]


def _rows(trace: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """Rows of (series, x, y, value) a reader of the figure would see; decoration without hover is left out."""
    if trace.get("hoverinfo") == "skip":
        return
    name = _words(trace.get("name"))
    xs, ys = _values(trace.get("x")), _values(trace.get("y"))
    if trace.get("type") == "heatmap":
        for y, line in zip(ys, trace.get("z") or [], strict=False):
            for x, cell in zip(xs, _values(line), strict=False):
                yield name, _cell(x), _cell(y), _cell(cell)
    elif trace.get("type") == "sankey":
        node, link = trace.get("node") or {}, trace.get("link") or {}
        words = _values(node.get("label"))
        for source, target, value in zip(
            *(_values(link.get(key)) for key in ("source", "target", "value")), strict=False
        ):
            yield name, f"to {_cell(words[int(target)])}", f"from {_cell(words[int(source)])}", _cell(value)
    else:
        if "base" in trace:
            xs = _values(trace.get("customdata"))
        texts = _values(trace.get("hovertext")) or _values(trace.get("text"))
        tell = trace.get("type") == "scatter" and any(not _is_number(text) for text in texts if text)
        for x, y, text in zip_longest(xs, ys, texts if tell else []):
            yield name, _cell(x), _cell(y), _cell(text)


def _is_number(text: Any) -> bool:
    try:
        float(str(text).replace(",", "").replace("\N{MINUS SIGN}", "-"))
    except ValueError:
        return False
    return True


def _cell(value: Any) -> str:
    if look.missing(value):
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return look.number(value, 0 if float(value).is_integer() else 2)
    return _words(value)


def _values(values: Any) -> list[Any]:
    """A trace's values as a list; plotly writes number arrays as base64 of their bytes."""
    if values is None:
        return []
    if isinstance(values, dict) and "bdata" in values:
        flat = np.frombuffer(base64.b64decode(values["bdata"]), dtype=np.dtype(values["dtype"]))
        shape = values.get("shape")
        whole = flat.reshape([int(part) for part in str(shape).split(",")]) if shape else flat
        return list(whole.tolist())
    return list(values) if isinstance(values, list | tuple) else [values]
