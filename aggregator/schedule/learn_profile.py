"""Learns how often, at what hours and on what days an index names something new; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from storage.model.publishing_profile import HOURS, WEEKDAYS, PublishingProfile
from storage.timestamps import DAY, HOUR

HALF_LIFE_DAYS = 21.0
"""Days after which what was seen counts half."""
RECENT_HALF_LIFE_HOURS = 5.0
"""Hours after which what came lately counts half."""
PRIOR_ENTRIES, PRIOR_DAYS = 0.5, 0.5
"""What is believed of an index before anything was seen of it."""
HOUR_PRIOR_ENTRIES, WEEKDAY_PRIOR_ENTRIES = 8.0, 12.0
"""So many entries have to come before an hour, or a weekday, is taken to be half as different as it looks."""
BOOST_PRIOR_ENTRIES = 2.5
"""So many entries more or fewer than expected in the last hours are chance."""
MIN_BOOST, MAX_BOOST = 0.5, 5.0
MAX_SAMPLE_DAYS = 60.0
"""Days back to which the entries of a first reading tell of the rhythm."""
_KERNEL = ((-2, 0.08), (-1, 0.22), (0, 0.4), (1, 0.22), (2, 0.08))
_AVERAGED_POLLS = 12
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday


def start_profile(now: float, published: Sequence[float], window: int) -> PublishingProfile:
    """What a first reading tells: its entries' own dates are a sample of the past, where they have any."""
    dated = sorted(at for at in published if now - MAX_SAMPLE_DAYS * DAY < at <= now)
    rhythm = PublishingProfile(first_at=now, at=now, window=window, named=float(window))
    if len(dated) < 2:
        return replace(rhythm, newest_at=dated[-1] if dated else 0.0)
    # The oldest of a window only begins it: what came between it and the one before is not known.
    began_at = dated[0]
    sample = replace(rhythm, first_at=began_at, at=began_at)
    for at in dated[1:]:
        sample = _add_entries(_fade(sample, at), [at])
    seen = _fade(sample, now)
    return replace(seen, newest_at=dated[-1], lately=0.0, expected=0.0)


def update_profile(
    profile: PublishingProfile, now: float, new_published: Sequence[float], entry_count: int
) -> PublishingProfile:
    """After a poll at `now` of an index that named so many entries.

    Those that are new were published at `came`, which is clamped to the time since the last poll.
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
    left = 0.5 ** (days / HALF_LIFE_DAYS)
    lately = 0.5 ** (days * 24 / RECENT_HALF_LIFE_HOURS)
    return replace(
        profile,
        at=max(now, profile.at),
        days=profile.days * left + days,
        entries=profile.entries * left,
        hours=tuple([one * left for one in profile.hours]),
        weekdays=tuple([one * left for one in profile.weekdays]),
        lately=profile.lately * lately,
        expected=profile.expected * lately,
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
    """In UTC; Monday is 0."""
    return int(at // HOUR) % HOURS, (int(at // DAY) + _EPOCH_WEEKDAY) % WEEKDAYS


def entries_per_day(profile: PublishingProfile) -> float:
    """How many entries come a day, over all hours and days."""
    return (profile.entries + PRIOR_ENTRIES) / (profile.days + PRIOR_DAYS)


def peak_entries_per_day(profile: PublishingProfile) -> float:
    """How many entries a day come in the busiest hour."""
    return entries_per_day(profile) * max(hour_factor(profile, hour) for hour in range(HOURS))


def recent_boost(profile: PublishingProfile) -> float:
    """By how much more, or less, comes in these hours than usual."""
    return min(
        max((profile.lately + BOOST_PRIOR_ENTRIES) / (profile.expected + BOOST_PRIOR_ENTRIES), MIN_BOOST), MAX_BOOST
    )


def hour_factor(profile: PublishingProfile, hour: int) -> float:
    """How much more comes in a UTC hour than in the average one."""
    near = sum([weight * profile.hours[(hour + step) % HOURS] for step, weight in _KERNEL])
    return (near * HOURS + HOUR_PRIOR_ENTRIES) / (profile.entries + HOUR_PRIOR_ENTRIES)


def weekday_factor(profile: PublishingProfile, weekday: int) -> float:
    """How much more comes on a weekday (Monday is 0) than on the average one."""
    return (profile.weekdays[weekday] * WEEKDAYS + WEEKDAY_PRIOR_ENTRIES) / (profile.entries + WEEKDAY_PRIOR_ENTRIES)


def entries_per_day_at(profile: PublishingProfile, at: float) -> float:
    """Entries a day at a moment, as the rhythm alone has it."""
    hour, weekday = _hour_and_weekday(at)
    return entries_per_day(profile) * hour_factor(profile, hour) * weekday_factor(profile, weekday)


def expect_entries(profile: PublishingProfile, begin: float, end: float) -> float:
    """How many entries should have come between two moments; a long time is taken at its average."""
    if end - begin > 3 * DAY:
        return entries_per_day(profile) * (end - begin) / DAY
    total, at = 0.0, begin
    while at < end:
        until = min(end, (at // HOUR + 1) * HOUR)
        total += entries_per_day_at(profile, at) * (until - at) / DAY
        at = until
    return total
