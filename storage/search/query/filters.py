"""The filters of a search: what may stand after `source:`, `after:`, `is:` and the others, and what it means."""

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
    """A value that a field cannot have, in words."""


def parse_filter(field: str, value: str, *, is_quoted: bool) -> Node:
    """The filter of a field and its value; raises Malformed."""
    return _FILTER_PARSERS[field](value.strip(), is_quoted)


def _field_parser(field: str) -> Callable[[str, bool], Node]:
    def read(value: str, is_quoted: bool) -> Node:
        names = [value] if is_quoted else [name for name in value.split(",") if name]
        if not names or not all(names):
            raise InvalidFilter(f"{field}: has no value; searched as words")
        nodes = tuple(dict.fromkeys(Field(field=field, name=_NAME_PARSERS[field](name)) for name in names[:_MAX_NAMES]))
        return Or(nodes=nodes) if len(nodes) > 1 else nodes[0]

    return read


def _parse_language(name: str) -> str:
    found = _LANGUAGE_PATTERN.fullmatch(name)
    if found is None:
        raise InvalidFilter("lang: takes the code of a language, like de or zh; searched as words")
    return found[1].lower()


def _parse_site(name: str) -> str:
    try:
        host = urlsplit(name if "://" in name else f"//{name}").hostname or ""
    except ValueError:
        host = ""
    host = host.removeprefix("www.").rstrip(".")
    if "." not in host and host != "localhost":
        raise InvalidFilter("site: takes the name of a host, like electrek.co; searched as words")
    return host


def _parse_story(name: str) -> str:
    if not (name.isascii() and name.isdigit() and 0 < int(name[:20]) <= MAX_ID):
        raise InvalidFilter("story: takes the number of a story; searched as words")
    return str(int(name[:20]))


def _parse_state(value: str, _: bool) -> Node:
    if value.lower() not in STATE_NAMES:
        raise InvalidFilter(f"is: is one of {', '.join(STATE_NAMES)}; searched as words")
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
    found = _AGO_PATTERN.fullmatch(value)
    return Since(hours=int(found[1]) * HOURS_PER_UNIT[found[2].lower()]) if found else None


def _parse_span(field: str, value: str) -> tuple[datetime, datetime]:
    """From when a date begins to where it ends; a date with a time is that moment."""
    try:
        if _TIME_PATTERN.fullmatch(value):
            at = parse_iso(value.upper())
            return at, at
        found = _DATE_PATTERN.fullmatch(value)
        if found:
            year, month, day = int(found[1]), int(found[2] or 1), int(found[3] or 1)
            begins = datetime(year, month, day, tzinfo=UTC)
            if found[3]:
                return begins, begins + timedelta(days=1)
            if found[2]:
                return begins, datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
            return begins, datetime(year + 1, 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError):
        pass
    raise InvalidFilter(f"{field}: takes a date, like 2026, 2026-03 or 2026-03-31; searched as words")


def _parse_length(value: str, _: bool) -> Node:
    found = _LENGTH_PATTERN.fullmatch(value)
    if found is None:
        raise InvalidFilter("words: takes a number, like >800, <300 or 300..800; searched as words")
    if found[3]:
        return Length(minimum=int(found[3]), maximum=int(found[4]))
    sign, number = found[1] or "=", int(found[2])
    least = {">": number + 1, ">=": number, "=": number}.get(sign)
    most = {"<": number - 1, "<=": number, "=": number}.get(sign)
    return Length(minimum=least, maximum=most)


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
