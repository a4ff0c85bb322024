"""One gate for the process: never two requests at once to a host, a gap between them, parked hosts left alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit


def host_of(url: str) -> str:
    """The gate's key: the host name in lower case, whatever the port; empty where the address is none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


class HostParked(Exception):
    """The host asked to be left alone until `until`."""

    def __init__(self, host: str, until: datetime, reason: str) -> None:
        super().__init__(f"parked until {until:%Y-%m-%d %H:%M:%S} UTC: {reason}")
        self.host, self.until, self.reason = host, until, reason


@dataclass(slots=True)
class _HostSlot:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    delay: float = 0.0
    ended_at: float = float("-inf")


class HostLimiter:
    """Shared by every crawl of a process. Delays are in seconds and the largest one asked for counts."""

    def __init__(
        self,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._monotonic, self._sleep, self._now = monotonic, sleep, now
        self._hosts: dict[str, _HostSlot] = {}
        self._parked: dict[str, tuple[datetime, str]] = {}

    def require_delay(self, host: str, delay: float) -> None:
        """Ask for a gap of at least `delay` seconds between requests to a host."""
        turnstile = self._hosts.setdefault(host, _HostSlot())
        turnstile.delay = max(turnstile.delay, delay)

    def current_delay(self, host: str) -> float:
        """The gap that is kept at a host."""
        return self._hosts[host].delay if host in self._hosts else 0.0

    def park(self, host: str, until: datetime, reason: str) -> None:
        """Leave a host alone until then; an earlier end never shortens a later one."""
        if host not in self._parked or self._parked[host][0] < until:
            self._parked[host] = (until, reason)

    def find_parking(self, host: str) -> HostParked | None:
        """The host's parking, where it still holds."""
        until, reason = self._parked.get(host, (None, ""))
        if until is None:
            return None
        if until <= self._now():
            del self._parked[host]
            return None
        return HostParked(host, until, reason)

    @asynccontextmanager
    async def slot(self, host: str, delay: float) -> AsyncIterator[None]:
        """Hold the host for one exchange, after its gap; raises Parked. `delay` is what the one who comes asks for."""
        turnstile = self._hosts.setdefault(host, _HostSlot())
        turnstile.delay = max(turnstile.delay, delay)
        async with turnstile.lock:
            self._raise_if_parked(host)
            # Counted anew after each sleep: robots.txt or another source may have asked for more meanwhile.
            while (wait := turnstile.ended_at + turnstile.delay - self._monotonic()) > 0:
                await self._sleep(wait)
                self._raise_if_parked(host)
            try:
                yield
            finally:
                # Counted from the end of the exchange, so that the gap also holds where the server sees it.
                turnstile.ended_at = self._monotonic()

    def _raise_if_parked(self, host: str) -> None:
        parking = self.find_parking(host)
        if parking:
            raise parking
