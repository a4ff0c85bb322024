"""What the crawls of a process ask of the archive: each question one unit of work of its single writer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from aggregator.intake.ingest import retry_delay
from aggregator.intake.keeping import keep_article, refused_as_repeated
from storage import calendar, leads, store
from storage.article import Article, Decision, Refusal
from storage.page import Lead, Page
from storage.state import Capture, Endpoint, LeadState, LeasedLead, Poll, RobotsCopy
from storage.writer import Writer

if TYPE_CHECKING:
    from storage.writer import Transaction

T = TypeVar("T")

LEASE = timedelta(minutes=15)
"""How long a lead belongs to the process that took it, where nobody can see that the process died."""


@dataclass(frozen=True, slots=True)
class ListingPage:
    """What keeping a page of a listing came to: how many leads were new, and the listing's memory after it."""

    new: int
    endpoint: Endpoint


class Desk:
    """Awaitable access to the archive. `owner` names this process in leases."""

    def __init__(self, writer: Writer, owner: str, now: Callable[[], datetime]) -> None:
        self._writer, self.owner, self.now = writer, owner, now

    async def _do(self, work: Callable[[Transaction, tuple[Capture, ...]], T], pages: Sequence[Page] = ()) -> T:
        return await asyncio.wrap_future(self._writer.submit(work, pages))

    async def endpoints(self, source: str) -> list[Endpoint]:
        """What is remembered of a source's index addresses."""
        return await self._do(lambda tx, _: calendar.endpoints_of(tx, source))

    async def keep_index(self, endpoint: Endpoint, found: Sequence[Lead]) -> int:
        """Write an index's memory and its leads in one transaction; returns how many leads are new."""

        def work(tx: Transaction, _: tuple[Capture, ...]) -> int:
            calendar.save_endpoint(tx, endpoint)
            return leads.record_leads(tx, endpoint.source, found, self.now()) if found else 0

        return await self._do(work)

    async def keep_page(self, endpoint: Endpoint, found: Sequence[Lead], listing: Endpoint) -> ListingPage:
        """`keep_index` for a page of a listing, whose own memory names the next page that is left to read.

        Reading goes on while every lead of a page is new; written with the leads, so that no crash ends it early.
        """

        def work(tx: Transaction, _: tuple[Capture, ...]) -> ListingPage:
            new = leads.record_leads(tx, endpoint.source, found, self.now()) if found else 0
            is_first = endpoint.url == listing.url
            onward = endpoint.more if found and new == len(found) else listing.more if is_first else ()
            if not is_first:
                calendar.save_endpoint(tx, replace(endpoint, more=()))
            kept = replace(endpoint if is_first else listing, more=onward)
            calendar.save_endpoint(tx, kept)
            return ListingPage(new, kept)

        return await self._do(work)

    async def lease(self, source: str, limit: int) -> list[LeasedLead]:
        """Take up to `limit` leads of a source that are waiting or due again."""
        now = self.now()
        return await self._do(lambda tx, _: leads.lease_leads(tx, source, self.owner, now, now + LEASE, limit))

    async def release(self, ids: Sequence[int]) -> None:
        """Give leads back, as they were."""
        if ids:
            await self._do(lambda tx, _: leads.release_leads(tx, self.owner, ids))

    async def close_poll(self, source: str, polls: Sequence[Poll], next_poll_at: datetime, reason: str) -> None:
        """Leave the poll's rows, and when the source is polled next."""

        def work(tx: Transaction, _: tuple[Capture, ...]) -> None:
            for poll in polls:
                calendar.record_poll(tx, poll)
            calendar.schedule(tx, source, next_poll_at, reason, self.now())

        await self._do(work)

    async def due(self, sources: Sequence[str]) -> list[str]:
        """Those of the named sources whose time has come, the longest overdue first."""
        return await self._do(lambda tx, _: calendar.due(tx, sources, self.now()))

    async def parked(self) -> list[tuple[str, datetime, str]]:
        """The hosts that asked to be left alone, until when, and why."""
        return await self._do(lambda tx, _: calendar.parked(tx, self.now()))

    async def park(self, host: str, until: datetime, reason: str) -> None:
        """Remember that a host asked to be left alone."""
        await self._do(lambda tx, _: calendar.park(tx, host, until, reason))

    async def robots_copy(self, origin: str) -> RobotsCopy | None:
        """The kept robots.txt of an origin."""
        return await self._do(lambda tx, _: calendar.robots_copy(tx, origin))

    async def save_robots(self, copy: RobotsCopy) -> None:
        """Keep an origin's robots.txt."""
        await self._do(lambda tx, _: calendar.save_robots(tx, copy))

    async def fail(self, leased: LeasedLead, reason: str, retry_in: float | None, hops: tuple[Page, ...] = ()) -> None:
        """End a lead without an article: to be asked again after so many seconds, or refused for good."""

        def work(tx: Transaction, captures: tuple[Capture, ...]) -> None:
            now = self.now()
            for capture, page in zip(captures, hops, strict=True):
                store.record_capture(tx, capture, page, "failed" if retry_in else "refused", reason)
            state = LeadState.RETRY if retry_in else LeadState.REFUSED
            next_at = now + timedelta(seconds=retry_in) if retry_in else None
            leads.finish_lead(tx, leased, self.owner, state, reason, now, next_at)

        await self._do(work, hops)

    def keeper(self, leased: LeasedLead, keep_pages: bool) -> LeadKeeper:
        """Keeps what came of one lead."""
        return LeadKeeper(self, leased, keep_pages)


@dataclass(frozen=True, slots=True)
class LeadKeeper:
    """Ends one lead together with what its page came to (an `ingest.Keeper`)."""

    desk: Desk
    leased: LeasedLead
    keep_pages: bool

    async def keep(self, hops: tuple[Page, ...], article: Article) -> Decision | Refusal:
        """The article, its pages' place on the tape and the lead's end, in one transaction."""
        desk, leased = self.desk, self.leased

        def work(tx: Transaction, captures: tuple[Capture, ...]) -> Decision | Refusal:
            now, page = desk.now(), hops[-1]
            repeated = refused_as_repeated(tx, article, page)
            if repeated is not None:
                self._refuse(tx, captures, hops, repeated)
                return repeated
            rows = [store.record_capture(tx, capture, hop) for capture, hop in zip(captures, hops, strict=False)]
            decision = keep_article(tx, article, page, rows[-1] if rows else None, now)
            leads.finish_lead(tx, leased, desk.owner, LeadState.KEPT, decision.reason, now)
            return decision

        return await desk._do(work, hops if self.keep_pages else ())

    async def refuse(self, hops: tuple[Page, ...], refusal: Refusal) -> None:
        """The pages stay on the tape with their verdict; the lead is asked again where its kind of refusal may pass."""

        def work(tx: Transaction, captures: tuple[Capture, ...]) -> None:
            self._refuse(tx, captures, hops, refusal)

        await self.desk._do(work, hops if self.keep_pages else ())

    def _refuse(self, tx: Transaction, captures: tuple[Capture, ...], hops: tuple[Page, ...], refusal: Refusal) -> None:
        now = self.desk.now()
        for capture, hop in zip(captures, hops, strict=False):
            store.record_capture(tx, capture, hop, refusal.code, refusal.reason)
        wait = retry_delay(self.leased.attempts, refusal.code)
        state = LeadState.REFUSED if wait is None else LeadState.RETRY
        next_at = None if wait is None else now + timedelta(seconds=wait)
        leads.finish_lead(tx, self.leased, self.desk.owner, state, refusal.reason, now, next_at)
