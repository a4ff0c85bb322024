"""Polls: one poll is one crawl of one source, and a crew runs many of them in one loop."""

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
from aggregator.crawl.host_limiter import HostGate, host_of
from aggregator.crawl.in_flight import Flight
from aggregator.crawl.index_poll import IndexPoll
from aggregator.crawl.indexes import Place, known_indexes
from aggregator.crawl.repository import Desk
from aggregator.crawl.resolver import GuardedResolver, checked_guard
from aggregator.crawl.revisit_round import Revisiting, index_hosts
from aggregator.crawl.revisit_schedule import GO_ON
from aggregator.crawl.robots import Robots
from aggregator.crawl.single_fetch import ErrandSpider, Fetch
from aggregator.crawl.source_poll import SourceVisit
from aggregator.crawl.stats import Tally
from aggregator.extraction.pool import ReaderPool
from aggregator.ingest.ingest import Ingest
from spiders.source import Source
from spiders.spider import SourceSpider
from storage.errors import ArchiveError
from storage.model.crawl import WELL, Appointment, Poll, Standing

log = logging.getLogger(__name__)

POLLS_AT_ONCE = 48
NOTHING_LEFT = timedelta(days=1)
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
    next_reason: str
    error: str = ""

    @property
    def is_polled(self) -> bool:
        """Whether every index of the source was read, or had not changed."""
        return not self.error and all(p.outcome in WELL for p in self.polls)

    @property
    def problems(self) -> tuple[str, ...]:
        """Every reason why an index was not read well, and every remark on one that was."""
        return tuple(dict.fromkeys([self.error] * bool(self.error) + [p.reason for p in self.polls if p.reason]))


class Plan(Protocol):
    """Decides when an index is read again, and says why."""

    def __call__(
        self,
        source: Source,
        before: Appointment | None,
        poll: IndexPoll,
        *,
        parked_until: datetime | None,
        now: datetime,
    ) -> Appointment: ...


class Crew:
    """What all polls of a process share; `poll` is the one way in for every door."""

    def __init__(
        self,
        *,
        config: Config,
        desk: Desk,
        pool: ReaderPool,
        guard: GuardedResolver,
        plan: Plan,
        gate: HostGate | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        again: Revisiting | None = None,
    ) -> None:
        self.config, self.desk, self.pool, self.plan, self.now = config, desk, pool, plan, now
        self.again = again
        self.guard = checked_guard(guard)
        self.policy: AddressPolicy = guard.policy
        self.gate = gate or HostGate(now=now)
        self.robots = Robots(desk, self.gate, now, config.agent)
        self.ingest = Ingest(pool)
        self.tally = Tally()
        self.flight = Flight()
        self.stop_asked = asyncio.Event()
        self.trouble = ""
        self._runner = AsyncCrawlerRunner(_settings(config))
        self._crawlers: set[Crawler] = set()
        self._places = asyncio.Semaphore(POLLS_AT_ONCE)

    def give_up(self, trouble: str) -> None:
        """Stop for a trouble that no source is to blame for, such as a full disk; the first one is remembered."""
        if not self.trouble:
            self.trouble = trouble
            log.info("event=gave-up trouble=%s", trouble)
        self.stop_asked.set()

    @property
    def stopping(self) -> bool:
        """Whether the crew was asked to stop: nothing new is begun."""
        return self.stop_asked.is_set()

    async def prepare(self, sources: Iterable[Source]) -> None:
        """Learn what the catalogue asks of each host, and which hosts are parked."""
        for source in sources:
            for url, _, _ in source.indexes:
                self.gate.ask(host_of(url), source.delay)
            self.gate.ask(host_of(source.home), source.delay)
        for host, until, reason in await self.desk.parked():
            self.gate.park(host, until, reason)

    async def park(self, host: str, until: datetime, reason: str) -> None:
        """Leave a host alone until then, in this process and in those to come."""
        self.gate.park(host, until, reason)
        await self.desk.park(host, until, reason)

    async def poll(self, source: Source, *, only_due: bool = False) -> PollResult:
        """Poll one source: read its indexes, fetch its leads, leave its rows and its next time.

        With `only_due` it asks for those indexes alone whose time has come.
        """
        started = self.now()
        memory = {endpoint.url: endpoint for endpoint in await self.desk.endpoints(source.name)}
        await self.desk.learn(source.name)
        appointments = {one.url: one for one in await self.desk.appointments(source.name)}
        visit = SourceVisit(
            source=source, crew=self, memory=memory, started_at=started, appointments=appointments, only_due=only_due
        )
        crawler = self._runner.create_crawler(SourceSpider)
        self._crawlers.add(crawler)
        self.tally.running.add(source.name)
        try:
            await self._runner.crawl(crawler, source=source, visit=visit, crew=self)
            error = visit.trouble or _crawl_error(crawler, self.stopping)
        finally:
            self._crawlers.discard(crawler)
            self.tally.running.discard(source.name)
            await visit.close()
        result = await self._closed(source, visit, error)
        self.tally.done += 1
        log.info("polled source=%s outcome=%s", source.name, ",".join(p.outcome for p in result.polls) or result.error)
        return result

    async def errand(self, source: Source, work: Callable[[Fetch], Awaitable[None]]) -> None:
        """Run a coroutine that fetches on a source's behalf, as politely as a poll; nothing is kept.

        Raises what the coroutine raises: Scrapy itself only logs what happens inside a spider.
        """
        failed: list[Exception] = []

        async def watched(fetch: Fetch) -> None:
            try:
                await work(fetch)
            except Exception as error:
                failed.append(error)

        crawler = self._runner.create_crawler(ErrandSpider)
        self._crawlers.add(crawler)
        try:
            async with self._places:
                await self._runner.crawl(crawler, source=source, crew=self, work=watched)
        finally:
            self._crawlers.discard(crawler)
        if failed:
            raise failed[0]

    async def _closed(self, source: Source, visit: SourceVisit, error: str) -> PollResult:
        """Write down what the poll came to, and when its indexes and the source are asked next."""
        polls, now = tuple(visit.rows()), self.now()
        made = {poll.endpoint: self._appointment(source, visit, poll, now) for poll in visit.asked_and_answered()}
        places = known_indexes(source, visit.memory)
        planned = (now, "the crawl was stopped")
        if not self.stopping:
            planned = _first_of(places, visit.appointments, made, now)
        go_on = visit.counts["fetches"] > 0 and not visit.closed_hosts
        look_on = index_hosts(source) if source.revisit and not visit.closed_hosts else None
        next_at, reason = await self.desk.close_poll(
            source.name, polls, list(made.values()), planned, go_on=go_on, look_on=look_on
        )
        reasons = visit.reasons + Counter(visit.closed_hosts.values())
        return PollResult(
            source=source.name,
            polls=polls,
            counts=visit.counts,
            reasons=tuple(reasons.most_common(5)),
            next_poll_at=next_at,
            next_reason=reason,
            error=error,
        )

    def _appointment(self, source: Source, visit: SourceVisit, poll: IndexPoll, now: datetime) -> Appointment:
        parking = self.gate.parked(host_of(poll.endpoint))
        before = visit.appointments.get(poll.endpoint)
        return self.plan(source, before, poll, parked_until=parking.until if parking else None, now=now)

    def _broken(self, source: Source, words: str) -> PollResult:
        return PollResult(
            source=source.name,
            polls=(),
            counts=Counter(),
            reasons=(),
            next_poll_at=self.now(),
            next_reason=words,
            error=words,
        )

    async def poll_all(
        self, sources: Iterable[Source], report: Callable[[PollResult], None], *, only_due: bool = False
    ) -> list[PollResult]:
        """Poll many sources, some at once; a source that fails never stops another."""

        async def one(source: Source) -> PollResult | None:
            async with self._places:
                if self.stopping:
                    return None
                try:
                    result = await self.poll(source, only_due=only_due)
                except ArchiveError as error:
                    self.give_up(str(error))
                    result = self._broken(source, str(error))
                except Exception as error:  # around one source, which costs no other
                    log.exception("event=poll-broken source=%s", source.name)
                    words = f"internal error: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
                    result = self._broken(source, words)
                report(result)
                return result

        sources = list(sources)
        self.tally.sources += len(sources)
        done = await asyncio.gather(*(one(source) for source in sources))
        return [result for result in done if result is not None]

    async def stop(self, drain: float = DRAIN_SECONDS) -> None:
        """Take no new work, give what is in flight `drain` seconds, then end every crawl; nothing is lost."""
        self.stop_asked.set()
        deadline = asyncio.get_running_loop().time() + drain
        while self._crawlers and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.05)  # each crawl ends in its own time: there is no one event to wait for
        self.flight.give_up()
        await asyncio.gather(*(crawler.stop_async() for crawler in self._crawlers))


def _first_of(
    places: Iterable[Place], before: Mapping[str, Appointment], made: Mapping[str, Appointment], now: datetime
) -> tuple[datetime, str]:
    """When the first of a source's indexes is asked again.

    One that this poll had no room for, or could not ask, waits a minute at least.
    """
    planned = []
    for place in places:
        kept = made.get(place.url) or before.get(place.url)
        if kept is None:
            planned.append((now + GO_ON, "an index was not asked yet"))
        elif kept.state != Standing.RETIRED:
            planned.append((kept.next_at if place.url in made else max(kept.next_at, now + GO_ON), kept.reason))
    return min(planned, default=(now + NOTHING_LEFT, "none of its indexes is polled any more"))


def _crawl_error(crawler: Crawler, stopping: bool) -> str:
    """Why a crawl did not end as it should, or an empty string."""
    stats = crawler.stats.get_stats() if crawler.stats else {}
    broken = [
        key.rpartition("/")[2] for key in stats if key.startswith("spider_exceptions/") and not key.endswith("/count")
    ]
    if broken:
        return f"internal error: {', '.join(broken)}"
    reason = stats.get("finish_reason")
    return "" if reason == "finished" or stopping else f"the crawl ended early: {reason}"


def _settings(config: Config) -> Settings:
    values = {name: value for name, value in vars(crawl_settings).items() if name.isupper()}
    return Settings({**values, "USER_AGENT": config.agent})


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
