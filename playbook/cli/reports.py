"""Reports, gates and JupyterLab on the command line."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from playbook.cli._app import NO_TEAM, Place, Teams, app, open_place, this_day
from playbook.errors import ParameterError
from playbook.report.limits import SECONDS


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

    opened = open_place(workspace)
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


def _pairs(given: list[str]) -> dict[str, str]:
    bare = [pair for pair in given if "=" not in pair]
    if bare:
        raise ParameterError(f"--parameter: found {bare[0]!r}; wanted NAME=VALUE")
    return {name.strip(): value for name, _, value in (pair.partition("=") for pair in given)}


@app.command()
def gate(
    phase: Annotated[int, typer.Argument(help="The phase the gate closes: 1, 2 or 3.")],
    team: Teams = None,
    workspace: Place = "",
) -> None:
    """Say whether a phase's gate is open, condition by condition; exit code 1 while a team's is not."""
    from playbook import plan  # noqa: PLC0415
    from playbook.report.desk import Desk  # noqa: PLC0415

    opened = open_place(workspace)
    teams = [opened.team(name) for name in team] if team else list(opened.teams()["team"])
    if not teams:
        raise ParameterError(NO_TEAM)
    is_open = True
    for name in teams:
        results = Desk(opened, name, this_day()).gate(phase)
        is_open &= plan.is_open(results)
        typer.echo(f"{name}: gate {phase} is {'open' if plan.is_open(results) else 'not open'}")
        for row in results.itertuples(index=False):
            typer.echo(f"  {row.status:<18}  {row.text} (wanted: {row.wanted})\n{'':22}{row.evidence}")
    raise typer.Exit(0 if is_open else 1)


@app.command()
def lab(*, workspace: Place = "", browser: Annotated[bool, typer.Option(help="Open a browser.")] = True) -> None:
    """Open the notebooks in JupyterLab, on this workspace, to run by hand."""
    from playbook.report import lab as door  # noqa: PLC0415

    raise typer.Exit(door.start(open_place(workspace), browser=browser))
