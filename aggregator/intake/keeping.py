"""What happens to an article in the transaction that keeps it: recorded, then put in its place among the others."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from aggregator.intake.topicfile import catalogue_in_use, matcher_in_use
from storage import store
from storage.article import Article, Decision, Kind
from storage.page import Page
from storage.text import clean
from storage.topics import record_topics, redate_topics, shown_text

if TYPE_CHECKING:
    from storage.writer import Transaction


def keep_article(tx: Transaction, article: Article, page: Page, capture_id: int | None, now: datetime) -> Decision:
    """Record an article that was made of a page, and bring everything that depends on it in line."""
    decision = store.record_article(tx, article, page, capture_id, now)
    _keep_topics(tx, article, decision)
    return decision


def _keep_topics(tx: Transaction, article: Article, decision: Decision) -> None:
    """The topics of the text that is shown, which is not always the one that came in."""
    topics = article.topics
    if not decision.shows_anew:
        redate_topics(tx, decision.article_id)
        return
    if decision.kind not in (Kind.NEW, Kind.COPY):
        shown = shown_text(tx, decision.article_id)
        if shown != (clean(article.title), clean(article.text)):
            topics = matcher_in_use().topics(*shown)
    record_topics(tx, decision.article_id, topics, catalogue_in_use().digest)
