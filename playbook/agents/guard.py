"""Decides whether a tool may be called: from the level, labels, triggers, caps, approvals and the switch, never from wording.

`decide` is pure: the same situation always gives the same decision, and nothing an agent or a text says is part of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from playbook.agents.tools import PRIVATE, UNTRUSTED, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playbook.agents.playbook import Caps

Verdict = Literal["allowed", "approved", "queued", "rejected", "blocked", "stopped"]
TRIGGER = "trigger "
UNFINISHED = "it was begun before and did not finish, and nobody knows whether it happened: look first, then approve it only if it did not"


@dataclass(frozen=True)
class Usage:
    """What a run has used with this call counted in: tool calls, seconds of work, money in the run and in the UTC day."""

    calls: int
    seconds: float
    spent_in_run: float
    spent_in_day: float


@dataclass(frozen=True)
class Situation:
    """Everything a decision depends on.

    `labels` are those of the run and of all the call would use, `fired` the triggers that fired in words, `faults` what
    the allow-list and the limits say against the arguments, `stopped` the switch's reason (empty: it is on),
    `unfinished` an effect that was begun and may have happened, `brake` one that only stops something, `approval` what people said to exactly this call, and
    `asked_about` the reasons they were shown.
    """

    kind: Kind
    outward: bool
    level: int
    labels: frozenset[str]
    caps: Caps
    usage: Usage
    fired: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    stopped: str = ""
    unfinished: bool = False
    brake: bool = False
    approval: Literal["none", "granted", "rejected"] = "none"
    asked_about: tuple[str, ...] = ()


@dataclass(frozen=True)
class Decision:
    """A verdict and its reasons in words."""

    verdict: Verdict
    reasons: tuple[str, ...] = ()


def decide(situation: Situation) -> Decision:  # noqa: PLR0911 - one return a rule, in their order
    """Whether a call goes ahead.

    The switch comes first, then arguments and caps, which no approval lifts. Reading and drafting go ahead then. An
    effect goes ahead when nothing speaks for a person's look, or when a person approved it knowing all that does.
    """
    if situation.stopped:
        return Decision("stopped", (situation.stopped,))
    if barred := (*situation.faults, *over_caps(situation.caps, situation.usage)):
        return Decision("blocked", tuple(barred))
    if situation.kind != "effect":
        return Decision("allowed")
    if situation.approval == "rejected":
        return Decision("rejected")
    reasons = tuple(exceptions(situation))
    if not reasons:
        return Decision("allowed")
    if situation.approval == "granted" and set(reasons) <= set(situation.asked_about):
        return Decision("approved", reasons)
    return Decision("queued", reasons)


def over_caps(caps: Caps, usage: Usage) -> Iterator[str]:
    """Every cap this call would pass, in words; a figure that is no number passes it."""
    money = f" {caps.currency}"
    for what, used, cap, unit in (
        ("tool calls a run", usage.calls, caps.calls, ""),
        ("work a run", usage.seconds, caps.seconds, " seconds"),
        ("spend a run", usage.spent_in_run, caps.spend_a_run, money),
        ("spend a day", usage.spent_in_day, caps.spend_a_day, money),
    ):
        if not (math.isfinite(used) and used <= cap):
            yield f"the cap on {what} is {cap:,.10g}{unit}, and this call would make it {used:,.10g}{unit}"


def exceptions(situation: Situation) -> Iterator[str]:
    """Every reason why a person should look at an effect before it happens."""
    if situation.level <= 3:
        yield "at level 3 a person passes every effect"
    if not (situation.brake and situation.level > 3):
        yield from (TRIGGER + fired for fired in situation.fired)
    if UNTRUSTED in situation.labels:
        yield "the run has read text from outside, which may hold instructions of others"
    if situation.outward and PRIVATE in situation.labels:
        yield "it leaves the organisation after the run has read private data"
    if situation.unfinished:
        yield UNFINISHED
