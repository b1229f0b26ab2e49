"""What the task tools' exports share: a task is created, and once it is finished it is a piece of work done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playbook.io.intake._record import Bad

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

CREATED = "Task created"
DROPPED = "Task dropped"


def created(told: dict[str, Any], when: dt.datetime | None, by: str | None = None) -> Iterator[dict[str, Any]]:
    """The event that somebody asked for the work; none where the tool does not say when."""
    if when is not None:
        yield {**told, "activity": CREATED, "timestamp": when, "resource": by}


def finished(  # noqa: PLR0913 - what a tool tells of a finished task, each by name
    told: dict[str, Any],
    name: str,
    when: dt.datetime,
    *,
    by: str | None,
    begun: dt.datetime | None = None,
    minutes: float | None = None,
) -> Iterator[dict[str, Any]]:
    """The event that the work was done, under the task's name; a begin after the end is a plan and left out."""
    sound = begun if begun is not None and begun <= when else None
    yield {**told, "activity": name, "timestamp": when, "resource": by, "begun": sound, "minutes": minutes}


def in_order(first: dt.datetime | None, then: dt.datetime | None, header: str, *, earlier: str) -> None:
    """Raise Bad when a task ends before it was created."""
    if first is not None and then is not None and then < first:
        raise Bad(
            header, f"{then:%Y-%m-%d %H:%M}, before {earlier} ({first:%Y-%m-%d %H:%M})", f"a time after {earlier}"
        )


def minutes_from(header: str, text: str | None, units_a_minute: int, unit: str) -> float | None:
    """A recorded time in the tool's whole units as minutes; none for an empty cell or nothing recorded."""
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER):
        raise Bad(header, repr(text), f"whole {unit}, as the tool exports them")
    return int(text) / units_a_minute or None


LONGEST_NUMBER = 15
