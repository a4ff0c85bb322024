"""When kept articles are looked at again, and what looking came to: which are due, and how a source's looks went."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, bindparam, case, delete, exists, func, insert, select

from storage.db.statements import Ready, upserts
from storage.db.tables import articles, next_looks, polls, second_looks, tellers

MOST_DUE = 500
REMEMBERED = timedelta(days=90)
_DAY = timedelta(days=1)


class Look(StrEnum):
    """What looking at an article again came to."""

    SAME = "same"
    CHANGED = "changed"
    MISSING = "missing"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """When an article is looked at next: `gap` seconds after the look before. `begun_at` is when it was published."""

    article_id: int
    source: str
    begun_at: datetime
    due_at: datetime
    gap: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """How many looks at a source's articles there were, and how many of them found an edit."""

    looks: int = 0
    changed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a source was asked for within a day: `indexes`, `pages`, and `looks` at kept articles."""

    indexes: int = 0
    pages: int = 0
    looks: int = 0


def plan(tx: Connection, step: Step) -> None:
    """Look at an article then, instead of when it was planned before."""
    _PLAN[tx.dialect.name].run(tx, asdict(step))


def drop(tx: Connection, article_id: int) -> None:
    """Look at an article no more."""
    tx.execute(_DROP, {"article": article_id})


def step_of(tx: Connection, article_id: int) -> Step | None:
    """When an article is looked at next."""
    row = tx.execute(_STEP, {"article": article_id}).one_or_none()
    return Step(**row._mapping) if row else None


def due_looks(tx: Connection, source: str, now: datetime) -> list[Step]:
    """The looks whose time has come, the longest overdue first; of articles that are no more none is left."""
    gone = tx.execute(_GONE, {"source": source, "now": now}).scalars().all()
    for article_id in gone:
        drop(tx, article_id)
    return [Step(**row._mapping) for row in tx.execute(_DUE, {"source": source, "now": now})]


def next_due(tx: Connection, source: str, after: datetime) -> datetime | None:
    """When the next of a source's articles is looked at again, of those that are not due at `after` already."""
    found: datetime | None = tx.execute(_NEXT, {"source": source, "after": after}).scalar()
    return found


def looked_again(tx: Connection, source: str, outcome: Look, now: datetime) -> None:
    """Write down what a look came to; what is too old to tell anything is left out."""
    tx.execute(_FORGET, {"source": source, "begin": now - REMEMBERED})
    tx.execute(insert(second_looks), {"source": source, "at": now, "outcome": outcome})


def past_looks(tx: Connection, source: str) -> Past:
    """How looks at a source's articles went."""
    row = tx.execute(_PAST, {"source": source}).one()
    return Past(looks=row.looks, changed=row.changed or 0)


def spent(tx: Connection, source: str, now: datetime) -> Spent:
    """What a source was asked for in the last day."""
    one = {"source": source, "begin": now - _DAY}
    asked = tx.execute(_ASKED, one).one()
    return Spent(indexes=asked.indexes, pages=asked.pages or 0, looks=tx.execute(_LOOKS, one).scalar_one())


def is_lively(tx: Connection, article_id: int, now: datetime) -> bool:
    """Whether another article about the same came within a day."""
    return tx.execute(_LIVELY, {"article": article_id, "begin": now - _DAY}).first() is not None


_PLAN = {name: Ready(statement.values({c.name: bindparam(c.name) for c in next_looks.c}))
         for name, statement in upserts(next_looks, "article_id").items()}  # fmt: skip
_DROP = delete(next_looks).where(next_looks.c.article_id == bindparam("article"))
_STEPS = select(*[next_looks.c[field.name] for field in fields(Step)])
_STEP = _STEPS.where(next_looks.c.article_id == bindparam("article"))
_OF = (next_looks.c.source == bindparam("source"), next_looks.c.due_at <= bindparam("now"))
_IS_KEPT = exists().where(articles.c.id == next_looks.c.article_id)
_OF = (next_looks.c.source == bindparam("source"), next_looks.c.due_at <= bindparam("now"))
_DUE = _STEPS.where(*_OF).order_by(next_looks.c.due_at, next_looks.c.article_id).limit(MOST_DUE)
_GONE = select(next_looks.c.article_id).where(*_OF, ~_IS_KEPT)
_NEXT = select(func.min(next_looks.c.due_at)).where(
    next_looks.c.source == bindparam("source"), next_looks.c.due_at > bindparam("after")
)
_FORGET = delete(second_looks).where(
    second_looks.c.source == bindparam("source"), second_looks.c.at < bindparam("begin")
)
_PAST = select(
    func.count().label("looks"),
    func.sum(case((second_looks.c.outcome == Look.CHANGED, 1), else_=0)).label("changed"),
).where(second_looks.c.source == bindparam("source"), second_looks.c.outcome.in_([Look.SAME, Look.CHANGED]))
_ASKED = select(
    func.count().label("indexes"),
    func.sum(polls.c.kept + polls.c.repeats + polls.c.refused + polls.c.failed).label("pages"),
).where(polls.c.source == bindparam("source"), polls.c.started_at > bindparam("begin"))
_LOOKS = select(func.count()).where(
    second_looks.c.source == bindparam("source"), second_looks.c.at > bindparam("begin")
)
_OTHER = tellers.alias("other")
_LIVELY = (
    select(_OTHER.c.article_id)
    .join(tellers, tellers.c.story_id == _OTHER.c.story_id)
    .where(
        tellers.c.article_id == bindparam("article"),
        _OTHER.c.article_id != bindparam("article"),
        _OTHER.c.told_at > bindparam("begin"),
    )
    .limit(1)
)
