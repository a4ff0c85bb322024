"""Find new and edited articles since a position, with their sources and topics."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select

from storage.db.statements import CompiledStatement, batched
from storage.db.tables import EPOCH, article_topics, articles, revisions

MAX_ARTICLES = 10_000
"""Maximum number of articles and of edits in one call; the next call continues."""
_BATCH_SIZE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePosition:
    """Id of the last examined article and time of the last examined edit."""

    article_id: int = 0
    edited_at: datetime = EPOCH


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedChanges:
    """New and edited articles, their sources and topics, and the position after them."""

    ids: tuple[int, ...]
    sources: frozenset[str]
    topics: frozenset[str]
    has_edits: bool
    position: ChangePosition


def current_position(tx: Connection) -> ChangePosition:
    """Return the position after all articles and edits."""
    return ChangePosition(
        article_id=tx.execute(_SELECT_NEWEST_ARTICLE_ID).scalar() or 0,
        edited_at=tx.execute(_SELECT_LAST_EDIT).scalar() or EPOCH,
    )


def find_changes(tx: Connection, since: ChangePosition) -> FeedChanges:
    """Return the articles that arrived or were edited after a position."""
    new = _SELECT_NEW.all(tx, {"after": since.article_id, "most": MAX_ARTICLES})
    edits = _SELECT_EDITED.all(tx, {"since": since.edited_at, "most": MAX_ARTICLES})
    ids = tuple(dict.fromkeys([*(row.id for row in new), *(row.article_id for row in edits)]))
    topics: set[str] = set()
    for part in batched(ids, _BATCH_SIZE):
        topics |= {row.topic for row in _SELECT_TOPICS.all(tx, {"ids": part})}
    return FeedChanges(
        ids=ids,
        sources=frozenset([*(row.source for row in new), *(row.source for row in edits)]),
        topics=frozenset(topics),
        has_edits=bool(edits),
        position=ChangePosition(
            article_id=max([since.article_id, *(row.id for row in new)]),
            edited_at=max([since.edited_at, *(row.fetched_at for row in edits)]),
        ),
    )


_SELECT_NEWEST_ARTICLE_ID = select(func.max(articles.c.id))
_SELECT_LAST_EDIT = select(func.max(revisions.c.fetched_at)).where(revisions.c.number > 1)
_SELECT_NEW = CompiledStatement(
    select(articles.c.id, articles.c.source)
    .where(articles.c.id > bindparam("after"))
    .order_by(articles.c.id)
    .limit(bindparam("most"))
)
_SELECT_EDITED = CompiledStatement(
    select(revisions.c.article_id, revisions.c.fetched_at, articles.c.source)
    .join(articles, articles.c.id == revisions.c.article_id)
    .where(revisions.c.fetched_at > bindparam("since"), revisions.c.number > 1)
    .order_by(revisions.c.fetched_at)
    .limit(bindparam("most"))
)
_SELECT_TOPICS = CompiledStatement(
    select(article_topics.c.topic).where(article_topics.c.article_id.in_(bindparam("ids", expanding=True))).distinct()
)
