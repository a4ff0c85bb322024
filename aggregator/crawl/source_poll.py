"""One poll of one source, seen from the crawl: which indexes to ask, which articles to fetch, what came of each."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aggregator.crawl.fetch_errors import classify_error
from aggregator.crawl.host_limiter import host_of
from aggregator.crawl.http_cache import freshness_seconds
from aggregator.crawl.in_flight import FetchCancelled
from aggregator.crawl.index_poll import IndexPoll
from aggregator.crawl.index_response import (
    Judgement,
    apply_move,
    build_conditional_headers,
    choose_request_url,
    find_permanent_move,
    judge_error,
    judge_index,
    judge_status,
)
from aggregator.crawl.indexes import CHILDREN_IN_EVERY_POLL, MAX_DEPTH, list_indexes, order_children
from aggregator.crawl.lead_outcome import LeadOutcome
from aggregator.crawl.revisit_round import RevisitOptions, RevisitRound
from aggregator.extraction.classify.classify import detect_challenge
from aggregator.ingest.ingest import check_status, is_redirected_home, retry_delay
from spiders.source import Source, SourceListing
from spiders.spider import FetchedArticle, IndexTask
from storage.errors import ArchiveError, is_archive_failure
from storage.model.article import DecisionKind, Refusal
from storage.model.crawl import SUCCESSFUL_OUTCOMES, IndexEndpoint, LeasedLead, NextPoll, Poll, Revisit
from storage.model.page import Lead, Page, ParsedIndex

if TYPE_CHECKING:
    from aggregator.crawl.runner import CrawlRunner

log = logging.getLogger(__name__)

MAX_LEADS = 1000
MAX_FETCHES = 200
MAX_SECONDS = 180.0
MAX_INDEXES = 60
"""How many indexes a poll asks for; a source of the catalogue names at most 50, the rest is for what those name."""
MAX_LISTING_PAGES = 20
"""How many further pages of a listing are read, as long as all that they name is new."""
MAX_CONCURRENT_ARTICLES = 4
"""How many of a source's articles are fetched or read at once; its host is asked for one at a time."""
LEASE_BATCH = 25
TOO_OLD_REASON = "its index dates it before the time from which articles are kept"


_COUNTED_AS: dict[str, str] = {
    DecisionKind.NEW: "kept",
    DecisionKind.REVISED: "kept",
    DecisionKind.COPY: "kept",
    DecisionKind.SAME: "repeats",
}


class _Postponed(Exception):
    """The lead is not brought to its end now: it keeps its lease until the poll closes."""


@dataclass(slots=True)
class SourcePoll:
    """The state of one poll; the spider's `Visit`."""

    source: Source
    context: CrawlRunner
    endpoints: dict[str, IndexEndpoint]
    started_at: datetime
    next_polls: dict[str, NextPoll] = field(default_factory=dict)
    only_due: bool = False
    polls: list[IndexPoll] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    closed_hosts: dict[str, str] = field(default_factory=dict)
    fatal_error: str = ""
    _backlog: set[str] = field(default_factory=set)
    _requested_at: dict[str, datetime] = field(default_factory=dict)
    _skipped: set[str] = field(default_factory=set)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_CONCURRENT_ARTICLES))
    _leased: dict[int, LeasedLead] = field(default_factory=dict)
    _revisit_round: RevisitRound | None = None

    # -- indexes ----------------------------------------------------------------------

    def index_tasks(self) -> Iterable[IndexTask]:
        """The indexes that are known, as far as they are asked now."""
        places = list_indexes(self.source, self.endpoints)
        self._backlog = {place.url for place in places if place.is_backlog}
        tasks = (self._make_task(p.url, p.kind, p.listing, p.depth) for p in places if self._is_due(p.url))
        return [task for task in tasks if task is not None]

    def _is_due(self, url: str) -> bool:
        """A clock asks for what is due; who polls by hand, for everything."""
        if not self.only_due:
            return True
        appointment = self.next_polls.get(url)
        return appointment is None or appointment.is_due(self.started_at)

    def _make_task(self, url: str, kind: str, listing: SourceListing | None = None, depth: int = 0) -> IndexTask | None:
        if url in self._requested_at or depth > (MAX_LISTING_PAGES if kind == "listing" else MAX_DEPTH):
            return None
        if len(self._requested_at) >= MAX_INDEXES:
            self._skipped.add(url)
            return None
        endpoint = self._get_endpoint(url)
        if endpoint.gone_at:
            self.counts["gone"] += 1
            reason = f"HTTP 410 on {endpoint.gone_at:%Y-%m-%d}: no longer polled"
            self._requested_at[url] = self.context.now()
            self._record_poll(url, Judgement(endpoint=endpoint, outcome="gone", reason=reason))
            return None
        self._requested_at[url] = self.context.now()
        return IndexTask(
            url=url,
            request_url=choose_request_url(endpoint),
            kind=kind,
            listing=listing,
            depth=depth,
            validators_url=endpoint.validators_url,
            conditions=build_conditional_headers(endpoint),
        )

    def _get_endpoint(self, url: str) -> IndexEndpoint:
        return self.endpoints.get(url) or IndexEndpoint(source=self.source.name, url=url)

    async def index_answered(self, task: IndexTask, hops: tuple[Page, ...]) -> Iterable[IndexTask]:
        """Judge the answer, write its leads and memory together, and name what is to be read further."""
        try:
            return await self._process_index(task, hops)
        except ArchiveError as error:
            self._abort(error)
            return []

    async def _process_index(self, task: IndexTask, hops: tuple[Page, ...]) -> Iterable[IndexTask]:
        page, endpoint, now = hops[-1], self._get_endpoint(task.url), self.context.now()
        moved_to = find_permanent_move(hops)
        index, judgement = ParsedIndex(), judge_status(endpoint, page, now)
        if judgement is None:
            reading = self.context.pool.read_index(page, task.kind, task.listing, MAX_LEADS, now)
            try:
                index = await self.context.in_flight.run(reading)
            except FetchCancelled as stopped:
                self._record_poll(task.url, judge_error(endpoint, classify_error(stopped), now))
                return []
            judgement = judge_index(endpoint, page, index, moved_to, now)
        judgement = apply_move(judgement, endpoint, task.request_url, moved_to)
        wanted = [lead for lead in index.leads if self._is_wanted(lead)]
        if task.listing is None or (judgement.outcome == "failed" and (page.status >= 500 or page.status == 429)):
            came, more = await self.context.repository.save_index(judgement.endpoint, wanted), index.child_urls
            self.endpoints[task.url] = judgement.endpoint
        else:
            listing = await self.context.repository.save_listing_page(
                judgement.endpoint, wanted, self._get_endpoint(task.listing.url)
            )
            came, more = listing.new_published, listing.endpoint.child_urls
            self.endpoints[task.listing.url] = listing.endpoint
        poll = self._record_poll(task.url, judgement, page)
        poll.leads, poll.new_published, poll.truncated = len(index.leads), came, max(0, index.total - len(index.leads))
        poll.all_published = tuple(lead.published for lead in index.leads if lead.published)
        poll.requested_delay = max(index.poll_interval, freshness_seconds(page))
        return self._followup_tasks(task, more)

    def _followup_tasks(self, task: IndexTask, urls: Iterable[str]) -> list[IndexTask]:
        urls = order_children(tuple(urls), self.endpoints)
        self._backlog.update(urls[CHILDREN_IN_EVERY_POLL:] if task.kind == "sitemap" else ())
        tasks = [self._make_task(url, task.kind, task.listing, task.depth + 1) for url in urls if self._is_due(url)]
        return [found for found in tasks if found is not None]

    def _is_wanted(self, lead: Lead) -> bool:
        """No front page is an article, and no index of the source's own, though sitemaps name them."""
        parts = urlsplit(lead.url)
        is_front = parts.path in ("", "/") and not parts.query
        return parts.scheme in ("http", "https") and not is_front and lead.url not in self._requested_at

    async def index_failed(self, task: IndexTask, error: BaseException) -> None:
        """Note an index that gave no answer."""
        endpoint = self._get_endpoint(task.url)
        judgement = judge_error(endpoint, classify_error(error), self.context.now())
        judgement = apply_move(judgement, endpoint, task.request_url, "")
        self._record_poll(task.url, judgement)
        if self.context.is_stopping:  # what we broke off ourselves is no failure of theirs
            return
        try:
            await self.context.repository.save_index(judgement.endpoint, ())
        except ArchiveError as trouble:
            self._abort(trouble)

    def _abort(self, error: ArchiveError) -> None:
        """What the archive cannot do now ends the whole crawl, and is said at every source that met it."""
        self.fatal_error = self.fatal_error or str(error)
        self.context.abort(str(error))

    def _record_poll(self, url: str, judgement: Judgement, page: Page | None = None) -> IndexPoll:
        poll = IndexPoll(
            endpoint=url,
            started_at=self._requested_at.get(url, self.started_at),
            ended_at=self.context.now(),
            judgement=judgement,
            status=page.status if page else 0,
            bytes=len(page.body) if page else 0,
            is_main=not self.source.feeds or url in self.source.feeds,
            is_backlog=url in self._backlog,
        )
        self.polls.append(poll)
        return poll

    # -- articles ---------------------------------------------------------------------

    async def leads(self) -> AsyncIterator[LeasedLead]:
        """Lease this source's leads, newest first, while the poll's budget lasts."""
        fetches = 0
        deadline = asyncio.get_running_loop().time() + MAX_SECONDS
        try:
            while fetches < MAX_FETCHES and not self._is_over(deadline):
                batch = await self.context.repository.lease_leads(
                    self.source.name, min(LEASE_BATCH, MAX_FETCHES - fetches)
                )
                self._leased.update((leased.id, leased) for leased in batch)
                for leased in batch:
                    if host_of(leased.lead.url) in self.closed_hosts:
                        continue  # stays leased, so that it is not offered again, and is given back at the end
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
            self._abort(error)
        finally:
            self.counts["fetches"] = fetches

    @property
    def keeps_pages(self) -> bool:
        """Whether the pages that are fetched go on the tape."""
        return self.context.config.keeps_pages and self.source.keep_pages > 0

    def _is_too_old(self, leased: LeasedLead) -> bool:
        """Whether an article, as its index dates it, would be removed as soon as it is kept."""
        published = leased.lead.published
        age = (self.context.now() - published).total_seconds() if published else 0.0
        return age > (self.source.keep or self.context.config.keep)

    def _is_over(self, deadline: float) -> bool:
        return self.context.is_stopping or asyncio.get_running_loop().time() > deadline

    async def revisits(self) -> AsyncIterator[Revisit]:
        """The kept articles to be asked for again: all where the runner was told to, else by the clock those due."""
        if not self.source.revisit or not (self.context.revisit_options or self.only_due):
            return
        again = self.context.revisit_options or RevisitOptions()
        self._revisit_round = RevisitRound(self, again.confirm_now, only_due=self.context.revisit_options is None)
        try:
            async for revisit in self._revisit_round.revisits():
                yield revisit
        except ArchiveError as error:
            self._abort(error)

    async def revisit_failed(self, revisit: Revisit, error: BaseException) -> None:
        """A kept article's address gave no answer."""
        async with self._revisit_in_progress() as looks:
            await looks.handle_error(revisit, error)

    @asynccontextmanager
    async def _revisit_in_progress(self) -> AsyncIterator[RevisitRound]:
        """One second look, brought to its end; what goes wrong inside us costs this look alone."""
        looks = self._revisit_round
        assert looks is not None
        try:
            yield looks
        except FetchCancelled:
            pass
        except Exception as error:  # around one page, which costs no other
            if isinstance(error, ArchiveError) and is_archive_failure(error):
                self._abort(error)
            else:
                log.exception("event=look-broken source=%s", self.source.name)
                self.count("failed", f"internal error: {type(error).__name__}")
        finally:
            looks.finish_request()

    async def article_fetched(self, fetched: FetchedArticle) -> None:
        """Ingest a page that came back; every lead ends here, in `article_refused` or in `article_failed`."""
        leased, hops = fetched.leased, fetched.hops
        if isinstance(leased, Revisit):
            async with self._revisit_in_progress() as looks:
                await looks.handle_response(leased, hops)
            return
        async with self._finishing(leased):
            fault, wall = check_status(fetched.page), detect_challenge(fetched.page)
            if wall is not None and wall.refusal is not None:
                await self._refuse(leased, hops, wall.refusal.code, wall.refusal.reason)
            elif fault is not None:
                await self._fail(leased, fault[0], "transient" if fault[1] else "permanent", hops)
            elif is_redirected_home(hops):
                await self._refuse(leased, hops, "redirected", "redirected to the site's front page")
            else:
                await self._ingest(leased, hops)

    async def _ingest(self, leased: LeasedLead, hops: tuple[Page, ...]) -> None:
        keeper = self._lead_outcome(leased)
        outcome = await self.context.in_flight.run(self.context.ingest.ingest(hops, self.source.hints, keeper))
        if outcome.decision is not None:
            self.count(outcome.decision.kind)
        elif outcome.refusal is not None:
            self._count_refusal(outcome.refusal)

    async def article_refused(self, leased: LeasedLead, hops: tuple[Page, ...], reason: str) -> None:
        """End a lead whose answer was no article page."""
        async with self._finishing(leased):
            await self._refuse(leased, hops, "not-html", reason)

    @asynccontextmanager
    async def _finishing(self, leased: LeasedLead) -> AsyncIterator[None]:
        """Bring a lead to its end; one that could not be ended stays ours, and is given back when the poll closes.

        What went wrong inside us is never silence: an archive that cannot keep anything stops the
        whole crawl and fails the poll, any other error is this page's own and counts as an attempt.
        """
        try:
            try:
                yield
            except (_Postponed, FetchCancelled):
                return
            except Exception as error:  # around one page, which costs no other
                if is_archive_failure(error):
                    raise
                log.exception("event=page-broken source=%s url=%s", self.source.name, leased.lead.url)
                await self._fail(leased, f"internal error: {type(error).__name__}", "transient")
            self._leased.pop(leased.id, None)
        except ArchiveError as error:
            self._abort(error)
        finally:
            self._slots.release()

    async def article_failed(self, leased: LeasedLead, error: BaseException) -> None:
        """End a lead that gave no answer, or leave it for later where its host asks for patience."""
        fault = classify_error(error)
        host = host_of(leased.lead.url)
        async with self._finishing(leased):
            if self.context.is_stopping:
                raise _Postponed
            if fault.kind in ("parked", "robots") and getattr(error, "host", host) == host:
                self.closed_hosts.setdefault(host, fault.reason)
                raise _Postponed
            await self._fail(leased, fault.reason, "permanent" if fault.kind == "permanent" else "transient")

    async def _refuse(self, leased: LeasedLead, hops: tuple[Page, ...], code: str, reason: str) -> None:
        keeper = self._lead_outcome(leased)
        refusal = Refusal(code=code, reason=reason)
        await keeper.refuse(hops, refusal)
        self._count_refusal(refusal)

    def _count_refusal(self, refusal: Refusal) -> None:
        self.context.stats.verdicts[refusal.code] += 1
        self.count("refused", refusal.reason)

    def _lead_outcome(self, leased: LeasedLead) -> LeadOutcome:
        return LeadOutcome(self.context.repository, leased, self.keeps_pages, self.source.revisit)

    async def _fail(self, leased: LeasedLead, reason: str, kind: str, hops: tuple[Page, ...] = ()) -> None:
        retry_in = retry_delay(leased.attempts) if kind == "transient" else None
        await self.context.repository.fail_lead(leased, reason, retry_in, hops, keeps_pages=self.keeps_pages)
        self.context.stats.failures[kind] += 1
        self.count("failed" if kind == "transient" else "refused", reason)

    def count(self, outcome: str, reason: str = "") -> None:
        """Count what became of a page, with the reason where it is worth telling."""
        name = _COUNTED_AS.get(outcome, outcome)
        if name != outcome:
            self.context.stats.decisions[outcome] += 1
        self.counts[name] += 1
        if reason:
            self.reasons[reason] += 1
        self.context.stats.count(name)

    # -- the end ----------------------------------------------------------------------

    async def close(self) -> None:
        """Give back every lead that was leased and not brought to an end."""
        await self.context.repository.release_leads(list(self._leased))
        self._leased.clear()

    def list_answered_polls(self) -> list[IndexPoll]:
        """The indexes that were asked; when the crawl is stopped, without those that were broken off by us."""
        return [
            poll for poll in self.polls if not self.context.is_stopping or poll.judgement.outcome in SUCCESSFUL_OUTCOMES
        ]

    def poll_rows(self) -> list[Poll]:
        """The poll's rows, one an endpoint; the first carries the counts of article pages."""
        rows = [poll.to_poll(self.source.name, Counter()) for poll in self.polls]
        if rows:
            first = self.polls[0].to_poll(self.source.name, self.counts)
            rows[0] = replace(first, reason="; ".join(filter(None, (first.reason, self._skipped_reason()))))
        return rows

    def _skipped_reason(self) -> str:
        if not self._skipped:
            return ""
        return f"{len(self._skipped)} further indexes wait for the next polls: {MAX_INDEXES} are read in one"
