"""PostgreSQL keeps the search index's vectors in their rows, so that a phrase is checked without a second table."""

from __future__ import annotations

from storage.migrations.ddl import dialect, run

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_IN_ROWS = """
ALTER TABLE article_index ALTER COLUMN words SET STORAGE MAIN;
ALTER TABLE article_index SET (toast_tuple_target = 8160)
"""


def upgrade() -> None:
    """Rows written from now on; a reindex moves those that are there."""
    if dialect() == "postgresql":
        run(_IN_ROWS)
