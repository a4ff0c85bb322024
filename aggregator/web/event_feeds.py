"""The feeds that are not of articles: edits, stories, and how the sources do. A new one is a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aggregator.feeds.channel import FeedEntry
from aggregator.web.requests import FeedRequest
from storage.library import Library
from storage.model.article import Change, Story
from storage.monitor import Monitor

if TYPE_CHECKING:
    from storage.crawl.health import HealthEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFeed:
    """A feed: up to so many things (`listed`), what of each changes when its entry does (`key`), and its entry."""

    title: str
    list_events: Callable[[int], list[Any]]
    etag_key: Callable[[Any], object]
    make_entry: Callable[[Any, FeedRequest], FeedEntry]


def create_event_feeds(library: Library, monitor: Monitor) -> Mapping[str, EventFeed]:
    """Every such feed, by its path."""

    def edit(change: Change, asked: FeedRequest) -> FeedEntry:
        from aggregator.feeds.event_entries import change_entry

        return change_entry(change, library.revisions(change.article_id) if asked.full else [])

    def story_key(story: Story) -> object:
        return story.id, story.title, story.last_at.isoformat(), len(story.members)

    def story_event(story: Story, _: FeedRequest) -> FeedEntry:
        from aggregator.feeds.event_entries import story_entry

        return story_entry(story)

    def health_event(turn: HealthEvent, _: FeedRequest) -> FeedEntry:
        from aggregator.feeds.event_entries import health_event_entry

        return health_event_entry(turn)

    return {
        "changes": EventFeed(
            title="evnews: edits",
            list_events=lambda most: list(library.changes(limit=most)),
            etag_key=lambda one: (one.article_id, one.revision, one.kind),
            make_entry=edit,
        ),
        "stories": EventFeed(
            title="evnews: stories",
            list_events=lambda most: list(library.stories(min_sources=2, limit=most)),
            etag_key=story_key,
            make_entry=story_event,
        ),
        "health": EventFeed(
            title="evnews: sources",
            list_events=monitor.health_events,
            etag_key=lambda turn: turn.id,
            make_entry=health_event,
        ),
    }
