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

from storage.db.statements import Ready, parts
from storage.db.tables import article_topics, articles, marks
from storage.model.search import Query
from storage.readers.read_state import OLD_IS_READ, Mark, horizon
from storage.search.finder import Finder

MOST_COUNTED = 10_000
"""So many of the latest unread articles are counted; apps show no number above a thousand."""
_OTHERWISE = {Mark.READ: Mark.UNREAD, Mark.UNREAD: Mark.READ}
_BATCH = 500
AT_ONCE = 500
"""Articles that `found_by` is asked for at once, at most."""


class Kind(StrEnum):
    """What a stream is of."""

    ALL = "all"
    SOURCE = "source"
    TOPIC = "topic"
    SEARCH = "search"
    MARKED = "marked"
    """What bears the mark of the stream's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What is listed: everything, or what a source, a topic, a saved search (`words`) or a mark has.

    What `muted` says is left out. A search is looked for in what arrived within the last month.
    """

    kind: Kind = Kind.ALL
    name: str = ""
    words: str = ""
    muted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page of a stream ended."""

    arrived: datetime
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An article in a stream."""

    id: int
    arrived: datetime
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A page of a stream: what arrived from `since` to `until`, bears all of `only` and none of `without`."""

    stream: Stream
    since: datetime | None = None
    until: datetime | None = None
    only: frozenset[Mark] = frozenset()
    without: frozenset[Mark] = frozenset()
    oldest: bool = False
    after: Place | None = None
    most: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A page of a stream, and where the next begins; None after the last."""

    items: tuple[Item, ...]
    following: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """How many articles are unread, and when the latest of them arrived."""

    count: int = 0
    newest: datetime | None = None


@dataclass(slots=True)
class Tally:
    """What is unread of everything, by source, by topic and by saved search."""

    all: Unread = field(default_factory=Unread)
    sources: dict[str, Unread] = field(default_factory=dict)
    topics: dict[str, Unread] = field(default_factory=dict)
    searches: dict[str, Unread] = field(default_factory=dict)


def listed(tx: Connection, token: str, asked: Asked, now: datetime) -> Listed:
    """A page of a stream: what arrived last first, or what arrived first."""
    rows = _rows(tx, token, asked, now)
    found = [row for row, _ in zip(rows, range(asked.most + 1), strict=False)]
    items = tuple(Item(id=row.id, arrived=row.first_seen, source=row.source) for row in found[: asked.most])
    more = len(found) > len(items) and items
    return Listed(items=items, following=Place(arrived=items[-1].arrived, id=items[-1].id) if more else None)


def unread(tx: Connection, token: str, searches: Mapping[str, str], muted: tuple[str, ...], now: datetime) -> Tally:
    """How many are unread; `searches` are the words of each saved one."""
    asked = Asked(stream=Stream(muted=muted), without=frozenset([Mark.READ]), most=MOST_COUNTED)
    rows = [row for row, _ in zip(_rows(tx, token, asked, now), range(MOST_COUNTED), strict=False)]
    tally = Tally(all=_counted(rows))
    by_source: dict[str, list[Any]] = {}
    for row in rows:
        by_source.setdefault(row.source, []).append(row)
    tally.sources = {name: _counted(some) for name, some in by_source.items()}
    tally.topics = _topics(tx, rows)
    for name, words in searches.items():
        finder = Finder(tx, Query(words=words, muted=muted), now)
        tally.searches[name] = _counted([row for part in parts(rows, _BATCH) for row in _found(finder, part)])
    return tally


def found_by(
    tx: Connection, searches: Mapping[str, str], ids: list[int], now: datetime | None = None
) -> dict[int, list[str]]:
    """Which saved searches, by the words of each, find which of some articles."""
    found: dict[int, list[str]] = {}
    by_row = {row.search_row: row.id for row in _PLACED.all(tx, {"ids": ids})}
    for name, words in searches.items():
        for row in Finder(tx, Query(words=words), now).among(list(by_row)):
            found.setdefault(by_row[row], []).append(name)
    return found


def _rows(tx: Connection, token: str, asked: Asked, now: datetime) -> Iterator[Any]:
    """The articles of a stream in order, as rows."""
    stream, since = asked.stream, asked.since
    finder = None
    if stream.words or stream.muted:
        finder = Finder(tx, Query(words=stream.words, muted=stream.muted), now)
    if stream.kind is Kind.SEARCH:
        since = max(since or now - OLD_IS_READ, now - OLD_IS_READ)
    ranges = _conditions(tx, token, replace(asked, since=since), now)
    for condition in reversed(ranges) if asked.oldest else ranges:
        after = asked.after
        while some := list(tx.execute(_statement(condition, after, oldest=asked.oldest))):
            yield from some if finder is None else _found(finder, some)
            if len(some) < _BATCH:
                break
            after = Place(arrived=some[-1].first_seen, id=some[-1].id)


def _found(finder: Finder, rows: list[Any]) -> list[Any]:
    holds = set(finder.among([row.search_row for row in rows]))
    return [row for row in rows if row.search_row in holds]


def _statement(condition: ColumnElement[bool], after: Place | None, *, oldest: bool) -> Select[Any]:
    place = tuple_(articles.c.first_seen, articles.c.id)
    statement = select(articles.c.id, articles.c.first_seen, articles.c.source, articles.c.search_row).where(condition)
    if after is not None:
        there = tuple_(_moment(after.arrived), after.id)
        statement = statement.where(place > there if oldest else place < there)
    order = (articles.c.first_seen, articles.c.id)
    return statement.order_by(*(order if oldest else (one.desc() for one in order))).limit(_BATCH)


def _conditions(tx: Connection, token: str, asked: Asked, now: datetime) -> list[ColumnElement[bool]]:
    """What the rows must be, in parts that lie one after another, the newest first.

    Few of those that are old are unread: they are found by their marks, not by looking through all.
    """
    is_new = articles.c.first_seen > _moment(horizon(tx, token, now))
    ranges = [and_(*_of_stream(asked.stream), *_between(asked.since, asked.until))]
    wanted = set(asked.only)
    if asked.stream.kind is Kind.MARKED:
        wanted.add(Mark(asked.stream.name))
    # What is not read is unread, and the other way round.
    wanted |= {_OTHERWISE[mark] for mark in asked.without if mark in _OTHERWISE}
    for mark in sorted(wanted):
        ranges = [narrower for part in ranges for narrower in _narrowed(part, token, mark, is_new)]
    if Mark.STARRED in asked.without:
        ranges = [and_(part, _lacks(token, Mark.STARRED)) for part in ranges]
    return ranges


def _narrowed(
    part: ColumnElement[bool], token: str, mark: Mark, is_new: ColumnElement[bool]
) -> list[ColumnElement[bool]]:
    """A part with only what bears a mark, in parts that lie one after another."""
    if mark is Mark.STARRED:
        return [and_(part, _bears(token, mark))]
    if mark is Mark.READ:
        by_itself = and_(not_(is_new), _lacks(token, Mark.UNREAD))
        return [and_(part, or_(not_(_lacks(token, Mark.READ)), by_itself))]
    return [and_(part, is_new, _lacks(token, Mark.READ)), and_(part, not_(is_new), _bears(token, Mark.UNREAD))]


def _of_stream(stream: Stream) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [articles.c.copy_of.is_(None)]
    if stream.kind is Kind.SOURCE:
        conditions.append(articles.c.source == stream.name)
    if stream.kind is Kind.TOPIC:
        named = select(article_topics.c.article_id).where(article_topics.c.topic == stream.name)
        conditions.append(articles.c.id.in_(named))
    return conditions


def _between(since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if since is not None:
        conditions.append(articles.c.first_seen >= _moment(since))
    if until is not None:
        conditions.append(articles.c.first_seen <= _moment(until))
    return conditions


def _bears(token: str, mark: Mark) -> ColumnElement[bool]:
    return articles.c.id.in_(select(marks.c.article_id).where(marks.c.token == token, marks.c.mark == mark))


def _lacks(token: str, mark: Mark) -> ColumnElement[bool]:
    said = (marks.c.token == token, marks.c.mark == mark, marks.c.article_id == articles.c.id)
    return ~select(marks.c.article_id).where(*said).correlate(articles).exists()


def _moment(at: datetime) -> ColumnElement[Any]:
    return bindparam(None, at, type_=articles.c.first_seen.type, unique=True)


def _counted(rows: list[Any]) -> Unread:
    return Unread(count=len(rows), newest=max((row.first_seen for row in rows), default=None))


def _topics(tx: Connection, rows: list[Any]) -> dict[str, Unread]:
    many: Counter[str] = Counter()
    newest: dict[str, datetime] = {}
    for part in parts(rows, _BATCH):
        for row in _NAMED.all(tx, {"ids": [one.id for one in part]}):
            many[row.topic] += row.many
            newest[row.topic] = max(newest.get(row.topic, row.newest), row.newest)
    return {topic: Unread(count=count, newest=newest[topic]) for topic, count in many.items()}


_PLACED = Ready(select(articles.c.id, articles.c.search_row).where(articles.c.id.in_(bindparam("ids", expanding=True))))
_NAMED = Ready(
    select(article_topics.c.topic, func.count().label("many"), func.max(articles.c.first_seen).label("newest"))
    .join(articles, articles.c.id == article_topics.c.article_id)
    .where(article_topics.c.article_id.in_(bindparam("ids", expanding=True)))
    .group_by(article_topics.c.topic)
)
