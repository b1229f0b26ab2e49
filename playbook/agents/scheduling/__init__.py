"""The scheduling agent: a queue of posts to the times an account's own history favours, inside its channels' rules.

Statistics and optimisation, no language model: `history` and `posts` read the inputs, `estimates` learns the rates,
`slots` lists the times, `choose` picks, `plan` and `knowledge` say what came of it and what is not known.
"""

from playbook.agents.scheduling.agent import AGENT

__all__ = ["AGENT"]
