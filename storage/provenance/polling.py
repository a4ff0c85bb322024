"""When a source is polled, how its polls went, and how soon its articles were found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select

from storage.crawl.polls import appointments_of
from storage.db.database import Database
from storage.db.tables import calendar, leads
from storage.model.crawl import Appointment, Poll
from storage.monitor import Monitor

MOST_POLLS, MOST_LEADS = 200, 500
_RECENT = timedelta(days=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """A source's `appointments`, its latest `polls` (newest first), and the `delays` of what it published lately.

    A delay is the seconds from when an index says that an article was published to when it was first named to us;
    sorted. What was old when it was first named, as on a first reading, is left out.
    """

    source: str
    next_poll_at: datetime | None = None
    reason: str = ""
    appointments: tuple[Appointment, ...] = ()
    polls: tuple[Poll, ...] = ()
    delays: tuple[float, ...] = ()

    @property
    def full(self) -> int:
        """In how many polls everything that an index named was new: something may have passed unseen before."""
        first = {poll.endpoint: poll.started_at for poll in self.polls}  # the oldest, as they come newest first
        return sum(poll.leads > 1 and poll.new == poll.leads and first[poll.endpoint] != poll.started_at
                   for poll in self.polls)  # fmt: skip


def timing(database: Database, source: str) -> Timing:
    """What is known of a source's times."""
    with database.read() as tx:
        planned = tx.execute(_PLANNED, {"source": source}).one_or_none()
        appointments = sorted(appointments_of(tx, source), key=lambda one: one.next_at)
        rows = tx.execute(_DELAYS, {"source": source, "most": MOST_LEADS}).all()
    return Timing(
        source=source,
        next_poll_at=planned.next_poll_at if planned else None,
        reason=planned.reason if planned else "",
        appointments=tuple(appointments),
        polls=tuple(Monitor(database).polls(source, MOST_POLLS)),
        delays=tuple(_delays([(row.published, row.recorded_at) for row in rows])),
    )


def _delays(times: Sequence[tuple[datetime, datetime]]) -> list[float]:
    waits = (recorded - published for published, recorded in times)
    return sorted(wait.total_seconds() for wait in waits if timedelta() <= wait <= _RECENT)


_PLANNED = select(calendar.c.next_poll_at, calendar.c.reason).where(calendar.c.source == bindparam("source"))
_DELAYS = (
    select(leads.c.published, leads.c.recorded_at)
    .where(leads.c.source == bindparam("source"), leads.c.published.is_not(None))
    .order_by(leads.c.id.desc())
    .limit(bindparam("most"))
)
