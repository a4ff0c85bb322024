"""Fetch leased leads of a source and bring each to an end state."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aggregator.crawl.article_response import ResponseKind, read_article_response
from aggregator.crawl.context import CrawlContext
from aggregator.crawl.fetch_errors import classify_error
from aggregator.crawl.host_limiter import host_of
from aggregator.crawl.in_flight import FetchCancelled
from aggregator.crawl.lead_outcome import LeadOutcome
from aggregator.crawl.stats import PollCounts
from aggregator.ingest.ingest import retry_delay
from spiders.source import Source
from storage.crawl import leads
from storage.errors import ArchiveError, is_archive_failure
from storage.model.article import Refusal
from storage.model.crawl import LeasedLead, ReasonCode
from storage.model.page import Page

log = logging.getLogger(__name__)

MAX_FETCHES = 200
MAX_SECONDS = 180.0
MAX_CONCURRENT_ARTICLES = 4
"""Articles of a source that are fetched or extracted at once; each host still gets one request at a time."""
LEASE_BATCH = 25
TOO_OLD_REASON = "its index dates it before the time from which articles are kept"


class _Postponed(Exception):
    """Raised to keep a lead leased until the poll closes, instead of ending it."""


@dataclass(slots=True)
class ArticleFetcher:
    """Fetching of one source's leads within one poll; `abort` ends the poll if the archive fails."""

    source: Source
    context: CrawlContext
    counts: PollCounts
    abort: Callable[[ArchiveError], None]
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_CONCURRENT_ARTICLES))
    _leased: dict[int, LeasedLead] = field(default_factory=dict)

    async def leads(self) -> AsyncIterator[LeasedLead]:
        """Lease and yield this source's leads, newest first, within the poll's limits of requests and seconds."""
        fetches = 0
        deadline = asyncio.get_running_loop().time() + MAX_SECONDS
        try:
            while fetches < MAX_FETCHES and not self._is_over(deadline):
                batch = await self.context.repository.lease_leads(
                    self.source.name, min(LEASE_BATCH, MAX_FETCHES - fetches)
                )
                self._leased.update((leased.id, leased) for leased in batch)
                for leased in batch:
                    if host_of(leased.lead.url) in self.counts.closed_hosts:
                        continue  # stays leased, so that this poll does not lease it again
                    if self._is_too_old(leased) and await self.context.repository.expire_lead(leased, TOO_OLD_REASON):
                        self._leased.pop(leased.id, None)
                        continue
                    await self._slots.acquire()
                    await self.context.ingest.wait_for_room()
                    if self._is_over(deadline):
                        self._slots.release()
                        return
                    fetches += 1
                    yield leased
                if not batch:
                    return
        except ArchiveError as error:
            self.abort(error)
        finally:
            self.counts.outcomes["fetches"] = fetches

    def _is_over(self, deadline: float) -> bool:
        return self.context.is_stopping or asyncio.get_running_loop().time() > deadline

    def _is_too_old(self, leased: LeasedLead) -> bool:
        """Return whether the article would expire as soon as it is stored, by the date in its index."""
        published = leased.lead.published
        age = (self.context.now() - published).total_seconds() if published else 0.0
        return age > (self.source.keep or self.context.config.keep)

    async def handle_response(self, leased: LeasedLead, hops: tuple[Page, ...]) -> None:
        """End a lead by its response: store the article, refuse the page, or fail."""
        async with self._finishing(leased):
            response = read_article_response(hops)
            if response.kind is ResponseKind.PAGE:
                await self._ingest(leased, hops)
            elif response.kind in (ResponseKind.REFUSED, ResponseKind.REDIRECTED_HOME):
                await self._refuse(leased, hops, Refusal(code=response.code, reason=response.reason))
            else:
                kind = "transient" if response.can_retry else "permanent"
                await self._fail(leased, response.code, response.reason, kind, hops)

    async def handle_refusal(self, leased: LeasedLead, hops: tuple[Page, ...], reason: str) -> None:
        """End a lead whose response is no HTML page."""
        async with self._finishing(leased):
            await self._refuse(leased, hops, Refusal(code=ReasonCode.NOT_HTML, reason=reason))

    async def handle_error(self, leased: LeasedLead, error: BaseException) -> None:
        """End a lead whose request failed; if its host is to be left alone, postpone it."""
        failure = classify_error(error)
        host = host_of(leased.lead.url)
        async with self._finishing(leased):
            if self.context.is_stopping:
                raise _Postponed
            if failure.closed_host == host:
                self.counts.closed_hosts.setdefault(host, failure.reason)
                raise _Postponed
            kind = "permanent" if failure.kind == "permanent" else "transient"
            await self._fail(leased, failure.code, failure.reason, kind)

    async def close(self) -> None:
        """Release the leases of all leads without an end state."""
        if self._leased:
            await self.context.repository.run(leads.release_leads, self.context.repository.owner, list(self._leased))
        self._leased.clear()

    async def _ingest(self, leased: LeasedLead, hops: tuple[Page, ...]) -> None:
        sink = self._lead_outcome(leased)
        outcome = await self.context.in_flight.run(self.context.ingest.ingest(hops, self.source.hints, sink))
        if outcome.decision is not None:
            self.counts.count(outcome.decision.kind)
        elif outcome.refusal is not None:
            self.counts.count_refusal(outcome.refusal.code, outcome.refusal.reason)

    async def _refuse(self, leased: LeasedLead, hops: tuple[Page, ...], refusal: Refusal) -> None:
        await self._lead_outcome(leased).refuse(hops, refusal)
        self.counts.count_refusal(refusal.code, refusal.reason)

    async def _fail(self, leased: LeasedLead, code: str, reason: str, kind: str, hops: tuple[Page, ...] = ()) -> None:
        retry_in = retry_delay(leased.attempts) if kind == "transient" else None
        stores_pages = self.context.stores_pages(self.source)
        await self.context.repository.fail_lead(leased, code, reason, retry_in, hops, keeps_pages=stores_pages)
        self.counts.count_failure(kind, reason)

    def _lead_outcome(self, leased: LeasedLead) -> LeadOutcome:
        stores_pages = self.context.stores_pages(self.source)
        return LeadOutcome(self.context.repository, leased, stores_pages, self.source.revisit)

    @asynccontextmanager
    async def _finishing(self, leased: LeasedLead) -> AsyncIterator[None]:
        """Bring a lead to its end; a postponed lead keeps its lease until the poll closes.

        A failure of the archive aborts the crawl. Any other error is logged and counts as an attempt of this lead.
        """
        try:
            try:
                yield
            except (_Postponed, FetchCancelled):
                return
            except Exception as error:  # around one page: an error must not affect other pages
                if is_archive_failure(error):
                    raise
                log.exception("event=page-broken source=%s url=%s", self.source.name, leased.lead.url)
                reason = f"internal error: {type(error).__name__}"
                await self._fail(leased, ReasonCode.INTERNAL_ERROR, reason, "transient")
            self._leased.pop(leased.id, None)
        except ArchiveError as error:
            self.abort(error)
        finally:
            self._slots.release()
