"""How an agent's files reach a folder people look into: exactly those that were asked for, all at once or not at all."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING, Any

from pydantic import Field

from playbook.errors import ParameterError
from playbook.tables import Authored

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from playbook.agents.tools import Bench


class Published(Authored):
    """A file to publish: the artifact that holds it, what it is published as, and the hash of its bytes."""

    artifact: str
    name: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


def keep(bench: Bench, artifact: str, name: str, data: bytes, checks: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Store `data` as an artifact and return it as a `Published` file called `name`, whose ending the artifact takes."""
    kept = bench.keep(artifact, f".{name.rpartition('.')[2]}", data, checks)
    return {"artifact": kept, "name": name, "sha256": hashlib.sha256(data).hexdigest()}


def read(bench: Bench, asked: Iterable[Published], again: str) -> dict[str, bytes]:
    """The bytes of the files asked for, by name.

    Raises ParameterError when a file's bytes are not those its hash names; `again` says what to do then.
    """
    files = {}
    for file in asked:
        files[file.name] = bench.artifact(file.artifact)
        if hashlib.sha256(files[file.name]).hexdigest() != file.sha256:
            raise ParameterError(f"{file.name} is not the file that was asked for: its hash differs; {again}")
    return files


def place(bench: Bench, relative: str, files: Mapping[str, bytes]) -> None:
    """Write the files aside, then give their folder its name in one move, so that nobody sees half of them."""
    home, _, _ = relative.rpartition("/")
    target, aside = bench.path_in(relative), bench.path_in(f"{home}/.{bench.key[:24]}")
    if aside.exists():
        shutil.rmtree(aside)  # what a crash in the middle left under this step's own key
    aside.mkdir(parents=True)
    for name, data in files.items():
        (aside / name).write_bytes(data)
    aside.rename(target)
