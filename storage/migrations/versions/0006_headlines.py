"""The other headlines that a page declares beside the one that is shown."""

from __future__ import annotations

from storage.migrations.ddl import run

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what is kept already declares none that is known."""
    run("ALTER TABLE texts ADD COLUMN headlines TEXT NOT NULL DEFAULT ''")
