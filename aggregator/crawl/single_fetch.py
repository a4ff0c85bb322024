"""Fetch single URLs outside a poll, with the same politeness; nothing is stored."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from scrapy import Request, Spider

from aggregator.crawl.context import CrawlContext
from aggregator.crawl.fetch_errors import classify_error
from spiders.source import Source
from storage.errors import ArchiveError
from storage.model.crawl import status_reason
from storage.model.page import Page

FetchUrl = Callable[[str], Awaitable[tuple[Page, ...]]]
"""Fetches one URL and returns its hops, redirects first; raises what the downloader raises."""


async def fetch_page(fetch: FetchUrl, url: str) -> Page | str:
    """Return the page if its status is 200, else the reason why there is none."""
    try:
        page = (await fetch(url))[-1]
    except ArchiveError:
        raise
    except Exception as error:  # around one URL: an error must not affect other URLs
        return classify_error(error).reason
    return page if page.status == 200 else status_reason(page.status)


class SingleFetchSpider(Spider):
    """Runs a coroutine that fetches URLs."""

    name = "single-fetch"

    def __init__(self, *, source: Source, context: CrawlContext, work: Callable[[FetchUrl], Awaitable[None]]) -> None:
        super().__init__(name=source.name)
        self.source, self.context, self._work = source, context, work
        self.poll = None

    async def start(self) -> AsyncIterator[Any]:
        """Run the coroutine; no request is scheduled."""
        await self._work(self._fetch)
        no_requests: tuple[Request, ...] = ()
        for request in no_requests:
            yield request

    async def _fetch(self, url: str) -> tuple[Page, ...]:
        request = Request(url, meta={"source": self.source.name, "hops": []}, dont_filter=True)
        assert self.crawler.engine is not None
        await self.crawler.engine.download_async(request)
        return tuple(request.meta["hops"])
