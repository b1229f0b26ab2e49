"""A mapping of headers said once is kept in the engagement folder and used again for files with the same header."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import yaml

from playbook.errors import IntakeError
from playbook.io import content
from playbook.io.intake._rules import plain
from playbook.io.intake._sheet import is_blank
from playbook.io.names import PSEUDONYM
from playbook.tables import Authored

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from playbook.io.intake._sheet import Sheet
    from playbook.io.intake._source import Source
    from playbook.io.pseudonyms import Pseudonyms

FILE = "intake/mappings.yaml"
SAYS = """\
# What the columns of your own files mean, as said at an import with --map. A file whose header is the same is read the
# same way again. Delete an entry to be free to say it anew; `header` is a fingerprint of the header's words.
"""


class KeptMapping(Authored):
    """How files of one header are read: the fingerprint of the header, the format, and the column each name means."""

    header: str
    format: str
    columns: dict[str, str]


class KeptMappings(Authored):
    """Every mapping that was said in an engagement, one for a header."""

    mappings: tuple[KeptMapping, ...] = ()


def kept_mapping(folder: Path | None, source: Source, pseudonyms: Pseudonyms) -> KeptMapping | None:
    """The mapping kept for a file of this header, or None. Raises ContentError for a file of mappings that is broken.

    A header that was kept as a pseudonym is given as the file writes it.
    """
    known = {kept.header: kept for kept in _read(folder).mappings}
    sheets = source.sheets if known else ()
    kept = next((known[mark] for sheet in sheets if (mark := _fingerprint(sheet)) in known), None)
    if kept is None or not any(map(PSEUDONYM.fullmatch, kept.columns)):
        return kept
    written = {pseudonyms.of(plain(header)): header for sheet in sheets for header in _headers(sheet)}
    return kept.model_copy(update={"columns": {written.get(name, name): to for name, to in kept.columns.items()}})


def keep_mapping(
    folder: Path | None, source: Source, format_name: str, mapping: Mapping[str, str], pseudonyms: Pseudonyms
) -> str:
    """Keep what was said for the next file of this header; say in words where. Raises IntakeError when it cannot be.

    A header that holds a name met in the file is kept as a pseudonym.
    """
    sheets = [sheet for sheet in source.sheets if not unseen(mapping, [sheet])]
    if folder is None or not sheets:
        return "the mapping is not kept, as this workspace has no folder; say it again for the next file"
    columns = {
        header if pseudonyms.scrub(header) == header else pseudonyms.of(plain(header)): column
        for header, column in mapping.items()
    }
    said = KeptMapping(header=_fingerprint(sheets[0]), format=format_name, columns=columns)
    others = [kept for kept in _read(folder).mappings if kept.header != said.header]
    lines = {"mappings": [kept.model_dump() for kept in (*others, said)]}
    path = folder / FILE
    aside = path.with_suffix(".part")
    try:
        path.parent.mkdir(exist_ok=True)
        aside.write_text(SAYS + yaml.safe_dump(lines, allow_unicode=True, sort_keys=False), encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        raise IntakeError(
            f"the file was imported, but its mapping could not be kept in {path} ({error.strerror or error}); "
            "say it again for the next file"
        ) from error
    return f"the mapping is kept in {FILE} for the next file with this header"


def unseen(mapping: Mapping[str, str], sheets: Sequence[Sheet]) -> list[str]:
    """The headers of the mapping that stand in none of the sheets, nor in the rows where a tool puts its header."""
    seen = {plain(header) for sheet in sheets for header in sheet.header}
    if {plain(header) for header in mapping} <= seen:
        return []
    seen |= {plain(cell) for sheet in sheets for cell in _headers(sheet)}
    return [header for header in mapping if plain(header) not in seen]


def _headers(sheet: Sheet) -> Iterator[str]:
    """The header's words, and those of the rows where a tool may put its header below a preamble."""
    yield from sheet.header
    yield from (cell for _, row in sheet.top for cell in row if isinstance(cell, str) and not is_blank(cell))


def _read(folder: Path | None) -> KeptMappings:
    path = None if folder is None else folder / FILE
    return content.read(path, KeptMappings) if path is not None and path.is_file() else KeptMappings()


def _fingerprint(sheet: Sheet) -> str:
    """The header by its words and their order; a hash, as a header may name a client or a person."""
    words = json.dumps([plain(header) for header in sheet.header])
    return hashlib.blake2b(words.encode("utf-8", "replace"), digest_size=8).hexdigest()
