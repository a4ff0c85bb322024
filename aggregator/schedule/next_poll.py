"""Decide when an index is polled next, and say why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from apscheduler.triggers.cron import CronTrigger

from aggregator.crawl.index_response import IndexPoll
from aggregator.formatting import format_duration, format_minute, format_percent, format_time
from aggregator.schedule.interval import IntervalBounds, compute_wait
from aggregator.schedule.learn_profile import entries_per_day, peak_entries_per_day, start_profile, update_profile
from spiders.source import Source
from storage.model.crawl import SUCCESSFUL_OUTCOMES, IndexState, NextPoll
from storage.model.publishing_profile import PublishingProfile
from storage.timestamps import DAY

INITIAL_PRICE = 0.006
"""Price before anything is learned: an index with five new entries a day is polled about every hour."""
MAX_RETRY_SECONDS = 3600.0
"""Maximum wait in seconds of an index that has begun to fail."""
OFFLINE_WAIT, MAX_OFFLINE_WAIT = 300.0, 900.0
"""Minimum and maximum seconds between two attempts while no host can be reached."""
MAX_FAILURE_WEIGHT = 8.0
PARKED_AFTER, RETIRED_AFTER = timedelta(days=3), timedelta(days=60)
PARKED_WAIT, RETIRED_WAIT = timedelta(days=3), timedelta(days=365)
BACKLOG_WAIT = 7 * DAY
_MINUTE = timedelta(minutes=1)
_TEMPORARY_STATUSES = (408, 425, 429, 503)


@dataclass(frozen=True, slots=True)
class PlanningTerms:
    """Conditions of a plan that do not depend on the poll.

    `price` is the price of a request (`interval.compute_wait`), `jitter` returns a number from 0 to 1. With
    `is_offline` no host can be reached, and the index is not to blame. `min_host_wait` is the minimum wait in seconds
    because other indexes share the host.
    """

    price: float = INITIAL_PRICE
    jitter: Callable[[], float] = lambda: 0.5
    is_offline: bool = False
    min_host_wait: float = 0.0


def plan_next_poll(
    source: Source, previous: NextPoll | None, poll: IndexPoll, *, parked_until: datetime | None, now: datetime,
    terms: PlanningTerms = PlanningTerms(),
) -> NextPoll:  # fmt: skip
    """Return the next poll of an index after a poll."""
    profile = _update_profile(previous.publishing_profile if previous else None, poll, now)
    planned = NextPoll(source=source.name, url=poll.endpoint, next_at=now, publishing_profile=profile, set_at=now)
    if poll.judgement.outcome == "gone":
        reason = poll.judgement.reason or "HTTP 410"
        return replace(planned, next_at=now + RETIRED_WAIT, reason=reason, state=IndexState.RETIRED)
    usual, reason = _usual_wait(source, profile, poll, now, terms)
    if poll.judgement.outcome not in SUCCESSFUL_OUTCOMES:
        if terms.is_offline and not poll.status:
            return _plan_while_offline(planned, previous, usual, now)
        planned, retry_wait, reason = _plan_after_failure(planned, source, previous, poll, usual, now)
        is_host_parked = planned.state == IndexState.ASKED and parked_until is not None
        usual = source.min if is_host_parked else retry_wait
    next_at = now + timedelta(seconds=usual)
    if parked_until is not None and parked_until > next_at:
        next_at, reason = parked_until, f"the host asked to be left alone until {format_time(parked_until)}"
    return replace(planned, next_at=next_at, reason=reason)


def _update_profile(profile: PublishingProfile | None, poll: IndexPoll, now: datetime) -> PublishingProfile | None:
    """Return the profile after a poll; a failed poll leaves it unchanged."""
    if poll.judgement.outcome not in SUCCESSFUL_OUTCOMES:
        return profile
    at = now.timestamp()
    if profile is None:
        # A secondary index counts only entries that the main indexes lack, so its present entries are no sample.
        sample = [published.timestamp() for published in poll.all_published] if poll.is_main else []
        return start_profile(at, sample, poll.leads)
    times = [published.timestamp() if published else (profile.at + at) / 2 for published in poll.new_published]
    # An index that has not changed (HTTP 304) has as many entries as before.
    return update_profile(profile, at, times, poll.leads if poll.judgement.outcome == "ok" else profile.window)


def _usual_wait(
    source: Source, profile: PublishingProfile | None, poll: IndexPoll, now: datetime, terms: PlanningTerms
) -> tuple[float, str]:
    """Return the wait in seconds of an index that does not fail, and the reason."""
    if source.cron and (at := next_cron_time(source.cron, source.timezone or "UTC", now)) is not None:
        return (at.astimezone(UTC) - now).total_seconds(), f'at {at:%H:%M %Z}, from cron = "{source.cron}"'
    if source.every:
        return source.every, f"every {format_duration(source.every)}, as configured"
    if profile is None:
        return min(max(MAX_RETRY_SECONDS, source.min), source.max), "no successful poll yet"
    least = max(source.min, poll.requested_delay, terms.min_host_wait)
    most = max(source.max, BACKLOG_WAIT) if poll.is_backlog else source.max
    bounds = IntervalBounds(
        min_seconds=min(least, most), max_seconds=most, is_main=poll.is_main and not poll.is_backlog
    )
    seconds = compute_wait(profile, now.timestamp(), terms.price, bounds)
    is_shared = seconds <= terms.min_host_wait
    seconds = min(max(seconds * (0.97 + 0.06 * terms.jitter()), bounds.min_seconds), bounds.max_seconds)
    return seconds, f"every {format_duration(seconds)}: {_explain_interval(profile, source, poll, is_shared)}"


def next_cron_time(fields: str, timezone: str, now: datetime) -> datetime | None:
    """Return the next time after this minute that matches five cron fields in a time zone, or None.

    An hour that occurs twice because clocks are set back counts once, unless the fields match every hour.
    """
    trigger = CronTrigger.from_crontab(fields, timezone=timezone)
    every_hour = fields.split()[1].startswith("*")
    at: datetime | None = trigger.get_next_fire_time(None, now.replace(second=0, microsecond=0) + _MINUTE)
    while at is not None and at.fold and not every_hour:
        at = trigger.get_next_fire_time(None, at.astimezone(UTC) + _MINUTE)
    return at


def _explain_interval(profile: PublishingProfile, source: Source, poll: IndexPoll, is_shared: bool) -> str:
    """Return the reason for an interval; `is_shared` if other indexes of the host make it longer."""
    if profile.entries < 1 and profile.days < 1:
        reasons = ["few observations yet"]
    else:
        reasons = [f"{entries_per_day(profile):.2g} new a day"]
    if profile.named and profile.days:
        reasons.append(f"last 12 polls {format_percent(profile.new / profile.named)} new")
    if poll.requested_delay > source.min:
        reasons.append(f"the host asks for at least {format_duration(poll.requested_delay)}")
    if is_shared:
        reasons.append("the host has many indexes, which share its requests")
    return ", ".join(reasons)


def _plan_while_offline(planned: NextPoll, previous: NextPoll | None, usual: float, now: datetime) -> NextPoll:
    """Return the next attempt while no host can be reached; it does not count as a failure of the index."""
    seconds = min(max(usual, OFFLINE_WAIT), MAX_OFFLINE_WAIT)
    planned = replace(planned, next_at=now + timedelta(seconds=seconds), reason="no host can be reached")
    if previous is None:
        return planned
    return replace(
        planned, failure_weight=previous.failure_weight, failing_since=previous.failing_since, state=previous.state
    )


def _plan_after_failure(
    planned: NextPoll, source: Source, previous: NextPoll | None, poll: IndexPoll, usual: float, now: datetime
) -> tuple[NextPoll, float, str]:
    """Return the next poll of an index that failed, its wait in seconds and the reason.

    The index is polled less often, parked after days of failures, and retired after months.
    """
    weight = (previous.failure_weight if previous else 0.0) + _failure_weight(poll)
    since = (previous.failing_since if previous else None) or now
    state = IndexState.ASKED
    # A configured interval holds, but it may be seconds, at which a broken server must not be polled for ever.
    is_configured = bool(source.every or source.cron)
    seconds = (
        max(usual, min(usual * 1.5**weight, 600.0))
        if is_configured
        else compute_retry_wait(usual, weight, planned.publishing_profile)
    )
    cause = f"every {format_duration(seconds)} while it fails (since {format_minute(since)})"
    if weight >= MAX_FAILURE_WEIGHT and now - since >= PARKED_AFTER:
        state, seconds = IndexState.PARKED, max(PARKED_WAIT.total_seconds(), usual)
        cause = f"it has failed since {since:%Y-%m-%d}: polled every {format_duration(seconds)}"
        if now - since >= RETIRED_AFTER:
            state, seconds = IndexState.RETIRED, RETIRED_WAIT.total_seconds()
            cause = (
                f"it has failed since {since:%Y-%m-%d}: not polled any more; "
                f"`evnews crawl {planned.source}` polls it once"
            )
    reason = f"{cause}: {poll.judgement.reason or 'no answer'}"
    return replace(planned, failure_weight=weight, failing_since=since, state=state), seconds, reason


def compute_retry_wait(usual: float, failure_weight: float, profile: PublishingProfile | None) -> float:
    """Return the seconds until a failing index is polled again: longer than usual, at most MAX_RETRY_SECONDS.

    At its peak rate the index gains at most a tenth of its entries meanwhile: entries that drop out are lost.
    """
    wait: float = usual * 1.5 ** min(failure_weight, 10.0)
    if profile is not None:
        wait = min(wait, max(usual, 0.1 * profile.window / peak_entries_per_day(profile) * DAY))
    return min(wait, MAX_RETRY_SECONDS)


def _failure_weight(poll: IndexPoll) -> float:
    """Return the weight of a failure: low for a busy server, high if the server refuses."""
    if poll.judgement.outcome == "parked":
        return 0.0
    if poll.judgement.outcome == "refused":
        return 2.0
    if poll.status in _TEMPORARY_STATUSES or not poll.status:
        return 0.5
    return 2.0 if 400 <= poll.status < 500 else 1.0
