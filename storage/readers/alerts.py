"""Alerts of saved searches: progress of each search, and the queue of messages.

A message is queued in the transaction that advances the search, so that no article is missed. The sender marks a
message before and after sending it. If the process dies in between, delivery is unknown: the message becomes unsure
and is sent again only on request.
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
"""Maximum number of articles in a message; the next message contains the rest."""
_MAX_ERROR_LENGTH = 300


class AlertState(StrEnum):
    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    UNSURE = "unsure"
    """The sender died before it recorded the result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A message to one channel about the results of a saved search; `channel` is the digest of the channel."""

    id: int
    search_name: str
    channel: str
    article_ids: tuple[int, ...]
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchState:
    """Time of the last run of a saved search, and the numbers of its messages by state.

    `error` is the error of the oldest message that could not be sent.
    """

    name: str
    seen_at: datetime | None = None
    waiting: int = 0
    unsure: int = 0
    sent: int = 0
    error: str = ""


def start_search(tx: Connection, name: str, now: datetime) -> bool:
    """Start a search with the articles that arrive from now on; return False if it was started before."""
    acquire_write_lock(tx)
    if tx.execute(_SELECT_LAST_ARTICLE_ID, {"name": name}).scalar() is not None:
        return False
    last = tx.execute(_SELECT_NEWEST_ARTICLE_ID).scalar() or 0
    tx.execute(insert(saved_searches), {"name": name, "last_article_id": last, "last_run_at": now})
    return True


def queue_alerts(tx: Connection, name: str, query: Query, channels: Collection[str], now: datetime) -> list[int]:
    """Queue one message per channel about the matching articles that arrived since the last run.

    Return the ids of the articles. Of an original and its copies, only the first to arrive is reported.
    """
    if start_search(tx, name, now):
        return []
    seen = tx.execute(_SELECT_LAST_ARTICLE_ID, {"name": name}).scalar_one()
    ids, seen = QueryRun(tx, query, now).find_arrived(seen, MAX_ARTICLES_PER_ALERT)
    tx.execute(_UPDATE_SEARCH, {"search_name": name, "id": seen, "at": now})
    if ids:
        values = {
            "search_name": name,
            "article_ids": json.dumps(ids),
            "created_at": now,
            "due_at": now,
            "state": "waiting",
        }
        rest = {"sent_at": None, "attempts": 0, "sender": "", "error": ""}
        for channel in channels:
            tx.execute(insert(alerts), {**values, **rest, "channel_digest": channel})
    return ids


def find_unreported(tx: Connection, name: str, query: Query, now: datetime) -> list[int]:
    """Return the ids that `queue_alerts` would report, without changing the archive."""
    seen = tx.execute(_SELECT_LAST_ARTICLE_ID, {"name": name}).scalar()
    return [] if seen is None else QueryRun(tx, query, now).find_arrived(seen, MAX_ARTICLES_PER_ALERT)[0]


def load_due_alerts(tx: Connection, now: datetime) -> list[Alert]:
    """Return the messages that are due, oldest first."""
    return [_alert_from_row(row) for row in tx.execute(_SELECT_DUE, {"now": now})]


def claim_alert(tx: Connection, alert_id: int, sender: str) -> bool:
    """Mark a message as being sent; return False if another process has claimed it."""
    return tx.execute(_CLAIM_ALERT, {"alert": alert_id, "sender_name": sender}).rowcount == 1


def mark_sent(tx: Connection, alert_id: int, now: datetime) -> None:
    """Record that a message was delivered."""
    tx.execute(_MARK_SENT, {"alert": alert_id, "at": now})


def schedule_retry(tx: Connection, alert_id: int, error: str, retry_at: datetime) -> None:
    """Record that sending failed, and schedule the next attempt."""
    tx.execute(_SCHEDULE_RETRY, {"alert": alert_id, "error_text": clean(error, _MAX_ERROR_LENGTH), "at": retry_at})


def mark_unsure(tx: Connection, live_senders: Collection[str]) -> int:
    """Mark the messages of dead senders as unsure; return their number."""
    return tx.execute(_MARK_UNSURE, {"live_senders": [*live_senders, ""]}).rowcount


def retry_alerts(tx: Connection, name: str, now: datetime) -> int:
    """Make all waiting and unsure messages of a search due now; return their number."""
    return tx.execute(_RETRY_ALERTS, {"name": name, "now": now}).rowcount


def delete_search(tx: Connection, name: str) -> None:
    """Delete a search and its messages."""
    tx.execute(_DELETE_ALERTS, {"name": name})
    tx.execute(_DELETE_SEARCH, {"name": name})


def load_search_states(tx: Connection) -> dict[str, SearchState]:
    """Return the state of every search that was started, by name."""
    states = {row.name: {"name": row.name, "seen_at": row.last_run_at} for row in tx.execute(select(saved_searches))}
    for row in tx.execute(_COUNT_ALERTS):
        state: dict[str, Any] = states.setdefault(row.search_name, {"name": row.search_name})
        key = "waiting" if row.state == AlertState.SENDING else str(row.state)
        state[key] = state.get(key, 0) + row.number
    for row in tx.execute(_SELECT_ERRORS):
        states.setdefault(row.search_name, {"name": row.search_name}).setdefault("error", row.error)
    return {name: SearchState(**state) for name, state in states.items()}


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
    .values(state=AlertState.SENDING, sender=bindparam("sender_name"), attempts=alerts.c.attempts + 1)
)
_MARK_SENT = (
    update(alerts)
    .where(alerts.c.id == bindparam("alert"))
    .values(state=AlertState.SENT, sent_at=bindparam("at"), due_at=None, error="")
)
_SCHEDULE_RETRY = (
    update(alerts)
    .where(alerts.c.id == bindparam("alert"))
    .values(state=AlertState.WAITING, due_at=bindparam("at"), error=bindparam("error_text"))
)
_MARK_UNSURE = (
    update(alerts)
    .where(alerts.c.state == AlertState.SENDING, alerts.c.sender.not_in(bindparam("live_senders", expanding=True)))
    .values(state=AlertState.UNSURE, error="evnews ended while it sent this message; the message may have arrived")
)
_RETRY_ALERTS = (
    update(alerts)
    .where(alerts.c.search_name == bindparam("name"), alerts.c.state.in_([AlertState.WAITING, AlertState.UNSURE]))
    .values(state=AlertState.WAITING, due_at=bindparam("now"))
)
_DELETE_ALERTS = delete(alerts).where(alerts.c.search_name == bindparam("name"))
_DELETE_SEARCH = delete(saved_searches).where(saved_searches.c.name == bindparam("name"))
_COUNT_ALERTS = select(alerts.c.search_name, alerts.c.state, func.count().label("number")).group_by(
    alerts.c.search_name, alerts.c.state
)
_SELECT_ERRORS = (
    select(alerts.c.search_name, alerts.c.error)
    .where(alerts.c.error != "", alerts.c.state.in_([AlertState.WAITING, AlertState.UNSURE]))
    .order_by(alerts.c.id)
)
