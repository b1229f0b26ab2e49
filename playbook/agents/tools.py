"""What an agent may use: tools of kind read, draft and effect, and the bench that says what a tool may touch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from playbook.agents.artifacts import Desk
from playbook.errors import ParameterError

if TYPE_CHECKING:
    import datetime as dt

    from playbook.io.workspace import Workspace

PRIVATE = "private"
UNTRUSTED = "untrusted"
LABELS = frozenset({PRIVATE, UNTRUSTED})
LARGEST_RESULT = 2_000_000  # characters of JSON: what the step ledger holds; more goes into an artifact
KEPT_FROM_TOOLS = ("playbooks", "agents")  # an agent that could write its own policy or log would be bound by nothing

Kind = Literal["read", "draft", "effect"]


class Arguments(BaseModel):
    """A tool's arguments: unknown names refused, no NaN or infinity, never changed in place."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Output:
    """What a tool returns: `value` is plain JSON (dict, list, text, number, None; no NaN), `labels` what it carries."""

    value: Any
    labels: frozenset[str] = frozenset()


def nothing(_arguments: Any) -> float:
    """The amount of a tool that spends nothing."""
    return 0.0


@dataclass(frozen=True)
class Tool:
    """One thing an agent can do.

    `kind`: `read` looks, `draft` makes something that stays inside, `effect` changes the world. `labels` is what
    everything it returns carries: `private` when it reads personal or confidential data, `untrusted` when it returns
    text from outside; an effect that reads such things itself carries them before it acts. `outward` marks an effect
    that leaves the organisation, `idempotent` one that is done once however often it is asked for under one
    `Bench.key` (the tool looks the key up; otherwise a crash in the middle asks a person), `amount` what one call
    spends in the policy's currency. `brake` marks an effect that only stops something: from level 4 on no trigger holds it
    back, for what fires it may be the reason to stop; the run then ends escalated. A tool raises a PlaybookError only when what it was asked to do did not happen.
    """

    name: str
    kind: Kind
    arguments: type[Arguments]
    run: Callable[[Bench, Any], Output]
    labels: frozenset[str] = frozenset()
    outward: bool = False
    idempotent: bool = False
    amount: Callable[[Any], float] = nothing
    brake: bool = False


@dataclass(frozen=True)
class Bench:
    """What a tool may touch: the workspace's tables, the engagement folder, and the artifacts of agents.

    `key` is the idempotency key of the step: the same step asks under the same key after a crash. Files are opened with
    `read_file` and artifacts with `artifact`, so that their labels come along.
    """

    workspace: Workspace
    folder: Path
    team: str
    today: dt.date
    playbook_id: str
    run_id: str
    key: str
    desk: Desk = field(default_factory=Desk, repr=False)

    def path_in(self, relative: str) -> Path:
        """The place of a file inside the engagement folder, whether it is there or not.

        Raises ParameterError for an absolute path, `..`, a symbolic link on the way, the workspace's own files, and
        the folders of policies, logs and artifacts (an artifact is opened by its id).
        """
        path = inside(self.folder, relative)
        parts = path.relative_to(self.folder.resolve()).parts
        if parts and (parts[0].casefold() in KEPT_FROM_TOOLS or parts[0].casefold().startswith("workspace.")):
            raise ParameterError(f"the file {relative!r} is not for tools; wanted one outside {parts[0]}")
        return path

    def read_file(self, relative: str) -> bytes:
        """The bytes of a file in the engagement folder; bytes that an agent made bring the labels of their artifact.

        Raises ParameterError as `path_in` does, and when there is no such file.
        """
        path = self.path_in(relative)
        if not path.is_file():
            raise ParameterError(f"there is no file {relative!r} in the engagement folder; put it there and run again")
        data = path.read_bytes()
        self.desk.take(self.desk.labels_of_bytes(data), f"the file {relative!r}")
        return data

    def keep(self, name: str, suffix: str, data: bytes, checks: Sequence[dict[str, Any]] = ()) -> str:
        """Store an artifact and return its id: a new version of `name`, carrying the labels of the run so far.

        `suffix` is the ending with its dot (`.html`), `checks` what was looked at (`{"check": ..., "passed": ...}`).
        The same bytes under one name, kept twice in one step, stay one artifact.
        """
        return self.desk.keep(self, name, suffix, data, checks)

    def artifact(self, artifact_id: str) -> bytes:
        """The bytes of an artifact of any of the team's agents; its labels are the run's from now on.

        Raises ParameterError when there is none of that id, or when its file is no longer what was stored.
        """
        return self.desk.read(self.folder, artifact_id)


def inside(folder: Path, relative: str) -> Path:
    """`relative` as a path inside `folder`, reached without `..` or a symbolic link; ParameterError otherwise."""
    plain = PurePosixPath(str(relative).replace("\\", "/"))
    if not str(relative).strip() or plain.is_absolute() or ".." in plain.parts or "\0" in str(relative):
        raise ParameterError(f"the path {relative!r} is not inside the engagement folder; wanted one like inputs/a.csv")
    path = folder.resolve()
    for part in plain.parts:
        path = path / part
        if path.is_symlink():
            raise ParameterError(f"the path {relative!r} goes over a symbolic link; wanted plain files and folders")
    return path


def canonical(value: Any) -> str:
    """`value` as JSON that is the same text for the same value: sorted keys, no spaces, plain ASCII, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(value: Any) -> str:
    """The SHA-256 of a value's canonical JSON, in 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def label_text(labels: frozenset[str]) -> str | None:
    """Labels as a cell holds them: `private, untrusted`, or nothing."""
    return ", ".join(sorted(labels)) or None


def label_set(text: str | None) -> frozenset[str]:
    """A cell of labels as a set."""
    return frozenset(part.strip() for part in (text or "").split(",") if part.strip())
