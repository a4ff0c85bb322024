"""`evnews topics`: list topics and their article counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.archive import open_archive
from aggregator.cli.catalogue import read_topics
from aggregator.cli.command_app import CommandApp
from aggregator.cli.options import Json, Since
from aggregator.cli.output import EXIT_FAILURE, print_json, usage_error, warn
from aggregator.cli.query_options import parse_date
from aggregator.formatting import format_count
from aggregator.logs import safe_line

if TYPE_CHECKING:
    from aggregator.config import Config
    from aggregator.topics.matcher import TopicEntry
    from storage.articles.topics import TopicCount

app = CommandApp()


@app.add("topics", "evnews topics --since 30d --kind model", "evnews topics --refresh")
def topics(
    context: typer.Context,
    since: Since = None,
    kind: Annotated[
        str, typer.Option("--kind", metavar="KIND", help="Only topics of this kind, e.g. maker, model or battery.")
    ] = "",
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Find the topics of articles stored under an older topic catalogue.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List topics and their numbers of articles and sources.

    `evnews search topic:NAME` finds the articles. Exit status 1 if no article has a topic.
    """
    config = context.obj.load()
    if refresh:
        raise typer.Exit(refresh_topics(config))
    raise typer.Exit(print_topics(config, parse_date("--since", since), kind, as_json=as_json))


def print_topics(config: Config, since: datetime | None, kind: str, *, as_json: bool) -> int:
    """Print the topics of articles, most articles first. Return 1 if there are none."""
    from aggregator.feeds.json_records import topic_fields
    from aggregator.topics.matcher import TOPIC_KINDS
    from storage.library import Library

    if kind and kind not in TOPIC_KINDS:
        usage_error(f"--kind {kind!r} is unknown; the kinds are {', '.join(TOPIC_KINDS)}")
    catalogue = read_topics(config)
    entries = {entry.name: entry for entry in catalogue.entries}
    with open_archive(config) as database:
        library = Library(database)
        counts = [count for count in library.topic_counts(since) if count.name in entries]
        stale = library.count_stale_topics(catalogue.digest)
    rows = [(count, entries[count.name]) for count in counts if kind in ("", entries[count.name].kind)]
    if as_json:
        for count, entry in rows:
            print_json(topic_fields(count, entry.title, entry.kind, entry.part_of))
    elif rows:
        _print_table(rows)
    else:
        warn("no article has a topic; run `evnews crawl` first")
    if stale:
        warn(
            f"{format_count(stale, 'article')} stored under another topic catalogue;"
            " `evnews topics --refresh` finds their topics"
        )
    return 0 if rows else EXIT_FAILURE


def _print_table(rows: Sequence[tuple[TopicCount, TopicEntry]]) -> None:
    from aggregator.cli.terminal import draw, make_table

    table = make_table("topic", "kind", ">articles", ">sources", "newest", "newest article")
    for count, entry in rows:
        figures = (str(count.articles), str(count.sources), f"{count.newest_at:%Y-%m-%d}")
        table.add_row(count.name, entry.kind, *figures, f"{count.newest_id}  {safe_line(count.newest_title)}")
    draw(table)


def refresh_topics(config: Config) -> int:
    """Find the topics of articles that were stored under another topic catalogue."""
    from aggregator.cli.terminal import progress_bar
    from aggregator.topics.matcher import TopicMatcher
    from storage.articles.topics import recount_topics

    catalogue = read_topics(config)
    with open_archive(config) as database, progress_bar("reading articles") as progress:
        count = recount_topics(database, TopicMatcher(catalogue).find_topics, catalogue.digest, progress)
    print(f"{format_count(count, 'article')} matched against {format_count(len(catalogue.entries), 'topic')}")
    return 0
