"""`evnews export`: matching articles as files that are written whole or not at all."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from aggregator.alerts.saved_searches import load_searches
from aggregator.archive import open_archive
from aggregator.cli.commands.topics import resolved
from aggregator.cli.output import TROUBLE, complain, format_count, mistake
from aggregator.cli.terminal import bar
from aggregator.config import Config
from aggregator.feeds.channel import Channel, article_entries
from aggregator.feeds.formats import DATA_FORMATS, FEED_FORMATS
from aggregator.feeds.opml import write_outlines
from aggregator.feeds.parquet import MissingPyarrow
from aggregator.topics.catalogue import load_topics
from aggregator.web.feed_catalogue import FeedCatalogue
from aggregator.web.requests import FeedRequest
from storage.atomic_file import atomic_write
from storage.db.database import Database
from storage.library import Library
from storage.model.article import KeptArticle
from storage.model.search import Query
from storage.monitor import Monitor

LIST = "feeds.opml"


class _Unwritten(Exception):
    """A file could not be written; the message says why, and that the old one stays."""


def export_data(config: Config, form: str, query: Query, output: Path) -> int:
    """Write every article that is found; 1 where the file cannot be written. Nothing is muted."""
    query = _resolved(query, config)
    with open_archive(config) as database, bar("exporting articles") as progress:
        library = Library(database)
        done = _Counted(library.articles(query, include_past_texts=form == "jsonl"), progress, _many(library, query))
        try:
            with _opened(output) as file:
                DATA_FORMATS[form](done, file)
        except MissingPyarrow as error:
            mistake(str(error))
        except _Unwritten as error:
            complain(str(error))
            return TROUBLE
    _tell(output, format_count(done.count, "article"))
    return 0


def export_feed(config: Config, form: str, query: Query, output: Path, *, full: bool) -> int:
    """Write a feed of the newest articles that are found; 1 where the file cannot be written."""
    query = replace(_resolved(query, config), muted=config.mute)
    with open_archive(config) as database:
        found = list(Library(database).articles(query))
    channel = replace(channel_of(query, config.public_url), entries=article_entries(found, full=full))
    return _written(output, b"".join(FEED_FORMATS[form].write(channel)), format_count(len(found), "article"))


def export_opml(config: Config, output: Path) -> int:
    """Write the list of every feed that the server has."""
    with open_archive(config) as database:
        outlines = _shelf(config, database).list_outlines()
    return _written(output, write_outlines(outlines, "evnews"), format_count(len(outlines), "feed"))


def export_folder(config: Config, form: str, folder: Path, *, full: bool, limit: int) -> int:
    """Write a feed of everything and one of each saved search into a folder, with a list of them.

    As the server lays them out, so that any web server can give them; what is the same is left as it is.
    """
    paths = ["all", *(f"search/{one.name}" for one in load_searches(config.home).searches)]
    with open_archive(config) as database:
        shelf = _shelf(config, database)
        files = {
            folder / "feeds" / f"{path}.{form}": _static(
                shelf, FeedRequest(path=path, format=form, full=full, limit=limit)
            )
            for path in paths
        }
        there = {shelf.build_url(FeedRequest(path=path, format=form)) for path in paths}
        files[folder / LIST] = write_outlines(
            [one for one in shelf.list_outlines(form) if one.xml_url in there], "evnews"
        )
    written = 0
    for path, body in files.items():
        try:
            if not path.exists() or path.read_bytes() != body:
                path.parent.mkdir(parents=True, exist_ok=True)
                with atomic_write(path) as file:
                    file.write(body)
                written += 1
        except OSError as error:
            complain(str(_unwritten(path, error)))
            return TROUBLE
    print(f"{format_count(len(files), 'file')} in {folder}, {written} of them new")
    return 0


def channel_of(query: Query, home: str) -> Channel:
    """A channel for what was asked for, without entries."""
    asked = " ".join([*(f"topic:{name}" for name in query.topics), query.words]).strip()
    title = f"evnews: {asked}" if asked else "evnews: all articles"
    return Channel(title=title, home=home, description="Articles kept by evnews, newest first.")


def _static(shelf: FeedCatalogue, asked: FeedRequest) -> bytes:
    """A feed without the ways to older entries, which only a server finds."""
    here = shelf.build_url(FeedRequest(path=asked.path, format=asked.format))
    return b"".join(
        FEED_FORMATS[asked.format].write(
            replace(shelf.build_channel(asked), self_url=here, next_url="", prev_archive="")
        )
    )


def _shelf(config: Config, database: Database) -> FeedCatalogue:
    base = config.public_url.rstrip("/") + "/"
    return FeedCatalogue(
        Library(database),
        Monitor(database),
        base,
        lambda: load_searches(config.home),
        lambda: load_topics(config.home),
        muted=config.mute,
    )


def _resolved(query: Query, config: Config) -> Query:
    asked = resolved(query, config)
    if isinstance(asked, str):
        mistake(asked)
    return asked


def _many(library: Library, query: Query) -> int:
    """How many articles there will be; 0 where that would take long to know."""
    if query == Query(limit=None):
        return sum(source.articles for source in library.sources())
    found = library.count(query)
    return found.number if found.is_exact else 0


class _Counted:
    """Articles on their way, counted."""

    def __init__(self, articles: Iterable[KeptArticle], progress: Callable[[int, int], None], total: int) -> None:
        self._articles, self._progress, self._total = articles, progress, total
        self.count = 0

    def __iter__(self) -> Iterator[KeptArticle]:
        for article in self._articles:
            yield article
            self.count += 1
            if self.count % 100 == 0:
                self._progress(self.count, self._total)


def _written(output: Path, body: bytes, what: str) -> int:
    try:
        with _opened(output) as file:
            file.write(body)
    except _Unwritten as error:
        complain(str(error))
        return TROUBLE
    _tell(output, what)
    return 0


def _tell(output: Path, what: str) -> None:
    if str(output) != "-":
        print(f"{what} written to {output}")


@contextmanager
def _opened(output: Path) -> Iterator[BinaryIO]:
    """The file, or stdout for `-`. Raises _Unwritten where it is a file that cannot be written."""
    if str(output) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        with atomic_write(output) as file:
            yield file
    except OSError as error:
        raise _unwritten(output, error) from error


def _unwritten(path: Path, error: OSError) -> _Unwritten:
    return _Unwritten(f"{path} cannot be written: {error.strerror or error}; what was there before is untouched")
