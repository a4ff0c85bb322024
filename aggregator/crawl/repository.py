"""What the crawls of a process ask of the archive: each question one unit of work of its single writer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from aggregator.crawl.revisit_schedule import GO_ON, affordable, next_look, next_step
from aggregator.ingest.keep import Kept, Outdated, is_outdated, keep_article, keep_in_line
from spiders.source import Hints
from storage import glance
from storage.articles import boilerplate, store
from storage.articles import snapshots as facts
from storage.articles import template_changes as redesign
from storage.crawl import audits, ladder, leads, revisits
from storage.crawl import polls as calendar
from storage.crawl.audits import Audit
from storage.crawl.ladder import Look
from storage.db.writer import Writer
from storage.errors import TapeError
from storage.model.article import Article, Decision, Refusal
from storage.model.crawl import (  # fmt: skip
    Appointment,
    Capture,
    Endpoint,
    LeadState,
    Learned,
    LeasedLead,
    Looked,
    Poll,
    Revisit,
    RobotsCopy,
    Settled,
)
from storage.model.page import Lead, Page
from storage.warc.store import replay

if TYPE_CHECKING:
    from pathlib import Path

    from storage.db.writer import Transaction

T = TypeVar("T")

log = logging.getLogger(__name__)

GONE = 410
MISSING = (404, GONE)
LEASE = timedelta(minutes=15)
"""How long a lead belongs to the process that took it, where nobody can see that the process died."""


@dataclass(frozen=True, slots=True)
class ListingPage:
    """What keeping a page of a listing came to: when each new lead was published, and the listing's memory after it."""

    came: tuple[datetime | None, ...]
    endpoint: Endpoint


class Desk:
    """Awaitable access to the archive. `owner` names this process in leases."""

    def __init__(self, writer: Writer, owner: str, now: Callable[[], datetime], tape: Path | None = None) -> None:
        self._writer, self.owner, self.now, self._tape = writer, owner, now, tape
        self._learned: dict[str, Learned] = {}

    async def do(self, work: Callable[[Transaction, tuple[Capture, ...]], T], pages: Sequence[Page] = ()) -> T:
        """Run a unit of work in the writer; its `pages` go on the tape first."""
        return await asyncio.wrap_future(self._writer.submit(work, pages))

    async def endpoints(self, source: str) -> list[Endpoint]:
        """What is remembered of a source's index addresses."""
        return await self.do(lambda tx, _: calendar.endpoints_of(tx, source))

    async def keep_index(self, endpoint: Endpoint, found: Sequence[Lead]) -> tuple[datetime | None, ...]:
        """Write an index's memory and its leads in one transaction; returns when each new lead was published."""

        def work(tx: Transaction, _: tuple[Capture, ...]) -> tuple[datetime | None, ...]:
            calendar.save_endpoint(tx, endpoint)
            return tuple(leads.record_leads(tx, endpoint.source, found, self.now())) if found else ()

        return await self.do(work)

    async def keep_page(self, endpoint: Endpoint, found: Sequence[Lead], listing: Endpoint) -> ListingPage:
        """`keep_index` for a page of a listing, whose own memory names the next page that is left to read.

        Reading goes on while every lead of a page is new; written with the leads, so that no crash ends it early.
        """

        def work(tx: Transaction, _: tuple[Capture, ...]) -> ListingPage:
            new = leads.record_leads(tx, endpoint.source, found, self.now()) if found else []
            is_first = endpoint.url == listing.url
            onward = endpoint.more if found and len(new) == len(found) else listing.more if is_first else ()
            if not is_first:
                calendar.save_endpoint(tx, replace(endpoint, more=()))
            kept = replace(endpoint if is_first else listing, more=onward)
            calendar.save_endpoint(tx, kept)
            return ListingPage(tuple(new), kept)

        return await self.do(work)

    async def lease(self, source: str, limit: int) -> list[LeasedLead]:
        """Take up to `limit` leads of a source that are waiting or due again."""
        now = self.now()
        return await self.do(lambda tx, _: leads.lease_leads(tx, source, self.owner, now, now + LEASE, limit))

    async def release(self, ids: Sequence[int]) -> None:
        """Give leads back, as they were."""
        if ids:
            await self.do(lambda tx, _: leads.release_leads(tx, self.owner, ids))

    async def appointments(self, source: str) -> list[Appointment]:
        """When each of a source's indexes is read next."""
        return await self.do(lambda tx, _: calendar.appointments_of(tx, source))

    async def close_poll(
        self,
        source: str,
        polls: Sequence[Poll],
        appointments: Sequence[Appointment],
        next_poll: tuple[datetime, str],
        *,
        go_on: bool,
        look_on: Collection[str] | None = None,
    ) -> tuple[datetime, str]:
        """Leave the poll's rows and when its indexes are read next; returns when the source is polled next, and why.

        That is at `next_poll`, or earlier for the sake of articles that are due again, or with `go_on` for those that
        wait already; or for a look at a kept article, where `look_on` names the hosts of the indexes.
        """

        def work(tx: Transaction, _: tuple[Capture, ...]) -> tuple[datetime, str]:
            now = self.now()
            for poll in polls:
                calendar.record_poll(tx, poll)
            for appointment in appointments:
                calendar.appoint(tx, appointment)
            planned = [next_poll]
            if go_on and leads.are_waiting(tx, source, now):
                planned.append((now + GO_ON, "more articles wait than one poll fetches"))
            if (retry_at := leads.next_due(tx, source, now)) is not None:
                planned.append((max(retry_at, now + GO_ON), "an article is to be asked for again"))
            if look_on is not None:
                planned += next_look(tx, source, look_on, now)
            next_at, reason = min(planned)
            calendar.schedule(tx, source, next_at, reason, now)
            return next_at, reason

        return await self.do(work)

    async def audits(self) -> dict[str, Audit]:
        """The last audit of every source."""
        return await self.do(lambda tx, _: audits.audits_of(tx))

    async def keep_audit(self, audit: Audit, alone: Sequence[Lead]) -> Audit:
        """Keep an audit, and as leads what the sitemap alone named and nothing had named before."""

        def work(tx: Transaction, _: tuple[Capture, ...]) -> Audit:
            unknown = audits.unknown(tx, audit.source, [lead.url for lead in alone])
            missed = [lead for lead in alone if lead.url in unknown]
            if missed:
                leads.record_leads(tx, audit.source, missed, self.now())
            kept = replace(audit, missed=len(missed))
            audits.keep_audit(tx, kept)
            return kept

        return await self.do(work)

    async def beat(self) -> None:
        """Write down that the service is alive."""
        await self.do(lambda tx, _: glance.beat(tx, self.now()))

    async def learned_appointments(self) -> list[Appointment]:
        """Those of every index that is asked and of which something was learned."""
        return await self.do(lambda tx, _: calendar.learned_appointments(tx))

    async def polls_since(self, begin: datetime) -> tuple[int, datetime | None]:
        """How many indexes were asked since then, and when the first of them was."""
        return await self.do(lambda tx, _: calendar.polls_since(tx, begin))

    async def due(self, sources: Sequence[str]) -> list[str]:
        """Those of the named sources whose time has come, the longest overdue first."""
        return await self.do(lambda tx, _: calendar.due(tx, sources, self.now()))

    async def parked(self) -> list[tuple[str, datetime, str]]:
        """The hosts that asked to be left alone, until when, and why."""
        return await self.do(lambda tx, _: calendar.parked(tx, self.now()))

    async def park(self, host: str, until: datetime, reason: str) -> None:
        """Remember that a host asked to be left alone."""
        await self.do(lambda tx, _: calendar.park(tx, host, until, reason))

    async def robots_copy(self, origin: str) -> RobotsCopy | None:
        """The kept robots.txt of an origin."""
        return await self.do(lambda tx, _: calendar.robots_copy(tx, origin))

    async def save_robots(self, copy: RobotsCopy) -> None:
        """Keep an origin's robots.txt."""
        await self.do(lambda tx, _: calendar.save_robots(tx, copy))

    async def fail(
        self,
        leased: LeasedLead,
        reason: str,
        retry_in: float | None,
        hops: tuple[Page, ...] = (),
        *,
        keep_pages: bool = True,
    ) -> None:
        """End a lead without an article: to be asked again after so many seconds, or refused for good.

        Where an article was kept at its address before, it is found missing, and its lead stays kept.
        """

        def work(tx: Transaction, captures: tuple[Capture, ...]) -> None:
            now = self.now()
            taped = store.record_captures(tx, captures, hops, "failed" if retry_in else "refused", reason)
            if hops and hops[-1].status in MISSING and _is_missed(tx, leased, hops[-1], taped, reason):
                leads.finish_lead(tx, leased, self.owner, LeadState.KEPT, reason, now)
                return
            state = LeadState.RETRY if retry_in else LeadState.REFUSED
            next_at = now + timedelta(seconds=retry_in) if retry_in else None
            leads.finish_lead(tx, leased, self.owner, state, reason, now, next_at)

        await self.do(work, hops if keep_pages else ())

    async def expire(self, leased: LeasedLead, reason: str) -> bool:
        """End a lead that is too old to be kept, without asking for it; False where its article is kept."""

        def work(tx: Transaction, _: tuple[Capture, ...]) -> bool:
            if store.article_at(tx, leased.lead.url) is not None:
                return False
            return leads.finish_lead(tx, leased, self.owner, LeadState.EXPIRED, reason, self.now())

        return await self.do(work)

    async def learn(self, source: str) -> None:
        """Look up what was learned of a source's pages."""
        self._learned[source] = await self.do(lambda tx, _: boilerplate.learned_of(tx, source))

    def hints(self, hints: Hints) -> Hints:
        """A source's hints with what was learned of its pages."""
        learned = self._learned.get(hints.source, Learned())
        return replace(hints, boilerplate=learned.paragraphs, boilerplate_version=learned.version)

    async def settle(self, source: str) -> Settled:
        """Hold back what came or went on many of a source's pages at once."""

        def work(tx: Transaction, _: tuple[Capture, ...]) -> Settled:
            settled = redesign.settle(tx, source, self.now())
            for redrawn in settled.redrawn:
                keep_in_line(tx, redrawn)
            return settled

        return await self.do(work)

    async def revisits(self, source: str, after: int, limit: int) -> list[Revisit]:
        """Kept articles of a source that may be asked for again, by id, after the id `after`."""
        return await self.do(lambda tx, _: revisits.revisits(tx, source, after, limit))

    async def due_revisits(self, source: str, index_hosts: Collection[str], most: int) -> list[Revisit]:
        """Kept articles of a source whose next look is due, as far as its hosts can be asked for that today."""

        def work(tx: Transaction, _: tuple[Capture, ...]) -> list[Revisit]:
            steps = affordable(tx, source, index_hosts, self.now(), most)
            return revisits.revisits_of(tx, source, [step.article_id for step in steps])

        return await self.do(work)

    async def looked_again(self, revisit: Revisit, source: str, outcome: Look) -> None:
        """Plan the look that follows one which came to `outcome`."""

        def work(tx: Transaction, _: tuple[Capture, ...]) -> None:
            now = self.now()
            ladder.looked_again(tx, source, outcome, now)
            step = ladder.step_of(tx, revisit.article_id)
            if step is None:
                return
            is_lively = ladder.is_lively(tx, revisit.article_id, now)
            planned = next_step(step, outcome, ladder.past_looks(tx, source), now, is_lively=is_lively)
            if planned is None:
                ladder.drop(tx, revisit.article_id)
            else:
                ladder.plan(tx, planned)

        await self.do(work)

    async def looked(
        self, revisit: Revisit, looks: Looked, hops: tuple[Page, ...] = (), verdict: str = ""
    ) -> Decision | None:
        """Write down that a kept article's page gave no text; returns what that decided, if anything.

        On the tape the page stands with its `verdict`, or else with the look's outcome.
        """

        def work(tx: Transaction, captures: tuple[Capture, ...]) -> Decision | None:
            taped = store.record_captures(tx, captures, hops, verdict or looks.outcome, looks.reason)
            return store.record_look(tx, revisit.article_id, looks, taped)

        return await self.do(work, hops)

    async def keep_again(
        self,
        revisit: Revisit,
        hops: tuple[Page, ...],
        article: Article,
        before: tuple[Page, Article] | None,
        pages: tuple[Page, ...],
    ) -> Decision | Refusal | None:
        """Keep what an article says now; `before` is its last page as it would be read now, where that was done."""

        def work(tx: Transaction, captures: tuple[Capture, ...]) -> Kept | Outdated | Refusal:
            learned = boilerplate.learned_of(tx, hops[-1].source)
            if is_outdated(article, learned):
                return Outdated(learned)
            if not facts.holds(tx, revisit.article_id):
                return Refusal(code="removed", reason="the article was removed while it was asked for again")
            if before is not None:
                keep_in_line(tx, store.record_rereading(tx, revisit.sighting_id, before[1], before[0]))
            return keep_article(tx, article, hops[-1], store.record_captures(tx, captures, hops), learned, self.now())

        return await self.keep(hops[-1].source, work, pages)

    def replay(self, capture: Capture) -> Page | None:
        """A captured page again, or None where the tape does not have it."""
        try:
            return replay(self._tape, capture) if self._tape else None
        except TapeError as error:
            log.warning("event=no-replay reason=%s", error)
            return None

    async def keep(
        self,
        source: str,
        work: Callable[[Transaction, tuple[Capture, ...]], Kept | Outdated | Refusal],
        pages: Sequence[Page],
    ) -> Decision | Refusal | None:
        """Keep an article, and remember what was learned of its source; None where that makes it outdated."""
        kept = await self.do(work, pages)
        if isinstance(kept, Refusal):
            return kept
        known = self._learned.get(source, Learned())
        if kept.learned.version > known.version:
            self._learned[source] = kept.learned
        return kept.decision if isinstance(kept, Kept) else None


def _is_missed(tx: Transaction, leased: LeasedLead, page: Page, taped: int | None, reason: str) -> bool:
    """Whether an article is kept at a lead's address; then it is written down that it is missing now."""
    article_id = store.article_at(tx, leased.lead.url)
    if article_id is None:
        return False
    looked = Looked(
        url=leased.lead.url,
        looked_at=page.fetched_at,
        status=page.status,
        outcome="missing",
        reason=reason,
        sure=page.status == GONE,
    )
    store.record_look(tx, article_id, looked, taped)
    return True
