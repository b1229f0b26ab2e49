"""What every command stands on: the application, its options, and errors as one clear message."""

from __future__ import annotations

import datetime as dt
import os
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import unquote, urlsplit

import typer
from typer.core import TyperGroup

from playbook.errors import ParameterError, PlaybookError

if TYPE_CHECKING:
    from playbook.io.workspace import Workspace

REFUSED, INTERRUPTED = 2, 130
NO_TEAM = "this workspace has no team yet; `playbook team NAME` adds one"
PLACE = "PLAYBOOK_WORKSPACE"
ORDER = (
    "new", "team", "import", "rejects", "sheet", "workbook", "run", "gate", "lab", "pilot", "review", "doctor", "history",
)  # fmt: skip
"""The commands as a newcomer meets them."""


class Advice(TyperGroup):
    """Turns the kit's errors into a message and an exit code, here and nowhere else."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The commands in the order in which they are of use."""
        return sorted(super().list_commands(ctx), key=ORDER.index)

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
    cls=Advice,
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


def open_place(place: str) -> Workspace:
    """The workspace a command works on: a folder or database URL, or nothing for here and above."""
    from playbook import open_workspace  # noqa: PLC0415

    return open_workspace(with_password(place) or "")


def teams_of(workspace: Workspace, team: str | None) -> list[str]:
    """The ids of the team asked for, or of every team; ParameterError where there is none."""
    if team:
        return [workspace.team(team)]
    teams = list(workspace.teams()["team"])
    if not teams:
        raise ParameterError(NO_TEAM)
    return teams


def day_of(text: str | None, option: str = "--start") -> dt.date | None:
    """The day written as YYYY-MM-DD, or None; ParameterError for anything else."""
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError as error:
        raise ParameterError(f"{option}: found {text!r}; wanted a day as 2026-11-30") from error


def this_day() -> dt.date:
    """Today, by the calendar of the place the team is in."""
    return dt.date.today()  # noqa: DTZ011 - a calendar day, where the team is


def with_password(place: str | None) -> str | None:
    """Hand a URL's password on to the processes of a batch, which find the workspace by an address without it."""
    if place and "://" in place and (password := urlsplit(place).password):
        os.environ["PLAYBOOK_DATABASE_PASSWORD"] = unquote(password)
    return place
