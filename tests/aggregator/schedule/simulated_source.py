"""Simulated polls and publication times of one index."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from aggregator.crawl.index_response import IndexPoll, Judgement
from spiders.source import Source
from storage.model.crawl import IndexEndpoint

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
FEED = "https://a.example/feed"
SOURCE = Source(name="a", title="A", home="https://a.example/", feeds=(FEED,))
STATUS = {"ok": 200, "unmodified": 304, "gone": 410, "failed": 500, "refused": 0, "parked": 0}


def make_poll(
    outcome: str = "ok",
    now: datetime = NOW,
    *,
    new_published: tuple[datetime | None, ...] = (),
    window: int = 30,
    status: int | None = None,
    reason: str = "",
    **more: object,
) -> IndexPoll:
    """Return a poll of the feed that ended at `now`."""
    return IndexPoll(
        endpoint=FEED, started_at=now, ended_at=now, leads=window, new_published=new_published,
        judgement=Judgement(endpoint=IndexEndpoint(source="a", url=FEED), outcome=outcome, reason=reason),
        status=STATUS[outcome] if status is None else status, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def publication_times(per_day: float, days: float = 20.0, now: datetime = NOW) -> tuple[datetime, ...]:
    """Return evenly spaced publication times, newest first."""
    gap = timedelta(days=1 / per_day)
    return tuple(now - gap * number for number in range(1, int(days * per_day) + 1))
