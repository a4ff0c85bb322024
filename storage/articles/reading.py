"""Load stored articles by id."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from storage.articles.text_columns import stated_text, whole_text
from storage.articles.topics import topics_of
from storage.db.statements import Ready
from storage.db.tables import aliases, articles, revisions, texts
from storage.model.article import Edition, KeptArticle, Revision
from storage.stories.reading import story_ids


def articles_of(connection: Connection, ids: Sequence[int]) -> Iterator[KeptArticle]:
    """The articles of some ids, in the ids' order."""
    rows = {row.id: row for row in _BY_ID.all(connection, {"ids": ids})}
    spelled: dict[int, list[str]] = {}
    for row in _ALIASES.all(connection, {"ids": ids}):
        spelled.setdefault(row.article_id, []).append(row.url)
    editions: dict[int, list[Edition]] = {}
    for row in _EDITIONS.all(connection, {"ids": ids}):
        editions.setdefault(row.article_id, []).append(_edition(row))
    topics, told = topics_of(connection, ids), story_ids(connection, ids)
    for article_id in ids:
        if article_id in rows:
            yield _kept(
                rows[article_id],
                aliases=tuple(spelled.get(article_id, ())),
                topics=tuple([topic.name for topic in topics.get(article_id, ())]),
                story=told.get(article_id),
                revisions=tuple(editions[article_id]),
            )


def with_past_texts(connection: Connection, found: Iterator[KeptArticle]) -> Iterator[KeptArticle]:
    for article in found:
        shown = article.revisions[article.revision - 1].digest
        if all(one.digest == shown for one in article.revisions):
            yield article
            continue
        rows = _PAST.all(connection, {"article": article.id, "shown": shown})
        yield replace(article, past=tuple({row.digest: whole_text(row) for row in rows}.items()))


def revisions_of(connection: Connection, article_id: int) -> list[Revision]:
    """Return every text that an article had, oldest first."""
    return [_revision(row) for row in connection.execute(_REVISIONS, {"article": article_id})]


def _kept(row: Any, **beside: Any) -> KeptArticle:
    """An article of its row, and what stands in other tables."""
    values = row._asdict()
    for name in ("authors", "tags"):
        values[name] = tuple(json.loads(values[name])) if values[name] != "[]" else ()
    values["origins"] = tuple([(field, origin) for field, origin in json.loads(values["origins"])])
    return KeptArticle(**values, **beside)


def _edition(row: Any) -> Edition:
    return Edition(**{name: getattr(row, name) for name in _EDITION_FIELDS})


def _revision(row: Row[*tuple[Any, ...]]) -> Revision:
    values = {field.name: getattr(row, field.name) for field in fields(Edition)}
    return Revision(**values, text=whole_text(row), stated=stated_text(row) if row.variants else "")


_EDITION_FIELDS = tuple(field.name for field in fields(Edition))


_ELSEWHERE = ("text", "html", "aliases", "topics", "revisions", "story", "past")


_OWN = [articles.c[field.name] for field in fields(KeptArticle) if field.name not in _ELSEWHERE]


_BY_ID = Ready(
    select(*_OWN, texts.c.text, texts.c.html)
    .join(revisions, (revisions.c.article_id == articles.c.id) & (revisions.c.number == articles.c.revision))
    .join(texts, texts.c.id == revisions.c.text_id)
    .where(articles.c.id.in_(bindparam("ids", expanding=True)))
)


_ALIASES = Ready(
    select(aliases.c.article_id, aliases.c.url)
    .where(aliases.c.article_id.in_(bindparam("ids", expanding=True)))
    .order_by(aliases.c.id)
)


_EDITION = (
    *[revisions.c[name] for name in ("article_id", "number", "fetched_at", "title", "kind", "added", "removed")],
    texts.c.digest,
)


_EDITIONS = Ready(
    select(*_EDITION)
    .join(texts, texts.c.id == revisions.c.text_id)
    .where(revisions.c.article_id.in_(bindparam("ids", expanding=True)))
    .order_by(revisions.c.article_id, revisions.c.number)
)


_REVISIONS = (
    select(*_EDITION, *[texts.c[name] for name in ("text", "dropped", "variants")])
    .join(texts, texts.c.id == revisions.c.text_id)
    .where(revisions.c.article_id == bindparam("article"))
    .order_by(revisions.c.number)
)


_PAST = Ready(
    select(texts.c.digest, *[texts.c[name] for name in ("text", "dropped")])
    .join(revisions, revisions.c.text_id == texts.c.id)
    .where(revisions.c.article_id == bindparam("article"), texts.c.digest != bindparam("shown"))
    .order_by(revisions.c.number)
)
