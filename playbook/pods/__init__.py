"""Pods: which outcome each workflow serves, who sits on it, how much one operator can oversee, who decides what.

A pod answers for a business result instead of a channel. Seats are filled by roles, never by persons; an open seat is an answer.
"""

from playbook.pods.charter import charter
from playbook.pods.readout import findings, measures
from playbook.pods.rules import PodRules, decision_rights
from playbook.pods.seating import propose, seat_map, separation_faults
from playbook.pods.span import span_of_control

__all__ = [
    "PodRules",
    "charter",
    "decision_rights",
    "findings",
    "measures",
    "propose",
    "seat_map",
    "separation_faults",
    "span_of_control",
]
