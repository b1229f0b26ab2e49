"""Agents at work: their steps, approvals, artifacts, switches and logs; and how a pilot compares old and new."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Pilots so far compared before and after, without a comparison group; the tables are new."""
    with op.batch_alter_table("pilots") as pilots:
        pilots.add_column(sa.Column("design", sa.Text(), nullable=False, server_default="before and after"))
        pilots.add_column(sa.Column("playbook_id", sa.Text()))
    with op.batch_alter_table("pilots") as pilots:
        pilots.alter_column("design", server_default=None)
    with op.batch_alter_table("pilot_items") as items:
        items.add_column(sa.Column("comparison", sa.Boolean(), nullable=False, server_default=sa.false()))
        items.add_column(sa.Column("person", sa.Text()))
    with op.batch_alter_table("pilot_items") as items:
        items.alter_column("comparison", server_default=None)
    op.create_table(
        "run_spans",
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("span", sa.Text(), nullable=False),
        sa.Column("trace", sa.Text(), nullable=False),
        sa.Column("parent", sa.Text()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text()),
        sa.Column("playbook_id", sa.Text()),
        sa.Column("playbook_hash", sa.Text()),
        sa.Column("level", sa.BigInteger()),
        sa.Column("start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end", sa.DateTime(timezone=True)),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("tool", sa.Text()),
        sa.Column("model", sa.Text()),
        sa.Column("provider", sa.Text()),
        sa.Column("input_tokens", sa.BigInteger()),
        sa.Column("output_tokens", sa.BigInteger()),
        sa.Column("cost_usd", sa.Double()),
        sa.Column("cost_source", sa.Text()),
        sa.Column("tainted", sa.Boolean(), nullable=False),
        sa.Column("guard", sa.Text()),
        sa.Column("trigger", sa.Text()),
        sa.Column("approval", sa.Text()),
        sa.Column("reviewer_role", sa.Text()),
        sa.Column("review", sa.Text()),
        sa.Column("review_wait_s", sa.Double()),
        sa.Column("edit_ratio", sa.Double()),
        sa.Column("outcome", sa.Text()),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("team", "source", "span", name="pk_run_spans"),
        sa.ForeignKeyConstraint(
            ["team"], ["teams.team"], name="fk_run_spans_team", deferrable=True, initially="DEFERRED"
        ),
    )
    op.create_table(
        "agent_steps",
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("playbook_id", sa.Text(), nullable=False),
        sa.Column("playbook_hash", sa.Text(), nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("arguments_hash", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("amount", sa.Double(), nullable=False),
        sa.Column("labels", sa.Text()),
        sa.Column("result", sa.Text()),
        sa.Column("began", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended", sa.DateTime(timezone=True)),
        sa.Column("error", sa.Text()),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("team", "run_id", "step", name="pk_agent_steps"),
        sa.ForeignKeyConstraint(
            ["team"], ["teams.team"], name="fk_agent_steps_team", deferrable=True, initially="DEFERRED"
        ),
    )
    op.create_table(
        "approvals",
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("approval_id", sa.Text(), nullable=False),
        sa.Column("playbook_id", sa.Text(), nullable=False),
        sa.Column("playbook_hash", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("binding", sa.Text(), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("artifact_id", sa.Text()),
        sa.Column("asked", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reviewer_role", sa.Text()),
        sa.Column("decided", sa.DateTime(timezone=True)),
        sa.Column("why", sa.Text()),
        sa.Column("edit_ratio", sa.Double()),
        sa.Column("used", sa.DateTime(timezone=True)),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("team", "approval_id", name="pk_approvals"),
        sa.ForeignKeyConstraint(
            ["team"], ["teams.team"], name="fk_approvals_team", deferrable=True, initially="DEFERRED"
        ),
    )
    op.create_table(
        "artifacts",
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("artifact_id", sa.Text(), nullable=False),
        sa.Column("playbook_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text()),
        sa.Column("checks", sa.Text()),
        sa.Column("made", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("team", "artifact_id", name="pk_artifacts"),
        sa.ForeignKeyConstraint(
            ["team"], ["teams.team"], name="fk_artifacts_team", deferrable=True, initially="DEFERRED"
        ),
    )
    op.create_table(
        "agent_switches",
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("playbook_id", sa.Text(), nullable=False),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by_role", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("team", "playbook_id", name="pk_agent_switches"),
        sa.ForeignKeyConstraint(
            ["team"], ["teams.team"], name="fk_agent_switches_team", deferrable=True, initially="DEFERRED"
        ),
    )
    op.create_table(
        "log_anchors",
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("playbook_id", sa.Text(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("team", "playbook_id", name="pk_log_anchors"),
        sa.ForeignKeyConstraint(
            ["team"], ["teams.team"], name="fk_log_anchors_team", deferrable=True, initially="DEFERRED"
        ),
    )
