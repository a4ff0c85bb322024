"""Convert times to and from microseconds and ISO 8601; all aware and in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR, DAY = 3_600.0, 86_400.0
"""Seconds of an hour and of a day."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def to_microseconds(at: datetime) -> int:
    """Return the microseconds since 1970."""
    return (at - EPOCH) // timedelta(microseconds=1)


def from_microseconds(microseconds: int) -> datetime | None:
    """Return the time that many microseconds after 1970, or None if it is out of range."""
    try:
        return EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return None


def parse_iso(text: str) -> datetime:
    """Parse a date, or a date and time; without a zone UTC is assumed. Raises ValueError."""
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(text) from error
