"""Store which articles form a story, and find the articles that share terms with another.

A story has the id of one of its articles, so an id always leads to the story that holds this article now. Copies are
no members: they belong to the story of their original.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, case, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgres
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from storage.db.statements import PLACEHOLDERS, CompiledStatement, RawStatement, insert_statement
from storage.db.tables import articles, stories, story_members, story_queue, story_terms, to_utc_datetime
from storage.db.tables.articles import PUBLISHED_OR_SEEN_AT
from storage.stories.packed_terms import BUCKET_BITS, Terms, term_buckets, unpack_terms
from storage.time_buckets import TimeBuckets

MAX_INDEX_TERMS = 20
"""Maximum number of terms that an article is indexed under and searches with, the rarest of its title and lead."""
MAX_LOADED_ARTICLES = 24
"""Maximum number of articles that `load_story_articles` loads at once."""
_TIME_BUCKETS = TimeBuckets(span=timedelta(days=42), value_bits=BUCKET_BITS)
_MAX_ARTICLES_PER_TERM = 32
"""Maximum number of articles found by one term, those stored last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryStatus:
    """Facts that decide which story an article belongs to.

    `published_or_seen_at` is the publication time if `has_publication_time`, else the time of the first fetch.
    `story_id` is its present story and `indexed_time` the time under which it is indexed there; None without a story.
    """

    copy_of: int | None
    language: str
    published_or_seen_at: datetime
    has_publication_time: bool
    story_id: int | None
    indexed_time: datetime | None


@dataclass(slots=True)
class StoryArticle:
    """An article in a story."""

    article_id: int
    story_id: int
    published_or_seen_at: datetime
    has_publication_time: bool
    terms: Terms


def load_story_status(tx: Connection, article_id: int) -> StoryStatus | None:
    """Return the story status of an article, or None if the article no longer exists."""
    row = _SELECT_STATUS.first(tx, {"article": article_id})
    return None if row is None else StoryStatus(**row._asdict())


def queue_recompute(tx: Connection, article_ids: Iterable[int]) -> None:
    """Queue articles whose story must be recomputed."""
    if rows := [{"article_id": article_id} for article_id in article_ids]:
        tx.execute(_INSERT_QUEUED[tx.dialect.name], rows)


def pop_recompute_queue(tx: Connection, limit: int) -> list[int]:
    """Remove up to `limit` articles from the queue and return their ids, ascending."""
    if not _SELECT_ANY_QUEUED.all(tx):  # the usual case
        return []
    return sorted(tx.execute(_POP_QUEUED, {"most": limit}).scalars())


def find_story_candidates(
    tx: Connection, weights: Mapping[int, float], since: datetime, until: datetime, min_weight: float
) -> list[int]:
    """Return articles from a time span that share terms of at least `min_weight` in total, the greatest weight first.

    `weights` maps at most MAX_INDEX_TERMS term buckets to their weights.
    """
    buckets = range(_TIME_BUCKETS.bucket_at(since), _TIME_BUCKETS.bucket_at(until) + 1)
    weight_by_key = {
        key: weight
        for bucket in buckets
        for key, weight in zip(_TIME_BUCKETS.keys_between(weights, bucket, bucket), weights.values(), strict=True)
    }
    keys = [*weight_by_key, *[-1] * (2 * MAX_INDEX_TERMS - len(weight_by_key))]
    shared: defaultdict[int, float] = defaultdict(float)
    for key, article_id in _SELECT_BY_TERMS.all(tx, keys):
        shared[article_id] += weight_by_key[key]
    heavy = (article_id for article_id, weight in shared.items() if weight >= min_weight)
    return sorted(heavy, key=lambda article_id: (-shared[article_id], article_id))


def load_story_articles(tx: Connection, article_ids: Sequence[int]) -> list[StoryArticle]:
    """Return at most MAX_LOADED_ARTICLES articles in the order of their ids' list, without those in no story."""
    if not article_ids:
        return []
    padded_ids = [*article_ids, *[-1] * (MAX_LOADED_ARTICLES - len(article_ids))]
    rows = {row[0]: row for row in _SELECT_ARTICLES.all(tx, padded_ids)}
    return [_story_article(*rows[article_id]) for article_id in article_ids if article_id in rows]


def load_story_members(tx: Connection, story_id: int, limit: int) -> list[StoryArticle]:
    """Return up to `limit` articles of a story, newest first."""
    return [_story_article(*row) for row in _SELECT_STORY_MEMBERS.all(tx, (story_id, limit))]


def add_member(
    tx: Connection, article_id: int, story_id: int, status: StoryStatus, terms: bytes, index_buckets: Iterable[int]
) -> None:
    """Move an article to a story and index it under some of its term buckets."""
    if status.story_id is not None:
        _remove_from_index(tx, article_id)
    row = {
        "article_id": article_id,
        "story_id": story_id,
        "published_or_seen_at": status.published_or_seen_at,
        "has_publication_time": status.has_publication_time,
        "terms": terms,
    }
    _INSERT_MEMBER.run(tx, row)
    keys = _TIME_BUCKETS.keys(index_buckets, status.published_or_seen_at, status.published_or_seen_at)
    _INSERT_TERM.run_many(tx, [(key, article_id) for key in keys])


def remove_member(tx: Connection, article_id: int) -> None:
    """Remove an article from its story, if it is in one."""
    story_id = _remove_from_index(tx, article_id)
    if story_id is not None:
        update_story_counts(tx, [story_id])


def move_members(tx: Connection, article_ids: Sequence[int], story_id: int) -> None:
    """Move articles that are in stories to another story."""
    tx.execute(_UPDATE_STORY_OF_MEMBERS, {"ids": list(article_ids), "story": story_id})


def split_story(tx: Connection, story_id: int, members: Iterable[int]) -> set[int]:
    """Move all articles of a story except `members` to a new story; return its id, or nothing if there are none."""
    values = {"story": story_id, "members": sorted(members)}
    new_id = tx.execute(_SELECT_NEW_STORY_ID, values).scalar()
    if new_id is None:
        return set()
    tx.execute(_SPLIT_OTHERS, values | {"new_id": new_id})
    return {new_id}


def move_all_members(tx: Connection, story_id: int, new_id: int) -> None:
    """Move all articles of a story to another."""
    tx.execute(_UPDATE_STORY_ID, {"old": story_id, "story": new_id})


def update_story_counts(tx: Connection, story_ids: Iterable[int], headlines: Mapping[int, int] | None = None) -> None:
    """Count the articles and sources of stories again.

    `headlines` maps stories to the article that names them; other stories keep their headline article if they can.
    A story whose id belongs to an article that left it gets the id of another of its articles.
    """
    ids = sorted(set(story_ids))
    former_headlines = {row.id: row.headline_article_id for row in tx.execute(_DELETE_STORIES, {"ids": ids})}
    new_headlines = headlines or {}
    rows = []
    for row in tx.execute(_COUNT_MEMBERS, {"ids": ids}).mappings().all():
        counted = dict(row)
        lowest, former = counted.pop("lowest"), former_headlines.get(row["id"])
        if not counted.pop("has_namesake"):
            move_all_members(tx, row["id"], lowest)
            counted["id"] = lowest
        if counted["articles"] > 1:
            headline = new_headlines.get(row["id"])
            if headline is None:
                headline = former if former and _is_member(tx, former, counted["id"]) else lowest
            rows.append(counted | {"headline_article_id": headline})
    if rows:
        tx.execute(_INSERT_STORY, rows)


def _is_member(tx: Connection, article_id: int, story_id: int) -> bool:
    return tx.execute(_SELECT_STORY_OF, {"article": article_id}).scalar() == story_id


def _remove_from_index(tx: Connection, article_id: int) -> int | None:
    """Delete an article's membership and index entries; return the id of the story that it was in."""
    row = _SELECT_MEMBER.first(tx, {"article": article_id})
    if row is None:
        return None
    member = _story_article(*row)
    at = member.published_or_seen_at
    keys = _TIME_BUCKETS.keys(term_buckets(member.terms).tolist(), at, at)
    tx.execute(_DELETE_TERMS, {"article": article_id, "keys": keys})
    tx.execute(_DELETE_MEMBER, {"article": article_id})
    return member.story_id


def _story_article(
    article_id: int, story_id: int, published_or_seen_at: int | datetime, is_dated: int | bool, terms: bytes
) -> StoryArticle:
    return StoryArticle(
        article_id, story_id, to_utc_datetime(published_or_seen_at), bool(is_dated), unpack_terms(terms)
    )


_SELECT_STATUS = CompiledStatement(
    select(
        articles.c.copy_of,
        articles.c.language,
        PUBLISHED_OR_SEEN_AT,
        articles.c.published.is_not(None).label("has_publication_time"),
        story_members.c.story_id,
        story_members.c.published_or_seen_at.label("indexed_time"),
    )
    .outerjoin(story_members, story_members.c.article_id == articles.c.id)
    .where(articles.c.id == bindparam("article"))
)
_INSERT_QUEUED = {
    "sqlite": insert_sqlite(story_queue).on_conflict_do_nothing(),
    "postgresql": insert_postgres(story_queue).on_conflict_do_nothing(),
}
_SELECT_ANY_QUEUED = RawStatement(dict.fromkeys(PLACEHOLDERS, "SELECT 1 FROM story_queue LIMIT 1"))
_FIRST_QUEUED = select(story_queue.c.article_id).order_by(story_queue.c.article_id).limit(bindparam("most"))
_POP_QUEUED = delete(story_queue).where(story_queue.c.article_id.in_(_FIRST_QUEUED)).returning(story_queue.c.article_id)
# These statements run for every article and take many values, so they are plain SQL for the driver: SQLAlchemy would
# take longer to bind the values than the database takes to find them.
_NEWEST_OF_TERM_SQL = (
    "SELECT bucket_key, article_id FROM (SELECT bucket_key, article_id FROM story_terms WHERE bucket_key = {mark}"
    " ORDER BY article_id DESC LIMIT {most}) AS newest"
)
_INSERT_TERM_SQL = "INSERT INTO story_terms (bucket_key, article_id) VALUES ({mark}, {mark})"
_SELECT_BY_TERMS = RawStatement(
    {
        name: " UNION ALL ".join(
            [_NEWEST_OF_TERM_SQL.format(mark=mark, most=_MAX_ARTICLES_PER_TERM)] * 2 * MAX_INDEX_TERMS
        )
        for name, mark in PLACEHOLDERS.items()
    }
)
_INSERT_TERM = RawStatement({name: _INSERT_TERM_SQL.format(mark=mark) for name, mark in PLACEHOLDERS.items()})
_SELECT_MEMBER = CompiledStatement(select(story_members).where(story_members.c.article_id == bindparam("article")))
_SELECT_MEMBERS_SQL = f"SELECT {', '.join(column.name for column in story_members.c)} FROM story_members"  # noqa: S608 — constant names
_SELECT_ARTICLES = RawStatement(
    {
        name: f"{_SELECT_MEMBERS_SQL} WHERE article_id IN ({', '.join([mark] * MAX_LOADED_ARTICLES)})"
        for name, mark in PLACEHOLDERS.items()
    }
)
_SELECT_STORY_MEMBERS = RawStatement(
    {
        name: f"{_SELECT_MEMBERS_SQL} WHERE story_id = {mark} ORDER BY published_or_seen_at DESC, article_id"
        f" LIMIT {mark}"
        for name, mark in PLACEHOLDERS.items()
    }
)
_INSERT_MEMBER = insert_statement(story_members)
_DELETE_TERMS = delete(story_terms).where(
    story_terms.c.bucket_key.in_(bindparam("keys", expanding=True)), story_terms.c.article_id == bindparam("article")
)
_DELETE_MEMBER = delete(story_members).where(story_members.c.article_id == bindparam("article"))
_UPDATE_STORY_OF_MEMBERS = (
    update(story_members)
    .where(story_members.c.article_id.in_(bindparam("ids", expanding=True)))
    .values(story_id=bindparam("story"))
)
_IS_OTHER_MEMBER = (
    story_members.c.story_id == bindparam("story"),
    story_members.c.article_id.not_in(bindparam("members", expanding=True)),
)
_SELECT_NEW_STORY_ID = select(func.min(story_members.c.article_id)).where(*_IS_OTHER_MEMBER)
_SPLIT_OTHERS = update(story_members).where(*_IS_OTHER_MEMBER).values(story_id=bindparam("new_id"))
_UPDATE_STORY_ID = (
    update(story_members).where(story_members.c.story_id == bindparam("old")).values(story_id=bindparam("story"))
)
_DELETE_STORIES = (
    delete(stories)
    .where(stories.c.id.in_(bindparam("ids", expanding=True)))
    .returning(stories.c.id, stories.c.headline_article_id)
)
_COUNT_MEMBERS = (
    select(
        story_members.c.story_id.label("id"),
        func.count().label("articles"),
        func.count(articles.c.source.distinct()).label("sources"),
        func.min(story_members.c.published_or_seen_at).label("first_at"),
        func.max(story_members.c.published_or_seen_at).label("last_at"),
        func.min(story_members.c.article_id).label("lowest"),
        func.max(case((story_members.c.article_id == story_members.c.story_id, 1), else_=0)).label("has_namesake"),
    )
    .join(articles, articles.c.id == story_members.c.article_id)
    .where(story_members.c.story_id.in_(bindparam("ids", expanding=True)))
    .group_by(story_members.c.story_id)
)
_INSERT_STORY = insert(stories)
_SELECT_STORY_OF = select(story_members.c.story_id).where(story_members.c.article_id == bindparam("article"))
