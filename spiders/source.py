"""Source, an entry of the catalogue, and Hints, its part that the extractor uses."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceListing:
    """A listing page: an index whose article links are selected by `css`, or by a `pattern` of their URL."""

    url: str
    css: str = ""
    pattern: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """Hints for the extractor about a source's pages; picklable, sent to the worker processes.

    All fields come from the catalogue except `boilerplate`: digests of paragraphs (`storage.text.wording.block_digest`)
    learned as boilerplate, as of `boilerplate_version`.
    """

    source: str = ""
    site_name: str = ""
    language: str = ""
    timezone: str = ""
    body_css: str = ""
    drop_css: tuple[str, ...] = ()
    boilerplate: frozenset[int] = frozenset()
    boilerplate_version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An entry of the catalogue.

    `every`, `min`, `max`, `delay` and `keep` are seconds; `keep` 0 means the general retention age. `keep_pages` is
    bytes, 0 if pages are not stored. `timezone` is an IANA name. Without `every` and `cron` (five fields, in that zone)
    the poll interval is learned, between `min` and `max`. `revisit` enables revisits of stored articles.
    """

    name: str
    title: str
    home: str
    language: str = ""
    feeds: tuple[str, ...] = ()
    sitemaps: tuple[str, ...] = ()
    listings: tuple[SourceListing, ...] = ()
    every: float = 0.0
    min: float = 300.0
    max: float = 86_400.0
    cron: str = ""
    revisit: bool = True
    keep: float = 0.0
    keep_pages: float = math.inf
    delay: float = 1.0
    timezone: str = ""
    enabled: bool = True
    body_css: str = ""
    drop_css: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def indexes(self) -> tuple[tuple[str, str, SourceListing | None], ...]:
        """Every index as (URL, kind, listing); feeds first, since they carry the most details."""
        return (
            *((url, "feed", None) for url in self.feeds),
            *((url, "sitemap", None) for url in self.sitemaps),
            *((listing.url, "listing", listing) for listing in self.listings),
        )

    @property
    def hints(self) -> Hints:
        return Hints(
            source=self.name,
            site_name=self.title,
            language=self.language,
            timezone=self.timezone,
            body_css=self.body_css,
            drop_css=self.drop_css,
        )
