"""When a stored article is re-fetched next, within each host's request budget."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aggregator.crawl.host_limiter import host_of
from storage.crawl import revisit_schedule, revisits
from storage.crawl.revisit_schedule import RevisitCounts, RevisitResult, ScheduledRevisit

if TYPE_CHECKING:
    from storage.db.writer import Transaction

CONTINUE_AFTER = timedelta(minutes=1)
"""Wait before the next poll of a source with more to fetch."""
REVISIT_AGES = (
    timedelta(minutes=15), timedelta(hours=1), timedelta(hours=3),
    timedelta(days=1), timedelta(days=3), timedelta(days=7), timedelta(days=30),
)  # fmt: skip
"""Ages of an article at which it is revisited."""
MIN_WAIT_AFTER_EDIT, MAX_WAIT_AFTER_EDIT = timedelta(minutes=15), timedelta(hours=12)
"""Bounds of the wait after an edit, which is half of the article's age."""
RETRY_AFTER = timedelta(hours=1)
"""Wait after a failed request or a missing page; after the second one in a row half of the article's age."""
ACTIVE_STORY_AGE, ACTIVE_STORY_INTERVAL = timedelta(days=7), timedelta(hours=12)
"""Longest interval up to this age, while new articles join the article's story."""
REVISIT_SHARE = 0.2
"""Upper limit of the share of revisits in the requests to a host."""
USUAL_EDIT_SHARE, MAX_INTERVAL_FACTOR = 0.04, 4.0
"""Share of revisits that usually find an edit; below it the intervals grow, up to this factor."""
_PRIOR_EDITS, _PRIOR_REVISITS = 1.0, 25.0
_AGE_TOLERANCE = 1.05
_MIN_AGE_GROWTH = 1.5


def schedule_first(article_id: int, source: str, published: datetime | None, now: datetime) -> ScheduledRevisit | None:
    """Return the first revisit of a new article, or None if it is too old."""
    published_at = min(published or now, now)
    return _schedule_at_age(article_id, source, published_at, now, 1.0)


def schedule_next(
    last: ScheduledRevisit, result: RevisitResult, history: RevisitCounts, now: datetime, *, has_active_story: bool
) -> ScheduledRevisit | None:
    """Return the revisit after one with this result, or None after the last; `history` counts the source's revisits."""
    age = now - last.published_at
    if result in (RevisitResult.FAILED, RevisitResult.MISSING):
        is_first = last.interval_seconds > RETRY_AFTER.total_seconds()
        wait = RETRY_AFTER if is_first else max(age / 2, RETRY_AFTER)
        return _schedule_after(last, wait, now) if age <= REVISIT_AGES[-1] + RETRY_AFTER else None
    if result == RevisitResult.CHANGED and age < REVISIT_AGES[-1]:
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
    """Return the factor, at least 1, that lengthens the intervals at a source whose articles are rarely edited."""
    share = (history.changed + _PRIOR_EDITS) / (history.revisits + _PRIOR_REVISITS)
    return min(max(USUAL_EDIT_SHARE / share, 1.0), MAX_INTERVAL_FACTOR)


def remaining_revisits(requests: int, revisits_made: int) -> int:
    """Return how many more revisits a host's other requests of a day permit."""
    return max(0, int((requests * REVISIT_SHARE / (1 - REVISIT_SHARE)) - revisits_made - 1e-9))


def select_due(due: list[ScheduledRevisit], limit: int) -> list[ScheduledRevisit]:
    """Return up to `limit` due revisits: the youngest articles first, and every fourth the one overdue longest."""
    youngest_first = sorted(due, key=lambda revisit: (revisit.interval_seconds, revisit.due_at))
    longest_due_first = sorted(due, key=lambda revisit: revisit.due_at)
    selected: dict[int, ScheduledRevisit] = {}
    for position in range(len(due) * 2):
        if len(selected) >= min(limit, len(due)):
            break
        queue = longest_due_first if position % 4 == 3 else youngest_first
        revisit = next((revisit for revisit in queue if revisit.article_id not in selected), None)
        if revisit is not None:
            selected[revisit.article_id] = revisit
    return list(selected.values())


def _schedule_at_age(
    article_id: int, source: str, published_at: datetime, now: datetime, factor: float
) -> ScheduledRevisit | None:
    """Schedule at the next of REVISIT_AGES, or None after the last.

    A `factor` above 1 skips ages until the article's age has grown by it, but never the last age.
    """
    age = now - published_at
    later_ages = [later for later in REVISIT_AGES if later > age * _AGE_TOLERANCE]
    if not later_ages:
        return None
    min_age = age * (_MIN_AGE_GROWTH * factor)
    due_age = next((later for later in later_ages if factor <= 1 or later >= min_age), later_ages[-1])
    return ScheduledRevisit(
        article_id=article_id, source=source, published_at=published_at, due_at=published_at + due_age,
        interval_seconds=int((due_age - age).total_seconds()),
    )  # fmt: skip


def _schedule_after(last: ScheduledRevisit, wait: timedelta, now: datetime) -> ScheduledRevisit:
    return ScheduledRevisit(
        article_id=last.article_id, source=last.source, published_at=last.published_at, due_at=now + wait,
        interval_seconds=int(wait.total_seconds()),
    )  # fmt: skip


def select_affordable(
    tx: Transaction, source: str, index_hosts: Collection[str], now: datetime, limit: int
) -> list[ScheduledRevisit]:
    """Return up to `limit` due revisits of a source that its hosts' shares of a day's requests permit.

    Requests for indexes count towards the share only of articles on a host of an index.
    """
    due = revisit_schedule.load_due_revisits(tx, source, now)
    if not due:
        return []
    daily = revisit_schedule.count_daily_requests(tx, source, now)
    elsewhere_limit = remaining_revisits(daily.pages, daily.revisits)
    index_host_limit = remaining_revisits(daily.pages + daily.indexes, daily.revisits)
    if index_host_limit <= 0:
        return []
    urls = revisits.load_addresses(tx, [revisit.article_id for revisit in due])
    on_index_hosts: list[ScheduledRevisit] = []
    elsewhere: list[ScheduledRevisit] = []
    for revisit in due:
        is_on_index_host = host_of(urls.get(revisit.article_id, "")) in index_hosts
        (on_index_hosts if is_on_index_host else elsewhere).append(revisit)
    selected = select_due(on_index_hosts, min(limit, index_host_limit))
    return selected + select_due(elsewhere, max(0, min(limit, elsewhere_limit) - len(selected)))


def find_next_revisit(
    tx: Transaction, source: str, index_hosts: Collection[str], now: datetime
) -> list[tuple[datetime, str]]:
    """Return the time of the next affordable revisit with the reason, as a list that is empty if there is none."""
    reason = "a stored article is due for a revisit"
    if select_affordable(tx, source, index_hosts, now, 1):
        return [(now + CONTINUE_AFTER, reason)]
    due_at = revisit_schedule.next_revisit_due_at(tx, source, now)
    daily = revisit_schedule.count_daily_requests(tx, source, now)
    if due_at is None or remaining_revisits(daily.pages, daily.revisits) <= 0:
        return []
    return [(max(due_at, now + CONTINUE_AFTER), reason)]
