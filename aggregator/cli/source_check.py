"""Fetch and extract a few articles of a source without storing them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aggregator.cli.garbage_collection import collect_as_usual
from aggregator.cli.output import EXIT_INTERRUPTED
from aggregator.cli.shutdown import CrawlStopper
from aggregator.cli.source_discovery import MAX_LEADS, SiteDiscovery, SiteIndexes
from aggregator.crawl.reactor import run_in_reactor
from aggregator.crawl.single_fetch import fetch_page
from aggregator.service.setup import open_runner
from storage.model.article import Article, Refusal
from storage.model.page import ParsedIndex

if TYPE_CHECKING:
    from aggregator.config import Config
    from aggregator.crawl.runner import CrawlRunner
    from aggregator.crawl.single_fetch import FetchUrl
    from spiders.source import Source, SourceListing

SAMPLE = 3
"""Number of articles that are extracted per source."""
MAX_DEPTH = 3
"""Number of nested sitemap indexes that are followed."""


@dataclass(slots=True)
class SourceCheck:
    """The indexes of a source, and what extraction made of some of its articles, each by URL."""

    source: str
    indexes: list[tuple[str, ParsedIndex]] = field(default_factory=list)
    articles: list[tuple[str, Article | Refusal]] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """True if at least one article was extracted."""
        return any(isinstance(extracted, Article) for _, extracted in self.articles)

    def lines(self) -> list[str]:
        """Return the check as lines of text."""
        lines = [self.source]
        for url, index in self.indexes:
            lines.append(f"  {index.kind or 'index'} {url}: {index.problem or f'{index.total} entries'}")
        for url, extracted in self.articles:
            if isinstance(extracted, Refusal):
                lines.append(f"  {url}: refused, {extracted.reason}")
            else:
                day = extracted.published_date or "no date"
                authors = ", ".join(extracted.authors) or "no author"
                lines.append(f"  {extracted.title} ({day}; {authors}; {extracted.words} words)")
        return lines

    def fields(self) -> dict[str, object]:
        """Return the fields of the check's JSON object (docs/json.md)."""
        return {
            "source": self.source, "good": self.is_good,
            "indexes": [
                {"url": url, "kind": index.kind, "entries": index.total, "problem": index.problem}
                for url, index in self.indexes
            ],
            "articles": [_article_fields(url, extracted) for url, extracted in self.articles],
        }  # fmt: skip


def _article_fields(url: str, extracted: Article | Refusal) -> dict[str, object]:
    if isinstance(extracted, Refusal):
        return {"url": url, "refused": extracted.reason, "title": "", "published_date": None, "authors": (), "words": 0}
    return {
        "url": url, "refused": "", "title": extracted.title, "published_date": extracted.published_date or None,
        "authors": extracted.authors, "words": extracted.words,
    }  # fmt: skip


def discover(
    config: Config, url: str, source: Source, neighbours: tuple[Source, ...], report: Callable[[str], None]
) -> SiteIndexes:
    """Fetch a feed, a sitemap or a home page and return the indexes of its site; `report` gets a line for each.

    `neighbours` are the sources whose delays apply at shared hosts.
    """
    indexes = SiteIndexes(home=url)

    async def run(runner: CrawlRunner, fetch: FetchUrl, _: Source) -> None:
        context = runner.context
        discovery = SiteDiscovery(
            context.pool, lambda address: fetch_page(fetch, address), context.now, indexes, report
        )
        await discovery.run(url)

    _run_for_each(config, (source,), neighbours, run)
    return indexes


def check_each(
    config: Config, sources: tuple[Source, ...], neighbours: tuple[Source, ...], report: Callable[[SourceCheck], None]
) -> list[SourceCheck]:
    """Fetch each source's indexes and extract some of its articles; `report` gets each finished check."""
    checks: list[SourceCheck] = []

    async def run(runner: CrawlRunner, fetch: FetchUrl, source: Source) -> None:
        check = SourceCheck(source.name)
        for url, kind, listing in source.indexes:
            check.indexes.append((url, await _read_index(runner, fetch, url, kind, listing)))
        leads = {lead.url: lead for _, index in check.indexes for lead in index.leads}
        for url in list(leads)[:SAMPLE]:
            check.articles.append((url, await _extract(runner, fetch, url, source)))
        if not runner.context.is_stopping:
            checks.append(check)
            report(check)

    _run_for_each(config, sources, neighbours, run)
    return checks


async def _read_index(
    runner: CrawlRunner, fetch: FetchUrl, url: str, kind: str, listing: SourceListing | None, depth: int = 0
) -> ParsedIndex:
    page = await fetch_page(fetch, url)
    if isinstance(page, str):
        return ParsedIndex(kind=kind, problem=page)
    index = await runner.context.pool.read_index(page, kind, listing, MAX_LEADS, runner.context.now())
    if index.child_urls and not index.leads and kind == "sitemap" and depth < MAX_DEPTH:
        return await _read_index(runner, fetch, index.child_urls[0], kind, listing, depth + 1)
    return index


async def _extract(runner: CrawlRunner, fetch: FetchUrl, url: str, source: Source) -> Article | Refusal:
    page = await fetch_page(fetch, url)
    if isinstance(page, str):
        return Refusal(code="fetch", reason=page)
    return await runner.context.pool.extract(page, source.hints)


def _run_for_each(
    config: Config,
    sources: tuple[Source, ...],
    neighbours: tuple[Source, ...],
    run: Callable[[CrawlRunner, FetchUrl, Source], Awaitable[None]],
) -> None:
    """Run `run` for every source at once. Raises KeyboardInterrupt after Ctrl-C."""

    async def main() -> int:
        async with open_runner(config, (*neighbours, *sources)) as runner:
            stopper = CrawlStopper(runner, lambda: None, grace_seconds=0.0)
            await asyncio.gather(*(_run(runner, source, run) for source in sources))
            await stopper.finish()
            return EXIT_INTERRUPTED if runner.context.is_stopping else 0

    collect_as_usual()
    if run_in_reactor(main):
        raise KeyboardInterrupt


async def _run(
    runner: CrawlRunner, source: Source, run: Callable[[CrawlRunner, FetchUrl, Source], Awaitable[None]]
) -> None:
    await runner.run_single_fetch(source, lambda fetch: run(runner, fetch, source))
