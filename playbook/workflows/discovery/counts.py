"""How often and how long: activities, steps and workflows of a walked log, with what few people do kept back."""

from __future__ import annotations

import bisect
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from playbook import intervals, tables
from playbook.workflows.discovery.paths import Paths, framed
from playbook.workflows.discovery.small_groups import few, handovers_told, waiting_told

if TYPE_CHECKING:
    from playbook.workflows.discovery.walk import Flags, Floats, Ints, Walk

# Under two weeks a weekly rhythm has been seen once or not at all, and a monthly figure would be a guess.
LEAST_SPAN_DAYS = 14.0
DAYS_A_MONTH = 30.44
DAY = 86_400_000_000
COMMON_SHARE = 0.8

_MINUTES = ["median_minutes", "low_minutes", "high_minutes"]
_WAITING = ["waiting_minutes", "low_waiting", "high_waiting"]
_EFFICIENCY = ["efficiency", "low_efficiency", "high_efficiency"]
ARC_TYPES = {
    "team": "str", "source": "str", "target": "str", "count": "Int64", **dict.fromkeys(_WAITING, "float64"),
}  # fmt: skip
FLOW_TYPES = {
    "team": "str", "workflow": "str", "cases": "Int64", "events": "Int64", "median_days": "float64",
    **dict.fromkeys(_EFFICIENCY, "float64"), "measured": "Int64", "basis": "str", "timed": "Int64",
    "repeats": "Int64", "reworked": "Int64", "handovers": "Int64", "people": "Int64",
    "paths": "Int64", "common_paths": "Int64", "note": "str",
}  # fmt: skip
_SMALL = "Done by fewer than five people: people and times are kept back."
_COMPLEMENT = "People and times are kept back, or a group under five could be worked out from the rest."
_FEW_WAITED = "Waiting is not shown: it is that of fewer than five people, or theirs could be worked out from it."
_FEW_TIMED = "Fewer than five people are behind the runs that could be timed: times are kept back."


class Names(NamedTuple):
    """What the numbers of a walk stand for: texts by number, cases and activities in the order of their texts."""

    team: str
    cases: NDArray[np.object_]
    activities: NDArray[np.object_]
    workflows: NDArray[np.object_]


class Middles(NamedTuple):
    """How many values there are, their median and the ends of its interval, a row of four each.

    Minutes of activities, waits before activities, both by the activity's number; and waits of the `steps`.
    """

    minutes: Floats
    waits: Floats
    steps: Ints
    step_waits: Floats


def middles(walk: Walk) -> Middles:
    """What needs ranking, one activity's values at a time: together they are as many as the events."""
    minutes, waits, steps = np.zeros((walk.activities, 4)), np.zeros((walk.activities, 4)), dict[int, list[float]]()
    for code in range(walk.activities):
        minutes[code] = _counted(list(walk.minutes.values(code, code).values()))
        into = walk.waits.values(code * walk.activities, (code + 1) * walk.activities - 1)
        steps |= {step: _counted([values]) for step, values in into.items()}
        waits[code] = _counted(list(into.values()))
    return Middles(minutes, waits, np.array(list(steps), np.int64), np.array(list(steps.values())).reshape(-1, 4))


def _counted(parts: Sequence[Floats]) -> list[float]:
    values = np.concatenate([np.empty(0), *parts])
    return [len(values), *middle(values)]


def activity_rows(walk: Walk, names: Names, paths: Paths, known: Middles) -> pd.DataFrame:
    """One row an activity, `code` its number in the walk, with flags for what is kept back of it."""
    rows = pd.DataFrame(
        {
            "code": np.arange(walk.activities),
            "team": names.team,
            "activity": names.activities,
            "events": walk.count,
            "cases": paths.cases_with,
            "repeats": walk.count - paths.cases_with,
            "people": walk.people.counts(),
            "timed_people": walk.timed_by.counts(),
            "takers": walk.takers.counts(),
            "handovers": walk.taken,
            "recorded": walk.recorded_at,
        }
    )
    rows = rows[rows["events"] > 0].sort_values(
        ["events", "activity"], ascending=[False, True], ignore_index=True
    )  # fmt: skip
    for columns, counted, ranked in ((_MINUTES, "timed", known.minutes), (_WAITING, "waits", known.waits)):
        here = ranked[rows["code"]]
        rows[counted], rows[columns] = here[:, 0].astype(np.int64), here[:, 1:]
    rows["waiting_kept_back"] = _waiting_told(walk, known)[rows["code"]]
    rows["span"] = (walk.last_at - walk.first_at) / DAY
    return _with_privacy(rows, named=walk.persons > 0)


def _waiting_told(walk: Walk, known: Middles) -> Flags:
    # as many waits reach from an end of all of them to an end of the interval, or without one to the median
    waits = known.waits[:, 0].astype(np.int64)
    least = np.array([_rank(n) or (n + 1) // 2 for n in waits.tolist()], np.int64)
    return waiting_told(walk, known.steps, known.step_waits[:, 0], least)


def _with_privacy(rows: pd.DataFrame, *, named: bool) -> pd.DataFrame:
    """Add `named` (the log names people) and what is kept back for it: people, times, handovers."""
    rows["named"] = named
    rows["kept_back"] = named & intervals.hidden(rows, "people", within="team")
    few_behind = named & (rows["timed"] > 0) & (rows["timed_people"] < intervals.MINIMUM_GROUP)
    rows["times_kept_back"] = rows["kept_back"] | few_behind
    rows["handovers_kept_back"] = rows["kept_back"] | intervals.hidden(rows, "takers", within="team")
    return rows


def activities(rows: pd.DataFrame, session_minutes: float) -> pd.DataFrame:
    """ACTIVITIES from the rows: the commonest first, with what is kept back emptied."""
    long_enough = rows["span"] >= LEAST_SPAN_DAYS
    recorded, timed = rows["recorded"], rows["timed"]
    shown = rows.assign(
        runs_per_month=(rows["events"] / rows["span"].where(long_enough) * DAYS_A_MONTH),
        basis=[basis(*counts) for counts in zip(recorded, timed, strict=True)],
    )
    shown[_MINUTES] = shown[_MINUTES].mask(rows["times_kept_back"])
    shown[_WAITING] = shown[_WAITING].mask(rows["kept_back"] | rows["waiting_kept_back"])
    shown["note"] = [_note(row, session_minutes) for row in shown.to_dict(orient="records")]
    shown["people"] = rows["people"].astype("Int64").mask(rows["kept_back"] | (rows["people"] == 0))
    shown["handovers"] = rows["handovers"].astype("Int64").mask(rows["handovers_kept_back"] | ~rows["named"])
    return framed({name: col.dtype for name, col in tables.ACTIVITIES.columns.items()}, shown)


def basis(recorded: int, timed: int) -> Any:
    """What known minutes rest on: measured, estimated, mixed; None where none are known."""
    if not timed:
        return None
    return "estimated" if not recorded else "measured" if recorded == timed else "mixed"


def _note(row: dict[Hashable, Any], session_minutes: float) -> str:
    since = "the same person's event before" if row["named"] else "the event before in the same case"
    rule = f"counted since {since} when at most {session_minutes:g} minutes passed"
    some = f"{row['recorded']} of {row['timed']} times were recorded by the tool; the others are estimates, {rule}."
    timing = [
        (row["kept_back"] and row["people"] < intervals.MINIMUM_GROUP, _SMALL),
        (row["kept_back"], _COMPLEMENT),
        (row["times_kept_back"], _FEW_TIMED),
        (row["timed"] == 0, f"No run could be timed: none within {session_minutes:g} minutes of {since}."),
        (pd.isna(row["low_minutes"]), f"Only {row['timed']} could be timed: too few for an interval."),
        (row["basis"] == "measured", "Times are as the tool recorded them."),
        (row["basis"] == "mixed", some),
        (True, f"Times are estimates, {rule}."),
    ]
    said = [next(words for holds, words in timing if holds)]
    if row["waiting_kept_back"] and not row["kept_back"]:
        said.append(_FEW_WAITED)
    if pd.isna(row["runs_per_month"]):
        said.append(
            f"The log covers {row['span']:.1f} days; under {LEAST_SPAN_DAYS:g} days runs a month are not yet known."
        )
    return " ".join(said)


def arcs(walk: Walk, names: Names, rows: pd.DataFrame, known: Middles) -> pd.DataFrame:
    """How often what directly follows what inside a case, and how long it waited."""
    kept_back = np.zeros(walk.activities, bool)
    kept_back[rows["code"]] = rows["kept_back"]
    few_waited = few(walk.waiters.of(known.steps))
    found = []
    for step, is_few, (count, *interval) in zip(known.steps, few_waited, known.step_waits, strict=True):
        target, source = divmod(step, walk.activities)
        shown = [np.nan] * 3 if is_few or kept_back[target] else interval
        found.append((names.team, names.activities[source], names.activities[target], count, *shown))
    frame = pd.DataFrame(found, columns=list(ARC_TYPES)).astype(ARC_TYPES)
    return frame.sort_values(["count", "source", "target"], ascending=[False, True, True], ignore_index=True)


def flow_rows(walk: Walk, names: Names, paths: Paths, cases: pd.DataFrame, workflow: str) -> pd.DataFrame:
    """One row a workflow, `code` its number; what it stands in last is a case's workflow."""
    here, code = paths.present, _workflow_of(walk, names, paths)
    elapsed = walk.end[here] - walk.begin[here]
    judged = (walk.timed[here] > 0) & (walk.events[here] > 1) & (elapsed > 0)
    share = np.minimum(walk.active[here] / np.where(elapsed > 0, elapsed, 1), 1.0)
    known = np.append(names.workflows, workflow)
    people = walk.members.counts() if len(names.workflows) else [walk.people.members()]
    judged_of = np.full(walk.cases, -1, np.int64)
    judged_of[here[judged]] = code[judged]
    workers = walk.workers(judged_of, len(known))
    rows = []
    for number in np.unique(code):
        mine = code == number
        of = here[mine]
        timed, recorded = int(walk.timed[of].sum()), int(walk.recorded[of].sum())
        taken = np.bincount(paths.path[mine])
        rows.append(
            {
                "code": number, "team": names.team, "workflow": known[number], "cases": len(of), "events": walk.events[of].sum(),
                "median_days": float(np.median(cases["duration_days"].to_numpy()[mine])),
                **dict(zip(_EFFICIENCY, middle(share[mine & judged]), strict=True)),
                "measured": int((mine & judged).sum()), "basis": basis(recorded, timed), "timed": timed,
                "recorded": recorded, "repeats": int(cases["repeats"].to_numpy()[mine].sum()),
                "reworked": int((cases["repeats"].to_numpy()[mine] > 0).sum()),
                "handovers": walk.handovers[of].sum(), "people": people[number], "workers": workers[number],
                "paths": int((taken > 0).sum()), "common_paths": _common(taken),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _workflow_of(walk: Walk, names: Names, paths: Paths) -> Ints:
    """The number of each present case's workflow, the last one where none was said."""
    code = walk.workflow[paths.present]
    return np.where(code < 0, len(names.workflows), code)


def flow(walk: Walk, names: Names, paths: Paths, rows: pd.DataFrame, done: pd.DataFrame) -> pd.DataFrame:
    """How the work of each workflow flows, from its rows; `done` are those of the activities."""
    named = walk.persons > 0
    rows["kept_back"] = named & intervals.hidden(rows, "people", within="team")
    rows["efficiency_kept_back"] = rows["kept_back"] | (named & intervals.hidden(rows, "workers", within="team"))
    told = handovers_told(walk, paths, _workflow_of(walk, names, paths), rows, done)
    rows["handovers_kept_back"] = rows["kept_back"] | told
    rows["note"] = [_flow_note(row) for row in rows.to_dict(orient="records")]
    for back, columns in (
        (rows["efficiency_kept_back"], (*_EFFICIENCY, "measured", "basis", "timed")),
        (rows["handovers_kept_back"] | (not named), ("handovers",)),
        (rows["kept_back"] | (not named), ("people",)),
    ):
        hidden = rows[[*columns]].astype({name: FLOW_TYPES[name] for name in columns}).mask(back)
        rows[[*columns]] = hidden
    return framed(FLOW_TYPES, rows.sort_values(["cases", "workflow"], ascending=[False, True], ignore_index=True))


def _flow_note(row: dict[Hashable, Any]) -> str:
    if row["kept_back"]:
        return "Few people are behind it: people, handovers and efficiency are kept back to protect groups under five."
    if row["handovers_kept_back"]:
        return f"{_efficiency_note(row)} Handovers are kept back, or those of a group under five could be worked out."
    return _efficiency_note(row)


def _efficiency_note(row: dict[Hashable, Any]) -> str:
    if row["efficiency_kept_back"]:
        return "Efficiency is kept back, or known minutes of a group under five could be worked out from it."
    if not row["timed"]:
        return "No active minutes are known, so how much of the time is work is not yet known."
    untimed = row["events"] - row["timed"]
    said = {
        "measured": f"Active minutes of {row['timed']:,} events are as the tool recorded them",
        "estimated": f"Active minutes of {row['timed']:,} events are estimates from pauses and lean low",
        "mixed": f"Active minutes of {row['recorded']:,} events were recorded, of {row['timed'] - row['recorded']:,} "
        "estimated from pauses, which leans low",
    }[row["basis"]]
    return said + (f"; of {untimed:,} they are not known and count as waiting." if untimed else ".")


def _common(taken: NDArray[np.integer[Any]]) -> int:
    """The fewest paths that cover 80 % of the cases."""
    largest = np.sort(taken)[::-1]
    return int(np.searchsorted(np.cumsum(largest), COMMON_SHARE * largest.sum() - 1e-9) + 1)


def middle(values: Floats) -> tuple[float, float, float]:
    """Median with the ends of its 95 % interval, as intervals.median gives them; NaN where there is none.

    Only the ranks that are needed are brought to their places, so a million values take no full sort.
    """
    n = len(values)
    if not n:
        return np.nan, np.nan, np.nan
    rank = _rank(n)
    wanted = sorted({(n - 1) // 2, n // 2, *((rank - 1, n - rank) if rank else ())})
    placed = np.partition(values, wanted)
    ends = (placed[rank - 1], placed[n - rank]) if rank else (np.nan, np.nan)
    return float((placed[(n - 1) // 2] + placed[n // 2]) / 2), float(ends[0]), float(ends[1])


def _rank(n: int) -> int:
    """The rank of the interval's lower end: how many r have P(Binomial(n, 1/2) <= r) at most 2.5 %; found by halving."""
    tail = (1 - intervals.CONFIDENCE) / 2
    return bisect.bisect_right(range(n // 2 + 1), tail, key=lambda below: float(scipy.special.bdtr(below, n, 0.5)))
