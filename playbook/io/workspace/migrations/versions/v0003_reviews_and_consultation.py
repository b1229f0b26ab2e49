"""Weekly reviews are recorded, and a role proposal says when the people concerned were heard."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Older proposals get no consultation day: nobody wrote one down."""
    op.add_column("role_proposals", sa.Column("consulted_on", sa.Date()))
    op.create_table(
        "reviews",
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("reviewer_role", sa.Text()),
        sa.Column("agents", sa.BigInteger()),
        sa.Column("escalations", sa.BigInteger()),
        sa.Column("found", sa.Text()),
        sa.Column("actions", sa.Text()),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("team", "day", name="pk_reviews"),
        sa.ForeignKeyConstraint(
            ["team"], ["teams.team"], name="fk_reviews_team", deferrable=True, initially="DEFERRED"
        ),
    )
