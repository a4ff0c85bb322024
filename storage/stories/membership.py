"""Stories in the database: articles are found by their terms, enter a story, move between stories, and leave.

A story has the id of one of its articles. So every id of a story leads somewhere for good: to the
story in which that article is now. Copies tell nothing of their own; they are where their original is.
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
from storage.db.tables import EPOCH, articles, stories, story_members, story_queue, story_terms, to_utc_datetime
from storage.db.tables.articles import PUBLISHED_OR_SEEN_AT
from storage.stories.packed_terms import BUCKET_BITS, Terms, term_buckets, unpack_terms

MAX_INDEX_TERMS = 20
"""Terms that an article is found by, and looks for others with: the rarest of its title and lead."""
MAX_LOADED_ARTICLES = 24
"""Articles that `told` is asked for at once."""
_TIME_BUCKET = timedelta(days=42)
"""What one place in the index spans; a window of so many days lies in two of them at most."""
_MAX_ARTICLES_PER_TERM = 32
"""Articles that one term leads to, those that were kept last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryStatus:
    """What decides over an article's place among the stories; `told_before` and `story_id` are None where it has none.

    It is told when it was published (`dated`), or else when it was first fetched.
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
    """What is known of an article; None where it is no more."""
    row = _SELECT_STATUS.first(tx, {"article": article_id})
    return None if row is None else StoryStatus(**row._asdict())


def queue_recompute(tx: Connection, article_ids: Iterable[int]) -> None:
    """Let the places of some articles be looked at again, before long."""
    if rows := [{"article_id": article_id} for article_id in article_ids]:
        tx.execute(_INSERT_QUEUED[tx.dialect.name], rows)


def pop_recompute_queue(tx: Connection, most: int) -> list[int]:
    """The articles, up to so many, whose places are to be looked at again; they are due no more."""
    if not _SELECT_ANY_QUEUED.all(tx):  # as after most articles
        return []
    return sorted(tx.execute(_POP_QUEUED, {"most": most}).scalars())


def find_story_candidates(
    tx: Connection, weights: Mapping[int, float], since: datetime, until: datetime, least: float
) -> list[int]:
    """Articles that were told in a time and use some terms that weigh so much, those first whose weigh most.

    `weights` has `FOUND_BY` buckets at most.
    """
    stretches = range((since - EPOCH) // _TIME_BUCKET, (until - EPOCH) // _TIME_BUCKET + 1)
    places = {(stretch << BUCKET_BITS) + term: weight for stretch in stretches for term, weight in weights.items()}
    asked = [*places, *[-1] * (2 * MAX_INDEX_TERMS - len(places))]
    found: defaultdict[int, float] = defaultdict(float)
    for place, article_id in _SELECT_BY_TERMS.all(tx, asked):
        found[article_id] += places[place]
    return sorted((one for one in found if found[one] >= least), key=lambda one: (-found[one], one))


def load_story_articles(tx: Connection, article_ids: Sequence[int]) -> list[StoryArticle]:
    """Articles by their ids, `TOLD_OF` at most, in the ids' order; those that tell nothing are left out."""
    if not article_ids:
        return []
    asked = [*article_ids, *[-1] * (MAX_LOADED_ARTICLES - len(article_ids))]
    rows = {row[0]: row for row in _SELECT_ARTICLES.all(tx, asked)}
    return [_story_article(*rows[one]) for one in article_ids if one in rows]


def load_story_members(tx: Connection, story_id: int, most: int) -> list[StoryArticle]:
    """The articles of a story, up to so many, newest first."""
    return [_story_article(*row) for row in _SELECT_STORY_MEMBERS.all(tx, (story_id, most))]


def add_member(
    tx: Connection, article_id: int, story_id: int, now: StoryStatus, terms: bytes, found_by: Iterable[int]
) -> None:
    """Put an article into a story, found by its terms in some buckets, and no more where it was before."""
    if now.story_id is not None:
        _remove_from_index(tx, article_id)
    told = {
        "article_id": article_id,
        "story_id": story_id,
        "published_or_seen_at": now.published_or_seen_at,
        "has_publication_time": now.has_publication_time,
    }
    _INSERT_MEMBER.run(tx, told | {"terms": terms})
    _INSERT_TERM.run_many(tx, [(place, article_id) for place in _bucket_keys(found_by, now.published_or_seen_at)])


def remove_member(tx: Connection, article_id: int) -> None:
    """Take an article out of its story, if it is in one."""
    story_id = _remove_from_index(tx, article_id)
    if story_id is not None:
        update_story_counts(tx, [story_id])


def move_members(tx: Connection, article_ids: Sequence[int], story_id: int) -> None:
    """Put some articles that are in stories into another."""
    tx.execute(_UPDATE_STORY_OF_MEMBERS, {"ids": list(article_ids), "story": story_id})


def split_story(tx: Connection, story_id: int, members: Iterable[int]) -> set[int]:
    """Let a story's other articles than some be a story of their own; returns its number, if there are any."""
    others = {"story": story_id, "members": sorted(members)}
    heir = tx.execute(_SELECT_NEW_STORY_ID, others).scalar()
    if heir is None:
        return set()
    tx.execute(_SPLIT_OTHERS, others | {"heir": heir})
    return {heir}


def move_all_members(tx: Connection, story_id: int, new_id: int) -> None:
    """Put all articles of a story into another."""
    tx.execute(_UPDATE_STORY_ID, {"was": story_id, "story": new_id})


def update_story_counts(tx: Connection, story_ids: Iterable[int], headlines: Mapping[int, int] | None = None) -> None:
    """Count some stories anew; `headlines` are the articles whose titles name them, where that is decided.

    One whose number is that of an article which is no longer in it takes the number of another.
    """
    ids = sorted(set(story_ids))
    named = {row.id: row.headline_article_id for row in tx.execute(_DELETE_STORIES, {"ids": ids})}
    decided = headlines or {}
    rows = []
    for row in tx.execute(_COUNT_MEMBERS, {"ids": ids}).mappings().all():
        counted = dict(row)
        lowest, former = counted.pop("lowest"), named.get(row["id"])
        if not counted.pop("has_namesake"):
            move_all_members(tx, row["id"], lowest)
            counted["id"] = lowest
        if counted["articles"] > 1:
            still = former if former and row["id"] not in decided and _is_member(tx, former, counted["id"]) else lowest
            rows.append(counted | {"headline_article_id": decided.get(row["id"], still)})
    if rows:
        tx.execute(_INSERT_STORY, rows)


def _is_member(tx: Connection, article_id: int, story_id: int) -> bool:
    return tx.execute(_SELECT_STORY_OF, {"article": article_id}).scalar() == story_id


def _remove_from_index(tx: Connection, article_id: int) -> int | None:
    """Take away an article's row and what it is found by; returns the story that it was in."""
    row = _SELECT_MEMBER.first(tx, {"article": article_id})
    if row is None:
        return None
    was = _story_article(*row)
    tx.execute(
        _DELETE_TERMS,
        {"article": article_id, "places": _bucket_keys(term_buckets(was.terms).tolist(), was.published_or_seen_at)},
    )
    tx.execute(_DELETE_MEMBER, {"article": article_id})
    return was.story_id


def _bucket_keys(terms: Iterable[int], told_at: datetime) -> list[int]:
    stretch = (told_at - EPOCH) // _TIME_BUCKET
    return [(stretch << BUCKET_BITS) + term for term in terms]


def _story_article(
    article_id: int, story_id: int, told_at: int | datetime, dated: int | bool, terms: bytes
) -> StoryArticle:
    return StoryArticle(article_id, story_id, to_utc_datetime(told_at), bool(dated), unpack_terms(terms))


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
# What every article asks, and what many values go into, is spelled for the driver: SQLAlchemy takes longer to bind
# those values than the database to find them.
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
_SELECT_MEMBERS_SQL = f"SELECT {', '.join(column.name for column in story_members.c)} FROM story_members"  # noqa: S608 — names of ours
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
    story_terms.c.bucket_key.in_(bindparam("places", expanding=True)), story_terms.c.article_id == bindparam("article")
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
_SPLIT_OTHERS = update(story_members).where(*_IS_OTHER_MEMBER).values(story_id=bindparam("heir"))
_UPDATE_STORY_ID = (
    update(story_members).where(story_members.c.story_id == bindparam("was")).values(story_id=bindparam("story"))
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
