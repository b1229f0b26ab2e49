"""The inventory of work: hours at stake, current against target, what an event log shows, and the pilot shortlist."""

from playbook.workflows.chain import chain, chain_findings, next_wave, wave_findings
from playbook.workflows.discovery import Discovery, discover, discovery_findings
from playbook.workflows.inventory import by_function, by_layer, by_role, by_workflow, stuck_at_two, with_hours
from playbook.workflows.rule import Limit, PilotRule
from playbook.workflows.shortlist import shortlist
from playbook.workflows.summary import findings, inventory_findings, measures, shortlist_findings

__all__ = [
    "Discovery",
    "Limit",
    "PilotRule",
    "by_function",
    "by_layer",
    "by_role",
    "by_workflow",
    "chain",
    "chain_findings",
    "discover",
    "discovery_findings",
    "findings",
    "inventory_findings",
    "measures",
    "next_wave",
    "shortlist",
    "shortlist_findings",
    "stuck_at_two",
    "wave_findings",
    "with_hours",
]
