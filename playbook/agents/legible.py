"""Brings what agents made before a person's eyes: readable text, what was checked, what differs from the version before.

Texts of agents may come from outside, so what is shown is plain characters: marks that steer a terminal or turn the
direction of reading are written out.
"""

from __future__ import annotations

import difflib
import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from playbook.agents.artifacts import Desk
from playbook.agents.records import Cells, Records
from playbook.tables import count

MOST_COMPARED = 200_000  # characters: a longer page is opened as a file, and comparing it would take minutes
NOT_SEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # Unicode's categories of characters that leave no mark


def plain(text: str) -> str:
    """The text with every character that cannot be seen written out by its number, line breaks and tabs left alone."""
    return "".join(
        mark if mark in "\n\t" or unicodedata.category(mark) not in NOT_SEEN else f"\\u{ord(mark):04x}"
        for mark in text.replace("\r\n", "\n")
    )


def readable(value: Any) -> str:
    """An argument as a person reads it: text as it is, anything else as indented JSON."""
    return plain(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2))


def versions(records: Records, artifact_id: str | None) -> tuple[Cells | None, Cells | None]:
    """The artifact and the version of the same name before it."""
    rows = records.rows("artifacts")
    made = next((row for row in rows if row["artifact_id"] == artifact_id), None)
    if made is None:
        return None, None
    same = [row for row in rows if (row["playbook_id"], row["name"]) == (made["playbook_id"], made["name"])]
    kind = PurePosixPath(made["path"]).suffix
    earlier = [row for row in same if row["version"] < made["version"] and PurePosixPath(row["path"]).suffix == kind]
    return made, max(earlier, key=lambda row: row["version"], default=None)


def text_of(records: Records, folder: Path, made: Cells) -> str | None:
    """An artifact's text, as it was stored; None for what is no text, or more than a person reads here."""
    data = Desk(records).read(folder, made["artifact_id"])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text or len(text) > MOST_COMPARED else text


def difference(records: Records, folder: Path, made: Cells, before: Cells | None, text: str | None) -> str:
    """The unified difference of an artifact's text to the version before it, or why there is none."""
    if text is None:
        return f"{made['path']} is no text of at most {MOST_COMPARED:,} characters; open the file to look at it"
    if before is None:
        return "the first of its name: there is no version before it to compare with"
    old = text_of(records, folder, before)
    if old is None:
        return f"the version before it, {before['path']}, is no text that can be compared; open both files"
    lines = difflib.unified_diff(
        old.splitlines(), text.splitlines(), f"version {before['version']}", f"version {made['version']}", lineterm=""
    )
    return "\n".join(lines) or f"nothing differs from version {before['version']}"


def named(made: Cells | None) -> str:
    """An artifact's name and version."""
    return f"{plain(made['name'])}, version {made['version']}" if made else ""


def checks(made: Cells | None) -> Iterator[str]:
    """Each check of an artifact with its result, and what else it says."""
    for check in _looked_at(made):
        passed = check.get("passed")
        result = "passed" if passed is True else "FAILED" if passed is False else "not decided"
        more = "; ".join(f"{name}: {readable(check[name])}" for name in check if name not in ("check", "passed"))
        yield plain(f"{check.get('check', 'a check without a name')}: {result}{f' ({more})' if more else ''}")


def summed(made: Cells | None) -> str:
    """How many checks of an artifact passed, and which did not; a check without a result did not pass."""
    looked = _looked_at(made)
    if not looked:
        return "no checks" if made else ""
    failed = [plain(str(check.get("check"))) for check in looked if check.get("passed") is not True]
    passed = f"{len(looked) - len(failed)} of {count(len(looked), 'check')} passed"
    return passed + (f"; not passed: {', '.join(failed)}" if failed else "")


def _looked_at(made: Cells | None) -> list[dict[str, Any]]:
    found = json.loads(made["checks"]) if made and made["checks"] else []
    return [check for check in found if isinstance(check, dict)]
