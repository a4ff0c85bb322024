"""Wait for a condition instead of for a fixed time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

LIMIT_SECONDS = 30.0
"""Generous: a condition that comes true ends the wait at once, on a slow machine it comes true late."""
_PAUSE = 0.005


def wait_until(condition: Callable[[], object], seconds: float = LIMIT_SECONDS) -> None:
    """Return as soon as the condition holds; raise AssertionError after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"the condition did not come true within {seconds:g} s"
        time.sleep(_PAUSE)


async def wait_until_async(condition: Callable[[], object], seconds: float = LIMIT_SECONDS) -> None:
    """Do the same without blocking the event loop."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"the condition did not come true within {seconds:g} s"
        await asyncio.sleep(_PAUSE)
