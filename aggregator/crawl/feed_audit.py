"""A second route to a source's articles: what its sitemap names and its feed does not, and the other way."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from aggregator.crawl.context import CrawlContext
from aggregator.crawl.robots import origin_of
from aggregator.crawl.single_fetch import FetchUrl, fetch_page
from spiders.discover import parse_robots_sitemaps
from spiders.source import Source
from storage.crawl import polls
from storage.crawl.audits import FeedAudit
from storage.identity import url_key
from storage.model.page import Lead, ParsedIndex

COMPARED_PERIOD = timedelta(days=7)
GRACE_PERIOD = timedelta(hours=2)
"""What is younger may be on its way into the other route."""
MAX_LEADS = 1000
MAX_FEEDS, MAX_SITEMAPS, MAX_CHILD_SITEMAPS = 5, 3, 3


async def audit_source(context: CrawlContext, fetch: FetchUrl, source: Source) -> FeedAudit:
    """Look at both routes, and keep what came of it, with the articles that were missed."""
    now = context.now()
    sitemaps = source.sitemaps or await _load_robots_sitemaps(context, source)
    if not source.feeds or not sitemaps:
        return await _save_failed_audit(context, source, "it has no feed, or no sitemap beside it")
    fed = [await _fetch_index(context, fetch, url, "feed") for url in source.feeds[:MAX_FEEDS]]
    mapped: list[ParsedIndex] = []
    for url in sitemaps[:MAX_SITEMAPS]:
        index = await _fetch_index(context, fetch, url, "sitemap")
        mapped.append(index)
        mapped += [
            await _fetch_index(context, fetch, child, "sitemap") for child in index.child_urls[:MAX_CHILD_SITEMAPS]
        ]
    for route, read in (("feed", fed), ("sitemap", mapped)):
        if not any(index.leads for index in read):
            why = next((index.problem for index in read if index.problem), "it names no article")
            return await _save_failed_audit(context, source, f"its {route} could not be compared: {why}")
    found, missing = compare_routes(source.name, _article_leads(fed), _article_leads(mapped), now)
    return await context.repository.save_audit(found, missing)


def compare_routes(
    source: str, feed_leads: Sequence[Lead], sitemap_leads: Sequence[Lead], now: datetime
) -> tuple[FeedAudit, list[Lead]]:
    """What both routes named of the last days; with the leads that the sitemap alone named.

    The time that is compared begins with the oldest entry of the feed. Of a sitemap only what bears a date of
    publication counts: the date of a change says nothing of when something was new, nor that it is an article.
    """
    end = now - GRACE_PERIOD
    begin = max(now - COMPARED_PERIOD, min((one.published for one in feed_leads if one.published), default=end))

    def within(leads: Iterable[Lead]) -> dict[str, Lead]:
        return {url_key(one.url): one for one in leads if one.published and begin <= one.published <= end}

    by_feed, by_map = within(feed_leads), within(sitemap_leads)
    alone = _exclude(by_map, {url_key(one.url) for one in feed_leads})
    feed_alone = _exclude(by_feed, {url_key(one.url) for one in sitemap_leads})
    shared = len(by_feed.keys() | by_map.keys()) - len(alone) - len(feed_alone)
    found = FeedAudit(
        source=source, audited_at=now, since=begin, in_both=shared, feed_only=len(feed_alone), sitemap_only=len(alone)
    )
    return found, alone


def _exclude(leads_by_key: dict[str, Lead], excluded_keys: Collection[str]) -> list[Lead]:
    return [lead for key, lead in leads_by_key.items() if key not in excluded_keys]


def _article_leads(indexes: Iterable[ParsedIndex]) -> list[Lead]:
    """What they name, less front pages."""
    return [lead for index in indexes for lead in index.leads if urlsplit(lead.url).path not in ("", "/")]


async def _load_robots_sitemaps(context: CrawlContext, source: Source) -> tuple[str, ...]:
    copy = await context.repository.run(polls.load_robots_copy, origin_of(source.home))
    return parse_robots_sitemaps(copy.body) if copy else ()


async def _fetch_index(context: CrawlContext, fetch: FetchUrl, url: str, kind: str) -> ParsedIndex:
    page = await fetch_page(fetch, url)
    if isinstance(page, str):
        return ParsedIndex(kind=kind, problem=page)
    return await context.pool.read_index(page, kind, None, MAX_LEADS, context.now())


async def _save_failed_audit(context: CrawlContext, source: Source, reason: str) -> FeedAudit:
    now = context.now()
    return await context.repository.save_audit(
        FeedAudit(source=source.name, audited_at=now, since=now, reason=reason), []
    )
