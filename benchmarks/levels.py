"""Is the level rule right? Its levels beside those of independent experts, on work it was not made for.

    python benchmarks/levels.py                        writes docs/levels.md and prints it
    python benchmarks/levels.py --data FOLDER          tasks.csv and expert_ratings.csv lie elsewhere
    python benchmarks/levels.py --resamples 200        quicker, with rougher intervals

Cross-expert: what the other experts said of a task's properties gives a level, which is compared with the level of
an expert whose properties were not used. The same expert's own properties are never used for a result: whoever finds a
task demanding rates everything about it so (a halo).
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.optimize import nnls

import playbook
from playbook import spectrum

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "levels.md"
TEXT = Path(__file__).with_name("levels_page.md")
COLUMNS = {
    "Task ID": "task",
    "Occupation (O*NET-SOC Title)": "occupation",
    "Involved Uncertainty": "stakes",
    "Domain Expertise Requirement": "judgment",
    "Interpersonal Communication Requirement": "relationship",
    "Human Agency Scale Rating": "agency",
}
FACTORS = ["judgment", "stakes", "relationship"]
TARGETS = {"kappa": 0.55, "AUC": 0.80}
FOLDS = 10
LEAST = 8  # ratings an occupation needs for its own rank correlation
RULE, EQUAL, CAPPED, FITTED, REFERENCE = (
    "the rule",
    "equal weights",
    "equal weights under the rule's ceilings",
    "the rule, weights fitted to other occupations",
    "the same raters' own level (reference)",
)


@dataclasses.dataclass(frozen=True)
class View:
    """Rows to predict: `level` is held out, the factors and `others` come from people who did not give it.

    `weight` makes each task count as often as it should, whatever the ways to split its experts.
    """

    name: str
    said: str
    rows: pd.DataFrame


Answer = tuple["NDArray[np.float64]", "NDArray[np.float64]"]
"""A level for each row, and what the rows are ranked by."""


def read(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The single expert ratings and the tasks with their workers' means; the level is 6 - human agency."""
    ratings = pd.read_csv(folder / "expert_ratings.csv").rename(columns=COLUMNS)
    tasks = pd.read_csv(folder / "tasks.csv")
    return ratings.assign(level=6.0 - ratings["agency"]), tasks


def held_out(ratings: pd.DataFrame) -> View:
    """Each single rating in turn, predicted from the mean of the other experts of its task."""
    groups = ratings.groupby("task")
    n = groups["level"].transform("size")
    rows = ratings[["occupation", "task", "level"]].assign(weight=1.0)
    for name in (*FACTORS, "level"):
        others = (groups[name].transform("sum") - ratings[name]) / (n - 1).where(n > 1)
        rows["others" if name == "level" else name] = others
    return View("one held-out rating", "Each rating is predicted from the other experts of its task.", rows[n > 1])


def halves(ratings: pd.DataFrame) -> View:
    """Each task's mean level, from experts who did not give it: every split into two halves, the larger one judged."""
    rows = []
    for task, group in ratings.groupby("task"):
        n = len(group)
        splits = list(itertools.combinations(range(n), n // 2)) if n > 1 else []
        for chosen in splits:
            used = np.zeros(n, dtype=bool)
            used[list(chosen)] = True
            means = group.loc[used, [*FACTORS, "level"]].mean().rename({"level": "others"})
            level = float(group.loc[~used, "level"].mean())
            rows.append(
                {"occupation": group["occupation"].iloc[0], "task": task, "level": level, "weight": 1 / len(splits)}
                | means.to_dict()
            )
    return View(
        "mean of half a task's experts",
        "Every split of a task's experts into two halves: one half's properties give the level, the other half's mean level "
        "is the truth; each task counts once.",
        pd.DataFrame(rows),
    )


def by_workers(ratings: pd.DataFrame, tasks: pd.DataFrame) -> View:
    """Each task's mean level of all its experts, from the people who do the work: no rater is on both sides."""
    means = ratings.groupby("task")["level"].mean()
    rows = pd.DataFrame(
        {
            "occupation": tasks["occupation"],
            "task": tasks["task_id"],
            "level": tasks["task_id"].map(means),
            "judgment": tasks["worker_domain_expertise_mean"],
            "stakes": tasks["worker_uncertainty_mean"],
            "relationship": tasks["worker_interpersonal_mean"],
            "others": 6 - tasks["worker_has_mean"],
            "weight": 1.0,
        }
    ).dropna()
    return View(
        "mean of a task's experts, from workers",
        "The properties come from workers of the occupation (7 a task on average), the truth is the mean level of all the "
        "task's experts: no rater is on both sides. The reference here is the workers' own level.",
        rows,
    )


def answers(rows: pd.DataFrame, model: spectrum.Model) -> dict[str, Answer]:
    """What each way of judging says of each row."""
    even = 6 - rows[FACTORS].mean(axis=1).to_numpy()
    reference = rows["others"].to_numpy()
    return {
        RULE: by_rule(rows, model),
        EQUAL: (band(even, model), even),
        CAPPED: by_rule(rows, with_weights(model, np.full(3, 1 / 3))),
        FITTED: by_fitted(rows, model),
        REFERENCE: (np.clip(np.floor(reference + 0.5), 1, 5), reference),
    }


def by_rule(rows: pd.DataFrame, model: spectrum.Model) -> Answer:
    """The rule's target level; rows are ranked by level and, within a level, by score, as the rule would."""
    placed = spectrum.place(rows[FACTORS], model)
    level = placed["target_level"].to_numpy(dtype=np.float64)
    return level, level + placed["score"].to_numpy() / 10


def by_fitted(rows: pd.DataFrame, model: spectrum.Model) -> Answer:
    """The rule with weights fitted by least squares to all other folds of occupations: a check, never shipped."""
    names = np.sort(rows["occupation"].unique())
    fold = rows["occupation"].map({name: place % FOLDS for place, name in enumerate(names)}).to_numpy()
    level, rank = np.zeros(len(rows)), np.zeros(len(rows))
    for this in range(FOLDS):
        weights = fitted(rows[fold != this])
        here = fold == this
        level[here], rank[here] = by_rule(rows[here], with_weights(model, weights))
    return level, rank


def fitted(rows: pd.DataFrame) -> NDArray[np.float64]:
    """The shares of the three factors that fit the held-out levels best, none below zero."""
    root = np.sqrt(rows["weight"].to_numpy())
    points = 6 - rows[FACTORS].to_numpy()
    level = rows["level"].to_numpy()
    centred = points - np.average(points, axis=0, weights=root**2)
    found, _ = nnls(centred * root[:, None], (level - np.average(level, weights=root**2)) * root)
    shares: NDArray[np.float64] = found / found.sum()
    return shares


def with_weights(model: spectrum.Model, shares: NDArray[np.float64]) -> spectrum.Model:
    """The rule with the weight of the three factors shared out otherwise; the others keep theirs."""
    whole = sum(model.by_name[name].weight for name in FACTORS)
    new = dict(zip(FACTORS, (shares * whole).tolist(), strict=True))
    factors = tuple(row.model_copy(update={"weight": new.get(row.name, row.weight)}) for row in model.factors)
    return model.model_copy(update={"factors": factors})


def band(score: NDArray[np.float64], model: spectrum.Model) -> NDArray[np.float64]:
    """The level of a score by the rule's thresholds, without ceilings."""
    steps = [step.score_from for step in model.thresholds]
    return 1.0 + np.searchsorted(steps, np.round(score, 9), side="right")


def spearman(truth: NDArray[Any], answer: Answer, weight: NDArray[Any]) -> float:
    """Weighted rank correlation, ties at their middle rank."""
    first, second = midranks(truth, weight), midranks(answer[1], weight)
    first, second = (ranks - np.average(ranks, weights=weight) for ranks in (first, second))
    spread = np.sqrt(np.sum(weight * first**2) * np.sum(weight * second**2))
    return float(np.sum(weight * first * second) / spread) if spread else float("nan")


def kappa(truth: NDArray[Any], answer: Answer, weight: NDArray[Any]) -> float:
    """Quadratic-weighted kappa: 1 - mean squared distance / that of shuffled answers (Cohen 1968)."""
    found, chance = disagreement(truth, answer[0], weight)
    return 1 - found / chance if chance else float("nan")


def auc(truth: NDArray[Any], answer: Answer, weight: NDArray[Any]) -> float:
    """The share of pairs (one at level 4 or above, one below) that stand in the right order, ties half."""
    right, pairs = concordance(truth, answer[1], weight)
    return right / pairs if pairs else float("nan")


def disagreement(truth: NDArray[Any], level: NDArray[Any], weight: NDArray[Any]) -> tuple[float, float]:
    """The mean squared distance of truth and level, and that of all their pairings."""
    share = weight / weight.sum()
    means = np.sum(share * truth), np.sum(share * level)
    spread = np.sum(share * truth**2) - means[0] ** 2 + np.sum(share * level**2) - means[1] ** 2
    return float(np.sum(share * (truth - level) ** 2)), float(spread + (means[0] - means[1]) ** 2)


def concordance(truth: NDArray[Any], rank: NDArray[Any], weight: NDArray[Any]) -> tuple[float, float]:
    """The weight of the pairs in the right order (ties half), and of all pairs; a mean of 3.5 counts as level 4."""
    high = truth >= 3.5
    one, other = weight * high, weight * ~high
    _, place = np.unique(rank, return_inverse=True)
    ups, downs = np.bincount(place, one), np.bincount(place, other)
    below = np.cumsum(downs) - downs
    return float(np.sum(ups * (below + downs / 2))), float(one.sum() * other.sum())


def midranks(values: NDArray[Any], weight: NDArray[Any]) -> NDArray[np.float64]:
    """Each value's weighted rank, ties at the middle."""
    _, place = np.unique(values, return_inverse=True)
    mass = np.bincount(place, weight)
    ranks: NDArray[np.float64] = (np.cumsum(mass) - mass / 2)[place]
    return ranks


FIGURES: dict[str, Callable[..., float]] = {"Spearman": spearman, "kappa": kappa, "AUC": auc}


def within(rows: pd.DataFrame, answer: Answer) -> pd.DataFrame:
    """Each occupation's own parts of the three figures, to be summed over any set of occupations."""
    parts = []
    level, rank = answer
    for occupation, places in rows.reset_index(drop=True).groupby("occupation").indices.items():
        truth, weight = rows["level"].to_numpy()[places], rows["weight"].to_numpy()[places]
        here = (level[places], rank[places])
        mass, rho = weight.sum(), float("nan")
        if len(places) >= LEAST:
            rho = spearman(truth, here, weight)
        found, chance = disagreement(truth, here[0], weight)
        right, pairs = concordance(truth, here[1], weight)
        known = 0.0 if np.isnan(rho) else mass
        parts.append(
            {"occupation": occupation, "Spearman": 0.0 if np.isnan(rho) else rho * mass, "Spearman of": known}
            | {"kappa": (chance - found) * mass, "kappa of": chance * mass, "AUC": right, "AUC of": pairs}
        )
    return pd.DataFrame(parts).set_index("occupation").sort_index()


def measured(view: View, model: spectrum.Model, resamples: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every answer's figures over all rows and within occupations, with 95 % intervals over occupations.

    Two frames of strings to print: the figures, and the rule's lead over the two equal-weight baselines and the reference.
    """
    rows = view.rows.reset_index(drop=True)
    truth, weight = rows["level"].to_numpy(), rows["weight"].to_numpy()
    names, owner = np.unique(rows["occupation"], return_inverse=True)
    rng = np.random.default_rng(20261122)
    times = np.vstack(
        [np.ones(len(names)), rng.multinomial(len(names), np.full(len(names), 1 / len(names)), resamples)]
    )
    drawn: dict[str, NDArray[np.float64]] = {}
    for name, answer in answers(rows, model).items():
        pooled = np.array([[figure(truth, answer, weight * n[owner]) for figure in FIGURES.values()] for n in times])
        own = within(rows, answer)
        inside = np.column_stack(
            [times @ own[one].to_numpy() / (times @ own[f"{one} of"].to_numpy()) for one in FIGURES]
        )
        drawn[name] = np.hstack([pooled, inside])
    columns = [*FIGURES, *(f"{one} within occupations" for one in FIGURES)]
    table = pd.DataFrame({name: shown(values) for name, values in drawn.items()}, index=columns).T
    leads = {
        f"rule - {name}": shown(drawn[RULE] - drawn[name], sign=True) for name in (EQUAL, CAPPED, FITTED, REFERENCE)
    }
    return table, pd.DataFrame(leads, index=columns).T


def shown(draws: NDArray[np.float64], *, sign: bool = False) -> list[str]:
    """An estimate (the first row) with the middle 95 % of the resamples, as text."""
    low, high = np.nanquantile(draws[1:], [0.025, 0.975], axis=0)
    form = "{:+.3f}" if sign else "{:.3f}"
    return [
        f"{form.format(at)} ({form.format(a)} to {form.format(b)})"
        for at, a, b in zip(draws[0], low, high, strict=True)
    ]


def spread_within(ratings: pd.DataFrame) -> pd.DataFrame:
    """How far experts of one task differ: standard deviation within tasks, and the share of variance tasks explain.

    The share is the intraclass correlation of one rater, ICC(1), from one-way analysis of variance (Shrout and Fleiss 1979).
    """
    found = []
    several = ratings[ratings.groupby("task")["level"].transform("size") > 1]
    sizes = several.groupby("task").size()
    usual = (len(several) - (sizes**2).sum() / len(several)) / (len(sizes) - 1)
    for name in (*FACTORS, "level"):
        groups = several.groupby("task")[name]
        inside = float(((several[name] - groups.transform("mean")) ** 2).sum() / (len(several) - len(sizes)))
        between = float((sizes * (groups.mean() - several[name].mean()) ** 2).sum() / (len(sizes) - 1))
        found.append(
            {"rated": name, "spread": inside**0.5, "icc": (between - inside) / (between + (usual - 1) * inside)}
        )
    return pd.DataFrame(found).set_index("rated")


def weights_said(rows: pd.DataFrame, resamples: int) -> list[str]:
    """Each factor's fitted share over all occupations, with its standard deviation over resampled ones, as text."""
    parts = [group for _, group in rows.groupby("occupation")]
    picks = np.random.default_rng(20261122).integers(0, len(parts), (resamples, len(parts)))
    scatter = np.std([fitted(pd.concat([parts[place] for place in pick])) for pick in picks], axis=0)
    return [f"{share:.2f} ({error:.2f})" for share, error in zip(fitted(rows), scatter, strict=True)]


def halo(ratings: pd.DataFrame, model: spectrum.Model) -> str:
    """The forbidden upper figure: the same expert's own properties predict the same expert's level."""
    answer, truth, weight = by_rule(ratings, model), ratings["level"].to_numpy(), np.ones(len(ratings))
    return f"kappa {kappa(truth, answer, weight):.3f}, AUC {auc(truth, answer, weight):.3f}"


def markdown(table: pd.DataFrame, corner: str) -> str:
    """A frame of strings as a Markdown table."""
    lines = ["| " + " | ".join([corner, *table.columns]) + " |", "|" + "---|" * (1 + len(table.columns))]
    lines += [
        "| " + " | ".join([str(name), *row]) + " |" for name, row in zip(table.index, table.to_numpy(), strict=True)
    ]
    return "\n".join(lines)


def sections(views: list[View], model: spectrum.Model, resamples: int) -> Iterator[tuple[str, str]]:
    """Each view's part of the page, by the name of its place in the text."""
    for place, view in enumerate(views, start=1):
        table, leads = measured(view, model, resamples)
        counts = f"n = {len(view.rows):,} rows, {view.rows['task'].nunique()} tasks, {view.rows['occupation'].nunique()} occupations."
        inside = table[[name for name in table.columns if "within" in name]]
        inside.columns = list(FIGURES)
        parts = [
            f"{view.said} {counts}",
            markdown(table[list(FIGURES)], view.name),
            markdown(inside, f"{view.name}, within occupations"),
            markdown(leads[list(FIGURES)], "the rule's lead (positive: the rule is better)"),
        ]
        yield f"view{place}", "\n\n".join(parts)
        if place == 1:
            yield "verdicts", "\n".join(verdicts(table))


def verdicts(table: pd.DataFrame) -> Iterator[str]:
    """Which of the targets are reached, by whom."""
    for figure, target in TARGETS.items():
        said = {name: table.loc[name, figure] for name in (RULE, REFERENCE)}
        at = {name: float(text.split()[0]) for name, text in said.items()}
        for name in (RULE, REFERENCE):
            yield (
                f"- {figure} {target:.2f}: {name} {'reaches it' if at[name] >= target else 'does not reach it'}, with {said[name]}."
            )
    for name in (EQUAL, CAPPED):
        ahead = [
            one
            for one in table.columns
            if float(table.loc[RULE, one].split()[0]) >= float(table.loc[name, one].split()[0])
        ]
        yield f"- At least as good as {name}: in {len(ahead)} of {len(table.columns)} figures" + (
            "."
            if len(ahead) == len(table.columns)
            else f"; not in {', '.join(one for one in table.columns if one not in ahead)}."
        )


def page(folder: Path, resamples: int) -> str:
    """The whole page, from the data and the rule in force."""
    model = playbook.load("spectrum")
    ratings, tasks = read(folder)
    views = [held_out(ratings), halves(ratings), by_workers(ratings, tasks)]
    facts = dict(sections(views, model, resamples))
    fits = {"fitted to experts": views[0], "fitted to workers": views[2]}
    columns = {name: weights_said(view.rows, min(resamples, 300)) for name, view in fits.items()}
    ours = np.array([model.by_name[name].weight for name in FACTORS])
    table = spread_within(ratings)
    facts |= {
        "version": model.version,
        "date": f"{dt.datetime.now(tz=dt.UTC):%Y-%m-%d}",
        "resamples": f"{resamples:,}",
        "halo": halo(ratings, model),
        "numbers": f"{len(ratings):,} ratings of {ratings['task'].nunique()} tasks in {ratings['occupation'].nunique()} occupations by {ratings['rater'].nunique()} experts",
        "others": f"{(views[0].rows.groupby('task').size().pipe(lambda n: np.average(n - 1, weights=n))):.1f}",
        "ceiling": f"{table.loc['level', 'icc'] ** 0.5:.2f}",
        "spreads": markdown(table.map("{:.2f}".format).rename(columns={"spread": "spread within a task, points", "icc": "share of variance that is the task's (ICC)"}), "rated"),
        "weights": markdown(
            pd.DataFrame({"the rule": [f"{share:.2f}" for share in ours / ours.sum()]} | columns, index=FACTORS),
            "share of the three factors",
        ),
    }  # fmt: skip
    text = TEXT.read_text(encoding="utf-8")
    for name, fact in facts.items():
        text = text.replace("{{" + name + "}}", fact)
    return text


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "work_tasks")
    parser.add_argument("--resamples", type=int, default=2000)
    options = parser.parse_args()
    written = page(options.data, options.resamples)
    PAGE.write_text(written, encoding="utf-8")
    print(written)
