"""The planner of a process: appoints each index's next reading, at a price that keeps to the budget of requests."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from aggregator.crawl.polled import IndexPoll
from aggregator.schedule.interval import Bounds, price_for
from aggregator.schedule.plan import Terms, next_reading
from spiders.source import Source
from storage.rhythm import Rhythm
from storage.state import Appointment

THRIFT = 0.95
"""The share of the budget that is planned: the rest is for what could not be foreseen."""
LEAST_SPENT = 0.25
"""Days that have to be counted before what was spent corrects what is planned."""
_QUICKNESS = 1 / 12
_NEVER = datetime(1, 1, 1, tzinfo=UTC)


class Planner:
    """Knows the price; `budget` counts requests for indexes a day, of all sources together."""

    def __init__(self, budget: float, *, rng: random.Random | None = None) -> None:
        self._aim = self._asked = THRIFT * budget
        self._reached_at = _NEVER
        self._terms = Terms(shake=(rng or random.Random()).random)  # noqa: S311 - it only spreads requests

    @property
    def price(self) -> float:
        """What a request costs at present (`interval.wait`)."""
        return self._terms.price

    def reprice(self, rhythms: Sequence[Rhythm], now: float, *, spent: int, days: float) -> None:
        """Find the price anew; `spent` requests were made in the last `days`, at most one. Meant for every hour."""
        if days >= LEAST_SPENT and spent:
            self._asked *= (self._aim * min(days, 1.0) / spent) ** _QUICKNESS
            self._asked = min(max(self._asked, self._aim / 4), self._aim * 4)
        if rhythms:
            self._terms = replace(self._terms, price=price_for(rhythms, now, self._asked, Bounds()))

    def __call__(
        self,
        source: Source,
        before: Appointment | None,
        poll: IndexPoll,
        *,
        parked_until: datetime | None,
        now: datetime,
    ) -> Appointment:
        """The appointment that follows a poll (a `runner.Plan`)."""
        if poll.status:
            self._reached_at = now
        # Since this index was asked last, no other was reached either: then it is our own network that is away.
        is_offline = before is not None and self._reached_at < before.set_at
        terms = replace(self._terms, is_offline=is_offline)
        return next_reading(source, before, poll, parked_until=parked_until, now=now, terms=terms)
