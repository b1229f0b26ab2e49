"""Who would sit where: workflows under the outcomes they serve, their seats, and what one role must not hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from playbook import tables
from playbook.pods.rules import KeptApart, PodRules, Separation

PROPOSED = (
    "team",
    "pod",
    "outcome",
    "workflow",
    "seat",
    "role",
    "status",
    "why",
    "first",
    "tasks",
    "hours",
    "hours_led",
)
FAULTS = ("team", "place", "workflow", "fault", "role", "why", "do")


def propose(
    tasks: pd.DataFrame,
    placements: pd.DataFrame,
    seats: pd.DataFrame,
    rules: PodRules,
    shortlist: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row a team, pod, workflow and seat: who would sit where.

    Columns: team, pod (named by its outcome), outcome, workflow, seat, role, status (`filled`, `open`, `conflict`), why,
    first (the workflow is a proposed pilot), tasks (n), hours (a month, known ones), hours_led (of these at a target
    level agents lead). A workflow joins the pod that most of its hours serve, by tasks while no hours are known; one
    that people placed in a pod stays there; one that serves no listed outcome stands under `no outcome yet`.
    """
    work = tables.inventory(tasks, placements)
    taken = tables.check(tables.POD_SEATS, seats)
    first = _chosen(shortlist)
    rows: list[tuple[Any, ...]] = []
    places = {
        (team, tables.plain_name(flow)): flow for team, flow in zip(taken["team"], taken["workflow"], strict=True)
    }
    places |= {(team, tables.plain_name(flow)): flow for team, flow in zip(work["team"], work["workflow"], strict=True)}
    for (team, key), workflow in sorted(places.items()):
        part = work[work["team"].eq(team) & work["workflow"].map(tables.plain_name).eq(key)]
        held = taken[taken["team"].eq(team) & taken["workflow"].map(tables.plain_name).eq(key)]
        led = part.loc[part["target_level"].ge(rules.spans.from_level.value).fillna(value=False), "hours"].sum()
        facts = ((team, key) in first, len(part), float(part["hours"].sum()), float(led))
        for pod in held["pod"].unique() if len(held) else [_pod(part, rules)]:
            sits = _sits(held[held["pod"].eq(pod)])
            rows += [
                (team, pod, rules.outcome_of.get(pod, ""), workflow, *seated, *facts) for seated in _seats(sits, rules)
            ]
    frame = pd.DataFrame(rows, columns=list(PROPOSED)).astype(dict.fromkeys(PROPOSED[:8], "str"))
    frame = frame.astype({"first": "boolean", "tasks": "Int64", "hours": "float64", "hours_led": "float64"})
    return frame.sort_values(
        ["team", "first", "hours_led"], ascending=[True, False, False], kind="stable", ignore_index=True
    )


def _chosen(shortlist: pd.DataFrame | None) -> set[tuple[str, str]]:
    if shortlist is None:
        return set()
    rows = tables.check(tables.SHORTLIST, shortlist)
    rows = rows[rows["chosen"]]
    return {(team, tables.plain_name(workflow)) for team, workflow in zip(rows["team"], rows["workflow"], strict=True)}


def _pod(part: pd.DataFrame, rules: PodRules) -> str:
    pods = pd.Series([_served(function, rules) for function in part["function"]], index=part.index, dtype="str")
    weight = part["hours"].fillna(0) if part["hours"].sum() else pd.Series(1.0, index=part.index)
    served = weight.groupby(pods).sum().drop(index=rules.no_outcome, errors="ignore")
    return str(served.idxmax()) if served.gt(0).any() else rules.no_outcome


def _served(function: object, rules: PodRules) -> str:
    return (isinstance(function, str) and rules.pod_of(function)) or rules.no_outcome


def _sits(held: pd.DataFrame) -> dict[str, str]:
    named = held[held["role"].notna()]
    return dict(zip(named["seat"], named["role"], strict=True))


def _seats(sits: dict[str, str], rules: PodRules) -> Iterator[tuple[str, str | None, str, str]]:
    faults = {seat: rule.why for rule in _shared(sits, rules.separation) for seat in rule.seats}
    for seat in rules.seats:
        role = sits.get(seat.seat)
        status = "conflict" if seat.seat in faults else "filled" if role else "open"
        yield seat.seat, role, status, faults.get(seat.seat, "")


def _shared(sits: dict[str, str], separation: list[Separation]) -> list[Separation]:
    def same(rule: Separation) -> bool:
        one, other = (sits.get(seat) for seat in rule.seats)
        return one is not None and other is not None and tables.plain_name(one) == tables.plain_name(other)

    return [rule for rule in separation if same(rule)]


def separation_faults(seats: pd.DataFrame, playbooks: pd.DataFrame, rules: PodRules) -> pd.DataFrame:
    """One row a pair of seats or playbook holders that one role holds and should not.

    Columns: team, place (the pod, or `playbook ID`), workflow, fault, role, why, do. Retired playbooks are left out. Two
    different people may share a role's title: the row says what to check, it accuses nobody.
    """
    taken = tables.check(tables.POD_SEATS, seats)
    rows: list[tuple[Any, ...]] = []
    operates: dict[tuple[str, str], dict[str, str]] = {}
    for place, held in taken.groupby(["team", "pod", "workflow"], sort=True):
        team, pod, workflow = map(str, place)
        sits = _sits(held)
        operates.setdefault((team, tables.plain_name(workflow)), {}).update(sits)
        rows += [
            (team, pod, workflow, " = ".join(rule.seats), sits[rule.seats[0]], rule.why, rule.do)
            for rule in _shared(sits, rules.separation)
        ]
    register = tables.check(tables.AGENT_PLAYBOOKS, playbooks)
    for row in register[register["status"].ne("retired")].astype(object).to_dict(orient="records"):
        sits = operates.get((row["team"], tables.plain_name(row["workflow"])), {})
        rows += _holders(row, sits, rules.playbook_separation)
    return pd.DataFrame(rows, columns=list(FAULTS)).astype("str")


def _holders(row: dict[Any, Any], sits: dict[str, str], kept_apart: list[KeptApart]) -> Iterator[tuple[Any, ...]]:
    place = f"playbook {row['playbook_id']}"
    for rule in kept_apart:
        one, other = (row[name] if name in row else sits.get(name) for name in rule.holders)
        if isinstance(one, str) and isinstance(other, str) and tables.plain_name(one) == tables.plain_name(other):
            said = " = ".join(name.replace("_role", "") for name in rule.holders)
            yield row["team"], place, row["workflow"], said, one, rule.why, rule.do


def seat_map(proposed: pd.DataFrame) -> pd.DataFrame:
    """The frame of `propose` with a row a workflow and a column a seat: the role in it, `open`, or the conflict.

    Columns: team, pod, workflow, hours, then each seat by name in the order of the rules.
    """
    seats = list(dict.fromkeys(proposed["seat"]))
    shown = proposed.assign(
        shown=[
            "open" if pd.isna(role) else f"{role} (conflict)" if status == "conflict" else str(role)
            for role, status in zip(proposed["role"], proposed["status"], strict=True)
        ]
    )
    keys = ["team", "pod", "workflow", "hours"]
    flows = shown[keys].drop_duplicates(["team", "pod", "workflow"]).reset_index(drop=True)
    wide = shown.pivot_table(index=["team", "pod", "workflow"], columns="seat", values="shown", aggfunc="first")
    return flows.merge(wide.reset_index(), on=["team", "pod", "workflow"], how="left")[[*keys, *seats]]
