"""The service: leads where nobody else does, polls by the clock, and ends in good order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from aggregator.config import Config
from aggregator.crawl.feed_audit import LOOK_SECONDS, audit_some
from aggregator.crawl.runner import Crew, PollResult
from aggregator.schedule.budget import Planner
from aggregator.schedule.clock import Clock, Job
from aggregator.service.loop_lag import Lag
from aggregator.service.setup import new_planner, open_crew, reprice
from aggregator.service.systemd import notify, watchdog_seconds
from spiders.source import Source
from storage.db.database import Database
from storage.db.leader import Leadership, leadership
from storage.errors import ArchiveError

log = logging.getLogger(__name__)

FOLLOW_SECONDS = 5.0
"""How often one that does not lead looks whether it may: the other may have died."""
AGAIN_SECONDS = 60.0
"""How long the service waits after a trouble that no source is to blame for, such as a full disk."""
DRAIN_SECONDS = 8.0
_REPRICE, _CATALOGUE, _BEAT, _LEADER = 3600.0, 5.0, 15.0, 5.0


class Watcher(Protocol):
    """Is told of what the service does."""

    def polled(self, result: PollResult) -> None:
        """A source was polled."""
        ...

    def leads(self, crew: Crew | None) -> None:
        """It polls from now on, or, with None, another service on the archive does."""
        ...

    def trouble(self, words: str) -> None:
        """It cannot go on at present, and tries again in a while."""
        ...


@dataclass(frozen=True, slots=True)
class Watchers:
    """Several watchers as one."""

    all: Sequence[Watcher]

    def polled(self, result: PollResult) -> None:
        """A source was polled."""
        for one in self.all:
            one.polled(result)

    def leads(self, crew: Crew | None) -> None:
        """It polls from now on, or another does."""
        for one in self.all:
            one.leads(crew)

    def trouble(self, words: str) -> None:
        """It cannot go on at present."""
        for one in self.all:
            one.trouble(words)


@dataclass(slots=True)
class Service:
    """Polls until it is stopped. `read` gives the sources as the catalogue has them at the moment."""

    config: Config
    database: Database
    read: Callable[[], tuple[Source, ...]]
    watcher: Watcher
    jobs: Sequence[Job] = ()
    lag: Lag = field(default_factory=Lag)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self) -> None:
        """Take no new work, finish what is under way, and end `run`."""
        self._stop.set()

    async def run(self) -> None:
        """Until it is stopped."""
        claim = leadership(self.database)
        alive = asyncio.ensure_future(self._tell_systemd())
        try:
            async with self.lag.watching():
                while not self._stop.is_set():
                    if not await asyncio.to_thread(claim.take):
                        self.watcher.leads(None)
                        await self._rest(FOLLOW_SECONDS)
                        continue
                    trouble = await self._lead(claim)
                    if trouble and not self._stop.is_set():
                        log.warning("event=service-waits seconds=%g trouble=%s", AGAIN_SECONDS, trouble)
                        self.watcher.trouble(trouble)
                        await self._rest(AGAIN_SECONDS)
        finally:
            alive.cancel()
            await asyncio.to_thread(claim.leave)

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    async def _lead(self, claim: Leadership) -> str:
        """Poll until stopped, or until the lead is lost; returns what made it impossible to go on."""
        sources, planner = self.read(), new_planner()
        try:
            async with open_crew(self.config, sources, planner=planner) as crew:
                self.watcher.leads(crew)
                clock = Clock(crew, sources, self.watcher.polled)
                stopping = asyncio.ensure_future(self._stops(crew))
                try:
                    own = self._own_jobs(crew, clock, planner, claim, sources)
                    await clock.run([*own, *self.jobs])
                finally:
                    crew.stop_asked.set()
                    await stopping
                return crew.trouble
        except ArchiveError as error:
            return str(error)

    async def _stops(self, crew: Crew) -> None:
        """Carry a stop over to the crew, from whichever side it comes."""
        asked = [asyncio.ensure_future(one.wait()) for one in (self._stop, crew.stop_asked)]
        await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        for one in asked:
            one.cancel()
        await crew.stop(DRAIN_SECONDS)

    def _own_jobs(
        self, crew: Crew, clock: Clock, planner: Planner, claim: Leadership, known: Sequence[Source]
    ) -> list[Job]:
        async def catalogue() -> None:
            nonlocal known
            sources = await asyncio.to_thread(self.read)
            if sources != known:
                known = sources
                clock.use(sources)
                await crew.prepare(sources)
                log.info("event=catalogue-changed sources=%d", len(sources))

        async def lead() -> None:
            if not await asyncio.to_thread(claim.is_held):
                crew.give_up("another service may poll now: the connection that held the lead is gone")

        async def audit() -> None:
            await audit_some(crew, known)

        return [
            Job("audit", LOOK_SECONDS, audit),
            Job("catalogue", _CATALOGUE, catalogue),
            Job("price", _REPRICE, lambda: reprice(planner, crew.desk)),
            Job("heartbeat", _BEAT, crew.desk.beat),
            Job("lead", _LEADER, lead),
        ]

    async def _tell_systemd(self) -> None:
        notify("READY=1")
        seconds = watchdog_seconds()
        try:
            while seconds:
                await asyncio.sleep(seconds)
                notify("WATCHDOG=1")
            await self._stop.wait()
        finally:
            notify("STOPPING=1")
