"""Several raters rate a task in rounds, and people may overrule the rule with a written reason."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Both tables are new: nobody could write either down before."""
    op.create_table(
        "ratings",
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("factor", sa.Text(), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("seat", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text()),
        sa.Column("value", sa.Double()),
        sa.Column("not_applicable", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("day", sa.Date()),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("team", "task_id", "factor", "round", "seat", name="pk_ratings"),
        sa.ForeignKeyConstraint(
            ["team"], ["teams.team"], name="fk_ratings_team", deferrable=True, initially="DEFERRED"
        ),
    )
    op.create_table(
        "overrulings",
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("level", sa.BigInteger()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("model", sa.Text()),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("team", "task_id", name="pk_overrulings"),
        sa.ForeignKeyConstraint(
            ["team"], ["teams.team"], name="fk_overrulings_team", deferrable=True, initially="DEFERRED"
        ),
    )
