"""What the tables say about pods: sentences, and the measures a gate asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from playbook import tables
from playbook.pods.rules import PodRules
from playbook.pods.span import BY_NATURE


def measures(proposed: pd.DataFrame, faults: pd.DataFrame, rules: PodRules, teams: Iterable[str] = ()) -> pd.DataFrame:
    """Three figures a team (tables.MEASURES): pods_formed, pod_seats_filled_share, separation_faults.

    A pod is formed when one of its workflows has every seat filled that the rules need for it. The share counts
    the seats of workflows that are proposed pilots or where somebody already sits. Without a single filled seat
    separation cannot be judged, so no fault count is given.
    """
    rows: list[dict[str, Any]] = []
    needed = {seat.seat for seat in rules.seats if seat.needed_to_form}
    for team in sorted({*proposed["team"], *faults["team"], *teams}):
        part = proposed[proposed["team"].eq(team)]
        begun = part.groupby(["pod", "workflow"])["role"].transform("count").gt(0) | part["first"]
        seats, filled = part[begun], part[part["role"].notna()]
        sat = filled[filled["seat"].isin(needed)].groupby(["pod", "workflow"])["seat"].nunique()
        formed = sat[sat.eq(len(needed))].index.get_level_values("pod").unique().drop(rules.no_outcome, errors="ignore")
        found = int(faults["team"].eq(team).sum())
        rows += [
            _measure(
                team,
                "pods_formed",
                len(formed) if len(part) else None,
                "pods",
                len(set(part["pod"])),
                f"formed: {', '.join(formed) or 'none'}; needs {' and '.join(sorted(needed))}",
                "an inventory of tasks",
            ),
            _measure(
                team,
                "pod_seats_filled_share",
                seats["role"].notna().mean() if len(seats) else None,
                "share",
                len(seats),
                f"{seats['role'].notna().sum()} of {len(seats)} seats of begun workflows",
                "a shortlist, or a filled seat",
            ),
            _measure(
                team,
                "separation_faults",
                found if len(filled) or found else None,
                "faults",
                len(filled),
                f"{found} among {len(filled)} filled seats and the playbooks",
                "at least one filled pod seat",
            ),
        ]
    return tables.check(tables.MEASURES, pd.DataFrame(rows, columns=list(tables.MEASURES.columns)))


def _measure(  # noqa: PLR0913, PLR0917 - the columns of a measure, in their order
    team: str, measure: str, value: float | None, unit: str, n: int, evidence: str, needs: str
) -> dict[str, Any]:
    row: dict[str, Any] = {"team": team, "measure": measure, "unit": unit, "n": n}
    return row | ({"needs": needs} if value is None else {"value": float(value), "evidence": evidence})


def findings(proposed: pd.DataFrame, spans: pd.DataFrame, faults: pd.DataFrame, rules: PodRules) -> list[str]:
    """What the tables say about pods, spans and separation, team by team, in sentences with their numbers."""
    if proposed.empty:
        return ["No pods yet: the inventory holds no workflow to form one around."]
    sentences: list[str] = []
    teams = sorted(set(proposed["team"]))
    for team in teams:
        mine, span, fault = (frame[frame["team"].eq(team)] for frame in (proposed, spans, faults))
        told = list(_findings(mine, span, fault, rules))
        sentences += [f"{team}: {sentence}" for sentence in told] if len(teams) > 1 else told
    return sentences


def _n(count: Any, noun: str) -> str:
    return f"{count:,.0f} {noun}" + ("" if round(count) == 1 else "s")


def _findings(proposed: pd.DataFrame, spans: pd.DataFrame, faults: pd.DataFrame, rules: PodRules) -> Iterator[str]:
    placed = proposed[proposed["pod"].ne(rules.no_outcome)]
    flows, without = set(placed["workflow"]), set(proposed["workflow"]) - set(placed["workflow"])
    pods = _n(len(set(placed["pod"])), "outcome")
    yield f"{_n(len(flows), 'workflow')} with an outcome to serve: {pods} that a pod could own."
    if without:
        yield f"No outcome yet for {', '.join(sorted(without))} ({len(without)}); name what they are for before seating them."
    open_seats = int(proposed["status"].eq("open").sum())
    yield f"{len(proposed) - open_seats} of {len(proposed)} seats are filled; an open seat is fine where no agent works yet."
    for row in spans.itertuples():
        said = (
            f" (between {row.people_low:.1f} and {row.people_high:.1f} by the levels' ranges)"
            if row.basis == BY_NATURE
            else ""
        )
        yield (
            f"Work agents could lead, {row.basis}: {_n(row.hours, 'hour')} a month in {_n(row.tasks, 'task')}, the output of "
            f"{row.people:.1f} people{said}; {row.said}. Not counted for want of hours or level: {_n(row.unknown, 'task')}."
        )
    for row in faults.itertuples():
        yield f"{row.place}, {row.workflow}: {row.role} holds {row.fault}; {row.why}. To do: {row.do}."
    if faults.empty and proposed["role"].notna().any():
        yield f"No separation fault among {proposed['role'].notna().sum()} filled seats."
