"""Load when a source is polled, how its polls went, and how soon its articles were found."""

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
    """A source's next poll, the next polls of its indexes, its latest polls (newest first) and its recent delays.

    A delay is the time in seconds between an article's publication and its discovery; `delays` is sorted. Articles that
    were old at their discovery, as on a first poll, are left out.
    """

    source: str
    next_poll_at: datetime | None = None
    reason: str = ""
    index_polls: tuple[NextPoll, ...] = ()
    polls: tuple[Poll, ...] = ()
    delays: tuple[float, ...] = ()

    @property
    def full_poll_count(self) -> int:
        """Return the number of polls in which every listed entry was new, so that entries may have been missed."""
        oldest = {poll.url: poll.started_at for poll in self.polls}  # the oldest: assigned last
        return sum(poll.leads > 1 and poll.new == poll.leads and oldest[poll.url] != poll.started_at
                   for poll in self.polls)  # fmt: skip


def load_poll_timing(database: Database, source: str) -> PollTiming:
    with database.read() as tx:
        schedule = tx.execute(_SELECT_NEXT_POLL, {"source": source}).one_or_none()
        index_polls = sorted(load_next_polls(tx, source), key=lambda poll: poll.next_at)
        rows = tx.execute(_SELECT_LEAD_TIMES, {"source": source, "most": MAX_LEADS}).all()
    return PollTiming(
        source=source,
        next_poll_at=schedule.next_poll_at if schedule else None,
        reason=schedule.reason if schedule else "",
        index_polls=tuple(index_polls),
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
