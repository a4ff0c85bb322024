"""How often in a row an index was found at the address that it moved to."""

from __future__ import annotations

from storage.migrations.ddl import run

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the count."""
    run("ALTER TABLE endpoints ADD COLUMN moves INTEGER NOT NULL DEFAULT 0")
