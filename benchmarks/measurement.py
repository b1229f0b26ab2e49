"""Can the pilot readout be believed: coverage of its intervals and false verdicts, beside a naive t-test.

    python benchmarks/measurement.py                 2,000 simulated pilots a line, about three minutes
    python benchmarks/measurement.py --runs 20000    narrower figures
    python benchmarks/measurement.py --only people   lines whose name holds a word

Every line simulates pilots from a known truth and puts them through the kit's own functions. Times are log-normal with
a log standard deviation of 0.6 unless a line says otherwise; a pilot lasts four weeks, with 20 items timed before and 5
a week with the agent. `kit` is the kit's figure, `naive` Welch's t-test on the same log minutes (item by item, 5 %, before
and after alone). A coverage should be 95 %, within 1.5 points; an interval that may be looked at at any time covers more at any
one look by design. A false verdict should come in 5 % of pilots or fewer. `error` is the simulation's own, 1.96 standard errors.
"""

from __future__ import annotations

import argparse
import datetime as dt
import math
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

import playbook
from playbook.pilots import looks, minutes, quality
from playbook.pilots.contrast import AGAINST_GROUP, OWN
from playbook.pilots.sides import Sides
from playbook.pilots.together import shrink

Floats = np.ndarray
Rng = np.random.Generator
Make = Callable[[Rng], Sides]
RULE = playbook.load("pilot_evidence")
START, END = dt.date(2026, 10, 5), dt.date(2026, 11, 1)
ENDED = {"status": "ended", "start": START, "end": END}
RUNNING = ENDED | {"status": "running"}
A_FIFTH = math.log(0.8)
SPREAD, OLD, WEEKLY, WEEKS = 0.6, 20, 5, 4


@dataclass(frozen=True)
class Line:
    """One line of the table: what was simulated, the kit's share and the naive test's, each of 1."""

    name: str
    what: str
    kit: float
    naive: float
    runs: int


def sides(
    logs: Floats,
    cells: Floats,
    days: Floats | None = None,
    people: Floats | None = None,
    scores: Floats | None = None,
    accepted: Floats | None = None,
) -> Sides:
    """Items of a simulated pilot; all of an item's minutes are hands-on."""
    n = len(logs)
    none = np.full(n, np.nan)
    days = np.where(cells % 2 == 1, -10, 1) if days is None else days
    return Sides(
        parts=np.column_stack([np.exp(logs), np.zeros(n), np.zeros(n)]),
        scores=none if scores is None else scores,
        accepted=none if accepted is None else accepted,
        cells=cells.astype(np.int64),
        days=np.datetime64(START) + days.astype("timedelta64[D]"),
        people=people,
        weights=AGAINST_GROUP if cells.max() > 1 else OWN,
    )


def growing(
    rng: Rng,
    *,
    effect: float = 0.0,
    old: int = OLD,
    weekly: int = WEEKLY,
    spread: tuple[float, float] = (SPREAD, SPREAD),
    base: float = 4.0,
) -> Sides:
    """A pilot before and after whose items with the agent come in over four weeks."""
    new = weekly * WEEKS
    cells = np.repeat([1, 0], [old, new])
    logs = np.concatenate([rng.normal(base, spread[0], old), rng.normal(base + effect, spread[1], new)])
    return sides(logs, cells, np.concatenate([np.full(old, -10), np.arange(new) * 28 // new]))


def welch(found: Sides, level: float = 0.05) -> tuple[float, float]:
    """The naive interval of the log ratio: item by item, own items alone, one look."""
    logs = np.log(np.maximum(found.totals, 1))
    test = stats.ttest_ind(logs[found.cells == 0], logs[found.cells == 1], equal_var=False)
    low, high = test.confidence_interval(1 - level)
    return float(low), float(high)


def kit(found: Sides, pilot: dict = ENDED) -> tuple[float, float]:
    """The readout's interval of the log ratio."""
    ratio = minutes.time(found, RULE, looks.look(pilot, found)).interval
    return (math.log(ratio.low), math.log(ratio.high)) if ratio.measured else (-math.inf, math.inf)


def false_verdict(found: Sides, pilot: dict = ENDED) -> bool:
    """Whether the readout says "saved" or "slower"."""
    return minutes.time(found, RULE, looks.look(pilot, found)).verdict in ("saved", "slower")


def holds(ends: tuple[float, float], truth: float) -> bool:
    return ends[0] <= truth <= ends[1]


def fixed(name: str, make: Make, truth: float, runs: int, rng: Rng) -> Line:
    """Coverage of the interval at the planned end."""
    found = [make(rng) for _ in range(runs)]
    return Line(
        name,
        "coverage",
        np.mean([holds(kit(x), truth) for x in found]),
        np.mean([holds(welch(x), truth) for x in found]),
        runs,
    )


def weekly(name: str, make: Make, runs: int, rng: Rng, *, days: tuple[int, ...] = (7, 14, 21)) -> list[Line]:
    """False verdicts of who looks on these days and at the planned end where there is no difference."""
    kit_false = naive_false = covered = 0
    for _ in range(runs):
        found = make(rng)
        cuts = [found.until(START + dt.timedelta(days=day - 1)) for day in days]
        kit_false += any(false_verdict(cut, RUNNING) for cut in cuts) or false_verdict(found)
        covered += all(holds(kit(cut, RUNNING), 0.0) for cut in cuts if min(cut.counts) >= RULE.least)
        naive_false += any(not holds(welch(x), 0.0) for x in [*cuts, found] if min(x.counts) >= 2)
    return [
        Line(name, "false verdicts", kit_false / runs, naive_false / runs, runs),
        Line(f"{name}: looks in between", "coverage of all at once", covered / runs, math.nan, runs),
    ]


def crowd(
    rng: Rng,
    *,
    people: int = 8,
    each: int = 4,
    own: float = 0.4,
    moves: float = 0.2,
    both: bool = True,
    group: bool = False,
    effect: float = 0.0,
    speed_up: float = 0.0,
) -> Sides:
    """Items of people who differ from each other (`own`) and in what the agent does for them (`moves`)."""
    logs, cells, codes = [], [], []
    kinds = [(0, 1), (2, 3)] if group else [(0, 1)]
    code = 0
    for trial, baseline in kinds:
        for number in range(people):
            level, move = rng.normal(4, own), rng.normal(0, moves)
            for cell in (trial, baseline) if both else ((trial, baseline)[number % 2],):
                shift = (speed_up + move) * (cell in (0, 2)) + effect * (cell == 0)
                count = each if both else 2 * each
                logs.append(rng.normal(level + shift, SPREAD, count))
                cells.append(np.full(count, cell))
                codes.append(np.full(count, code))
            code += 1
    found = np.concatenate(cells)
    days = np.where(found % 2 == 1, -10, rng.integers(0, 28, len(found)))
    return sides(np.concatenate(logs), found, days, people=np.concatenate(codes))


def grouped(rng: Rng, *, n: int = 20, speed_up: float = A_FIFTH, effect: float = 0.0) -> Sides:
    """Four cells of n items: everybody gets faster by `speed_up`, the pilot by `effect` more."""
    shifts = {0: speed_up + effect, 1: 0.0, 2: speed_up, 3: 0.0}
    cells = np.repeat(list(shifts), n)
    return sides(rng.normal(4, SPREAD, 4 * n) + np.repeat(list(shifts.values()), n), cells)


def saved_minutes(name: str, make: Make, truth: float, runs: int, rng: Rng) -> Line:
    """Coverage of the minutes saved an item, an arithmetic mean of skewed times."""
    found = []
    for _ in range(runs):
        x = make(rng)
        row = minutes.ledger(x, looks.look(ENDED, x))
        found.append(row["saved_low"] <= truth <= row["saved_high"])
    return Line(name, "coverage", float(np.mean(found)), math.nan, runs)


def judged(rng: Rng, *, n: int, drop: float, by: str) -> Sides:
    """Items scored 1 to 5 (spread 0.8, rounded) or accepted (90 % before), the trial's lower by `drop`."""
    cells = np.repeat([1, 0], n)
    days = np.concatenate([np.full(n, -10), np.arange(n) * 28 // n])
    low = drop * (cells == 0)
    if by == "scores":
        return sides(np.zeros(2 * n), cells, days, scores=np.clip(np.round(rng.normal(3.6 - low, 0.8)), 1, 5))
    return sides(np.zeros(2 * n), cells, days, accepted=(rng.random(2 * n) < 0.9 - low).astype(float))


def quality_lines(runs: int, rng: Rng) -> list[Line]:
    """Coverage of both quality measures, and how often a trial that is worse by the whole margin passes as kept."""
    lines = []
    for by, n, margin in (("scores", 42, 0.5), ("scores", 15, 0.5), ("share", 40, 0.1), ("share", 148, 0.1)):
        truth = -float(_mean_score(3.6) - _mean_score(3.6 - margin)) if by == "scores" else -margin
        covers = kept = looked = 0
        for _ in range(runs):
            x = judged(rng, n=n, drop=margin, by=by)
            found = quality.quality(x, RULE, looks.look(ENDED, x))
            interval = found.scores if by == "scores" else found.accepted
            covers += interval.low <= truth <= interval.high
            kept += interval.low > truth
            cuts = [x.until(START + dt.timedelta(days=day - 1)) for day in (7, 14, 21)]
            early = [quality.quality(cut, RULE, looks.look(RUNNING, cut)) for cut in cuts if min(cut.counts) >= 2]
            ends = [each.scores if by == "scores" else each.accepted for each in early]
            looked += interval.low > truth or any(each is not None and each.low > truth for each in ends)
        name = f"quality by {by}, {n} items a side"
        lines += [
            Line(name, "coverage", covers / runs, math.nan, runs),
            Line(f"{name}, worse by the margin", "false 'kept', weekly looks", looked / runs, math.nan, runs),
        ]
    return lines


def _mean_score(centre: float) -> float:
    edges = stats.norm.cdf([1.5, 2.5, 3.5, 4.5], centre, 0.8)
    return float(np.diff([0.0, *edges, 1.0]) @ np.arange(1, 6))


def together_lines(runs: int, rng: Rng) -> list[Line]:
    """Three workflows of ten items a side read together: coverage, and the error beside that of each alone.

    The interval holds as promised over all spreads thought possible. For workflows that are all but alike it covers two
    points more: three figures do not tell that they are alike, so it stays as wide as it must be if they are not. The
    last lines show other beliefs about the spread: small ones likelier covers no less, and a belief that brings it
    within 1.5 points, in proportion to the spread up to 1.5, gives up about half of the gain in squared error.
    """
    errors, widest = np.full(3, SPREAD * math.sqrt(2 / 10)), RULE.widest_spread.value
    lines = []
    for tau in (None, 0.0, 0.1, 0.3, 0.6, 1.0):
        covers, alone, shrunk = [], [], []
        for _ in range(runs):
            truth = rng.normal(-0.5, rng.uniform(0, widest) if tau is None else tau, 3)
            seen = rng.normal(truth, errors)
            found = shrink(list(seen), list(errors), widest)
            covers += [each.low <= t <= each.high for each, t in zip(found, truth, strict=True)]
            shrunk += [(each.estimate - t) ** 2 for each, t in zip(found, truth, strict=True)]
            alone += list((seen - truth) ** 2)
        name = f"three workflows together, true spread {f'anything up to {widest:g}' if tau is None else tau}"
        # the three of a pilot hang together: the error is given as for one
        lines += [
            Line(name, "coverage", float(np.mean(covers)), math.nan, runs),
            Line(name, "mean squared error", float(np.mean(shrunk)), float(np.mean(alone)), runs),
        ]
    return lines + other_beliefs(5 * runs, rng, errors)


def other_beliefs(runs: int, rng: Rng, errors: Floats) -> list[Line]:
    """The same reading of workflows of true spread 0.1, the spread thought otherwise likely than evenly up to 1."""
    truth = rng.normal(-0.5, 0.1, (runs, 3))
    seen = rng.normal(truth, errors)
    alone = float(((seen - truth) ** 2).mean())
    lines = []
    for said, most, weight in (
        ("small ones likelier (half-Cauchy 0.3)", 1.0, lambda t: 1 / (1 + (t / 0.3) ** 2)),
        ("in proportion to it, up to 1", 1.0, lambda t: t),
        ("in proportion to it, up to 1.5", 1.5, lambda t: t),
    ):
        tau = np.linspace(0.005, most, 101)[:, None]
        v = errors**2 + tau**2
        total = (1 / v).sum(axis=1)
        mean = (seen[:, None, :] / v).sum(axis=2) / total
        off = ((seen[:, None, :] - mean[:, :, None]) ** 2 / v).sum(axis=2)
        logs = np.log(weight(tau[:, 0])) - 0.5 * (np.log(v).sum(axis=1) + np.log(total) + off)
        share = np.exp(logs - logs.max(axis=1, keepdims=True))
        share = (share / share.sum(axis=1, keepdims=True))[:, :, None]
        drawn = errors**2 / v
        middle = (1 - drawn) * seen[:, None, :] + drawn * mean[:, :, None]
        spread = np.sqrt(errors**2 * (1 - drawn) + drawn**2 / total[:, None])
        place = (share * stats.norm.cdf((truth[:, None, :] - middle) / spread)).sum(axis=1)
        name = f"three workflows together, true spread 0.1, belief: {said}"
        lines += [
            Line(name, "coverage", float((np.abs(place - 0.5) <= 0.475).mean()), math.nan, runs),
            Line(name, "mean squared error", float((((share * middle).sum(axis=1) - truth) ** 2).mean()), alone, runs),
        ]
    return lines


DAILY = tuple(range(3, 28))
SCENES = {
    "planned end, no difference": lambda r, g: [fixed("planned end, no difference", growing, 0.0, r, g)],
    "planned end, half the time": lambda r, g: [
        fixed("planned end, half the time", lambda x: growing(x, effect=math.log(0.5)), math.log(0.5), r, g)
    ],
    "planned end, 12 and 32 items, spreads 0.3 and 0.6": lambda r, g: [
        fixed(
            "planned end, 12 and 32 items, spreads 0.3 and 0.6",
            lambda x: growing(x, old=12, weekly=8, spread=(0.3, 0.6)),
            0,
            r,
            g,
        )
    ],
    "weekly looks": lambda r, g: weekly("weekly looks", growing, r, g),
    "weekly looks, 12 and 32 items, spreads 0.3 and 0.6": lambda r, g: weekly(
        "weekly looks, 12 and 32 items, spreads 0.3 and 0.6",
        lambda x: growing(x, old=12, weekly=8, spread=(0.3, 0.6)),
        r,
        g,
    ),
    "weekly looks, 30 and 60 items": lambda r, g: weekly(
        "weekly looks, 30 and 60 items", lambda x: growing(x, old=30, weekly=15), r, g
    ),
    "daily looks": lambda r, g: weekly("daily looks", growing, r // 4, g, days=DAILY),
    "weekly looks, 8 people": lambda r, g: weekly("weekly looks, 8 people", lambda x: crowd(x, each=6), r, g),
    "people who did both, 8 of 4 items a side": lambda r, g: [
        fixed("people who did both, 8 of 4 items a side", crowd, 0.0, r, g)
    ],
    "people who did both, 5 of 8 items, moves 0.4": lambda r, g: [
        fixed(
            "people who did both, 5 of 8 items, moves 0.4", lambda x: crowd(x, people=5, each=8, moves=0.4), 0.0, r, g
        )
    ],
    "people of one side each, 12 of 6 items": lambda r, g: [
        fixed("people of one side each, 12 of 6 items", lambda x: crowd(x, people=12, each=3, both=False), 0.0, r, g)
    ],
    "people of one side each, 6 of 8 items": lambda r, g: [
        fixed("people of one side each, 6 of 8 items", lambda x: crowd(x, people=6, each=4, both=False), 0.0, r, g)
    ],
    "a 20 % speed-up anyway, comparison group": lambda r, g: [
        fixed("a 20 % speed-up anyway, comparison group", grouped, 0.0, r, g)
    ],
    "a 20 % speed-up anyway, comparison group, 6 people each": lambda r, g: [
        fixed(
            "a 20 % speed-up anyway, comparison group, 6 people each",
            lambda x: crowd(x, people=6, each=5, group=True, speed_up=math.log(0.8)),
            0.0,
            r,
            g,
        )
    ],
    "minutes saved": lambda r, g: [
        saved_minutes("minutes saved, 20 items a side", lambda x: growing(x, spread=(0.4, 0.4)), 0.0, r, g),
        saved_minutes(
            "minutes saved, half the time, 20 items a side",
            lambda x: growing(x, effect=math.log(0.5), spread=(0.4, 0.4)),
            0.5 * math.exp(4 + 0.08),
            r,
            g,
        ),
        saved_minutes("minutes saved, comparison group", grouped, 0.0, r, g),
        saved_minutes("minutes saved, 8 people", crowd, 0.0, r, g),
    ],
    "quality": quality_lines,
    "together": together_lines,
}


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--runs", type=int, default=2000)
    reader.add_argument("--only", default="", help="lines whose name holds this")
    options = reader.parse_args()
    begun = time.perf_counter()
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"Python {platform.python_version()}, load {load}\n")
    print("| pilots simulated | figure | kit | naive t-test | error |\n|---|---|---|---|---|")
    for number, (name, lines) in enumerate(SCENES.items()):
        if options.only in name:
            for line in lines(options.runs, np.random.default_rng([2026, number])):
                _show(line)
    print(f"\n{time.perf_counter() - begun:.0f} s")


def _show(line: Line) -> None:
    if "squared" in line.what:
        print(f"| {line.name} | {line.what} | {line.kit:.4f} | {line.naive:.4f} (each alone) | |")
        return
    naive = "" if math.isnan(line.naive) else f"{100 * line.naive:.1f} %"
    error = 196 * math.sqrt(line.kit * (1 - line.kit) / line.runs)
    print(f"| {line.name} | {line.what} | {100 * line.kit:.1f} % | {naive} | {error:.1f} |")


if __name__ == "__main__":
    main()
