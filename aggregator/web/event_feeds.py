"""Feeds of events: edits, stories and the health of sources. A new feed needs an entry in create_event_feeds."""

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
    """A feed of events: `list_events` returns the newest, `etag_key` what changes with an event's entry."""

    title: str
    list_events: Callable[[int], list[Any]]
    etag_key: Callable[[Any], object]
    make_entry: Callable[[Any, FeedRequest], FeedEntry]


def create_event_feeds(library: Library, monitor: Monitor) -> Mapping[str, EventFeed]:
    """Return every feed of events by its path."""

    def edit(change: Change, request: FeedRequest) -> FeedEntry:
        from aggregator.feeds.event_entries import change_entry

        return change_entry(change, library.revisions(change.article_id) if request.full else [])

    def story_key(story: Story) -> object:
        return story.id, story.title, story.last_at.isoformat(), len(story.members)

    def story_event(story: Story, _: FeedRequest) -> FeedEntry:
        from aggregator.feeds.event_entries import story_entry

        return story_entry(story)

    def health_event(event: HealthEvent, _: FeedRequest) -> FeedEntry:
        from aggregator.feeds.event_entries import health_event_entry

        return health_event_entry(event)

    return {
        "changes": EventFeed(
            title="evnews: edits",
            list_events=lambda most: list(library.changes(limit=most)),
            etag_key=lambda change: (change.article_id, change.revision, change.kind),
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
            etag_key=lambda event: event.id,
            make_entry=health_event,
        ),
    }
