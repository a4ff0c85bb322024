"""What a running service is about: the next polls, the articles that came last, and when it was last alive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select

from storage.db.key_value import get_value, set_value
from storage.db.tables import articles, leads, poll_schedule

_HEARTBEAT = "heartbeat"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """`next_polls` are (source, when, why), the next first; `arrivals` (id, source, title, when), the last first."""

    next_polls: tuple[tuple[str, datetime, str], ...] = ()
    latest_articles: tuple[tuple[int, str, str, datetime], ...] = ()


def load_service_status(tx: Connection, polls: int, arrivals: int) -> ServiceStatus:
    """So many of each."""
    return ServiceStatus(
        next_polls=tuple((r.source, r.next_poll_at, r.reason) for r in tx.execute(_SELECT_NEXT_POLLS, {"most": polls})),
        latest_articles=tuple(
            (r.id, r.source, r.title, r.first_seen) for r in tx.execute(_SELECT_LATEST_ARTICLES, {"most": arrivals})
        ),
    )


def record_heartbeat(tx: Connection, now: datetime) -> None:
    """Write down that the service is alive."""
    set_value(tx, _HEARTBEAT, now.isoformat())


def last_heartbeat(tx: Connection) -> datetime | None:
    """When a service was last alive, or None where none ever was."""
    text = get_value(tx, _HEARTBEAT)
    return datetime.fromisoformat(text) if text else None


def count_waiting_leads(tx: Connection) -> int:
    """How many articles are known of and not fetched yet."""
    return int(tx.execute(_COUNT_WAITING).scalar_one())


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
