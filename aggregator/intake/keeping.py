"""What happens to an article in the transaction that keeps it: recorded, then put in its place among the others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from aggregator.intake.repeated import MOST_WORDS, WITHIN, repeated
from storage import boilerplate, store
from storage.article import Article, Decision, Kind, Refusal
from storage.identity import text_digest
from storage.page import Page
from storage.repetition import showings
from storage.state import Learned
from storage.wording import block, paragraphs, with_dropped

if TYPE_CHECKING:
    from storage.writer import Transaction


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of an article, and what is known of its source's boilerplate now."""

    decision: Decision
    learned: Learned


@dataclass(frozen=True, slots=True)
class Outdated:
    """The article was read before some of its paragraphs were learned to be boilerplate: read it again."""

    learned: Learned


def keep_article(
    tx: Transaction, article: Article, page: Page, capture_id: int | None, now: datetime
) -> Kept | Outdated:
    """Record an article that was made of a page, and bring everything that depends on it in line."""
    learned = boilerplate.learned_of(tx, page.source)
    if is_outdated(article, learned):
        return Outdated(learned)
    decision = store.record_article(tx, article, page, capture_id, now)
    for joined in decision.joined:
        boilerplate.forget(tx, page.source, joined)
    if decision.kind is Kind.NEW:
        whole = with_dropped(article.text, article.dropped)
        learned = boilerplate.learn(tx, page.source, decision.article_id, whole, now)
    return Kept(decision, learned)


def is_outdated(article: Article, learned: Learned) -> bool:
    """Whether the article holds what has been learned to be boilerplate since it was read."""
    if article.hints_version >= learned.version:
        return False
    return any(block(one) in learned.paragraphs for one in paragraphs(article.text))


def refused_as_repeated(tx: Transaction, article: Article, page: Page) -> Refusal | None:
    """The refusal of a short text that its source shows everywhere; asked before the article is kept."""
    if article.words > MOST_WORDS or page.lead is None or not page.lead.title:
        return None
    before = showings(tx, page.source, text_digest(article.text), page.fetched_at, WITHIN)
    return repeated(article, page.lead.title, before)
