"""Ctrl-C and SIGTERM while a crew or a service works: the first ends the work in good order, the second at once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

from aggregator.cli.output import INTERRUPTED, complain
from aggregator.crawl.runner import DRAIN_SECONDS, CrawlRunner


def at_signals(stop: Callable[[], None], leave: Callable[[], None]) -> None:
    """At the first signal `stop` is called; at the second `leave`, and the process ends at once."""
    asked: list[int] = []

    def signalled() -> None:
        if asked:
            leave()
            os._exit(INTERRUPTED)
        asked.append(1)
        stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, signalled)


def tell_stopping() -> None:
    """That a first signal was heard."""
    complain("stopping; what is in flight is finished and kept (again to leave at once)")


class Stopping:
    """Stops the crew at the first signal; at the second `leave` gives the terminal back and the process ends.

    Neither loses anything: what was not finished is leased anew at the next start.
    """

    def __init__(
        self,
        crew: CrawlRunner,
        tell: Callable[[], None],
        *,
        leave: Callable[[], None] = lambda: None,
        drain: float = DRAIN_SECONDS,
    ) -> None:
        self._crew, self._tell, self._drain = crew, tell, drain
        self._task: asyncio.Task[None] | None = None
        at_signals(self._stop, leave)

    def _stop(self) -> None:
        self._tell()
        self._task = asyncio.ensure_future(self._crew.stop(self._drain))

    async def done(self) -> None:
        """Wait until a stop that was asked for has ended."""
        if self._task is not None:
            await self._task
