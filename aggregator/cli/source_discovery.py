"""Finding what a site offers for polling: from a feed, a sitemap or a home page to the addresses for the catalogue."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from urllib.parse import urljoin, urlsplit

from spiders.discover import COMMON_FEED_PATHS, DiscoveredFeed, parse_robots_sitemaps
from spiders.parse.links import resolve_url
from spiders.source import SourceListing
from storage.model.page import ContentError, Lead, Page, ParsedIndex

TITLES = 3
"""How many titles of a feed are shown."""
MAX_LEADS = 100
MAX_LINKED = 5
MAX_SITEMAPS = 2


@dataclass(slots=True)
class Discovery:
    """What a site offers for polling; `problem` says in words why the site itself could not be looked at."""

    home: str
    title: str = ""
    language: str = ""
    problem: str = ""
    feeds: list[str] = field(default_factory=list)
    sitemaps: list[str] = field(default_factory=list)


class Pool(Protocol):
    """Reads pages somewhere they cannot do harm."""

    async def read_index(
        self, page: Page, kind: str, listing: SourceListing | None, limit: int, now: datetime
    ) -> ParsedIndex: ...
    async def find_feeds(self, page: Page) -> tuple[DiscoveredFeed, ...]: ...


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a site: `page` fetches (a text is the reason why not), `tell` hears of what is found."""

    pool: Pool
    page: Callable[[str], Awaitable[Page | str]]
    now: Callable[[], datetime]
    found: Discovery
    tell: Callable[[str], None]

    async def at(self, url: str) -> None:
        """Take the address for a feed, then for a sitemap, then for a home page."""
        page = await self.page(url)
        if isinstance(page, str):
            self.found.problem = page
            return
        self.found.home = _front(page.url)
        if await self._take(page, "feed") or await self._take(page, "sitemap"):
            return
        await self._feeds(page)
        self.found.home = page.url
        await self._sitemaps(page.url)

    async def _feeds(self, home: Page) -> None:
        linked = [feed.url for feed in await self.pool.find_feeds(home)][:MAX_LINKED]
        if not await self._first_feed(linked):
            self.tell(f"{home.url} links to no feed that can be read; trying the usual addresses")
            await self._first_feed([urljoin(home.url, path) for path in COMMON_FEED_PATHS])

    async def _first_feed(self, addresses: list[str]) -> bool:
        for address in addresses:
            page = await self.page(address)
            if not isinstance(page, str) and await self._take(page, "feed"):
                return True
        return False

    async def _sitemaps(self, home: str) -> None:
        """Sitemaps of news; where there is no feed, any that robots.txt names."""
        robots = await self.page(urljoin(home, "/robots.txt"))
        named = parse_robots_sitemaps(_content(robots)) if not isinstance(robots, str) else ()
        wanted = [url for url in named if "news" in url.lower()] or ([] if self.found.feeds else list(named))
        for url in wanted[:MAX_SITEMAPS]:
            page = await self.page(url)
            if isinstance(page, str):
                self.tell(f"sitemap {url}: {page}")
            else:
                await self._take(page, "sitemap")

    async def _take(self, page: Page, kind: str) -> bool:
        """Whether the page is a feed or sitemap with something in it; if so it is found."""
        index = await self.pool.read_index(page, kind, None, MAX_LEADS, self.now())
        if not index.leads and not (kind == "sitemap" and index.child_urls):
            return False
        found = self.found
        found.title, found.language = found.title or index.title, found.language or index.language
        if kind == "feed":
            found.feeds.append(page.url)
            found.home = resolve_url("", index.home) or found.home
        else:
            found.sitemaps.append(page.url)
        holds = f"{index.total} entries" if index.leads else f"{len(index.child_urls)} sitemaps"
        self.tell(f"{kind} {page.url}: {index.title + ', ' if index.title else ''}{holds}")
        for lead in (index.leads or await self._below(index))[:TITLES]:
            self.tell(f"    {lead.title or lead.url}")
        return True

    async def _below(self, index: ParsedIndex) -> tuple[Lead, ...]:
        """What the first sitemap of a sitemap index names."""
        page = await self.page(index.child_urls[0])
        if isinstance(page, str):
            return ()
        return (await self.pool.read_index(page, "sitemap", None, MAX_LEADS, self.now())).leads


def _content(page: Page) -> bytes:
    try:
        return page.decode_content()
    except ContentError:
        return b""


def _front(url: str) -> str:
    return "{0.scheme}://{0.netloc}/".format(urlsplit(url))
