"""`evnews export` of feeds and OPML: one file, or a folder for a web server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from aggregator.archive import open_archive
from aggregator.cli.output import EXIT_FAILURE, output_file, unwritable, warn
from aggregator.cli.query_options import muted_query
from aggregator.feeds.channel import Channel, article_entries
from aggregator.feeds.formats import FEED_FORMATS
from aggregator.formatting import format_count
from storage.library import Library

if TYPE_CHECKING:
    from aggregator.config import Config
    from aggregator.web.feed_catalogue import FeedCatalogue
    from aggregator.web.requests import FeedRequest
    from storage.db.database import Database
    from storage.model.search import Query

OPML_NAME = "feeds.opml"


def write_feed(config: Config, form: str, query: Query, output: Path, *, full: bool) -> int:
    """Write a feed of the newest matching articles."""
    query = muted_query(query, config)
    with open_archive(config) as database:
        articles = list(Library(database).articles(query))
    channel = replace(_channel(query, config.public_url), entries=article_entries(articles, full=full))
    return _write(output, b"".join(FEED_FORMATS[form].write(channel)), format_count(len(articles), "article"))


def write_opml(config: Config, output: Path) -> int:
    """Write the list of the server's feeds."""
    from aggregator.feeds.opml import write_outlines

    with open_archive(config) as database:
        outlines = _feed_catalogue(config, database).list_outlines()
    return _write(output, write_outlines(outlines, "evnews"), format_count(len(outlines), "feed"))


def write_folder(config: Config, form: str, folder: Path, *, full: bool, limit: int) -> int:
    """Write a feed of all articles, one of each saved search, and an OPML list of them. Return 1 if a file fails.

    Paths are those of evnews' own server, so that any web server can serve the folder. Unchanged files are kept.
    """
    from aggregator.alerts.saved_searches import load_searches
    from aggregator.feeds.opml import write_outlines
    from aggregator.web.requests import FeedRequest

    paths = ["all", *(f"search/{search.name}" for search in load_searches(config.home).searches)]
    with open_archive(config) as database:
        catalogue = _feed_catalogue(config, database)
        files = {
            folder / "feeds" / f"{path}.{form}": _static_feed(
                catalogue, FeedRequest(path=path, format=form, full=full, limit=limit)
            )
            for path in paths
        }
        urls = {catalogue.build_url(FeedRequest(path=path, format=form)) for path in paths}
        outlines = [outline for outline in catalogue.list_outlines(form) if outline.xml_url in urls]
        files[folder / OPML_NAME] = write_outlines(outlines, "evnews")
    written = 0
    for path, body in files.items():
        try:
            written += _write_if_changed(path, body)
        except OSError as error:
            warn(unwritable(path, error))
            return EXIT_FAILURE
    print(f"{format_count(len(files), 'file')} in {folder}, {written} new or changed")
    return 0


def _write_if_changed(path: Path, body: bytes) -> bool:
    if path.exists() and path.read_bytes() == body:
        return False
    from storage.atomic_file import atomic_write

    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        file.write(body)
    return True


def _channel(query: Query, home: str) -> Channel:
    """Return a channel for a query, without entries."""
    words = " ".join([*(f"topic:{name}" for name in query.topics), query.words]).strip()
    title = f"evnews: {words}" if words else "evnews: all articles"
    return Channel(title=title, home=home, description="Articles kept by evnews, newest first.")


def _static_feed(catalogue: FeedCatalogue, request: FeedRequest) -> bytes:
    """Return a feed without links to older entries, which only evnews' own server serves."""
    from aggregator.web.requests import FeedRequest

    url = catalogue.build_url(FeedRequest(path=request.path, format=request.format))
    channel = replace(catalogue.build_channel(request), self_url=url, next_url="", prev_archive="")
    return b"".join(FEED_FORMATS[request.format].write(channel))


def _feed_catalogue(config: Config, database: Database) -> FeedCatalogue:
    from aggregator.alerts.saved_searches import load_searches
    from aggregator.topics.catalogue import load_topics
    from aggregator.web.feed_catalogue import FeedCatalogue
    from storage.monitor import Monitor

    base = config.public_url.rstrip("/") + "/"
    return FeedCatalogue(
        Library(database),
        Monitor(database),
        base,
        lambda: load_searches(config.home),
        lambda: load_topics(config.home),
        muted=config.mute,
    )


def _write(output: Path, body: bytes, content: str) -> int:
    with output_file(output) as file:
        file.write(body)
    if str(output) != "-":
        print(f"{content} written to {output}")
    return 0
