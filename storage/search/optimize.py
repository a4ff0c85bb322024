"""Merge index segments, all at once or in small steps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection

from storage.db.database import Database
from storage.db.key_value import get_value, set_value

_INDEXES = ("article_index", "past_index")
_PAGES_PER_STEP = 250
"""Number of index pages that one step may write. A step takes a fraction of a second."""
_MERGED_AT_KEY = "index_merged_at"


def optimize_index(database: Database) -> tuple[int, int]:
    """Merge all segments of the search index, and return the size of the database in bytes before and after.

    In SQLite the merge blocks other writers. Articles do not change.
    """
    before = database.size()
    if database.dialect == "sqlite":
        with database.write() as tx:
            for index in _INDEXES:
                tx.exec_driver_sql(f"INSERT INTO {index} ({index}) VALUES ('optimize')")  # noqa: S608 — constant names
        database.checkpoint()
    else:
        with database.write() as tx:
            tx.exec_driver_sql("ANALYZE")
            _clean_pending(tx)
    return before, database.size()


def merge_segments(database: Database) -> Iterator[None]:
    """Merge all segments in short transactions, and yield after each so that other writers can proceed."""
    if database.dialect != "sqlite":
        with database.write() as tx:
            _clean_pending(tx)
        return
    for index in _INDEXES:
        # A negative page count starts one merge of all segments; positive counts continue that merge.
        # https://www.sqlite.org/fts5.html#the_merge_command
        step = -_PAGES_PER_STEP
        while _merge_step(database, index, step):
            yield
            step = _PAGES_PER_STEP


def _merge_step(database: Database, index: str, step: int) -> bool:
    """Run one merge step, and return whether it did any work: FTS5 changes fewer than two rows when nothing is left."""
    with database.write() as tx:
        before = _count_changes(tx)
        tx.exec_driver_sql(f"INSERT INTO {index} ({index}, rank) VALUES ('merge', {step})")  # noqa: S608 — constant names
        return _count_changes(tx) - before >= 2


def _count_changes(tx: Connection) -> int:
    return int(tx.exec_driver_sql("SELECT total_changes()").scalar_one())


def _clean_pending(tx: Connection) -> None:
    for index in _INDEXES:
        tx.exec_driver_sql(f"SELECT gin_clean_pending_list('{index}_words')")


def last_merged_at(tx: Connection) -> datetime | None:
    """Return the time of the last complete merge in steps, or None if none is recorded."""
    value = get_value(tx, _MERGED_AT_KEY)
    return None if value is None else datetime.fromisoformat(value)


def record_merge(tx: Connection, now: datetime) -> None:
    """Record a complete merge in steps."""
    set_value(tx, _MERGED_AT_KEY, now.isoformat())
