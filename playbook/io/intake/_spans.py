"""What the run logs of agents share: records of a tool's own JSON or table as rows of spans, without a word anyone wrote.

A reader says where a tool keeps when, how long, which model and how much; prompts, answers, messages and every other
text of a record never enter the sheet that is read. Ids stay only where they are plain numbers of the tool, an error
only as its kind, and whoever a record names as its user is met, so that the name goes out of agents' names too.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from playbook.errors import IntakeError
from playbook.io.intake._export import Bad, Export, Record
from playbook.io.intake._format import Claim, Format, Options, Reading, not_as_wide
from playbook.io.intake._json import document
from playbook.io.intake._rules import Rules
from playbook.io.intake._sheet import Sheet, Spoilt, is_blank, text_of
from playbook.io.intake._source import Source
from playbook.io.intake._tickets import in_order
from playbook.tables import RUN_SPANS

RUN, MODEL, TOOL, OTHER = "run", "model", "tool", "other"
NOT_AN_AGENTS = "not an agent's"
OK, ERROR = "ok", "error"
UNSAID = "an error whose text is not kept"

TRACE, PARENT, KIND, AGENT, TOOL_NAME, MODEL_NAME, PROVIDER = (
    "Trace id", "Parent id", "Kind", "Agent", "Tool", "Model", "Provider",
)  # fmt: skip
START, END, STATUS, ERROR_KIND, INPUT, OUTPUT, COST, USER = (
    "Start", "End", "Status", "Error kind", "Input tokens", "Output tokens", "Cost in USD", "User",
)  # fmt: skip
CELLS = (
    TRACE, PARENT, KIND, AGENT, TOOL_NAME, MODEL_NAME, PROVIDER, START, END, STATUS, ERROR_KIND, INPUT, OUTPUT, COST, USER,
)  # fmt: skip

UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
HEXADECIMAL = re.compile(r"(?:0x)?[0-9a-f]{16,64}", re.IGNORECASE)
NO_PARENT = re.compile(r"(?:0x)?0+")
IDENTIFIER = re.compile(r"[\w.:/@+()-]{1,120}")
AGENT_WORDS, AGENT_LENGTH = 8, 80
WITHOUT_ZONE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?", re.ASCII)
ERROR_TYPE = re.compile(r"(?:\w+\.)*([A-Za-z]\w{0,50}(?:Error|Exception|Timeout|Interrupt|Failure))(?!\w)")
ERROR_KINDS = (
    ("rate limit", r"rate.?limit|too many requests|\b429\b|quota"),
    ("timeout", r"time[d ]{0,2}-?out|timeout|deadline|\b408\b|\b504\b"),
    ("too long for the model", r"context.?length|context.?window|maximum context|max.?tokens"),
    ("refused by the model's provider", r"content.?filter|content.?policy|refus|safety"),
    ("not allowed", r"unauthori[sz]ed|forbidden|permission|authentication|api.?key|\b40[13]\b"),
    ("not found", r"not.?found|\b404\b"),
    ("malformed answer or input", r"json|pars(?:e|ing)|validation|schema|invalid|\b4(?:00|22)\b"),
    ("connection", r"connection|connect|network|dns|socket"),
    ("provider's fault", r"overloaded|unavailable|server.?error|\b5\d\d\b"),
    ("cancelled", r"cancel|abort|interrupt"),
)
"""The kinds of error a log's message is told by, first that fits; the message itself is never kept."""


@dataclass(frozen=True)
class Spans(Export):
    """The run log of one tool, read into RUN_SPANS.

    `needle` is a word every such JSON file holds, `marks` the keys that tell one record, `others` what else of this
    tool people export by mistake: the keys that tell it and what it is called. A reader overrides `records` and `cells`.
    """

    needle: str = ""
    marks: frozenset[str] = frozenset()
    others: tuple[tuple[frozenset[str], str], ...] = ()

    @property
    def marker(self) -> str:
        """The header of the record's id, which tells this tool's rows when refused ones come back corrected."""
        return self.headers[0]

    def records(self, found: Any) -> list[Any] | None:
        """The records in a JSON value: a list of them, one of them, or an answer of the tool's API that holds them."""
        for name in ("data", "runs", "observations"):
            if isinstance(found, dict) and isinstance(found.get(name), list):
                found = found[name]
        listed = found if isinstance(found, list) else [found]
        return listed if any(self.is_record(one) for one in listed) else None

    def is_record(self, found: Any) -> bool:
        """Whether a JSON value is a record of this tool, by its keys in whatever case and joining."""
        return isinstance(found, dict) and self.marks <= {key(name) for name in found}

    def cells(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """What is read of one record, by the header of `CELLS` and the marker; keys of the record are as of `key`."""
        raise NotImplementedError

    def claims(self, source: Source, rules: Rules, mapping: Mapping[str, str]) -> list[Claim]:
        """The log in the file; another export of the same tool is claimed only to say what it is."""
        return super().claims(source, rules, mapping) or list(self._mistaken(source))

    def sheets_from(self, source: Source) -> tuple[Sheet, ...]:
        """The records of a JSON document, of JSON lines or of a text table, as one sheet of `CELLS`."""
        if source.shape == "JSON":
            found = self._records_in(source.text) if self.needle in source.text else None
            return () if found is None else (self._sheet(lambda: iter(found)),)
        return tuple(self._told(sheet) for sheet in source.sheets)

    def read(self, claim: Claim, source: Source, options: Options) -> Reading:
        """Read every span, ids and errors first brought to what may be kept. Raises IntakeError without an agent's span."""
        sheet, kind = claim.sheet, claim.sheet.header.index(KIND) if KIND in claim.sheet.header else None
        strange = sum(kind is not None and row[kind : kind + 1] == [NOT_AN_AGENTS] for _, row in sheet.rows())
        if strange and strange == sum(1 for _ in sheet.rows()):
            raise IntakeError(
                f"{source.path} holds {strange} spans and none of an agent, a model or a tool (no gen_ai attribute); "
                "export the spans of the service that runs the agents"
            )
        options.pseudonyms.meet(self._people(sheet))
        clean = replace(sheet, cells=partial(_without_words, sheet, options))
        reading = super().read(replace(claim, sheet=clean), source, options)
        if strange:
            words = f"{strange} of the rows passed over are spans of other software (no gen_ai attribute)"
            reading = replace(reading, notes=(*reading.notes, words))
        return reading

    def rows_of(self, record: Record, options: Options) -> Iterator[dict[str, Any]]:
        """One span of RUN_SPANS; none for a span that has nothing to do with an agent."""
        kind = record.needed(KIND)
        if kind == NOT_AN_AGENTS:
            return
        start, end = record.moment(START, options), record.moment(END, options)
        if start is None:
            raise Bad(START, "nothing", "when it began")
        in_order(start, end, END, earlier="its beginning")
        cost, parent = _number(record, COST), record.get(PARENT)
        yield {
            "source": self.name,
            "span": record.needed(self.marker),
            "trace": record.needed(TRACE),
            "parent": None if parent is None or NO_PARENT.fullmatch(parent) else parent,
            "kind": kind,
            "agent": _agent(record),
            "start": start,
            "end": end,
            "status": record.get(STATUS) or OK,
            "error": record.get(ERROR_KIND),
            "tool": _identifier(record, TOOL_NAME),
            "model": _identifier(record, MODEL_NAME),
            "provider": _identifier(record, PROVIDER),
            "input_tokens": _whole(record, INPUT),
            "output_tokens": _whole(record, OUTPUT),
            "cost_usd": cost,
            "cost_source": None if cost is None else "reported",
        }

    def _records_in(self, text: str) -> list[tuple[int, list[Any]]] | None:
        """Every record with its number, counted through the file; None where it is not this tool's log."""
        whole = document(text)
        values = [whole] if whole is not None else [document(line) for line in text.split("\n") if line.strip("\ufeff \r\t")]
        found = [self.records(value) for value in values]
        if not any(records is not None for records in found):
            return None
        # a line that is none of them is a record too, so that it is refused and counted
        listed = [records if records is not None else [value] for records, value in zip(found, values, strict=True)]
        return [(number, self._row(one)) for number, one in enumerate((one for part in listed for one in part), start=1)]

    def _row(self, found: Any) -> list[Any]:
        if not isinstance(found, dict):
            return [Spoilt("no JSON object", f"one {self.title.rstrip('s')} as a JSON object")] * (1 + len(CELLS))
        told = self.cells({key(name): value for name, value in found.items()})
        cells = [_plain(told.get(name)) for name in (self.marker, *CELLS)]
        # a row without any cell would not be seen at all
        return cells if any(not is_blank(cell) for cell in cells) else [Spoilt("nothing", "the span's id"), *cells[1:]]

    def _sheet(self, cells: Any) -> Sheet:
        return Sheet("", (self.marker, *CELLS), "", cells)

    def _told(self, sheet: Sheet) -> Sheet:
        """A text table's rows as `CELLS`; one that has the marker's header came back corrected and is that already."""
        if sheet.names(self.headers) or not self.marks <= {key(name) for name in sheet.header}:
            return sheet

        def rows() -> Iterator[tuple[int, list[Any]]]:
            for number, row in sheet.rows():
                if fault := not_as_wide(number, row, len(sheet.header)):
                    yield number, [Spoilt(fault.found, fault.wanted)] * (1 + len(CELLS))
                else:
                    yield number, self._row(dict(zip(sheet.header, map(_nested, row), strict=False)))

        return self._sheet(rows)

    def _mistaken(self, source: Source) -> Iterator[Claim]:
        """A claim for a file that is something else of this tool, or is written in another way."""
        if source.shape != "JSON" or not self.others:
            return
        found = document(source.text) or document(source.text.partition("\n")[0])
        inside = found["data"] if isinstance(found, dict) and isinstance(found.get("data"), list) else found
        first = inside[0] if isinstance(inside, list) and inside else inside
        keys = {key(name) for name in first} if isinstance(first, dict) else set()
        for marks, words in self.others:
            if marks <= keys:
                refusal = Mistaken(self.name, f"{self.title} ({words})", self.table, (), said=words)
                yield Claim(refusal, self._sheet(lambda: iter(())), {}, ())
                return


@dataclass(frozen=True)
class Mistaken(Format):
    """A file that is known and cannot be a run log; reading it says what it is and what to export."""

    said: str = ""

    @property
    def weight(self) -> int:
        """Less than any format that can read the file."""
        return -1

    def read(self, claim: Claim, source: Source, options: Options) -> Reading:
        """Raises IntakeError, always."""
        del claim, options
        raise IntakeError(f"{source.path} holds {self.said}")


def key(name: object) -> str:
    """A name as it is compared: `parentObservationId` and `parent_observation_id` are one."""
    return re.sub(r"[\s_.-]+", "", str(name)).casefold()


def at(found: Any, *names: str) -> Any:
    """What lies at the end of these names, compared as `key` does; None where one of them is not there."""
    for name in names:
        inside = found if isinstance(found, dict) else {}
        found = next((value for known, value in inside.items() if key(known) == key(name)), None)
    return found


def first(*values: Any) -> Any:
    """The first value that is filled."""
    return next((value for value in values if not is_blank(value)), None)


def in_utc(value: Any) -> Any:
    """A time as these tools write it: without a zone it is UTC, and a whole number is milliseconds since 1970."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return since_1970(value, 1000)
    return f"{value.strip()}Z" if isinstance(value, str) and WITHOUT_ZONE.fullmatch(value.strip()) else value


def since_1970(value: Any, units_a_second: int) -> Any:
    """A count of time units since 1970, number or digits, as an instant in ISO; what is no such count stays as it is."""
    text = text_of(value) if not is_blank(value) else ""
    if not (text.isascii() and text.isdecimal()) or len(text) > 20:
        return value
    seconds, rest = divmod(int(text), units_a_second)
    try:
        moment = dt.datetime.fromtimestamp(seconds, dt.UTC) + dt.timedelta(seconds=rest / units_a_second)
    except (OverflowError, ValueError, OSError):
        return value
    return moment.isoformat()


def error_kind(said: Any, *, kind: Any = None) -> str:
    """What kind of error a message tells of; `kind` is its type where the log has one. No word of the message is kept."""
    whole = f"{kind or ''} {said or ''}"[:4000]
    for words, pattern in ERROR_KINDS:
        if re.search(pattern, whole, re.IGNORECASE):
            return words
    found = ERROR_TYPE.match(str(kind or "").strip()) or ERROR_TYPE.match(str(said or "").strip())
    return found[1] if found else UNSAID


def _without_words(sheet: Sheet, options: Options) -> Iterator[tuple[int, list[Any]]]:
    """The rows with ids as plain numbers or pseudonyms and errors as their kinds, before anything else sees them."""
    ids = {0, *(place for place, name in enumerate(sheet.header) if name in (TRACE, PARENT))}
    errors = {place for place, name in enumerate(sheet.header) if name == ERROR_KIND}
    known = {UNSAID, *(words for words, _ in ERROR_KINDS)}
    for number, row in sheet.rows():
        cells = list(row)
        for place, cell in enumerate(cells):
            if is_blank(cell) or isinstance(cell, Spoilt):
                continue
            if place in ids and sheet.header[place]:
                text = text_of(cell)
                plain = UUID.fullmatch(text) or HEXADECIMAL.fullmatch(text) or NO_PARENT.fullmatch(text)
                cells[place] = text.lower() if plain else options.pseudonyms.of(text)
            elif place in errors and text_of(cell) not in known:
                cells[place] = error_kind(cell)
        yield number, cells


def _nested(cell: Any) -> Any:
    """A cell of a table that holds JSON, as these tools write usage and costs; any other cell as it is."""
    is_json = isinstance(cell, str) and cell.strip()[:1] in ("{", "[")
    return first(document(cell) if is_json else None, cell)


def _plain(value: Any) -> Any:
    """A value as a cell; a list or an object where one value belongs cannot be read."""
    if isinstance(value, dict | list):
        return Spoilt("a list or an object", "one value")
    return str(value).lower() if isinstance(value, bool) else value


def _agent(record: Record) -> str | None:
    name = record.get(AGENT)
    if name is not None and (len(name) > AGENT_LENGTH or len(name.split()) > AGENT_WORDS):
        record.assume("name an agent in more words than a name has; the words are not kept")
        return None
    return name


def _identifier(record: Record, header: str) -> str | None:
    name = record.get(header)
    if name is not None and not IDENTIFIER.fullmatch(name):
        record.assume(f"name a {header.lower()} in words instead of an identifier; the words are not kept")
        return None
    return name


def _number(record: Record, header: str) -> float | None:
    text = record.get(header)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise Bad(header, repr(text), "a number from 0 up")
    return value


def _whole(record: Record, header: str) -> int | None:
    value = _number(record, header)
    if value is not None and not value.is_integer():
        raise Bad(header, repr(record.get(header)), "whole tokens")
    return None if value is None else int(value)


def run_log(
    kind: type[Spans], name: str, title: str, marker: str, needle: str, marks: Sequence[str], others: Sequence[tuple[Sequence[str], str]] = ()
) -> Spans:
    """One tool's format: its name, what it is called, the header of its ids, and what tells its files."""
    return kind(
        name,
        title,
        RUN_SPANS,
        headers=(marker,),
        persons=(USER,),
        keeps=CELLS,
        drops=(USER,),
        texts=(marker, TRACE, PARENT, KIND, AGENT, TOOL_NAME, MODEL_NAME, PROVIDER, STATUS, ERROR_KIND),
        needle=needle,
        marks=frozenset(map(key, marks)),
        others=tuple((frozenset(map(key, keys)), words) for keys, words in others),
    )
