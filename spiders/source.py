"""A Source: one checked entry of the catalogue; what to poll, how often, how to read it."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceListing:
    """A page of links that serves as an index: links that `css` selects, or whose URL matches `pattern`."""

    url: str
    css: str = ""
    pattern: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What is known of a source's pages before one is read; picklable, goes to the workers.

    From the catalogue, but for `boilerplate`: digests of paragraphs (`storage.text.wording.block_digest`) that were
    learned to be none of its articles' text, as of `boilerplate_version`.
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
    """One entry of the catalogue.

    `every`, `min`, `max`, `delay` and `keep` are seconds, `keep` 0 where it is that of all; `keep_pages` is bytes, 0
    where its fetched pages are not kept. `timezone` is an IANA name.
    Without `every` and `cron` (five fields, in that zone) when to poll is learned, and lies between `min` and `max`.
    `revisit` says that its kept articles are looked at again.
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
        """Every index as (address, kind, listing): feeds first, since they tell the most."""
        return (
            *((url, "feed", None) for url in self.feeds),
            *((url, "sitemap", None) for url in self.sitemaps),
            *((listing.url, "listing", listing) for listing in self.listings),
        )

    @property
    def hints(self) -> Hints:
        """What the extractor may know of this source."""
        return Hints(
            source=self.name,
            site_name=self.title,
            language=self.language,
            timezone=self.timezone,
            body_css=self.body_css,
            drop_css=self.drop_css,
        )
