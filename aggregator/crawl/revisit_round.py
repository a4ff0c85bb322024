"""Re-fetch stored articles and record edits, removals and outages."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from aggregator.crawl.article_response import ResponseKind, read_article_response
from aggregator.crawl.context import CrawlContext
from aggregator.crawl.fetch_errors import classify_error
from aggregator.crawl.host_limiter import host_of
from aggregator.crawl.in_flight import FetchCancelled
from aggregator.crawl.stats import PollCounts
from aggregator.extraction.classify.model import PageKind
from spiders.source import Hints, Source
from storage.crawl import revisits
from storage.crawl.revisit_schedule import RevisitResult
from storage.errors import ArchiveError, is_archive_failure
from storage.model.article import Article, Decision, DecisionKind, Refusal
from storage.model.crawl import CheckResult, Revisit
from storage.model.page import Page

log = logging.getLogger(__name__)

MAX_CONCURRENT_REVISITS = 4
BATCH_SIZE = 100
MAX_DUE_REVISITS = 20
"""Due revisits of one poll; more would delay new articles."""
MIN_MISSING_FOR_OUTAGE = 3
"""A host is out of order if all articles revisited there are missing, and they are at least this many."""


@dataclass(frozen=True, slots=True)
class MissingPage:
    """A missing page, held until the end of the round shows whether its host is out of order."""

    revisit: Revisit
    check: CheckResult


@dataclass(slots=True, kw_only=True)
class RevisitRound:
    """Round over all stored articles of a source, or with `only_due` over those whose revisit is due.

    With `confirm_now` a missing page is requested twice at once. `abort` ends the poll if the archive fails.
    """

    source: Source
    context: CrawlContext
    counts: PollCounts
    abort: Callable[[ArchiveError], None]
    confirm_now: bool = False
    only_due: bool = False
    _open_requests: int = 0
    _idle: asyncio.Event = field(default_factory=asyncio.Event)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_CONCURRENT_REVISITS))
    _missing: list[MissingPage] = field(default_factory=list)
    _requests_by_host: Counter[str] = field(default_factory=Counter)
    _changed_ids: set[int] = field(default_factory=set)
    _is_confirming: bool = False

    async def revisits(self) -> AsyncIterator[Revisit]:
        """Yield revisits as earlier ones end; then decide about the missing pages and apply template changes."""
        async for batch in self._batches():
            async for revisit in self._admit(batch):
                yield revisit
        await self._wait_for_responses()
        if not self._requests_by_host:
            return
        missing = await self._record_missing_pages()
        if self.confirm_now and not self.context.is_stopping:
            self._is_confirming = True
            async for revisit in self._admit([page.revisit for page in missing]):
                yield revisit
            await self._wait_for_responses()
        await self._apply_template_changes()

    async def _batches(self) -> AsyncIterator[list[Revisit]]:
        repository, name = self.context.repository, self.source.name
        if self.only_due:
            yield await repository.load_due_revisits(name, list_index_hosts(self.source), MAX_DUE_REVISITS)
            return
        last_id = 0
        while not self.context.is_stopping:
            batch = await repository.run(revisits.list_revisits, name, last_id, BATCH_SIZE)
            if not batch:
                return
            last_id = batch[-1].article_id
            yield batch

    async def _apply_template_changes(self) -> None:
        """Ignore blocks that changed on many pages at once, and no longer count edits that consist of them only."""
        result = await self.context.repository.apply_template_changes(self.source.name)
        if result.held_count:
            reason = f"{result.held_count} blocks appeared or vanished on many pages at once: held back, no edit"
            self.counts.reasons[reason] += self.counts.outcomes["again"]
        self._changed_ids -= {rederived.article_id for rederived in result.rederived if rederived.added_edits < 0}
        self.counts.outcomes["changed"] = len(self._changed_ids)

    async def _admit(self, batch: list[Revisit]) -> AsyncIterator[Revisit]:
        for revisit in batch:
            if self.context.is_stopping:
                return
            if host_of(revisit.url) in self.counts.closed_hosts:
                continue
            await self._slots.acquire()
            await self.context.ingest.wait_for_room()
            self._open_requests += 1
            self._idle.clear()
            yield revisit

    async def _wait_for_responses(self) -> None:
        if self._open_requests:
            await self._idle.wait()

    @asynccontextmanager
    async def _finishing(self) -> AsyncIterator[None]:
        """End one revisit. A failure of the archive aborts the crawl; any other error is logged and counted."""
        try:
            yield
        except FetchCancelled:
            pass
        except Exception as error:  # around one page: an error must not affect other pages
            if isinstance(error, ArchiveError) and is_archive_failure(error):
                self.abort(error)
            else:
                log.exception("event=revisit-broken source=%s", self.source.name)
                self.counts.count("failed", f"internal error: {type(error).__name__}")
        finally:
            self._slots.release()
            self._open_requests -= 1
            if not self._open_requests:
                self._idle.set()

    async def handle_response(self, revisit: Revisit, hops: tuple[Page, ...]) -> None:
        """Compare a response with the stored article, and schedule the next revisit."""
        async with self._finishing():
            if not self._is_confirming:
                self._requests_by_host[host_of(revisit.url)] += 1
                self.counts.count("again")
            result = await self._compare(revisit, hops)
            await self.context.repository.record_revisit(revisit, self.source.name, result)

    async def _compare(self, revisit: Revisit, hops: tuple[Page, ...]) -> RevisitResult:
        page, response = hops[-1], read_article_response(hops)
        match response.kind:
            case ResponseKind.UNMODIFIED:
                return await self._record_check(revisit, page, "unmodified", response.reason)
            case ResponseKind.MISSING if response.is_certain:
                return await self._record_check(revisit, page, "missing", response.reason, hops, is_certain=True)
            case ResponseKind.MISSING | ResponseKind.REDIRECTED_HOME:
                return await self._record_missing(revisit, hops, response.reason)
            case ResponseKind.REFUSED:
                await self._record_refusal(revisit, hops, Refusal(code=response.code, reason=response.reason))
                return RevisitResult.FAILED
            case ResponseKind.FAILED:
                self.counts.count("failed", response.reason)
                return RevisitResult.FAILED
        return await self._extract(revisit, hops)

    async def handle_error(self, revisit: Revisit, error: BaseException) -> None:
        """Record a failed request, which says nothing about the article.

        If the host is parked or its robots.txt unreadable, this poll revisits no further article there.
        """
        async with self._finishing():
            failure = classify_error(error)
            if self.context.is_stopping:
                return
            host = host_of(revisit.url)
            if failure.closed_host == host:
                self.counts.closed_hosts.setdefault(host, failure.reason)
                return
            self.counts.count("failed", failure.reason)
            await self.context.repository.record_revisit(revisit, self.source.name, RevisitResult.FAILED)

    async def _extract(self, revisit: Revisit, hops: tuple[Page, ...]) -> RevisitResult:
        sink = RevisitOutcome(self.context, self.source.hints, revisit, self.context.stores_pages(self.source))
        outcome = await self.context.in_flight.run(self.context.ingest.ingest(hops, self.source.hints, sink))
        if outcome.refusal is None:
            return self._count_decision(outcome.decision)
        if outcome.refusal.code == PageKind.NOT_FOUND:
            return await self._record_missing(revisit, hops, outcome.refusal.reason)
        return await self._record_refusal(revisit, hops, outcome.refusal)

    async def _record_refusal(self, revisit: Revisit, hops: tuple[Page, ...], refusal: Refusal) -> RevisitResult:
        self.counts.count("refused", refusal.reason)
        return await self._record_check(revisit, hops[-1], "refused", refusal.reason, hops, verdict=refusal.code)

    async def _record_check(
        self,
        revisit: Revisit,
        page: Page,
        outcome: str,
        reason: str,
        hops: tuple[Page, ...] = (),
        *,
        is_certain: bool = False,
        verdict: str = "",
    ) -> RevisitResult:
        check = _build_check(revisit, page, outcome, reason, is_certain=is_certain)
        pages = hops if self.context.stores_pages(self.source) else ()
        return self._count_decision(await self.context.repository.record_check(revisit, check, pages, verdict))

    async def _record_missing(self, revisit: Revisit, hops: tuple[Page, ...], reason: str) -> RevisitResult:
        if self._is_confirming:
            reason = f"{reason}, asked twice"
            return await self._record_check(revisit, hops[-1], "missing", reason, hops, is_certain=True)
        self._missing.append(MissingPage(revisit, _build_check(revisit, hops[-1], "missing", reason)))
        return RevisitResult.MISSING

    async def _record_missing_pages(self) -> list[MissingPage]:
        """Record the missing pages, as an outage where all of a host's were missing; return those without an outage."""
        missing_by_host = Counter(host_of(page.revisit.url) for page in self._missing)
        hosts_out = {
            host
            for host, count in missing_by_host.items()
            if MIN_MISSING_FOR_OUTAGE <= self._requests_by_host[host] == count
        }
        for host in hosts_out:
            reason = f"all {missing_by_host[host]} articles of {host} are missing: taken for an outage"
            self.counts.count("failed", reason)
        for page in self._missing:
            is_out = host_of(page.revisit.url) in hosts_out
            check = replace(page.check, outcome="outage") if is_out else page.check
            self._count_decision(await self.context.repository.record_check(page.revisit, check))
        return [page for page in self._missing if host_of(page.revisit.url) not in hosts_out]

    def _count_decision(self, decision: Decision | None) -> RevisitResult:
        if decision is None or decision.kind is not DecisionKind.REVISED:
            return RevisitResult.SAME
        self._changed_ids.add(decision.article_id)
        self.counts.outcomes["changed"] = len(self._changed_ids)
        return RevisitResult.CHANGED


def list_index_hosts(source: Source) -> frozenset[str]:
    """Return the hosts of a source's indexes."""
    return frozenset(host_of(url) for url, _, _ in source.indexes)


def _build_check(revisit: Revisit, page: Page, outcome: str, reason: str, *, is_certain: bool = False) -> CheckResult:
    return CheckResult(
        url=revisit.url,
        checked_at=page.fetched_at,
        status=page.status,
        outcome=outcome,
        reason=reason,
        is_certain=is_certain,
    )


@dataclass(frozen=True, slots=True)
class RevisitOutcome:
    """Stores the outcome of a revisit (an `OutcomeSink`).

    If another extractor made the stored text, the stored page is extracted again first: only texts of the same
    extractor show an edit.
    """

    context: CrawlContext
    source_hints: Hints
    revisit: Revisit
    stores_pages: bool

    def hints(self, hints: Hints) -> Hints:
        """Return the hints with the source's learned boilerplate."""
        return self.context.repository.add_boilerplate(hints)

    async def keep(self, hops: tuple[Page, ...], article: Article) -> Decision | Refusal | None:
        """Store the article's current text and its page."""
        previous = await self._reextract_previous(article)
        pages = hops if self.stores_pages else ()
        return await self.context.repository.save_revisited_article(self.revisit, hops, article, previous, pages)

    async def refuse(self, hops: tuple[Page, ...], refusal: Refusal) -> None:
        """Store nothing: the round records the refusal as a check."""

    async def _reextract_previous(self, article: Article) -> tuple[Page, Article] | None:
        revisit = self.revisit
        if revisit.extractor == article.extractor or revisit.capture is None:
            return None
        page = await asyncio.to_thread(self.context.repository.read_capture, revisit.capture)
        if page is None:
            return None
        extracted = await self.context.pool.extract(page, self.hints(self.source_hints))
        return None if isinstance(extracted, Refusal) else (page, extracted)
