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

from aggregator.crawl.fetch_errors import fault_of
from aggregator.crawl.host_limiter import host_of
from aggregator.crawl.http_cache import freshness
from aggregator.crawl.in_flight import Stopped
from aggregator.crawl.index_poll import IndexPoll
from aggregator.crawl.index_response import (
    Judgement,
    address,
    conditions,
    followed,
    judge_fault,
    judge_index,
    judge_status,
    permanent_move,
)
from aggregator.crawl.indexes import MAX_DEPTH, NEWEST_FIRST, in_turn, known_indexes
from aggregator.crawl.lead_outcome import LeadKeeper
from aggregator.crawl.revisit_round import Revisiting, SecondLooks
from aggregator.extraction.classify.classify import challenged
from aggregator.ingest.ingest import article_fault, redirected_home, retry_delay
from spiders.source import Listing, Source
from spiders.spider import Fetched, IndexTask
from storage.errors import ArchiveError, is_archives_own
from storage.model.article import Kind, Refusal
from storage.model.crawl import WELL, Appointment, Endpoint, LeasedLead, Poll, Revisit
from storage.model.page import Index, Lead, Page

if TYPE_CHECKING:
    from aggregator.crawl.runner import Crew

log = logging.getLogger(__name__)

MAX_LEADS = 1000
MAX_FETCHES = 200
MAX_SECONDS = 180.0
MAX_INDEXES = 60
"""How many indexes a poll asks for; a source of the catalogue names at most 50, the rest is for what those name."""
MAX_PAGES = 20
"""How many further pages of a listing are read, as long as all that they name is new."""
UNDER_WAY = 4
"""How many of a source's articles are fetched or read at once; its host is asked for one at a time."""
LEASE_BATCH = 25
TOO_OLD = "its index dates it before the time from which articles are kept"


_COUNTED_AS: dict[str, str] = {Kind.NEW: "kept", Kind.REVISED: "kept", Kind.COPY: "kept", Kind.SAME: "repeats"}


class _Postponed(Exception):
    """The lead is not brought to its end now: it keeps its lease until the poll closes."""


@dataclass(slots=True)
class SourceVisit:
    """The state of one poll; the spider's `Visit`."""

    source: Source
    crew: Crew
    memory: dict[str, Endpoint]
    started_at: datetime
    appointments: dict[str, Appointment] = field(default_factory=dict)
    only_due: bool = False
    polls: list[IndexPoll] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    closed_hosts: dict[str, str] = field(default_factory=dict)
    trouble: str = ""
    _backlog: set[str] = field(default_factory=set)
    _asked: dict[str, datetime] = field(default_factory=dict)
    _left_out: set[str] = field(default_factory=set)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(UNDER_WAY))
    _held: dict[int, LeasedLead] = field(default_factory=dict)
    _round: SecondLooks | None = None

    # -- indexes ----------------------------------------------------------------------

    def index_tasks(self) -> Iterable[IndexTask]:
        """The indexes that are known, as far as they are asked now."""
        places = known_indexes(self.source, self.memory)
        self._backlog = {place.url for place in places if place.is_backlog}
        tasks = (self._task(p.url, p.kind, p.listing, p.depth) for p in places if self._is_asked(p.url))
        return [task for task in tasks if task is not None]

    def _is_asked(self, url: str) -> bool:
        """A clock asks for what is due; who polls by hand, for everything."""
        if not self.only_due:
            return True
        appointment = self.appointments.get(url)
        return appointment is None or appointment.is_due(self.started_at)

    def _task(self, url: str, kind: str, listing: Listing | None = None, depth: int = 0) -> IndexTask | None:
        if url in self._asked or depth > (MAX_PAGES if kind == "listing" else MAX_DEPTH):
            return None
        if len(self._asked) >= MAX_INDEXES:
            self._left_out.add(url)
            return None
        endpoint = self._remembered(url)
        if endpoint.gone_at:
            self.counts["gone"] += 1
            reason = f"HTTP 410 on {endpoint.gone_at:%Y-%m-%d}: no longer polled"
            self._asked[url] = self.crew.now()
            self._note(url, Judgement(endpoint=endpoint, outcome="gone", reason=reason))
            return None
        self._asked[url] = self.crew.now()
        return IndexTask(
            url=url,
            ask=address(endpoint),
            kind=kind,
            listing=listing,
            depth=depth,
            validators_url=endpoint.validators_url,
            conditions=conditions(endpoint),
        )

    def _remembered(self, url: str) -> Endpoint:
        return self.memory.get(url) or Endpoint(source=self.source.name, url=url)

    async def index_answered(self, task: IndexTask, hops: tuple[Page, ...]) -> Iterable[IndexTask]:
        """Judge the answer, write its leads and memory together, and name what is to be read further."""
        try:
            return await self._judged(task, hops)
        except ArchiveError as error:
            self._stopped_by(error)
            return []

    async def _judged(self, task: IndexTask, hops: tuple[Page, ...]) -> Iterable[IndexTask]:
        page, endpoint, now = hops[-1], self._remembered(task.url), self.crew.now()
        moved_to = permanent_move(hops)
        index, judgement = Index(), judge_status(endpoint, page, now)
        if judgement is None:
            reading = self.crew.pool.read_index(page, task.kind, task.listing, MAX_LEADS, now)
            try:
                index = await self.crew.flight.carry(reading)
            except Stopped as stopped:
                self._note(task.url, judge_fault(endpoint, fault_of(stopped), now))
                return []
            judgement = judge_index(endpoint, page, index, moved_to, now)
        judgement = followed(judgement, endpoint, task.ask, moved_to)
        wanted = [lead for lead in index.leads if self._is_wanted(lead)]
        if task.listing is None or (judgement.outcome == "failed" and (page.status >= 500 or page.status == 429)):
            came, more = await self.crew.desk.keep_index(judgement.endpoint, wanted), index.more
            self.memory[task.url] = judgement.endpoint
        else:
            listing = await self.crew.desk.keep_page(judgement.endpoint, wanted, self._remembered(task.listing.url))
            came, more = listing.came, listing.endpoint.more
            self.memory[task.listing.url] = listing.endpoint
        poll = self._note(task.url, judgement, page)
        poll.leads, poll.came, poll.truncated = len(index.leads), came, max(0, index.total - len(index.leads))
        poll.named = tuple(lead.published for lead in index.leads if lead.published)
        poll.asks = max(index.asks, freshness(page))
        return self._further(task, more)

    def _further(self, task: IndexTask, urls: Iterable[str]) -> list[IndexTask]:
        urls = in_turn(tuple(urls), self.memory)
        self._backlog.update(urls[NEWEST_FIRST:] if task.kind == "sitemap" else ())
        tasks = [self._task(url, task.kind, task.listing, task.depth + 1) for url in urls if self._is_asked(url)]
        return [found for found in tasks if found is not None]

    def _is_wanted(self, lead: Lead) -> bool:
        """No front page is an article, and no index of the source's own, though sitemaps name them."""
        parts = urlsplit(lead.url)
        is_front = parts.path in ("", "/") and not parts.query
        return parts.scheme in ("http", "https") and not is_front and lead.url not in self._asked

    async def index_failed(self, task: IndexTask, error: BaseException) -> None:
        """Note an index that gave no answer."""
        endpoint = self._remembered(task.url)
        judgement = judge_fault(endpoint, fault_of(error), self.crew.now())
        judgement = followed(judgement, endpoint, task.ask, "")
        self._note(task.url, judgement)
        if self.crew.stopping:  # what we broke off ourselves is no failure of theirs
            return
        try:
            await self.crew.desk.keep_index(judgement.endpoint, ())
        except ArchiveError as trouble:
            self._stopped_by(trouble)

    def _stopped_by(self, trouble: ArchiveError) -> None:
        """What the archive cannot do now ends the whole crawl, and is said at every source that met it."""
        self.trouble = self.trouble or str(trouble)
        self.crew.give_up(str(trouble))

    def _note(self, url: str, judgement: Judgement, page: Page | None = None) -> IndexPoll:
        poll = IndexPoll(
            endpoint=url,
            started_at=self._asked.get(url, self.started_at),
            ended_at=self.crew.now(),
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
                batch = await self.crew.desk.lease(self.source.name, min(LEASE_BATCH, MAX_FETCHES - fetches))
                self._held.update((leased.id, leased) for leased in batch)
                for leased in batch:
                    if host_of(leased.lead.url) in self.closed_hosts:
                        continue  # stays leased, so that it is not offered again, and is given back at the end
                    if self._is_too_old(leased) and await self.crew.desk.expire(leased, TOO_OLD):
                        self._held.pop(leased.id, None)
                        continue
                    await self._slots.acquire()
                    await self.crew.ingest.room()
                    if self._is_over(deadline):
                        self._slots.release()
                        return
                    fetches += 1
                    yield leased
                if not batch:
                    return
        except ArchiveError as error:
            self._stopped_by(error)
        finally:
            self.counts["fetches"] = fetches

    @property
    def keeps_pages(self) -> bool:
        """Whether the pages that are fetched go on the tape."""
        return self.crew.config.keeps_pages and self.source.keep_pages > 0

    def _is_too_old(self, leased: LeasedLead) -> bool:
        """Whether an article, as its index dates it, would be removed as soon as it is kept."""
        published = leased.lead.published
        age = (self.crew.now() - published).total_seconds() if published else 0.0
        return age > (self.source.keep or self.crew.config.keep)

    def _is_over(self, deadline: float) -> bool:
        return self.crew.stopping or asyncio.get_running_loop().time() > deadline

    async def revisits(self) -> AsyncIterator[Revisit]:
        """The kept articles to be asked for again: all where the crew was told to, else by the clock those due."""
        if not self.source.revisit or not (self.crew.again or self.only_due):
            return
        again = self.crew.again or Revisiting()
        self._round = SecondLooks(self, again.confirm_now, only_due=self.crew.again is None)
        try:
            async for revisit in self._round.revisits():
                yield revisit
        except ArchiveError as error:
            self._stopped_by(error)

    async def revisit_failed(self, revisit: Revisit, error: BaseException) -> None:
        """A kept article's address gave no answer."""
        async with self._looking() as looks:
            await looks.failed(revisit, error)

    @asynccontextmanager
    async def _looking(self) -> AsyncIterator[SecondLooks]:
        """One second look, brought to its end; what goes wrong inside us costs this look alone."""
        looks = self._round
        assert looks is not None
        try:
            yield looks
        except Stopped:
            pass
        except Exception as error:  # around one page, which costs no other
            if isinstance(error, ArchiveError) and is_archives_own(error):
                self._stopped_by(error)
            else:
                log.exception("event=look-broken source=%s", self.source.name)
                self.tell("failed", f"internal error: {type(error).__name__}")
        finally:
            looks.done()

    async def article_fetched(self, fetched: Fetched) -> None:
        """Ingest a page that came back; every lead ends here, in `article_refused` or in `article_failed`."""
        leased, hops = fetched.leased, fetched.hops
        if isinstance(leased, Revisit):
            async with self._looking() as looks:
                await looks.answered(leased, hops)
            return
        async with self._ending(leased):
            fault, wall = article_fault(fetched.page), challenged(fetched.page)
            if wall is not None and wall.refusal is not None:
                await self._refuse(leased, hops, wall.refusal.code, wall.refusal.reason)
            elif fault is not None:
                await self._fail(leased, fault[0], "transient" if fault[1] else "permanent", hops)
            elif redirected_home(hops):
                await self._refuse(leased, hops, "redirected", "redirected to the site's front page")
            else:
                await self._ingest(leased, hops)

    async def _ingest(self, leased: LeasedLead, hops: tuple[Page, ...]) -> None:
        keeper = self._keeper(leased)
        outcome = await self.crew.flight.carry(self.crew.ingest.ingest(hops, self.source.hints, keeper))
        if outcome.decision is not None:
            self.tell(outcome.decision.kind)
        elif outcome.refusal is not None:
            self._tell_refused(outcome.refusal)

    async def article_refused(self, leased: LeasedLead, hops: tuple[Page, ...], reason: str) -> None:
        """End a lead whose answer was no article page."""
        async with self._ending(leased):
            await self._refuse(leased, hops, "not-html", reason)

    @asynccontextmanager
    async def _ending(self, leased: LeasedLead) -> AsyncIterator[None]:
        """Bring a lead to its end; one that could not be ended stays ours, and is given back when the poll closes.

        What went wrong inside us is never silence: an archive that cannot keep anything stops the
        whole crawl and fails the poll, any other error is this page's own and counts as an attempt.
        """
        try:
            try:
                yield
            except (_Postponed, Stopped):
                return
            except Exception as error:  # around one page, which costs no other
                if is_archives_own(error):
                    raise
                log.exception("event=page-broken source=%s url=%s", self.source.name, leased.lead.url)
                await self._fail(leased, f"internal error: {type(error).__name__}", "transient")
            self._held.pop(leased.id, None)
        except ArchiveError as error:
            self._stopped_by(error)
        finally:
            self._slots.release()

    async def article_failed(self, leased: LeasedLead, error: BaseException) -> None:
        """End a lead that gave no answer, or leave it for later where its host asks for patience."""
        fault = fault_of(error)
        host = host_of(leased.lead.url)
        async with self._ending(leased):
            if self.crew.stopping:
                raise _Postponed
            if fault.kind in ("parked", "robots") and getattr(error, "host", host) == host:
                self.closed_hosts.setdefault(host, fault.reason)
                raise _Postponed
            await self._fail(leased, fault.reason, "permanent" if fault.kind == "permanent" else "transient")

    async def _refuse(self, leased: LeasedLead, hops: tuple[Page, ...], code: str, reason: str) -> None:
        keeper = self._keeper(leased)
        refusal = Refusal(code=code, reason=reason)
        await keeper.refuse(hops, refusal)
        self._tell_refused(refusal)

    def _tell_refused(self, refusal: Refusal) -> None:
        self.crew.tally.verdicts[refusal.code] += 1
        self.tell("refused", refusal.reason)

    def _keeper(self, leased: LeasedLead) -> LeadKeeper:
        return LeadKeeper(self.crew.desk, leased, self.keeps_pages, self.source.revisit)

    async def _fail(self, leased: LeasedLead, reason: str, kind: str, hops: tuple[Page, ...] = ()) -> None:
        retry_in = retry_delay(leased.attempts) if kind == "transient" else None
        await self.crew.desk.fail(leased, reason, retry_in, hops, keep_pages=self.keeps_pages)
        self.crew.tally.faults[kind] += 1
        self.tell("failed" if kind == "transient" else "refused", reason)

    def tell(self, what: str, reason: str = "") -> None:
        """Count what became of a page, with the reason where it is worth telling."""
        name = _COUNTED_AS.get(what, what)
        if name != what:
            self.crew.tally.decisions[what] += 1
        self.counts[name] += 1
        if reason:
            self.reasons[reason] += 1
        self.crew.tally.count(name)

    # -- the end ----------------------------------------------------------------------

    async def close(self) -> None:
        """Give back every lead that was leased and not brought to an end."""
        await self.crew.desk.release(list(self._held))
        self._held.clear()

    def asked_and_answered(self) -> list[IndexPoll]:
        """The indexes that were asked; when the crawl is stopped, without those that were broken off by us."""
        return [poll for poll in self.polls if not self.crew.stopping or poll.judgement.outcome in WELL]

    def rows(self) -> list[Poll]:
        """The poll's rows, one an endpoint; the first carries the counts of article pages."""
        rows = [poll.row(self.source.name, Counter()) for poll in self.polls]
        if rows:
            first = self.polls[0].row(self.source.name, self.counts)
            rows[0] = replace(first, reason="; ".join(filter(None, (first.reason, self._left_out_words()))))
        return rows

    def _left_out_words(self) -> str:
        if not self._left_out:
            return ""
        return f"{len(self._left_out)} further indexes wait for the next polls: {MAX_INDEXES} are read in one"
