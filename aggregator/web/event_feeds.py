"""The feeds that are not of articles: edits, stories, and how the sources do. A new one is a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.feeds.channel import Entry
from aggregator.feeds.event_entries import change_entry, story_entry, turn_entry
from aggregator.web.requests import FeedAsked
from storage.library import Library
from storage.model.article import Change, Story
from storage.monitor import Monitor


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """A feed: up to so many things (`listed`), what of each changes when its entry does (`key`), and its entry."""

    title: str
    listed: Callable[[int], list[Any]]
    key: Callable[[Any], object]
    entry: Callable[[Any, FeedAsked], Entry]


def happenings(library: Library, monitor: Monitor) -> Mapping[str, Happening]:
    """Every such feed, by its path."""

    def edit(change: Change, asked: FeedAsked) -> Entry:
        return change_entry(change, library.revisions(change.article_id) if asked.full else [])

    def told(story: Story) -> object:
        return story.id, story.title, story.last_at.isoformat(), len(story.tellings)

    return {
        "changes": Happening(
            title="evnews: edits",
            listed=lambda most: list(library.changes(limit=most)),
            key=lambda one: (one.article_id, one.revision, one.kind),
            entry=edit,
        ),
        "stories": Happening(
            title="evnews: stories",
            listed=lambda most: list(library.stories(least_sources=2, limit=most)),
            key=told,
            entry=lambda one, _: story_entry(one),
        ),
        "health": Happening(
            title="evnews: sources", listed=monitor.turns, key=lambda one: one.id, entry=lambda one, _: turn_entry(one)
        ),
    }
