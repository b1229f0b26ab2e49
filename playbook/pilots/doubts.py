"""What a pilot's design cannot rule out, in words, judged by how its items really lie."""

from __future__ import annotations

import math
from collections.abc import Iterator

from playbook.intervals import MINIMUM_GROUP
from playbook.pilots.looks import Look
from playbook.pilots.minutes import Finding
from playbook.pilots.sides import BASELINE, GROUP, TRIAL, Sides

AFTER = (
    "Before and after only: season, practice, easier items or a speed-up coming anyway are not ruled out; a group that "
    "keeps the old way, or taking turns item by item, would tell."
)
DOUBTS = {
    "before and after": AFTER,
    GROUP: (
        "The comparison group takes out what changed for everybody. What changed for one group alone is not ruled out: a "
        "new colleague, other clients, easier items; nor that the two would have drifted apart anyway."
    ),
    "alternating items": (
        "Old way and new share the same weeks, which evens out season and practice; that easier items went to the agent "
        "is ruled out only if the turn decided, not a person."
    ),
}


def cannot_rule_out(design: str, sides: Sides, time: Finding, look: Look) -> str:
    """The doubts that stay whatever the figures say; empty while there is nothing to doubt."""
    if min(sides.counts[:2]) == 0:
        return ""
    return " ".join([design_doubt(design, sides), *_people(sides, time), *_looks(look)])


def design_doubt(design: str, sides: Sides) -> str:
    """What the comparison itself leaves open, by how the two sides really lie in time; both sides have items."""
    old, new = (sides.days[sides.cells == cell] for cell in (BASELINE, TRIAL))
    overlap = new.min() <= old.max()
    if design == "alternating items" and not overlap:
        return f"The items were to take turns, but all with the agent came after the others. {AFTER}"
    if design == "before and after" and overlap:
        return f"On record as before and after, yet old way and new overlap in time. {DOUBTS['alternating items']}"
    return DOUBTS[design]


def _people(sides: Sides, time: Finding) -> Iterator[str]:
    if time.compared is None or time.compared.people:
        return
    why = (
        "Not every item says by pseudonym who did it"
        if sides.people is None
        else f"Fewer than {MINIMUM_GROUP} people, or one alone on a side"
    )
    said = f"{why}: whether items of one person are alike cannot be judged, so each counts for itself and the interval may be too narrow"
    if time.verdict in ("saved", "slower") and not math.isnan(time.slack):
        said += f"; the verdict would stand as long as it is less than {time.slack:.1f} times as wide"
    yield f"{said}."


def _looks(look: Look) -> Iterator[str]:
    if look.planned is not None:
        yield "That the last day was set before the figures were seen is taken on trust."
