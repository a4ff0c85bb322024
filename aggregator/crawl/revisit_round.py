"""Asking again for what a source's archive holds: what changed, what is gone, and what only seems so."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from aggregator.crawl.fetch_errors import fault_of
from aggregator.crawl.host_limiter import host_of
from aggregator.crawl.repository import GONE
from aggregator.ingest.ingest import article_fault, redirected_home
from spiders.source import Hints, Source
from storage.crawl.ladder import Look
from storage.model.article import Article, Decision, Kind, Refusal
from storage.model.crawl import Looked, Revisit
from storage.model.page import Page

if TYPE_CHECKING:
    from aggregator.crawl.runner import Crew
    from aggregator.crawl.source_poll import SourceVisit

UNDER_WAY = 4
BATCH = 100
MOST_DUE = 20
"""Articles that a poll looks at again at most: new ones are not to wait for them."""
FEWEST_FOR_OUTAGE = 3
"""A host of which so many articles were looked at, and all are missing, is taken to be out of order."""


@dataclass(frozen=True, slots=True)
class Revisiting:
    """That kept articles are asked for again after a poll, and whether a missing one is asked for twice at once."""

    confirm_now: bool = False


@dataclass(slots=True)
class Missing:
    """A page that is not there, until the whole round tells whether its host is in order."""

    revisit: Revisit
    looked: Looked


@dataclass(slots=True)
class SecondLooks:
    """One round over all kept articles of a source, or with `only_due` over those whose next look is due.

    With `confirm_now` a missing page is asked for twice at once.
    """

    visit: SourceVisit
    confirm_now: bool = False
    only_due: bool = False
    _open: int = 0
    _idle: asyncio.Event = field(default_factory=asyncio.Event)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(UNDER_WAY))
    _missing: list[Missing] = field(default_factory=list)
    _looked_at: Counter[str] = field(default_factory=Counter)
    _changed: set[int] = field(default_factory=set)
    _is_second: bool = False

    @property
    def crew(self) -> Crew:
        """Whose round it is."""
        return self.visit.crew

    async def revisits(self) -> AsyncIterator[Revisit]:
        """What to ask for, as fast as answers come; at its end what was missing is judged."""
        async for batch in self._batches():
            async for revisit in self._in_turn(batch):
                yield revisit
        await self._answers()
        if not self._looked_at:
            return
        missing = await self._without_outages()
        if self.confirm_now and not self.crew.stopping:
            self._is_second = True
            async for revisit in self._in_turn([one.revisit for one in missing]):
                yield revisit
            await self._answers()
        await self._settle()

    async def _batches(self) -> AsyncIterator[list[Revisit]]:
        desk, source = self.crew.desk, self.visit.source
        if self.only_due:
            yield await desk.due_revisits(source.name, index_hosts(source), MOST_DUE)
            return
        after = 0
        while not self._is_over() and (batch := await desk.revisits(source.name, after, BATCH)):
            after = batch[-1].article_id
            yield batch

    async def _settle(self) -> None:
        """Hold back what came or went everywhere at once; what seemed edited for that alone is not counted."""
        settled = await self.crew.desk.settle(self.visit.source.name)
        if settled.held:
            words = f"{settled.held} blocks came or went on many pages at once: held back, no edit"
            self.visit.reasons[words] += self.visit.counts["again"]
        self._changed -= {redrawn.article_id for redrawn in settled.redrawn if redrawn.edits < 0}
        self.visit.counts["changed"] = len(self._changed)

    async def _in_turn(self, batch: list[Revisit]) -> AsyncIterator[Revisit]:
        for revisit in batch:
            if self._is_over():
                return
            if host_of(revisit.url) in self.visit.closed_hosts:
                continue
            await self._slots.acquire()
            await self.crew.ingest.room()
            self._open += 1
            self._idle.clear()
            yield revisit

    def _is_over(self) -> bool:
        return self.crew.stopping or bool(self.visit.trouble)

    async def _answers(self) -> None:
        if self._open:
            await self._idle.wait()

    def done(self) -> None:
        """One request more has come to its end."""
        self._slots.release()
        self._open -= 1
        if not self._open:
            self._idle.set()

    async def answered(self, revisit: Revisit, hops: tuple[Page, ...]) -> None:
        """Compare what came with what is kept, and plan the next look."""
        if not self._is_second:
            self._looked_at[host_of(revisit.url)] += 1
            self.visit.tell("again")
        outcome = await self._compared(revisit, hops)
        await self.crew.desk.looked_again(revisit, self.visit.source.name, outcome)

    async def _compared(self, revisit: Revisit, hops: tuple[Page, ...]) -> Look:
        page = hops[-1]
        fault = article_fault(page)
        if page.status == 304:
            return await self._look(revisit, page, "unmodified", "HTTP 304")
        if page.status == GONE:
            return await self._look(revisit, page, "missing", "HTTP 410", hops, sure=True)
        if page.status == 404:
            return await self._miss(revisit, hops, "HTTP 404")
        if fault is not None:
            self.visit.tell("failed", fault[0])
            return Look.FAILED
        if redirected_home(hops):
            return await self._miss(revisit, hops, "redirected to the site's front page")
        return await self._read(revisit, hops)

    async def failed(self, revisit: Revisit, error: BaseException) -> None:
        """No answer says nothing of the article; where its host asks for patience, the rest waits for another day."""
        fault = fault_of(error)
        if self.crew.stopping:
            return
        host = host_of(revisit.url)
        if fault.kind in ("parked", "robots") and getattr(error, "host", host) == host:
            self.visit.closed_hosts.setdefault(host, fault.reason)
            return
        self.visit.tell("failed", fault.reason)
        await self.crew.desk.looked_again(revisit, self.visit.source.name, Look.FAILED)

    async def _read(self, revisit: Revisit, hops: tuple[Page, ...]) -> Look:
        keeper = AgainKeeper(self.crew, self.visit.source.hints, revisit, self.visit.keeps_pages)
        ingest = self.crew.ingest.ingest(hops, self.visit.source.hints, keeper)
        outcome = await self.crew.flight.carry(ingest)
        if outcome.refusal is not None and outcome.refusal.code == "not-found":
            return await self._miss(revisit, hops, outcome.refusal.reason)
        if outcome.refusal is not None:
            refusal = outcome.refusal
            self.visit.tell("refused", refusal.reason)
            return await self._look(revisit, hops[-1], "refused", refusal.reason, hops, verdict=refusal.code)
        return self._count(outcome.decision)

    async def _look(
        self,
        revisit: Revisit,
        page: Page,
        outcome: str,
        reason: str,
        hops: tuple[Page, ...] = (),
        *,
        sure: bool = False,
        verdict: str = "",
    ) -> Look:
        looked = replace(_missing(revisit, page, reason), outcome=outcome, sure=sure)
        return self._count(await self.crew.desk.looked(revisit, looked, self._kept(hops), verdict))

    async def _miss(self, revisit: Revisit, hops: tuple[Page, ...], reason: str) -> Look:
        if self._is_second:
            return await self._look(revisit, hops[-1], "missing", f"{reason}, asked twice", hops, sure=True)
        self._missing.append(Missing(revisit, _missing(revisit, hops[-1], reason)))
        return Look.MISSING

    async def _without_outages(self) -> list[Missing]:
        """Write down what was missing; a host of which everything was is out of order, and that says nothing."""
        gone = Counter(host_of(one.revisit.url) for one in self._missing)
        out = {host for host, many in gone.items() if FEWEST_FOR_OUTAGE <= self._looked_at[host] == many}
        for host in out:
            self.visit.tell("failed", f"all {gone[host]} articles of {host} are missing: taken for an outage")
        for one in self._missing:
            is_out = host_of(one.revisit.url) in out
            looked = replace(one.looked, outcome="outage") if is_out else one.looked
            self._count(await self.crew.desk.looked(one.revisit, looked))
        return [one for one in self._missing if host_of(one.revisit.url) not in out]

    def _kept(self, hops: tuple[Page, ...]) -> tuple[Page, ...]:
        return hops if self.visit.keeps_pages else ()

    def _count(self, decision: Decision | None) -> Look:
        if decision is None or decision.kind is not Kind.REVISED:
            return Look.SAME
        self._changed.add(decision.article_id)
        self.visit.counts["changed"] = len(self._changed)
        return Look.CHANGED


def index_hosts(source: Source) -> frozenset[str]:
    """The hosts of a source's indexes."""
    return frozenset(host_of(url) for url, _, _ in source.indexes)


def _missing(revisit: Revisit, page: Page, reason: str) -> Looked:
    return Looked(url=revisit.url, looked_at=page.fetched_at, status=page.status, outcome="missing", reason=reason)


@dataclass(frozen=True, slots=True)
class AgainKeeper:
    """Keeps what came of asking again (an `ingest.Keeper`).

    Where the article was read by another extractor before, its old page is read anew first: only
    readings of one kind tell an edit.
    """

    crew: Crew
    source_hints: Hints
    revisit: Revisit
    keeps_pages: bool

    def hints(self, hints: Hints) -> Hints:
        """With what was learned by now."""
        return self.crew.desk.hints(hints)

    async def keep(self, hops: tuple[Page, ...], article: Article) -> Decision | Refusal | None:
        """The page and what it says now, beside what was kept."""
        before = await self._read_anew(article)
        pages = hops if self.keeps_pages else ()
        return await self.crew.desk.keep_again(self.revisit, hops, article, before, pages)

    async def refuse(self, hops: tuple[Page, ...], refusal: Refusal) -> None:
        """Nothing: that a page is no article now is a look, which the round writes down."""

    async def _read_anew(self, article: Article) -> tuple[Page, Article] | None:
        revisit = self.revisit
        if revisit.extractor == article.extractor or revisit.capture is None:
            return None
        page = await asyncio.to_thread(self.crew.desk.replay, revisit.capture)
        if page is None:
            return None
        made = await self.crew.pool.extract(page, self.hints(self.source_hints))
        return None if isinstance(made, Refusal) else (page, made)
