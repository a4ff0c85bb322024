"""Indexes by which an article's rows are removed: whoever drops a row looks for those that point to it."""

from __future__ import annotations

from storage.migrations.ddl import run

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_COLUMNS = (
    ("sightings", "text_id"),
    ("sightings", "asked"),
    ("sightings", "final"),
    ("looks", "alias_id"),
    ("revisions", "sighting_id"),
    ("revisions", "text_id"),
    ("revisions", "look_id"),
)


def upgrade() -> None:
    """Make them."""
    for table, column in _COLUMNS:
        run(f"CREATE INDEX ix_{table}_{column} ON {table} ({column})")
