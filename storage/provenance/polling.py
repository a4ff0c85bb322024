"""When a source is polled, how its polls went, and how soon its articles were found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select

from storage.crawl.polls import load_next_polls
from storage.db.database import Database
from storage.db.tables import leads, poll_schedule
from storage.model.crawl import NextPoll, Poll
from storage.monitor import Monitor

MAX_POLLS, MAX_LEADS = 200, 500
_MAX_DELAY = timedelta(days=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class PollTiming:
    """A source's `appointments`, its latest `polls` (newest first), and the `delays` of what it published lately.

    A delay is the seconds from when an index says that an article was published to when it was first named to us;
    sorted. What was old when it was first named, as on a first reading, is left out.
    """

    source: str
    next_poll_at: datetime | None = None
    reason: str = ""
    index_polls: tuple[NextPoll, ...] = ()
    polls: tuple[Poll, ...] = ()
    delays: tuple[float, ...] = ()

    @property
    def full_poll_count(self) -> int:
        """In how many polls everything that an index named was new: something may have passed unseen before."""
        first = {poll.url: poll.started_at for poll in self.polls}  # the oldest, as they come newest first
        return sum(poll.leads > 1 and poll.new == poll.leads and first[poll.url] != poll.started_at
                   for poll in self.polls)  # fmt: skip


def load_poll_timing(database: Database, source: str) -> PollTiming:
    """What is known of a source's times."""
    with database.read() as tx:
        planned = tx.execute(_SELECT_NEXT_POLL, {"source": source}).one_or_none()
        appointments = sorted(load_next_polls(tx, source), key=lambda one: one.next_at)
        rows = tx.execute(_SELECT_LEAD_TIMES, {"source": source, "most": MAX_LEADS}).all()
    return PollTiming(
        source=source,
        next_poll_at=planned.next_poll_at if planned else None,
        reason=planned.reason if planned else "",
        index_polls=tuple(appointments),
        polls=tuple(Monitor(database).polls(source, MAX_POLLS)),
        delays=tuple(_delays([(row.published, row.recorded_at) for row in rows])),
    )


def _delays(times: Sequence[tuple[datetime, datetime]]) -> list[float]:
    waits = (recorded - published for published, recorded in times)
    return sorted(wait.total_seconds() for wait in waits if timedelta() <= wait <= _MAX_DELAY)


_SELECT_NEXT_POLL = select(poll_schedule.c.next_poll_at, poll_schedule.c.reason).where(
    poll_schedule.c.source == bindparam("source")
)
_SELECT_LEAD_TIMES = (
    select(leads.c.published, leads.c.recorded_at)
    .where(leads.c.source == bindparam("source"), leads.c.published.is_not(None))
    .order_by(leads.c.id.desc())
    .limit(bindparam("most"))
)
