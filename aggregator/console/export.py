"""`evnews export`: matching articles as a file that is written whole or not at all."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from aggregator.config import Config
from aggregator.feeds.files import written_whole
from aggregator.feeds.formats import FORMATS
from aggregator.service import open_archive
from storage.article import Channel, KeptArticle, Query
from storage.library import Library


def run_export(config: Config, name: str, query: Query, output: Path) -> int:
    """Stream the articles into the file; 1 where it cannot be written."""
    with open_archive(config) as database:
        articles = Library(database).articles(query)
        chunks = FORMATS[name](channel_of(query, config.public_url), _counted(articles))
        if str(output) == "-":
            for chunk in chunks:
                sys.stdout.buffer.write(chunk)
            return 0
        try:
            with written_whole(output) as file:
                for chunk in chunks:
                    file.write(chunk)
        except OSError as error:
            print(f"evnews: {output} cannot be written: {error.strerror or error}; what was there before is untouched", file=sys.stderr)
            return 1
    return 0


def channel_of(query: Query, home: str) -> Channel:
    """A channel for what was asked for; its entries come from the stream."""
    title = f"evnews: {query.words}" if query.words else "evnews: all articles"
    return Channel(title=title, home=home, description="Articles kept by evnews, newest first.")


def _counted(articles: Iterable[KeptArticle]) -> Iterator[KeptArticle]:
    """The articles, with progress on stderr where that is a terminal."""
    count = 0
    for count, article in enumerate(articles, 1):
        yield article
        if count % 1000 == 0 and sys.stderr.isatty():
            print(f"\r{count} articles written", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty() and count >= 1000:
        print(f"\r{count} articles written", file=sys.stderr)
