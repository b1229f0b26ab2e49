"""Governance: what can go wrong and what is done about it, agent playbooks, audit samples, the weekly review.

Builders, operators and auditors of a workflow are different roles; whatever an agent does alone, people look at in a
known rhythm and can stop.
"""

from playbook.governance.audit import audit_plan, audit_sample
from playbook.governance.document import audit_sheet, playbook_document
from playbook.governance.outline import PlaybookOutline, playbook_outlines
from playbook.governance.readout import findings, measures, playbook_findings, risk_findings
from playbook.governance.register import Register, risks
from playbook.governance.review import weekly_review

__all__ = [
    "PlaybookOutline",
    "Register",
    "audit_plan",
    "audit_sample",
    "audit_sheet",
    "findings",
    "measures",
    "playbook_document",
    "playbook_findings",
    "playbook_outlines",
    "risk_findings",
    "risks",
    "weekly_review",
]
