"""`evnews searches`: manage saved searches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.archive import make_home, open_archive
from aggregator.cli.command_app import CommandApp
from aggregator.cli.options import Json, SearchName
from aggregator.cli.output import EXIT_FAILURE, print_json, usage_error, warn
from aggregator.cli.query_options import unmuted_query
from aggregator.cli.saved_search_option import read_searches, saved_search
from aggregator.formatting import format_count
from aggregator.logs import safe_line

if TYPE_CHECKING:
    from aggregator.alerts.saved_searches import SavedSearch
    from aggregator.config import Config
    from storage.readers.alerts import SearchState

app = CommandApp(
    examples=("evnews searches", "evnews searches add sodium '\"sodium ion\"'", "evnews search --saved sodium")
)


@app.callback(invoke_without_command=True)
def searches(context: typer.Context, as_json: Json = False) -> None:
    """Manage saved searches and their notifications.

    Without a command, print the saved searches as a table. Exit status 1 if an entry of searches.toml is invalid.
    """
    if context.invoked_subcommand is None:
        raise typer.Exit(list_searches(context.obj.load(), as_json=as_json))


@app.add(
    "add",
    "evnews searches add sodium '\"sodium ion\" -toyota'",
    "evnews searches add recalls title:recall --notify json://localhost:9000/hook",
)
def searches_add(
    context: typer.Context,
    name: SearchName,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="Query in quotes, see docs/searching.md.")],
    notify: Annotated[
        list[str] | None,
        typer.Option("--notify", metavar="URL", help="Apprise URL that is notified of new matches; repeatable."),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the saved search of this name.")] = False,
) -> None:
    """Save a search, and notify of new matches with --notify.

    The search is written to searches.toml in the home folder. Only articles stored from now on cause notifications.
    """
    raise typer.Exit(add_search(context.obj.load(), name, query, notify or [], replace=replace))


@app.add("remove", "evnews searches remove sodium")
def searches_remove(context: typer.Context, name: SearchName) -> None:
    """Remove a saved search and its unsent messages."""
    raise typer.Exit(remove_search(context.obj.load(), name))


@app.add("notify", "evnews searches notify --dry-run", "evnews searches notify")
def searches_notify(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the new matches without notifying.")] = False,
) -> None:
    """Notify of new matches now.

    `evnews crawl` and `evnews up` do this automatically. Exit status 1 if a message could not be sent.
    """
    from aggregator.cli.commands.read.searches_notify import notify

    raise typer.Exit(notify(context.obj.load(), dry_run=dry_run))


@app.add("retry", "evnews searches retry sodium")
def searches_retry(context: typer.Context, name: SearchName) -> None:
    """Send failed and possibly lost messages again."""
    from aggregator.cli.commands.read.searches_notify import retry

    raise typer.Exit(retry(context.obj.load(), name))


def list_searches(config: Config, *, as_json: bool) -> int:
    """Print every saved search. Return 1 if an entry of the file is invalid."""
    from storage.readers import alerts
    from storage.readers.alerts import SearchState

    searches = read_searches(config)
    with open_archive(config) as database, database.read() as tx:
        states = alerts.load_search_states(tx)
    rows = [(search, states.get(search.name, SearchState(name=search.name))) for search in searches.searches]
    if as_json:
        for search, state in rows:
            print_json(search_fields(search, state))
    elif rows:
        _print_table(rows)
    elif not searches.problems:
        warn("there are no saved searches; `evnews searches add NAME QUERY` saves one")
    return EXIT_FAILURE if searches.problems else 0


def search_fields(search: SavedSearch, state: SearchState) -> dict[str, object]:
    """Return the fields of a saved search's JSON object (docs/json.md)."""
    from aggregator.alerts import notify as notify_channels
    from aggregator.feeds.json_records import format_optional_timestamp

    return {
        "search": search.name,
        "query": search.query,
        "notify": [notify_channels.mask_address(url) for url in search.notify],
        "looked_at": format_optional_timestamp(state.seen_at),
        "sent": state.sent,
        "waiting": state.waiting,
        "unsure": state.unsure,
        "trouble": state.error,
    }


def _print_table(rows: Sequence[tuple[SavedSearch, SearchState]]) -> None:
    from aggregator.alerts import notify as notify_channels
    from aggregator.cli.terminal import draw, make_table

    table = make_table("search", "query", "notifies", ">sent", ">waiting", "last run", "problem")
    for search, state in rows:
        recipients = ", ".join(notify_channels.mask_address(url) or "an invalid URL" for url in search.notify)
        last_run = f"{state.seen_at:%Y-%m-%d %H:%M}" if state.seen_at else ""
        problem = f"{format_count(state.unsure, 'message')} possibly lost" if state.unsure else state.error
        cells = (search.name, search.query, recipients, str(state.sent), str(state.waiting), last_run, problem)
        table.add_row(*(safe_line(cell) for cell in cells))
    draw(table)


def add_search(config: Config, name: str, query: str, notify: Sequence[str], *, replace: bool) -> int:
    """Save a search that notifies of articles stored from now on."""
    from aggregator.alerts import notify as notify_channels
    from aggregator.alerts.saved_searches import SavedSearch, save_search, searches_path
    from spiders.toml_tables import ENTRY_NAME, ENTRY_NAME_RULE
    from storage.library import Library
    from storage.model.search import Query
    from storage.readers import alerts

    if not ENTRY_NAME.fullmatch(name):
        usage_error(f"{name!r} is not a valid name; allowed are {ENTRY_NAME_RULE}")
    if read_searches(config).find(name) and not replace:
        usage_error(f"there is already a saved search {name!r}; choose another name or give --replace")
    _check_query(query, config)
    for url in notify:
        if not notify_channels.mask_address(url):
            usage_error(f"{url!r} is not a URL that Apprise can notify; docs/searching.md has examples")
    make_home(config)
    with open_archive(config) as database:
        matches = Library(database).count(Query(words=query, muted=config.mute))
        with database.write() as tx:
            alerts.start_search(tx, name, datetime.now(UTC))
    save_search(config.home, SavedSearch(name=name, query=query, notify=tuple(dict.fromkeys(notify))))
    number = f"{'' if matches.is_exact else 'at least '}{format_count(matches.number, 'article')}"
    recipients = f"; new matches notify {format_count(len(notify), 'channel')}" if notify else ""
    print(f"saved {name} in {searches_path(config.home)}: {number} now{recipients}")
    return 0


def _check_query(query: str, config: Config) -> None:
    """Raise UsageError if the query cannot be parsed, is empty or names an unknown topic."""
    from storage.model.search import Query
    from storage.search.query.parser import parse_strictly
    from storage.search.query.tree import QueryError

    try:
        parsed = parse_strictly(query)
    except QueryError as error:
        usage_error(f"the query is invalid: {error}\n{query}\n{' ' * error.position}^")
    if parsed.node is None:
        usage_error("the query is empty; give words or filters to search for")
    unmuted_query(Query(words=query), config)


def remove_search(config: Config, name: str) -> int:
    """Remove a saved search and its unsent messages."""
    from aggregator.alerts import saved_searches
    from storage.readers import alerts

    saved_search(config, name)
    saved_searches.remove_search(config.home, name)
    with open_archive(config) as database, database.write() as tx:
        alerts.delete_search(tx, name)
    print(f"removed {name} from {saved_searches.searches_path(config.home)}")
    return 0
