"""Distribute the request budget over all indexes of the process."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from aggregator.crawl.host_limiter import host_of
from aggregator.crawl.index_response import IndexPoll
from aggregator.schedule.interval import IntervalBounds, compute_wait, find_price, min_shared_wait
from aggregator.schedule.next_poll import PlanningTerms, plan_next_poll
from spiders.source import Source
from storage.model.crawl import NextPoll
from storage.model.publishing_profile import PublishingProfile

PLANNED_SHARE = 0.95
"""Planned share of the budget; the rest is for unforeseen requests."""
HOST_POLLS_PER_DAY = 600.0
"""Maximum number of polls of one host's indexes per day, of all its sources: two indexes at the shortest interval."""
MAX_SHARED_WAIT_SECONDS = 12 * 3600.0
"""Maximum seconds that an index waits because others share its host; only hundreds of indexes lead to more."""
MIN_COUNTED_DAYS = 0.25
"""Minimum days of counted requests before they correct the planned number."""
_CORRECTION_RATE, _MAX_CORRECTION = 1 / 12, 4.0
_NEVER, _EVER = datetime(1, 1, 1, tzinfo=UTC), datetime(1, 1, 2, tzinfo=UTC)


class BudgetPlanner:
    """Plans polls at a price that keeps to `polls_per_day`: index requests per source, on average over all sources."""

    def __init__(self, polls_per_day: float, *, rng: random.Random | None = None) -> None:
        self._target_per_source, self._correction = PLANNED_SHARE * polls_per_day, 1.0
        self._reached_at = _NEVER
        self._min_wait_by_host: dict[str, float] = {}
        self._terms = PlanningTerms(jitter=(rng or random.Random()).random)  # noqa: S311 - only spreads requests

    @property
    def price(self) -> float:
        """Present price of a request (`interval.compute_wait`)."""
        return self._terms.price

    def reprice(
        self, profiles: Sequence[PublishingProfile], now: float, *, sources: int, spent: int, days: float
    ) -> None:
        """Compute the price from the profiles of all indexes; called every hour.

        `sources` is the number of sources, `spent` the number of their requests in the last `days`, at most one day.
        """
        target = self._target_per_source * sources
        if days >= MIN_COUNTED_DAYS and spent:
            corrected = self._correction * (target * min(days, 1.0) / spent) ** _CORRECTION_RATE
            self._correction = min(max(corrected, 1 / _MAX_CORRECTION), _MAX_CORRECTION)
        if profiles:
            price = find_price(profiles, now, target * self._correction, IntervalBounds())
            self._terms = replace(self._terms, price=price)

    def share_hosts(self, next_polls: Sequence[NextPoll], now: float) -> None:
        """Compute the minimum wait of each host's indexes from their planned polls; call `reprice` first."""
        waits: dict[str, list[float]] = {}
        for next_poll in next_polls:
            waits.setdefault(host_of(next_poll.url), []).append(self._expected_wait(next_poll, now))
        self._min_wait_by_host = {
            host: min_shared_wait(host_waits, HOST_POLLS_PER_DAY) for host, host_waits in waits.items()
        }

    def _expected_wait(self, next_poll: NextPoll, now: float) -> float:
        """Return the seconds that an index would wait if it were alone on its host.

        The planned wait counts if it is very long, as of further sitemaps, or shorter than any learned wait. Other
        planned waits may be a result of sharing, and are computed again.
        """
        gap = (next_poll.next_at - next_poll.set_at).total_seconds()
        if (
            next_poll.publishing_profile is None
            or gap > MAX_SHARED_WAIT_SECONDS
            or 0 < gap < IntervalBounds().min_seconds
        ):
            return max(gap, 1.0)
        return compute_wait(next_poll.publishing_profile, now, self.price, IntervalBounds())

    def __call__(
        self,
        source: Source,
        previous: NextPoll | None,
        poll: IndexPoll,
        *,
        parked_until: datetime | None,
        now: datetime,
    ) -> NextPoll:
        """Return the next poll after a poll (a `PollPlanner`)."""
        if poll.status:
            self._reached_at = now
        # If no index was reached since the last poll of this one, the own network is down.
        is_offline = self._reached_at < (previous.set_at if previous is not None else _EVER)
        host_wait = self._min_wait_by_host.get(host_of(poll.endpoint), 0.0)
        terms = replace(self._terms, is_offline=is_offline, min_host_wait=host_wait)
        return plan_next_poll(source, previous, poll, parked_until=parked_until, now=now, terms=terms)
