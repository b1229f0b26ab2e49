"""Files in and sheets out on the command line."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from playbook.cli._app import Place, app, open_place
from playbook.errors import ParameterError, PlaybookError

if TYPE_CHECKING:
    import pandas as pd

    from playbook.io.workspace import Workspace


@app.command("import")
def import_(  # noqa: PLR0913 - one argument an option of the command
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Task sheets, event logs or tool exports.")],
    *,
    team: Annotated[
        str | None,
        typer.Option(help="The team the work belongs to, by id or name; corrected rows of `rejects` know theirs."),
    ] = None,
    as_: Annotated[
        str | None, typer.Option("--as", metavar="FORMAT", help="Format. Default: seen from the file.")
    ] = None,
    update: Annotated[
        bool,
        typer.Option(
            "--update",
            help="Let the file win where the workspace says otherwise; a log read another way before is read anew.",
        ),
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
        str | None,
        typer.Option(
            metavar="ZONE", help="Time zone of times that name none, such as Europe/Oslo; a zone the file names stays."
        ),
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

    opened = open_place(workspace)
    if team is not None:
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
    opened = open_place(workspace)
    if export:
        from playbook.io import exports  # noqa: PLC0415

        written, refused = exports.rejects_workbook(opened, export, team), opened.read("rejects", team)
        then = "nothing to correct" if refused.empty else _way_back(written, opened if workspace else None)
        typer.echo(f"{written}: {_count(refused)}; {then}")
        return
    rows = opened.read("rejects", team)
    files = opened.read("imports", team).set_index("import_id")["file"]
    for row in rows.itertuples(index=False):
        where = f"{row.team}  {files.get(row.import_id, row.import_id)}  row {row.row}, {row.column_name}"
        typer.echo(f"{where}: {row.found}; wanted {row.wanted}")
    typer.echo(_count(rows))


def _count(rejects: pd.DataFrame) -> str:
    count = len(rejects.drop_duplicates(["import_id", "row"]))
    return f"{count} rejected {'row' if count == 1 else 'rows'}"


def _way_back(file: Path, workspace: Workspace | None) -> str:
    """What to do with the workbook, with the very command; the workspace is named where it was, without a password."""
    named = [] if workspace is None else ["-w", str(workspace.folder or workspace.url)]
    said = ["playbook", "import", str(file), *named]
    return f"correct the marked cells, then: {shlex.join(said)}"


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

    written = door.team_workbook(open_place(workspace), file, team)
    typer.echo(f"{written}: fill it in, then: playbook import {written} --team {team}")
