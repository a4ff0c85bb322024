"""When kept articles are looked at again, and what looking came to: which are due, and how a source's looks went."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, bindparam, case, delete, exists, func, insert, select

from storage.db.statements import CompiledStatement, upsert_statements
from storage.db.tables import articles, polls, revisit_schedule, revisits, story_members

MAX_DUE_REVISITS = 500
REVISIT_MEMORY = timedelta(days=90)
_DAY = timedelta(days=1)


class RevisitResult(StrEnum):
    """What looking at an article again came to."""

    SAME = "same"
    CHANGED = "changed"
    MISSING = "missing"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledRevisit:
    """When an article is looked at next: `gap` seconds after the look before. `begun_at` is when it was published."""

    article_id: int
    source: str
    published_at: datetime
    due_at: datetime
    interval_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisitCounts:
    """How many looks at a source's articles there were, and how many of them found an edit."""

    revisits: int = 0
    changed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyRequests:
    """What a source was asked for within a day: `indexes`, `pages`, and `looks` at kept articles."""

    indexes: int = 0
    pages: int = 0
    revisits: int = 0


def schedule_revisit(tx: Connection, step: ScheduledRevisit) -> None:
    """Look at an article then, instead of when it was planned before."""
    _UPSERT_REVISIT[tx.dialect.name].run(tx, asdict(step))


def cancel_revisit(tx: Connection, article_id: int) -> None:
    """Look at an article no more."""
    tx.execute(_DELETE_REVISIT, {"article": article_id})


def load_scheduled_revisit(tx: Connection, article_id: int) -> ScheduledRevisit | None:
    """When an article is looked at next."""
    row = tx.execute(_SELECT_REVISIT, {"article": article_id}).one_or_none()
    return ScheduledRevisit(**row._mapping) if row else None


def load_due_revisits(tx: Connection, source: str, now: datetime) -> list[ScheduledRevisit]:
    """The looks whose time has come, the longest overdue first; of articles that are no more none is left."""
    gone = tx.execute(_SELECT_DUE_WITHOUT_ARTICLE, {"source": source, "now": now}).scalars().all()
    for article_id in gone:
        cancel_revisit(tx, article_id)
    return [ScheduledRevisit(**row._mapping) for row in tx.execute(_SELECT_DUE, {"source": source, "now": now})]


def next_revisit_due_at(tx: Connection, source: str, after: datetime) -> datetime | None:
    """When the next of a source's articles is looked at again, of those that are not due at `after` already."""
    found: datetime | None = tx.execute(_SELECT_NEXT_DUE, {"source": source, "after": after}).scalar()
    return found


def record_revisit(tx: Connection, source: str, outcome: RevisitResult, now: datetime) -> None:
    """Write down what a look came to; what is too old to tell anything is left out."""
    tx.execute(_DELETE_OLD_RESULTS, {"source": source, "begin": now - REVISIT_MEMORY})
    tx.execute(insert(revisits), {"source": source, "revisited_at": now, "outcome": outcome})


def count_revisits(tx: Connection, source: str) -> RevisitCounts:
    """How looks at a source's articles went."""
    row = tx.execute(_COUNT_RESULTS, {"source": source}).one()
    return RevisitCounts(revisits=row.revisits, changed=row.changed or 0)


def count_daily_requests(tx: Connection, source: str, now: datetime) -> DailyRequests:
    """What a source was asked for in the last day."""
    one = {"source": source, "begin": now - _DAY}
    asked = tx.execute(_COUNT_REQUESTS, one).one()
    return DailyRequests(
        indexes=asked.indexes, pages=asked.pages or 0, revisits=tx.execute(_COUNT_REVISITS, one).scalar_one()
    )


def has_active_story(tx: Connection, article_id: int, now: datetime) -> bool:
    """Whether another article about the same came within a day."""
    return tx.execute(_SELECT_RECENT_MEMBER, {"article": article_id, "begin": now - _DAY}).first() is not None


_UPSERT_REVISIT = {name: CompiledStatement(statement.values({c.name: bindparam(c.name) for c in revisit_schedule.c}))
         for name, statement in upsert_statements(revisit_schedule, "article_id").items()}  # fmt: skip
_DELETE_REVISIT = delete(revisit_schedule).where(revisit_schedule.c.article_id == bindparam("article"))
_SELECT_REVISITS = select(*[revisit_schedule.c[field.name] for field in fields(ScheduledRevisit)])
_SELECT_REVISIT = _SELECT_REVISITS.where(revisit_schedule.c.article_id == bindparam("article"))
_IS_DUE = (revisit_schedule.c.source == bindparam("source"), revisit_schedule.c.due_at <= bindparam("now"))
_ARTICLE_EXISTS = exists().where(articles.c.id == revisit_schedule.c.article_id)
_IS_DUE = (revisit_schedule.c.source == bindparam("source"), revisit_schedule.c.due_at <= bindparam("now"))
_SELECT_DUE = (
    _SELECT_REVISITS.where(*_IS_DUE)
    .order_by(revisit_schedule.c.due_at, revisit_schedule.c.article_id)
    .limit(MAX_DUE_REVISITS)
)
_SELECT_DUE_WITHOUT_ARTICLE = select(revisit_schedule.c.article_id).where(*_IS_DUE, ~_ARTICLE_EXISTS)
_SELECT_NEXT_DUE = select(func.min(revisit_schedule.c.due_at)).where(
    revisit_schedule.c.source == bindparam("source"), revisit_schedule.c.due_at > bindparam("after")
)
_DELETE_OLD_RESULTS = delete(revisits).where(
    revisits.c.source == bindparam("source"), revisits.c.revisited_at < bindparam("begin")
)
_COUNT_RESULTS = select(
    func.count().label("revisits"),
    func.sum(case((revisits.c.outcome == RevisitResult.CHANGED, 1), else_=0)).label("changed"),
).where(revisits.c.source == bindparam("source"), revisits.c.outcome.in_([RevisitResult.SAME, RevisitResult.CHANGED]))
_COUNT_REQUESTS = select(
    func.count().label("indexes"),
    func.sum(polls.c.kept + polls.c.repeats + polls.c.refused + polls.c.failed).label("pages"),
).where(polls.c.source == bindparam("source"), polls.c.started_at > bindparam("begin"))
_COUNT_REVISITS = select(func.count()).where(
    revisits.c.source == bindparam("source"), revisits.c.revisited_at > bindparam("begin")
)
_OTHER_MEMBER = story_members.alias("other")
_SELECT_RECENT_MEMBER = (
    select(_OTHER_MEMBER.c.article_id)
    .join(story_members, story_members.c.story_id == _OTHER_MEMBER.c.story_id)
    .where(
        story_members.c.article_id == bindparam("article"),
        _OTHER_MEMBER.c.article_id != bindparam("article"),
        _OTHER_MEMBER.c.published_or_seen_at > bindparam("begin"),
    )
    .limit(1)
)
