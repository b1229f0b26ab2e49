"""Finds authored content (templates, assessments, notebooks) and reads its YAML as strict models.

A client overrides a file by putting the same relative path in the engagement folder.
"""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from playbook.errors import ContentError

if TYPE_CHECKING:
    from collections.abc import Hashable
    from os import PathLike

M = TypeVar("M", bound=BaseModel)
FOLDERS = ("templates", "assessments", "notebooks")
DEEPEST = 100  # levels; the kit's own files have seven
UNFOLDED_LIMIT = 100_000  # values; the longest of the kit's own files has some thousands


@dataclass(frozen=True)
class Shelf:
    """Where a piece of content lies and which room's model reads it (`module:Class`)."""

    file: str
    model: str


CONTENT: dict[str, Shelf] = {
    "spectrum": Shelf("assessments/spectrum/default.yaml", "playbook.spectrum:Model"),
    "pilots": Shelf("assessments/pilots/default.yaml", "playbook.workflows:PilotRule"),
    "pilot_evidence": Shelf("assessments/pilots/evidence.yaml", "playbook.pilots:EvidenceRule"),
    "roles": Shelf("assessments/roles/default.yaml", "playbook.roles:RoleMap"),
    "pods": Shelf("assessments/pods/default.yaml", "playbook.pods:PodRules"),
    "maturity": Shelf("assessments/maturity/default.yaml", "playbook.assessments:Questionnaire"),
    "skills": Shelf("assessments/skills/default.yaml", "playbook.assessments:Questionnaire"),
    "kpis": Shelf("assessments/kpis/default.yaml", "playbook.kpis:Catalogue"),
    "risks": Shelf("assessments/risks/default.yaml", "playbook.governance:Register"),
    "budget": Shelf("assessments/budget/default.yaml", "playbook.budget:Shift"),
    "plan": Shelf("assessments/plan/default.yaml", "playbook.plan:Plan"),
    "keywords": Shelf("assessments/intake/keywords.yaml", "playbook.workflows:Keywords"),
    "names": Shelf("assessments/intake/names.yaml", "playbook.io.names:NameWords"),
    "playbooks": Shelf("assessments/playbooks/default.yaml", "playbook.governance:PlaybookOutline"),
    "runs": Shelf("assessments/runs/default.yaml", "playbook.runs:RunRule"),
    "voice": Shelf("assessments/voice/default.yaml", "playbook.voice:VoiceGuide"),
}


@cache
def root() -> Path:
    """The folder that holds templates/, assessments/ and notebooks/: inside the wheel, else the checkout."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_content", package.parent):
        if all((folder / name).is_dir() for name in FOLDERS):
            return folder
    raise ContentError(str(package), ["none of its neighbours holds " + ", ".join(FOLDERS) + "; install the kit again"])


def find(relative: str, overrides: str | PathLike[str] | None = None) -> Path:
    """The file at `relative`: the engagement folder's own copy when there is one, else the kit's.

    Raises ContentError when neither has it.
    """
    places = [Path(overrides) / relative] if overrides else []
    for path in [*places, root() / relative]:
        if path.is_file():
            return path
    raise ContentError(relative, ["no such file in the kit" + (f" or in {overrides}" if overrides else "")])


def load(name: str, overrides: str | PathLike[str] | None = None) -> Any:
    """Read the content called `name` as its model. Raises ContentError for an unknown name or a bad file."""
    if name not in CONTENT:
        raise ContentError(name, ["is not a piece of content; there are " + ", ".join(CONTENT)])
    shelf = CONTENT[name]
    module, _, cls = shelf.model.partition(":")
    model: type[BaseModel] = getattr(importlib.import_module(module), cls)
    path = find(shelf.file, overrides)
    return _read_once(path, model, path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _read_once(path: Path, model: type[BaseModel], _changed_ns: int) -> BaseModel:
    return read(path, model)


def read(path: Path, model: type[M]) -> M:
    """Read one YAML file as `model`. Raises ContentError naming every place that does not fit."""
    try:
        raw = parse(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ContentError(str(path), [f"byte {error.start} is not UTF-8; save the file as UTF-8"]) from error
    except yaml.YAMLError as error:
        raise ContentError(str(path), [" ".join(str(error).split())]) from error
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise ContentError(str(path), [_place(dict(item)) for item in error.errors(include_url=False)]) from error


def parse(text: str) -> Any:
    """What YAML says. Raises yaml.YAMLError, also for a key that is there twice and for what would fill the memory:
    more than DEEPEST levels, or aliases that unfold beyond UNFOLDED_LIMIT values.
    """
    depth = 0
    for event in yaml.parse(text, _StrictLoader):  # libyaml's own reading of levels in levels ends the process
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise yaml.YAMLError(f"lists stand in lists more than {DEEPEST} levels deep; wanted a few")
    raw = yaml.load(text, _StrictLoader)  # noqa: S506 - a SafeLoader of ours
    if "*" in text and _unfolded(raw, {}) > UNFOLDED_LIMIT:
        raise yaml.YAMLError(
            f"its aliases unfold to more than {UNFOLDED_LIMIT:,} values; write them out, or leave some away"
        )
    return raw


def _unfolded(value: Any, known: dict[int, float]) -> float:
    """How many values would be written out without aliases; without end where an alias stands within what it names."""
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in known:
        known[id(value)] = math.inf
        inside = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_unfolded(each, known) for each in inside)
    return known[id(value)]


def _place(item: dict[str, Any]) -> str:
    where = ".".join(str(part) for part in item["loc"]) or "the whole file"
    return f"{where}: {item['msg']}; found {str(item['input'])[:120]!r}"


class _StrictLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # libyaml reads ten times faster
    """PyYAML keeps the last of two equal keys without a word; an edited file must not lose a row that way."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=deep)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is there twice", key_node.start_mark
                )
            seen.add(key)
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return mapping
