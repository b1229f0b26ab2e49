"""The command line: each command is one call into a door, and an error is one clear message."""

from __future__ import annotations

import datetime as dt
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import unquote, urlsplit

import typer
from typer.core import TyperGroup

from playbook.errors import ParameterError, PlaybookError
from playbook.report.limits import SECONDS

if TYPE_CHECKING:
    from playbook.io.workspace import Workspace

REFUSED, INTERRUPTED = 2, 130
NO_TEAM = "this workspace has no team yet; `playbook team NAME` adds one"
PLACE = "PLAYBOOK_WORKSPACE"


class _Advice(TyperGroup):
    """Turns the kit's errors into a message and an exit code, here and nowhere else."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except PlaybookError as error:
            typer.echo(f"playbook: {error}", err=True)
            raise typer.Exit(REFUSED) from error
        except KeyboardInterrupt as error:
            typer.echo("playbook: stopped; what was finished is kept", err=True)
            raise typer.Exit(INTERRUPTED) from error


app = typer.Typer(
    cls=_Advice,
    name="playbook",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Place = Annotated[
    str,
    typer.Option("--workspace", "-w", envvar=PLACE, help="Engagement folder or database URL; empty: here or above."),
]
Teams = Annotated[list[str] | None, typer.Option("--team", help="Team id or name; repeat for several. Default: all.")]
Day = Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="Day 1 of the ninety days.")]
Country = Annotated[str | None, typer.Option(metavar="CC", help="ISO country code whose public holidays count.")]


def _version(asked: bool) -> None:  # noqa: FBT001 - typer calls it with the flag
    if asked:
        from playbook import __version__  # noqa: PLC0415

        typer.echo(f"transition-playbook {__version__}")
        raise typer.Exit


@app.callback()
def playbook(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """From AI-augmented to AI-native marketing in ninety days: workspace in, phase reports out."""


@app.command()
def new(  # noqa: PLR0913 - one argument an option of the command
    folder: Annotated[Path, typer.Argument(help="The engagement folder to make.")],
    *,
    organisation: Annotated[str | None, typer.Option(help="Its name. Default: the folder's.")] = None,
    start: Day = None,
    team: Annotated[list[str] | None, typer.Option(help="A team's name; repeat for several.")] = None,
    country: Country = None,
    sample: Annotated[bool, typer.Option("--sample", help="Fill it with the bundled made-up company.")] = False,
    database: Annotated[str | None, typer.Option(metavar="URL", help="PostgreSQL URL. Default: a SQLite file.")] = None,
) -> None:
    """Make a workspace: an engagement folder, its database and its teams."""
    day = _day(start)
    if sample:
        if organisation or team or country:
            raise ParameterError("--sample brings its own organisation and teams; leave the other options out")
        from playbook.io import sample as bundled  # noqa: PLC0415

        workspace = bundled.create(folder, start=day, database=_with_password(database))
    else:
        workspace = _new(folder, organisation, day or _today(), team or [], country, _with_password(database))
    names = ", ".join(workspace.teams()["team"]) or "none yet"
    day_1 = f"{workspace.start}" if start else f"{workspace.start} (no --start was given)"
    typer.echo(f"{folder}: workspace of {workspace.organisation}, day 1 is {day_1}; teams: {names}")


@app.command("team")
def team_(
    name: Annotated[str, typer.Argument(help="The team's name as people say it.")],
    *,
    people: Annotated[int | None, typer.Option(min=1, help="People in the team.")] = None,
    start: Day = None,
    country: Country = None,
    workspace: Place = "",
) -> None:
    """Add a team to the workspace, or change what is known of it."""
    import pandas as pd  # noqa: PLC0415

    from playbook.io.workspace import team_id_of  # noqa: PLC0415

    opened = _open(workspace)
    given = {"people": people, "start": _day(start), "country": country and country.upper()}
    known = opened.teams()
    stored = known[known["team"] == team_id_of(name)].to_dict(orient="records")
    row: dict[Any, Any] = {"name": name.strip(), **(stored[0] if stored else {}), "team": team_id_of(name)}
    row |= {key: value for key, value in given.items() if value is not None}
    with opened.change(note=f"team {row['team']}") as change:
        counts = change.put("teams", pd.DataFrame([row]))
    typer.echo(f"team {row['team']}: {'added' if counts.inserted else 'changed' if counts.updated else 'as it was'}")


@app.command("import")
def import_(  # noqa: PLR0913 - one argument an option of the command
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Task sheets, event logs or tool exports.")],
    *,
    team: Annotated[str, typer.Option(help="The team the work belongs to, by id or name.")],
    as_: Annotated[
        str | None, typer.Option("--as", metavar="FORMAT", help="Format. Default: seen from the file.")
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Let the file win where the workspace says otherwise.")
    ] = False,
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="HEADER=COLUMN", help="What a column means; kept for files with this header."),
    ] = None,
    dayfirst: Annotated[
        bool | None,
        typer.Option("--dayfirst/--monthfirst", help="Read 3/4/2026 as 3 April, or as 4 March. Default: refuse it."),
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Time zone of times that name none, such as Europe/Oslo.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(metavar="NAME", help="Encoding of text that is not Unicode, such as cp1252.")
    ] = None,
    workspace: Place = "",
) -> None:
    """Read files into the workspace; rows that cannot be used are kept with the reason.

    A file that cannot be read does not stop the others; the exit code is then 1.
    """
    from playbook.io import intake  # noqa: PLC0415

    opened = _open(workspace)
    opened.team(team)
    mapping, refused, kept = _mapping(map_ or []), 0, 0
    for file in files:
        try:
            summary = intake.bring_in(
                opened, file, team=team, as_format=as_, mapping=mapping, timezone=timezone, dayfirst=dayfirst,
                encoding=encoding, update=update,
            )  # fmt: skip
        except (PlaybookError, OSError) as error:
            refused += 1
            typer.echo(f"{file}: refused. {error}", err=True)
        else:
            kept += summary.rejected
            typer.echo(str(summary))
    if kept:
        typer.echo("Rejected rows are kept: `playbook rejects` shows them, --export FILE writes a sheet to correct")
    raise typer.Exit(1 if refused else 0)


def _mapping(said: list[str]) -> dict[str, str]:
    """Header and column of each --map; a header may itself hold an equals sign, a column's name never does."""
    parts = [words.rpartition("=") for words in said]
    for words, (header, equals, _) in zip(said, parts, strict=True):
        if not (equals and header.strip()):
            raise ParameterError(f"--map {words!r}: write the file's header, an equals sign and the column it means")
    return {header.strip(): column.strip() for header, _, column in parts}


@app.command()
def rejects(
    export: Annotated[Path | None, typer.Option(metavar="FILE", help="Write them as a sheet to correct.")] = None,
    team: Annotated[str | None, typer.Option(help="Only this team's.")] = None,
    workspace: Place = "",
) -> None:
    """Show the rows that could not be used and why, or write them out to correct and import again."""
    opened = _open(workspace)
    if export:
        from playbook.io import exports  # noqa: PLC0415

        typer.echo(str(exports.rejects_workbook(opened, export, team)))
        return
    rows = opened.read("rejects", team)
    files = opened.read("imports", team).set_index("import_id")["file"]
    for row in rows.itertuples(index=False):
        where = f"{row.team}  {files.get(row.import_id, row.import_id)}  row {row.row}, {row.column_name}"
        typer.echo(f"{where}: {row.found}; wanted {row.wanted}")
    count = len(rows.drop_duplicates(["import_id", "row"]))
    typer.echo(f"{count} rejected {'row' if count == 1 else 'rows'}")


@app.command()
def sheet(
    file: Annotated[Path, typer.Argument(help="The XLSX file to write.")],
    as_: Annotated[str, typer.Option("--as", metavar="FORMAT", help="Which sheet.")] = "tasks",
) -> None:
    """Write an empty sheet for a team to fill in: its tasks, or any other format people fill in by hand."""
    from playbook.io import exports  # noqa: PLC0415

    written = exports.task_sheet(file) if as_ == "tasks" else exports.blank_sheet(file, as_)
    typer.echo(f"{written}: fill it in, then: playbook import {written} --team NAME")


@app.command()
def workbook(
    file: Annotated[Path, typer.Argument(help="The XLSX file to write.")],
    *,
    team: Annotated[str, typer.Option(help="The team, by id or name.")],
    workspace: Place = "",
) -> None:
    """Write what the workspace holds of a team as one workbook to fill in and import again."""
    from playbook.io import workbook as door  # noqa: PLC0415

    written = door.team_workbook(_open(workspace), file, team)
    typer.echo(f"{written}: fill it in, then: playbook import {written} --team {team}")


@app.command()
def run(  # noqa: PLR0913 - one argument an option of the command
    phases: Annotated[list[str] | None, typer.Argument(metavar="[PHASE]...", help="1, 2, 3 or portfolio.")] = None,
    *,
    team: Teams = None,
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="For notebooks that declare it.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Run also what is done and unchanged.")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes. Default: one a core.")] = None,
    engine: Annotated[
        str | None, typer.Option(help="A papermill engine, such as nbclient. Default: playbook, the kit's warm one.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="How long a notebook may run; longer fails it.")] = SECONDS,
    memory: Annotated[
        int | None, typer.Option(metavar="MB", help="What a notebook may hold in memory. Default: no limit.")
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Print each report to a PDF beside it, with Chromium.")] = False,
    dask: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="A Dask scheduler, tcp://host:8786, whose cluster runs it.")
    ] = None,
    reports_to: Annotated[
        str, typer.Option(metavar="URL", help="A folder or URL (s3://…) for the reports that every machine sees.")
    ] = "",
    workspace: Place = "",
) -> None:
    """Execute the notebooks of the phases for the teams, bind the reports and say where their index is."""
    from playbook.report import batch, progress  # noqa: PLC0415

    opened = _open(workspace)
    with progress.shown(sys.stderr) as tell:
        result = batch.run(
            opened,
            phases or None,
            team,
            parameters=_pairs(parameter or []),
            workers=workers,
            engine=engine,
            fresh=fresh,
            seconds=seconds,
            memory=memory,
            pdf=pdf,
            dask=dask,
            reports_to=reports_to,
            progress=tell,
        )
    for outcome in result.failed:
        typer.echo(outcome.sentence, err=True)
    typer.echo(f"{len(result.executed)} executed, {len(result.unchanged)} unchanged, {len(result.failed)} failed")
    if pdf:
        typer.echo(f"{len(result.printed)} {'PDF' if len(result.printed) == 1 else 'PDFs'} beside the reports")
    typer.echo(str(result.index))
    raise typer.Exit(1 if result.failed else 0)


@app.command()
def gate(
    phase: Annotated[int, typer.Argument(help="The phase the gate closes: 1, 2 or 3.")],
    team: Teams = None,
    workspace: Place = "",
) -> None:
    """Say whether a phase's gate is open, condition by condition; exit code 1 while a team's is not."""
    from playbook import plan  # noqa: PLC0415
    from playbook.report.desk import Desk  # noqa: PLC0415

    opened = _open(workspace)
    teams = [opened.team(name) for name in team] if team else list(opened.teams()["team"])
    if not teams:
        raise ParameterError(NO_TEAM)
    is_open = True
    for name in teams:
        results = Desk(opened, name, _today()).gate(phase)
        is_open &= plan.is_open(results)
        typer.echo(f"{name}: gate {phase} is {'open' if plan.is_open(results) else 'not open'}")
        for row in results.itertuples(index=False):
            typer.echo(f"  {row.status:<18}  {row.text} (wanted: {row.wanted})\n{'':22}{row.evidence}")
    raise typer.Exit(0 if is_open else 1)


@app.command()
def lab(*, workspace: Place = "", browser: Annotated[bool, typer.Option(help="Open a browser.")] = True) -> None:
    """Open the notebooks in JupyterLab, on this workspace, to run by hand."""
    from playbook.report import lab as door  # noqa: PLC0415

    raise typer.Exit(door.start(_open(workspace), browser=browser))


@app.command()
def doctor(workspace: Place = "") -> None:
    """Say what is installed, what is missing and what that costs."""
    from playbook.io import doctor as door  # noqa: PLC0415

    found = door.checks(Path(workspace) if workspace and "://" not in workspace else None)
    for check in found:
        cost = "" if check.ok else f"; {'needed' if check.required else 'without it'}: {check.cost}"
        typer.echo(f"{'ok' if check.ok else 'missing':<8} {check.name:<22} {check.found}{cost}")
    raise typer.Exit(0 if door.healthy(found) else 1)


@app.command()
def history(
    table: Annotated[str | None, typer.Argument(help="Only changes of this table.")] = None,
    team: Annotated[str | None, typer.Option(help="Only this team's.")] = None,
    last: Annotated[int, typer.Option(min=1, help="How many of the newest changes.")] = 50,
    workspace: Place = "",
) -> None:
    """Show what was changed, when and by which role."""
    opened = _open(workspace)
    changes = opened.history(table, opened.team(team) if team else None)
    for row in changes.tail(last).to_dict(orient="records"):
        said = [f"{row['at']:%Y-%m-%d %H:%M:%S}", row["by"], row["action"], row["table"], row["key"], row["note"]]
        typer.echo("  ".join(str(part) for part in said if isinstance(part, str) and part))
    typer.echo(f"{min(last, len(changes))} of {len(changes)} changes")


def _open(place: str) -> Workspace:
    from playbook import open_workspace  # noqa: PLC0415

    return open_workspace(_with_password(place) or "")


def _new(  # noqa: PLR0913, PLR0917 - private; the options of `new`
    folder: Path, organisation: str | None, start: dt.date, teams: list[str], country: str | None, database: str | None
) -> Workspace:
    import pandas as pd  # noqa: PLC0415

    from playbook.io.workspace import Workspace, team_id_of  # noqa: PLC0415

    rows = [{"team": team_id_of(name), "name": name.strip(), "country": country and country.upper()} for name in teams]
    workspace = Workspace.create(
        folder, organisation=organisation or folder.resolve().name, start=start, database=database
    )
    if rows:
        with workspace.change(note="teams of the new workspace") as change:
            change.put("teams", pd.DataFrame(rows))
    return workspace


def _day(text: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError as error:
        raise ParameterError(f"--start: found {text!r}; wanted a day as 2026-11-30") from error


def _today() -> dt.date:
    return dt.date.today()  # noqa: DTZ011 - a calendar day, where the team is


def _with_password(place: str | None) -> str | None:
    """Hand a URL's password on to the processes of a batch, which find the workspace by an address without it."""
    if place and "://" in place and (password := urlsplit(place).password):
        os.environ["PLAYBOOK_DATABASE_PASSWORD"] = unquote(password)
    return place


def _pairs(given: list[str]) -> dict[str, str]:
    bare = [pair for pair in given if "=" not in pair]
    if bare:
        raise ParameterError(f"--parameter: found {bare[0]!r}; wanted NAME=VALUE")
    return {name.strip(): value for name, _, value in (pair.partition("=") for pair in given)}
