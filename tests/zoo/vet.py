"""What two executed notebooks have in common once ids and times are removed."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

TIMES = {"start_time", "end_time", "duration", "iopub.execute_input", "iopub.status.busy", "iopub.status.idle",
         "shell.execute_reply"}  # fmt: skip
CHANGING = (
    (re.compile(r"0x[0-9a-f]{6,}"), "0x"),
    (re.compile(r"CPU times: .*|Wall time: .*"), "times"),
    (re.compile(r"(\d+) times\)"), "many times)"),
    (re.compile(r"(/|\\/)tmp(/|\\/)ipykernel_\d+"), "cell"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[\d.]*"), "a time"),
    (re.compile(r"<ipython-input-\d+-[0-9a-f]+>"), "cell"),
)
LONG = 1_000_000
AN_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}")


def cells(path: Path, folder: Path) -> list[Any]:
    """The cells and metadata of an executed notebook, comparable."""
    notebook = json.loads(path.read_text())
    known: dict[str, str] = {}
    # Widget state is listed in order of creation; ids are random, so their order in a sorted file is too.
    for state in [notebook["metadata"].get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {})]:
        if "state" in state:
            state["state"] = sorted(state["state"].values(), key=lambda item: AN_ID.sub("", json.dumps(item)))
    parts = [*map(_cell, notebook["cells"]), notebook["metadata"]]
    return [_plain(part, known, str(folder)) for part in parts]


def _cell(cell: dict[str, Any]) -> dict[str, Any]:
    made: list[dict[str, Any]] = []
    for output in cell.get("outputs", []):
        if output["output_type"] != "stream":
            made.append(output)
            continue
        # Streams are cut by the clock; what was said stays.
        text = "".join(output["text"])
        same = next((item for item in made[-2:] if item.get("name") == output["name"]), None)
        if same:
            same["text"] += text
        else:
            made.append({**output, "text": text})
    return {**{name: value for name, value in cell.items() if name != "id"}, "outputs": made}


def _plain(value: Any, known: dict[str, str], folder: str) -> Any:
    if isinstance(value, dict):
        return {_plain(name, known, folder): _plain(item, known, folder)
                for name, item in value.items() if name not in TIMES}  # fmt: skip
    if isinstance(value, list):
        return [_plain(item, known, folder) for item in value]
    if isinstance(value, str) and len(value) > LONG:
        return f"{len(value)} characters, {hashlib.sha256(value.encode()).hexdigest()[:12]}"
    if isinstance(value, str):
        value = value.replace(folder, "FOLDER")
        for pattern, word in CHANGING:
            value = pattern.sub(word, value)
        return AN_ID.sub(lambda found: known.setdefault(found[0], f"id{len(known)}"), value)
    return value
