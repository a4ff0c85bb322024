"""How every record and feed of ours spells a time, 2026-01-31T12:00:00Z, and how people may spell one."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from storage.search.filters import HOURS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPAN = re.compile(r"(\d{1,4})([hdwmy])")


def spelled(at: datetime) -> str:
    """An aware time."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def read_moment(text: str, now: datetime) -> datetime:
    """A date, a date with a time, or a time ago (12h, 7d, 4w, 6m, 1y); raises ValueError."""
    try:
        if span := _SPAN.fullmatch(text):
            return now - timedelta(hours=int(span[1]) * HOURS[span[2]])
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(text) from error


def micros(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def of_micros(number: int) -> datetime | None:
    """The time so many microseconds after 1970; None where no time is."""
    try:
        return _EPOCH + timedelta(microseconds=number)
    except OverflowError:
        return None
