"""What the inventory and the shortlist say: sentences for a page, figures for the gates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook import intervals
from playbook.tables import MEASURES, count, percent
from playbook.workflows.inventory import NOT_STATED, STUCK_LEVEL, by_function, numbers, stuck_at_two, with_hours

if TYPE_CHECKING:
    from collections.abc import Iterator

COLLABORATIVE = 3
MOST_PILOTS = 3
NO_TASK = "Not yet: no task has been mapped."
UNITS = {
    "tasks_mapped": "tasks",
    "workflows_mapped": "workflows",
    "share_with_current_level": "share",
    "share_with_volume": "share",
    "pilots_shortlisted": "workflows",
    "stuck_at_two_share": "share",
    "hours_at_stake": "hours a month",
    "hours_at_level_3_plus_share": "share",
}


def measures(tasks: pd.DataFrame, placements: pd.DataFrame, shortlist: pd.DataFrame) -> pd.DataFrame:
    """Per team, as MEASURES: tasks_mapped, workflows_mapped, share_with_current_level, share_with_volume,
    pilots_shortlisted, stuck_at_two_share, hours_at_stake and hours_at_level_3_plus_share.

    `hours_at_level_3_plus_share` is the share of hours worked at level 3 or above today, among tasks whose hours and
    current level are known. The placements only say which tasks were judged, in the shortlist's evidence.
    """
    rows: list[dict[str, Any]] = []
    for team, group in with_hours(tasks).groupby("team", sort=True):
        mine = shortlist[shortlist["team"] == team]
        placed = int(placements.loc[placements["team"] == team, "target_level"].notna().sum())
        rows += [{"team": team, "needs": ""} | row for row in (*_mapped(group), *_judged(group, mine, placed))]
    frame = pd.DataFrame(rows, columns=list(MEASURES.columns))
    return frame.astype({name: col.dtype for name, col in MEASURES.columns.items()})


def findings(tasks: pd.DataFrame, placements: pd.DataFrame, shortlist: pd.DataFrame) -> list[str]:
    """What inventory and shortlist say in sentences, per team when there are several. No tasks give one "not yet"."""
    if tasks.empty:
        return [NO_TASK]
    return [*inventory_findings(tasks, placements), *shortlist_findings(shortlist)]


def inventory_findings(tasks: pd.DataFrame, placements: pd.DataFrame) -> list[str]:
    """What is mapped, hours at stake, work stuck at level 2, the widest step; per team when there are several."""
    if tasks.empty:
        return [NO_TASK]
    said: list[str] = []
    for team, group in with_hours(tasks).groupby("team", sort=True):
        own = placements[placements["team"] == team]
        said += [_lead(tasks, team) + text for text in (*_inventory(group), *_stuck(group), *_gaps(group, own))]
    return said


def shortlist_findings(shortlist: pd.DataFrame) -> list[str]:
    """Proposed pilots, what is not yet fit and why, what stays with people; per team when there are several."""
    if shortlist.empty:
        return ["Not yet: there is no workflow to choose a pilot from."]
    return [
        _lead(shortlist, team) + text for team, group in shortlist.groupby("team", sort=True) for text in _pilots(group)
    ]


def _lead(frame: pd.DataFrame, team: object) -> str:
    return f"Team {team}: " if len(set(frame["team"])) > 1 else ""


def _mapped(group: pd.DataFrame) -> Iterator[dict[str, Any]]:
    n, hours, level = len(group), group["hours_per_month"], numbers(group, "current_level")
    workflows, timed, levelled = group["workflow"].nunique(), int(hours.notna().sum()), int(level.notna().sum())
    tasks = count(n, "task")
    yield _row("tasks_mapped", n, n, evidence=f"{count(n, 'task')} in the inventory")
    yield _row("workflows_mapped", workflows, n, evidence=f"{count(workflows, 'workflow')} in the inventory of {tasks}")
    yield _row("share_with_current_level", levelled / n, n, evidence=f"{levelled} of {tasks} have a current level")
    yield _row("share_with_volume", timed / n, n, evidence=f"{timed} of {tasks} have runs a month and minutes a run")
    if timed:
        said = f"{hours.sum():.1f} hours a month over the {timed} of {tasks} whose runs and minutes are known"
        yield _row("hours_at_stake", float(hours.sum()), timed, evidence=said)
    else:
        yield _row("hours_at_stake", None, 0, needs="runs a month and minutes a run of at least one task")


def _judged(group: pd.DataFrame, shortlist: pd.DataFrame, placed: int) -> Iterator[dict[str, Any]]:
    chosen, candidates = shortlist.loc[shortlist["chosen"].astype(bool), "workflow"].tolist(), len(shortlist)
    names = f": {', '.join(chosen)}" if chosen else ""
    said = f"{len(chosen)} of {count(candidates, 'workflow')} chosen{names}; {placed} of {count(len(group), 'task')} had a level"
    if placed:
        yield _row("pilots_shortlisted", len(chosen), candidates, evidence=said[:1000])
    else:
        yield _row("pilots_shortlisted", None, candidates, needs="a level for at least one task")
    level, hours = numbers(group, "current_level"), group["hours_per_month"]
    rated, two = int(level.notna().sum()), int((level == STUCK_LEVEL).sum())
    interval = intervals.wilson(two, rated)
    if interval:
        said = f"{two} of {count(rated, 'task')} with a current level; 95 % interval {percent(interval.low)} to {percent(interval.high)}"
        yield _row("stuck_at_two_share", interval.estimate, rated, evidence=said)
    else:
        yield _row("stuck_at_two_share", None, 0, needs="the current level of at least one task")
    both = level.notna() & hours.notna()
    total = float(hours[both].sum())
    if total > 0:
        above = float(hours[both & (level >= COLLABORATIVE)].sum())
        said = f"{above:.1f} of {total:.1f} hours a month, over {count(int(both.sum()), 'task')} with hours and a current level"
        yield _row("hours_at_level_3_plus_share", above / total, int(both.sum()), evidence=said)
    else:
        needs = "hours and the current level of at least one task"
        yield _row("hours_at_level_3_plus_share", None, int(both.sum()), needs=needs)


def _row(measure: str, value: float | None, n: int, *, evidence: str = "", needs: str = "") -> dict[str, Any]:
    return {"measure": measure, "value": value, "unit": UNITS[measure], "n": n, "evidence": evidence, "needs": needs}


def _inventory(group: pd.DataFrame) -> Iterator[str]:
    hours, n = group["hours_per_month"], len(group)
    timed = int(hours.notna().sum())
    yield f"{count(n, 'task')} in {count(group['workflow'].nunique(), 'workflow')} {'is' if n == 1 else 'are'} mapped."
    if not timed:
        yield "Not yet: hours at stake are unknown, because no task has both runs a month and minutes a run."
        return
    measured = int((group["basis"] == "measured").sum()) if "basis" in group.columns else 0
    basis = f"{measured} of {count(n, 'task')} measured from a log, the rest estimated by people"
    yield f"{hours.sum():.0f} hours a month are at stake in the {timed} of {count(n, 'task')} with known volume ({basis})."
    largest = (
        group.groupby("workflow")["hours_per_month"].sum().sort_index().sort_values(ascending=False, kind="stable")
    )
    if hours.sum() > 0 and len(largest) > 1:
        top = largest.head(3)
        named = ", ".join(f"{name} ({value:.0f})" for name, value in top.items())
        yield f"Most hours go into {named}: {percent(top.sum() / hours.sum())} of the total."


def _stuck(group: pd.DataFrame) -> Iterator[str]:
    row = stuck_at_two(group).iloc[0]
    if not row["rated"]:
        yield "Not yet: no task has a current level, so how much work is stuck at level 2 is unknown."
        return
    text = (
        f"{row['at_two']} of {count(row['rated'], 'task')} with a current level ({percent(row['share'])}, 95 % interval "
        f"{percent(row['low'])} to {percent(row['high'])}) are worked at level 2 today"
    )
    yield text + (f", {percent(row['hours_share'])} of their hours." if pd.notna(row["hours_share"]) else ".")


def _gaps(group: pd.DataFrame, placements: pd.DataFrame) -> Iterator[str]:
    functions = by_function(group.drop(columns="hours_per_month"), placements).dropna(subset=["gap"])
    functions = functions[functions["function"] != NOT_STATED]
    if functions.empty:
        yield "Not yet: no function has both a current and a target level, so the gap between them is unknown."
        return
    most = functions.sort_values(["gap", "function"], ascending=[False, True]).iloc[0]
    if most["gap"] > 0:
        yield (
            f"The widest step is in {most['function']}: worked at level {most['current']:.1f} today, level "
            f"{most['target']:.1f} by its nature ({count(int(most['n_gap']), 'task')} with both)."
        )
    below = functions.loc[functions["gap"] < 0, "function"].tolist()
    if below:
        yield f"Worked at a higher level than its nature supports: {', '.join(below)}; look there first for risk."


def _pilots(shortlist: pd.DataFrame) -> Iterator[str]:
    chosen = shortlist[shortlist["chosen"].astype(bool)].sort_values("rank")
    names, rest = chosen["workflow"].tolist(), shortlist[~shortlist["chosen"].astype(bool)]
    if names:
        hours = chosen["hours_per_month"].sum()
        yield (
            f"Proposed {'pilot' if len(names) == 1 else 'pilots'}, out of {count(len(shortlist), 'workflow')}: "
            f"{', '.join(names)}; together {hours:.0f} hours a month."
        )
    if len(names) < MOST_PILOTS and rest["rank"].isna().all():
        fit = (
            "No workflow is"
            if not names
            else f"Only {count(len(names), 'workflow')} {'is' if len(names) == 1 else 'are'}"
        )
        reasons = "; ".join(f"{row.workflow}: {row.reason}" for row in rest.head(3).itertuples())
        yield f"{fit} fit to be a first pilot now" + (f". Next in line: {reasons}." if reasons else ".")
    human = int(rest["reason"].str.startswith("keep human").sum())
    if human:
        yield f"Keep human: {human} of {count(len(shortlist), 'workflow')} {'stays' if human == 1 else 'stay'} with people."
