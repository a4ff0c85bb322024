"""Load the catalogue: the shipped sources.toml overlaid by the user's file, every entry validated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spiders.source import Source, SourceListing
from spiders.toml_tables import ENTRY_NAME, CatalogueError, CheckedTable, format_value, read_tables
from storage.quantities import UNLIMITED
from storage.text.clean import clean_line

__all__ = ["SHIPPED_CATALOGUE", "Catalogue", "CatalogueError", "load_catalogue", "parse_source"]

SHIPPED_CATALOGUE = Path(__file__).with_name("sources.toml")
MAX_PATTERN_LENGTH = 500
MAX_INDEXES = 50

_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_KEYS = (
    "title", "home", "language", "feeds", "sitemaps", "listings", "every", "min", "max", "cron", "revisit", "keep",
    "keep_pages", "delay", "timezone", "enabled", "body_css", "drop_css", "tags",
)  # fmt: skip
_LISTING_KEYS = ("url", "css", "pattern")


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The valid sources in the order of their files, and a message for each invalid entry."""

    sources: tuple[Source, ...]
    problems: tuple[str, ...] = ()

    @property
    def enabled_sources(self) -> tuple[Source, ...]:
        return tuple(source for source in self.sources if source.enabled)


def load_catalogue(home: Path | None, file: Path | None = None) -> Catalogue:
    """Load the shipped catalogue overlaid by `home/sources.toml`, or `file` alone.

    A user's table for a shipped source overrides single keys of it. An invalid entry becomes one of the problems and
    affects no other entry; a file that is not TOML raises CatalogueError.
    """
    if file is not None:
        return _parse_sources({name: (str(file), table) for name, table in read_tables(file).items()})
    entries = {name: ("sources.toml of evnews", table) for name, table in read_tables(SHIPPED_CATALOGUE).items()}
    user_file = home / "sources.toml" if home is not None else None
    if user_file is not None and user_file.exists():
        for name, table in read_tables(user_file).items():
            shipped = entries.get(name, ("", {}))[1]
            merged = {**shipped, **table} if isinstance(table, dict) and isinstance(shipped, dict) else table
            entries[name] = (str(user_file), merged)
    return _parse_sources(entries)


def _parse_sources(entries: Mapping[str, tuple[str, object]]) -> Catalogue:
    sources, problems = [], []
    for name, (file, table) in entries.items():
        try:
            if not isinstance(table, dict):
                raise CatalogueError(
                    f"{file}: {name} = {format_value(table)} is not a source; a source is a table: [{name}]"
                )
            sources.append(parse_source(name, table, where=file))
        except CatalogueError as error:
            problems.append(str(error))
    return Catalogue(sources=tuple(sources), problems=tuple(problems))


def parse_source(name: str, table: Mapping[str, object], *, where: str) -> Source:
    """Validate one entry; raises CatalogueError, whose message begins with `where`, the name of the file."""
    if not ENTRY_NAME.fullmatch(name):
        raise CatalogueError(
            f"{where}: [{name[:80]}] is not a valid name; allowed are a-z, 0-9 and -, at most 64 characters"
        )
    entry = CheckedTable(f"{where}: [{name}]", table)
    entry.check_keys(_KEYS)
    source = Source(
        name=name,
        title=clean_line(entry.text("title")) or name,
        home=entry.url("home"),
        language=entry.matching("language", _LANGUAGE_TAG, "a language tag such as de or pt-BR"),
        feeds=entry.urls("feeds"),
        sitemaps=entry.urls("sitemaps"),
        listings=tuple(_parse_listing(listing) for listing in entry.tables("listings")),
        every=entry.seconds("every", 0.0),
        min=entry.seconds("min", 300.0),
        max=entry.seconds("max", 86_400.0),
        cron=entry.cron("cron"),
        revisit=entry.flag("revisit"),
        keep=entry.age("keep", 0.0),
        keep_pages=entry.size("keep_pages", UNLIMITED),
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
    if source.every and source.cron:
        raise CatalogueError(f"{where}: [{name}] has both every and cron; keep one of them")
    if source.min > source.max:
        raise CatalogueError(f"{where}: [{name}] has a min greater than its max")
    count = len(source.feeds) + len(source.sitemaps) + len(source.listings)
    if not count:
        raise CatalogueError(f"{where}: [{name}] names nothing to poll; give it feeds, sitemaps or listings")
    if count > MAX_INDEXES:
        raise CatalogueError(f"{where}: [{name}] names {count} indexes; at most {MAX_INDEXES} are allowed")
    return source


def _parse_listing(entry: CheckedTable) -> SourceListing:
    entry.check_keys(_LISTING_KEYS)
    css, pattern = entry.text("css"), entry.text("pattern")
    if not css and not pattern:
        raise entry.build_error("css", "", "a CSS selector of the links, or a pattern that their addresses match")
    if css:
        entry.check_css("css", css)
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise entry.build_error("pattern", pattern, f"a regular expression of at most {MAX_PATTERN_LENGTH} characters")
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise entry.build_error("pattern", pattern, f"a regular expression ({error})") from None
    return SourceListing(url=entry.required_url("url"), css=css, pattern=pattern)
