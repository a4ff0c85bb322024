"""The calendar: what is remembered of endpoints, polls, robots.txt and parked hosts, and when each source is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from hashlib import sha256

from sqlalchemy import Connection, bindparam, func, select

from storage.db.statements import upserts
from storage.db.tables import appointments, calendar, endpoints, parked_hosts, polls, robots
from storage.model.crawl import CLOCK_SLACK, Appointment, Endpoint, Poll, RobotsCopy, Standing
from storage.model.publishing_profile import unpacked
from storage.text.clean import clean

_LONGEST_REASON = 1000
_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


def endpoint(tx: Connection, source: str, url: str) -> Endpoint:
    """What is remembered of an index address; a fresh Endpoint if nothing is."""
    row = tx.execute(_ENDPOINT, {"source": source, "address": _address(url)}).one_or_none()
    return Endpoint(**row._mapping) if row else Endpoint(source=source, url=url)


def endpoints_of(tx: Connection, source: str) -> list[Endpoint]:
    """What is remembered of every index address of a source."""
    return [Endpoint(**row._mapping) for row in tx.execute(_ENDPOINTS, {"source": source})]


def save_endpoint(tx: Connection, endpoint: Endpoint) -> None:
    """Remember an endpoint as it is given."""
    tx.execute(_SAVE_ENDPOINT[tx.dialect.name], asdict(endpoint) | {"address": _address(endpoint.url)})


def record_poll(tx: Connection, poll: Poll) -> int:
    """Keep what a poll came to; returns its id. The same poll again replaces what was said of it."""
    values = asdict(poll) | {"address": _address(poll.endpoint), "reason": clean(poll.reason, _LONGEST_REASON)}
    return int(tx.execute(_RECORD_POLL[tx.dialect.name], values).scalar_one())


def schedule(tx: Connection, source: str, next_poll_at: datetime, reason: str, now: datetime) -> None:
    """When a source is polled next, and why then."""
    values = {"source": source, "next_poll_at": next_poll_at, "reason": clean(reason, _LONGEST_REASON), "set_at": now}
    tx.execute(_SCHEDULE[tx.dialect.name], values)


def appointments_of(tx: Connection, source: str) -> list[Appointment]:
    """When each index of a source is read next."""
    rows = tx.execute(_APPOINTMENTS, {"source": source})
    return [Appointment(**{**row._mapping, "rhythm": unpacked(row.rhythm)}) for row in rows]


def appoint(tx: Connection, appointment: Appointment) -> None:
    """Remember when an index is read next."""
    values = {field.name: getattr(appointment, field.name) for field in fields(Appointment)} | {
        "address": _address(appointment.url),
        "reason": clean(appointment.reason, _LONGEST_REASON),
        "rhythm": appointment.rhythm.packed() if appointment.rhythm else "",
    }
    tx.execute(_APPOINT[tx.dialect.name], values)


def learned_appointments(tx: Connection) -> list[Appointment]:
    """Those of every index that is asked and of which something was learned."""
    found = [Appointment(**{**row._mapping, "rhythm": unpacked(row.rhythm)}) for row in tx.execute(_LEARNED)]
    return [one for one in found if one.rhythm is not None]


def polls_since(tx: Connection, begin: datetime) -> tuple[int, datetime | None]:
    """How many indexes were asked since then, and when the first of them was."""
    row = tx.execute(_POLLS_SINCE, {"begin": begin}).one()
    return row.many, row.first


def due(tx: Connection, sources: Sequence[str], now: datetime) -> list[str]:
    """Which of the sources are due: those never polled first, then the longest overdue.

    What was planned at a time that has not come yet was planned by a clock that has been set back: it is due too.
    """
    rows = list(tx.execute(_CALENDAR))
    times = {row.source: row.next_poll_at if row.set_at <= now + CLOCK_SLACK else _LONG_AGO for row in rows}
    fresh = [name for name in sources if name not in times]
    overdue = sorted((times[name], name) for name in sources if name in times and times[name] <= now)
    return fresh + [name for _, name in overdue]


def robots_copy(tx: Connection, origin: str) -> RobotsCopy | None:
    """What is remembered of an origin's robots.txt."""
    row = tx.execute(_ROBOTS, {"origin": origin}).one_or_none()
    return RobotsCopy(**row._mapping) if row else None


def save_robots(tx: Connection, copy: RobotsCopy) -> None:
    """Remember an origin's robots.txt as it is given."""
    tx.execute(_SAVE_ROBOTS[tx.dialect.name], asdict(copy))


def parked(tx: Connection, now: datetime) -> list[tuple[str, datetime, str]]:
    """The hosts that may not be asked at present: (host, until, reason)."""
    return [(row.host, row.until, row.reason) for row in tx.execute(_PARKED, {"now": now})]


def park(tx: Connection, host: str, until: datetime, reason: str) -> None:
    """Leave a host alone until then."""
    tx.execute(_PARK[tx.dialect.name], {"host": host, "until": until, "reason": clean(reason, _LONGEST_REASON)})


def _address(url: str) -> str:
    """Endpoints are told apart by their exact address, of which an index takes only a digest."""
    return sha256(url.encode("utf-8", "replace")).hexdigest()


_ENDPOINTS = (
    select(*[endpoints.c[field.name] for field in fields(Endpoint)])
    .where(endpoints.c.source == bindparam("source"))
    .order_by(endpoints.c.address)
)
_ENDPOINT = _ENDPOINTS.where(endpoints.c.address == bindparam("address"))
_SAVE_ENDPOINT = upserts(endpoints, "source", "address")
_RECORD_POLL = {
    name: statement.returning(polls.c.id)
    for name, statement in upserts(polls, "source", "address", "started_at").items()
}
_SCHEDULE = upserts(calendar, "source")
_CALENDAR = select(calendar.c.source, calendar.c.next_poll_at, calendar.c.set_at)
_APPOINTMENTS = (
    select(*[appointments.c[field.name] for field in fields(Appointment)])
    .where(appointments.c.source == bindparam("source"))
    .order_by(appointments.c.address)
)
_APPOINT = upserts(appointments, "source", "address")
_LEARNED = select(*[appointments.c[field.name] for field in fields(Appointment)]).where(
    appointments.c.state == Standing.ASKED, appointments.c.rhythm != ""
)
_POLLS_SINCE = select(func.count().label("many"), func.min(polls.c.started_at).label("first")).where(
    polls.c.started_at >= bindparam("begin")
)
_ROBOTS = select(*[robots.c[field.name] for field in fields(RobotsCopy)]).where(robots.c.origin == bindparam("origin"))
_SAVE_ROBOTS = upserts(robots, "origin")
_PARKED = (
    select(parked_hosts.c.host, parked_hosts.c.until, parked_hosts.c.reason)
    .where(parked_hosts.c.until > bindparam("now"))
    .order_by(parked_hosts.c.until)
)
_PARK = upserts(parked_hosts, "host")
