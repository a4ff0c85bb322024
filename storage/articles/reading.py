"""Load stored articles by id."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from storage.articles.text_columns import text_in_page_data, whole_text
from storage.articles.topics import load_topics
from storage.db.statements import CompiledStatement
from storage.db.tables import aliases, articles, revisions, texts
from storage.model.article import KeptArticle, Revision, RevisionSummary
from storage.stories.reading import load_story_ids


def load_articles(connection: Connection, ids: Sequence[int]) -> Iterator[KeptArticle]:
    """Yield the stored articles among `ids`, in their order."""
    rows = {row.id: row for row in _SELECT_ARTICLES.all(connection, {"ids": ids})}
    urls: dict[int, list[str]] = {}
    for row in _SELECT_ALIASES.all(connection, {"ids": ids}):
        urls.setdefault(row.article_id, []).append(row.url)
    summaries: dict[int, list[RevisionSummary]] = {}
    for row in _SELECT_SUMMARIES.all(connection, {"ids": ids}):
        summaries.setdefault(row.article_id, []).append(_revision_summary(row))
    topics, story_ids = load_topics(connection, ids), load_story_ids(connection, ids)
    for article_id in ids:
        if article_id in rows:
            yield _kept_article(
                rows[article_id],
                aliases=tuple(urls.get(article_id, ())),
                topics=tuple([topic.name for topic in topics.get(article_id, ())]),
                story=story_ids.get(article_id),
                revisions=tuple(summaries[article_id]),
            )


def with_past_texts(connection: Connection, unfilled: Iterator[KeptArticle]) -> Iterator[KeptArticle]:
    """Yield articles with the texts of their revisions that are not shown."""
    for article in unfilled:
        shown = article.revisions[article.revision - 1].digest
        if all(revision.digest == shown for revision in article.revisions):
            yield article
            continue
        rows = _SELECT_PAST_TEXTS.all(connection, {"article": article.id, "shown": shown})
        yield replace(article, past_texts=tuple({row.digest: whole_text(row) for row in rows}.items()))


def load_revisions(connection: Connection, article_id: int) -> list[Revision]:
    """Return every text that an article had, oldest first."""
    return [_revision(row) for row in connection.execute(_SELECT_REVISIONS, {"article": article_id})]


def _kept_article(row: Any, **related: Any) -> KeptArticle:
    """Build an article from its row and the values from other tables."""
    values = row._asdict()
    for name in ("authors", "tags"):
        values[name] = tuple(json.loads(values[name])) if values[name] != "[]" else ()
    values["origins"] = tuple([(field, origin) for field, origin in json.loads(values["origins"])])
    return KeptArticle(**values, **related)


def _revision_summary(row: Any) -> RevisionSummary:
    return RevisionSummary(**{name: getattr(row, name) for name in _SUMMARY_FIELDS})


def _revision(row: Row[*tuple[Any, ...]]) -> Revision:
    values = {field.name: getattr(row, field.name) for field in fields(RevisionSummary)}
    return Revision(
        **values, text=whole_text(row), text_in_page_data=text_in_page_data(row) if row.differs_in_page_data else ""
    )


_SUMMARY_FIELDS = tuple(field.name for field in fields(RevisionSummary))


_FIELDS_OF_OTHER_TABLES = ("text", "html", "aliases", "topics", "revisions", "story", "past_texts")


_ARTICLE_COLUMNS = [
    articles.c[field.name] for field in fields(KeptArticle) if field.name not in _FIELDS_OF_OTHER_TABLES
]


_SELECT_ARTICLES = CompiledStatement(
    select(*_ARTICLE_COLUMNS, texts.c.text, texts.c.html)
    .join(revisions, (revisions.c.article_id == articles.c.id) & (revisions.c.number == articles.c.revision))
    .join(texts, texts.c.id == revisions.c.text_id)
    .where(articles.c.id.in_(bindparam("ids", expanding=True)))
)


_SELECT_ALIASES = CompiledStatement(
    select(aliases.c.article_id, aliases.c.url)
    .where(aliases.c.article_id.in_(bindparam("ids", expanding=True)))
    .order_by(aliases.c.id)
)


_SUMMARY_COLUMNS = (
    *[revisions.c[name] for name in ("article_id", "number", "fetched_at", "title", "kind", "added", "removed")],
    texts.c.digest,
)


_SELECT_SUMMARIES = CompiledStatement(
    select(*_SUMMARY_COLUMNS)
    .join(texts, texts.c.id == revisions.c.text_id)
    .where(revisions.c.article_id.in_(bindparam("ids", expanding=True)))
    .order_by(revisions.c.article_id, revisions.c.number)
)


_SELECT_REVISIONS = (
    select(*_SUMMARY_COLUMNS, *[texts.c[name] for name in ("text", "removed_boilerplate", "differs_in_page_data")])
    .join(texts, texts.c.id == revisions.c.text_id)
    .where(revisions.c.article_id == bindparam("article"))
    .order_by(revisions.c.number)
)


_SELECT_PAST_TEXTS = CompiledStatement(
    select(texts.c.digest, *[texts.c[name] for name in ("text", "removed_boilerplate")])
    .join(revisions, revisions.c.text_id == texts.c.id)
    .where(revisions.c.article_id == bindparam("article"), texts.c.digest != bindparam("shown"))
    .order_by(revisions.c.number)
)
