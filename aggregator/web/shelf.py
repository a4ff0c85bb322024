"""The feeds that there are: a path and its options become a channel, and a mark that changes when the channel does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

from aggregator.alerts.searchfile import SavedSearches
from aggregator.feeds.channel import Channel, Entry, article_entry
from aggregator.feeds.happenings import change_entry, story_entry
from aggregator.feeds.opml import OutlineFeed
from aggregator.intake.topicnames import UnknownTopic, with_topics
from aggregator.intake.topics import TopicCatalogue
from aggregator.web.marks import mark_of
from storage.article import Change, Query, Story
from storage.library import Library

ENTRIES, MOST_ENTRIES = 50, 200
LONGEST_QUERY = 1_000
_OUTLINED_FOR = 60.0
"""Seconds: topics and sources are counted for it, which takes long in a large archive."""


class NoFeed(LookupError):
    """There is no feed at this path; the message says what there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedAsked:
    """A feed as it was asked for: `path` is `all`, `source/NAME`, `topic/NAME`, `search/NAME`, `query`, `changes` or
    `stories`; `words` are those of a query. With `full` entries have their texts.
    """

    path: str
    form: str
    words: str = ""
    full: bool = False
    limit: int = ENTRIES
    cursor: str = ""


class Shelf:
    """Every feed of an archive. `searches` and `topics` are read when they are needed, as their files may change."""

    def __init__(
        self,
        library: Library,
        base: str,
        searches: Callable[[], SavedSearches],
        topics: Callable[[], TopicCatalogue],
        muted: tuple[str, ...] = (),
    ) -> None:
        self._library, self._base = library, base
        self._searches, self._topics, self._muted = searches, topics, muted
        self._outlines: tuple[float, list[OutlineFeed]] = (0.0, [])

    def mark(self, asked: FeedAsked) -> str:
        """What changes when the feed does, found without any text. Raises NoFeed."""
        if asked.path == "changes":
            listed: object = [(one.article_id, one.revision, one.kind) for one in self._changes(asked)]
        elif asked.path == "stories":
            listed = [(one.id, one.title, one.last_at.isoformat(), len(one.tellings)) for one in self._stories(asked)]
        else:
            query, _ = self._query(asked)
            listing = self._library.listed(query)
            listed = (listing.rows, listing.cursor)
        return mark_of((self._base, asked, listed))

    def channel(self, asked: FeedAsked) -> Channel:
        """The feed. Raises NoFeed."""
        if asked.path == "changes":
            return self._head(asked, "evnews: edits", entries=tuple(self._change_entries(asked)))
        if asked.path == "stories":
            return self._head(asked, "evnews: stories", entries=tuple(map(story_entry, self._stories(asked))))
        query, title = self._query(asked)
        answer = self._library.search(query, passages=False)
        entries = tuple(article_entry(hit.article, hit.also, full=asked.full) for hit in answer.hits)
        following = self._address(replace(asked, cursor=answer.cursor)) if answer.cursor else ""
        return self._head(asked, title, entries=entries, following=following)

    def outlines(self) -> list[OutlineFeed]:
        """Every feed with a name, as a subscription list has them; counted anew after a minute."""
        at, held = self._outlines
        if not held or time.monotonic() - at > _OUTLINED_FOR:
            held = self._outlined()
            self._outlines = (time.monotonic(), held)
        return held

    def _outlined(self) -> list[OutlineFeed]:
        paths = [("", "evnews: all articles", "all")]
        paths += [("", "evnews: edits", "changes"), ("", "evnews: stories", "stories")]
        paths += [("Searches", one.name, f"search/{one.name}") for one in self._searches().searches]
        paths += [("Sources", one.name, f"source/{one.name}") for one in self._library.sources()]
        titles = {entry.name: entry.title for entry in self._topics().entries}
        counts = [one for one in self._library.topic_counts() if one.name in titles]
        paths += [("Topics", titles[one.name], f"topic/{one.name}") for one in counts]
        return [
            OutlineFeed(
                title=title,
                xml_url=self._address(FeedAsked(path=path, form="atom")),
                html_url=self._base,
                category=category,
            )
            for category, title, path in paths
        ]

    def _query(self, asked: FeedAsked) -> tuple[Query, str]:
        """What a feed asks the archive, and its title."""
        kind, _, name = asked.path.partition("/")
        query = Query(limit=asked.limit, cursor=asked.cursor, collapse=True, muted=self._muted)
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

    def _changes(self, asked: FeedAsked) -> list[Change]:
        return list(self._library.changes(limit=asked.limit))

    def _change_entries(self, asked: FeedAsked) -> Iterator[Entry]:
        for change in self._changes(asked):
            yield change_entry(change, self._library.revisions(change.article_id) if asked.full else [])

    def _stories(self, asked: FeedAsked) -> list[Story]:
        return list(self._library.stories(least_sources=2, limit=asked.limit))

    def _head(self, asked: FeedAsked, title: str, *, entries: tuple[Entry, ...], following: str = "") -> Channel:
        named = asked.path if asked.path != "query" else f"query:{quote(asked.words, safe='')}"
        return Channel(
            title=title, home=self._base, description="Kept by evnews.", id=f"urn:evnews:feed:{named}",
            self_url=self._address(asked), next_url=following, entries=entries,
        )  # fmt: skip

    def _address(self, asked: FeedAsked) -> str:
        """Where a feed lies, with the options that are not as usual."""
        usual = FeedAsked(path=asked.path, form=asked.form)
        options = {
            "q": asked.words,
            "full": "1" if asked.full else "",
            "limit": str(asked.limit) if asked.limit != usual.limit else "",
            "cursor": asked.cursor,
        }
        given = urlencode({name: value for name, value in options.items() if value})
        return f"{self._base}feeds/{quote(asked.path)}.{asked.form}" + (f"?{given}" if given else "")
