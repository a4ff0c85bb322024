"""Ends a lead together with what its page came to: one transaction, so that neither is ever without the other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from aggregator.crawl.revisit_schedule import schedule_first
from aggregator.ingest.ingest import retry_delay
from aggregator.ingest.keep import KeepResult, OutdatedExtraction, is_outdated, keep_article, refuse_if_repeated
from spiders.source import Hints
from storage.articles import boilerplate, store
from storage.crawl import ladder, leads
from storage.model.article import Article, Decision, DecisionKind, Refusal
from storage.model.crawl import Capture, LeadState, LeasedLead
from storage.model.page import Page

if TYPE_CHECKING:
    from aggregator.crawl.repository import CrawlRepository
    from storage.db.writer import Transaction


@dataclass(frozen=True, slots=True)
class LeadOutcome:
    """Ends one lead together with what its page came to (an `ingest.Keeper`).

    With `looks_again` a new article's first second look is planned.
    """

    repository: CrawlRepository
    leased: LeasedLead
    keeps_pages: bool
    is_revisited: bool = False

    def hints(self, hints: Hints) -> Hints:
        """With what was learned by now."""
        return self.repository.add_boilerplate(hints)

    async def keep(self, hops: tuple[Page, ...], article: Article) -> Decision | Refusal | None:
        """The article, its pages' place on the tape and the lead's end, in one transaction."""
        desk, leased = self.repository, self.leased

        def work(tx: Transaction, captures: tuple[Capture, ...]) -> KeepResult | OutdatedExtraction | Refusal:
            now, page = desk.now(), hops[-1]
            learned = boilerplate.load_boilerplate(tx, page.source)
            if is_outdated(article, learned):
                return OutdatedExtraction(learned)
            repeated = refuse_if_repeated(tx, article, page)
            if repeated is not None:
                self._refuse(tx, captures, hops, repeated)
                return repeated
            capture_id = store.record_captures(tx, captures, hops)
            kept = keep_article(tx, article, page, capture_id, learned, desk.matcher, now)
            leads.finish_lead(tx, leased, desk.owner, LeadState.KEPT, kept.decision.reason, now)
            if self.is_revisited and kept.decision.kind in (DecisionKind.NEW, DecisionKind.COPY):
                named = leased.lead.published or article.published
                step = schedule_first(kept.decision.article_id, page.source, named, now)
                if step is not None:
                    ladder.schedule_revisit(tx, step)
            return kept

        return await desk.save_article(leased.source, work, hops if self.keeps_pages else ())

    async def refuse(self, hops: tuple[Page, ...], refusal: Refusal) -> None:
        """The pages stay on the tape with their verdict; the lead is asked again where its kind of refusal may pass."""

        def work(tx: Transaction, captures: tuple[Capture, ...]) -> None:
            self._refuse(tx, captures, hops, refusal)

        await self.repository.run(work, hops if self.keeps_pages else ())

    def _refuse(self, tx: Transaction, captures: tuple[Capture, ...], hops: tuple[Page, ...], refusal: Refusal) -> None:
        now = self.repository.now()
        store.record_captures(tx, captures, hops, refusal.code, refusal.reason)
        wait = retry_delay(self.leased.attempts, refusal.code)
        state = LeadState.REFUSED if wait is None else LeadState.RETRY
        next_at = None if wait is None else now + timedelta(seconds=wait)
        leads.finish_lead(tx, self.leased, self.repository.owner, state, refusal.reason, now, next_at)
