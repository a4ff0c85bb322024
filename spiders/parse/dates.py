"""Dates as indexes print them: RFC 822 and ISO 8601 in all their bent forms, to a moment in UTC."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from spiders.parse.date_parts import EARLIEST, printed
from spiders.parse.month_names import MONTH

# What nine in ten feeds print; read apart from the others because a feed may hold very many.
_USUAL = re.compile(
    r"[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):([0-5]\d) (?:GMT|([+-])(0\d|1[0-4])([0-5]\d))$"
)
_MONTH_ONLY = re.compile(r"(\d{4})(?:-(\d{2}))?$")


class Stamp(NamedTuple):
    """A moment in UTC, and whether the text told its time zone."""

    at: datetime
    zone_known: bool


def read_date(text: str, now: datetime) -> Stamp | None:
    """The moment that a text names; None for none, before 1990, or more than a day after `now`.

    A text without a zone is taken as UTC.
    """
    text = text.strip()[:120]
    try:
        stamp = _read(text) if text else None
    except (ValueError, OverflowError):
        return None
    if stamp is None or not EARLIEST <= stamp.at <= now + timedelta(days=1):
        return None
    return stamp


def _read(text: str) -> Stamp | None:
    if text[:2] in ("19", "20") and len(text) <= 40:
        try:
            return _stamp(datetime.fromisoformat(text))
        except ValueError:
            pass
    elif usual := _USUAL.match(text):
        return _usual(usual)
    # with slashes it is American where that is possible
    found = printed(text, day_first=False, short_years=True)
    if found is not None:
        return Stamp(found.at(UTC), found.zone is not None)
    month = _MONTH_ONLY.match(text)
    return Stamp(datetime(int(month[1]), int(month[2] or 1), 1, tzinfo=UTC), False) if month else None


def _usual(found: re.Match[str]) -> Stamp:
    day, month, year, hour, minute, second, sign, hours, minutes = found.groups()
    at = datetime(int(year), MONTH.get(month.lower(), 0), int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    offset = 60 * int(hours) + int(minutes) if sign else 0
    return Stamp(at - timedelta(minutes=-offset if sign == "-" else offset), True)


def _stamp(at: datetime) -> Stamp:
    return Stamp(at.astimezone(UTC), True) if at.tzinfo else Stamp(at.replace(tzinfo=UTC), False)


def newest_first(moments: Sequence[datetime | None]) -> list[int]:
    """The places of entries, newest first; one without a moment stays behind the entry that it followed."""
    moment, carried = datetime.max.replace(tzinfo=UTC), []
    for own in moments:
        moment = own or moment
        carried.append(moment)
    return sorted(range(len(carried)), key=carried.__getitem__, reverse=True)
