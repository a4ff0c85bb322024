"""Report to the operator: state of sources, polls, rejected pages, sizes, next polls and the heartbeat."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Connection, Row, bindparam, cast, func, select

from storage.db.database import Database
from storage.db.key_value import get_value, set_value
from storage.db.tables import articles, captures, leads, poll_schedule, polls, revisions
from storage.model.crawl import LeadState, Poll, SourceState

if TYPE_CHECKING:
    from storage.crawl.health import HealthEvent, SourceHealth

_HEARTBEAT = "heartbeat"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveStats:
    """Counts, times and sizes of the archive; `leads` are (state, number) pairs."""

    articles: int
    copies: int
    revisions: int
    sources: int
    captures: int
    capture_bytes: int
    polls: int
    leads: tuple[tuple[str, int], ...]
    oldest: datetime | None
    newest: datetime | None
    last_kept: datetime | None
    database_bytes: int


class Monitor:
    """Statistics of an archive and of its sources; each call reads one snapshot of the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def source_states(self) -> list[SourceState]:
        """Return the state of every source that was ever polled, scheduled or has articles, by name."""
        with self._database.read() as connection:
            scheduled = {row.source: row for row in connection.execute(select(poll_schedule))}
            last = {row.source: row for row in connection.execute(_SELECT_LAST_POLLS)}
            article_counts = _as_dict(connection.execute(_COUNT_ARTICLES_BY_SOURCE))
            waiting = _as_dict(connection.execute(_COUNT_WAITING_LEADS))
        return [
            _source_state(name, scheduled.get(name), last.get(name), article_counts.get(name, 0), waiting.get(name, 0))
            for name in sorted({*scheduled, *last, *article_counts, *waiting})
        ]

    def polls(self, source: str, limit: int) -> list[Poll]:
        """Return the latest polls of a source, newest first."""
        with self._database.read() as connection:
            rows = connection.execute(_SELECT_POLLS, {"source": source, "most": limit})
            return [Poll(**row._mapping) for row in rows]

    def health_events(self, limit: int) -> list[HealthEvent]:
        """Return the failures and recoveries of sources, newest first."""
        from storage.crawl.health import load_events

        with self._database.read() as connection:
            return load_events(connection, limit)

    def source_health(self) -> dict[str, SourceHealth]:
        """Return the latest health of every source, by name."""
        from storage.crawl.health import load_source_health

        with self._database.read() as connection:
            return load_source_health(connection)

    def count_verdicts(self, source: str | None = None) -> list[tuple[str, str, int]]:
        """Return (source, verdict, number) of captured pages that became no article, of one source or of all.

        A page that was fetched twice counts twice; redirects and stored articles are not counted.
        """
        statement = _COUNT_VERDICTS if source is None else _COUNT_VERDICTS.where(captures.c.source == source)
        with self._database.read() as connection:
            return [(row.source, row.verdict, row.number) for row in connection.execute(statement)]

    def verdicts_by_source(self) -> dict[str, dict[str, int]]:
        """Return the counts of `count_verdicts` for all sources, by source and verdict."""
        numbers: dict[str, dict[str, int]] = {}
        for source, verdict, number in self.count_verdicts():
            numbers.setdefault(source, {})[verdict] = number
        return numbers

    def stats(self) -> ArchiveStats:
        """Return counts and sizes of the whole archive."""
        with self._database.read() as connection:
            totals = connection.execute(_SELECT_ARTICLE_TOTALS).one()
            return ArchiveStats(
                **totals._mapping,
                **connection.execute(_SELECT_ROW_COUNTS).one()._mapping,
                **connection.execute(_SELECT_CAPTURE_TOTALS).one()._mapping,
                leads=tuple((row.state, row.number) for row in connection.execute(_COUNT_LEADS_BY_STATE)),
                database_bytes=self._database.size(),
            )


def _as_dict(rows: Iterable[Row[*tuple[Any, ...]]]) -> dict[str, int]:
    return {row[0]: row[1] for row in rows}


def _source_state(
    name: str,
    scheduled: Row[*tuple[Any, ...]] | None,
    last: Row[*tuple[Any, ...]] | None,
    article_count: int,
    lead_count: int,
) -> SourceState:
    return SourceState(
        name=name,
        next_poll_at=scheduled.next_poll_at if scheduled else None,
        next_reason=scheduled.reason if scheduled else "",
        last_poll_at=last.ended_at if last else None,
        last_outcome=last.outcome if last else "",
        last_reason=last.reason if last else "",
        articles=article_count,
        leads_waiting=lead_count,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """`next_polls` are (source, time, reason), `latest_articles` (id, source, title, time), newest first."""

    next_polls: tuple[tuple[str, datetime, str], ...] = ()
    latest_articles: tuple[tuple[int, str, str, datetime], ...] = ()


def load_service_status(tx: Connection, polls: int, arrivals: int) -> ServiceStatus:
    """Return at most `polls` next polls and `arrivals` latest articles."""
    return ServiceStatus(
        next_polls=tuple((r.source, r.next_poll_at, r.reason) for r in tx.execute(_SELECT_NEXT_POLLS, {"most": polls})),
        latest_articles=tuple(
            (r.id, r.source, r.title, r.first_seen) for r in tx.execute(_SELECT_LATEST_ARTICLES, {"most": arrivals})
        ),
    )


def record_heartbeat(tx: Connection, now: datetime) -> None:
    """Store the time at which the service was alive."""
    set_value(tx, _HEARTBEAT, now.isoformat())


def last_heartbeat(tx: Connection) -> datetime | None:
    """Return the time at which a service was last alive, or None before the first heartbeat."""
    text = get_value(tx, _HEARTBEAT)
    return datetime.fromisoformat(text) if text else None


def count_waiting_leads(tx: Connection) -> int:
    """Return the number of leads that are due to be fetched."""
    return int(tx.execute(_COUNT_WAITING).scalar_one())


_SELECT_LAST_POLLS = select(polls.c.source, polls.c.ended_at, polls.c.outcome, polls.c.reason).where(
    polls.c.id.in_(select(func.max(polls.c.id)).group_by(polls.c.source))
)
_COUNT_ARTICLES_BY_SOURCE = select(articles.c.source, func.count()).group_by(articles.c.source)
_COUNT_WAITING_LEADS = (
    select(leads.c.source, func.count())
    .where(leads.c.due_at.is_not(None), leads.c.state.in_([LeadState.WAITING, LeadState.LEASED, LeadState.RETRY]))
    .group_by(leads.c.source)
)
_SELECT_POLLS = (
    select(*[polls.c[field.name] for field in fields(Poll)])
    .where(polls.c.source == bindparam("source"))
    .order_by(polls.c.id.desc())
    .limit(bindparam("most"))
)
_SELECT_ARTICLE_TOTALS = select(
    func.count(articles.c.id).label("articles"),
    func.count(articles.c.copy_of).label("copies"),
    func.count(articles.c.source.distinct()).label("sources"),
    func.min(articles.c.sort_time).label("oldest"),
    func.max(articles.c.sort_time).label("newest"),
    func.max(articles.c.first_seen).label("last_kept"),
)
_SELECT_ROW_COUNTS = select(
    select(func.count()).select_from(revisions).scalar_subquery().label("revisions"),
    select(func.count()).select_from(polls).scalar_subquery().label("polls"),
)
_SELECT_CAPTURE_TOTALS = select(
    func.count(captures.c.id).label("captures"),
    cast(func.coalesce(func.sum(captures.c.length), 0), BigInteger).label("capture_bytes"),
)
_COUNT_VERDICTS = (
    select(captures.c.source, captures.c.verdict, func.count().label("number"))
    .where(captures.c.verdict != "", ~captures.c.status.between(300, 399))
    .group_by(captures.c.source, captures.c.verdict)
    .order_by(captures.c.source, func.count().desc(), captures.c.verdict)
)
_COUNT_LEADS_BY_STATE = (
    select(leads.c.state, func.count().label("number")).group_by(leads.c.state).order_by(leads.c.state)
)
_SELECT_NEXT_POLLS = (
    select(poll_schedule.c.source, poll_schedule.c.next_poll_at, poll_schedule.c.reason)
    .order_by(poll_schedule.c.next_poll_at, poll_schedule.c.source)
    .limit(bindparam("most"))
)
_SELECT_LATEST_ARTICLES = (
    select(articles.c.id, articles.c.source, articles.c.title, articles.c.first_seen)
    .order_by(articles.c.id.desc())
    .limit(bindparam("most"))
)
_COUNT_WAITING = select(func.count()).where(leads.c.due_at.is_not(None))
