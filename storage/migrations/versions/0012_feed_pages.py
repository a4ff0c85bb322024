"""The pages that archived feeds were cut into, as their articles arrived."""

from __future__ import annotations

from storage.migrations.ddl import run

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE feed_pages (
    feed {ordered} NOT NULL, number INTEGER NOT NULL, article_ids TEXT NOT NULL, PRIMARY KEY (feed, number)
) {keyed};

CREATE TABLE archived_feeds (
    feed {ordered} NOT NULL PRIMARY KEY, asks TEXT NOT NULL, seen_id {big} NOT NULL, waiting TEXT NOT NULL,
    pages INTEGER NOT NULL
) {keyed}
"""


def upgrade() -> None:
    """Make the tables."""
    run(_TABLES)
