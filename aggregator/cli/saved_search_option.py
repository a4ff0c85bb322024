"""The `--saved` option, and notification runs started by commands."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from aggregator.cli.output import usage_error, warn
from aggregator.formatting import format_count

if TYPE_CHECKING:
    from aggregator.alerts.run import AlertRunResult, WatchedSearch
    from aggregator.alerts.saved_searches import SavedSearch, SavedSearches
    from aggregator.config import Config
    from aggregator.schedule.clock import PeriodicJob

NOTIFY_SECONDS = 60.0


def read_searches(config: Config) -> SavedSearches:
    """Return the saved searches and print invalid entries. Raises CatalogueError if the file is unreadable."""
    from aggregator.alerts.saved_searches import load_searches

    searches = load_searches(config.home)
    for problem in searches.problems:
        warn(problem)
    return searches


def saved_search(config: Config, name: str) -> SavedSearch:
    """Return the saved search of a name. Raises UsageError."""
    searches = read_searches(config)
    search = searches.find(name)
    if search is None:
        names = ", ".join(search.name for search in searches.searches)
        hint = f"saved searches: {names}" if names else "`evnews searches add NAME QUERY` saves one"
        usage_error(f"there is no saved search {name!r}; {hint}")
    return search


def add_saved_query(config: Config, name: str, words: str) -> str:
    """Return the query of a saved search, narrowed by further words."""
    from storage.search.query.parser import parse
    from storage.search.query.tree import And
    from storage.search.query.unparse import unparse

    search = saved_search(config, name)
    saved, narrower = parse(search.query), parse(words)
    if narrower.node is None or saved.node is None:
        return f"{search.query} {words}".strip()
    node = And(nodes=(saved.node, narrower.node))
    return unparse(replace(narrower, node=node, sort=narrower.sort or saved.sort))


def searches_to_notify(config: Config, searches: SavedSearches) -> Iterator[WatchedSearch]:
    """Yield the searches that notify somebody; a search with an unknown topic is reported and left out."""
    from aggregator.alerts.run import WatchedSearch
    from aggregator.topics.catalogue import load_topics
    from aggregator.topics.resolve import UnknownTopic, resolve_topics
    from storage.model.search import Query

    topics = cache(lambda: load_topics(config.home))
    for search in searches.searches:
        if not search.notify:
            continue
        try:
            query = resolve_topics(Query(words=search.query, muted=config.mute), topics)
        except UnknownTopic as error:
            warn(f"saved search {search.name}: {error}")
        else:
            yield WatchedSearch(name=search.name, query=query, notify=search.notify)


def notify_once(config: Config, searches: SavedSearches) -> AlertRunResult:
    """Run all searches that notify somebody; the archive is not opened if there are none."""
    from aggregator.alerts.run import AlertRunResult, run_alerts
    from aggregator.archive import open_archive

    active = list(searches_to_notify(config, searches))
    if not active:
        return AlertRunResult(article_counts={})
    with open_archive(config) as database:
        return run_alerts(database, active, config.home, lambda: datetime.now(UTC))


def notify_job(config: Config) -> PeriodicJob:
    """Return the job that runs all saved searches every minute."""
    from aggregator.schedule.clock import PeriodicJob

    return PeriodicJob("notify", NOTIFY_SECONDS, lambda: notify_during_crawl(config))


async def notify_during_crawl(config: Config) -> None:
    """Run all saved searches in a thread; a failure is reported and does not stop the crawl."""
    from aggregator.alerts.saved_searches import load_searches
    from spiders.toml_tables import CatalogueError
    from storage.errors import ArchiveError

    try:
        result = await asyncio.to_thread(lambda: notify_once(config, load_searches(config.home)))
    except (ArchiveError, CatalogueError, OSError) as error:
        warn(f"saved searches could not be run: {error}")
    else:
        report_notifications(result)


def report_notifications(result: AlertRunResult) -> None:
    """Print what was sent, what failed and what may be lost, on stderr."""
    if result.article_counts:
        counts = (f"{format_count(count, 'article')} for {name}" for name, count in result.article_counts.items())
        warn(f"notified of {', '.join(counts)}")
    for failure in result.errors:
        warn(f"a message could not be sent, evnews tries again later: {failure}")
    if result.unconfirmed_count:
        warn(
            f"{format_count(result.unconfirmed_count, 'message')} may not have arrived, because evnews was"
            " stopped while sending;"
            " `evnews searches` names the searches, `evnews searches retry NAME` sends again"
        )
