"""The reporting agent's figures: false alarms, spikes found, labelled windows, splits that add up, numbers that are traced.

    python benchmarks/reporting.py                 everything, 1,000 random tables
    python benchmarks/reporting.py --tables 100    fewer

Real series are read from ../shared/data, each judged by its own past alone. Beside the kit stands the rule most
dashboards use: further than three standard deviations from the mean of the last 28 values (of the last 28 days where
values are hourly or closer). A spike of six standard deviations is put on each ordinary day in turn, up and down; the
standard deviation is that of the one-step errors of the series itself on its ordinary days, on a log scale (`x`) and in
visits (`+`), which is the smallest there is, and that of the days around the means of their weekdays (`w`). A fall that
would end below zero is cut there and so is less than six standard deviations; `+ uncut` leaves these out. The budget
of false alarms is 1 % of what is judged; a real event on a real day counts as a false alarm here.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import json
import os
import re
import time
from pathlib import Path

import numpy as np
import pandas as pd

from playbook.agents.reporting import analysis, anomalies, compose, contributions, holiday, narrative, tabulate
from playbook.agents.reporting import series as kept
from playbook.agents.reporting.settings import Settings
from playbook.io import content

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
JUDGED = [anomalies.JUDGED, anomalies.HOLIDAY]


def agencies() -> pd.DataFrame:
    """Daily visits, a column an agency; the sum over all of them is a series too."""
    frame = pd.read_csv(SHARED / "web_analytics" / "daily_visits_by_agency.csv", parse_dates=["date"])
    return frame.pivot_table(index="date", columns="agency", values="visits")


def devices() -> pd.DataFrame:
    """Daily visits by agency and device, where all ninety days are there."""
    frame = pd.read_csv(SHARED / "web_analytics" / "daily_visits_by_agency_device.csv", parse_dates=["date"])
    wide = frame.assign(name=frame["agency"] + " " + frame["device"]).pivot_table(
        index="date", columns="name", values="visits"
    )
    return wide[wide.columns[wide.notna().sum() == len(wide)]]


def made_up(series: int = 200, days: int = 182) -> pd.DataFrame:
    """Calm daily series with a week's shape, a slow drift, errors with heavy tails, counted (Poisson)."""
    rng = np.random.default_rng(11)
    index = pd.date_range("2026-05-25", periods=days)
    columns = {}
    for i in range(series):
        shape = rng.normal(0, 0.4, 7)
        drift = np.cumsum(rng.normal(0, rng.uniform(0, 0.01), days))
        errors = rng.standard_t(6, days) * rng.uniform(0.02, 0.15)
        columns[f"s{i}"] = rng.poisson(np.exp(rng.uniform(3, 13) + shape[index.day_of_week] + drift + errors))
    return pd.DataFrame(columns, index=index)


def daily(title: str, visits: pd.DataFrame, country: str) -> None:
    """False alarms and spikes found in a set of daily series, the kit and the naive rule."""
    kinds = holiday.kinds(visits.index, country)["kind"]
    counts = dict.fromkeys(
        ("n", "kit", "naive", "spikes", "uncut", "x", "+", "w", "+ uncut", "naive x", "naive +", "naive w"), 0
    )
    for name in visits:
        values = visits[name].astype(float)
        rows = anomalies.judge(values, kinds)
        known = rows["state"].isin(JUDGED).to_numpy()
        plain = anomalies.naive(values).to_numpy()
        ordinary = known & (kinds == holiday.ORDINARY).to_numpy()
        counts["n"] += int(known.sum())
        counts["kit"] += int((rows["flag"] != "")[known].sum())
        counts["naive"] += int(plain[known].sum())
        calm = rows[ordinary & (rows["flag"] == "").to_numpy()]
        factor, added = np.log(calm["value"] / calm["expected"]).std(), (calm["value"] - calm["expected"]).std()
        around = (values - values.groupby(values.index.day_of_week).transform("mean")).std()
        past = values.shift(1).rolling(28, min_periods=28)
        mean, spread = past.mean().to_numpy()[calm.index], past.std().to_numpy()[calm.index]
        for sign in (-6, 6):
            for key, spiked in (
                ("x", calm["value"] * np.exp(sign * factor)),
                ("+", calm["value"] + sign * added),
                ("w", calm["value"] + sign * around),
            ):
                found = (spiked > calm["high"]) | (spiked.clip(lower=0) < calm["low"])
                counts[key] += int(found.sum())
                if key == "+":
                    counts["uncut"] += int((spiked >= 0).sum())
                    counts["+ uncut"] += int(found[spiked >= 0].sum())
                counts[f"naive {key}"] += int((np.abs(spiked - mean) > 3 * spread).sum())
            counts["spikes"] += len(calm)
    spikes, uncut = counts["spikes"] or 1, counts["uncut"] or 1
    print(
        f"| {title} | {visits.shape[1]} | {counts['n']:,} | {counts['kit'] / counts['n']:.2%} | "
        f"{counts['x'] / spikes:.1%} | {counts['+'] / spikes:.1%} | {counts['+ uncut'] / uncut:.1%} | "
        f"{counts['w'] / spikes:.1%} | {counts['naive'] / counts['n']:.2%} | {counts['naive x'] / spikes:.1%} | "
        f"{counts['naive +'] / spikes:.1%} | {counts['naive w'] / spikes:.1%} |"
    )


def labelled() -> None:
    """False alarms outside the labelled windows, and how many windows were found."""
    windows = json.loads((SHARED / "anomalies" / "windows.json").read_text())
    print("\n| labelled series | values judged | false alarms | windows found | naive: false alarms | windows found |")
    print("|---|---|---|---|---|---|")
    for file in sorted((SHARED / "anomalies").glob("*.csv")):
        values = (
            pd.read_csv(file, parse_dates=["timestamp"]).drop_duplicates("timestamp").set_index("timestamp")["value"]
        )
        rows = anomalies.judge(values)
        spans = [rows["day"].between(*span) for key, each in windows.items() if file.name in key for span in each]
        outside = (rows["state"] == anomalies.JUDGED) & ~np.logical_or.reduce(spans)
        a_day = round(pd.Timedelta(days=1) / values.index.to_series().diff().median())
        flags = {"kit": rows["flag"] != "", "naive": pd.Series(anomalies.naive(values, 28 * a_day).to_numpy())}
        told = [
            f"{flag[outside].mean():.2%} | {sum(flag[span].any() for span in spans)} of {len(spans)}"
            for flag in flags.values()
        ]
        print(f"| {file.stem} | {int(outside.sum()):,} | {' | '.join(told)} |")


def splits(times: int) -> None:
    """The largest distance between a change and the sum of its parts, over random tables."""
    rng = np.random.default_rng(5)
    worst = 0.0
    for _ in range(times):
        names = [f"n{i}" for i in range(rng.integers(1, 40))]
        bottom = [
            pd.Series(rng.gamma(0.5, 1000, len(names)) * (rng.random(len(names)) > 0.2), index=names) for _ in "ab"
        ]
        top = [part * rng.beta(1, 20, len(names)) for part in bottom]
        if not all(part.sum() for part in bottom):
            continue
        split = contributions.of_ratio(top[0], bottom[0], top[1], bottom[1], times=100)
        change = 100 * (top[1].sum() / bottom[1].sum() - top[0].sum() / bottom[0].sum())
        whole = contributions.of_total(bottom[0], bottom[1])["change"].sum() - (bottom[1].sum() - bottom[0].sum())
        worst = max(worst, abs(contributions.ratio_change(split) - change), abs(whole) / max(bottom[0].sum(), 1))
    print(f"\n{times:,} random splits into mix and rate and by name: largest distance from the change {worst:.1e}")


def random_report(seed: int) -> tuple[list[narrative.Sentence], dict]:
    """The sentences and tables of a random export: sizes, noise, gaps, spikes, strange names."""
    rng = np.random.default_rng(seed)
    names = [f"Campaign {rng.integers(1, 99)} {mark}" for mark in rng.permutation(["5 %", "<b>", "a|b", "ß", "", "+3"])]
    rows = [
        (day, name, round(10 ** rng.uniform(0, 5) * np.exp(rng.normal(0, 0.3))), rng.uniform(0, 500))
        for name in names[: rng.integers(1, 6)]
        for day in pd.date_range(end="2026-11-22", periods=int(rng.integers(15, 60)))
        if rng.random() > 0.01
    ]
    frame = pd.DataFrame(rows, columns=["date", "name", "sessions", "cost"])
    decimals = int(rng.integers(0, 4))
    settings = Settings.model_validate(
        {
            "input": {"file": "x", "columns": {"day": "date", "name": "name", "sessions": "sessions", "cost": "cost"}},
            "measures": [
                {"measure": "sessions", "title": "Sessions", "unit": "sessions"},
                {"measure": "cost", "title": "Cost", "unit": "EUR", "decimals": decimals},
            ],
            "ratios": [{"ratio": "cpc", "title": "Cost a session", "top": "cost", "bottom": "sessions", "unit": "EUR"}],
            "country": str(rng.choice(["", "US", "GB"])),
        }
    )
    series = kept.read_csv(frame.to_csv(index=False).encode(), settings)
    found = analysis.analyse(series, settings, dt.date(2026, 11, 23))
    cells = tabulate.tabulate(found)
    wording = content.read(content.find("templates/pilots/reporting/sentences.yaml"), narrative.Wording)
    return compose.compose(found, cells, wording).sentences, cells


def traced(times: int) -> None:
    """Sound reports pass; every digit altered, sign turned, unit changed or number invented is refused."""
    rng = np.random.default_rng(3)
    sentences = refused_sound = altered = missed = 0
    begun = time.perf_counter()
    for seed in range(times):
        story, cells = random_report(seed)
        sentences += len(story)
        refused_sound += len(narrative.trace(story, cells))
        for sentence in story:
            for text in tampered(sentence.text, rng):
                altered += 1
                missed += not narrative.trace(dataclasses.replace(sentence, text=text), cells)
    took = time.perf_counter() - begun
    print(
        f"{times:,} random tables, {sentences:,} sentences: {refused_sound} sound numbers refused; "
        f"{altered:,} falsified sentences, {missed} not noticed ({took:.0f} s)"
    )


def tampered(text: str, rng: np.random.Generator) -> list[str]:
    """A sentence with one digit altered, a sign turned, a unit changed, a number added."""
    changed = [f"{text} That is 7 more.", f"{text} It doubled."]
    digits = [match.start() for match in re.finditer(r"\d", text)]
    if digits:
        at = int(rng.choice(digits))
        changed.append(f"{text[:at]}{(int(text[at]) + int(rng.integers(1, 10))) % 10}{text[at + 1 :]}")
    for was, now in (("\N{MINUS SIGN}", ""), ("+", "\N{MINUS SIGN}"), ("\xa0%", "\xa0EUR"), ("\xa0EUR", "\xa0USD")):
        if was in text:
            changed.append(text.replace(was, now, 1))
    return changed


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--tables", type=int, default=1000, help="random tables whose sentences are traced")
    options = reader.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}; budget 1 % of the values judged\n")
    print(
        "| daily series | series | days judged | kit: flagged | found x | found + | + uncut | found w | "
        "naive: flagged | x | + | w |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    if SHARED.is_dir():
        daily("visits of agencies", agencies(), "US")
        daily("visits by agency and device", devices(), "US")
    daily("made up, known to be calm", made_up(), "")
    if SHARED.is_dir():
        labelled()
    splits(2000)
    traced(options.tables)


if __name__ == "__main__":
    main()
