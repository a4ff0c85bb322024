"""Streams for reader apps: articles in the order of arrival, and counts of the unread ones.

Streams contain originals but not their copies. Articles with the same time of arrival are ordered by id.
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
"""Maximum number of unread articles that are counted; apps show at most 1,000."""
_OPPOSITE = {EntryState.READ: EntryState.UNREAD, EntryState.UNREAD: EntryState.READ}
_BATCH_SIZE = 500
MAX_IDS_PER_MATCH = 500
"""Maximum number of ids in one call of `match_searches`."""


class StreamKind(StrEnum):
    ALL = "all"
    SOURCE = "source"
    TOPIC = "topic"
    SEARCH = "search"
    STATE = "marked"
    """Articles in the state that the stream is named after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A stream of all articles, or those of a source, topic, saved search (`query`) or state.

    Articles that match a query of `muted` are excluded. Searches cover the articles of the last 30 days.
    """

    kind: StreamKind = StreamKind.ALL
    name: str = ""
    query: str = ""
    muted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPosition:
    """Position of the last item of a page."""

    arrived_at: datetime
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamItem:
    id: int
    arrived_at: datetime
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRequest:
    """Request for a page of a stream: articles that arrived from `since` to `until`, both inclusive.

    The articles have all of `with_states` and none of `without_states`."""

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
    """A page of a stream; `next_position` is None on the last page."""

    items: tuple[StreamItem, ...]
    next_position: StreamPosition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadCount:
    """Number of unread articles, and the time at which the latest arrived."""

    count: int = 0
    newest_at: datetime | None = None


@dataclass(slots=True)
class UnreadCounts:
    """Unread articles in total, by source, by topic and by saved search."""

    total: UnreadCount = field(default_factory=UnreadCount)
    sources: dict[str, UnreadCount] = field(default_factory=dict)
    topics: dict[str, UnreadCount] = field(default_factory=dict)
    searches: dict[str, UnreadCount] = field(default_factory=dict)


def list_stream(tx: Connection, token: str, request: StreamRequest, now: datetime) -> StreamPage:
    """Return a page of a stream, newest first unless `oldest_first` is set."""
    rows = _iter_rows(tx, token, request, now)
    page = [row for row, _ in zip(rows, range(request.limit + 1), strict=False)]
    items = tuple(StreamItem(id=row.id, arrived_at=row.first_seen, source=row.source) for row in page[: request.limit])
    has_more = len(page) > len(items) and items
    return StreamPage(
        items=items,
        next_position=StreamPosition(arrived_at=items[-1].arrived_at, id=items[-1].id) if has_more else None,
    )


def count_unread(
    tx: Connection, token: str, searches: Mapping[str, str], muted: tuple[str, ...], now: datetime
) -> UnreadCounts:
    """Count unread articles; `searches` maps the names of saved searches to their queries."""
    request = StreamRequest(stream=Stream(muted=muted), without_states=frozenset([EntryState.READ]), limit=MAX_COUNTED)
    rows = [row for row, _ in zip(_iter_rows(tx, token, request, now), range(MAX_COUNTED), strict=False)]
    counts = UnreadCounts(total=_count_rows(rows))
    by_source: dict[str, list[Any]] = {}
    for row in rows:
        by_source.setdefault(row.source, []).append(row)
    counts.sources = {name: _count_rows(source_rows) for name, source_rows in by_source.items()}
    counts.topics = _count_topics(tx, rows)
    for name, text in searches.items():
        finder = QueryRun(tx, Query(words=text, muted=muted), now)
        counts.searches[name] = _count_rows(
            [row for part in batched(rows, _BATCH_SIZE) for row in _filter_rows(finder, part)]
        )
    return counts


def match_searches(
    tx: Connection, searches: Mapping[str, str], ids: list[int], now: datetime | None = None
) -> dict[int, list[str]]:
    """Return the names of the saved searches that match each article, by article id."""
    names: dict[int, list[str]] = {}
    by_row = {row.search_row: row.id for row in _SELECT_ROW_IDS.all(tx, {"ids": ids})}
    for name, text in searches.items():
        for row in QueryRun(tx, Query(words=text), now).filter_row_ids(list(by_row)):
            names.setdefault(by_row[row], []).append(name)
    return names


def _iter_rows(tx: Connection, token: str, request: StreamRequest, now: datetime) -> Iterator[Any]:
    """Yield the rows of a stream in order."""
    stream, since = request.stream, request.since
    finder = None
    if stream.query or stream.muted:
        finder = QueryRun(tx, Query(words=stream.query, muted=stream.muted), now)
    if stream.kind is StreamKind.SEARCH:
        since = max(since or now - READ_AFTER, now - READ_AFTER)
    ranges = _row_conditions(tx, token, replace(request, since=since), now)
    for condition in reversed(ranges) if request.oldest_first else ranges:
        after = request.after
        while batch := list(tx.execute(_select_rows(condition, after, oldest=request.oldest_first))):
            yield from batch if finder is None else _filter_rows(finder, batch)
            if len(batch) < _BATCH_SIZE:
                break
            after = StreamPosition(arrived_at=batch[-1].first_seen, id=batch[-1].id)


def _filter_rows(finder: QueryRun, rows: list[Any]) -> list[Any]:
    matches = set(finder.filter_row_ids([row.search_row for row in rows]))
    return [row for row in rows if row.search_row in matches]


def _select_rows(condition: ColumnElement[bool], after: StreamPosition | None, *, oldest: bool) -> Select[Any]:
    position = tuple_(articles.c.first_seen, articles.c.id)
    statement = select(articles.c.id, articles.c.first_seen, articles.c.source, articles.c.search_row).where(condition)
    if after is not None:
        last = tuple_(_bind_time(after.arrived_at), after.id)
        statement = statement.where(position > last if oldest else position < last)
    order = (articles.c.first_seen, articles.c.id)
    return statement.order_by(*(order if oldest else (key.desc() for key in order))).limit(_BATCH_SIZE)


def _row_conditions(tx: Connection, token: str, request: StreamRequest, now: datetime) -> list[ColumnElement[bool]]:
    """Return the conditions of consecutive parts of a stream, newest part first.

    Few old articles are unread: a part of its own finds them by their state instead of scanning all.
    """
    is_new = articles.c.first_seen > _bind_time(read_horizon(tx, token, now))
    ranges = [and_(*_stream_conditions(request.stream), *_time_conditions(request.since, request.until))]
    wanted = set(request.with_states)
    if request.stream.kind is StreamKind.STATE:
        wanted.add(EntryState(request.stream.name))
    # Every article is either read or unread.
    wanted |= {_OPPOSITE[state] for state in request.without_states if state in _OPPOSITE}
    for state in sorted(wanted):
        ranges = [narrower for part in ranges for narrower in _with_state(part, token, state, is_new)]
    if EntryState.STARRED in request.without_states:
        ranges = [and_(part, _lacks_state(token, EntryState.STARRED)) for part in ranges]
    return ranges


def _with_state(
    part: ColumnElement[bool], token: str, state: EntryState, is_new: ColumnElement[bool]
) -> list[ColumnElement[bool]]:
    """Restrict a part to the articles in a state; return the consecutive parts."""
    if state is EntryState.STARRED:
        return [and_(part, _has_state(token, state))]
    if state is EntryState.READ:
        is_read_by_age = and_(not_(is_new), _lacks_state(token, EntryState.UNREAD))
        return [and_(part, or_(not_(_lacks_state(token, EntryState.READ)), is_read_by_age))]
    return [
        and_(part, is_new, _lacks_state(token, EntryState.READ)),
        and_(part, not_(is_new), _has_state(token, EntryState.UNREAD)),
    ]


def _stream_conditions(stream: Stream) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [articles.c.copy_of.is_(None)]
    if stream.kind is StreamKind.SOURCE:
        conditions.append(articles.c.source == stream.name)
    if stream.kind is StreamKind.TOPIC:
        article_ids = select(article_topics.c.article_id).where(article_topics.c.topic == stream.name)
        conditions.append(articles.c.id.in_(article_ids))
    return conditions


def _time_conditions(since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if since is not None:
        conditions.append(articles.c.first_seen >= _bind_time(since))
    if until is not None:
        conditions.append(articles.c.first_seen <= _bind_time(until))
    return conditions


def _has_state(token: str, state: EntryState) -> ColumnElement[bool]:
    return articles.c.id.in_(
        select(entry_states.c.article_id).where(entry_states.c.token == token, entry_states.c.state == state)
    )


def _lacks_state(token: str, state: EntryState) -> ColumnElement[bool]:
    conditions = (
        entry_states.c.token == token,
        entry_states.c.state == state,
        entry_states.c.article_id == articles.c.id,
    )
    return ~select(entry_states.c.article_id).where(*conditions).correlate(articles).exists()


def _bind_time(at: datetime) -> ColumnElement[Any]:
    return bindparam(None, at, type_=articles.c.first_seen.type, unique=True)


def _count_rows(rows: list[Any]) -> UnreadCount:
    return UnreadCount(count=len(rows), newest_at=max((row.first_seen for row in rows), default=None))


def _count_topics(tx: Connection, rows: list[Any]) -> dict[str, UnreadCount]:
    counts: Counter[str] = Counter()
    newest: dict[str, datetime] = {}
    for part in batched(rows, _BATCH_SIZE):
        for row in _COUNT_TOPICS.all(tx, {"ids": [row.id for row in part]}):
            counts[row.topic] += row.number
            newest[row.topic] = max(newest.get(row.topic, row.newest), row.newest)
    return {topic: UnreadCount(count=count, newest_at=newest[topic]) for topic, count in counts.items()}


_SELECT_ROW_IDS = CompiledStatement(
    select(articles.c.id, articles.c.search_row).where(articles.c.id.in_(bindparam("ids", expanding=True)))
)
_COUNT_TOPICS = CompiledStatement(
    select(article_topics.c.topic, func.count().label("number"), func.max(articles.c.first_seen).label("newest"))
    .join(articles, articles.c.id == article_topics.c.article_id)
    .where(article_topics.c.article_id.in_(bindparam("ids", expanding=True)))
    .group_by(article_topics.c.topic)
)
