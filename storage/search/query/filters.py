"""The filters of a search: what may stand after `source:`, `after:`, `is:` and the others, and what it means."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from storage.search.query.tree import Ago, Any, Dated, Is, Length, Named, Node
from storage.timestamps import of_iso

TEXTS = ("title", "author", "url")
OPTIONS = {"sort": ("new", "old", "best", "changed"), "group": ("story",), "in": ("history",)}
STATES = ("copy", "original", "revised", "withdrawn", "truncated")
HOURS = {"h": 1, "d": 24, "w": 168, "m": 730, "y": 8766}
_AGO = re.compile(r"(\d{1,8})([hdwmy])", re.IGNORECASE)
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_TIMED = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}.*", re.IGNORECASE)
_LANGUAGE = re.compile(r"([a-z]{2,3})(?:[-_][a-z0-9]{2,8})*", re.IGNORECASE)
_LENGTH = re.compile(r"(>=|<=|>|<|=)?(\d{1,9})|(\d{1,9})\.\.(\d{1,9})")
_MOST_NAMES = 16
_LARGEST = 2**63 - 1


class Malformed(ValueError):
    """A value that a field cannot have, in words."""


def filtered(field: str, value: str, *, is_quoted: bool) -> Node:
    """The filter of a field and its value; raises Malformed."""
    return _READERS[field](value.strip(), is_quoted)


def _named(field: str) -> Callable[[str, bool], Node]:
    def read(value: str, is_quoted: bool) -> Node:
        names = [value] if is_quoted else [name for name in value.split(",") if name]
        if not names or not all(names):
            raise Malformed(f"{field}: has no value; searched as words")
        nodes = tuple(dict.fromkeys(Named(field=field, name=_NAMES[field](name)) for name in names[:_MOST_NAMES]))
        return Any(nodes=nodes) if len(nodes) > 1 else nodes[0]

    return read


def _language(name: str) -> str:
    found = _LANGUAGE.fullmatch(name)
    if found is None:
        raise Malformed("lang: takes the code of a language, like de or zh; searched as words")
    return found[1].lower()


def _site(name: str) -> str:
    try:
        host = urlsplit(name if "://" in name else f"//{name}").hostname or ""
    except ValueError:
        host = ""
    host = host.removeprefix("www.").rstrip(".")
    if "." not in host and host != "localhost":
        raise Malformed("site: takes the name of a host, like electrek.co; searched as words")
    return host


def _story(name: str) -> str:
    if not (name.isascii() and name.isdigit() and 0 < int(name[:20]) <= _LARGEST):
        raise Malformed("story: takes the number of a story; searched as words")
    return str(int(name[:20]))


def _is(value: str, _: bool) -> Node:
    if value.lower() not in STATES:
        raise Malformed(f"is: is one of {', '.join(STATES)}; searched as words")
    return Is(state=value.lower())


def _after(value: str, _: bool) -> Node:
    return _ago(value) or Dated(since=_span("after", value)[0])


def _since(value: str, _: bool) -> Node:
    return _ago(value) or Dated(since=_span("since", value)[0])


def _before(value: str, _: bool) -> Node:
    return Dated(until=_span("before", value)[0])


def _date(value: str, _: bool) -> Node:
    first, dots, last = value.partition("..")
    if not dots:
        since, until = _span("date", value)
        return Dated(since=since, until=until)
    return Dated(since=_span("date", first)[0] if first else None, until=_span("date", last)[1] if last else None)


def _ago(value: str) -> Ago | None:
    found = _AGO.fullmatch(value)
    return Ago(hours=int(found[1]) * HOURS[found[2].lower()]) if found else None


def _span(field: str, value: str) -> tuple[datetime, datetime]:
    """From when a date begins to where it ends; a date with a time is that moment."""
    try:
        if _TIMED.fullmatch(value):
            at = of_iso(value.upper())
            return at, at
        found = _DATE.fullmatch(value)
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
    raise Malformed(f"{field}: takes a date, like 2026, 2026-03 or 2026-03-31; searched as words")


def _length(value: str, _: bool) -> Node:
    found = _LENGTH.fullmatch(value)
    if found is None:
        raise Malformed("words: takes a number, like >800, <300 or 300..800; searched as words")
    if found[3]:
        return Length(least=int(found[3]), most=int(found[4]))
    sign, number = found[1] or "=", int(found[2])
    least = {">": number + 1, ">=": number, "=": number}.get(sign)
    most = {"<": number - 1, "<=": number, "=": number}.get(sign)
    return Length(least=least, most=most)


_NAMES: dict[str, Callable[[str], str]] = {
    "source": str.strip,
    "topic": str.strip,
    "lang": _language,
    "site": _site,
    "story": _story,
}
_READERS: dict[str, Callable[[str, bool], Node]] = {
    **{field: _named(field) for field in _NAMES},
    "is": _is,
    "after": _after,
    "since": _since,
    "before": _before,
    "until": _before,
    "date": _date,
    "words": _length,
}
FIELDS = (*TEXTS, *OPTIONS, *_READERS)
