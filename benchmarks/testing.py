"""The testing agent beside a naive z-test looked at every day: false winners, winners found, clicks lost to exploring.

    python benchmarks/testing.py                          400 headline tests, 1,000 A/A tests a setting; 3 minutes
    python benchmarks/testing.py --tests 2000 --aa 5000   more of both
    python benchmarks/testing.py --data FOLDER            where headlines/packages.csv lies (else ../shared/data)

Every test is a stream of clicks drawn batch by batch, played three ways with the same number of sends. A winner counts as
named when it is at any look; it is false when the variant is not the one best. Lost clicks are those expected had
everything gone to the best variant from the start, less those expected with the split that was used. The naive z-test
compares the leader with the first variant at 5 %, two-sided, after every batch, and sends the rest to the first winner.

Headline tests: Upworthy Research Archive (Matias et al. 2021, CC BY 4.0). Left out: weeks flagged for faulty
randomisation, and tests of one headline alone, which compare pictures. Rates are each test's own, drawn towards its mean by
as much as chance alone spreads them (`replay.shrunk`), and, beside it, as they were seen.
"""

from __future__ import annotations

import argparse
import platform
import time
from pathlib import Path

import numpy as np
import pandas as pd

from playbook.agents.testing.allocation import AllocationRule
from playbook.agents.testing.counts import of_arrays
from playbook.agents.testing.guardrails import Guardrail, guard
from playbook.agents.testing.ratio import ratio_check
from playbook.agents.testing.replay import WAYS, replay, shrunk

SAID = {
    "equal split": "equal split, any-time verdict",
    "Thompson": "Thompson, any-time verdict",
    "one look": "equal split, one look at the end",
    "daily z-test": "equal split, z-test every day",
}
RULE = AllocationRule(draws=1000)


def played(rates: list[np.ndarray], horizons: list[int], *, batches: int = 14, drift: float = 0.0) -> list[dict]:
    """One row a way: shares of tests with a winner, a false winner, and clicks lost, over the same tests."""
    rows = []
    for way in WAYS:
        start = time.perf_counter()
        games = [
            replay(rate, horizon, way, batches=batches, drift=drift, rule=RULE, seed=seed)
            for seed, (rate, horizon) in enumerate(zip(rates, horizons, strict=True))
        ]
        best = sum(float(rate.max()) * horizon for rate, horizon in zip(rates, horizons, strict=True))
        rows.append(
            {
                "way": SAID[way],
                "tests": len(games),
                "false winners, %": 100 * np.mean([game.false for game in games]),
                "true winners, %": 100 * np.mean([game.winner is not None and not game.false for game in games]),
                "clicks lost a test": np.mean([game.lost for game in games]),
                "lost, % of clicks": 100 * sum(game.lost for game in games) / best,
                "seconds": time.perf_counter() - start,
            }
        )
    return rows


def show(title: str, rows: list[dict]) -> None:
    print(f"\n## {title}\n")
    frame = pd.DataFrame(rows)
    names = list(frame.columns)
    print("| " + " | ".join(names) + " |")
    print("|" + "|".join("---" if frame[name].dtype.kind in "OT" else "--:" for name in names) + "|")
    for row in frame.itertuples(index=False):
        print("| " + " | ".join(f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in row) + " |")


def alike(many: int) -> None:
    """Tests without any difference: every winner is false."""
    settings = [
        ("2 variants, 3 %, 20,000 sends, 14 looks", 2, 20_000, 14, 0.0),
        ("4 variants, 3 %, 20,000 sends, 14 looks", 4, 20_000, 14, 0.0),
        ("2 variants, 3 %, 20,000 sends, 14 looks, rates that move by the day (log sd 0.3)", 2, 20_000, 14, 0.3),
        ("2 variants, 3 %, 100,000 sends, 50 looks", 2, 100_000, 50, 0.0),
    ]
    for said, arms, sends, batches, drift in settings:
        some = many if batches < 50 else many // 4
        rows = played([np.full(arms, 0.03)] * some, [sends] * some, batches=batches, drift=drift)
        for row in rows:
            del row["true winners, %"], row["clicks lost a test"], row["lost, % of clicks"]
        show(f"A/A: {said}", rows)


def headlines(file: Path, many: int) -> None:
    """Finished headline tests, played again."""
    packages = pd.read_csv(file)
    flagged = packages["week_in_randomisation_risk_window"] > 0
    single = packages["distinct_headlines_in_test"] < 2
    ids = packages["clickability_test_id"]
    print(
        f"\n{ids.nunique():,} headline tests; {ids[flagged].nunique():,} in flagged weeks and "
        f"{ids[single].nunique():,} of one headline are left out."
    )
    kept = [
        (rows["impressions"].to_numpy(), rows["clicks"].to_numpy())
        for _, rows in packages[~flagged & ~single].groupby("clickability_test_id")
        if len(rows) > 1 and rows["impressions"].min() > 0 and rows["clicks"].sum() > 0
    ]
    chosen = np.random.default_rng(1).permutation(len(kept))[:many]
    tests = [kept[place] for place in chosen]
    sizes = [int(sends.sum()) for sends, _ in tests]
    arms, size = np.mean([len(sends) for sends, _ in tests]), np.median(sizes)
    print(
        f"{len(kept):,} are left, {len(tests):,} of them drawn: {arms:.1f} variants and {size:,.0f} impressions (median)."
    )
    show("Headlines, rates drawn towards the mean", played([shrunk(*test) for test in tests], sizes))
    show("Headlines, rates as seen (they overstate the differences)", played([x / n for n, x in tests], sizes))
    pooled = [np.full(len(n), x.sum() / n.sum()) for n, x in tests]
    rows = played(pooled, sizes)
    for row in rows:
        del row["true winners, %"], row["clicks lost a test"], row["lost, % of clicks"]
    show("Headlines, A/A: all variants at the test's own rate", rows)
    split_check(packages, flagged)


def split_check(packages: pd.DataFrame, flagged: pd.Series) -> None:
    """The split check on the headline tests as they were finished, planned equal, one look each."""
    rows = []
    for said, part in (("weeks without a flag", packages[~flagged]), ("flagged weeks", packages[flagged])):
        sends = [group.to_numpy() for _, group in part.groupby("clickability_test_id")["impressions"] if len(group) > 1]
        checks = [ratio_check(of_arrays([n], [np.zeros(len(n))])) for n in sends]
        off = 100 * np.mean([check.mismatch for check in checks])
        rows.append(
            {
                "tests": said,
                "number": len(checks),
                "split off, %": off,
                "gap, points (median)": float(np.median([check.gap for check in checks])),
            }
        )
    show("Split check at 1 % on the finished headline tests", rows)


def guardrails(many: int) -> None:
    """Stops for unsubscribes against a limit of 0.5 %: two variants, 500 sends a day each, 14 days."""
    rule = Guardrail(counts="unsubscribes", limit=0.5, reason="benchmark")
    rows = []
    for percent in (0.3, 0.5, 0.75, 1.0, 1.5):
        rng = np.random.default_rng(2)
        first, naive = [], []
        for _ in range(many):
            leaving = rng.binomial(500, percent / 100, (14, 2))
            looks = [of_arrays(np.full((n, 2), 500), np.zeros((n, 2)), unsubscribes=leaving[:n]) for n in range(1, 15)]
            first.append(
                next((n for n, seen in enumerate(looks, 1) if any(g.exceeded for g in guard(seen, [rule]))), 0)
            )
            naive.append((leaving.cumsum(axis=0) / (500 * np.arange(1, 15)[:, None]) > 0.005).any())
        stopped = [n for n in first if n]
        rows.append(
            {
                "unsubscribe rate, %": percent,
                "tests": many,
                "stopped, %": 100 * len(stopped) / many,
                "day of the stop (median)": float(np.median(stopped)) if stopped else float("nan"),
                "stopped by the plain rate over the limit, %": 100 * float(np.mean(naive)),
            }
        )
    show("Guardrail at 0.5 %, looked at every day", rows)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--tests", type=int, default=400)
    arguments.add_argument("--aa", type=int, default=1000)
    arguments.add_argument(
        "--data", type=Path, default=Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    )
    given = arguments.parse_args()
    print(f"# Testing agent ({platform.machine()}, Python {platform.python_version()})")
    alike(given.aa)
    file = given.data / "headlines" / "packages.csv"
    if file.is_file():
        headlines(file, given.tests)
    else:
        print(f"\nNo headline tests at {file}: that part is left out.")
    guardrails(max(50, given.aa // 20))


if __name__ == "__main__":
    main()
