"""Dates as pages print them, to a moment and the calendar day that was printed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from lxml.html import HtmlElement

from spiders.parse.date_parts import EARLIEST, printed

_EPOCH = re.compile(r"^(?:1[0-9]{9}|1[0-9]{12})$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A printed date: `at` aware (UTC), `day` as printed (ISO), what was known of time and zone, the raw text."""

    at: datetime
    day: str
    raw: str
    zone_known: bool
    timed: bool


def read(raw: str, *, zone: str = "", latest: datetime | None = None, day_first: bool = True) -> Moment | None:
    """The moment that a printed date names, or None for none, or one before 1990 or after `latest`.

    A text without a zone is taken in `zone` (an IANA name), else in UTC. `day_first` settles
    03/04/2025.
    """
    text = raw.strip()[:200]
    if not text:
        return None
    try:
        moment = _epoch(text) or _calendar(text, zone, day_first)
    except (ValueError, OverflowError):
        return None
    if moment is None or moment.at < EARLIEST or (latest is not None and moment.at > latest + timedelta(days=1)):
        return None
    return moment


def _epoch(text: str) -> Moment | None:
    if not _EPOCH.match(text):
        return None
    at = datetime.fromtimestamp(int(text[:10]), UTC)
    return Moment(at=at, day=at.date().isoformat(), raw=text, zone_known=True, timed=True)


def _calendar(text: str, zone: str, day_first: bool) -> Moment | None:
    found = printed(text, day_first=day_first)
    if found is None:
        return None
    return Moment(
        at=found.at(zone_of(zone)),
        day=found.day.isoformat(),
        raw=text,
        zone_known=found.zone is not None,
        timed=found.seconds is not None,
    )


@lru_cache(maxsize=256)
def zone_of(name: str) -> tzinfo:
    """The zone of an IANA name; UTC where the name is empty or unknown."""
    try:
        return ZoneInfo(name) if name else UTC
    except (KeyError, ValueError, OSError):
        return UTC


_PRINTED = re.compile(
    r"(?<!\d)(?:(?:19|20)\d\d\s?[年/.-]\s?\d{1,2}\s?[月/.-]\s?\d{1,2}\s?日?)\s{0,3}(?:[^\d\s]{0,6}\s?)?\d{1,2}:\d\d(?::\d\d)?"
    r"|(?<!\d)(?:19|20)\d\d\s?年\s?\d{1,2}\s?月\s?\d{1,2}\s?日"
)


def in_text(tree: HtmlElement, *, latest: datetime | None = None, zone: str = "") -> Moment | None:
    """The first date with a time, year first, or the first Chinese or Japanese date, that a page's text prints."""
    body = tree.find("body")
    text = "" if body is None else "\n".join(part.strip() for part in body.itertext() if len(part) > 5)[:60_000]
    for found in _PRINTED.finditer(text):
        moment = read(found[0], zone=zone, latest=latest)
        if moment is not None:
            return moment
    return None
