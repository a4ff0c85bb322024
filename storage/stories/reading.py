"""Load stories: the newest ones, the story of an article, and the members of each in order of time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select

from storage.db.statements import CompiledStatement, batched
from storage.db.tables import articles, stories, story_members, story_queue
from storage.model.article import Story, StoryMember

_CHUNK = 100


def load_newest_stories(
    connection: Connection, since: datetime | None, least_sources: int, limit: int | None
) -> Iterator[Story]:
    """Yield stories of several articles with an article at or after `since`, the latest first."""
    wanted = select(stories.c.id).where(stories.c.sources >= least_sources)
    if since is not None:
        wanted = wanted.where(stories.c.last_at >= since)
    ids = list(connection.execute(wanted.order_by(stories.c.last_at.desc(), stories.c.id).limit(limit)).scalars())
    for part in batched(ids, _CHUNK):
        yield from _load_stories(connection, part)


def load_story(connection: Connection, article_id: int) -> Story | None:
    """Return the story of an article, which may have no other member; None if it is not assigned yet."""
    story_id = load_story_ids(connection, [article_id]).get(article_id)
    return None if story_id is None else next(_load_stories(connection, [story_id]))


def load_story_ids(connection: Connection, article_ids: Sequence[int]) -> dict[int, int]:
    """Return the story of each article by its id; a copy belongs to the story of its original."""
    return {row.id: row.story_id for row in _SELECT_STORY_IDS.all(connection, {"ids": list(article_ids)})}


def count_queued(connection: Connection) -> int:
    """Return the number of articles whose story must be recomputed."""
    return int(connection.execute(_COUNT_QUEUED).scalar_one())


def _load_stories(connection: Connection, ids: Sequence[int]) -> Iterator[Story]:
    rows_by_story: dict[int, list[Row[*tuple[Any, ...]]]] = {}
    for row in connection.execute(_SELECT_MEMBERS, {"ids": ids}):
        rows_by_story.setdefault(row.story_id, []).append(row)
    headlines = {row.id: row.headline_article_id for row in connection.execute(_SELECT_HEADLINES, {"ids": ids})}
    member_ids = [row.article_id for rows in rows_by_story.values() for row in rows]
    copies = Counter({row.copy_of: row.copies for row in connection.execute(_COUNT_COPIES, {"ids": member_ids})})
    for story_id in ids:
        yield _story(story_id, rows_by_story[story_id], headlines.get(story_id), copies)


def _story(
    story_id: int, rows: Sequence[Row[*tuple[Any, ...]]], headline_id: int | None, copies: Counter[int | None]
) -> Story:
    titles = {row.article_id: row.title for row in rows}
    return Story(
        id=story_id,
        title=titles.get(headline_id, rows[0].title),
        first_at=rows[0].at,
        last_at=rows[-1].at,
        source_count=len({row.source for row in rows}),
        members=tuple(
            StoryMember(
                article_id=row.article_id, url=row.url, source=row.source, title=row.title, at=row.at,
                has_publication_time=row.has_publication_time, copy_count=copies[row.article_id],
            )
            for row in rows
        ),
    )  # fmt: skip


_SELECT_STORY_IDS = CompiledStatement(
    select(articles.c.id, story_members.c.story_id)
    .join(story_members, story_members.c.article_id == func.coalesce(articles.c.copy_of, articles.c.id))
    .where(articles.c.id.in_(bindparam("ids", expanding=True)))
)
_COUNT_QUEUED = select(func.count()).select_from(story_queue)
_SELECT_MEMBERS = (
    select(
        story_members.c.article_id,
        story_members.c.story_id,
        story_members.c.published_or_seen_at.label("at"),
        story_members.c.has_publication_time,
        articles.c.url,
        articles.c.source,
        articles.c.title,
    )
    .join(articles, articles.c.id == story_members.c.article_id)
    .where(story_members.c.story_id.in_(bindparam("ids", expanding=True)))
    .order_by(story_members.c.published_or_seen_at, story_members.c.article_id)
)
_SELECT_HEADLINES = select(stories.c.id, stories.c.headline_article_id).where(
    stories.c.id.in_(bindparam("ids", expanding=True))
)
_COUNT_COPIES = (
    select(articles.c.copy_of, func.count().label("copies"))
    .where(articles.c.copy_of.in_(bindparam("ids", expanding=True)))
    .group_by(articles.c.copy_of)
)
