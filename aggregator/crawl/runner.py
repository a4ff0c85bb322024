"""Polls: one poll is one crawl of one source, and a runner runs many of them in one loop."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from scrapy.crawler import AsyncCrawlerRunner, Crawler
from scrapy.settings import Settings

from aggregator.config import Config
from aggregator.crawl import settings as crawl_settings
from aggregator.crawl.address_policy import AddressPolicy
from aggregator.crawl.host_limiter import HostLimiter, host_of
from aggregator.crawl.in_flight import InFlight
from aggregator.crawl.index_poll import IndexPoll
from aggregator.crawl.indexes import KnownIndex, list_indexes
from aggregator.crawl.repository import CrawlRepository
from aggregator.crawl.resolver import GuardedResolver, verify_guard
from aggregator.crawl.revisit_round import RevisitOptions, list_index_hosts
from aggregator.crawl.revisit_schedule import CONTINUE_AFTER
from aggregator.crawl.robots import Robots
from aggregator.crawl.single_fetch import FetchUrl, SingleFetchSpider
from aggregator.crawl.source_poll import SourcePoll
from aggregator.crawl.stats import CrawlStats
from aggregator.extraction.pool import ExtractionPool
from aggregator.ingest.ingest import Ingest
from spiders.source import Source
from spiders.spider import SourceSpider
from storage.errors import ArchiveError
from storage.model.crawl import SUCCESSFUL_OUTCOMES, IndexState, NextPoll, Poll

log = logging.getLogger(__name__)

MAX_CONCURRENT_POLLS = 48
WAIT_WHEN_ALL_RETIRED = timedelta(days=1)
DRAIN_SECONDS = 7.0
"""How long a stopped crawl may take to finish what is in flight; then its fetches are given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PollResult:
    """What one poll of one source came to: its rows, the reasons of articles that failed, and when it is due again."""

    source: str
    polls: tuple[Poll, ...]
    counts: Counter[str]
    reasons: tuple[tuple[str, int], ...]
    next_poll_at: datetime
    next_poll_reason: str
    error: str = ""

    @property
    def has_succeeded(self) -> bool:
        """Whether every index of the source was read, or had not changed."""
        return not self.error and all(p.outcome in SUCCESSFUL_OUTCOMES for p in self.polls)

    @property
    def problems(self) -> tuple[str, ...]:
        """Every reason why an index was not read well, and every remark on one that was."""
        return tuple(dict.fromkeys([self.error] * bool(self.error) + [p.reason for p in self.polls if p.reason]))


class PollPlanner(Protocol):
    """Decides when an index is read again, and says why."""

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
    """What all polls of a process share; `poll` is the one way in for every door."""

    def __init__(
        self,
        *,
        config: Config,
        repository: CrawlRepository,
        pool: ExtractionPool,
        guard: GuardedResolver,
        planner: PollPlanner,
        limiter: HostLimiter | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        revisit_options: RevisitOptions | None = None,
    ) -> None:
        self.config, self.repository, self.pool, self.planner, self.now = config, repository, pool, planner, now
        self.revisit_options = revisit_options
        self.guard = verify_guard(guard)
        self.policy: AddressPolicy = guard.policy
        self.limiter = limiter or HostLimiter(now=now)
        self.robots = Robots(repository, self.limiter, now, config.effective_user_agent)
        self.ingest = Ingest(pool)
        self.stats = CrawlStats()
        self.in_flight = InFlight()
        self.stop_requested = asyncio.Event()
        self.fatal_error = ""
        self._runner = AsyncCrawlerRunner(_scrapy_settings(config))
        self._crawlers: set[Crawler] = set()
        self._poll_slots = asyncio.Semaphore(MAX_CONCURRENT_POLLS)

    def abort(self, reason: str) -> None:
        """Stop for a trouble that no source is to blame for, such as a full disk; the first one is remembered."""
        if not self.fatal_error:
            self.fatal_error = reason
            log.info("event=gave-up trouble=%s", reason)
        self.stop_requested.set()

    @property
    def is_stopping(self) -> bool:
        """Whether the runner was asked to stop: nothing new is begun."""
        return self.stop_requested.is_set()

    async def prepare(self, sources: Iterable[Source]) -> None:
        """Learn what the catalogue asks of each host, and which hosts are parked."""
        for source in sources:
            for url, _, _ in source.indexes:
                self.limiter.require_delay(host_of(url), source.delay)
            self.limiter.require_delay(host_of(source.home), source.delay)
        for host, until, reason in await self.repository.load_parked_hosts():
            self.limiter.park(host, until, reason)

    async def park(self, host: str, until: datetime, reason: str) -> None:
        """Leave a host alone until then, in this process and in those to come."""
        self.limiter.park(host, until, reason)
        await self.repository.park_host(host, until, reason)

    async def poll(self, source: Source, *, only_due: bool = False) -> PollResult:
        """Poll one source: read its indexes, fetch its leads, leave its rows and its next time.

        With `only_due` it asks for those indexes alone whose time has come.
        """
        started = self.now()
        memory = {endpoint.url: endpoint for endpoint in await self.repository.load_endpoints(source.name)}
        await self.repository.load_boilerplate(source.name)
        appointments = {one.url: one for one in await self.repository.load_next_polls(source.name)}
        visit = SourcePoll(
            source=source,
            context=self,
            endpoints=memory,
            started_at=started,
            next_polls=appointments,
            only_due=only_due,
        )
        crawler = self._runner.create_crawler(SourceSpider)
        self._crawlers.add(crawler)
        self.stats.running.add(source.name)
        try:
            await self._runner.crawl(crawler, source=source, poll=visit, context=self)
            error = visit.fatal_error or _find_crawl_error(crawler, self.is_stopping)
        finally:
            self._crawlers.discard(crawler)
            self.stats.running.discard(source.name)
            await visit.close()
        result = await self._close_poll(source, visit, error)
        self.stats.polled += 1
        log.info("polled source=%s outcome=%s", source.name, ",".join(p.outcome for p in result.polls) or result.error)
        return result

    async def run_single_fetch(self, source: Source, work: Callable[[FetchUrl], Awaitable[None]]) -> None:
        """Run a coroutine that fetches on a source's behalf, as politely as a poll; nothing is kept.

        Raises what the coroutine raises: Scrapy itself only logs what happens inside a spider.
        """
        failed: list[Exception] = []

        async def watched(fetch: FetchUrl) -> None:
            try:
                await work(fetch)
            except Exception as error:
                failed.append(error)

        crawler = self._runner.create_crawler(SingleFetchSpider)
        self._crawlers.add(crawler)
        try:
            async with self._poll_slots:
                await self._runner.crawl(crawler, source=source, context=self, work=watched)
        finally:
            self._crawlers.discard(crawler)
        if failed:
            raise failed[0]

    async def _close_poll(self, source: Source, source_poll: SourcePoll, error: str) -> PollResult:
        """Write down what the poll came to, and when its indexes and the source are asked next."""
        polls, now = tuple(source_poll.poll_rows()), self.now()
        made = {
            poll.endpoint: self._plan_index(source, source_poll, poll, now)
            for poll in source_poll.list_answered_polls()
        }
        places = list_indexes(source, source_poll.endpoints)
        planned = (now, "the crawl was stopped")
        if not self.is_stopping:
            planned = _earliest_poll(places, source_poll.next_polls, made, now)
        go_on = source_poll.counts["fetches"] > 0 and not source_poll.closed_hosts
        look_on = list_index_hosts(source) if source.revisit and not source_poll.closed_hosts else None
        next_at, reason = await self.repository.close_poll(
            source.name, polls, list(made.values()), planned, has_progress=go_on, revisit_hosts=look_on
        )
        reasons = source_poll.reasons + Counter(source_poll.closed_hosts.values())
        return PollResult(
            source=source.name,
            polls=polls,
            counts=source_poll.counts,
            reasons=tuple(reasons.most_common(5)),
            next_poll_at=next_at,
            next_poll_reason=reason,
            error=error,
        )

    def _plan_index(self, source: Source, source_poll: SourcePoll, poll: IndexPoll, now: datetime) -> NextPoll:
        parking = self.limiter.find_parking(host_of(poll.endpoint))
        before = source_poll.next_polls.get(poll.endpoint)
        return self.planner(source, before, poll, parked_until=parking.until if parking else None, now=now)

    def _failed_result(self, source: Source, reason: str) -> PollResult:
        return PollResult(
            source=source.name,
            polls=(),
            counts=Counter(),
            reasons=(),
            next_poll_at=self.now(),
            next_poll_reason=reason,
            error=reason,
        )

    async def poll_all(
        self, sources: Iterable[Source], report: Callable[[PollResult], None], *, only_due: bool = False
    ) -> list[PollResult]:
        """Poll many sources, some at once; a source that fails never stops another."""

        async def one(source: Source) -> PollResult | None:
            async with self._poll_slots:
                if self.is_stopping:
                    return None
                try:
                    result = await self.poll(source, only_due=only_due)
                except ArchiveError as error:
                    self.abort(str(error))
                    result = self._failed_result(source, str(error))
                except Exception as error:  # around one source, which costs no other
                    log.exception("event=poll-broken source=%s", source.name)
                    words = f"internal error: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
                    result = self._failed_result(source, words)
                report(result)
                return result

        sources = list(sources)
        self.stats.sources += len(sources)
        done = await asyncio.gather(*(one(source) for source in sources))
        return [result for result in done if result is not None]

    async def stop(self, drain: float = DRAIN_SECONDS) -> None:
        """Take no new work, give what is in flight `drain` seconds, then end every crawl; nothing is lost."""
        self.stop_requested.set()
        deadline = asyncio.get_running_loop().time() + drain
        while self._crawlers and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.05)  # each crawl ends in its own time: there is no one event to wait for
        self.in_flight.cancel_all()
        await asyncio.gather(*(crawler.stop_async() for crawler in self._crawlers))


def _earliest_poll(
    indexes: Iterable[KnownIndex],
    previous: Mapping[str, NextPoll],
    planned_polls: Mapping[str, NextPoll],
    now: datetime,
) -> tuple[datetime, str]:
    """When the first of a source's indexes is asked again.

    One that this poll had no room for, or could not ask, waits a minute at least.
    """
    planned = []
    for place in indexes:
        kept = planned_polls.get(place.url) or previous.get(place.url)
        if kept is None:
            planned.append((now + CONTINUE_AFTER, "an index was not asked yet"))
        elif kept.state != IndexState.RETIRED:
            planned.append(
                (kept.next_at if place.url in planned_polls else max(kept.next_at, now + CONTINUE_AFTER), kept.reason)
            )
    return min(planned, default=(now + WAIT_WHEN_ALL_RETIRED, "none of its indexes is polled any more"))


def _find_crawl_error(crawler: Crawler, is_stopping: bool) -> str:
    """Why a crawl did not end as it should, or an empty string."""
    stats = crawler.stats.get_stats() if crawler.stats else {}
    broken = [
        key.rpartition("/")[2] for key in stats if key.startswith("spider_exceptions/") and not key.endswith("/count")
    ]
    if broken:
        return f"internal error: {', '.join(broken)}"
    reason = stats.get("finish_reason")
    return "" if reason == "finished" or is_stopping else f"the crawl ended early: {reason}"


def _scrapy_settings(config: Config) -> Settings:
    values = {name: value for name, value in vars(crawl_settings).items() if name.isupper()}
    return Settings({**values, "USER_AGENT": config.effective_user_agent})


def run_in_reactor(main: Callable[[], Awaitable[int]]) -> int:
    """Run a coroutine on the asyncio reactor, from start to end, and return what it returned.

    Until the coroutine handles SIGINT itself, one cancels it, and KeyboardInterrupt is raised when it has ended.
    """
    from twisted.internet import asyncioreactor

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    asyncioreactor.install(loop)
    from twisted.internet import reactor as installed

    reactor: Any = installed  # its interface is not what it is
    outcome: list[Any] = []

    async def body() -> None:
        try:
            outcome.append(await main())
        except asyncio.CancelledError:
            outcome.append(KeyboardInterrupt())
        except BaseException as error:  # carried out of the reactor, and raised there
            outcome.append(error)
        finally:
            reactor.stop()

    tasks: list[asyncio.Task[None]] = []
    reactor.callWhenRunning(lambda: tasks.append(loop.create_task(body())))
    loop.add_signal_handler(signal.SIGINT, lambda: [task.cancel() for task in tasks])
    reactor.run(installSignalHandlers=False)
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return int(outcome[0])
