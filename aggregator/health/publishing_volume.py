"""How much a source publishes, by weekday and hour, and when its silence is none of its usual ones; pure.

Time is counted in open days: a day of them is as long as it takes the source to publish what it publishes on an
average day, so that a weekend, a night or a public holiday counts for little. What comes within an hour is one event.
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
"""How far back what a source published tells of how it publishes."""
MIN_EVENTS = 4
"""So many events have to be known before a silence is told of."""
EVENT_SPAN_SECONDS = HOUR
_MONDAY = 4  # 1970-01-05 was the first one
_KERNEL = (0.08, 0.22, 0.4, 0.22, 0.08)
_FLAT_HOURS, _FLAT_WEEKDAYS = 8.0, 12.0
_MIN_WEIGHT = 0.02
"""No hour is so quiet that time stands still."""
_PRIOR_GAPS = 150.0
"""As many gaps have to be known before a source's own spread of gaps counts as much as that of events at random."""
_TAIL = 3.6
"""The 99th percentile of waits at random, above their mean, in standard deviations."""
_SILENT_GAPS, _SILENT_SLACK_DAYS = 1.83, 0.6
"""A silence is told of after so many usual gaps and so much of an open day: chosen by benchmarks/health.py."""
_SLOW_EXPECTED_EVENTS, _SLOW_MAX_EVENTS, _SLOW_EARLIER_DAYS = 40.0, 10.0, 40.0
"""A source is slow where so few events came in the time of so many, and in so many open days before it was not."""
_FLOOD_TIMES, _FLOOD_EXCESS = 3.0, 30
"""A flood is so many times the articles of its fullest day, and so many more than that."""
_BASELINE_DAYS, _MIN_SOURCES, _MIN_EXPECTED, _MIN_BASELINE, _MAX_SOURCE_WEIGHT = 14, 8, 20.0, 0.1, 10.0

Baseline = Sequence[float]
"""How much of the usual all sources together published, in the last 24 hours, in the 24 before them, and so on."""
NO_BASELINE: Baseline = ()


@dataclass(frozen=True, slots=True)
class PublishingVolume:
    """What is usual for a source. `times` are its articles', `events` its events' POSIX seconds, sorted.

    `profile` is the weight of each hour of a week, in UTC, from Monday; the weights are 1 on average. `a_day` counts
    articles and `events_a_day` events an open day, `usual_gap` is the 99th percentile of its gaps in open days;
    `fullest_day` counts the articles of its fullest 24 hours.
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
        """The open days without anything new after which a source is silent."""
        return _SILENT_GAPS * self.usual_gap + _SILENT_SLACK_DAYS


def learn_volume(times: Sequence[float] | np.ndarray, now: float) -> PublishingVolume | None:
    """What is usual, from when articles were published (POSIX seconds, sorted); None while too little is known."""
    if len(times) < MIN_EVENTS:
        return None
    import numpy as np

    known = np.asarray(times, dtype=float)
    known = known[(known > now - MAX_HISTORY_DAYS * DAY) & (known <= now)]
    events = _group_events(known)
    if len(events) < MIN_EVENTS:
        return None
    profile = _learn_weights(events)
    clock = build_open_clock(profile, float(events[0]), now)
    gaps = np.diff(clock(events))
    mean, count = float(gaps.mean()), len(gaps)
    own = float(gaps.std()) / mean
    spread = math.sqrt((count * own**2 + _PRIOR_GAPS) / (count + _PRIOR_GAPS))
    return PublishingVolume(
        times=known,
        events=events,
        profile=profile,
        articles_per_day=len(known) / len(events) / mean,
        events_per_day=1 / mean,
        usual_gap=mean * (1 + _TAIL * spread),
        fullest_day=int(np.bincount(((now - known) // DAY).astype(int)).max()),
    )


def _group_events(times: np.ndarray) -> np.ndarray:
    """What comes within an hour of an event's first article is part of it."""
    import numpy as np

    firsts, place = [], 0
    while place < len(times):
        firsts.append(place)
        place = int(np.searchsorted(times, times[place] + EVENT_SPAN_SECONDS, side="right"))
    return times[firsts]


def _learn_weights(events: np.ndarray) -> np.ndarray:
    """The weight of each hour of a week; the fewer events, the flatter."""
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
    """Tells the open days from the hour of `begin` to moments up to `end`."""
    import numpy as np

    first, last = int(begin // HOUR), int(end // HOUR) + 1
    hours = np.arange(first, last)
    weights = profile[(hours - _MONDAY * 24) % WEEK_HOURS]
    if len(baseline):
        ago = np.clip(((end - hours * HOUR) // DAY).astype(int), 0, None)
        factors = np.append(np.asarray(baseline, dtype=float), 1.0)
        weights = weights * factors[np.minimum(ago, len(baseline))]
    reached = np.concatenate(([0.0], np.cumsum(weights))) / 24
    marks = np.arange(first, last + 1) * HOUR
    return lambda moments: np.interp(moments, marks, reached)


def count_open_days(volume: PublishingVolume, begin: float, end: float, baseline: Baseline = NO_BASELINE) -> float:
    """How many open days lie between two moments."""
    if end <= begin:
        return 0.0
    import numpy as np

    before, after = build_open_clock(volume.profile, begin, end, baseline)(np.array([begin, end]))
    return float(after - before)


def find_silence(volume: PublishingVolume, last_read_at: float, baseline: Baseline = NO_BASELINE) -> float | None:
    """Since when a source is silent whose index was last read well at `seen`; None where that is usual."""
    last = float(volume.events[-1])
    return last if count_open_days(volume, last, last_read_at, baseline) > volume.silence_threshold else None


@dataclass(frozen=True, slots=True)
class Slowdown:
    """So many events came since `since`, where `expected` were."""

    since: float
    events: int
    expected: float


def find_slowdown(volume: PublishingVolume, last_read_at: float, baseline: Baseline = NO_BASELINE) -> Slowdown | None:
    """Where far less comes than usual, though something does; None while that is chance."""
    import numpy as np

    begin, wanted = float(volume.events[0]), _SLOW_EXPECTED_EVENTS / volume.events_per_day
    clock = build_open_clock(volume.profile, begin, max(last_read_at, begin), baseline)
    if (now := float(clock(np.array([last_read_at]))[0])) < 2 * wanted:  # it would be compared with itself
        return None
    times = clock(volume.events)
    came = volume.events[times > now - wanted]
    lately = (times > now - wanted - _SLOW_EARLIER_DAYS) & (times <= now - wanted)
    was_usual = lately.sum() >= 0.5 * volume.events_per_day * min(_SLOW_EARLIER_DAYS, now - wanted)
    if len(came) > _SLOW_MAX_EVENTS or not was_usual:  # what is so for long has become usual
        return None
    return Slowdown(float(came[0]) if len(came) else float(volume.events[-1]), len(came), _SLOW_EXPECTED_EVENTS)


def is_flood(volume: PublishingVolume, article_count: int) -> bool:
    """Whether so many articles in 24 hours are far more than ever before."""
    return article_count > _FLOOD_TIMES * volume.fullest_day and article_count >= volume.fullest_day + _FLOOD_EXCESS


def compute_baseline(volumes: Sequence[PublishingVolume], now: float) -> Baseline:
    """How much of the usual came from all sources in each of the last days: public holidays are nobody's silence.

    Nothing is said of days on which too little was to be expected. A source counts for three times its usual at most,
    and busy ones do not drown the others.
    """
    if len(volumes) < _MIN_SOURCES:
        return [1.0] * _BASELINE_DAYS
    import numpy as np

    factors = []
    for ago in range(_BASELINE_DAYS):
        begin, end = now - (ago + 1) * DAY, now - ago * DAY
        came, usual = 0.0, 0.0
        for volume in volumes:
            expected = volume.articles_per_day * count_open_days(volume, begin, end)
            first, last = np.searchsorted(volume.times, [begin, end])
            weight = min(1.0, _MAX_SOURCE_WEIGHT / max(expected, 1e-9))
            came += weight * min(float(last - first), 3 * expected)
            usual += weight * expected
        factors.append(min(max(came / usual, _MIN_BASELINE), 1.0) if usual >= _MIN_EXPECTED else 1.0)
    return factors
