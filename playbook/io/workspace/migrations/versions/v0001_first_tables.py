"""The first workspace: what a team brings, decides and measures, its history and the pseudonym secret.

Frozen: this says what version 0001 was, whatever the data dictionary says today. `name:kind?` is a column that may be
empty.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

KINDS: dict[str, sa.types.TypeEngine[Any]] = {
    "text": sa.Text(),
    "int": sa.BigInteger(),
    "float": sa.Double(),
    "bool": sa.Boolean(),
    "date": sa.Date(),
    "moment": sa.DateTime(timezone=True),
}

TABLES = {
    "settings": (
        "name",
        "name:text value:text",
    ),
    "teams": (
        "team",
        "team:text name:text people:int? start:date? country:text? note:text?",
    ),
    "tasks": (
        "team task_id",
        (
            "team:text task_id:text task:text workflow:text function:text? layer:text? role:text? runs_per_month:float? "
            "minutes_per_run:float? current_level:int? structure:float? data_readiness:float? verifiability:float? "
            "judgment:float? stakes:float? relationship:float? exposure:float? not_applicable:text? basis:text note:text?"
        ),
    ),
    "events": (
        "team import_id row",
        "team:text import_id:text row:int case:text activity:text timestamp:moment resource:text?",
    ),
    "imports": (
        "import_id",
        "import_id:text team:text file:text format:text at:moment rows_read:int stored:int rejected:int duplicates:int",
    ),
    "rejects": (
        "import_id row column_name",
        "import_id:text team:text row:int column_name:text found:text wanted:text record:text",
    ),
    "pilots": (
        "team pilot_id",
        (
            "team:text pilot_id:text workflow:text level:int status:text start:date? end:date? owner_role:text? "
            "operator_role:text? auditor_role:text?"
        ),
    ),
    "pilot_items": (
        "team pilot_id item",
        (
            "team:text pilot_id:text item:text arm:text day:date minutes:float review_minutes:float rework_minutes:float "
            "accepted:bool? quality:float?"
        ),
    ),
    "breakages": (
        "team breakage_id",
        (
            "team:text breakage_id:text pilot_id:text day:date category:text severity:text what:text minutes_lost:float? "
            "fix:text?"
        ),
    ),
    "answers": (
        "team questionnaire question seat",
        "team:text questionnaire:text question:text seat:int score:int? not_applicable:bool evidence:text? day:date?",
    ),
    "readings": (
        "team kpi start",
        "team:text kpi:text start:date days:int value:float low:float? high:float? n:int?",
    ),
    "role_proposals": (
        "team role",
        "team:text role:text new_role:text status:text accountable_role:text? appeal_to:text? note:text?",
    ),
    "pod_seats": (
        "team pod workflow seat",
        "team:text pod:text workflow:text seat:text role:text?",
    ),
    "agent_playbooks": (
        "team playbook_id",
        (
            "team:text playbook_id:text workflow:text level:int owner_role:text? deputy_role:text? auditor_role:text? "
            "triggers:int status:text reviewed_on:date?"
        ),
    ),
    "risk_status": (
        "team risk",
        "team:text risk:text likelihood:int impact:int owner_role:text? controls_done:int checked_on:date? note:text?",
    ),
    "budget_lines": (
        "team line",
        "team:text line:text monthly:float currency:text note:text?",
    ),
    "decisions": (
        "team decision_id",
        "team:text decision_id:text day:date decision:text reason:text owner_role:text?",
    ),
    "progress": (
        "team activity",
        "team:text activity:text status:text done_on:date? evidence:text?",
    ),
}
HISTORY = "change:int at:moment by:text action:text table:text team:text? key:text rows:int before:text? after:text?"


def upgrade() -> None:
    """Make every table; `team` points to the teams everywhere but in the teams themselves."""
    for name, (key, said) in TABLES.items():
        columns = [*_columns(said), sa.Column("revision", sa.BigInteger(), nullable=False)]
        op.create_table(name, *columns, sa.PrimaryKeyConstraint(*key.split(), name=f"pk_{name}"), *_team(name, said))
    counted = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table("history", sa.Column("id", counted, nullable=False), *_columns(HISTORY), _key("history", "id"))
    op.create_table("secrets", *_columns("name:text value:text"), _key("secrets", "name"))


def _columns(said: str) -> list[sa.Column[Any]]:
    pairs = [part.split(":") for part in said.split()]
    return [sa.Column(name, KINDS[kind.rstrip("?")], nullable=kind.endswith("?")) for name, kind in pairs]


def _key(table: str, column: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(column, name=f"pk_{table}")


def _team(table: str, said: str) -> list[sa.ForeignKeyConstraint]:
    if table == "teams" or " team:" not in f" {said}":
        return []
    return [
        sa.ForeignKeyConstraint(
            ["team"], ["teams.team"], name=f"fk_{table}_team", deferrable=True, initially="DEFERRED"
        )
    ]
