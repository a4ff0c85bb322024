"""Poll one source: its indexes, leads and revisits."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import urlsplit

from aggregator.crawl.article_fetcher import ArticleFetcher
from aggregator.crawl.context import CrawlContext, RevisitOptions
from aggregator.crawl.fetch_errors import classify_error
from aggregator.crawl.http_cache import freshness_seconds
from aggregator.crawl.in_flight import FetchCancelled
from aggregator.crawl.index_response import (
    IndexPoll,
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
from aggregator.crawl.revisit_round import RevisitRound
from aggregator.crawl.stats import PollCounts
from spiders.source import Source, SourceListing
from spiders.spider import FetchedArticle, IndexTask
from storage.errors import ArchiveError
from storage.model.crawl import (
    SUCCESSFUL_OUTCOMES,
    IndexEndpoint,
    LeasedLead,
    NextPoll,
    Poll,
    ReasonCode,
    Revisit,
)
from storage.model.page import Lead, Page, ParsedIndex

MAX_LEADS = 1000
MAX_INDEXES = 60
"""Indexes read in one poll: up to 50 of the catalogue, and further ones that those name."""
MAX_LISTING_PAGES = 20
"""Further pages of a listing that are read while every lead on them is new."""


@dataclass(slots=True)
class SourcePoll:
    """State of one poll of a source; the spider's `PollCallbacks`.

    With `only_due` the poll requests due indexes and revisits only. `fatal_error` is the failure of the archive that
    ended the poll, or empty.
    """

    source: Source
    context: CrawlContext
    endpoints: dict[str, IndexEndpoint]
    started_at: datetime
    next_polls: dict[str, NextPoll] = field(default_factory=dict)
    only_due: bool = False
    polls: list[IndexPoll] = field(default_factory=list)
    fatal_error: str = ""
    counts: PollCounts = field(init=False)
    _articles: ArticleFetcher = field(init=False)
    _revisit_round: RevisitRound | None = None
    _backlog: set[str] = field(default_factory=set)
    _requested_at: dict[str, datetime] = field(default_factory=dict)
    _skipped: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.counts = PollCounts(self.context.stats)
        self._articles = ArticleFetcher(self.source, self.context, self.counts, self._abort)

    # -- indexes ----------------------------------------------------------------------

    def index_tasks(self) -> Iterable[IndexTask]:
        """Return tasks for the known indexes that this poll requests."""
        indexes = list_indexes(self.source, self.endpoints)
        self._backlog = {index.url for index in indexes if index.is_backlog}
        tasks = (
            self._make_task(index.url, index.kind, index.listing, index.depth)
            for index in indexes
            if self._is_due(index.url)
        )
        return [task for task in tasks if task is not None]

    def _is_due(self, url: str) -> bool:
        if not self.only_due:
            return True
        next_poll = self.next_polls.get(url)
        return next_poll is None or next_poll.is_due(self.started_at)

    def _make_task(self, url: str, kind: str, listing: SourceListing | None = None, depth: int = 0) -> IndexTask | None:
        if url in self._requested_at or depth > (MAX_LISTING_PAGES if kind == "listing" else MAX_DEPTH):
            return None
        if len(self._requested_at) >= MAX_INDEXES:
            self._skipped.add(url)
            return None
        endpoint = self._get_endpoint(url)
        self._requested_at[url] = self.context.now()
        if endpoint.gone_at:
            self.counts.outcomes["gone"] += 1
            reason = f"HTTP 410 on {endpoint.gone_at:%Y-%m-%d}: no longer polled"
            self._record_poll(
                url, Judgement(endpoint=endpoint, outcome="gone", code=ReasonCode.HTTP_GONE, reason=reason)
            )
            return None
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
        """Store an index's leads and state in one transaction; return tasks for the indexes that it names."""
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
            parsing = self.context.pool.read_index(page, task.kind, task.listing, MAX_LEADS, now)
            try:
                index = await self.context.in_flight.run(parsing)
            except FetchCancelled as error:
                self._record_poll(task.url, judge_error(endpoint, classify_error(error), now))
                return []
            judgement = judge_index(endpoint, page, index, moved_to, now)
        judgement = apply_move(judgement, endpoint, task.request_url, moved_to)
        wanted = [lead for lead in index.leads if self._is_wanted(lead)]
        if task.listing is None or (judgement.outcome == "failed" and (page.status >= 500 or page.status == 429)):
            new_published = await self.context.repository.save_index(judgement.endpoint, wanted)
            further_urls = index.child_urls
            self.endpoints[task.url] = judgement.endpoint
        else:
            result = await self.context.repository.save_listing_page(
                judgement.endpoint, wanted, self._get_endpoint(task.listing.url)
            )
            new_published, further_urls = result.new_published, result.endpoint.child_urls
            self.endpoints[task.listing.url] = result.endpoint
        poll = self._record_poll(task.url, judgement, page)
        poll.leads, poll.truncated = len(index.leads), max(0, index.total - len(index.leads))
        poll.new_published = new_published
        poll.all_published = tuple(lead.published for lead in index.leads if lead.published)
        poll.requested_delay = max(index.poll_interval, freshness_seconds(page))
        return self._followup_tasks(task, further_urls)

    def _followup_tasks(self, task: IndexTask, urls: Iterable[str]) -> list[IndexTask]:
        urls = order_children(tuple(urls), self.endpoints)
        self._backlog.update(urls[CHILDREN_IN_EVERY_POLL:] if task.kind == "sitemap" else ())
        tasks = [self._make_task(url, task.kind, task.listing, task.depth + 1) for url in urls if self._is_due(url)]
        return [task for task in tasks if task is not None]

    def _is_wanted(self, lead: Lead) -> bool:
        """Return whether a lead can be an article: sitemaps also name front pages and the source's own indexes."""
        parts = urlsplit(lead.url)
        is_front = parts.path in ("", "/") and not parts.query
        return parts.scheme in ("http", "https") and not is_front and lead.url not in self._requested_at

    async def index_failed(self, task: IndexTask, error: BaseException) -> None:
        """Record a failed request for an index."""
        endpoint = self._get_endpoint(task.url)
        judgement = judge_error(endpoint, classify_error(error), self.context.now())
        judgement = apply_move(judgement, endpoint, task.request_url, "")
        self._record_poll(task.url, judgement)
        if self.context.is_stopping:  # a request that was cancelled here is no failure of the index
            return
        try:
            await self.context.repository.save_index(judgement.endpoint, ())
        except ArchiveError as archive_error:
            self._abort(archive_error)

    def _abort(self, error: ArchiveError) -> None:
        """Stop the whole crawl, and report the error as the result of this poll."""
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

    def leads(self) -> AsyncIterator[LeasedLead]:
        """Lease and yield the leads to fetch."""
        return self._articles.leads()

    async def revisits(self) -> AsyncIterator[Revisit]:
        """Yield the stored articles to revisit: all if the options say so, else the due ones in a scheduled poll."""
        if not self.source.revisit or not (self.context.revisit_options or self.only_due):
            return
        options = self.context.revisit_options or RevisitOptions()
        self._revisit_round = RevisitRound(
            source=self.source,
            context=self.context,
            counts=self.counts,
            abort=self._abort,
            confirm_now=options.confirm_now,
            only_due=self.context.revisit_options is None,
        )
        try:
            async for revisit in self._revisit_round.revisits():
                yield revisit
        except ArchiveError as error:
            self._abort(error)

    async def article_fetched(self, fetched: FetchedArticle) -> None:
        """Store the outcome of a response to the request for a lead or a revisit."""
        if isinstance(fetched.leased, Revisit):
            assert self._revisit_round is not None
            await self._revisit_round.handle_response(fetched.leased, fetched.hops)
        else:
            await self._articles.handle_response(fetched.leased, fetched.hops)

    async def article_refused(self, leased: LeasedLead, hops: tuple[Page, ...], reason: str) -> None:
        """End a lead whose response is no HTML page."""
        await self._articles.handle_refusal(leased, hops, reason)

    async def article_failed(self, leased: LeasedLead, error: BaseException) -> None:
        """End or postpone a lead whose request failed."""
        await self._articles.handle_error(leased, error)

    async def revisit_failed(self, revisit: Revisit, error: BaseException) -> None:
        """Record a failed request for a stored article."""
        assert self._revisit_round is not None
        await self._revisit_round.handle_error(revisit, error)

    # -- the end ----------------------------------------------------------------------

    async def close(self) -> None:
        """Release the leases of all leads without an end state."""
        await self._articles.close()

    def list_answered_polls(self) -> list[IndexPoll]:
        """Return the polls of the indexes; of a stopped crawl the successful ones only."""
        return [
            poll for poll in self.polls if not self.context.is_stopping or poll.judgement.outcome in SUCCESSFUL_OUTCOMES
        ]

    def poll_rows(self) -> list[Poll]:
        """Return one row per index; the first one has the counts of article pages."""
        if not self.polls:
            return []
        first = self.polls[0].to_poll(self.source.name, self.counts.outcomes)
        first = replace(first, reason="; ".join(filter(None, (first.reason, self._skipped_reason()))))
        return [first, *(poll.to_poll(self.source.name, Counter()) for poll in self.polls[1:])]

    def _skipped_reason(self) -> str:
        if not self._skipped:
            return ""
        return f"{len(self._skipped)} further indexes wait for the next polls: {MAX_INDEXES} are read in one"
