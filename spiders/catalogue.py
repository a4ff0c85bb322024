"""The catalogue: sources.toml as shipped, overlaid by the user's own, every entry checked.

CatalogueError    a file or an entry that cannot be used; says where, what was found and what is allowed
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from spiders.links import absolute
from spiders.source import Listing, Source
from storage.text import clean_line

SHIPPED = Path(__file__).with_name("sources.toml")
MAX_PATTERN = 500
MAX_INDEXES = 50

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|sec|seconds?|min|minutes?|h|hours?|d|days?)", re.I)
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_KEYS = (
    "title", "home", "language", "feeds", "sitemaps", "listings", "every", "delay", "timezone", "enabled", "body_css",
    "drop_css", "tags",
)  # fmt: skip
_LISTING_KEYS = ("url", "css", "pattern")


class CatalogueError(Exception):
    """A catalogue that cannot be read, or an entry that cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All sources that could be read, in the order of their files, and what was wrong with the others."""

    sources: tuple[Source, ...]
    problems: tuple[str, ...] = ()


def load_catalogue(home: Path | None, file: Path | None = None) -> Catalogue:
    """The shipped catalogue overlaid by `home/sources.toml`, or `file` alone.

    The user's table for a shipped source changes single keys of it. A wrong entry is one of
    the problems and costs no other entry; a file that is no TOML raises CatalogueError.
    """
    if file is not None:
        return _checked({name: (str(file), table) for name, table in _tables(file).items()})
    entries = {name: ("sources.toml of evnews", table) for name, table in _tables(SHIPPED).items()}
    own = home / "sources.toml" if home is not None else None
    if own is not None and own.exists():
        for name, table in _tables(own).items():
            shipped = entries.get(name, ("", {}))[1]
            merged = {**shipped, **table} if isinstance(table, dict) and isinstance(shipped, dict) else table
            entries[name] = (str(own), merged)
    return _checked(entries)


def _tables(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise CatalogueError(f"{file}: cannot be read: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CatalogueError(f"{file}: is not TOML: {error}") from None


def _checked(entries: Mapping[str, tuple[str, object]]) -> Catalogue:
    sources, problems = [], []
    for name, (where, table) in entries.items():
        try:
            if not isinstance(table, dict):
                raise CatalogueError(f"{where}: {name} = {_shown(table)} is no source; a source is a table: [{name}]")
            sources.append(parse_source(name, table, where=where))
        except CatalogueError as error:
            problems.append(str(error))
    return Catalogue(sources=tuple(sources), problems=tuple(problems))


def parse_source(name: str, table: Mapping[str, object], *, where: str) -> Source:
    """One entry, checked; raises CatalogueError, in whose words `where` names the file."""
    if not _NAME.fullmatch(name):
        raise CatalogueError(f"{where}: [{name[:80]}] is no name; allowed are a-z, 0-9 and -, at most 64 of them")
    entry = _Entry(f"{where}: [{name}]", table)
    entry.only(_KEYS)
    source = Source(
        name=name,
        title=clean_line(entry.text("title")) or name,
        home=entry.url("home"),
        language=entry.matching("language", _LANGUAGE, "a language tag such as de or pt-BR"),
        feeds=entry.urls("feeds"),
        sitemaps=entry.urls("sitemaps"),
        listings=tuple(_listing(one) for one in entry.tables("listings")),
        every=entry.seconds("every", 1800.0),
        delay=entry.seconds("delay", 1.0),
        timezone=entry.zone("timezone"),
        enabled=entry.flag("enabled"),
        body_css=entry.text("body_css"),
        drop_css=entry.texts("drop_css"),
        tags=entry.texts("tags"),
    )
    for key, selectors in (("body_css", (source.body_css,)), ("drop_css", source.drop_css)):
        for selector in filter(None, selectors):
            entry.check_css(key, selector)
    count = len(source.feeds) + len(source.sitemaps) + len(source.listings)
    if not count:
        raise CatalogueError(f"{where}: [{name}] names nothing to poll; give it feeds, sitemaps or listings")
    if count > MAX_INDEXES:
        raise CatalogueError(f"{where}: [{name}] names {count} indexes; at most {MAX_INDEXES} are allowed")
    return source


def _listing(entry: _Entry) -> Listing:
    entry.only(_LISTING_KEYS)
    css, pattern = entry.text("css"), entry.text("pattern")
    if not css and not pattern:
        raise entry.wrong("css", "", "a CSS selector of the links, or a pattern that their addresses match")
    if css:
        entry.check_css("css", css)
    if len(pattern) > MAX_PATTERN:
        raise entry.wrong("pattern", pattern, f"a regular expression of at most {MAX_PATTERN} characters")
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise entry.wrong("pattern", pattern, f"a regular expression ({error})") from None
    return Listing(url=entry.required_url("url"), css=css, pattern=pattern)


class _Entry:
    """A TOML table and the words for where it stands; each method reads and checks one key."""

    def __init__(self, place: str, table: Mapping[str, object]) -> None:
        self.place, self.table = place, table

    def wrong(self, key: str, found: object, allowed: str) -> CatalogueError:
        return CatalogueError(f"{self.place} {key} = {_shown(found)}: allowed is {allowed}")

    def only(self, keys: tuple[str, ...]) -> None:
        unknown = next((key for key in self.table if key not in keys), None)
        if unknown is not None:
            raise CatalogueError(f"{self.place} {unknown[:80]}: there is no such key; allowed are {', '.join(keys)}")

    def text(self, key: str) -> str:
        value = self.table.get(key, "")
        if not isinstance(value, str):
            raise self.wrong(key, value, "a text")
        return value.strip()

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.wrong(key, value, "a list of texts")
        return tuple(one.strip() for one in value if one.strip())

    def tables(self, key: str) -> list[_Entry]:
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise self.wrong(key, value, "a list of tables, each with url and css or pattern")
        return [_Entry(f"{self.place} {key}[{number}]", one) for number, one in enumerate(value)]

    def flag(self, key: str) -> bool:
        value = self.table.get(key, True)
        if not isinstance(value, bool):
            raise self.wrong(key, value, "true or false")
        return value

    def matching(self, key: str, pattern: re.Pattern[str], allowed: str) -> str:
        text = self.text(key)
        if text and not pattern.fullmatch(text):
            raise self.wrong(key, text, allowed)
        return text

    def url(self, key: str) -> str:
        return self._web(key, self.text(key)) if self.text(key) else ""

    def required_url(self, key: str) -> str:
        return self._web(key, self.text(key))

    def urls(self, key: str) -> tuple[str, ...]:
        value = self.table.get(key, [])
        listed = [value] if isinstance(value, str) else list(self.texts(key))
        return tuple(dict.fromkeys(self._web(key, url) for url in listed))

    def _web(self, key: str, text: str) -> str:
        if not absolute("", text):
            raise self.wrong(key, text, "an http or https address")
        if "@" in urlsplit(text).netloc:
            raise self.wrong(
                key, "an address with user and password", "one without: they would stand in logs and tables"
            )
        return text

    def seconds(self, key: str, default: float) -> float:
        value = self.table.get(key, default)
        allowed = 'a time above 0, such as "30 min", "5s", "2h" or a number of seconds'
        if isinstance(value, str):
            found = _DURATION.fullmatch(value.strip())
            value = float(found[1]) * _UNITS[found[2][0].lower()] if found else value
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.wrong(key, value, allowed)
        if not math.isfinite(value) or not 0 < value <= 366 * 86400:
            raise self.wrong(key, self.table[key], allowed)
        return float(value)

    def zone(self, key: str) -> str:
        text = self.text(key)
        try:
            if text:
                ZoneInfo(text)
        except (KeyError, ValueError, OSError):
            raise self.wrong(key, text, "a time zone of the IANA database, such as Europe/Oslo") from None
        return text

    def check_css(self, key: str, selector: str) -> None:
        from lxml.cssselect import CSSSelector, SelectorError

        try:
            CSSSelector(selector, translator="html")
        except (SelectorError, ValueError, RecursionError) as error:
            raise self.wrong(key, selector, f"a CSS selector ({error})") from None


def _shown(value: object) -> str:
    """A value as TOML would show it, short enough for one line."""
    text = f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return clean_line(text, 120)
