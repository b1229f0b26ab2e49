"""What a log says of the work, in sentences with their numbers."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from playbook import intervals, tables
from playbook.workflows.discovery.counts import COMMON_SHARE
from playbook.workflows.discovery.results import Discovery

DAY_MINUTES = 1440
# work that is worked on most of its life is rare; such a share rather says that begin or end is not what it seems
SUSPECT_SHARE = 0.5


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
    yield from _waiting_finding(found.activities)
    yield from _rework_finding(found.flow, found.activities)
    yield from _handover_finding(found.flow)
    yield _timing_finding(found.activities)
    yield from _efficiency_findings(found.flow)


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
    shown = activities[activities["low_minutes"].notna()]
    measured = int((shown["basis"] == "measured").sum())
    if measured == timed:
        return f"{timed} of {total} have active minutes, all as the tool recorded them.{back}"
    some = f" ({measured} of them measured by the tool alone)" if measured else ""
    return (
        f"{timed} of {total} have active minutes{some}: estimates from the pauses between events, "
        f"not a stopwatch, and they lean low for long work.{back}"
    )


def _waiting_finding(activities: pd.DataFrame) -> Iterator[str]:
    known = activities[activities["low_waiting"].notna()]
    if known.empty:
        return
    # what holds work up most in all: how often times how long
    longest = known.iloc[int((known["waiting_minutes"] * known["waits"]).to_numpy("float64").argmax())]
    low, high = (_length(longest[end]) for end in ("low_waiting", "high_waiting"))
    yield (
        f"Most of the waiting is before {longest['activity']}: a median of "
        f"{_length(longest['waiting_minutes'])} (95 % interval {low} to {high}), {longest['waits']:,} times."
    )


def _rework_finding(flow: pd.DataFrame, activities: pd.DataFrame) -> Iterator[str]:
    again, events = int(flow["repeats"].sum()), int(flow["events"].sum())
    if not again:
        yield "No piece of work went through the same activity twice."
        return
    most = activities.iloc[int(activities["repeats"].to_numpy("int64").argmax())]
    yield (
        f"{int(flow['reworked'].sum()):,} of {_count(int(flow['cases'].sum()), 'piece')} of work came back to something "
        f"already done: {again:,} of {events:,} events ({tables.percent(again / events)}), most of all "
        f"{most['activity']} ({most['repeats']:,})."
    )


def _handover_finding(flow: pd.DataFrame) -> Iterator[str]:
    known = flow[flow["handovers"].notna()]
    if len(known):
        taken, pieces = int(known["handovers"].sum()), int(known["cases"].sum())
        yield f"Another person took over {taken:,} times: {taken / pieces:.1f} handovers a piece of work (n = {pieces:,})."


def _efficiency_findings(flow: pd.DataFrame) -> Iterator[str]:
    for row in flow[flow["low_efficiency"].notna()].to_dict(orient="records"):
        of = f" of {row['workflow']}" if len(flow) > 1 else ""
        said = "as recorded" if row["basis"] == "measured" else "an estimate"
        suspect = " Above 50 % the log's times deserve a second look." if row["efficiency"] > SUSPECT_SHARE else ""
        yield (
            f"Flow efficiency{of}, active minutes over all minutes from begin to end, is {_share(row['efficiency'])} "
            f"at the median of {_count(row['measured'], 'piece')} (95 % interval {_share(row['low_efficiency'])} to "
            f"{_share(row['high_efficiency'])}), {said}. {row['note']}{suspect}"
        )


def _length(minutes: float) -> str:
    return f"{minutes:.0f} minutes" if minutes < 60 else _days(minutes / DAY_MINUTES)


def _share(share: float) -> str:
    return "under 0.1 %" if 0 < share < 0.001 else tables.percent(share)


def _days(days: float) -> str:
    return f"{days:.1f} days" if days >= 1 else f"{days * 24:.1f} hours"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
