"""A second route to a source's articles: what its sitemap names and its feed does not, and the other way."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aggregator.crawl.robots import origin_of
from aggregator.crawl.single_fetch import Fetch, page_at
from spiders.discover import sitemaps_of_robots
from spiders.source import Source
from storage.crawl.audits import Audit
from storage.identity import url_key
from storage.model.page import Index, Lead

if TYPE_CHECKING:
    from aggregator.crawl.runner import Crew
import asyncio

from aggregator.crawl.runner import Crew

WINDOW = timedelta(days=7)
SETTLES = timedelta(hours=2)
"""What is younger may be on its way into the other route."""
MAX_LEADS = 1000
MOST_FEEDS, MOST_SITEMAPS, MOST_CHILDREN = 5, 3, 3


async def audit(crew: Crew, fetch: Fetch, source: Source) -> Audit:
    """Look at both routes, and keep what came of it, with the articles that were missed."""
    now = crew.now()
    sitemaps = source.sitemaps or await _named_by_robots(crew, source)
    if not source.feeds or not sitemaps:
        return await _nothing(crew, source, "it has no feed, or no sitemap beside it")
    fed = [await _read(crew, fetch, url, "feed") for url in source.feeds[:MOST_FEEDS]]
    mapped: list[Index] = []
    for url in sitemaps[:MOST_SITEMAPS]:
        index = await _read(crew, fetch, url, "sitemap")
        mapped.append(index)
        mapped += [await _read(crew, fetch, child, "sitemap") for child in index.more[:MOST_CHILDREN]]
    for route, read in (("feed", fed), ("sitemap", mapped)):
        if not any(index.leads for index in read):
            why = next((index.problem for index in read if index.problem), "it names no article")
            return await _nothing(crew, source, f"its {route} could not be compared: {why}")
    found, missing = compared(source.name, _leads(fed), _leads(mapped), now)
    return await crew.desk.keep_audit(found, missing)


def compared(source: str, fed: Sequence[Lead], mapped: Sequence[Lead], now: datetime) -> tuple[Audit, list[Lead]]:
    """What both routes named of the last days; with the leads that the sitemap alone named.

    The time that is compared begins with the oldest entry of the feed. Of a sitemap only what bears a date of
    publication counts: the date of a change says nothing of when something was new, nor that it is an article.
    """
    end = now - SETTLES
    begin = max(now - WINDOW, min((one.published for one in fed if one.published), default=end))

    def within(leads: Iterable[Lead]) -> dict[str, Lead]:
        return {url_key(one.url): one for one in leads if one.published and begin <= one.published <= end}

    by_feed, by_map = within(fed), within(mapped)
    alone = _without(by_map, {url_key(one.url) for one in fed})
    feed_alone = _without(by_feed, {url_key(one.url) for one in mapped})
    shared = len(by_feed.keys() | by_map.keys()) - len(alone) - len(feed_alone)
    found = Audit(
        source=source, at=now, begin_at=begin, shared=shared, feed_alone=len(feed_alone), sitemap_alone=len(alone)
    )
    return found, alone


def _without(named: dict[str, Lead], others: Collection[str]) -> list[Lead]:
    return [lead for key, lead in named.items() if key not in others]


def _leads(read: Iterable[Index]) -> list[Lead]:
    """What they name, less front pages."""
    return [lead for index in read for lead in index.leads if urlsplit(lead.url).path not in ("", "/")]


async def _named_by_robots(crew: Crew, source: Source) -> tuple[str, ...]:
    copy = await crew.desk.robots_copy(origin_of(source.home))
    return sitemaps_of_robots(copy.body) if copy else ()


async def _read(crew: Crew, fetch: Fetch, url: str, kind: str) -> Index:
    page = await page_at(fetch, url)
    if isinstance(page, str):
        return Index(kind=kind, problem=page)
    return await crew.pool.read_index(page, kind, None, MAX_LEADS, crew.now())


async def _nothing(crew: Crew, source: Source, reason: str) -> Audit:
    now = crew.now()
    return await crew.desk.keep_audit(Audit(source=source.name, at=now, begin_at=now, reason=reason), [])


EVERY = timedelta(days=1)
LOOK_SECONDS = 600.0
AT_ONCE = 4


async def audit_some(crew: Crew, sources: Sequence[Source]) -> list[str]:
    """Audit the sources that were not for a day, as many as there is room for; returns their names."""
    known, now = await crew.desk.audits(), crew.now()
    due = [one for one in sources if one.name not in known or known[one.name].at <= now - EVERY]
    due.sort(key=lambda one: known[one.name].at if one.name in known else now - 2 * EVERY)
    chosen = due[: max(AT_ONCE, len(sources) * int(LOOK_SECONDS) // 86_400 + 1)]

    async def look(source: Source) -> None:
        async def work(fetch: Fetch) -> None:
            await audit(crew, fetch, source)

        if not crew.stopping:
            await crew.errand(source, work)

    for begin in range(0, len(chosen), AT_ONCE):
        await asyncio.gather(*(look(source) for source in chosen[begin : begin + AT_ONCE]))
    return [one.name for one in chosen]
