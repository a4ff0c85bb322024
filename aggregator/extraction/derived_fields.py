"""What is made of an article's text beside it, in the worker, so that the writer only has to look things up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aggregator.duplicates import compare
from aggregator.extraction.attribution import find_credit
from aggregator.stories.extract_terms import extract_terms
from aggregator.topics.catalogue import matcher_in_use
from storage.model.article import Article
from storage.search.index.field_terms import prepare_article
from storage.text.clean import clean


def with_derived_fields(article: Article, credit_lines: Sequence[str] = ()) -> Article:
    """The article with all that is made of it beforehand; `credit_lines` stood beside its text."""
    return replace(
        article,
        signature=compare.compute_signature(article.text),
        credit=find_credit(article.text) or find_credit("\n".join(credit_lines)),
        terms=extract_terms(article.title, article.text, article.language),
        topics=matcher_in_use().find_topics(article.title, article.text),
        prepared_text=prepare_article(clean(article.title), clean(article.text)),
    )
