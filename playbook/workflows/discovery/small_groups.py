"""What sums and medians would tell of one to four people, although every figure of theirs is kept back itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy

from playbook import intervals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from playbook.workflows.discovery.paths import Paths
    from playbook.workflows.discovery.walk import Flags, Floats, Ints, Walk


def few(people: NDArray[np.integer[Any]]) -> Flags:
    """Where one to four people stand; where nobody does there is nothing to keep back."""
    return (people > 0) & (people < intervals.MINIMUM_GROUP)


def waiting_told(walk: Walk, steps: Ints, waits: Floats, least: Ints) -> Flags:
    """Activities, by number, whose waiting is that of one to four people, or may be.

    `waits` says how often each of the `steps` waited, `least` how many waits into an activity can move a figure shown of
    it. It is told where one to four people waited at all its steps together, or at those steps into it that so few are
    behind, if these have as many waits: what is shown may then be theirs.
    """
    target = steps // walk.activities
    kept = few(walk.waiters.of(steps))
    behind_all = walk.waiters.together(steps, target, walk.activities)
    behind_kept = walk.waiters.together(steps[kept], target[kept], walk.activities)
    waited = np.bincount(target[kept], weights=waits[kept], minlength=walk.activities)
    return few(behind_all) | (few(behind_kept) & (waited >= least))


def handovers_told(walk: Walk, paths: Paths, workflow: Ints, flows: pd.DataFrame, done: pd.DataFrame) -> Flags:
    """Rows of `flows` whose handovers, beside those of the activities `done`, would tell those of one to four people.

    `workflow` is the number of each present case's workflow. Workflows in which the same activity is taken over, and
    its handovers are shown, tell their sum only. That sum less the activities shown leaves those kept back, and the
    activities less the workflows shown leave the workflows kept back: neither may be of one to four people.
    """
    done = done[done["takers"] > 0].sort_values("code")
    told, kept = np.zeros(len(flows), bool), flows["kept_back"].to_numpy(bool)
    codes, held = done["code"].to_numpy(), done["handovers_kept_back"].to_numpy(bool)
    if not (held.any() or kept.any()):
        return told
    taken = np.array([paths.after_another(np.unique(paths.path[workflow == code])) for code in flows["code"]])
    within = taken[:, codes]
    together = _linked(within[:, ~held])
    for number in np.unique(together):
        here = together == number
        left = held & within[here].any(axis=0)
        if left.any():
            takers = walk.takers.together(codes[left], np.zeros(left.sum(), np.int64), 1)
            told[here] = few(takers).item() and not kept[here].any()
        else:
            told[here] = 0 < flows["people"].to_numpy()[here & kept].sum() < intervals.MINIMUM_GROUP
    return told


def _linked(within: Flags) -> Ints:
    """The group of each row of `within`; rows that share a column, be it through others, are in one."""
    rows, columns = within.shape
    row, column = np.nonzero(within)
    links = scipy.sparse.coo_array((np.ones(len(row)), (row, rows + column)), shape=(rows + columns, rows + columns))
    groups: Ints = scipy.sparse.csgraph.connected_components(links, directed=False)[1][:rows]
    return groups
