"""Compare a source's feeds with its sitemaps."""

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
"""Newer articles are not compared: one index may list them later than the other."""
MAX_LEADS = 1000
MAX_FEEDS, MAX_SITEMAPS, MAX_CHILD_SITEMAPS = 5, 3, 3


async def audit_source(context: CrawlContext, fetch: FetchUrl, source: Source) -> FeedAudit:
    """Compare a source's feeds and sitemaps; store the audit and the articles that only the sitemaps name."""
    now = context.now()
    sitemaps = source.sitemaps or await _load_robots_sitemaps(context, source)
    if not source.feeds or not sitemaps:
        return await _save_failed_audit(context, source, "it has no feed, or no sitemap to compare it with")
    feed_indexes = [await _fetch_index(context, fetch, url, "feed") for url in source.feeds[:MAX_FEEDS]]
    sitemap_indexes: list[ParsedIndex] = []
    for url in sitemaps[:MAX_SITEMAPS]:
        index = await _fetch_index(context, fetch, url, "sitemap")
        sitemap_indexes.append(index)
        sitemap_indexes += [
            await _fetch_index(context, fetch, child, "sitemap") for child in index.child_urls[:MAX_CHILD_SITEMAPS]
        ]
    for kind, indexes in (("feed", feed_indexes), ("sitemap", sitemap_indexes)):
        if not any(index.leads for index in indexes):
            problem = next((index.problem for index in indexes if index.problem), "it names no article")
            return await _save_failed_audit(context, source, f"its {kind} could not be compared: {problem}")
    feed_leads, sitemap_leads = _article_leads(feed_indexes), _article_leads(sitemap_indexes)
    audit, missing = compare_routes(source.name, feed_leads, sitemap_leads, now)
    return await context.repository.save_audit(audit, missing)


def compare_routes(
    source: str, feed_leads: Sequence[Lead], sitemap_leads: Sequence[Lead], now: datetime
) -> tuple[FeedAudit, list[Lead]]:
    """Return the audit, and the leads that only the sitemaps name.

    The compared period begins with the oldest entry of the feeds, at most seven days ago. Only entries with a
    publication time count: the time of a change in a sitemap says neither when a page was new nor that it is an
    article.
    """
    end = now - GRACE_PERIOD
    begin = max(now - COMPARED_PERIOD, min((lead.published for lead in feed_leads if lead.published), default=end))

    def select_period(leads: Iterable[Lead]) -> dict[str, Lead]:
        return {url_key(lead.url): lead for lead in leads if lead.published and begin <= lead.published <= end}

    in_feed, in_sitemap = select_period(feed_leads), select_period(sitemap_leads)
    sitemap_only = _exclude(in_sitemap, {url_key(lead.url) for lead in feed_leads})
    feed_only = _exclude(in_feed, {url_key(lead.url) for lead in sitemap_leads})
    in_both = len(in_feed.keys() | in_sitemap.keys()) - len(sitemap_only) - len(feed_only)
    audit = FeedAudit(
        source=source,
        audited_at=now,
        since=begin,
        in_both=in_both,
        feed_only=len(feed_only),
        sitemap_only=len(sitemap_only),
    )
    return audit, sitemap_only


def _exclude(leads_by_key: dict[str, Lead], excluded_keys: Collection[str]) -> list[Lead]:
    return [lead for key, lead in leads_by_key.items() if key not in excluded_keys]


def _article_leads(indexes: Iterable[ParsedIndex]) -> list[Lead]:
    """Return the leads of the indexes without front pages."""
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
