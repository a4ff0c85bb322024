"""`evnews searches notify` and `retry`: send the messages of saved searches."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aggregator.archive import open_archive
from aggregator.cli.output import EXIT_FAILURE, warn
from aggregator.cli.saved_search_option import (
    notify_once,
    read_searches,
    report_notifications,
    saved_search,
    searches_to_notify,
)
from aggregator.formatting import format_count
from aggregator.logs import safe_line
from storage.library import Library
from storage.readers import alerts

if TYPE_CHECKING:
    from aggregator.alerts.run import WatchedSearch
    from aggregator.config import Config
    from storage.db.database import Database


def notify(config: Config, *, dry_run: bool) -> int:
    """Notify of new matches. Return 1 if a message could not be sent."""
    searches = read_searches(config)
    if not any(search.notify for search in searches.searches):
        warn("no saved search notifies anybody; `evnews searches add NAME QUERY --notify URL` saves one that does")
        return EXIT_FAILURE if searches.problems else 0
    if dry_run:
        with open_archive(config) as database:
            for search in searches_to_notify(config, searches):
                _print_new(database, search)
        return 0
    result = notify_once(config, searches)
    report_notifications(result)
    if not result.article_counts and not result.errors:
        print("no new matches")
    return EXIT_FAILURE if result.errors or searches.problems else 0


def _print_new(database: Database, search: WatchedSearch) -> None:
    """Print the articles that a run would notify of; the transaction that finds them is rolled back."""
    with database.read() as tx:
        article_ids = alerts.find_unreported(tx, search.name, search.query, datetime.now(UTC))
    print(f"{search.name}: {format_count(len(article_ids), 'new article')}")
    library = Library(database)
    for article_id in article_ids:
        article = library.article(article_id)
        if article is not None:
            print(safe_line(f"  {article.id}  {article.title}  {article.source}  {article.url}"))


def retry(config: Config, name: str) -> int:
    """Send failed and possibly lost messages of a search again. Return 1 if one could not be sent."""
    saved_search(config, name)
    with open_archive(config) as database, database.write() as tx:
        count = alerts.retry_alerts(tx, name, datetime.now(UTC))
    if not count:
        print(f"all messages of {name} were delivered")
        return 0
    result = notify_once(config, read_searches(config))
    report_notifications(result)
    return EXIT_FAILURE if result.errors else 0
