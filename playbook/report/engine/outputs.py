"""Cell outputs from a kernel's messages, as nbformat makes them, without checking each against a schema."""

# mypy: allow-untyped-calls
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbformat import NotebookNode

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHOWN = {"execute_result": ("execution_count",), "display_data": ()}
_TEXTS = {"stream": ("name", "text"), "error": ("ename", "evalue")}


def usual(message: Mapping[str, Any]) -> NotebookNode | None:
    """The output a message makes; None for one of an unusual form, which nbformat itself should judge.

    Text in every representation, or JSON under a name that says so, cannot fail nbformat's schema. What is inside
    a JSON representation stays plain dictionaries.
    """
    kind, content = message["msg_type"], message["content"]
    try:
        if kind in _TEXTS:
            return _text(kind, content)
        return _shown(kind, content) if kind in _SHOWN else None
    except KeyError:
        return None


def _text(kind: str, content: Mapping[str, Any]) -> NotebookNode | None:
    facts = {name: content[name] for name in _TEXTS[kind]}
    lines = content["traceback"] if kind == "error" else []
    if not all(type(text) is str for text in (*facts.values(), *lines)):
        return None
    return NotebookNode(output_type=kind, **facts, **({"traceback": lines} if kind == "error" else {}))


def _shown(kind: str, content: Mapping[str, Any]) -> NotebookNode | None:
    data, metadata = content["data"], content["metadata"]
    if type(data) is not dict or type(metadata) is not dict:
        return None
    for name, value in data.items():
        is_json = name.startswith("application/") and name.endswith("+json")
        if not is_json and (type(value) is not str or name == "application/json"):
            return None
    bundle = NotebookNode()
    dict.update(bundle, data)  # NotebookNode's own would turn every dictionary inside into another
    rest = {name: content[name] for name in _SHOWN[kind]}
    return NotebookNode(output_type=kind, metadata=NotebookNode(metadata), data=bundle, **rest)
