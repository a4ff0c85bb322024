"""Learns how often, at what hours and on what days an index names something new; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from storage.model.publishing_profile import HOURS, WEEKDAYS, Rhythm

DAY, HOUR = 86_400.0, 3_600.0
FADES = 21.0
"""Days after which what was seen counts half."""
LATELY = 5.0
"""Hours after which what came lately counts half."""
PRIOR_ENTRIES, PRIOR_DAYS = 0.5, 0.5
"""What is believed of an index before anything was seen of it."""
FLAT_HOURS, FLAT_WEEKDAYS = 8.0, 12.0
"""So many entries have to come before an hour, or a weekday, is taken to be half as different as it looks."""
STEADY = 2.5
"""So many entries more or fewer than expected in the last hours are chance."""
LEAST_BOOST, MOST_BOOST = 0.5, 5.0
OLDEST = 60.0
"""Days back to which the entries of a first reading tell of the rhythm."""
_KERNEL = ((-2, 0.08), (-1, 0.22), (0, 0.4), (1, 0.22), (2, 0.08))
_POLLS = 12
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday


def began(now: float, published: Sequence[float], window: int) -> Rhythm:
    """What a first reading tells: its entries' own dates are a sample of the past, where they have any."""
    dated = sorted(at for at in published if now - OLDEST * DAY < at <= now)
    rhythm = Rhythm(first_at=now, at=now, window=window, named=float(window))
    if len(dated) < 2:
        return replace(rhythm, newest_at=dated[-1] if dated else 0.0)
    # The oldest of a window only begins it: what came between it and the one before is not known.
    began_at = dated[0]
    sample = replace(rhythm, first_at=began_at, at=began_at)
    for at in dated[1:]:
        sample = _with(_faded(sample, at), [at])
    seen = _faded(sample, now)
    return replace(seen, newest_at=dated[-1], lately=0.0, expected=0.0)


def learned(rhythm: Rhythm, now: float, came: Sequence[float], named: int) -> Rhythm:
    """After a poll at `now` of an index that named so many entries.

    Those that are new were published at `came`, which is clamped to the time since the last poll.
    """
    since = rhythm.at
    expected = expected_between(rhythm, since, now)
    faded = _faded(rhythm, now)
    times = [min(max(at, since), now) for at in came]
    keep = 1 - 1 / _POLLS
    return replace(
        _with(faded, times),
        lately=faded.lately + len(times),
        expected=faded.expected + expected,
        window=max(named, int(rhythm.window * keep)),
        named=rhythm.named * keep + named / _POLLS,
        new=rhythm.new * keep + len(times) / _POLLS,
        newest_at=max([rhythm.newest_at, *times]),
        latest=len(times),
    )


def _faded(rhythm: Rhythm, now: float) -> Rhythm:
    days = max(0.0, (now - rhythm.at) / DAY)
    left = 0.5 ** (days / FADES)
    lately = 0.5 ** (days * 24 / LATELY)
    return replace(
        rhythm,
        at=max(now, rhythm.at),
        days=rhythm.days * left + days,
        entries=rhythm.entries * left,
        hours=tuple([one * left for one in rhythm.hours]),
        weekdays=tuple([one * left for one in rhythm.weekdays]),
        lately=rhythm.lately * lately,
        expected=rhythm.expected * lately,
    )


def _with(rhythm: Rhythm, times: Sequence[float]) -> Rhythm:
    if not times:
        return rhythm
    hours, weekdays = list(rhythm.hours), list(rhythm.weekdays)
    for at in times:
        hour, weekday = _hour_and_weekday(at)
        hours[hour] += 1
        weekdays[weekday] += 1
    return replace(rhythm, entries=rhythm.entries + len(times), hours=tuple(hours), weekdays=tuple(weekdays))


def _hour_and_weekday(at: float) -> tuple[int, int]:
    """In UTC; Monday is 0."""
    return int(at // HOUR) % HOURS, (int(at // DAY) + _EPOCH_WEEKDAY) % WEEKDAYS


def a_day(rhythm: Rhythm) -> float:
    """How many entries come a day, over all hours and days."""
    return (rhythm.entries + PRIOR_ENTRIES) / (rhythm.days + PRIOR_DAYS)


def busiest(rhythm: Rhythm) -> float:
    """How many entries a day come in the busiest hour."""
    return a_day(rhythm) * max(hour_factor(rhythm, hour) for hour in range(HOURS))


def boost(rhythm: Rhythm) -> float:
    """By how much more, or less, comes in these hours than usual."""
    return min(max((rhythm.lately + STEADY) / (rhythm.expected + STEADY), LEAST_BOOST), MOST_BOOST)


def hour_factor(rhythm: Rhythm, hour: int) -> float:
    """How much more comes in a UTC hour than in the average one."""
    near = sum([weight * rhythm.hours[(hour + step) % HOURS] for step, weight in _KERNEL])
    return (near * HOURS + FLAT_HOURS) / (rhythm.entries + FLAT_HOURS)


def weekday_factor(rhythm: Rhythm, weekday: int) -> float:
    """How much more comes on a weekday (Monday is 0) than on the average one."""
    return (rhythm.weekdays[weekday] * WEEKDAYS + FLAT_WEEKDAYS) / (rhythm.entries + FLAT_WEEKDAYS)


def rate(rhythm: Rhythm, at: float) -> float:
    """Entries a day at a moment, as the rhythm alone has it."""
    hour, weekday = _hour_and_weekday(at)
    return a_day(rhythm) * hour_factor(rhythm, hour) * weekday_factor(rhythm, weekday)


def expected_between(rhythm: Rhythm, begin: float, end: float) -> float:
    """How many entries should have come between two moments; a long time is taken at its average."""
    if end - begin > 3 * DAY:
        return a_day(rhythm) * (end - begin) / DAY
    total, at = 0.0, begin
    while at < end:
        until = min(end, (at // HOUR + 1) * HOUR)
        total += rate(rhythm, at) * (until - at) / DAY
        at = until
    return total
