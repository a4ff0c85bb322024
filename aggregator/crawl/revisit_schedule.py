"""When a kept article is looked at again: a ladder from minutes to weeks, as dense as edits are likely; pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aggregator.crawl.host_limiter import host_of
from storage.crawl import ladder, revisits
from storage.crawl.ladder import RevisitCounts, RevisitResult, ScheduledRevisit

if TYPE_CHECKING:
    from storage.db.writer import Transaction

REVISIT_AGES = (
    timedelta(minutes=15), timedelta(hours=1), timedelta(hours=3),
    timedelta(days=1), timedelta(days=3), timedelta(days=7), timedelta(days=30),
)  # fmt: skip
"""The ages at which an article is looked at."""
MIN_WAIT_AFTER_EDIT, MAX_WAIT_AFTER_EDIT = timedelta(minutes=15), timedelta(hours=12)
"""After an edit it is looked at after half of its age, but within these."""
RETRY_AFTER = timedelta(hours=1)
"""After no answer, or a page that is not there; and where that was so before, after half of the article's age."""
ACTIVE_STORY_AGE, ACTIVE_STORY_INTERVAL = timedelta(days=7), timedelta(hours=12)
"""As long as others still tell its story, an article of the week is looked at twice a day."""
REVISIT_SHARE = 0.2
"""Looks are less than this part of what a host is asked for."""
USUAL_EDIT_SHARE, MAX_INTERVAL_FACTOR = 0.04, 4.0
"""Where fewer looks find an edit, they are made more seldom, down to so much."""
_PRIOR_EDITS, _PRIOR_REVISITS = 1.0, 25.0


def schedule_first(article_id: int, source: str, published: datetime | None, now: datetime) -> ScheduledRevisit | None:
    """The first look at an article that was just kept; None where it is too old to be looked at."""
    begun = min(published or now, now)
    return _schedule_at_age(article_id, source, begun, now, 1.0)


def schedule_next(
    last: ScheduledRevisit, outcome: RevisitResult, history: RevisitCounts, now: datetime, *, has_active_story: bool
) -> ScheduledRevisit | None:
    """The look after one that came to `outcome`; None after the last. `past` tells how looks at the source went."""
    age = now - last.published_at
    if outcome in (RevisitResult.FAILED, RevisitResult.MISSING):
        is_first = last.interval_seconds > RETRY_AFTER.total_seconds()
        wait = RETRY_AFTER if is_first else max(age / 2, RETRY_AFTER)
        return _schedule_after(last, wait, now) if age <= REVISIT_AGES[-1] + RETRY_AFTER else None
    if outcome == RevisitResult.CHANGED and age < REVISIT_AGES[-1]:
        return _schedule_after(last, min(max(age / 2, MIN_WAIT_AFTER_EDIT), MAX_WAIT_AFTER_EDIT), now)
    planned = _schedule_at_age(last.article_id, last.source, last.published_at, now, interval_factor(history))
    if (
        has_active_story
        and age < ACTIVE_STORY_AGE
        and (planned is None or planned.due_at > now + ACTIVE_STORY_INTERVAL)
    ):
        return _schedule_after(last, ACTIVE_STORY_INTERVAL, now)
    return planned


def interval_factor(history: RevisitCounts) -> float:
    """By how much longer the waits are at a source whose articles are hardly ever edited; 1 where they are."""
    share = (history.changed + _PRIOR_EDITS) / (history.revisits + _PRIOR_REVISITS)
    return min(max(USUAL_EDIT_SHARE / share, 1.0), MAX_INTERVAL_FACTOR)


def remaining_revisits(requests: int, revisits_made: int) -> int:
    """How many looks more a host may be asked for after so many other requests and looks in a day."""
    return max(0, int((requests * REVISIT_SHARE / (1 - REVISIT_SHARE)) - revisits_made - 1e-9))


def select_due(due: list[ScheduledRevisit], limit: int) -> list[ScheduledRevisit]:
    """Which of the looks that are due are made: the youngest articles' first, and of four one that waited longest."""
    young = sorted(due, key=lambda one: (one.interval_seconds, one.due_at))
    waiting = sorted(due, key=lambda one: one.due_at)
    taken: dict[int, ScheduledRevisit] = {}
    for turn in range(len(due) * 2):
        if len(taken) >= min(limit, len(due)):
            break
        queue = waiting if turn % 4 == 3 else young
        one = next((step for step in queue if step.article_id not in taken), None)
        if one is not None:
            taken[one.article_id] = one
    return list(taken.values())


def _schedule_at_age(
    article_id: int, source: str, begun: datetime, now: datetime, factor: float
) -> ScheduledRevisit | None:
    """At the next rung, or with `stretch` above 1 at the first that is so much older again; at the last in any case."""
    age = now - begun
    left = [rung for rung in REVISIT_AGES if rung > age * 1.05]
    if not left:
        return None
    rung = next((rung for rung in left if factor <= 1 or rung >= age * (1.5 * factor)), left[-1])
    return ScheduledRevisit(
        article_id=article_id, source=source, published_at=begun, due_at=begun + rung,
        interval_seconds=int((rung - age).total_seconds()),
    )  # fmt: skip


def _schedule_after(last: ScheduledRevisit, wait: timedelta, now: datetime) -> ScheduledRevisit:
    return ScheduledRevisit(
        article_id=last.article_id, source=last.source, published_at=last.published_at, due_at=now + wait,
        interval_seconds=int(wait.total_seconds()),
    )  # fmt: skip


CONTINUE_AFTER = timedelta(minutes=1)
"""How soon a source is polled again of which more waits to be fetched."""


def select_affordable(
    tx: Transaction, source: str, index_hosts: Collection[str], now: datetime, limit: int
) -> list[ladder.ScheduledRevisit]:
    """The looks that are due and that the source's hosts can be asked for, within their share of a day's requests.

    Requests for indexes count for an article only where it lies on the host of one.
    """
    steps = ladder.load_due_revisits(tx, source, now)
    if not steps:
        return []
    past = ladder.count_daily_requests(tx, source, now)
    everywhere = remaining_revisits(past.pages, past.revisits)
    beside_indexes = remaining_revisits(past.pages + past.indexes, past.revisits)
    if beside_indexes <= 0:
        return []
    addresses = revisits.load_addresses(tx, [step.article_id for step in steps])
    at_index: list[ladder.ScheduledRevisit] = []
    elsewhere: list[ladder.ScheduledRevisit] = []
    for step in steps:
        is_at_index = host_of(addresses.get(step.article_id, "")) in index_hosts
        (at_index if is_at_index else elsewhere).append(step)
    found = select_due(at_index, min(limit, beside_indexes))
    return found + select_due(elsewhere, max(0, min(limit, everywhere) - len(found)))


def find_next_revisit(
    tx: Transaction, source: str, index_hosts: Collection[str], now: datetime
) -> list[tuple[datetime, str]]:
    """When the next look at a kept article can be made, as a list that is empty where none can."""
    reason = "a kept article is to be looked at again"
    if select_affordable(tx, source, index_hosts, now, 1):
        return [(now + CONTINUE_AFTER, reason)]
    at, past = ladder.next_revisit_due_at(tx, source, now), ladder.count_daily_requests(tx, source, now)
    if at is None or remaining_revisits(past.pages, past.revisits) <= 0:
        return []
    return [(max(at, now + CONTINUE_AFTER), reason)]
