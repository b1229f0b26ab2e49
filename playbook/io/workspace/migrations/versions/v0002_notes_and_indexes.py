"""History says why a change was made, and finds a table's or a team's rows without reading all of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Older history rows get no note: nobody wrote one."""
    op.add_column("history", sa.Column("note", sa.Text()))
    op.create_index("ix_history_table_team", "history", ["table", "team"])
    op.create_index("ix_imports_team", "imports", ["team"])
    op.create_index("ix_rejects_team", "rejects", ["team"])
