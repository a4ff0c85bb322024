"""The planner of a process: appoints each index's next reading, at a price that keeps to the budget of requests."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from aggregator.crawl.host_limiter import host_of
from aggregator.crawl.index_poll import IndexPoll
from aggregator.schedule.interval import IntervalBounds, compute_wait, find_price, min_shared_wait
from aggregator.schedule.next_poll import PlanningTerms, plan_next_poll
from spiders.source import Source
from storage.model.crawl import NextPoll
from storage.model.publishing_profile import PublishingProfile

PLANNED_SHARE = 0.95
"""The share of the budget that is planned: the rest is for what could not be foreseen."""
HOST_POLLS_PER_DAY = 600.0
"""How often the indexes of one host are asked in a day, of whichever sources: two of them at the shortest interval."""
MAX_SHARED_WAIT_SECONDS = 12 * 3600.0
"""Seconds beyond which no index waits because others share its host: there would have to be hundreds of them."""
MIN_COUNTED_DAYS = 0.25
"""Days that have to be counted before what was spent corrects what is planned."""
_CORRECTION_RATE, _MAX_CORRECTION = 1 / 12, 4.0
_NEVER, _EVER = datetime(1, 1, 1, tzinfo=UTC), datetime(1, 1, 2, tzinfo=UTC)


class BudgetPlanner:
    """Knows the price; `polls_a_day` counts requests for indexes of a source, on average over all sources."""

    def __init__(self, polls_per_day: float, *, rng: random.Random | None = None) -> None:
        self._target_per_source, self._correction = PLANNED_SHARE * polls_per_day, 1.0
        self._reached_at = _NEVER
        self._min_wait_by_host: dict[str, float] = {}
        self._terms = PlanningTerms(jitter=(rng or random.Random()).random)  # noqa: S311 - it only spreads requests

    @property
    def price(self) -> float:
        """What a request costs at present (`interval.wait`)."""
        return self._terms.price

    def reprice(
        self, profiles: Sequence[PublishingProfile], now: float, *, sources: int, spent: int, days: float
    ) -> None:
        """Find the price anew, meant for every hour.

        The rhythms are those of so many sources, at which `spent` requests were made in the last `days`, at most one.
        """
        aim = self._target_per_source * sources
        if days >= MIN_COUNTED_DAYS and spent:
            corrected = self._correction * (aim * min(days, 1.0) / spent) ** _CORRECTION_RATE
            self._correction = min(max(corrected, 1 / _MAX_CORRECTION), _MAX_CORRECTION)
        if profiles:
            price = find_price(profiles, now, aim * self._correction, IntervalBounds())
            self._terms = replace(self._terms, price=price)

    def share_hosts(self, next_polls: Sequence[NextPoll], now: float) -> None:
        """Find anew how often the indexes of each host may be asked, by their appointments; after `reprice`."""
        waits: dict[str, list[float]] = {}
        for one in next_polls:
            waits.setdefault(host_of(one.url), []).append(self._expected_wait(one, now))
        self._min_wait_by_host = {host: min_shared_wait(found, HOST_POLLS_PER_DAY) for host, found in waits.items()}

    def _expected_wait(self, next_poll: NextPoll, now: float) -> float:
        """Seconds that an index would wait if it were alone on its host.

        For one that is asked rarely, as further sitemaps are, or more often than is ever learned, those for which it
        was appointed; those of others may have come of sharing.
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
        """The appointment that follows a poll (a `runner.Plan`)."""
        if poll.status:
            self._reached_at = now
        # Since this index was asked last, or ever, no other was reached: then it is our own network that is away.
        is_offline = self._reached_at < (previous.set_at if previous is not None else _EVER)
        host_least = self._min_wait_by_host.get(host_of(poll.endpoint), 0.0)
        terms = replace(self._terms, is_offline=is_offline, min_host_wait=host_least)
        return plan_next_poll(source, previous, poll, parked_until=parked_until, now=now, terms=terms)
