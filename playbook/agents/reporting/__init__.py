"""The reporting agent: from an export of analytics, ads or e-mail to a weekly report in which every number is traced.

Statistics, no language model: `series` reads, `anomalies`, `breaks`, `contributions` and `kpis` find, `narrative` writes
sentences from table cells and refuses any other number, `page` makes the files and `agent` the steps.
"""

from playbook.agents.reporting.agent import AGENT

__all__ = ["AGENT"]
