"""Streams as readers' apps ask for them: articles in the order in which they arrived, and what of them is unread.

An article stands in them once: its copies do not. What arrived at the same moment is told apart by its id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, func, not_, or_, select, tuple_

from storage.db.statements import CompiledStatement, batched
from storage.db.tables import article_topics, articles, entry_states
from storage.model.search import Query
from storage.readers.read_state import READ_AFTER, EntryState, read_horizon
from storage.search.finder import QueryRun

MAX_COUNTED = 10_000
"""So many of the latest unread articles are counted; apps show no number above a thousand."""
_OPPOSITE = {EntryState.READ: EntryState.UNREAD, EntryState.UNREAD: EntryState.READ}
_BATCH_SIZE = 500
MAX_IDS_PER_MATCH = 500
"""Articles that `found_by` is asked for at once, at most."""


class StreamKind(StrEnum):
    """What a stream is of."""

    ALL = "all"
    SOURCE = "source"
    TOPIC = "topic"
    SEARCH = "search"
    STATE = "marked"
    """What bears the mark of the stream's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What is listed: everything, or what a source, a topic, a saved search (`words`) or a mark has.

    What `muted` says is left out. A search is looked for in what arrived within the last month.
    """

    kind: StreamKind = StreamKind.ALL
    name: str = ""
    query: str = ""
    muted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPosition:
    """Where a page of a stream ended."""

    arrived_at: datetime
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamItem:
    """An article in a stream."""

    id: int
    arrived_at: datetime
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRequest:
    """A page of a stream: what arrived from `since` to `until`, bears all of `only` and none of `without`."""

    stream: Stream
    since: datetime | None = None
    until: datetime | None = None
    with_states: frozenset[EntryState] = frozenset()
    without_states: frozenset[EntryState] = frozenset()
    oldest_first: bool = False
    after: StreamPosition | None = None
    limit: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPage:
    """A page of a stream, and where the next begins; None after the last."""

    items: tuple[StreamItem, ...]
    next_position: StreamPosition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadCount:
    """How many articles are unread, and when the latest of them arrived."""

    count: int = 0
    newest_at: datetime | None = None


@dataclass(slots=True)
class UnreadCounts:
    """What is unread of everything, by source, by topic and by saved search."""

    total: UnreadCount = field(default_factory=UnreadCount)
    sources: dict[str, UnreadCount] = field(default_factory=dict)
    topics: dict[str, UnreadCount] = field(default_factory=dict)
    searches: dict[str, UnreadCount] = field(default_factory=dict)


def list_stream(tx: Connection, token: str, asked: StreamRequest, now: datetime) -> StreamPage:
    """A page of a stream: what arrived last first, or what arrived first."""
    rows = _iter_rows(tx, token, asked, now)
    found = [row for row, _ in zip(rows, range(asked.limit + 1), strict=False)]
    items = tuple(StreamItem(id=row.id, arrived_at=row.first_seen, source=row.source) for row in found[: asked.limit])
    more = len(found) > len(items) and items
    return StreamPage(
        items=items, next_position=StreamPosition(arrived_at=items[-1].arrived_at, id=items[-1].id) if more else None
    )


def count_unread(
    tx: Connection, token: str, searches: Mapping[str, str], muted: tuple[str, ...], now: datetime
) -> UnreadCounts:
    """How many are unread; `searches` are the words of each saved one."""
    asked = StreamRequest(stream=Stream(muted=muted), without_states=frozenset([EntryState.READ]), limit=MAX_COUNTED)
    rows = [row for row, _ in zip(_iter_rows(tx, token, asked, now), range(MAX_COUNTED), strict=False)]
    tally = UnreadCounts(total=_count_rows(rows))
    by_source: dict[str, list[Any]] = {}
    for row in rows:
        by_source.setdefault(row.source, []).append(row)
    tally.sources = {name: _count_rows(some) for name, some in by_source.items()}
    tally.topics = _count_topics(tx, rows)
    for name, words in searches.items():
        finder = QueryRun(tx, Query(words=words, muted=muted), now)
        tally.searches[name] = _count_rows(
            [row for part in batched(rows, _BATCH_SIZE) for row in _filter_rows(finder, part)]
        )
    return tally


def match_searches(
    tx: Connection, searches: Mapping[str, str], ids: list[int], now: datetime | None = None
) -> dict[int, list[str]]:
    """Which saved searches, by the words of each, find which of some articles."""
    found: dict[int, list[str]] = {}
    by_row = {row.search_row: row.id for row in _SELECT_ROW_IDS.all(tx, {"ids": ids})}
    for name, words in searches.items():
        for row in QueryRun(tx, Query(words=words), now).filter_row_ids(list(by_row)):
            found.setdefault(by_row[row], []).append(name)
    return found


def _iter_rows(tx: Connection, token: str, asked: StreamRequest, now: datetime) -> Iterator[Any]:
    """The articles of a stream in order, as rows."""
    stream, since = asked.stream, asked.since
    finder = None
    if stream.query or stream.muted:
        finder = QueryRun(tx, Query(words=stream.query, muted=stream.muted), now)
    if stream.kind is StreamKind.SEARCH:
        since = max(since or now - READ_AFTER, now - READ_AFTER)
    ranges = _row_conditions(tx, token, replace(asked, since=since), now)
    for condition in reversed(ranges) if asked.oldest_first else ranges:
        after = asked.after
        while some := list(tx.execute(_select_rows(condition, after, oldest=asked.oldest_first))):
            yield from some if finder is None else _filter_rows(finder, some)
            if len(some) < _BATCH_SIZE:
                break
            after = StreamPosition(arrived_at=some[-1].first_seen, id=some[-1].id)


def _filter_rows(finder: QueryRun, rows: list[Any]) -> list[Any]:
    holds = set(finder.filter_row_ids([row.search_row for row in rows]))
    return [row for row in rows if row.search_row in holds]


def _select_rows(condition: ColumnElement[bool], after: StreamPosition | None, *, oldest: bool) -> Select[Any]:
    place = tuple_(articles.c.first_seen, articles.c.id)
    statement = select(articles.c.id, articles.c.first_seen, articles.c.source, articles.c.search_row).where(condition)
    if after is not None:
        there = tuple_(_bind_time(after.arrived_at), after.id)
        statement = statement.where(place > there if oldest else place < there)
    order = (articles.c.first_seen, articles.c.id)
    return statement.order_by(*(order if oldest else (one.desc() for one in order))).limit(_BATCH_SIZE)


def _row_conditions(tx: Connection, token: str, asked: StreamRequest, now: datetime) -> list[ColumnElement[bool]]:
    """What the rows must be, in parts that lie one after another, the newest first.

    Few of those that are old are unread: they are found by their marks, not by looking through all.
    """
    is_new = articles.c.first_seen > _bind_time(read_horizon(tx, token, now))
    ranges = [and_(*_stream_conditions(asked.stream), *_time_conditions(asked.since, asked.until))]
    wanted = set(asked.with_states)
    if asked.stream.kind is StreamKind.STATE:
        wanted.add(EntryState(asked.stream.name))
    # What is not read is unread, and the other way round.
    wanted |= {_OPPOSITE[mark] for mark in asked.without_states if mark in _OPPOSITE}
    for mark in sorted(wanted):
        ranges = [narrower for part in ranges for narrower in _with_state(part, token, mark, is_new)]
    if EntryState.STARRED in asked.without_states:
        ranges = [and_(part, _lacks_state(token, EntryState.STARRED)) for part in ranges]
    return ranges


def _with_state(
    part: ColumnElement[bool], token: str, mark: EntryState, is_new: ColumnElement[bool]
) -> list[ColumnElement[bool]]:
    """A part with only what bears a mark, in parts that lie one after another."""
    if mark is EntryState.STARRED:
        return [and_(part, _has_state(token, mark))]
    if mark is EntryState.READ:
        by_itself = and_(not_(is_new), _lacks_state(token, EntryState.UNREAD))
        return [and_(part, or_(not_(_lacks_state(token, EntryState.READ)), by_itself))]
    return [
        and_(part, is_new, _lacks_state(token, EntryState.READ)),
        and_(part, not_(is_new), _has_state(token, EntryState.UNREAD)),
    ]


def _stream_conditions(stream: Stream) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [articles.c.copy_of.is_(None)]
    if stream.kind is StreamKind.SOURCE:
        conditions.append(articles.c.source == stream.name)
    if stream.kind is StreamKind.TOPIC:
        named = select(article_topics.c.article_id).where(article_topics.c.topic == stream.name)
        conditions.append(articles.c.id.in_(named))
    return conditions


def _time_conditions(since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if since is not None:
        conditions.append(articles.c.first_seen >= _bind_time(since))
    if until is not None:
        conditions.append(articles.c.first_seen <= _bind_time(until))
    return conditions


def _has_state(token: str, mark: EntryState) -> ColumnElement[bool]:
    return articles.c.id.in_(
        select(entry_states.c.article_id).where(entry_states.c.token == token, entry_states.c.state == mark)
    )


def _lacks_state(token: str, mark: EntryState) -> ColumnElement[bool]:
    said = (entry_states.c.token == token, entry_states.c.state == mark, entry_states.c.article_id == articles.c.id)
    return ~select(entry_states.c.article_id).where(*said).correlate(articles).exists()


def _bind_time(at: datetime) -> ColumnElement[Any]:
    return bindparam(None, at, type_=articles.c.first_seen.type, unique=True)


def _count_rows(rows: list[Any]) -> UnreadCount:
    return UnreadCount(count=len(rows), newest_at=max((row.first_seen for row in rows), default=None))


def _count_topics(tx: Connection, rows: list[Any]) -> dict[str, UnreadCount]:
    many: Counter[str] = Counter()
    newest: dict[str, datetime] = {}
    for part in batched(rows, _BATCH_SIZE):
        for row in _COUNT_TOPICS.all(tx, {"ids": [one.id for one in part]}):
            many[row.topic] += row.many
            newest[row.topic] = max(newest.get(row.topic, row.newest), row.newest)
    return {topic: UnreadCount(count=count, newest_at=newest[topic]) for topic, count in many.items()}


_SELECT_ROW_IDS = CompiledStatement(
    select(articles.c.id, articles.c.search_row).where(articles.c.id.in_(bindparam("ids", expanding=True)))
)
_COUNT_TOPICS = CompiledStatement(
    select(article_topics.c.topic, func.count().label("many"), func.max(articles.c.first_seen).label("newest"))
    .join(articles, articles.c.id == article_topics.c.article_id)
    .where(article_topics.c.article_id.in_(bindparam("ids", expanding=True)))
    .group_by(article_topics.c.topic)
)
