"""The words an import understands: header synonyms, date words, ways to say "does not apply"; read from YAML."""

from __future__ import annotations

import re
import unicodedata
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Literal, Self

from pydantic import model_validator

from playbook.io import content
from playbook.tables import STORED, Authored

if TYPE_CHECKING:
    from pathlib import Path

FILE = "assessments/intake/default.yaml"

# columns of the kit's own sheet of refused rows, passed over or followed when the corrected sheet comes back
REASON, ORIGIN, READ_WITH = SET_ASIDE = ("refused because", "refused from", "read with")
# what a refused row's record holds beside its cells: as which rows it was refused before, and what the workbook it
# comes from said at its export where the row was changed
AS_BEFORE, AT_EXPORT = "(refused before)", "(at export)"
REMEMBERED = (AS_BEFORE, AT_EXPORT)


@lru_cache(maxsize=10_000)
def plain(header: str) -> str:
    """A header without what people vary: case, and runs of spaces, hyphens and underscores."""
    return re.sub(r"[\s_-]+", " ", unicodedata.normalize("NFC", header)).strip().casefold()


BoardColumn = Literal["Person", "Status", "Created", "Begun", "Finished", "Planned end"]
"""What a monday.com board tells of an item, under whatever names its columns have."""


class Rules(Authored):
    """How headers and special cells of imported files are read.

    `synonyms` gives, for a table and column, other headers that mean it, the preferred first. `date_words` mark
    columns that hold dates, `not_applicable` are cell texts that mean it. Of the work tools, `done` and `dropped` are
    statuses that mean so, and `board_columns` says which of a monday.com board's own columns holds what. `measure_words`
    are those a refused day, number or duration may be written with; any other word of such a cell is not kept.
    """

    synonyms: dict[str, dict[str, tuple[str, ...]]]
    date_words: tuple[str, ...]
    not_applicable: tuple[str, ...]
    done: tuple[str, ...]
    dropped: tuple[str, ...]
    board_columns: dict[BoardColumn, tuple[str, ...]]
    measure_words: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _every_synonym_means_one_column(self) -> Self:
        for name, columns in self.synonyms.items():
            if name not in STORED:
                raise ValueError(f"synonyms.{name} is not a stored table; there are " + ", ".join(STORED))
            taken = {plain(column): column for column in STORED[name].columns}
            for column, words in columns.items():
                if column not in STORED[name].columns:
                    raise ValueError(f"synonyms.{name}.{column} is not a column of {name}")
                for word in words:
                    other = taken.setdefault(plain(word), column)
                    if other != column:
                        raise ValueError(f"synonyms.{name}: {word!r} would mean both {other} and {column}")
        return self

    def names_of(self, table: str, column: str) -> list[str]:
        """Every header, in plain form, that means this column; its own name comes first."""
        words = [column, *self.synonyms.get(table, {}).get(column, ())]
        return list(dict.fromkeys(plain(word) for word in words))

    @cached_property
    def known_words(self) -> frozenset[str]:
        """What days, numbers and statuses are written with: the only words kept of a cell that is no place for text."""
        listed = (*self.measure_words, *self.done, *self.dropped, *self.not_applicable)
        return frozenset(word.casefold() for word in listed)

    def is_set_aside(self, header: str) -> bool:
        """Whether the column belongs to the kit's own sheet of refused rows."""
        return plain(header) in SET_ASIDE

    def says_date(self, header: str) -> bool:
        """Whether the header's words say that its cells are dates: `publish_date`, `Due`."""
        return bool(set(re.findall(r"[^\W_]+", plain(header))) & {plain(word) for word in self.date_words})

    def says_done(self, status: str | None) -> bool:
        """Whether a work tool's status means that the work is finished."""
        return status is not None and plain(status) in {plain(word) for word in self.done}

    def says_dropped(self, status: str | None) -> bool:
        """Whether a work tool's status or resolution means that the work was given up and not done."""
        return status is not None and plain(status) in {plain(word) for word in self.dropped}

    def says_not_applicable(self, cell: object) -> bool:
        """Whether the cell is one of the ways to write that a factor does not apply."""
        return isinstance(cell, str) and plain(cell) in {plain(word) for word in self.not_applicable}


def load_rules(overrides: Path | None = None) -> Rules:
    """Read the rules, the engagement folder's own copy first. Raises ContentError for a file that does not fit."""
    return content.read(content.find(FILE, overrides), Rules)
