"""Conditions that hand work back to people: `unsubscribe_rate > 0.5% or missing_days > 0 days`, over metrics with units.

The text is parsed with `ast` and nothing of it is ever run. A metric that is missing, not a number or not finite fires
every trigger that names it: what cannot be measured cannot be left alone.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

LONGEST = 400
PERCENT = "%"
COMPARISONS: Mapping[type[ast.cmpop], tuple[str, Callable[[float, float], bool]]] = {
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
}
QUANTITY = re.compile(r"(?<![\w.])(-?\d+(?:\.\d+)?)\s*(%|(?!(?:and|or|not)\b)[a-z]+(?: (?!(?:and|or|not)\b)[a-z]+)*)?")
WANTED = "`metric > value unit`, joined with and, or, not and brackets"


@dataclass(frozen=True)
class Comparison:
    """`metric sign value unit`; the value is in the metric's own unit (0.5 for 0.5%)."""

    metric: str
    sign: str
    value: float
    unit: str
    compare: Callable[[float, float], bool]


@dataclass(frozen=True)
class Condition:
    """A trigger's condition, read; `metrics` are all it names."""

    text: str
    tree: ast.expr
    comparisons: Mapping[int, Comparison]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics it names, each once, in order."""
        return tuple(dict.fromkeys(found.metric for found in self.comparisons.values()))

    def fired(self, metrics: Mapping[str, Any]) -> str:
        """Why it fires, in words with the numbers; empty when it does not."""
        unknown = [name for name in self.metrics if not _is_known(metrics.get(name))]
        if unknown:
            return f"{self.text}: {', '.join(unknown)} could not be measured"
        if not _holds(self.tree, self.comparisons, metrics):
            return ""
        measured = {found.metric: found.unit for found in self.comparisons.values()}
        said = ", ".join(f"{name} is {_said(float(metrics[name]), unit)}" for name, unit in measured.items())
        return f"{self.text}: {said}"


def parse(text: str, units: Mapping[str, str]) -> Condition:
    """Read a condition over the metrics of `units` (metric to unit, from the catalogue).

    Raises ValueError in words for anything but comparisons of a known metric with a number in that metric's unit. A
    percentage needs its %, another unit may be left out; a wrong one is refused.
    """
    line = " ".join(text.split())
    if len(line) > LONGEST:
        raise ValueError(f"{line[:60]!r}... is longer than {LONGEST} characters; split it into several triggers")
    try:
        tree = ast.parse(QUANTITY.sub(_pair, line), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"{line!r} cannot be read; wanted {WANTED}") from error
    return Condition(line, tree, dict(_comparisons(tree, line, units)))


def _pair(found: re.Match[str]) -> str:
    return f"({found.group(1)}, {found.group(2) or ''!r})"


def _comparisons(node: ast.expr, line: str, units: Mapping[str, str]) -> Iterator[tuple[int, Comparison]]:
    """Every comparison of the tree by its place in the line; anything else is refused."""
    if isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _comparisons(value, line, units)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield from _comparisons(node.operand, line, units)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.left, ast.Name):
        yield node.col_offset, _comparison(node, node.left.id, line, units)
    else:
        raise ValueError(f"{line!r} holds something else than comparisons; wanted {WANTED}")


def _comparison(node: ast.Compare, metric: str, line: str, units: Mapping[str, str]) -> Comparison:
    if metric not in units:
        raise ValueError(f"{line!r}: no metric {metric!r} in the catalogue; there are: {', '.join(sorted(units))}")
    pair = node.comparators[0]
    known = COMPARISONS.get(type(node.ops[0]))
    try:
        value, unit = ast.literal_eval(pair)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{line!r}: {metric} is compared with something that is no number; wanted {WANTED}") from error
    if known is None:
        raise ValueError(f"{line!r}: {metric} may be compared with >, >=, < and <= only")
    if unit not in ("", units[metric]):
        raise ValueError(f"{line!r}: {metric} is in {units[metric]}, not {unit}; write {value:g} {units[metric]}")
    if units[metric] == PERCENT and not unit:
        raise ValueError(f"{line!r}: {metric} is a percentage; write {value:g}% if that is what you mean")
    return Comparison(metric, known[0], float(value), units[metric], known[1])


def _holds(node: ast.expr, comparisons: Mapping[int, Comparison], metrics: Mapping[str, Any]) -> bool:
    if isinstance(node, ast.BoolOp):
        join = any if isinstance(node.op, ast.Or) else all
        return join(_holds(value, comparisons, metrics) for value in node.values)
    if isinstance(node, ast.UnaryOp):
        return not _holds(node.operand, comparisons, metrics)
    found = comparisons[node.col_offset]
    return found.compare(float(metrics[found.metric]), found.value)


def _is_known(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(float(value))


def _said(value: float, unit: str) -> str:
    return f"{value:.4g}{'' if unit == PERCENT else ' '}{unit}"
