"""Scrapy spider that requests the indexes of a source, then its leads, then the articles to revisit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from scrapy import Request, Spider
from scrapy.http import Response

from spiders.source import Source, SourceListing
from storage.model.crawl import LeasedLead, Revisit
from storage.model.page import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexTask:
    """Request for the index known as `url`, at `request_url`.

    The conditional headers in `conditions` may only be sent to `validators_url`.
    """

    url: str
    request_url: str
    kind: str
    listing: SourceListing | None = None
    validators_url: str = ""
    conditions: tuple[tuple[str, str], ...] = ()
    depth: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedArticle:
    """Item of the spider: the response to the request for a lead or revisit, after its redirects."""

    leased: LeasedLead | Revisit
    hops: tuple[Page, ...] = field(repr=False)

    @property
    def page(self) -> Page:
        """The response after all redirects."""
        return self.hops[-1]


def conditional_headers(etag: str, last_modified: str) -> tuple[tuple[str, str], ...]:
    """Return the headers that request a page only if it changed since these validators."""
    pairs = (("If-None-Match", etag), ("If-Modified-Since", last_modified))
    return tuple((name, value) for name, value in pairs if value)


class PollCallbacks(Protocol):
    """Supplies a spider with the requests of a poll and takes the responses."""

    def index_tasks(self) -> Iterable[IndexTask]: ...
    async def index_answered(self, task: IndexTask, hops: tuple[Page, ...]) -> Iterable[IndexTask]: ...
    async def index_failed(self, task: IndexTask, error: BaseException) -> None: ...
    def leads(self) -> AsyncIterator[LeasedLead]: ...
    async def article_fetched(self, fetched: FetchedArticle) -> None: ...
    async def article_failed(self, leased: LeasedLead, error: BaseException) -> None: ...
    async def article_refused(self, leased: LeasedLead, hops: tuple[Page, ...], reason: str) -> None: ...
    def revisits(self) -> AsyncIterator[Revisit]: ...
    async def revisit_failed(self, revisit: Revisit, error: BaseException) -> None: ...


class SourceSpider(Spider):
    """Requests a source's indexes, then its leased leads, then the articles to revisit."""

    name = "source"

    def __init__(self, *, source: Source, poll: PollCallbacks, context: Any) -> None:
        super().__init__(name=source.name)
        self.source, self.poll, self.context = source, poll, context
        self._open_indexes = 0
        self._indexes_read = asyncio.Event()

    async def start(self) -> AsyncIterator[Any]:
        """Yield the requests for indexes, after their last response those for leads, then those for revisits."""
        async for request in self._index_requests(self.poll.index_tasks()):
            yield request
        if self._open_indexes:
            await self._indexes_read.wait()
        async for leased in self.poll.leads():
            try:
                request = self._article_request(leased)
            except ValueError as error:
                await self.poll.article_failed(leased, error)
            else:
                yield request
        async for revisit in self.poll.revisits():
            try:
                request = self._revisit_request(revisit)
            except ValueError as error:
                await self.poll.revisit_failed(revisit, error)
            else:
                yield request

    async def _index_requests(self, tasks: Iterable[IndexTask]) -> AsyncIterator[Request]:
        """Yield the requests for indexes; report an invalid URL as a failed index."""
        for task in tasks:
            try:
                request = self._index_request(task)
            except ValueError as error:
                await self.poll.index_failed(task, error)
                continue
            self._open_indexes += 1
            self._indexes_read.clear()
            yield request

    def _index_request(self, task: IndexTask) -> Request:
        return Request(
            task.request_url,
            callback=self.read_index,
            errback=self.index_failed,
            meta={"task": task, "source": self.source.name, "conditions": (task.validators_url, task.conditions)},
            dont_filter=True,
        )

    def _article_request(self, leased: LeasedLead) -> Request:
        return Request(
            leased.lead.url,
            callback=self.read_article,
            errback=self.article_failed,
            meta={"lead": leased, "source": self.source.name},
            dont_filter=True,
        )

    def _revisit_request(self, revisit: Revisit) -> Request:
        request = Request(
            revisit.url,
            callback=self.read_revisit,
            errback=self.revisit_failed,
            meta={"lead": revisit, "source": self.source.name},
            dont_filter=True,
        )
        request.meta["conditions"] = (request.url, conditional_headers(revisit.etag, revisit.last_modified))
        return request

    async def read_index(self, response: Response) -> AsyncIterator[Request]:
        """Pass on the response of an index, and request the further indexes that it names."""
        try:
            tasks = await self.poll.index_answered(response.meta["task"], tuple(response.meta["hops"]))
            async for request in self._index_requests(tasks):
                yield request
        finally:
            self._index_done()

    async def index_failed(self, failure: Any) -> None:
        """Report an index without a response."""
        try:
            await self.poll.index_failed(failure.request.meta["task"], failure.value)
        finally:
            self._index_done()

    def _index_done(self) -> None:
        self._open_indexes -= 1
        if not self._open_indexes:
            self._indexes_read.set()

    async def read_article(self, response: Response) -> AsyncIterator[FetchedArticle]:
        """Yield an article page as an item; report a transfer that was stopped at its headers as refused."""
        leased, hops = response.meta["lead"], tuple(response.meta["hops"])
        if response.status == 200 and "download_stopped" in response.flags:
            await self.poll.article_refused(leased, hops, response.meta["stopped"])
        else:
            yield FetchedArticle(leased=leased, hops=hops)

    async def article_failed(self, failure: Any) -> None:
        """Report a lead without a response."""
        await self.poll.article_failed(failure.request.meta["lead"], failure.value)

    async def read_revisit(self, response: Response) -> AsyncIterator[FetchedArticle]:
        """Yield the page of a revisited article as an item."""
        yield FetchedArticle(leased=response.meta["lead"], hops=tuple(response.meta["hops"]))

    async def revisit_failed(self, failure: Any) -> None:
        """Report a revisit without a response."""
        await self.poll.revisit_failed(failure.request.meta["lead"], failure.value)
