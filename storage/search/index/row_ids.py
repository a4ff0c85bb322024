"""Row ids of the search index: the publication time in seconds, and a number within the second.

The index is thus ordered by publication time, also after a backfill, and a period is a range of row ids.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from storage.db.tables.types import EARLIEST, LATEST

ROWS_PER_SECOND = 1 << 16
"""Row ids of one second; further articles use the next second."""
_ROW_EPOCH = datetime(1, 1, 1, tzinfo=UTC)
FIRST_ROW_ID, LAST_ROW_ID = 0, (1 << 62) - 1
ROWS_PER_DAY = 86_400 * ROWS_PER_SECOND


def first_row_id_from(at: datetime) -> int:
    """Return the first row id at or after a time; fractions of a second are rounded up."""
    return row_id_of(at) + (ROWS_PER_SECOND if at.microsecond else 0)


def row_id_of(at: datetime) -> int:
    """Return the first row id of the second of a time, clamped to the times that an article can have.

    Raise ValueError if the time has no time zone."""
    if at.tzinfo is None:
        raise ValueError(f"time without zone: {at}")
    at = min(max(at, EARLIEST), LATEST)
    return (at - _ROW_EPOCH) // timedelta(seconds=1) * ROWS_PER_SECOND


def time_of_row_id(row: int) -> datetime:
    """Return the start of the second of a row id."""
    return _ROW_EPOCH + timedelta(seconds=row // ROWS_PER_SECOND)


def start_of_day(day: int) -> datetime:
    """Return the start of a day, given as `row // ROWS_PER_DAY`."""
    return _ROW_EPOCH + timedelta(days=day)
