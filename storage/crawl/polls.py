"""Index state, polls, robots.txt copies, parked hosts and due times."""

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
    """Return the stored state of an index, or an initial one."""
    row = tx.execute(_SELECT_ENDPOINT, {"source": source, "url_digest": _url_digest(url)}).one_or_none()
    return IndexEndpoint(**row._mapping) if row else IndexEndpoint(source=source, url=url)


def load_endpoints(tx: Connection, source: str) -> list[IndexEndpoint]:
    """Return the stored state of each index of a source."""
    return [IndexEndpoint(**row._mapping) for row in tx.execute(_SELECT_ENDPOINTS, {"source": source})]


def save_endpoint(tx: Connection, endpoint: IndexEndpoint) -> None:
    tx.execute(_UPSERT_ENDPOINT[tx.dialect.name], asdict(endpoint) | {"url_digest": _url_digest(endpoint.url)})


def record_poll(tx: Connection, poll: Poll) -> int:
    """Store the result of a poll and return its id. A poll of the same index and start time is replaced."""
    values = asdict(poll) | {"url_digest": _url_digest(poll.url), "reason": clean(poll.reason, _MAX_REASON_LENGTH)}
    return int(tx.execute(_UPSERT_POLL[tx.dialect.name], values).scalar_one())


def schedule_source(tx: Connection, source: str, next_poll_at: datetime, reason: str, now: datetime) -> None:
    """Store when a source is polled next, with the reason."""
    values = {
        "source": source,
        "next_poll_at": next_poll_at,
        "reason": clean(reason, _MAX_REASON_LENGTH),
        "set_at": now,
    }
    tx.execute(_UPSERT_SCHEDULE[tx.dialect.name], values)


def load_next_polls(tx: Connection, source: str) -> list[NextPoll]:
    """Return the time of the next poll of each index of a source."""
    rows = tx.execute(_SELECT_NEXT_POLLS, {"source": source})
    return [NextPoll(**{**row._mapping, "publishing_profile": parse_profile(row.publishing_profile)}) for row in rows]


def save_next_poll(tx: Connection, next_poll: NextPoll) -> None:
    """Store the time of the next poll of an index."""
    values = {field.name: getattr(next_poll, field.name) for field in fields(NextPoll)} | {
        "url_digest": _url_digest(next_poll.url),
        "reason": clean(next_poll.reason, _MAX_REASON_LENGTH),
        "publishing_profile": next_poll.publishing_profile.to_json() if next_poll.publishing_profile else "",
    }
    tx.execute(_UPSERT_NEXT_POLL[tx.dialect.name], values)


def load_learned_next_polls(tx: Connection) -> list[NextPoll]:
    """Return the next polls of all indexes that are polled and have a publishing profile."""
    learned = [
        NextPoll(**{**row._mapping, "publishing_profile": parse_profile(row.publishing_profile)})
        for row in tx.execute(_SELECT_LEARNED_NEXT_POLLS)
    ]
    return [next_poll for next_poll in learned if next_poll.publishing_profile is not None]


def count_polls_since(tx: Connection, begin: datetime) -> tuple[int, datetime | None]:
    """Return the number of polls started since `begin`, and the start of the first."""
    row = tx.execute(_COUNT_POLLS_SINCE, {"begin": begin}).one()
    return row.polls, row.first


def find_due_sources(tx: Connection, sources: Sequence[str], now: datetime) -> list[str]:
    """Return the due ones of `sources`: those never polled first, then the longest overdue.

    A source whose schedule was written in the future is due as well: the clock was set back since.
    """
    rows = list(tx.execute(_SELECT_SCHEDULE))
    times = {row.source: row.next_poll_at if row.set_at <= now + CLOCK_SLACK else _LONG_AGO for row in rows}
    fresh = [name for name in sources if name not in times]
    overdue = sorted((times[name], name) for name in sources if name in times and times[name] <= now)
    return fresh + [name for _, name in overdue]


def load_robots_copy(tx: Connection, origin: str) -> RobotsCopy | None:
    """Return the stored robots.txt of an origin, or None."""
    row = tx.execute(_SELECT_ROBOTS, {"origin": origin}).one_or_none()
    return RobotsCopy(**row._mapping) if row else None


def save_robots(tx: Connection, copy: RobotsCopy) -> None:
    tx.execute(_UPSERT_ROBOTS[tx.dialect.name], asdict(copy))


def load_parked_hosts(tx: Connection, now: datetime) -> list[tuple[str, datetime, str]]:
    """Return (host, until, reason) of each host that is parked at `now`, the earliest end first."""
    return [(row.host, row.until, row.reason) for row in tx.execute(_SELECT_PARKED_HOSTS, {"now": now})]


def park_host(tx: Connection, host: str, until: datetime, reason: str) -> None:
    """Store that a host must not be requested before `until`."""
    tx.execute(
        _UPSERT_PARKED_HOST[tx.dialect.name],
        {"host": host, "until": until, "reason": clean(reason, _MAX_REASON_LENGTH)},
    )


def _url_digest(url: str) -> str:
    """Digest of the exact URL: an index on the URL itself would be too wide."""
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
_COUNT_POLLS_SINCE = select(func.count().label("polls"), func.min(polls.c.started_at).label("first")).where(
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
