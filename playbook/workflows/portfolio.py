"""Which pilots to start together under limits on people's hours, money, teams and owners, and what must come first."""

from __future__ import annotations

import graphlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy

from playbook.errors import ParameterError
from playbook.tables import count, plain_name

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from numpy.typing import NDArray

    from playbook.workflows.rule import Cap, PilotRule

    Choice = NDArray[np.bool_]

ROUNDING = 1e-6
DEMANDS = ["team", "workflow", "hours", "cost", "owner", "needs"]
COLUMNS = {
    "team": "str",
    "workflow": "str",
    "rank": "Int64",
    "value": "float64",
    "hours": "float64",
    "cost": "float64",
    "owner": "str",
    "after": "str",
    "chosen": "boolean",
    "reason": "str",
}


@dataclass(frozen=True)
class Portfolio:
    """The pilots chosen together.

    `rows` has one row a candidate of the shortlist: `team`, `workflow`, `rank`, `value` (its priority, 0 to 1), `hours`
    (people's, a month) and `cost` a pilot takes, `owner`, `after` (the pilots that must come first), `chosen` and
    `reason` in words. `value` is the sum over the chosen, `greedy` what picking one by one in order of rank gives,
    `method` which of the two was taken, `timed_out` whether the solver was stopped at its time limit, so that a
    better choice may exist. `strangers` are workflows of `demands` that the shortlist does not know.
    """

    rows: pd.DataFrame
    value: float
    greedy: float
    method: str
    timed_out: bool
    strangers: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Problem:
    """Candidates in order of rank; `use[i, j]` is what candidate j takes of limit i, of which there is `room[i]`."""

    value: NDArray[np.float64]
    use: NDArray[np.float64]
    room: NDArray[np.float64]
    words: list[str]
    needs: list[list[int]]
    barred: dict[int, str]

    def holds(self, chosen: Choice) -> bool:
        """Whether a choice keeps every limit and every order."""
        within = bool((self.use @ chosen <= self.room + ROUNDING).all())
        orders = all(chosen[first] for then in np.flatnonzero(chosen) for first in self.needs[then])
        return within and orders and not any(chosen[place] for place in self.barred)

    def worth(self, chosen: Choice) -> float:
        return float(self.value[chosen].sum())


def portfolio(
    shortlist: pd.DataFrame,
    rule: PilotRule,
    demands: pd.DataFrame | None = None,
    ended: pd.DataFrame | None = None,
) -> Portfolio:
    """Choose the pilots of the largest total priority that keep every cap of the rule and every order.

    Candidates are the rows of SHORTLIST that have a rank. `demands` says what a pilot takes: columns `workflow` and any of
    `team` (empty: every team), `hours` (a month), `cost`, `owner`, `needs` (workflows that come before, separated by
    semicolons); without it the rule's own `demands` are used. `ended` names pilots already done (columns `team`,
    `workflow`), which fulfil the needs of others. Names are compared without case and marks.

    Maximise sum(priority x chosen) subject to sum(use x chosen) <= cap and chosen(B) <= chosen(A) where B needs A, in
    whole numbers (scipy.optimize.milp, HiGHS; Huangfu and Hall 2018). A greedy choice in order of rank is made as well
    and the better of the two taken, the greedy one on a tie. Every candidate not taken says which limit keeps it out;
    none at all is an answer.

    Raises ParameterError when workflows wait for each other in a circle or `demands` lacks its column.
    """
    ranked = shortlist[shortlist["rank"].notna()].sort_values(["rank", "team", "workflow"]).reset_index(drop=True)
    said = _demands(demands, rule)
    rows = _asked(ranked, said, rule)
    problem = _problem(rows, rule.portfolio.caps, _done(ended))
    greedy = _greedy(problem)
    solved, timed_out = _solved(problem, rule.portfolio.solver_seconds.value)
    better = solved is not None and problem.worth(solved) > problem.worth(greedy) + ROUNDING
    chosen = _greedy(problem, solved) if better and solved is not None else greedy
    reasons = [_reason(problem, chosen, place, rows) for place in range(len(rows))]
    frame = rows.assign(chosen=chosen, reason=reasons)[list(COLUMNS)].astype(COLUMNS)
    method = "solver" if better else "one by one in order of rank"
    return Portfolio(
        frame, problem.worth(chosen), problem.worth(greedy), method, timed_out, _strangers(shortlist, said)
    )


def portfolio_findings(chosen: Portfolio, rule: PilotRule) -> list[str]:
    """What is chosen under which limits and what was left out for them, in sentences."""
    rows = chosen.rows
    if rows.empty:
        return ["Not yet: no workflow meets the limits of a first pilot, so there is nothing to choose together."]
    picked = rows[rows["chosen"].astype(bool)]
    caps = "; ".join(_cap_words(cap) for cap in rule.portfolio.caps) or "no limit is written down"
    names = ", ".join(picked["workflow"]) if len(picked) else "none"
    said = [f"Under these limits ({caps}) the pilots to start together are: {names}."]
    unlimited = {"hours", "cost"} - {cap.what for cap in rule.portfolio.caps}
    if unlimited:
        said.append(
            f"No limit on {' or '.join(sorted(unlimited))} is written down, so the choice holds only if the pilots can be staffed and paid."
        )
    if chosen.strangers:
        said.append(
            f"No workflow here is called {', '.join(chosen.strangers)}, so what is written down for it counts for nothing."
        )
    if chosen.method == "solver":
        said.append(
            "Picking one by one in order of rank would have used the limits less well; together these are worth more."
        )
    if chosen.timed_out:
        said.append(
            "The solver was stopped at its time limit: this is the best choice found, and a better one may exist."
        )
    return said


def _demands(demands: pd.DataFrame | None, rule: PilotRule) -> pd.DataFrame:
    """What pilots take as a table, whether it came as one or from the rule."""
    if demands is None:
        said = [demand.model_dump(include=set(DEMANDS)) for demand in rule.portfolio.demands]
        frame = pd.DataFrame([row | {"needs": ";".join(row["needs"])} for row in said], columns=DEMANDS)
    elif "workflow" not in demands.columns or set(demands.columns) - set(DEMANDS):
        raise ParameterError(
            f"demands has the columns {', '.join(map(str, demands.columns))}; wanted workflow and any of {', '.join(DEMANDS)}"
        )
    else:
        frame = demands.reindex(columns=DEMANDS)
    return frame.astype({"hours": "float64", "cost": "float64"})


def _asked(ranked: pd.DataFrame, demands: pd.DataFrame, rule: PilotRule) -> pd.DataFrame:
    """The candidates with what each takes; the last line that names a workflow counts, a team's own before all teams'."""
    found: dict[tuple[str, str], dict[Hashable, Any]] = {}
    for demand in demands.to_dict(orient="records"):
        team = "" if pd.isna(demand["team"]) else str(demand["team"])
        found[(team, plain_name(str(demand["workflow"])))] = demand
    rows = []
    for row in ranked.to_dict(orient="records"):
        name = plain_name(row["workflow"])
        demand = found.get((row["team"], name), found.get(("", name), {}))
        said = {key: demand.get(key) for key in ("hours", "cost", "owner", "needs")}
        rows.append(
            {
                "team": row["team"],
                "workflow": row["workflow"],
                "rank": row["rank"],
                "value": row["priority"],
                "hours": _given(said["hours"], rule.portfolio.hours_a_pilot.value),
                "cost": _given(said["cost"], rule.portfolio.cost_a_pilot.value),
                "owner": _given(said["owner"], ""),
                "after": "; ".join(part.strip() for part in _given(said["needs"], "").split(";") if part.strip()),
            }
        )
    return pd.DataFrame(rows, columns=[name for name in COLUMNS if name not in ("chosen", "reason")])


def _strangers(shortlist: pd.DataFrame, demands: pd.DataFrame) -> tuple[str, ...]:
    pairs = zip(shortlist["team"], shortlist["workflow"], strict=True)
    known = {(str(team), plain_name(str(name))) for team, name in pairs}
    known |= {("", name) for _, name in known}
    teams = {"", *shortlist["team"]}
    given = demands["team"].astype("object").fillna("")
    named = [(str(team), str(name)) for team, name in zip(given, demands["workflow"], strict=True)]
    return tuple(sorted({name for team, name in named if team in teams and (team, plain_name(name)) not in known}))


def _given(cell: Any, otherwise: Any) -> Any:
    return otherwise if cell is None or pd.isna(cell) else cell


def _done(ended: pd.DataFrame | None) -> set[tuple[str, str]]:
    if ended is None:
        return set()
    pairs = zip(ended["team"], ended["workflow"], strict=True)
    return {(str(team), plain_name(str(name))) for team, name in pairs}


def _problem(rows: pd.DataFrame, caps: Sequence[Cap], done: set[tuple[str, str]]) -> _Problem:
    use, room, words = [], [], []
    for cap in caps:
        amount = np.ones(len(rows)) if cap.what == "pilots" else rows[cap.what].to_numpy(dtype=float)
        for name, members in _groups(rows, cap.within):
            use.append(np.where(members, amount, 0.0))
            room.append(cap.value)
            words.append(f"{_cap_words(cap)}{f' ({name})' if name else ''}")
    needs, barred = _orders(rows, done)
    matrix = np.array(use).reshape(len(use), len(rows))
    return _Problem(rows["value"].fillna(0.0).to_numpy(dtype=float), matrix, np.array(room), words, needs, barred)


def _groups(rows: pd.DataFrame, within: str) -> list[tuple[str, Choice]]:
    """Who shares a cap: all, each team, each owner in a team; a pilot whose owner is not known shares none."""
    if within == "all":
        return [("", np.ones(len(rows), dtype=bool))]
    keys = rows["team"] if within == "team" else rows["team"] + ": " + rows["owner"]
    shared = keys if within == "team" else keys[rows["owner"] != ""]
    several = len(set(rows["team"])) > 1
    return [(_group_name(str(key), within, several=several), (keys == key).to_numpy()) for key in sorted(set(shared))]


def _group_name(key: str, within: str, *, several: bool) -> str:
    if several:
        return key
    return key.partition(": ")[2] if within == "owner" else ""


def _orders(rows: pd.DataFrame, done: set[tuple[str, str]]) -> tuple[list[list[int]], dict[int, str]]:
    """Which candidates each one waits for, and those that wait for something that is no candidate."""
    keys = [(str(team), plain_name(str(name))) for team, name in zip(rows["team"], rows["workflow"], strict=True)]
    place = {key: position for position, key in enumerate(keys)}
    needs: list[list[int]] = [[] for _ in keys]
    barred: dict[int, str] = {}
    for position, (team, said) in enumerate(zip(rows["team"], rows["after"], strict=True)):
        for name in filter(None, str(said).split("; ")):
            first = (str(team), plain_name(name))
            if first in place:
                needs[position].append(place[first])
            elif first not in done:
                barred[position] = f"{name} must come first and cannot be a pilot now"
    try:
        list(graphlib.TopologicalSorter(dict(enumerate(needs))).static_order())
    except graphlib.CycleError as error:
        circle = " needs ".join(rows["workflow"].iloc[list(reversed(error.args[1]))])
        raise ParameterError(f"needs go in a circle: {circle}; wanted an order, so take one of them out") from error
    return needs, barred


def _greedy(problem: _Problem, start: Choice | None = None) -> Choice:
    """Add candidates in order of rank while everything holds, again until none is added."""
    chosen = np.zeros(len(problem.value), dtype=bool) if start is None else start.copy()
    added = True
    while added:
        added = False
        for place in np.flatnonzero(~chosen):
            tried = chosen.copy()
            tried[place] = True
            if problem.holds(tried):
                chosen, added = tried, True
    return chosen


def _solved(problem: _Problem, seconds: float) -> tuple[Choice | None, bool]:
    """The exact choice, or the best one at the time limit; None when the solver found none."""
    n = len(problem.value)
    if n == 0:
        return None, False
    orders = [(then, first) for then, firsts in enumerate(problem.needs) for first in firsts]
    matrix = np.zeros((len(orders), n))
    for row, (then, first) in enumerate(orders):
        matrix[row, then], matrix[row, first] = 1.0, -1.0
    upper = np.ones(n)
    upper[list(problem.barred)] = 0.0
    rows = np.vstack([problem.use, matrix])
    limits = np.concatenate([problem.room, np.zeros(len(orders))])
    constraints = scipy.optimize.LinearConstraint(rows, ub=limits) if len(rows) else ()
    result = scipy.optimize.milp(
        -problem.value,
        integrality=np.ones(n, dtype=np.int64),
        bounds=scipy.optimize.Bounds(0, upper),
        constraints=constraints,
        options={"time_limit": seconds, "mip_rel_gap": 0},
    )
    timed_out = result.status == 1
    if result.x is None:
        return None, timed_out
    chosen = np.round(result.x).astype(bool)
    return (chosen if problem.holds(chosen) else None), timed_out


def _reason(problem: _Problem, chosen: Choice, place: int, rows: pd.DataFrame) -> str:
    row = rows.iloc[place]
    if chosen[place]:
        after = f", after {row['after']}" if row["after"] else ""
        return f"chosen: priority {row['value']:.2f}{after}"
    if place in problem.barred:
        return f"not yet: {problem.barred[place]}"
    waits = [str(rows["workflow"].iloc[first]) for first in problem.needs[place] if not chosen[first]]
    if waits:
        return f"not yet: {', '.join(waits)} must come first and is not chosen"
    tried = chosen.copy()
    tried[place] = True
    over = problem.use @ tried - problem.room
    hit = [
        _hit(words, problem.use[limit, place], problem.room[limit] - problem.use[limit] @ chosen)
        for limit, words in enumerate(problem.words)
        if over[limit] > ROUNDING
    ]
    return f"not yet: {' and '.join(hit)}"


def _hit(words: str, takes: float, left: float) -> str:
    return f"{words}, all taken" if left <= ROUNDING else f"{words}; it takes {takes:,.10g} and {left:,.10g} are left"


def _cap_words(cap: Cap) -> str:
    within = {"team": "a team", "owner": "an owner", "all": "in all"}[cap.within]
    counted = {
        "pilots": count(cap.value, "pilot"),
        "hours": f"{count(cap.value, 'hour')} a month",
        "cost": f"{cap.value:,.0f} {cap.unit}",
    }[cap.what]
    return f"at most {counted} {within}"
