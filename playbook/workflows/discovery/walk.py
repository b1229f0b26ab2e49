"""One walk through a log in the order of time, a stretch at a time: what each case, person and step adds up to.

The walk holds a few numbers a case and a person, never the events, so it takes a frame in memory and a file of any
size alike and both give the same numbers. What must be ranked later (minutes, waits, paths) goes to a `Shelf`, which
the door to large files replaces by one on disk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Slice = Callable[[int, int], NDArray[Any]]
Shelf = Callable[[NDArray[Any]], Slice]
"""Puts an array away and gives back what reads a part of it, from one position up to another."""

MINUTE = 60_000_000
# Nobody works hands-on for longer than a working day at a stretch: such a span holds nights and other work.
LONGEST_RUN = 480.0
NEVER = np.iinfo(np.int64).min
DENSE = 1 << 25
SMALL_KEY = 1 << 16


def in_memory(array: NDArray[Any]) -> Slice:
    """The shelf of a log that fits in memory."""
    return lambda start, end: array[start:end]


class Stretch(NamedTuple):
    """Events in the order of time; those of one moment all lie in one stretch.

    `case`, `activity`, `person` and `workflow` are numbers from 0 (-1: not said), `at` and `begun` microseconds since
    1970 in UTC (`NEVER`: not said), `minutes` what the tool recorded (NaN: nothing).
    """

    case: Ints
    activity: Ints
    at: Ints
    person: Ints
    begun: Ints | None = None
    minutes: Floats | None = None
    workflow: Ints | None = None


class Grouped(NamedTuple):
    """The events of a stretch case by case, each case in the order of time, from `starts` to `ends` (its last one).

    `begin` is when the work on an event began, never after it was done, `active` its microseconds, 0 where it is not
    `timed`; `recorded` are those whose minutes the tool recorded.
    """

    case: Ints
    activity: Ints
    at: Ints
    person: Ints
    begin: Ints
    active: Ints
    timed: Flags
    recorded: Flags
    workflow: Ints | None
    starts: Ints
    ends: Ints


class Sizes(NamedTuple):
    """How many different cases, activities, persons and recorded workflows a team's log holds."""

    cases: int
    activities: int
    persons: int
    workflows: int


class Ranks:
    """Values by group, put away sorted by group, so that one group at a time can be looked at."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._parts: list[tuple[Ints, Ints, Slice]] = []

    def add(self, group: Ints, values: NDArray[Any]) -> None:
        """Put the values of a stretch away, but those of no group (below 0)."""
        order = sorted_places(group)
        order = order[np.count_nonzero(group < 0) :]
        group = group[order]
        if len(group):
            starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
            self._parts.append((group[starts], np.r_[starts, len(group)], self._shelf(values[order])))

    def values(self, first: int, last: int) -> dict[int, NDArray[Any]]:
        """The values of each group from `first` to `last`, both counted, that has some."""
        found: dict[int, list[NDArray[Any]]] = {}
        for groups, starts, read in self._parts:
            low, high = np.searchsorted(groups, [first, last + 1])
            if low < high:
                bounds = starts[low : high + 1]
                values = np.split(read(int(bounds[0]), int(bounds[-1])), bounds[1:-1] - bounds[0])
                for group, some in zip(groups[low:high].tolist(), values, strict=True):
                    found.setdefault(group, []).append(some)
        return {group: np.concatenate(found[group]) for group in sorted(found)}


class Met:
    """Which members were met in which group, such as persons at an activity."""

    def __init__(self, groups: int, members: int) -> None:
        self._members = max(members, 1)
        self._seen: Flags | None = np.zeros(groups * self._members, bool) if groups * self._members <= DENSE else None
        self._known = np.empty(0, np.int64)
        self._groups = groups

    def pairs(self, group: Ints, member: Ints) -> Ints:
        """A number for each pair, as `add` takes them; of no meaning where a member is not said."""
        return group.astype(np.int64) * self._members + member

    def add(self, pairs: Ints) -> None:
        """Remember these pairs."""
        if self._seen is not None:
            self._seen[pairs] = True
        else:
            self._known = np.union1d(self._known, pairs)

    def counts(self) -> Ints:
        """Different members of each group."""
        return np.bincount(self._met() // self._members, minlength=self._groups)

    def of(self, groups: Ints) -> Ints:
        """Different members of each of these groups."""
        met = self._met() // self._members
        return np.searchsorted(met, groups, "right") - np.searchsorted(met, groups, "left")

    def together(self, groups: Ints, sets: Ints, count: int) -> Ints:
        """Different members of each of `count` sets of groups; `groups` stand in order, `sets` says where each belongs."""
        met = self._met()
        met = met[np.isin(met // self._members, groups)]
        of = sets[np.searchsorted(groups, met // self._members)].astype(np.int64)
        pairs = np.unique(of * self._members + met % self._members)
        return np.bincount(pairs // self._members, minlength=count)

    def members(self) -> int:
        """Different members of all groups together."""
        return len(set((self._met() % self._members).tolist()))

    def _met(self) -> Ints:
        """The pairs, in order."""
        return self._known if self._seen is None else np.flatnonzero(self._seen)


class Walk:
    """Takes stretch after stretch of one team's log; afterwards its attributes say what was seen.

    By case: `start`, `end` (microseconds), `begin` (when its first event was begun), `events`, `active` (known
    microseconds of work), `timed` and `recorded` (events with known, with recorded minutes), `handovers`, `workflow` (the last
    said), `marks` (two rows, equal for cases of one path). By activity: `timed_by`, `people`, `takers` (who took over), `taken`
    (handovers), `recorded_at`. `minutes` ranks active minutes by activity, `waits` waiting minutes by step
    (`target * activities + source`), `waiters` are the persons at each step. Paths, and who is behind the known minutes of
    which case, are on the shelf.
    """

    def __init__(self, sizes: Sizes, session_minutes: float, shelf: Shelf = in_memory) -> None:
        cases, activities, persons, workflows = sizes
        self.cases, self.activities, self.persons = cases, activities, persons
        self.session, self.shelf = session_minutes, shelf
        self.start, self.end, self.begin = (np.full(cases, NEVER, np.int64) for _ in range(3))
        self.events, self.timed, self.recorded, self.handovers = (np.zeros(cases, np.int32) for _ in range(4))
        self.active = np.zeros(cases, np.int64)
        self.marks = np.zeros((2, cases), np.uint64)
        self.workflow, self._last_activity, self._last_person = (np.full(cases, -1, np.int32) for _ in range(3))
        self._worked_at = np.full(persons or cases, NEVER, np.int64)
        self.people, self.timed_by, self.takers = (Met(activities, persons) for _ in range(3))
        self.waiters, self.members = Met(activities**2, persons), Met(workflows + 1, persons)
        self.workflow_of = np.zeros((activities, workflows), np.int64)
        self.count, self.taken, self.recorded_at = (np.zeros(activities, np.int64) for _ in range(3))
        self.minutes, self.waits = Ranks(shelf), Ranks(shelf)
        self._paths: list[tuple[int, Slice, Slice]] = []
        self._workers: list[Slice] = []
        self.first_at, self.last_at = np.iinfo(np.int64).max, NEVER

    def take(self, stretch: Stretch) -> None:
        """Walk through the next stretch."""
        self.add(self.grouped(stretch))

    def grouped(self, stretch: Stretch) -> Grouped:
        """The stretch case by case, counted by activity and person; what happened to cases before is left to `add`."""
        recorded_minutes, recorded = self._recorded(stretch)
        minutes = np.where(recorded, recorded_minutes, self._pauses(stretch))
        self._count(stretch, minutes, recorded)
        if len(stretch.at):
            self.first_at = min(self.first_at, int(stretch.at[0]))
            self.last_at = max(self.last_at, int(stretch.at[-1]))
        found = _grouped(stretch, minutes, recorded)
        case, activity = (self.shelf(numbers.astype(np.int32)) for numbers in (found.case, found.activity))
        self._paths.append((len(found.case), case, activity))
        if self.persons:
            self._workers.append(self.shelf(np.where(found.timed, found.person, -1).astype(np.int32)))
        return found

    def add(self, found: Grouped) -> None:
        """Take a stretch into its cases; what happened to cases before is all it needs and changes."""
        if len(found.case):
            self._step(found)

    def paths(self, cases: Ints) -> tuple[Ints, Ints]:
        """The case and activity of every event of these cases, case by case in the order of time."""
        wanted = np.zeros(self.cases, bool)
        wanted[cases] = True
        found = []
        for size, read_case, read_activity in self._paths:
            case = read_case(0, size)
            keep = wanted[case]
            found.append((case[keep], read_activity(0, size)[keep]))
        case, activity = (np.concatenate(part) for part in zip(*found, strict=True))
        order = sorted_places(case)
        return case[order], activity[order]

    def workers(self, group: Ints, count: int) -> Ints:
        """Different persons behind the known minutes of each of `count` groups of cases; `group` is each case's (-1: none)."""
        met = Met(count, self.persons)
        for (size, read_case, _), read_worker in zip(self._paths, self._workers, strict=bool(self.persons)):
            of, worker = group[read_case(0, size)], read_worker(0, size)
            known = (of >= 0) & (worker >= 0)
            met.add(met.pairs(of[known], worker[known]))
        return met.counts()

    def _recorded(self, stretch: Stretch) -> tuple[Floats, Flags]:
        """Minutes the tool recorded, or from begun to done when that is no more than a working day."""
        minutes = np.full(len(stretch.at), np.nan) if stretch.minutes is None else stretch.minutes
        if stretch.begun is not None:
            said = stretch.begun != NEVER
            span = np.where(said, stretch.at - np.where(said, stretch.begun, 0), 0) / MINUTE
            minutes = np.where(np.isnan(minutes) & said & (span >= 0) & (span <= LONGEST_RUN), span, minutes)
        return minutes, ~np.isnan(minutes)

    def _pauses(self, stretch: Stretch) -> Floats:
        """Minutes since the worker's moment before, shared by what was logged at this moment; NaN after a long pause."""
        if not len(stretch.at):
            return np.empty(0)
        worker = stretch.person if self.persons else stretch.case
        order = sorted_places(worker)
        who, at = worker[order], stretch.at[order]
        starts = np.flatnonzero(np.r_[True, (who[1:] != who[:-1]) | (at[1:] != at[:-1])])
        moment, of = at[starts], who[starts]
        first = np.r_[True, of[1:] != of[:-1]]
        before = np.r_[np.int64(0), moment[:-1]]
        before[first] = self._worked_at[of[first]]
        known = (before != NEVER) & (of >= 0)
        pause = np.where(known, moment - np.where(known, before, 0), 0) / MINUTE
        size = np.diff(np.r_[starts, len(at)])
        shared = np.where(known & (pause <= self.session), pause, np.nan) / size
        last = np.r_[first[1:], True] & (of >= 0)
        self._worked_at[of[last]] = moment[last]
        minutes = np.empty(len(at))
        minutes[order] = np.repeat(shared, size)
        return minutes

    def _count(self, stretch: Stretch, minutes: Floats, recorded: Flags) -> None:
        activity, person, timed = stretch.activity, stretch.person, ~np.isnan(minutes)
        self.count += np.bincount(activity, minlength=self.activities)
        self.recorded_at += np.bincount(activity[recorded], minlength=self.activities)
        self.minutes.add(np.where(timed, activity, -1), minutes)
        if self.persons:
            named, pairs = person >= 0, self.people.pairs(activity, person)
            self.people.add(pairs[named])
            self.timed_by.add(pairs[named & timed])
            unsaid = self.workflow_of.shape[1]
            if stretch.workflow is not None:
                workflow = np.where(stretch.workflow < 0, unsaid, stretch.workflow)
                self.members.add(self.members.pairs(workflow, person)[named])
        if stretch.workflow is not None:
            said = stretch.workflow >= 0
            codes = activity[said].astype(np.int64) * self.workflow_of.shape[1] + stretch.workflow[said]
            self.workflow_of += np.bincount(codes, minlength=self.workflow_of.size).reshape(self.workflow_of.shape)

    def _step(self, found: Grouped) -> None:
        """What follows what in each case, how long it waited, and what the case has come to."""
        case, activity, person, starts, ends = found.case, found.activity, found.person, found.starts, found.ends
        here = case[starts]
        before_at, before, by = (
            _shifted(values, held, starts, here)
            for values, held in (
                (found.at, self.end), (activity, self._last_activity), (person, self._last_person)
            )
        )  # fmt: skip
        follows = before >= 0
        step = activity.astype(np.int64) * self.activities + before
        wait = np.maximum(found.begin - before_at, 0) / MINUTE
        self.waits.add(np.where(follows, step, -1), wait)
        if self.persons:
            taken = follows & (person >= 0) & (by >= 0) & (person != by)
            self.waiters.add(self.waiters.pairs(step, person)[follows & (person >= 0)])
            self.takers.add(self.takers.pairs(activity, person)[taken])
            self.taken += np.bincount(activity[taken], minlength=self.activities)
            self.handovers[here] += np.add.reduceat(taken, starts, dtype=np.int32)

        new = self.events[here] == 0
        self.start[here[new]], self.begin[here[new]] = found.at[starts][new], found.begin[starts][new]
        position = np.arange(len(case)) - np.repeat(starts - self.events[here], ends - starts + 1)
        for kept, marks in zip(self.marks, _marks(position, activity), strict=True):
            kept[here] += np.add.reduceat(marks, starts)
        self.active[here] += np.add.reduceat(found.active, starts)
        self.timed[here] += np.add.reduceat(found.timed, starts, dtype=np.int32)
        self.recorded[here] += np.add.reduceat(found.recorded, starts, dtype=np.int32)
        self.events[here] += (ends - starts + 1).astype(np.int32)
        self.end[here], self._last_activity[here], self._last_person[here] = (
            found.at[ends],
            activity[ends],
            person[ends],
        )
        if found.workflow is not None:
            said = found.workflow >= 0
            # assigned in the order of time, so the last one said stays
            self.workflow[case[said]] = found.workflow[said]


def _grouped(stretch: Stretch, minutes: Floats, recorded: Flags) -> Grouped:
    order = sorted_places(stretch.case)
    case, at, minutes = stretch.case[order], stretch.at[order], minutes[order]
    timed = ~np.isnan(minutes)
    active = np.rint(np.where(timed, minutes, 0.0) * MINUTE).astype(np.int64)  # whole, so any stretches give one sum
    # when each event's work began: as recorded, else its minutes before it was done, else not earlier than done
    begin = at - active
    if stretch.begun is not None:
        begun = stretch.begun[order]
        # a begin after the end is a plan and no begin
        begin = np.where((begun == NEVER) | (begun > at), begin, begun)
    starts = np.flatnonzero(np.r_[True, case[1:] != case[:-1]]) if len(case) else np.empty(0, np.int64)
    return Grouped(
        case, stretch.activity[order], at, stretch.person[order], begin, active, timed, recorded[order],
        None if stretch.workflow is None else stretch.workflow[order], starts, np.r_[starts[1:], len(case)] - 1,
    )  # fmt: skip


def sorted_places(keys: Ints) -> Ints:
    """The places of the keys in sorted order, equal keys as they come; numpy's stable argsort, by faster ways."""
    low, high = int(keys.min(initial=0)), int(keys.max(initial=0))
    if high - low < SMALL_KEY:
        return np.argsort((keys - low).astype(np.uint16), kind="stable")
    bits = max(len(keys) - 1, 1).bit_length()
    if (high - low).bit_length() + bits > 62:
        return np.argsort(keys, kind="stable")
    # one integer of key and place sorts with the processor's vector instructions, which argsort does not use
    joined = ((keys.astype(np.int64) - low) << bits) | np.arange(len(keys))
    joined.sort()
    return joined & ((1 << bits) - 1)


def _shifted(values: Ints, held: Ints, starts: Ints, cases: Ints) -> Ints:
    """The value of the event before in the same case, from an earlier stretch where it lies there."""
    before: Ints = np.empty(len(values), held.dtype)
    before[1:] = values[:-1]
    before[starts] = held[cases]
    return before


def _marks(position: Ints, activity: Ints) -> list[NDArray[np.uint64]]:
    """Two pseudo-random numbers for an activity at a place of a path; their sums over a case tell paths apart.

    The finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) turns place and activity, together one number,
    into 64 bits, twice. Two different paths share both sums once in 2^128.
    """
    seed = (position.astype(np.uint64) << np.uint64(32)) | activity.astype(np.uint64)
    both = []
    for step in (0x9E3779B97F4A7C15, 0xD1B54A32D192ED03):
        mixed = seed + np.uint64(step)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed ^= mixed >> np.uint64(shift)
            mixed *= np.uint64(factor)
        both.append(mixed ^ (mixed >> np.uint64(31)))
    return both
