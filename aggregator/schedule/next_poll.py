"""Decides when an index is read again, and says why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from apscheduler.triggers.cron import CronTrigger

from aggregator.crawl.index_poll import IndexPoll
from aggregator.formatting import format_duration, format_percent
from aggregator.schedule.interval import IntervalBounds, compute_wait
from aggregator.schedule.learn_profile import entries_per_day, peak_entries_per_day, start_profile, update_profile
from spiders.source import Source
from storage.model.crawl import SUCCESSFUL_OUTCOMES, IndexState, NextPoll
from storage.model.publishing_profile import PublishingProfile
from storage.timestamps import DAY

INITIAL_PRICE = 0.006
"""Before anything is known: an index with five new entries a day is asked about every hour."""
MAX_RETRY_SECONDS = 3600.0
"""Seconds after which an index that fails is asked again at the latest, as long as that is new."""
OFFLINE_WAIT, MAX_OFFLINE_WAIT = 300.0, 900.0
"""Seconds between two tries while nothing can be reached: they reach nobody, and the web may be back at any time."""
MAX_FAILURE_WEIGHT = 8.0
PARKED_AFTER, RETIRED_AFTER = timedelta(days=3), timedelta(days=60)
PARKED_WAIT, RETIRED_WAIT = timedelta(days=3), timedelta(days=365)
BACKLOG_WAIT = 7 * DAY
_MINUTE = timedelta(minutes=1)
_TEMPORARY_STATUSES = (408, 425, 429, 503)


@dataclass(frozen=True, slots=True)
class PlanningTerms:
    """What holds for every index.

    What a request costs (`interval.wait`), how far a wait is shaken, from 0 to 1, whether nothing at all can be
    reached, so that no index is to blame, and the least seconds between two polls that its host's other indexes leave.
    """

    price: float = INITIAL_PRICE
    jitter: Callable[[], float] = lambda: 0.5
    is_offline: bool = False
    min_host_wait: float = 0.0


def plan_next_poll(
    source: Source, previous: NextPoll | None, poll: IndexPoll, *, parked_until: datetime | None, now: datetime,
    terms: PlanningTerms = PlanningTerms(),
) -> NextPoll:  # fmt: skip
    """The appointment that follows a poll."""
    rhythm = _update_profile(previous.publishing_profile if previous else None, poll, now)
    kept = NextPoll(source=source.name, url=poll.endpoint, next_at=now, publishing_profile=rhythm, set_at=now)
    if poll.judgement.outcome == "gone":
        reason = poll.judgement.reason or "HTTP 410"
        return replace(kept, next_at=now + RETIRED_WAIT, reason=reason, state=IndexState.RETIRED)
    usual, reason = _usual_wait(source, rhythm, poll, now, terms)
    if poll.judgement.outcome not in SUCCESSFUL_OUTCOMES:
        if terms.is_offline and not poll.status:
            return _plan_while_offline(kept, previous, usual, now)
        kept, failing, reason = _plan_after_failure(kept, source, previous, poll, usual, now)
        usual = source.min if kept.state == IndexState.ASKED and parked_until is not None else failing
    next_at = now + timedelta(seconds=usual)
    if parked_until is not None and parked_until > next_at:
        next_at, reason = parked_until, f"its host asked to be left alone until {parked_until:%Y-%m-%d %H:%M:%S} UTC"
    return replace(kept, next_at=next_at, reason=reason)


def _update_profile(profile: PublishingProfile | None, poll: IndexPoll, now: datetime) -> PublishingProfile | None:
    """What the poll teaches; one that failed teaches nothing, and what has not changed names as much as before."""
    if poll.judgement.outcome not in SUCCESSFUL_OUTCOMES:
        return profile
    at = now.timestamp()
    if profile is None:
        # What only adds to the main indexes is judged by what they leave to it, not by all that it holds.
        sample = [one.timestamp() for one in poll.all_published] if poll.is_main else []
        return start_profile(at, sample, poll.leads)
    came = [one.timestamp() if one else (profile.at + at) / 2 for one in poll.new_published]
    return update_profile(profile, at, came, poll.leads if poll.judgement.outcome == "ok" else profile.window)


def _usual_wait(
    source: Source, profile: PublishingProfile | None, poll: IndexPoll, now: datetime, terms: PlanningTerms
) -> tuple[float, str]:
    """Seconds until an index that is well is read again, and why."""
    if source.cron and (at := next_cron_time(source.cron, source.timezone or "UTC", now)) is not None:
        return (at.astimezone(UTC) - now).total_seconds(), f'at {at:%H:%M %Z}, as cron = "{source.cron}" says'
    if source.every:
        return source.every, f"every {format_duration(source.every)}, as the catalogue says"
    if profile is None:
        return min(max(MAX_RETRY_SECONDS, source.min), source.max), "nothing is known of it yet"
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
    """The next moment after this minute that five fields of cron name, in a zone; None where there is none.

    An hour that comes twice, as clocks are set back, counts once, unless the fields name every hour.
    """
    trigger = CronTrigger.from_crontab(fields, timezone=timezone)
    every_hour = fields.split()[1].startswith("*")
    at: datetime | None = trigger.get_next_fire_time(None, now.replace(second=0, microsecond=0) + _MINUTE)
    while at is not None and at.fold and not every_hour:
        at = trigger.get_next_fire_time(None, at.astimezone(UTC) + _MINUTE)
    return at


def _explain_interval(profile: PublishingProfile, source: Source, poll: IndexPoll, is_shared: bool) -> str:
    """What an interval rests on, in words; `is_shared` where other indexes of its host leave it no shorter one."""
    if profile.entries < 1 and profile.days < 1:
        said = ["little is known of it yet"]
    else:
        said = [f"{entries_per_day(profile):.2g} new a day"]
    if profile.named and profile.days:
        said.append(f"last 12 polls {format_percent(profile.new / profile.named)} new")
    if poll.requested_delay > source.min:
        said.append(f"host asks >= {format_duration(poll.requested_delay)}")
    if is_shared:
        said.append("its host has many indexes, which share what it is asked")
    return ", ".join(said)


def _plan_while_offline(planned: NextPoll, previous: NextPoll | None, usual: float, now: datetime) -> NextPoll:
    """While nothing can be reached, an index keeps its good name."""
    seconds = min(max(usual, OFFLINE_WAIT), MAX_OFFLINE_WAIT)
    planned = replace(planned, next_at=now + timedelta(seconds=seconds), reason="nothing can be reached")
    if previous is None:
        return planned
    return replace(
        planned, failure_weight=previous.failure_weight, failing_since=previous.failing_since, state=previous.state
    )


def _plan_after_failure(
    planned: NextPoll, source: Source, previous: NextPoll | None, poll: IndexPoll, usual: float, now: datetime
) -> tuple[NextPoll, float, str]:
    """An index that gave nothing: asked less often, after days, and in the end not at all."""
    strain = (previous.failure_weight if previous else 0.0) + _failure_weight(poll)
    since = (previous.failing_since if previous else None) or now
    state = IndexState.ASKED
    # What the operator has set is kept to; it may be seconds, in which a broken server is not to be asked for ever.
    is_set = bool(source.every or source.cron)
    seconds = (
        max(usual, min(usual * 1.5**strain, 600.0))
        if is_set
        else compute_retry_wait(usual, strain, planned.publishing_profile)
    )
    words = f"every {format_duration(seconds)} while it fails (since {since:%Y-%m-%d %H:%M} UTC)"
    if strain >= MAX_FAILURE_WEIGHT and now - since >= PARKED_AFTER:
        state, seconds = IndexState.PARKED, max(PARKED_WAIT.total_seconds(), usual)
        words = f"it fails since {since:%Y-%m-%d}: tried every {format_duration(seconds)}"
        if now - since >= RETIRED_AFTER:
            state, seconds = IndexState.RETIRED, RETIRED_WAIT.total_seconds()
            words = (
                f"it fails since {since:%Y-%m-%d}: not polled any more; `evnews crawl {planned.source}` tries it once"
            )
    reason = f"{words}: {poll.judgement.reason or 'no answer'}"
    return replace(planned, failure_weight=strain, failing_since=since, state=state), seconds, reason


def compute_retry_wait(usual: float, failure_weight: float, profile: PublishingProfile | None) -> float:
    """Seconds until an index that fails is tried again: longer than usual, but within the hour.

    And not so long that a tenth of its window fills up meanwhile: what is pushed out of it is lost.
    """
    longer: float = usual * 1.5 ** min(failure_weight, 10.0)
    if profile is not None:
        longer = min(longer, max(usual, 0.1 * profile.window / peak_entries_per_day(profile) * DAY))
    return min(longer, MAX_RETRY_SECONDS)


def _failure_weight(poll: IndexPoll) -> float:
    """How much a failure says that the index is no more: little where the server is busy, much where it says no."""
    if poll.judgement.outcome == "parked":
        return 0.0
    if poll.judgement.outcome == "refused":
        return 2.0
    if poll.status in _TEMPORARY_STATUSES or not poll.status:
        return 0.5
    return 2.0 if 400 <= poll.status < 500 else 1.0
