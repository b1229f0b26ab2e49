"""Exports of the tools teams use: events know their workflow, begin and minutes; channels' results are kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """A row of a file may now tell of several events; each one stored so far was its row's first and only one."""
    with op.batch_alter_table("events") as events:
        events.add_column(sa.Column("part", sa.BigInteger(), nullable=False, server_default="1"))
        events.add_column(sa.Column("workflow", sa.Text()))
        events.add_column(sa.Column("begun", sa.DateTime(timezone=True)))
        events.add_column(sa.Column("minutes", sa.Double()))
        events.drop_constraint("pk_events", type_="primary")
        events.create_primary_key("pk_events", ["team", "import_id", "row", "part"])
    with op.batch_alter_table("events") as events:
        events.alter_column("part", server_default=None)
    op.create_table(
        "channel_results",
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("days", sa.BigInteger(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("currency", sa.Text()),
        sa.Column("import_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("team", "source", "name", "start", "days", "metric", name="pk_channel_results"),
        sa.ForeignKeyConstraint(
            ["team"], ["teams.team"], name="fk_channel_results_team", deferrable=True, initially="DEFERRED"
        ),
    )
