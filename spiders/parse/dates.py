"""Dates as indexes print them: RFC 822 and ISO 8601 in all their bent forms, to a moment in UTC."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from spiders.parse.date_parts import EARLIEST_DATE, find_printed_date
from spiders.parse.month_names import MONTH_NUMBERS

# What nine in ten feeds print; read apart from the others because a feed may hold very many.
_RFC822 = re.compile(
    r"[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):([0-5]\d) (?:GMT|([+-])(0\d|1[0-4])([0-5]\d))$"
)
_MONTH_ONLY = re.compile(r"(\d{4})(?:-(\d{2}))?$")


class ParsedDate(NamedTuple):
    """A moment in UTC, and whether the text told its time zone."""

    at: datetime
    has_zone: bool


def parse_date(text: str, now: datetime) -> ParsedDate | None:
    """The moment that a text names; None for none, before 1990, or more than a day after `now`.

    A text without a zone is taken as UTC.
    """
    text = text.strip()[:120]
    try:
        stamp = _parse_text(text) if text else None
    except (ValueError, OverflowError):
        return None
    if stamp is None or not EARLIEST_DATE <= stamp.at <= now + timedelta(days=1):
        return None
    return stamp


def _parse_text(text: str) -> ParsedDate | None:
    if text[:2] in ("19", "20") and len(text) <= 40:
        try:
            return _from_datetime(datetime.fromisoformat(text))
        except ValueError:
            pass
    elif usual := _RFC822.match(text):
        return _parse_rfc822(usual)
    # with slashes it is American where that is possible
    found = find_printed_date(text, day_first=False, short_years=True)
    if found is not None:
        return ParsedDate(found.to_utc(UTC), found.zone is not None)
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


def order_newest_first(moments: Sequence[datetime | None]) -> list[int]:
    """The places of entries, newest first; one without a moment stays behind the entry that it followed."""
    moment, carried = datetime.max.replace(tzinfo=UTC), []
    for own in moments:
        moment = own or moment
        carried.append(moment)
    return sorted(range(len(carried)), key=carried.__getitem__, reverse=True)
