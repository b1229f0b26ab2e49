"""The machinery of the data dictionary: how a column and a table are declared, and how a frame is checked.

A row model is the one declaration of a table: pandas dtypes, the database schema, sheet headers, forms and
error messages are all read from it.
"""

from __future__ import annotations

import datetime as dt
import difflib
import math
import types
import typing
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from playbook.errors import Fault, TableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Choice = tuple[Any, ...]
_LEFT_OUT = object()
FEW = 100  # rows that are looked at cell by cell sooner than column by column; what is found is the same

DTYPES: Mapping[type, str] = {
    str: "str",
    int: "Int64",
    float: "float64",
    bool: "boolean",
    dt.date: "datetime64[us]",
    dt.datetime: "datetime64[us, UTC]",
}
KIND_WORDS: Mapping[type, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "yes or no",
    dt.date: "a date as YYYY-MM-DD",
    dt.datetime: "a date and time as YYYY-MM-DDTHH:MM:SS",
}


class Row(BaseModel):
    """A row of a shared table: unknown columns refused, text stripped, no infinities, never changed in place."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        str_strip_whitespace=True,
        allow_inf_nan=False,
        coerce_numbers_to_str=True,
        defer_build=True,  # most programs check rows of few tables
    )


class Authored(BaseModel):
    """A piece of content written by people in YAML: unknown keys refused, never changed in place."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False, defer_build=True
    )


class Sourced(Authored):
    """Content that carries a number or a claim: `source` says where it is from, `date` when that was read."""

    source: str = Field(min_length=3, description="where the number or claim comes from")
    date: dt.date = Field(description="the day the source was read")


def column(  # noqa: PLR0913 - one keyword a property of a column; each has a default
    meaning: str,
    *,
    unit: str = "",
    default: Any = ...,
    ge: float | None = None,
    le: float | None = None,
    max_length: int | None = None,
    min_length: int | None = None,
    pattern: str | None = None,
    wanted: str = "",
    person: bool = False,
) -> Any:
    """Declare a column: its meaning, unit and range; `person` marks what must be pseudonymised at the door.

    `wanted` replaces the generated words for what may stand in a cell, where a pattern would not be readable.
    Text columns hold 1 to 500 characters unless said otherwise.
    """
    return Field(
        default,
        description=meaning,
        ge=ge,
        le=le,
        max_length=max_length,
        min_length=min_length,
        pattern=pattern,
        json_schema_extra={"unit": unit, "wanted": wanted, "person": person},
    )


@dataclass(frozen=True)
class Column:
    """What the data dictionary says of one column, read from the row model.

    `kind` is the Python type of a cell, `choices` the only values allowed (empty: any), `low` and `high` the
    ends of the range in `unit`, `required` whether a cell may be empty.
    """

    name: str
    kind: type
    meaning: str
    unit: str
    low: float | None
    high: float | None
    max_length: int | None
    choices: Choice
    required: bool
    default: Any
    person: bool
    said: str

    @property
    def dtype(self) -> Any:
        """The pandas dtype of the column in a checked frame."""
        return DTYPES[self.kind]

    @property
    def wanted(self) -> str:
        """What may stand in a cell, in words: `minutes from 0 to 10,080`."""
        words = self.said or self._generated()
        return words if self.required else f"{words}, or nothing"

    def _generated(self) -> str:
        if self.choices:
            return "one of " + ", ".join(str(choice) for choice in self.choices)
        noun = self.unit if self.unit and self.kind in (int, float) else KIND_WORDS[self.kind]
        ends = (("from", self.low), ("to", self.high))
        spoken = " ".join(f"{word} {end:,.10g}" for word, end in ends if end is not None)
        if self.kind is str and self.max_length:
            spoken = f"of at most {self.max_length} characters"
        return f"{noun} {spoken}".strip()


def _column(name: str, field: FieldInfo) -> Column:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    kind, choices, optional = _unwrap(field.annotation)
    limits = {key: getattr(m, key) for m in field.metadata for key in ("ge", "le", "max_length") if hasattr(m, key)}
    return Column(
        name=name,
        kind=kind,
        meaning=field.description or "",
        unit=str(extra.get("unit", "")),
        low=limits.get("ge"),
        high=limits.get("le"),
        max_length=limits.get("max_length"),
        choices=choices,
        required=not optional and field.is_required(),
        default=None if field.is_required() else field.default,
        person=bool(extra.get("person", False)),
        said=str(extra.get("wanted", "")),
    )


def _unwrap(annotation: Any) -> tuple[type, Choice, bool]:
    optional = False
    if typing.get_origin(annotation) in (Union, types.UnionType):
        inner = [arg for arg in typing.get_args(annotation) if arg is not type(None)]
        optional, annotation = len(inner) < len(typing.get_args(annotation)), inner[0]
    if typing.get_origin(annotation) is Literal:
        choices = typing.get_args(annotation)
        return type(choices[0]), choices, optional
    return annotation, (), optional


@dataclass(frozen=True)
class Table:
    """One table of the data dictionary.

    `name` is its name in the workspace, `row` its row model, `key` the columns that tell rows apart. `stored`
    tables live in the workspace; the others are only exchanged between rooms. `append_only` tables hold facts
    that are never edited (events, imports, rejects): the import that brought them is their history.
    """

    name: str
    row: type[Row]
    key: tuple[str, ...]
    stored: bool = True
    append_only: bool = False

    @property
    def meaning(self) -> str:
        """The first sentence of the row model's docstring."""
        return (self.row.__doc__ or "").strip().split("\n")[0]

    @cached_property
    def columns(self) -> dict[str, Column]:
        """Every column by name, in order."""
        return {name: _column(name, field) for name, field in self.row.model_fields.items()}

    @cached_property
    def adapters(self) -> dict[str, TypeAdapter[list[Any]]]:
        """What validates a list of a column's cells in one call, by column."""
        config = self.row.model_config
        kinds = {
            name: Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
            for name, field in self.row.model_fields.items()
        }
        return {name: TypeAdapter(list[kind], config=config) for name, kind in kinds.items()}  # type: ignore[valid-type]

    def empty(self) -> pd.DataFrame:
        """A frame with every column, typed, and no row."""
        return pd.DataFrame({name: pd.Series(dtype=col.dtype) for name, col in self.columns.items()})


def sift(table: Table, frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Fault]]:
    """Split a frame into its good rows, typed, and a fault for every bad cell.

    Rows are named by the frame's index labels, which a reader sets to the file's row numbers; the good rows keep
    theirs. Missing and unknown columns are faults without a row and leave no good row. A repeated key is a fault of
    the later row.
    """
    faults = list(_column_faults(table, frame))
    if faults:
        return table.empty(), faults
    labels = list(frame.index)
    read = {name: _read(table, name, frame) for name in table.columns}
    wrong = [(position, name, cell) for name, (_, bad) in read.items() for position, cell in bad.items()]
    # sorting is stable: a row's faults stay in the order of the columns
    wrong.sort(key=lambda found: found[0])
    faults += [_fault(table.columns[name], labels[position], cell) for position, name, cell in wrong]
    refused = {position for position, _, _ in wrong}
    good = [position for position in range(len(labels)) if position not in refused]
    typed = _typed(table, {name: cells for name, (cells, _) in read.items()}, good, labels)
    repeated = typed.duplicated(list(table.key), keep="first")
    faults += list(_repeats(table, typed, repeated))
    return typed[~repeated], faults


def check(table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a typed copy of `frame`, every column present and in order.

    Raises TableError naming every bad cell by row, column, what was found and what was wanted.
    """
    typed, faults = sift(table, frame)
    if faults:
        raise TableError(table.name, faults)
    return typed


def _column_faults(table: Table, frame: pd.DataFrame) -> Iterator[Fault]:
    for name in frame.columns:
        if name not in table.columns:
            near = difflib.get_close_matches(str(name), table.columns, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            yield Fault(None, str(name), "not a column of this table", "one of " + ", ".join(table.columns) + hint)
    for name, col in table.columns.items():
        if col.required and name not in frame.columns:
            yield Fault(None, name, "missing", f"a column of {col.wanted} ({col.meaning})")


def _read(table: Table, name: str, frame: pd.DataFrame) -> tuple[pd.Series | list[Any], dict[int, Any]]:
    """A column's cells as they are kept, and the bad ones by position; an empty cell takes the column's default.

    Row models have no rule over several columns, so a column is validated in one call, whatever its rows hold.
    """
    col = table.columns[name]
    if name not in frame.columns:
        return [col.default] * len(frame), {}
    if len(frame) > FEW and _is_sound(frame[name], col):
        return frame[name].astype(col.dtype), {}
    cells = _cells(frame[name], col)
    given = [position for position, cell in enumerate(cells) if cell is not _LEFT_OUT]
    bad: dict[int, Any] = {}
    try:
        valid = table.adapters[name].validate_python([cells[position] for position in given])
    except ValidationError as error:
        bad = {given[int(item["loc"][0])]: item["input"] for item in error.errors(include_url=False)}
        given = [position for position in given if position not in bad]
        valid = table.adapters[name].validate_python([cells[position] for position in given])
    kept = [col.default] * len(cells)
    for position, cell in zip(given, valid, strict=True):
        kept[position] = cell
    return kept, bad


def _is_sound(values: pd.Series, col: Column) -> bool:
    """Whether a typed column can stand as it is, without a look at each cell; texts are always looked at."""
    if str(values.dtype) != col.dtype or (col.kind is str and not col.choices):
        return False
    known = values.dropna()
    if len(known) < len(values) and (col.required or col.default is not None):
        return False
    if col.choices:
        return bool(known.isin(col.choices).all())
    if col.kind in (dt.date, dt.datetime):
        whole = col.kind is dt.datetime or bool(known.eq(known.dt.normalize()).all())
        return whole and bool(known.dt.year.between(dt.MINYEAR, dt.MAXYEAR).all())
    low, high = (end if end is not None else ends for end, ends in ((col.low, -math.inf), (col.high, math.inf)))
    within = col.kind is bool or bool(known.between(low, high).all())
    return within and (col.kind is not float or bool(np.isfinite(known).all()))


def _cells(values: pd.Series, col: Column) -> list[Any]:
    empty = None if col.required else _LEFT_OUT
    read = _chooser(col) if col.choices else _plain
    return [
        empty if missing or (isinstance(cell, str) and not cell.strip()) else read(cell)
        for cell, missing in zip(values.tolist(), values.isna().tolist(), strict=True)
    ]


def _chooser(col: Column) -> Callable[[Any], Any]:
    """Sheets write a choice in their own case and a level as 3.0 or '3'; anything else is left to be refused."""
    known = {str(choice).casefold(): choice for choice in col.choices}

    def choose(value: Any) -> Any:
        if isinstance(value, bool):
            return str(value)  # True equals 1 in Python, but a tick is no level
        text = f"{value:g}" if isinstance(value, float) else str(value).strip()
        return known.get(text.casefold(), _plain(value))

    return choose


def _plain(value: Any) -> Any:
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value


def _fault(col: Column, label: Any, cell: Any) -> Fault:
    found = "nothing" if cell is None else f"{cell:g}" if isinstance(cell, float) else repr(cell)[:200]
    return Fault(label, col.name, found, col.wanted)


def _repeats(table: Table, typed: pd.DataFrame, repeated: pd.Series) -> Iterator[Fault]:
    if not repeated.any():
        return
    keys = typed[list(table.key)].astype(str).agg(" / ".join, axis=1)
    first = {key: label for label, key in reversed(list(keys.items()))}
    for label, key in keys[repeated].items():
        name = " + ".join(table.key)
        yield Fault(label, name, repr(key), f"a key not used before; row {first[key]} has it already")  # type: ignore[arg-type]


def _typed(table: Table, read: Mapping[str, pd.Series | list[Any]], good: list[int], labels: list[Any]) -> pd.DataFrame:
    """The good rows of the columns, each with its dtype, under their labels."""
    index = pd.Index([labels[position] for position in good], dtype=object).infer_objects()
    columns = {
        name: cells.iloc[good].set_axis(index)
        if isinstance(cells, pd.Series)
        else _series([cells[position] for position in good], table.columns[name], index)
        for name, cells in read.items()
    }
    return pd.DataFrame(columns, index=index)


def _series(values: list[Any], col: Column, index: pd.Index) -> pd.Series:
    if col.kind in (dt.datetime, dt.date):
        moments = pd.to_datetime(pd.Series(values, index=index, dtype=object), utc=col.kind is dt.datetime)
        return moments.astype(col.dtype)
    column: pd.Series = pd.Series(values, index=index, dtype=col.dtype)
    return column
