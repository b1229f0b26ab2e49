"""Pilots: what a trial shows of time saved and quality kept, what broke, and when it is too early to say.

An item's time is everything people spent on it: hands-on, review and rework, the old way as with the agent. The design
says how the two ways are compared: before and after, against a comparison group that keeps the old way, or taking turns
item by item; and what it cannot rule out. While a pilot runs its intervals may be looked at at any time; at its planned
end they are the narrower ones left after the weekly looks planned. "not yet" means too few items, "not shown" means
enough of them and still no clear answer. People count together by pseudonym and are never shown.
"""

from playbook.pilots.breakages import NOTHING_BROKE, broke, broke_by_kind
from playbook.pilots.reading import readout, weekly_looks
from playbook.pilots.rule import EvidenceRule, Threshold
from playbook.pilots.summary import findings, measures

__all__ = [
    "NOTHING_BROKE",
    "EvidenceRule",
    "Threshold",
    "broke",
    "broke_by_kind",
    "findings",
    "measures",
    "readout",
    "weekly_looks",
]
