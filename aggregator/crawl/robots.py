"""robots.txt for the whole process (RFC 9309): one copy an origin, kept in the database, shared by all polls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlsplit

from protego import Protego

from aggregator.crawl.address_policy import BlockedAddress
from aggregator.crawl.fetch_errors import RobotsRefusal, fault_of
from aggregator.crawl.host_limiter import HostGate, Parked, host_of
from storage.model.crawl import RobotsCopy
from storage.model.page import ContentError, Page

MAX_ROBOTS = 500 * 1024
"""How much of a robots.txt is read, in bytes (RFC 9309 asks for at least this much)."""
FRESH = timedelta(hours=24)
MAX_DELAY = 120.0
"""The longest gap, in seconds, that a robots.txt can ask for."""
LAST_GOOD = timedelta(days=30)
RETRY_UNREADABLE = timedelta(minutes=5)

Fetch = Callable[[str, tuple[tuple[str, str], ...]], Awaitable[Page]]


class RobotsShelf(Protocol):
    """Where the copies lie."""

    async def robots_copy(self, origin: str) -> RobotsCopy | None: ...
    async def save_robots(self, copy: RobotsCopy) -> None: ...


@dataclass(frozen=True, slots=True)
class Rules:
    """One origin's rules; without a parser everything is refused, for `reason`."""

    parser: Protego | None
    reason: str
    until: datetime


class Robots:
    """Answers for every crawl whether an address may be fetched, asking each origin once."""

    def __init__(self, shelf: RobotsShelf, gate: HostGate, now: Callable[[], datetime], agent: str) -> None:
        self._shelf, self._gate, self._now = shelf, gate, now
        self._token = product_token(agent)
        self._rules: dict[str, Rules] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def check(self, url: str, fetch: Fetch) -> None:
        """Raise RobotsRefusal where the address may not be fetched, Parked where its host is parked."""
        origin = origin_of(url)
        rules = await self._rules_of(origin, fetch)
        if rules.parser is None:
            parking = self._gate.parked(host_of(url))
            words = f"robots: {rules.reason}" + (f", {parking}" if parking else "")
            raise RobotsRefusal(host_of(url), words, lasting=False)
        if not rules.parser.can_fetch(url, self._token):
            raise RobotsRefusal(host_of(url), "robots: disallowed by robots.txt", lasting=True)

    async def _rules_of(self, origin: str, fetch: Fetch) -> Rules:
        async with self._locks.setdefault(origin, asyncio.Lock()):
            rules = self._rules.get(origin)
            if rules is None or rules.until <= self._now():
                rules = self._rules[origin] = await self._load(origin, fetch)
            return rules

    async def _load(self, origin: str, fetch: Fetch) -> Rules:
        copy = await self._shelf.robots_copy(origin) or RobotsCopy(origin=origin)
        now = self._now()
        if copy.good_at and not copy.reason and copy.checked_at and now - copy.checked_at < FRESH:
            return self._parsed(origin, copy, copy.checked_at + FRESH)
        copy = await self._refreshed(copy, fetch)
        await self._shelf.save_robots(copy)
        if not copy.reason:
            return self._parsed(origin, copy, now + FRESH)
        if copy.good_at and now - copy.good_at < LAST_GOOD:
            return self._parsed(origin, copy, now + RETRY_UNREADABLE)
        return Rules(None, copy.reason, now + RETRY_UNREADABLE)

    async def _refreshed(self, copy: RobotsCopy, fetch: Fetch) -> RobotsCopy:
        conditions = (("If-None-Match", copy.etag), ("If-Modified-Since", copy.last_modified)) if copy.good_at else ()
        now = self._now()
        try:
            page = await fetch(copy.origin + "/robots.txt", tuple(pair for pair in conditions if pair[1]))
        except (Parked, BlockedAddress):
            raise  # no answer about robots.txt: nothing of this origin can be asked
        except Exception as error:  # whatever kept robots.txt from being read means no
            return replace(copy, checked_at=now, status=0, reason=fault_of(error).reason)
        return _judged(copy, page, now)

    def _parsed(self, origin: str, copy: RobotsCopy, until: datetime) -> Rules:
        parser = Protego.parse(copy.body.decode("utf-8", "replace"))
        delay = parser.crawl_delay(self._token)
        if delay:
            self._gate.ask(host_of(origin), min(float(delay), MAX_DELAY))
        return Rules(parser, "", until)


def product_token(agent: str) -> str:
    """What robots.txt groups are matched against: a user agent's first product, without its version."""
    return agent.partition("/")[0].partition(" ")[0] or agent


def origin_of(url: str) -> str:
    """Scheme, host and port of an address: what one robots.txt speaks for."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}"


def _judged(copy: RobotsCopy, page: Page, now: datetime) -> RobotsCopy:
    if page.status == 304 and copy.good_at and (copy.etag or copy.last_modified):
        return replace(copy, checked_at=now, good_at=now, status=304, reason="")
    if 400 <= page.status < 500 and page.status != 429:  # "unavailable": everything may be fetched
        return RobotsCopy(origin=copy.origin, good_at=now, checked_at=now, status=page.status)
    if page.status != 200:
        return replace(copy, checked_at=now, status=page.status, reason=f"HTTP {page.status}")
    try:
        body = _whole_lines(page.content())
    except ContentError as error:
        return replace(copy, checked_at=now, status=200, reason=str(error))
    return RobotsCopy(
        origin=copy.origin,
        body=body,
        good_at=now,
        checked_at=now,
        status=200,
        etag=_short(page.header("etag")),
        last_modified=_short(page.header("last-modified")),
    )


def _whole_lines(body: bytes) -> bytes:
    """What counts of a robots.txt; a rule that the limit cuts in two would say something else."""
    return body if len(body) <= MAX_ROBOTS else body[: body.rfind(b"\n", 0, MAX_ROBOTS) + 1]


def _short(value: str) -> str:
    return value if len(value) <= 1024 and value.isprintable() else ""
