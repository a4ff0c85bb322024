"""Convert articles to items of the Google Reader API."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from aggregator.feeds.channel import FeedEntry, article_entry, encode_web_url
from aggregator.web.greader.ids import FEED_PREFIX, LABEL_PREFIX, READING_LIST, format_entry_states, format_long_id
from storage.model.article import KeptArticle
from storage.readers.read_state import EntryState
from storage.text.clean import clean_line
from storage.timestamps import to_microseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class GReaderArticle:
    """An article with its states for one reader, and its labels."""

    article: KeptArticle
    states: frozenset[EntryState]
    labels: tuple[str, ...]


def make_item(greader_article: GReaderArticle) -> dict[str, Any]:
    """Return an article as an item of a stream."""
    article, entry = greader_article.article, article_entry(greader_article.article)
    arrived = to_microseconds(article.first_seen)
    states = [name for name, _ in format_entry_states(greader_article.states)]
    return {
        "id": format_long_id(article.id),
        "crawlTimeMsec": str(arrived // 1000),
        "timestampUsec": str(arrived),
        "published": int((entry.published or article.first_seen).timestamp()),
        "updated": int(entry.updated.timestamp()),
        "title": entry.title,
        "canonical": [{"href": entry.url}],
        "alternate": [{"href": entry.url, "type": "text/html"}],
        "categories": [READING_LIST, *states, *(f"{LABEL_PREFIX}{name}" for name in greader_article.labels)],
        "origin": {
            "streamId": f"{FEED_PREFIX}{article.source}",
            "title": clean_line(article.source),
            "htmlUrl": find_home_page(article.url),
        },
        "summary": {"direction": "ltr", "content": entry.html or entry.summary},
        "author": ", ".join(entry.authors),
    }


def make_atom_entry(greader_article: GReaderArticle) -> FeedEntry:
    """Return an article as an entry of an Atom feed with the states of the reader."""
    entry = article_entry(greader_article.article)
    return replace(
        entry, id=format_long_id(greader_article.article.id), states=tuple(format_entry_states(greader_article.states))
    )


def find_home_page(url: str) -> str:
    """Return the home page of a URL's site; empty unless it is http or https."""
    web_url = encode_web_url(url)
    return "/".join(web_url.split("/")[:3]) + "/" if web_url else ""


def collect_labels(article: KeptArticle, searches: Collection[str]) -> tuple[str, ...]:
    """Return the labels of an article: the saved searches that match it, and its topics."""
    return tuple(dict.fromkeys([*searches, *article.topics]))
