"""Scrapy middlewares (robots.txt, proxy, conditional headers, parking, early stop of transfers) and item pipeline."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from scrapy import Request, signals
from scrapy.exceptions import StopDownload
from scrapy.http import Headers, Response

from aggregator.crawl.address_policy import BlockedAddress
from aggregator.crawl.context import CrawlContext
from aggregator.crawl.fetch_errors import NotAnIndex, RefusedRedirect
from aggregator.crawl.host_limiter import host_of
from aggregator.crawl.http_cache import parse_http_date
from aggregator.crawl.robots import MAX_ROBOTS_BYTES
from spiders.spider import FetchedArticle, PollCallbacks
from storage.model.crawl import status_reason
from storage.model.page import Page

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

HTML_TYPES = ("text/html", "application/xhtml+xml")
MAX_PARKING = timedelta(days=31)
DEFAULT_PARKING = timedelta(minutes=15)
"""Duration of a parking after a 429 without a valid Retry-After."""


class _ContextMiddleware:
    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.context: CrawlContext = crawler.spider.context  # type: ignore[union-attr]

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> _ContextMiddleware:
        return cls(crawler)


class RobotsMiddleware(_ContextMiddleware):
    """Checks robots.txt before every request, also of a redirect's target.

    Requests for robots.txt pass the same middlewares, and are marked so that they are not checked.
    """

    async def process_request(self, request: Request) -> None:
        """Raise RobotsRefusal, HostParked or BlockedAddress if the request must not be sent."""
        if request.meta.get("robots"):
            return
        self.context.policy.check_url(request.url)
        parking = self.context.limiter.find_parking(host_of(request.url))
        if parking:
            raise parking
        await self.context.robots.check(request.url, self._fetch)

    async def _fetch(self, url: str, conditions: tuple[tuple[str, str], ...]) -> Page:
        request = Request(url, headers=dict(conditions), meta={"robots": True}, dont_filter=True)
        assert self.crawler.engine is not None
        try:
            await self.crawler.engine.download_async(request)
        except BlockedAddress as error:
            if request.meta.get("hops"):
                raise RefusedRedirect(str(error)) from None
            raise
        page: Page = request.meta["hops"][-1]
        return page


class ProxyMiddleware(_ContextMiddleware):
    """Sends every request through the configured proxy; proxies of the environment are ignored."""

    def process_request(self, request: Request) -> None:
        if self.context.config.proxy:
            request.meta["proxy"] = self.context.config.proxy


class ConditionsMiddleware(_ContextMiddleware):
    """Sends validators as conditional headers, and only to the address that they came from."""

    def process_request(self, request: Request) -> None:
        validators_url, conditions = request.meta.get("conditions", ("", ()))
        if request.meta.get("robots") and not request.meta.get("redirect_times"):
            return
        for name in ("If-None-Match", "If-Modified-Since"):
            request.headers.pop(name, None)
        if request.url == validators_url:
            for name, value in conditions:
                request.headers[name] = value.encode("latin-1")


class ParkingMiddleware(_ContextMiddleware):
    """Parks a host that responds with 429, or with 503 and Retry-After, until the requested time."""

    async def process_response(self, request: Request, response: Response) -> Response:
        """Park the host if its response requests it; return the response unchanged."""
        retry_after = (response.headers.get("Retry-After") or b"").decode("latin-1")
        if response.status == 429 or (response.status == 503 and retry_after):
            until = parse_retry_after(retry_after, self.context.now())
            await self.context.park(host_of(request.url), until, status_reason(response.status))
        return response


def parse_retry_after(retry_after: str, now: datetime) -> datetime:
    """Return when a Retry-After (seconds or a date) ends, at most 31 days from now; 15 minutes from now if invalid."""
    text = retry_after.strip()[:64]
    if text.isascii() and text.isdigit():
        wait = timedelta(seconds=min(int(text), int(MAX_PARKING.total_seconds())))
        return now + wait
    date = parse_http_date(text)
    return min(max(date, now), now + MAX_PARKING) if date else now + DEFAULT_PARKING


class EarlyStop:
    """Ends a transfer that is known to be useless: after the headers, or past the size limit of robots.txt."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> EarlyStop:
        stop = cls()
        crawler.signals.connect(stop.headers_received, signal=signals.headers_received)
        crawler.signals.connect(stop.bytes_received, signal=signals.bytes_received)
        return stop

    def headers_received(self, headers: Headers, request: Request) -> None:
        """Stop an article that is not HTML and an index that is a media file; a missing media type is accepted."""
        media_type = (headers.get("Content-Type") or b"").decode("latin-1").partition(";")[0].strip().lower()
        if "task" in request.meta and media_type.startswith(("video/", "audio/", "image/", "font/")):
            raise NotAnIndex(f"not an index: {media_type[:80]}")
        if "lead" not in request.meta:
            return
        if media_type and media_type not in HTML_TYPES:
            request.meta["stopped"] = f"not an HTML page: {media_type[:80]}"
            raise StopDownload(fail=False)

    def bytes_received(self, data: bytes, request: Request) -> None:
        """Stop robots.txt after its first 500 KiB."""
        if request.meta.get("robots"):
            request.meta["received"] = request.meta.get("received", 0) + len(data)
            if request.meta["received"] > MAX_ROBOTS_BYTES:
                raise StopDownload(fail=False)


class IngestPipeline:
    """Passes the spider's `FetchedArticle` items to the poll."""

    def __init__(self, poll: PollCallbacks) -> None:
        self._poll = poll

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> IngestPipeline:
        return cls(crawler.spider.poll)  # type: ignore[union-attr]

    async def process_item(self, item: FetchedArticle) -> FetchedArticle:
        """Store the outcome of the page; return the item unchanged."""
        await self._poll.article_fetched(item)
        return item
