"""Parse the dates of indexes (RFC 822, ISO 8601 and their variants) to UTC."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from spiders.parse.date_parts import EARLIEST_DATE, find_printed_date
from spiders.parse.month_names import MONTH_NUMBERS

# The format of nine in ten feeds has a fast path, because a feed may contain many dates.
_RFC822 = re.compile(
    r"[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):([0-5]\d) (?:GMT|([+-])(0\d|1[0-4])([0-5]\d))$"
)
_MONTH_ONLY = re.compile(r"(\d{4})(?:-(\d{2}))?$")


class ParsedDate(NamedTuple):
    """A time in UTC, and whether the text gave its time zone."""

    at: datetime
    has_zone: bool


def parse_date(text: str, now: datetime) -> ParsedDate | None:
    """Parse a date; None if there is none, before 1990, or more than a day after `now`.

    Without a zone UTC is assumed.
    """
    text = text.strip()[:120]
    try:
        parsed = _parse_text(text) if text else None
    except (ValueError, OverflowError):
        return None
    if parsed is None or not EARLIEST_DATE <= parsed.at <= now + timedelta(days=1):
        return None
    return parsed


def _parse_text(text: str) -> ParsedDate | None:
    if text[:2] in ("19", "20") and len(text) <= 40:
        try:
            return _from_datetime(datetime.fromisoformat(text))
        except ValueError:
            pass
    elif rfc822 := _RFC822.match(text):
        return _parse_rfc822(rfc822)
    # with slashes, month first where possible
    printed = find_printed_date(text, day_first=False, short_years=True)
    if printed is not None:
        return ParsedDate(printed.to_utc(UTC), printed.zone is not None)
    month = _MONTH_ONLY.match(text)
    return ParsedDate(datetime(int(month[1]), int(month[2] or 1), 1, tzinfo=UTC), False) if month else None


def _parse_rfc822(match: re.Match[str]) -> ParsedDate:
    day, month, year, hour, minute, second, sign, hours, minutes = match.groups()
    at = datetime(
        int(year), MONTH_NUMBERS.get(month.lower(), 0), int(day), int(hour), int(minute), int(second), tzinfo=UTC
    )
    offset = 60 * int(hours) + int(minutes) if sign else 0
    return ParsedDate(at - timedelta(minutes=-offset if sign == "-" else offset), True)


def _from_datetime(at: datetime) -> ParsedDate:
    return ParsedDate(at.astimezone(UTC), True) if at.tzinfo else ParsedDate(at.replace(tzinfo=UTC), False)


def order_newest_first(times: Sequence[datetime | None]) -> list[int]:
    """Return the positions of entries, newest first; an entry without a date stays behind its predecessor."""
    time, sort_times = datetime.max.replace(tzinfo=UTC), []
    for entry_time in times:
        time = entry_time or time
        sort_times.append(time)
    return sorted(range(len(sort_times)), key=sort_times.__getitem__, reverse=True)
