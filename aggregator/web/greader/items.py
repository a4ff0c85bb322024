"""Articles and streams as the Google Reader API spells them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from aggregator.feeds.channel import Entry, article_entry, web_url
from aggregator.web.greader.ids import FEED, LABEL, READING_LIST, long_id, states_of
from storage.model.article import KeptArticle
from storage.readers.read_state import Mark
from storage.text.clean import clean_line
from storage.timestamps import micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An article with what a reader said of it, and the labels that it is found under."""

    article: KeptArticle
    marks: frozenset[Mark]
    labels: tuple[str, ...]


def item(told: Told) -> dict[str, Any]:
    """An article as an item of a stream."""
    article, entry = told.article, article_entry(told.article)
    arrived = micros(article.first_seen)
    states = [name for name, _ in states_of(told.marks)]
    return {
        "id": long_id(article.id),
        "crawlTimeMsec": str(arrived // 1000),
        "timestampUsec": str(arrived),
        "published": int((entry.published or article.first_seen).timestamp()),
        "updated": int(entry.updated.timestamp()),
        "title": entry.title,
        "canonical": [{"href": entry.url}],
        "alternate": [{"href": entry.url, "type": "text/html"}],
        "categories": [READING_LIST, *states, *(f"{LABEL}{name}" for name in told.labels)],
        "origin": {
            "streamId": f"{FEED}{article.source}",
            "title": clean_line(article.source),
            "htmlUrl": home_of(article.url),
        },
        "summary": {"direction": "ltr", "content": entry.html or entry.summary},
        "author": ", ".join(entry.authors),
    }


def entry_of(told: Told) -> Entry:
    """An article as an entry of an Atom feed for readers that sync."""
    entry = article_entry(told.article)
    return replace(entry, id=long_id(told.article.id), states=tuple(states_of(told.marks)))


def home_of(url: str) -> str:
    """The home page of the site that an address is of; empty where it is not of the web."""
    found = web_url(url)
    return "/".join(found.split("/")[:3]) + "/" if found else ""


def labels_of(article: KeptArticle, found_by: Collection[str]) -> tuple[str, ...]:
    """The saved searches that find an article, and the topics that it names."""
    return tuple(dict.fromkeys([*found_by, *article.topics]))
