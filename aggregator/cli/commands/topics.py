"""`evnews topics`, and the names of topics that other commands take."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from aggregator.archive import open_archive
from aggregator.cli.output import TROUBLE, complain, format_count, mistake, print_json
from aggregator.cli.terminal import bar
from aggregator.config import Config
from aggregator.feeds.json_records import topic_fields
from aggregator.logs import safe_line
from aggregator.topics.catalogue import load_topics
from aggregator.topics.matcher import TOPIC_KINDS, TopicCatalogue, TopicEntry, TopicMatcher
from aggregator.topics.resolve import UnknownTopic, resolve_topics
from storage.articles.topics import TopicCount, recount_topics
from storage.library import Library
from storage.model.search import Query


def read_topics(config: Config) -> TopicCatalogue:
    """The catalogue; wrong entries are told on stderr. Raises CatalogueError where the file cannot be read."""
    catalogue = load_topics(config.home)
    for problem in catalogue.problems:
        complain(problem)
    return catalogue


def resolved(query: Query, config: Config) -> Query | str:
    """The query with each topic by its name in the catalogue, or in words which one is none."""
    try:
        return resolve_topics(query, lambda: load_topics(config.home))
    except UnknownTopic as error:
        return str(error)


def show_topics(config: Config, since: datetime | None, kind: str, *, as_json: bool) -> int:
    """Print the topics that articles name, those of most articles first; 1 where there are none."""
    if kind and kind not in TOPIC_KINDS:
        mistake(f"--kind {kind!r} is none; the kinds are {', '.join(TOPIC_KINDS)}")
    catalogue = read_topics(config)
    entries = {entry.name: entry for entry in catalogue.entries}
    with open_archive(config) as database:
        library = Library(database)
        counts = [one for one in library.topic_counts(since) if one.name in entries]
        stale = library.count_stale_topics(catalogue.digest)
    rows = [(one, entries[one.name]) for one in counts if kind in ("", entries[one.name].kind)]
    if as_json:
        for one, entry in rows:
            print_json(topic_fields(one, entry.title, entry.kind, entry.part_of))
    elif rows:
        _print(rows)
    else:
        complain("no article names a topic; `evnews crawl` first?")
    if stale:
        complain(
            f"{format_count(stale, 'article')} not yet read with this catalogue of topics; `evnews topics --refresh` does it"
        )
    return 0 if rows else TROUBLE


def _print(rows: Sequence[tuple[TopicCount, TopicEntry]]) -> None:
    from aggregator.cli.terminal import draw, table_of

    table = table_of("topic", "kind", ">articles", ">sources", "newest", "newest article")
    for one, entry in rows:
        figures = (str(one.articles), str(one.sources), f"{one.newest_at:%Y-%m-%d}")
        table.add_row(one.name, entry.kind, *figures, f"{one.newest_id}  {safe_line(one.newest_title)}")
    draw(table)


def refresh_topics(config: Config) -> int:
    """Read the archive's articles for topics with the present catalogue, where another was used."""
    catalogue = read_topics(config)
    with open_archive(config) as database, bar("reading articles") as progress:
        count = recount_topics(database, TopicMatcher(catalogue).find_topics, catalogue.digest, progress)
    print(f"{format_count(count, 'article')} read for {format_count(len(catalogue.entries), 'topic')}")
    return 0
