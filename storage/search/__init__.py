"""Finding: one preparation of text, one reading of queries, and an index in each dialect."""

from storage.search.postgres import PostgresIndex
from storage.search.query import Index
from storage.search.sqlite import SqliteIndex

_INDEXES: dict[str, Index] = {"sqlite": SqliteIndex(), "postgresql": PostgresIndex()}


def index_of(dialect: str) -> Index:
    """The search index of a dialect, "sqlite" or "postgresql"."""
    return _INDEXES[dialect]
