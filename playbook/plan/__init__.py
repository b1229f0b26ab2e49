"""The ninety days: phases and activities with calendar dates, and gates judged from measures of the work.

The plan itself is data (`Plan`, read from YAML). `schedule` gives every activity its dates and status, `gate` compares
a phase's conditions with measures other rooms computed. Day 1 is the start; days are calendar days, and an activity
begins and ends on a working day of the team's country.
"""

from playbook.plan.dates import SCHEDULE_COLUMNS, day_number, measures, phase_of, schedule
from playbook.plan.findings import findings
from playbook.plan.gates import gate, is_open, verdicts
from playbook.plan.model import GATE_MEASURES, Activity, Condition, Phase, Plan

__all__ = [
    "GATE_MEASURES",
    "SCHEDULE_COLUMNS",
    "Activity",
    "Condition",
    "Phase",
    "Plan",
    "day_number",
    "findings",
    "gate",
    "is_open",
    "measures",
    "phase_of",
    "schedule",
    "verdicts",
]
