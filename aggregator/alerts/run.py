"""A round of the saved searches: what is new since the last one is put down, and told."""

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
"""Sends a message to an address; returns what went wrong, or nothing."""
_FIRST_WAIT, _MAX_WAIT = timedelta(minutes=1), timedelta(hours=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedSearch:
    """A saved search as it is asked, and the addresses that are told."""

    name: str
    query: Query
    notify: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRunResult:
    """What came of a round: articles told of by search, what went wrong, and messages of which nobody knows."""

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
    """Look for what is new, and send every message that is due; may run in several processes at once."""
    watched = [one for one in searches if one.notify]
    addresses = {notify_channels.hash_address(address): address for one in watched for address in one.notify}
    run_folder = home / "run"
    owner = LeaseOwner(run_folder)
    try:
        with database.write() as tx:
            unsure = alerts.mark_unsure(tx, find_live_owners(run_folder))
        for one in watched:
            with database.write() as tx:
                alerts.queue_alerts(
                    tx, one.name, one.query, [notify_channels.hash_address(address) for address in one.notify], now()
                )
        told: dict[str, int] = {}
        troubles: list[str] = []
        with database.read() as tx:
            due = alerts.load_due_alerts(tx, now())
        for alert in due:
            if alert.channel not in addresses:
                continue
            trouble = _send_alert(database, alert, addresses[alert.channel], owner.token, now, send)
            if trouble:
                troubles.append(
                    f"{alert.search_name}: {notify_channels.mask_address(addresses[alert.channel])}: {trouble}"
                )
            elif trouble is not None:
                told[alert.search_name] = max(told.get(alert.search_name, 0), len(alert.article_ids))
    except BaseException:
        owner.abandon()
        raise
    owner.close()
    return AlertRunResult(article_counts=told, errors=tuple(troubles), unconfirmed_count=unsure)


def _build_alert_message(database: Database, alert: Alert) -> Message:
    """What a message says."""
    library = Library(database)
    newest = [found for one in alert.article_ids[-MAX_LISTED:] if (found := library.article(one)) is not None]
    return build_search_message(alert.search_name, newest, len(alert.article_ids))


def _send_alert(
    database: Database, alert: Alert, address: str, sender: str, now: Callable[[], datetime], send: SendMessage
) -> str | None:
    """What went wrong with a message, nothing, or None where somebody else sends it."""
    text = _build_alert_message(database, alert)
    with database.write() as tx:
        if not alerts.claim_alert(tx, alert.id, sender):
            return None
    trouble = send(address, text)
    with database.write() as tx:
        if not trouble:
            alerts.mark_sent(tx, alert.id, now())
        else:
            wait = min(_FIRST_WAIT * 2 ** min(alert.attempts, 16), _MAX_WAIT)
            alerts.schedule_retry(tx, alert.id, trouble, now() + wait)
    return trouble
