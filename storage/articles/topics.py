"""The topics that articles name: kept with each article, counted over the archive, counted anew.

A row says how often an article's shown text names a topic. With which catalogue an article was
read is kept beside it, so that what a changed catalogue has not reached yet is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgres
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from storage.db.database import Database, write_lock
from storage.db.statements import Ready
from storage.db.tables import article_topics, articles, revisions, texts, topic_readings
from storage.model.article import Topic
from storage.search.article_index import relabel

Find = Callable[[str, str], tuple[Topic, ...]]
"""Finds the topics of a title and a text."""
CHUNK = 100
"""Articles that are counted anew in one transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicCount:
    """How many articles name a topic, of how many sources, and which is the newest of them."""

    name: str
    articles: int
    sources: int
    newest_at: datetime
    newest_id: int
    newest_title: str


def record_topics(tx: Connection, article_id: int, topics: Sequence[Topic], catalogue: str) -> None:
    """What an article names, in place of what was kept of it; `catalogue` is the digest of the one that found it."""
    _DROP.run(tx, {"article": article_id})
    if topics:
        _INSERT.run_many(tx, [{"article": article_id, "name": t.name, "b": t.body, "t": t.title} for t in topics])
    _READ[tx.dialect.name].run(tx, {"article_id": article_id, "catalogue": catalogue})


def record_topics_anew(tx: Connection, article_id: int, topics: Sequence[Topic], catalogue: str) -> None:
    """The same for an article that is in the index already: it is labelled by them there."""
    record_topics(tx, article_id, topics, catalogue)
    relabel(tx, article_id, topics)


def redate_topics(tx: Connection, article_id: int) -> None:
    """An article's topics follow its date, which may move though its text does not."""
    tx.execute(_REDATE, {"article": article_id})


def shown_text(tx: Connection, article_id: int) -> tuple[str, str]:
    """Title and text that are shown of an article."""
    row = tx.execute(_SHOWN, {"article": article_id}).one()
    return row.title, row.text


def topics_of(connection: Connection, ids: Sequence[int]) -> dict[int, list[Topic]]:
    """The topics of some articles: those of the title first, then by how often they are named."""
    found: dict[int, list[Topic]] = {}
    for row in _OF.all(connection, {"ids": ids}):
        found.setdefault(row.article_id, []).append(Topic(name=row.topic, body=row.body, title=row.title))
    return found


def count_topics(connection: Connection, since: datetime | None = None) -> list[TopicCount]:
    """Every topic that an article names (dated at or after `since`), those of most articles first."""
    counted = select(
        article_topics.c.topic.label("name"),
        func.count().label("articles"),
        func.count(articles.c.source.distinct()).label("sources"),
    ).join(articles, articles.c.id == article_topics.c.article_id)
    if since is not None:
        counted = counted.where(article_topics.c.dated >= since)
    rows = connection.execute(counted.group_by(article_topics.c.topic)).all()
    return sorted((_counted(connection, row) for row in rows), key=lambda one: (-one.articles, one.name))


def _counted(connection: Connection, row: Row[*tuple[Any, ...]]) -> TopicCount:
    newest = connection.execute(_NEWEST, {"name": row.name}).one()
    return TopicCount(**row._mapping, **newest._mapping)


def count_stale(connection: Connection, catalogue: str) -> int:
    """How many articles were read with another catalogue, or with none."""
    return int(connection.execute(_COUNT_STALE, {"catalogue": catalogue}).scalar_one())


def refresh(database: Database, find: Find, catalogue: str, progress: Callable[[int, int], None] | None = None) -> int:
    """Count the topics of every article anew that was read with another catalogue; returns how many those were.

    A hundred articles a transaction: killed in between, it goes on where it was. `progress` is told
    how many of how many are done.
    """
    with database.read() as connection:
        total = count_stale(connection, catalogue)
    done, last = 0, 0
    while part := _refresh_some(database, find, catalogue, last):
        done, last = done + len(part), part[-1]
        if progress:
            progress(done, max(total, done))
    return done


def _refresh_some(database: Database, find: Find, catalogue: str, after: int) -> list[int]:
    """The ids of the next articles, which have been counted."""
    with database.write() as tx:
        write_lock(tx)
        ids = list(tx.execute(_STALE, {"catalogue": catalogue, "after": after}).scalars())
        for article_id in ids:
            record_topics_anew(tx, article_id, find(*shown_text(tx, article_id)), catalogue)
    return ids


def named(topics: Sequence[str]) -> Iterator[Any]:
    """For each topic, that the article names it."""
    for topic in topics:
        rows = article_topics.alias()
        yield select(rows.c.article_id).where(rows.c.article_id == articles.c.id, rows.c.topic == topic).exists()


_DATED = select(articles.c.dated).where(articles.c.id == bindparam("article")).scalar_subquery()
_DROP = Ready(delete(article_topics).where(article_topics.c.article_id == bindparam("article")))
_INSERT = Ready(
    insert(article_topics).values(
        article_id=bindparam("article"),
        topic=bindparam("name"),
        dated=_DATED,
        body=bindparam("b"),
        title=bindparam("t"),
    )
)
_REDATE = (
    update(article_topics)
    .where(article_topics.c.article_id == bindparam("article"), article_topics.c.dated != _DATED)
    .values(dated=_DATED)
)


def _reading(statement: Any) -> Ready:
    renewed = {"catalogue": statement.excluded.catalogue}
    renewing = statement.on_conflict_do_update(index_elements=["article_id"], set_=renewed)
    return Ready(renewing, columns=[column.name for column in topic_readings.c])


_READ = {"sqlite": _reading(insert_sqlite(topic_readings)), "postgresql": _reading(insert_postgres(topic_readings))}
_SHOWN = (
    select(texts.c.title, texts.c.text)
    .join(revisions, revisions.c.text_id == texts.c.id)
    .join(articles, (articles.c.id == revisions.c.article_id) & (articles.c.revision == revisions.c.number))
    .where(articles.c.id == bindparam("article"))
)
_OF = Ready(
    select(article_topics)
    .where(article_topics.c.article_id.in_(bindparam("ids", expanding=True)))
    .order_by(article_topics.c.title.desc(), article_topics.c.body.desc(), article_topics.c.topic)
)
_NEWEST = (
    select(
        article_topics.c.dated.label("newest_at"),
        articles.c.id.label("newest_id"),
        articles.c.title.label("newest_title"),
    )
    .join(articles, articles.c.id == article_topics.c.article_id)
    .where(article_topics.c.topic == bindparam("name"))
    .order_by(article_topics.c.dated.desc(), article_topics.c.article_id.desc())
    .limit(1)
)
_OTHERWISE = topic_readings.c.catalogue.is_distinct_from(bindparam("catalogue"))
_COUNT_STALE = (
    select(func.count())
    .select_from(articles.outerjoin(topic_readings, topic_readings.c.article_id == articles.c.id))
    .where(_OTHERWISE)
)
_STALE = (
    select(articles.c.id)
    .outerjoin(topic_readings, topic_readings.c.article_id == articles.c.id)
    .where(_OTHERWISE, articles.c.id > bindparam("after"))
    .order_by(articles.c.id)
    .limit(CHUNK)
)
