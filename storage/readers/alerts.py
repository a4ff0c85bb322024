"""What saved searches tell: how far each saved search was looked for, and the messages that tell of what it found.

A message is put down in the transaction that notes how far was looked, so that no article is passed over. It is
marked before it is sent and after it was, by who sends it: where a process dies between the two nobody knows whether
it arrived, and it is not sent again unasked.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from storage.db.database import acquire_write_lock
from storage.db.tables import alerts, articles, saved_searches
from storage.model.search import Query
from storage.search.finder import QueryRun
from storage.text.clean import clean

MAX_ARTICLES_PER_ALERT = 1_000
"""Articles that one message tells of; more are told of by the next."""
_MAX_ERROR_LENGTH = 300


class AlertState(StrEnum):
    """What became of a message so far."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    UNSURE = "unsure"
    """Its sender died before it knew whether it arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A message about what a saved search found: for one channel, by its digest."""

    id: int
    search_name: str
    channel: str
    article_ids: tuple[int, ...]
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchState:
    """How far a saved search was looked for, and how many of its messages wait, are unsure, or were sent.

    `trouble` is what kept the oldest waiting message from being sent.
    """

    name: str
    seen_at: datetime | None = None
    waiting: int = 0
    unsure: int = 0
    sent: int = 0
    error: str = ""


def start_search(tx: Connection, name: str, now: datetime) -> bool:
    """Let a search begin with what arrives from now on; False where it has begun already."""
    acquire_write_lock(tx)
    if tx.execute(_SELECT_LAST_ARTICLE_ID, {"name": name}).scalar() is not None:
        return False
    last = tx.execute(_SELECT_NEWEST_ARTICLE_ID).scalar() or 0
    tx.execute(insert(saved_searches), {"name": name, "last_article_id": last, "last_run_at": now})
    return True


def queue_alerts(tx: Connection, name: str, query: Query, channels: Collection[str], now: datetime) -> list[int]:
    """Put down messages, one a channel, about what a search finds of the articles that came since the last time.

    Returns the articles' ids. Of an original and its copies the first that came is told of.
    """
    if start_search(tx, name, now):
        return []
    seen = tx.execute(_SELECT_LAST_ARTICLE_ID, {"name": name}).scalar_one()
    found, seen = QueryRun(tx, query, now).find_arrived(seen, MAX_ARTICLES_PER_ALERT)
    tx.execute(_UPDATE_SEARCH, {"search_name": name, "id": seen, "at": now})
    if found:
        values = {
            "search_name": name,
            "article_ids": json.dumps(found),
            "created_at": now,
            "due_at": now,
            "state": "waiting",
        }
        rest = {"sent_at": None, "attempts": 0, "sender": "", "error": ""}
        for channel in channels:
            tx.execute(insert(alerts), {**values, **rest, "channel_digest": channel})
    return found


def find_unreported(tx: Connection, name: str, query: Query, now: datetime) -> list[int]:
    """What `look` would tell of; nothing is noted."""
    seen = tx.execute(_SELECT_LAST_ARTICLE_ID, {"name": name}).scalar()
    return [] if seen is None else QueryRun(tx, query, now).find_arrived(seen, MAX_ARTICLES_PER_ALERT)[0]


def load_due_alerts(tx: Connection, now: datetime) -> list[Alert]:
    """The messages that are to be sent now, the oldest first."""
    return [_alert_from_row(row) for row in tx.execute(_SELECT_DUE, {"now": now})]


def claim_alert(tx: Connection, alert_id: int, sender: str) -> bool:
    """Mark a message as being sent; False where somebody else sends it."""
    return tx.execute(_CLAIM_ALERT, {"alert": alert_id, "by": sender}).rowcount == 1


def mark_sent(tx: Connection, alert_id: int, now: datetime) -> None:
    """It arrived."""
    tx.execute(_MARK_SENT, {"alert": alert_id, "at": now})


def schedule_retry(tx: Connection, alert_id: int, error: str, retry_at: datetime) -> None:
    """It did not arrive, and is tried again."""
    tx.execute(_SCHEDULE_RETRY, {"alert": alert_id, "why": clean(error, _MAX_ERROR_LENGTH), "at": retry_at})


def mark_unsure(tx: Connection, live_senders: Collection[str]) -> int:
    """Messages that a process was sending which is not alive any more are unsure; returns how many."""
    return tx.execute(_MARK_UNSURE, {"alive": [*live_senders, ""]}).rowcount


def retry_alerts(tx: Connection, name: str, now: datetime) -> int:
    """Let every message of a search that is unsure, or waits to be tried again, be sent now; returns how many."""
    return tx.execute(_RETRY_ALERTS, {"name": name, "now": now}).rowcount


def delete_search(tx: Connection, name: str) -> None:
    """Keep nothing of a search any more."""
    tx.execute(_DELETE_ALERTS, {"name": name})
    tx.execute(_DELETE_SEARCH, {"name": name})


def load_search_states(tx: Connection) -> dict[str, SearchState]:
    """The state of every search that was looked for, by name."""
    found = {row.name: {"name": row.name, "seen_at": row.last_run_at} for row in tx.execute(select(saved_searches))}
    for row in tx.execute(_COUNT_ALERTS):
        state: dict[str, Any] = found.setdefault(row.search_name, {"name": row.search_name})
        key = "waiting" if row.state == AlertState.SENDING else str(row.state)
        state[key] = state.get(key, 0) + row.many
    for row in tx.execute(_SELECT_ERRORS):
        found.setdefault(row.search_name, {"name": row.search_name}).setdefault("error", row.error)
    return {name: SearchState(**state) for name, state in found.items()}


def _alert_from_row(row: Any) -> Alert:
    ids = tuple(json.loads(row.article_ids))
    return Alert(
        id=row.id, search_name=row.search_name, channel=row.channel_digest, article_ids=ids, attempts=row.attempts
    )


_SELECT_LAST_ARTICLE_ID = select(saved_searches.c.last_article_id).where(saved_searches.c.name == bindparam("name"))
_SELECT_NEWEST_ARTICLE_ID = select(func.max(articles.c.id))
_UPDATE_SEARCH = (
    update(saved_searches)
    .where(saved_searches.c.name == bindparam("search_name"))
    .values(last_article_id=bindparam("id"), last_run_at=bindparam("at"))
)
_SELECT_DUE = (
    select(alerts)
    .where(alerts.c.state == AlertState.WAITING, alerts.c.due_at <= bindparam("now"))
    .order_by(alerts.c.id)
)
_CLAIM_ALERT = (
    update(alerts)
    .where(alerts.c.id == bindparam("alert"), alerts.c.state == AlertState.WAITING)
    .values(state=AlertState.SENDING, sender=bindparam("by"), attempts=alerts.c.attempts + 1)
)
_MARK_SENT = (
    update(alerts)
    .where(alerts.c.id == bindparam("alert"))
    .values(state=AlertState.SENT, sent_at=bindparam("at"), due_at=None, error="")
)
_SCHEDULE_RETRY = (
    update(alerts)
    .where(alerts.c.id == bindparam("alert"))
    .values(state=AlertState.WAITING, due_at=bindparam("at"), error=bindparam("why"))
)
_MARK_UNSURE = (
    update(alerts)
    .where(alerts.c.state == AlertState.SENDING, alerts.c.sender.not_in(bindparam("alive", expanding=True)))
    .values(state=AlertState.UNSURE, error="evnews ended while it was being sent; it may have arrived")
)
_RETRY_ALERTS = (
    update(alerts)
    .where(alerts.c.search_name == bindparam("name"), alerts.c.state.in_([AlertState.WAITING, AlertState.UNSURE]))
    .values(state=AlertState.WAITING, due_at=bindparam("now"))
)
_DELETE_ALERTS = delete(alerts).where(alerts.c.search_name == bindparam("name"))
_DELETE_SEARCH = delete(saved_searches).where(saved_searches.c.name == bindparam("name"))
_COUNT_ALERTS = select(alerts.c.search_name, alerts.c.state, func.count().label("many")).group_by(
    alerts.c.search_name, alerts.c.state
)
_SELECT_ERRORS = (
    select(alerts.c.search_name, alerts.c.error)
    .where(alerts.c.error != "", alerts.c.state.in_([AlertState.WAITING, AlertState.UNSURE]))
    .order_by(alerts.c.id)
)
