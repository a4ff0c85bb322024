"""The service: leader election, scheduled polling, orderly shutdown."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from aggregator.config import Config
from aggregator.crawl.runner import CrawlRunner, PollResult
from aggregator.schedule.budget import BudgetPlanner
from aggregator.schedule.clock import PeriodicJob, PollClock
from aggregator.service.daily_audit import AUDIT_CHECK_SECONDS, audit_due_sources
from aggregator.service.loop_lag import LoopLagMonitor
from aggregator.service.setup import create_planner, open_runner, reprice
from aggregator.service.systemd import notify_systemd, watchdog_seconds
from spiders.source import Source
from storage import monitor
from storage.db.database import Database
from storage.db.leader import Leadership, create_leadership
from storage.errors import ArchiveError

log = logging.getLogger(__name__)

LEADER_CHECK_SECONDS = 5.0
"""Seconds between two attempts to become the leader: the present leader may have died."""
RETRY_SECONDS = 60.0
"""Seconds to wait after an error that no source causes, such as a full disk."""
_REPRICE_SECONDS, _CATALOGUE_SECONDS, _HEARTBEAT_SECONDS, _LEADERSHIP_SECONDS = 3600.0, 5.0, 15.0, 5.0


class ServiceObserver(Protocol):
    """Receives the events of the service."""

    def on_poll(self, result: PollResult) -> None:
        """Receive the result of a source's poll."""
        ...

    def on_leadership(self, runner: CrawlRunner | None) -> None:
        """Receive the runner when this service begins to poll, or None while another service polls the archive."""
        ...

    def on_fatal_error(self, reason: str) -> None:
        """Receive the error for which the service pauses and then tries again."""
        ...


@dataclass(frozen=True, slots=True)
class ServiceObservers:
    """Passes each event to several observers."""

    observers: Sequence[ServiceObserver]

    def on_poll(self, result: PollResult) -> None:
        for observer in self.observers:
            observer.on_poll(result)

    def on_leadership(self, runner: CrawlRunner | None) -> None:
        for observer in self.observers:
            observer.on_leadership(runner)

    def on_fatal_error(self, reason: str) -> None:
        for observer in self.observers:
            observer.on_fatal_error(reason)


@dataclass(slots=True)
class Service:
    """Polls the sources until it is stopped. `load_sources` returns the present sources of the catalogue."""

    config: Config
    database: Database
    load_sources: Callable[[], tuple[Source, ...]]
    observer: ServiceObserver
    jobs: Sequence[PeriodicJob] = ()
    lag: LoopLagMonitor = field(default_factory=LoopLagMonitor)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self) -> None:
        """Take no new work, finish what is in flight, and end `run`."""
        self._stop.set()

    async def run(self) -> None:
        """Poll while this service is the leader, until it is stopped."""
        claim = create_leadership(self.database)
        systemd_task = asyncio.ensure_future(self._notify_systemd())
        try:
            async with self.lag.running():
                while not self._stop.is_set():
                    if not await asyncio.to_thread(claim.try_acquire):
                        self.observer.on_leadership(None)
                        await self._wait(LEADER_CHECK_SECONDS)
                        continue
                    error = await self._lead(claim)
                    if error and not self._stop.is_set():
                        log.warning("event=service-waits seconds=%g error=%s", RETRY_SECONDS, error)
                        self.observer.on_fatal_error(error)
                        await self._wait(RETRY_SECONDS)
        finally:
            systemd_task.cancel()
            await asyncio.to_thread(claim.release)

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    async def _lead(self, claim: Leadership) -> str:
        """Poll until stopped or until the leadership is lost; return the fatal error, if any."""
        sources, planner = self.load_sources(), create_planner()
        try:
            async with open_runner(self.config, sources, planner=planner) as runner:
                self.observer.on_leadership(runner)
                clock = PollClock(runner, sources, self.observer.on_poll)
                stopping = asyncio.ensure_future(self._forward_stop(runner))
                try:
                    own = self._list_own_jobs(runner, clock, planner, claim, sources)
                    await clock.run([*own, *self.jobs])
                finally:
                    runner.context.stop_requested.set()
                    await stopping
                return runner.context.fatal_error
        except ArchiveError as error:
            return str(error)

    async def _forward_stop(self, runner: CrawlRunner) -> None:
        """Stop the runner as soon as the service or the runner is asked to stop."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self._stop, runner.context.stop_requested)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        await runner.stop()

    def _list_own_jobs(
        self, runner: CrawlRunner, clock: PollClock, planner: BudgetPlanner, claim: Leadership, known: Sequence[Source]
    ) -> list[PeriodicJob]:
        async def reload_catalogue() -> None:
            nonlocal known
            sources = await asyncio.to_thread(self.load_sources)
            if sources != known:
                known = sources
                clock.replace_sources(sources)
                await runner.context.prepare(sources)
                log.info("event=catalogue-changed sources=%d", len(sources))

        async def check_leadership() -> None:
            if not await asyncio.to_thread(claim.is_held):
                runner.context.abort("another service may poll now: the connection that held the leadership is lost")

        async def heartbeat() -> None:
            await runner.context.repository.run(monitor.record_heartbeat, runner.context.now())

        async def audit_feeds() -> None:
            await audit_due_sources(runner, known)

        return [
            PeriodicJob("audit", AUDIT_CHECK_SECONDS, audit_feeds),
            PeriodicJob("catalogue", _CATALOGUE_SECONDS, reload_catalogue),
            PeriodicJob("price", _REPRICE_SECONDS, lambda: reprice(planner, runner.context.repository)),
            PeriodicJob("heartbeat", _HEARTBEAT_SECONDS, heartbeat),
            PeriodicJob("lead", _LEADERSHIP_SECONDS, check_leadership),
        ]

    async def _notify_systemd(self) -> None:
        notify_systemd("READY=1")
        seconds = watchdog_seconds()
        try:
            while seconds:
                await asyncio.sleep(seconds)
                notify_systemd("WATCHDOG=1")
            await self._stop.wait()
        finally:
            notify_systemd("STOPPING=1")
