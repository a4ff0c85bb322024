"""An article's place in the search index: when it was published, in seconds, and a number among those of a second.

Newest first is then the index's own order, whatever a backfill brings, and a span of time is a span of places.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from storage.db.tables.types import EARLIEST, LATEST

ROWS_PER_SECOND = 1 << 16
"""Articles of one second; more go on in the next."""
_ROW_EPOCH = datetime(1, 1, 1, tzinfo=UTC)
FIRST_ROW_ID, LAST_ROW_ID = 0, (1 << 62) - 1
ROWS_PER_DAY = 86_400 * ROWS_PER_SECOND


def first_row_id_from(at: datetime) -> int:
    """The first place of a moment's second, where it begins on one; else of the next."""
    return row_id_of(at) + (ROWS_PER_SECOND if at.microsecond else 0)


def row_id_of(at: datetime) -> int:
    """The first place of the second that a moment lies in; one that no article can have is brought near to those."""
    if at.tzinfo is None:
        raise ValueError(f"a time without zone: {at}")
    at = min(max(at, EARLIEST), LATEST)
    return (at - _ROW_EPOCH) // timedelta(seconds=1) * ROWS_PER_SECOND


def time_of_row_id(row: int) -> datetime:
    """The second that a place lies in."""
    return _ROW_EPOCH + timedelta(seconds=row // ROWS_PER_SECOND)


def start_of_day(day: int) -> datetime:
    """The beginning of a day that is counted as `row // DAY_ROWS`."""
    return _ROW_EPOCH + timedelta(days=day)
