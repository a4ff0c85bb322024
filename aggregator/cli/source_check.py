"""What `sources add` and `sources check` run: looking at sites through a crew, keeping nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aggregator.cli.output import INTERRUPTED
from aggregator.cli.shutdown import Stopping
from aggregator.cli.source_discovery import Discovery, Look
from aggregator.config import Config
from aggregator.crawl.runner import CrawlRunner, run_in_reactor
from aggregator.crawl.single_fetch import FetchUrl, fetch_page
from aggregator.service.setup import open_runner
from spiders.source import Source, SourceListing
from storage.model.article import Article, Refusal
from storage.model.page import ParsedIndex

SAMPLE = 3
"""How many articles of a source are looked at."""
MAX_LEADS = 100
MAX_DEPTH = 3
"""How many sitemap indexes may stand one behind the other."""


@dataclass(slots=True)
class Report:
    """What a source's indexes and some of its articles look like."""

    source: str
    indexes: list[tuple[str, ParsedIndex]] = field(default_factory=list)
    articles: list[tuple[str, Article | Refusal]] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether an index named articles and one of them could be read."""
        return any(isinstance(made, Article) for _, made in self.articles)

    def lines(self) -> list[str]:
        """The report for people."""
        lines = [self.source]
        for url, index in self.indexes:
            lines.append(f"  {index.kind or 'index'} {url}: {index.problem or f'{index.total} entries'}")
        for url, made in self.articles:
            if isinstance(made, Refusal):
                lines.append(f"  {url}: refused, {made.reason}")
            else:
                day = made.published_date or "no date"
                lines.append(f"  {made.title} ({day}; {', '.join(made.authors) or 'no author'}; {made.words} words)")
        return lines

    def fields(self) -> dict[str, object]:
        """The report as JSON fields (docs/json.md)."""
        return {
            "source": self.source, "good": self.is_good,
            "indexes": [
                {"url": url, "kind": index.kind, "entries": index.total, "problem": index.problem}
                for url, index in self.indexes
            ],
            "articles": [_article_fields(url, made) for url, made in self.articles],
        }  # fmt: skip


def _article_fields(url: str, made: Article | Refusal) -> dict[str, object]:
    if isinstance(made, Refusal):
        return {"url": url, "refused": made.reason, "title": "", "published_date": None, "authors": (), "words": 0}
    return {
        "url": url, "refused": "", "title": made.title, "published_date": made.published_date or None,
        "authors": made.authors, "words": made.words,
    }  # fmt: skip


def discovered(
    config: Config, url: str, source: Source, neighbours: tuple[Source, ...], tell: Callable[[str], None]
) -> Discovery:
    """Fetch a feed, a sitemap or a home page and find what can be polled; `tell` hears of each thing found.

    `neighbours` are the sources whose delays count at the hosts that they share.
    """
    found = Discovery(home=url)

    async def look(crew: CrawlRunner, fetch: FetchUrl, _: Source) -> None:
        await Look(crew.pool, lambda address: fetch_page(fetch, address), crew.now, found, tell).at(url)

    _run_each(config, (source,), neighbours, look)
    return found


def examined(
    config: Config, sources: tuple[Source, ...], neighbours: tuple[Source, ...], tell: Callable[[Report], None]
) -> list[Report]:
    """Fetch each source's indexes and some of its articles; `tell` gets each report when it is done."""
    reports: list[Report] = []

    async def look(crew: CrawlRunner, fetch: FetchUrl, source: Source) -> None:
        report = Report(source.name)
        for url, kind, listing in source.indexes:
            report.indexes.append((url, await _read(crew, fetch, url, kind, listing)))
        leads = {lead.url: lead for _, index in report.indexes for lead in index.leads}
        for url in list(leads)[:SAMPLE]:
            report.articles.append((url, await _article(crew, fetch, url, source)))
        if not crew.is_stopping:
            reports.append(report)
            tell(report)

    _run_each(config, sources, neighbours, look)
    return reports


async def _read(
    crew: CrawlRunner, fetch: FetchUrl, url: str, kind: str, listing: SourceListing | None, depth: int = 0
) -> ParsedIndex:
    page = await fetch_page(fetch, url)
    if isinstance(page, str):
        return ParsedIndex(kind=kind, problem=page)
    index = await crew.pool.read_index(page, kind, listing, MAX_LEADS, crew.now())
    if index.child_urls and not index.leads and kind == "sitemap" and depth < MAX_DEPTH:
        return await _read(crew, fetch, index.child_urls[0], kind, listing, depth + 1)
    return index


async def _article(crew: CrawlRunner, fetch: FetchUrl, url: str, source: Source) -> Article | Refusal:
    page = await fetch_page(fetch, url)
    if isinstance(page, str):
        return Refusal(code="fetch", reason=page)
    return await crew.pool.extract(page, source.hints)


def _run_each(
    config: Config,
    sources: tuple[Source, ...],
    neighbours: tuple[Source, ...],
    look: Callable[[CrawlRunner, FetchUrl, Source], Awaitable[None]],
) -> None:
    async def main() -> int:
        async with open_runner(config, (*neighbours, *sources)) as crew:
            stopping = Stopping(crew, lambda: None, drain=0.0)
            await asyncio.gather(*(_run(crew, source, look) for source in sources))
            await stopping.done()
            return INTERRUPTED if crew.is_stopping else 0

    if run_in_reactor(main):
        raise KeyboardInterrupt


async def _run(
    crew: CrawlRunner, source: Source, look: Callable[[CrawlRunner, FetchUrl, Source], Awaitable[None]]
) -> None:
    await crew.run_single_fetch(source, lambda fetch: look(crew, fetch, source))
