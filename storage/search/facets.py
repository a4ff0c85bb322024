"""Count the results of a query by time, source, language and topic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from itertools import islice
from time import perf_counter

from sqlalchemy import Connection, bindparam, select

from storage.db.statements import CompiledStatement
from storage.db.tables import article_topics, articles
from storage.model.search import Facets, Timeline
from storage.search.index.row_ids import ROWS_PER_DAY, row_id_of, start_of_day, time_of_row_id
from storage.search.scan import TimeScan

TIMELINE_UNITS = ("day", "week", "month")
TIMELINE_SECONDS = 0.25
"""Time limit of counting a timeline."""
_SAMPLE_SIZE, _SAMPLE_POINTS = 600, 40
"""Number of articles in a sample, and of the points in time where they are taken."""
_MAX_LISTED = 50
_MAX_WINDOWS = 10_000
"""Largest number of days, weeks or months counted in one statement, if the index supports it."""


def count_timeline(walk: TimeScan, unit: str) -> Timeline:
    """Return the number of articles per day, week (from Monday) or month, counted from the newest."""
    begins = _FIRST_DAYS[unit]
    counts: Counter[date] = Counter()
    days = {low: day for low, _, day in islice(_windows(walk, begins), _MAX_WINDOWS + 1)}
    if 0 < len(days) <= _MAX_WINDOWS and (found := walk.count_by_window(sorted(days), TIMELINE_SECONDS)) is not None:
        points = sorted((days[low], many) for low, many in found.items())
        return Timeline(unit=unit, points=tuple(points), is_complete=True)
    started, reached = perf_counter(), None
    for low, high, day in _windows(walk, begins):
        if perf_counter() - started > TIMELINE_SECONDS:
            reached = time_of_row_id(high + 1)
            break
        if many := walk.count_between(low, high):
            counts[day] = many
    return Timeline(unit=unit, points=tuple(sorted(counts.items())), is_complete=reached is None, scanned_until=reached)


def _windows(walk: TimeScan, begins: Callable[[date], date]) -> Iterator[tuple[int, int, date]]:
    """Yield lowest row id, highest row id and first day of each period, newest first."""
    high = walk.high_row_id
    while high >= walk.low_row_id:
        day = begins(time_of_row_id(high).date())
        first = row_id_of(datetime(day.year, day.month, day.day, tzinfo=time_of_row_id(0).tzinfo))
        yield max(first, walk.low_row_id), high, day
        high = first - 1


def count_facets(tx: Connection, walk: TimeScan, timeline: Timeline) -> Facets:
    """Return sources, languages and topics of a sample spread over all results."""
    rows = _sample_row_ids(walk, timeline)
    found = _SELECT_ARTICLES.all(tx, {"rows": rows}) if rows else []
    topics = [row.topic for row in _SELECT_TOPICS.all(tx, {"ids": [row.id for row in found]})] if found else []
    return Facets(
        sampled=len(found),
        sources=_count_names(row.source for row in found),
        languages=_count_names(row.language for row in found if row.language),
        topics=_count_names(topics),
    )


def _sample_row_ids(walk: TimeScan, timeline: Timeline) -> list[int]:
    """Return the row ids of all results, or of an evenly spread sample."""
    total = sum(many for _, many in timeline.points)
    if total <= _SAMPLE_SIZE:
        return walk.find(_SAMPLE_SIZE, TIMELINE_SECONDS).row_ids
    rows: dict[int, None] = {}
    each = _SAMPLE_SIZE // _SAMPLE_POINTS
    for low in _even_row_ids(timeline, total):
        rows.update(
            dict.fromkeys(walk.find_between(max(low, walk.low_row_id), walk.high_row_id, each, oldest_first=True))
        )
    return list(rows)


def _even_row_ids(timeline: Timeline, total: int) -> Iterator[int]:
    """Yield row ids that divide the results into parts of about equal size."""
    passed, step, next_at = 0, total / _SAMPLE_POINTS, 0.0
    points = list(timeline.points)
    for number, (day, many) in enumerate(points):
        following = points[number + 1][0] if number + 1 < len(points) else day + timedelta(days=31)
        days = max((following - day).days, 1)
        while next_at < passed + many:
            share = (next_at - passed) / many
            first = (day - start_of_day(0).date()).days
            yield int((first + share * days) * ROWS_PER_DAY)
            next_at += step
        passed += many


def _count_names(names: Iterable[str]) -> tuple[tuple[str, int], ...]:
    counted = Counter(names)
    return tuple(sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:_MAX_LISTED])


_FIRST_DAYS: dict[str, Callable[[date], date]] = {
    "day": lambda day: day,
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
}
_SELECT_ARTICLES = CompiledStatement(
    select(articles.c.id, articles.c.source, articles.c.language).where(
        articles.c.search_row.in_(bindparam("rows", expanding=True))
    )
)
_SELECT_TOPICS = CompiledStatement(
    select(article_topics.c.topic).where(article_topics.c.article_id.in_(bindparam("ids", expanding=True)))
)
