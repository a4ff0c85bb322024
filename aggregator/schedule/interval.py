"""How long to wait before an index is read again: from its rhythm, and from what a request costs; pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from aggregator.schedule.learn_profile import entries_per_day, entries_per_day_at, recent_boost
from storage.model.publishing_profile import PublishingProfile
from storage.timestamps import DAY, HOUR

STEEPNESS = 1.2
"""1 makes the mean delay least; more serves the median article, at the cost of sources that publish little."""
MAX_NEW_SHARE = 0.2
"""How much of an index's window may be expected to be new at the next poll: the rest is for what nobody expects."""
MAX_ACTIVE_WAIT_SECONDS = 105 * 60.0
"""Seconds that an index is left alone at most while it lives; a quiet one is asked ever less often."""
QUIET_AFTER_DAYS = 45.0
"""Days without anything new after which an index is asked less often than a lively one."""
CROWDED_SHARE = 0.3
"""Where so much of a window was new at the last poll, the next comes as soon as it may."""
SECONDARY_QUIET_AFTER_DAYS = 0.5
"""The same for an index that adds nothing to what a source's main indexes named."""


@dataclass(frozen=True, slots=True)
class IntervalBounds:
    """The least and the most seconds between two polls; an index that only adds to others may be quiet sooner."""

    min_seconds: float = 300.0
    max_seconds: float = 86_400.0
    is_main: bool = True


def compute_wait(profile: PublishingProfile, now: float, price: float, bounds: IntervalBounds) -> float:
    """Seconds until the next poll is worth its price.

    `price` is the waiting, in entry-days weighted by how busy the index is, that pays for one request. Where a rate
    of `r` entries a day holds, that is after sqrt(2 * price / r ** STEEPNESS) days.
    """
    if profile.latest >= max(2.0, CROWDED_SHARE * profile.window):
        return bounds.min_seconds
    lift = recent_boost(profile)
    most = max_wait(profile, now, bounds)
    room = _max_new_entries(profile)
    paid = weight = came = 0.0
    at, latest = now, now + most
    while at < latest:
        until = min((at // HOUR + 1) * HOUR, latest)
        span = (until - at) / DAY
        per_day = entries_per_day_at(profile, at) * lift
        worth = per_day**STEEPNESS
        # What waits already goes on waiting, and more joins it: paid + weight * x + worth * x * x / 2 = price.
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
    """The least seconds between two polls of an index by which those of one host are polled so often a day at most.

    `waits` are the seconds that each index would wait by itself: one that waits longer anyway leaves its share to the
    others. 0 where together they ask for no more.
    """
    left, longest_first = max_per_day, sorted(waits, reverse=True)
    for number, seconds in enumerate(longest_first):
        level = (len(longest_first) - number) * DAY / left
        if seconds <= level:
            return level
        left -= DAY / seconds
    return 0.0


def _max_new_entries(profile: PublishingProfile) -> float:
    """How many entries may be expected to be new at the next poll."""
    return max(1.0, MAX_NEW_SHARE * profile.window)


def max_wait(profile: PublishingProfile, now: float, bounds: IntervalBounds) -> float:
    """The most seconds an index is left alone: longer, the longer nothing new came."""
    since = (now - max(profile.newest_at, profile.first_at)) / DAY
    usual_gap = 1 / entries_per_day(profile)
    patience = QUIET_AFTER_DAYS if bounds.is_main else SECONDARY_QUIET_AFTER_DAYS
    quiet = max(
        0.0, since - max(patience, min(3 * usual_gap, QUIET_AFTER_DAYS)) if bounds.is_main else since - patience
    )
    return min(max(bounds.min_seconds, MAX_ACTIVE_WAIT_SECONDS * (1 + quiet / patience)), bounds.max_seconds)


def _positive_root(a: float, b: float, c: float) -> float:
    """The positive root of a x^2 + b x + c, where c is not positive."""
    if a <= 0:
        return -c / b
    return 2 * -c / (b + math.sqrt(b * b - 4 * a * c))


def find_price(profiles: Iterable[PublishingProfile], now: float, budget: float, bounds: IntervalBounds) -> float:
    """The price at which all indexes together are polled about `budget` times a day.

    Foreseen from each index's rate at every hour of the coming day; how far that was from what was spent is for the
    caller to know, who then gives another budget.
    """
    known = list(profiles)
    if not known:
        return 1.0
    rates = np.maximum([[entries_per_day_at(one, now + hour * HOUR) for hour in range(24)] for one in known], 1e-9)
    most = np.array([[max_wait(one, now, bounds)] for one in known])
    room = np.array([[_max_new_entries(one)] for one in known])
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
