"""What a running service is about: the next polls, the articles that came last, and when it was last alive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select

from storage.db.key_value import note, noted
from storage.db.tables import articles, calendar, leads

_HEARTBEAT = "heartbeat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """`next_polls` are (source, when, why), the next first; `arrivals` (id, source, title, when), the last first."""

    next_polls: tuple[tuple[str, datetime, str], ...] = ()
    arrivals: tuple[tuple[int, str, str, datetime], ...] = ()


def glance(tx: Connection, polls: int, arrivals: int) -> Glance:
    """So many of each."""
    return Glance(
        next_polls=tuple((r.source, r.next_poll_at, r.reason) for r in tx.execute(_NEXT, {"most": polls})),
        arrivals=tuple((r.id, r.source, r.title, r.first_seen) for r in tx.execute(_LAST, {"most": arrivals})),
    )


def beat(tx: Connection, now: datetime) -> None:
    """Write down that the service is alive."""
    note(tx, _HEARTBEAT, now.isoformat())


def last_beat(tx: Connection) -> datetime | None:
    """When a service was last alive, or None where none ever was."""
    text = noted(tx, _HEARTBEAT)
    return datetime.fromisoformat(text) if text else None


def waiting_leads(tx: Connection) -> int:
    """How many articles are known of and not fetched yet."""
    return int(tx.execute(_WAITING).scalar_one())


_NEXT = (
    select(calendar.c.source, calendar.c.next_poll_at, calendar.c.reason)
    .order_by(calendar.c.next_poll_at, calendar.c.source)
    .limit(bindparam("most"))
)
_LAST = (
    select(articles.c.id, articles.c.source, articles.c.title, articles.c.first_seen)
    .order_by(articles.c.id.desc())
    .limit(bindparam("most"))
)
_WAITING = select(func.count()).where(leads.c.due_at.is_not(None))
