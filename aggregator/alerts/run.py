"""Run every saved search once and send notifications about new matches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from aggregator.alerts import notify as notify_channels
from aggregator.alerts.notify import MAX_LISTED, Message, build_search_message
from storage.crawl.lease_owner import LeaseOwner, find_live_owners
from storage.db.database import Database
from storage.library import Library
from storage.model.search import Query
from storage.readers import alerts
from storage.readers.alerts import Alert

SendMessage = Callable[[str, Message], str]
"""Sends a message to an address; returns the error, or "" on success."""
_FIRST_WAIT, _MAX_WAIT = timedelta(minutes=1), timedelta(hours=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedSearch:
    """A saved search with the addresses that are notified of new matches."""

    name: str
    query: Query
    notify: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRunResult:
    """Result of a run.

    `article_counts` are the reported articles by search. `unconfirmed_count` counts messages whose sender died while it
    sent them: they may have arrived.
    """

    article_counts: Mapping[str, int]
    errors: tuple[str, ...] = ()
    unconfirmed_count: int = 0


def run_alerts(
    database: Database,
    searches: Iterable[WatchedSearch],
    home: Path,
    now: Callable[[], datetime],
    send: SendMessage = notify_channels.send,
) -> AlertRunResult:
    """Queue alerts about new matches and send all due messages; several processes may run this at once."""
    watched = [search for search in searches if search.notify]
    addresses = {notify_channels.hash_address(address): address for search in watched for address in search.notify}
    run_folder = home / "run"
    owner = LeaseOwner(run_folder)
    try:
        with database.write() as tx:
            unconfirmed_count = alerts.mark_unsure(tx, find_live_owners(run_folder))
        for search in watched:
            channels = [notify_channels.hash_address(address) for address in search.notify]
            with database.write() as tx:
                alerts.queue_alerts(tx, search.name, search.query, channels, now())
        article_counts: dict[str, int] = {}
        errors: list[str] = []
        with database.read() as tx:
            due = alerts.load_due_alerts(tx, now())
        for alert in due:
            address = addresses.get(alert.channel)
            if address is None:
                continue
            error = _send_alert(database, alert, address, owner.token, now, send)
            if error:
                errors.append(f"{alert.search_name}: {notify_channels.mask_address(address)}: {error}")
            elif error is not None:
                count = article_counts.get(alert.search_name, 0)
                article_counts[alert.search_name] = max(count, len(alert.article_ids))
    except BaseException:
        owner.abandon()
        raise
    owner.close()
    return AlertRunResult(article_counts=article_counts, errors=tuple(errors), unconfirmed_count=unconfirmed_count)


def _build_alert_message(database: Database, alert: Alert) -> Message:
    library = Library(database)
    newest = [
        article
        for article_id in alert.article_ids[-MAX_LISTED:]
        if (article := library.article(article_id)) is not None
    ]
    return build_search_message(alert.search_name, newest, len(alert.article_ids))


def _send_alert(
    database: Database, alert: Alert, address: str, sender: str, now: Callable[[], datetime], send: SendMessage
) -> str | None:
    """Send an alert; return the error, "" on success, or None if another process sends it."""
    message = _build_alert_message(database, alert)
    with database.write() as tx:
        if not alerts.claim_alert(tx, alert.id, sender):
            return None
    error = send(address, message)
    with database.write() as tx:
        if not error:
            alerts.mark_sent(tx, alert.id, now())
        else:
            wait = min(_FIRST_WAIT * 2 ** min(alert.attempts, 16), _MAX_WAIT)
            alerts.schedule_retry(tx, alert.id, error, now() + wait)
    return error
