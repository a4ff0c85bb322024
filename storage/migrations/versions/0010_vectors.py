"""PostgreSQL keeps the search index's vectors as they are, not compressed: a phrase is checked by reading them.

pglz takes longer to unpack a vector than the server takes to read it. What is kept already is moved by a reindex.
"""

from __future__ import annotations

from storage.migrations.ddl import dialect, run

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Vectors that are written from now on."""
    if dialect() == "postgresql":
        run("ALTER TABLE article_index ALTER COLUMN words SET STORAGE EXTERNAL")
