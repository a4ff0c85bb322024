"""Run polls; each is one Scrapy crawl of one source, and many run in one event loop."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from scrapy.crawler import AsyncCrawlerRunner, Crawler
from scrapy.settings import Settings

from aggregator.config import Config
from aggregator.crawl import settings as crawl_settings
from aggregator.crawl.context import CrawlContext
from aggregator.crawl.host_limiter import host_of
from aggregator.crawl.index_response import IndexPoll
from aggregator.crawl.indexes import KnownIndex, list_indexes
from aggregator.crawl.revisit_round import list_index_hosts
from aggregator.crawl.revisit_schedule import CONTINUE_AFTER
from aggregator.crawl.single_fetch import FetchUrl, SingleFetchSpider
from aggregator.crawl.source_poll import SourcePoll
from spiders.source import Source
from spiders.spider import SourceSpider
from storage.crawl import polls as poll_store
from storage.errors import ArchiveError
from storage.model.crawl import SUCCESSFUL_OUTCOMES, IndexState, NextPoll, Poll

log = logging.getLogger(__name__)

MAX_CONCURRENT_POLLS = 48
WAIT_WHEN_ALL_RETIRED = timedelta(days=1)
DRAIN_SECONDS = 7.0
"""Seconds that a stopped crawl may take to finish the fetches in flight before they are cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PollResult:
    """Result of one poll of one source: its rows, the most frequent reasons of failed articles, and the next poll."""

    source: str
    polls: tuple[Poll, ...]
    counts: Counter[str]
    reasons: tuple[tuple[str, int], ...]
    next_poll_at: datetime
    next_poll_reason: str
    error: str = ""

    @property
    def has_succeeded(self) -> bool:
        """True if every index of the source was read or unmodified."""
        return not self.error and all(poll.outcome in SUCCESSFUL_OUTCOMES for poll in self.polls)

    @property
    def problems(self) -> tuple[str, ...]:
        """The error of the poll, and the reasons and remarks of its indexes, without duplicates."""
        return tuple(
            dict.fromkeys([self.error] * bool(self.error) + [poll.reason for poll in self.polls if poll.reason])
        )


class PollPlanner(Protocol):
    """Decides when an index is polled next, with the reason."""

    def __call__(
        self,
        source: Source,
        previous: NextPoll | None,
        poll: IndexPoll,
        *,
        parked_until: datetime | None,
        now: datetime,
    ) -> NextPoll: ...


class CrawlRunner:
    """Runs polls and single fetches on the shared state of a process."""

    def __init__(self, context: CrawlContext, planner: PollPlanner) -> None:
        self.context, self.planner = context, planner
        self._scrapy = AsyncCrawlerRunner(_scrapy_settings(context.config))
        self._crawlers: set[Crawler] = set()
        self._poll_slots = asyncio.Semaphore(MAX_CONCURRENT_POLLS)

    async def poll(self, source: Source, *, only_due: bool = False) -> PollResult:
        """Poll one source: read its indexes, fetch its leads, store the results and schedule the next poll.

        With `only_due` only the due indexes are read.
        """
        context, name = self.context, source.name
        started = context.now()
        endpoints = await context.repository.run(poll_store.load_endpoints, name)
        await context.repository.load_boilerplate(name)
        next_polls = await context.repository.run(poll_store.load_next_polls, name)
        source_poll = SourcePoll(
            source=source,
            context=context,
            endpoints={endpoint.url: endpoint for endpoint in endpoints},
            started_at=started,
            next_polls={next_poll.url: next_poll for next_poll in next_polls},
            only_due=only_due,
        )
        crawler = self._scrapy.create_crawler(SourceSpider)
        self._crawlers.add(crawler)
        context.stats.running.add(name)
        try:
            await self._scrapy.crawl(crawler, source=source, poll=source_poll, context=context)
            error = source_poll.fatal_error or _find_crawl_error(crawler, context.is_stopping)
        finally:
            self._crawlers.discard(crawler)
            context.stats.running.discard(name)
            await source_poll.close()
        result = await self._close_poll(source, source_poll, error)
        context.stats.polled += 1
        log.info("polled source=%s outcome=%s", name, ",".join(p.outcome for p in result.polls) or result.error)
        return result

    async def run_single_fetch(self, source: Source, work: Callable[[FetchUrl], Awaitable[None]]) -> None:
        """Run a coroutine that fetches URLs of a source with the politeness of a poll; nothing is stored.

        Raises what the coroutine raises; Scrapy would only log it.
        """
        errors: list[Exception] = []

        async def guarded(fetch: FetchUrl) -> None:
            try:
                await work(fetch)
            except Exception as error:
                errors.append(error)

        crawler = self._scrapy.create_crawler(SingleFetchSpider)
        self._crawlers.add(crawler)
        try:
            async with self._poll_slots:
                await self._scrapy.crawl(crawler, source=source, context=self.context, work=guarded)
        finally:
            self._crawlers.discard(crawler)
        if errors:
            raise errors[0]

    async def _close_poll(self, source: Source, source_poll: SourcePoll, error: str) -> PollResult:
        """Store the poll's results, and schedule the next polls of its indexes and of the source."""
        polls, counts, now = tuple(source_poll.poll_rows()), source_poll.counts, self.context.now()
        planned_polls = {
            poll.endpoint: self._plan_index(source, source_poll, poll, now)
            for poll in source_poll.list_answered_polls()
        }
        indexes = list_indexes(source, source_poll.endpoints)
        planned = (now, "the crawl was stopped")
        if not self.context.is_stopping:
            planned = _earliest_poll(indexes, source_poll.next_polls, planned_polls, now)
        next_at, reason = await self.context.repository.close_poll(
            source.name,
            polls,
            list(planned_polls.values()),
            planned,
            has_progress=counts.outcomes["fetches"] > 0 and not counts.closed_hosts,
            revisit_hosts=list_index_hosts(source) if source.revisit and not counts.closed_hosts else None,
        )
        reasons = counts.reasons + Counter(counts.closed_hosts.values())
        return PollResult(
            source=source.name,
            polls=polls,
            counts=counts.outcomes,
            reasons=tuple(reasons.most_common(5)),
            next_poll_at=next_at,
            next_poll_reason=reason,
            error=error,
        )

    def _plan_index(self, source: Source, source_poll: SourcePoll, poll: IndexPoll, now: datetime) -> NextPoll:
        parking = self.context.limiter.find_parking(host_of(poll.endpoint))
        previous = source_poll.next_polls.get(poll.endpoint)
        return self.planner(source, previous, poll, parked_until=parking.until if parking else None, now=now)

    def _failed_result(self, source: Source, reason: str) -> PollResult:
        return PollResult(
            source=source.name,
            polls=(),
            counts=Counter(),
            reasons=(),
            next_poll_at=self.context.now(),
            next_poll_reason=reason,
            error=reason,
        )

    async def poll_all(
        self, sources: Iterable[Source], report: Callable[[PollResult], None], *, only_due: bool = False
    ) -> list[PollResult]:
        """Poll sources, up to MAX_CONCURRENT_POLLS at once; a source that fails affects no other."""

        async def poll_source(source: Source) -> PollResult | None:
            async with self._poll_slots:
                if self.context.is_stopping:
                    return None
                try:
                    result = await self.poll(source, only_due=only_due)
                except ArchiveError as error:
                    self.context.abort(str(error))
                    result = self._failed_result(source, str(error))
                except Exception as error:  # around one source: an error must not affect other sources
                    log.exception("event=poll-broken source=%s", source.name)
                    reason = f"internal error: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
                    result = self._failed_result(source, reason)
                report(result)
                return result

        sources = list(sources)
        self.context.stats.sources += len(sources)
        results = await asyncio.gather(*(poll_source(source) for source in sources))
        return [result for result in results if result is not None]

    async def stop(self, drain: float = DRAIN_SECONDS) -> None:
        """Start nothing new, wait up to `drain` seconds for the fetches in flight, then end every crawl.

        Leads without an end state are released, so nothing is lost.
        """
        self.context.stop_requested.set()
        deadline = asyncio.get_running_loop().time() + drain
        while self._crawlers and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.05)  # each crawl ends on its own: there is no single event to wait for
        self.context.in_flight.cancel_all()
        await asyncio.gather(*(crawler.stop_async() for crawler in self._crawlers))


def _earliest_poll(
    indexes: Iterable[KnownIndex],
    previous: Mapping[str, NextPoll],
    planned_polls: Mapping[str, NextPoll],
    now: datetime,
) -> tuple[datetime, str]:
    """Return the time of the first next poll among a source's indexes, with the reason.

    An index that this poll did not request waits for at least a minute.
    """
    times = []
    for index in indexes:
        next_poll = planned_polls.get(index.url) or previous.get(index.url)
        if next_poll is None:
            times.append((now + CONTINUE_AFTER, "an index was not polled yet"))
        elif next_poll.state != IndexState.RETIRED:
            is_planned = index.url in planned_polls
            at = next_poll.next_at if is_planned else max(next_poll.next_at, now + CONTINUE_AFTER)
            times.append((at, next_poll.reason))
    return min(times, default=(now + WAIT_WHEN_ALL_RETIRED, "none of its indexes is polled any more"))


def _find_crawl_error(crawler: Crawler, is_stopping: bool) -> str:
    """Return why a crawl ended early, or an empty string."""
    stats = crawler.stats.get_stats() if crawler.stats else {}
    exceptions = [
        key.rpartition("/")[2] for key in stats if key.startswith("spider_exceptions/") and not key.endswith("/count")
    ]
    if exceptions:
        return f"internal error: {', '.join(exceptions)}"
    reason = stats.get("finish_reason")
    return "" if reason == "finished" or is_stopping else f"the crawl ended early: {reason}"


def _scrapy_settings(config: Config) -> Settings:
    values = {name: value for name, value in vars(crawl_settings).items() if name.isupper()}
    return Settings({**values, "USER_AGENT": config.effective_user_agent})
