"""How sure each level is: what other weights, other people's ratings and what nobody rated would make of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from playbook.spectrum import ratings as sheets
from playbook.spectrum.identity import identity, levels
from playbook.spectrum.model import HIGHEST, LOWEST
from playbook.spectrum.raters import Raters, raters_of
from playbook.spectrum.weighing import bounds, target_levels, weigh, weights_of
from playbook.tables import FACTORS, count, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from playbook.spectrum.model import Model
    from playbook.spectrum.ratings import Ratings
    from playbook.spectrum.weighing import Placed

SOURCES = {
    "weights": "the rule's weights",
    "missing": "what nobody has rated",
    "raters": "how others would have rated",
}
"""What could be otherwise, in the order of the columns, and how a sentence says it."""
SHARES = ("near", "holds", *(f"holds_{source}" for source in SOURCES))
AT_ONCE = 100_000  # drawn rows in memory at once: about 60 MB whatever the number of tasks
WIDE_APART = 2

DOUBT_COLUMNS: Mapping[str, str] = {
    "team": "str",
    "task_id": "str",
    "target_level": "Int64",
    "low": "Int64",
    "high": "Int64",
    **dict.fromkeys(SHARES, "float64"),
    "survives": "boolean",
    "survives_from": "float64",
    "main_doubt": "str",
    "raters": "Int64",
    "raters_low": "Int64",
    "raters_high": "Int64",
    "explanation": "str",
}


@dataclass(frozen=True)
class _Draws:
    """The same draws for every task, so that no task's answer depends on another or on the order of rows."""

    weights: NDArray[np.float64]
    missing: NDArray[np.float64]
    raters: NDArray[np.float64]


def doubt(tasks: pd.DataFrame, model: Model, ratings: pd.DataFrame | None = None) -> pd.DataFrame:
    """How sure each task's target level is, one row a task in the order and under the index of `tasks`.

    Takes the tasks as `place` does and, where several seats rated, RATINGS (the last round counts; seat 0, the settled
    value, is no rater). Everything in doubt is drawn `model.uncertainty.draws` times at once: weights (Dirichlet
    around the rule's), each rating (normal around the figure in `tasks`, cut off at 1 and 5, with the standard error of
    the raters' mean; a figure without raters on record counts as one rater's), each missing rating (uniform over all it
    could be). Factors are drawn independently of each other.

    Columns: team, task_id, target_level, low and high (the range holding `range_share` of the draws and the level
    itself), near (share of draws within one level of it), holds (share that give the level itself), holds_weights, holds_missing, holds_raters (the same with that
    one doubt alone), survives (holds at least `survives_from`, a column, too), main_doubt (weights, missing or raters; empty where it
    survives), raters (fewest on a rated factor), raters_low and raters_high (what the raters' own sheets would give,
    the middle `range_share` of them; empty without RATINGS), explanation. A task without a level has a range at
    most and no share.

    The range differs from PLACEMENTS' level_low to level_high, which is every level missing ratings allow, however
    unlikely. Source: Monte Carlo on a weighted mean, as SMAA: Lahdelma, Hokkanen and Salminen 1998, EJOR 106.
    Raises TableError for bad cells in either table.
    """
    known = sheets.read(tasks, model)
    team, ids = identity(tasks)
    raters = raters_of(ratings, team, ids, known, model)
    placed = weigh(known, model)
    low, high, shares = _Simulation(known, placed, raters, _draw(model), model).run()
    placed_at_all = placed.target > 0
    raters_low, raters_high = raters.levels(placed, model)
    survives = shares[:, 1] >= model.uncertainty.survives_from - 1e-9
    weakest = np.array(list(SOURCES))[np.nan_to_num(shares[:, 2:], nan=1.0).argmin(axis=1)]
    data: dict[str, Any] = {
        "team": team,
        "task_id": ids,
        "target_level": levels(placed.target),
        "low": levels(low),
        "high": levels(high),
        **dict(zip(SHARES, shares.T, strict=True)),
        "survives": pd.array([bool(yes) if here else pd.NA for yes, here in zip(survives, placed_at_all, strict=True)]),
        "survives_from": model.uncertainty.survives_from,
        "main_doubt": np.where(placed_at_all & ~survives, weakest, ""),
        "raters": levels(raters.fewest(known)),
        "raters_low": levels(raters_low),
        "raters_high": levels(raters_high),
    }
    frame = _typed(data, tasks.index)
    frame["explanation"] = pd.Series(list(_explained(frame, known, model)), index=tasks.index, dtype="str")
    return frame


def survival(doubts: pd.DataFrame, model: Model) -> pd.DataFrame:
    """Per team, how many levels survive all that is in doubt at once, and each doubt alone.

    Takes the frame of `doubt`. Columns: team, tasks, placed, survive (tasks), share (of the placed tasks; empty
    without any), share_weights, share_missing, share_raters (shares that survive that doubt alone), survives_from
    (the share of draws the rule asks for). The tasks are the whole portfolio and no sample of one, so the shares carry
    no interval.
    """
    from_ = model.uncertainty.survives_from - 1e-9
    rows = []
    for team, group in doubts.groupby("team", sort=True):
        placed = group.dropna(subset=["target_level"])
        alone = {f"share_{source}": _share(placed[f"holds_{source}"] >= from_) for source in SOURCES}
        survive = placed["holds"] >= from_
        rows.append(
            {"team": team, "tasks": len(group), "placed": len(placed), "survive": int(survive.sum())}
            | {"share": _share(survive)}
            | alone
            | {"survives_from": model.uncertainty.survives_from}
        )
    types = {"team": "str", "tasks": "Int64", "placed": "Int64", "survive": "Int64"}
    columns = [*types, "share", *(f"share_{source}" for source in SOURCES), "survives_from"]
    return pd.DataFrame(rows, columns=columns).astype(types | dict.fromkeys(columns[4:], "float64"))


def doubt_findings(doubts: pd.DataFrame, model: Model) -> list[str]:
    """What the doubt says in sentences, per team when there are several: how many levels hold, and what would settle more."""
    table = survival(doubts, model)
    said: list[str] = []
    for row in table.to_dict("records"):
        lead = f"Team {row['team']}: " if len(table) > 1 else ""
        if not row["placed"]:
            said.append(f"{lead}Not yet: no task has a level whose certainty could be shown.")
            continue
        group = doubts[doubts["team"] == row["team"]]
        said.append(
            f"{lead}{row['survive']} of {count(row['placed'], 'level')} hold in {percent(model.uncertainty.survives_from)} or "
            f"more of {model.uncertainty.draws:,} draws with other weights, raters and missing ratings. Other weights "
            f"alone leave {percent(row['share_weights'])} standing, other values of what is not rated "
            f"{percent(row['share_missing'])}, other people's ratings {percent(row['share_raters'])}."
        )
        said += [lead + text for text in _advice(group)]
    return said


@dataclass(frozen=True)
class _Simulation:
    """The tasks as known and placed, the raters behind them, and the draws they all share."""

    known: Ratings
    placed: Placed
    raters: Raters
    draws: _Draws
    model: Model

    def run(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """The range's ends, and the shares of draws: within one level, at the level, and at it under each doubt alone."""
        rule, target = self.model.uncertainty, self.placed.target
        low, high = np.zeros_like(target), np.zeros_like(target)
        shares = np.zeros((len(target), len(SHARES)))
        outside = (1 - rule.range_share) / 2
        step = max(1, AT_ONCE // rule.draws)
        for start in range(0, len(target), step):
            part = slice(start, start + step)
            together = self._drawn(part, tuple(SOURCES))
            ends = np.quantile(together, [outside, 1 - outside], axis=1, method="inverted_cdf")
            low[part], high[part] = ends
            shares[part, 0] = (abs(together - target[part, None]) <= 1).mean(axis=1)
            shares[part, 1] = (together == target[part, None]).mean(axis=1)
            for place, source in enumerate(SOURCES, start=2):
                shares[part, place] = (self._drawn(part, (source,)) == target[part, None]).mean(axis=1)
        some, anything = target > 0, self.placed.low > 0
        low = np.where(some, np.minimum(low, target), low)
        high = np.where(some, np.maximum(high, target), high)
        return np.where(anything, low, 0), np.where(anything, high, 0), np.where(some[:, None], shares, np.nan)

    def _drawn(self, part: slice, sources: tuple[str, ...]) -> NDArray[np.int64]:
        """The level of each task of the part (rows) in each draw (columns) when these sources of doubt are drawn."""
        rated, excluded, draws = self.known.rated[part], self.known.excluded[part], self.draws
        used = self.placed.used[part]
        values = np.repeat(used[:, None, :], len(draws.weights), axis=1)
        if "raters" in sources:
            moved = rated[:, None, :] + self.raters.error[part][:, None, :] * draws.raters
            values = np.where(np.isnan(moved), values, np.clip(moved, LOWEST, HIGHEST))
        if "missing" in sources:
            lowest, highest = (end[part][:, None, :] for end in bounds(self.known, self.model))
            unrated = (np.isnan(rated) & ~excluded)[:, None, :]
            values = np.where(unrated, lowest + (highest - lowest) * draws.missing, values)
        weights = draws.weights if "weights" in sources else weights_of(self.model)
        applicable = np.where(excluded[:, None, :], 0.0, np.broadcast_to(weights, values.shape))
        flat = (-1, len(FACTORS))
        found = target_levels(values.reshape(flat), applicable.reshape(flat), self.model)
        return found.reshape(len(used), len(draws.weights))


def _draw(model: Model) -> _Draws:
    rule = model.uncertainty
    rng = np.random.default_rng(rule.seed)
    shape = (rule.draws, len(FACTORS))
    weights, counted = np.zeros(shape), weights_of(model) > 0
    weights[:, counted] = rng.dirichlet(rule.concentration * weights_of(model)[counted], rule.draws)
    return _Draws(weights, rng.random(shape), rng.standard_normal(shape))


def _explained(frame: pd.DataFrame, known: Ratings, model: Model) -> Iterator[str]:
    titles = [factor.title.lower() for factor in model.factors]
    missing = np.isnan(known.rated) & ~known.excluded
    for row, absent in zip(frame.to_dict("records"), missing, strict=True):
        names = [title for title, gone in zip(titles, absent, strict=True) if gone]
        yield " ".join(_sentences(row, names, model))


def _sentences(row: dict[Any, Any], missing: list[str], model: Model) -> Iterator[str]:
    span = "" if pd.isna(row["low"]) else _span(row["low"], row["high"])
    if pd.isna(row["target_level"]):
        yield f"Not yet: there is no level to be sure of{f'; {span} may come out' if span else ''}."
        return
    yield f"Level {row['target_level']} came out in {percent(row['holds'])} of the draws; {percent(model.uncertainty.range_share)} of them lie in {span}."
    if row["survives"]:
        yield "It holds."
    elif row["main_doubt"] == "missing":
        yield f"It may change, mostly by what nobody has rated: {', '.join(missing)}."
    elif row["main_doubt"] == "weights":
        yield "It may change, mostly with the rule's weights: the score stands close to the next level."
    elif row["raters"] == 1:
        yield "It may change, mostly because one figure stands for each factor: a second person could differ by a point."
    else:
        yield f"It may change, mostly by how the raters differ ({row['raters']} at least)."
    if not pd.isna(row["raters_low"]) and row["raters_high"] - row["raters_low"] >= WIDE_APART:
        apart = _span(row["raters_low"], row["raters_high"])
        yield f"The raters' own sheets give {apart}: their mean hides different opinions, so talk before using it."


def _advice(group: pd.DataFrame) -> Iterator[str]:
    counts = group.loc[group["main_doubt"] != "", "main_doubt"].value_counts()
    for source, words in (
        ("raters", "a second and third rater would settle most"),
        ("missing", "rating what is missing would settle most"),
        ("weights", "the team's talk about the weights would settle most"),
    ):
        if source in counts.index:
            yield f"For {count(int(counts[source]), 'level that may change', 'levels that may change')}, {words}."
    split = int((group["raters_high"] - group["raters_low"] >= WIDE_APART).sum())
    if split:
        yield f"Raters are far apart on {count(split, 'task')}: their own sheets differ by {WIDE_APART} levels or more."


def _span(low: int, high: int) -> str:
    return f"level {low}" if low == high else f"levels {low} to {high}"


def _share(yes: pd.Series[Any]) -> float:
    return float(yes.mean()) if len(yes) else float("nan")


def _typed(data: dict[str, Any], index: pd.Index[Any]) -> pd.DataFrame:
    columns = {
        name: pd.Series(data[name], index=index, dtype=kind) for name, kind in DOUBT_COLUMNS.items() if name in data
    }
    return pd.DataFrame(columns, index=index)
