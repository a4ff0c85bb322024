"""What happens to an article in the transaction that keeps it: recorded, then put in its place among the others."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from aggregator.intake.copies import place_among_copies
from storage import store
from storage.article import Article, Decision
from storage.page import Page

if TYPE_CHECKING:
    from storage.writer import Transaction


def keep_article(tx: Transaction, article: Article, page: Page, capture_id: int | None, now: datetime) -> Decision:
    """Record an article that was made of a page, and bring everything that depends on it in line."""
    decision = store.record_article(tx, article, page, capture_id, now)
    return place_among_copies(tx, article, decision)
