"""Health state and history of each source."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from storage.crawl import polls as poll_store
from storage.db.statements import upsert_statements
from storage.db.tables import articles, health_events, leads, polls, source_health
from storage.model.crawl import SUCCESSFUL_OUTCOMES, IndexEndpoint, LeadState, NextPoll, Poll

MAX_TIMES, MAX_ARTICLES, MAX_LEADS, MAX_POLLS = 20_000, 600, 60, 200
MAX_EVENTS = 5_000
_HISTORY = timedelta(days=500)
_NO_AUTHORS = ("", "[]")


@dataclass(frozen=True, slots=True)
class ExtractedArticle:
    """Result of the extraction of one article: its number of words, and which fields were found.

    `first_seen_at` is the time of its first fetch in POSIX seconds.
    """

    id: int
    first_seen_at: float
    words: int
    has_title: bool
    has_date: bool
    has_author: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadResult:
    """State of a lead whose page was fetched, with the code and the reason."""

    recorded_at: datetime
    state: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHistory:
    """Data from which the health of a source is derived.

    `published_times` holds the publication times of its leads in POSIX seconds, sorted; the time of the first listing
    stands in for a missing date. `dated_times` holds those of dated leads only. `articles` are its latest articles in
    the order of their first fetch, `lead_results` its latest leads and `polls` its latest polls, newest first.
    """

    source: str
    published_times: tuple[float, ...] = ()
    dated_times: tuple[float, ...] = ()
    articles: tuple[ExtractedArticle, ...] = ()
    lead_results: tuple[LeadResult, ...] = ()
    polls: tuple[Poll, ...] = ()
    next_polls: tuple[NextPoll, ...] = ()
    endpoints: tuple[IndexEndpoint, ...] = ()

    @property
    def reliable_times(self) -> tuple[float, ...]:
        """Times of dated leads if at least half are dated: a sitemap may list thousands of old undated pages."""
        return self.dated_times if len(self.dated_times) >= len(self.published_times) / 2 else self.published_times


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHealth:
    """State of a source and since when, with the findings as JSON.

    `reported_state` is the state that the operator was last notified of.
    """

    source: str
    state: str
    since: datetime
    checked_at: datetime
    findings: str = "[]"
    reported_state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthEvent:
    """Change of a source's state, with its front page's URL and the findings as JSON."""

    id: int = 0
    source: str
    home_url: str
    state: str
    at: datetime
    findings: str = "[]"


def load_source_history(tx: Connection, source: str, now: datetime) -> SourceHistory:
    """Return the data from which the health of a source is derived."""
    of_source = {"source": source}
    lead_times = tx.execute(_SELECT_LEAD_TIMES, of_source | {"begin": now - _HISTORY}).all()
    article_rows = tx.execute(_SELECT_ARTICLES, of_source).all()
    lead_rows = tx.execute(_SELECT_LEAD_RESULTS, of_source)
    poll_rows = tx.execute(_SELECT_POLLS, of_source)
    dated = [min(row.published, row.recorded_at).timestamp() for row in lead_times if row.published]
    undated = [row.recorded_at.timestamp() for row in lead_times if not row.published]
    return SourceHistory(
        source=source,
        published_times=tuple(sorted(dated + undated)),
        dated_times=tuple(sorted(dated)),
        articles=tuple(
            ExtractedArticle(
                id=row.id,
                first_seen_at=row.first_seen.timestamp(),
                words=row.words,
                has_title=bool(row.title),
                has_date=bool(row.published or row.published_date),
                has_author=row.authors not in _NO_AUTHORS,
            )
            for row in sorted(article_rows, key=lambda row: (row.first_seen, row.id))
        ),
        lead_results=tuple(LeadResult(**row._mapping) for row in lead_rows),
        polls=tuple(Poll(**row._mapping) for row in poll_rows),
        next_polls=tuple(poll_store.load_next_polls(tx, source)),
        endpoints=tuple(poll_store.load_endpoints(tx, source)),
    )


def load_source_health(tx: Connection) -> dict[str, SourceHealth]:
    """Return the stored health of each source by its name."""
    return {row.source: SourceHealth(**row._mapping) for row in tx.execute(_SELECT_SOURCE_HEALTH)}


def save_source_health(tx: Connection, health: SourceHealth) -> None:
    """Store the health of a source in place of the earlier one."""
    values = {field.name: getattr(health, field.name) for field in fields(SourceHealth)}
    tx.execute(_UPSERT_SOURCE_HEALTH[tx.dialect.name], values)


def mark_state_reported(tx: Connection, source: str, state: str) -> None:
    """Store that the operator was notified of a source's state."""
    tx.execute(_UPDATE_REPORTED_STATE, {"of_source": source, "new_state": state})


def record_event(tx: Connection, event: HealthEvent) -> None:
    """Store a change of a source's state, and delete all but the latest `MAX_EVENTS` changes."""
    values = {field.name: getattr(event, field.name) for field in fields(HealthEvent) if field.name != "id"}
    tx.execute(insert(health_events), values)
    tx.execute(_DELETE_OLD_EVENTS, {"most": MAX_EVENTS})


def load_events(tx: Connection, most: int) -> list[HealthEvent]:
    """Return up to `most` state changes of all sources, newest first."""
    return [HealthEvent(**row._mapping) for row in tx.execute(_SELECT_EVENTS, {"most": most})]


def load_latest_event_states(tx: Connection) -> dict[str, str]:
    """Return the latest recorded state of each source by its name."""
    return {row.source: row.state for row in tx.execute(_SELECT_LATEST_EVENT_STATES)}


def find_last_good_poll(tx: Connection, source: str) -> datetime | None:
    """Return when an index of a source was last polled successfully, or None."""
    polled_at: datetime | None = tx.execute(_SELECT_LAST_GOOD_POLL, {"source": source}).scalar()
    return polled_at


_SELECT_LEAD_TIMES = (
    select(leads.c.published, leads.c.recorded_at)
    .where(leads.c.source == bindparam("source"), leads.c.recorded_at > bindparam("begin"))
    .order_by(leads.c.recorded_at.desc())
    .limit(MAX_TIMES)
)
_SELECT_ARTICLES = (
    select(
        articles.c.id, articles.c.first_seen, articles.c.words, articles.c.title, articles.c.published,
        articles.c.published_date, articles.c.authors,
    )
    .where(articles.c.source == bindparam("source"))
    .order_by(articles.c.sort_time.desc(), articles.c.id.desc())
    .limit(MAX_ARTICLES)
)  # fmt: skip
_SELECT_LEAD_RESULTS = (
    select(leads.c.recorded_at, leads.c.state, leads.c.code, leads.c.reason)
    .where(
        leads.c.source == bindparam("source"),
        leads.c.state.in_([LeadState.KEPT, LeadState.REFUSED, LeadState.RETRY]),
    )
    .order_by(leads.c.recorded_at.desc(), leads.c.id.desc())
    .limit(MAX_LEADS)
)
_SELECT_POLLS = (
    select(*[polls.c[field.name] for field in fields(Poll)])
    .where(polls.c.source == bindparam("source"))
    .order_by(polls.c.id.desc())
    .limit(MAX_POLLS)
)
_SELECT_LAST_GOOD_POLL = (
    select(polls.c.ended_at)
    .where(polls.c.source == bindparam("source"), polls.c.outcome.in_(SUCCESSFUL_OUTCOMES))
    .order_by(polls.c.id.desc())
    .limit(1)
)
_SELECT_EVENTS = select(health_events).order_by(health_events.c.id.desc()).limit(bindparam("most"))
_SELECT_LATEST_EVENT_STATES = select(health_events.c.source, health_events.c.state).where(
    health_events.c.id.in_(select(func.max(health_events.c.id)).group_by(health_events.c.source))
)
_DELETE_OLD_EVENTS = delete(health_events).where(
    health_events.c.id <= select(func.max(health_events.c.id)).scalar_subquery() - bindparam("most")
)
_SELECT_SOURCE_HEALTH = select(*[source_health.c[field.name] for field in fields(SourceHealth)])
_UPSERT_SOURCE_HEALTH = upsert_statements(source_health, "source")
_UPDATE_REPORTED_STATE = (
    update(source_health)
    .where(source_health.c.source == bindparam("of_source"))
    .values(reported_state=bindparam("new_state"))
)
