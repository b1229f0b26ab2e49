"""Workspaces on the command line: make one, add teams, see what changed and whether the machine has all it needs."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from playbook.cli._app import Country, Day, Place, app, day_of, open_place, this_day, with_password
from playbook.errors import ParameterError

if TYPE_CHECKING:
    from playbook.io.workspace import Workspace


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
    day = day_of(start)
    if sample:
        if organisation or team or country:
            raise ParameterError("--sample brings its own organisation and teams; leave the other options out")
        from playbook.io import sample as bundled  # noqa: PLC0415

        workspace = bundled.create(folder, start=day, database=with_password(database))
    else:
        workspace = _new(folder, organisation, day or this_day(), team or [], country, with_password(database))
    names = ", ".join(workspace.teams()["team"]) or "none yet"
    day_1 = f"{workspace.start}" if start else f"{workspace.start} (no --start was given)"
    typer.echo(f"{folder}: workspace of {workspace.organisation}, day 1 is {day_1}; teams: {names}")


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

    opened = open_place(workspace)
    given = {"people": people, "start": day_of(start), "country": country and country.upper()}
    known = opened.teams()
    stored = known[known["team"] == team_id_of(name)].to_dict(orient="records")
    row: dict[Any, Any] = {"name": name.strip(), **(stored[0] if stored else {}), "team": team_id_of(name)}
    row |= {key: value for key, value in given.items() if value is not None}
    with opened.change(note=f"team {row['team']}") as change:
        counts = change.put("teams", pd.DataFrame([row]))
    typer.echo(f"team {row['team']}: {'added' if counts.inserted else 'changed' if counts.updated else 'as it was'}")


@app.command()
def history(
    table: Annotated[str | None, typer.Argument(help="Only changes of this table.")] = None,
    team: Annotated[str | None, typer.Option(help="Only this team's.")] = None,
    last: Annotated[int, typer.Option(min=1, help="How many of the newest changes.")] = 50,
    workspace: Place = "",
) -> None:
    """Show what was changed, when and by which role."""
    opened = open_place(workspace)
    changes = opened.history(table, opened.team(team) if team else None)
    for row in changes.tail(last).to_dict(orient="records"):
        said = [f"{row['at']:%Y-%m-%d %H:%M:%S}", row["by"], row["action"], row["table"], row["key"], row["note"]]
        typer.echo("  ".join(str(part) for part in said if isinstance(part, str) and part))
    typer.echo(f"{min(last, len(changes))} of {len(changes)} changes")


@app.command()
def doctor(workspace: Place = "") -> None:
    """Say what is installed, what is missing and what that costs."""
    from playbook.io import doctor as door  # noqa: PLC0415

    found = door.checks(Path(workspace) if workspace and "://" not in workspace else None)
    for check in found:
        cost = "" if check.ok else f"; {'needed' if check.required else 'without it'}: {check.cost}"
        typer.echo(f"{'ok' if check.ok else 'missing':<8} {check.name:<22} {check.found}{cost}")
    raise typer.Exit(0 if door.healthy(found) else 1)
