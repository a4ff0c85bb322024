"""What a query finds, seen from above: how many articles of each month, from which sources, in which languages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from itertools import islice
from time import perf_counter

from sqlalchemy import Connection, bindparam, select

from storage.db.statements import Ready
from storage.db.tables import article_topics, articles
from storage.model.search import Facets, Timeline
from storage.search.index.row_ids import DAY_ROWS, date_of_day, moment_of, row_of
from storage.search.scan import Walk

UNITS = ("day", "week", "month")
SECONDS = 0.25
"""How long a timeline is counted before it stops."""
_SAMPLE, _SPREAD = 600, 40
"""Articles of a sample, and places that it is taken from."""
_MOST_LISTED = 50
_MOST_AT_ONCE = 10_000
"""Days, weeks or months that are counted in one statement, where the index can."""


def timeline(walk: Walk, unit: str) -> Timeline:
    """How many articles of each day, week (from Monday) or month, those of the newest first counted."""
    begins = _BEGINS[unit]
    counts: Counter[date] = Counter()
    days = {low: day for low, _, day in islice(_stretches(walk, begins), _MOST_AT_ONCE + 1)}
    if 0 < len(days) <= _MOST_AT_ONCE and (found := walk.numbers(sorted(days), SECONDS)) is not None:
        points = sorted((days[low], many) for low, many in found.items())
        return Timeline(unit=unit, points=tuple(points), complete=True)
    started, reached = perf_counter(), None
    for low, high, day in _stretches(walk, begins):
        if perf_counter() - started > SECONDS:
            reached = moment_of(high + 1)
            break
        if many := walk.number_between(low, high):
            counts[day] = many
    return Timeline(unit=unit, points=tuple(sorted(counts.items())), complete=reached is None, reached=reached)


def _stretches(walk: Walk, begins: Callable[[date], date]) -> Iterator[tuple[int, int, date]]:
    """The places of each unit of time, the newest first, and its first day."""
    high = walk.high
    while high >= walk.low:
        day = begins(moment_of(high).date())
        first = row_of(datetime(day.year, day.month, day.day, tzinfo=moment_of(0).tzinfo))
        yield max(first, walk.low), high, day
        high = first - 1


def facets(tx: Connection, walk: Walk, timeline: Timeline) -> Facets:
    """Sources, languages and topics of a sample that is spread over all that was found."""
    rows = _sample(walk, timeline)
    found = _FACTS.all(tx, {"rows": rows}) if rows else []
    topics = [row.topic for row in _TOPICS.all(tx, {"ids": [row.id for row in found]})] if found else []
    return Facets(
        sampled=len(found),
        sources=_listed(row.source for row in found),
        languages=_listed(row.language for row in found if row.language),
        topics=_listed(topics),
    )


def _sample(walk: Walk, timeline: Timeline) -> list[int]:
    """Places of all that was found, or of a part that is taken evenly from it."""
    total = sum(many for _, many in timeline.points)
    if total <= _SAMPLE:
        return walk.rows(_SAMPLE, SECONDS).rows
    rows: dict[int, None] = {}
    each = _SAMPLE // _SPREAD
    for low in _evenly(timeline, total):
        rows.update(dict.fromkeys(walk.between(max(low, walk.low), walk.high, each, oldest=True)))
    return list(rows)


def _evenly(timeline: Timeline, total: int) -> Iterator[int]:
    """Places between which there are about as many articles each."""
    passed, step, next_at = 0, total / _SPREAD, 0.0
    points = list(timeline.points)
    for number, (day, many) in enumerate(points):
        following = points[number + 1][0] if number + 1 < len(points) else day + timedelta(days=31)
        days = max((following - day).days, 1)
        while next_at < passed + many:
            share = (next_at - passed) / many
            first = (day - date_of_day(0).date()).days
            yield int((first + share * days) * DAY_ROWS)
            next_at += step
        passed += many


def _listed(names: Iterable[str]) -> tuple[tuple[str, int], ...]:
    counted = Counter(names)
    return tuple(sorted(counted.items(), key=lambda one: (-one[1], one[0]))[:_MOST_LISTED])


_BEGINS: dict[str, Callable[[date], date]] = {
    "day": lambda day: day,
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
}
_FACTS = Ready(
    select(articles.c.id, articles.c.source, articles.c.language).where(
        articles.c.search_row.in_(bindparam("rows", expanding=True))
    )
)
_TOPICS = Ready(select(article_topics.c.topic).where(article_topics.c.article_id.in_(bindparam("ids", expanding=True))))
