"""A round of the saved searches: what is new since the last one is put down, and told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from aggregator.alerts import notify as channels
from aggregator.alerts.notify import MOST_LISTED, Message, message
from storage.crawl.lease_owner import Owner, live_owners
from storage.db.database import Database
from storage.library import Library
from storage.model.search import Query
from storage.readers import alerts
from storage.readers.alerts import Alert

Send = Callable[[str, Message], str]
"""Sends a message to an address; returns what went wrong, or nothing."""
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A saved search as it is asked, and the addresses that are told."""

    name: str
    query: Query
    notify: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What came of a round: articles told of by search, what went wrong, and messages of which nobody knows."""

    articles: Mapping[str, int]
    troubles: tuple[str, ...] = ()
    unsure: int = 0


def run_round(
    database: Database, searches: Iterable[Watched], home: Path, now: Callable[[], datetime], send: Send = channels.send
) -> Told:
    """Look for what is new, and send every message that is due; may run in several processes at once."""
    watched = [one for one in searches if one.notify]
    addresses = {channels.digest(address): address for one in watched for address in one.notify}
    run_folder = home / "run"
    owner = Owner(run_folder)
    try:
        with database.write() as tx:
            unsure = alerts.doubt(tx, live_owners(run_folder))
        for one in watched:
            with database.write() as tx:
                alerts.look(tx, one.name, one.query, [channels.digest(address) for address in one.notify], now())
        told: dict[str, int] = {}
        troubles: list[str] = []
        with database.read() as tx:
            due = alerts.due_alerts(tx, now())
        for alert in due:
            if alert.channel not in addresses:
                continue
            trouble = _sent(database, alert, addresses[alert.channel], owner.token, now, send)
            if trouble:
                troubles.append(f"{alert.search}: {channels.shown(addresses[alert.channel])}: {trouble}")
            elif trouble is not None:
                told[alert.search] = max(told.get(alert.search, 0), len(alert.articles))
    except BaseException:
        owner.abandon()
        raise
    owner.close()
    return Told(articles=told, troubles=tuple(troubles), unsure=unsure)


def _text_of(database: Database, alert: Alert) -> Message:
    """What a message says."""
    library = Library(database)
    newest = [found for one in alert.articles[-MOST_LISTED:] if (found := library.article(one)) is not None]
    return message(alert.search, newest, len(alert.articles))


def _sent(
    database: Database, alert: Alert, address: str, sender: str, now: Callable[[], datetime], send: Send
) -> str | None:
    """What went wrong with a message, nothing, or None where somebody else sends it."""
    text = _text_of(database, alert)
    with database.write() as tx:
        if not alerts.take(tx, alert.id, sender):
            return None
    trouble = send(address, text)
    with database.write() as tx:
        if not trouble:
            alerts.sent(tx, alert.id, now())
        else:
            wait = min(_FIRST_WAIT * 2 ** min(alert.attempts, 16), _LONGEST_WAIT)
            alerts.not_sent(tx, alert.id, trouble, now() + wait)
    return trouble
