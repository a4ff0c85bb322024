"""Articles as JSON lines: one object a line, the same keys in the same order, UTF-8.

Times are UTC to the second, as `2025-03-04T08:30:00Z`. Addresses are as the archive spells them.
What is not known is null, and so is an address that is not http or https.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from aggregator.feeds.links import is_web_url
from aggregator.feeds.moments import spelled
from storage.article import Edition, KeptArticle
from storage.text import clean

# Line ends that JSON lets stand in a string, and some readers of lines split at.
_LINE_ENDS = re.compile("[\x85\u2028\u2029]")


def jsonl(articles: Iterable[KeptArticle]) -> Iterator[bytes]:
    """Each article as one line of JSON with its line end, as the articles come."""
    for article in articles:
        line = json.dumps(_fields(article), ensure_ascii=False, separators=(",", ":"))
        yield _LINE_ENDS.sub(lambda match: f"\\u{ord(match[0]):04x}", line).encode() + b"\n"


def _fields(article: KeptArticle) -> dict[str, object]:
    return {
        "id": article.id,
        "url": _address(article.url),
        "canonical_url": _address(article.canonical_url),
        "source": clean(article.source),
        "title": clean(article.title),
        "authors": [clean(author) for author in article.authors],
        "published": _time(article.published),
        "updated": _time(article.updated),
        "language": clean(article.language) or None,
        "summary": clean(article.summary) or None,
        "text": clean(article.text),
        "html": clean(article.html),
        "image": _address(article.image),
        "tags": [clean(tag) for tag in article.tags],
        "words": article.words,
        "first_seen": _time(article.first_seen),
        "revision": article.revision,
        "copy_of": article.copy_of,
        "truncated": article.truncated,
        "withdrawn": _time(article.withdrawn),
        "published_date": clean(article.published_date) or None,
        "published_zone_known": article.zone_known,
        "published_raw": clean(article.published_raw) or None,
        "topics": [clean(topic) for topic in article.topics],
        "story": article.story,
        "revisions": [edition_fields(one) for one in article.revisions],
    }


def edition_fields(one: Edition) -> dict[str, object]:
    """A revision, less its text, as the fields of one JSON object (docs/json.md)."""
    return {
        "revision": one.number,
        "at": _time(one.fetched_at),
        "kind": clean(one.kind) or None,
        "added": one.added,
        "removed": one.removed,
        "title": clean(one.title),
        "digest": clean(one.digest),
    }


def _address(url: str) -> str | None:
    return clean(url) if is_web_url(url) else None


def _time(at: datetime | None) -> str | None:
    return None if at is None else spelled(at)
