"""What a second route to a source's articles named that the first did not."""

from __future__ import annotations

from storage.migrations.ddl import run

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE audits (
    source {ordered} NOT NULL PRIMARY KEY, at {moment} NOT NULL, begin_at {moment} NOT NULL, shared INTEGER NOT NULL,
    feed_alone INTEGER NOT NULL, sitemap_alone INTEGER NOT NULL, missed INTEGER NOT NULL, reason TEXT NOT NULL
) {keyed}
"""


def upgrade() -> None:
    """Make the table."""
    run(_TABLE)
