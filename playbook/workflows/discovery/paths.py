"""The different paths cases took, and what follows from them for every case and activity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from playbook.workflows.discovery.walk import Ints

if TYPE_CHECKING:
    from playbook.workflows.discovery.walk import Walk


class Paths:
    """The different paths of a walk: `present` the cases with events, `path` the number of each one's path.

    By path: `cases` that took it and `repeats`, the events that do again what the path had before. By activity:
    `cases_with`, the cases it happened to. Work and memory grow with the different paths, not with the events.
    """

    def __init__(self, walk: Walk) -> None:
        self.present = np.flatnonzero(walk.events)
        marks = walk.marks[:, self.present]
        order, ranked = _equal_together(marks)
        new = np.r_[True, (ranked[:, 1:] != ranked[:, :-1]).any(axis=0)]
        path = np.empty(len(order), np.int64)
        path[order] = np.cumsum(new) - 1
        self.cases = np.bincount(path)
        # a path is told by the first of its cases; renumbered so that these stand in order
        first = np.full(len(self.cases), len(path), np.int64)
        np.minimum.at(first, path, np.arange(len(path)))
        turn = np.argsort(first)
        self.path = np.argsort(turn)[path]
        self.cases = self.cases[turn]
        case, self.activity = walk.paths(self.present[first[turn]])
        self.starts = np.flatnonzero(np.r_[True, case[1:] != case[:-1]])
        sizes = np.diff(np.r_[self.starts, len(case)])
        of = np.repeat(np.arange(len(sizes)), sizes)
        distinct = np.sort(of * walk.activities + self.activity)
        distinct = distinct[np.r_[True, distinct[1:] != distinct[:-1]]]
        self.repeats = sizes - np.bincount(distinct // walk.activities, minlength=len(sizes))
        weights = self.cases[distinct // walk.activities]
        self.cases_with = np.zeros(walk.activities, np.int64)
        np.add.at(self.cases_with, distinct % walk.activities, weights)

    def texts(self, names: NDArray[np.object_]) -> list[str]:
        """Each path in words."""
        words = names[self.activity].tolist()
        return [" → ".join(words[start:end]) for start, end in self._spans()]

    def after_another(self, paths: Ints) -> NDArray[np.bool_]:
        """For every activity whether it comes after another event in one of these paths."""
        taken = np.zeros(len(self.cases), bool)
        taken[paths] = True
        later = np.repeat(taken, np.diff(np.r_[self.starts, len(self.activity)]))
        later[self.starts] = False
        return np.bincount(self.activity[later], minlength=len(self.cases_with)) > 0

    def commonest_first(self) -> Ints:
        """The paths by their cases; of equals by the activities' numbers step by step, and one before those going on from it."""
        # numbers of equal length, the large digits first, compare as bytes like the numbers do
        steps, size = self.activity.astype(">u4").tobytes(), 4
        keys = [steps[size * start : size * end] for start, end in self._spans()]
        by_steps = np.array(sorted(range(len(keys)), key=keys.__getitem__))
        return by_steps[np.argsort(-self.cases[by_steps], kind="stable")]

    def _spans(self) -> Iterator[tuple[int, int]]:
        return zip(self.starts.tolist(), [*self.starts[1:].tolist(), len(self.activity)], strict=True)


def _equal_together(marks: NDArray[np.uint64]) -> tuple[Ints, NDArray[np.uint64]]:
    """An order in which equal pairs of marks stand together, and the marks in it; by the first where it never misleads."""
    order = np.argsort(marks[0])
    ranked = marks[:, order]
    first, second = ranked
    if ((first[1:] == first[:-1]) & (second[1:] != second[:-1])).any():
        order = np.lexsort(marks)
        ranked = marks[:, order]
    return order, ranked


def framed(types: Mapping[str, Any], columns: Any) -> pd.DataFrame:
    """The columns in this order with these types; computed here, so not checked cell by cell again."""
    frame = columns if isinstance(columns, pd.DataFrame) else pd.DataFrame(columns)
    return frame.reindex(columns=list(types)).astype(dict(types))


def moments(microseconds: Ints) -> pd.DatetimeIndex:
    """Microseconds since 1970 as times in UTC."""
    return pd.DatetimeIndex(microseconds.astype("datetime64[us]")).tz_localize("UTC")


def recorded_workflow(codes: Ints, names: NDArray[np.object_], unsaid: str | None) -> pd.Series:
    """The workflows behind the numbers; `unsaid` where none was recorded."""
    known = np.append(names, np.array([unsaid], object))
    return pd.Series(known[codes], dtype="str" if unsaid is not None or len(names) else object)
