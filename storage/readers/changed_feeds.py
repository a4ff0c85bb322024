"""What came and what was edited since somebody looked last: the articles, and the sources and topics that have them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select

from storage.db.statements import Ready, parts
from storage.db.tables import EPOCH, article_topics, articles, revisions

MOST = 10_000
"""Articles that are looked at in one go; the rest with the next."""
_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How far was looked: the last article's id and the last edit's time."""

    article_id: int = 0
    edited_at: datetime = EPOCH


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """Articles that are new or were edited, their sources and topics, and how far was looked."""

    ids: tuple[int, ...]
    sources: frozenset[str]
    topics: frozenset[str]
    has_edits: bool
    upto: Mark


def mark_now(tx: Connection) -> Mark:
    """How far somebody has looked who has seen everything."""
    return Mark(article_id=tx.execute(_LAST).scalar() or 0, edited_at=tx.execute(_LAST_EDIT).scalar() or EPOCH)


def touched(tx: Connection, since: Mark) -> Touched:
    """What came or was edited after a mark."""
    new = _NEW.all(tx, {"after": since.article_id, "most": MOST})
    edits = _EDITED.all(tx, {"since": since.edited_at, "most": MOST})
    ids = tuple(dict.fromkeys([*(row.id for row in new), *(row.article_id for row in edits)]))
    topics: set[str] = set()
    for part in parts(ids, _CHUNK):
        topics |= {row.topic for row in _TOPICS.all(tx, {"ids": part})}
    return Touched(
        ids=ids,
        sources=frozenset([*(row.source for row in new), *(row.source for row in edits)]),
        topics=frozenset(topics),
        has_edits=bool(edits),
        upto=Mark(
            article_id=max([since.article_id, *(row.id for row in new)]),
            edited_at=max([since.edited_at, *(row.fetched_at for row in edits)]),
        ),
    )


_LAST = select(func.max(articles.c.id))
_LAST_EDIT = select(func.max(revisions.c.fetched_at)).where(revisions.c.number > 1)
_NEW = Ready(
    select(articles.c.id, articles.c.source)
    .where(articles.c.id > bindparam("after"))
    .order_by(articles.c.id)
    .limit(bindparam("most"))
)
_EDITED = Ready(
    select(revisions.c.article_id, revisions.c.fetched_at, articles.c.source)
    .join(articles, articles.c.id == revisions.c.article_id)
    .where(revisions.c.fetched_at > bindparam("since"), revisions.c.number > 1)
    .order_by(revisions.c.fetched_at)
    .limit(bindparam("most"))
)
_TOPICS = Ready(
    select(article_topics.c.topic).where(article_topics.c.article_id.in_(bindparam("ids", expanding=True))).distinct()
)
