"""Dates as pages print them, in many spellings and languages, to a moment and the calendar day that was printed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from lxml.html import HtmlElement

from aggregator.intake.vocabulary import MONTHS

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)

_MONTH = {name: number for number, names in enumerate(MONTHS, 1) for name in names.split()}

_ZONES = {
    "z": 0,
    "ut": 0,
    "utc": 0,
    "gmt": 0,
    "wet": 0,
    "bst": 60,
    "west": 60,
    "cet": 60,
    "mez": 60,
    "cest": 120,
    "mesz": 120,
    "eet": 120,
    "eest": 180,
    "msk": 180,
    "ist": 330,
    "jst": 540,
    "kst": 540,
    "sgt": 480,
    "hkt": 480,
    "aest": 600,
    "aedt": 660,
    "nzst": 720,
    "nzdt": 780,
    "est": -300,
    "edt": -240,
    "et": -300,
    "cst": -360,
    "cdt": -300,
    "mst": -420,
    "mdt": -360,
    "pst": -480,
    "pdt": -420,
    "sast": 120,
}

_TIME = (
    r"(?P<h>[01]?\d|2[0-4])(?:[:.h](?P<mi>[0-5]\d))(?:[:.](?P<s>[0-6]\d))?(?:[.,]\d{1,9})?"
    r"\s?(?P<half>[ap]\.?\s?m\b\.?)?"
)
_OFFSET = r"(?:\s?(?P<off>(?:utc|gmt)?\s?[+\-\u2212]\s?\d{1,2}(?::?\d{2})?)(?!\d)|\s?\(?(?P<zone>z|[a-z]{2,4})\b)?"
_CLOCK = re.compile(_TIME + _OFFSET, re.I)
_ISO = re.compile(
    r"(?P<y>\d{4})(?P<sep>[-/.])(?P<m>\d{1,2})(?P=sep)(?P<d>\d{1,2})(?!\d)|(?P<y2>(?:19|20)\d\d)(?P<m2>[01]\d)(?P<d2>[0-3]\d)(?!\d)"
)
_CJK = re.compile(r"(?P<y>\d{4})\s?[年년]\s?(?P<m>\d{1,2})\s?[月월]\s?(?P<d>\d{1,2})\s?[日일]?")
_NUMERIC = re.compile(r"(?<!\d)(?P<a>\d{1,2})\s?(?P<sep>[./-])\s?(?P<b>\d{1,2})\s?(?P=sep)\s?(?P<y>\d{4}|\d{2})(?!\d)")
_DAY_FIRST = re.compile(
    r"(?<!\d)(?P<d>\d{1,2})(?:st|nd|rd|th|er|º|ª|\.)?,?\s?(?:de |di |of |d[’'])?\s?"
    r"(?P<mon>[^\W\d_]{3,16})\.?,?\s?(?:de |del )?\s?(?P<y>\d{4})(?!\d)",
    re.I,
)
_MONTH_FIRST = re.compile(
    r"(?<!\w)(?P<mon>[^\W\d_]{3,16})\.?\s(?P<d>\d{1,2})(?:st|nd|rd|th)?,?\s(?P<y>\d{4})(?!\d)", re.I
)
_EPOCH = re.compile(r"^(?:1[0-9]{9}|1[0-9]{12})$")
_COMPACT_TIME = re.compile(r"^T?(?P<h>\d{2})(?P<mi>\d{2})(?P<s>\d{2})?(?!\d)")


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
    found = _find_day(text, day_first)
    if found is None:
        return None
    day, rest = found
    clock = _COMPACT_TIME.match(rest) or _CLOCK.search(rest[:60])
    if clock is None:
        local = datetime(day.year, day.month, day.day, tzinfo=zone_of(zone))
        return Moment(at=local.astimezone(UTC), day=day.isoformat(), raw=text, zone_known=False, timed=False)
    hour, minute = int(clock["h"]), int(clock["mi"] or 0)
    half = (clock.groupdict().get("half") or "")[:1].lower()
    hour = hour % 12 + (12 if half == "p" else 0) if half and hour <= 12 else hour % 24
    offset = _offset(clock) if clock.re is _CLOCK else None
    local = datetime(
        day.year, day.month, day.day, hour, minute, min(int(clock["s"] or 0), 59), tzinfo=offset or zone_of(zone)
    )
    return Moment(at=local.astimezone(UTC), day=day.isoformat(), raw=text, zone_known=offset is not None, timed=True)


def _find_day(text: str, day_first: bool) -> tuple[date, str] | None:
    """The calendar day in a text, and what stands after it (before it where nothing follows)."""
    for pattern in (_ISO, _CJK, _DAY_FIRST, _MONTH_FIRST, _NUMERIC):
        for found in pattern.finditer(text):
            day = _day(found, day_first)
            if day is not None:
                after = text[found.end() :]
                return day, after if re.search(r"\d", after) else text[: found.start()]
    return None


def _day(found: re.Match[str], day_first: bool) -> date | None:
    parts = found.groupdict()
    if "a" in parts:
        a, b, year = int(found["a"]), int(found["b"]), int(found["y"])
        year += 2000 if year < 70 else 1900 if year < 100 else 0
        # with dots the day comes first everywhere, and behind 12 there is no month
        day, month = (a, b) if (day_first or found["sep"] == "." or a > 12) and b <= 12 else (b, a)
    elif "mon" in parts:
        month, day, year = _MONTH.get(found["mon"].lower().rstrip("."), 0), int(found["d"]), int(found["y"])
    elif parts.get("y2"):
        year, month, day = int(found["y2"]), int(found["m2"]), int(found["d2"])
    else:
        year, month, day = int(found["y"]), int(found["m"]), int(found["d"])
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _offset(clock: re.Match[str]) -> tzinfo | None:
    if clock["off"]:
        digits = re.sub(r"\D", "", clock["off"])
        hours, minutes = (int(digits[:-2]), int(digits[-2:])) if len(digits) > 2 else (int(digits), 0)
        if hours > 14 or minutes > 59:
            return None
        sign = 1 if "+" in clock["off"] else -1
        return timezone(sign * timedelta(hours=hours, minutes=minutes))
    minutes = _ZONES.get((clock["zone"] or "").lower(), -9999)
    return None if minutes == -9999 else timezone(timedelta(minutes=minutes))


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
