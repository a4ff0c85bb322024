"""Watches the event loop from a thread: where it stands still, what it was doing is put into the log."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

log = logging.getLogger(__name__)

TOO_LONG = 1.0
"""Seconds for which the loop may be at one thing."""
_BEAT, _LOOK = 0.2, 0.25
_FRAMES = 6


class Lag:
    """How late the loop is, in seconds; `longest` since it was last asked for."""

    def __init__(self) -> None:
        self._beat = time.monotonic()
        self._longest = 0.0
        self._over = threading.Event()

    def longest(self) -> float:
        """The longest standstill since the last call."""
        longest, self._longest = self._longest, 0.0
        return longest

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[Lag]:
        """Watch the running loop as long as the block runs."""
        beating = asyncio.ensure_future(self._beats())
        thread = threading.Thread(target=self._look, args=(threading.get_ident(),), name="evnews-lag", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            beating.cancel()
            self._over.set()
            await asyncio.to_thread(thread.join, 2)

    async def _beats(self) -> None:
        while True:
            self._beat = time.monotonic()
            await asyncio.sleep(_BEAT)
            self._longest = max(self._longest, time.monotonic() - self._beat - _BEAT)

    def _look(self, loop_thread: int) -> None:
        told = 0.0
        while not self._over.wait(_LOOK):
            beat, late = self._beat, time.monotonic() - self._beat - _BEAT
            if late > TOO_LONG and beat != told:
                told = beat
                log.warning("event=loop-lag seconds=%.1f at=%s", late, _what_runs(loop_thread))


def _what_runs(thread: int) -> str:
    frame = sys._current_frames().get(thread)
    if frame is None:
        return "unknown"
    stack = traceback.extract_stack(frame)[-_FRAMES:]
    return " < ".join(f"{one.name} ({one.filename.rpartition('/')[2]}:{one.lineno})" for one in reversed(stack))
