"""Parse printed dates into a point in time and the printed calendar day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from lxml.html import HtmlElement

from spiders.parse.date_parts import EARLIEST_DATE, find_printed_date

_EPOCH = re.compile(r"^(?:1[0-9]{9}|1[0-9]{12})$")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageDate:
    """A parsed date: `at` is aware (UTC), `day` the printed day (ISO), `raw` the text.

    `has_zone` and `has_time` say whether the text had a time zone and a time of day.
    """

    at: datetime
    day: str
    raw: str
    has_zone: bool
    has_time: bool


def parse_date(raw: str, *, zone: str = "", latest: datetime | None = None, day_first: bool = True) -> PageDate | None:
    """Parse a printed date; return None for an invalid date, one before 1990, or one over a day after `latest`.

    A text without a zone is in `zone` (an IANA name), or in UTC. `day_first` decides the order of 03/04/2025.
    """
    text = raw.strip()[:200]
    if not text:
        return None
    try:
        date = _parse_epoch(text) or _parse_calendar_date(text, zone, day_first)
    except (ValueError, OverflowError):
        return None
    if date is None or date.at < EARLIEST_DATE or (latest is not None and date.at > latest + timedelta(days=1)):
        return None
    return date


def _parse_epoch(text: str) -> PageDate | None:
    if not _EPOCH.match(text):
        return None
    at = datetime.fromtimestamp(int(text[:10]), UTC)
    return PageDate(at=at, day=at.date().isoformat(), raw=text, has_zone=True, has_time=True)


def _parse_calendar_date(text: str, zone: str, day_first: bool) -> PageDate | None:
    printed = find_printed_date(text, day_first=day_first)
    if printed is None:
        return None
    return PageDate(
        at=printed.to_utc(find_zone(zone)),
        day=printed.day.isoformat(),
        raw=text,
        has_zone=printed.zone is not None,
        has_time=printed.seconds is not None,
    )


@lru_cache(maxsize=256)
def find_zone(name: str) -> tzinfo:
    """Return the time zone of an IANA name; UTC for an empty or unknown name."""
    try:
        return ZoneInfo(name) if name else UTC
    except (KeyError, ValueError, OSError):
        return UTC


_PRINTED_DATE = re.compile(
    r"(?<!\d)(?:(?:19|20)\d\d\s?[年/.-]\s?\d{1,2}\s?[月/.-]\s?\d{1,2}\s?日?)\s{0,3}(?:[^\d\s]{0,6}\s?)?\d{1,2}:\d\d(?::\d\d)?"
    r"|(?<!\d)(?:19|20)\d\d\s?年\s?\d{1,2}\s?月\s?\d{1,2}\s?日"
)


def find_date_in_text(tree: HtmlElement, *, latest: datetime | None = None, zone: str = "") -> PageDate | None:
    """Return the first date in a page's text: year first and with a time, or Chinese or Japanese."""
    body = tree.find("body")
    text = "" if body is None else "\n".join(part.strip() for part in body.itertext() if len(part) > 5)[:60_000]
    for match in _PRINTED_DATE.finditer(text):
        date = parse_date(match[0], zone=zone, latest=latest)
        if date is not None:
            return date
    return None
