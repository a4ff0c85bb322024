"""The service: leads where nobody else does, polls by the clock, and ends in good order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from aggregator.config import Config
from aggregator.crawl.feed_audit import AUDIT_CHECK_SECONDS, audit_due_sources
from aggregator.crawl.runner import CrawlRunner, PollResult
from aggregator.schedule.budget import BudgetPlanner
from aggregator.schedule.clock import PeriodicJob, PollClock
from aggregator.service.loop_lag import LoopLagMonitor
from aggregator.service.setup import create_planner, open_runner, reprice
from aggregator.service.systemd import notify_systemd, watchdog_seconds
from spiders.source import Source
from storage.db.database import Database
from storage.db.leader import Leadership, create_leadership
from storage.errors import ArchiveError

log = logging.getLogger(__name__)

LEADER_CHECK_SECONDS = 5.0
"""How often one that does not lead looks whether it may: the other may have died."""
RETRY_SECONDS = 60.0
"""How long the service waits after a trouble that no source is to blame for, such as a full disk."""
DRAIN_SECONDS = 8.0
_REPRICE_SECONDS, _CATALOGUE_SECONDS, _HEARTBEAT_SECONDS, _LEADERSHIP_SECONDS = 3600.0, 5.0, 15.0, 5.0


class ServiceObserver(Protocol):
    """Is told of what the service does."""

    def on_poll(self, result: PollResult) -> None:
        """A source was polled."""
        ...

    def on_leadership(self, runner: CrawlRunner | None) -> None:
        """It polls from now on, or, with None, another service on the archive does."""
        ...

    def on_fatal_error(self, reason: str) -> None:
        """It cannot go on at present, and tries again in a while."""
        ...


@dataclass(frozen=True, slots=True)
class ServiceObservers:
    """Several watchers as one."""

    observers: Sequence[ServiceObserver]

    def on_poll(self, result: PollResult) -> None:
        """A source was polled."""
        for one in self.observers:
            one.on_poll(result)

    def on_leadership(self, runner: CrawlRunner | None) -> None:
        """It polls from now on, or another does."""
        for one in self.observers:
            one.on_leadership(runner)

    def on_fatal_error(self, reason: str) -> None:
        """It cannot go on at present."""
        for one in self.observers:
            one.on_fatal_error(reason)


@dataclass(slots=True)
class Service:
    """Polls until it is stopped. `read` gives the sources as the catalogue has them at the moment."""

    config: Config
    database: Database
    load_sources: Callable[[], tuple[Source, ...]]
    observer: ServiceObserver
    jobs: Sequence[PeriodicJob] = ()
    lag: LoopLagMonitor = field(default_factory=LoopLagMonitor)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self) -> None:
        """Take no new work, finish what is under way, and end `run`."""
        self._stop.set()

    async def run(self) -> None:
        """Until it is stopped."""
        claim = create_leadership(self.database)
        alive = asyncio.ensure_future(self._notify_systemd())
        try:
            async with self.lag.running():
                while not self._stop.is_set():
                    if not await asyncio.to_thread(claim.try_acquire):
                        self.observer.on_leadership(None)
                        await self._wait(LEADER_CHECK_SECONDS)
                        continue
                    trouble = await self._lead(claim)
                    if trouble and not self._stop.is_set():
                        log.warning("event=service-waits seconds=%g trouble=%s", RETRY_SECONDS, trouble)
                        self.observer.on_fatal_error(trouble)
                        await self._wait(RETRY_SECONDS)
        finally:
            alive.cancel()
            await asyncio.to_thread(claim.release)

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    async def _lead(self, claim: Leadership) -> str:
        """Poll until stopped, or until the lead is lost; returns what made it impossible to go on."""
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
                    runner.stop_requested.set()
                    await stopping
                return runner.fatal_error
        except ArchiveError as error:
            return str(error)

    async def _forward_stop(self, runner: CrawlRunner) -> None:
        """Carry a stop over to the runner, from whichever side it comes."""
        asked = [asyncio.ensure_future(one.wait()) for one in (self._stop, runner.stop_requested)]
        await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        for one in asked:
            one.cancel()
        await runner.stop(DRAIN_SECONDS)

    def _list_own_jobs(
        self, runner: CrawlRunner, clock: PollClock, planner: BudgetPlanner, claim: Leadership, known: Sequence[Source]
    ) -> list[PeriodicJob]:
        async def catalogue() -> None:
            nonlocal known
            sources = await asyncio.to_thread(self.load_sources)
            if sources != known:
                known = sources
                clock.replace_sources(sources)
                await runner.prepare(sources)
                log.info("event=catalogue-changed sources=%d", len(sources))

        async def lead() -> None:
            if not await asyncio.to_thread(claim.is_held):
                runner.abort("another service may poll now: the connection that held the lead is gone")

        async def audit() -> None:
            await audit_due_sources(runner, known)

        return [
            PeriodicJob("audit", AUDIT_CHECK_SECONDS, audit),
            PeriodicJob("catalogue", _CATALOGUE_SECONDS, catalogue),
            PeriodicJob("price", _REPRICE_SECONDS, lambda: reprice(planner, runner.repository)),
            PeriodicJob("heartbeat", _HEARTBEAT_SECONDS, runner.repository.heartbeat),
            PeriodicJob("lead", _LEADERSHIP_SECONDS, lead),
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
