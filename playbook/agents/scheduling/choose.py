"""Gives the posts of one channel their times: as many as can be placed, then the largest total of expected rates.

Whole numbers x say whether a time is used, shares y which kind of post (equal windows and weight) uses it:

    maximise sum(weight x rate x y)  with  sum over kinds of y = x for each time,  sum over times of y <= posts of a kind,
    sum of x <= 1 in each stretch of the spacing,  <= what the day and the week still hold.

Each of those rows spans neighbouring times, which keeps the solver's work small (consecutive ones: Fulkerson and Gross
1965, Pacific J. Math. 15). Posts are then matched to the times chosen exactly. Solver: scipy.optimize.milp (HiGHS;
Huangfu and Hall 2018). A greedy choice is made as well and the better one taken, so that a time limit never costs.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NO_TIME = -1
ROUNDING = 1e-9
SURE = 1e-6  # the solver's own tolerance; totals closer than this are one
COUNTING = 0.4  # the share of the time limit that may go into how many posts can be placed


@dataclass(frozen=True)
class Problem:
    """The posts and times of one channel.

    `hours` are the times as hours from any moment, ascending; `value` what a post of weight 1 is worth at each (0 or more); `weight` of
    each post; `allowed[post, time]`; `spacing` in hours; `day` and `week` the place of each time's day and week in
    `day_room` and `week_room`, which say how many posts they still hold.
    """

    hours: Floats
    value: Floats
    weight: Floats
    allowed: Bools
    spacing: float
    day: Ints
    week: Ints
    day_room: Ints
    week_room: Ints

    def worth(self, assigned: Ints) -> tuple[int, float]:
        """How many posts have a time and what they are worth together; the first counts before the second."""
        placed = assigned >= 0
        return int(placed.sum()), float((self.weight[placed] * self.value[assigned[placed]]).sum())

    def full(self, assigned: Ints) -> tuple[Bools, Bools]:
        """Which times lie too near one that is used (the used ones too), and which are on a full day or week."""
        used = np.sort(assigned[assigned >= 0])
        taken = np.zeros(len(self.hours), dtype=bool)
        taken[used] = True
        if len(used):
            at = self.hours[used]
            after = np.clip(np.searchsorted(at, self.hours), 0, len(at) - 1)
            nearest = np.minimum(abs(self.hours - at[after]), abs(self.hours - at[np.maximum(after - 1, 0)]))
            taken |= nearest < self.spacing - ROUNDING
        days, weeks = self._counts(used)
        return taken, (days >= self.day_room)[self.day] | (weeks >= self.week_room)[self.week]

    def free(self, assigned: Ints) -> Bools:
        """The times that one more post could use."""
        near, full = self.full(assigned)
        return ~near & ~full

    def _counts(self, used: Ints) -> tuple[Ints, Ints]:
        days = np.bincount(self.day[used], minlength=len(self.day_room))
        return days, np.bincount(self.week[used], minlength=len(self.week_room))

    def holds(self, assigned: Ints) -> bool:
        """Whether every rule is kept."""
        placed = np.flatnonzero(assigned >= 0)
        used = np.sort(assigned[placed])
        apart = bool((np.diff(used) > 0).all() and (np.diff(self.hours[used]) >= self.spacing - ROUNDING).all())
        days, weeks = self._counts(used)
        within = bool((days <= self.day_room).all() and (weeks <= self.week_room).all())
        return apart and within and bool(self.allowed[placed, assigned[placed]].all())


@dataclass(frozen=True)
class Choice:
    """The times given: `assigned` is each post's time or -1.

    `worth` and `greedy` are (posts placed, total) of the choice and of the greedy one, `method` which was taken.
    `timed_out` says that the solver was stopped; `short` is then the most by which a better total could exceed this
    one, as a share of it (0: none better; NaN: not known).
    """

    assigned: Ints
    worth: tuple[int, float]
    greedy: tuple[int, float]
    method: str
    timed_out: bool
    short: float


def choose(problem: Problem, seconds: float) -> Choice:
    """The better of the solver's and the greedy choice; the solver stops after about `seconds`.

    Posts placed count before their total. Equal problems give equal choices unless the limit was reached.
    """
    first = greedy(problem)
    if not problem.allowed.any():
        return Choice(first, problem.worth(first), problem.worth(first), "nothing can be placed", False, 0.0)  # noqa: FBT003
    solved, timed_out, bound = _Model(problem).solve(problem.worth(first)[0], seconds)
    solved = None if solved is None else greedy(problem, solved)
    picked, method = first, "one by one"
    if solved is not None and problem.holds(solved) and _better(problem.worth(solved), problem.worth(first)):
        picked, method = solved, "solver"
    worth = problem.worth(picked)
    short = max(0.0, bound / worth[1] - 1) if timed_out and worth[1] > 0 else float("nan") if timed_out else 0.0
    return Choice(picked, worth, problem.worth(first), method, timed_out, short)


def greedy(problem: Problem, start: Ints | None = None) -> Ints:
    """One post after the other takes its best time that is still free: heavy posts first, then those with few times.

    Posts that have a time in `start` keep it.
    """
    assigned = np.full(len(problem.weight), NO_TIME, dtype=np.int64) if start is None else start.copy()
    free = problem.free(assigned)
    for post in np.lexsort((problem.allowed.sum(axis=1), -problem.weight)):
        open_to = np.flatnonzero(free & problem.allowed[post])
        if assigned[post] == NO_TIME and len(open_to):
            assigned[post] = open_to[np.argmax(problem.value[open_to])]
            free = problem.free(assigned)
    return assigned


def at_random(problem: Problem, rng: np.random.Generator) -> Ints:
    """One post after the other takes any time that is still free: what a plan without knowledge looks like."""
    shuffled = Problem(
        **{**vars(problem), "value": rng.random(len(problem.hours)), "weight": rng.random(len(problem.weight))}
    )
    return greedy(shuffled)


def _better(one: tuple[int, float], other: tuple[int, float]) -> bool:
    return one[0] > other[0] or (one[0] == other[0] and one[1] > other[1] + ROUNDING)


class _Model:
    """The rows and columns the solver sees: first the shares y of each kind at each of its times, then x."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        keys = np.column_stack([problem.allowed, problem.weight])
        kinds, self.kind = np.unique(keys, axis=0, return_inverse=True)
        self.count = np.bincount(self.kind, minlength=len(kinds))
        self.of_kind, self.of_time = np.nonzero(kinds[:, :-1] > 0)
        self.times = len(problem.hours)
        self.shares = len(self.of_kind)
        self.total = np.concatenate([kinds[self.of_kind, -1] * problem.value[self.of_time], np.zeros(self.times)])
        self.number = np.concatenate([np.ones(self.shares), np.zeros(self.times)])
        self.matrix, self.low, self.high = self._rows()

    def solve(self, placed: int, seconds: float) -> tuple[Ints | None, bool, float]:
        """The best choice found, whether time ran out, and the largest total there can be.

        `placed` is how many the greedy choice places; only where posts are left over is the number maximised first.
        """
        begun = time.monotonic()
        most, late = min(len(self.problem.weight), self.times), False
        if placed < most:
            found = self._run(self.number, 0, seconds * COUNTING)
            late = found.status == 1
            placed = max(placed, 0 if found.x is None else round(-found.fun))
        left = max(seconds - (time.monotonic() - begun), 0.1 * seconds)
        result = self._run(self.total, placed, left)
        bound = result.mip_dual_bound
        highest = float("inf") if bound is None else -float(bound)
        if result.x is None:
            return None, result.status == 1 or late, highest
        return self._matched(result.x), result.status == 1 or late, highest

    def _run(self, worth: Floats, at_least: int, seconds: float) -> Any:
        rows = scipy.sparse.vstack([self.matrix, scipy.sparse.csr_array(self.number[None, :])], format="csc")
        limits = np.append(self.low, at_least), np.append(self.high, np.inf)
        return scipy.optimize.milp(
            -worth,
            integrality=1 - self.number,
            bounds=scipy.optimize.Bounds(0, 1),
            constraints=scipy.optimize.LinearConstraint(rows, *limits),
            options={"time_limit": seconds, "mip_rel_gap": SURE},
        )

    def _rows(self) -> tuple[Any, Floats, Floats]:
        """Posts of a kind; a time is used by what is put there; spacing; days; weeks."""
        width, here = self.shares + self.times, self.shares + np.arange(self.times)
        ones = np.ones(self.shares)
        kinds = scipy.sparse.csr_array((ones, (self.of_kind, np.arange(self.shares))), shape=(len(self.count), width))
        cells = np.concatenate([ones, -np.ones(self.times)])
        places = np.concatenate([self.of_time, np.arange(self.times)])
        link = scipy.sparse.csr_array((cells, (places, np.arange(width))), shape=(self.times, width))
        problem = self.problem
        stretches = self._stretches()
        groups = [np.flatnonzero(problem.day == day) for day in range(len(problem.day_room))]
        groups += [np.flatnonzero(problem.week == week) for week in range(len(problem.week_room))]
        held = [here[list(members)] for members in [*stretches, *groups]]
        lines = np.repeat(np.arange(len(held)), [len(members) for members in held])
        limits = scipy.sparse.csr_array((np.ones(len(lines)), (lines, np.concatenate(held))), shape=(len(held), width))
        rooms = np.concatenate([np.ones(len(stretches)), problem.day_room, problem.week_room])
        high = np.concatenate([self.count, np.zeros(self.times), rooms])
        low = np.concatenate([np.full(len(self.count), -np.inf), np.zeros(self.times), np.full(len(held), -np.inf)])
        return scipy.sparse.vstack([kinds, link, limits], format="csr"), low, high

    def _stretches(self) -> list[range]:
        """The longest runs of times of which only one can be used, none inside another."""
        at = self.problem.hours
        ends = np.searchsorted(at, at + self.problem.spacing - ROUNDING, side="left")
        ends = np.maximum(ends, np.arange(self.times) + 1)
        before = np.concatenate([[0], ends[:-1]])
        return [range(start, int(end)) for start, end in enumerate(ends) if end > before[start]]

    def _matched(self, x: Floats) -> Ints:
        """Give the chosen times to posts exactly: as many as fit, then the largest total."""
        problem = self.problem
        used = np.flatnonzero(np.round(x[self.shares :]) > 0)
        worth = problem.weight[:, None] * problem.value[None, used]
        # a place is worth more than any exchange of places, so that the number comes first
        bonus = 1 + float(worth.max(initial=0.0)) * min(worth.shape)
        allowed = problem.allowed[:, used]
        posts, places = scipy.optimize.linear_sum_assignment(np.where(allowed, worth + bonus, 0.0), maximize=True)
        assigned = np.full(len(problem.weight), NO_TIME, dtype=np.int64)
        good = allowed[posts, places]
        assigned[posts[good]] = used[places[good]]
        return assigned


def room(used: Sequence[str], groups: Sequence[str], most: int) -> Ints:
    """How many more posts each group (a day, a week) holds when `used` names the group of each post already there."""
    return np.array([max(0, most - list(used).count(group)) for group in groups], dtype=np.int64)
