"""Drafting with a language model: facts in, a marked and checked draft out, and never a text nobody can show.

`settings` says what to write with which model, `facts` reads the facts sheet, `model` asks within bounds, `claims` looks
for what the cited facts do not show, `text` is the draft itself, `tools` and `work` are the agent. A language model never
scores anything: every check is a rule a person can read.
"""

from __future__ import annotations

from playbook.agents.drafting.claims import Terms, check_claims
from playbook.agents.drafting.facts import Fact, fingerprint, read_facts
from playbook.agents.drafting.settings import DraftingSettings, ModelAccess
from playbook.agents.drafting.text import Claim, Draft, Line, Part
from playbook.agents.drafting.tools import TOOLS
from playbook.agents.drafting.work import work
from playbook.agents.registry import Agent

AGENT = Agent("drafting", DraftingSettings, TOOLS, work)

__all__ = [
    "AGENT",
    "Claim",
    "Draft",
    "DraftingSettings",
    "Fact",
    "Line",
    "ModelAccess",
    "Part",
    "Terms",
    "check_claims",
    "fingerprint",
    "read_facts",
]
