"""The calendar: what is remembered of endpoints, polls, robots.txt and parked hosts, and when each source is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from hashlib import sha256

from sqlalchemy import Connection, bindparam, func, select

from storage.db.statements import upsert_statements
from storage.db.tables import endpoints, next_polls, parked_hosts, poll_schedule, polls, robots
from storage.model.crawl import CLOCK_SLACK, IndexEndpoint, IndexState, NextPoll, Poll, RobotsCopy
from storage.model.publishing_profile import parse_profile
from storage.text.clean import clean

_MAX_REASON_LENGTH = 1000
_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


def load_endpoint(tx: Connection, source: str, url: str) -> IndexEndpoint:
    """What is remembered of an index address; a fresh Endpoint if nothing is."""
    row = tx.execute(_SELECT_ENDPOINT, {"source": source, "url_digest": _url_digest(url)}).one_or_none()
    return IndexEndpoint(**row._mapping) if row else IndexEndpoint(source=source, url=url)


def load_endpoints(tx: Connection, source: str) -> list[IndexEndpoint]:
    """What is remembered of every index address of a source."""
    return [IndexEndpoint(**row._mapping) for row in tx.execute(_SELECT_ENDPOINTS, {"source": source})]


def save_endpoint(tx: Connection, endpoint: IndexEndpoint) -> None:
    """Remember an endpoint as it is given."""
    tx.execute(_UPSERT_ENDPOINT[tx.dialect.name], asdict(endpoint) | {"url_digest": _url_digest(endpoint.url)})


def record_poll(tx: Connection, poll: Poll) -> int:
    """Keep what a poll came to; returns its id. The same poll again replaces what was said of it."""
    values = asdict(poll) | {"url_digest": _url_digest(poll.url), "reason": clean(poll.reason, _MAX_REASON_LENGTH)}
    return int(tx.execute(_UPSERT_POLL[tx.dialect.name], values).scalar_one())


def schedule_source(tx: Connection, source: str, next_poll_at: datetime, reason: str, now: datetime) -> None:
    """When a source is polled next, and why then."""
    values = {
        "source": source,
        "next_poll_at": next_poll_at,
        "reason": clean(reason, _MAX_REASON_LENGTH),
        "set_at": now,
    }
    tx.execute(_UPSERT_SCHEDULE[tx.dialect.name], values)


def load_next_polls(tx: Connection, source: str) -> list[NextPoll]:
    """When each index of a source is read next."""
    rows = tx.execute(_SELECT_NEXT_POLLS, {"source": source})
    return [NextPoll(**{**row._mapping, "publishing_profile": parse_profile(row.publishing_profile)}) for row in rows]


def save_next_poll(tx: Connection, appointment: NextPoll) -> None:
    """Remember when an index is read next."""
    values = {field.name: getattr(appointment, field.name) for field in fields(NextPoll)} | {
        "url_digest": _url_digest(appointment.url),
        "reason": clean(appointment.reason, _MAX_REASON_LENGTH),
        "publishing_profile": appointment.publishing_profile.to_json() if appointment.publishing_profile else "",
    }
    tx.execute(_UPSERT_NEXT_POLL[tx.dialect.name], values)


def load_learned_next_polls(tx: Connection) -> list[NextPoll]:
    """Those of every index that is asked and of which something was learned."""
    found = [
        NextPoll(**{**row._mapping, "publishing_profile": parse_profile(row.publishing_profile)})
        for row in tx.execute(_SELECT_LEARNED_NEXT_POLLS)
    ]
    return [one for one in found if one.publishing_profile is not None]


def count_polls_since(tx: Connection, begin: datetime) -> tuple[int, datetime | None]:
    """How many indexes were asked since then, and when the first of them was."""
    row = tx.execute(_COUNT_POLLS_SINCE, {"begin": begin}).one()
    return row.many, row.first


def find_due_sources(tx: Connection, sources: Sequence[str], now: datetime) -> list[str]:
    """Which of the sources are due: those never polled first, then the longest overdue.

    What was planned at a time that has not come yet was planned by a clock that has been set back: it is due too.
    """
    rows = list(tx.execute(_SELECT_SCHEDULE))
    times = {row.source: row.next_poll_at if row.set_at <= now + CLOCK_SLACK else _LONG_AGO for row in rows}
    fresh = [name for name in sources if name not in times]
    overdue = sorted((times[name], name) for name in sources if name in times and times[name] <= now)
    return fresh + [name for _, name in overdue]


def load_robots_copy(tx: Connection, origin: str) -> RobotsCopy | None:
    """What is remembered of an origin's robots.txt."""
    row = tx.execute(_SELECT_ROBOTS, {"origin": origin}).one_or_none()
    return RobotsCopy(**row._mapping) if row else None


def save_robots(tx: Connection, copy: RobotsCopy) -> None:
    """Remember an origin's robots.txt as it is given."""
    tx.execute(_UPSERT_ROBOTS[tx.dialect.name], asdict(copy))


def load_parked_hosts(tx: Connection, now: datetime) -> list[tuple[str, datetime, str]]:
    """The hosts that may not be asked at present: (host, until, reason)."""
    return [(row.host, row.until, row.reason) for row in tx.execute(_SELECT_PARKED_HOSTS, {"now": now})]


def park_host(tx: Connection, host: str, until: datetime, reason: str) -> None:
    """Leave a host alone until then."""
    tx.execute(
        _UPSERT_PARKED_HOST[tx.dialect.name],
        {"host": host, "until": until, "reason": clean(reason, _MAX_REASON_LENGTH)},
    )


def _url_digest(url: str) -> str:
    """Endpoints are told apart by their exact address, of which an index takes only a digest."""
    return sha256(url.encode("utf-8", "replace")).hexdigest()


_SELECT_ENDPOINTS = (
    select(*[endpoints.c[field.name] for field in fields(IndexEndpoint)])
    .where(endpoints.c.source == bindparam("source"))
    .order_by(endpoints.c.url_digest)
)
_SELECT_ENDPOINT = _SELECT_ENDPOINTS.where(endpoints.c.url_digest == bindparam("url_digest"))
_UPSERT_ENDPOINT = upsert_statements(endpoints, "source", "url_digest")
_UPSERT_POLL = {
    name: statement.returning(polls.c.id)
    for name, statement in upsert_statements(polls, "source", "url_digest", "started_at").items()
}
_UPSERT_SCHEDULE = upsert_statements(poll_schedule, "source")
_SELECT_SCHEDULE = select(poll_schedule.c.source, poll_schedule.c.next_poll_at, poll_schedule.c.set_at)
_SELECT_NEXT_POLLS = (
    select(*[next_polls.c[field.name] for field in fields(NextPoll)])
    .where(next_polls.c.source == bindparam("source"))
    .order_by(next_polls.c.url_digest)
)
_UPSERT_NEXT_POLL = upsert_statements(next_polls, "source", "url_digest")
_SELECT_LEARNED_NEXT_POLLS = select(*[next_polls.c[field.name] for field in fields(NextPoll)]).where(
    next_polls.c.state == IndexState.ASKED, next_polls.c.publishing_profile != ""
)
_COUNT_POLLS_SINCE = select(func.count().label("many"), func.min(polls.c.started_at).label("first")).where(
    polls.c.started_at >= bindparam("begin")
)
_SELECT_ROBOTS = select(*[robots.c[field.name] for field in fields(RobotsCopy)]).where(
    robots.c.origin == bindparam("origin")
)
_UPSERT_ROBOTS = upsert_statements(robots, "origin")
_SELECT_PARKED_HOSTS = (
    select(parked_hosts.c.host, parked_hosts.c.until, parked_hosts.c.reason)
    .where(parked_hosts.c.until > bindparam("now"))
    .order_by(parked_hosts.c.until)
)
_UPSERT_PARKED_HOST = upsert_statements(parked_hosts, "host")
