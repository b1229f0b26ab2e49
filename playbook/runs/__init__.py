"""The runs of agents: how often people step in, what is accepted, what fails, waits and costs, from their logs.

The rows are RUN_SPANS, the kit's own and those a team's other agents wrote, and APPROVALS. A run is a trace: all spans
of one `source` and `trace`. It is counted under its agent playbook, or under the agent's name where there is none.
Agents are measured here and never people: who reviewed is not looked at.

`runs` and `reviews` list what happened, `figures` counts it a week or in all, each with n, an interval and a word when
it says too little. `findings` says it in sentences, `measures` and `readings` hand it to gates and KPIs.
"""

from playbook.runs.counting import NOT_NAMED, reviews, runs
from playbook.runs.figures import FIGURES, figures
from playbook.runs.readout import findings, measures, readings
from playbook.runs.rule import RunRule

__all__ = ["FIGURES", "NOT_NAMED", "RunRule", "figures", "findings", "measures", "readings", "reviews", "runs"]
