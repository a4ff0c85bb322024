"""Decides when a source is polled next, and says why."""

from __future__ import annotations

from datetime import datetime, timedelta

from spiders.source import Source
from storage.state import Poll

MAX_BACK_OFF = timedelta(hours=24)


def next_poll(
    source: Source, polls: tuple[Poll, ...], *, failures: int, parked_until: datetime | None, now: datetime
) -> tuple[datetime, str]:
    """The next time and its reason, from the source's own interval, its failures, and what its host asked for.

    `failures` counts the polls in a row at which every index failed: each doubles the wait, up to a day.
    """
    every = timedelta(seconds=source.every)
    if parked_until is not None and parked_until > now + every:
        return parked_until, f"its host asked to be left alone until {parked_until:%Y-%m-%d %H:%M:%S} UTC"
    if polls and all(poll.outcome == "gone" for poll in polls):
        return now + MAX_BACK_OFF, "every index is gone (HTTP 410)"
    if failures:
        wait = min(every * 2 ** min(failures, 20), max(MAX_BACK_OFF, every))
        reason = next((poll.reason for poll in polls if poll.reason), "no answer")
        return now + wait, f"every {words(every)}, now {words(wait)} after {failures} failed in a row: {reason}"
    return now + every, f"every {words(every)}"


def words(span: timedelta) -> str:
    """A length of time as people say it."""
    seconds = span.total_seconds()
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {name}"
    return f"{seconds:g} s"


def after_failures(usual: float, failures: int, rhythm: object) -> float:
    return max(usual, min(usual * 1.5 ** min(failures, 10), 3600.0)) if failures else usual
