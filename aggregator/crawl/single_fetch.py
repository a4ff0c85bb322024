"""Single fetches outside a poll, through the same robots.txt, gate and guard; what comes is looked at, not kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from scrapy import Request, Spider

from aggregator.crawl.context import CrawlContext
from aggregator.crawl.fetch_errors import classify_error
from spiders.source import Source
from storage.errors import ArchiveError
from storage.model.page import Page

FetchUrl = Callable[[str], Awaitable[tuple[Page, ...]]]
"""Fetches one address and gives its exchange, redirect hops first; raises what the downloader raises."""


async def fetch_page(fetch: FetchUrl, url: str) -> Page | str:
    """The page that answered with 200, or in words why there is none."""
    try:
        page = (await fetch(url))[-1]
    except ArchiveError:
        raise
    except Exception as error:  # whatever one address does, the others are still looked at
        return classify_error(error).reason
    return page if page.status == 200 else f"HTTP {page.status}"


class SingleFetchSpider(Spider):
    """Runs one coroutine that fetches as it goes."""

    name = "single-fetch"

    def __init__(self, *, source: Source, context: CrawlContext, work: Callable[[FetchUrl], Awaitable[None]]) -> None:
        super().__init__(name=source.name)
        self.source, self.context, self._work = source, context, work
        self.poll = None

    async def start(self) -> AsyncIterator[Any]:
        """Do the work; nothing is scheduled."""
        await self._work(self._fetch)
        nothing: tuple[Any, ...] = ()
        for item in nothing:
            yield item

    async def _fetch(self, url: str) -> tuple[Page, ...]:
        request = Request(url, meta={"source": self.source.name, "hops": []}, dont_filter=True)
        assert self.crawler.engine is not None
        await self.crawler.engine.download_async(request)
        return tuple(request.meta["hops"])
