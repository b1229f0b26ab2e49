"""Agents at work: their steps, approvals, artifacts, switches and logs; and how a pilot compares old and new."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

KINDS: dict[str, sa.types.TypeEngine[Any]] = {
    "text": sa.Text(),
    "whole": sa.BigInteger(),
    "number": sa.Double(),
    "truth": sa.Boolean(),
    "moment": sa.DateTime(timezone=True),
}
# each table with its key beside the team, and its columns between team and revision; "?" marks a cell that may be empty
TABLES: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "run_spans": (
        ("source", "span"),
        {
            "source": "text",
            "span": "text",
            "trace": "text",
            "parent": "text?",
            "kind": "text",
            "agent": "text?",
            "playbook_id": "text?",
            "playbook_hash": "text?",
            "level": "whole?",
            "start": "moment",
            "end": "moment?",
            "status": "text",
            "error": "text?",
            "tool": "text?",
            "model": "text?",
            "provider": "text?",
            "input_tokens": "whole?",
            "output_tokens": "whole?",
            "cost_usd": "number?",
            "cost_source": "text?",
            "tainted": "truth",
            "guard": "text?",
            "trigger": "text?",
            "approval": "text?",
            "reviewer_role": "text?",
            "review": "text?",
            "review_wait_s": "number?",
            "edit_ratio": "number?",
            "outcome": "text?",
        },
    ),
    "agent_steps": (
        ("run_id", "step"),
        {
            "run_id": "text",
            "step": "text",
            "number": "whole",
            "playbook_id": "text",
            "playbook_hash": "text",
            "tool": "text",
            "kind": "text",
            "status": "text",
            "arguments_hash": "text",
            "key": "text",
            "amount": "number",
            "labels": "text?",
            "result": "text?",
            "began": "moment",
            "ended": "moment?",
            "error": "text?",
        },
    ),
    "approvals": (
        ("approval_id",),
        {
            "approval_id": "text",
            "playbook_id": "text",
            "playbook_hash": "text",
            "run_id": "text",
            "step": "text",
            "tool": "text",
            "binding": "text",
            "arguments": "text",
            "reason": "text",
            "artifact_id": "text?",
            "asked": "moment",
            "expires": "moment",
            "status": "text",
            "reviewer_role": "text?",
            "decided": "moment?",
            "why": "text?",
            "edit_ratio": "number?",
            "used": "moment?",
        },
    ),
    "artifacts": (
        ("artifact_id",),
        {
            "artifact_id": "text",
            "playbook_id": "text",
            "run_id": "text",
            "name": "text",
            "version": "whole",
            "path": "text",
            "sha256": "text",
            "labels": "text?",
            "checks": "text?",
            "made": "moment",
        },
    ),
    "agent_switches": (
        ("playbook_id",),
        {
            "playbook_id": "text",
            "stopped": "truth",
            "reason": "text",
            "by_role": "text",
            "at": "moment",
        },
    ),
    "log_anchors": (
        ("playbook_id",),
        {
            "playbook_id": "text",
            "entries": "whole",
            "head": "text",
            "at": "moment",
        },
    ),
}


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
    for name, (key, columns) in TABLES.items():
        _create(name, key, columns)


def _create(name: str, key: tuple[str, ...], columns: dict[str, str]) -> None:
    """A table of a team's rows: the team first, the revision last, and its team's row must be there."""
    op.create_table(
        name,
        sa.Column("team", sa.Text(), nullable=False),
        *(sa.Column(one, KINDS[kind.rstrip("?")], nullable=kind.endswith("?")) for one, kind in columns.items()),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("team", *key, name=f"pk_{name}"),
        sa.ForeignKeyConstraint(
            ["team"], ["teams.team"], name=f"fk_{name}_team", deferrable=True, initially="DEFERRED"
        ),
    )
