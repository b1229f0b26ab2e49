"""Pilots on the command line: write an agent playbook, run it, see how it stands and what it shows, stop it."""

from __future__ import annotations

from typing import Annotated

import typer

from playbook.cli._app import Place, app, day_of, open_place, teams_of, this_day
from playbook.errors import ParameterError

pilot = typer.Typer(no_args_is_help=True, help="Pilots: run their agents, measure them, stop them.")
app.add_typer(pilot, name="pilot")

Name = Annotated[str, typer.Argument(metavar="PILOT", help="Id of a pilot or of its agent playbook.")]
Team = Annotated[str | None, typer.Option(help="The team, by id or name; needed where two teams use the same id.")]
Reason = Annotated[str, typer.Option(help="Why, in words.")]
Role = Annotated[str, typer.Option(metavar="ROLE", help="The role (never the person) that decides.")]


@pilot.command()
def write(
    name: Name,
    *,
    agent: Annotated[str, typer.Option(help="reporting, scheduling, testing or drafting.")],
    team: Team = None,
    workspace: Place = "",
) -> None:
    """Write an agent playbook for a recorded pilot, to be read and completed before its first run.

    A pilot is recorded with its sheet: `playbook sheet pilots.xlsx --as pilots`, fill it in, then
    `playbook import pilots.xlsx --team NAME`. What the agent reads lies in the engagement folder, in the file that
    policy.yaml names under settings.
    """
    from playbook.agents import pilot as door  # noqa: PLC0415

    place = door.write(open_place(workspace), name, agent, team)
    typer.echo(f"{place}: read policy.yaml and SKILL.md, set what is yours, then: playbook pilot run {name}")


@pilot.command()
def run(
    name: Name,
    *,
    team: Team = None,
    today: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="The day to run it for. Default: today.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew also where a run waits or was cut off.")] = False,
    workspace: Place = "",
) -> None:
    """Run a pilot's agent once, or let the run that waits for a person go on; exit code 1 unless it ended well."""
    from playbook.agents import pilot as door  # noqa: PLC0415

    opened = open_place(workspace)
    day = day_of(today, "--today") or this_day()
    result = door.run(opened, name, team=team, today=day, resume=not fresh)
    typer.echo(f"{result.run_id or name}: {result.status}. {result.outcome}")
    for approval in result.waiting:
        typer.echo(f"  waits for a person: playbook review show {approval}")
    for folder, count in door.made(opened, result.artifacts).items():
        typer.echo(f"  {count} {'file' if count == 1 else 'files'} in {folder}")
    raise typer.Exit(0 if result.status in ("ok", "waiting") else 1)


@pilot.command()
def status(team: Team = None, workspace: Place = "") -> None:
    """Say of each agent what its latest run came to, what waits, what stops it and whether its log is whole."""
    from playbook.agents import pilot as door  # noqa: PLC0415

    opened = open_place(workspace)
    for there in teams_of(opened, team):
        rows = door.standing(opened, there)
        typer.echo(f"{there}: {len(rows)} agent {'playbook' if len(rows) == 1 else 'playbooks'}")
        for row in rows:
            typer.echo(f"  {row.playbook_id} ({row.agent}, level {row.level}): {row.run_id or 'no run'}, {row.status}")
            said = [
                row.outcome,
                row.stopped,
                f"{row.waiting} waiting for a person: playbook review" if row.waiting else "",
                f"{row.spent_today:g} {row.currency} spent today" if row.spent_today else "",
                row.fault,
            ]
            for line in filter(None, said):
                typer.echo(f"    {line}")


@pilot.command()
def measure(
    name: Annotated[str | None, typer.Argument(metavar="[PILOT]", help="Only this pilot.")] = None,
    *,
    team: Team = None,
    workspace: Place = "",
) -> None:
    """Say what the pilots show so far: time, quality, what broke, how often people had to step in, what is missing."""
    from playbook.report.desk import Desk  # noqa: PLC0415

    opened = open_place(workspace)
    for there in teams_of(opened, team):
        lines = Desk(opened, there, this_day()).pilot_findings(name or "")
        if lines:
            typer.echo(f"{there}:")
        for line in lines:
            typer.echo(f"  {line}")


@pilot.command()
def stop(  # noqa: PLR0913 - one argument an option of the command
    name: Annotated[
        str, typer.Argument(metavar="PILOT", help="Id of a pilot or agent playbook; * for all of a team's.")
    ],
    *,
    reason: Reason,
    by: Role,
    team: Team = None,
    release: Annotated[bool, typer.Option("--release", help="Let it act again instead.")] = False,
    workspace: Place = "",
) -> None:
    """Stop an agent before its next tool call, or let it act again."""
    from playbook.agents import pilot as door  # noqa: PLC0415

    act = door.release if release else door.stop
    what = act(open_place(workspace), name, team=team, reason=reason, by_role=by)
    typer.echo(f"{what}: {'may act again' if release else 'stopped'}")


@pilot.command()
def settle(  # noqa: PLR0913 - one argument an option of the command
    name: Name,
    step: Annotated[str, typer.Argument(help="The step that was begun and cut off, as the run named it.")],
    *,
    happened: Annotated[bool, typer.Option("--happened/--did-not-happen", help="What you found out.")],
    by: Role,
    team: Team = None,
    workspace: Place = "",
) -> None:
    """Say whether an effect that a crash cut off happened, so that the agent goes on without repeating it."""
    from playbook.agents import pilot as door  # noqa: PLC0415

    run_id = door.settle(open_place(workspace), name, team=team, step=step, happened=happened, by_role=by)
    typer.echo(f"{run_id}, {step}: {'it happened' if happened else 'it did not happen'}, by {by}")


@pilot.command()
def log(
    name: Name,
    *,
    set_aside: Annotated[
        str, typer.Option(metavar="REASON", help="Begin it anew after its faults were looked at.")
    ] = "",
    by: Annotated[str, typer.Option(metavar="ROLE", help="The role that sets it aside.")] = "",
    team: Team = None,
    workspace: Place = "",
) -> None:
    """Verify an agent's run log and print its entries; exit code 1 when it is not what was written."""
    from playbook.agents import pilot as door  # noqa: PLC0415

    kept = door.log_of(open_place(workspace), name, team)
    if set_aside:
        if not by:
            raise ParameterError("--set-aside needs --by, the role that decided it")
        typer.echo(f"set aside; the old log's hash is {kept.set_aside(set_aside, by)}")
        return
    check = kept.verify()
    for fault in check.faults:
        typer.echo(fault, err=True)
    for entry in () if check.faults else kept.entries():
        said = {
            key: value for key, value in entry.items() if key not in ("seq", "at", "prev", "hash", "event") and value
        }
        typer.echo(
            f"{entry['seq']}  {entry['at'][:19]}  {entry['event']}  " + ", ".join(f"{k} {v}" for k, v in said.items())
        )
    typer.echo(f"{check.entries} entries, {'not what was written' if check.faults else 'as written'}")
    raise typer.Exit(1 if check.faults else 0)
