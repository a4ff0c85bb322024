"""Fields of JSON objects, the same in exports, commands and the API; docs/json.md describes them.

Times are in UTC with seconds, as in `2025-03-04T08:30:00Z`. Unknown values are null, and so is a URL that is
neither http nor https.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING

from aggregator.feeds.channel import is_web_url
from aggregator.feeds.timestamps import format_timestamp
from storage.text.clean import clean

if TYPE_CHECKING:
    from storage.articles.topics import TopicCount
    from storage.model.article import Change, KeptArticle, RevisionSummary, Story, StoryMember
    from storage.model.crawl import Capture, SourceState

PERIOD_FORMATS: Mapping[str, Callable[[date], str]] = {
    "day": date.isoformat,
    "week": lambda day: f"{day.isocalendar().year}-W{day.isocalendar().week:02}",
    "month": lambda day: f"{day:%Y-%m}",
}
"""Formats of a day, week and month, given its first day."""


def format_optional_timestamp(at: datetime | None) -> str | None:
    """Return the time in UTC with seconds, as in 2026-01-31T12:00:00Z, or None."""
    return None if at is None else format_timestamp(at)


def article_fields(article: KeptArticle) -> dict[str, object]:
    """Return the fields of an article with its text."""
    return {
        "id": article.id,
        "url": _web_url_or_none(article.url),
        "canonical_url": _web_url_or_none(article.canonical_url),
        "source": clean(article.source),
        "title": clean(article.title),
        "authors": [clean(author) for author in article.authors],
        "published": format_optional_timestamp(article.published),
        "updated": format_optional_timestamp(article.updated),
        "language": clean(article.language) or None,
        "summary": clean(article.summary) or None,
        "text": clean(article.text),
        "html": clean(article.html),
        "image": _web_url_or_none(article.image),
        "tags": [clean(tag) for tag in article.tags],
        "words": article.words,
        "first_seen": format_optional_timestamp(article.first_seen),
        "revision": article.revision,
        "copy_of": article.copy_of,
        "truncated": article.truncated,
        "withdrawn": format_optional_timestamp(article.withdrawn),
        "published_date": clean(article.published_date) or None,
        "published_zone_known": article.zone_known,
        "published_raw": clean(article.published_raw) or None,
        "topics": [clean(topic) for topic in article.topics],
        "story": article.story,
        "revisions": [revision_fields(revision) for revision in article.revisions],
    }


def exported_fields(article: KeptArticle) -> dict[str, object]:
    """Return the fields of an article with everything that an import needs to restore it."""
    past_texts = [{"digest": clean(digest), "text": clean(words)} for digest, words in article.past_texts]
    return article_fields(article) | {"past_texts": past_texts}


def revision_fields(revision: RevisionSummary) -> dict[str, object]:
    """Return the fields of a revision without its text."""
    return {
        "revision": revision.number,
        "at": format_optional_timestamp(revision.fetched_at),
        "kind": clean(revision.kind) or None,
        "added": revision.added,
        "removed": revision.removed,
        "title": clean(revision.title),
        "digest": clean(revision.digest),
    }


def _web_url_or_none(url: str) -> str | None:
    return clean(url) if is_web_url(url) else None


def capture_fields(capture: Capture, url: str, at: datetime) -> dict[str, object]:
    """Return the location of a page's WARC record, for citations."""
    return {
        "url": url,
        "at": format_optional_timestamp(at),
        "file": capture.file,
        "offset": capture.offset,
        "length": capture.length,
        "digest": capture.digest,
    }


def change_fields(change: Change) -> dict[str, object]:
    """Return the fields of an edit."""
    return {
        "id": change.article_id,
        "url": change.url,
        "source": change.source,
        "title": change.title,
        "revision": change.revision,
        "kind": change.kind,
        "at": format_optional_timestamp(change.at),
        "added": change.added,
        "removed": change.removed,
    }


def story_fields(story: Story) -> dict[str, object]:
    """Return the fields of a story with its articles."""
    return {
        "story": story.id,
        "title": story.title,
        "first_at": format_optional_timestamp(story.first_at),
        "last_at": format_optional_timestamp(story.last_at),
        "sources": story.source_count,
        "articles": [_story_member_fields(member) for member in story.members],
    }


def _story_member_fields(member: StoryMember) -> dict[str, object]:
    return {
        "id": member.article_id,
        "url": member.url,
        "source": member.source,
        "title": member.title,
        "at": format_optional_timestamp(member.at),
        "dated": member.has_publication_time,
        "copies": member.copy_count,
    }


def topic_fields(topic: TopicCount, title: str, kind: str, part_of: str) -> dict[str, object]:
    """Return the fields of a topic: its entry in the catalogue and the counts of its articles."""
    return {
        "topic": topic.name,
        "title": title,
        "kind": kind,
        "part_of": part_of or None,
        "articles": topic.articles,
        "sources": topic.sources,
        "newest_at": format_optional_timestamp(topic.newest_at),
        "newest_id": topic.newest_id,
        "newest_title": topic.newest_title,
    }


def source_fields(state: SourceState, refused: Mapping[str, int]) -> dict[str, object]:
    """Return the fields of a source; `refused` counts its refused pages by verdict."""
    return {
        "source": state.name,
        "articles": state.articles,
        "leads_waiting": state.leads_waiting,
        "last_poll_at": format_optional_timestamp(state.last_poll_at),
        "last_outcome": state.last_outcome,
        "last_reason": state.last_reason,
        "next_poll_at": format_optional_timestamp(state.next_poll_at),
        "next_reason": state.next_reason,
        "refused": dict(refused),
    }
