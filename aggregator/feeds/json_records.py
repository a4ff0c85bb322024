"""The nouns as fields of JSON objects, the same at every door: files, commands, the server. docs/json.md names them.

Times are UTC to the second, as `2025-03-04T08:30:00Z`. Addresses are as the archive spells them.
What is not known is null, and so is an address that is not http or https.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime

from aggregator.feeds.channel import is_web_url
from aggregator.feeds.timestamps import spelled
from storage.articles.topics import TopicCount
from storage.model.article import Change, Edition, KeptArticle, Story, Telling
from storage.model.crawl import Capture, SourceState
from storage.text.clean import clean

PERIODS: Mapping[str, Callable[[date], str]] = {
    "day": date.isoformat,
    "week": lambda day: f"{day.isocalendar().year}-W{day.isocalendar().week:02}",
    "month": lambda day: f"{day:%Y-%m}",
}
"""How a day, a week and a month are spelled, by the first day."""


def time_of(at: datetime | None) -> str | None:
    """A time as every record spells it: UTC to the second, 2026-01-31T12:00:00Z."""
    return None if at is None else spelled(at)


def article_fields(article: KeptArticle) -> dict[str, object]:
    """An article with its text."""
    return {
        "id": article.id,
        "url": _address(article.url),
        "canonical_url": _address(article.canonical_url),
        "source": clean(article.source),
        "title": clean(article.title),
        "authors": [clean(author) for author in article.authors],
        "published": time_of(article.published),
        "updated": time_of(article.updated),
        "language": clean(article.language) or None,
        "summary": clean(article.summary) or None,
        "text": clean(article.text),
        "html": clean(article.html),
        "image": _address(article.image),
        "tags": [clean(tag) for tag in article.tags],
        "words": article.words,
        "first_seen": time_of(article.first_seen),
        "revision": article.revision,
        "copy_of": article.copy_of,
        "truncated": article.truncated,
        "withdrawn": time_of(article.withdrawn),
        "published_date": clean(article.published_date) or None,
        "published_zone_known": article.zone_known,
        "published_raw": clean(article.published_raw) or None,
        "topics": [clean(topic) for topic in article.topics],
        "story": article.story,
        "revisions": [edition_fields(one) for one in article.revisions],
    }


def exported_fields(article: KeptArticle) -> dict[str, object]:
    """An article with everything that brings it back."""
    past = [{"digest": clean(digest), "text": clean(words)} for digest, words in article.past]
    return article_fields(article) | {"past_texts": past}


def edition_fields(one: Edition) -> dict[str, object]:
    """A revision, less its text."""
    return {
        "revision": one.number,
        "at": time_of(one.fetched_at),
        "kind": clean(one.kind) or None,
        "added": one.added,
        "removed": one.removed,
        "title": clean(one.title),
        "digest": clean(one.digest),
    }


def _address(url: str) -> str | None:
    return clean(url) if is_web_url(url) else None


def capture_fields(capture: Capture, url: str, at: datetime) -> dict[str, object]:
    """Where a page lies on the tape, which is what a citation needs."""
    return {
        "url": url,
        "at": time_of(at),
        "file": capture.file,
        "offset": capture.offset,
        "length": capture.length,
        "digest": capture.digest,
    }


def change_fields(change: Change) -> dict[str, object]:
    """An edit."""
    return {
        "id": change.article_id,
        "url": change.url,
        "source": change.source,
        "title": change.title,
        "revision": change.revision,
        "kind": change.kind,
        "at": time_of(change.at),
        "added": change.added,
        "removed": change.removed,
    }


def story_fields(story: Story) -> dict[str, object]:
    """A story with the articles that tell it."""
    return {
        "story": story.id,
        "title": story.title,
        "first_at": time_of(story.first_at),
        "last_at": time_of(story.last_at),
        "sources": story.sources,
        "articles": [_telling_fields(one) for one in story.tellings],
    }


def _telling_fields(one: Telling) -> dict[str, object]:
    return {
        "id": one.article_id, "url": one.url, "source": one.source, "title": one.title, "at": time_of(one.at),
        "dated": one.dated, "copies": one.copies,
    }  # fmt: skip


def topic_fields(one: TopicCount, title: str, kind: str, part_of: str) -> dict[str, object]:
    """A topic: what the catalogue says of it, and the articles that name it."""
    return {
        "topic": one.name,
        "title": title,
        "kind": kind,
        "part_of": part_of or None,
        "articles": one.articles,
        "sources": one.sources,
        "newest_at": time_of(one.newest_at),
        "newest_id": one.newest_id,
        "newest_title": one.newest_title,
    }


def source_fields(state: SourceState, refused: Mapping[str, int]) -> dict[str, object]:
    """A source: what is kept of it, how its last poll went, and how often its pages became no article, by verdict."""
    return {
        "source": state.name,
        "articles": state.articles,
        "leads_waiting": state.leads_waiting,
        "last_poll_at": time_of(state.last_poll_at),
        "last_outcome": state.last_outcome,
        "last_reason": state.last_reason,
        "next_poll_at": time_of(state.next_poll_at),
        "next_reason": state.next_reason,
        "refused": dict(refused),
    }
