"""The counts of one test: who was sent what and what came of it, batch by batch, read strictly from a table."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from playbook.errors import Fault, IntakeError, TableError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Shares = NDArray[np.floating[Any]]

COUNTED = ("sends", "clicks", "unsubscribes", "complaints")
SYNONYMS = {"impressions": "sends", "day": "batch", "date": "batch", "arm": "variant"}
MOST = 10**15  # doubles count exactly up to here
VARIANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")


@dataclass(frozen=True)
class Results:
    """What a test has counted: every array has a row a batch, in time, and a column a variant, in name order.

    `sends` (or impressions), `clicks`, `unsubscribes` and `complaints` are counts; the last two are None when the
    export has no such column. `planned` holds the planned share of each variant in each batch; rows sum to 1.
    """

    variants: tuple[str, ...]
    batches: tuple[str, ...]
    sends: Ints
    clicks: Ints
    planned: Shares
    unsubscribes: Ints | None = None
    complaints: Ints | None = None

    @property
    def total(self) -> int:
        """Sends of the whole test so far."""
        return int(self.sends.sum())

    @property
    def rates(self) -> Shares:
        """Clicks over sends of each variant, 0 to 1; NaN without a send."""
        sends = self.sends.sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(sends > 0, self.clicks.sum(axis=0) / sends, np.nan)

    def count(self, name: str) -> Ints | None:
        """The counts called `name`: sends, clicks, unsubscribes or complaints."""
        found: Ints | None = getattr(self, name)
        return found


def of_arrays(sends: Any, clicks: Any, planned: Any = None, **guards: Any) -> Results:
    """Results from arrays of batches by variants, variants named A, B, C …; planned shares are equal unless given."""
    sent, clicked = (np.atleast_2d(np.asarray(values, dtype=np.int64)) for values in (sends, clicks))
    many = sent.shape[1]
    names = tuple(chr(65 + place) if many <= 26 else f"V{place:03}" for place in range(many))
    shares = np.full(sent.shape, 1 / max(many, 1)) if planned is None else np.broadcast_to(planned, sent.shape)
    extra = {name: np.atleast_2d(np.asarray(values, dtype=np.int64)) for name, values in guards.items()}
    batches = tuple(str(place + 1) for place in range(len(sent)))
    return Results(names, batches, sent, clicked, np.asarray(shares, dtype=float), **extra)


def to_json(results: Results) -> dict[str, Any]:
    """Results as plain lists, for a step's value."""
    value: dict[str, Any] = {"variants": list(results.variants), "batches": list(results.batches)}
    arrays = {name: results.count(name) for name in COUNTED} | {"planned": results.planned}
    return value | {name: None if cells is None else cells.tolist() for name, cells in arrays.items()}


def of_json(value: dict[str, Any]) -> Results:
    """Results from what `to_json` made. Raises IntakeError when it is something else."""
    try:
        laid = {name: np.asarray(value[name], dtype=np.int64) for name in COUNTED if value[name] is not None}
        results = Results(
            tuple(value["variants"]), tuple(value["batches"]), planned=np.asarray(value["planned"], dtype=float), **laid
        )
    except (KeyError, TypeError, ValueError) as error:
        raise IntakeError(f"these are no counts of a test ({error!r}); wanted what read_results returned") from error
    shape = (len(results.batches), len(results.variants))
    if any(cells.shape != shape for cells in [*laid.values(), results.planned]):
        raise IntakeError(f"these are no counts of a test; wanted {shape[0]} batches by {shape[1]} variants of each")
    return results


def read_counts(data: bytes, file: str) -> Results:
    """Results from a CSV of one test; a line is one variant in one batch.

    Columns: `variant` (letters, digits, . _ -), `day` (YYYY-MM-DD) or `batch` (a whole number), `sends` or `impressions`,
    `clicks`, and where there are any `unsubscribes`, `complaints`, `planned_share` (0 to 1; empty: equal shares). Any other
    column, such as the subject line, is text from outside and is left alone. A variant missing in a batch had no sends.
    A batch's counts are those of the sends made in it, once its clicks have come in: verdicts take them for final.

    Raises IntakeError for a file that is no such table and TableError naming every bad cell.
    """
    frame = raw_table(data, file)
    missing = [name for name in ("variant", "batch", "sends", "clicks") if name not in frame]
    if missing:
        raise IntakeError(
            f"{file}: no column {', '.join(missing)}; found {', '.join(map(str, frame.columns))}; "
            "wanted variant, day or batch, sends or impressions, clicks"
        )
    if frame.empty:
        raise IntakeError(f"{file}: has a header and no line; export the test again, or leave it out until it has run")
    faults: list[Fault] = []
    table = pd.DataFrame({"line": range(2, len(frame) + 2)})
    table["variant"] = _checked(
        frame["variant"], faults, VARIANT.fullmatch, "letters, digits, dots, dashes, 40 at most"
    )
    table["batch"] = _batches(frame["batch"], faults)
    for name in [name for name in COUNTED if name in frame]:
        table[name] = _whole(frame[name], faults)
    table["planned_share"] = _shares(frame.get("planned_share"), len(frame), faults)
    _together(table, faults)
    if faults:
        raise TableError(f"test results {file}", faults)
    return _arranged(table)


def raw_table(data: bytes, file: str) -> pd.DataFrame:
    """The CSV as text cells with the names the kit uses for its columns. Raises IntakeError when it is no CSV."""
    try:
        frame = pd.read_csv(io.BytesIO(data), dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise IntakeError(f"{file}: cannot be read as CSV in UTF-8 ({error}); export it again as CSV") from error
    names = [str(name).strip().lower().replace(" ", "_") for name in frame.columns]
    frame.columns = pd.Index([SYNONYMS.get(name, name) for name in names])
    twice = sorted({name for name in frame.columns if list(frame.columns).count(name) > 1})
    if twice:
        raise IntakeError(f"{file}: {', '.join(twice)} is there twice; keep one column of each kind")
    return pd.DataFrame({name: frame[name].str.strip() for name in frame.columns})


def _checked(cells: pd.Series, faults: list[Fault], fits: Any, wanted: str) -> pd.Series:
    faults += [
        Fault(place + 2, str(cells.name), repr(cell), wanted) for place, cell in enumerate(cells) if not fits(cell)
    ]
    return cells


def _batches(cells: pd.Series, faults: list[Fault]) -> pd.Series:
    """Sortable batch keys: dates stay ISO text, whole numbers are padded; a file uses one of the two."""
    dates = pd.to_datetime(cells, format="%Y-%m-%d", errors="coerce").notna() & cells.str.fullmatch(r"\d{4}-\d\d-\d\d")
    whole = cells.str.fullmatch(r"\d{1,9}")
    good = dates if dates.sum() >= whole.sum() else whole
    wanted = "a day as YYYY-MM-DD or a batch number, one kind in the whole file"
    faults += [
        Fault(place + 2, "batch", repr(cells[place]), wanted)
        for place in np.flatnonzero(~good.to_numpy(dtype=bool)).tolist()
    ]
    return cells.where(~whole, cells.str.lstrip("0").str.zfill(9))


def _whole(cells: pd.Series, faults: list[Fault]) -> pd.Series:
    good = cells.str.fullmatch(r"\d{1,15}").astype(bool)
    wanted = "a whole number from 0, written with digits alone"
    faults += [
        Fault(place + 2, str(cells.name), repr(cells[place]), wanted) for place in np.flatnonzero(~good).tolist()
    ]
    return cells.where(good, "0").astype("int64")


def _shares(cells: pd.Series | None, rows: int, faults: list[Fault]) -> pd.Series:
    if cells is None:
        return pd.Series(np.nan, index=range(rows))
    numbers = pd.to_numeric(cells.replace("", "nan"), errors="coerce").astype(float)
    bad = (numbers.isna() & (cells != "")) | (numbers < 0) | (numbers > 1)
    faults += [
        Fault(place + 2, "planned_share", repr(cells[place]), "a share from 0 to 1, 0.5 for half, or empty")
        for place in np.flatnonzero(bad).tolist()
    ]
    return numbers


def _together(table: pd.DataFrame, faults: list[Fault]) -> None:
    """Faults no single cell shows: a line there twice, more clicks than sends, planned shares that do not add up."""
    again = "the same batch and variant again"
    repeated = table["line"][table.duplicated(["batch", "variant"])]
    faults += [Fault(int(line), "variant", again, "one line of each") for line in repeated]
    for name in [name for name in COUNTED[1:] if name in table]:
        for place in np.flatnonzero(table[name] > table["sends"]):
            found = f"{table[name][place]} of {table['sends'][place]} sends"
            faults.append(Fault(int(table["line"][place]), name, found, "at most one a send (unique counts)"))
    for batch, rows in table.groupby("batch", sort=True)["planned_share"]:
        if rows.notna().any() and (rows.isna().any() or abs(rows.sum() - 1) > 1e-3):
            faults.append(
                Fault(None, "planned_share", f"batch {batch} adds up to {rows.sum():g}", "1 over its variants")
            )


def _arranged(table: pd.DataFrame) -> Results:
    variants, batches = sorted(table["variant"].unique()), sorted(table["batch"].unique())

    def laid(name: str) -> pd.DataFrame:
        return table.pivot_table(index="batch", columns="variant", values=name, aggfunc="sum").reindex(
            index=batches, columns=variants
        )

    present = laid("line").notna().to_numpy(dtype=float)
    planned = laid("planned_share").fillna(0).to_numpy(dtype=float) if table["planned_share"].notna().any() else present
    given = planned.sum(axis=1, keepdims=True)
    shares = np.where(given > 0, planned, present)
    shares = shares / shares.sum(axis=1, keepdims=True)
    counted = {name: laid(name).fillna(0).to_numpy(dtype=np.int64) for name in COUNTED if name in table}
    return Results(tuple(variants), tuple(key.lstrip("0") or "0" for key in batches), planned=shares, **counted)
