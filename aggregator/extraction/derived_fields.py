"""Compute in the worker process what the writer needs of an article's text and no database is needed for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aggregator.duplicates import compare
from aggregator.extraction.attribution import find_credit
from aggregator.stories.extract_terms import extract_terms
from aggregator.topics.matcher import TopicMatcher
from storage.articles.observation import compute_text_digests
from storage.model.article import Article
from storage.search.index.field_terms import prepare_article
from storage.text.clean import clean


def with_derived_fields(article: Article, matcher: TopicMatcher, credit_lines: Sequence[str] = ()) -> Article:
    """Return the article with signature, credit, terms, topics, text digests and the text prepared for the index.

    `credit_lines` are lines of the page outside the text that may credit an origin.
    """
    return replace(
        article,
        signature=compare.compute_signature(article.text),
        credit=find_credit(article.text) or find_credit("\n".join(credit_lines)),
        terms=extract_terms(article.title, article.text, article.language),
        topics=matcher.find_topics(article.title, article.text),
        text_digests=compute_text_digests(article),
        prepared_text=prepare_article(clean(article.title), clean(article.text)),
    )
