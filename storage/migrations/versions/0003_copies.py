"""Near-duplicates: signatures, their bands, and which articles tell the same text."""

from __future__ import annotations

from storage.migrations.ddl import run

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TABLES = """
"""


def upgrade() -> None:
    """Make the tables."""
    run(_TABLES)
