"""Opens a file a team brought: what it is by its content, how its text is encoded, which sheets it holds."""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import hashlib
import io
import re
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playbook.errors import IntakeError, ParameterError
from playbook.io.intake._json import lines_sheet
from playbook.io.intake._sheet import EVENT_LOG_LIMIT, MEGABYTE, Sheet, refuse_larger

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# bytes of one cell of text; beyond it a quote was opened and never closed
CELL_LIMIT = 131_072
LINE_LIMIT = 4 * MEGABYTE
COLUMN_LIMIT = 16_384  # as many as the widest sheet of a spreadsheet program
DELIMITERS = (",", ";", "\t")
BLOCK = 1 << 20

NOT_A_TABLE = {
    b"\xd0\xcf\x11\xe0": "an old Excel or Office file; open it and save it as .xlsx",
    b"%PDF": "a PDF; export the table as CSV or XLSX instead",
    b"\x89PNG": "a picture; export the table as CSV or XLSX instead",
    b"\xff\xfe\x00\x00": "text in UTF-32; save it as UTF-8",
    b"\x00\x00\xfe\xff": "text in UTF-32; save it as UTF-8",
}
UNORDERED = ("utf-16", "utf-32")
BOMS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
# what Python's own list of encodings also holds: forms of a web address or of a program's text, which no file is in
NO_FILES = ("idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape")
GZIP = b"\x1f\x8b"
TABLE = "a table"
SHAPES = {"JSON": ("{", "["), "XML": ("<",), "a calendar": ("BEGIN:VCALENDAR", "begin:vcalendar")}


@dataclass(frozen=True)
class Source:
    """A file that was opened: its path, its bytes as read once, and how they are to be decoded."""

    path: Path
    data: bytes
    encoding: str

    @cached_property
    def digest(self) -> str:
        """Hash of the bytes: the same content is the same file whatever it is called."""
        return hashlib.blake2b(self.data, digest_size=32).hexdigest()

    @property
    def is_workbook(self) -> bool:
        """Whether the bytes are a zipped Office file, whatever the name says."""
        return self.data[:4] == b"PK\x03\x04"

    @cached_property
    def sheets(self) -> tuple[Sheet, ...]:
        """The tables in the file. Raises IntakeError when its bytes are neither text nor a workbook."""
        if self.is_workbook:
            from playbook.io.intake._workbook import sheets_of  # noqa: PLC0415 - openpyxl is only paid for by workbooks

            return sheets_of(self.path, self.data)
        if self.shape == "JSON":
            lines = lines_sheet(self.text)
            return () if lines is None else (lines,)
        if self.shape != TABLE:
            return ()
        _check_text(self.path, self.data, self.encoding)
        return (_text_sheet(self.path, self.data, self.encoding),)

    @cached_property
    def shape(self) -> str:
        """What the text looks like by its first mark, in words: rows and columns, JSON, XML or a calendar."""
        start = _lines(self.data[:BLOCK], self.encoding, errors="ignore").read(BLOCK).lstrip("\ufeff \t\r\n")
        return next((name for name, marks in SHAPES.items() if start.startswith(marks)), TABLE)

    @cached_property
    def text(self) -> str:
        """The whole file as text. Raises IntakeError naming the first byte that is none."""
        _check_text(self.path, self.data, self.encoding)
        return _lines(self.data, self.encoding).read()

    def split_otherwise(self) -> tuple[Sheet, ...]:
        """A text table split at each other delimiter: a tool's title lines may not show which one the table uses."""
        if self.is_workbook or self.shape != TABLE:
            return ()
        return self._otherwise

    @cached_property
    def _otherwise(self) -> tuple[Sheet, ...]:
        used = self.sheets[0].delimiter
        found = []
        for mark in DELIMITERS:
            # split at a mark that is not its own, a text may well be no table; then it is only not this one
            with contextlib.suppress(IntakeError):
                found += [_text_sheet(self.path, self.data, self.encoding, mark)] if mark != used else []
        return tuple(found)


def open_source(path: Path, encoding: str | None = None) -> Source:
    """Read the file's bytes, refusing what is too large before anything is read.

    `encoding` is only for text that is neither UTF-8 nor UTF-16 with its mark, such as cp1252. Raises IntakeError, and
    ParameterError for an encoding that is none.
    """
    encoding = known_encoding(encoding)
    try:
        size = _size_of_a_file(path)
        refuse_larger(path, size, EVENT_LOG_LIMIT, "event logs")
        data = path.read_bytes()
        data = _unpacked(path, data) if data.startswith(GZIP) else data
    except FileNotFoundError:
        raise IntakeError(f"{path}: there is no such file; check the name and the folder") from None
    except IntakeError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise IntakeError(f"{path} cannot be read ({reason}); check its permissions") from error
    if not data.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise IntakeError(f"{path} is empty; export it again with its header and rows")
    for magic, advice in NOT_A_TABLE.items():
        if data.startswith(magic):
            raise IntakeError(f"{path} is {advice}")
    return Source(path, data, _encoding(path, data, encoding))


def _size_of_a_file(path: Path) -> int:
    if path.is_dir():
        raise IntakeError(f"{path} is a folder; name the file to import")
    size = path.stat().st_size
    if not path.is_file():
        raise IntakeError(f"{path} is a device or a pipe; save what it gives as a file and import that")
    return size


def _unpacked(path: Path, data: bytes) -> bytes:
    """What a gzip archive holds, read no further than an event log may be long."""
    try:
        with gzip.open(io.BytesIO(data)) as archive:
            inside = archive.read(EVENT_LOG_LIMIT + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise IntakeError(f"{path} is a gzip archive that is damaged ({error}); export it again") from error
    refuse_larger(path, len(inside), EVENT_LOG_LIMIT, "what a packed file holds")
    return inside


def _encoding(path: Path, data: bytes, asked: str | None) -> str:
    for mark, name in BOMS.items():
        if data.startswith(mark):
            return name
    if asked in UNORDERED:
        raise IntakeError(
            f"{path} does not begin with a mark of its byte order, so {asked} alone cannot be read; name {asked}-le or "
            f"{asked}-be"
        )
    return asked or "utf-8"


def known_encoding(asked: str | None) -> str | None:
    """Python's name of the encoding that was asked for. Raises ParameterError for what no text file is written in."""
    if asked is None:
        return None
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=asked).close()  # refuses translations of bytes, such as base64
        name = codecs.lookup(asked).name
    except (LookupError, ValueError, TypeError):  # a name with a NUL or half a character in it is a ValueError
        name = ""
    if not name or name in NO_FILES:
        raise ParameterError(
            f"encoding: found {str(asked)[:60]!r}; wanted the name of a text encoding, such as cp1252 or latin-1"
        )
    return name


def _check_text(path: Path, data: bytes, encoding: str) -> None:
    decoder, position = codecs.getincrementaldecoder(encoding)(), 0
    while position < len(data):
        block = data[position : position + BLOCK]
        # a sequence cut by the block's end is held back by the decoder and counted from where it began
        held = len(decoder.getstate()[0])
        try:
            text = decoder.decode(block, final=position + BLOCK >= len(data))
        except UnicodeDecodeError as error:
            raise _undecodable(path, data, position - held + error.start, encoding) from None
        if "\x00" in text:
            where = position + max(block.find(0), 0)
            raise IntakeError(
                f"{path}: byte {where} is a NUL, so this is not plain text; export it again as CSV UTF-8 or XLSX"
            )
        position += BLOCK


def _undecodable(path: Path, data: bytes, place: int, encoding: str) -> IntakeError:
    found = f"0x{data[place]:02x}" if place < len(data) else "the end of the file"
    advice = "save it as 'CSV UTF-8', or name its encoding (--encoding cp1252 for older Windows programs)"
    return IntakeError(f"{path}: byte {place} ({found}) is not {encoding.upper()} text; {advice}")


def _text_sheet(path: Path, data: bytes, encoding: str, split_at: str | None = None) -> Sheet:
    lines = _bounded(path, _lines(data, encoding))
    first = next((line for line in lines if line.strip()), "")
    said = re.fullmatch(r"sep=(.)\s*", first)
    skip = first if said else None
    if said:
        first = next((line for line in lines if line.strip()), "")
    delimiter = split_at or (said.group(1) if said else max(DELIMITERS, key=lambda mark: _cells_in(first, mark)))

    def records() -> Iterator[tuple[int, list[Any]]]:
        return _records(path, data, encoding, delimiter, skip)

    header: list[str] = next((row for _, row in records()), [])
    if not header:
        raise IntakeError(f"{path} has no header; the first row must name the columns")
    if len(header) > COLUMN_LIMIT:
        raise IntakeError(
            f"{path} has {len(header):,} columns; at most {COLUMN_LIMIT:,} are read. Export only the columns needed"
        )

    def below() -> Iterator[tuple[int, list[Any]]]:
        rows = records()
        next(rows)
        for number, row in rows:
            yield number, [_without_guard(cell) if cell[:1] == "'" else cell for cell in row]

    return Sheet("", tuple(_without_guard(cell).strip() for cell in header), delimiter, below)


def _lines(data: bytes, encoding: str, errors: str = "strict") -> io.TextIOWrapper:
    mark = next((mark for mark in BOMS if data.startswith(mark)), b"")
    return io.TextIOWrapper(
        io.BytesIO(data[len(mark) :] if mark else data), encoding=encoding, errors=errors, newline=""
    )


def _bounded(path: Path, lines: Iterable[str]) -> Iterator[str]:
    """The lines one by one, none so long that taking it apart would fill the memory."""
    for number, line in enumerate(lines, start=1):
        if len(line) > LINE_LIMIT:
            raise IntakeError(
                f"{path}: line {number} has {len(line):,} characters; at most {LINE_LIMIT:,} are read as one row. "
                "Export it again as CSV with one row a line"
            )
        yield line


def _cells_in(line: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=delimiter), []))
    except csv.Error:
        return line.count(delimiter)


def _records(
    path: Path, data: bytes, encoding: str, delimiter: str, skip: str | None
) -> Iterator[tuple[int, list[Any]]]:
    """Records from the header on; the header is number 1 and blank lines below it count, as in a spreadsheet."""
    lines = _bounded(path, _lines(data, encoding))
    if skip is not None:
        next(line for line in lines if line == skip)
    reader, number = csv.reader(lines, delimiter=delimiter, strict=True), 0
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise IntakeError(
                f"{path}: row {number + 1} has a quotation mark that is not closed or not doubled ({error}); "
                "correct that row or export the file again"
            ) from error
        if row is None:
            return
        if number or any(cell.strip() for cell in row):
            number += 1
            yield number, row


def _without_guard(cell: str) -> str:
    """Our own CSV exports put an apostrophe before what a spreadsheet would run as a formula; it comes off here."""
    return cell[1:] if GUARDED.match(cell) else cell


FORMULA_STARTS = "=+@\t\r\n\uff1d\uff0b\uff0d\uff20-"
GUARDED = re.compile(f"'+[{FORMULA_STARTS}]")
