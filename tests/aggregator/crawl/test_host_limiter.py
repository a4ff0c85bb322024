"""The rate limiter: serialised exchanges per host, the largest delay, parked hosts."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.crawl.host_limiter import HostLimiter, HostParked, host_of


class Clock:
    """A clock that only `sleep` advances."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds
        await asyncio.sleep(0)

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)


def limiter_on(clock: Clock) -> HostLimiter:
    return HostLimiter(monotonic=clock.monotonic, sleep=clock.sleep, now=clock.now)


async def test_limiter_serialises_requests_to_one_host_with_the_delay_after_each() -> None:
    clock = Clock()
    limiter = limiter_on(clock)
    limiter.require_delay("a.example", 2.0)
    limiter.require_delay("a.example", 0.5)
    at_once = most = 0
    starts, ends = [], []

    async def exchange() -> None:
        nonlocal at_once, most
        async with limiter.slot("a.example", 0.1):
            at_once += 1
            most = max(most, at_once)
            starts.append(clock.seconds)
            await clock.sleep(3.0)
            ends.append(clock.seconds)
            at_once -= 1

    await asyncio.gather(*(exchange() for _ in range(4)))
    assert most == 1
    assert all(start >= end + 2.0 for start, end in zip(starts[1:], ends, strict=False))


async def test_hosts_do_not_wait_for_each_other() -> None:
    limiter = HostLimiter()
    entered = asyncio.Event()

    async def hold() -> None:
        async with limiter.slot("slow.example", 1.0):
            entered.set()
            await asyncio.sleep(30)

    holder = asyncio.create_task(hold())
    await entered.wait()
    async with asyncio.timeout(1):
        async with limiter.slot("quick.example", 1.0):
            pass
    holder.cancel()


async def test_failed_exchange_keeps_the_delay_and_releases_the_host() -> None:
    clock = Clock()
    limiter = limiter_on(clock)
    with pytest.raises(OSError):
        async with limiter.slot("a.example", 1.5):
            raise OSError
    async with limiter.slot("a.example", 1.5):
        assert clock.seconds == 1.5


async def test_any_positive_delay_is_accepted() -> None:
    limiter = HostLimiter()
    limiter.require_delay("a.example", 0.001)
    assert limiter.current_delay("a.example") == 0.001
    limiter.require_delay("a.example", 300.0)
    assert limiter.current_delay("a.example") == 300.0


async def test_parked_host_refuses_at_once_until_its_time() -> None:
    clock = Clock()
    limiter = limiter_on(clock)
    limiter.park("a.example", clock.now() + timedelta(seconds=60), "HTTP 429")
    limiter.park("a.example", clock.now() + timedelta(seconds=5), "HTTP 503")
    with pytest.raises(HostParked, match=r"parked until 2026-01-01 00:01:00 UTC: HTTP 429"):
        async with limiter.slot("a.example", 1.0):
            pass
    assert clock.slept == []
    clock.seconds = 61
    async with limiter.slot("a.example", 1.0):
        pass


async def test_request_that_waits_for_a_host_is_refused_when_the_host_is_parked() -> None:
    clock = Clock()
    limiter = limiter_on(clock)
    async with limiter.slot("a.example", 10.0):
        waiting = asyncio.create_task(limiter.slot("a.example", 10.0).__aenter__())
        await asyncio.sleep(0)
        limiter.park("a.example", clock.now() + timedelta(hours=1), "HTTP 429")
    with pytest.raises(HostParked):
        await waiting


@pytest.mark.parametrize(
    ("url", "host"),
    [("http://A.Example:8080/x", "a.example"), ("https://a.example/", "a.example"), ("http://[::1]:80/", "::1")],
)
def test_host_of_a_url_excludes_the_port(url: str, host: str) -> None:
    assert host_of(url) == host


async def test_longer_delay_applies_to_the_current_wait() -> None:
    clock = Clock()
    limiter = limiter_on(clock)
    async with limiter.slot("a.example", 1.0):
        pass
    limiter.require_delay("a.example", 5.0)
    async with limiter.slot("a.example", 1.0):
        assert clock.seconds == 5.0


async def test_longer_delay_of_a_slot_applies_to_later_ones() -> None:
    clock = Clock()
    limiter = limiter_on(clock)
    limiter.require_delay("a.example", 0.5)
    async with limiter.slot("a.example", 2.0):
        pass
    async with limiter.slot("a.example", 0.1):
        assert clock.seconds == 2.0
