"""Usual publishing volume of a source, silence and floods; pure.

Time is measured in open days: an open day is the time in which the source usually publishes as much as on an average
day, so nights, weekends and public holidays count little. Articles published within an hour are one event.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.timestamps import DAY, HOUR

if TYPE_CHECKING:
    import numpy as np

WEEK_HOURS = 168
MAX_HISTORY_DAYS = 500.0
"""Maximum age of the articles that the usual volume is learned from."""
MIN_EVENTS = 4
"""Minimum number of events for a usual volume."""
EVENT_SPAN_SECONDS = HOUR
_MONDAY = 4  # 1970-01-05 was a Monday
_KERNEL = (0.08, 0.22, 0.4, 0.22, 0.08)
_FLAT_HOURS, _FLAT_WEEKDAYS = 8.0, 12.0
_MIN_WEIGHT = 0.02
"""Minimum weight of an hour, so that open time never stops."""
_PRIOR_GAPS = 150.0
"""Number of gaps at which a source's own spread counts as much as the spread of random events."""
_TAIL = 3.6
"""The 99th percentile of exponentially distributed gaps, in standard deviations above the mean."""
_SILENT_GAPS, _SILENT_SLACK_DAYS = 1.83, 0.6
"""A source is silent after this many usual gaps and open days; chosen with benchmarks/health.py."""
_SLOW_EXPECTED_EVENTS, _SLOW_MAX_EVENTS, _SLOW_EARLIER_DAYS = 40.0, 10.0, 40.0
"""A source is slow if it had at most `_SLOW_MAX_EVENTS` in the time in which `_SLOW_EXPECTED_EVENTS` were expected,
and a usual number in the open days before."""
_FLOOD_TIMES, _FLOOD_EXCESS = 3.0, 30
"""A flood is this many times the articles of the fullest day, and at least this many more."""
_BASELINE_DAYS, _MIN_SOURCES, _MIN_EXPECTED, _MIN_BASELINE, _MAX_SOURCE_WEIGHT = 14, 8, 20.0, 0.1, 10.0

Baseline = Sequence[float]
"""Share of the usual volume that all sources published in the last 24 hours, in the 24 hours before, and so on."""
NO_BASELINE: Baseline = ()


@dataclass(frozen=True, slots=True)
class PublishingVolume:
    """Usual volume of a source. `times` and `events` are the sorted POSIX seconds of its articles and events.

    `profile` holds the weight of each hour of the week in UTC, from Monday, with mean 1. Days are open days.
    `usual_gap` is the 99th percentile of the gaps in open days, `fullest_day` the number of articles in the fullest
    24 hours.
    """

    times: np.ndarray
    events: np.ndarray
    profile: np.ndarray
    articles_per_day: float
    events_per_day: float
    usual_gap: float
    fullest_day: int

    @property
    def silence_threshold(self) -> float:
        """Number of open days without an event after which the source is silent."""
        return _SILENT_GAPS * self.usual_gap + _SILENT_SLACK_DAYS


def learn_volume(times: Sequence[float] | np.ndarray, now: float) -> PublishingVolume | None:
    """Return the usual volume from sorted publication times (POSIX seconds), or None if there are too few."""
    if len(times) < MIN_EVENTS:
        return None
    import numpy as np

    published = np.asarray(times, dtype=float)
    published = published[(published > now - MAX_HISTORY_DAYS * DAY) & (published <= now)]
    events = _group_events(published)
    if len(events) < MIN_EVENTS:
        return None
    profile = _learn_weights(events)
    clock = build_open_clock(profile, float(events[0]), now)
    gaps = np.diff(clock(events))
    mean, count = float(gaps.mean()), len(gaps)
    own_spread = float(gaps.std()) / mean
    spread = math.sqrt((count * own_spread**2 + _PRIOR_GAPS) / (count + _PRIOR_GAPS))
    return PublishingVolume(
        times=published,
        events=events,
        profile=profile,
        articles_per_day=len(published) / len(events) / mean,
        events_per_day=1 / mean,
        usual_gap=mean * (1 + _TAIL * spread),
        fullest_day=int(np.bincount(((now - published) // DAY).astype(int)).max()),
    )


def _group_events(times: np.ndarray) -> np.ndarray:
    """Return the times of events, each the first of the articles within an hour."""
    import numpy as np

    firsts, position = [], 0
    while position < len(times):
        firsts.append(position)
        position = int(np.searchsorted(times, times[position] + EVENT_SPAN_SECONDS, side="right"))
    return times[firsts]


def _learn_weights(events: np.ndarray) -> np.ndarray:
    """Return the weight of each hour of the week; with few events the weights are nearly equal."""
    import numpy as np

    hours = (events // HOUR).astype(int) % 24
    weekdays = ((events // DAY).astype(int) - _MONDAY) % 7
    by_hour = np.bincount(hours, minlength=24).astype(float)
    near = sum(w * np.roll(by_hour, step) for w, step in zip(_KERNEL, (-2, -1, 0, 1, 2), strict=True))
    hour_weight = (near * 24 + _FLAT_HOURS) / (len(events) + _FLAT_HOURS)
    by_weekday = np.bincount(weekdays, minlength=7).astype(float)
    weekday_weight = (by_weekday * 7 + _FLAT_WEEKDAYS) / (len(events) + _FLAT_WEEKDAYS)
    profile = np.maximum(np.outer(weekday_weight, hour_weight).ravel(), _MIN_WEIGHT)
    return np.asarray(profile / profile.mean())


def build_open_clock(
    profile: np.ndarray, begin: float, end: float, baseline: Baseline = NO_BASELINE
) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function that converts times up to `end` to open days since the hour of `begin`."""
    import numpy as np

    first, last = int(begin // HOUR), int(end // HOUR) + 1
    hours = np.arange(first, last)
    weights = profile[(hours - _MONDAY * 24) % WEEK_HOURS]
    if len(baseline):
        ago = np.clip(((end - hours * HOUR) // DAY).astype(int), 0, None)
        factors = np.append(np.asarray(baseline, dtype=float), 1.0)
        weights = weights * factors[np.minimum(ago, len(baseline))]
    open_days = np.concatenate(([0.0], np.cumsum(weights))) / 24
    hour_starts = np.arange(first, last + 1) * HOUR
    return lambda times: np.interp(times, hour_starts, open_days)


def count_open_days(volume: PublishingVolume, begin: float, end: float, baseline: Baseline = NO_BASELINE) -> float:
    """Return the number of open days between two times."""
    if end <= begin:
        return 0.0
    import numpy as np

    before, after = build_open_clock(volume.profile, begin, end, baseline)(np.array([begin, end]))
    return float(after - before)


def find_silence(volume: PublishingVolume, last_read_at: float, baseline: Baseline = NO_BASELINE) -> float | None:
    """Return the time since which a source is silent, or None; its last successful poll was at `last_read_at`."""
    last = float(volume.events[-1])
    return last if count_open_days(volume, last, last_read_at, baseline) > volume.silence_threshold else None


@dataclass(frozen=True, slots=True)
class Slowdown:
    """A period since `since` with fewer events than expected."""

    since: float
    events: int
    expected: float


def find_slowdown(volume: PublishingVolume, last_read_at: float, baseline: Baseline = NO_BASELINE) -> Slowdown | None:
    """Return the period in which far fewer events came than usual, or None if that may be chance."""
    import numpy as np

    begin, period = float(volume.events[0]), _SLOW_EXPECTED_EVENTS / volume.events_per_day
    clock = build_open_clock(volume.profile, begin, max(last_read_at, begin), baseline)
    if (now := float(clock(np.array([last_read_at]))[0])) < 2 * period:  # the period would be compared with itself
        return None
    times = clock(volume.events)
    recent = volume.events[times > now - period]
    before = (times > now - period - _SLOW_EARLIER_DAYS) & (times <= now - period)
    was_usual = before.sum() >= 0.5 * volume.events_per_day * min(_SLOW_EARLIER_DAYS, now - period)
    if len(recent) > _SLOW_MAX_EVENTS or not was_usual:  # a slowdown that lasts has become usual
        return None
    return Slowdown(float(recent[0]) if len(recent) else float(volume.events[-1]), len(recent), _SLOW_EXPECTED_EVENTS)


def is_flood(volume: PublishingVolume, article_count: int) -> bool:
    """Return whether a number of articles in 24 hours is far above the fullest day."""
    return article_count > _FLOOD_TIMES * volume.fullest_day and article_count >= volume.fullest_day + _FLOOD_EXCESS


def compute_baseline(volumes: Sequence[PublishingVolume], now: float) -> Baseline:
    """Return the baseline of all sources: on a public holiday a source is not silent if all sources publish less.

    Days with too small an expected volume count as usual. A source counts at most three times its usual volume, and
    the weight of busy sources is limited.
    """
    if len(volumes) < _MIN_SOURCES:
        return [1.0] * _BASELINE_DAYS
    import numpy as np

    factors = []
    for ago in range(_BASELINE_DAYS):
        begin, end = now - (ago + 1) * DAY, now - ago * DAY
        actual, usual = 0.0, 0.0
        for volume in volumes:
            expected = volume.articles_per_day * count_open_days(volume, begin, end)
            first, last = np.searchsorted(volume.times, [begin, end])
            weight = min(1.0, _MAX_SOURCE_WEIGHT / max(expected, 1e-9))
            actual += weight * min(float(last - first), 3 * expected)
            usual += weight * expected
        factors.append(min(max(actual / usual, _MIN_BASELINE), 1.0) if usual >= _MIN_EXPECTED else 1.0)
    return factors
