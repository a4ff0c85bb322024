"""Finish a lead and store its article in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aggregator.crawl.repository import CrawlRepository
from aggregator.crawl.revisit_schedule import schedule_first
from aggregator.ingest.ingest import retry_delay
from aggregator.ingest.keep import KeepResult, OutdatedExtraction, is_outdated, keep_article, refuse_if_repeated
from spiders.source import Hints
from storage.articles import boilerplate, store
from storage.crawl import leads, revisit_schedule
from storage.model.article import Article, Decision, DecisionKind, Refusal
from storage.model.crawl import Capture, LeadState, LeasedLead
from storage.model.page import Page

if TYPE_CHECKING:
    from storage.db.writer import Transaction


@dataclass(frozen=True, slots=True)
class LeadOutcome:
    """Finishes one lead with the outcome of its page (an `OutcomeSink`).

    With `is_revisited` the first revisit of a new article is scheduled.
    """

    repository: CrawlRepository
    leased: LeasedLead
    stores_pages: bool
    is_revisited: bool = False

    def hints(self, hints: Hints) -> Hints:
        """Return the hints with the source's learned boilerplate."""
        return self.repository.add_boilerplate(hints)

    async def keep(self, hops: tuple[Page, ...], article: Article) -> Decision | Refusal | None:
        """Store the article and its captures, and end the lead."""
        repository, leased = self.repository, self.leased

        def work(tx: Transaction, captures: tuple[Capture, ...]) -> KeepResult | OutdatedExtraction | Refusal:
            now, page = repository.now(), hops[-1]
            learned = boilerplate.load_boilerplate(tx, page.source)
            if is_outdated(article, learned):
                return OutdatedExtraction(learned)
            repeated = refuse_if_repeated(tx, article, page)
            if repeated is not None:
                self._refuse(tx, captures, hops, repeated)
                return repeated
            capture_id = store.record_captures(tx, captures, hops)
            kept = keep_article(tx, article, page, capture_id, learned, repository.matcher, now)
            decision = kept.decision
            leads.finish_lead(tx, leased, repository.owner, LeadState.KEPT, decision.reason, now, code=decision.kind)
            if self.is_revisited and decision.kind in (DecisionKind.NEW, DecisionKind.COPY):
                published = leased.lead.published or article.published
                first_revisit = schedule_first(decision.article_id, page.source, published, now)
                if first_revisit is not None:
                    revisit_schedule.schedule_revisit(tx, first_revisit)
            return kept

        return await repository.save_article(leased.source, work, hops if self.stores_pages else ())

    async def refuse(self, hops: tuple[Page, ...], refusal: Refusal) -> None:
        """Store the captures with the refusal, and end the lead or schedule its retry."""

        def work(tx: Transaction, captures: tuple[Capture, ...]) -> None:
            self._refuse(tx, captures, hops, refusal)

        await self.repository.run_with_pages(work, hops if self.stores_pages else ())

    def _refuse(self, tx: Transaction, captures: tuple[Capture, ...], hops: tuple[Page, ...], refusal: Refusal) -> None:
        store.record_captures(tx, captures, hops, refusal.code, refusal.reason)
        retry_in = retry_delay(self.leased.attempts, refusal.code)
        self.repository.retry_or_refuse(tx, self.leased, refusal.code, refusal.reason, retry_in)
