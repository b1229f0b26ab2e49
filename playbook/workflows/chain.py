"""What comes after the first pilots: workflows to open at level 3, and layers where an agent may hand to an agent.

A workflow runs through its layers in order. Each layer is automated (agents lead), audited (people and agents work in a
loop and people check) or owned (people lead), by the level that may be handed over now.
"""

from __future__ import annotations

import pandas as pd

from playbook.tables import LAYERS, count
from playbook.workflows.inventory import joined

AUTOMATED_FROM = 4
AUDITED_FROM = 3


def next_wave(tasks: pd.DataFrame, placements: pd.DataFrame, level: int = 3) -> pd.DataFrame:
    """Workflows with work at exactly this ready level, most hours first; one row a team and workflow.

    Columns: team, workflow, tasks (at the level), hours (a month, known ones), of_hours (the workflow's), share = hours /
    of_hours, below (tasks of the workflow worked below the level today that may come up to it), examples (up to three
    tasks in words). Empty when no task is ready at the level.
    """
    work = joined(tasks, placements)
    columns = ["team", "workflow", "tasks", "hours", "of_hours", "share", "below", "examples"]
    ready = work[work["ready_level"] == level]
    rows = []
    for (team, workflow), part in ready.groupby(["team", "workflow"], sort=True):
        whole = work[(work["team"] == team) & (work["workflow"] == workflow)]["hours_per_month"]
        hours, of_hours = part["hours_per_month"].sum(min_count=1), whole.sum(min_count=1)
        below = (part["current_level"] < level).fillna(value=False)
        largest = part.sort_values("hours_per_month", ascending=False, kind="stable")
        rows.append(
            {
                "team": team,
                "workflow": workflow,
                "tasks": len(part),
                "hours": hours,
                "of_hours": of_hours,
                "share": hours / of_hours if of_hours else float("nan"),
                "below": int(below.sum()),
                "examples": "; ".join(largest["task"].head(3)),
            }
        )
    found = pd.DataFrame(rows, columns=columns)
    return found.sort_values(["team", "hours"], ascending=[True, False], kind="stable", ignore_index=True)


def chain(tasks: pd.DataFrame, placements: pd.DataFrame) -> pd.DataFrame:
    """Each workflow's layers in order, how each may be run now, and where an agent could hand to an agent.

    Columns: team, workflow, layer, tasks, hours (a month, known ones), ready (lowest ready level of the layer's tasks:
    a layer is handed over as a whole or not at all; empty when a task has none), run (`automated`, `audited`, `owned`,
    `not yet known`), hands_to (the next layer present, when this and that are automated; else empty). Tasks without a
    layer are left out.
    """
    work = joined(tasks, placements)
    work = work[work["layer"].notna()]
    rows = []
    for (team, workflow), flow in work.groupby(["team", "workflow"], sort=True):
        present = [layer for layer in LAYERS if (flow["layer"] == layer).any()]
        layers = [_layer(team, workflow, layer, flow[flow["layer"] == layer]) for layer in present]
        for here, following in zip(layers, [*layers[1:], None], strict=True):
            both = following is not None and here["run"] == following["run"] == "automated"
            rows.append({**here, "hands_to": following["layer"] if following is not None and both else ""})
    columns = ["team", "workflow", "layer", "tasks", "hours", "ready", "run", "hands_to"]
    return pd.DataFrame(rows, columns=columns).astype({"ready": "Int64"})


def chain_findings(chained: pd.DataFrame) -> list[str]:
    """What `chain` says, team by team, in sentences; "not yet" where no two layers in a row may be run by agents."""
    return [f"{team}: {_links(part)}" for team, part in chained.groupby("team", sort=True)]


def wave_findings(wave: pd.DataFrame) -> list[str]:
    """What `next_wave` says, team by team, in sentences; one "not yet" when no task is ready for the level 3 loop."""
    if wave.empty:
        return ["Not yet: no task is ready for level 3; rate the open ones or prepare their data first."]
    return [f"{team}: {_wave(part)}" for team, part in wave.groupby("team", sort=True)]


def _links(chained: pd.DataFrame) -> str:
    links = chained[chained["hands_to"] != ""]
    if links.empty:
        return "Not yet: in no workflow may two layers in a row be run by agents, so there is nothing to link."
    first = links.iloc[0]
    return (
        f"In {links['workflow'].nunique()} of {count(chained['workflow'].nunique(), 'workflow')} an agent could hand straight "
        f"to an agent, {count(len(links), 'hand-over')} in all; for example {first['layer']} to {first['hands_to']} in "
        f"{first['workflow']}."
    )


def _wave(wave: pd.DataFrame) -> str:
    known = wave["hours"].sum(min_count=1)
    hours = "their hours are not known yet" if pd.isna(known) else f"{count(known, 'hour')} a month"
    return (
        f"{count(wave['tasks'].sum(), 'task')} in {count(len(wave), 'workflow')} may be worked in the level 3 loop, {hours}; the largest is "
        f"{wave.iloc[0]['workflow']}."
    )


def _layer(team: object, workflow: object, layer: str, part: pd.DataFrame) -> dict[str, object]:
    known = bool(part["ready_level"].notna().all())
    ready = int(part["ready_level"].min()) if known else None
    return {
        "team": team,
        "workflow": workflow,
        "layer": layer,
        "tasks": len(part),
        "hours": part["hours_per_month"].sum(min_count=1),
        "ready": ready,
        "run": _run(ready),
    }


def _run(ready: int | None) -> str:
    if ready is None:
        return "not yet known"
    if ready >= AUTOMATED_FROM:
        return "automated"
    return "audited" if ready >= AUDITED_FROM else "owned"
