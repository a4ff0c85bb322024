"""The planner of a process: appoints each index's next reading, at a price that keeps to the budget of requests."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from aggregator.crawl.host_limiter import host_of
from aggregator.crawl.index_poll import IndexPoll
from aggregator.schedule.interval import Bounds, price_for, shared_least, wait
from aggregator.schedule.next_poll import Terms, next_reading
from spiders.source import Source
from storage.model.crawl import Appointment
from storage.model.publishing_profile import Rhythm

THRIFT = 0.95
"""The share of the budget that is planned: the rest is for what could not be foreseen."""
HOST_POLLS_A_DAY = 600.0
"""How often the indexes of one host are asked in a day, of whichever sources: two of them at the shortest interval."""
RARELY = 12 * 3600.0
"""Seconds beyond which no index waits because others share its host: there would have to be hundreds of them."""
LEAST_SPENT = 0.25
"""Days that have to be counted before what was spent corrects what is planned."""
_QUICKNESS, _MOST_CORRECTION = 1 / 12, 4.0
_NEVER, _EVER = datetime(1, 1, 1, tzinfo=UTC), datetime(1, 1, 2, tzinfo=UTC)


class Planner:
    """Knows the price; `polls_a_day` counts requests for indexes of a source, on average over all sources."""

    def __init__(self, polls_a_day: float, *, rng: random.Random | None = None) -> None:
        self._aim, self._correction = THRIFT * polls_a_day, 1.0
        self._reached_at = _NEVER
        self._least: dict[str, float] = {}
        self._terms = Terms(shake=(rng or random.Random()).random)  # noqa: S311 - it only spreads requests

    @property
    def price(self) -> float:
        """What a request costs at present (`interval.wait`)."""
        return self._terms.price

    def reprice(self, rhythms: Sequence[Rhythm], now: float, *, sources: int, spent: int, days: float) -> None:
        """Find the price anew, meant for every hour.

        The rhythms are those of so many sources, at which `spent` requests were made in the last `days`, at most one.
        """
        aim = self._aim * sources
        if days >= LEAST_SPENT and spent:
            corrected = self._correction * (aim * min(days, 1.0) / spent) ** _QUICKNESS
            self._correction = min(max(corrected, 1 / _MOST_CORRECTION), _MOST_CORRECTION)
        if rhythms:
            price = price_for(rhythms, now, aim * self._correction, Bounds())
            self._terms = replace(self._terms, price=price)

    def share_hosts(self, known: Sequence[Appointment], now: float) -> None:
        """Find anew how often the indexes of each host may be asked, by their appointments; after `reprice`."""
        waits: dict[str, list[float]] = {}
        for one in known:
            waits.setdefault(host_of(one.url), []).append(self._foreseen(one, now))
        self._least = {host: shared_least(found, HOST_POLLS_A_DAY) for host, found in waits.items()}

    def _foreseen(self, one: Appointment, now: float) -> float:
        """Seconds that an index would wait if it were alone on its host.

        For one that is asked rarely, as further sitemaps are, or more often than is ever learned, those for which it
        was appointed; those of others may have come of sharing.
        """
        gap = (one.next_at - one.set_at).total_seconds()
        if one.rhythm is None or gap > RARELY or 0 < gap < Bounds().least:
            return max(gap, 1.0)
        return wait(one.rhythm, now, self.price, Bounds())

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
        # Since this index was asked last, or ever, no other was reached: then it is our own network that is away.
        is_offline = self._reached_at < (before.set_at if before is not None else _EVER)
        host_least = self._least.get(host_of(poll.endpoint), 0.0)
        terms = replace(self._terms, is_offline=is_offline, host_least=host_least)
        return next_reading(source, before, poll, parked_until=parked_until, now=now, terms=terms)
