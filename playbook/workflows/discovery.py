"""What an event log shows of the work: activities, what follows what, the ways cases take, and tasks from them.

A log with one timestamp an event says when something was finished, not when it was begun. Active minutes are therefore
estimates. The rule: of the time since the same person's event before, in any case, count it as work when it is at most
`SESSION_MINUTES`; what the person logged at one and the same moment shares it equally; after a longer pause, and for
a person's first event, the time is unknown and left out. Where a team's log names nobody at all, the event before in
the same case stands in. Work longer than the gap without an event in it is not seen, so the estimates lean low.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Hashable, Iterator
from typing import Any, NamedTuple

import pandas as pd

from playbook import intervals, tables
from playbook.errors import Fault, TableError

# Half an hour of silence ends a session in web analytics practice; it rounds up the 25.5 minutes of Catledge and
# Pitkow, Characterizing Browsing Strategies in the World-Wide Web, Computer Networks 27 (1995) 1065-1073.
SESSION_MINUTES = 30.0
# Under two weeks a weekly rhythm has been seen once or not at all, and a monthly figure would be a guess.
LEAST_SPAN_DAYS = 14.0
DAYS_A_MONTH = 30.44
LOG_WORKFLOW = "from event log"
COMMON_SHARE = 0.8

_ARC_TYPES = {"team": "str", "source": "str", "target": "str", "count": "Int64"}
_VARIANT_TYPES = {"team": "str", "variant": "str", "cases": "Int64", "share": "float64", "cumulative": "float64"}
_NEEDED = ("team", "case", "activity", "timestamp")
_SMALL = "Done by fewer than five people: people and times are kept back."
_COMPLEMENT = "People and times are kept back, or a group under five could be worked out from the rest."
_FEW_TIMED = "Fewer than five people are behind the runs that could be timed: times are kept back."


class Discovery(NamedTuple):
    """What an event log shows, one frame a question; every frame keeps the team.

    `activities` is tables.ACTIVITIES and `cases` tables.CASES. `arcs` (team, source, target, count) says how often
    `target` came directly after `source` in a case. `variants` (team, variant, cases, share, cumulative) says how many
    cases took exactly one path, the commonest first, as a share (0 to 1) of the team's cases. `tasks` is tables.TASKS:
    one suggested task an activity, its frequency measured, to be grouped, renamed and rated by people.
    """

    activities: pd.DataFrame
    arcs: pd.DataFrame
    variants: pd.DataFrame
    cases: pd.DataFrame
    tasks: pd.DataFrame


def discover(
    events: pd.DataFrame, *, workflow: str = LOG_WORKFLOW, session_minutes: float = SESSION_MINUTES
) -> Discovery:
    """Read tables.EVENTS of any number of teams as work: see `Discovery` for what comes out.

    Events of a case are ordered by time, equal times by their row in the file. `workflow` names the workflow of the
    suggested tasks; `session_minutes` is the longest pause that still counts as work. Times and people of activities
    done by fewer than five people are kept back. Raises TableError when a needed column or a timestamp is missing.
    """
    log = _ordered(events)
    if log.empty:
        arcs, variants = (pd.DataFrame(columns=list(types)).astype(types) for types in (_ARC_TYPES, _VARIANT_TYPES))
        return Discovery(tables.ACTIVITIES.empty(), arcs, variants, tables.CASES.empty(), tables.TASKS.empty())
    log["minutes"] = _active_minutes(log, session_minutes)
    activities = _activities(log, session_minutes)
    return Discovery(activities, _arcs(log), _variants(log), _cases(log), _tasks(activities, workflow))


def discovery_findings(found: Discovery) -> list[str]:
    """What a log says, in sentences with their numbers; a log without events says that nothing is known yet."""
    if found.cases.empty:
        return ["No event log has been read yet, so how the work actually runs is not yet known."]
    teams = list(dict.fromkeys(found.cases["team"]))
    return [
        f"{team}: {sentence}" if len(teams) > 1 else sentence
        for team in teams
        for sentence in _team_findings(Discovery(*(frame[frame["team"] == team] for frame in found)))
    ]


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
    log["resource"] = events["resource"] if "resource" in events.columns else pd.Series(None, log.index, dtype="str")
    ties = [name for name in ("import_id", "row") if name in events.columns]
    log[ties] = events[ties]
    return log.sort_values(["team", "case", "timestamp", *ties], kind="stable", ignore_index=True)


def _active_minutes(log: pd.DataFrame, session_minutes: float) -> pd.Series:
    """Minutes of each event by the module's rule; NaN where it gives none."""
    names_people = log.groupby("team")["resource"].transform("count") > 0
    worker = log["resource"].where(names_people, log["case"])
    known = log.assign(worker=worker).dropna(subset=["worker"])
    moments = known.groupby(["team", "worker", "timestamp"], sort=True).size().rename("shared").reset_index()
    pause = moments.groupby(["team", "worker"])["timestamp"].diff().dt.total_seconds() / 60
    moments["minutes"] = pause.where(pause <= session_minutes) / moments["shared"]
    timed = log.assign(worker=worker).merge(moments, how="left", on=["team", "worker", "timestamp"])
    return timed["minutes"].astype("float64")


def _activities(log: pd.DataFrame, session_minutes: float) -> pd.DataFrame:
    log = log.assign(timed_by=log["resource"].where(log["minutes"].notna()))
    rows = (
        log.groupby(["team", "activity"], sort=True)
        .agg(
            events=("case", "size"),
            cases=("case", "nunique"),
            timed=("minutes", "count"),
            people=("resource", "nunique"),
            timed_people=("timed_by", "nunique"),
        )
        .reset_index()
        .sort_values(["team", "events", "activity"], ascending=[True, False, True], ignore_index=True)
    )
    times = log.groupby("team")["timestamp"]
    rows["span"] = rows["team"].map((times.max() - times.min()).dt.total_seconds() / 86_400)
    long_enough = rows["span"] >= LEAST_SPAN_DAYS
    rows["runs_per_month"] = (rows["events"] / rows["span"] * DAYS_A_MONTH).where(long_enough)
    rows = _with_privacy(rows)
    rows = rows.join(_medians(log, rows))
    rows["note"] = [_note(row, session_minutes) for row in rows.to_dict(orient="records")]
    rows["people"] = rows["people"].astype("Int64").mask(rows["kept_back"] | (rows["people"] == 0))
    return _typed(tables.ACTIVITIES, rows)


def _with_privacy(rows: pd.DataFrame) -> pd.DataFrame:
    """Add `named` (the team's log names people) and what is kept back for it: people, and times."""
    rows["named"] = rows.groupby("team")["people"].transform("max").fillna(0) > 0
    kept_back = intervals.hidden(rows, "people", within="team")
    rows["kept_back"] = rows["named"] & kept_back
    few_behind = rows["named"] & (rows["timed"] > 0) & (rows["timed_people"] < intervals.MINIMUM_GROUP)
    rows["times_kept_back"] = rows["kept_back"] | few_behind
    return rows


def _medians(log: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    minutes = {key: group.to_numpy() for key, group in log.groupby(["team", "activity"])["minutes"]}
    found = [
        None if back else intervals.median(minutes[team, activity])
        for team, activity, back in zip(rows["team"], rows["activity"], rows["times_kept_back"], strict=True)
    ]
    ends = [(item.estimate, item.low, item.high) if item else (None, None, None) for item in found]
    columns = ["median_minutes", "low_minutes", "high_minutes"]
    return pd.DataFrame(ends, columns=columns, index=rows.index).astype("float64")


def _note(row: dict[Hashable, Any], session_minutes: float) -> str:
    basis = "the same person's event before" if row["named"] else "the event before in the same case"
    timing = [
        (row["kept_back"] and row["people"] < intervals.MINIMUM_GROUP, _SMALL),
        (row["kept_back"], _COMPLEMENT),
        (row["times_kept_back"], _FEW_TIMED),
        (row["timed"] == 0, f"No run could be timed: none within {session_minutes:g} minutes of {basis}."),
        (pd.isna(row["low_minutes"]), f"Only {row['timed']} could be timed: too few for an interval."),
        (True, f"Times are estimates, counted since {basis} when at most {session_minutes:g} minutes passed."),
    ]
    said = [next(words for holds, words in timing if holds)]
    if pd.isna(row["runs_per_month"]):
        said.append(
            f"The log covers {row['span']:.1f} days; under {LEAST_SPAN_DAYS:g} days runs a month are not yet known."
        )
    return " ".join(said)


def _arcs(log: pd.DataFrame) -> pd.DataFrame:
    """Count what directly follows what inside a case."""
    case = [log["team"], log["case"]]
    steps = pd.DataFrame(
        {"team": log["team"], "source": log["activity"], "target": log.groupby(case)["activity"].shift(-1)}
    )
    counted = steps.dropna(subset=["target"]).groupby(["team", "source", "target"]).size().rename("count")
    arcs = counted.reset_index().astype(_ARC_TYPES)
    return arcs.sort_values(
        ["team", "count", "source", "target"], ascending=[True, False, True, True], ignore_index=True
    )


def _variants(log: pd.DataFrame) -> pd.DataFrame:
    """Count the cases that took the same path."""
    paths = log.groupby(["team", "case"])["activity"].agg(" → ".join).rename("variant").reset_index()
    counted = paths.groupby(["team", "variant"]).size().rename("cases").reset_index()
    rows = counted.sort_values(["team", "cases", "variant"], ascending=[True, False, True], ignore_index=True)
    rows["share"] = rows["cases"] / rows.groupby("team")["cases"].transform("sum")
    rows["cumulative"] = rows.groupby("team")["share"].cumsum().clip(upper=1.0)
    return rows.astype(_VARIANT_TYPES)


def _cases(log: pd.DataFrame) -> pd.DataFrame:
    grouped = log.groupby(["team", "case"])["timestamp"]
    rows = grouped.agg(start="min", end="max", events="size").reset_index()
    rows["duration_days"] = (rows["end"] - rows["start"]).dt.total_seconds() / 86_400
    return _typed(tables.CASES, rows)


def _tasks(activities: pd.DataFrame, workflow: str) -> pd.DataFrame:
    """One task an activity; minutes only where there is an interval to stand on."""
    most = tables.TASKS.columns["runs_per_month"].high
    rows = activities[["team", "activity", "runs_per_month", "note"]].rename(columns={"activity": "task"})
    rows["task_id"] = _task_ids(activities)
    rows["workflow"], rows["basis"] = workflow, "measured"
    rows["runs_per_month"] = rows["runs_per_month"].where(rows["runs_per_month"] <= most)
    rows["minutes_per_run"] = activities["median_minutes"].where(activities["low_minutes"].notna())
    return _typed(tables.TASKS, rows)


def _task_ids(activities: pd.DataFrame) -> pd.Series:
    """Readable ids from the activity's words; a hash of the activity tells equal or cut ones apart for good."""
    words = activities["activity"].map(lambda text: re.sub(r"\W+", "-", text.casefold()).strip("-"))
    ids = words.str.slice(0, 70)
    unclear = (ids != words) | (ids == "") | ids.to_frame().assign(team=activities["team"]).duplicated(keep=False)
    marks = activities["activity"].map(lambda text: hashlib.sha256(text.encode()).hexdigest()[:8])
    return ids.mask(unclear, ids + "-" + marks).str.lstrip("-").astype("str")


def _typed(table: tables.Table, rows: pd.DataFrame) -> pd.DataFrame:
    """The declared columns in order with their types; computed here, so not checked cell by cell again."""
    return rows.reindex(columns=list(table.columns)).astype({name: col.dtype for name, col in table.columns.items()})


def _team_findings(found: Discovery) -> Iterator[str]:
    yield _duration_finding(found.cases)
    yield _variants_finding(found.variants)
    if not found.arcs.empty:
        first = found.arcs.iloc[0]
        steps = int(found.arcs["count"].sum())
        yield (
            f"The commonest step is {first['source']} followed by {first['target']}: "
            f"{first['count']:,} of {steps:,} steps ({tables.percent(first['count'] / steps)})."
        )
    yield _timing_finding(found.activities)


def _duration_finding(cases: pd.DataFrame) -> str:
    middle = intervals.median(cases["duration_days"])
    assert middle is not None
    single = int((cases["events"] == 1).sum())
    doubt = (
        f"95 % interval {_days(middle.low)} to {_days(middle.high)}"
        if middle.measured
        else "too few for a 95 % interval"
    )
    seen = f"{cases['start'].min():%Y-%m-%d} to {cases['end'].max():%Y-%m-%d}"
    sentence = (
        f"{_count(middle.n, 'piece')} of work from {seen}, "
        f"median {_days(middle.estimate)} from first to last event ({doubt})"
    )
    return sentence + (f"; {single} of them left a single event and so count as 0 days." if single else ".")


def _variants_finding(variants: pd.DataFrame) -> str:
    needed = int((variants["cumulative"] < COMMON_SHARE - 1e-9).sum()) + 1
    total, first = int(variants["cases"].sum()), variants.iloc[0]
    path = first["variant"] if len(first["variant"]) <= 120 else first["variant"][:119] + "…"
    return (
        f"{needed} of {_count(len(variants), 'path')} through the work cover {tables.percent(COMMON_SHARE)} of the pieces; "
        f"the commonest ({path}) was taken by {first['cases']} of {total} ({tables.percent(first['share'])})."
    )


def _timing_finding(activities: pd.DataFrame) -> str:
    timed = int(activities["low_minutes"].notna().sum())
    total = _count(len(activities), "kind") + " of activity"
    held = int(activities["note"].str.contains("kept back", regex=False).sum())
    back = f" Times of {held} are kept back to protect groups under five people." if held else ""
    if not timed:
        return f"None of {total} can be given active minutes yet: too few runs follow close enough on another.{back}"
    return (
        f"{timed} of {total} have active minutes: estimates from the pauses between events, "
        f"not a stopwatch, and they lean low for long work.{back}"
    )


def _days(days: float) -> str:
    return f"{days:.1f} days" if days >= 1 else f"{days * 24:.1f} hours"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
