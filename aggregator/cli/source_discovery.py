"""Find the feeds and sitemaps of a site."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from spiders.discover import COMMON_FEED_PATHS, parse_robots_sitemaps
from spiders.parse.links import resolve_url
from storage.model.page import ContentError, Page

if TYPE_CHECKING:
    from aggregator.extraction.pool import ExtractionPool
    from storage.model.page import Lead, ParsedIndex

MAX_TITLES = 3
"""Number of an index's titles that are reported."""
MAX_LEADS = 100
MAX_LINKED_FEEDS = 5
MAX_SITEMAPS = 2


@dataclass(slots=True)
class SiteIndexes:
    """The feeds and sitemaps of a site; `problem` is the reason if the first URL could not be fetched."""

    home: str
    title: str = ""
    language: str = ""
    problem: str = ""
    feeds: list[str] = field(default_factory=list)
    sitemaps: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SiteDiscovery:
    """A search for indexes. `fetch` returns a page or a reason, `report` gets a line for each index."""

    pool: ExtractionPool
    fetch: Callable[[str], Awaitable[Page | str]]
    now: Callable[[], datetime]
    indexes: SiteIndexes
    report: Callable[[str], None]

    async def run(self, url: str) -> None:
        """Read the URL as a feed, else as a sitemap, else as a home page that links to feeds."""
        page = await self.fetch(url)
        if isinstance(page, str):
            self.indexes.problem = page
            return
        self.indexes.home = _home_of(page.url)
        if await self._add(page, "feed") or await self._add(page, "sitemap"):
            return
        await self._find_feeds(page)
        self.indexes.home = page.url
        await self._find_sitemaps(page.url)

    async def _find_feeds(self, home: Page) -> None:
        linked = [feed.url for feed in await self.pool.find_feeds(home)][:MAX_LINKED_FEEDS]
        if not await self._add_first_feed(linked):
            self.report(f"{home.url} links to no readable feed; trying common feed URLs")
            await self._add_first_feed([urljoin(home.url, path) for path in COMMON_FEED_PATHS])

    async def _add_first_feed(self, urls: list[str]) -> bool:
        for url in urls:
            page = await self.fetch(url)
            if not isinstance(page, str) and await self._add(page, "feed"):
                return True
        return False

    async def _find_sitemaps(self, home: str) -> None:
        """Add the news sitemaps of robots.txt, or any sitemaps if the site has no feed."""
        robots = await self.fetch(urljoin(home, "/robots.txt"))
        listed = parse_robots_sitemaps(_content(robots)) if not isinstance(robots, str) else ()
        urls = [url for url in listed if "news" in url.lower()] or ([] if self.indexes.feeds else list(listed))
        for url in urls[:MAX_SITEMAPS]:
            page = await self.fetch(url)
            if isinstance(page, str):
                self.report(f"sitemap {url}: {page}")
            else:
                await self._add(page, "sitemap")

    async def _add(self, page: Page, kind: str) -> bool:
        """Add the page if it is a feed or sitemap with entries; return whether it is."""
        index = await self.pool.read_index(page, kind, None, MAX_LEADS, self.now())
        if not index.leads and not (kind == "sitemap" and index.child_urls):
            return False
        indexes = self.indexes
        indexes.title, indexes.language = indexes.title or index.title, indexes.language or index.language
        if kind == "feed":
            indexes.feeds.append(page.url)
            indexes.home = resolve_url("", index.home) or indexes.home
        else:
            indexes.sitemaps.append(page.url)
        size = f"{index.total} entries" if index.leads else f"{len(index.child_urls)} sitemaps"
        self.report(f"{kind} {page.url}: {index.title + ', ' if index.title else ''}{size}")
        for lead in (index.leads or await self._first_leads(index))[:MAX_TITLES]:
            self.report(f"    {lead.title or lead.url}")
        return True

    async def _first_leads(self, index: ParsedIndex) -> tuple[Lead, ...]:
        """Return the leads of the first sitemap of a sitemap index."""
        page = await self.fetch(index.child_urls[0])
        if isinstance(page, str):
            return ()
        return (await self.pool.read_index(page, "sitemap", None, MAX_LEADS, self.now())).leads


def _content(page: Page) -> bytes:
    try:
        return page.decode_content()
    except ContentError:
        return b""


def _home_of(url: str) -> str:
    return "{0.scheme}://{0.netloc}/".format(urlsplit(url))
