"""What happens to an article in the transaction that keeps it: recorded, then put in its place among the others."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from aggregator.intake.repeated import MOST_WORDS, WITHIN, repeated
from storage import store
from storage.article import Article, Decision, Refusal
from storage.identity import text_digest
from storage.page import Page
from storage.repetition import showings

if TYPE_CHECKING:
    from storage.writer import Transaction


def keep_article(tx: Transaction, article: Article, page: Page, capture_id: int | None, now: datetime) -> Decision:
    """Record an article that was made of a page, and bring everything that depends on it in line."""
    return store.record_article(tx, article, page, capture_id, now)


def refused_as_repeated(tx: Transaction, article: Article, page: Page) -> Refusal | None:
    """The refusal of a short text that its source shows everywhere; asked before the article is kept."""
    if article.words > MOST_WORDS or page.lead is None or not page.lead.title:
        return None
    before = showings(tx, page.source, text_digest(article.text), page.fetched_at, WITHIN)
    return repeated(article, page.lead.title, before)
