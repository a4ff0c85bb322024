"""Ctrl-C and SIGTERM while a crew works: the first ends the work in good order, the second at once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

from aggregator.console.answer import INTERRUPTED
from aggregator.crawl.runner import DRAIN_SECONDS, Crew


class Stopping:
    """Stops the crew at the first signal; at the second `leave` gives the terminal back and the process ends.

    Neither loses anything: what was not finished is leased anew at the next start.
    """

    def __init__(
        self,
        crew: Crew,
        tell: Callable[[], None],
        *,
        leave: Callable[[], None] = lambda: None,
        drain: float = DRAIN_SECONDS,
    ) -> None:
        self._crew, self._tell, self._leave, self._drain = crew, tell, leave, drain
        self._task: asyncio.Task[None] | None = None
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._signalled)

    def _signalled(self) -> None:
        if self._task is not None:
            self._leave()
            os._exit(INTERRUPTED)
        self._tell()
        self._task = asyncio.ensure_future(self._crew.stop(self._drain))

    async def done(self) -> None:
        """Wait until a stop that was asked for has ended."""
        if self._task is not None:
            await self._task
