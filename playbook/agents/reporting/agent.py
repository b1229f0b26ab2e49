"""The agent's steps and tools: read the figures, write the report, publish it into a folder.

The names in an export are text from outside: unless the settings list every one of them, what is made from them waits
for a person's look. Gaps, structural breaks and unusual values are metrics the policy's triggers compare.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import Field

from playbook.agents import publishing
from playbook.agents.registry import Agent
from playbook.agents.reporting import analysis, page, series
from playbook.agents.reporting.settings import Settings
from playbook.agents.runtime import Escalate, Job, Step
from playbook.agents.tools import PRIVATE, UNTRUSTED, Arguments, Bench, Output, Tool
from playbook.errors import IntakeError, ParameterError
from playbook.tables import count

PAGE = "report.html"
MOST_REVISIONS = 100


class ReadSeries(Arguments):
    """Where the figures are and how they are to be read."""

    settings: Settings


class WriteReport(Arguments):
    """The settings of the report and the hash of the input it is written from."""

    settings: Settings
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class ReportFile(publishing.Published):
    """A file of the report: the page, its text, the narrative or a table."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,60}\.(html|md|json|csv)$")


class PublishReport(Arguments):
    """Where the report goes, the week it is of, and its files; all of it is what an approval is bound to."""

    folder: str
    week: dt.date
    files: tuple[ReportFile, ...] = Field(min_length=1, max_length=200)


def work(job: Job) -> Generator[Step, Any, str]:
    """Read, write, publish; figures that do not reach over the two weeks compared go back to people."""
    settings: Settings = job.settings
    given = settings.model_dump(mode="json")
    read = yield Step("read the figures", "read_series", {"settings": given})
    if read["lacks"]:
        raise Escalate(read["lacks"])
    made = yield Step("write the report", "write_report", {"settings": given, "sha256": read["sha256"]})
    told = {"folder": settings.folder, "week": made["week"], "files": made["files"]}
    first = next(file["artifact"] for file in made["files"] if file["name"] == PAGE)
    done = yield Step("publish the report", "publish_report", told, made["metrics"], first)
    return (
        f"The report of the week from {made['week']} is published in {done['folder']}: "
        f"{count(made['sentences'], 'sentence')}, every number of them a table's cell."
    )


def read_series(bench: Bench, asked: ReadSeries) -> Output:
    """The figures read and checked, told by their hash, days and names; the tables themselves stay where they are."""
    settings = _settled(bench, asked.settings)
    figures, sha256 = _figures(bench, settings)
    week = series.week_of(bench.today, settings.week_ends)
    value = {"sha256": sha256, "rows": len(figures.frame), "names": int(figures.frame["name"].nunique()), "lacks": ""}
    try:
        analysis.weeks(figures, settings, bench.today)
    except IntakeError as error:
        value["lacks"] = str(error)
    return Output(value | {"week": f"{week.first:%Y-%m-%d}"})


def write_report(bench: Bench, asked: WriteReport) -> Output:
    """The report as artifacts, with the metrics of the week; refused when a number of its text is in no table."""
    settings = _settled(bench, asked.settings)
    figures, sha256 = _figures(bench, settings)
    if sha256 != asked.sha256:
        raise ParameterError("the input has changed since it was read; run again, so that one state of it is reported")
    found = analysis.analyse(figures, settings, bench.today)
    report = page.write(
        found,
        organisation=bench.workspace.organisation,
        team=_team_name(bench),
        made_up=bench.workspace.made_up,
        overrides=bench.folder,
    )
    page.refuse_faults(report)
    files = [
        publishing.keep(bench, f"weekly report {name.rpartition('.')[0]}", name, data, report.checks)
        for name, data in report.files.items()
    ]
    value = {"files": files, "week": f"{found.week.first:%Y-%m-%d}", "metrics": found.metrics()}
    return Output(value | {"sentences": len(report.story.sentences)})


def publish_report(bench: Bench, asked: PublishReport) -> Output:
    """Put the report's files into a folder of their own, all at once or not at all.

    What was published is never overwritten: the same report twice is one folder, and a corrected one stands beside it
    as the next revision. Raises ParameterError when the bytes are not those that were asked for.
    """
    files = publishing.read(bench, asked.files, "write it again")
    home = asked.folder.rstrip("/")
    for revision in range(1, MOST_REVISIONS + 1):
        relative = f"{home}/week-{asked.week}" + (f"-revision-{revision}" if revision > 1 else "")
        target = bench.path_in(relative)
        if not target.exists():
            publishing.place(bench, relative, files)
        elif not _holds(target, files):
            continue
        return Output({"folder": relative, "revision": revision, "files": sorted(files)})
    raise ParameterError(f"{home} holds {MOST_REVISIONS} revisions of week {asked.week}; clear the folder first")


def _figures(bench: Bench, settings: Settings) -> tuple[series.Series, str]:
    """The series and a hash of what it was read from; its labels are taken as soon as its names are known."""
    bench.desk.take(frozenset({PRIVATE}), "the team's figures")
    if settings.input.file:
        data = bench.read_file(settings.input.file)
        figures, sha256 = series.read_csv(data, settings, settings.input.file), hashlib.sha256(data).hexdigest()
    else:
        rows = bench.workspace.read("channel_results", team=bench.team)
        text = rows.drop(columns="import_id").to_csv(index=False)
        figures, sha256 = series.read_results(rows, settings), hashlib.sha256(text.encode()).hexdigest()
    strange = set(figures.frame["name"]) - set(settings.known_names) - {series.ALL}
    strange -= {wide.name for wide in settings.input.wide}
    if strange:
        bench.desk.take(frozenset({UNTRUSTED}), f"{count(len(strange), 'name')} that the settings do not list")
    return figures, sha256


def _settled(bench: Bench, settings: Settings) -> Settings:
    """The settings with the team's own country where they name none."""
    teams = bench.workspace.teams()
    mine = teams[teams["team"] == bench.team]
    country = "" if mine.empty or pd.isna(mine["country"].iloc[0]) else str(mine["country"].iloc[0])
    return settings if settings.country or not country else settings.model_copy(update={"country": country})


def _team_name(bench: Bench) -> str:
    teams = bench.workspace.teams()
    mine = teams[teams["team"] == bench.team]
    return bench.team if mine.empty else str(mine["name"].iloc[0])


def _holds(target: Path, files: Mapping[str, bytes]) -> bool:
    there = {path.name for path in target.iterdir()} if target.is_dir() else set()
    return there == set(files) and all((target / name).read_bytes() == data for name, data in files.items())


AGENT = Agent(
    name="reporting",
    settings=Settings,
    tools=(
        Tool("read_series", "read", ReadSeries, read_series, labels=frozenset({PRIVATE})),
        Tool("write_report", "draft", WriteReport, write_report, labels=frozenset({PRIVATE})),
        Tool("publish_report", "effect", PublishReport, publish_report, idempotent=True),
    ),
    work=work,
)
