"""What the crawls of a process ask of the archive: each question one unit of work of its single writer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from aggregator.crawl.revisit_schedule import CONTINUE_AFTER, find_next_revisit, schedule_next, select_affordable
from aggregator.ingest.keep import KeepResult, OutdatedExtraction, is_outdated, keep_article, update_dependents
from spiders.source import Hints
from storage import glance
from storage.articles import boilerplate, store
from storage.articles import snapshots as snapshots
from storage.articles import template_changes as template_changes
from storage.crawl import audits, ladder, leads, revisits
from storage.crawl import polls as poll_store
from storage.crawl.audits import FeedAudit
from storage.crawl.ladder import RevisitResult
from storage.db.writer import DatabaseWriter
from storage.errors import WarcError
from storage.model.article import Article, Decision, Refusal
from storage.model.crawl import (  # fmt: skip
    Capture,
    CheckResult,
    IndexEndpoint,
    LeadState,
    LearnedBoilerplate,
    LeasedLead,
    NextPoll,
    Poll,
    Revisit,
    RobotsCopy,
    TemplateChangeResult,
)
from storage.model.page import Lead, Page
from storage.warc.store import replay_page

if TYPE_CHECKING:
    from pathlib import Path

    from aggregator.topics.matcher import TopicMatcher
    from storage.db.writer import Transaction

T = TypeVar("T")

log = logging.getLogger(__name__)

HTTP_GONE = 410
MISSING_STATUSES = (404, HTTP_GONE)
LEASE_DURATION = timedelta(minutes=15)
"""How long a lead belongs to the process that took it, where nobody can see that the process died."""


@dataclass(frozen=True, slots=True)
class ListingPageResult:
    """What keeping a page of a listing came to: when each new lead was published, and the listing's memory after it."""

    new_published: tuple[datetime | None, ...]
    endpoint: IndexEndpoint


class CrawlRepository:
    """Awaitable access to the archive. `owner` names this process in leases."""

    def __init__(
        self,
        writer: DatabaseWriter,
        owner: str,
        now: Callable[[], datetime],
        matcher: TopicMatcher,
        warc_folder: Path | None = None,
    ) -> None:
        self._writer, self.owner, self.now, self._warc_folder = writer, owner, now, warc_folder
        self.matcher = matcher
        self._boilerplate: dict[str, LearnedBoilerplate] = {}

    async def run(self, work: Callable[[Transaction, tuple[Capture, ...]], T], pages: Sequence[Page] = ()) -> T:
        """Run a unit of work in the writer; its `pages` go on the tape first."""
        return await asyncio.wrap_future(self._writer.submit(work, pages))

    async def load_endpoints(self, source: str) -> list[IndexEndpoint]:
        """What is remembered of a source's index addresses."""
        return await self.run(lambda tx, _: poll_store.load_endpoints(tx, source))

    async def save_index(self, endpoint: IndexEndpoint, named_leads: Sequence[Lead]) -> tuple[datetime | None, ...]:
        """Write an index's memory and its leads in one transaction; returns when each new lead was published."""

        def work(tx: Transaction, _: tuple[Capture, ...]) -> tuple[datetime | None, ...]:
            poll_store.save_endpoint(tx, endpoint)
            return tuple(leads.record_leads(tx, endpoint.source, named_leads, self.now())) if named_leads else ()

        return await self.run(work)

    async def save_listing_page(
        self, endpoint: IndexEndpoint, named_leads: Sequence[Lead], listing: IndexEndpoint
    ) -> ListingPageResult:
        """`keep_index` for a page of a listing, whose own memory names the next page that is left to read.

        Reading goes on while every lead of a page is new; written with the leads, so that no crash ends it early.
        """

        def work(tx: Transaction, _: tuple[Capture, ...]) -> ListingPageResult:
            new = leads.record_leads(tx, endpoint.source, named_leads, self.now()) if named_leads else []
            is_first = endpoint.url == listing.url
            onward = (
                endpoint.child_urls
                if named_leads and len(new) == len(named_leads)
                else listing.child_urls
                if is_first
                else ()
            )
            if not is_first:
                poll_store.save_endpoint(tx, replace(endpoint, child_urls=()))
            kept = replace(endpoint if is_first else listing, child_urls=onward)
            poll_store.save_endpoint(tx, kept)
            return ListingPageResult(tuple(new), kept)

        return await self.run(work)

    async def lease_leads(self, source: str, limit: int) -> list[LeasedLead]:
        """Take up to `limit` leads of a source that are waiting or due again."""
        now = self.now()
        return await self.run(lambda tx, _: leads.lease_leads(tx, source, self.owner, now, now + LEASE_DURATION, limit))

    async def release_leads(self, ids: Sequence[int]) -> None:
        """Give leads back, as they were."""
        if ids:
            await self.run(lambda tx, _: leads.release_leads(tx, self.owner, ids))

    async def load_next_polls(self, source: str) -> list[NextPoll]:
        """When each of a source's indexes is read next."""
        return await self.run(lambda tx, _: poll_store.load_next_polls(tx, source))

    async def close_poll(
        self,
        source: str,
        polls: Sequence[Poll],
        next_polls: Sequence[NextPoll],
        planned_poll: tuple[datetime, str],
        *,
        has_progress: bool,
        revisit_hosts: Collection[str] | None = None,
    ) -> tuple[datetime, str]:
        """Leave the poll's rows and when its indexes are read next; returns when the source is polled next, and why.

        That is at `next_poll`, or earlier for the sake of articles that are due again, or with `go_on` for those that
        wait already; or for a look at a kept article, where `look_on` names the hosts of the indexes.
        """

        def work(tx: Transaction, _: tuple[Capture, ...]) -> tuple[datetime, str]:
            now = self.now()
            for poll in polls:
                poll_store.record_poll(tx, poll)
            for appointment in next_polls:
                poll_store.save_next_poll(tx, appointment)
            planned = [planned_poll]
            if has_progress and leads.has_fetchable_leads(tx, source, now):
                planned.append((now + CONTINUE_AFTER, "more articles wait than one poll fetches"))
            if (retry_at := leads.next_lead_due_at(tx, source, now)) is not None:
                planned.append((max(retry_at, now + CONTINUE_AFTER), "an article is to be asked for again"))
            if revisit_hosts is not None:
                planned += find_next_revisit(tx, source, revisit_hosts, now)
            next_at, reason = min(planned)
            poll_store.schedule_source(tx, source, next_at, reason, now)
            return next_at, reason

        return await self.run(work)

    async def load_audits(self) -> dict[str, FeedAudit]:
        """The last audit of every source."""
        return await self.run(lambda tx, _: audits.load_audits(tx))

    async def save_audit(self, audit: FeedAudit, sitemap_leads: Sequence[Lead]) -> FeedAudit:
        """Keep an audit, and as leads what the sitemap alone named and nothing had named before."""

        def work(tx: Transaction, _: tuple[Capture, ...]) -> FeedAudit:
            unknown = audits.find_unknown_urls(tx, audit.source, [lead.url for lead in sitemap_leads])
            missed = [lead for lead in sitemap_leads if lead.url in unknown]
            if missed:
                leads.record_leads(tx, audit.source, missed, self.now())
            kept = replace(audit, missed=len(missed))
            audits.save_audit(tx, kept)
            return kept

        return await self.run(work)

    async def heartbeat(self) -> None:
        """Write down that the service is alive."""
        await self.run(lambda tx, _: glance.record_heartbeat(tx, self.now()))

    async def load_learned_polls(self) -> list[NextPoll]:
        """Those of every index that is asked and of which something was learned."""
        return await self.run(lambda tx, _: poll_store.load_learned_next_polls(tx))

    async def count_polls_since(self, begin: datetime) -> tuple[int, datetime | None]:
        """How many indexes were asked since then, and when the first of them was."""
        return await self.run(lambda tx, _: poll_store.count_polls_since(tx, begin))

    async def find_due_sources(self, sources: Sequence[str]) -> list[str]:
        """Those of the named sources whose time has come, the longest overdue first."""
        return await self.run(lambda tx, _: poll_store.find_due_sources(tx, sources, self.now()))

    async def load_parked_hosts(self) -> list[tuple[str, datetime, str]]:
        """The hosts that asked to be left alone, until when, and why."""
        return await self.run(lambda tx, _: poll_store.load_parked_hosts(tx, self.now()))

    async def park_host(self, host: str, until: datetime, reason: str) -> None:
        """Remember that a host asked to be left alone."""
        await self.run(lambda tx, _: poll_store.park_host(tx, host, until, reason))

    async def load_robots(self, origin: str) -> RobotsCopy | None:
        """The kept robots.txt of an origin."""
        return await self.run(lambda tx, _: poll_store.load_robots_copy(tx, origin))

    async def save_robots(self, copy: RobotsCopy) -> None:
        """Keep an origin's robots.txt."""
        await self.run(lambda tx, _: poll_store.save_robots(tx, copy))

    async def fail_lead(
        self,
        leased: LeasedLead,
        reason: str,
        retry_in: float | None,
        hops: tuple[Page, ...] = (),
        *,
        keeps_pages: bool = True,
    ) -> None:
        """End a lead without an article: to be asked again after so many seconds, or refused for good.

        Where an article was kept at its address before, it is found missing, and its lead stays kept.
        """

        def work(tx: Transaction, captures: tuple[Capture, ...]) -> None:
            now = self.now()
            taped = store.record_captures(tx, captures, hops, "failed" if retry_in else "refused", reason)
            if hops and hops[-1].status in MISSING_STATUSES and _record_missing(tx, leased, hops[-1], taped, reason):
                leads.finish_lead(tx, leased, self.owner, LeadState.KEPT, reason, now)
                return
            state = LeadState.RETRY if retry_in else LeadState.REFUSED
            next_at = now + timedelta(seconds=retry_in) if retry_in else None
            leads.finish_lead(tx, leased, self.owner, state, reason, now, next_at)

        await self.run(work, hops if keeps_pages else ())

    async def expire_lead(self, leased: LeasedLead, reason: str) -> bool:
        """End a lead that is too old to be kept, without asking for it; False where its article is kept."""

        def work(tx: Transaction, _: tuple[Capture, ...]) -> bool:
            if store.find_article_id_by_url(tx, leased.lead.url) is not None:
                return False
            return leads.finish_lead(tx, leased, self.owner, LeadState.EXPIRED, reason, self.now())

        return await self.run(work)

    async def load_boilerplate(self, source: str) -> None:
        """Look up what was learned of a source's pages."""
        self._boilerplate[source] = await self.run(lambda tx, _: boilerplate.load_boilerplate(tx, source))

    def add_boilerplate(self, hints: Hints) -> Hints:
        """A source's hints with what was learned of its pages."""
        learned = self._boilerplate.get(hints.source, LearnedBoilerplate())
        return replace(hints, boilerplate=learned.paragraphs, boilerplate_version=learned.version)

    async def apply_template_changes(self, source: str) -> TemplateChangeResult:
        """Hold back what came or went on many of a source's pages at once."""

        def work(tx: Transaction, _: tuple[Capture, ...]) -> TemplateChangeResult:
            settled = template_changes.apply_template_changes(tx, source, self.now())
            for redrawn in settled.rederived:
                update_dependents(tx, redrawn, self.matcher)
            return settled

        return await self.run(work)

    async def load_revisits(self, source: str, after: int, limit: int) -> list[Revisit]:
        """Kept articles of a source that may be asked for again, by id, after the id `after`."""
        return await self.run(lambda tx, _: revisits.list_revisits(tx, source, after, limit))

    async def load_due_revisits(self, source: str, index_hosts: Collection[str], most: int) -> list[Revisit]:
        """Kept articles of a source whose next look is due, as far as its hosts can be asked for that today."""

        def work(tx: Transaction, _: tuple[Capture, ...]) -> list[Revisit]:
            steps = select_affordable(tx, source, index_hosts, self.now(), most)
            return revisits.load_revisits(tx, source, [step.article_id for step in steps])

        return await self.run(work)

    async def record_revisit(self, revisit: Revisit, source: str, outcome: RevisitResult) -> None:
        """Plan the look that follows one which came to `outcome`."""

        def work(tx: Transaction, _: tuple[Capture, ...]) -> None:
            now = self.now()
            ladder.record_revisit(tx, source, outcome, now)
            step = ladder.load_scheduled_revisit(tx, revisit.article_id)
            if step is None:
                return
            is_lively = ladder.has_active_story(tx, revisit.article_id, now)
            planned = schedule_next(step, outcome, ladder.count_revisits(tx, source), now, has_active_story=is_lively)
            if planned is None:
                ladder.cancel_revisit(tx, revisit.article_id)
            else:
                ladder.schedule_revisit(tx, planned)

        await self.run(work)

    async def record_check(
        self, revisit: Revisit, check: CheckResult, hops: tuple[Page, ...] = (), verdict: str = ""
    ) -> Decision | None:
        """Write down that a kept article's page gave no text; returns what that decided, if anything.

        On the tape the page stands with its `verdict`, or else with the look's outcome.
        """

        def work(tx: Transaction, captures: tuple[Capture, ...]) -> Decision | None:
            taped = store.record_captures(tx, captures, hops, verdict or check.outcome, check.reason)
            return store.record_check(tx, revisit.article_id, check, taped)

        return await self.run(work, hops)

    async def save_revisited_article(
        self,
        revisit: Revisit,
        hops: tuple[Page, ...],
        article: Article,
        previous: tuple[Page, Article] | None,
        pages: tuple[Page, ...],
    ) -> Decision | Refusal | None:
        """Keep what an article says now; `before` is its last page as it would be read now, where that was done."""

        def work(tx: Transaction, captures: tuple[Capture, ...]) -> KeepResult | OutdatedExtraction | Refusal:
            learned = boilerplate.load_boilerplate(tx, hops[-1].source)
            if is_outdated(article, learned):
                return OutdatedExtraction(learned)
            if not snapshots.is_stored(tx, revisit.article_id):
                return Refusal(code="removed", reason="the article was removed while it was asked for again")
            if previous is not None:
                rederived = store.record_reextraction(tx, revisit.snapshot_id, previous[1], previous[0])
                update_dependents(tx, rederived, self.matcher)
            capture_id = store.record_captures(tx, captures, hops)
            return keep_article(tx, article, hops[-1], capture_id, learned, self.matcher, self.now())

        return await self.save_article(hops[-1].source, work, pages)

    def read_capture(self, capture: Capture) -> Page | None:
        """A captured page again, or None where the tape does not have it."""
        try:
            return replay_page(self._warc_folder, capture) if self._warc_folder else None
        except WarcError as error:
            log.warning("event=no-replay reason=%s", error)
            return None

    async def save_article(
        self,
        source: str,
        work: Callable[[Transaction, tuple[Capture, ...]], KeepResult | OutdatedExtraction | Refusal],
        pages: Sequence[Page],
    ) -> Decision | Refusal | None:
        """Keep an article, and remember what was learned of its source; None where that makes it outdated."""
        kept = await self.run(work, pages)
        if isinstance(kept, Refusal):
            return kept
        known = self._boilerplate.get(source, LearnedBoilerplate())
        if kept.learned.version > known.version:
            self._boilerplate[source] = kept.learned
        return kept.decision if isinstance(kept, KeepResult) else None


def _record_missing(tx: Transaction, leased: LeasedLead, page: Page, capture_id: int | None, reason: str) -> bool:
    """Whether an article is kept at a lead's address; then it is written down that it is missing now."""
    article_id = store.find_article_id_by_url(tx, leased.lead.url)
    if article_id is None:
        return False
    looked = CheckResult(
        url=leased.lead.url,
        checked_at=page.fetched_at,
        status=page.status,
        outcome="missing",
        reason=reason,
        is_certain=page.status == HTTP_GONE,
    )
    store.record_check(tx, article_id, looked, capture_id)
    return True
