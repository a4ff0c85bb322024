"""The formats that articles leave in: a new one is a file beside this one and a line here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from aggregator.feeds.atom import atom_feed
from aggregator.feeds.channel import Channel, article_entries
from aggregator.feeds.jsonfeed import json_feed
from aggregator.feeds.jsonl import jsonl
from aggregator.feeds.rss import rss
from storage.article import KeptArticle

Writer = Callable[[Channel, Iterable[KeptArticle]], Iterator[bytes]]
"""Takes a channel's facts and the articles to write in its place of entries; gives bytes in pieces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFormat:
    """A kind of feed: what writes a channel, and the media type that it is served as."""

    write: Callable[[Channel], Iterator[bytes]]
    media_type: str


FEEDS: Mapping[str, FeedFormat] = MappingProxyType(
    {
        "rss": FeedFormat(write=rss, media_type="application/rss+xml; charset=utf-8"),
        "atom": FeedFormat(write=atom_feed, media_type="application/atom+xml; charset=utf-8"),
        "json": FeedFormat(write=json_feed, media_type="application/feed+json; charset=utf-8"),
    }
)


def _feed(name: str) -> Writer:
    return lambda channel, articles: FEEDS[name].write(replace(channel, entries=article_entries(articles)))


FORMATS: Mapping[str, Writer] = MappingProxyType(
    {"jsonl": lambda _, articles: jsonl(articles), **{name: _feed(name) for name in FEEDS}}
)
