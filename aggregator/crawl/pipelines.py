"""Scrapy's item pipeline: a fetched article page goes to the visit it belongs to, and through it into the archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spiders.spider import FetchedArticle, PollCallbacks

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class IngestPipeline:
    """Takes the spider's `Fetched` items."""

    def __init__(self, poll: PollCallbacks) -> None:
        self._poll = poll

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> IngestPipeline:
        """The visit reaches a crawl as the spider's argument."""
        return cls(crawler.spider.poll)  # type: ignore[union-attr]

    async def process_item(self, item: FetchedArticle) -> FetchedArticle:
        """Ingest the page; the item goes on unchanged."""
        await self._poll.article_fetched(item)
        return item
