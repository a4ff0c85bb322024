"""Scrapy download handler: rate limit, address check, header limit, capture of every exchange."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from scrapy import Request
from scrapy.core.downloader.handlers.http11 import (
    HTTP11DownloadHandler,
    _LenientHTTP11ClientFactory,
    _LenientHTTP11ClientProtocol,
    _LenientHTTPClientParser,
)
from scrapy.exceptions import CannotResolveHostError
from scrapy.http import Response

from aggregator.crawl.address_policy import BlockedAddress
from aggregator.crawl.context import CrawlContext
from aggregator.crawl.fetch_errors import HeaderFlood
from aggregator.crawl.host_limiter import host_of
from storage.model.page import Page

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

MAX_HEADER_BYTES = 256 * 1024
"""Maximum size of the header lines of one exchange, including interim 1xx responses."""


class _CappedParser(_LenientHTTPClientParser):
    """Limits the size of headers, which Twisted does not (HTTPClientParser.lineReceived)."""

    _header_bytes = 0

    def lineReceived(self, line: bytes) -> None:
        self._header_bytes += len(line) + 2
        if self._header_bytes > MAX_HEADER_BYTES:
            raise HeaderFlood(f"response headers over {MAX_HEADER_BYTES >> 10} KiB", b"")
        super().lineReceived(line)


class _CappedProtocol(_LenientHTTP11ClientProtocol):
    def request(self, request: Any) -> Any:
        result = super().request(request)
        self._parser.__class__ = _CappedParser
        return result


class _CappedFactory(_LenientHTTP11ClientFactory):
    def buildProtocol(self, addr: Any) -> _CappedProtocol:
        return _CappedProtocol(self._quiescentCallback)


class PoliteHandler(HTTP11DownloadHandler):
    """Scrapy's HTTP/1.1 handler behind the rate limiter of the process.

    Each exchange, also of a redirect and of robots.txt, waits for its host's slot. Its Page is appended to
    `request.meta["hops"]` before any middleware changes the body.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        if not hasattr(self._pool, "_factory"):
            raise RuntimeError(
                "cannot limit the size of headers: this version of Scrapy is not supported (its pool has no _factory)"
            )
        self._pool._factory = _CappedFactory
        self._context: CrawlContext = crawler.spider.context  # type: ignore[union-attr]
        self._delay: float = crawler.spider.source.delay  # type: ignore[union-attr]

    async def download_request(self, request: Request) -> Response:
        """Fetch a URL; raises BlockedAddress, HostParked, FetchCancelled or Scrapy's download errors."""
        return await self._context.in_flight.run(self._fetch(request))

    async def _fetch(self, request: Request) -> Response:
        host = host_of(request.url)
        self._context.policy.check_url(request.url)
        async with self._context.limiter.slot(host, self._delay):
            try:
                response = await super().download_request(request)
            except CannotResolveHostError:
                refusal = self._context.guard.explain_refusal(host)
                if refusal:
                    raise BlockedAddress(refusal) from None
                raise
        self._context.stats.fetched += 1
        request.meta.setdefault("hops", []).append(build_page(request, response, datetime.now(UTC)))
        return response


def build_page(request: Request, response: Response, fetched_at: datetime) -> Page:
    """Return the exchange as a Page, whose body is transfer-decoded but not content-decoded."""
    lead = request.meta.get("lead")
    return Page(
        url=request.url,
        status=response.status,
        headers=_header_pairs(response.headers),
        body=response.body,
        fetched_at=fetched_at,
        source=request.meta.get("source", ""),
        lead=lead.lead if lead else None,
        via=tuple(request.meta.get("redirect_urls", ())),
        ip=str(response.ip_address or ""),
        request_headers=_header_pairs(request.headers),
        method=request.method,
        protocol=response.protocol or "HTTP/1.1",
    )


def _header_pairs(headers: Any) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name.decode("latin-1"), value.decode("latin-1")) for name, values in headers.items() for value in values
    )
