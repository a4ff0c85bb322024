"""Log what blocks the event loop, as seen from another thread."""

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

MAX_LAG_SECONDS = 1.0
"""Seconds that one callback may block the loop before it is logged."""
_BEAT_SECONDS, _CHECK_SECONDS = 0.2, 0.25
_MAX_FRAMES = 6


class LoopLagMonitor:
    """Measures how long the event loop is blocked."""

    def __init__(self) -> None:
        self._last_beat = time.monotonic()
        self._longest = 0.0
        self._stopped = threading.Event()

    def take_longest(self) -> float:
        """Return the longest time that the loop was blocked since the last call, in seconds."""
        longest, self._longest = self._longest, 0.0
        return longest

    @asynccontextmanager
    async def running(self) -> AsyncIterator[LoopLagMonitor]:
        """Watch the running loop until the block ends."""
        heartbeat = asyncio.ensure_future(self._keep_heartbeat())
        thread = threading.Thread(target=self._watch, args=(threading.get_ident(),), name="evnews-lag", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            heartbeat.cancel()
            self._stopped.set()
            await asyncio.to_thread(thread.join, 2)

    async def _keep_heartbeat(self) -> None:
        while True:
            self._last_beat = time.monotonic()
            await asyncio.sleep(_BEAT_SECONDS)
            self._longest = max(self._longest, time.monotonic() - self._last_beat - _BEAT_SECONDS)

    def _watch(self, loop_thread: int) -> None:
        logged_beat = 0.0
        while not self._stopped.wait(_CHECK_SECONDS):
            beat, late = self._last_beat, time.monotonic() - self._last_beat - _BEAT_SECONDS
            if late > MAX_LAG_SECONDS and beat != logged_beat:
                logged_beat = beat
                log.warning("event=loop-lag seconds=%.1f at=%s", late, _describe_stack(loop_thread))


def _describe_stack(thread: int) -> str:
    frame = sys._current_frames().get(thread)
    if frame is None:
        return "unknown"
    stack = traceback.extract_stack(frame)[-_MAX_FRAMES:]
    return " < ".join(f"{call.name} ({call.filename.rpartition('/')[2]}:{call.lineno})" for call in reversed(stack))
