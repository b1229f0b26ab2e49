"""What the run logs of agents share: records of a tool's own JSON or table as rows of spans, without a word anyone wrote.

A reader says where a tool keeps when, how long, which model and how much; prompts, answers, messages and every other
text of a record never enter the sheet that is read. Ids stay only where they are plain numbers of the tool, an error
only as its kind, and whoever a record names as its user is met, so that the name goes out of agents' names too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from playbook.errors import IntakeError
from playbook.io.intake._export import Export
from playbook.io.intake._format import Claim, Format, Options, Reading, not_as_wide
from playbook.io.intake._json import document
from playbook.io.intake._record import Bad, Record
from playbook.io.intake._rules import Rules, plain
from playbook.io.intake._sheet import Sheet, Spoilt, is_blank, text_of
from playbook.io.intake._source import Source
from playbook.io.intake._span_values import KINDS_OF_ERROR, either, error_kind, key
from playbook.io.intake._tickets import in_order
from playbook.io.pseudonyms import Pseudonyms

RUN, MODEL, TOOL, OTHER = "run", "model", "tool", "other"
NOT_AN_AGENTS = "not an agent's"
OK, ERROR = "ok", "error"

HEADERS = {
    "trace": "Trace id",
    "parent": "Parent id",
    "kind": "Kind",
    "agent": "Agent",
    "tool": "Tool",
    "model": "Model",
    "provider": "Provider",
    "start": "Start",
    "end": "End",
    "status": "Status",
    "error": "Error kind",
    "input_tokens": "Input tokens",
    "output_tokens": "Output tokens",
    "cost": "Cost in USD",
    "user": "User",
}
"""What is read of a span, and what it is called where a refused one is listed; the id has its tool's own header."""
NAMES = ("agent", "tool", "model", "provider")

UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
HEXADECIMAL = re.compile(r"(?:0x)?[0-9a-f]{16,64}", re.IGNORECASE)
NO_PARENT = re.compile(r"(?:0x)?0+")
IDENTIFIER = re.compile(r"[\w.:/@+()-]{1,120}")
AGENT_WORDS, AGENT_LENGTH = 8, 80
HEAD = 100_000  # characters in which a file's first record shows its keys
IN_WORDS = "(words, not kept)"


@dataclass(frozen=True)
class Told:
    """What one record tells of a span, as the tool wrote it; the kind and how it ended are said in the kit's words."""

    kind: str
    span: Any = None
    trace: Any = None
    parent: Any = None
    agent: Any = None
    tool: Any = None
    model: Any = None
    provider: Any = None
    start: Any = None
    end: Any = None
    status: str = OK
    error: str | None = None
    input_tokens: Any = None
    output_tokens: Any = None
    cost: Any = None
    user: Any = None


@dataclass(frozen=True)
class Spans(Export):
    """The run log of one tool, read into RUN_SPANS.

    `headers` is the one header of its ids, `needles` are words of which every such JSON file holds one, `marks` the keys
    that tell one record, `others` what else of this tool people export by mistake: the keys that tell it, and what to
    say of it. A reader overrides `told`, and `records` where they do not lie in a list.
    """

    needles: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    others: tuple[tuple[tuple[str, ...], str], ...] = ()

    def __post_init__(self) -> None:
        """All run logs are read into the same columns."""
        super().__post_init__()
        object.__setattr__(self, "keeps", tuple(HEADERS.values()))
        object.__setattr__(self, "persons", (HEADERS["user"],))
        object.__setattr__(self, "drops", (HEADERS["user"],))
        words = ("trace", "parent", "error", *NAMES)
        object.__setattr__(self, "texts", (self.marker, *(HEADERS[name] for name in words)))

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
        return isinstance(found, dict) and self._has(self.marks, found)

    def told(self, record: Mapping[str, Any]) -> Told:
        """What one record tells; its keys come as of `key`."""
        raise NotImplementedError

    def claims(self, source: Source, rules: Rules, mapping: Mapping[str, str]) -> list[Claim]:
        """The log in the file; another export of the same tool is claimed only to say what it is."""
        return super().claims(source, rules, mapping) or list(self._mistaken(source))

    def sheets_from(self, source: Source) -> tuple[Sheet, ...]:
        """The records of a JSON document, of JSON lines or of a text table, as one sheet."""
        if source.shape == "JSON":
            found = self._records_in(source.text) if any(word in source.text for word in self.needles) else None
            return () if found is None else (self._sheet(lambda: iter(found)),)
        return tuple(self._told(sheet) for sheet in source.sheets)

    def read(self, claim: Claim, source: Source, options: Options) -> Reading:
        """Read every span, ids and errors first brought to what may be kept. Raises IntakeError without an agent's span."""
        sheet = claim.sheet
        strange = sum(NOT_AN_AGENTS in row for _, row in sheet.rows())
        if strange and strange == sum(1 for _ in sheet.rows()):
            raise IntakeError(
                f"{source.path} holds {strange} spans and none of an agent, a model or a tool (no gen_ai attribute); "
                "export the spans of the service that runs the agents"
            )
        options.pseudonyms.meet(self._people(sheet))
        clean = replace(sheet, cells=partial(self._without_words, sheet, options))
        # these tools write times without a zone in UTC, and so does whoever corrects one
        in_utc = replace(options, clock=replace(options.clock, timezone=None))
        reading = super().read(replace(claim, sheet=clean), source, in_utc)
        if strange:
            words = f"spans of other software (no gen_ai attribute) among those passed over: {strange}"
            reading = replace(reading, notes=(*reading.notes, words))
        return reading

    def rows_of(self, record: Record, options: Options) -> Iterator[dict[str, Any]]:
        """One span of RUN_SPANS; none for a span that has nothing to do with an agent."""
        if record.get(HEADERS["kind"]) == NOT_AN_AGENTS:
            return
        span = record.needed(self.marker)
        if NO_PARENT.fullmatch(span):
            raise Bad(self.marker, "only zeros", "the id of a span")
        start, end = record.moment(HEADERS["start"], options), record.moment(HEADERS["end"], options)
        if start is None:
            raise Bad(HEADERS["start"], "nothing", "when it began")
        in_order(start, end, HEADERS["end"], earlier="its beginning")
        cost, parent = _number(record, HEADERS["cost"]), record.get(HEADERS["parent"])
        yield {
            "source": self.name,
            "span": span,
            "trace": record.needed(HEADERS["trace"]),
            "parent": None if parent is None or NO_PARENT.fullmatch(parent) else parent,
            "kind": record.needed(HEADERS["kind"]),
            "agent": _named(record, "agent"),
            "start": start,
            "end": end,
            "status": record.get(HEADERS["status"]) or OK,
            "error": record.get(HEADERS["error"]),
            "tool": _named(record, "tool"),
            "model": _named(record, "model"),
            "provider": _named(record, "provider"),
            "input_tokens": _whole(record, HEADERS["input_tokens"]),
            "output_tokens": _whole(record, HEADERS["output_tokens"]),
            "cost_usd": cost,
            "cost_source": None if cost is None else "reported",
        }

    def _without_words(self, sheet: Sheet, options: Options) -> Iterator[tuple[int, list[Any]]]:
        """The rows with ids, names and errors as they may be kept, before anything else sees them."""
        clean = options.pseudonyms
        change: dict[str, Callable[[str], str]] = {
            **{plain(name): partial(_id, clean) for name in (self.marker, HEADERS["trace"], HEADERS["parent"])},
            plain(HEADERS["error"]): lambda said: said if said in KINDS_OF_ERROR else error_kind(said),
            **{plain(HEADERS[name]): partial(_name, clean, name) for name in NAMES},
        }
        places = {place: change[plain(name)] for place, name in enumerate(sheet.header) if plain(name) in change}
        for number, row in sheet.rows():
            cells = list(row)
            for place, changed in places.items():
                cell = cells[place] if place < len(cells) else None
                if not is_blank(cell) and not isinstance(cell, Spoilt):
                    cells[place] = changed(text_of(cell))
            yield number, cells

    def words(self, rules: Rules) -> AbstractSet[str]:
        """The words every reader knows, and those a span's kind and end are told by."""
        return rules.known_words | {RUN, MODEL, TOOL, OTHER, OK, ERROR}

    def people_in(self, cell: str) -> list[str]:
        """Whom a user's id may name; a bare number is no name, and would take numbers out of agents' names."""
        return [name for name in super().people_in(cell) if any(mark.isalpha() for mark in name)]

    def _records_in(self, text: str) -> list[tuple[int, list[Any]]] | None:
        """Every record with its number, counted through the file; None where it is not this tool's log."""
        whole = document(text)
        values = (
            [whole] if whole is not None else [document(line) for line in text.split("\n") if line.strip("\ufeff \r\t")]
        )
        found = [self.records(value) for value in values]
        if not any(records is not None for records in found):
            return None
        # a line that is none of them is a record too, so that it is refused and counted
        listed = [records if records is not None else [value] for records, value in zip(found, values, strict=True)]
        return [
            (number, self._row(one)) for number, one in enumerate((one for part in listed for one in part), start=1)
        ]

    def _row(self, found: Any) -> list[Any]:
        if not isinstance(found, dict):
            return _refused("no JSON object", "a span as a JSON object")
        told = self.told({key(name): value for name, value in found.items()})
        cells = [_plain(getattr(told, name)) for name in ("span", *HEADERS)]
        # a row without any cell would not be seen at all
        return cells if any(not is_blank(cell) for cell in cells) else _refused("nothing", "the span's id")

    def _sheet(self, cells: Callable[[], Iterator[tuple[int, list[Any]]]]) -> Sheet:
        return Sheet("", (self.marker, *HEADERS.values()), "", cells)

    def _told(self, sheet: Sheet) -> Sheet:
        """A text table's rows as spans; one that has the marker's header came back corrected and is that already."""
        if sheet.names(self.headers) or not self._has(self.marks, sheet.header):
            return sheet

        def rows() -> Iterator[tuple[int, list[Any]]]:
            for number, row in sheet.rows():
                if fault := not_as_wide(number, row, len(sheet.header)):
                    yield number, _refused(fault.found, fault.wanted)
                else:
                    yield number, self._row(dict(zip(sheet.header, map(_nested, row), strict=False)))

        return self._sheet(rows)

    def _mistaken(self, source: Source) -> Iterator[Claim]:
        """A claim for a file that is something else of this tool, or is written in another way."""
        if source.shape != "JSON":
            return
        start = key(source.text[:HEAD])
        if not any(all(key(mark) in start for mark in marks) for marks, _ in self.others):
            return
        whole = document(source.text) or document(source.text.partition("\n")[0])
        inside = whole["data"] if isinstance(whole, dict) and isinstance(whole.get("data"), list) else whole
        first = inside[0] if isinstance(inside, list) and inside else inside
        for marks, words in self.others:
            if isinstance(first, dict) and self._has(marks, first):
                refusal = Mistaken(self.name, self.title, self.table, (), said=words)
                yield Claim(refusal, self._sheet(lambda: iter(())), {}, ())
                return

    @staticmethod
    def _has(marks: Iterable[str], names: Iterable[object]) -> bool:
        return {key(mark) for mark in marks} <= {key(name) for name in names}


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


def _id(clean: Pseudonyms, text: str) -> str:
    """An id as it is where it is a number no person chose; else a pseudonym, which still tells ids apart."""
    is_number = UUID.fullmatch(text) or HEXADECIMAL.fullmatch(text) or NO_PARENT.fullmatch(text)
    return text.lower() if is_number else clean.of(text)


def _name(clean: Pseudonyms, name: str, said: str) -> str:
    """The name as it may be kept: identifiers of tools and models, an agent's name of a few words without persons."""
    if name == "agent":
        is_name = len(said) <= AGENT_LENGTH and len(said.split()) <= AGENT_WORDS
    else:
        is_name = IDENTIFIER.fullmatch(said) is not None
    return clean.scrub(said, single_words=True) if is_name else IN_WORDS


def _refused(found: str, wanted: str) -> list[Any]:
    return [Spoilt(found, wanted), *[None] * len(HEADERS)]


def _nested(cell: Any) -> Any:
    """A cell of a table that holds JSON, as these tools write usage and costs; any other cell as it is."""
    is_json = isinstance(cell, str) and cell.strip()[:1] in ("{", "[")
    return either(document(cell) if is_json else None, cell)


def _plain(value: Any) -> Any:
    """A value as a cell; a list or an object where one value belongs cannot be read."""
    if isinstance(value, dict | list):
        return Spoilt("a list or an object", "one value")
    return str(value).lower() if isinstance(value, bool) else value


def _named(record: Record, name: str) -> str | None:
    said = record.get(HEADERS[name])
    if said == IN_WORDS:
        record.assume(f"tell the {name} in words, not by a name; they are not kept")
        return None
    return said


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
