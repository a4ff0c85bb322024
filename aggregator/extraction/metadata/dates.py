"""Dates as pages print them, to a moment and the calendar day that was printed."""

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
    """A printed date: `at` aware (UTC), `day` as printed (ISO), what was known of time and zone, the raw text."""

    at: datetime
    day: str
    raw: str
    has_zone: bool
    has_time: bool


def parse_date(raw: str, *, zone: str = "", latest: datetime | None = None, day_first: bool = True) -> PageDate | None:
    """The moment that a printed date names, or None for none, or one before 1990 or after `latest`.

    A text without a zone is taken in `zone` (an IANA name), else in UTC. `day_first` settles
    03/04/2025.
    """
    text = raw.strip()[:200]
    if not text:
        return None
    try:
        moment = _parse_epoch(text) or _parse_calendar_date(text, zone, day_first)
    except (ValueError, OverflowError):
        return None
    if moment is None or moment.at < EARLIEST_DATE or (latest is not None and moment.at > latest + timedelta(days=1)):
        return None
    return moment


def _parse_epoch(text: str) -> PageDate | None:
    if not _EPOCH.match(text):
        return None
    at = datetime.fromtimestamp(int(text[:10]), UTC)
    return PageDate(at=at, day=at.date().isoformat(), raw=text, has_zone=True, has_time=True)


def _parse_calendar_date(text: str, zone: str, day_first: bool) -> PageDate | None:
    found = find_printed_date(text, day_first=day_first)
    if found is None:
        return None
    return PageDate(
        at=found.to_utc(find_zone(zone)),
        day=found.day.isoformat(),
        raw=text,
        has_zone=found.zone is not None,
        has_time=found.seconds is not None,
    )


@lru_cache(maxsize=256)
def find_zone(name: str) -> tzinfo:
    """The zone of an IANA name; UTC where the name is empty or unknown."""
    try:
        return ZoneInfo(name) if name else UTC
    except (KeyError, ValueError, OSError):
        return UTC


_PRINTED_DATE = re.compile(
    r"(?<!\d)(?:(?:19|20)\d\d\s?[年/.-]\s?\d{1,2}\s?[月/.-]\s?\d{1,2}\s?日?)\s{0,3}(?:[^\d\s]{0,6}\s?)?\d{1,2}:\d\d(?::\d\d)?"
    r"|(?<!\d)(?:19|20)\d\d\s?年\s?\d{1,2}\s?月\s?\d{1,2}\s?日"
)


def find_date_in_text(tree: HtmlElement, *, latest: datetime | None = None, zone: str = "") -> PageDate | None:
    """The first date with a time, year first, or the first Chinese or Japanese date, that a page's text prints."""
    body = tree.find("body")
    text = "" if body is None else "\n".join(part.strip() for part in body.itertext() if len(part) > 5)[:60_000]
    for found in _PRINTED_DATE.finditer(text):
        moment = parse_date(found[0], zone=zone, latest=latest)
        if moment is not None:
            return moment
    return None
