"""Search and read the archive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, bindparam, func, select, tuple_

from storage.articles.lookup import article_at, kept_id
from storage.articles.reading import load_articles, load_revisions, with_past_texts
from storage.articles.topics import TopicCount, count_stale_topics, count_topics, load_topics
from storage.db.database import Database
from storage.db.statements import CompiledStatement, batched
from storage.db.tables import aliases, articles, captures, revisions
from storage.identity import key_digest, url_key
from storage.model.article import Change, ChangeCursor, KeptArticle, Revision, Story, Topic
from storage.model.search import Facets, Query, ResultCount, SearchHit, SearchResults, Timeline
from storage.readers.archived_feeds import FeedArchive, find_feeds_behind, load_feed_page, update_feed_archive
from storage.search.facets import count_facets, count_timeline
from storage.search.finder import QueryRun
from storage.search.history import ShownText, load_shown_text
from storage.search.query.tree import Terms
from storage.search.snippet import make_snippet
from storage.search.suggest import correct_spelling, suggest_words
from storage.stories.reading import count_queued, load_newest_stories, load_story

if TYPE_CHECKING:
    from storage.model.crawl import Capture

_CHUNK = 200
_SUGGESTION_SECONDS = 0.25
"""Time limit of the check that a corrected query has results."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSource:
    """A source with its number of articles and the id, URL and time of its first article."""

    name: str
    articles: int
    first_id: int
    url: str
    first_seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultListing:
    """Articles of a page in order, each as (id, revision number, sources of its copies)."""

    rows: tuple[tuple[int, int, tuple[str, ...]], ...]
    cursor: str = ""


class Library:
    """Read access to the archive; each call reads in one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def search(
        self, query: Query, now: datetime | None = None, seconds: float | None = None, *, with_snippets: bool = True
    ) -> SearchResults:
        """Return a page of results with snippets.

        Never raises for the words of a query: filters that are not understood are searched as plain words and named in
        the notes. An empty query matches everything; words without a letter or digit match nothing. Relative dates
        refer to `now`. The search ends after about `seconds` (25 ms). If `with_snippets` is False, only results that
        match by a past text have snippets.
        """
        with self._database.read() as connection:
            finder = QueryRun(connection, query, now, seconds)
            page = finder.fetch_page()
            found = list(load_articles(connection, page.ids))
            also = _load_copy_sources(connection, page.ids) if query.collapse else {}
            then = {number: load_shown_text(connection, text_id) for number, text_id in page.past_text_ids.items()}
        hits = tuple(
            _search_hit(one, finder.terms, also.get(one.id, ()), then.get(one.id), with_snippets) for one in found
        )
        return SearchResults(
            hits=hits,
            cursor=page.cursor,
            is_complete=page.scanned_until is None,
            scanned_until=page.scanned_until,
            notes=(*finder.parsed.notes, *page.notes),
        )

    def list_results(self, query: Query, now: datetime | None = None, seconds: float | None = None) -> ResultListing:
        """Return the results of `search` without texts, to detect changed results."""
        with self._database.read() as connection:
            page = QueryRun(connection, query, now, seconds).fetch_page()
            revisions = {row.id: row.revision for row in _SELECT_REVISION_NUMBERS.all(connection, {"ids": page.ids})}
            also = _load_copy_sources(connection, page.ids) if query.collapse else {}
        rows = tuple((one, revisions.get(one, 0), also.get(one, ())) for one in page.ids)
        return ResultListing(rows=rows, cursor=page.cursor)

    def feed_archive(self, feed: str, query: Query, now: datetime) -> FeedArchive:
        """Add new articles to the archived pages of a feed and return the state of its archive."""
        return update_feed_archive(self._database, feed, query, now)

    def feeds_behind(self) -> list[str]:
        """Feeds of which thousands of articles are still to be looked through for pages."""
        with self._database.read() as tx:
            return find_feeds_behind(tx)

    def feed_page(self, feed: str, query: Query, number: int) -> tuple[list[int] | None, int]:
        """The articles of a full page of a feed, and how many pages there are; None where there is no such page."""
        with self._database.read() as connection:
            return load_feed_page(connection, feed, query, number)

    def revision_numbers(self, ids: Sequence[int]) -> list[tuple[int, int]]:
        """Some articles with the number of the revision that is shown of each, in the ids' order."""
        with self._database.read() as connection:
            known = {row.id: row.revision for row in _SELECT_REVISION_NUMBERS.all(connection, {"ids": list(ids)})}
        return [(one, known[one]) for one in ids if one in known]

    def articles(self, query: Query, *, include_past_texts: bool = False) -> Iterator[KeptArticle]:
        """Every article that the query finds, copies too, streamed: the newest first, or as it says.

        With `past` each has the texts that it showed before. Without words, topics and a limit in the order in which
        they were first seen.
        """
        with self._database.read() as connection:
            finder = QueryRun(connection, query)
            ids: Iterator[int] = finder.iter_ids()
            if finder.parsed.node is None and not query.topics and query.limit is None:
                ids = _in_arrival_order(connection, finder)
            for part in batched(ids, _CHUNK):
                found = load_articles(connection, part)
                yield from with_past_texts(connection, found) if include_past_texts else found

    def count(self, query: Query) -> ResultCount:
        """Return the number of results, copies included, without the limit of the query."""
        with self._database.read() as connection:
            return QueryRun(connection, query).count()

    def timeline(self, query: Query, unit: str = "month", now: datetime | None = None) -> Timeline:
        """How many articles the query finds of each "day", "week" or "month", copies too."""
        with self._database.read() as connection:
            return count_timeline(QueryRun(connection, query, now).scan, unit)

    def facets(self, query: Query, now: datetime | None = None) -> tuple[Timeline, Facets]:
        """The timeline by months, and which sources, languages and topics a sample spread over it has."""
        with self._database.read() as connection:
            walk = QueryRun(connection, query, now).scan
            months = count_timeline(walk, "month")
            return months, count_facets(connection, walk, months)

    def suggestions(self, typed: str, limit: int = 10) -> tuple[str, ...]:
        """Words of titles, and sources, that begin as the last word that was typed does."""
        return suggest_words(self._database, typed, limit)

    def did_you_mean(self, words: str) -> str:
        """The query with words that the archive holds for those that it does not; empty where that finds nothing."""
        with self._database.read() as connection:
            meant = correct_spelling(connection, words)
            is_found = (
                meant
                and QueryRun(connection, Query(words=meant), seconds=_SUGGESTION_SECONDS)
                .scan.find(1, _SUGGESTION_SECONDS)
                .row_ids
            )
            return meant if is_found else ""

    def article(self, article_id: int) -> KeptArticle | None:
        """An article by its id, or by the id of one that was joined to it."""
        with self._database.read() as connection:
            return next(iter(load_articles(connection, [kept_id(connection, article_id)])), None)

    def articles_by_id(self, ids: Sequence[int]) -> list[KeptArticle]:
        """The articles of some ids, in their order; an id that no article has any more is left out."""
        with self._database.read() as connection:
            return list(load_articles(connection, list(ids)))

    def article_at(self, url: str) -> KeptArticle | None:
        """The article that was fetched at an address, in any spelling of it."""
        with self._database.read() as connection:
            found = article_at(connection, key_digest(url_key(url)))
            return next(iter(load_articles(connection, [found])), None) if found else None

    def sources(self) -> list[KeptSource]:
        """Every source that articles are kept of, by name."""
        with self._database.read() as connection:
            return [KeptSource(**row._mapping) for row in connection.execute(_SELECT_SOURCES)]

    def copies(self, article_id: int) -> list[tuple[int, str]]:
        """Return the copies of an article as (id, url), earliest publication first."""
        with self._database.read() as connection:
            rows = connection.execute(_SELECT_COPIES, {"article": kept_id(connection, article_id)})
            return [(row.id, row.url) for row in rows]

    def revisions(self, article_id: int) -> list[Revision]:
        """Every text that an article had, oldest first."""
        with self._database.read() as connection:
            return load_revisions(connection, kept_id(connection, article_id))

    def changes(
        self,
        *,
        since: datetime | None = None,
        kinds: Sequence[str] = (),
        sources: Sequence[str] = (),
        limit: int | None = None,
    ) -> Iterator[Change]:
        """What was edited, newest first: every revision after an article's first."""
        statement = _SELECT_CHANGES.limit(limit)
        if since is not None:
            statement = statement.where(revisions.c.fetched_at >= since)
        if kinds:
            statement = statement.where(revisions.c.kind.in_(kinds))
        if sources:
            statement = statement.where(articles.c.source.in_(sources))
        with self._database.read() as connection:
            for row in connection.execution_options(yield_per=_CHUNK).execute(statement):
                yield Change(**row._mapping)

    def changes_after(self, since: datetime | None, cursor: ChangeCursor | None, limit: int) -> list[Change]:
        """What was edited from a time on, after a place, oldest first."""
        statement = _SELECT_CHANGES.order_by(None).order_by(*_CHANGE_CURSOR).limit(limit)
        if since is not None:
            statement = statement.where(revisions.c.fetched_at >= since)
        if cursor is not None:
            there = (bindparam("at", cursor.at, revisions.c.fetched_at.type), cursor.article_id, cursor.number)
            statement = statement.where(tuple_(*_CHANGE_CURSOR) > tuple_(*there))
        with self._database.read() as connection:
            return [Change(**row._mapping) for row in connection.execute(statement)]

    def topics_of(self, article_id: int) -> tuple[Topic, ...]:
        """The topics that an article names: those of its title first, then by how often."""
        with self._database.read() as connection:
            found = kept_id(connection, article_id)
            return tuple(load_topics(connection, [found]).get(found, ()))

    def topic_counts(self, since: datetime | None = None) -> list[TopicCount]:
        """Every topic that an article names, copies too, those of most articles first."""
        with self._database.read() as connection:
            return count_topics(connection, since)

    def count_stale_topics(self, catalogue: str) -> int:
        """How many articles were not yet read for topics with the catalogue of this digest."""
        with self._database.read() as connection:
            return count_stale_topics(connection, catalogue)

    def stories(
        self, *, since: datetime | None = None, min_sources: int = 1, limit: int | None = None
    ) -> Iterator[Story]:
        """Yield stories of more than one article, most recently published first."""
        with self._database.read() as connection:
            yield from load_newest_stories(connection, since, min_sources, limit)

    def story(self, article_id: int) -> Story | None:
        """Return the story of an article or of a copy."""
        with self._database.read() as connection:
            return load_story(connection, kept_id(connection, article_id))

    def count_queued_for_stories(self) -> int:
        """How many articles have no place among the stories yet."""
        with self._database.read() as connection:
            return count_queued(connection)

    def captures(self, article_id: int) -> list[tuple[Capture, str, datetime]]:
        """The captures of every address of an article, oldest first: (capture, url, fetched_at)."""
        from storage.model.crawl import Capture

        with self._database.read() as connection:
            rows = connection.execute(_SELECT_CAPTURES, {"article": kept_id(connection, article_id)}).all()
        return [
            (Capture(file=r.file, offset=r.offset, length=r.length, digest=r.digest), r.url, r.fetched_at) for r in rows
        ]

    def is_available(self) -> bool:
        """Whether the archive answers; its schema was checked when it was opened."""
        with self._database.read() as connection:
            return connection.execute(select(1)).scalar() == 1


def _search_hit(
    article: KeptArticle, words: Sequence[Terms], also: tuple[str, ...], past: ShownText | None, passages: bool
) -> SearchHit:
    """A found article; its passage is of the past where it is found there."""
    if past is None:
        return SearchHit(
            article=article, snippet=make_snippet(article.text, words) if passages else "", copy_sources=also
        )
    return SearchHit(
        article=article, snippet=make_snippet(past.text, words), copy_sources=also,
        revision_number=past.number, since=past.since, until=past.until,
    )  # fmt: skip


def _in_arrival_order(connection: Connection, finder: QueryRun) -> Iterator[int]:
    walk = finder.scan
    places = walk.select_row_ids(walk.low_row_id, walk.high_row_id).subquery()
    statement = select(articles.c.id).where(articles.c.search_row.in_(select(places)))
    ordered = statement.order_by(articles.c.first_seen, articles.c.id)
    yield from connection.execution_options(yield_per=_CHUNK).execute(ordered).scalars()


def _load_copy_sources(connection: Connection, ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    found: dict[int, dict[str, None]] = {}
    for row in _SELECT_COPY_SOURCES.all(connection, {"ids": list(ids)}):
        found.setdefault(row.copy_of, {})[row.source] = None
    return {original: tuple(sources) for original, sources in found.items()}


_SELECT_REVISION_NUMBERS = CompiledStatement(
    select(articles.c.id, articles.c.revision).where(articles.c.id.in_(bindparam("ids", expanding=True)))
)
_SELECT_COPY_SOURCES = CompiledStatement(
    select(articles.c.copy_of, articles.c.source)
    .where(articles.c.copy_of.in_(bindparam("ids", expanding=True)))
    .order_by(articles.c.copy_of, articles.c.sort_time, articles.c.url_key)
)
_SELECT_COPIES = (
    select(articles.c.id, articles.c.url)
    .where(articles.c.copy_of == bindparam("article"))
    .order_by(articles.c.sort_time, articles.c.url_key)
)
_SELECT_CHANGES = (
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
_ARTICLES_BY_SOURCE = (
    select(articles.c.source, func.count().label("many"), func.min(articles.c.id).label("first_id"))
    .group_by(articles.c.source)
    .subquery()
)
_SELECT_SOURCES = (
    select(
        articles.c.source.label("name"), _ARTICLES_BY_SOURCE.c.many.label("articles"), _ARTICLES_BY_SOURCE.c.first_id,
        articles.c.url, articles.c.first_seen,
    )
    .join(_ARTICLES_BY_SOURCE, _ARTICLES_BY_SOURCE.c.first_id == articles.c.id)
    .order_by(articles.c.source)
)  # fmt: skip
_CHANGE_CURSOR = (revisions.c.fetched_at, revisions.c.article_id, revisions.c.number)
_SELECT_CAPTURES = (
    select(captures)
    .join(aliases, aliases.c.url_digest == captures.c.url_digest)
    .where(aliases.c.article_id == bindparam("article"))
    .order_by(captures.c.fetched_at, captures.c.id)
)
