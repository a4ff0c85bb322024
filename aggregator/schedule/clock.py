"""Start due polls and periodic jobs; the database holds the schedule."""

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
"""Maximum number of polls started in one second: after a long pause every source is due at once."""
PAUSE_AFTER_ERROR_SECONDS = 60.0
"""Seconds without polls of a source after an internal error ended its poll."""


@dataclass(frozen=True, slots=True)
class PeriodicJob:
    """Work that runs every `seconds`, first after `first_seconds` (0: after `seconds`).

    Runs never overlap; missed runs are made up for by a single run.
    """

    name: str
    seconds: float
    work: Callable[[], Awaitable[None]]
    first_seconds: float = 0.0


class PollClock:
    """Polls each source when it is due and runs periodic jobs, until the runner is stopped."""

    def __init__(self, runner: CrawlRunner, sources: Iterable[Source], report: Callable[[PollResult], None]) -> None:
        self._runner, self._report = runner, report
        self._sources = {source.name: source for source in sources}
        self._not_before: dict[str, float] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self.last_results: dict[str, PollResult] = {}
        """Result of the last poll of each source."""

    def replace_sources(self, sources: Iterable[Source]) -> None:
        """Use another catalogue from now on; running polls end with the old one."""
        self._sources = {source.name: source for source in sources}

    async def run(self, jobs: Iterable[PeriodicJob]) -> None:
        """Run until the runner is stopped and the running polls have ended."""
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
            await self._runner.context.stop_requested.wait()
            await asyncio.gather(*self._running.values(), return_exceptions=True)
        finally:
            scheduler.shutdown(wait=False)

    async def _tick(self) -> None:
        if self._runner.context.is_stopping:
            return
        now = asyncio.get_running_loop().time()
        idle = [name for name in self._sources if name not in self._running and self._not_before.get(name, 0.0) <= now]
        for name in (await self._runner.context.repository.find_due_sources(idle))[:MAX_POLLS_PER_TICK]:
            self._running[name] = asyncio.ensure_future(self._poll(self._sources[name]))

    async def _poll(self, source: Source) -> None:
        try:
            await self._runner.poll_all([source], self._record_result, only_due=True)
        finally:
            self._running.pop(source.name, None)

    def _record_result(self, result: PollResult) -> None:
        self.last_results[result.source] = result
        if result.error:  # after an internal error the source may still be due
            self._not_before[result.source] = asyncio.get_running_loop().time() + PAUSE_AFTER_ERROR_SECONDS
        self._report(result)


def _guard_job(job: PeriodicJob) -> Callable[[], Awaitable[None]]:
    """Return a job that logs an error of its work; the next run tries again."""

    async def run() -> None:
        try:
            await job.work()
        except ArchiveError as error:
            log.warning("event=job-failed job=%s error=%s", job.name, error)
        except Exception:  # one failing job must not stop the others
            log.exception("event=job-broken job=%s", job.name)

    return run
