"""What a team sets for its report: where the figures come from, what they are called, how sure the agent must be."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import Field, model_validator

from playbook.tables import Authored

ID = r"^[a-z][a-z0-9_]{0,39}$"


class Measure(Authored):
    """A figure that adds up over days and names: its id, its title, and what it is counted in."""

    measure: str = Field(pattern=ID, description="id, as in channel_results or in `columns`")
    title: str = Field(min_length=1, max_length=60, description="what a reader calls it: Visits")
    unit: str = Field(min_length=1, max_length=30, description="what it is counted in: visits, USD")
    decimals: int = Field(default=0, ge=0, le=4, description="decimals shown")
    key: bool = Field(default=True, description="a key figure: an unexplained change of it is counted by the trigger")


class Ratio(Authored):
    """A figure that is one measure over another, and never adds up: conversions by sessions, cost by conversion."""

    ratio: str = Field(pattern=ID)
    title: str = Field(min_length=1, max_length=60, description="what a reader calls it: Conversion rate")
    top: str = Field(pattern=ID, description="the measure above the line")
    bottom: str = Field(pattern=ID, description="the measure below the line")
    times: float = Field(default=1, gt=0, description="100 for a percentage")
    unit: str = Field(min_length=1, max_length=40, description="%, USD a conversion")
    decimals: int = Field(default=2, ge=0, le=6)
    key: bool = True


class Wide(Authored):
    """A column of a file that holds one name's figures of one measure."""

    column: str = Field(min_length=1)
    name: str = Field(min_length=1, max_length=200)
    measure: str = Field(pattern=ID)


class Input(Authored):
    """Where the figures come from: a CSV in the engagement folder, or the results that were imported.

    `columns` says which column of the file is the `day`, the `name` and each measure; `wide` does so for a file with a
    column a name. `results` is a source of channel_results (google_ads, ga4); `days` the length of a row's period.
    `several` says what rows of equal day and name are: parts to be added (a device, a country), or a fault.
    `total` is a name whose rows are the source's own total: it is compared with the sum, never added to it.
    """

    file: str = Field(default="", max_length=300)
    results: str = Field(default="", max_length=40)
    columns: dict[str, str] = Field(default_factory=dict)
    wide: list[Wide] = Field(default_factory=list)
    days: Literal[1, 7] = 1
    several: Literal["refuse", "add"] = "refuse"
    leave_out: list[str] = Field(default_factory=list)
    total: str = ""
    day_form: str = Field(default="", description="how days are written, as strptime has it; empty for 2026-11-22")
    decimal: Literal[".", ","] = "."
    time_zone: str = Field(default="", description="the zone the source's days are in; said on the page")

    @model_validator(mode="after")
    def _one_source(self) -> Input:
        if bool(self.file) == bool(self.results):
            raise ValueError("wanted either file or results, the one the figures come from")
        if self.file and "day" not in self.columns:
            raise ValueError("columns: wanted day, the column that holds the day")
        if self.file and not self.wide and "name" not in self.columns and len(self.columns) == 1:
            raise ValueError("columns: wanted a column for a measure beside the day")
        return self


class Cause(Authored):
    """Something known that moved the figures between two days: a campaign, a tag roll-out, a strike."""

    first: dt.date
    last: dt.date
    what: str = Field(min_length=3, max_length=120)
    names: list[str] = Field(default_factory=list, description="the names it moved; none: all of them")

    def covers(self, first: dt.date, last: dt.date, name: str = "") -> bool:
        """Whether it falls into these days and concerns this name; an empty name asks for the figure as a whole."""
        return self.first <= last and self.last >= first and (not self.names or name in self.names)


class Watch(Authored):
    """How the agent tells an unusual day from an ordinary one."""

    budget: float = Field(default=1.0, gt=0, le=10, description="ordinary days flagged by chance, in % of days judged")
    range: float = Field(default=95.0, ge=50, lt=100, description="% of ordinary weeks inside the usual range")
    regular: float = Field(default=90.0, gt=0, le=100, description="% of days from which on a name reports regularly")
    small: float = Field(default=1.0, ge=0, le=50, description="% of the total under which a name is not judged alone")
    show: int = Field(default=8, ge=1, le=40, description="names and unusual days shown on the page, the largest first")


class Settings(Authored):
    """The settings of the reporting agent, under `settings:` of its policy."""

    title: str = Field(default="Weekly performance report", min_length=3, max_length=100)
    readers: str = Field(default="", max_length=200, description="who reads it and what they decide with it")
    input: Input
    measures: list[Measure] = Field(min_length=1)
    ratios: list[Ratio] = Field(default_factory=list)
    known_names: list[str] = Field(
        default_factory=list, description="every name the export may hold; one that is not listed is text from outside"
    )
    name_title: str = Field(default="channel", max_length=40, description="what a name is: channel, campaign, agency")
    country: str = Field(default="", pattern="^([A-Za-z]{2})?$", description="ISO code; public holidays are marked")
    week_ends: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = "sunday"
    causes: list[Cause] = Field(default_factory=list)
    watch: Watch = Watch()
    note: str = Field(default="", max_length=300, description="what every reader must know of the data: SIMULATED")
    folder: str = Field(default="published", min_length=1, max_length=200, description="where a published report goes")

    @property
    def figures(self) -> list[Measure | Ratio]:
        """Every key figure of the report, measures first."""
        return [*self.measures, *self.ratios]

    @model_validator(mode="after")
    def _known_measures(self) -> Settings:
        known = [measure.measure for measure in self.measures]
        ids = known + [ratio.ratio for ratio in self.ratios]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"measures and ratios: {', '.join(twice)} twice; wanted each id once")
        used = [name for ratio in self.ratios for name in (ratio.top, ratio.bottom)]
        used += [wide.measure for wide in self.input.wide]
        unknown = sorted(set(used) - set(known))
        if unknown:
            raise ValueError(f"{', '.join(unknown)}: not among the measures {', '.join(known)}")
        return self
