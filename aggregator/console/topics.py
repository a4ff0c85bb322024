"""`evnews topics`, and the names of topics that other commands take."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from aggregator.archive import open_archive
from aggregator.config import Config
from aggregator.console.answer import TROUBLE, complain, counted, mistake, print_json, time_of
from aggregator.intake.topicfile import load_topics
from aggregator.intake.topics import KINDS, Entry, Matcher, TopicCatalogue, folded_name
from aggregator.logs import safe_line
from storage.article import Query
from storage.library import Library
from storage.search.grammar import read
from storage.search.spelling import spell
from storage.search.syntax import Named, Node, changed, leaves
from storage.topics import TopicCount, refresh


def read_topics(config: Config) -> TopicCatalogue:
    """The catalogue; wrong entries are told on stderr. Raises CatalogueError where the file cannot be read."""
    catalogue = load_topics(config.home)
    for problem in catalogue.problems:
        complain(problem)
    return catalogue


def resolved(query: Query, config: Config) -> Query | str:
    """The query with each topic by its name in the catalogue, or in words which one is none."""
    asked = read(query.words)
    typed = [one.name for one in leaves(asked.node) if isinstance(one, Named) and one.field == "topic"]
    if not query.topics and not typed:
        return query
    catalogue = load_topics(config.home)
    known = _by_any_name(catalogue)
    for name in (*query.topics, *typed):
        if folded_name(name) not in known:
            return _unknown(name, catalogue)

    def by_its_name(node: Node) -> Node:
        if isinstance(node, Named) and node.field == "topic":
            return replace(node, name=known[folded_name(node.name)])
        return node

    topics = tuple(dict.fromkeys(known[folded_name(name)] for name in query.topics))
    words = spell(replace(asked, node=changed(asked.node, by_its_name))) if typed else query.words
    return replace(query, topics=topics, words=words)


def _by_any_name(catalogue: TopicCatalogue) -> Mapping[str, str]:
    """Names by all that may be typed for them: an alias, a title, and before those the name itself."""
    known: dict[str, str] = {}
    for entry in catalogue.entries:
        for alias in (*entry.aliases, *entry.unsure):
            known.setdefault(folded_name(alias.removesuffix("*")), entry.name)
    known.update((folded_name(entry.title), entry.name) for entry in catalogue.entries)
    known.update((folded_name(entry.name), entry.name) for entry in catalogue.entries)
    return known


def _unknown(asked: str, catalogue: TopicCatalogue) -> str:
    names = [entry.name for entry in catalogue.entries]
    near = difflib.get_close_matches(asked[:80].lower(), names, n=3)
    near += [name for name in names if asked and asked.lower() in name and name not in near][: 3 - len(near)]
    hint = f"did you mean {' or '.join(near)}?" if near else "`evnews topics` lists those that articles name"
    return f"no topic is named {asked[:80]!r}; {hint}"


def show_topics(config: Config, since: datetime | None, kind: str, *, as_json: bool) -> int:
    """Print the topics that articles name, those of most articles first; 1 where there are none."""
    if kind and kind not in KINDS:
        mistake(f"--kind {kind!r} is none; the kinds are {', '.join(KINDS)}")
    catalogue = read_topics(config)
    entries = {entry.name: entry for entry in catalogue.entries}
    with open_archive(config) as database:
        library = Library(database)
        counts = [one for one in library.topic_counts(since) if one.name in entries]
        stale = library.stale_topics(catalogue.digest)
    rows = [(one, entries[one.name]) for one in counts if kind in ("", entries[one.name].kind)]
    if as_json:
        for one, entry in rows:
            print_json(record_of(one, entry))
    elif rows:
        _print(rows)
    else:
        complain("no article names a topic; `evnews crawl` first?")
    if stale:
        complain(
            f"{counted(stale, 'article')} not yet read with this catalogue of topics; `evnews topics --refresh` does it"
        )
    return 0 if rows else TROUBLE


def record_of(one: TopicCount, entry: Entry) -> dict[str, object]:
    """A topic as the fields of one JSON object (docs/json.md)."""
    return {
        "topic": one.name,
        "title": entry.title,
        "kind": entry.kind,
        "part_of": entry.part_of or None,
        "articles": one.articles,
        "sources": one.sources,
        "newest_at": time_of(one.newest_at),
        "newest_id": one.newest_id,
        "newest_title": one.newest_title,
    }


def _print(rows: Sequence[tuple[TopicCount, Entry]]) -> None:
    from aggregator.console.drawing import draw, table_of

    table = table_of("topic", "kind", ">articles", ">sources", "newest", "newest article")
    for one, entry in rows:
        figures = (str(one.articles), str(one.sources), f"{one.newest_at:%Y-%m-%d}")
        table.add_row(one.name, entry.kind, *figures, f"{one.newest_id}  {safe_line(one.newest_title)}")
    draw(table)


def refresh_topics(config: Config) -> int:
    """Read the archive's articles for topics with the present catalogue, where another was used."""
    catalogue = read_topics(config)
    told = sys.stderr.isatty()

    def progress(done: int, total: int) -> None:
        if told:
            print(f"\r{done}/{total} articles read", end="", file=sys.stderr, flush=True)

    with open_archive(config) as database:
        count = refresh(database, Matcher(catalogue).topics, catalogue.digest, progress)
    if told and count:
        print("\r", end="", file=sys.stderr)
    print(f"{counted(count, 'article')} read for {counted(len(catalogue.entries), 'topic')}")
    return 0
