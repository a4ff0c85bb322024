"""Search and read the articles of an archive."""

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
"""Maximum seconds of the search that checks a spelling correction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSource:
    """A source with its number of articles, and the id, URL and time of arrival of its first article."""

    name: str
    articles: int
    first_id: int
    url: str
    first_seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultListing:
    """A page of results: for each article its id, the number of its revision and the sources of its copies."""

    rows: tuple[tuple[int, int, tuple[str, ...]], ...]
    cursor: str = ""


class Library:
    """Read access to an archive; each call reads one snapshot of the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def search(
        self, query: Query, now: datetime | None = None, seconds: float | None = None, *, with_snippets: bool = True
    ) -> SearchResults:
        """Return a page of the articles that match a query, with snippets.

        Malformed parts of a query are searched as plain words and reported in `notes`; no query raises. An empty query
        matches all articles; a query without letters and digits matches none. Relative times refer to `now`. The
        search stops after about `seconds` (25 ms). With `with_snippets` False only earlier revisions have snippets.
        """
        with self._database.read() as connection:
            finder = QueryRun(connection, query, now, seconds)
            page = finder.fetch_page()
            results = list(load_articles(connection, page.ids))
            sources = _load_copy_sources(connection, page.ids) if query.collapse else {}
            past = {
                article_id: load_shown_text(connection, text_id) for article_id, text_id in page.past_text_ids.items()
            }
        hits = tuple(
            _search_hit(article, finder.terms, sources.get(article.id, ()), past.get(article.id), with_snippets)
            for article in results
        )
        return SearchResults(
            hits=hits,
            cursor=page.cursor,
            is_complete=page.scanned_until is None,
            scanned_until=page.scanned_until,
            notes=(*finder.parsed.notes, *page.notes),
        )

    def list_results(self, query: Query, now: datetime | None = None, seconds: float | None = None) -> ResultListing:
        """Return the results of `search` without texts, to detect whether they have changed."""
        with self._database.read() as connection:
            page = QueryRun(connection, query, now, seconds).fetch_page()
            revisions = {row.id: row.revision for row in _SELECT_REVISION_NUMBERS.all(connection, {"ids": page.ids})}
            sources = _load_copy_sources(connection, page.ids) if query.collapse else {}
        rows = tuple((article_id, revisions.get(article_id, 0), sources.get(article_id, ())) for article_id in page.ids)
        return ResultListing(rows=rows, cursor=page.cursor)

    def feed_archive(self, feed: str, query: Query, now: datetime) -> FeedArchive:
        """Return the pages of an archived feed, after adding articles that arrived since the last update."""
        return update_feed_archive(self._database, feed, query, now)

    def feeds_behind(self) -> list[str]:
        """Return the archived feeds whose pages are thousands of articles behind."""
        with self._database.read() as tx:
            return find_feeds_behind(tx)

    def feed_page(self, feed: str, query: Query, number: int) -> tuple[list[int] | None, int]:
        """Return the article ids of a full page of a feed, or None if it does not exist, and the number of pages."""
        with self._database.read() as connection:
            return load_feed_page(connection, feed, query, number)

    def revision_numbers(self, ids: Sequence[int]) -> list[tuple[int, int]]:
        """Return (id, revision number) of existing articles, in the order of `ids`."""
        with self._database.read() as connection:
            numbers = {row.id: row.revision for row in _SELECT_REVISION_NUMBERS.all(connection, {"ids": list(ids)})}
        return [(article_id, numbers[article_id]) for article_id in ids if article_id in numbers]

    def articles(self, query: Query, *, include_past_texts: bool = False) -> Iterator[KeptArticle]:
        """Yield all articles that match a query, copies too, in the order of the query.

        With `include_past_texts` they contain the texts of earlier revisions. For a query without words, topics and
        limit the order is that of arrival.
        """
        with self._database.read() as connection:
            finder = QueryRun(connection, query)
            ids: Iterator[int] = finder.iter_ids()
            if finder.parsed.node is None and not query.topics and query.limit is None:
                ids = _in_arrival_order(connection, finder)
            for part in batched(ids, _CHUNK):
                loaded = load_articles(connection, part)
                yield from with_past_texts(connection, loaded) if include_past_texts else loaded

    def count(self, query: Query) -> ResultCount:
        """Count the articles that match a query, copies too; its limit is ignored."""
        with self._database.read() as connection:
            return QueryRun(connection, query).count()

    def timeline(self, query: Query, unit: str = "month", now: datetime | None = None) -> Timeline:
        """Count the articles that match a query by "day", "week" or "month", copies too."""
        with self._database.read() as connection:
            return count_timeline(QueryRun(connection, query, now).scan, unit)

    def facets(self, query: Query, now: datetime | None = None) -> tuple[Timeline, Facets]:
        """Return the timeline by month, and the sources, languages and topics of a sample spread over it."""
        with self._database.read() as connection:
            scan = QueryRun(connection, query, now).scan
            months = count_timeline(scan, "month")
            return months, count_facets(connection, scan, months)

    def suggestions(self, typed: str, limit: int = 10) -> tuple[str, ...]:
        """Return words of titles and names of sources that begin with the last word of `typed`."""
        return suggest_words(self._database, typed, limit)

    def did_you_mean(self, words: str) -> str:
        """Return the query with corrected spelling, or an empty string if the correction has no results."""
        with self._database.read() as connection:
            correction = correct_spelling(connection, words)
            has_results = (
                correction
                and QueryRun(connection, Query(words=correction), seconds=_SUGGESTION_SECONDS)
                .scan.find(1, _SUGGESTION_SECONDS)
                .row_ids
            )
            return correction if has_results else ""

    def article(self, article_id: int) -> KeptArticle | None:
        """Return an article by its id, or by the id of an article that was merged into it; None if there is none."""
        with self._database.read() as connection:
            return next(iter(load_articles(connection, [kept_id(connection, article_id)])), None)

    def articles_by_id(self, ids: Sequence[int]) -> list[KeptArticle]:
        """Return articles in the order of `ids`; ids without an article are omitted."""
        with self._database.read() as connection:
            return list(load_articles(connection, list(ids)))

    def article_at(self, url: str) -> KeptArticle | None:
        """Return the article at a URL, in any spelling of the URL; None if there is none."""
        with self._database.read() as connection:
            article_id = article_at(connection, key_digest(url_key(url)))
            return next(iter(load_articles(connection, [article_id])), None) if article_id else None

    def sources(self) -> list[KeptSource]:
        """Return the sources that have articles, ordered by name."""
        with self._database.read() as connection:
            return [KeptSource(**row._mapping) for row in connection.execute(_SELECT_SOURCES)]

    def copies(self, article_id: int) -> list[tuple[int, str]]:
        """Return (id, url) of the copies of an article, earliest first."""
        with self._database.read() as connection:
            rows = connection.execute(_SELECT_COPIES, {"article": kept_id(connection, article_id)})
            return [(row.id, row.url) for row in rows]

    def revisions(self, article_id: int) -> list[Revision]:
        """Return the revisions of an article, oldest first."""
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
        """Yield edits, newest first: all revisions except the first of each article."""
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
        """Return edits from `since` on that follow `cursor`, oldest first."""
        statement = _SELECT_CHANGES.order_by(None).order_by(*_CHANGE_CURSOR).limit(limit)
        if since is not None:
            statement = statement.where(revisions.c.fetched_at >= since)
        if cursor is not None:
            position = (bindparam("at", cursor.at, revisions.c.fetched_at.type), cursor.article_id, cursor.number)
            statement = statement.where(tuple_(*_CHANGE_CURSOR) > tuple_(*position))
        with self._database.read() as connection:
            return [Change(**row._mapping) for row in connection.execute(statement)]

    def topics_of(self, article_id: int) -> tuple[Topic, ...]:
        """Return the topics of an article: those in its title first, then by number of mentions."""
        with self._database.read() as connection:
            current_id = kept_id(connection, article_id)
            return tuple(load_topics(connection, [current_id]).get(current_id, ()))

    def topic_counts(self, since: datetime | None = None) -> list[TopicCount]:
        """Return the topics with their numbers of articles, copies too, the most frequent first."""
        with self._database.read() as connection:
            return count_topics(connection, since)

    def count_stale_topics(self, catalogue: str) -> int:
        """Count the articles whose topics were not determined with the catalogue of this digest."""
        with self._database.read() as connection:
            return count_stale_topics(connection, catalogue)

    def stories(
        self, *, since: datetime | None = None, min_sources: int = 1, limit: int | None = None
    ) -> Iterator[Story]:
        """Yield stories with more than one article, latest first."""
        with self._database.read() as connection:
            yield from load_newest_stories(connection, since, min_sources, limit)

    def story(self, article_id: int) -> Story | None:
        """Return the story of an article or of a copy; None if it has none."""
        with self._database.read() as connection:
            return load_story(connection, kept_id(connection, article_id))

    def count_queued_for_stories(self) -> int:
        """Count the articles that are not yet assigned to stories."""
        with self._database.read() as connection:
            return count_queued(connection)

    def captures(self, article_id: int) -> list[tuple[Capture, str, datetime]]:
        """Return (capture, url, fetched_at) for all URLs of an article, oldest first."""
        from storage.model.crawl import Capture

        with self._database.read() as connection:
            rows = connection.execute(_SELECT_CAPTURES, {"article": kept_id(connection, article_id)}).all()
        return [
            (
                Capture(file=row.file, offset=row.offset, length=row.length, digest=row.digest),
                row.url,
                row.fetched_at,
            )
            for row in rows
        ]

    def is_available(self) -> bool:
        """Return True if the database answers; opening the archive has checked its schema."""
        with self._database.read() as connection:
            return connection.execute(select(1)).scalar() == 1


def _search_hit(
    article: KeptArticle,
    terms: Sequence[Terms],
    copy_sources: tuple[str, ...],
    past: ShownText | None,
    with_snippet: bool,
) -> SearchHit:
    """Return a hit; its snippet comes from the earlier revision if only that one matches."""
    if past is None:
        return SearchHit(
            article=article,
            snippet=make_snippet(article.text, terms) if with_snippet else "",
            copy_sources=copy_sources,
        )
    return SearchHit(
        article=article, snippet=make_snippet(past.text, terms), copy_sources=copy_sources,
        revision_number=past.number, since=past.since, until=past.until,
    )  # fmt: skip


def _in_arrival_order(connection: Connection, finder: QueryRun) -> Iterator[int]:
    scan = finder.scan
    row_ids = scan.select_row_ids(scan.low_row_id, scan.high_row_id).subquery()
    statement = select(articles.c.id).where(articles.c.search_row.in_(select(row_ids)))
    ordered = statement.order_by(articles.c.first_seen, articles.c.id)
    yield from connection.execution_options(yield_per=_CHUNK).execute(ordered).scalars()


def _load_copy_sources(connection: Connection, ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    sources_by_original: dict[int, dict[str, None]] = {}
    for row in _SELECT_COPY_SOURCES.all(connection, {"ids": list(ids)}):
        sources_by_original.setdefault(row.copy_of, {})[row.source] = None
    return {original: tuple(sources) for original, sources in sources_by_original.items()}


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
    select(articles.c.source, func.count().label("article_count"), func.min(articles.c.id).label("first_id"))
    .group_by(articles.c.source)
    .subquery()
)
_SELECT_SOURCES = (
    select(
        articles.c.source.label("name"), _ARTICLES_BY_SOURCE.c.article_count.label("articles"),
        _ARTICLES_BY_SOURCE.c.first_id, articles.c.url, articles.c.first_seen,
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
