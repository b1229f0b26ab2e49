"""KPIs: what they mean, old against new, where people's hours go, and the formulas with their intervals.

A KPI describes a team's work, never a person, and none is a target: a `better` of `neither` means that more is not
better in itself. Without a reading a KPI says what it needs.
"""

from playbook.kpis.comparing import COMPARED_COLUMNS, compare, worded
from playbook.kpis.formulas import (
    cost_per_asset,
    cost_to_revenue,
    human_intervention,
    iteration_velocity,
    prompt_success,
    reading,
    signal_to_noise,
    strategic_decision_density,
    system_throughput,
    system_utilisation,
    time_to_produce,
)
from playbook.kpis.hours import SPLIT_COLUMNS, time_split
from playbook.kpis.model import Arrival, Catalogue, Kpi, OldKpi
from playbook.kpis.readout import findings, measures

__all__ = [
    "COMPARED_COLUMNS",
    "SPLIT_COLUMNS",
    "Arrival",
    "Catalogue",
    "Kpi",
    "OldKpi",
    "compare",
    "cost_per_asset",
    "cost_to_revenue",
    "findings",
    "human_intervention",
    "iteration_velocity",
    "measures",
    "prompt_success",
    "reading",
    "signal_to_noise",
    "strategic_decision_density",
    "system_throughput",
    "system_utilisation",
    "time_split",
    "time_to_produce",
    "worded",
]
