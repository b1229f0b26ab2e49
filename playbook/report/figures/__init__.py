"""One function, one figure. Every title says what the figures say; the line under it says n and how to read it.

Each function takes a table (its docstring names the columns it needs) and returns a plotly Figure. A table that is
empty, or has nothing to draw, gives a small figure that says what is needed. Colours come from `report.look`; text
from data is stripped of markup before it reaches a label.
"""

from playbook.report.figures.flow import activity_counts, case_durations
from playbook.report.figures.levels import level_moves, level_ranges, level_survival
from playbook.report.figures.people import budget_shift, maturity_dots, role_hours, time_split
from playbook.report.figures.pilots import pilot_criteria, pilot_proof, pilot_robustness
from playbook.report.figures.plan import gate_strip, pilot_ratio, plan_gantt, risk_matrix
from playbook.report.figures.process import process_map
from playbook.report.figures.raters import rater_ranges
from playbook.report.figures.readout import pilot_minutes, pilot_quality, pilot_saving
from playbook.report.figures.work import (
    hours_at_stake,
    level_distribution,
    portfolio_levels,
    spectrum_heatmap,
    volume_judgment,
)

__all__ = [
    "activity_counts",
    "budget_shift",
    "case_durations",
    "gate_strip",
    "hours_at_stake",
    "level_distribution",
    "level_moves",
    "level_ranges",
    "level_survival",
    "maturity_dots",
    "pilot_criteria",
    "pilot_minutes",
    "pilot_proof",
    "pilot_quality",
    "pilot_ratio",
    "pilot_robustness",
    "pilot_saving",
    "plan_gantt",
    "portfolio_levels",
    "process_map",
    "rater_ranges",
    "risk_matrix",
    "role_hours",
    "spectrum_heatmap",
    "time_split",
    "volume_judgment",
]
