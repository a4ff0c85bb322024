"""The formats that articles are exported in: a new one is a file beside this one and a line here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from aggregator.feeds.jsonl import jsonl
from aggregator.feeds.rss import rss
from storage.article import Channel, KeptArticle

Writer = Callable[[Channel, Iterable[KeptArticle]], Iterator[bytes]]
"""Takes a channel's facts and the articles to write in its place of entries; gives bytes in pieces."""

FORMATS: Mapping[str, Writer] = MappingProxyType(
    {
        "jsonl": lambda _, articles: jsonl(articles),
        "rss": lambda channel, articles: rss(replace(channel, entries=tuple(articles))),
    }
)
