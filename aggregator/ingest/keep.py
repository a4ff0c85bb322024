"""What happens to an article in the transaction that keeps it: recorded, then put in its place among the others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from aggregator.duplicates.link import place_again_among_copies, place_among_copies
from aggregator.ingest.repeated_text import MOST_WORDS, WITHIN, repeated
from aggregator.stories.assign import place_again_in_story, place_in_story
from aggregator.topics.catalogue import catalogue_in_use, matcher_in_use
from storage.articles import boilerplate, store
from storage.articles.topics import record_topics, record_topics_anew, redate_topics, shown_text
from storage.duplicates.repeated_texts import showings
from storage.identity import text_digest
from storage.model.article import Article, Decision, Kind, Refusal
from storage.model.crawl import Learned, Redrawn
from storage.model.page import Page
from storage.text.clean import clean
from storage.text.wording import block, paragraphs, with_dropped

if TYPE_CHECKING:
    from storage.db.writer import Transaction


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
    tx: Transaction, article: Article, page: Page, capture_id: int | None, learned: Learned, now: datetime
) -> Kept:
    """Record an article that was made of a page, and bring everything that depends on it in line.

    `learned` is what is known of the source's boilerplate; an article that it makes outdated is not for keeping.
    """
    decision = place_among_copies(tx, article, store.record_article(tx, article, page, capture_id, now))
    for joined in decision.joined:
        boilerplate.forget(tx, page.source, joined)
    if decision.kind is Kind.NEW:
        whole = with_dropped(article.text, article.dropped)
        learned = boilerplate.learn(tx, page.source, decision.article_id, whole, learned, now)
    _keep_topics(tx, article, decision)
    place_in_story(tx, article, decision)
    return Kept(decision, learned)


def keep_in_line(tx: Transaction, redrawn: Redrawn) -> None:
    """Bring in line what depends on the text that is shown of an article, where it was judged anew."""
    if redrawn.shows_anew:
        place_again_among_copies(tx, redrawn.article_id)
        topics = matcher_in_use().topics(*shown_text(tx, redrawn.article_id))
        record_topics_anew(tx, redrawn.article_id, topics, catalogue_in_use().digest)
        place_again_in_story(tx, redrawn.article_id)


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
    # A new article was put into the index with its topics.
    record = record_topics if decision.kind is Kind.NEW else record_topics_anew
    record(tx, decision.article_id, topics, catalogue_in_use().digest)
