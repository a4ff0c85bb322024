"""Which second looks at kept articles can be made now, within their share of what a host is asked for."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aggregator.crawl.host_limiter import host_of
from aggregator.crawl.revisit_schedule import allowed, chosen
from storage.crawl import ladder, revisits

if TYPE_CHECKING:
    from storage.db.writer import Transaction

GO_ON = timedelta(minutes=1)
"""How soon a source is polled again of which more waits to be fetched."""


def affordable(
    tx: Transaction, source: str, index_hosts: Collection[str], now: datetime, most: int
) -> list[ladder.Step]:
    """The looks that are due and that the source's hosts can be asked for, within their share of a day's requests.

    Requests for indexes count for an article only where it lies on the host of one.
    """
    steps = ladder.due_looks(tx, source, now)
    if not steps:
        return []
    past = ladder.spent(tx, source, now)
    everywhere = allowed(past.pages, past.looks)
    beside_indexes = allowed(past.pages + past.indexes, past.looks)
    if beside_indexes <= 0:
        return []
    addresses = revisits.addresses_of(tx, [step.article_id for step in steps])
    at_index: list[ladder.Step] = []
    elsewhere: list[ladder.Step] = []
    for step in steps:
        is_at_index = host_of(addresses.get(step.article_id, "")) in index_hosts
        (at_index if is_at_index else elsewhere).append(step)
    found = chosen(at_index, min(most, beside_indexes))
    return found + chosen(elsewhere, max(0, min(most, everywhere) - len(found)))


def next_look(tx: Transaction, source: str, index_hosts: Collection[str], now: datetime) -> list[tuple[datetime, str]]:
    """When the next look at a kept article can be made, as a list that is empty where none can."""
    reason = "a kept article is to be looked at again"
    if affordable(tx, source, index_hosts, now, 1):
        return [(now + GO_ON, reason)]
    at, past = ladder.next_due(tx, source, now), ladder.spent(tx, source, now)
    if at is None or allowed(past.pages, past.looks) <= 0:
        return []
    return [(max(at, now + GO_ON), reason)]
