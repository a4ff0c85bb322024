"""What else a page says of its article beside what it shows: headlines, and which of its paragraphs its data has."""

from __future__ import annotations

from storage.migrations.ddl import run

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; of what is kept already no more than the title is known."""
    run(
        "ALTER TABLE texts ADD COLUMN headlines TEXT NOT NULL DEFAULT '';"
        "ALTER TABLE texts ADD COLUMN echoed TEXT NOT NULL DEFAULT '';"
        "ALTER TABLE revisions ADD COLUMN title TEXT NOT NULL DEFAULT '';"
        "UPDATE revisions SET title = (SELECT title FROM texts WHERE texts.id = revisions.text_id)"
    )
