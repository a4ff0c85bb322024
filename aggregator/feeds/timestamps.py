"""Format times for records and feeds, as in 2026-01-31T12:00:00Z, and parse times that people type."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from storage.search.query.filters import HOURS_PER_UNIT
from storage.timestamps import parse_iso

_AGE = re.compile(r"(\d{1,4})([hdwmy])")


def format_timestamp(at: datetime) -> str:
    """Return an aware time in UTC with seconds."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def parse_time(text: str, now: datetime) -> datetime:
    """Parse a date, a date with a time, or an age (12h, 7d, 4w, 6m, 1y); raises ValueError."""
    span = _AGE.fullmatch(text)
    if span is None:
        return parse_iso(text)
    try:
        return now - timedelta(hours=int(span[1]) * HOURS_PER_UNIT[span[2]])
    except OverflowError as error:
        raise ValueError(text) from error
