"""Store the topics of articles, count them over the archive, and find them again after the catalogue changed.

A row says how often the shown text of an article names a topic. The digest of the catalogue is stored per article, so
articles whose topics are outdated are known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgres
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from storage.db.database import Database, acquire_write_lock
from storage.db.statements import CompiledStatement
from storage.db.tables import article_topics, articles, revisions, texts, topic_scans
from storage.model.article import Topic

TopicFinder = Callable[[str, str], tuple[Topic, ...]]
"""Function that finds the topics of a title and a text."""
RECOUNT_BATCH = 100
"""Number of articles whose topics are found again in one transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicCount:
    """Numbers of articles and sources that name a topic, with the newest of the articles."""

    name: str
    articles: int
    sources: int
    newest_at: datetime
    newest_id: int
    newest_title: str


def record_topics(tx: Connection, article_id: int, topics: Sequence[Topic], catalogue: str) -> None:
    """Replace the topics of an article; `catalogue` is the digest of the catalogue that they were found with."""
    _DELETE_TOPICS.run(tx, {"article": article_id})
    if topics:
        _INSERT_TOPIC.run_many(
            tx, [{"article": article_id, "name": t.name, "b": t.body_count, "t": t.title_count} for t in topics]
        )
    _UPSERT_READING[tx.dialect.name].run(tx, {"article_id": article_id, "catalogue_digest": catalogue})


def record_topics_and_relabel(tx: Connection, article_id: int, topics: Sequence[Topic], catalogue: str) -> None:
    """Replace the topics of an article that is already indexed, and its labels in the index."""
    from storage.search.article_index import update_labels

    record_topics(tx, article_id, topics, catalogue)
    update_labels(tx, article_id, topics)


def redate_topics(tx: Connection, article_id: int) -> None:
    """Update the date of an article's topics, which may change without its text."""
    tx.execute(_UPDATE_DATED, {"article": article_id})


def load_shown_text(tx: Connection, article_id: int) -> tuple[str, str]:
    """Return the shown title and text of an article."""
    row = tx.execute(_SELECT_SHOWN, {"article": article_id}).one()
    return row.title, row.text


def load_topics(connection: Connection, ids: Sequence[int]) -> dict[int, list[Topic]]:
    """Return the topics of articles by id: those in the title first, then by number of mentions."""
    topics: dict[int, list[Topic]] = {}
    for row in _SELECT_TOPICS.all(connection, {"ids": ids}):
        topics.setdefault(row.article_id, []).append(
            Topic(name=row.topic, body_count=row.body_count, title_count=row.title_count)
        )
    return topics


def count_topics(connection: Connection, since: datetime | None = None) -> list[TopicCount]:
    """Count the articles of each topic (dated at or after `since`), topics of most articles first."""
    counted = select(
        article_topics.c.topic.label("name"),
        func.count().label("articles"),
        func.count(articles.c.source.distinct()).label("sources"),
    ).join(articles, articles.c.id == article_topics.c.article_id)
    if since is not None:
        counted = counted.where(article_topics.c.sort_time >= since)
    rows = connection.execute(counted.group_by(article_topics.c.topic)).all()
    return sorted((_topic_count(connection, row) for row in rows), key=lambda count: (-count.articles, count.name))


def _topic_count(connection: Connection, row: Row[*tuple[Any, ...]]) -> TopicCount:
    newest = connection.execute(_SELECT_NEWEST, {"name": row.name}).one()
    return TopicCount(**row._mapping, **newest._mapping)


def count_stale_topics(connection: Connection, catalogue: str) -> int:
    """Return the number of articles whose topics were found with another catalogue, or with none."""
    return int(connection.execute(_COUNT_STALE, {"catalogue": catalogue}).scalar_one())


def recount_topics(
    database: Database, find: TopicFinder, catalogue: str, progress: Callable[[int, int], None] | None = None
) -> int:
    """Find the topics of every article again whose topics are outdated, and return the number of these articles.

    RECOUNT_BATCH articles are written per transaction, so an interrupted run continues where it stopped. `progress` is
    called with the number of articles done and the total.
    """
    with database.read() as connection:
        total = count_stale_topics(connection, catalogue)
    done, last = 0, 0
    while part := _recount_batch(database, find, catalogue, last):
        done, last = done + len(part), part[-1]
        if progress:
            progress(done, max(total, done))
    return done


def _recount_batch(database: Database, find: TopicFinder, catalogue: str, after: int) -> list[int]:
    """Find the topics of the next outdated articles again and return their ids."""
    with database.write() as tx:
        acquire_write_lock(tx)
        ids = list(tx.execute(_SELECT_STALE, {"catalogue": catalogue, "after": after}).scalars())
        for article_id in ids:
            record_topics_and_relabel(tx, article_id, find(*load_shown_text(tx, article_id)), catalogue)
    return ids


_ARTICLE_DATED = select(articles.c.sort_time).where(articles.c.id == bindparam("article")).scalar_subquery()
_DELETE_TOPICS = CompiledStatement(delete(article_topics).where(article_topics.c.article_id == bindparam("article")))
_INSERT_TOPIC = CompiledStatement(
    insert(article_topics).values(
        article_id=bindparam("article"),
        topic=bindparam("name"),
        sort_time=_ARTICLE_DATED,
        body_count=bindparam("b"),
        title_count=bindparam("t"),
    )
)
_UPDATE_DATED = (
    update(article_topics)
    .where(article_topics.c.article_id == bindparam("article"), article_topics.c.sort_time != _ARTICLE_DATED)
    .values(sort_time=_ARTICLE_DATED)
)


def _upsert_reading(statement: Any) -> CompiledStatement:
    updated = {"catalogue_digest": statement.excluded.catalogue_digest}
    upsert = statement.on_conflict_do_update(index_elements=["article_id"], set_=updated)
    return CompiledStatement(upsert, columns=[column.name for column in topic_scans.c])


_UPSERT_READING = {
    "sqlite": _upsert_reading(insert_sqlite(topic_scans)),
    "postgresql": _upsert_reading(insert_postgres(topic_scans)),
}
_SELECT_SHOWN = (
    select(texts.c.title, texts.c.text)
    .join(revisions, revisions.c.text_id == texts.c.id)
    .join(articles, (articles.c.id == revisions.c.article_id) & (articles.c.revision == revisions.c.number))
    .where(articles.c.id == bindparam("article"))
)
_SELECT_TOPICS = CompiledStatement(
    select(article_topics)
    .where(article_topics.c.article_id.in_(bindparam("ids", expanding=True)))
    .order_by(article_topics.c.title_count.desc(), article_topics.c.body_count.desc(), article_topics.c.topic)
)
_SELECT_NEWEST = (
    select(
        article_topics.c.sort_time.label("newest_at"),
        articles.c.id.label("newest_id"),
        articles.c.title.label("newest_title"),
    )
    .join(articles, articles.c.id == article_topics.c.article_id)
    .where(article_topics.c.topic == bindparam("name"))
    .order_by(article_topics.c.sort_time.desc(), article_topics.c.article_id.desc())
    .limit(1)
)
_IS_STALE = topic_scans.c.catalogue_digest.is_distinct_from(bindparam("catalogue"))
_COUNT_STALE = (
    select(func.count())
    .select_from(articles.outerjoin(topic_scans, topic_scans.c.article_id == articles.c.id))
    .where(_IS_STALE)
)
_SELECT_STALE = (
    select(articles.c.id)
    .outerjoin(topic_scans, topic_scans.c.article_id == articles.c.id)
    .where(_IS_STALE, articles.c.id > bindparam("after"))
    .order_by(articles.c.id)
    .limit(RECOUNT_BATCH)
)
