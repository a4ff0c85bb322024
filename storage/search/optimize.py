"""The search index kept quick: its pieces joined in one go, or little by little beside everybody else's work."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection

from storage.db.database import Database
from storage.db.key_value import get_value, set_value

_INDEXES = ("article_index", "past_index")
_PAGES_PER_STEP = 250
"""Pages of an index that one step may write: some fractions of a second."""
_MERGED_AT_KEY = "index_merged_at"


def optimize_index(database: Database) -> tuple[int, int]:
    """Join the pieces of the search index; returns the database's bytes before and after.

    In SQLite nobody else writes meanwhile. What articles hold is not changed.
    """
    before = database.size()
    if database.dialect == "sqlite":
        with database.write() as tx:
            for index in _INDEXES:
                tx.exec_driver_sql(f"INSERT INTO {index} ({index}) VALUES ('optimize')")  # noqa: S608 — names of ours
        database.checkpoint()
    else:
        with database.write() as tx:
            tx.exec_driver_sql("ANALYZE")
            _clean_pending(tx)
    return before, database.size()


def merge_segments(database: Database) -> Iterator[None]:
    """The same in steps, each a short transaction of its own, so that others write in between."""
    if database.dialect != "sqlite":
        with database.write() as tx:
            _clean_pending(tx)
        return
    for index in _INDEXES:
        # A negative number takes up all pieces of every size as one merge; then positive ones go on with it.
        # https://www.sqlite.org/fts5.html#the_merge_command
        step = -_PAGES_PER_STEP
        while _merge_step(database, index, step):
            yield
            step = _PAGES_PER_STEP


def _merge_step(database: Database, index: str, step: int) -> bool:
    """Whether a step found anything to do: less than two rows are changed where nothing is left."""
    with database.write() as tx:
        before = _count_changes(tx)
        tx.exec_driver_sql(f"INSERT INTO {index} ({index}, rank) VALUES ('merge', {step})")  # noqa: S608 — names of ours
        return _count_changes(tx) - before >= 2


def _count_changes(tx: Connection) -> int:
    return int(tx.exec_driver_sql("SELECT total_changes()").scalar_one())


def _clean_pending(tx: Connection) -> None:
    for index in _INDEXES:
        tx.exec_driver_sql(f"SELECT gin_clean_pending_list('{index}_words')")


def last_merged_at(tx: Connection) -> datetime | None:
    """When the pieces were last joined by steps, as far as that is known."""
    said = get_value(tx, _MERGED_AT_KEY)
    return None if said is None else datetime.fromisoformat(said)


def record_merge(tx: Connection, now: datetime) -> None:
    """All of them are joined."""
    set_value(tx, _MERGED_AT_KEY, now.isoformat())
