"""Schedule of revisits: when each stored article is requested again, and what earlier revisits found."""

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
    """Result of a revisit."""

    SAME = "same"
    CHANGED = "changed"
    MISSING = "missing"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledRevisit:
    """Next revisit of an article, `interval_seconds` after the previous one."""

    article_id: int
    source: str
    published_at: datetime
    due_at: datetime
    interval_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisitCounts:
    """Number of revisits of a source's articles that returned a page, and of those that found an edit."""

    revisits: int = 0
    changed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyRequests:
    """Numbers of requests to a source within a day: for indexes, for article pages, and revisits."""

    indexes: int = 0
    pages: int = 0
    revisits: int = 0


def schedule_revisit(tx: Connection, revisit: ScheduledRevisit) -> None:
    """Store the next revisit of an article in place of an earlier plan."""
    _UPSERT_REVISIT[tx.dialect.name].run(tx, asdict(revisit))


def cancel_revisit(tx: Connection, article_id: int) -> None:
    tx.execute(_DELETE_REVISIT, {"article": article_id})


def load_scheduled_revisit(tx: Connection, article_id: int) -> ScheduledRevisit | None:
    """Return the next revisit of an article, or None."""
    row = tx.execute(_SELECT_REVISIT, {"article": article_id}).one_or_none()
    return ScheduledRevisit(**row._mapping) if row else None


def load_due_revisits(tx: Connection, source: str, now: datetime) -> list[ScheduledRevisit]:
    """Return the due revisits, the longest overdue first, and delete those of articles that no longer exist."""
    gone = tx.execute(_SELECT_DUE_WITHOUT_ARTICLE, {"source": source, "now": now}).scalars().all()
    for article_id in gone:
        cancel_revisit(tx, article_id)
    return [ScheduledRevisit(**row._mapping) for row in tx.execute(_SELECT_DUE, {"source": source, "now": now})]


def next_revisit_due_at(tx: Connection, source: str, after: datetime) -> datetime | None:
    """Return when the first revisit of a source falls due after `after`, or None."""
    due_at: datetime | None = tx.execute(_SELECT_NEXT_DUE, {"source": source, "after": after}).scalar()
    return due_at


def record_revisit(tx: Connection, source: str, outcome: RevisitResult, now: datetime) -> None:
    """Store the result of a revisit, and delete the source's results older than `REVISIT_MEMORY`."""
    tx.execute(_DELETE_OLD_RESULTS, {"source": source, "begin": now - REVISIT_MEMORY})
    tx.execute(insert(revisits), {"source": source, "revisited_at": now, "outcome": outcome})


def count_revisits(tx: Connection, source: str) -> RevisitCounts:
    """Count the stored revisits of a source's articles."""
    row = tx.execute(_COUNT_RESULTS, {"source": source}).one()
    return RevisitCounts(revisits=row.revisits, changed=row.changed or 0)


def count_daily_requests(tx: Connection, source: str, now: datetime) -> DailyRequests:
    """Count the requests to a source in the last 24 hours."""
    last_day = {"source": source, "begin": now - _DAY}
    row = tx.execute(_COUNT_REQUESTS, last_day).one()
    return DailyRequests(
        indexes=row.indexes, pages=row.pages or 0, revisits=tx.execute(_COUNT_REVISITS, last_day).scalar_one()
    )


def has_active_story(tx: Connection, article_id: int, now: datetime) -> bool:
    """Return whether another article of the same story was published or seen within the last 24 hours."""
    return tx.execute(_SELECT_RECENT_MEMBER, {"article": article_id, "begin": now - _DAY}).first() is not None


_UPSERT_REVISIT = {name: CompiledStatement(statement.values({c.name: bindparam(c.name) for c in revisit_schedule.c}))
         for name, statement in upsert_statements(revisit_schedule, "article_id").items()}  # fmt: skip
_DELETE_REVISIT = delete(revisit_schedule).where(revisit_schedule.c.article_id == bindparam("article"))
_SELECT_REVISITS = select(*[revisit_schedule.c[field.name] for field in fields(ScheduledRevisit)])
_SELECT_REVISIT = _SELECT_REVISITS.where(revisit_schedule.c.article_id == bindparam("article"))
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
