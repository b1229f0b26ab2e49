"""Imports remember how their file was read, so that its refused rows are read alike when they come back corrected."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Of the imports so far it is not known."""
    with op.batch_alter_table("imports") as imports:
        imports.add_column(sa.Column("how", sa.Text()))
