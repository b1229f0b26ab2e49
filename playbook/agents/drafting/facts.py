"""The facts sheet: what may be claimed, each fact with its source and the day it was read."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from playbook.errors import ContentError
from playbook.io import content
from playbook.tables.base import Row, Table, check, column

if TYPE_CHECKING:
    import pandas as pd

LARGEST = 1_000_000
UNWRITTEN = ("\n", "\r", "<", ">", "{", "}", "`", "://")


class FactRow(Row):
    """One thing that is known to be true: cited by its id, said in one sentence."""

    fact_id: str = column(
        "short id a draft cites", max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", wanted="letters, digits . _ -"
    )
    statement: str = column("the fact in one sentence, with its numbers and units", min_length=5, max_length=300)
    source: str = column("where it is from", min_length=3, max_length=300)
    date: dt.date = column("the day the source was read")


FACTS = Table("facts", FactRow, ("fact_id",))


@dataclass(frozen=True)
class Fact:
    """A fact as drafts cite it."""

    fact_id: str
    statement: str
    source: str
    date: dt.date

    def plain(self) -> dict[str, str]:
        """The fact as plain JSON."""
        return {
            "fact_id": self.fact_id,
            "statement": self.statement,
            "source": self.source,
            "date": self.date.isoformat(),
        }


def read_facts(name: str, data: bytes) -> tuple[Fact, ...]:
    """The facts of a CSV (columns fact_id, statement, source, date) or of a YAML list of the same four keys.

    Raises ContentError when the file cannot be read, or for a statement with markup or a link in it; and TableError
    naming every bad cell and every id that is there twice.
    """
    import pandas as pd  # noqa: PLC0415 - heavy

    if len(data) > LARGEST:
        raise ContentError(name, [f"holds {len(data):,} bytes; wanted at most {LARGEST:,}: a sheet a person can sign"])
    try:
        text = data.decode("utf-8-sig")
        rows = _from_csv(name, text) if name.lower().endswith(".csv") else _from_yaml(name, text)
    except UnicodeDecodeError as error:
        raise ContentError(name, [f"byte {error.start} is not UTF-8; save the file as UTF-8"]) from error
    except (yaml.YAMLError, csv.Error) as error:
        raise ContentError(name, [" ".join(str(error).split())]) from error
    if not rows:
        raise ContentError(name, ["holds no facts; wanted at least one row of fact_id, statement, source, date"])
    first = 2 if name.lower().endswith(".csv") else 1  # a faulty row of a CSV is named by its line of the file
    return of_rows(name, check(FACTS, pd.DataFrame(rows, index=range(first, first + len(rows)))))


def of_rows(name: str, frame: pd.DataFrame) -> tuple[Fact, ...]:
    """Facts from a checked frame; ContentError for statements that hold more than a plain sentence."""
    cells = frame.astype({"date": str}).to_dict(orient="records")
    facts = of_plain([{str(key): str(value) for key, value in row.items()} for row in cells])
    faults = list(_more_than_a_sentence(facts))
    if faults:
        raise ContentError(name, faults)
    return facts


def of_plain(rows: Sequence[dict[str, str]]) -> tuple[Fact, ...]:
    """Facts from their plain JSON, as `Fact.plain` wrote it."""
    return tuple(
        Fact(row["fact_id"], row["statement"], row["source"], dt.date.fromisoformat(row["date"])) for row in rows
    )


def fingerprint(data: bytes) -> str:
    """The hash a policy holds of a facts sheet: SHA-256 of the file's bytes."""
    return hashlib.sha256(data).hexdigest()


def _more_than_a_sentence(facts: Sequence[Fact]) -> Iterator[str]:
    for fact in facts:
        held = [mark for mark in UNWRITTEN if mark in fact.statement]
        if held:
            yield f"fact {fact.fact_id} holds {held[0]!r}; wanted one plain sentence without markup or links"


def _from_csv(name: str, text: str) -> list[dict[str, Any]]:
    reader = csv.DictReader(io.StringIO(text), strict=True, restkey="more columns than the header", restval="")
    if reader.fieldnames is None:
        raise ContentError(name, ["is empty; wanted a header of fact_id, statement, source, date"])
    return [dict(row) for row in reader]


def _from_yaml(name: str, text: str) -> list[dict[str, Any]]:
    rows = content.parse(text)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ContentError(
            name, ["is not a list of facts; wanted - {fact_id: ..., statement: ..., source: ..., date: ...}"]
        )
    return rows
