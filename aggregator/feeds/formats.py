"""Tables of all feed and export formats. A new format is a new file in this folder and a line here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from aggregator.feeds.channel import Channel
    from storage.model.article import KeptArticle


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFormat:
    """A feed format: the function that writes a channel, and the media type."""

    write: Callable[[Channel], Iterator[bytes]]
    media_type: str


# Formats are imported on use, because most need lxml.


def _rss(channel: Channel) -> Iterator[bytes]:
    from aggregator.feeds.rss import rss_feed

    return rss_feed(channel)


def _atom(channel: Channel) -> Iterator[bytes]:
    from aggregator.feeds.atom import atom_feed

    return atom_feed(channel)


def _json(channel: Channel) -> Iterator[bytes]:
    from aggregator.feeds.jsonfeed import json_feed

    return json_feed(channel)


FEED_FORMATS: Mapping[str, FeedFormat] = MappingProxyType(
    {
        "rss": FeedFormat(write=_rss, media_type="application/rss+xml; charset=utf-8"),
        "atom": FeedFormat(write=_atom, media_type="application/atom+xml; charset=utf-8"),
        "json": FeedFormat(write=_json, media_type="application/feed+json; charset=utf-8"),
    }
)


def _write_jsonl(articles: Iterable[KeptArticle], file: BinaryIO) -> None:
    from aggregator.feeds.jsonl import jsonl

    file.writelines(jsonl(articles))


def _write_csv(articles: Iterable[KeptArticle], file: BinaryIO, *, raw: bool = False) -> None:
    from aggregator.feeds.csv_export import csv_rows

    file.writelines(csv_rows(articles, raw=raw))


def _parquet(articles: Iterable[KeptArticle], file: BinaryIO) -> None:
    from aggregator.feeds.parquet import write_parquet

    write_parquet(articles, file)


DATA_FORMATS: Mapping[str, Callable[[Iterable[KeptArticle], BinaryIO], None]] = MappingProxyType(
    {"jsonl": _write_jsonl, "csv": _write_csv, "csv-raw": partial(_write_csv, raw=True), "parquet": _parquet}
)
"""Functions that write articles to a file, one by one, by export format."""
