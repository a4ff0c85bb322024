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

from storage.db.statements import MARKS, Ready, Spelled, insertion
from storage.db.tables import EPOCH, articles, moment, stories, story_due, story_terms, tellers
from storage.db.tables.articles import TOLD_AT
from storage.stories.packed_terms import BUCKET_BITS, Terms, buckets, unpacked

FOUND_BY = 20
"""Terms that an article is found by, and looks for others with: the rarest of its title and lead."""
TOLD_OF = 24
"""Articles that `told` is asked for at once."""
_STRETCH = timedelta(days=42)
"""What one place in the index spans; a window of so many days lies in two of them at most."""
_NEWEST = 32
"""Articles that one term leads to, those that were kept last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What decides over an article's place among the stories; `told_before` and `story_id` are None where it has none.

    It is told when it was published (`dated`), or else when it was first fetched.
    """

    copy_of: int | None
    language: str
    told_at: datetime
    dated: bool
    story_id: int | None
    told_before: datetime | None


@dataclass(slots=True)
class Told:
    """An article in a story."""

    article_id: int
    story_id: int
    told_at: datetime
    dated: bool
    terms: Terms


def standing(tx: Connection, article_id: int) -> Standing | None:
    """What is known of an article; None where it is no more."""
    row = _STANDING.first(tx, {"article": article_id})
    return None if row is None else Standing(**row._asdict())


def due(tx: Connection, article_ids: Iterable[int]) -> None:
    """Let the places of some articles be looked at again, before long."""
    if rows := [{"article_id": article_id} for article_id in article_ids]:
        tx.execute(_DUE[tx.dialect.name], rows)


def take_due(tx: Connection, most: int) -> list[int]:
    """The articles, up to so many, whose places are to be looked at again; they are due no more."""
    if not _ANY_DUE.all(tx):  # as after most articles
        return []
    return sorted(tx.execute(_TAKE_DUE, {"most": most}).scalars())


def candidates(
    tx: Connection, weights: Mapping[int, float], since: datetime, until: datetime, least: float
) -> list[int]:
    """Articles that were told in a time and use some terms that weigh so much, those first whose weigh most.

    `weights` has `FOUND_BY` buckets at most.
    """
    stretches = range((since - EPOCH) // _STRETCH, (until - EPOCH) // _STRETCH + 1)
    places = {(stretch << BUCKET_BITS) + term: weight for stretch in stretches for term, weight in weights.items()}
    asked = [*places, *[-1] * (2 * FOUND_BY - len(places))]
    found: defaultdict[int, float] = defaultdict(float)
    for place, article_id in _FIND.all(tx, asked):
        found[article_id] += places[place]
    return sorted((one for one in found if found[one] >= least), key=lambda one: (-found[one], one))


def told(tx: Connection, article_ids: Sequence[int]) -> list[Told]:
    """Articles by their ids, `TOLD_OF` at most, in the ids' order; those that tell nothing are left out."""
    if not article_ids:
        return []
    asked = [*article_ids, *[-1] * (TOLD_OF - len(article_ids))]
    rows = {row[0]: row for row in _TOLD.all(tx, asked)}
    return [_told(*rows[one]) for one in article_ids if one in rows]


def members(tx: Connection, story_id: int, most: int) -> list[Told]:
    """The articles of a story, up to so many, newest first."""
    return [_told(*row) for row in _MEMBERS.all(tx, (story_id, most))]


def enter(tx: Connection, article_id: int, story_id: int, now: Standing, terms: bytes, found_by: Iterable[int]) -> None:
    """Put an article into a story, found by its terms in some buckets, and no more where it was before."""
    if now.story_id is not None:
        _unfind(tx, article_id)
    told = {"article_id": article_id, "story_id": story_id, "told_at": now.told_at, "dated": now.dated}
    _ENTER.run(tx, told | {"terms": terms})
    _LET_FIND.run_many(tx, [(place, article_id) for place in _places(found_by, now.told_at)])


def leave(tx: Connection, article_id: int) -> None:
    """Take an article out of its story, if it is in one."""
    story_id = _unfind(tx, article_id)
    if story_id is not None:
        tally(tx, [story_id])


def move(tx: Connection, article_ids: Sequence[int], story_id: int) -> None:
    """Put some articles that are in stories into another."""
    tx.execute(_MOVE, {"ids": list(article_ids), "story": story_id})


def part(tx: Connection, story_id: int, members: Iterable[int]) -> set[int]:
    """Let a story's other articles than some be a story of their own; returns its number, if there are any."""
    others = {"story": story_id, "members": sorted(members)}
    heir = tx.execute(_HEIR, others).scalar()
    if heir is None:
        return set()
    tx.execute(_PART, others | {"heir": heir})
    return {heir}


def rename(tx: Connection, story_id: int, new_id: int) -> None:
    """Put all articles of a story into another."""
    tx.execute(_RENAME, {"was": story_id, "story": new_id})


def tally(tx: Connection, story_ids: Iterable[int], headlines: Mapping[int, int] | None = None) -> None:
    """Count some stories anew; `headlines` are the articles whose titles name them, where that is decided.

    One whose number is that of an article which is no longer in it takes the number of another.
    """
    ids = sorted(set(story_ids))
    named = {row.id: row.headline_id for row in tx.execute(_DROP_STORIES, {"ids": ids})}
    decided = headlines or {}
    rows = []
    for row in tx.execute(_TALLY, {"ids": ids}).mappings().all():
        counted = dict(row)
        lowest, former = counted.pop("lowest"), named.get(row["id"])
        if not counted.pop("has_namesake"):
            rename(tx, row["id"], lowest)
            counted["id"] = lowest
        if counted["articles"] > 1:
            still = former if former and row["id"] not in decided and _is_in(tx, former, counted["id"]) else lowest
            rows.append(counted | {"headline_id": decided.get(row["id"], still)})
    if rows:
        tx.execute(_STORY, rows)


def _is_in(tx: Connection, article_id: int, story_id: int) -> bool:
    return tx.execute(_STORY_OF, {"article": article_id}).scalar() == story_id


def _unfind(tx: Connection, article_id: int) -> int | None:
    """Take away an article's row and what it is found by; returns the story that it was in."""
    row = _ONE_TOLD.first(tx, {"article": article_id})
    if row is None:
        return None
    was = _told(*row)
    tx.execute(_UNFIND, {"article": article_id, "places": _places(buckets(was.terms).tolist(), was.told_at)})
    tx.execute(_GO, {"article": article_id})
    return was.story_id


def _places(terms: Iterable[int], told_at: datetime) -> list[int]:
    stretch = (told_at - EPOCH) // _STRETCH
    return [(stretch << BUCKET_BITS) + term for term in terms]


def _told(article_id: int, story_id: int, told_at: int | datetime, dated: int | bool, terms: bytes) -> Told:
    return Told(article_id, story_id, moment(told_at), bool(dated), unpacked(terms))


_STANDING = Ready(
    select(
        articles.c.copy_of,
        articles.c.language,
        TOLD_AT,
        articles.c.published.is_not(None).label("dated"),
        tellers.c.story_id,
        tellers.c.told_at.label("told_before"),
    )
    .outerjoin(tellers, tellers.c.article_id == articles.c.id)
    .where(articles.c.id == bindparam("article"))
)
_DUE = {
    "sqlite": insert_sqlite(story_due).on_conflict_do_nothing(),
    "postgresql": insert_postgres(story_due).on_conflict_do_nothing(),
}
_ANY_DUE = Spelled(dict.fromkeys(MARKS, "SELECT 1 FROM story_due LIMIT 1"))
_FIRST_DUE = select(story_due.c.article_id).order_by(story_due.c.article_id).limit(bindparam("most"))
_TAKE_DUE = delete(story_due).where(story_due.c.article_id.in_(_FIRST_DUE)).returning(story_due.c.article_id)
# What every article asks, and what many values go into, is spelled for the driver: SQLAlchemy takes longer to bind
# those values than the database to find them.
_NEWEST_OF_A_TERM = (
    "SELECT place, article_id FROM (SELECT place, article_id FROM story_terms WHERE place = {mark}"
    " ORDER BY article_id DESC LIMIT {most}) AS newest"
)
_ONE_PLACE = "INSERT INTO story_terms (place, article_id) VALUES ({mark}, {mark})"
_FIND = Spelled(
    {
        name: " UNION ALL ".join([_NEWEST_OF_A_TERM.format(mark=mark, most=_NEWEST)] * 2 * FOUND_BY)
        for name, mark in MARKS.items()
    }
)
_LET_FIND = Spelled({name: _ONE_PLACE.format(mark=mark) for name, mark in MARKS.items()})
_ONE_TOLD = Ready(select(tellers).where(tellers.c.article_id == bindparam("article")))
_TELLERS = f"SELECT {', '.join(column.name for column in tellers.c)} FROM tellers"  # noqa: S608 — names of ours
_TOLD = Spelled(
    {name: f"{_TELLERS} WHERE article_id IN ({', '.join([mark] * TOLD_OF)})" for name, mark in MARKS.items()}
)
_MEMBERS = Spelled(
    {
        name: f"{_TELLERS} WHERE story_id = {mark} ORDER BY told_at DESC, article_id LIMIT {mark}"
        for name, mark in MARKS.items()
    }
)
_ENTER = insertion(tellers)
_UNFIND = delete(story_terms).where(
    story_terms.c.place.in_(bindparam("places", expanding=True)), story_terms.c.article_id == bindparam("article")
)
_GO = delete(tellers).where(tellers.c.article_id == bindparam("article"))
_MOVE = (
    update(tellers)
    .where(tellers.c.article_id.in_(bindparam("ids", expanding=True)))
    .values(story_id=bindparam("story"))
)
_OTHERS = (
    tellers.c.story_id == bindparam("story"),
    tellers.c.article_id.not_in(bindparam("members", expanding=True)),
)
_HEIR = select(func.min(tellers.c.article_id)).where(*_OTHERS)
_PART = update(tellers).where(*_OTHERS).values(story_id=bindparam("heir"))
_RENAME = update(tellers).where(tellers.c.story_id == bindparam("was")).values(story_id=bindparam("story"))
_DROP_STORIES = (
    delete(stories)
    .where(stories.c.id.in_(bindparam("ids", expanding=True)))
    .returning(stories.c.id, stories.c.headline_id)
)
_TALLY = (
    select(
        tellers.c.story_id.label("id"),
        func.count().label("articles"),
        func.count(articles.c.source.distinct()).label("sources"),
        func.min(tellers.c.told_at).label("first_at"),
        func.max(tellers.c.told_at).label("last_at"),
        func.min(tellers.c.article_id).label("lowest"),
        func.max(case((tellers.c.article_id == tellers.c.story_id, 1), else_=0)).label("has_namesake"),
    )
    .join(articles, articles.c.id == tellers.c.article_id)
    .where(tellers.c.story_id.in_(bindparam("ids", expanding=True)))
    .group_by(tellers.c.story_id)
)
_STORY = insert(stories)
_STORY_OF = select(tellers.c.story_id).where(tellers.c.article_id == bindparam("article"))
