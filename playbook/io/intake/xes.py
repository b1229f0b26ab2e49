"""XES, the exchange format of process mining (IEEE 1849), as .xes or packed as .xes.gz: one event a record.

An event becomes an event: the case is its trace's `concept:name`, the activity its own, the time `time:timestamp`, the
resource `org:resource`, the workflow the log's `concept:name`. Where a log tells both start and completion of an
activity, the completion is the event and the start its begin; a start that was never completed is an event of its own.
Other steps of an activity's life (scheduled, assigned, suspended, ...) are passed over. No other attribute is kept.

The file is read piece by piece with the standard library's parser, so its size does not matter to memory. A document type
declaration is refused unread: it is the only place where entities that unfold into gigabytes, or fetch other files,
can be declared, and no XES log has one.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

from playbook.errors import IntakeError
from playbook.io.intake._export import Export
from playbook.io.intake._record import Record
from playbook.io.intake._sheet import EVENT_LOG_LIMIT, Sheet
from playbook.tables import EVENTS

if TYPE_CHECKING:
    from pathlib import Path

    from playbook.io.intake._format import Options
    from playbook.io.intake._source import Source

HEADER = ("XES step", "XES case", "XES activity", "XES timestamp", "XES begin", "XES resource", "XES log")
NAME, TIME, PERSON, LIFE, INSTANCE = (
    "concept:name", "time:timestamp", "org:resource", "lifecycle:transition", "concept:instance",
)  # fmt: skip
BLOCK = 1 << 16
START, COMPLETE = "start", "complete"


@dataclass(frozen=True)
class Xes(Export):
    """A log of traces, as a sheet with a row an event."""

    def sheets_from(self, source: Source) -> tuple[Sheet, ...]:
        """The log's events; a file that is no XML may still be a sheet of them that came back corrected."""
        if source.shape != "XML":
            return source.sheets
        if not _Parser(source.path).is_log(source.data):
            return ()
        return (Sheet("", HEADER, "", lambda: _Parser(source.path).rows(source.data)),)

    def rows_of(self, record: Record, options: Options) -> Iterator[dict[str, Any]]:
        """The event; a step of an activity's life that is no work gives none."""
        if record.get("XES step") is None:
            return
        told: dict[str, Any] = {"case": record.needed("XES case"), "activity": record.needed("XES activity")}
        record.needed("XES timestamp")
        begun, when = record.moment("XES begin", options), record.moment("XES timestamp", options)
        sound = begun if begun is not None and when is not None and begun <= when else None
        told["workflow"] = record.get("XES log")
        yield {**told, "timestamp": when, "begun": sound, "resource": record.get("XES resource")}


@dataclass
class _Parser:
    """The parser's place in a log: the elements it is inside, and the trace it is putting together."""

    path: Path
    inside: list[str] = field(default_factory=list)
    log: str | None = None
    trace: dict[str, str] = field(default_factory=dict)
    event: dict[str, str] = field(default_factory=dict)
    events: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    number: int = 0
    done: deque[tuple[int, list[Any]]] = field(default_factory=deque)

    def is_log(self, data: bytes) -> bool:
        """Whether the file's outermost element is an XES log."""
        parser, root = self._expat(), list[str]()
        parser.StartElementHandler = lambda name, _: root.append(_local(name)) if not root else None
        for start in range(0, len(data), BLOCK):
            self._feed(parser, data[start : start + BLOCK])
            if root:
                break
        return root[:1] == ["log"]

    def rows(self, data: bytes) -> Iterator[tuple[int, list[Any]]]:
        """A row an event, numbered as they stand in the file. Raises IntakeError where the XML is broken."""
        parser = self._expat()
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        for start in range(0, len(data), BLOCK):
            self._feed(parser, data[start : start + BLOCK], last=start + BLOCK >= len(data))
            while self.done:
                yield self.done.popleft()

    def _expat(self) -> expat.XMLParserType:
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        return parser

    def _feed(self, parser: expat.XMLParserType, block: bytes, *, last: bool = False) -> None:
        try:
            parser.Parse(block, last)
        except IntakeError:
            raise
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise IntakeError(f"{self.path} is no sound XML ({error}); export the log again") from error

    def _refuse_doctype(self, *_: object) -> None:
        raise IntakeError(
            f"{self.path} declares a document type, which an event log has no use for and which can hide entities that "
            "unfold without end; delete the line that begins with <!DOCTYPE, or export the log again"
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        kind, around = _local(name), self.inside[-1] if self.inside else ""
        self.inside.append(kind)
        if kind == "trace":
            self.trace, self.events = {}, []
        elif kind == "event":
            self.number += 1
            self.event = {}
        elif around == "log" and len(self.inside) == 2 and attributes.get("key") == NAME:
            self.log = attributes.get("value")
        elif around in ("trace", "event"):
            told = self.trace if around == "trace" else self.event
            told.setdefault(attributes.get("key", ""), attributes.get("value", ""))

    def _end(self, name: str) -> None:
        kind = _local(name)
        self.inside.pop()
        if kind == "event":
            self.events.append((self.number, self.event))
            # an event outside any trace belongs to no case and is refused with that reason
            if "trace" not in self.inside:
                self._close()
        elif kind == "trace":
            self._close()

    def _close(self) -> None:
        """Put starts and completions together, first to first, and hand over the trace's rows."""
        starts: dict[tuple[str, str], deque[tuple[int, dict[str, str]]]] = defaultdict(deque)
        begins: dict[int, str] = {}
        paired = set[int]()
        for number, event in self.events:
            same, life = (event.get(NAME, ""), event.get(INSTANCE, "")), event.get(LIFE, COMPLETE).casefold()
            if life == START:
                starts[same].append((number, event))
            elif life == COMPLETE and starts[same]:
                begun_at, begin = starts[same].popleft()
                paired.add(begun_at)
                begins[number] = begin.get(TIME, "")
        for number, event in self.events:
            life = event.get(LIFE, COMPLETE).casefold()
            step = life if life in (START, COMPLETE) and number not in paired else None
            told = [self.trace.get(NAME), event.get(NAME), event.get(TIME), begins.get(number), event.get(PERSON)]
            self.done.append((number, [step, *told, self.log]))
        self.trace, self.events = {}, []


def _local(name: str) -> str:
    return name.rpartition(":")[2]


FORMATS = (
    Xes(
        "xes",
        "XES event log",
        EVENTS,
        headers=HEADER,
        persons=("XES resource",),
        texts=("XES case", "XES activity", "XES log"),
        limit=EVENT_LOG_LIMIT,
    ),
)
