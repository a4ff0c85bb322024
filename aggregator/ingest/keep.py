"""Store an article in one transaction: record, link duplicates, learn boilerplate, record topics, assign a story."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from aggregator.duplicates.link import link_duplicates, relink_duplicates
from aggregator.ingest.repeated_text import MAX_REPEATED_WORDS, REPEAT_WINDOW, refuse_repeated_text
from aggregator.stories.assign import assign_story, reassign_story
from aggregator.topics.matcher import TopicMatcher
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
    """The decision about a stored article, and the boilerplate of its source that is known after it."""

    decision: Decision
    learned: LearnedBoilerplate


@dataclass(frozen=True, slots=True)
class OutdatedExtraction:
    """An article holds paragraphs that are known as boilerplate by now; the caller extracts its page again."""

    learned: LearnedBoilerplate


def keep_article(
    tx: Transaction,
    article: Article,
    page: Page,
    capture_id: int | None,
    learned: LearnedBoilerplate,
    matcher: TopicMatcher,
    now: datetime,
) -> KeepResult:
    """Store an article that was extracted from a page, and update everything that depends on it.

    `learned` is the known boilerplate of the source. The caller checks `is_outdated` first.
    """
    decision = store.record_article(tx, article, page, capture_id, now)
    decision = link_duplicates(tx, article, decision)
    learned = _learn_boilerplate(tx, article, page.source, decision, learned, now)
    _record_topics(tx, article, decision, matcher)
    assign_story(tx, article, decision)
    return KeepResult(decision, learned)


def update_dependents(tx: Transaction, rederived: Rederived, matcher: TopicMatcher) -> None:
    """Update duplicates, topics and story of an article if its shown text changed without a new page."""
    if rederived.has_new_shown_text:
        relink_duplicates(tx, rederived.article_id)
        topics = matcher.find_topics(*load_shown_text(tx, rederived.article_id))
        record_topics_and_relabel(tx, rederived.article_id, topics, matcher.digest)
        reassign_story(tx, rederived.article_id)


def is_outdated(article: Article, learned: LearnedBoilerplate) -> bool:
    """Return whether the article holds a paragraph that was learned to be boilerplate after its extraction."""
    if article.boilerplate_version >= learned.version:
        return False
    return any(block_digest(paragraph) in learned.paragraphs for paragraph in split_paragraphs(article.text))


def refuse_if_repeated(tx: Transaction, article: Article, page: Page) -> Refusal | None:
    """Return the refusal of a short text that its source shows at many addresses, else None.

    The caller asks before it stores the article.
    """
    if article.words > MAX_REPEATED_WORDS or page.lead is None or not page.lead.title:
        return None
    appearances = find_appearances(tx, page.source, text_digest(article.text), page.fetched_at, REPEAT_WINDOW)
    return refuse_repeated_text(article, page.lead.title, appearances)


def _learn_boilerplate(
    tx: Transaction, article: Article, source: str, decision: Decision, learned: LearnedBoilerplate, now: datetime
) -> LearnedBoilerplate:
    for merged_id in decision.merged_ids:
        boilerplate.forget_article(tx, source, merged_id)
    if decision.kind is not DecisionKind.NEW:
        return learned
    page_text = with_boilerplate(article.text, article.removed_boilerplate)
    return boilerplate.learn_boilerplate(tx, source, decision.article_id, page_text, learned, now)


def _record_topics(tx: Transaction, article: Article, decision: Decision, matcher: TopicMatcher) -> None:
    """Record the topics of the text that is shown, which may differ from the text of `article`."""
    if not decision.has_new_shown_text:
        redate_topics(tx, decision.article_id)
        return
    topics = article.topics
    if decision.kind not in (DecisionKind.NEW, DecisionKind.COPY):
        shown = load_shown_text(tx, decision.article_id)
        if shown != (clean(article.title), clean(article.text)):
            topics = matcher.find_topics(*shown)
    # The index entry of a new article already holds its topics.
    record = record_topics if decision.kind is DecisionKind.NEW else record_topics_and_relabel
    record(tx, decision.article_id, topics, matcher.digest)
