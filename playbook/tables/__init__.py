"""The data dictionary: every shared table and column, declared once with type, unit, range and meaning.

`check(TASKS, frame)` returns a typed copy or one error naming every bad cell; `sift` keeps the good rows and
hands back the faults. `stored` and `agents` declare what a workspace keeps, `derived` what rooms compute.
"""

from playbook.tables import agents, derived, stored
from playbook.tables.agents import (
    AGENT_PLAYBOOKS,
    AGENT_STEPS,
    AGENT_SWITCHES,
    APPROVALS,
    ARTIFACTS,
    EVERY_AGENT,
    LOG_ANCHORS,
    RUN_SPANS,
    WRITTEN_BY_AGENTS,
)
from playbook.tables.base import Authored, Column, Row, Sourced, Table, check, column, sift
from playbook.tables.derived import (
    ACTIVITIES,
    CASES,
    GATE_RESULTS,
    MEASURES,
    PILOT_READOUTS,
    PLACEMENTS,
    ROLE_SHIFTS,
    SHORTLIST,
)
from playbook.tables.stored import (
    ANSWERS,
    BREAKAGES,
    BUDGET_LINES,
    CHANNEL_RESULTS,
    DECISIONS,
    EVENTS,
    FACTORS,
    IMPORTS,
    LAYERS,
    OVERRULINGS,
    PILOT_ITEMS,
    PILOTS,
    POD_SEATS,
    PROGRESS,
    RATINGS,
    READINGS,
    REJECTS,
    REVIEWS,
    RISK_STATUS,
    ROLE_PROPOSALS,
    SETTINGS,
    TASKS,
    TEAM_ID,
    TEAMS,
)
from playbook.tables.work import count, inventory, percent, plain_name

TABLES: dict[str, Table] = {
    table.name: table
    for module in (stored, agents, derived)
    for table in vars(module).values()
    if isinstance(table, Table)
}
STORED: dict[str, Table] = {name: table for name, table in TABLES.items() if table.stored}

__all__ = [
    "ACTIVITIES",
    "AGENT_PLAYBOOKS",
    "AGENT_STEPS",
    "AGENT_SWITCHES",
    "ANSWERS",
    "APPROVALS",
    "ARTIFACTS",
    "BREAKAGES",
    "BUDGET_LINES",
    "CASES",
    "CHANNEL_RESULTS",
    "DECISIONS",
    "EVENTS",
    "EVERY_AGENT",
    "FACTORS",
    "GATE_RESULTS",
    "IMPORTS",
    "LAYERS",
    "LOG_ANCHORS",
    "MEASURES",
    "OVERRULINGS",
    "PILOTS",
    "PILOT_ITEMS",
    "PILOT_READOUTS",
    "PLACEMENTS",
    "POD_SEATS",
    "PROGRESS",
    "RATINGS",
    "READINGS",
    "REJECTS",
    "REVIEWS",
    "RISK_STATUS",
    "ROLE_PROPOSALS",
    "ROLE_SHIFTS",
    "RUN_SPANS",
    "SETTINGS",
    "SHORTLIST",
    "STORED",
    "TABLES",
    "TASKS",
    "TEAMS",
    "TEAM_ID",
    "WRITTEN_BY_AGENTS",
    "Authored",
    "Column",
    "Row",
    "Sourced",
    "Table",
    "check",
    "column",
    "count",
    "inventory",
    "percent",
    "plain_name",
    "sift",
]
