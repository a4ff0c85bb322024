"""What is made of an article's text beside it, in the worker, so that the writer only has to look things up."""

from __future__ import annotations

from dataclasses import replace

from aggregator.intake import dedup
from aggregator.intake.credit import credit
from aggregator.intake.topicfile import matcher_in_use
from aggregator.intake.words import terms
from storage.article import Article


def marked(article: Article) -> Article:
    """The article with its signature, its terms and its topics."""
    return replace(
        article,
        signature=dedup.signature(article.text),
        credit=credit(article.text),
        terms=terms(article.title, article.text, article.language),
        topics=matcher_in_use().topics(article.title, article.text),
    )
