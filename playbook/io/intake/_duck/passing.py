"""One file in the order of time, as tools export it: read once, its numbers put on a shelf; no table is needed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from playbook.workflows.discovery.walk import NEVER, Shelf, Slice

if TYPE_CHECKING:
    from numpy.typing import NDArray

# cases remembered at a time, and rows looked up at a time: both small enough for a processor's cache, as most rows are
# of a case met not long ago
REMEMBERED = 1 << 18
STEP = 1 << 12
# texts taken over after which it is first looked whether they still grow with the cases, not with the rows
MANY = 1 << 20


class Passed(NamedTuple):
    """The cases as they were numbered, some more than once, by text (None: not said) and by hash; by column the words that
    came later; the numbers on the shelf, `case` among them.
    """

    cases: NDArray[np.object_]
    hashes: NDArray[np.uint64]
    later: dict[str, list[str]]
    parts: list[tuple[int, dict[str, Slice]]]

    @property
    def total(self) -> int:
        """How many rows were read."""
        return sum(count for count, _ in self.parts)

    def stretches(self, size: int) -> Iterator[dict[str, Any]]:
        """The numbers again, no more than `size` rows at a time, with each row's place in the file."""
        first = 0
        for count, columns in self.parts:
            for start in range(0, count, size):
                stop = min(start + size, count)
                numbers = {name: read(start, stop) for name, read in columns.items()}
                yield {**numbers, "place": np.arange(first + start, first + stop)}
            first += count


class Batch(NamedTuple):
    """Some rows as Arrow keeps them: numbers by column; texts in one piece, and where each begins."""

    numbers: dict[str, NDArray[Any]]
    begins: NDArray[np.int32]
    text: bytes

    def texts(self, places: NDArray[np.int64]) -> list[str]:
        """The texts of these rows."""
        spans = zip(self.begins[places].tolist(), self.begins[places + 1].tolist(), strict=True)
        return [self.text[begin:end].decode() for begin, end in spans]


def passed(con: Any, sql: str, first: Mapping[str, int], shelf: Shelf) -> Passed | None:
    """Read the rows of `sql` as they come; None where they are not in the order of time, need the kit's reader, or are of
    cases that come back after so long that their texts would fill the memory.

    `sql` gives the numbers of a row and its case (`said`); of an `odd` row, which has no case or texts without a number,
    `said` is a list in JSON: the case, a word for each column of `first`, which says how many words are known, then
    times. One column for both, because texts are what takes longest to take over: only those of a case not met lately
    are. That is told by the case's hash alone (64 bits: of a million cases two share one, and would be taken for one,
    once in 37 million logs).
    """
    later: dict[str, dict[str, int]] = {name: {} for name in first}
    cases, hashes, parts, last, known, look = (
        list[str | None](),
        [np.empty(0, np.uint64)],
        [],
        NEVER,
        CaseNumbers(),
        MANY,
    )
    for batch in _batches(con, sql):
        # 1. in the order of time, as far as times are known
        numbers, is_odd = batch.numbers, batch.numbers.pop("odd") > 0
        at = numbers["timestamp"][numbers["timestamp"] != NEVER]
        if len(at) and (at[0] < last or (at[1:] < at[:-1]).any()):
            return None
        last = at[-1] if len(at) else last
        # 2. the odd rows: words that come for the first time get the next numbers
        odd, case_of = np.flatnonzero(is_odd), dict[int, str | None]()
        for place, said in zip(odd.tolist(), batch.texts(odd), strict=True):
            case_of[place], *cells = json.loads(said)
            if any(time is not None for time in cells[len(first) :]):
                return None
            for (name, words), word in zip(later.items(), cells, strict=False):
                if word is not None:
                    numbers[name][place] = first[name] + words.setdefault(word, len(words))
        # 3. the cases as numbers, with the text of each new one
        by_hash = numbers.pop("h")
        numbers["case"], new = known.numbers(by_hash)
        hashes.append(by_hash[new])
        texts: list[str | None] = [*batch.texts(new)]
        for turn in np.flatnonzero(is_odd[new]).tolist():
            texts[turn] = case_of[int(new[turn])]
        cases += texts
        if len(cases) > look:
            if len(cases) > 2 * len(np.unique(np.concatenate(hashes))):
                return None
            look = 2 * len(cases)
        # 4. away with the numbers
        parts.append((len(by_hash), {name: shelf(column) for name, column in numbers.items()}))
    found = {name: list(words) for name, words in later.items()}
    return Passed(np.array(cases, object), np.concatenate(hashes), found, parts)


class CaseNumbers:
    """Numbers cases by their hashes as they come; a case not met for long may get another number."""

    def __init__(self) -> None:
        # at no hash's own place, so that none counts as met before it was
        self._hashes = np.arange(1, REMEMBERED + 1, dtype=np.uint64)
        self._numbers = np.zeros(REMEMBERED, np.int32)
        self._count = 0

    def numbers(self, hashes: NDArray[np.uint64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The number of each, and where the new ones stand first, in the order of their numbers."""
        numbers, firsts = np.empty(len(hashes), np.int32), [np.empty(0, np.int64)]
        for start in range(0, len(hashes), STEP):
            some = hashes[start : start + STEP]
            place = (some & np.uint64(REMEMBERED - 1)).astype(np.int64)
            found = self._numbers[place]
            other = np.flatnonzero(self._hashes[place] != some)
            while len(other):
                # the first row at each place takes it with its case; rows of another case at that place come after it
                at = place[other]
                self._numbers[at[::-1]] = other[::-1]
                first = other[self._numbers[at] == other]
                self._hashes[place[first]] = some[first]
                self._numbers[place[first]] = np.arange(self._count, self._count + len(first))
                self._count += len(first)
                firsts.append(start + first)
                known = self._hashes[at] == some[other]
                found[other[known]] = self._numbers[at[known]]
                other = other[~known]
            numbers[start : start + STEP] = found
        return numbers, np.concatenate(firsts)


def _batches(con: Any, sql: str) -> Iterator[Batch]:
    """What DuckDB reads, some hundred thousand rows at a time, without an object for each of their texts."""
    import duckdb  # noqa: PLC0415 - only large logs pay for these
    import nanoarrow  # noqa: PLC0415

    with nanoarrow.c_array_stream(con.sql(sql)) as stream:
        names = [child.name for child in stream.get_schema().children]
        try:
            for array in stream:
                yield _batch(dict(zip(names, array.view().children, strict=True)))
        except RuntimeError as error:
            # what DuckDB has to say in the middle of a stream comes without its kind
            kind = duckdb.OutOfMemoryException if "Out of Memory" in str(error) else duckdb.Error
            raise kind(str(error).partition("): ")[2] or str(error)) from error


def _batch(columns: dict[str, Any]) -> Batch:
    said = columns.pop("said")
    numbers = {name: np.asarray(column.buffer(1)) for name, column in columns.items()}
    if numbers["odd"].any():
        # what is borrowed may not be written to
        numbers = {name: column.copy() for name, column in numbers.items()}
    return Batch(numbers, np.asarray(said.buffer(1)), bytes(said.buffer(2)))
