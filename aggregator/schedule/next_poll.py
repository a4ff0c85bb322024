"""Decides when an index is read again, and says why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from apscheduler.triggers.cron import CronTrigger

from aggregator.crawl.index_poll import IndexPoll
from aggregator.formatting import about, percent
from aggregator.schedule.interval import Bounds, wait
from aggregator.schedule.learn_profile import DAY, a_day, began, busiest, learned
from spiders.source import Source
from storage.model.crawl import WELL, Appointment, Standing
from storage.model.publishing_profile import Rhythm

FIRST_PRICE = 0.006
"""Before anything is known: an index with five new entries a day is asked about every hour."""
RETRY_WITHIN = 3600.0
"""Seconds after which an index that fails is asked again at the latest, as long as that is new."""
OFFLINE_WAIT, LONGEST_OFFLINE_WAIT = 300.0, 900.0
"""Seconds between two tries while nothing can be reached: they reach nobody, and the web may be back at any time."""
MOST_STRAIN = 8.0
PARKED_AFTER, RETIRED_AFTER = timedelta(days=3), timedelta(days=60)
PARKED_WAIT, RETIRED_WAIT = timedelta(days=3), timedelta(days=365)
BACKLOG_WAIT = 7 * 86_400.0
_MINUTE = timedelta(minutes=1)
_TEMPORARY = (408, 425, 429, 503)


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for every index.

    What a request costs (`interval.wait`), how far a wait is shaken, from 0 to 1, whether nothing at all can be
    reached, so that no index is to blame, and the least seconds between two polls that its host's other indexes leave.
    """

    price: float = FIRST_PRICE
    shake: Callable[[], float] = lambda: 0.5
    is_offline: bool = False
    host_least: float = 0.0


def next_reading(
    source: Source, before: Appointment | None, poll: IndexPoll, *, parked_until: datetime | None, now: datetime,
    terms: Terms = Terms(),
) -> Appointment:  # fmt: skip
    """The appointment that follows a poll."""
    rhythm = _learned(before.rhythm if before else None, poll, now)
    kept = Appointment(source=source.name, url=poll.endpoint, next_at=now, rhythm=rhythm, set_at=now)
    if poll.judgement.outcome == "gone":
        reason = poll.judgement.reason or "HTTP 410"
        return replace(kept, next_at=now + RETIRED_WAIT, reason=reason, state=Standing.RETIRED)
    usual, reason = _usual(source, rhythm, poll, now, terms)
    if poll.judgement.outcome not in WELL:
        if terms.is_offline and not poll.status:
            return _unreached(kept, before, usual, now)
        kept, failing, reason = _failing(kept, source, before, poll, usual, now)
        usual = source.min if kept.state == Standing.ASKED and parked_until is not None else failing
    next_at = now + timedelta(seconds=usual)
    if parked_until is not None and parked_until > next_at:
        next_at, reason = parked_until, f"its host asked to be left alone until {parked_until:%Y-%m-%d %H:%M:%S} UTC"
    return replace(kept, next_at=next_at, reason=reason)


def _learned(rhythm: Rhythm | None, poll: IndexPoll, now: datetime) -> Rhythm | None:
    """What the poll teaches; one that failed teaches nothing, and what has not changed names as much as before."""
    if poll.judgement.outcome not in WELL:
        return rhythm
    at = now.timestamp()
    if rhythm is None:
        # What only adds to the main indexes is judged by what they leave to it, not by all that it holds.
        sample = [one.timestamp() for one in poll.named] if poll.is_main else []
        return began(at, sample, poll.leads)
    came = [one.timestamp() if one else (rhythm.at + at) / 2 for one in poll.came]
    return learned(rhythm, at, came, poll.leads if poll.judgement.outcome == "ok" else rhythm.window)


def _usual(source: Source, rhythm: Rhythm | None, poll: IndexPoll, now: datetime, terms: Terms) -> tuple[float, str]:
    """Seconds until an index that is well is read again, and why."""
    if source.cron and (at := next_cron(source.cron, source.timezone or "UTC", now)) is not None:
        return (at.astimezone(UTC) - now).total_seconds(), f'at {at:%H:%M %Z}, as cron = "{source.cron}" says'
    if source.every:
        return source.every, f"every {about(source.every)}, as the catalogue says"
    if rhythm is None:
        return min(max(RETRY_WITHIN, source.min), source.max), "nothing is known of it yet"
    least = max(source.min, poll.asks, terms.host_least)
    most = max(source.max, BACKLOG_WAIT) if poll.is_backlog else source.max
    bounds = Bounds(least=min(least, most), most=most, is_main=poll.is_main and not poll.is_backlog)
    seconds = wait(rhythm, now.timestamp(), terms.price, bounds)
    is_shared = seconds <= terms.host_least
    seconds = min(max(seconds * (0.97 + 0.06 * terms.shake()), bounds.least), bounds.most)
    return seconds, f"every {about(seconds)}: {_evidence(rhythm, source, poll, is_shared)}"


def next_cron(fields: str, timezone: str, now: datetime) -> datetime | None:
    """The next moment after this minute that five fields of cron name, in a zone; None where there is none.

    An hour that comes twice, as clocks are set back, counts once, unless the fields name every hour.
    """
    trigger = CronTrigger.from_crontab(fields, timezone=timezone)
    every_hour = fields.split()[1].startswith("*")
    at: datetime | None = trigger.get_next_fire_time(None, now.replace(second=0, microsecond=0) + _MINUTE)
    while at is not None and at.fold and not every_hour:
        at = trigger.get_next_fire_time(None, at.astimezone(UTC) + _MINUTE)
    return at


def _evidence(rhythm: Rhythm, source: Source, poll: IndexPoll, is_shared: bool) -> str:
    """What an interval rests on, in words; `is_shared` where other indexes of its host leave it no shorter one."""
    if rhythm.entries < 1 and rhythm.days < 1:
        said = ["little is known of it yet"]
    else:
        said = [f"{a_day(rhythm):.2g} new a day"]
    if rhythm.named and rhythm.days:
        said.append(f"last 12 polls {percent(rhythm.new / rhythm.named)} new")
    if poll.asks > source.min:
        said.append(f"host asks >= {about(poll.asks)}")
    if is_shared:
        said.append("its host has many indexes, which share what it is asked")
    return ", ".join(said)


def _unreached(kept: Appointment, before: Appointment | None, usual: float, now: datetime) -> Appointment:
    """While nothing can be reached, an index keeps its good name."""
    seconds = min(max(usual, OFFLINE_WAIT), LONGEST_OFFLINE_WAIT)
    kept = replace(kept, next_at=now + timedelta(seconds=seconds), reason="nothing can be reached")
    if before is None:
        return kept
    return replace(kept, strain=before.strain, failing_since=before.failing_since, state=before.state)


def _failing(
    kept: Appointment, source: Source, before: Appointment | None, poll: IndexPoll, usual: float, now: datetime
) -> tuple[Appointment, float, str]:
    """An index that gave nothing: asked less often, after days, and in the end not at all."""
    strain = (before.strain if before else 0.0) + _weight(poll)
    since = (before.failing_since if before else None) or now
    state = Standing.ASKED
    # What the operator has set is kept to; it may be seconds, in which a broken server is not to be asked for ever.
    is_set = bool(source.every or source.cron)
    seconds = max(usual, min(usual * 1.5**strain, 600.0)) if is_set else after_failures(usual, strain, kept.rhythm)
    words = f"every {about(seconds)} while it fails (since {since:%Y-%m-%d %H:%M} UTC)"
    if strain >= MOST_STRAIN and now - since >= PARKED_AFTER:
        state, seconds = Standing.PARKED, max(PARKED_WAIT.total_seconds(), usual)
        words = f"it fails since {since:%Y-%m-%d}: tried every {about(seconds)}"
        if now - since >= RETIRED_AFTER:
            state, seconds = Standing.RETIRED, RETIRED_WAIT.total_seconds()
            words = f"it fails since {since:%Y-%m-%d}: not polled any more; `evnews crawl {kept.source}` tries it once"
    reason = f"{words}: {poll.judgement.reason or 'no answer'}"
    return replace(kept, strain=strain, failing_since=since, state=state), seconds, reason


def after_failures(usual: float, strain: float, rhythm: Rhythm | None) -> float:
    """Seconds until an index that fails is tried again: longer than usual, but within the hour.

    And not so long that a tenth of its window fills up meanwhile: what is pushed out of it is lost.
    """
    longer: float = usual * 1.5 ** min(strain, 10.0)
    if rhythm is not None:
        longer = min(longer, max(usual, 0.1 * rhythm.window / busiest(rhythm) * DAY))
    return min(longer, RETRY_WITHIN)


def _weight(poll: IndexPoll) -> float:
    """How much a failure says that the index is no more: little where the server is busy, much where it says no."""
    if poll.judgement.outcome == "parked":
        return 0.0
    if poll.judgement.outcome == "refused":
        return 2.0
    if poll.status in _TEMPORARY or not poll.status:
        return 0.5
    return 2.0 if 400 <= poll.status < 500 else 1.0
