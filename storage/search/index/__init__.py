"""Full-text index with an implementation for each database dialect."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.search.index.base import SearchIndex


@cache
def search_index(dialect: str) -> SearchIndex:
    """Return the search index of a dialect, "sqlite" or "postgresql"."""
    # Imported lazily: workers prepare texts without SQLAlchemy.
    if dialect == "sqlite":
        from storage.search.index.sqlite import SqliteIndex

        return SqliteIndex()
    from storage.search.index.postgres import PostgresIndex

    return PostgresIndex()
