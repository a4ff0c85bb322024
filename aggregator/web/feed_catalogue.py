"""Catalogue of feeds: turn a feed request into a channel, and compute its ETag without loading texts."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from aggregator.alerts.saved_searches import SavedSearches
from aggregator.feeds.channel import Channel, FeedEntry, article_entry
from aggregator.feeds.opml import OutlineFeed
from aggregator.topics.resolve import UnknownTopic, resolve_topics
from aggregator.web.archived_feeds import ArchivedFeedPages, has_archive_link, request_page
from aggregator.web.event_feeds import create_event_feeds
from aggregator.web.requests import FeedNotFound, FeedRequest
from aggregator.web.responses import make_etag
from storage.library import Library
from storage.model.article import KeptArticle
from storage.model.search import Query, SearchHit
from storage.monitor import Monitor

if TYPE_CHECKING:
    from aggregator.topics.matcher import TopicCatalogue

_OUTLINES_MAX_AGE = 60.0
"""Seconds that the list of feeds is reused; counting topics and sources takes long in a large archive."""


class FeedCatalogue:
    """Every feed of an archive. `searches` and `topics` are called for each request, because their files may change."""

    def __init__(
        self,
        library: Library,
        monitor: Monitor,
        base_url: str,
        searches: Callable[[], SavedSearches],
        topics: Callable[[], TopicCatalogue],
        muted: tuple[str, ...] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        hub: str = "",
    ) -> None:
        self._library, self._base_url = library, base_url
        self._searches, self._topics, self.muted = searches, topics, muted
        self._hub, self._pages = hub, ArchivedFeedPages(library, now)
        self._event_feeds = create_event_feeds(library, monitor)
        self._outlines: dict[str, tuple[float, list[OutlineFeed]]] = {}

    def compute_etag(self, request: FeedRequest) -> str:
        """Return a value that changes with the feed; no text is loaded. Raises FeedNotFound."""
        if event_feed := self._event_feeds.get(request.path):
            content: object = [event_feed.etag_key(event) for event in event_feed.list_events(request.limit)]
        else:
            query, _ = self._build_query(request)
            content = self._list_etag_content(request, query)
        return make_etag((self._base_url, request, content))

    def build_channel(self, request: FeedRequest) -> Channel:
        """Return the feed with its entries. Raises FeedNotFound."""
        if event_feed := self._event_feeds.get(request.path):
            entries = tuple(event_feed.make_entry(event, request) for event in event_feed.list_events(request.limit))
            return self._make_channel(request, event_feed.title, entries=entries)
        query, title = self._build_query(request)
        if request.page:
            return self._build_archive_page(request, query, title)
        archive = self._pages.find_archive(request, query)
        shown: list[KeptArticle | SearchHit] = []
        next_url = ""
        if request.order != "arrival":
            results = self._library.search(query, with_snippets=False)
            shown += results.hits
            next_url = self.build_url(replace(request, cursor=results.cursor)) if results.cursor else ""
        shown_ids = {hit.article.id for hit in shown if isinstance(hit, SearchHit)}
        shown += self._library.articles_by_id(
            [number for number in self._pages.list_unpaged(request, query, archive) if number not in shown_ids]
        )
        # A feed with archive pages needs no next_url; JSON Feed has no archive pages.
        pages = archive.page_count if archive and has_archive_link(request, archive) else None
        last = self.build_url(request_page(request, pages)) if pages else ""
        return self._make_channel(
            request, title, entries=tuple(_make_entry(item, full=request.full) for item in shown),
            next_url=next_url if pages is None else "", prev_archive=last,
        )  # fmt: skip

    def _list_etag_content(self, request: FeedRequest, query: Query) -> object:
        """Return what the ETag of a feed of articles depends on."""
        if request.page:
            ids, pages = self._pages.read_page(request, query)
            return self._library.revision_numbers(ids or ()), pages > request.page
        archive = self._pages.find_archive(request, query)
        unpaged = self._library.revision_numbers(self._pages.list_unpaged(request, query, archive))
        if request.order == "arrival":
            return unpaged, archive
        listing = self._library.list_results(query)
        return listing.rows, listing.cursor, unpaged, archive and (archive.page_count, archive.is_complete)

    def _build_archive_page(self, request: FeedRequest, query: Query, title: str) -> Channel:
        """Return a page of an archived feed. Raises FeedNotFound."""
        ids, pages = self._pages.read_page(request, query)
        if ids is None:
            raise FeedNotFound(
                f"there is no page {request.page}; {self.build_url(replace(request, page=0))} links to the last page"
            )
        before = self.build_url(request_page(request, request.page - 1)) if request.page > 1 else ""
        after = self.build_url(request_page(request, request.page + 1)) if request.page < pages else ""
        return self._make_channel(
            request, f"{title} ({request.page})",
            entries=tuple(_make_entry(item, full=request.full) for item in self._library.articles_by_id(ids[::-1])),
            next_url=before if request.format == "json" else "", prev_archive=before, next_archive=after,
            current_url=self.build_url(replace(request, page=0)),
        )  # fmt: skip

    def cut_feeds(self, is_over: Callable[[], bool]) -> None:
        """Write archive pages of requested feeds that are far behind, so that their readers need not wait."""
        for path in self._library.feeds_behind():
            with suppress(FeedNotFound):
                query, _ = self._build_query(FeedRequest(path=path, format="atom"))
                while not (is_over() or self._pages.cut_more(path, query)):
                    pass

    def list_outlines(self, feed_format: str = "atom") -> list[OutlineFeed]:
        """Return every feed with a name for a subscription list, at most a minute old."""
        at, outlines = self._outlines.get(feed_format, (0.0, []))
        if not outlines or time.monotonic() - at > _OUTLINES_MAX_AGE:
            outlines = self._collect_outlines(feed_format)
            self._outlines[feed_format] = (time.monotonic(), outlines)
        return outlines

    def _collect_outlines(self, form: str) -> list[OutlineFeed]:
        paths = [("", "evnews: all articles", "all")]
        paths += [("", feed.title, path) for path, feed in self._event_feeds.items()]
        paths += [("Searches", search.name, f"search/{search.name}") for search in self._searches().searches]
        paths += [("Sources", source.name, f"source/{source.name}") for source in self._library.sources()]
        titles = {entry.name: entry.title for entry in self._topics().entries}
        names = [topic.name for topic in self._library.topic_counts() if topic.name in titles]
        paths += [("Topics", titles[name], f"topic/{name}") for name in names]
        return [
            OutlineFeed(
                title=title,
                xml_url=self.build_url(FeedRequest(path=path, format=form)),
                html_url=self._base_url,
                category=category,
            )
            for category, title, path in paths
        ]

    def _build_query(self, request: FeedRequest) -> tuple[Query, str]:
        """Return the query of a feed and its title. Raises FeedNotFound."""
        kind, _, name = request.path.partition("/")
        query = Query(limit=request.limit, cursor=request.cursor, collapse=True, muted=self.muted)
        if request.path == "all":
            return query, "evnews: all articles"
        if request.path == "query":
            return self._resolve_topics(replace(query, words=request.query)), f"evnews: {request.query}"
        if kind == "source" and self._library.list_results(Query(sources=(name,), limit=1)).rows:
            return replace(query, sources=(name,)), f"evnews: {name}"
        if kind == "topic" and name:
            resolved = self._resolve_topics(replace(query, topics=(name,)))
            return resolved, f"evnews: {resolved.topics[0]}"
        if kind == "search" and (search := self._searches().find(name)) is not None:
            return self._resolve_topics(replace(query, words=search.query)), f"evnews: {name}"
        raise FeedNotFound(f"there is no feed {request.path!r}; {self._base_url}opml lists all feeds")

    def _resolve_topics(self, query: Query) -> Query:
        try:
            return resolve_topics(query, self._topics)
        except UnknownTopic as error:
            raise FeedNotFound(str(error)) from None

    def _make_channel(
        self, request: FeedRequest, title: str, *, entries: tuple[FeedEntry, ...], **links: str
    ) -> Channel:
        path = request.path if request.path != "query" else f"query:{quote(request.query, safe='')}"
        return Channel(
            title=title, home=self._base_url, description="Archived by evnews.", id=f"urn:evnews:feed:{path}",
            self_url=self.build_url(request), hub=self.find_hub(request), entries=entries, **links,
        )  # fmt: skip

    def find_hub(self, request: FeedRequest) -> str:
        """Return the hub that is notified of changes; empty for a feed with options, a page or a query."""
        is_published = (
            request == FeedRequest(path=request.path, format=request.format, full=request.full)
            and request.path != "query"
        )
        return self._hub if is_published else ""

    def build_url(self, request: FeedRequest) -> str:
        """Return the URL of a feed, with the options that differ from their defaults."""
        default = FeedRequest(path=request.path, format=request.format)
        options = {
            "q": request.query,
            "full": "1" if request.full else "",
            "limit": str(request.limit) if request.limit != default.limit else "",
            "cursor": request.cursor,
            "order": request.order,
            "page": str(request.page) if request.page else "",
        }
        parameters = urlencode({name: value for name, value in options.items() if value})
        return f"{self._base_url}feeds/{quote(request.path)}.{request.format}" + (
            f"?{parameters}" if parameters else ""
        )


def _make_entry(item: KeptArticle | SearchHit, *, full: bool) -> FeedEntry:
    return (
        article_entry(item.article, item.copy_sources, full=full)
        if isinstance(item, SearchHit)
        else article_entry(item, full=full)
    )
