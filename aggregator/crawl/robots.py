"""robots.txt (RFC 9309): one stored copy per origin, shared by all polls of the process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from protego import Protego

from aggregator.crawl.address_policy import BlockedAddress
from aggregator.crawl.fetch_errors import RobotsRefusal, classify_error
from aggregator.crawl.host_limiter import HostLimiter, HostParked, host_of
from aggregator.crawl.repository import CrawlRepository
from storage.crawl import polls
from storage.model.crawl import RobotsCopy, status_reason
from storage.model.page import ContentError, Page

MAX_ROBOTS_BYTES = 500 * 1024
"""Bytes of a robots.txt that are parsed; RFC 9309 requires at least this many."""
FRESH_FOR = timedelta(hours=24)
MAX_DELAY = 120.0
"""Maximum Crawl-delay in seconds."""
LAST_GOOD_FOR = timedelta(days=30)
RETRY_UNREADABLE = timedelta(minutes=5)

FetchRobots = Callable[[str, tuple[tuple[str, str], ...]], Awaitable[Page]]


@dataclass(frozen=True, slots=True)
class RobotsRules:
    """Rules of one origin; without a parser everything is disallowed, for `reason`."""

    parser: Protego | None
    reason: str
    until: datetime


class Robots:
    """Decides for all polls of a process whether a URL may be fetched; each robots.txt is fetched once."""

    def __init__(
        self, repository: CrawlRepository, limiter: HostLimiter, now: Callable[[], datetime], agent: str
    ) -> None:
        self._repository, self._limiter, self._now = repository, limiter, now
        self._token = extract_product_token(agent)
        self._rules: dict[str, RobotsRules] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def check(self, url: str, fetch: FetchRobots) -> None:
        """Raise RobotsRefusal if the URL must not be fetched, HostParked if its host is parked."""
        origin = origin_of(url)
        rules = await self._get_rules(origin, fetch)
        if rules.parser is None:
            parking = self._limiter.find_parking(host_of(url))
            reason = f"robots: {rules.reason}" + (f", {parking}" if parking else "")
            raise RobotsRefusal(host_of(url), reason, is_lasting=False)
        if not rules.parser.can_fetch(url, self._token):
            raise RobotsRefusal(host_of(url), "robots: disallowed by robots.txt", is_lasting=True)

    async def _get_rules(self, origin: str, fetch: FetchRobots) -> RobotsRules:
        async with self._locks.setdefault(origin, asyncio.Lock()):
            rules = self._rules.get(origin)
            if rules is None or rules.until <= self._now():
                rules = self._rules[origin] = await self._load(origin, fetch)
            return rules

    async def _load(self, origin: str, fetch: FetchRobots) -> RobotsRules:
        copy = await self._repository.run(polls.load_robots_copy, origin) or RobotsCopy(origin=origin)
        now = self._now()
        if copy.good_at and not copy.reason and copy.checked_at and now - copy.checked_at < FRESH_FOR:
            return self._parse(origin, copy, copy.checked_at + FRESH_FOR)
        copy = await self._refresh(copy, fetch)
        await self._repository.run(polls.save_robots, copy)
        if not copy.reason:
            return self._parse(origin, copy, now + FRESH_FOR)
        if copy.good_at and now - copy.good_at < LAST_GOOD_FOR:
            return self._parse(origin, copy, now + RETRY_UNREADABLE)
        return RobotsRules(None, copy.reason, now + RETRY_UNREADABLE)

    async def _refresh(self, copy: RobotsCopy, fetch: FetchRobots) -> RobotsCopy:
        conditions = (("If-None-Match", copy.etag), ("If-Modified-Since", copy.last_modified)) if copy.good_at else ()
        now = self._now()
        try:
            page = await fetch(copy.origin + "/robots.txt", tuple(pair for pair in conditions if pair[1]))
        except (HostParked, BlockedAddress):
            raise  # robots.txt was not requested: store nothing about it
        except Exception as error:  # an unreadable robots.txt disallows everything, whatever the error
            return replace(copy, checked_at=now, status=0, reason=classify_error(error).reason)
        return _interpret(copy, page, now)

    def _parse(self, origin: str, copy: RobotsCopy, until: datetime) -> RobotsRules:
        parser = Protego.parse(copy.body.decode("utf-8", "replace"))
        delay = parser.crawl_delay(self._token)
        if delay:
            self._limiter.require_delay(host_of(origin), min(float(delay), MAX_DELAY))
        return RobotsRules(parser, "", until)


def extract_product_token(agent: str) -> str:
    """Return the first product of a user agent without its version, which robots.txt groups are matched against."""
    return agent.partition("/")[0].partition(" ")[0] or agent


def origin_of(url: str) -> str:
    """Return the scheme, host and port of a URL, to which one robots.txt applies."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}"


def _interpret(copy: RobotsCopy, page: Page, now: datetime) -> RobotsCopy:
    if page.status == 304 and copy.good_at and (copy.etag or copy.last_modified):
        return replace(copy, checked_at=now, good_at=now, status=304, reason="")
    if 400 <= page.status < 500 and page.status != 429:  # "unavailable" (RFC 9309, 2.3.1.3): everything may be fetched
        return RobotsCopy(origin=copy.origin, good_at=now, checked_at=now, status=page.status)
    if page.status != 200:
        return replace(copy, checked_at=now, status=page.status, reason=status_reason(page.status))
    try:
        body = _cut_to_limit(page.decode_content())
    except ContentError as error:
        return replace(copy, checked_at=now, status=200, reason=str(error))
    return RobotsCopy(
        origin=copy.origin,
        body=body,
        good_at=now,
        checked_at=now,
        status=200,
        etag=_usable_validator(page.header("etag")),
        last_modified=_usable_validator(page.header("last-modified")),
    )


def _cut_to_limit(body: bytes) -> bytes:
    """Return the whole lines within the limit: a rule that is cut could mean something else."""
    return body if len(body) <= MAX_ROBOTS_BYTES else body[: body.rfind(b"\n", 0, MAX_ROBOTS_BYTES) + 1]


def _usable_validator(value: str) -> str:
    return value if len(value) <= 1024 and value.isprintable() else ""
