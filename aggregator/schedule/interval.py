"""Compute the wait before the next poll of an index from its publishing profile and the price of a request; pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from aggregator.schedule.learn_profile import entries_per_day, entries_per_day_at, recent_boost
from storage.model.publishing_profile import PublishingProfile
from storage.timestamps import DAY, HOUR

STEEPNESS = 1.2
"""1 minimises the mean delay; more favours the median article at the expense of sources that publish little."""
MAX_NEW_SHARE = 0.2
"""Maximum expected share of new entries in an index at the next poll; the rest is for unexpected entries."""
MAX_ACTIVE_WAIT_SECONDS = 105 * 60.0
"""Maximum wait of an active index in seconds; a quiet index waits longer and longer."""
QUIET_AFTER_DAYS = 45.0
"""Days without a new entry after which an index is quiet."""
CROWDED_SHARE = 0.3
"""Share of new entries at the last poll from which on the next poll follows after the minimum wait."""
SECONDARY_QUIET_AFTER_DAYS = 0.5
"""Days without a new entry after which an index is quiet that only adds to the source's main indexes."""


@dataclass(frozen=True, slots=True)
class IntervalBounds:
    """Minimum and maximum seconds between two polls; without `is_main`, an index is quiet sooner."""

    min_seconds: float = 300.0
    max_seconds: float = DAY
    is_main: bool = True


def compute_wait(profile: PublishingProfile, now: float, price: float, bounds: IntervalBounds) -> float:
    """Return the seconds until the next poll is worth its price.

    `price` is the delay that justifies one request: the sum of the delays of new entries in days, weighted by the
    rate of the index. At a constant rate of `r` entries a day, the wait is sqrt(2 * price / r ** STEEPNESS) days.
    """
    if profile.latest >= max(2.0, CROWDED_SHARE * profile.window):
        return bounds.min_seconds
    boost = recent_boost(profile)
    most = max_wait(profile, now, bounds)
    room = _max_new_entries(profile)
    paid = weight = came = 0.0
    at, latest = now, now + most
    while at < latest:
        until = min((at // HOUR + 1) * HOUR, latest)
        span = (until - at) / DAY
        per_day = entries_per_day_at(profile, at) * boost
        worth = per_day**STEEPNESS
        # Known entries go on waiting and new ones join them: paid + weight * x + worth * x * x / 2 = price.
        if paid + weight * span + worth * span * span / 2 >= price:
            at += DAY * _positive_root(worth / 2, weight, paid - price)
            break
        if came + per_day * span >= room:
            at += DAY * (room - came) / per_day
            break
        paid += weight * span + worth * span * span / 2
        weight += worth * span
        came += per_day * span
        at = until
    return min(max(at - now, bounds.min_seconds), most)


def min_shared_wait(waits: Iterable[float], max_per_day: float) -> float:
    """Return the minimum wait in seconds at which the indexes of one host are polled at most `max_per_day` times a day.

    `waits` are the seconds that each index would wait alone. An index that waits longer than the minimum leaves its
    share to the others. Return 0 if no minimum is needed.
    """
    remaining, longest_first = max_per_day, sorted(waits, reverse=True)
    for number, seconds in enumerate(longest_first):
        level = (len(longest_first) - number) * DAY / remaining
        if seconds <= level:
            return level
        remaining -= DAY / seconds
    return 0.0


def _max_new_entries(profile: PublishingProfile) -> float:
    """Return the maximum expected number of new entries at the next poll."""
    return max(1.0, MAX_NEW_SHARE * profile.window)


def max_wait(profile: PublishingProfile, now: float, bounds: IntervalBounds) -> float:
    """Return the maximum wait of an index in seconds, which grows with the time since its newest entry."""
    since = (now - max(profile.newest_at, profile.first_at)) / DAY
    usual_gap = 1 / entries_per_day(profile)
    patience = QUIET_AFTER_DAYS if bounds.is_main else SECONDARY_QUIET_AFTER_DAYS
    quiet = max(
        0.0, since - max(patience, min(3 * usual_gap, QUIET_AFTER_DAYS)) if bounds.is_main else since - patience
    )
    return min(max(bounds.min_seconds, MAX_ACTIVE_WAIT_SECONDS * (1 + quiet / patience)), bounds.max_seconds)


def _positive_root(a: float, b: float, c: float) -> float:
    """Return the positive root of a x^2 + b x + c for c <= 0."""
    if a <= 0:
        return -c / b
    return 2 * -c / (b + math.sqrt(b * b - 4 * a * c))


def find_price(profiles: Iterable[PublishingProfile], now: float, budget: float, bounds: IntervalBounds) -> float:
    """Return the price at which all indexes together are polled about `budget` times in the coming day.

    The estimate uses the rate of each index in every hour. The caller corrects `budget` by the actual number of polls.
    """
    profiles = list(profiles)
    if not profiles:
        return 1.0
    rates = np.maximum(
        [[entries_per_day_at(profile, now + hour * HOUR) for hour in range(24)] for profile in profiles], 1e-9
    )
    most = np.array([[max_wait(profile, now, bounds)] for profile in profiles])
    room = np.array([[_max_new_entries(profile)] for profile in profiles])
    longest = np.clip(room / rates * DAY, bounds.min_seconds, most)
    unit = np.sqrt(2 / rates**STEEPNESS) * DAY
    low, high = -14.0, 6.0  # powers of ten, between which every price lies
    for _ in range(30):
        middle = (low + high) / 2
        waits = np.clip(unit * 10 ** (middle / 2), bounds.min_seconds, longest)
        if (HOUR / waits).sum() > budget:
            low = middle
        else:
            high = middle
    return float(10**high)
