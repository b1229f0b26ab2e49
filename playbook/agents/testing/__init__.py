"""The testing agent: e-mail and headline tests planned, split, watched and judged, without a language model.

`evidence` holds the one bet that verdicts, guardrails and the split check rest on; `planning`, `allocation`, `verdict`,
`guardrails` and `ratio` are pure; `replay` plays finished tests again; `tools` and `agent` do the work.
"""

from playbook.agents.testing.agent import AGENT

__all__ = ["AGENT"]
