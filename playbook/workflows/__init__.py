"""The inventory of work: hours at stake, current against target, what an event log shows, and the pilot shortlist."""

from playbook.workflows.acceptability import Acceptability, acceptability
from playbook.workflows.chain import chain, chain_findings, next_wave, wave_findings
from playbook.workflows.criteria import criteria
from playbook.workflows.discovery import discover
from playbook.workflows.discovery.findings import discovery_findings
from playbook.workflows.discovery.results import Discovery
from playbook.workflows.inventory import by_function, by_layer, by_role, by_workflow, stuck_at_two, with_hours
from playbook.workflows.keywords import Keywords
from playbook.workflows.merges import merged, merges
from playbook.workflows.portfolio import Portfolio, portfolio, portfolio_findings
from playbook.workflows.proof import proof, proof_findings
from playbook.workflows.robustness import robustness, robustness_findings
from playbook.workflows.rule import Limit, PilotRule
from playbook.workflows.shortlist import shortlist
from playbook.workflows.summary import findings, inventory_findings, measures, shortlist_findings

__all__ = [
    "Acceptability",
    "Discovery",
    "Keywords",
    "Limit",
    "PilotRule",
    "Portfolio",
    "acceptability",
    "by_function",
    "by_layer",
    "by_role",
    "by_workflow",
    "chain",
    "chain_findings",
    "criteria",
    "discover",
    "discovery_findings",
    "findings",
    "inventory_findings",
    "measures",
    "merged",
    "merges",
    "next_wave",
    "portfolio",
    "portfolio_findings",
    "proof",
    "proof_findings",
    "robustness",
    "robustness_findings",
    "shortlist",
    "shortlist_findings",
    "stuck_at_two",
    "wave_findings",
    "with_hours",
]
