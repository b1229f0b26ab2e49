"""The SQL of large event logs: what is read of a file, how its times are parsed, and how its rows are kept."""

# ruff: noqa: S608 - SQL is put together from our own words and quoted names
from __future__ import annotations

import csv
import gzip
import io
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from playbook.errors import IntakeError, ParameterError
from playbook.io.intake._cells import is_impossible
from playbook.io.intake._rules import Rules, plain
from playbook.io.intake._source import BOMS, _text_sheet

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

NEEDED = ("case", "activity", "timestamp")
COLUMNS = (*NEEDED, "resource", "workflow", "begun", "minutes")
WORDS = ("activity", "resource", "workflow")
HEAD = 1 << 20
SAMPLE = 20_000
REFUSED_LINES = "refused_lines"
SWALLOWING = ("LINE SIZE OVER MAXIMUM", "UNQUOTED VALUE")
KEEP_REFUSED = f"store_rejects=true, rejects_table='{REFUSED_LINES}', rejects_scan='refused_scans'"

# Times that DuckDB reads as the kit reads cells; `_` stands for a digit. Every other text goes through the kit's reader.
SHAPES = tuple(
    f"____-__-__{mark}__:__{seconds}{zone}"
    for mark in "T "
    for seconds in ("", ":__", ":__.___", ":__.______")
    for zone in ("", "Z", "+__:__", "-__:__")
)


@dataclass(frozen=True)
class Log:
    """One file: what it says in SQL (`source`) and which of its columns means what."""

    path: Path
    read_as: str
    source: str
    header: tuple[str, ...]
    columns: Mapping[str, str]
    dated: tuple[str, ...]

    @property
    def sample(self) -> str:
        """The same source for a look ahead, whose refused lines are not kept: they come again."""
        return self.source.replace(KEEP_REFUSED, "ignore_errors=true")

    @property
    def is_blank(self) -> str:
        """The SQL of whether no cell of a row holds anything."""
        cells = (f"nullif(trim({quoted(name)}::VARCHAR), '')" for name in self.header)
        return f"coalesce({', '.join(cells)}) IS NULL"

    def words(self, name: str) -> str:
        """The SQL of a column's text as it stands; NULL where the file has no such column."""
        return f"{quoted(self.columns[name])}::VARCHAR" if name in self.columns else "NULL::VARCHAR"


def quoted(name: str) -> str:
    """A column's name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text in SQL."""
    return "'" + value.replace("'", "''") + "'"


def opened(
    con: DuckDBPyConnection, path: Path, rules: Rules, mapping: Mapping[str, str], scratch: Path
) -> Log:  # fmt: skip
    """Find out what a file is, by its content, and which of its columns an event log needs. Raises IntakeError."""
    try:
        start = path.open("rb").read(4)
    except FileNotFoundError:
        raise IntakeError(f"{path}: there is no such file; check the name and the folder") from None
    except OSError as error:
        raise IntakeError(f"{path} cannot be read ({error.strerror}); check its permissions") from error
    read_as = path
    if start == b"PAR1":
        source = f"read_parquet({text(str(path))})"
        header = tuple(row[0] for row in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall())
    elif start == b"PK\x03\x04":
        raise IntakeError(f"{path} is a workbook or archive; save its sheet as CSV, or import it with bring_in")
    else:
        read_as = _as_utf8(path, scratch)
        source, header = _csv(read_as)
    columns = _columns(path, header, rules, mapping)
    dated = tuple(name for name in header if name and name not in columns.values() and rules.says_date(name))
    return Log(path, str(read_as), source, header, columns, dated)


def _csv(path: Path) -> tuple[str, tuple[str, ...]]:
    """The SQL that reads a text file with every cell as text, and its header."""
    head = _head(path)
    mark = next((mark for mark in BOMS if head.startswith(mark)), b"")
    if not head.strip():
        raise IntakeError(f"{path} is empty; export it again with its header and rows")
    # a cut multi-byte letter or record at the end of the head is no fault of the file
    head = head[: head.rfind(b"\n") + 1] or head
    try:
        lines = head[len(mark) :].decode("utf-8", "replace")
        sheet = _text_sheet(path, lines.encode(), "utf-8")
    except csv.Error as error:
        raise IntakeError(f"{path}: the header cannot be read ({error})") from error
    names = [name or f"unnamed column {place}" for place, name in enumerate(sheet.header, start=1)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise IntakeError(f"{path}: the header {twice!r} is there twice; rename or delete one")
    declared = ", ".join(f"{text(name)}: 'VARCHAR'" for name in names)
    quote = text('"')
    return (
        f"read_csv({text(str(path))}, auto_detect=false, header=false, skip={_lines_above(lines, sheet.delimiter)}, "
        f"delim={text(sheet.delimiter)}, quote={quote}, escape={quote}, columns={{{declared}}}, "
        f"{KEEP_REFUSED})"
    ), tuple(names)


def _head(path: Path) -> bytes:
    with path.open("rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
    if zipped and path.suffix != ".gz":
        raise IntakeError(f"{path} is gzipped but not named .gz; rename it")
    with gzip.open(path) if zipped else path.open("rb") as file:
        try:
            return file.read(HEAD)
        except (OSError, EOFError) as error:
            raise IntakeError(f"{path} cannot be unpacked ({error}); export it again") from error


def _as_utf8(path: Path, scratch: Path) -> Path:
    """The file itself, or a copy in UTF-8 of a UTF-16 one, written a block at a time."""
    head = _head(path)
    mark = next((mark for mark in BOMS if head.startswith(mark)), b"")
    if not mark or BOMS[mark] == "utf-8":
        return path
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with (
            opener(path, "rt", encoding=BOMS[mark], newline="") as source,
            # a name of its own: files of one log may share theirs in different folders
            NamedTemporaryFile("w", encoding="utf-8", newline="", suffix=".csv", dir=scratch, delete=False) as to,
        ):
            source.read(1)  # the byte order mark
            shutil.copyfileobj(source, to, HEAD)
            copy = Path(to.name)
    except UnicodeDecodeError as error:
        raise IntakeError(
            f"{path} is not whole {BOMS[mark].upper()} text (byte {error.start}); export it again"
        ) from error
    return copy


def _lines_above(lines: str, delimiter: str) -> int:
    """Lines of the file down to the end of its header."""
    reader = csv.reader(io.StringIO(lines, newline=""), delimiter=delimiter)
    for row in reader:
        if any(cell.strip() for cell in row) and not re.fullmatch(r"sep=.?", delimiter.join(row)):
            break
    return reader.line_num


def _columns(path: Path, header: Sequence[str], rules: Rules, mapping: Mapping[str, str]) -> dict[str, str]:
    """Which header means which column of an event: by mapping, else by name and synonym as small files are read."""
    known = {plain(name): name for name in header}
    said = {plain(name): column for name, column in mapping.items()}
    for name, column in mapping.items():
        if column and column not in COLUMNS:
            raise ParameterError(f"mapping: {column!r} is no column of an event log: {', '.join(COLUMNS)}")
        if plain(name) not in known:
            raise ParameterError(f"mapping: {path} has no column {name!r}; it has {', '.join(header)}")
    found = {column: known[name] for name, column in said.items() if column}
    for column in COLUMNS:
        names = [name for name in rules.names_of("events", column) if name in known and name not in said]
        free = [name for name in names if known[name] not in found.values()]
        if column not in found and free:
            found[column] = known[free[0]]
    missing = [column for column in NEEDED if column not in found]
    if missing:
        raise IntakeError(
            f"{path}: the header ({', '.join(name[:60] for name in header[:12])}) lacks {', '.join(missing)} of an event "
            "log; say by mapping which columns mean these"
        )
    return found


def shapes_of(con: DuckDBPyConnection, log: Log, name: str) -> list[str]:
    """The shapes of times in the file's first rows that DuckDB can read for us."""
    if name not in log.columns:
        return []
    rows = con.execute(
        f"SELECT DISTINCT translate(s, '0123456789', '__________') "
        f"FROM (SELECT {log.words(name)} AS s FROM {log.sample} LIMIT {SAMPLE})"
    ).fetchall()
    return [shape for shape in SHAPES if (shape,) in rows]


def refused_lines(con: DuckDBPyConnection, logs: Sequence[Log]) -> list[tuple[int, int, str]]:
    """File, line and kind of fault of every row that is not as wide as the header or not whole text.

    Raises IntakeError for a quotation mark that was not closed: nobody knows how many rows it has swallowed.
    """
    known = {name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if REFUSED_LINES not in known:
        return []
    files = {log.read_as: number for number, log in enumerate(logs)}
    found = con.execute(
        f"SELECT file_path, line, max(error_type::VARCHAR) FROM {REFUSED_LINES} JOIN refused_scans USING (scan_id, file_id) "
        "GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    lines = [(files[path], int(line), kind) for path, line, kind in found if path in files]
    for file, line, kind in lines:
        if kind in SWALLOWING:
            raise IntakeError(
                f"{logs[file].path}: line {line} has a quotation mark that is not closed or not doubled; correct that row or "
                "export the file again"
            )
    return lines


def moment(column: str, shapes: Iterable[str], *, zoned_only: bool) -> str:
    """SQL for microseconds since 1970 of a text in one of the shapes, else NULL.

    With `zoned_only` a time without its zone is left to the kit's reader, which knows the hours a clock repeats.
    """
    cases = []
    for shape in shapes:
        zoned = has_zone(shape)
        if zoned or not zoned_only:
            offset = zoned and shape[-1] != "Z"
            kind = "TIMESTAMPTZ" if offset else "TIMESTAMP"
            # DuckDB believes offsets that no place on earth has; the kit's reader refuses them
            near = f" AND right({column}, 5) < '15'" if offset else ""
            cases.append(f"WHEN {column} LIKE {text(shape)}{near} THEN epoch_us(TRY_CAST({column} AS {kind}))")
    return f"(CASE {' '.join(cases)} END)" if cases else "NULL::BIGINT"


def sound(read: str, column: str) -> str:
    """SQL that leaves an hour 24, which DuckDB reads as the next midnight, to the kit's reader, which is stricter."""
    return f"CASE WHEN {read} % 900_000_000 <> 0 OR substr({column}, 12, 2) <> '24' THEN {read} END"


def has_zone(shape: str) -> bool:
    """Whether times of this shape carry their zone."""
    return shape[-1:] == "Z" or shape[-6:-5] in ("+", "-")


def impossible_days(con: DuckDBPyConnection, log: Log) -> dict[str, list[str]]:
    """For each other column that says it holds dates, its texts that no calendar has."""
    found = {}
    for name in log.dated:
        rows = con.execute(f"SELECT DISTINCT {quoted(name)}::VARCHAR FROM {log.sample}").fetchall()
        bad = [value for (value,) in rows if value and is_impossible(value)]
        if bad:
            found[name] = bad
    return found
