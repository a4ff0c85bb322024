"""Scrapy item pipeline: pass each fetched article page to its source's poll."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spiders.spider import FetchedArticle, PollCallbacks

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


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
