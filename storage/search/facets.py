"""Timelines and facets."""

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
"""Time budget of a timeline."""
_SAMPLE_SIZE, _SAMPLE_POINTS = 600, 40
"""Number of articles in a sample, and number of row ids at which samples are taken."""
_MAX_LISTED = 50
_MAX_WINDOWS = 10_000
"""Number of days, weeks or months that the index counts in one statement."""


def count_timeline(scan: TimeScan, unit: str) -> Timeline:
    """Count the articles of each day, week (from Monday) or month, starting with the newest."""
    first_day_of = _FIRST_DAYS[unit]
    counts: Counter[date] = Counter()
    days = {low: day for low, _, day in islice(_windows(scan, first_day_of), _MAX_WINDOWS + 1)}
    if 0 < len(days) <= _MAX_WINDOWS and (by_day := scan.count_by_window(sorted(days), TIMELINE_SECONDS)) is not None:
        points = sorted((days[low], count) for low, count in by_day.items())
        return Timeline(unit=unit, points=tuple(points), is_complete=True)
    started, end = perf_counter(), None
    for low, high, day in _windows(scan, first_day_of):
        if perf_counter() - started > TIMELINE_SECONDS:
            end = time_of_row_id(high + 1)
            break
        if count := scan.count_between(low, high):
            counts[day] = count
    return Timeline(unit=unit, points=tuple(sorted(counts.items())), is_complete=end is None, scanned_until=end)


def _windows(scan: TimeScan, first_day_of: Callable[[date], date]) -> Iterator[tuple[int, int, date]]:
    """Yield the first and last row id and the first day of each unit of time, newest first."""
    high = scan.high_row_id
    while high >= scan.low_row_id:
        day = first_day_of(time_of_row_id(high).date())
        first = row_id_of(datetime(day.year, day.month, day.day, tzinfo=time_of_row_id(0).tzinfo))
        yield max(first, scan.low_row_id), high, day
        high = first - 1


def count_facets(tx: Connection, scan: TimeScan, timeline: Timeline) -> Facets:
    """Count sources, languages and topics in a sample that is spread evenly over the results."""
    rows = _sample_row_ids(scan, timeline)
    sample = _SELECT_ARTICLES.all(tx, {"rows": rows}) if rows else []
    topics = [row.topic for row in _SELECT_TOPICS.all(tx, {"ids": [row.id for row in sample]})] if sample else []
    return Facets(
        sampled=len(sample),
        sources=_count_names(row.source for row in sample),
        languages=_count_names(row.language for row in sample if row.language),
        topics=_count_names(topics),
    )


def _sample_row_ids(scan: TimeScan, timeline: Timeline) -> list[int]:
    """Return the row ids of all results, or of an evenly spread sample where there are too many."""
    total = sum(count for _, count in timeline.points)
    if total <= _SAMPLE_SIZE:
        return scan.find(_SAMPLE_SIZE, TIMELINE_SECONDS).row_ids
    rows: dict[int, None] = {}
    per_point = _SAMPLE_SIZE // _SAMPLE_POINTS
    for low in _even_row_ids(timeline, total):
        rows.update(
            dict.fromkeys(scan.find_between(max(low, scan.low_row_id), scan.high_row_id, per_point, oldest_first=True))
        )
    return list(rows)


def _even_row_ids(timeline: Timeline, total: int) -> Iterator[int]:
    """Yield row ids that divide the results into parts of about equal size."""
    passed, step, next_at = 0, total / _SAMPLE_POINTS, 0.0
    points = list(timeline.points)
    for number, (day, count) in enumerate(points):
        following = points[number + 1][0] if number + 1 < len(points) else day + timedelta(days=31)
        days = max((following - day).days, 1)
        while next_at < passed + count:
            share = (next_at - passed) / count
            first = (day - start_of_day(0).date()).days
            yield int((first + share * days) * ROWS_PER_DAY)
            next_at += step
        passed += count


def _count_names(names: Iterable[str]) -> tuple[tuple[str, int], ...]:
    counted = Counter(names)
    return tuple(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:_MAX_LISTED])


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
