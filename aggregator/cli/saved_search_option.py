"""Saved searches as commands use them: read, resolved, and told of what is new."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from aggregator.alerts.run import AlertRunResult, WatchedSearch, run_alerts
from aggregator.alerts.saved_searches import SavedSearch, SavedSearches, load_searches
from aggregator.archive import open_archive
from aggregator.cli.output import complain, format_count, mistake
from aggregator.config import Config
from aggregator.schedule.clock import PeriodicJob
from aggregator.service.setup import utc_now
from aggregator.topics.catalogue import load_topics
from aggregator.topics.resolve import UnknownTopic, resolve_topics
from spiders.toml_tables import CatalogueError
from storage.errors import ArchiveError
from storage.model.search import Query
from storage.search.query.parser import parse
from storage.search.query.tree import And
from storage.search.query.unparse import unparse

TELL_SECONDS = 60.0


def read_searches(config: Config) -> SavedSearches:
    """The saved searches; wrong entries are told on stderr. Raises CatalogueError where the file cannot be read."""
    found = load_searches(config.home)
    for problem in found.problems:
        complain(problem)
    return found


def saved(config: Config, name: str) -> SavedSearch:
    """A saved search by its name; one that is none is a mistake."""
    found = read_searches(config)
    search = found.find(name)
    if search is None:
        known = ", ".join(one.name for one in found.searches) or "none yet; `evnews searches add` makes one"
        mistake(f"no search is saved as {name!r}; there are {known}")
    return search


def with_saved(config: Config, name: str, words: str) -> str:
    """The words of a saved search, and others that must be found too."""
    search = saved(config, name)
    first, also = parse(search.query), parse(words)
    if also.node is None or first.node is None:
        return f"{search.query} {words}".strip()
    return unparse(replace(also, node=And(nodes=(first.node, also.node)), sort=also.sort or first.sort))


def watched(config: Config, searches: SavedSearches) -> Iterator[WatchedSearch]:
    """The searches that tell somebody; one whose topic is none is told on stderr and left out."""
    topics = cache(lambda: load_topics(config.home))
    for one in searches.searches:
        if not one.notify:
            continue
        try:
            asked = resolve_topics(Query(words=one.query, muted=config.mute), topics)
        except UnknownTopic as error:
            complain(f"search {one.name}: {error}")
        else:
            yield WatchedSearch(name=one.name, query=asked, notify=one.notify)


def tell_new(config: Config, found: SavedSearches) -> AlertRunResult:
    """A round of the saved searches; nothing is opened where none tells anybody."""
    searches = list(watched(config, found))
    if not searches:
        return AlertRunResult(article_counts={})
    with open_archive(config) as database:
        return run_alerts(database, searches, config.home, utc_now)


def telling(config: Config) -> PeriodicJob:
    """The same again and again, for a clock."""
    return PeriodicJob("tell", TELL_SECONDS, lambda: tell_of_new(config))


async def tell_of_new(config: Config) -> None:
    """The same beside a crawl, which goes on whatever becomes of it."""
    try:
        told = await asyncio.to_thread(lambda: tell_new(config, load_searches(config.home)))
    except (ArchiveError, CatalogueError, OSError) as error:
        complain(f"saved searches could not be told of: {error}")
    else:
        report(told)


def report(told: AlertRunResult) -> None:
    """What a round came to, in words on stderr."""
    if told.article_counts:
        complain(
            "told of "
            + ", ".join(f"{format_count(many, 'article')} for {name}" for name, many in told.article_counts.items())
        )
    for trouble in told.errors:
        complain(f"a message could not be sent and is tried again: {trouble}")
    if told.unconfirmed_count:
        complain(
            f"{format_count(told.unconfirmed_count, 'message')} may not have arrived, since evnews ended while sending;"
            " `evnews searches` names them, `evnews searches retry NAME` sends them again"
        )
