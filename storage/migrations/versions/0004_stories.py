"""Stories: articles about the same event."""

from __future__ import annotations

from storage.migrations.ddl import run

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TABLES = """
"""


def upgrade() -> None:
    """Make the tables."""
    run(_TABLES)
