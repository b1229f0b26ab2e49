"""A notebook's parameters: read from its typed, commented `parameters` cell, checked before anything runs.

papermill only mentions an unknown parameter in passing and runs on with the default; a batch for many teams must
stop before the first kernel starts.
"""

from __future__ import annotations

import ast
import datetime as dt
import io
import tokenize
from dataclasses import dataclass
from functools import partial, reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, create_model

from playbook.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Mapping

TAG = "parameters"
DAY = "YYYY-MM-DD"


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell: `name: type = default  # meaning`.

    `type` is the annotation as written, `default` the value used when none is given, `meaning` the comment. Text whose
    meaning says `YYYY-MM-DD` is a day (`is_day`): a notebook's cells have no other way to take one.
    """

    name: str
    type: str
    default: Any
    meaning: str

    @property
    def is_day(self) -> bool:
        """Whether it takes a calendar day as text."""
        return self.type in {"str", "str | None"} and DAY in self.meaning


def declared(notebook: Mapping[str, Any], name: str) -> tuple[Parameter, ...]:
    """The parameters a notebook declares, in its own order; none when it has no cell tagged `parameters`.

    `notebook` is the parsed .ipynb, `name` what to call it in messages. Raises ParameterError naming the line that is
    not `name: type = value  # meaning`.
    """
    source = next((_text(cell) for cell in notebook.get("cells", []) if TAG in _tags(cell)), "")
    try:
        statements = ast.parse(source).body
    except SyntaxError as error:
        raise ParameterError(
            f"{name}: line {error.lineno} of the parameters cell is not Python: {error.msg}"
        ) from error
    comments = _comments(source)
    return tuple(
        _parameter(statement, source, comments.get(statement.end_lineno or 0, ""), name)
        for statement in statements
        if not isinstance(statement, ast.Import | ast.ImportFrom)
    )


def checked(given: Mapping[str, Any], parameters: tuple[Parameter, ...], name: str) -> dict[str, Any]:
    """The given values as the types the notebook declares; values that are not given stay with the notebook.

    Text is read as the declared type (`"3"` as 3); a day must be one, or empty where it starts empty. Raises ParameterError naming every unknown or wrongly typed
    parameter at once, and what the notebook accepts.
    """
    fields: dict[str, Any] = {item.name: (_type(item, name), Field(default=item.default)) for item in parameters}
    model: type[BaseModel] = create_model("Parameters", __config__=ConfigDict(extra="forbid"), **fields)
    try:
        values = model.model_validate(dict(given))
    except ValidationError as error:
        faults = [_fault(dict(item), parameters) for item in error.errors(include_url=False)]
        raise ParameterError(
            "\n".join([f"{name}: {len(faults)} to correct", *(f"  {fault}" for fault in faults)])
        ) from error
    return values.model_dump(mode="json", include=set(given))


def _parameter(statement: ast.stmt, source: str, meaning: str, name: str) -> Parameter:
    if not (isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value):
        raise ParameterError(
            f"{name}: line {statement.lineno} of the parameters cell is "
            f"`{ast.get_source_segment(source, statement)}`; write `name: type = value  # meaning`"
        )
    try:
        default = ast.literal_eval(statement.value)
    except ValueError as error:
        raise ParameterError(
            f"{name}: parameter {statement.target.id} starts as `{ast.unparse(statement.value)}`; "
            "write a plain value (text, number, True, False, None or a list of these)"
        ) from error
    return Parameter(statement.target.id, ast.unparse(statement.annotation), default, meaning)


def _type(parameter: Parameter, name: str) -> Any:
    try:
        read = _read(ast.parse(parameter.type, mode="eval").body)
        return Annotated[read, AfterValidator(partial(_day, parameter.default))] if parameter.is_day else read
    except KeyError as error:
        raise ParameterError(
            f"{name}: parameter {parameter.name} has the type `{parameter.type}`; use {', '.join(map(str, TYPES))}, "
            "Literal[...], list[...] or a choice with |"
        ) from error


def _day(default: Any, text: str | None) -> str | None:
    """The text when it is a day in exactly that form, or empty as the default is."""
    if text != default and (text is None or dt.date.fromisoformat(text).isoformat() != text):
        raise ValueError(text)
    return text


def _read(node: ast.expr) -> Any:
    """Turn an annotation into a type without evaluating it: a notebook's text is not run before its kernel starts."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return reduce(or_, (_read(node.left), _read(node.right)))
    if isinstance(node, ast.Subscript):
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if ast.unparse(node.value) == "Literal":
            return Literal[tuple(ast.literal_eval(item) for item in inner)]
        return TYPES[ast.unparse(node.value)][tuple(_read(item) for item in inner)]
    return TYPES[ast.unparse(node)]


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {item.start[0]: item.string.lstrip("# ").rstrip() for item in tokens if item.type == tokenize.COMMENT}


def _fault(item: Mapping[str, Any], parameters: tuple[Parameter, ...]) -> str:
    place = str(item["loc"][0])
    if item["type"] == "extra_forbidden":
        known = ", ".join(f"{parameter.name}: {parameter.type}" for parameter in parameters) or "none"
        return f"{place} is not a parameter of this notebook; it has {known}"
    wanted = next(parameter for parameter in parameters if parameter.name == place)
    kind = "a calendar day" if wanted.is_day else wanted.type
    return f"{place}: found {item['input']!r}; wanted {kind}" + (f" ({wanted.meaning})" if wanted.meaning else "")


def _tags(cell: Mapping[str, Any]) -> list[str]:
    return list(cell.get("metadata", {}).get("tags", []))


def _text(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


TYPES: dict[str, Any] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "list": list,
    "dict": dict,
    "None": None,
}
