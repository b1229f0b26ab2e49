"""What the sample's agents work on: their playbooks, and files as a tool would export them, made up like the rest."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import shutil
from pathlib import Path

import numpy as np
from pydantic import Field

from playbook.io import content
from playbook.tables import Authored

SEED = 20260915
PLAYBOOKS, INPUTS = "templates/sample/playbooks", "templates/sample/inputs"
WRITTEN_FOR = dt.date(2026, 10, 13)  # day 1 of the engagement the sample's files are written for
DATE = re.compile(r"\b(\d{4}-\d{2}-\d{2})\b")


class SampleChannel(Authored):
    """A channel in round figures: visits on a working day, the share of it on a weekend day, orders a hundred visits."""

    channel: str
    visits: float = Field(gt=0)
    weekend: float = Field(gt=0)
    orders: float = Field(ge=0)


class SampleVisits(Authored):
    """A web tool's daily export: how many days of it, its channels, the spread of a day, growth a year.

    From `renamed_day` on (counted from day 1) the tag of `renamed` is another for `renamed_days` days: its visits are
    counted as `counted_as`.
    """

    playbook: str
    file: str
    days: int
    spread: float
    growth: float
    channels: list[SampleChannel]
    renamed: str
    counted_as: str
    renamed_day: int
    renamed_days: int


def write(folder: Path, visits: list[SampleVisits], start: dt.date, end: dt.date) -> None:
    """Put the agents' playbooks and inputs into the engagement folder; the exports end on the day before `end`."""
    shutil.copytree(content.root() / PLAYBOOKS, folder / "playbooks")
    for source in sorted((content.root() / INPUTS).rglob("*.csv")):
        target = folder / "inputs" / source.relative_to(content.root() / INPUTS)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_moved(source.read_text(encoding="utf-8"), start - WRITTEN_FOR), encoding="utf-8")
    for each in visits:
        target = folder / "inputs" / each.playbook / each.file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(daily(each, start, end), encoding="utf-8")


def daily(spec: SampleVisits, start: dt.date, end: dt.date) -> str:
    """The export as CSV: day, channel, visits, orders; a row a day and channel, up to the day before `end`."""
    random = np.random.default_rng(SEED)
    sheet = io.StringIO()
    rows = csv.writer(sheet, lineterminator="\n")
    rows.writerow(["day", "channel", "visits", "orders"])
    for number in range(spec.days):
        day = end - dt.timedelta(days=spec.days - number)
        since = (day - start).days
        renamed = spec.renamed_day <= since < spec.renamed_day + spec.renamed_days
        counts = {channel.channel: _counts(channel, spec, day, number, random) for channel in spec.channels}
        if renamed:
            lost, gained = counts.pop(spec.renamed), counts[spec.counted_as]
            counts[spec.counted_as] = (lost[0] + gained[0], lost[1] + gained[1])
        rows.writerows([day.isoformat(), name, *both] for name, both in counts.items())
    return sheet.getvalue()


def _counts(
    channel: SampleChannel, spec: SampleVisits, day: dt.date, number: int, random: np.random.Generator
) -> tuple[int, int]:
    level = channel.visits * (channel.weekend if day.weekday() >= 5 else 1.0) * (1 + spec.growth * number / 365)
    visits = int(random.poisson(level * np.exp(random.normal(0, spec.spread))))
    return visits, int(random.binomial(visits, channel.orders / 100))


def _moved(text: str, by: dt.timedelta) -> str:
    """The text with every day in it moved, so that files written for one first day fit another."""
    return DATE.sub(lambda found: (dt.date.fromisoformat(found[1]) + by).isoformat(), text)
