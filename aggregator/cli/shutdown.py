"""Handle Ctrl-C and SIGTERM: finish in-flight work first, stop at once on the second signal."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

from aggregator.cli.output import EXIT_INTERRUPTED, warn

if TYPE_CHECKING:
    from aggregator.crawl.runner import CrawlRunner


def handle_signals(stop: Callable[[], None], close_display: Callable[[], None]) -> None:
    """Call `stop` on the first signal; on the second call `close_display` and end the process at once."""
    is_stopping = False

    def handle() -> None:
        nonlocal is_stopping
        if is_stopping:
            close_display()
            os._exit(EXIT_INTERRUPTED)
        is_stopping = True
        stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, handle)


def warn_stopping() -> None:
    """Report that the first signal has arrived."""
    warn("stopping: requests in flight are finished and stored; press Ctrl-C again to stop at once")


class CrawlStopper:
    """Stop a crawl on the first signal, end the process on the second.

    Nothing is lost: unfinished leads are leased again by the next crawl.
    """

    def __init__(
        self,
        runner: CrawlRunner,
        report: Callable[[], None],
        *,
        close_display: Callable[[], None] = lambda: None,
        grace_seconds: float | None = None,
    ) -> None:
        self._runner, self._report, self._grace_seconds = runner, report, grace_seconds
        self._task: asyncio.Task[None] | None = None
        handle_signals(self._stop, close_display)

    def _stop(self) -> None:
        from aggregator.crawl.runner import DRAIN_SECONDS

        self._report()
        seconds = DRAIN_SECONDS if self._grace_seconds is None else self._grace_seconds
        self._task = asyncio.ensure_future(self._runner.stop(seconds))

    async def finish(self) -> None:
        """Wait for the end of a requested stop."""
        if self._task is not None:
            await self._task
