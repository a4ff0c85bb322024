"""How every record and feed of ours spells a time, 2026-01-31T12:00:00Z, and how people may spell one."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from storage.search.query.filters import HOURS
from storage.timestamps import of_iso

_SPAN = re.compile(r"(\d{1,4})([hdwmy])")


def spelled(at: datetime) -> str:
    """An aware time."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def read_moment(text: str, now: datetime) -> datetime:
    """A date, a date with a time, or a time ago (12h, 7d, 4w, 6m, 1y); raises ValueError."""
    span = _SPAN.fullmatch(text)
    if span is None:
        return of_iso(text)
    try:
        return now - timedelta(hours=int(span[1]) * HOURS[span[2]])
    except OverflowError as error:
        raise ValueError(text) from error
