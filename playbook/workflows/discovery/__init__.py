"""What an event log shows of the work: activities, what follows what, how it waits and flows, and tasks from it.

Active minutes are what the tool recorded, else from begun to done where that is no more than a working day, else an
estimate. A log with one timestamp an event says when something was finished, not when it was begun. The rule: of the
time since the same person's event before, in any case, count it as work when it is at most `SESSION_MINUTES`; what the
person logged at one and the same moment shares it equally; after a longer pause, and for a person's first event, the
time is unknown and left out. Where a team's log names nobody at all, the event before in the same case stands in. Work
longer than the gap without an event in it is not seen, so the estimates lean low.

Waiting is from the end of the event before in the case to the begin of this one. Where no begin is recorded, or one after
the end, which is a plan, it is this event's end less its active minutes, and less nothing where these are unknown:
waiting then leans high.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from playbook import tables
from playbook.errors import Fault, TableError
from playbook.workflows.discovery.counts import Names
from playbook.workflows.discovery.results import Discovery, joined, tables_of
from playbook.workflows.discovery.walk import NEVER, Ints, Sizes, Stretch, Walk
from playbook.workflows.keywords import Keywords

# Half an hour of silence ends a session in web analytics practice; it rounds up the 25.5 minutes of Catledge and
# Pitkow, Characterizing Browsing Strategies in the World-Wide Web, Computer Networks 27 (1995) 1065-1073.
SESSION_MINUTES = 30.0
LOG_WORKFLOW = "from event log"
_NEEDED = ("team", "case", "activity", "timestamp")
_MAY_HAVE = ("resource", "workflow", "begun", "minutes")


def discover(
    events: pd.DataFrame,
    *,
    workflow: str = LOG_WORKFLOW,
    session_minutes: float = SESSION_MINUTES,
    keywords: Keywords | None = None,
) -> Discovery:
    """Read tables.EVENTS of any number of teams as work: see `Discovery` for what comes out.

    Events of a case are ordered by time, equal times by their row in the file. `workflow` names the workflow of what
    no project or board was recorded for; `session_minutes` is the longest pause that still counts as work; `keywords`
    suggest each task's function and layer. Times, people and handovers that fewer than five people are behind are kept
    back, and what theirs could be worked out from. A blank `resource` is nobody. Raises TableError when a needed column
    or a timestamp is missing.
    """
    log = _ordered(events)
    return joined(
        [
            _of_team(str(team), part, workflow, session_minutes, keywords)
            for team, part in log.groupby("team", sort=True)
        ]
    )


def _of_team(
    team: str, log: pd.DataFrame, workflow: str, session_minutes: float, keywords: Keywords | None
) -> Discovery:
    case, cases = pd.factorize(log["case"].astype(object), sort=True)
    activity, activities = pd.factorize(log["activity"].astype(object), sort=True)
    person, persons = _persons(log["resource"])
    stood_in, workflows = pd.factorize(log["workflow"].astype(object), sort=True)
    names = Names(team, np.asarray(cases, object), np.asarray(activities, object), np.asarray(workflows, object))
    walk = Walk(Sizes(len(cases), len(activities), persons, len(workflows)), session_minutes)
    begun, minutes = log["begun"], log["minutes"]
    walk.take(
        Stretch(
            case, activity, _microseconds(log["timestamp"]), person,
            begun=_microseconds(begun) if begun.notna().any() else None,
            minutes=minutes.to_numpy("float64", na_value=np.nan) if minutes.notna().any() else None,
            workflow=stood_in if len(workflows) else None,
        )
    )  # fmt: skip
    return tables_of(walk, names, workflow, keywords)


def _persons(cells: pd.Series) -> tuple[Ints, int]:
    """The number of each cell's person (-1: nobody) and how many persons there are; white space alone is nobody."""
    numbers, persons = pd.factorize(cells.astype(object))
    named = np.array([bool(str(person).strip()) for person in persons], bool)
    renumbered = np.append(np.where(named, np.cumsum(named) - 1, -1), -1)
    return renumbered[numbers], int(named.sum())


def _microseconds(times: pd.Series) -> Ints:
    """Microseconds since 1970 in UTC; pandas' NaT is the same number as `NEVER`."""
    found: Ints = times.dt.as_unit("us").dt.tz_convert(None).to_numpy("datetime64[us]").astype(np.int64)
    assert np.iinfo(np.int64).min == NEVER
    return found


def _ordered(events: pd.DataFrame) -> pd.DataFrame:
    missing = [name for name in _NEEDED if name not in events.columns]
    if missing:
        wanted = {name: tables.EVENTS.columns[name] for name in missing}
        raise TableError("events", [Fault(None, name, "missing", col.meaning) for name, col in wanted.items()])
    log = events.loc[:, list(_NEEDED)].copy()
    log["timestamp"] = pd.to_datetime(log["timestamp"], utc=True, errors="coerce")
    empty = [
        Fault(str(row), name, "nothing that can be read", tables.EVENTS.columns[name].wanted)
        for name in _NEEDED
        for row in log.index[log[name].isna()]
    ]
    if empty:
        raise TableError("events", empty)
    for name in _MAY_HAVE:
        dtype = tables.EVENTS.columns[name].dtype
        log[name] = events[name] if name in events.columns else pd.Series(None, log.index, dtype=dtype)
    log["begun"] = pd.to_datetime(log["begun"], utc=True, errors="coerce")
    ties = [name for name in ("import_id", "row", "part") if name in events.columns]
    log[ties] = events[ties]
    return log.sort_values(["timestamp", *ties], kind="stable", ignore_index=True)
