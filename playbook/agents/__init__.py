"""Agents that do the work, under control: what they may use, what stops them, what they leave behind.

An agent is a module or package here with `AGENT` (see `registry`). It yields steps; `runtime` asks `guard` about each,
calls the tool and writes the step ledger and the run log. `playbook` reads the policy an agent runs under, `triggers`
the conditions that hand work back to people, `approvals` the questions people answer, `records` where all is kept.
"""
