"""State shared by all polls of a process: configuration, archive access, worker pool, rate limiter and robots.txt."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from aggregator.config import Config
from aggregator.crawl.address_policy import AddressPolicy
from aggregator.crawl.host_limiter import HostLimiter, host_of
from aggregator.crawl.in_flight import InFlight
from aggregator.crawl.repository import CrawlRepository
from aggregator.crawl.resolver import GuardedResolver, verify_guard
from aggregator.crawl.robots import Robots
from aggregator.crawl.stats import CrawlStats
from aggregator.extraction.pool import ExtractionPool
from aggregator.ingest.ingest import Ingest
from spiders.source import Source
from storage.crawl import polls

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RevisitOptions:
    """Options of a poll that revisits every stored article; `confirm_now` requests a missing page twice at once."""

    confirm_now: bool = False


class CrawlContext:
    """State shared by all polls of a process.

    Raises RuntimeError if the reactor does not resolve host names through `guard`.
    """

    def __init__(
        self,
        *,
        config: Config,
        repository: CrawlRepository,
        pool: ExtractionPool,
        guard: GuardedResolver,
        limiter: HostLimiter | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        revisit_options: RevisitOptions | None = None,
    ) -> None:
        self.config, self.repository, self.pool, self.now = config, repository, pool, now
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

    @property
    def is_stopping(self) -> bool:
        """True after a stop was requested: nothing new is started."""
        return self.stop_requested.is_set()

    def abort(self, reason: str) -> None:
        """Request a stop because of a failure that concerns all sources, such as a full disk; keep the first reason."""
        if not self.fatal_error:
            self.fatal_error = reason
            log.info("event=crawl-aborted reason=%s", reason)
        self.stop_requested.set()

    def stores_pages(self, source: Source) -> bool:
        """Return whether the fetched pages of a source are written to WARC files."""
        return self.config.keeps_pages and source.keep_pages > 0

    async def prepare(self, sources: Iterable[Source]) -> None:
        """Apply the delays of the catalogue and the stored parkings to the rate limiter."""
        for source in sources:
            for url, _, _ in source.indexes:
                self.limiter.require_delay(host_of(url), source.delay)
            self.limiter.require_delay(host_of(source.home), source.delay)
        for host, until, reason in await self.repository.run(polls.load_parked_hosts, self.now()):
            self.limiter.park(host, until, reason)

    async def park(self, host: str, until: datetime, reason: str) -> None:
        """Send no request to a host before `until`, in this process and in later ones."""
        self.limiter.park(host, until, reason)
        await self.repository.run(polls.park_host, host, until, reason)
