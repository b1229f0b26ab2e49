"""The words of a large log as numbers, after persons were taken out of every text."""

# ruff: noqa: S608 - SQL is put together from our own words and quoted names
from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from playbook.io.intake._duck.sql import text
from playbook.io.intake._source import _without_guard
from playbook.tables import EVENTS

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from playbook.io.intake._duck.rows import Rows

# what a text must be free of to be kept as it is without a closer look: marks at its ends, addresses, odd letters, and
# whatever begins like a telephone number
SUSPECT = r"[^\x20-\x7E]|^[\s']|\s$|@|%40|\+\d|\(\d{2,5}\) ?\d|0\d{2,4}[ /-]\d|\d{3}[ .-]\d{3}[ .-]\d{4}|0\d{9}"

# the words of a text, and where its words may be put together, as `playbook.io.names` takes them apart, their pieces too
CUT = r"regexp_replace(regexp_replace(c, '([a-z])([A-Z])', '\1 \2', 'g'), '([A-Z])([A-Z][a-z])', '\1 \2', 'g')"
MAY_BREAK = r"[a-z][A-Z]|[A-Z]{2}[a-z]|(^|[^A-Za-z0-9])[A-Za-z]+[0-9]+($|[^A-Za-z0-9])"
RUNS = "regexp_split_to_array(lower(c), '[^a-z0-9]+')"
PIECES = (
    f"CASE WHEN regexp_matches(c, {text(MAY_BREAK)}) "
    f"THEN list_concat({RUNS}, regexp_split_to_array(lower({CUT}), '[^a-z]+')) ELSE {RUNS} END"
)

DIGITS, ZEROS = "123456789", "000000000"


class Coded(NamedTuple):
    """Texts by number, and the numbers of DuckDB's codes: -1 for what cannot be used or was not said."""

    cases: Any
    activities: Any
    workflows: Any
    persons: int
    hashes: pd.Index
    case_of: Any
    number_of: dict[str, Any]

    def case(self, hashes: Any) -> Any:
        """The number of the case with each of these hashes; -1 where it cannot be used."""
        return self.case_of[self.hashes.get_indexer(pd.Index(hashes))]


def coded(rows: Rows) -> Coded:
    """Numbers for cases, activities, persons and workflows, after persons were taken out of every text."""
    cases, hashes = _hashed(rows)
    persons = [_text(word) for word in rows.words.get("resource", [])]
    # an empty text is nobody, as an empty cell is
    rows.pseudonyms.meet(filter(None, persons))
    pseudonyms, known = pd.factorize(
        np.array([rows.pseudonyms.person(word) if word else None for word in persons], object)
    )
    numbers = {"resource": np.append(pseudonyms, -1).astype(np.int32)}
    texts: dict[str, Any] = {"workflow": np.empty(0, object)}
    for name in ("activity", "workflow"):
        if name in rows.words:
            kept = [clean(rows, word, name) for word in rows.words[name]]
            codes, texts[name] = pd.factorize(np.array(kept, object), sort=True)
            numbers[name] = np.append(codes, -1).astype(np.int32)
    case_of, cases = _cases(rows, cases)
    return Coded(cases, texts["activity"], texts["workflow"], len(known), hashes, case_of, numbers)


def _hashed(rows: Rows) -> tuple[Any, pd.Index]:
    """The texts of the cases in order, and the hash DuckDB gives each (of another text where two share one)."""
    while True:
        met = {"case": rows.passed.cases} if rows.passed else {}
        rows.con.execute(
            'CREATE OR REPLACE TABLE names AS SELECT DISTINCT "case" AS c '
            f'FROM {"met" if met else rows.table} WHERE "case" IS NOT NULL ORDER BY c'
        )
        found = rows.con.execute(f"SELECT c, {rows.hashed('c')} AS h FROM names ORDER BY rowid").fetchnumpy()
        hashes = pd.Index(np.asarray(found["h"]))
        if hashes.is_unique:
            return np.asarray(found["c"], object), hashes
        rows.salted()


def _cases(rows: Rows, cases: Any) -> tuple[Any, Any]:
    """The number of each case, and the cases by number, with persons taken out."""
    doubtful = _doubtful_cases(rows)
    kept = {place: clean(rows, cases[place], "case") for place in doubtful}
    if all(kept[place] == cases[place] for place in doubtful):
        return np.append(np.arange(len(cases)), -1).astype(np.int32), cases
    cases = cases.copy()
    for place, word in kept.items():
        cases[place] = word
    numbers, names = pd.factorize(cases, sort=True)
    return np.append(numbers, -1).astype(np.int32), names


def _doubtful_cases(rows: Rows) -> list[int]:
    """Where in the table of names a text stands that may hold a person, or cannot be used as it is."""
    begin = rows.pseudonyms.beginnings
    # the ids of a tool differ in their digits alone: where none is in doubt with every digit a 0, none is at all
    rows.con.execute(
        f"CREATE OR REPLACE TABLE shapes AS SELECT DISTINCT translate(c, {text(DIGITS)}, {text(ZEROS)}) AS c FROM names"
    )
    if not _doubtful(rows.con, "shapes", {word.translate(str.maketrans(DIGITS, ZEROS)) for word in begin}):
        return []
    return sorted(_doubtful(rows.con, "names", begin))


def _doubtful(con: Any, table: str, begin: AbstractSet[str]) -> set[int]:
    """The rows of a table of names that are too long, suspect, or hold a word or piece of one with which a name begins."""
    longest = EVENTS.columns["case"].max_length
    where = f"length(c) > {longest} OR regexp_matches(c, {text(SUSPECT)})"
    found = {row for (row,) in con.execute(f"SELECT rowid FROM {table} WHERE {where}").fetchall()}
    if begin:
        con.execute("CREATE OR REPLACE TABLE beginnings AS SELECT unnest(?) AS w", [sorted(begin)])
        within = f"SELECT rowid AS r, unnest({PIECES}) AS w FROM {table}"
        met = con.execute(f"SELECT DISTINCT r FROM ({within}) WHERE w IN (SELECT w FROM beginnings)").fetchall()
        found.update(row for (row,) in met)
    return found


def clean(rows: Rows, word: str, name: str) -> str | None:
    """The text as it may be kept, or None where no event can have it."""
    kept = rows.pseudonyms.scrub(_text(word))
    return kept if kept and len(kept) <= float(EVENTS.columns[name].max_length or math.inf) else None


def _text(word: str) -> str:
    word = word.strip()
    return _without_guard(word).strip() if word[:1] == "'" else word
