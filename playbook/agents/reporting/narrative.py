"""Sentences in which every number is a table's cell, and the check that refuses any other.

A sentence is made from a pattern and cells; it keeps where each cell stands in it. `trace` reads the text again and
holds each place against the table: a number that stands nowhere in a table, or is not written as there, sign and unit
included, is a fault.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from playbook.errors import ParameterError
from playbook.tables import Sourced

if TYPE_CHECKING:
    from playbook.agents.reporting.sheets import Cell, Sheets

PLACE = re.compile(r"\{([a-z_]+)\.([a-z_]+)\}")
SIGNS = "+-±\N{MINUS SIGN}\N{EN DASH}./,'\N{RIGHT SINGLE QUOTATION MARK}\N{NO-BREAK SPACE}$€£¥~≈<>"
NUMBERS = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion dozen half twice "
    "double doubled triple tripled halved quarter third thirds percent percentage zero"
)
NUMBER_WORDS = frozenset(NUMBERS.split())
DIRECTIONS = (
    "rose fell grew shrank dropped jumped climbed declined increased decreased gained lost up down higher lower"
)
MOVES = frozenset(DIRECTIONS.split())
WORD = re.compile(r"[^\W\d_]+")
UNIT = re.compile(r"\s?(%|‰|percent|per cent|[kKmMbB]\b|bn\b|points?\b|USD\b|EUR\b|GBP\b|[$€£])")


class Wording(Sourced):
    """The patterns of the report's sentences by id; `{k.this}` is the cell `this` of the row called k."""

    sentences: dict[str, str] = Field(min_length=1)

    @model_validator(mode="after")
    def _no_number_of_its_own(self) -> Wording:
        for key, pattern in self.sentences.items():
            faults = _outside(PLACE.sub("\0", pattern))
            if faults:
                raise ValueError(f"{key}: {faults[0]}; wanted numbers and directions from cells only")
        return self


@dataclass(frozen=True)
class Reference:
    """Where a cell stands in a sentence: characters `start` to `end`, and the cell's sheet, row and column."""

    start: int
    end: int
    sheet: str
    row: str
    column: str


@dataclass(frozen=True)
class Sentence:
    """A sentence of the report and the cells it was made from."""

    text: str
    references: tuple[Reference, ...] = ()


def say(wording: Wording, key: str, sheets: Sheets, **rows: tuple[str, str]) -> Sentence:
    """The sentence `key` with its cells filled in; `rows` names the (sheet, row) each short name stands for.

    Raises ParameterError when the pattern asks for a row or a cell that is not there.
    """
    pattern = wording.sentences.get(key)
    if pattern is None:
        raise ParameterError(f"the wording has no sentence {key!r}; it has {', '.join(wording.sentences)}")
    text, references, done = "", [], 0
    for match in PLACE.finditer(pattern):
        short, column = match.groups()
        sheet, row = rows.get(short, ("", ""))
        cell = _cell(sheets, sheet, row, column)
        if cell is None:
            raise ParameterError(f"sentence {key!r}: there is no cell {match.group(0)} in the tables of this report")
        text += pattern[done : match.start()]
        references.append(Reference(len(text), len(text) + len(cell.said), sheet, row, column))
        text += cell.said
        done = match.end()
    text += pattern[done:]
    return Sentence(text, tuple(references))


def trace(narrative: Sequence[Sentence | str] | Sentence | str, sheets: Sheets) -> list[str]:
    """Every fault of a narrative, in words; none is what a report needs before it goes out.

    Each reference must hold the very text of its cell, and outside the references there may be no digit, number word
    or direction. A plain text (a sentence a person has edited) has no references: there every number must be written
    as some cell is, sign and unit included, which is weaker, as it cannot see two cells swapped.
    """
    several = [narrative] if isinstance(narrative, Sentence | str) else narrative
    faults = []
    for sentence in several:
        found = _trace_text(sentence, sheets) if isinstance(sentence, str) else _trace(sentence, sheets)
        text = sentence if isinstance(sentence, str) else sentence.text
        faults += [f"{fault} in: {text}" for fault in found]
    return faults


def _cell(sheets: Sheets, sheet: str, row: str, column: str) -> Cell | None:
    rows: Mapping[str, Mapping[str, Cell]] = sheets[sheet].rows if sheet in sheets else {}
    return rows.get(row, {}).get(column)


def _trace(sentence: Sentence, sheets: Sheets) -> list[str]:
    text, faults, rest, done = sentence.text, [], "", 0
    for place in sorted(sentence.references, key=lambda place: place.start):
        cell = _cell(sheets, place.sheet, place.row, place.column)
        said = text[place.start : place.end]
        if cell is None:
            faults.append(f"{said!r} refers to no cell ({place.sheet}, {place.row}, {place.column})")
        elif said != cell.said:
            faults.append(f"{said!r} is not the cell {cell.said!r} ({place.sheet}, {place.row}, {place.column})")
        if place.start < done:
            faults.append(f"{said!r} overlaps another cell")
        faults += _edges(text, place.start, place.end)
        rest += text[done : place.start] + "\0"
        done = max(done, place.end)
    return faults + _outside(rest + text[done:])


def _edges(text: str, start: int, end: int) -> list[str]:
    """Faults where a sign, digit or unit stands so close to a cell that it would be read as part of it."""
    said = text[start:end]
    if not any(c.isdigit() for c in said) or said[:1] == "“":
        return []
    before = text[start - 1 : start]
    if before and (before in SIGNS or before.isalnum()):
        return [f"{before + said!r} is not as the cell has it"]
    after = text[end : end + 12]
    if after[:1].isalnum() or re.match(r"[.,]\d", after) or UNIT.match(after):
        return [f"{said + after!r} is not as the cell has it"]
    return []


def _outside(rest: str) -> list[str]:
    """Numbers, number words and directions in what is left when the cells are taken out."""
    faults = [f"the number {found!r} is in no cell" for found in re.findall(r"[\w.,%]*\d[\w.,%]*", rest)]
    for word in WORD.findall(rest):
        if word.casefold() in NUMBER_WORDS:
            faults.append(f"the number word {word!r} is in no cell")
        if word.casefold() in MOVES:
            faults.append(f"the direction {word!r} is in no cell")
    if not faults and re.search(r"[%‰]", rest):
        faults.append("a unit stands without its number")
    return faults


def _trace_text(text: str, sheets: Sheets) -> list[str]:
    cells = {
        cell.said
        for sheet in sheets.values()
        for row in sheet.rows.values()
        for cell in row.values()
        if any(c.isdigit() for c in cell.said) or cell.quoted or set(WORD.findall(cell.said.casefold())) & MOVES
    }
    left = text
    for said in sorted(cells, key=len, reverse=True):
        start = left.find(said)
        while start >= 0:
            end = start + len(said)
            if _edges(left, start, end):
                start = left.find(said, start + 1)
            else:
                left = left[:start] + "\0" * len(said) + left[end:]
                start = left.find(said, end)
    return _outside(re.sub("\0+", "\0", left))
