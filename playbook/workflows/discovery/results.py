"""From what the walk through a log has added up to the tables people read, with small groups kept back."""

from __future__ import annotations

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from playbook import tables
from playbook.workflows.discovery.counts import (
    ARC_TYPES,
    FLOW_TYPES,
    Names,
    activities,
    activity_rows,
    arcs,
    flow,
    flow_rows,
    middles,
)
from playbook.workflows.discovery.paths import Paths, framed, moments, recorded_workflow
from playbook.workflows.keywords import Keywords, suggested

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playbook.workflows.discovery.walk import Walk

VARIANT_TYPES = {"team": "str", "variant": "str", "cases": "Int64", "share": "float64", "cumulative": "float64"}


class Discovery(NamedTuple):
    """What an event log shows, one frame a question; every frame keeps the team.

    `activities` is tables.ACTIVITIES and `cases` tables.CASES. `arcs` (team, source, target, count, waiting_minutes,
    low_waiting, high_waiting) says how often `target` came directly after `source` in a case and how long it waited:
    the median with its 95 % interval, empty where fewer than five people are behind it. `variants` (team, variant,
    cases, share, cumulative) says how many cases took exactly one path, the commonest first, as a share (0 to 1) of
    the team's cases. `tasks` is tables.TASKS: one suggested task an activity, its frequency measured, function and
    layer suggested by keywords, to be grouped, renamed and rated by people.

    `flow` has a row a workflow: team, workflow, cases, events, median_days; efficiency, low_efficiency,
    high_efficiency (active minutes over minutes from first begin to last event, 0 to 1, median of the `measured` cases
    with two events or more, and its 95 % interval) and its `basis` (measured, estimated, mixed; empty: not known),
    all empty where one to four people are behind those cases' active minutes; repeats (events that do again what their
    case had before) in `reworked` cases; handovers and people (empty where kept back); paths, and common_paths that cover
    80 % of the cases; note.
    """

    activities: pd.DataFrame
    arcs: pd.DataFrame
    variants: pd.DataFrame
    cases: pd.DataFrame
    tasks: pd.DataFrame
    flow: pd.DataFrame


def nothing_found() -> Discovery:
    """The tables of a log without events, typed."""
    steps, paths, flows = (framed(types, {}) for types in (ARC_TYPES, VARIANT_TYPES, FLOW_TYPES))
    return Discovery(
        tables.ACTIVITIES.empty(), steps, paths, tables.CASES.empty(), tables.TASKS.empty(), flows
    )  # fmt: skip


def tables_of(walk: Walk, names: Names, workflow: str, keywords: Keywords | None) -> Discovery:
    """The tables of one team's log. `workflow` names what no workflow was recorded for."""
    with ThreadPoolExecutor(1) as pool:
        # 1. the medians, and beside them the paths, which also say what comes again in a case
        known = pool.submit(middles, walk)
        paths = Paths(walk)
        variants = pool.submit(_variants, paths, names)
        cases = _cases(walk, names, paths)
        flows = flow_rows(walk, names, paths, cases, workflow)
        # 2. the activities, and the steps between them
        rows = activity_rows(walk, names, paths, known.result())
        done = activities(rows, walk.session)
        steps = arcs(walk, names, rows, known.result())
        # 3. the tasks they suggest
        tasks = _tasks(walk, names, done, workflow, keywords)
        return Discovery(done, steps, variants.result(), cases, tasks, flow(walk, names, paths, flows, rows))


def joined(found: Sequence[Discovery]) -> Discovery:
    """The tables of several teams, one under the other."""
    if not found:
        return nothing_found()
    return found[0] if len(found) == 1 else Discovery(
        *(pd.concat(frames, ignore_index=True) for frames in zip(*found, strict=True))
    )  # fmt: skip


def _cases(walk: Walk, names: Names, paths: Paths) -> pd.DataFrame:
    here = paths.present
    rows = {
        "team": names.team,
        "case": names.cases[here],
        "start": moments(walk.start[here]),
        "end": moments(walk.end[here]),
        "events": walk.events[here],
        "duration_days": (walk.end[here] - walk.start[here]) / 1e6 / 86_400,
        "workflow": recorded_workflow(walk.workflow[here], names.workflows, None),
        "repeats": paths.repeats[paths.path],
    }
    return framed({name: col.dtype for name, col in tables.CASES.columns.items()}, rows)


def _variants(paths: Paths, names: Names) -> pd.DataFrame:
    order, texts = paths.commonest_first(), paths.texts(names.activities)
    cases = paths.cases[order]
    share = cases / cases.sum()
    columns = {"team": names.team, "variant": [texts[at] for at in order], "cases": cases, "share": share}
    return framed(VARIANT_TYPES, {**columns, "cumulative": share.cumsum().clip(max=1.0)})


def _tasks(
    walk: Walk, names: Names, done: pd.DataFrame, workflow: str, keywords: Keywords | None
) -> pd.DataFrame:  # fmt: skip
    """One task an activity; minutes only where there is an interval to stand on."""
    most = tables.TASKS.columns["runs_per_month"].high
    rows = done[["team", "activity", "runs_per_month", "note"]].rename(columns={"activity": "task"})
    rows["task_id"] = _task_ids(done)
    rows["basis"] = "measured"
    rows["workflow"] = _commonest_workflow(walk, names, done["activity"], workflow)
    rows[["function", "layer"]] = suggested(done["activity"], keywords).to_numpy()
    rows["runs_per_month"] = rows["runs_per_month"].where(rows["runs_per_month"] <= most)
    longest = tables.TASKS.columns["minutes_per_run"].high
    minutes = done["median_minutes"].where(done["low_minutes"].notna())
    rows["minutes_per_run"] = minutes.where(minutes <= longest)
    return framed({name: col.dtype for name, col in tables.TASKS.columns.items()}, rows)


def _commonest_workflow(walk: Walk, names: Names, activity: pd.Series, workflow: str) -> list[str]:
    """The workflow most events of each activity stood in; of equals the first by name."""
    if not len(names.workflows):
        return [workflow] * len(activity)
    code = {text: number for number, text in enumerate(names.activities)}
    counts = walk.workflow_of[[code[text] for text in activity]]
    by_name = np.argsort(names.workflows.astype(str), kind="stable")
    best = by_name[counts[:, by_name].argmax(axis=1)]
    return [names.workflows[at] if row.any() else workflow for at, row in zip(best, counts, strict=True)]


def _task_ids(done: pd.DataFrame) -> pd.Series:
    """Readable ids from the activity's words; a hash of the activity tells equal or cut ones apart for good."""
    words = done["activity"].map(lambda text: re.sub(r"\W+", "-", text.casefold()).strip("-"))
    ids = words.str.slice(0, 70)
    unclear = (ids != words) | (ids == "") | ids.to_frame().assign(team=done["team"]).duplicated(keep=False)
    marks = done["activity"].map(lambda text: hashlib.sha256(text.encode()).hexdigest()[:8])
    return ids.mask(unclear, ids + "-" + marks).str.lstrip("-").astype("str")
