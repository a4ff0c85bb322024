"""The clock: an in-memory tick asks the database what is due; the database is the calendar."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from aggregator.crawl.runner import CrawlRunner, PollResult
from spiders.source import Source
from storage.errors import ArchiveError

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
MAX_POLLS_PER_TICK = 6
"""How many polls begin in one second at most: after a week's rest everything is due at once."""
PAUSE_AFTER_ERROR_SECONDS = 60.0
"""How long a source rests whose poll was broken off by an error of our own."""


@dataclass(frozen=True, slots=True)
class PeriodicJob:
    """Work that comes again every so many seconds; it is never done twice at once, and what was missed is done once.

    It comes for the first time after those seconds, or after `first`.
    """

    name: str
    seconds: float
    work: Callable[[], Awaitable[None]]
    first_seconds: float = 0.0


class PollClock:
    """Polls each source whenever it is due, and does other work now and then, until the runner is stopped."""

    def __init__(self, runner: CrawlRunner, sources: Iterable[Source], report: Callable[[PollResult], None]) -> None:
        self._runner, self._report = runner, report
        self._sources = {source.name: source for source in sources}
        self._not_before: dict[str, float] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self.last_results: dict[str, PollResult] = {}
        """The result of the last poll of each source."""

    def replace_sources(self, sources: Iterable[Source]) -> None:
        """Another catalogue from now on; what is being polled is finished as it was begun."""
        self._sources = {source.name: source for source in sources}

    async def run(self, jobs: Iterable[PeriodicJob]) -> None:
        """Until the runner is stopped and what it has begun is done."""
        scheduler = AsyncIOScheduler(timezone="UTC")
        for job in (PeriodicJob("poll", TICK_SECONDS, self._tick), *jobs):
            scheduler.add_job(
                _guard_job(job), "interval", seconds=job.seconds, jitter=job.seconds / 20, id=job.name,
                max_instances=1, coalesce=True, misfire_grace_time=None,
                next_run_time=datetime.now(UTC) + timedelta(seconds=job.first_seconds or job.seconds),
            )  # fmt: skip
        scheduler.start()
        try:
            await self._tick()
            await self._runner.stop_requested.wait()
            await asyncio.gather(*self._running.values(), return_exceptions=True)
        finally:
            scheduler.shutdown(wait=False)

    async def _tick(self) -> None:
        if self._runner.is_stopping:
            return
        now = asyncio.get_running_loop().time()
        idle = [name for name in self._sources if name not in self._running and self._not_before.get(name, 0.0) <= now]
        for name in (await self._runner.repository.find_due_sources(idle))[:MAX_POLLS_PER_TICK]:
            self._running[name] = asyncio.ensure_future(self._poll(self._sources[name]))

    async def _poll(self, source: Source) -> None:
        try:
            await self._runner.poll_all([source], self._record_result, only_due=True)
        finally:
            self._running.pop(source.name, None)

    def _record_result(self, result: PollResult) -> None:
        self.last_results[result.source] = result
        if result.error:  # what went wrong inside us may have left the calendar as it was
            self._not_before[result.source] = asyncio.get_running_loop().time() + PAUSE_AFTER_ERROR_SECONDS
        self._report(result)


def _guard_job(job: PeriodicJob) -> Callable[[], Awaitable[None]]:
    """A job whose failure is told, and is tried again when its time comes."""

    async def run() -> None:
        try:
            await job.work()
        except ArchiveError as error:
            log.warning("event=job-failed job=%s trouble=%s", job.name, error)
        except Exception:  # around one job, which costs no other
            log.exception("event=job-broken job=%s", job.name)

    return run
