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

from storage.db.database import write_lock
from storage.db.tables import alerts, articles, saved_searches
from storage.model.search import Query
from storage.search.finder import Finder
from storage.text.clean import clean

MOST_ARTICLES = 1_000
"""Articles that one message tells of; more are told of by the next."""
_LONGEST_TROUBLE = 300


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
    search: str
    channel: str
    articles: tuple[int, ...]
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
    trouble: str = ""


def begin(tx: Connection, name: str, now: datetime) -> bool:
    """Let a search begin with what arrives from now on; False where it has begun already."""
    write_lock(tx)
    if tx.execute(_SEEN, {"name": name}).scalar() is not None:
        return False
    last = tx.execute(_LAST).scalar() or 0
    tx.execute(insert(saved_searches), {"name": name, "seen_id": last, "seen_at": now})
    return True


def look(tx: Connection, name: str, query: Query, channels: Collection[str], now: datetime) -> list[int]:
    """Put down messages, one a channel, about what a search finds of the articles that came since the last time.

    Returns the articles' ids. Of an original and its copies the first that came is told of.
    """
    if begin(tx, name, now):
        return []
    seen = tx.execute(_SEEN, {"name": name}).scalar_one()
    found, seen = Finder(tx, query, now).arrived(seen, MOST_ARTICLES)
    tx.execute(_SAW, {"search": name, "id": seen, "at": now})
    if found:
        told = {"search": name, "article_ids": json.dumps(found), "made_at": now, "due_at": now, "state": "waiting"}
        rest = {"told_at": None, "attempts": 0, "sender": "", "trouble": ""}
        for channel in channels:
            tx.execute(insert(alerts), {**told, **rest, "channel": channel})
    return found


def news(tx: Connection, name: str, query: Query, now: datetime) -> list[int]:
    """What `look` would tell of; nothing is noted."""
    seen = tx.execute(_SEEN, {"name": name}).scalar()
    return [] if seen is None else Finder(tx, query, now).arrived(seen, MOST_ARTICLES)[0]


def due_alerts(tx: Connection, now: datetime) -> list[Alert]:
    """The messages that are to be sent now, the oldest first."""
    return [_alert(row) for row in tx.execute(_DUE, {"now": now})]


def take(tx: Connection, alert_id: int, sender: str) -> bool:
    """Mark a message as being sent; False where somebody else sends it."""
    return tx.execute(_TAKE, {"alert": alert_id, "by": sender}).rowcount == 1


def sent(tx: Connection, alert_id: int, now: datetime) -> None:
    """It arrived."""
    tx.execute(_SENT, {"alert": alert_id, "at": now})


def not_sent(tx: Connection, alert_id: int, trouble: str, again_at: datetime) -> None:
    """It did not arrive, and is tried again."""
    tx.execute(_NOT_SENT, {"alert": alert_id, "why": clean(trouble, _LONGEST_TROUBLE), "at": again_at})


def doubt(tx: Connection, alive: Collection[str]) -> int:
    """Messages that a process was sending which is not alive any more are unsure; returns how many."""
    return tx.execute(_DOUBT, {"alive": [*alive, ""]}).rowcount


def retry(tx: Connection, name: str, now: datetime) -> int:
    """Let every message of a search that is unsure, or waits to be tried again, be sent now; returns how many."""
    return tx.execute(_RETRY, {"name": name, "now": now}).rowcount


def forget(tx: Connection, name: str) -> None:
    """Keep nothing of a search any more."""
    tx.execute(_FORGET_ALERTS, {"name": name})
    tx.execute(_FORGET, {"name": name})


def states(tx: Connection) -> dict[str, SearchState]:
    """The state of every search that was looked for, by name."""
    found = {row.name: {"name": row.name, "seen_at": row.seen_at} for row in tx.execute(select(saved_searches))}
    for row in tx.execute(_NUMBERS):
        state: dict[str, Any] = found.setdefault(row.search, {"name": row.search})
        key = "waiting" if row.state == AlertState.SENDING else str(row.state)
        state[key] = state.get(key, 0) + row.many
    for row in tx.execute(_TROUBLES):
        found.setdefault(row.search, {"name": row.search}).setdefault("trouble", row.trouble)
    return {name: SearchState(**state) for name, state in found.items()}


def _alert(row: Any) -> Alert:
    ids = tuple(json.loads(row.article_ids))
    return Alert(id=row.id, search=row.search, channel=row.channel, articles=ids, attempts=row.attempts)


_SEEN = select(saved_searches.c.seen_id).where(saved_searches.c.name == bindparam("name"))
_LAST = select(func.max(articles.c.id))
_SAW = (
    update(saved_searches)
    .where(saved_searches.c.name == bindparam("search"))
    .values(seen_id=bindparam("id"), seen_at=bindparam("at"))
)
_DUE = (
    select(alerts)
    .where(alerts.c.state == AlertState.WAITING, alerts.c.due_at <= bindparam("now"))
    .order_by(alerts.c.id)
)
_TAKE = (
    update(alerts)
    .where(alerts.c.id == bindparam("alert"), alerts.c.state == AlertState.WAITING)
    .values(state=AlertState.SENDING, sender=bindparam("by"), attempts=alerts.c.attempts + 1)
)
_SENT = (
    update(alerts)
    .where(alerts.c.id == bindparam("alert"))
    .values(state=AlertState.SENT, told_at=bindparam("at"), due_at=None, trouble="")
)
_NOT_SENT = (
    update(alerts)
    .where(alerts.c.id == bindparam("alert"))
    .values(state=AlertState.WAITING, due_at=bindparam("at"), trouble=bindparam("why"))
)
_DOUBT = (
    update(alerts)
    .where(alerts.c.state == AlertState.SENDING, alerts.c.sender.not_in(bindparam("alive", expanding=True)))
    .values(state=AlertState.UNSURE, trouble="evnews ended while it was being sent; it may have arrived")
)
_RETRY = (
    update(alerts)
    .where(alerts.c.search == bindparam("name"), alerts.c.state.in_([AlertState.WAITING, AlertState.UNSURE]))
    .values(state=AlertState.WAITING, due_at=bindparam("now"))
)
_FORGET_ALERTS = delete(alerts).where(alerts.c.search == bindparam("name"))
_FORGET = delete(saved_searches).where(saved_searches.c.name == bindparam("name"))
_NUMBERS = select(alerts.c.search, alerts.c.state, func.count().label("many")).group_by(alerts.c.search, alerts.c.state)
_TROUBLES = (
    select(alerts.c.search, alerts.c.trouble)
    .where(alerts.c.trouble != "", alerts.c.state.in_([AlertState.WAITING, AlertState.UNSURE]))
    .order_by(alerts.c.id)
)
