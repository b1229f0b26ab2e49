"""What agents make: files with a hash, a version and the labels of everything that went into them."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from playbook.agents.records import Cells, MemoryRecords, Records, utc_now
from playbook.errors import ParameterError

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from playbook.agents.tools import Bench

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}")
SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,10}")


@dataclass
class Desk:
    """A tool call's hold on artifacts: `labels` are the run's so far and grow with what is read.

    `fixed` is set while an effect acts: the guard has decided on the labels known then, so reading anything that brings
    another label is refused before its bytes are seen.
    """

    records: Records = field(default_factory=MemoryRecords)
    labels: frozenset[str] = frozenset()
    fixed: bool = False
    now: Callable[[], dt.datetime] = utc_now

    def take(self, labels: frozenset[str], what: str) -> None:
        """Add labels to the run; refused while an effect acts that was decided without them."""
        if self.fixed and not labels <= self.labels:
            raise ParameterError(
                f"{what} carries {', '.join(sorted(labels - self.labels))}, which nobody knew when this effect was "
                "decided; read it in a step before, or name it in the arguments"
            )
        self.labels |= labels

    def labels_of_bytes(self, data: bytes) -> frozenset[str]:
        """The labels of every artifact with these very bytes, wherever a copy of it lies."""
        sha256 = hashlib.sha256(data).hexdigest()
        return _labels(row for row in self.records.rows("artifacts") if row["sha256"] == sha256)

    def read(self, folder: Path, artifact_id: str) -> bytes:
        """An artifact's bytes, as they were stored; its labels are taken first."""
        row = next((row for row in self.records.rows("artifacts") if row["artifact_id"] == artifact_id), None)
        if row is None:
            raise ParameterError(f"there is no artifact {artifact_id!r}; see: playbook pilot status")
        self.take(_labels([row]), f"artifact {artifact_id}")
        path = folder.joinpath(row["path"])
        if not path.is_file():
            raise ParameterError(f"the file of artifact {artifact_id} is gone: {row['path']}; put it back from a copy")
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != row["sha256"]:
            raise ParameterError(f"the file of artifact {artifact_id} was changed after it was made: {row['path']}")
        return data

    def keep(self, bench: Bench, name: str, suffix: str, data: bytes, checks: Sequence[dict[str, Any]]) -> str:
        """Store an artifact of the bench's run; see `keep`."""
        return keep(
            self.records,
            bench.folder,
            name=name,
            suffix=suffix,
            data=data,
            made_by={"playbook_id": bench.playbook_id, "run_id": bench.run_id, "key": bench.key},
            labels=self.labels,
            checks=checks,
            now=self.now(),
        )


def keep(  # noqa: PLR0913 - each names one fact of the artifact
    records: Records,
    folder: Path,
    *,
    name: str,
    suffix: str,
    data: bytes,
    made_by: dict[str, str],
    labels: frozenset[str],
    checks: Sequence[dict[str, Any]] = (),
    now: dt.datetime,
) -> str:
    """Store bytes as the next version of the artifact `name` and return its id.

    `made_by` holds `playbook_id`, `run_id` and `key`: the same name and bytes under one key are one artifact, also when
    a crash makes its step run again. Raises ParameterError for a name or suffix that is not safe in a path.
    """
    if not NAME.fullmatch(name) or not SUFFIX.fullmatch(suffix):
        raise ParameterError(
            f"an artifact cannot be called {name + suffix!r}; wanted letters, digits, spaces, . _ and -"
        )
    sha256 = hashlib.sha256(data).hexdigest()
    artifact_id = hashlib.sha256("\0".join([made_by["key"], name, suffix, sha256]).encode()).hexdigest()[:16]
    with records.change(f"artifact {name}") as change:
        rows = change.rows("artifacts")
        if any(row["artifact_id"] == artifact_id for row in rows):
            return artifact_id
        mine = [row["version"] for row in rows if (row["playbook_id"], row["name"]) == (made_by["playbook_id"], name)]
        version = max(mine, default=0) + 1
        relative = f"agents/{made_by['playbook_id']}/artifacts/{name.replace(' ', '-')}-v{version}{suffix}"
        _write(folder / relative, data)
        row: Cells = {
            "artifact_id": artifact_id,
            "playbook_id": made_by["playbook_id"],
            "run_id": made_by["run_id"],
            "name": name,
            "version": version,
            "path": relative,
            "sha256": sha256,
            "labels": ", ".join(sorted(labels)) or None,
            "checks": json.dumps(list(checks)) if checks else None,
            "made": now,
        }
        change.put("artifacts", [row])
    return artifact_id


def named_in(artifacts: Sequence[Cells], arguments: Any) -> frozenset[str]:
    """The labels of every artifact whose id or path stands anywhere in arguments."""
    text = "\n".join(_texts(arguments))
    return _labels(row for row in artifacts if row["artifact_id"] in text or row["path"] in text)


def _labels(rows: Any) -> frozenset[str]:
    return frozenset(label.strip() for row in rows for label in (row["labels"] or "").split(",") if label.strip())


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(name)
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(path.name + ".half")
    with half.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
