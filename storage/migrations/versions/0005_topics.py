"""Topics: what articles are about."""

from __future__ import annotations

from storage.migrations.ddl import run

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TABLES = """
"""


def upgrade() -> None:
    """Make the tables."""
    run(_TABLES)
