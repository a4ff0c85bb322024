"""Moments as numbers and as ISO 8601 has them; aware, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc_now() -> datetime:
    """Return the current time, aware and in UTC."""
    return datetime.now(UTC)


def to_microseconds(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - EPOCH) // timedelta(microseconds=1)


def from_microseconds(number: int) -> datetime | None:
    """The time so many microseconds after 1970; None where no time is."""
    try:
        return EPOCH + timedelta(microseconds=number)
    except OverflowError:
        return None


def parse_iso(text: str) -> datetime:
    """A date, or a date with a time; without a zone it is taken for UTC. Raises ValueError."""
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(text) from error
