"""What happens to an article in the transaction that keeps it: recorded, then put in its place among the others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from aggregator.duplicates.link import link_duplicates, relink_duplicates
from aggregator.ingest.repeated_text import MAX_REPEATED_WORDS, REPEAT_WINDOW, refuse_repeated_text
from aggregator.stories.assign import assign_story, reassign_story
from aggregator.topics.catalogue import catalogue_in_use, matcher_in_use
from storage.articles import boilerplate, store
from storage.articles.topics import load_shown_text, record_topics, record_topics_and_relabel, redate_topics
from storage.duplicates.repeated_texts import find_appearances
from storage.identity import text_digest
from storage.model.article import Article, Decision, DecisionKind, Refusal
from storage.model.crawl import LearnedBoilerplate, Rederived
from storage.model.page import Page
from storage.text.clean import clean
from storage.text.wording import block_digest, split_paragraphs, with_boilerplate

if TYPE_CHECKING:
    from storage.db.writer import Transaction


@dataclass(frozen=True, slots=True)
class KeepResult:
    """What became of an article, and what is known of its source's boilerplate now."""

    decision: Decision
    learned: LearnedBoilerplate


@dataclass(frozen=True, slots=True)
class OutdatedExtraction:
    """The article was read before some of its paragraphs were learned to be boilerplate: read it again."""

    learned: LearnedBoilerplate


def keep_article(
    tx: Transaction, article: Article, page: Page, capture_id: int | None, learned: LearnedBoilerplate, now: datetime
) -> KeepResult:
    """Record an article that was made of a page, and bring everything that depends on it in line.

    `learned` is what is known of the source's boilerplate; an article that it makes outdated is not for keeping.
    """
    decision = link_duplicates(tx, article, store.record_article(tx, article, page, capture_id, now))
    for joined in decision.merged_ids:
        boilerplate.forget_article(tx, page.source, joined)
    if decision.kind is DecisionKind.NEW:
        whole = with_boilerplate(article.text, article.removed_boilerplate)
        learned = boilerplate.learn_boilerplate(tx, page.source, decision.article_id, whole, learned, now)
    _keep_topics(tx, article, decision)
    assign_story(tx, article, decision)
    return KeepResult(decision, learned)


def update_dependents(tx: Transaction, redrawn: Rederived) -> None:
    """Bring in line what depends on the text that is shown of an article, where it was judged anew."""
    if redrawn.has_new_shown_text:
        relink_duplicates(tx, redrawn.article_id)
        topics = matcher_in_use().find_topics(*load_shown_text(tx, redrawn.article_id))
        record_topics_and_relabel(tx, redrawn.article_id, topics, catalogue_in_use().digest)
        reassign_story(tx, redrawn.article_id)


def is_outdated(article: Article, learned: LearnedBoilerplate) -> bool:
    """Whether the article holds what has been learned to be boilerplate since it was read."""
    if article.boilerplate_version >= learned.version:
        return False
    return any(block_digest(one) in learned.paragraphs for one in split_paragraphs(article.text))


def refuse_if_repeated(tx: Transaction, article: Article, page: Page) -> Refusal | None:
    """The refusal of a short text that its source shows everywhere; asked before the article is kept."""
    if article.words > MAX_REPEATED_WORDS or page.lead is None or not page.lead.title:
        return None
    before = find_appearances(tx, page.source, text_digest(article.text), page.fetched_at, REPEAT_WINDOW)
    return refuse_repeated_text(article, page.lead.title, before)


def _keep_topics(tx: Transaction, article: Article, decision: Decision) -> None:
    """The topics of the text that is shown, which is not always the one that came in."""
    topics = article.topics
    if not decision.has_new_shown_text:
        redate_topics(tx, decision.article_id)
        return
    if decision.kind not in (DecisionKind.NEW, DecisionKind.COPY):
        shown = load_shown_text(tx, decision.article_id)
        if shown != (clean(article.title), clean(article.text)):
            topics = matcher_in_use().find_topics(*shown)
    # A new article was put into the index with its topics.
    record = record_topics if decision.kind is DecisionKind.NEW else record_topics_and_relabel
    record(tx, decision.article_id, topics, catalogue_in_use().digest)
