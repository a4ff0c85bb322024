"""Looking at sites without keeping anything: what `sources add` and `sources check` see."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from aggregator.config import Config
from aggregator.crawl.errand import Fetch
from aggregator.crawl.faults import fault_of
from aggregator.crawl.runner import Crew, run_in_reactor
from aggregator.crawl.visit import endpoints_of
from aggregator.service import open_crew
from spiders.discover import COMMON_FEED_PATHS, find_feeds, sitemaps_of_robots
from spiders.source import Listing, Source
from storage.article import Article, Refusal
from storage.page import ContentError, Index, Page

SAMPLE = 3
"""How many titles or articles are looked at."""
MAX_LEADS = 100


@dataclass(slots=True)
class Discovery:
    """What a site offers for polling, and a report of how it was found."""

    home: str
    title: str = ""
    language: str = ""
    feeds: list[str] = field(default_factory=list)
    sitemaps: list[str] = field(default_factory=list)
    report: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """What a source's indexes and some of its articles look like."""

    source: str
    indexes: list[tuple[str, Index]] = field(default_factory=list)
    articles: list[tuple[str, Article | Refusal]] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether an index named articles and one of them could be read."""
        return any(isinstance(made, Article) for _, made in self.articles)

    def lines(self) -> list[str]:
        """The report for people."""
        lines = [f"{self.source}"]
        for url, index in self.indexes:
            lines.append(f"  {index.kind or 'index'} {url}: {index.problem or f'{index.total} entries'}")
        for url, made in self.articles:
            if isinstance(made, Refusal):
                lines.append(f"  {url}: refused, {made.reason}")
            else:
                day = made.published_date or "no date"
                lines.append(f"  {made.title} ({day}; {', '.join(made.authors) or 'no author'}; {made.words} words)")
        return lines if len(lines) > 1 else [*lines, "  nothing could be fetched"]

    def fields(self) -> dict[str, object]:
        """The report as JSON fields."""
        return {
            "source": self.source, "good": self.is_good,
            "indexes": [{"url": url, "entries": index.total, "problem": index.problem} for url, index in self.indexes],
            "articles": [
                {"url": url, "refused": made.reason}
                if isinstance(made, Refusal)
                else {"url": url, "title": made.title, "published_date": made.published_date, "authors": made.authors, "words": made.words}
                for url, made in self.articles
            ],
        }


def discovered(config: Config, url: str, name: str) -> Discovery:
    """Fetch a feed or a home page and find what can be polled."""
    source = Source(name=name, title=name, home=url)
    found = Discovery(home=url)

    async def look(crew: Crew, fetch: Fetch) -> None:
        await _discover(crew, fetch, url, found)

    _run(config, [source], look)
    return found


async def _discover(crew: Crew, fetch: Fetch, url: str, found: Discovery) -> None:
    page = await _page(fetch, url, found.report)
    if page is None:
        return
    index = await crew.pool.read_index(page, "feed", None, MAX_LEADS, crew.now())
    if index.leads:
        _take_feed(found, page.url, index)
        found.home = index.home or "{0.scheme}://{0.netloc}/".format(urlsplit(page.url))
        return
    found.home = page.url
    try:
        linked = [feed.url for feed in find_feeds(page.content(), page.url)]
    except ContentError as error:
        found.report.append(f"{page.url}: {error}")
        return
    for address in linked or [urljoin(page.url, path) for path in COMMON_FEED_PATHS]:
        if await _try_index(crew, fetch, address, "feed", found):
            break
    await _find_sitemaps(crew, fetch, page.url, found)


async def _find_sitemaps(crew: Crew, fetch: Fetch, home: str, found: Discovery) -> None:
    robots = await _page(fetch, urljoin(home, "/robots.txt"), found.report)
    named = sitemaps_of_robots(robots.content()) if robots is not None and robots.status == 200 else ()
    newsy = [url for url in named if "news" in url.lower()] or ([] if found.feeds else list(named[:2]))
    for url in newsy[:2]:
        await _try_index(crew, fetch, url, "sitemap", found)


async def _try_index(crew: Crew, fetch: Fetch, url: str, kind: str, found: Discovery) -> bool:
    page = await _page(fetch, url, found.report)
    if page is None or page.status != 200:
        return False
    index = await crew.pool.read_index(page, kind, None, MAX_LEADS, crew.now())
    if not index.leads and not index.more:
        return False
    if kind == "feed":
        _take_feed(found, page.url, index)
    else:
        found.sitemaps.append(page.url)
        found.report.append(f"sitemap {page.url}: {index.total or len(index.more)} entries")
    return True


def _take_feed(found: Discovery, url: str, index: Index) -> None:
    found.feeds.append(url)
    found.title, found.language = found.title or index.title, found.language or index.language
    found.report.append(f"feed {url}: {index.title or 'without a title'}, {index.total} entries")
    found.report += [f"    {lead.title or lead.url}" for lead in index.leads[:SAMPLE]]


async def _page(fetch: Fetch, url: str, report: list[str]) -> Page | None:
    try:
        page = (await fetch(url))[-1]
    except Exception as error:  # whatever one address does, the others are still looked at
        report.append(f"{url}: {fault_of(error).reason}")
        return None
    if page.status != 200:
        report.append(f"{url}: HTTP {page.status}")
    return page


def examined(config: Config, sources: tuple[Source, ...]) -> list[Report]:
    """Fetch each source's indexes and some of its articles."""
    reports: list[Report] = []

    async def look(crew: Crew, fetch: Fetch, source: Source) -> None:
        report = Report(source.name)
        reports.append(report)
        for url, kind, listing in endpoints_of(source):
            index = await _read(crew, fetch, url, kind, listing)
            report.indexes.append((url, index))
        leads = [lead for _, index in report.indexes for lead in index.leads]
        for lead in list({lead.url: lead for lead in leads}.values())[:SAMPLE]:
            report.articles.append((lead.url, await _article(crew, fetch, lead.url, source)))

    _run_each(config, sources, look)
    return sorted(reports, key=lambda report: report.source)


async def _read(crew: Crew, fetch: Fetch, url: str, kind: str, listing: Listing | None) -> Index:
    notes: list[str] = []
    page = await _page(fetch, url, notes)
    if page is None or page.status != 200:
        return Index(kind=kind, problem=notes[-1].rpartition(": ")[2] if notes else f"HTTP {page.status if page else 0}")
    index = await crew.pool.read_index(page, kind, listing, MAX_LEADS, crew.now())
    if index.more and not index.leads and kind == "sitemap":
        return await _read(crew, fetch, index.more[0], kind, listing)
    return index


async def _article(crew: Crew, fetch: Fetch, url: str, source: Source) -> Article | Refusal:
    notes: list[str] = []
    page = await _page(fetch, url, notes)
    if page is None or page.status != 200:
        return Refusal(code="fetch", reason=notes[-1])
    return await crew.pool.extract(page, source.hints)


def _run(config: Config, sources: list[Source], look: Callable[[Crew, Fetch], Awaitable[None]]) -> None:
    async def each(crew: Crew, fetch: Fetch, source: Source) -> None:
        await look(crew, fetch)

    _run_each(config, tuple(sources), each)


def _run_each(
    config: Config, sources: tuple[Source, ...], look: Callable[[Crew, Fetch, Source], Awaitable[None]]
) -> None:
    async def main() -> int:
        async with open_crew(config, sources) as crew:
            await asyncio.gather(*(crew.errand(source, lambda fetch, s=source: look(crew, fetch, s)) for source in sources))
        return 0

    run_in_reactor(main)
