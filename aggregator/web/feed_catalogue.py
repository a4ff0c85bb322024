"""The feeds that there are: a path and its options become a channel, and a mark that changes when the channel does."""

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
"""Seconds: topics and sources are counted for it, which takes long in a large archive."""


class FeedCatalogue:
    """Every feed of an archive. `searches` and `topics` are read when they are needed, as their files may change."""

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
        """What changes when the feed does, found without any text. Raises NoFeed."""
        if happening := self._event_feeds.get(request.path):
            listed: object = [happening.etag_key(one) for one in happening.list_events(request.limit)]
        else:
            query, _ = self._build_query(request)
            listed = self._list_etag_content(request, query)
        return make_etag((self._base_url, request, listed))

    def build_channel(self, request: FeedRequest) -> Channel:
        """The feed. Raises NoFeed."""
        if happening := self._event_feeds.get(request.path):
            entries = tuple(happening.make_entry(one, request) for one in happening.list_events(request.limit))
            return self._make_channel(request, happening.title, entries=entries)
        query, title = self._build_query(request)
        if request.page:
            return self._build_archive_page(request, query, title)
        archive = self._pages.find_archive(request, query)
        shown: list[KeptArticle | SearchHit] = []
        following = ""
        if request.order != "arrival":
            answer = self._library.search(query, with_snippets=False)
            shown += answer.hits
            following = self.build_url(replace(request, cursor=answer.cursor)) if answer.cursor else ""
        known = {one.article.id for one in shown if isinstance(one, SearchHit)}
        shown += self._library.articles_by_id(
            [one for one in self._pages.list_unpaged(request, query, archive) if one not in known]
        )
        # Where its pages lead back, it needs no other way; JSON Feed knows no pages.
        pages = archive.page_count if archive and has_archive_link(request, archive) else None
        last = self.build_url(request_page(request, pages)) if pages else ""
        return self._make_channel(
            request, title, entries=tuple(_make_entry(one, full=request.full) for one in shown),
            next_url=following if pages is None else "", prev_archive=last,
        )  # fmt: skip

    def _list_etag_content(self, request: FeedRequest, query: Query) -> object:
        """What changes when a feed of articles does."""
        if request.page:
            ids, pages = self._pages.read_page(request, query)
            return self._library.revision_numbers(ids or ()), pages > request.page
        archive = self._pages.find_archive(request, query)
        besides = self._library.revision_numbers(self._pages.list_unpaged(request, query, archive))
        if request.order == "arrival":
            return besides, archive
        listing = self._library.list_results(query)
        return listing.rows, listing.cursor, besides, archive and (archive.page_count, archive.is_complete)

    def _build_archive_page(self, request: FeedRequest, query: Query, title: str) -> Channel:
        """A page of a feed's archive. Raises NoFeed."""
        ids, pages = self._pages.read_page(request, query)
        if ids is None:
            raise FeedNotFound(
                f"there is no page {request.page}; {self.build_url(replace(request, page=0))} names the last"
            )
        before = self.build_url(request_page(request, request.page - 1)) if request.page > 1 else ""
        after = self.build_url(request_page(request, request.page + 1)) if request.page < pages else ""
        return self._make_channel(
            request, f"{title} ({request.page})",
            entries=tuple(_make_entry(one, full=request.full) for one in self._library.articles_by_id(ids[::-1])),
            next_url=before if request.format == "json" else "", prev_archive=before, next_archive=after,
            current_url=self.build_url(replace(request, page=0)),
        )  # fmt: skip

    def cut_feeds(self, is_over: Callable[[], bool]) -> None:
        """Cut the feeds that somebody asked for and that are far behind, so that readers need not wait for it."""
        for path in self._library.feeds_behind():
            with suppress(FeedNotFound):
                asked = FeedRequest(path=path, format="atom")
                query, _ = self._build_query(asked)
                while not (is_over() or self._pages.cut_more(path, query)):
                    pass

    def list_outlines(self, feed_format: str = "atom") -> list[OutlineFeed]:
        """Every feed with a name, as a subscription list has them; counted anew after a minute."""
        at, held = self._outlines.get(feed_format, (0.0, []))
        if not held or time.monotonic() - at > _OUTLINES_MAX_AGE:
            held = self._collect_outlines(feed_format)
            self._outlines[feed_format] = (time.monotonic(), held)
        return held

    def _collect_outlines(self, form: str) -> list[OutlineFeed]:
        paths = [("", "evnews: all articles", "all")]
        paths += [("", one.title, path) for path, one in self._event_feeds.items()]
        paths += [("Searches", one.name, f"search/{one.name}") for one in self._searches().searches]
        paths += [("Sources", one.name, f"source/{one.name}") for one in self._library.sources()]
        titles = {entry.name: entry.title for entry in self._topics().entries}
        counts = [one for one in self._library.topic_counts() if one.name in titles]
        paths += [("Topics", titles[one.name], f"topic/{one.name}") for one in counts]
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
        """What a feed asks the archive, and its title."""
        kind, _, name = request.path.partition("/")
        query = Query(limit=request.limit, cursor=request.cursor, collapse=True, muted=self.muted)
        if request.path == "all":
            return query, "evnews: all articles"
        if request.path == "query":
            return self._resolve_topics(replace(query, words=request.query)), f"evnews: {request.query}"
        if kind == "source" and self._library.list_results(Query(sources=(name,), limit=1)).rows:
            return replace(query, sources=(name,)), f"evnews: {name}"
        if kind == "topic" and name:
            found = self._resolve_topics(replace(query, topics=(name,)))
            return found, f"evnews: {found.topics[0]}"
        if kind == "search" and (search := self._searches().find(name)) is not None:
            return self._resolve_topics(replace(query, words=search.query)), f"evnews: {name}"
        raise FeedNotFound(f"there is no feed {request.path!r}; the list of all is at {self._base_url}opml")

    def _resolve_topics(self, query: Query) -> Query:
        try:
            return resolve_topics(query, self._topics)
        except UnknownTopic as error:
            raise FeedNotFound(str(error)) from None

    def _make_channel(
        self, request: FeedRequest, title: str, *, entries: tuple[FeedEntry, ...], **links: str
    ) -> Channel:
        named = request.path if request.path != "query" else f"query:{quote(request.query, safe='')}"
        return Channel(
            title=title, home=self._base_url, description="Kept by evnews.", id=f"urn:evnews:feed:{named}",
            self_url=self.build_url(request), hub=self.find_hub(request), entries=entries, **links,
        )  # fmt: skip

    def find_hub(self, request: FeedRequest) -> str:
        """The hub that is told when just this feed changes; empty for one with options, a page or a query."""
        is_told_of = (
            request == FeedRequest(path=request.path, format=request.format, full=request.full)
            and request.path != "query"
        )
        return self._hub if is_told_of else ""

    def build_url(self, request: FeedRequest) -> str:
        """Where a feed lies, with the options that are not as usual."""
        usual = FeedRequest(path=request.path, format=request.format)
        options = {
            "q": request.query,
            "full": "1" if request.full else "",
            "limit": str(request.limit) if request.limit != usual.limit else "",
            "cursor": request.cursor,
            "order": request.order,
            "page": str(request.page) if request.page else "",
        }
        given = urlencode({name: value for name, value in options.items() if value})
        return f"{self._base_url}feeds/{quote(request.path)}.{request.format}" + (f"?{given}" if given else "")


def _make_entry(item: KeptArticle | SearchHit, *, full: bool) -> FeedEntry:
    return (
        article_entry(item.article, item.copy_sources, full=full)
        if isinstance(item, SearchHit)
        else article_entry(item, full=full)
    )
