"""Async access to the crawl's tables; each call is one unit of work of the writer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from aggregator.crawl.revisit_schedule import CONTINUE_AFTER, find_next_revisit, schedule_next, select_affordable
from aggregator.ingest.keep import KeepResult, OutdatedExtraction, is_outdated, keep_article, update_dependents
from spiders.source import Hints
from storage.articles import boilerplate, snapshots, store, template_changes
from storage.crawl import audits, leads, revisit_schedule, revisits
from storage.crawl import polls as poll_store
from storage.crawl.audits import FeedAudit
from storage.crawl.revisit_schedule import RevisitResult
from storage.db.writer import DatabaseWriter
from storage.errors import WarcError
from storage.model.article import Article, Decision, Refusal
from storage.model.crawl import (
    Capture,
    CheckResult,
    IndexEndpoint,
    LeadState,
    LearnedBoilerplate,
    LeasedLead,
    NextPoll,
    Poll,
    ReasonCode,
    Revisit,
    TemplateChangeResult,
)
from storage.model.page import Lead, Page
from storage.warc.store import replay_page

if TYPE_CHECKING:
    from pathlib import Path

    from aggregator.topics.matcher import TopicMatcher
    from storage.db.writer import Transaction

T = TypeVar("T")
P = ParamSpec("P")

log = logging.getLogger(__name__)

_MISSING_CODES = (ReasonCode.HTTP_NOT_FOUND, ReasonCode.HTTP_GONE)
LEASE_DURATION = timedelta(minutes=15)
"""Duration of a lease, after which another process may lease the lead even if this process still runs."""


@dataclass(frozen=True, slots=True)
class ListingPageResult:
    """Publication time of each new lead on a page of a listing, and the listing's state after it."""

    new_published: tuple[datetime | None, ...]
    endpoint: IndexEndpoint


class CrawlRepository:
    """Async access to the archive for the crawls of a process; `owner` is the process's name in leases."""

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

    async def run(self, work: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function of `storage` in a transaction of the writer."""
        return await self.run_with_pages(lambda tx, _: work(tx, *args, **kwargs))

    async def run_with_pages(
        self, work: Callable[[Transaction, tuple[Capture, ...]], T], pages: Sequence[Page] = ()
    ) -> T:
        """Write pages to a WARC file, then run a function with their captures in a transaction of the writer."""
        return await asyncio.wrap_future(self._writer.submit(work, pages))

    async def save_index(self, endpoint: IndexEndpoint, named_leads: Sequence[Lead]) -> tuple[datetime | None, ...]:
        """Store an index's state and leads; return the publication time of each new lead."""

        def work(tx: Transaction) -> tuple[datetime | None, ...]:
            poll_store.save_endpoint(tx, endpoint)
            return tuple(leads.record_leads(tx, endpoint.source, named_leads, self.now())) if named_leads else ()

        return await self.run(work)

    async def save_listing_page(
        self, endpoint: IndexEndpoint, named_leads: Sequence[Lead], listing: IndexEndpoint
    ) -> ListingPageResult:
        """Store a page of a listing and its leads; the listing's state names the next page to read.

        The next page is read while every lead of a page is new. It is stored with the leads, so that a poll after a
        crash continues there.
        """

        def work(tx: Transaction) -> ListingPageResult:
            new = leads.record_leads(tx, endpoint.source, named_leads, self.now()) if named_leads else []
            is_first = endpoint.url == listing.url
            if named_leads and len(new) == len(named_leads):
                next_urls = endpoint.child_urls
            else:
                next_urls = listing.child_urls if is_first else ()
            if not is_first:
                poll_store.save_endpoint(tx, replace(endpoint, child_urls=()))
            saved = replace(endpoint if is_first else listing, child_urls=next_urls)
            poll_store.save_endpoint(tx, saved)
            return ListingPageResult(tuple(new), saved)

        return await self.run(work)

    async def lease_leads(self, source: str, limit: int) -> list[LeasedLead]:
        """Lease up to `limit` leads of a source that may be fetched now."""
        now = self.now()
        return await self.run(leads.lease_leads, source, self.owner, now, now + LEASE_DURATION, limit)

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
        """Store a poll's results and its indexes' next polls; return when the source is polled next, and the reason.

        The source is polled at `planned_poll`, or earlier for leads due for a retry; with `has_progress` also for leads
        that wait already; with `revisit_hosts`, the hosts of the source's indexes, also for due revisits.
        """

        def work(tx: Transaction) -> tuple[datetime, str]:
            now = self.now()
            for poll in polls:
                poll_store.record_poll(tx, poll)
            for next_poll in next_polls:
                poll_store.save_next_poll(tx, next_poll)
            planned = [planned_poll]
            if has_progress and leads.has_fetchable_leads(tx, source, now):
                planned.append((now + CONTINUE_AFTER, "more articles wait than one poll fetches"))
            if (retry_at := leads.next_lead_due_at(tx, source, now)) is not None:
                planned.append((max(retry_at, now + CONTINUE_AFTER), "an article is due for a retry"))
            if revisit_hosts is not None:
                planned += find_next_revisit(tx, source, revisit_hosts, now)
            next_at, reason = min(planned)
            poll_store.schedule_source(tx, source, next_at, reason, now)
            return next_at, reason

        return await self.run(work)

    async def save_audit(self, audit: FeedAudit, sitemap_leads: Sequence[Lead]) -> FeedAudit:
        """Store an audit, and those of the sitemap's leads that no index named before; return it with their number."""

        def work(tx: Transaction) -> FeedAudit:
            unknown = audits.find_unknown_urls(tx, audit.source, [lead.url for lead in sitemap_leads])
            missed = [lead for lead in sitemap_leads if lead.url in unknown]
            if missed:
                leads.record_leads(tx, audit.source, missed, self.now())
            saved = replace(audit, missed=len(missed))
            audits.save_audit(tx, saved)
            return saved

        return await self.run(work)

    async def find_due_sources(self, sources: Sequence[str]) -> list[str]:
        """Return the due ones of the named sources, the longest overdue first."""
        return await self.run(poll_store.find_due_sources, sources, self.now())

    async def fail_lead(
        self,
        leased: LeasedLead,
        code: str,
        reason: str,
        retry_in: float | None,
        hops: tuple[Page, ...] = (),
        *,
        keeps_pages: bool = True,
    ) -> None:
        """End a lead without an article: retry it after `retry_in` seconds, or refuse it if that is None.

        If an article is stored at its address, a missing page is recorded as a check of that article, and the lead
        stays kept.
        """

        def work(tx: Transaction, captures: tuple[Capture, ...]) -> None:
            verdict = "refused" if retry_in is None else "failed"
            capture_id = store.record_captures(tx, captures, hops, verdict, reason)
            if code in _MISSING_CODES and _record_missing(tx, leased, hops[-1], capture_id, code, reason):
                leads.finish_lead(tx, leased, self.owner, LeadState.KEPT, reason, self.now(), code=code)
            else:
                self.retry_or_refuse(tx, leased, code, reason, retry_in)

        await self.run_with_pages(work, hops if keeps_pages else ())

    def retry_or_refuse(
        self, tx: Transaction, leased: LeasedLead, code: str, reason: str, retry_in: float | None
    ) -> None:
        """Schedule the retry of a lead in `retry_in` seconds, or refuse the lead if that is None."""
        now = self.now()
        state = LeadState.REFUSED if retry_in is None else LeadState.RETRY
        next_at = None if retry_in is None else now + timedelta(seconds=retry_in)
        leads.finish_lead(tx, leased, self.owner, state, reason, now, next_at, code=code)

    async def expire_lead(self, leased: LeasedLead, reason: str) -> bool:
        """End a lead older than the retention time without a request; return False if its article is stored."""

        def work(tx: Transaction) -> bool:
            if store.find_article_id_by_url(tx, leased.lead.url) is not None:
                return False
            now, code = self.now(), ReasonCode.TOO_OLD
            return leads.finish_lead(tx, leased, self.owner, LeadState.EXPIRED, reason, now, code=code)

        return await self.run(work)

    async def load_boilerplate(self, source: str) -> None:
        """Load the learned boilerplate of a source for `add_boilerplate`."""
        self._boilerplate[source] = await self.run(boilerplate.load_boilerplate, source)

    def add_boilerplate(self, hints: Hints) -> Hints:
        """Return a source's hints with its learned boilerplate."""
        learned = self._boilerplate.get(hints.source, LearnedBoilerplate())
        return replace(hints, boilerplate=learned.paragraphs, boilerplate_version=learned.version)

    async def apply_template_changes(self, source: str) -> TemplateChangeResult:
        """Ignore the blocks that appeared or vanished on many of a source's pages at once."""

        def work(tx: Transaction) -> TemplateChangeResult:
            result = template_changes.apply_template_changes(tx, source, self.now())
            for rederived in result.rederived:
                update_dependents(tx, rederived, self.matcher)
            return result

        return await self.run(work)

    async def load_due_revisits(self, source: str, index_hosts: Collection[str], limit: int) -> list[Revisit]:
        """Return up to `limit` due revisits of a source that its hosts' request budget permits."""

        def work(tx: Transaction) -> list[Revisit]:
            scheduled = select_affordable(tx, source, index_hosts, self.now(), limit)
            return revisits.load_revisits(tx, source, [revisit.article_id for revisit in scheduled])

        return await self.run(work)

    async def record_revisit(self, revisit: Revisit, source: str, result: RevisitResult) -> None:
        """Record a revisit's result and schedule the next revisit."""

        def work(tx: Transaction) -> None:
            now = self.now()
            revisit_schedule.record_revisit(tx, source, result, now)
            scheduled = revisit_schedule.load_scheduled_revisit(tx, revisit.article_id)
            if scheduled is None:
                return
            is_active = revisit_schedule.has_active_story(tx, revisit.article_id, now)
            history = revisit_schedule.count_revisits(tx, source)
            following = schedule_next(scheduled, result, history, now, has_active_story=is_active)
            if following is None:
                revisit_schedule.cancel_revisit(tx, revisit.article_id)
            else:
                revisit_schedule.schedule_revisit(tx, following)

        await self.run(work)

    async def record_check(
        self, revisit: Revisit, check: CheckResult, hops: tuple[Page, ...] = (), verdict: str = ""
    ) -> Decision | None:
        """Record that a stored article's address returned no text; return the decision about it, if any.

        The WARC captures of `hops` get `verdict`, by default the check's outcome.
        """

        def work(tx: Transaction, captures: tuple[Capture, ...]) -> Decision | None:
            capture_id = store.record_captures(tx, captures, hops, verdict or check.outcome, check.reason)
            return store.record_check(tx, revisit.article_id, check, capture_id)

        return await self.run_with_pages(work, hops)

    async def save_revisited_article(
        self,
        revisit: Revisit,
        hops: tuple[Page, ...],
        article: Article,
        previous: tuple[Page, Article] | None,
        pages: tuple[Page, ...],
    ) -> Decision | Refusal | None:
        """Store the re-fetched article; see `save_article` for the result.

        `previous` is the article's stored page, extracted again with the current extractor, or None.
        """

        def work(tx: Transaction, captures: tuple[Capture, ...]) -> KeepResult | OutdatedExtraction | Refusal:
            learned = boilerplate.load_boilerplate(tx, hops[-1].source)
            if is_outdated(article, learned):
                return OutdatedExtraction(learned)
            if not snapshots.is_stored(tx, revisit.article_id):
                return Refusal(code="removed", reason="the article was deleted during its revisit")
            if previous is not None:
                rederived = store.record_reextraction(tx, revisit.snapshot_id, previous[1], previous[0])
                update_dependents(tx, rederived, self.matcher)
            capture_id = store.record_captures(tx, captures, hops)
            return keep_article(tx, article, hops[-1], capture_id, learned, self.matcher, self.now())

        return await self.save_article(hops[-1].source, work, pages)

    def read_capture(self, capture: Capture) -> Page | None:
        """Return a captured page, or None if the WARC files do not contain it."""
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
        """Store an article with `work`; return None if boilerplate learned meanwhile makes its extraction outdated."""
        result = await self.run_with_pages(work, pages)
        if isinstance(result, Refusal):
            return result
        known = self._boilerplate.get(source, LearnedBoilerplate())
        if result.learned.version > known.version:
            self._boilerplate[source] = result.learned
        return result.decision if isinstance(result, KeepResult) else None


def _record_missing(
    tx: Transaction, leased: LeasedLead, page: Page, capture_id: int | None, code: str, reason: str
) -> bool:
    """Record that the article stored at a lead's address is missing; return False if none is stored."""
    article_id = store.find_article_id_by_url(tx, leased.lead.url)
    if article_id is None:
        return False
    check = CheckResult(
        url=leased.lead.url,
        checked_at=page.fetched_at,
        status=page.status,
        outcome="missing",
        reason=reason,
        is_certain=code == ReasonCode.HTTP_GONE,
    )
    store.record_check(tx, article_id, check, capture_id)
    return True
