"""What a message about new matches says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.logs import safe_line
from storage.model.article import KeptArticle
from storage.text.clean import clean_line

MOST_LISTED = 20
_LONGEST_TITLE = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Plain text: a title and a body."""

    title: str
    body: str


def message(search: str, articles: Sequence[KeptArticle], total: int) -> Message:
    """The newest of `total` articles that a search found, each with its source, day and address."""
    newest = sorted(articles, key=lambda one: (one.published or one.first_seen, one.id), reverse=True)
    told = [_told(one) for one in newest[:MOST_LISTED]]
    if total > len(told):
        told.append(f"and {total - len(told)} more: evnews search --saved {search}")
    return Message(
        title=f"{search}: {total} new {'article' if total == 1 else 'articles'}",
        body="\n\n".join(told) or "they are not in the archive any more",
    )


def _told(article: KeptArticle) -> str:
    day = article.published_date or f"{article.published or article.first_seen:%Y-%m-%d}"
    title = clean_line(article.title, _LONGEST_TITLE) or article.url
    return "\n".join(safe_line(line) for line in (title, f"{article.source}, {day}", article.url))
