"""One file in the order of time, as tools export it: read once, its numbers put on a shelf; no table is needed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from playbook.workflows.discovery.walk import NEVER, Shelf, Slice

if TYPE_CHECKING:
    from numpy.typing import NDArray

# vectors of 2,048 rows that are taken at a time from what DuckDB reads: as many rows as a stretch of the walk has
VECTORS = 128


class Passed(NamedTuple):
    """The texts of the cases, some more than once; by column the words that came later; the numbers on the shelf."""

    cases: NDArray[np.object_]
    later: dict[str, list[str]]
    parts: list[tuple[int, dict[str, Slice]]]

    def stretches(self, size: int) -> Iterator[dict[str, Any]]:
        """The numbers again, no more than `size` rows at a time, with each row's place in the file."""
        first = 0
        for count, columns in self.parts:
            for start in range(0, count, size):
                stop = min(start + size, count)
                numbers = {name: read(start, stop) for name, read in columns.items()}
                yield {**numbers, "place": np.arange(first + start, first + stop)}
            first += count


def passed(con: Any, sql: str, first: Mapping[str, int], shelf: Shelf) -> Passed | None:
    """Read the rows of `sql` as they come; None where they are not in the order of time or need the kit's reader.

    `sql` gives the numbers of a row and its case (`said`); of an `odd` row, which has texts without a number, `said` is
    a list in JSON: the case, a word for each column of `first`, which says how many words are known, then times. One
    column for both, and as bytes, because texts are what takes longest to hand over and most are of a case met before.
    That is told by the case's hash (64 bits: of a million cases two share one once in 37 million logs).
    """
    later: dict[str, dict[str, int]] = {name: {} for name in first}
    cases, parts, last = [np.empty(0, object)], [], NEVER
    con.execute(sql)
    while len(rows := con.fetch_df_chunk(VECTORS)):
        said, odd = rows.pop("said").to_numpy(object), np.flatnonzero(rows.pop("odd"))
        numbers: dict[str, Any] = {str(name): column.to_numpy() for name, column in rows.items()}
        at = numbers["timestamp"][numbers["timestamp"] != NEVER]
        if len(at) and (at[0] < last or (at[1:] < at[:-1]).any()):
            return None
        last = at[-1] if len(at) else last
        if len(odd):
            # what pandas gives out may not be written to
            said, numbers = said.copy(), {name: column.copy() for name, column in numbers.items()}
        for place in odd:
            case, *texts = json.loads(said[place])
            said[place] = None if case is None else case.encode()
            if any(time is not None for time in texts[len(first) :]):
                return None
            for (name, known), word in zip(later.items(), texts, strict=False):
                if word is not None:
                    numbers[name][place] = first[name] + known.setdefault(word, len(known))
        met = said[~rows["h"].duplicated().to_numpy()]
        cases.append(np.array([case.decode() for case in met if isinstance(case, bytes | bytearray)], object))
        parts.append((len(rows), {name: shelf(column) for name, column in numbers.items()}))
    return Passed(np.concatenate(cases), {name: list(known) for name, known in later.items()}, parts)
