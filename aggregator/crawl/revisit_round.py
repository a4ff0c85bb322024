"""Asking again for what a source's archive holds: what changed, what is gone, and what only seems so."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from aggregator.crawl.fetch_errors import classify_error
from aggregator.crawl.host_limiter import host_of
from aggregator.crawl.repository import HTTP_GONE
from aggregator.ingest.ingest import check_status, is_redirected_home
from spiders.source import Hints, Source
from storage.crawl.ladder import RevisitResult
from storage.model.article import Article, Decision, DecisionKind, Refusal
from storage.model.crawl import CheckResult, Revisit
from storage.model.page import Page

if TYPE_CHECKING:
    from aggregator.crawl.runner import CrawlRunner
    from aggregator.crawl.source_poll import SourcePoll

MAX_CONCURRENT_REVISITS = 4
BATCH_SIZE = 100
MAX_DUE_REVISITS = 20
"""Articles that a poll looks at again at most: new ones are not to wait for them."""
MIN_MISSING_FOR_OUTAGE = 3
"""A host of which so many articles were looked at, and all are missing, is taken to be out of order."""


@dataclass(frozen=True, slots=True)
class RevisitOptions:
    """That kept articles are asked for again after a poll, and whether a missing one is asked for twice at once."""

    confirm_now: bool = False


@dataclass(slots=True)
class MissingPage:
    """A page that is not there, until the whole round tells whether its host is in order."""

    revisit: Revisit
    check: CheckResult


@dataclass(slots=True)
class RevisitRound:
    """One round over all kept articles of a source, or with `only_due` over those whose next look is due.

    With `confirm_now` a missing page is asked for twice at once.
    """

    poll: SourcePoll
    confirm_now: bool = False
    only_due: bool = False
    _open_requests: int = 0
    _idle: asyncio.Event = field(default_factory=asyncio.Event)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_CONCURRENT_REVISITS))
    _missing: list[MissingPage] = field(default_factory=list)
    _requests_by_host: Counter[str] = field(default_factory=Counter)
    _changed_ids: set[int] = field(default_factory=set)
    _is_confirming: bool = False

    @property
    def context(self) -> CrawlRunner:
        """Whose round it is."""
        return self.poll.context

    async def revisits(self) -> AsyncIterator[Revisit]:
        """What to ask for, as fast as answers come; at its end what was missing is judged."""
        async for batch in self._batches():
            async for revisit in self._admit(batch):
                yield revisit
        await self._wait_for_responses()
        if not self._requests_by_host:
            return
        missing = await self._record_missing_pages()
        if self.confirm_now and not self.context.is_stopping:
            self._is_confirming = True
            async for revisit in self._admit([one.revisit for one in missing]):
                yield revisit
            await self._wait_for_responses()
        await self._apply_template_changes()

    async def _batches(self) -> AsyncIterator[list[Revisit]]:
        desk, source = self.context.repository, self.poll.source
        if self.only_due:
            yield await desk.load_due_revisits(source.name, list_index_hosts(source), MAX_DUE_REVISITS)
            return
        after = 0
        while not self._is_stopping() and (batch := await desk.load_revisits(source.name, after, BATCH_SIZE)):
            after = batch[-1].article_id
            yield batch

    async def _apply_template_changes(self) -> None:
        """Hold back what came or went everywhere at once; what seemed edited for that alone is not counted."""
        settled = await self.context.repository.apply_template_changes(self.poll.source.name)
        if settled.held_count:
            words = f"{settled.held_count} blocks came or went on many pages at once: held back, no edit"
            self.poll.reasons[words] += self.poll.counts["again"]
        self._changed_ids -= {redrawn.article_id for redrawn in settled.rederived if redrawn.added_edits < 0}
        self.poll.counts["changed"] = len(self._changed_ids)

    async def _admit(self, batch: list[Revisit]) -> AsyncIterator[Revisit]:
        for revisit in batch:
            if self._is_stopping():
                return
            if host_of(revisit.url) in self.poll.closed_hosts:
                continue
            await self._slots.acquire()
            await self.context.ingest.wait_for_room()
            self._open_requests += 1
            self._idle.clear()
            yield revisit

    def _is_stopping(self) -> bool:
        return self.context.is_stopping or bool(self.poll.fatal_error)

    async def _wait_for_responses(self) -> None:
        if self._open_requests:
            await self._idle.wait()

    def finish_request(self) -> None:
        """One request more has come to its end."""
        self._slots.release()
        self._open_requests -= 1
        if not self._open_requests:
            self._idle.set()

    async def handle_response(self, revisit: Revisit, hops: tuple[Page, ...]) -> None:
        """Compare what came with what is kept, and plan the next look."""
        if not self._is_confirming:
            self._requests_by_host[host_of(revisit.url)] += 1
            self.poll.count("again")
        outcome = await self._compare(revisit, hops)
        await self.context.repository.record_revisit(revisit, self.poll.source.name, outcome)

    async def _compare(self, revisit: Revisit, hops: tuple[Page, ...]) -> RevisitResult:
        page = hops[-1]
        fault = check_status(page)
        if page.status == 304:
            return await self._record_check(revisit, page, "unmodified", "HTTP 304")
        if page.status == HTTP_GONE:
            return await self._record_check(revisit, page, "missing", "HTTP 410", hops, sure=True)
        if page.status == 404:
            return await self._note_missing(revisit, hops, "HTTP 404")
        if fault is not None:
            self.poll.count("failed", fault[0])
            return RevisitResult.FAILED
        if is_redirected_home(hops):
            return await self._note_missing(revisit, hops, "redirected to the site's front page")
        return await self._extract(revisit, hops)

    async def handle_error(self, revisit: Revisit, error: BaseException) -> None:
        """No answer says nothing of the article; where its host asks for patience, the rest waits for another day."""
        fault = classify_error(error)
        if self.context.is_stopping:
            return
        host = host_of(revisit.url)
        if fault.kind in ("parked", "robots") and getattr(error, "host", host) == host:
            self.poll.closed_hosts.setdefault(host, fault.reason)
            return
        self.poll.count("failed", fault.reason)
        await self.context.repository.record_revisit(revisit, self.poll.source.name, RevisitResult.FAILED)

    async def _extract(self, revisit: Revisit, hops: tuple[Page, ...]) -> RevisitResult:
        keeper = RevisitOutcome(self.context, self.poll.source.hints, revisit, self.poll.keeps_pages)
        ingest = self.context.ingest.ingest(hops, self.poll.source.hints, keeper)
        outcome = await self.context.in_flight.run(ingest)
        if outcome.refusal is not None and outcome.refusal.code == "not-found":
            return await self._note_missing(revisit, hops, outcome.refusal.reason)
        if outcome.refusal is not None:
            refusal = outcome.refusal
            self.poll.count("refused", refusal.reason)
            return await self._record_check(revisit, hops[-1], "refused", refusal.reason, hops, verdict=refusal.code)
        return self._count_decision(outcome.decision)

    async def _record_check(
        self,
        revisit: Revisit,
        page: Page,
        outcome: str,
        reason: str,
        hops: tuple[Page, ...] = (),
        *,
        sure: bool = False,
        verdict: str = "",
    ) -> RevisitResult:
        looked = replace(_missing_check(revisit, page, reason), outcome=outcome, is_certain=sure)
        return self._count_decision(
            await self.context.repository.record_check(revisit, looked, self._pages_to_keep(hops), verdict)
        )

    async def _note_missing(self, revisit: Revisit, hops: tuple[Page, ...], reason: str) -> RevisitResult:
        if self._is_confirming:
            return await self._record_check(revisit, hops[-1], "missing", f"{reason}, asked twice", hops, sure=True)
        self._missing.append(MissingPage(revisit, _missing_check(revisit, hops[-1], reason)))
        return RevisitResult.MISSING

    async def _record_missing_pages(self) -> list[MissingPage]:
        """Write down what was missing; a host of which everything was is out of order, and that says nothing."""
        gone = Counter(host_of(one.revisit.url) for one in self._missing)
        out = {host for host, many in gone.items() if MIN_MISSING_FOR_OUTAGE <= self._requests_by_host[host] == many}
        for host in out:
            self.poll.count("failed", f"all {gone[host]} articles of {host} are missing: taken for an outage")
        for one in self._missing:
            is_out = host_of(one.revisit.url) in out
            looked = replace(one.check, outcome="outage") if is_out else one.check
            self._count_decision(await self.context.repository.record_check(one.revisit, looked))
        return [one for one in self._missing if host_of(one.revisit.url) not in out]

    def _pages_to_keep(self, hops: tuple[Page, ...]) -> tuple[Page, ...]:
        return hops if self.poll.keeps_pages else ()

    def _count_decision(self, decision: Decision | None) -> RevisitResult:
        if decision is None or decision.kind is not DecisionKind.REVISED:
            return RevisitResult.SAME
        self._changed_ids.add(decision.article_id)
        self.poll.counts["changed"] = len(self._changed_ids)
        return RevisitResult.CHANGED


def list_index_hosts(source: Source) -> frozenset[str]:
    """The hosts of a source's indexes."""
    return frozenset(host_of(url) for url, _, _ in source.indexes)


def _missing_check(revisit: Revisit, page: Page, reason: str) -> CheckResult:
    return CheckResult(
        url=revisit.url, checked_at=page.fetched_at, status=page.status, outcome="missing", reason=reason
    )


@dataclass(frozen=True, slots=True)
class RevisitOutcome:
    """Keeps what came of asking again (an `ingest.Keeper`).

    Where the article was read by another extractor before, its old page is read anew first: only
    readings of one kind tell an edit.
    """

    context: CrawlRunner
    source_hints: Hints
    revisit: Revisit
    keeps_pages: bool

    def hints(self, hints: Hints) -> Hints:
        """With what was learned by now."""
        return self.context.repository.add_boilerplate(hints)

    async def keep(self, hops: tuple[Page, ...], article: Article) -> Decision | Refusal | None:
        """The page and what it says now, beside what was kept."""
        before = await self._reextract_previous(article)
        pages = hops if self.keeps_pages else ()
        return await self.context.repository.save_revisited_article(self.revisit, hops, article, before, pages)

    async def refuse(self, hops: tuple[Page, ...], refusal: Refusal) -> None:
        """Nothing: that a page is no article now is a look, which the round writes down."""

    async def _reextract_previous(self, article: Article) -> tuple[Page, Article] | None:
        revisit = self.revisit
        if revisit.extractor == article.extractor or revisit.capture is None:
            return None
        page = await asyncio.to_thread(self.context.repository.read_capture, revisit.capture)
        if page is None:
            return None
        made = await self.context.pool.extract(page, self.hints(self.source_hints))
        return None if isinstance(made, Refusal) else (page, made)
