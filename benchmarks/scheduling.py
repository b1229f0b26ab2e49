"""How good the scheduling agent's plans are: beside greedy, beside random times, beside the optimum where it is known.

    python benchmarks/scheduling.py                     all four tables, under three minutes
    python benchmarks/scheduling.py --only size         1,000 posts x 30 days x 4 channels
    python benchmarks/scheduling.py --inputs FOLDER     writes a small made-up history.csv and queue.csv instead

Optima are known in three ways: every choice of small instances is tried; a sum over prefixes (dynamic programming) is
exact where posts are alike and only spacing and days limit; planted instances are built around a best choice.
`shortfall` is the share of the optimum's total that is missing, among choices that place as many posts as can be placed.
Accounts are made up: engagement follows an hour and weekday curve that no method is told, posts differ (log-normal),
impressions too, so that the true rate of every time is known and estimates can be judged.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import itertools
import os
import platform
import time
from pathlib import Path
from zoneinfo import ZoneInfo

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices: threads that wait for each other only cost

import numpy as np
import pandas as pd

from playbook.agents.scheduling import choose, estimates, knowledge, plan
from playbook.agents.scheduling.choose import Problem
from playbook.agents.scheduling.settings import ChannelRule, Learning, Rules

TODAY = dt.date(2026, 11, 22)
ZONE = "America/New_York"
CHANNELS = {
    "Instagram": (0.034, 6200),
    "LinkedIn": (0.021, 2900),
    "Facebook": (0.012, 4100),
    "Pinterest": (0.008, 5200),
}
BEST_HOUR = {"Instagram": 19, "LinkedIn": 9, "Facebook": 13, "Pinterest": 21}
WINDOW = (7, 22)


def true_lift(channel: str) -> np.ndarray:
    """The true rate of each of the 168 hours of a week as a share of the channel's mean, which nobody is told."""
    hour, day = np.tile(np.arange(24), 7), np.repeat(np.arange(7), 24)
    best = BEST_HOUR[channel]
    near = np.exp(-(np.minimum(abs(hour - best), 24 - abs(hour - best)) ** 2) / 12)
    weekday = np.array([0.05, 0.1, 0.12, 0.06, -0.04, -0.16, -0.13])[day]
    weekday = -weekday if channel == "Instagram" else weekday
    bump = 0.08 * np.sin(1.7 * np.arange(168))
    return 0.85 + 0.45 * near + weekday + bump


def history(posts: int, channels: list[str], *, seed: int, days: int = 300, spread: float = 0.5) -> pd.DataFrame:
    """Posts of a made-up account: mostly at the team's office hours, whatever would have been best."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(posts):
        channel = channels[number % len(channels)]
        rate, reach = CHANNELS[channel]
        day = TODAY - dt.timedelta(days=int(rng.integers(1, days)))
        habits = [9, 10, 11, 12, 13, 15, 16, 17, 18, 20]
        hour = int(rng.choice(habits)) if rng.random() < 0.8 else int(rng.integers(*WINDOW))
        if day.isoweekday() > 5 and rng.random() < 0.6:
            day -= dt.timedelta(days=2)
        local = dt.datetime.combine(day, dt.time(hour, int(rng.integers(0, 60)))).replace(tzinfo=ZoneInfo(ZONE))
        lift = true_lift(channel)[(day.isoweekday() - 1) * 24 + hour]
        own = float(np.exp(rng.normal(-(spread**2) / 2, spread)))
        seen = max(40, int(reach * np.exp(rng.normal(0, 0.4))))
        taking = int(rng.binomial(seen, min(0.95, rate * lift * own)))
        rows.append(
            {"channel": channel, "published": local.astimezone(dt.UTC), "impressions": seen, "engagements": taking}
        )
    frame = pd.DataFrame(rows).assign(content_type="")
    return frame.astype({"published": "datetime64[us, UTC]"}).sort_values("published").reset_index(drop=True)


def queue(posts: int, channels: list[str], *, seed: int, days: int = 30) -> pd.DataFrame:
    """Posts that wait: two in five with dates of their own, one in four of more weight."""
    rng = np.random.default_rng(seed)
    start = pd.Timestamp(TODAY, tz="UTC")
    rows = []
    for number in range(posts):
        bound = rng.random() < 0.4
        first = start + pd.Timedelta(days=int(rng.integers(0, max(1, days - 7)))) if bound else pd.NaT
        last = first + pd.Timedelta(days=int(rng.integers(3, 10))) if bound else pd.NaT
        weight = float(rng.choice([1, 1, 1, 2]))
        cells = {"post": f"p-{number:04}", "channel": channels[number % len(channels)], "weight": weight}
        rows.append(cells | {"not_before": first, "not_after": last, "booked": pd.NaT, "title": ""})
    moments = {
        name: pd.to_datetime([row[name] for row in rows], utc=True).as_unit("us")
        for name in ("not_before", "not_after", "booked")
    }
    return pd.DataFrame(rows).assign(**moments)


def rules(channels: list[str], *, days: int = 30, a_day: int = 10, spacing: float = 1.0, seconds: float = 20) -> Rules:
    """The same rules for each channel."""
    listed = tuple(
        ChannelRule(
            channel=name, zone=ZONE, hours=WINDOW, spacing_hours=spacing, most_a_day=a_day, most_a_week=a_day * 6
        )
        for name in channels
    )
    return Rules(days=days, channels=listed, solver_seconds=seconds)


def instance(rng: np.random.Generator, *, posts: int, times: int, per_day: int, windows: bool = True) -> Problem:
    """A random choice of one channel: `times` hours in days of `per_day`, spacing of one to three hours."""
    at = np.sort(rng.choice(times * 2, times, replace=False)).astype(float)
    day = (at // per_day).astype(np.int64)
    days = int(day.max()) + 1
    allowed = np.ones((posts, times), dtype=bool)
    if windows:
        first = rng.integers(0, times * 2, posts) * (rng.random(posts) < 0.5)
        last = np.where(rng.random(posts) < 0.5, first + rng.integers(2, times, posts), times * 3)
        allowed = (at >= first[:, None]) & (at <= last[:, None])
    weight = rng.choice([1.0, 1.0, 2.0, 3.5], posts) if windows else np.ones(posts)
    return Problem(
        at,
        rng.uniform(0.3, 2.0, times),
        weight,
        allowed,
        float(rng.integers(1, 4)),
        day,
        day // 2,
        rng.integers(1, 4, days),
        rng.integers(2, 6, days // 2 + 1),
    )


def brute(problem: Problem) -> tuple[int, float]:
    """The best of every possible choice."""
    options = [[-1, *np.flatnonzero(row)] for row in problem.allowed]
    found = (np.array(pick) for pick in itertools.product(*options))
    return max(problem.worth(pick) for pick in found if problem.holds(pick))


def prefix_optimum(problem: Problem, most_a_day: int) -> tuple[int, float]:
    """The exact best where posts are alike, have no dates, days hold `most_a_day` and weeks do not limit.

    best[k] over (last time used, posts that day): a time either stays free or follows one far enough before it.
    """
    n = len(problem.weight)
    states: dict[tuple[int, int, int], float] = {(0, -1, 0): 0.0}
    for place, at in enumerate(problem.hours):
        grown = dict(states)
        for (number, last, today), worth in states.items():
            same = last >= 0 and problem.day[last] == problem.day[place]
            if (
                number < n
                and (last < 0 or at - problem.hours[last] >= problem.spacing)
                and not (same and today >= most_a_day)
            ):
                key = (number + 1, place, today + 1 if same else 1)
                grown[key] = max(grown.get(key, -1.0), worth + problem.value[place])
        states = _kept(grown, problem, place)
    return max((number, worth) for (number, _, _), worth in states.items())


def _kept(states: dict, problem: Problem, place: int) -> dict:
    """States that can still differ: of those whose last time is far enough back in an earlier day only the best."""
    kept: dict[tuple[int, int, int], float] = {}
    for (number, last, today), worth in states.items():
        far = last < 0 or (
            problem.hours[place] + 1 - problem.hours[last] >= problem.spacing and problem.day[last] < problem.day[place]
        )
        key = (number, -1 if far else last, 0 if far else today)
        kept[key] = max(kept.get(key, -1.0), worth)
    return kept


def planted(rng: np.random.Generator, *, posts: int, days: int, per_day: int = 14) -> tuple[Problem, tuple[int, float]]:
    """A choice built around its best: one kept set of times is worth more than all others, heavy posts fit the best."""
    at = (np.repeat(np.arange(days) * 24, per_day) + np.tile(np.arange(8, 8 + per_day), days)).astype(float)
    day = (at // 24).astype(np.int64)
    spacing, a_day = 2.0, int(np.ceil(posts / days))
    chosen: list[int] = []
    for number in rng.permutation(days).repeat(a_day)[: posts * 2]:
        free = [p for p in np.flatnonzero(day == number) if all(abs(at[p] - at[q]) >= spacing for q in chosen)]
        if free and len(chosen) < posts:
            chosen.append(int(rng.choice(free)))
    posts = len(chosen)
    value = rng.uniform(0.2, 0.999, len(at))
    value[chosen] = np.sort(rng.uniform(1.0, 1.6, posts))[::-1]
    weight = np.sort(rng.choice([1.0, 1.5, 2.0, 3.0], posts))[::-1]
    allowed = np.zeros((posts, len(at)), dtype=bool)
    for post, place in enumerate(chosen):
        width = rng.integers(24, 24 * days)
        first = at[place] - rng.integers(0, width)
        allowed[post] = (at >= first) & (at <= first + width)
    best = float((weight * value[chosen]).sum())
    mixed = rng.permutation(posts)
    held = Problem(
        at, value, weight[mixed], allowed[mixed], spacing, day, day // 7,
        np.full(days, a_day), np.full(days // 7 + 1, 7 * a_day),
    )  # fmt: skip
    return held, (posts, best)


def shortfall(worth: tuple[int, float], best: tuple[int, float]) -> float:
    """What is missing of the optimum; a choice that places fewer posts than can be placed misses all of it."""
    return 1.0 if worth[0] < best[0] else max(0.0, 1 - worth[1] / best[1])


def optima(seed: int = 1) -> None:
    """Choices beside optima that are known."""
    rng = np.random.default_rng(seed)
    small = [instance(rng, posts=int(rng.integers(2, 6)), times=int(rng.integers(4, 8)), per_day=6) for _ in range(150)]
    known = {"every choice tried, 2-5 posts": [(one, brute(one)) for one in small]}
    alike = []
    for _ in range(10):
        one = instance(rng, posts=60, times=120, per_day=24, windows=False)
        days = len(one.day_room)
        free = Problem(**vars(one) | {"day_room": np.full(days, 3), "week_room": np.full(len(one.week_room), 10**6)})
        alike.append((free, prefix_optimum(free, 3)))
    known["dynamic programming, 60 like posts, 120 times"] = alike
    known["planted, 100 posts with dates, 30 days"] = [planted(rng, posts=100, days=30) for _ in range(5)]
    print(
        "\n| optimum known by | instances | | mean shortfall | worst | fewer posts than possible |\n|---|---|---|---|---|---|"
    )
    for name, pairs in known.items():
        found = {"kit": [], "greedy": [], "random": []}
        for one, best in pairs:
            choice = choose.choose(one, 20)
            assert choice.worth >= choice.greedy, "below greedy"
            found["kit"].append((choice.worth, best))
            found["greedy"].append((choice.greedy, best))
            found["random"].append((one.worth(choose.at_random(one, rng)), best))
        for way, results in found.items():
            missing = np.array([shortfall(*result) for result in results])
            fewer = sum(worth[0] < best[0] for worth, best in results)
            of_full = missing[[worth[0] == best[0] for worth, best in results]]
            mean = f"{100 * of_full.mean():.3f} %" if len(of_full) else "-"
            worst = f"{100 * of_full.max():.3f} %" if len(of_full) else "-"
            print(f"| {name} | {len(pairs)} | {way} | {mean} | {worst} | {fewer} |")


def size(posts: int = 1000, days: int = 30, seconds: float = 20) -> None:
    """The size of the target, with easy and tight rules."""
    names = list(CHANNELS)
    known, waiting = history(2400, names, seed=1), queue(posts, names, seed=2, days=days)
    print(f"\n{posts:,} posts x {days} days x {len(names)} channels, limit {seconds:g} s a channel")
    print(
        "| rules | way | seconds | posts placed | total | solver stopped | could be better by |\n|---|---|---|---|---|---|---|"
    )
    cases = {
        "hourly, 10 a day, 1 h apart": (60, 10, 1.0),
        "hourly, 9 a day, 1.5 h apart": (60, 9, 1.5),
        "half-hourly, 9 a day, 1.5 h apart": (30, 9, 1.5),
    }
    for name, (step, a_day, spacing) in cases.items():
        rule = rules(names, days=days, a_day=a_day, spacing=spacing, seconds=seconds)
        rule = rule.model_copy(update={"step_minutes": step})
        begun = time.perf_counter()
        made = plan.make(waiting, known, rule, TODAY)
        wall = time.perf_counter() - begun
        stopped = sum(choice.timed_out for choice in made.choices.values())
        short = max(choice.short for choice in made.choices.values())
        total = [sum(choice.worth[place] for choice in made.choices.values()) for place in (0, 1)]
        print(f"| {name} | kit | {wall:.1f} | {total[0]} | {total[1]:.2f} | {stopped} of 4 | {100 * short:.3f} % |")
        floor = [sum(choice.greedy[place] for choice in made.choices.values()) for place in (0, 1)]
        print(f"| | greedy | | {floor[0]} | {floor[1]:.2f} | | |")
        drawn = _random_total(waiting, known, rule)
        print(f"| | random times | | {drawn[0]} | {drawn[1]:.2f} | | |")


def _random_total(waiting: pd.DataFrame, known: pd.DataFrame, rule: Rules) -> tuple[int, float]:
    rng, total = np.random.default_rng(3), [0, 0.0]
    learned = estimates.learn(known, rule.zones(), rule.learning)
    for one in rule.channels:
        problem, _ = _problem(one, rule, waiting, known, learned)
        number, worth = problem.worth(choose.at_random(problem, rng))
        total = [total[0] + number, total[1] + worth]
    return total[0], total[1]


def rates(runs: int = 40) -> None:
    """Estimates beside plain means, where the truth is known: error, coverage, and what the plan really gains."""
    print(
        "\n| posts of history, a channel | rate of a time taken from | error (share of the channel's mean) | 95 % intervals that hold the truth |\n|---|---|---|---|"
    )
    names, open_hours = ["Instagram", "LinkedIn", "Facebook"], np.tile(np.isin(np.arange(24), np.arange(*WINDOW)), 7)
    for posts in (10, 40, 130, 600):
        errors = {"kit": [], "channel's mean": [], "mean of that time, channel's mean where none": []}
        held = []
        for seed in range(runs):
            known = history(posts * len(names), names, seed=seed)
            learned = estimates.learn(known, dict.fromkeys(names, ZONE), Learning())
            for name in names:
                one, truth = learned.channels[name], true_lift(name) * CHANNELS[name][0]
                part = known[known["channel"] == name]
                rate = (part["engagements"] / part["impressions"]).to_numpy()
                local = part["published"].dt.tz_convert(ZONE)
                cells = (local.dt.day_of_week * 24 + local.dt.hour).to_numpy()
                counts = np.bincount(cells, minlength=168)
                raw = np.where(counts > 0, np.bincount(cells, rate, 168) / np.maximum(counts, 1), rate.mean())
                guesses = {"kit": one.mean, "channel's mean": np.full(168, rate.mean())}
                guesses["mean of that time, channel's mean where none"] = raw
                for way, guess in guesses.items():
                    errors[way].append(((guess - truth)[open_hours] / CHANNELS[name][0]) ** 2)
                reach = 1.96 * np.sqrt(np.diag(one.covariance))
                held.append((abs(one.mean - truth) <= reach)[open_hours])
        for way, found in errors.items():
            covered = f"{100 * np.mean(held):.1f} %" if way == "kit" else ""
            print(f"| {posts} | {way} | {np.sqrt(np.mean(found)):.3f} | {covered} |")


def gains(runs: int = 40) -> None:
    """What a plan of 24 posts in 14 days really gains over the account's own times, and whether the interval says so."""
    names = ["Instagram", "LinkedIn", "Facebook"]
    print(
        "\n| posts of history, a channel | true gain over own times: kit | greedy | random times | said beforehand |",
        end="",
    )
    print(" intervals that hold it | said to be better |\n|---|---|---|---|---|---|---|")
    for posts in (40, 130, 600):
        found: dict[str, list[float]] = {"kit": [], "greedy": [], "random": [], "said": []}
        held, better = 0, 0
        for seed in range(runs):
            known, waiting = history(posts * 3, names, seed=1000 + seed), queue(24, names, seed=seed, days=14)
            rule = rules(names, days=14, a_day=2, spacing=4.0)
            made = plan.make(waiting, known, rule, TODAY)
            for way, cells in _ways(made, waiting, known, rule, seed).items():
                found[way].append(_true_gain(cells, made.learned))
            said = knowledge.gain(made)
            found["said"].append(said.estimate)
            held += said.low <= found["kit"][-1] <= said.high
            better += said.low > 0
        points = " | ".join(f"{100 * np.mean(values):+.3f} points" for values in found.values())
        print(f"| {posts} | {points} | {held} of {runs} | {better} of {runs} |")


def _true_gain(cells: dict[str, np.ndarray], learned: estimates.Learned) -> float:
    """The true mean rate at these cells less that at the account's own, channels weighted by their posts."""
    parts = []
    for name, used in cells.items():
        known, truth = learned.channels[name], CHANNELS[name][0] * true_lift(name)
        if len(used):
            parts.append((len(used), truth[used].mean() - known.posts_a_cell @ truth / known.posts))
    return sum(number * gain for number, gain in parts) / sum(number for number, _ in parts)


def _ways(made: plan.Plan, waiting: pd.DataFrame, known: pd.DataFrame, rule: Rules, seed: int) -> dict[str, dict]:
    """The cells of the week that each way uses, by channel."""
    rng = np.random.default_rng(seed)
    ways: dict[str, dict] = {"kit": {}, "greedy": {}, "random": {}}
    for one in rule.channels:
        problem, times = _problem(one, rule, waiting, known, made.learned)
        at = ((times["weekday"] - 1) * 24 + times["hour"]).to_numpy()
        picks = {"kit": made.choices[one.channel].assigned, "greedy": choose.greedy(problem)}
        for way, picked in (picks | {"random": choose.at_random(problem, rng)}).items():
            ways[way][one.channel] = at[picked[picked >= 0]]
    return ways


def _problem(
    one: ChannelRule, rule: Rules, waiting: pd.DataFrame, known: pd.DataFrame, learned: estimates.Learned
) -> tuple[Problem, pd.DataFrame]:
    out = known.loc[known["channel"] == one.channel, "published"]
    channel = plan.Channel(one, rule, waiting[waiting["channel"] == one.channel], out, TODAY)
    return channel.problem(plan.values(learned, one.channel, channel.times)), channel.times


def write_inputs(folder: Path) -> None:
    """A small history and queue of a made-up company, as its tools would export them."""
    folder.mkdir(parents=True, exist_ok=True)
    names, zone = ["Instagram", "LinkedIn", "Facebook"], ZoneInfo(ZONE)
    known = history(360, names, seed=11, days=240)
    rng = np.random.default_rng(12)
    kinds = {
        "Instagram": ["photo", "reel", "carousel"],
        "LinkedIn": ["article", "photo"],
        "Facebook": ["photo", "link"],
    }
    with (folder / "history.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["Platform", "Published", "Type", "Impressions", "Engagements"])
        for row in known.itertuples():
            local = row.published.tz_convert(zone)
            writer.writerow(
                [
                    row.channel,
                    local.isoformat(timespec="minutes"),
                    rng.choice(kinds[row.channel]),
                    row.impressions,
                    row.engagements,
                ]
            )
    waiting = queue(24, names, seed=13, days=14)
    with (folder / "queue.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["Post", "Channel", "Not before", "Not after", "Weight", "Booked", "Title"])
        for number, row in enumerate(waiting.itertuples()):
            booked = "2026-11-25 12:00" if number == 4 else ""
            shown = [
                "" if booked or pd.isna(m) else m.tz_convert(zone).strftime("%Y-%m-%d %H:%M")
                for m in (row.not_before, row.not_after)
            ]
            writer.writerow(
                [f"so-{number + 1:02}", row.channel, *shown, f"{row.weight:g}", booked, TITLES[number % len(TITLES)]]
            )


TITLES = [
    "How to oil a waxed jacket",
    "Behind the seams: our repair bench",
    "Winter layers in three steps",
    "Meet the new field bag",
    "Which boots for wet trails",
    "A walk we like: the ridge loop",
    "Gift ideas under 50 dollars",
    "Care guide: wool blankets",
]


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--only", choices=["optima", "size", "rates", "gains"])
    reader.add_argument("--runs", type=int, default=40, help="made-up accounts a line")
    reader.add_argument("--seconds", type=float, default=20, help="the solver's limit for a channel")
    reader.add_argument("--inputs", type=Path)
    options = reader.parse_args()
    if options.inputs:
        write_inputs(options.inputs)
        return
    print(f"{platform.machine()}, Python {platform.python_version()}")
    tables = {
        "optima": optima,
        "size": lambda: size(seconds=options.seconds),
        "rates": lambda: rates(options.runs),
        "gains": lambda: gains(options.runs),
    }
    for name, table in tables.items():
        if options.only in (None, name):
            table()


if __name__ == "__main__":
    main()
