"""What was seen when articles were fetched again, and what that came to."""

from __future__ import annotations

from storage.migrations.ddl import run

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = """
"""


def upgrade() -> None:
    """Make the tables."""
    run(_TABLES)
