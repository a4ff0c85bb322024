"""The fetches under way in a process, which can all be given up at once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class FetchCancelled(Exception):
    """The fetch was given up because the crawl was stopped."""

    def __init__(self) -> None:
        super().__init__("the crawl was stopped")


class InFlight:
    """Carries fetches; after `give_up` those under way and all that follow raise Stopped.

    Scrapy alone would wait for each transfer until it ends or times out.
    """

    def __init__(self) -> None:
        self._fetches: set[asyncio.Task[Any]] = set()
        self._is_cancelled = False

    async def run(self, fetch: Coroutine[Any, Any, T]) -> T:
        """What the fetch returns or raises, or Stopped."""
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
        """End every fetch now."""
        self._is_cancelled = True
        for task in self._fetches:
            task.cancel()
