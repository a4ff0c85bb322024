"""The way out: searching and reading what the archive keeps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select, tuple_

from storage.articles.reading import articles_of, revisions_of, with_past_texts
from storage.articles.snapshots import article_at, kept_id
from storage.articles.topics import TopicCount, count_stale, count_topics, topics_of
from storage.db.database import Database
from storage.db.statements import Ready, parts
from storage.db.tables import aliases, articles, captures, revisions
from storage.identity import key_digest, url_key
from storage.model.article import Change, ChangePlace, KeptArticle, Revision, Story, Topic
from storage.model.crawl import Capture
from storage.model.search import Answer, Count, Facets, Hit, Query, Timeline
from storage.readers.archived_feeds import FeedArchive, feed_archive, feed_page, feeds_behind
from storage.search.facets import facets, timeline
from storage.search.finder import Finder
from storage.search.history import Shown, shown_between
from storage.search.query.tree import Words
from storage.search.snippet import snippet
from storage.search.suggest import did_you_mean, suggestions
from storage.stories.reading import count_due, newest_stories, story_of

_CHUNK = 200
_PATIENCE = 0.25
"""Seconds that it is looked whether what was meant is found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSource:
    """A source that articles are kept of: how many, and of the first that arrived its id, address and time."""

    name: str
    articles: int
    first_id: int
    url: str
    first_seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The articles of a page, in order: each one's id, the revision that is shown, and the sources of its copies."""

    rows: tuple[tuple[int, int, tuple[str, ...]], ...]
    cursor: str = ""


class Library:
    """Everything that is read from the archive; each call sees one moment of it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def search(
        self, query: Query, now: datetime | None = None, seconds: float | None = None, *, passages: bool = True
    ) -> Answer:
        """A page of the articles that a query finds, each with the passage that shows why.

        Never raises for what a reader typed: what is not understood is searched as plain words, and said in the
        answer's notes. No words at all find everything; words without a letter or digit find nothing. Times ago are
        counted from `now`. A page is looked for no longer than about `seconds` (25 ms): there the answer stops.
        Without `passages` the hits have none, except those of texts that were there before an edit.
        """
        with self._database.read() as connection:
            finder = Finder(connection, query, now, seconds)
            page = finder.page()
            found = list(articles_of(connection, page.ids))
            also = _sources_of_copies(connection, page.ids) if query.collapse else {}
            then = {number: shown_between(connection, text_id) for number, text_id in page.past.items()}
        hits = tuple(_hit(one, finder.words, also.get(one.id, ()), then.get(one.id), passages) for one in found)
        return Answer(
            hits=hits,
            cursor=page.cursor,
            complete=page.reached is None,
            reached=page.reached,
            notes=(*finder.asked.notes, *page.notes),
        )

    def listed(self, query: Query, now: datetime | None = None, seconds: float | None = None) -> Listing:
        """What `search` would list, without any text: enough to know whether an answer is another than before."""
        with self._database.read() as connection:
            page = Finder(connection, query, now, seconds).page()
            revisions = {row.id: row.revision for row in _REVISION_NUMBERS.all(connection, {"ids": page.ids})}
            also = _sources_of_copies(connection, page.ids) if query.collapse else {}
        rows = tuple((one, revisions.get(one, 0), also.get(one, ())) for one in page.ids)
        return Listing(rows=rows, cursor=page.cursor)

    def feed_archive(self, feed: str, query: Query, now: datetime) -> FeedArchive:
        """How far a feed is cut into pages by now; what arrived since the last time is cut on the way."""
        return feed_archive(self._database, feed, query, now)

    def feeds_behind(self) -> list[str]:
        """Feeds of which thousands of articles are still to be looked through for pages."""
        with self._database.read() as tx:
            return feeds_behind(tx)

    def feed_page(self, feed: str, query: Query, number: int) -> tuple[list[int] | None, int]:
        """The articles of a full page of a feed, and how many pages there are; None where there is no such page."""
        with self._database.read() as connection:
            return feed_page(connection, feed, query, number)

    def revision_numbers(self, ids: Sequence[int]) -> list[tuple[int, int]]:
        """Some articles with the number of the revision that is shown of each, in the ids' order."""
        with self._database.read() as connection:
            known = {row.id: row.revision for row in _REVISION_NUMBERS.all(connection, {"ids": list(ids)})}
        return [(one, known[one]) for one in ids if one in known]

    def articles(self, query: Query, *, past: bool = False) -> Iterator[KeptArticle]:
        """Every article that the query finds, copies too, streamed: the newest first, or as it says.

        With `past` each has the texts that it showed before. Without words, topics and a limit in the order in which
        they were first seen.
        """
        with self._database.read() as connection:
            finder = Finder(connection, query)
            ids: Iterator[int] = finder.all_ids()
            if finder.asked.node is None and not query.topics and query.limit is None:
                ids = _as_they_came(connection, finder)
            for part in parts(ids, _CHUNK):
                found = articles_of(connection, part)
                yield from with_past_texts(connection, found) if past else found

    def count(self, query: Query) -> Count:
        """How many articles the query finds, copies too, whatever its limit."""
        with self._database.read() as connection:
            return Finder(connection, query).count()

    def timeline(self, query: Query, unit: str = "month", now: datetime | None = None) -> Timeline:
        """How many articles the query finds of each "day", "week" or "month", copies too."""
        with self._database.read() as connection:
            return timeline(Finder(connection, query, now).walk, unit)

    def facets(self, query: Query, now: datetime | None = None) -> tuple[Timeline, Facets]:
        """The timeline by months, and which sources, languages and topics a sample spread over it has."""
        with self._database.read() as connection:
            walk = Finder(connection, query, now).walk
            months = timeline(walk, "month")
            return months, facets(connection, walk, months)

    def suggestions(self, typed: str, most: int = 10) -> tuple[str, ...]:
        """Words of titles, and sources, that begin as the last word that was typed does."""
        return suggestions(self._database, typed, most)

    def did_you_mean(self, words: str) -> str:
        """The query with words that the archive holds for those that it does not; empty where that finds nothing."""
        with self._database.read() as connection:
            meant = did_you_mean(connection, words)
            is_found = meant and Finder(connection, Query(words=meant), seconds=_PATIENCE).walk.rows(1, _PATIENCE).rows
            return meant if is_found else ""

    def article(self, article_id: int) -> KeptArticle | None:
        """An article by its id, or by the id of one that was joined to it."""
        with self._database.read() as connection:
            return next(iter(articles_of(connection, [kept_id(connection, article_id)])), None)

    def of(self, ids: Sequence[int]) -> list[KeptArticle]:
        """The articles of some ids, in their order; an id that no article has any more is left out."""
        with self._database.read() as connection:
            return list(articles_of(connection, list(ids)))

    def article_at(self, url: str) -> KeptArticle | None:
        """The article that was fetched at an address, in any spelling of it."""
        with self._database.read() as connection:
            found = article_at(connection, key_digest(url_key(url)))
            return next(iter(articles_of(connection, [found])), None) if found else None

    def sources(self) -> list[KeptSource]:
        """Every source that articles are kept of, by name."""
        with self._database.read() as connection:
            return [KeptSource(**row._mapping) for row in connection.execute(_SOURCES)]

    def copies(self, article_id: int) -> list[tuple[int, str]]:
        """The articles that are copies of an article, as (id, url), the first told first."""
        with self._database.read() as connection:
            rows = connection.execute(_COPIES, {"article": kept_id(connection, article_id)})
            return [(row.id, row.url) for row in rows]

    def revisions(self, article_id: int) -> list[Revision]:
        """Every text that an article had, oldest first."""
        with self._database.read() as connection:
            return revisions_of(connection, kept_id(connection, article_id))

    def changes(
        self,
        *,
        since: datetime | None = None,
        kinds: Sequence[str] = (),
        sources: Sequence[str] = (),
        limit: int | None = None,
    ) -> Iterator[Change]:
        """What was edited, newest first: every revision after an article's first."""
        statement = _CHANGES.limit(limit)
        if since is not None:
            statement = statement.where(revisions.c.fetched_at >= since)
        if kinds:
            statement = statement.where(revisions.c.kind.in_(kinds))
        if sources:
            statement = statement.where(articles.c.source.in_(sources))
        with self._database.read() as connection:
            for row in connection.execution_options(yield_per=_CHUNK).execute(statement):
                yield Change(**row._mapping)

    def changes_after(self, since: datetime | None, place: ChangePlace | None, most: int) -> list[Change]:
        """What was edited from a time on, after a place, oldest first."""
        statement = _CHANGES.order_by(None).order_by(*_CHANGE_PLACE).limit(most)
        if since is not None:
            statement = statement.where(revisions.c.fetched_at >= since)
        if place is not None:
            there = (bindparam("at", place.at, revisions.c.fetched_at.type), place.article_id, place.number)
            statement = statement.where(tuple_(*_CHANGE_PLACE) > tuple_(*there))
        with self._database.read() as connection:
            return [Change(**row._mapping) for row in connection.execute(statement)]

    def topics_of(self, article_id: int) -> tuple[Topic, ...]:
        """The topics that an article names: those of its title first, then by how often."""
        with self._database.read() as connection:
            found = kept_id(connection, article_id)
            return tuple(topics_of(connection, [found]).get(found, ()))

    def topic_counts(self, since: datetime | None = None) -> list[TopicCount]:
        """Every topic that an article names, copies too, those of most articles first."""
        with self._database.read() as connection:
            return count_topics(connection, since)

    def stale_topics(self, catalogue: str) -> int:
        """How many articles were not yet read for topics with the catalogue of this digest."""
        with self._database.read() as connection:
            return count_stale(connection, catalogue)

    def stories(
        self, *, since: datetime | None = None, least_sources: int = 1, limit: int | None = None
    ) -> Iterator[Story]:
        """Stories that more than one article tells, the one that was told last first."""
        with self._database.read() as connection:
            yield from newest_stories(connection, since, least_sources, limit)

    def story(self, article_id: int) -> Story | None:
        """The story that an article tells, by the id of any article of it or of a copy."""
        with self._database.read() as connection:
            return story_of(connection, kept_id(connection, article_id))

    def due_for_stories(self) -> int:
        """How many articles have no place among the stories yet."""
        with self._database.read() as connection:
            return count_due(connection)

    def captures(self, article_id: int) -> list[tuple[Capture, str, datetime]]:
        """The captures of every address of an article, oldest first: (capture, url, fetched_at)."""
        with self._database.read() as connection:
            rows = connection.execute(_CAPTURES, {"article": kept_id(connection, article_id)}).all()
        return [
            (Capture(file=r.file, offset=r.offset, length=r.length, digest=r.digest), r.url, r.fetched_at) for r in rows
        ]

    def is_current(self) -> bool:
        """Whether the archive answers; its schema was checked when it was opened."""
        with self._database.read() as connection:
            return connection.execute(select(1)).scalar() == 1


def _hit(
    article: KeptArticle, words: Sequence[Words], also: tuple[str, ...], past: Shown | None, passages: bool
) -> Hit:
    """A found article; its passage is of the past where it is found there."""
    if past is None:
        return Hit(article=article, snippet=snippet(article.text, words) if passages else "", also=also)
    return Hit(
        article=article, snippet=snippet(past.text, words), also=also,
        number=past.number, since=past.since, until=past.until,
    )  # fmt: skip


def _as_they_came(connection: Connection, finder: Finder) -> Iterator[int]:
    walk = finder.walk
    places = walk.statement(walk.low, walk.high).subquery()
    statement = select(articles.c.id).where(articles.c.search_row.in_(select(places)))
    ordered = statement.order_by(articles.c.first_seen, articles.c.id)
    yield from connection.execution_options(yield_per=_CHUNK).execute(ordered).scalars()


def _sources_of_copies(connection: Connection, ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    found: dict[int, dict[str, None]] = {}
    for row in _COPY_SOURCES.all(connection, {"ids": list(ids)}):
        found.setdefault(row.copy_of, {})[row.source] = None
    return {original: tuple(sources) for original, sources in found.items()}


_REVISION_NUMBERS = Ready(
    select(articles.c.id, articles.c.revision).where(articles.c.id.in_(bindparam("ids", expanding=True)))
)
_COPY_SOURCES = Ready(
    select(articles.c.copy_of, articles.c.source)
    .where(articles.c.copy_of.in_(bindparam("ids", expanding=True)))
    .order_by(articles.c.copy_of, articles.c.dated, articles.c.key)
)
_COPIES = (
    select(articles.c.id, articles.c.url)
    .where(articles.c.copy_of == bindparam("article"))
    .order_by(articles.c.dated, articles.c.key)
)
_CHANGES = (
    select(
        *[revisions.c[name] for name in ("article_id", "title", "kind", "added", "removed")],
        revisions.c.number.label("revision"),
        revisions.c.fetched_at.label("at"),
        articles.c.url,
        articles.c.source,
    )
    .join(articles, articles.c.id == revisions.c.article_id)
    .where(revisions.c.number > 1)
    .order_by(revisions.c.fetched_at.desc(), revisions.c.article_id.desc(), revisions.c.number.desc())
)
_COUNTED = select(articles.c.source, func.count().label("many"), func.min(articles.c.id).label("first_id")).group_by(
    articles.c.source
).subquery()  # fmt: skip
_SOURCES = (
    select(
        articles.c.source.label("name"), _COUNTED.c.many.label("articles"), _COUNTED.c.first_id,
        articles.c.url, articles.c.first_seen,
    )
    .join(_COUNTED, _COUNTED.c.first_id == articles.c.id)
    .order_by(articles.c.source)
)  # fmt: skip
_CHANGE_PLACE = (revisions.c.fetched_at, revisions.c.article_id, revisions.c.number)
_CAPTURES = (
    select(captures)
    .join(aliases, aliases.c.digest == captures.c.key)
    .where(aliases.c.article_id == bindparam("article"))
    .order_by(captures.c.fetched_at, captures.c.id)
)
