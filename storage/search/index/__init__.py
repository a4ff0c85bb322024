"""Finding: one preparation of text, one reading of queries, and an index in each dialect."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.search.index.base import SearchIndex


@cache
def search_index(dialect: str) -> SearchIndex:
    """The search index of a dialect, "sqlite" or "postgresql"."""
    # Imported here, so that the preparation of text can be had without SQLAlchemy: workers use it.
    if dialect == "sqlite":
        from storage.search.index.sqlite import SqliteIndex

        return SqliteIndex()
    from storage.search.index.postgres import PostgresIndex

    return PostgresIndex()
