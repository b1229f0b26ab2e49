"""Places tasks on the Collaboration Spectrum: score, target and ready level, range, coverage and reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.spectrum import ratings
from playbook.spectrum.identity import identity, levels
from playbook.spectrum.reasons import explain
from playbook.spectrum.weighing import weigh
from playbook.tables import PLACEMENTS

if TYPE_CHECKING:
    from playbook.spectrum.model import Model


def place(tasks: pd.DataFrame, model: Model) -> pd.DataFrame:
    """Place each task on the spectrum: one row a task, in the same order and under the same index.

    Takes any frame of tasks, with all, some or none of the factor columns; returns exactly the columns of PLACEMENTS.
    A factor cell is a rating from 1 to 5 (fractional for a mean of raters), empty for not rated, or n/a; factors in
    the column `not_applicable` count as n/a. Without `team` or `task_id` the team is "team" and the id the row's
    position.

    score = sum(w x p) / sum(w) over the factors known, p the rating where the factor favours agents and 6 - rating
    where it favours people: 1 people lead, 5 agents may run it. The target level is the score's band under the target
    ceilings; the ready level is the target under the ready ceilings and the caps for what nobody rated. Unrated factors
    use the catalogue when the task's function is in it, and otherwise leave the weights; the range level_low to
    level_high covers every value they could take, however unlikely. What other weights and other raters would make of a level
    is another question: `doubt` answers it. Multi-attribute weighted mean with vetoes: Brynjolfsson and Mitchell 2017 (any
    bottleneck caps the result); human agency reversed as in Shao et al. 2025.

    Raises TableError naming every factor cell that is neither 1 to 5 nor n/a.
    """
    known = ratings.read(tasks, model)
    placed = weigh(known, model)
    texts = explain(known, placed, model)
    team, ids = identity(tasks)
    data: dict[str, Any] = {
        "team": team,
        "task_id": ids,
        "score": placed.score,
        "target_level": levels(placed.target),
        "ready_level": levels(placed.ready),
        "level_low": levels(placed.low),
        "level_high": levels(placed.high),
        "coverage": placed.coverage,
        "ceilings": [ceilings for ceilings, _ in texts],
        "reasons": [reasons for _, reasons in texts],
    }
    columns = {
        name: pd.Series(data[name], index=tasks.index, dtype=col.dtype) for name, col in PLACEMENTS.columns.items()
    }
    return pd.DataFrame(columns, index=tasks.index)
