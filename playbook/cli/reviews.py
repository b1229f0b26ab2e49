"""The review queue on the command line: what agents ask people, and what people decide."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from playbook.cli._app import Place, app, open_place, teams_of
from playbook.errors import ParameterError

review = typer.Typer(invoke_without_command=True, help="What agents ask people: list it, read it, decide it.")
app.add_typer(review, name="review")

Asked = Annotated[str, typer.Argument(metavar="ID", help="Id of the question, as `playbook review` lists it.")]
Role = Annotated[str, typer.Option("--by", metavar="ROLE", help="The role (never the person) that decides.")]
Team = Annotated[str | None, typer.Option(help="The team, by id or name.")]
Why = Annotated[str, typer.Option(help="Why, in words.")]


@review.callback()
def queue(
    context: typer.Context,
    *,
    every: Annotated[bool, typer.Option("--every", help="Also what can no longer be decided.")] = False,
    team: Team = None,
    workspace: Place = "",
) -> None:
    """List what waits for a person, the oldest first."""
    if context.invoked_subcommand:
        return
    from playbook.agents import review as door  # noqa: PLC0415

    opened, count = open_place(workspace), 0
    for there in teams_of(opened, team):
        for row in door.queue(opened, there, every=every).itertuples(index=False):
            count += 1
            typer.echo(f"{row.approval_id}  {there}, {row.playbook_id}: {row.tool}  {row.artifact}".rstrip())
            typer.echo(f"    {row.reason} ({row.state}; {row.waited_hours:.0f} h so far, {row.left_hours:.0f} h left)")
    typer.echo(f"{count} {'question' if count == 1 else 'questions'} for a person")


@review.command()
def show(asked: Asked, *, team: Team = None, workspace: Place = "") -> None:
    """Show one question with everything to decide it by: arguments, checks, what differs from the version before."""
    from playbook.agents import review as door  # noqa: PLC0415

    typer.echo(str(door.show(open_place(workspace), asked, team=team)))


@review.command()
def approve(asked: Asked, *, by: Role, why: Why = "", team: Team = None, workspace: Place = "") -> None:
    """Approve exactly what is asked, once; the agent's next run acts on it."""
    _decide(workspace, asked, "approved", by, why, team)


@review.command()
def edit(  # noqa: PLR0913 - one argument an option of the command
    asked: Asked,
    *,
    by: Role,
    text: Annotated[Path | None, typer.Option(metavar="FILE", help="Your version of the text.")] = None,
    arguments: Annotated[Path | None, typer.Option(metavar="FILE", help="Your arguments, as JSON.")] = None,
    why: Why = "",
    team: Team = None,
    workspace: Place = "",
) -> None:
    """Approve it with your own text or arguments instead of the agent's."""
    if (text is None) == (arguments is None):
        raise ParameterError("give either --text FILE or --arguments FILE")
    try:
        changed = text.read_text(encoding="utf-8") if text else None
        given = json.loads(arguments.read_text(encoding="utf-8")) if arguments else None
    except (OSError, ValueError) as error:
        raise ParameterError(f"{text or arguments} cannot be read: {error}") from error
    _decide(workspace, asked, "edited", by, why, team, text=changed, arguments=given)


@review.command()
def reject(asked: Asked, *, by: Role, why: Why, team: Team = None, workspace: Place = "") -> None:
    """Reject it, with the reason the agent's owner can act on."""
    _decide(workspace, asked, "rejected", by, why, team)


def _decide(  # noqa: PLR0913, PLR0917 - what a decision is made of
    workspace: str, asked: str, decision: Any, by: str, why: str, team: str | None, **changed: Any
) -> None:
    from playbook.agents import review as door  # noqa: PLC0415

    row = door.decide(open_place(workspace), asked, decision, by, why, team=team, **changed)
    typer.echo(f"{asked}: {row['status']} by {row['reviewer_role']}; now: playbook pilot run {row['playbook_id']}")
