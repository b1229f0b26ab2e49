"""The machinery of the data dictionary: how a column and a table are declared, and how a frame is checked.

A row model is the one declaration of a table: pandas dtypes, the database schema, sheet headers, forms and
error messages are all read from it.
"""

from __future__ import annotations

import datetime as dt
import difflib
import types
import typing
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Union

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from playbook.errors import Fault, TableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Choice = tuple[Any, ...]
_LEFT_OUT = object()

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
        extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False, coerce_numbers_to_str=True
    )


class Authored(BaseModel):
    """A piece of content written by people in YAML: unknown keys refused, never changed in place."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False)


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
        """What may stand in a cell, in words: `minutes from 0 to 10080`."""
        words = self.said or self._generated()
        return words if self.required else f"{words}, or nothing"

    def _generated(self) -> str:
        if self.choices:
            return "one of " + ", ".join(str(choice) for choice in self.choices)
        noun = self.unit if self.unit and self.kind in (int, float) else KIND_WORDS[self.kind]
        ends = (("from", self.low), ("to", self.high))
        spoken = " ".join(f"{word} {end:g}" for word, end in ends if end is not None)
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
    def rows_adapter(self) -> TypeAdapter[list[Row]]:
        """Validates a list of records in one call."""
        return TypeAdapter(list[self.row])  # type: ignore[name-defined]

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
    records = _records(frame, table)
    labels = list(frame.index)
    try:
        rows = table.rows_adapter.validate_python(records)
        good = list(range(len(rows)))
    except ValidationError as error:
        bad = {int(str(item["loc"][0])) for item in error.errors(include_url=False)}
        faults += [_fault(table, labels, dict(item)) for item in error.errors(include_url=False)]
        good = [position for position in range(len(records)) if position not in bad]
        rows = table.rows_adapter.validate_python([records[position] for position in good])
    typed = _typed(table, rows, [labels[position] for position in good])
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


def _records(frame: pd.DataFrame, table: Table) -> list[dict[str, Any]]:
    """Rows as plain dicts; empty cells are left out so that a column's default stands, required ones become None."""
    names = [name for name in table.columns if name in frame.columns]
    columns = [_cells(frame[name], table.columns[name]) for name in names]
    return [
        {name: cell for name, cell in zip(names, row, strict=True) if cell is not _LEFT_OUT}
        for row in zip(*columns, strict=True)
    ]


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


def _fault(table: Table, labels: list[Any], item: dict[str, Any]) -> Fault:
    position, name = int(item["loc"][0]), str(item["loc"][1])
    value = item["input"]
    found = f"{value:g}" if isinstance(value, float) else repr(value)[:200]
    if value is None or item["type"] == "missing":
        found = "nothing"
    return Fault(labels[position], name, found, table.columns[name].wanted)


def _repeats(table: Table, typed: pd.DataFrame, repeated: pd.Series) -> Iterator[Fault]:
    if not repeated.any():
        return
    keys = typed[list(table.key)].astype(str).agg(" / ".join, axis=1)
    first = {key: label for label, key in reversed(list(keys.items()))}
    for label, key in keys[repeated].items():
        name = " + ".join(table.key)
        yield Fault(label, name, repr(key), f"a key not used before; row {first[key]} has it already")  # type: ignore[arg-type]


def _typed(table: Table, rows: list[Row], labels: list[Any]) -> pd.DataFrame:
    index = pd.Index(labels, dtype=object).infer_objects()
    columns = {name: _series([getattr(row, name) for row in rows], col, index) for name, col in table.columns.items()}
    return pd.DataFrame(columns, index=index)


def _series(values: list[Any], col: Column, index: pd.Index) -> pd.Series:
    if col.kind in (dt.datetime, dt.date):
        moments = pd.to_datetime(pd.Series(values, index=index, dtype=object), utc=col.kind is dt.datetime)
        return moments.astype(col.dtype)
    return pd.Series(values, index=index, dtype=col.dtype)
