"""Learn when and how often an index publishes; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from storage.model.publishing_profile import HOURS, WEEKDAYS, PublishingProfile
from storage.timestamps import DAY, HOUR

HALF_LIFE_DAYS = 21.0
"""Days after which an observation counts half."""
RECENT_HALF_LIFE_HOURS = 5.0
"""Hours after which a recent entry counts half for `recent_boost`."""
PRIOR_ENTRIES, PRIOR_DAYS = 0.5, 0.5
"""Assumed observation of an index before the first real one."""
HOUR_PRIOR_ENTRIES, WEEKDAY_PRIOR_ENTRIES = 8.0, 12.0
"""Number of entries at which the observed factor of an hour, or of a weekday, counts half."""
BOOST_PRIOR_ENTRIES = 2.5
"""Number of entries above or below the expectation of the last hours that is regarded as chance."""
MIN_BOOST, MAX_BOOST = 0.5, 5.0
MAX_SAMPLE_DAYS = 60.0
"""Maximum age in days of entries that the first poll learns from."""
_KERNEL = ((-2, 0.08), (-1, 0.22), (0, 0.4), (1, 0.22), (2, 0.08))
_AVERAGED_POLLS = 12
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday


def start_profile(now: float, published: Sequence[float], window: int) -> PublishingProfile:
    """Return the profile after the first poll, learned from the publication times (POSIX seconds) of the entries.

    `window` is the number of entries in the index.
    """
    dated = sorted(at for at in published if now - MAX_SAMPLE_DAYS * DAY < at <= now)
    profile = PublishingProfile(first_at=now, at=now, window=window, named=float(window))
    if len(dated) < 2:
        return replace(profile, newest_at=dated[-1] if dated else 0.0)
    # The oldest entry only begins the sample: the gap before it is unknown.
    sample = replace(profile, first_at=dated[0], at=dated[0])
    for at in dated[1:]:
        sample = _add_entries(_fade(sample, at), [at])
    return replace(_fade(sample, now), newest_at=dated[-1], lately=0.0, expected=0.0)


def update_profile(
    profile: PublishingProfile, now: float, new_published: Sequence[float], entry_count: int
) -> PublishingProfile:
    """Return the profile after a poll at `now` of an index with `entry_count` entries.

    `new_published` are the publication times of the new entries, clamped to the time since the last poll.
    """
    since = profile.at
    expected = expect_entries(profile, since, now)
    faded = _fade(profile, now)
    times = [min(max(at, since), now) for at in new_published]
    keep = 1 - 1 / _AVERAGED_POLLS
    return replace(
        _add_entries(faded, times),
        lately=faded.lately + len(times),
        expected=faded.expected + expected,
        window=max(entry_count, int(profile.window * keep)),
        named=profile.named * keep + entry_count / _AVERAGED_POLLS,
        new=profile.new * keep + len(times) / _AVERAGED_POLLS,
        newest_at=max([profile.newest_at, *times]),
        latest=len(times),
    )


def _fade(profile: PublishingProfile, now: float) -> PublishingProfile:
    days = max(0.0, (now - profile.at) / DAY)
    factor = 0.5 ** (days / HALF_LIFE_DAYS)
    recent_factor = 0.5 ** (days * 24 / RECENT_HALF_LIFE_HOURS)
    return replace(
        profile,
        at=max(now, profile.at),
        days=profile.days * factor + days,
        entries=profile.entries * factor,
        hours=tuple([count * factor for count in profile.hours]),
        weekdays=tuple([count * factor for count in profile.weekdays]),
        lately=profile.lately * recent_factor,
        expected=profile.expected * recent_factor,
    )


def _add_entries(profile: PublishingProfile, times: Sequence[float]) -> PublishingProfile:
    if not times:
        return profile
    hours, weekdays = list(profile.hours), list(profile.weekdays)
    for at in times:
        hour, weekday = _hour_and_weekday(at)
        hours[hour] += 1
        weekdays[weekday] += 1
    return replace(profile, entries=profile.entries + len(times), hours=tuple(hours), weekdays=tuple(weekdays))


def _hour_and_weekday(at: float) -> tuple[int, int]:
    """Return the hour in UTC, and the weekday with Monday as 0."""
    return int(at // HOUR) % HOURS, (int(at // DAY) + _EPOCH_WEEKDAY) % WEEKDAYS


def entries_per_day(profile: PublishingProfile) -> float:
    """Return the mean number of entries per day."""
    return (profile.entries + PRIOR_ENTRIES) / (profile.days + PRIOR_DAYS)


def peak_entries_per_day(profile: PublishingProfile) -> float:
    """Return the rate in the busiest hour, in entries per day."""
    return entries_per_day(profile) * max(hour_factor(profile, hour) for hour in range(HOURS))


def recent_boost(profile: PublishingProfile) -> float:
    """Return the factor by which the entries of the last hours exceed the expected number."""
    return min(
        max((profile.lately + BOOST_PRIOR_ENTRIES) / (profile.expected + BOOST_PRIOR_ENTRIES), MIN_BOOST), MAX_BOOST
    )


def hour_factor(profile: PublishingProfile, hour: int) -> float:
    """Return the rate in a UTC hour relative to the mean of all hours."""
    near = sum([weight * profile.hours[(hour + step) % HOURS] for step, weight in _KERNEL])
    return (near * HOURS + HOUR_PRIOR_ENTRIES) / (profile.entries + HOUR_PRIOR_ENTRIES)


def weekday_factor(profile: PublishingProfile, weekday: int) -> float:
    """Return the rate on a weekday (Monday is 0) relative to the mean of all weekdays."""
    return (profile.weekdays[weekday] * WEEKDAYS + WEEKDAY_PRIOR_ENTRIES) / (profile.entries + WEEKDAY_PRIOR_ENTRIES)


def entries_per_day_at(profile: PublishingProfile, at: float) -> float:
    """Return the rate at a time in entries per day, without the recent boost."""
    hour, weekday = _hour_and_weekday(at)
    return entries_per_day(profile) * hour_factor(profile, hour) * weekday_factor(profile, weekday)


def expect_entries(profile: PublishingProfile, begin: float, end: float) -> float:
    """Return the expected number of entries between two times; a period above three days has the mean rate."""
    if end - begin > 3 * DAY:
        return entries_per_day(profile) * (end - begin) / DAY
    total, at = 0.0, begin
    while at < end:
        until = min(end, (at // HOUR + 1) * HOUR)
        total += entries_per_day_at(profile, at) * (until - at) / DAY
        at = until
    return total
