"""The formats that articles leave in: a new one is a file beside this one and a line here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import BinaryIO

from aggregator.feeds.atom import atom_feed
from aggregator.feeds.channel import Channel
from aggregator.feeds.csv_export import csv_rows
from aggregator.feeds.jsonfeed import json_feed
from aggregator.feeds.jsonl import jsonl
from aggregator.feeds.parquet import write_parquet
from aggregator.feeds.rss import rss_feed
from storage.model.article import KeptArticle


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFormat:
    """A kind of feed: what writes a channel, and the media type that it is served as."""

    write: Callable[[Channel], Iterator[bytes]]
    media_type: str


FEED_FORMATS: Mapping[str, FeedFormat] = MappingProxyType(
    {
        "rss": FeedFormat(write=rss_feed, media_type="application/rss+xml; charset=utf-8"),
        "atom": FeedFormat(write=atom_feed, media_type="application/atom+xml; charset=utf-8"),
        "json": FeedFormat(write=json_feed, media_type="application/feed+json; charset=utf-8"),
    }
)


def _write_jsonl(articles: Iterable[KeptArticle], file: BinaryIO) -> None:
    file.writelines(jsonl(articles))


def _write_csv(articles: Iterable[KeptArticle], file: BinaryIO, *, raw: bool = False) -> None:
    file.writelines(csv_rows(articles, raw=raw))


DATA_FORMATS: Mapping[str, Callable[[Iterable[KeptArticle], BinaryIO], None]] = MappingProxyType(
    {"jsonl": _write_jsonl, "csv": _write_csv, "csv-raw": partial(_write_csv, raw=True), "parquet": write_parquet}
)
"""What writes articles into a file for work with data, one by one as they come."""
