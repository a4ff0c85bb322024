"""When a kept article is looked at again: a ladder from minutes to weeks, as dense as edits are likely; pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aggregator.crawl.host_limiter import host_of
from storage.crawl import ladder, revisits
from storage.crawl.ladder import Look, Past, Step

if TYPE_CHECKING:
    from storage.db.writer import Transaction

RUNGS = (
    timedelta(minutes=15), timedelta(hours=1), timedelta(hours=3),
    timedelta(days=1), timedelta(days=3), timedelta(days=7), timedelta(days=30),
)  # fmt: skip
"""The ages at which an article is looked at."""
SOON, LATER = timedelta(minutes=15), timedelta(hours=12)
"""After an edit it is looked at after half of its age, but within these."""
AGAIN_AFTER = timedelta(hours=1)
"""After no answer, or a page that is not there; and where that was so before, after half of the article's age."""
LIVELY_FOR, LIVELY_GAP = timedelta(days=7), timedelta(hours=12)
"""As long as others still tell its story, an article of the week is looked at twice a day."""
SHARE = 0.2
"""Looks are less than this part of what a host is asked for."""
OFTEN, MOST_SPARSE = 0.04, 4.0
"""Where fewer looks find an edit, they are made more seldom, down to so much."""
_PRIOR_CHANGED, _PRIOR_LOOKS = 1.0, 25.0


def first_step(article_id: int, source: str, published: datetime | None, now: datetime) -> Step | None:
    """The first look at an article that was just kept; None where it is too old to be looked at."""
    begun = min(published or now, now)
    return _on_rung(article_id, source, begun, now, 1.0)


def next_step(step: Step, outcome: Look, past: Past, now: datetime, *, is_lively: bool) -> Step | None:
    """The look after one that came to `outcome`; None after the last. `past` tells how looks at the source went."""
    age = now - step.begun_at
    if outcome in (Look.FAILED, Look.MISSING):
        is_first = step.gap > AGAIN_AFTER.total_seconds()
        wait = AGAIN_AFTER if is_first else max(age / 2, AGAIN_AFTER)
        return _after(step, wait, now) if age <= RUNGS[-1] + AGAIN_AFTER else None
    if outcome == Look.CHANGED and age < RUNGS[-1]:
        return _after(step, min(max(age / 2, SOON), LATER), now)
    planned = _on_rung(step.article_id, step.source, step.begun_at, now, sparseness(past))
    if is_lively and age < LIVELY_FOR and (planned is None or planned.due_at > now + LIVELY_GAP):
        return _after(step, LIVELY_GAP, now)
    return planned


def sparseness(past: Past) -> float:
    """By how much longer the waits are at a source whose articles are hardly ever edited; 1 where they are."""
    share = (past.changed + _PRIOR_CHANGED) / (past.looks + _PRIOR_LOOKS)
    return min(max(OFTEN / share, 1.0), MOST_SPARSE)


def allowed(requests: int, looks: int) -> int:
    """How many looks more a host may be asked for after so many other requests and looks in a day."""
    return max(0, int((requests * SHARE / (1 - SHARE)) - looks - 1e-9))


def chosen(steps: list[Step], most: int) -> list[Step]:
    """Which of the looks that are due are made: the youngest articles' first, and of four one that waited longest."""
    young = sorted(steps, key=lambda one: (one.gap, one.due_at))
    waiting = sorted(steps, key=lambda one: one.due_at)
    taken: dict[int, Step] = {}
    for turn in range(len(steps) * 2):
        if len(taken) >= min(most, len(steps)):
            break
        queue = waiting if turn % 4 == 3 else young
        one = next((step for step in queue if step.article_id not in taken), None)
        if one is not None:
            taken[one.article_id] = one
    return list(taken.values())


def _on_rung(article_id: int, source: str, begun: datetime, now: datetime, stretch: float) -> Step | None:
    """At the next rung, or with `stretch` above 1 at the first that is so much older again; at the last in any case."""
    age = now - begun
    left = [rung for rung in RUNGS if rung > age * 1.05]
    if not left:
        return None
    rung = next((rung for rung in left if stretch <= 1 or rung >= age * (1.5 * stretch)), left[-1])
    return Step(
        article_id=article_id, source=source, begun_at=begun, due_at=begun + rung,
        gap=int((rung - age).total_seconds()),
    )  # fmt: skip


def _after(step: Step, wait: timedelta, now: datetime) -> Step:
    return Step(
        article_id=step.article_id, source=step.source, begun_at=step.begun_at, due_at=now + wait,
        gap=int(wait.total_seconds()),
    )  # fmt: skip


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
