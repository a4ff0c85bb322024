"""Track in-flight fetches so that they can all be cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class FetchCancelled(Exception):
    """The crawl was stopped before the fetch completed."""

    def __init__(self) -> None:
        super().__init__("the crawl was stopped")


class InFlight:
    """Runs fetches; after `cancel_all`, running and later fetches raise FetchCancelled.

    Scrapy on its own waits for each transfer until it completes or times out.
    """

    def __init__(self) -> None:
        self._fetches: set[asyncio.Task[Any]] = set()
        self._is_cancelled = False

    async def run(self, fetch: Coroutine[Any, Any, T]) -> T:
        """Run a fetch and return its result; raise FetchCancelled after `cancel_all`."""
        if self._is_cancelled:
            fetch.close()
            raise FetchCancelled
        task = asyncio.ensure_future(fetch)
        self._fetches.add(task)
        try:
            return await task
        except asyncio.CancelledError:
            if self._is_cancelled:
                raise FetchCancelled from None
            raise
        finally:
            self._fetches.discard(task)

    def cancel_all(self) -> None:
        self._is_cancelled = True
        for task in self._fetches:
            task.cancel()
