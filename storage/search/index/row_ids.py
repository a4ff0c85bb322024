"""An article's place in the search index: when it was published, in seconds, and a number among those of a second.

Newest first is then the index's own order, whatever a backfill brings, and a span of time is a span of places.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from storage.db.tables.types import EARLIEST, LATEST

TIES = 1 << 16
"""Articles of one second; more go on in the next."""
_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
FIRST_ROW, LAST_ROW = 0, (1 << 62) - 1
DAY_ROWS = 86_400 * TIES


def row_floor(at: datetime) -> int:
    """The first place of a moment's second, where it begins on one; else of the next."""
    return row_of(at) + (TIES if at.microsecond else 0)


def row_of(at: datetime) -> int:
    """The first place of the second that a moment lies in; one that no article can have is brought near to those."""
    if at.tzinfo is None:
        raise ValueError(f"a time without zone: {at}")
    at = min(max(at, EARLIEST), LATEST)
    return (at - _BEGINNING) // timedelta(seconds=1) * TIES


def moment_of(row: int) -> datetime:
    """The second that a place lies in."""
    return _BEGINNING + timedelta(seconds=row // TIES)


def date_of_day(day: int) -> datetime:
    """The beginning of a day that is counted as `row // DAY_ROWS`."""
    return _BEGINNING + timedelta(days=day)
