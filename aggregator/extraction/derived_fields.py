"""What is made of an article's text beside it, in the worker, so that the writer only has to look things up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aggregator.duplicates import compare as dedup
from aggregator.extraction.attribution import credit
from aggregator.stories.extract_terms import terms
from aggregator.topics.catalogue import matcher_in_use
from storage.model.article import Article
from storage.search.index.field_terms import prepared
from storage.text.clean import clean


def marked(article: Article, credit_lines: Sequence[str] = ()) -> Article:
    """The article with all that is made of it beforehand; `credit_lines` stood beside its text."""
    return replace(
        article,
        signature=dedup.signature(article.text),
        credit=credit(article.text) or credit("\n".join(credit_lines)),
        terms=terms(article.title, article.text, article.language),
        topics=matcher_in_use().topics(article.title, article.text),
        prepared=prepared(clean(article.title), clean(article.text)),
    )
