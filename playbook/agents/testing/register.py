"""The register of tests: which there are, how many sends each was planned for, how large its next batch is."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from playbook.agents.testing.counts import VARIANT, raw_table
from playbook.errors import Fault, IntakeError, TableError

TEST = re.compile(r"[a-z0-9][a-z0-9-]{0,49}")
NUMBERS = {
    "planned_sends": "sends the test is planned for; empty: worked out from the baseline",
    "next_sends": "sends of the next batch, 0 or empty for none",
    "audience": "people on the list, or empty",
    "daily": "sends or impressions a day, or empty",
    "variants": "variants of a test that has not begun, or empty",
}
OWN = "tests.csv"


def read_register(data: bytes, file: str) -> list[dict[str, Any]]:
    """The tests of a register, one dict a line in its order.

    Columns: `test` (short id in small letters, digits and dashes; its results are in <test>.csv), `baseline_percent` (today's
    click rate in percent), and the whole numbers of `NUMBERS`, which may be missing. Others are left alone. Empty
    cells come back as None.

    Raises IntakeError for a file that is no such table and TableError naming every bad cell.
    """
    frame = raw_table(data, file)
    missing = [name for name in ("test", "baseline_percent") if name not in frame]
    if missing:
        raise IntakeError(
            f"{file}: no column {', '.join(missing)}; wanted test, baseline_percent and {', '.join(NUMBERS)}"
        )
    faults: list[Fault] = []
    seen: set[str] = set()
    rows = [_row(place + 2, cells, seen, faults) for place, cells in enumerate(frame.to_dict(orient="records"))]
    if faults:
        raise TableError(f"tests {file}", faults)
    return rows


def read_subjects(data: bytes, file: str) -> dict[str, str]:
    """Subject line or headline of each variant, the first one given; empty without such a column.

    This is text from outside: it may say anything and is only ever shown.
    """
    frame = raw_table(data, file)
    column = next((name for name in ("subject", "subject_line", "headline", "text") if name in frame), None)
    if column is None or "variant" not in frame:
        return {}
    pairs = frame[(frame[column] != "") & frame["variant"].map(lambda name: bool(VARIANT.fullmatch(name)))]
    first = pairs.drop_duplicates("variant")
    return {str(name): str(text)[:300] for name, text in zip(first["variant"], first[column], strict=True)}


def _row(line: int, cells: dict[Any, Any], seen: set[str], faults: list[Fault]) -> dict[str, Any]:
    test = str(cells["test"])
    if not TEST.fullmatch(test) or f"{test}.csv" == OWN:
        faults.append(Fault(line, "test", repr(test), "small letters, digits and dashes, 50 at most, and not tests"))
    elif test in seen:
        faults.append(Fault(line, "test", repr(test), "each test once"))
    seen.add(test)
    baseline = pd.to_numeric(pd.Series([cells["baseline_percent"]]), errors="coerce").iloc[0]
    if not 0 < baseline < 100:
        faults.append(
            Fault(line, "baseline_percent", repr(cells["baseline_percent"]), "a rate in percent above 0, below 100")
        )
    row: dict[str, Any] = {"test": test, "baseline": float(baseline) / 100}
    for name, wanted in NUMBERS.items():
        cell = str(cells.get(name, "") or "")
        if cell and not re.fullmatch(r"\d{1,15}", cell):
            faults.append(Fault(line, name, repr(cell), f"a whole number: {wanted}"))
            cell = ""
        row[name] = int(cell) if cell else None
    return row
