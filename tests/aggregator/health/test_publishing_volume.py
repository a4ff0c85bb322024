"""Usual volume, silence, slowdowns and floods of a source."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from aggregator.health.publishing_volume import (
    compute_baseline,
    count_open_days,
    find_silence,
    find_slowdown,
    is_flood,
    learn_volume,
)
from storage.timestamps import DAY, HOUR

NOW = datetime(2026, 3, 2, tzinfo=UTC).timestamp()  # a Monday


def poisson(per_day: float, days: float = 200.0, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.sort(NOW - rng.uniform(0, days * DAY, rng.poisson(per_day * days)))


def on_weekdays(per_day: int = 6, days: int = 200) -> np.ndarray:
    """Return publication times from nine to five, Monday to Friday."""
    mornings = [NOW - ago * DAY for ago in range(1, days) if datetime.fromtimestamp(NOW - ago * DAY, UTC).weekday() < 5]
    return np.sort([at + (9 + 8 * number / per_day) * HOUR for at in mornings for number in range(per_day)])


def silent_after(times: np.ndarray) -> float | None:
    """Return the days after the last article at which the source is silent."""
    volume = learn_volume(times, NOW)
    assert volume is not None
    last = float(volume.events[-1])
    return next((ago for ago in np.arange(0, 400, 0.05) if find_silence(volume, last + ago * DAY)), None)


@pytest.mark.parametrize("per_day", [0.1, 1.0, 10.0, 100.0])
def test_silence_is_found_within_two_usual_gaps_and_a_day(per_day: float) -> None:
    days = silent_after(poisson(per_day, 480.0))
    assert days is not None
    assert 4.6 / per_day < days < 1.15 * 2 * 4.6 / per_day + 1


def test_weekend_is_no_silence_and_the_days_after_are() -> None:
    volume = learn_volume(on_weekdays(), NOW)  # the last article came on Friday afternoon
    assert volume is not None
    weekend = count_open_days(volume, float(volume.events[-1]), NOW)
    week = count_open_days(volume, NOW, NOW + 3 * DAY)
    assert weekend < 0.25 * week
    assert find_silence(volume, NOW + 9 * HOUR) is None
    assert find_silence(volume, NOW + 3 * DAY) is not None


def test_few_articles_give_no_volume() -> None:
    assert learn_volume([], NOW) is None
    assert learn_volume([NOW - 100 * DAY, NOW - 99 * DAY, NOW - 99 * DAY + 60], NOW) is None


def test_articles_within_an_hour_are_one_event() -> None:
    times = [NOW - ago * DAY + minute * 60 for ago in range(30, 0, -1) for minute in (0, 5, 9)]
    volume = learn_volume(times, NOW)
    assert volume is not None
    assert len(volume.events) == 30
    assert volume.articles_per_day == pytest.approx(3 * volume.events_per_day)


def test_holiday_of_all_sources_is_no_silence() -> None:
    sources = [poisson(10.0, seed=seed) for seed in range(12)]
    until = NOW - 3 * DAY
    before = [volume for times in sources if (volume := learn_volume(times[times <= until], until))]
    quiet = [
        times[(times <= until) | (np.arange(len(times)) % 10 == 0)] for times in sources
    ]  # a tenth of the usual for three days
    volumes = [volume for times in quiet if (volume := learn_volume(times, NOW))]
    baseline = compute_baseline(volumes, NOW)
    assert max(baseline[:3]) < 0.3 < 0.7 < min(baseline[4:])
    assert find_silence(before[0], NOW) is not None
    assert find_silence(before[0], NOW, baseline) is None
    assert set(compute_baseline(volumes[:3], NOW)) == {1.0}  # too few sources for a baseline


def test_far_fewer_articles_are_a_slowdown_and_chance_is_not() -> None:
    times = poisson(10.0)
    volume = learn_volume(times, NOW)
    assert volume is not None
    assert find_slowdown(volume, NOW) is None
    remaining = np.concatenate((times[times < NOW - 10 * DAY], times[times >= NOW - 10 * DAY][::10]))
    slow = learn_volume(remaining, NOW)
    assert slow is not None
    assert find_slowdown(slow, NOW) is not None


def test_flood_is_far_more_than_the_fullest_day() -> None:
    volume = learn_volume(poisson(10.0), NOW)
    assert volume is not None
    assert not is_flood(volume, volume.fullest_day + 20)
    assert is_flood(volume, 4 * volume.fullest_day + 30)
