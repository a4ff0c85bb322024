"""Parse the values of filters such as `source:`, `after:` and `is:`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from storage.model.search import MAX_ID
from storage.search.query.tree import DateRange, Field, Length, Node, Or, Since, State
from storage.timestamps import parse_iso

TEXT_FIELDS = ("title", "author", "url")
OPTION_FIELDS = {"sort": ("new", "old", "best", "changed"), "group": ("story",), "in": ("history",)}
STATE_NAMES = ("copy", "original", "revised", "withdrawn", "truncated")
HOURS_PER_UNIT = {"h": 1, "d": 24, "w": 168, "m": 730, "y": 8766}
_AGO_PATTERN = re.compile(r"(\d{1,8})([hdwmy])", re.IGNORECASE)
_DATE_PATTERN = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_TIME_PATTERN = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}.*", re.IGNORECASE)
_LANGUAGE_PATTERN = re.compile(r"([a-z]{2,3})(?:[-_][a-z0-9]{2,8})*", re.IGNORECASE)
_LENGTH_PATTERN = re.compile(r"(>=|<=|>|<|=)?(\d{1,9})|(\d{1,9})\.\.(\d{1,9})")
_MAX_NAMES = 16


class InvalidFilter(ValueError):
    """A value that a filter does not accept; the message says what the filter takes."""


def parse_filter(field: str, value: str, *, is_quoted: bool) -> Node:
    """Return the condition of a filter and its value; raise InvalidFilter if the value is not valid."""
    return _FILTER_PARSERS[field](value.strip(), is_quoted)


def _field_parser(field: str) -> Callable[[str, bool], Node]:
    def parse(value: str, is_quoted: bool) -> Node:
        names = [value] if is_quoted else [name for name in value.split(",") if name]
        if not names or not all(names):
            raise InvalidFilter(f"{field}: needs a value; searched as words")
        nodes = tuple(dict.fromkeys(Field(field=field, name=_NAME_PARSERS[field](name)) for name in names[:_MAX_NAMES]))
        return Or(nodes=nodes) if len(nodes) > 1 else nodes[0]

    return parse


def _parse_language(name: str) -> str:
    match = _LANGUAGE_PATTERN.fullmatch(name)
    if match is None:
        raise InvalidFilter("lang: takes a language code such as de or zh; searched as words")
    return match[1].lower()


def _parse_site(name: str) -> str:
    try:
        host = urlsplit(name if "://" in name else f"//{name}").hostname or ""
    except ValueError:
        host = ""
    host = host.removeprefix("www.").rstrip(".")
    if "." not in host and host != "localhost":
        raise InvalidFilter("site: takes a host name such as electrek.co; searched as words")
    return host


def _parse_story(name: str) -> str:
    if not (name.isascii() and name.isdigit() and 0 < int(name[:20]) <= MAX_ID):
        raise InvalidFilter("story: takes the number of a story; searched as words")
    return str(int(name[:20]))


def _parse_state(value: str, _: bool) -> Node:
    if value.lower() not in STATE_NAMES:
        raise InvalidFilter(f"is: takes one of {', '.join(STATE_NAMES)}; searched as words")
    return State(state=value.lower())


def _parse_after(value: str, _: bool) -> Node:
    return _parse_ago(value) or DateRange(since=_parse_span("after", value)[0])


def _parse_since(value: str, _: bool) -> Node:
    return _parse_ago(value) or DateRange(since=_parse_span("since", value)[0])


def _parse_before(value: str, _: bool) -> Node:
    return DateRange(until=_parse_span("before", value)[0])


def _parse_date(value: str, _: bool) -> Node:
    first, dots, last = value.partition("..")
    if not dots:
        since, until = _parse_span("date", value)
        return DateRange(since=since, until=until)
    return DateRange(
        since=_parse_span("date", first)[0] if first else None, until=_parse_span("date", last)[1] if last else None
    )


def _parse_ago(value: str) -> Since | None:
    match = _AGO_PATTERN.fullmatch(value)
    return Since(hours=int(match[1]) * HOURS_PER_UNIT[match[2].lower()]) if match else None


def _parse_span(field: str, value: str) -> tuple[datetime, datetime]:
    """Return the start and the end of a day, month or year; a date with a time is its own start and end."""
    try:
        if _TIME_PATTERN.fullmatch(value):
            at = parse_iso(value.upper())
            return at, at
        match = _DATE_PATTERN.fullmatch(value)
        if match:
            year, month, day = int(match[1]), int(match[2] or 1), int(match[3] or 1)
            start = datetime(year, month, day, tzinfo=UTC)
            if match[3]:
                return start, start + timedelta(days=1)
            if match[2]:
                return start, datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
            return start, datetime(year + 1, 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError):
        pass
    raise InvalidFilter(f"{field}: takes a date such as 2026, 2026-03 or 2026-03-31; searched as words")


def _parse_length(value: str, _: bool) -> Node:
    match = _LENGTH_PATTERN.fullmatch(value)
    if match is None:
        raise InvalidFilter("words: takes a number of words such as >800, <300 or 300..800; searched as words")
    if match[3]:
        return Length(minimum=int(match[3]), maximum=int(match[4]))
    sign, number = match[1] or "=", int(match[2])
    minimum = {">": number + 1, ">=": number, "=": number}.get(sign)
    maximum = {"<": number - 1, "<=": number, "=": number}.get(sign)
    return Length(minimum=minimum, maximum=maximum)


_NAME_PARSERS: dict[str, Callable[[str], str]] = {
    "source": str.strip,
    "topic": str.strip,
    "lang": _parse_language,
    "site": _parse_site,
    "story": _parse_story,
}
_FILTER_PARSERS: dict[str, Callable[[str, bool], Node]] = {
    **{field: _field_parser(field) for field in _NAME_PARSERS},
    "is": _parse_state,
    "after": _parse_after,
    "since": _parse_since,
    "before": _parse_before,
    "until": _parse_before,
    "date": _parse_date,
    "words": _parse_length,
}
FIELDS = (*TEXT_FIELDS, *OPTION_FIELDS, *_FILTER_PARSERS)
