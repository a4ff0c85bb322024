"""The feeds that there are: a path and its options become a channel, and a mark that changes when the channel does."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from aggregator.alerts.saved_searches import SavedSearches
from aggregator.feeds.channel import Channel, Entry, article_entry
from aggregator.feeds.opml import OutlineFeed
from aggregator.topics.matcher import TopicCatalogue
from aggregator.topics.resolve import UnknownTopic, with_topics
from aggregator.web.archived_feeds import Pages, leads_back, of_page
from aggregator.web.event_feeds import happenings
from aggregator.web.requests import FeedAsked, NoFeed
from aggregator.web.responses import mark_of
from storage.library import Library
from storage.model.article import KeptArticle
from storage.model.search import Hit, Query
from storage.monitor import Monitor

_OUTLINED_FOR = 60.0
"""Seconds: topics and sources are counted for it, which takes long in a large archive."""


class Shelf:
    """Every feed of an archive. `searches` and `topics` are read when they are needed, as their files may change."""

    def __init__(
        self,
        library: Library,
        monitor: Monitor,
        base: str,
        searches: Callable[[], SavedSearches],
        topics: Callable[[], TopicCatalogue],
        muted: tuple[str, ...] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        hub: str = "",
    ) -> None:
        self._library, self._base = library, base
        self._searches, self._topics, self.muted = searches, topics, muted
        self._hub, self._pages = hub, Pages(library, now)
        self._happenings = happenings(library, monitor)
        self._outlines: dict[str, tuple[float, list[OutlineFeed]]] = {}

    def mark(self, asked: FeedAsked) -> str:
        """What changes when the feed does, found without any text. Raises NoFeed."""
        if happening := self._happenings.get(asked.path):
            listed: object = [happening.key(one) for one in happening.listed(asked.limit)]
        else:
            query, _ = self._query(asked)
            listed = self._listed(asked, query)
        return mark_of((self._base, asked, listed))

    def channel(self, asked: FeedAsked) -> Channel:
        """The feed. Raises NoFeed."""
        if happening := self._happenings.get(asked.path):
            entries = tuple(happening.entry(one, asked) for one in happening.listed(asked.limit))
            return self._head(asked, happening.title, entries=entries)
        query, title = self._query(asked)
        if asked.page:
            return self._page(asked, query, title)
        archive = self._pages.archive(asked, query)
        shown: list[KeptArticle | Hit] = []
        following = ""
        if asked.order != "arrival":
            answer = self._library.search(query, passages=False)
            shown += answer.hits
            following = self.address(replace(asked, cursor=answer.cursor)) if answer.cursor else ""
        known = {one.article.id for one in shown if isinstance(one, Hit)}
        shown += self._library.of([one for one in self._pages.besides(asked, query, archive) if one not in known])
        # Where its pages lead back, it needs no other way; JSON Feed knows no pages.
        pages = archive.pages if archive and leads_back(asked, archive) else None
        last = self.address(of_page(asked, pages)) if pages else ""
        return self._head(
            asked, title, entries=tuple(_entry(one, full=asked.full) for one in shown),
            next_url=following if pages is None else "", prev_archive=last,
        )  # fmt: skip

    def _listed(self, asked: FeedAsked, query: Query) -> object:
        """What changes when a feed of articles does."""
        if asked.page:
            ids, pages = self._pages.page(asked, query)
            return self._library.revision_numbers(ids or ()), pages > asked.page
        archive = self._pages.archive(asked, query)
        besides = self._library.revision_numbers(self._pages.besides(asked, query, archive))
        if asked.order == "arrival":
            return besides, archive
        listing = self._library.listed(query)
        return listing.rows, listing.cursor, besides, archive and (archive.pages, archive.complete)

    def _page(self, asked: FeedAsked, query: Query, title: str) -> Channel:
        """A page of a feed's archive. Raises NoFeed."""
        ids, pages = self._pages.page(asked, query)
        if ids is None:
            raise NoFeed(f"there is no page {asked.page}; {self.address(replace(asked, page=0))} names the last")
        before = self.address(of_page(asked, asked.page - 1)) if asked.page > 1 else ""
        after = self.address(of_page(asked, asked.page + 1)) if asked.page < pages else ""
        return self._head(
            asked, f"{title} ({asked.page})",
            entries=tuple(_entry(one, full=asked.full) for one in self._library.of(ids[::-1])),
            next_url=before if asked.form == "json" else "", prev_archive=before, next_archive=after,
            current_url=self.address(replace(asked, page=0)),
        )  # fmt: skip

    def cut_feeds(self, is_over: Callable[[], bool]) -> None:
        """Cut the feeds that somebody asked for and that are far behind, so that readers need not wait for it."""
        for path in self._library.feeds_behind():
            with suppress(NoFeed):
                asked = FeedAsked(path=path, form="atom")
                query, _ = self._query(asked)
                while not (is_over() or self._pages.cut_on(path, query)):
                    pass

    def outlines(self, form: str = "atom") -> list[OutlineFeed]:
        """Every feed with a name, as a subscription list has them; counted anew after a minute."""
        at, held = self._outlines.get(form, (0.0, []))
        if not held or time.monotonic() - at > _OUTLINED_FOR:
            held = self._outlined(form)
            self._outlines[form] = (time.monotonic(), held)
        return held

    def _outlined(self, form: str) -> list[OutlineFeed]:
        paths = [("", "evnews: all articles", "all")]
        paths += [("", one.title, path) for path, one in self._happenings.items()]
        paths += [("Searches", one.name, f"search/{one.name}") for one in self._searches().searches]
        paths += [("Sources", one.name, f"source/{one.name}") for one in self._library.sources()]
        titles = {entry.name: entry.title for entry in self._topics().entries}
        counts = [one for one in self._library.topic_counts() if one.name in titles]
        paths += [("Topics", titles[one.name], f"topic/{one.name}") for one in counts]
        return [
            OutlineFeed(
                title=title,
                xml_url=self.address(FeedAsked(path=path, form=form)),
                html_url=self._base,
                category=category,
            )
            for category, title, path in paths
        ]

    def _query(self, asked: FeedAsked) -> tuple[Query, str]:
        """What a feed asks the archive, and its title."""
        kind, _, name = asked.path.partition("/")
        query = Query(limit=asked.limit, cursor=asked.cursor, collapse=True, muted=self.muted)
        if asked.path == "all":
            return query, "evnews: all articles"
        if asked.path == "query":
            return self._resolved(replace(query, words=asked.words)), f"evnews: {asked.words}"
        if kind == "source" and self._library.listed(Query(sources=(name,), limit=1)).rows:
            return replace(query, sources=(name,)), f"evnews: {name}"
        if kind == "topic" and name:
            found = self._resolved(replace(query, topics=(name,)))
            return found, f"evnews: {found.topics[0]}"
        if kind == "search" and (search := self._searches().named(name)) is not None:
            return self._resolved(replace(query, words=search.query)), f"evnews: {name}"
        raise NoFeed(f"there is no feed {asked.path!r}; the list of all is at {self._base}opml")

    def _resolved(self, query: Query) -> Query:
        try:
            return with_topics(query, self._topics)
        except UnknownTopic as error:
            raise NoFeed(str(error)) from None

    def _head(self, asked: FeedAsked, title: str, *, entries: tuple[Entry, ...], **links: str) -> Channel:
        named = asked.path if asked.path != "query" else f"query:{quote(asked.words, safe='')}"
        return Channel(
            title=title, home=self._base, description="Kept by evnews.", id=f"urn:evnews:feed:{named}",
            self_url=self.address(asked), hub=self.hub_of(asked), entries=entries, **links,
        )  # fmt: skip

    def hub_of(self, asked: FeedAsked) -> str:
        """The hub that is told when just this feed changes; empty for one with options, a page or a query."""
        is_told_of = asked == FeedAsked(path=asked.path, form=asked.form, full=asked.full) and asked.path != "query"
        return self._hub if is_told_of else ""

    def address(self, asked: FeedAsked) -> str:
        """Where a feed lies, with the options that are not as usual."""
        usual = FeedAsked(path=asked.path, form=asked.form)
        options = {
            "q": asked.words,
            "full": "1" if asked.full else "",
            "limit": str(asked.limit) if asked.limit != usual.limit else "",
            "cursor": asked.cursor,
            "order": asked.order,
            "page": str(asked.page) if asked.page else "",
        }
        given = urlencode({name: value for name, value in options.items() if value})
        return f"{self._base}feeds/{quote(asked.path)}.{asked.form}" + (f"?{given}" if given else "")


def _entry(one: KeptArticle | Hit, *, full: bool) -> Entry:
    return article_entry(one.article, one.also, full=full) if isinstance(one, Hit) else article_entry(one, full=full)
