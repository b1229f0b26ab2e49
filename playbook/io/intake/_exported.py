"""What a team's workbook remembers of its export: whose it is, and each row as it stood when it went out.

The memory is a sheet that spreadsheet programs do not show. It is written by `playbook.io.workbook` and read here; both
sides compare rows in the one form `as_shown` gives, which is what a spreadsheet can hold of them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from playbook.errors import IntakeError
from playbook.io.intake._settle import plain_value
from playbook.io.pseudonyms import Pseudonyms
from playbook.tables import FACTORS, STORED, Authored, Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playbook.io.intake._source import Source
    from playbook.io.workspace import Workspace

MEMORY = "_playbook"
MEMORY_HEADER = ("table", "row", "was")
HELD, OFFERED = "stored", "offered"
BOOK, VERSION = "workbook", 1
DOES_NOT_APPLY = "n/a"
# floats lose their last digit on the way through a spreadsheet; no one means so small a change
CLOSE = 1e-9
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")

Shown = dict[str, Any]


class SheetStamp(Authored):
    """A sheet of the workbook: its name, the columns of its table it shows, and headers that only explain."""

    name: str
    columns: tuple[str, ...]
    explains: tuple[str, ...] = ()


class Stamp(Authored):
    """Whose workbook it is: a mark of the workspace that gives nothing away, the team, the time, its sheets by
    table, and the names of the sheets that are only there to be read.
    """

    version: int
    workspace: str
    team: str
    at: dt.datetime
    sheets: dict[str, SheetStamp]
    reading_only: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exported:
    """A workbook's memory: its stamp, the rows of each table by key, and which of them only offered a row to fill."""

    stamp: Stamp
    rows: Mapping[str, Mapping[tuple[Any, ...], Shown]]
    offered: frozenset[tuple[str, tuple[Any, ...]]] = field(default_factory=frozenset)


def mark_of(workspace: Workspace) -> str:
    """A mark only this workspace makes: a keyed hash, so that its secret cannot be found from it."""
    return hashlib.blake2b(b"a workbook of this workspace", key=workspace.pseudonym_key, digest_size=12).hexdigest()


def as_shown(table: Table, row: Mapping[Any, Any], pseudonyms: Pseudonyms) -> Shown:
    """A row as a workbook shows it: plain cells, no addresses, factors that do not apply named once and without value."""
    shown = {name: _shown(row[name], pseudonyms) for name in table.columns if name != "team"}
    if "not_applicable" in shown and set(FACTORS) <= set(shown):
        named = {word.strip() for word in str(shown["not_applicable"] or "").split(",")}
        none = [factor for factor in FACTORS if factor in named]
        shown |= {"not_applicable": ", ".join(none) or None, **dict.fromkeys(none)}
    return shown


def _shown(cell: Any, pseudonyms: Pseudonyms) -> Any:
    value = plain_value(cell)
    return UNSEEN.sub("", one_line_end(pseudonyms.scrub(value))).strip() or None if isinstance(value, str) else value


def one_line_end(text: str) -> str:
    """The text with its lines ended in the one way spreadsheets end them."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def same(one: Any, other: Any) -> bool:
    """Whether two plain cells say the same."""
    if isinstance(one, str) and isinstance(other, str):
        return one_line_end(one) == one_line_end(other)
    if isinstance(one, int | float) and isinstance(other, int | float):
        return isinstance(one, bool) is isinstance(other, bool) and math.isclose(one, other, rel_tol=CLOSE)
    return bool(one == other)


def key_of(table: Table, shown: Mapping[str, Any]) -> tuple[Any, ...]:
    """What tells the row apart within its team."""
    return tuple(shown.get(name) for name in table.key if name != "team")


def memory_in(source: Source) -> Exported | None:
    """The memory of a team's workbook, None for any other file. Raises IntakeError when it is damaged."""
    if not source.is_workbook:
        return None
    sheet = next((s for s in source.sheets if s.name == MEMORY and s.header[:3] == MEMORY_HEADER), None)
    if sheet is None:
        return None
    rows: dict[str, dict[tuple[Any, ...], Shown]] = {}
    stamp, offered = None, set[tuple[str, tuple[Any, ...]]]()
    try:
        for _, (name, text, was, *_rest) in sheet.rows():
            read = json.loads(str(text))
            if name == BOOK:
                stamp = Stamp.model_validate_json(str(text))
                continue
            key = tuple(read[column] for column in STORED[name].key if column != "team")
            rows.setdefault(name, {})[key] = read
            offered |= {(str(name), key)} if was == OFFERED else set()
    except (ValueError, KeyError, TypeError, RecursionError, ValidationError) as error:
        raise _damaged(source) from error
    if stamp is None or stamp.version != VERSION:
        raise _damaged(source)
    return Exported(stamp, rows, frozenset(offered))


def _damaged(source: Source) -> IntakeError:
    return IntakeError(
        f"{source.path} is a team's workbook whose hidden sheet {MEMORY} was changed, or that another version of the kit "
        "wrote, so what changed since its export cannot be told; export it anew and copy what you filled in into it"
    )
