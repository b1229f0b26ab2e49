"""Roles: what each role's hours suggest, the change proposed for it, and what people decided.

Everything here is a proposal about work. A role changes only by people's decision, with a role that answers for it,
a way to appeal, a way to learn the new work and consultation first.
"""

from playbook.roles.hours import NO_ROLE, shifts
from playbook.roles.new_roles import emerging
from playbook.roles.proposals import consultation_gate, job_description, skills_gap, still_open
from playbook.roles.readout import findings, measures
from playbook.roles.role_map import Match, RoleChange, RoleMap

__all__ = [
    "NO_ROLE",
    "Match",
    "RoleChange",
    "RoleMap",
    "consultation_gate",
    "emerging",
    "findings",
    "job_description",
    "measures",
    "shifts",
    "skills_gap",
    "still_open",
]
