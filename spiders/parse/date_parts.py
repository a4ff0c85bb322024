"""Find the day, time and zone of a printed date in many spellings."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import NamedTuple

from spiders.parse.month_names import MONTH_NUMBERS

EARLIEST_DATE = datetime(1990, 1, 1, tzinfo=UTC)
"""Earlier dates are mistakes: the web is not older."""

_ZONE_MINUTES = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0, "bst": 60, "west": 60, "cet": 60, "mez": 60, "met": 60, "cest": 120,
    "mesz": 120, "eet": 120, "eest": 180, "sast": 120, "msk": 180, "ist": 330, "sgt": 480, "hkt": 480, "awst": 480,
    "jst": 540, "kst": 540, "aest": 600, "aedt": 660, "nzst": 720, "nzdt": 780, "ast": -240, "adt": -180, "est": -300,
    "edt": -240, "et": -300, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420, "akst": -540,
    "akdt": -480, "hst": -600,
}  # fmt: skip

_ISO = re.compile(
    r"(?P<y>\d{4})(?P<sep>[-/.])(?P<m>\d{1,2})(?P=sep)(?P<d>\d{1,2})(?!\d)"
    r"|(?P<y2>(?:19|20)\d\d)(?P<m2>[01]\d)(?P<d2>[0-3]\d)(?!\d)"
)
_CJK = re.compile(r"(?P<y>\d{4})\s?[年년]\s?(?P<m>\d{1,2})\s?[月월]\s?(?P<d>\d{1,2})\s?[日일]?")
_NUMERIC = re.compile(r"(?<!\d)(?P<a>\d{1,2})\s?(?P<sep>[./-])\s?(?P<b>\d{1,2})\s?(?P=sep)\s?(?P<y>\d{4}|\d{2})(?!\d)")
_DAY_MONTH_YEAR = (
    r"(?<!\d)(?P<d>\d{1,2})(?:st|nd|rd|th|er|º|ª|\.)?,?[\s-]{0,3}(?:de |di |of |d[’'])?\s?"
    r"(?P<mon>[^\W\d_]{3,16})\.?,?[\s-]{0,3}(?:de |del )?\s?(?P<y>%s)(?!\d)"
)
_DAY_FIRST = re.compile(_DAY_MONTH_YEAR % r"\d{4}", re.I)
_DAY_FIRST_SHORT = re.compile(_DAY_MONTH_YEAR % r"\d{4}|\d{2}", re.I)
_MONTH_FIRST = re.compile(
    r"(?<!\w)(?P<mon>[^\W\d_]{3,16})\.?\s{1,3}(?P<d>\d{1,2})(?:st|nd|rd|th)?,?\s{1,3}"
    r"(?:(?P<clock>\d\d:\d\d(?::\d\d)?(?:\s+[A-Z]{3,4})?)\s+)?(?P<y>\d{4})(?!\d)",
    re.I,
)
_LONG_YEAR_PATTERNS = (_ISO, _CJK, _DAY_FIRST, _MONTH_FIRST, _NUMERIC)
_SHORT_YEAR_PATTERNS = (_ISO, _CJK, _DAY_FIRST_SHORT, _MONTH_FIRST, _NUMERIC)
_CLOCK = re.compile(
    r"(?<!\d)(?P<h>[01]?\d|2[0-4])[:.h](?P<mi>[0-5]\d)(?:[:.](?P<s>[0-6]\d))?(?:[.,]\d{1,9})?"
    r"\s?(?P<half>[ap]\.?\s?m\b\.?)?"
    r"|T(?P<h2>\d{2})(?P<mi2>\d{2})(?P<s2>\d{2})?(?!\d)",
    re.I,
)
_OFFSET = re.compile(r"\s*\(?(?:(?:GMT|UTC)?\s?([+\-\u2212])\s?(\d{1,2}):?(\d{2})?(?!\d)|([A-Za-z]{1,5})\b)", re.I)


class PrintedDate(NamedTuple):
    """A printed day, the time of day in seconds (24:00 is 86,400) or None, and the zone or None."""

    day: date
    seconds: int | None
    zone: timezone | None

    def to_utc(self, zone: tzinfo) -> datetime:
        """Return the time in UTC; `zone` applies if none is printed. Raises OverflowError at the limits of datetime."""
        midnight = datetime(self.day.year, self.day.month, self.day.day, tzinfo=self.zone or zone)
        return (midnight + timedelta(seconds=self.seconds or 0)).astimezone(UTC)


def find_printed_date(text: str, *, day_first: bool, short_years: bool = False) -> PrintedDate | None:
    """Return the first date in a text of at most a few hundred characters, or None.

    `day_first` decides 03/04/2025; with dots the day always comes first. `short_years` accepts "3 Jun 25", which in
    running text would take other numbers for years.
    """
    day_and_rest = _find_day(text, day_first, _SHORT_YEAR_PATTERNS if short_years else _LONG_YEAR_PATTERNS)
    if day_and_rest is None:
        return None
    day, rest = day_and_rest
    clock = _CLOCK.search(rest[:60])
    if clock is None:
        return PrintedDate(day, None, None)
    return PrintedDate(day, _seconds_of_day(clock), parse_zone(rest[clock.end() :]))


def _find_day(text: str, day_first: bool, patterns: tuple[re.Pattern[str], ...]) -> tuple[date, str] | None:
    """Return the calendar day, and the text in which to look for the time: after the day, or else before it."""
    for pattern in patterns:
        for match in pattern.finditer(text):
            day = _match_to_date(match, day_first)
            if day is not None:
                after = match.groupdict().get("clock") or text[match.end() :]
                return day, after if any(char.isdigit() for char in after) else text[: match.start()]
    return None


def _match_to_date(match: re.Match[str], day_first: bool) -> date | None:
    parts = {"y2": "", "m2": "", "d2": ""} | match.groupdict()
    if "a" in parts:
        a, b = int(match["a"]), int(match["b"])
        # with dots the day comes first everywhere; months end at 12
        day, month = (a, b) if (day_first or match["sep"] == "." or a > 12) and b <= 12 else (b, a)
    elif "mon" in parts:
        month, day = MONTH_NUMBERS.get(match["mon"].lower(), 0), int(match["d"])
    else:
        month, day = int(parts["m"] or parts["m2"]), int(parts["d"] or parts["d2"])
    try:
        return date(_parse_year(parts["y"] or parts["y2"]), month, day)
    except ValueError:
        return None


def _parse_year(digits: str) -> int:
    year = int(digits)
    return year if len(digits) == 4 else year + (2000 if year < 70 else 1900)


def _seconds_of_day(clock: re.Match[str]) -> int:
    hour, minute, second = (int(clock[name] or clock[f"{name}2"] or 0) for name in ("h", "mi", "s"))
    if clock["half"] and hour <= 12:
        hour = hour % 12 + (12 if clock["half"][0] in "pP" else 0)
    return 3600 * min(hour, 24) + 60 * min(minute, 59) + min(second, 59)


def parse_zone(text: str) -> timezone | None:
    """Parse the time zone at the start of a text, an offset or a known name; None for neither."""
    match = _OFFSET.match(text)
    if match is None:
        return None
    if match[1]:
        hours, minutes = int(match[2]), int(match[3] or 0)
        if hours > 14 or minutes > 59:
            return None
        return timezone((1 if match[1] == "+" else -1) * timedelta(hours=hours, minutes=minutes))
    offset = _ZONE_MINUTES.get(match[4].lower())
    return None if offset is None else timezone(timedelta(minutes=offset))
