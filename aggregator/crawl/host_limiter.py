"""Per-host rate limiter shared by all crawls of the process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

from aggregator.formatting import format_time


def host_of(url: str) -> str:
    """Return the host name of a URL in lower case, without the port, or an empty string for an invalid URL."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


class HostParked(Exception):
    """The host must not be requested before `until`."""

    def __init__(self, host: str, until: datetime, reason: str) -> None:
        super().__init__(f"parked until {format_time(until)}: {reason}")
        self.host, self.until, self.reason = host, until, reason


@dataclass(slots=True)
class _HostSlot:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    delay: float = 0.0
    ended_at: float = float("-inf")


class HostLimiter:
    """Serialises the requests to each host, with a delay after each, and refuses those to parked hosts.

    Delays are in seconds; the longest required delay of a host applies.
    """

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
        """Require at least `delay` seconds between requests to a host."""
        slot = self._hosts.setdefault(host, _HostSlot())
        slot.delay = max(slot.delay, delay)

    def current_delay(self, host: str) -> float:
        """Return the delay that applies to a host."""
        return self._hosts[host].delay if host in self._hosts else 0.0

    def park(self, host: str, until: datetime, reason: str) -> None:
        """Refuse requests to a host before `until`; an earlier end never shortens a later one."""
        if host not in self._parked or self._parked[host][0] < until:
            self._parked[host] = (until, reason)

    def find_parking(self, host: str) -> HostParked | None:
        """Return the host's parking, or None if it is not parked now."""
        until, reason = self._parked.get(host, (None, ""))
        if until is None:
            return None
        if until <= self._now():
            del self._parked[host]
            return None
        return HostParked(host, until, reason)

    @asynccontextmanager
    async def slot(self, host: str, delay: float) -> AsyncIterator[None]:
        """Hold the host for one exchange, after at least `delay` seconds; raise HostParked if it is parked."""
        slot = self._hosts.setdefault(host, _HostSlot())
        slot.delay = max(slot.delay, delay)
        async with slot.lock:
            self._raise_if_parked(host)
            # Computed again after each sleep: robots.txt or another source may have required a longer delay.
            while (wait := slot.ended_at + slot.delay - self._monotonic()) > 0:
                await self._sleep(wait)
                self._raise_if_parked(host)
            try:
                yield
            finally:
                # Measured from the end of the exchange, so that the server sees the delay too.
                slot.ended_at = self._monotonic()

    def _raise_if_parked(self, host: str) -> None:
        parking = self.find_parking(host)
        if parking:
            raise parking
