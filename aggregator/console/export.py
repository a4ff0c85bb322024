"""`evnews export`: matching articles as a file that is written whole or not at all."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from aggregator.archive import open_archive
from aggregator.config import Config
from aggregator.console.answer import TROUBLE, complain, counted, mistake
from aggregator.console.topics import resolved
from aggregator.feeds.channel import Channel
from aggregator.feeds.files import written_whole
from aggregator.feeds.formats import FORMATS
from storage.article import KeptArticle, Query
from storage.library import Library

COMPLETE = ("jsonl",)
"""Formats for work with data, from which nothing is muted."""


def run_export(config: Config, name: str, query: Query, output: Path) -> int:
    """Write the articles into the file, or to stdout for `-`; 1 where it cannot be written."""
    asked = resolved(query, config)
    if isinstance(asked, str):
        mistake(asked)
    query = asked if name in COMPLETE else replace(asked, muted=config.mute)
    with open_archive(config) as database:
        tally = Counter[str]()
        articles = _counted(Library(database).articles(query), tally)
        chunks = FORMATS[name](channel_of(query, config.public_url), articles)
        if str(output) == "-":
            sys.stdout.buffer.writelines(chunks)
            sys.stdout.buffer.flush()
            return 0
        try:
            with written_whole(output) as file:
                file.writelines(chunks)
        except OSError as error:
            complain(f"{output} cannot be written: {error.strerror or error}; what was there before is untouched")
            return TROUBLE
    print(f"{counted(tally['articles'], 'article')} written to {output}")
    return 0


def channel_of(query: Query, home: str) -> Channel:
    """A channel for what was asked for; its entries come from the stream."""
    asked = " ".join([*(f"topic:{name}" for name in query.topics), query.words]).strip()
    title = f"evnews: {asked}" if asked else "evnews: all articles"
    return Channel(title=title, home=home, description="Articles kept by evnews, newest first.")


def _counted(articles: Iterable[KeptArticle], tally: Counter[str]) -> Iterator[KeptArticle]:
    """The articles, counted, with progress on stderr where that is a terminal."""
    told = sys.stderr.isatty()
    for article in articles:
        yield article
        tally["articles"] += 1
        if told and tally["articles"] % 1000 == 0:
            print(f"\r{tally['articles']} articles", end="", file=sys.stderr, flush=True)
    if told and tally["articles"] >= 1000:
        print("\r", end="", file=sys.stderr, flush=True)
