"""Notebooks to text, byte for byte as `nbformat.writes` gives it, in a quarter of the time; and when to store them."""

from __future__ import annotations

import datetime as dt
import functools
import json
from json.encoder import encode_basestring as quoted
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbformat.v4.nbjson import BytesEncoder
from papermill.engines import NotebookExecutionManager
from papermill.iorw import papermill_io

if TYPE_CHECKING:
    from collections.abc import Mapping

SECONDS_BETWEEN = 1.0
SHARE = 20
"""A running notebook is stored at most once a second, and at most a twentieth of the time goes into it."""

_SPLIT = ("application/javascript", "image/svg+xml")
_TRANSIENT = ("orig_nbformat", "orig_nbformat_minor", "signature")
_BIG = float("inf")


def text(notebook: Mapping[str, Any]) -> str:
    """A notebook of format 4 as `nbformat.writes` writes it; the notebook is not changed or validated."""
    metadata = {name: value for name, value in notebook["metadata"].items() if name not in _TRANSIENT}
    cells = [_cell(cell) for cell in notebook["cells"]]
    return dumps({**notebook, "metadata": metadata, "cells": cells})


def write(notebook: Mapping[str, Any], path: str | Path) -> None:
    """Store a notebook in a local file."""
    Path(path).write_text(text(notebook), encoding="utf-8")


def dumps(value: Any, line: str = "\n") -> str:
    """`json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)`; `line` is a line break with its indent.

    The standard library indents with a Python generator per value; this builds each container's text at once.
    """
    kind = type(value)
    if kind is str:
        return quoted(value)
    if kind is float:
        return _number(value)
    if isinstance(value, dict):
        inner = line + " "
        items = [f"{_key(key)}: {_plain(value[key]) or _nested(key, value[key], inner)}" for key in sorted(value)]
        return f"{{{inner}{f',{inner}'.join(items)}{line}}}" if items else "{}"
    if isinstance(value, (list, tuple)):
        inner = line + " "
        parts = [_plain(item) or dumps(item, inner) for item in value]
        return f"[{inner}{f',{inner}'.join(parts)}{line}]" if parts else "[]"
    return json.dumps(value, cls=BytesEncoder, ensure_ascii=False)


class Checkpoints(NotebookExecutionManager):  # type: ignore[misc]  # papermill carries no types
    """Papermill's record of a run, stored now and then while it goes well, and always at its end and on failure."""

    nb: Any
    last_save_time: dt.datetime

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.spent = 0.0
        self.due = False

    def save(self, **options: Any) -> None:
        """Store the notebook if it is time to."""
        self.nb = options.get("nb") or self.nb
        since = (self.now() - self.last_save_time).total_seconds()
        if self.due or since >= max(SECONDS_BETWEEN, SHARE * self.spent):
            self.store()

    def store(self) -> None:
        """Store the notebook now."""
        begun = self.now()
        if self.output_path:
            papermill_io.write(text(self.nb), self.output_path, extensions=None)
        self.last_save_time = self.now()
        self.spent = (self.last_save_time - begun).total_seconds()
        self.due = False

    def cell_exception(self, cell: Any, cell_index: int | None = None, **options: Any) -> None:
        """As papermill's; what failed is on disk before anything else happens."""
        super().cell_exception(cell, cell_index=cell_index, **options)
        self.due = True

    def cell_complete(self, cell: Any, cell_index: int | None = None, **options: Any) -> None:
        """As papermill's, whose reading of the start time costs more than a small cell."""
        facts = cell.metadata.papermill
        if self.log_output or self.pbar or not facts.get("start_time"):
            super().cell_complete(cell, cell_index=cell_index, **options)
            return
        end = self.now()
        facts["end_time"] = end.isoformat()
        facts["duration"] = (end - dt.datetime.fromisoformat(facts["start_time"])).total_seconds()
        if facts["status"] != self.FAILED:
            facts["status"] = self.COMPLETED
        self.save(**options)

    def notebook_complete(self, **options: Any) -> None:
        """As papermill's; the end is always stored."""
        self.due = True
        super().notebook_complete(**options)


def _cell(cell: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(cell)
    if "metadata" in made:
        made["metadata"] = {name: value for name, value in made["metadata"].items() if name != "trusted"}
    if isinstance(made.get("source"), str):
        made["source"] = made["source"].splitlines(keepends=True)
    if "attachments" in made:
        made["attachments"] = {name: _bundle(bundle) for name, bundle in made["attachments"].items()}
    if made["cell_type"] == "code":
        made["outputs"] = [_output(output) for output in made["outputs"]]
    return made


def _output(output: Mapping[str, Any]) -> Mapping[str, Any]:
    if output["output_type"] in ("execute_result", "display_data"):
        return {**output, "data": _bundle(output.get("data", {}))} if "data" in output else output
    if output["output_type"] == "stream" and isinstance(output["text"], str):
        return {**output, "text": output["text"].splitlines(keepends=True)}
    return output


def _bundle(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.splitlines(keepends=True)
        if isinstance(value, str) and (name.startswith("text/") or name in _SPLIT)
        else value
        for name, value in data.items()
    }


def _nested(key: Any, value: Any, line: str) -> str:
    """As `dumps`; a figure's template, most of a small figure and the same in the next one, is written once."""
    if key == "template" and type(value) is dict:
        return _again(json.dumps(value, ensure_ascii=False), line)
    return dumps(value, line)


@functools.lru_cache(maxsize=64)
def _again(compact: str, line: str) -> str:
    return dumps(json.loads(compact), line)


def _plain(value: Any) -> str:
    """The text of a plain string or finite number, the bulk of every figure; empty for anything else."""
    kind = type(value)
    if kind is str:
        return quoted(value)
    if kind is float and -_BIG < value < _BIG:
        return float.__repr__(value)
    if kind is int:
        return int.__repr__(value)
    return ""


def _number(value: float) -> str:
    if value != value:  # noqa: PLR0124 - not a number
        return "NaN"
    return float.__repr__(value) if -_BIG < value < _BIG else ("Infinity" if value > 0 else "-Infinity")


def _key(key: Any) -> str:
    if type(key) is str:
        return quoted(key)
    return json.dumps({key: 0}, ensure_ascii=False)[1:-4]
