"""Dates as indexes print them: RFC 822 and ISO 8601 in all their bent forms, to a moment in UTC."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)

_MONTHS = (
    "jan januari januar janv janvier ene enero gen gennaio janeiro sty stycznia января янв oca ocak tammikuuta",
    "feb februari februar fév fev févr février febrero febbraio fevereiro lut lutego февраля фев şub şubat helmikuuta",
    "mar mrz mär maart mrt mars märz marzo março marca марта мар mart maaliskuuta",
    "apr avr avril abr abril aprile kwi kwietnia апреля апр nis nisan huhtikuuta",
    "may mai maj mei mayo mag maggio maio maja мая май mayıs toukokuuta",
    "jun juni juin junio giu giugno junho cze czerwca июня июн haz haziran kesäkuuta",
    "jul juli juil juillet julio lug luglio julho lip lipca июля июл tem temmuz heinäkuuta",
    "aug août aout agosto ago augusti augustus sie sierpnia августа авг ağu ağustos elokuuta",
    "sep sept septembre septiembre set settembre setembro wrz września сентября сен eyl eylül syyskuuta",
    "oct okt octobre octubre ott ottobre out outubro paź października октября окт eki ekim lokakuuta",
    "nov novembre noviembre novembro lis listopada ноября ноя kas kasım marraskuuta",
    "dec dez des déc décembre dic diciembre dicembre dezembro gru grudnia декабря дек ara aralık joulukuuta",
)
_MONTH = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}
_ENGLISH = "january february march april june july august september october november december"
_MONTH |= {name: _MONTH[name[:3]] for name in _ENGLISH.split(" ")}
_ZONES = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0, "bst": 60, "west": 60, "cet": 60, "mez": 60, "met": 60, "cest": 120,
    "mesz": 120, "eet": 120, "eest": 180, "sast": 120, "msk": 180, "ist": 330, "sgt": 480, "hkt": 480, "awst": 480,
    "jst": 540, "kst": 540, "aest": 600, "aedt": 660, "nzst": 720, "nzdt": 780, "ast": -240, "adt": -180, "est": -300,
    "edt": -240, "et": -300, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420, "akst": -540,
    "akdt": -480, "hst": -600,
}  # fmt: skip

# What nine in ten feeds print; read apart from the others because a feed may hold very many.
_USUAL = re.compile(
    r"[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):([0-5]\d) (?:GMT|([+-])(0\d|1[0-4])([0-5]\d))$"
)
_ISO = re.compile(r"(\d{4})(?:([-/.])(\d{1,2})\2(\d{1,2})|-?([01]\d)-?([0-3]\d))(?!\d)(?:T|t|\s|$)?")
_MONTH_ONLY = re.compile(r"(\d{4})(?:-(\d{2}))?$")
_WORDS = re.compile(
    r"(?<!\d)(\d{1,2})(?:st|nd|rd|th|\.|º)?[\s-]*(?:de\s)?([^\W\d_]{3,16})\.?,?[\s-]*(?:de\s)?(\d{4}|\d{2})(?!\d)"
)
_AMERICAN = re.compile(
    r"([^\W\d_]{3,16})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(?:(\d\d:\d\d(?::\d\d)?(?:\s+[A-Z]{3,4})?)\s+)?(\d{4})(?!\d)"
)
_CJK = re.compile(r"(\d{4})\s?[年년]\s?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日일]?")
_SLASHED = re.compile(r"(?<!\d)(\d{1,2})([/.])(\d{1,2})\2(\d{4})(?!\d)")
_CLOCK = re.compile(
    r"(?<!\d)([01]?\d|2[0-4]):([0-5]\d)(?::([0-6]\d))?(?:[.,]\d{1,9})?\s?([aApP]\.?[mM]\b)?"
    r"|T(\d{2})(\d{2})(\d{2})?(?!\d)"
)
_OFFSET = re.compile(r"\s*\(?(?:(?:GMT|UTC)?\s?([+\-\u2212])\s?(\d{1,2}):?(\d{2})?(?!\d)|([A-Za-z]{1,5})\b)")


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
    found = _day(text)
    if found is None:
        return None
    (year, month, day), rest = found
    clock = _CLOCK.search(rest)
    if clock is None:
        return Stamp(datetime(year, month, day, tzinfo=UTC), False)
    hour, minute, second = _time(clock)
    days, hour = divmod(hour, 24)
    zone = _zone(rest[clock.end() :])
    at = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone or UTC) + timedelta(days=days)
    return Stamp(at.astimezone(UTC), zone is not None)


def _usual(found: re.Match[str]) -> Stamp:
    day, month, year, hour, minute, second, sign, hours, minutes = found.groups()
    at = datetime(int(year), _MONTH.get(month.lower(), 0), int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    offset = 60 * int(hours) + int(minutes) if sign else 0
    return Stamp(at - timedelta(minutes=-offset if sign == "-" else offset), True)


def _stamp(at: datetime) -> Stamp:
    return Stamp(at.astimezone(UTC), True) if at.tzinfo else Stamp(at.replace(tzinfo=UTC), False)


def _day(text: str) -> tuple[tuple[int, int, int], str] | None:
    """Year, month and day, and the text in which the clock is to be looked for."""
    if found := _ISO.search(text):
        month, day = (found[3], found[4]) if found[2] else (found[5], found[6])
        # the T stays, so that a clock without colons is known for one
        return (int(found[1]), int(month), int(day)), text[found.end() - (found[0][-1:] in "Tt") :]
    if (found := _WORDS.search(text)) and (number := _MONTH.get(found[2].lower())):
        return (_year(found[3]), number, int(found[1])), text[found.end() :]
    if (found := _AMERICAN.search(text)) and (number := _MONTH.get(found[1].lower())):
        return (int(found[4]), number, int(found[2])), found[3] or text[found.end() :]
    if found := _CJK.search(text):
        return (int(found[1]), int(found[2]), int(found[3])), text[found.end() :]
    if found := _SLASHED.search(text):
        a, b = int(found[1]), int(found[3])
        # with slashes it is American where that is possible, with dots never
        month, day = (a, b) if found[2] == "/" and a <= 12 else (b, a)
        return (int(found[4]), month, day), text[found.end() :]
    if found := _MONTH_ONLY.match(text):
        return (int(found[1]), int(found[2] or 1), 1), ""
    return None


def _year(digits: str) -> int:
    year = int(digits)
    return year if len(digits) == 4 else year + (2000 if year < 70 else 1900)


def _time(clock: re.Match[str]) -> tuple[int, int, int]:
    if clock[5]:
        return int(clock[5]), int(clock[6]), int(clock[7] or 0)
    hour = int(clock[1])
    if clock[4] and hour <= 12:
        hour = hour % 12 + (12 if clock[4][0] in "pP" else 0)
    return hour, int(clock[2]), int(clock[3] or 0)


def _zone(text: str) -> timezone | None:
    found = _OFFSET.match(text)
    if found is None:
        return None
    if found[1]:
        digits = (found[2] + (found[3] or "")).rjust(2, "0")
        hours, minutes = (int(found[2]), int(found[3])) if found[3] else (int(digits), 0)
        if hours > 14 or minutes > 59:
            return None
        return timezone((1 if found[1] == "+" else -1) * timedelta(hours=hours, minutes=minutes))
    minutes_of = _ZONES.get(found[4].lower())
    return None if minutes_of is None else timezone(timedelta(minutes=minutes_of))


def newest_first(moments: Sequence[datetime | None]) -> list[int]:
    """The places of entries, newest first; one without a moment stays behind the entry that it followed."""
    moment, carried = datetime.max.replace(tzinfo=UTC), []
    for own in moments:
        moment = own or moment
        carried.append(moment)
    return sorted(range(len(carried)), key=carried.__getitem__, reverse=True)
